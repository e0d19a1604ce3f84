/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_text - what people type and what terminals show.
 *
 * Input: text without a NUL. Claims: every parser takes it or says CONFIGURATION;
 * what it took lies in its bounds; UTF-8 is stepped through without leaving it.
 */
#include <stdlib.h>

#include "sidecar/parse.h"
#include "sidecar/text.h"
#include "tests/fuzz/fuzz.h"

static void claim(bool holds)
{
    if (!holds)
        abort();
}

static bool took(enum sw_code rc, const struct sw_err *err)
{
    claim(rc == SW_OK || (rc == SW_CONFIGURATION && err->code == rc));
    return rc == SW_OK;
}

static void parse(const char *text)
{
    struct sw_host_port split;
    const char *path = NULL;
    struct sw_err err;
    uint64_t number;
    uint32_t mode;

    if (took(sw_parse_number(text, 3, 1000, &number, &err), &err))
        claim(number >= 3 && number <= 1000);
    (void)took(sw_parse_duration_ms(text, &number, &err), &err);
    (void)took(sw_parse_bytes(text, &number, &err), &err);
    if (took(sw_parse_mode(text, &mode, &err), &err))
        claim(mode <= 0777);
    if (took(sw_parse_host_port(text, "localhost", &split, &err), &err))
        claim(strlen(split.host) <= SW_HOST_MAX);
    if (took(sw_parse_address(text, &path, &split, &err), &err) && path != NULL)
        claim(path >= text && strlen(path) <= SW_SOCKET_PATH_MAX);
}

static void step_through(struct sw_span text)
{
    while (text.size > 0) {
        size_t size = sw_utf8_size(text);

        claim(size <= 4 && size <= text.size);
        if (size > 0) {
            claim(sw_utf8_code(text) <= 0x10ffff);
            (void)sw_utf8_is_control(sw_utf8_code(text));
        }
        size = size > 0 ? size : 1;
        text = sw_span_of(text.data + size, text.size - size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const words[] = {"serve", "runs", "show", "resolve", "status", NULL};
    char *text = malloc(size + 1);

    claim(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    step_through(sw_span_of(data, size));
    parse(text);
    (void)sw_nearest_word(text, words);
    free(text);
    return 0;
}
