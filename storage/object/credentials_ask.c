/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "storage/object/credentials.h"

enum { REPLY_BYTES_MAX = 64 * 1024 };

/* The error code of a reply, of AWS (XML or JSON), OAuth or Azure; texts are left out: a service
 * may quote in them what it was sent. */
static void read_reason(const struct sw_http_response *response, char *ret, size_t size)
{
    struct sw_span body = sw_span_of(response->body, response->size);
    struct sw_error_reply reply;
    char oauth[64];
    char status[64];
    char aws[64];
    struct sw_reply_field fields[] = {
        {.name = "error", .ret = oauth, .size = sizeof(oauth)},
        {.name = "error.status", .ret = status, .size = sizeof(status)},
        {.name = "Code", .ret = aws, .size = sizeof(aws)},
    };
    const char *reason = reply.code;

    sw_reply_read_error(body, &reply);
    if (sw_credentials_read_json(body, fields, sizeof(fields) / sizeof(fields[0])))
        reason = oauth[0] != '\0' ? oauth : status[0] != '\0' ? status : aws;
    (void)snprintf(ret, size, "%s%s", reason[0] != '\0' ? " " : "", reason);
    for (char *at = ret; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr(" ._-", *at) == NULL)
            *at = '?';
    }
}

static enum sw_code judge(const struct sw_http_response *response, const char *what,
                          struct sw_err *err)
{
    char reason[80];

    if (response->status == 200 && response->size > 0)
        return SW_OK;
    read_reason(response, reason, sizeof(reason));
    if (response->status == 408 || response->status == 429 || response->status >= 500)
        return sw_fail(err, SW_STORE_UNAVAILABLE, "%s answers %u%s", what, response->status,
                       reason);
    return sw_fail(err, SW_STORE_REFUSED, "%s answers %u%s%s", what, response->status, reason,
                   response->status == 200 ? " without a body" : "");
}

enum sw_code sw_credentials_ask(struct sw_credentials *credentials, struct sw_http_call *call,
                                const char *what, uint64_t deadline_us, struct sw_err *err)
{
    call->request.plain_ok = sw_credentials_may_be_plain(call->request.url);
    if (!call->request.plain_ok && strncasecmp(call->request.url, "https://", 8) != 0)
        return sw_fail(err, SW_CONFIGURATION,
                       "%s: only https:// URLs, and http:// to loopback or a cloud's metadata "
                       "address",
                       what);
    call->request.bytes_max = REPLY_BYTES_MAX;
    call->request.deadline_us = deadline_us;
    sw_http_perform(credentials->http, call);
    if (call->response.arrived)
        return judge(&call->response, what, err);
    if (call->response.err.code == SW_CORRUPT) /* too large */
        return sw_fail(err, SW_STORE_REFUSED, "%s answers more than %d bytes", what,
                       REPLY_BYTES_MAX);
    *err = call->response.err;
    return sw_wrap(err, "%s", what);
}

void sw_credentials_forget(struct sw_http_call *call)
{
    if (call->response.body != NULL)
        explicit_bzero(call->response.body, call->response.size);
    for (unsigned i = 0; i < call->request.headers_count; i++)
        explicit_bzero(call->request.headers[i], strlen(call->request.headers[i]));
    sw_http_request_fini(&call->request);
    sw_http_response_fini(&call->response);
}

enum sw_code sw_credentials_take_bearer(struct sw_credentials *credentials,
                                        const struct sw_http_response *response, const char *what,
                                        struct sw_secret *ret, struct sw_err *err)
{
    char token[SW_TOKEN_SIZE];
    char seconds_text[24];
    struct sw_reply_field fields[] = {
        {.name = "access_token", .ret = token, .size = sizeof(token)},
        {.name = "expires_in", .ret = seconds_text, .size = sizeof(seconds_text)},
    };
    uint64_t seconds;
    enum sw_code rc;

    if (!sw_credentials_read_json(sw_span_of(response->body, response->size), fields, 2) ||
        token[0] == '\0' || fields[0].cut || !sw_credentials_read_seconds(seconds_text, &seconds)) {
        rc = sw_fail(err, SW_STORE_REFUSED, "%s answers something else than a token", what);
    } else {
        rc = sw_secret_set_token(ret, token, err);
        ret->expires_ms = sw_clock_now_ms(credentials->clock) + seconds * 1000;
    }
    explicit_bzero(token, sizeof(token));
    return rc;
}

enum sw_code sw_credentials_post(struct sw_credentials *credentials, struct sw_http_call *call,
                                 const struct sw_form *form, const char *what, uint64_t deadline_us,
                                 struct sw_err *err)
{
    if (form->failed ||
        !sw_http_add_header(&call->request, "Content-Type", "application/x-www-form-urlencoded"))
        return sw_fail(err, SW_NO_MEMORY, "%s: no memory for the request", what);
    call->request.method = "POST";
    call->request.body = sw_span_of(form->text, form->size);
    return sw_credentials_ask(credentials, call, what, deadline_us, err);
}
