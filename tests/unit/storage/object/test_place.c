/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: URLs of stores are taken apart as written or refused; what an answer means is told by
 * its status, with the store's own words.
 */
#include "storage/object/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void names_are_cut_off_one_by_one(void **state)
{
    const char *rest = "bucket-1//a/b";
    char name[SW_PLACE_NAME_SIZE];
    struct sw_err err;

    (void)state;
    assert_int_equal(sw_place_take_name(&rest, "a bucket", name, &err), SW_OK);
    assert_string_equal(name, "bucket-1");
    assert_string_equal(rest, "a/b");
    assert_int_equal(sw_place_take_name(&rest, "a", name, &err), SW_OK);
    assert_int_equal(sw_place_take_name(&rest, "b", name, &err), SW_OK);
    assert_string_equal(name, "b");
    assert_int_equal(sw_place_take_name(&rest, "a bucket", name, &err), SW_CONFIGURATION);
    assert_string_equal(err.text, "the object store's URL does not name a bucket");
}

static void what_no_key_has_is_refused(void **state)
{
    static const char *const rows[] = {"",     "/b",   "..",  "../b", ".",       "b?c",
                                       "b%2f", "b:80", "b@c", "b c",  "\xc3\xa4"};
    char name[SW_PLACE_NAME_SIZE];
    char long_name[SW_PLACE_NAME_SIZE + 1];
    const char *rest;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rest = rows[i];
        assert_int_equal(sw_place_take_name(&rest, "a bucket", name, NULL), SW_CONFIGURATION);
    }
    memset(long_name, 'a', SW_PLACE_NAME_SIZE);
    long_name[SW_PLACE_NAME_SIZE] = '\0';
    rest = long_name;
    assert_int_equal(sw_place_take_name(&rest, "a bucket", name, NULL), SW_CONFIGURATION);
}

static void prefixes_end_with_one_slash(void **state)
{
    static const char *const rows[][2] = {
        {"", ""}, {"a", "a/"}, {"a/", "a/"}, {"a//b", "a/b/"}, {"a/b//", "a/b/"}};
    struct sw_place place;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(&place, 'x', sizeof(place));
        assert_int_equal(sw_place_set_prefix(&place, rows[i][0], NULL), SW_OK);
        assert_string_equal(place.prefix, rows[i][1]);
    }
    assert_int_equal(sw_place_set_prefix(&place, "a/../b", NULL), SW_CONFIGURATION);
    assert_int_equal(sw_place_set_prefix(&place, "a b", NULL), SW_CONFIGURATION);
}

static void endpoints_are_urls_of_hosts(void **state)
{
    static const char *const good[][2] = {
        {"https://storage.googleapis.com", "https://storage.googleapis.com/b/c"},
        {"http://127.0.0.1:9000/", "http://127.0.0.1:9000/b/c"},
        {"HTTPS://h/x//", "HTTPS://h/x/b/c"},
    };
    static const char *const wrong[] = {
        "",           "127.0.0.1:9000", "ftp://h", "https://u:p@h", "https://h?x", "https://h#x",
        "https://h /"};
    static const char *const names[] = {"b", "c"};
    struct sw_place place;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(sw_place_set_base(&place, good[i][0], names, 2, NULL), SW_OK);
        assert_string_equal(place.base, good[i][1]);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(sw_place_set_base(&place, wrong[i], names, 2, NULL), SW_CONFIGURATION);
}

static void loopback_is_this_machine(void **state)
{
    (void)state;
    assert_true(sw_place_is_loopback("http://127.0.0.1:80/x"));
    assert_true(sw_place_is_loopback("http://127.0.0.1"));
    assert_true(sw_place_is_loopback("https://LOCALHOST/x"));
    assert_true(sw_place_is_loopback("http://[::1]:80"));
    assert_false(sw_place_is_loopback("http://127.0.0.1.example.com"));
    assert_false(sw_place_is_loopback("http://localhost.example.com"));
    assert_false(sw_place_is_loopback("http://example.com/localhost"));
    assert_false(sw_place_is_loopback("https://storage.googleapis.com"));
}

static void paths_begin_behind_the_host(void **state)
{
    (void)state;
    assert_string_equal(sw_place_path("http://h:1/a/b?c"), "/a/b?c");
    assert_string_equal(sw_place_path("http://h"), "");
}

static void urls_too_long_are_refused(void **state)
{
    struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = "k"};
    struct sw_http_request request;
    struct sw_place place = {.base = "https://h/b"};
    struct sw_form query = {0};

    (void)state;
    memset(place.base + 11, 'a', sizeof(place.base) - 12);
    assert_int_equal(sw_place_object(&place, &op, &request, NULL), SW_CONFIGURATION);
    sw_form_add(&query, "a", "b");
    assert_int_equal(sw_place_query(&place, &query, &request, NULL), SW_CONFIGURATION);
    sw_form_fini(&query);
    query.failed = true;
    assert_int_equal(sw_place_query(&place, &query, &request, NULL), SW_NO_MEMORY);
}

static void a_status_tells_what_to_do(void **state)
{
    static const struct {
        unsigned status;
        enum sw_reply reply;
        enum sw_code code;
    } rows[] = {
        {302, SW_REPLY_FAILED, SW_STORE_REFUSED},    {400, SW_REPLY_FAILED, SW_STORE_REFUSED},
        {401, SW_REPLY_REFUSED, SW_STORE_REFUSED},   {403, SW_REPLY_REFUSED, SW_STORE_REFUSED},
        {404, SW_REPLY_FAILED, SW_STORE_REFUSED},    {408, SW_REPLY_AGAIN, SW_STORE_UNAVAILABLE},
        {429, SW_REPLY_AGAIN, SW_STORE_UNAVAILABLE}, {500, SW_REPLY_AGAIN, SW_STORE_UNAVAILABLE},
        {501, SW_REPLY_FAILED, SW_STORE_REFUSED},    {503, SW_REPLY_AGAIN, SW_STORE_UNAVAILABLE},
    };
    const struct sw_error_reply error = {.code = "Why", .message = "because"};
    const struct sw_error_reply nothing = {.code = ""};
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sw_http_response response = {.status = rows[i].status};
        struct sw_object_op op = {.verb = SW_OBJECT_GET};

        assert_int_equal(sw_place_refuse("GCS", &op, &response, &error), rows[i].reply);
        assert_int_equal(op.err.code, rows[i].code);
        (void)snprintf(text, sizeof(text), "GCS answers %u Why: because", rows[i].status);
        assert_string_equal(op.err.text, text);
        (void)sw_place_refuse("GCS", &op, &response, &nothing);
        (void)snprintf(text, sizeof(text), "GCS answers %u", rows[i].status);
        assert_string_equal(op.err.text, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_cut_off_one_by_one),
        cmocka_unit_test(what_no_key_has_is_refused),
        cmocka_unit_test(prefixes_end_with_one_slash),
        cmocka_unit_test(endpoints_are_urls_of_hosts),
        cmocka_unit_test(loopback_is_this_machine),
        cmocka_unit_test(paths_begin_behind_the_host),
        cmocka_unit_test(urls_too_long_are_refused),
        cmocka_unit_test(a_status_tells_what_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
