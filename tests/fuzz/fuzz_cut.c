/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_cut - any bytes, cut into chunks.
 *
 * Claims: chunks cover the bytes and keep their bounds; where one ends depends on
 * nothing that lies more than SW_CUT_MAX bytes behind its start.
 */
#include <stdlib.h>

#include "storage/journal/cut.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sw_span rest = sw_span_of(data, size);

    while (rest.size > 0) {
        size_t cut = sw_cut(rest);
        size_t seen = rest.size < SW_CUT_MAX ? rest.size : SW_CUT_MAX;

        if (cut == 0 || cut > SW_CUT_MAX || cut > rest.size)
            abort();
        if (cut < SW_CUT_MIN && cut != rest.size)
            abort();
        if (rest.size > SW_CUT_MAX && sw_cut(sw_span_of(rest.data, seen)) != cut)
            abort();
        rest = sw_span_of(rest.data + cut, rest.size - cut);
    }
    if (sw_cut(rest) != 0)
        abort();
    return 0;
}
