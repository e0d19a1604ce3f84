/* SPDX-License-Identifier: Apache-2.0
 *
 * status - how a call failed: a code to branch on, a sentence to read.
 *
 * Owns:    nothing; a struct sw_err lives in the caller's memory.
 * Threads: any.
 * Fails:   never; a text too long is cut.
 */
#ifndef SW_STATUS_H
#define SW_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#define SW_MUST_CHECK __attribute__((warn_unused_result))
#define SW_PRINTF(string, first) __attribute__((format(printf, string, first)))

enum sw_code {
#define SW_CODE(name, grpc, retry_ms, text) SW_##name,
#include "storage/base/code.def"
#undef SW_CODE
    SW_CODE_COUNT
};

enum { SW_ERR_TEXT_MAX = 512, SW_ERR_FIELD_MAX = 64 };

struct sw_err {
    enum sw_code code;
    int os_errno;                 /* 0 when no system call failed */
    char field[SW_ERR_FIELD_MAX]; /* INVALID_FIELD: its path in the request, else "" */
    uint64_t limit;               /* INVALID_FIELD: the bound it broke, 0 = none */
    char text[SW_ERR_TEXT_MAX];
};

/* Fills *err and returns code, so that a caller can write `return sw_fail(...)`.
 * err may be NULL. */
SW_MUST_CHECK enum sw_code sw_fail(struct sw_err *err, enum sw_code code, const char *format, ...)
    SW_PRINTF(3, 4);

/* As sw_fail with INVALID_FIELD; the text becomes "FIELD: ...". */
SW_MUST_CHECK enum sw_code sw_fail_field(struct sw_err *err, const char *field, uint64_t limit,
                                         const char *format, ...) SW_PRINTF(4, 5);

/* Puts "format: " before the text already in *err; the code is kept and returned. */
SW_MUST_CHECK enum sw_code sw_wrap(struct sw_err *err, const char *format, ...) SW_PRINTF(2, 3);

const char *sw_code_name(enum sw_code code);  /* "LEASE_FENCED" */
const char *sw_code_text(enum sw_code code);  /* "a newer lease holds the run" */
int sw_code_grpc(enum sw_code code);          /* canonical gRPC status, 0 to 16 */
uint32_t sw_code_retry_ms(enum sw_code code); /* 0 = a retry makes no sense */

#endif
