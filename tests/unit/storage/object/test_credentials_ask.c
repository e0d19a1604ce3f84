/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: an identity service is asked only where nobody listens in, its answer is bounded, and of
 * what it says no more than a code is passed on.
 */
#include "tests/unit/storage/object/identity.h"

static struct identity *server;
static struct sw_http *http;
static struct sw_credentials *credentials;

static enum sw_code ask(const char *path, struct sw_http_call *call, struct sw_err *err)
{
    uint64_t deadline_us = sw_clock_monotonic_us(&identity_clock) + 5 * 1000 * 1000;

    *call = (struct sw_http_call){.request = {.method = "GET"}};
    (void)snprintf(call->request.url, sizeof(call->request.url), "http://127.0.0.1:%u%s",
                   server->port, path);
    return sw_credentials_ask(credentials, call, "the service", deadline_us, err);
}

static void set_rule(unsigned status, const char *body)
{
    const struct identity_rule rule = {.start = "GET ", .status = status, .body = body};

    identity_set(server, &rule, 1);
}

static void an_answer_is_waited_for(void **state)
{
    struct sw_http_call call;
    struct sw_err err;

    (void)state;
    set_rule(200, "hello");
    assert_int_equal(ask("/x", &call, &err), SW_OK);
    assert_true(identity_was_told(server, "GET /x HTTP/1.1\r\n"));
    assert_int_equal(call.response.size, 5);
    assert_memory_equal(call.response.body, "hello", 5);
    sw_credentials_forget(&call);
    assert_null(call.response.body);
}

static void refusals_are_told_by_their_codes(void **state)
{
    static const struct {
        unsigned status;
        const char *body;
        enum sw_code code;
        const char *text;
    } rows[] = {
        {400, "{\"error\":{\"status\":\"PERMISSION_DENIED\",\"message\":\"HUSH\"}}",
         SW_STORE_REFUSED, "the service answers 400 PERMISSION_DENIED"},
        {400, "{\"error\":\"a\\u001b[31m\\\"\",\"d\":\"HUSH\"}", SW_STORE_REFUSED,
         "the service answers 400 a??31m?"},
        {403, "{\"Code\":\"AccessDenied\",\"Message\":\"HUSH\"}", SW_STORE_REFUSED,
         "the service answers 403 AccessDenied"},
        {404, "HUSH", SW_STORE_REFUSED, "the service answers 404"},
        {408, "", SW_STORE_UNAVAILABLE, "the service answers 408"},
        {500, "", SW_STORE_UNAVAILABLE, "the service answers 500"},
        {204, "", SW_STORE_REFUSED, "the service answers 204"},
        {301, "", SW_STORE_REFUSED, "the service answers 301"},
    };
    struct sw_http_call call;
    struct sw_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set_rule(rows[i].status, rows[i].body);
        assert_int_equal(ask("/", &call, &err), rows[i].code);
        assert_string_equal(err.text, rows[i].text);
        assert_int_equal(call.response.status, rows[i].status);
        sw_credentials_forget(&call);
    }
}

static void endless_answers_are_not_read(void **state)
{
    enum { SIZE = 70 * 1000 };
    char *body = malloc(SIZE + 1);
    struct sw_http_call call;
    struct sw_err err;

    (void)state;
    assert_non_null(body);
    memset(body, 'x', SIZE);
    body[SIZE] = '\0';
    set_rule(200, body);
    assert_int_equal(ask("/", &call, &err), SW_STORE_REFUSED);
    assert_string_equal(err.text, "the service answers more than 65536 bytes");
    sw_credentials_forget(&call);
    free(body);
}

static void silence_ends_with_the_deadline(void **state)
{
    struct sw_http_call call = {.request = {.method = "GET"}};
    uint64_t before_us = sw_clock_monotonic_us(&identity_clock);
    struct sw_err err;

    (void)state;
    set_rule(0, "");
    (void)snprintf(call.request.url, sizeof(call.request.url), "http://127.0.0.1:%u/HUSH",
                   server->port);
    assert_int_equal(
        sw_credentials_ask(credentials, &call, "the service", before_us + 200 * 1000, &err),
        SW_STORE_UNAVAILABLE);
    assert_true(strncmp(err.text, "the service: 127.0.0.1:", 23) == 0);
    assert_null(strstr(err.text, "HUSH"));
    assert_true(sw_clock_monotonic_us(&identity_clock) - before_us < 3 * 1000 * 1000);
    sw_credentials_forget(&call);
}

static void nobody_is_asked_in_the_clear(void **state)
{
    struct sw_http_call call = {.request = {.method = "GET", .url = "http://192.0.2.1/HUSH"}};
    struct sw_err err;

    (void)state;
    assert_int_equal(sw_credentials_ask(credentials, &call, "the service", UINT64_MAX, &err),
                     SW_CONFIGURATION);
    assert_null(strstr(err.text, "HUSH"));
    sw_credentials_forget(&call);
}

static void a_form_without_memory_is_not_sent(void **state)
{
    const struct sw_form form = {.failed = true};
    struct sw_http_call call = {.request = {.method = NULL}};
    struct sw_err err;

    (void)state;
    assert_int_equal(sw_credentials_post(credentials, &call, &form, "the service", 0, &err),
                     SW_NO_MEMORY);
    sw_credentials_forget(&call);
}

static int start(void **state)
{
    static const struct sw_source none[] = {{"none", NULL}};
    struct sw_credentials_options options = {.clock = &identity_clock};

    (void)state;
    server = identity_start();
    if (sw_http_new(NULL, &identity_clock, &http, NULL) != SW_OK)
        return -1;
    options.http = http;
    return sw_credentials_new(&options, "test", none, 1, &credentials, NULL) == SW_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    sw_credentials_free(credentials);
    sw_http_free(http);
    identity_stop(server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_waited_for),
        cmocka_unit_test(refusals_are_told_by_their_codes),
        cmocka_unit_test(endless_answers_are_not_read),
        cmocka_unit_test(silence_ends_with_the_deadline),
        cmocka_unit_test(nobody_is_asked_in_the_clear),
        cmocka_unit_test(a_form_without_memory_is_not_sent),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
