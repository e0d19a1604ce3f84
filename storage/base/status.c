/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/base/status.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int grpc;
    uint32_t retry_ms;
    const char *text;
} codes[SW_CODE_COUNT] = {
#define SW_CODE(name, grpc, retry_ms, text) [SW_##name] = {#name, grpc, retry_ms, text},
#include "storage/base/code.def"
#undef SW_CODE
};

enum sw_code sw_fail(struct sw_err *err, enum sw_code code, const char *format, ...)
{
    va_list args;

    assert(code > SW_OK && code < SW_CODE_COUNT);
    if (err == NULL)
        return code;
    err->code = code;
    err->os_errno = 0;
    err->field[0] = '\0';
    err->limit = 0;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return code;
}

enum sw_code sw_fail_field(struct sw_err *err, const char *field, uint64_t limit,
                           const char *format, ...)
{
    va_list args;
    int prefix;

    if (err == NULL)
        return SW_INVALID_FIELD;
    err->code = SW_INVALID_FIELD;
    err->os_errno = 0;
    err->limit = limit;
    (void)snprintf(err->field, sizeof(err->field), "%s", field);
    prefix = snprintf(err->text, sizeof(err->text), "%s: ", err->field);
    assert(prefix >= 0 && (size_t)prefix < sizeof(err->text));
    va_start(args, format);
    (void)vsnprintf(err->text + prefix, sizeof(err->text) - (size_t)prefix, format, args);
    va_end(args);
    return SW_INVALID_FIELD;
}

enum sw_code sw_wrap(struct sw_err *err, const char *format, ...)
{
    char prefix[SW_ERR_TEXT_MAX - 2]; /* room for ": " */
    va_list args;
    size_t used;

    assert(err != NULL);
    va_start(args, format);
    if (vsnprintf(prefix, sizeof(prefix), format, args) < 0)
        prefix[0] = '\0';
    va_end(args);
    used = strlen(prefix);
    memmove(err->text + used + 2, err->text, sizeof(err->text) - used - 2);
    memcpy(err->text, prefix, used);
    memcpy(err->text + used, ": ", 2);
    err->text[sizeof(err->text) - 1] = '\0';
    return err->code;
}

const char *sw_code_name(enum sw_code code)
{
    assert(code < SW_CODE_COUNT);
    return codes[code].name;
}

const char *sw_code_text(enum sw_code code)
{
    assert(code < SW_CODE_COUNT);
    return codes[code].text;
}

int sw_code_grpc(enum sw_code code)
{
    assert(code < SW_CODE_COUNT);
    return codes[code].grpc;
}

uint32_t sw_code_retry_ms(enum sw_code code)
{
    assert(code < SW_CODE_COUNT);
    return codes[code].retry_ms;
}
