/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: signatures are those of AWS's published test suite, whatever the order of headers and
 * parameters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "storage/object/sigv4.h"

enum { LINE_MAX_SIZE = 4096, CASES = 35 };

/* One case of tests/vectors/sigv4.vec. */
struct vector {
    char words[10][LINE_MAX_SIZE]; /* by the order of names */
    char headers[SW_HTTP_HEADERS_MAX][LINE_MAX_SIZE];
    unsigned headers_count;
};
static const char *const names[] = {"case ",    "method ", "host ",   "path ",    "query ",
                                    "payload ", "time ",   "region ", "service ", "signature "};
enum word { CASE, METHOD, HOST, PATH, QUERY, PAYLOAD, TIME, REGION, SERVICE, SIGNATURE, WORDS };

static struct vector vector; /* too large for a stack */

static void read_line(char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "header ", 7) == 0)
        (void)snprintf(vector.headers[vector.headers_count++], LINE_MAX_SIZE, "%s", line + 7);
    for (int i = 0; i < WORDS; i++) {
        if (strncmp(line, names[i], strlen(names[i])) == 0)
            (void)snprintf(vector.words[i], LINE_MAX_SIZE, "%s", line + strlen(names[i]));
    }
}

/* Headers as they are, or the last first. */
static void check_signature(bool backwards)
{
    struct sw_sigv4 what = {
        .host = vector.words[HOST],
        .path = vector.words[PATH],
        .query = vector.words[QUERY],
        .payload_sha256 = vector.words[PAYLOAD],
        .region = vector.words[REGION],
        .service = vector.words[SERVICE],
        .access_key = "AKIDEXAMPLE",
        .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        .now_ms = strtoull(vector.words[TIME], NULL, 10),
    };
    struct sw_http_request request = {.method = vector.words[METHOD]};
    const char *given;

    for (unsigned i = 0; i < vector.headers_count; i++) {
        unsigned index = backwards ? vector.headers_count - 1 - i : i;

        request.headers[i] = strdup(vector.headers[index]);
        assert_non_null(request.headers[i]);
        request.headers_count++;
    }
    assert_true(sw_sigv4_sign(&what, &request));
    assert_int_equal(request.headers_count, vector.headers_count + 1);
    given = strstr(request.headers[request.headers_count - 1], "Signature=");
    assert_non_null(given);
    if (strcmp(given + strlen("Signature="), vector.words[SIGNATURE]) != 0)
        fail_msg("%s: %s", vector.words[CASE], request.headers[request.headers_count - 1]);
    assert_null(strstr(request.headers[request.headers_count - 1], what.secret_key));
    sw_http_request_fini(&request);
}

static void the_published_vectors_hold(void **state)
{
    const char *root = getenv("SW_TEST_ROOT");
    char line[LINE_MAX_SIZE];
    int checked = 0;
    FILE *file;

    (void)state;
    assert_non_null(root);
    (void)snprintf(line, sizeof(line), "%s/vectors/sigv4.vec", root);
    file = fopen(line, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "case ", 5) == 0)
            memset(&vector, 0, sizeof(vector));
        read_line(line);
        if (strncmp(line, "signature ", 10) != 0)
            continue;
        check_signature(false);
        check_signature(true);
        checked++;
    }
    (void)fclose(file);
    assert_int_equal(checked, CASES);
}

static void parameters_are_sorted_by_name_then_value(void **state)
{
    static const char *const orders[] = {"a=1&a=2&a-b=0&a0=&b", "b&a0=&a-b=0&a=2&a=1",
                                         "a=2&b=&a0=&a=1&a-b=0"};
    char first[SW_HTTP_LINE_MAX] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct sw_sigv4 what = {.host = "h",
                                .path = "/",
                                .query = orders[i],
                                .payload_sha256 = "p",
                                .region = "r",
                                .service = "s3",
                                .access_key = "k",
                                .secret_key = "s"};
        struct sw_http_request request = {.method = "GET"};

        assert_true(sw_sigv4_sign(&what, &request));
        if (i == 0)
            (void)snprintf(first, sizeof(first), "%s", request.headers[0]);
        assert_string_equal(request.headers[0], first);
        sw_http_request_fini(&request);
    }
}

static void what_does_not_fit_is_not_signed(void **state)
{
    char *huge = calloc(1, 20000);
    struct sw_sigv4 what = {.host = "h",
                            .path = huge,
                            .query = "",
                            .payload_sha256 = "p",
                            .region = "r",
                            .service = "s3",
                            .access_key = "k",
                            .secret_key = "s"};
    struct sw_http_request request = {.method = "GET"};

    (void)state;
    assert_non_null(huge);
    memset(huge, '/', 19999);
    assert_false(sw_sigv4_sign(&what, &request));
    what.path = "/";
    what.query = "a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q";
    assert_false(sw_sigv4_sign(&what, &request));
    assert_int_equal(request.headers_count, 0);
    free(huge);
}

static void letters_are_encoded_as_s3_has_it(void **state)
{
    char text[64];

    (void)state;
    assert_true(sw_sigv4_encode("aZ09-._~/ =+:*'()%\xc3\xa9", false, text, sizeof(text)));
    assert_string_equal(text, "aZ09-._~/%20%3D%2B%3A%2A%27%28%29%25%C3%A9");
    assert_true(sw_sigv4_encode("a/b", true, text, sizeof(text)));
    assert_string_equal(text, "a%2Fb");
    assert_true(sw_sigv4_encode("", true, text, 1));
    assert_false(sw_sigv4_encode("", true, text, 0));
    for (size_t size = 1; size <= 6; size++)
        assert_int_equal(sw_sigv4_encode("a/b", true, text, size), size == 6);
}

static void a_date_is_written_for_every_time(void **state)
{
    char date[SW_SIGV4_DATE_SIZE];

    (void)state;
    sw_sigv4_date(UINT64_C(1440938160999), date);
    assert_string_equal(date, "20150830T123600Z");
    sw_sigv4_date(0, date);
    assert_string_equal(date, "19700101T000000Z");
    sw_sigv4_date(UINT64_MAX, date);
    assert_int_equal(strlen(date), SW_SIGV4_DATE_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vectors_hold),
        cmocka_unit_test(parameters_are_sorted_by_name_then_value),
        cmocka_unit_test(what_does_not_fit_is_not_signed),
        cmocka_unit_test(letters_are_encoded_as_s3_has_it),
        cmocka_unit_test(a_date_is_written_for_every_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
