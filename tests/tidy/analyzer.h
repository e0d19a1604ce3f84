/* SPDX-License-Identifier: Apache-2.0
 *
 * analyzer - what clang's analyzer, which sees one file at a time, cannot know:
 * sw_fail and its kin never return SW_OK. Included before each file it looks at.
 */
#ifndef SW_TESTS_ANALYZER_H
#define SW_TESTS_ANALYZER_H

#include "storage/base/status.h"

static inline enum sw_code sw_analyzer_code(const struct sw_err *err, enum sw_code code)
{
    (void)err;
    return code == SW_OK ? SW_CORRUPT : code;
}

void sw_analyzer_use(const char *format, ...);

#define sw_fail(err, code, ...) (sw_analyzer_use(__VA_ARGS__), sw_analyzer_code(err, code))
#define sw_fail_field(err, field, limit, ...)                                                      \
    (sw_analyzer_use(__VA_ARGS__), sw_analyzer_code(err, SW_INVALID_FIELD))
#define sw_wrap(err, ...) (sw_analyzer_use(__VA_ARGS__), sw_analyzer_code(err, SW_CORRUPT))

#endif
