/* SPDX-License-Identifier: Apache-2.0
 *
 * dialect - one request of a dialect and one answer to it, without a network.
 */
#ifndef SW_TESTS_DIALECT_H
#define SW_TESTS_DIALECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "storage/object/object.intern.h"

enum { DIALECT_TEXT_SIZE = 8192 };

/* "METHOD URL", then its headers, a line each. */
static inline void dialect_prepare(const struct sw_dialect *dialect, const struct sw_object_op *op,
                                   const struct sw_secret *secret, char ret[DIALECT_TEXT_SIZE])
{
    struct sw_http_request request = {.method = NULL};
    struct sw_err err;
    size_t used;

    /* Tue, 24 Nov 2026 22:50:00 GMT */
    if (dialect->prepare(dialect->self, op, secret, UINT64_C(1795560600000), &request, &err) !=
        SW_OK)
        fail_msg("%s", err.text);
    used = (size_t)snprintf(ret, DIALECT_TEXT_SIZE, "%s %s\n", request.method, request.url);
    for (unsigned i = 0; i < request.headers_count; i++)
        used += (size_t)snprintf(ret + used, DIALECT_TEXT_SIZE - used, "%s\n", request.headers[i]);
    assert_true(used < DIALECT_TEXT_SIZE);
    if (op->verb == SW_OBJECT_CREATE)
        assert_true(sw_span_equal(request.body, op->body));
    sw_http_request_fini(&request);
}

struct dialect_row {
    enum sw_object_verb verb;
    unsigned status;
    const char *code; /* of the error reply; NULL: an empty body */
    enum sw_reply reply;
};

static inline enum sw_reply dialect_answer(const struct sw_dialect *dialect,
                                           struct sw_object_op *op, unsigned status,
                                           const char *body)
{
    struct sw_http_response response = {.arrived = true, .status = status};
    enum sw_reply reply;

    response.body = (uint8_t *)strdup(body);
    response.size = strlen(body);
    assert_non_null(response.body);
    reply = dialect->interpret(dialect->self, op, &response);
    sw_http_response_fini(&response);
    return reply;
}

static inline void dialect_check(const struct sw_dialect *dialect, const struct dialect_row *rows,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sw_object_op op = {.verb = rows[i].verb, .key = ""};
        char body[256] = "";
        enum sw_reply reply;

        if (rows[i].code != NULL)
            (void)snprintf(body, sizeof(body), "<Error><Code>%s</Code></Error>", rows[i].code);
        reply = dialect_answer(dialect, &op, rows[i].status, body);
        if (reply != rows[i].reply)
            fail_msg("verb %d, %u %s: %d", (int)rows[i].verb, rows[i].status,
                     rows[i].code != NULL ? rows[i].code : "", (int)reply);
        if (reply == SW_REPLY_FAILED || reply == SW_REPLY_REFUSED || reply == SW_REPLY_AGAIN)
            assert_true(op.err.code != SW_OK && op.err.text[0] != '\0');
        sw_object_op_fini(&op);
    }
}

#endif
