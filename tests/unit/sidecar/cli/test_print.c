/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sidecar/capture.h"

static int open_arena(void **state)
{
    static struct sw_arena arena;

    sw_arena_init(&arena, 0);
    *state = &arena;
    return setenv("TZ", "UTC", 1);
}

static int close_arena(void **state)
{
    sw_arena_fini(*state);
    return 0;
}

static struct sw_span text(const char *characters)
{
    return sw_span_of_text(characters);
}

/* Goal: no text of a run can steer the terminal of who looks at it. */
static void control_characters_are_replaced(void **state)
{
    assert_string_equal(sw_text_safe(*state, text("a\033[31mb"), 0), "a\xef\xbf\xbd[31mb");
    assert_string_equal(sw_text_safe(*state, text("a\nb\tc\rd"), 0), "a b c d");
    assert_string_equal(sw_text_safe(*state, text("\xc2\x9b"), 0), "\xef\xbf\xbd");
    assert_string_equal(sw_text_safe(*state,
                                     text("\xe2\x80\xae"
                                          "abc"),
                                     0),
                        "\xef\xbf\xbd"
                        "abc");
    assert_string_equal(sw_text_safe(*state, text("\xff\xc3"), 0), "\xef\xbf\xbd\xef\xbf\xbd");
    assert_string_equal(sw_text_safe(*state, sw_span_of("\0", 1), 0), "\xef\xbf\xbd");
}

static void long_texts_are_cut(void **state)
{
    assert_string_equal(sw_text_safe(*state, text("abcdef"), 6), "abcdef");
    assert_string_equal(sw_text_safe(*state, text("abcdefg"), 6), "abcde\xe2\x80\xa6");
    assert_string_equal(sw_text_safe(*state, text("\xc3\xa9\xc3\xa9\xc3\xa9"), 3),
                        "\xc3\xa9\xc3\xa9\xc3\xa9");
    assert_string_equal(sw_text_safe(*state, text("\xc3\xa9\xc3\xa9\xc3\xa9"), 2),
                        "\xc3\xa9\xe2\x80\xa6");
    assert_string_equal(sw_text_safe(*state, text(""), 2), "");
    assert_int_equal(sw_text_columns("\xc3\xa9\xe2\x80\xa6x"), 3);
}

/* Goal: the buffer for the longest replacement is large enough.
 * Method: every length around the bound, of bytes that each become three; the sanitizer looks. */
static void cutting_never_overruns(void **state)
{
    char bad[300];

    memset(bad, '\xff', sizeof(bad));
    for (size_t columns = 0; columns < 80; columns++) {
        for (size_t size = 0; size < sizeof(bad); size += 3)
            assert_non_null(sw_text_safe(*state, sw_span_of(bad, size), columns));
    }
}

static void times_and_durations_read_well(void **state)
{
    assert_string_equal(sw_text_time(*state, 0), "-");
    assert_string_equal(sw_text_time(*state, 1000123), "1970-01-01 00:16:40");
    assert_string_equal(sw_text_time_iso(*state, 1000123), "1970-01-01T00:16:40.123Z");
    assert_string_equal(sw_text_duration(*state, 0), "0 ms");
    assert_string_equal(sw_text_duration(*state, 999), "999 ms");
    assert_string_equal(sw_text_duration(*state, 4250), "4.2 s");
    assert_string_equal(sw_text_duration(*state, 185000), "3 min 5 s");
    assert_string_equal(sw_text_duration(*state, 7500000), "2 h 5 min");
    assert_string_equal(sw_text_duration(*state, 273600000), "3 d 4 h");
}

static void sizes_read_well(void **state)
{
    assert_string_equal(sw_text_bytes(*state, 1023), "1023 B");
    assert_string_equal(sw_text_bytes(*state, 1024), "1.0 KiB");
    assert_string_equal(sw_text_bytes(*state, 1024 * 1024 - 1), "1.0 MiB");
    assert_string_equal(sw_text_bytes(*state, 12900000), "12.3 MiB");
    assert_string_equal(sw_text_bytes(*state, UINT64_MAX), "16.0 EiB");
}

static void payloads_show_their_beginning(void **state)
{
    struct sw_payload payload = {.present = true,
                                 .data = text("{\"order\": 17}"),
                                 .size = 13,
                                 .content_type = text("application/json")};

    assert_string_equal(sw_text_payload(*state, &payload, 40), "13 B  {\"order\": 17}");
    assert_string_equal(sw_text_payload(*state, &payload, 4), "13 B  {\"o\xe2\x80\xa6");
    payload.data = sw_span_of("\0\xff", 2);
    payload.size = 2;
    assert_string_equal(sw_text_payload(*state, &payload, 40), "2 B  application/json");
    payload.data = text("");
    payload.size = 5000; /* its bytes were not read */
    assert_string_equal(sw_text_payload(*state, &payload, 40), "4.9 KiB  application/json");
}

static void failures_and_usage_read_well(void **state)
{
    struct sw_failure failure = {.type = text("RateLimitError"), .message = text("slow down")};
    struct sw_usage usage = {.input_tokens = 1200,
                             .cached_input_tokens = 300,
                             .output_tokens = 50,
                             .cost_micros = 12345};

    assert_string_equal(sw_text_failure(*state, &failure, 40), "RateLimitError: slow down");
    failure.message = text("");
    assert_string_equal(sw_text_failure(*state, &failure, 40), "RateLimitError");
    assert_string_equal(sw_text_usage(*state, &usage),
                        "1200 tokens in (300 cached), 50 out, $0.0123");
    usage = (struct sw_usage){.output_tokens = 1, .cost_micros = 2500000};
    assert_string_equal(sw_text_usage(*state, &usage), "0 tokens in, 1 out, $2.50");
    usage = (struct sw_usage){.input_tokens = 0};
    assert_string_equal(sw_text_usage(*state, &usage), "");
}

static void tables_are_aligned(void **state)
{
    static const char *const headings[] = {"NAME", ">COUNT", "LAST", NULL};
    struct capture capture;
    struct sw_table table;

    sw_table_init(&table, *state, headings);
    sw_table_add(&table, (const char *const[]){"\xc3\xa9t\xc3\xa9", "1", "x"}, NULL);
    sw_table_add(&table, (const char *const[]){">longer", "1234567", "y"}, NULL);
    assert_int_equal(table.rows, 2);
    capture_begin(&capture);
    sw_table_print(&table, stdout, false);
    capture_end(&capture);
    assert_string_equal(capture.out, "NAME       COUNT  LAST\n"
                                     "\xc3\xa9t\xc3\xa9            1  x\n"
                                     ">longer  1234567  y\n");
    capture_free(&capture);
}

static void colours_do_not_count_as_width(void **state)
{
    static const char *const headings[] = {"A", "B", NULL};
    struct capture capture;
    struct sw_table table;

    sw_table_init(&table, *state, headings);
    sw_table_add(&table, (const char *const[]){"x", "y"},
                 (const enum sw_colour[]){SW_ALARM, SW_PLAIN});
    capture_begin(&capture);
    sw_table_print(&table, stdout, true);
    capture_end(&capture);
    assert_string_equal(capture.out, "\033[1mA\033[0m  \033[1mB\033[0m\n\033[1;31mx\033[0m  y\n");
    capture_free(&capture);
}

static void files_have_no_colour(void **state)
{
    struct capture capture;
    bool coloured;
    (void)state;

    capture_begin(&capture);
    coloured = sw_print_is_coloured(stdout);
    capture_end(&capture);
    capture_free(&capture);
    assert_false(coloured);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(control_characters_are_replaced),
        TEST(long_texts_are_cut),
        TEST(cutting_never_overruns),
        TEST(times_and_durations_read_well),
        TEST(sizes_read_well),
        TEST(payloads_show_their_beginning),
        TEST(failures_and_usage_read_well),
        TEST(tables_are_aligned),
        TEST(colours_do_not_count_as_width),
        TEST(files_have_no_colour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
