/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: header lines of any server mean what they mean, and nothing of ours goes out in the
 * clear by accident.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "storage/object/http.h"

static const uint64_t now_ms = UINT64_C(784111777000); /* Sun, 06 Nov 1994 08:49:37 GMT */

static bool has_length;

static struct sw_http_response read_lines(const char *const *lines)
{
    struct sw_http_response response = {0};

    has_length = false;
    for (; *lines != NULL; lines++)
        sw_http_read_header(sw_span_of_text(*lines), now_ms, &response, &has_length);
    return response;
}

#define LINES(...) read_lines((const char *const[]){__VA_ARGS__, NULL})

static void headers_are_read_without_case_and_blanks(void **state)
{
    struct sw_http_response response =
        LINES("HTTP/1.1 301 Moved\r\n", "date:Sun, 06 Nov 1994 08:49:37 GMT\r\n",
              "LOCATION:  https://else.where/x \r\n", "X-Amz-Bucket-Region: eu-west-1\r\n",
              "ETag: \"abc\"\r\n", "content-length: 5\r\n", "\r\n");

    (void)state;
    assert_int_equal(response.status, 301);
    assert_true(response.date_ms == now_ms);
    assert_string_equal(response.location, "https://else.where/x");
    assert_string_equal(response.region, "eu-west-1");
    assert_string_equal(response.etag, "\"abc\"");
    assert_true(has_length);
}

static void what_is_odd_is_left_out(void **state)
{
    char long_region[256] = "x-amz-bucket-region: ";
    struct sw_http_response response =
        LINES("HTTP/1.1\r\n", "Date: yesterday\r\n", "Dates: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
              "Date: Sun, 06 Nov 1994 08:49:37 GMT and more\r\n", "Retry-After: -3\r\n",
              "Retry-After: soon\r\n", "Location\r\n", ":\r\n", "", "\xff\xfe: \x01\r\n");

    (void)state;
    assert_int_equal(response.status, 0);
    assert_true(response.date_ms == 0);
    assert_true(response.retry_after_ms == 0);
    assert_string_equal(response.location, "");
    assert_false(has_length);
    memset(long_region + strlen(long_region), 'x', 100);
    response = LINES(long_region);
    assert_string_equal(response.region, "");
}

static void a_wait_is_read_in_both_forms_and_bounded(void **state)
{
    static const struct {
        const char *line;
        uint64_t ms;
    } waits[] = {
        {"Retry-After: 0", 0},
        {"Retry-After: 7", 7000},
        {"Retry-After: 99999999999999999999", 3600000},
        {"Retry-After: 7200", 3600000},
        {"Retry-After: Sun, 06 Nov 1994 08:49:47 GMT", 10000},
        {"Retry-After: Sun, 06 Nov 1994 08:49:07 GMT", 0},
        {"Retry-After: Mon, 07 Nov 1994 08:49:37 GMT", 3600000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
        assert_true(LINES(waits[i].line).retry_after_ms == waits[i].ms);
}

static void an_interim_answer_is_forgotten(void **state)
{
    struct sw_http_response response =
        LINES("HTTP/1.1 100 Continue\r\n", "Content-Length: 3\r\n", "\r\n", "HTTP/1.1 200 OK\r\n");

    (void)state;
    assert_int_equal(response.status, 200);
    assert_false(has_length);
    (void)LINES("HTTP/1.1 200 OK\r\n", "Transfer-Encoding: Chunked\r\n");
    assert_true(has_length);
    (void)LINES("HTTP/1.1 200 OK\r\n", "Transfer-Encoding: identity\r\n");
    assert_false(has_length);
}

static void a_header_is_one_line_or_none(void **state)
{
    struct sw_http_request request = {0};
    char *too_long = calloc(1, SW_HTTP_LINE_MAX + 1);

    (void)state;
    assert_non_null(too_long);
    memset(too_long, 'x', SW_HTTP_LINE_MAX);
    assert_false(sw_http_add_header(&request, "A", "b\r\nEvil: yes"));
    assert_false(sw_http_add_header(&request, "A\n", "b"));
    assert_false(sw_http_add_header(&request, "A", too_long));
    assert_int_equal(request.headers_count, 0);
    for (int i = 0; i < SW_HTTP_HEADERS_MAX; i++)
        assert_true(sw_http_add_header(&request, "Name", "value"));
    assert_false(sw_http_add_header(&request, "Name", "value"));
    assert_string_equal(request.headers[SW_HTTP_HEADERS_MAX - 1], "Name: value");
    sw_http_request_fini(&request);
    sw_http_request_fini(&request);
    free(too_long);
}

static void only_this_machine_is_asked_in_the_clear(void **state)
{
    static const char *const near[] = {"https://far.example/x", "http://127.0.0.1/",
                                       "http://127.0.0.1:80/x", "HTTP://LOCALHOST/x",
                                       "http://localhost",      "http://[::1]:9000/x"};
    static const char *const far[] = {
        "http://far.example/",       "http://127.0.0.1.evil.example/", "http://localhost.evil/",
        "http://10.0.0.1/127.0.0.1", "http://169.254.169.254/",        "http://[::2]/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
        assert_false(sw_http_is_exposed(near[i]));
    for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
        assert_true(sw_http_is_exposed(far[i]));
}

static void a_message_shows_the_host_alone(void **state)
{
    char host[16];

    (void)state;
    sw_http_host("https://a.b:1/path?sig=secret", host, sizeof(host));
    assert_string_equal(host, "a.b:1");
    sw_http_host("https://a.b?sig=secret", host, sizeof(host));
    assert_string_equal(host, "a.b");
    sw_http_host("http://a-very-long-name.example/", host, sizeof(host));
    assert_string_equal(host, "a-very-long-nam");
}

static void a_peer_is_silent_when_too_little_moved_for_too_long(void **state)
{
    enum { S = 1000 * 1000 };
    struct sw_http_progress progress = {.at_us = 100 * S};

    (void)state;
    assert_false(sw_http_is_silent(&progress, 0, 0, 103 * S));
    assert_true(sw_http_is_silent(&progress, 191, 0, 103 * S + 1)); /* drops are no progress */
    assert_false(sw_http_is_silent(&progress, 192, 0, 103 * S + 1));
    assert_false(sw_http_is_silent(&progress, 192, 0, 106 * S));
    assert_false(sw_http_is_silent(&progress, 300, 0, 106 * S));
    assert_true(sw_http_is_silent(&progress, 300, 0, 107 * S));
    assert_false(sw_http_is_silent(&progress, 300, 256 << 10, 107 * S)); /* it has a way to go */
    assert_true(sw_http_is_silent(&progress, 300, 256 << 10, 108 * S));
}

static void fini_may_be_called_again(void **state)
{
    struct sw_http_response response = {.body = malloc(4), .size = 4};

    (void)state;
    sw_http_response_fini(&response);
    assert_null(response.body);
    sw_http_response_fini(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read_without_case_and_blanks),
        cmocka_unit_test(what_is_odd_is_left_out),
        cmocka_unit_test(a_wait_is_read_in_both_forms_and_bounded),
        cmocka_unit_test(an_interim_answer_is_forgotten),
        cmocka_unit_test(a_header_is_one_line_or_none),
        cmocka_unit_test(only_this_machine_is_asked_in_the_clear),
        cmocka_unit_test(a_message_shows_the_host_alone),
        cmocka_unit_test(a_peer_is_silent_when_too_little_moved_for_too_long),
        cmocka_unit_test(fini_may_be_called_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
