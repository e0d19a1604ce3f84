/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/sidecar/capture.h"

struct target {
    const char *name;
    bool loud;
    uint32_t count;
    uint64_t bytes;
    uint64_t wait_ms;
    unsigned seen;
};

static enum sw_code see(void *target, const char *text, struct sw_err *err)
{
    if (strcmp(text, "bad") == 0)
        return sw_fail(err, SW_CONFIGURATION, "bad it is");
    ((struct target *)target)->seen++;
    return SW_OK;
}

static const struct sw_flag table[] = {
    {"some-name", "NAME", SW_FLAG_TEXT, offsetof(struct target, name), 0, 0, "nobody", true,
     "What it is called.", NULL},
    {"loud", NULL, SW_FLAG_SWITCH, offsetof(struct target, loud), 0, 0, NULL, true, "Noise.", NULL},
    {"count", "N", SW_FLAG_UNSIGNED, offsetof(struct target, count), 1, 9, "3", true, "How many.",
     NULL},
    {"bytes", "SIZE", SW_FLAG_BYTES, offsetof(struct target, bytes), 2, 1024, "1KiB", true,
     "How large.", NULL},
    {"wait", "DURATION", SW_FLAG_MS, offsetof(struct target, wait_ms), 0, 0, "1s", true,
     "How long.", NULL},
    {"see", "THING", SW_FLAG_CUSTOM, 0, 0, 0, NULL, false, "May be repeated.", see},
    {NULL, NULL, SW_FLAG_TEXT, 0, 0, 0, NULL, false, NULL, NULL},
};

enum { WORDS_MAX = 16 };

/* Splits at spaces: what a shell would do to these lines. */
static enum sw_code read_line(const char *line, struct target *ret_target,
                              struct sw_flags_left *ret_left, struct sw_err *err)
{
    static char copy[256];
    static char *argv[WORDS_MAX + 1];
    int argc = 0;

    (void)snprintf(copy, sizeof(copy), "%s", line);
    for (char *at = copy; *at != '\0' && argc < WORDS_MAX; argc++) {
        argv[argc] = at;
        at += strcspn(at, " ");
        if (*at == ' ')
            *at++ = '\0';
    }
    argv[argc] = NULL;
    *ret_target = (struct target){.name = NULL};
    return sw_flags_read(table, ret_target, argc, argv, ret_left, err);
}

static void refused(const char *line, const char *text)
{
    struct sw_flags_left left;
    struct target target;
    struct sw_err err;

    assert_int_equal(read_line(line, &target, &left, &err), SW_CONFIGURATION);
    assert_string_equal(err.text, text);
}

static int clean_environment(void **state)
{
    (void)state;
    return unsetenv("STEPWELL_SOME_NAME") | unsetenv("STEPWELL_COUNT") | unsetenv("STEPWELL_LOUD");
}

static void defaults_stand_where_nothing_is_said(void **state)
{
    struct sw_flags_left left;
    struct target target;
    struct sw_err err;
    (void)state;

    assert_int_equal(read_line("cmd", &target, &left, &err), SW_OK);
    assert_string_equal(target.name, "nobody");
    assert_false(target.loud);
    assert_int_equal(target.count, 3);
    assert_int_equal(target.bytes, 1024);
    assert_int_equal(target.wait_ms, 1000);
    assert_int_equal(left.count, 0);
    assert_null(left.rest);
}

static void options_and_words_mix(void **state)
{
    struct sw_flags_left left;
    struct target target;
    struct sw_err err;
    (void)state;

    assert_int_equal(read_line("cmd one --count=4 two --loud --some-name x - --see a --see b "
                               "-- --count 5",
                               &target, &left, &err),
                     SW_OK);
    assert_string_equal(target.name, "x");
    assert_true(target.loud);
    assert_int_equal(target.count, 4);
    assert_int_equal(target.seen, 2);
    assert_int_equal(left.count, 3);
    assert_string_equal(left.words[0], "one");
    assert_string_equal(left.words[1], "two");
    assert_string_equal(left.words[2], "-");
    assert_int_equal(left.rest_count, 2);
    assert_string_equal(left.rest[0], "--count");
}

static void the_command_line_beats_the_environment(void **state)
{
    struct sw_flags_left left;
    struct target target;
    struct sw_err err;
    (void)state;

    assert_int_equal(setenv("STEPWELL_SOME_NAME", "env", 1), 0);
    assert_int_equal(setenv("STEPWELL_COUNT", "5", 1), 0);
    assert_int_equal(setenv("STEPWELL_LOUD", "true", 1), 0);
    assert_int_equal(read_line("cmd --count 6", &target, &left, &err), SW_OK);
    assert_string_equal(target.name, "env");
    assert_int_equal(target.count, 6);
    assert_true(target.loud);

    assert_int_equal(setenv("STEPWELL_COUNT", "", 1), 0); /* as if it were not there */
    assert_int_equal(read_line("cmd --loud=false", &target, &left, &err), SW_OK);
    assert_int_equal(target.count, 3);
    assert_false(target.loud);

    assert_int_equal(setenv("STEPWELL_COUNT", "many", 1), 0);
    refused("cmd", "STEPWELL_COUNT: \"many\" is not a number");
}

static void mistakes_are_named(void **state)
{
    (void)state;
    refused("cmd --cuont 4", "unknown option --cuont; did you mean --count?");
    refused("cmd --zzz", "unknown option --zzz");
    refused("cmd -x", "unknown option -x");
    refused("cmd --count", "--count needs N");
    refused("cmd --some-name=", "--some-name: empty");
    refused("cmd --count 10", "--count: 10 is out of bounds: 1 to 9");
    refused("cmd --bytes 1", "--bytes: 1 is too little, at least 2B");
    refused("cmd --bytes 1MiB", "--bytes: 1MiB is too much, at most 1KiB");
    refused("cmd --loud=perhaps", "--loud: \"perhaps\" is neither true nor false");
    refused("cmd --see bad", "--see: bad it is");
}

static void help_is_found_before_mistakes(void **state)
{
    struct sw_flags_left left;
    struct target target;
    struct sw_err err;
    (void)state;

    assert_int_equal(read_line("cmd --zzz --help", &target, &left, &err), SW_OK);
    assert_true(left.help);
    assert_int_equal(read_line("cmd -- --help", &target, &left, &err), SW_OK);
    assert_false(left.help);
}

static void help_says_defaults_and_variables(void **state)
{
    struct capture capture;
    (void)state;

    capture_begin(&capture);
    sw_flags_print(table, stdout);
    capture_end(&capture);
    assert_non_null(strstr(capture.out, "    --some-name NAME\n        What it is called.\n"
                                        "        Default: nobody\n"
                                        "        Environment: STEPWELL_SOME_NAME\n"));
    assert_non_null(strstr(capture.out, "    --see THING\n        May be repeated.\n\n"));
    capture_free(&capture);
}

static void text_is_broken_at_the_margin(void **state)
{
    struct capture capture;
    (void)state;

    capture_begin(&capture);
    sw_text_wrap(
        stdout, 4,
        "Seventy-five columns of words are not many, so that this sentence needs two lines.\n\n"
        "A paragraph.");
    capture_end(&capture);
    assert_string_equal(
        capture.out,
        "    Seventy-five columns of words are not many, so that this sentence needs two\n"
        "    lines.\n\n    A paragraph.\n");
    capture_free(&capture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults_stand_where_nothing_is_said, clean_environment),
        cmocka_unit_test_setup(options_and_words_mix, clean_environment),
        cmocka_unit_test_setup_teardown(the_command_line_beats_the_environment, clean_environment,
                                        clean_environment),
        cmocka_unit_test_setup(mistakes_are_named, clean_environment),
        cmocka_unit_test(help_is_found_before_mistakes),
        cmocka_unit_test(help_says_defaults_and_variables),
        cmocka_unit_test(text_is_broken_at_the_margin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
