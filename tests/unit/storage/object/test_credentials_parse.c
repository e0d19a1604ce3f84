/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: JSON, INI files, times, queries and token files are read as their makers write them;
 * what they do not write is refused; plain http stays on the machine.
 */
#include "storage/object/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct texts {
    char a[16];
    char b[16];
    struct sw_reply_field fields[2];
};

static void init_texts(struct texts *texts, const char *a, const char *b)
{
    memset(texts, 'x', sizeof(*texts));
    texts->fields[0] =
        (struct sw_reply_field){.name = a, .ret = texts->a, .size = sizeof(texts->a)};
    texts->fields[1] =
        (struct sw_reply_field){.name = b, .ret = texts->b, .size = sizeof(texts->b)};
}

static void json_texts_and_numbers_are_read_by_path(void **state)
{
    static const struct {
        const char *json;
        bool is_object;
        const char *a;
        const char *b;
    } rows[] = {
        {"{\"a\":\"one\",\"b\":{\"c\":\"two\"}}", true, "one", "two"},
        {"{\"a\":3599,\"b\":{\"c\":1e3}}", true, "3599", "1000"},
        {"{\"a\":-1,\"b\":{\"c\":1e300}}", true, "", ""},
        {"{\"a\":null,\"b\":\"c\"}", true, "", ""},
        {"{\"A\":\"no\",\"b\":[{\"c\":\"no\"}]}", true, "", ""},
        {"{\"a\":true,\"b\":{\"c\":{}}}", true, "", ""},
        {"{}", true, "", ""},
        {"[]", false, "", ""},
        {"\"a\"", false, "", ""},
        {"{\"a\":\"one\"", false, "", ""},
        {"", false, "", ""},
    };
    struct texts texts;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        init_texts(&texts, "a", "b.c");
        assert_int_equal(sw_credentials_read_json(sw_span_of_text(rows[i].json), texts.fields, 2),
                         rows[i].is_object);
        assert_string_equal(texts.a, rows[i].a);
        assert_string_equal(texts.b, rows[i].b);
    }
    init_texts(&texts, "a", "b");
    assert_true(sw_credentials_read_json(
        sw_span_of_text("{\"a\":\"0123456789abcdef\",\"b\":\"0123456789abcde\"}"), texts.fields,
        2));
    assert_string_equal(texts.a, "0123456789abcde");
    assert_true(texts.fields[0].cut);
    assert_false(texts.fields[1].cut);
}

static void ini_sections_are_read_as_the_aws_tools_write_them(void **state)
{
    static const char text[] = "# comment\n"
                               "key = before any section\n"
                               "[default]\r\n"
                               "key=one\r\n"
                               ";key = two\n"
                               "  key = of something nested\n"
                               "broken line\n"
                               "other = a = b \n"
                               "\n"
                               "[ spaced ]\n"
                               "key = three\n"
                               "key = four";
    struct texts texts;

    (void)state;
    init_texts(&texts, "key", "other");
    assert_true(sw_credentials_read_ini(sw_span_of_text(text), "default", texts.fields, 2));
    assert_string_equal(texts.a, "one");
    assert_string_equal(texts.b, "a = b");
    assert_true(sw_credentials_read_ini(sw_span_of_text(text), "spaced", texts.fields, 2));
    assert_string_equal(texts.a, "four");
    assert_string_equal(texts.b, "");
    assert_false(sw_credentials_read_ini(sw_span_of_text(text), "absent", texts.fields, 2));
    assert_string_equal(texts.a, "");
    assert_false(sw_credentials_read_ini(sw_span_of_text(""), "default", texts.fields, 2));
    init_texts(&texts, "key", "other");
    assert_true(sw_credentials_read_ini(sw_span_of("[default]\nkey = a\0b\nother=c", 27), "default",
                                        texts.fields, 2));
    assert_string_equal(texts.a, "");
    assert_string_equal(texts.b, "c");
}

static void times_are_those_of_iso_8601(void **state)
{
    static const struct {
        const char *text;
        uint64_t seconds; /* by date -d */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-24T22:50:00Z", 1795560600},
        {"2026-11-24T22:50:00.123456789Z", 1795560600},
        {"2026-11-24T22:50:00", 1795560600},
        {"2026-11-24T22:50Z", 1795560600},
        {"2026-11-24T23:50:00+01:00", 1795560600},
        {"2026-11-24T20:50:00-0200", 1795560600},
        {"2026-11-24", 1795478400},
        {"2024-02-29T12:00:00Z", 1709208000},
        {"2100-03-01T00:00:00Z", 4107542400},
        {"9999-12-31T23:59:59Z", 253402300799},
    };
    static const char *const wrong[] = {
        "",
        "now",
        "2026",
        "2026-11",
        "2026-11-24T",
        "2026-11-24T22",
        "2026-11-24T22:50:",
        "2026-11-24T22:50:00Zjunk",
        "2026-11-24 22:50:00",
        "2026-13-24",
        "2026-00-24",
        "2026-11-32",
        "2026-11-24T24:00:00Z",
        "2026-11-24T22:60:00Z",
        "1969-12-31",
        "1970-01-01T00:00:00+01:00",
        "2026-11-24T22:50:00+1",
        "2026-11-24T22:50:00+99:00",
        "-026-11-24",
        "99999-11-24",
    };
    uint64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(sw_credentials_read_time(rows[i].text, &ms));
        assert_int_equal(ms, rows[i].seconds * 1000);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(sw_credentials_read_time(wrong[i], &ms));
}

static void seconds_are_digits(void **state)
{
    uint64_t seconds;

    (void)state;
    assert_true(sw_credentials_read_seconds("3599", &seconds));
    assert_int_equal(seconds, 3599);
    assert_true(sw_credentials_read_seconds("9999999999", &seconds));
    assert_false(sw_credentials_read_seconds("", &seconds));
    assert_false(sw_credentials_read_seconds("-1", &seconds));
    assert_false(sw_credentials_read_seconds("1s", &seconds));
    assert_false(sw_credentials_read_seconds("10000000000", &seconds));
}

static void query_parameters_are_decoded(void **state)
{
    static const char query[] = "sv=2022-11-02&se=2026-11-24T22%3A50%3a00Z&bad=%4&nul=%00&empty=";
    char value[24];

    (void)state;
    assert_true(sw_credentials_read_query(query, "se", value, sizeof(value)));
    assert_string_equal(value, "2026-11-24T22:50:00Z");
    assert_true(sw_credentials_read_query(query, "empty", value, sizeof(value)));
    assert_string_equal(value, "");
    assert_false(sw_credentials_read_query(query, "s", value, sizeof(value)));
    assert_false(sw_credentials_read_query(query, "bad", value, sizeof(value)));
    assert_false(sw_credentials_read_query(query, "nul", value, sizeof(value)));
    assert_false(sw_credentials_read_query(query, "se", value, 20));
    assert_false(sw_credentials_read_query("", "se", value, sizeof(value)));
}

static void plain_http_stays_on_the_machine(void **state)
{
    static const char *const local[] = {
        "http://localhost/x",
        "http://LOCALHOST:80",
        "http://127.0.0.1:8080/x",
        "http://127.9.9.9",
        "http://[::1]:80/x",
        "http://[::1]",
        "http://169.254.169.254/latest",
        "http://169.254.170.2/v",
        "http://169.254.170.23/v1",
        "http://[fd00:ec2::254]/latest",
        "http://[fd00:ec2::23]/v1",
        "http://metadata.google.internal/x",
    };
    static const char *const foreign[] = {
        "http://example.com/",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.com/",
        "http://",
        "http://127.example.com",
        "http://user@localhost/",
        "http://localhost@example.com/",
        "http://localhost:80@example.com/",
        "http://[::1]:@example.com/",
        "http://[fd00:ec2::23]:80@example.com/v1",
        "http://[::1",
        "http://[::1]x",
        "http://[::2]/",
        "http://0177.0.0.1/",
        "http://169.255.1.1/",
        "http://example.com/@localhost",
        "http://example.com?@localhost",
        "https://localhost/",
        "ftp://localhost/",
        "localhost",
        "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
        assert_true(sw_credentials_may_be_plain(local[i]));
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        assert_false(sw_credentials_may_be_plain(foreign[i]));
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void token_files_hold_one_word(void **state)
{
    char folder[] = "/tmp/sw-credentials-XXXXXX";
    char path[64];
    char token[16];
    struct sw_err err;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/token", folder);
    assert_int_equal(sw_credentials_read_token(path, "VAR", token, sizeof(token), &err),
                     SW_CONFIGURATION);
    assert_non_null(strstr(err.text, "VAR: /tmp/sw-credentials-"));
    assert_non_null(strstr(err.text, "No such file or directory"));
    write_file(path, "\n secret-15-bytes");
    assert_int_equal(sw_credentials_read_token(path, "VAR", token, sizeof(token), &err),
                     SW_CONFIGURATION); /* the bound is on the file */
    assert_null(strstr(err.text, "secret"));
    write_file(path, " secret-token \n");
    assert_int_equal(sw_credentials_read_token(path, "VAR", token, sizeof(token), &err), SW_OK);
    assert_string_equal(token, "secret-token");
    write_file(path, "secret token");
    assert_int_equal(sw_credentials_read_token(path, "VAR", token, sizeof(token), &err),
                     SW_CONFIGURATION);
    assert_null(strstr(err.text, "secret"));
    write_file(path, " \n");
    assert_int_equal(sw_credentials_read_token(path, "VAR", token, sizeof(token), &err),
                     SW_CONFIGURATION);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sw_credentials_read_token(folder, "VAR", token, sizeof(token), &err),
                     SW_CONFIGURATION); /* a folder */
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_texts_and_numbers_are_read_by_path),
        cmocka_unit_test(ini_sections_are_read_as_the_aws_tools_write_them),
        cmocka_unit_test(times_are_those_of_iso_8601),
        cmocka_unit_test(seconds_are_digits),
        cmocka_unit_test(query_parameters_are_decoded),
        cmocka_unit_test(plain_http_stays_on_the_machine),
        cmocka_unit_test(token_files_hold_one_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
