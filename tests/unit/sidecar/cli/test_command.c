/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/command.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/sidecar/capture.h"

struct options {
    uint32_t count;
};

static const struct sw_flag flags[] = {
    {"count", "N", SW_FLAG_UNSIGNED, offsetof(struct options, count), 0, 9, "3", false, "How many.",
     NULL},
    {NULL, NULL, SW_FLAG_TEXT, 0, 0, 0, NULL, false, NULL, NULL},
};

static const struct sw_cli_page page = {
    .synopsis = "greet NAME\ngreet --count N",
    .description = "Greets.",
    .flags = flags,
    .json = "    {\"greeted\"}\n",
    .examples = "    stepwell greet world\n",
};

static int run_greet(int argc, char **argv);

static const struct sw_cli_command greet = {"greet", "say hello", &page, run_greet};

static int run_greet(int argc, char **argv)
{
    struct options options;
    struct sw_flags_left left;
    int code;

    if (!sw_cli_read(&greet, &options, argc, argv, &left, &code))
        return code;
    if (left.count != 1)
        return sw_cli_usage(&greet, "whom? %d are given", left.count);
    (void)printf("hello %s %u\n", left.words[0], options.count);
    return 42;
}

static const struct sw_cli_command *const commands[] = {&greet, NULL};

/* Runs `stepwell` with up to three words. */
static int run(struct capture *capture, const char *a, const char *b, const char *c)
{
    char words[4][32] = {"stepwell"};
    char *argv[5] = {words[0], NULL};
    const char *given[3] = {a, b, c};
    int argc = 1;
    int code;

    for (; argc < 4 && given[argc - 1] != NULL; argc++) {
        (void)snprintf(words[argc], sizeof(words[argc]), "%s", given[argc - 1]);
        argv[argc] = words[argc];
    }
    argv[argc] = NULL;
    capture_begin(capture);
    code = sw_cli_run(commands, argc, argv);
    capture_end(capture);
    return code;
}

static void check(int code, const char *out, const char *err, const char *a, const char *b,
                  const char *c)
{
    struct capture capture;
    int got = run(&capture, a, b, c);

    if (got != code || (out != NULL && strstr(capture.out, out) == NULL) ||
        (err != NULL && strstr(capture.err, err) == NULL))
        fail_msg("%s: code %d\nout: %s\nerr: %s", a != NULL ? a : "", got, capture.out,
                 capture.err);
    capture_free(&capture);
}

static void commands_are_found_and_run(void **state)
{
    (void)state;
    check(42, "hello world 3\n", NULL, "greet", "world", NULL);
    check(42, "hello world 5\n", NULL, "greet", "--count=5", "world");
}

static void mistakes_are_told(void **state)
{
    (void)state;
    check(1, NULL, "stepwell: unknown command \"gret\"; did you mean greet?", "gret", NULL, NULL);
    check(1, NULL, "stepwell: unknown command \"xyzzy\"\nTry: stepwell help\n", "xyzzy", NULL,
          NULL);
    check(1, NULL, "did you mean version?", "verison", NULL, NULL);
    check(1, NULL, "stepwell greet: --count: 10 is out of bounds: 0 to 9\nTry: stepwell help greet",
          "greet", "--count", "10");
    check(1, NULL, "stepwell greet: whom? 0 are given\nTry: stepwell help greet\n", "greet", NULL,
          NULL);
    check(1, "COMMANDS\n", NULL, NULL, NULL, NULL);
    check(1, NULL, "unknown command \"gret\"", "help", "gret", NULL);
    check(1, NULL, "stepwell version: unexpected argument \"x\"", "version", "x", NULL);
}

static void help_is_a_manual_page(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        check(
            0,
            "NAME\n    stepwell greet - say hello\n\nSYNOPSIS\n    stepwell greet NAME\n"
            "    stepwell greet --count N\n\nDESCRIPTION\n    Greets.\n\nOPTIONS\n    --count N\n",
            NULL, i == 0 ? "help" : "greet", i == 0 ? "greet" : "--help", NULL);
    check(0, "\nJSON\n    {\"greeted\"}\n\nEXIT STATUS\n    0   done\n", NULL, "help", "greet",
          NULL);
    check(0, "    greet       say hello\n", NULL, "--help", NULL, NULL);
    check(0, "EXIT STATUS\n    0   done\n", NULL, "help", NULL, NULL);
    check(0, "stepwell version - print", NULL, "version", "--help", NULL);
}

static void the_version_is_printed(void **state)
{
    (void)state;
    check(0, "stepwell " SW_VERSION "\n", NULL, "version", NULL, NULL);
    check(0, "stepwell " SW_VERSION "\n", NULL, "--version", NULL, NULL);
    check(0, "{\"version\": \"" SW_VERSION "\"}\n", NULL, "version", "--json", NULL);
}

/* Goal: scripts can branch on the code. */
static void failures_have_their_exit_codes(void **state)
{
    static const struct {
        enum sw_code code;
        int os_errno;
        int exit;
    } rows[] = {{SW_RUN_NOT_FOUND, 0, 5},      {SW_STEP_NOT_FOUND, 0, 5},
                {SW_CONFIGURATION, ENOENT, 5}, {SW_CORRUPT, 0, 2},
                {SW_STORAGE_FAILED, 0, 2},     {SW_STORAGE_FAILED, ECONNREFUSED, 6},
                {SW_DRAINING, 0, 6},           {SW_STEP_NOT_IN_DOUBT, 0, 1},
                {SW_INVALID_FIELD, 0, 1},      {SW_CONFIGURATION, 0, 1}};
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sw_err err = {
            .code = rows[i].code, .os_errno = rows[i].os_errno, .text = "so it was"};
        struct capture capture;
        int code;

        capture_begin(&capture);
        code = sw_cli_fail(&greet, &err);
        capture_end(&capture);
        assert_int_equal(code, rows[i].exit);
        assert_true(strncmp(capture.err, "stepwell greet: so it was\n", 26) == 0);
        assert_int_equal(strstr(capture.err, "\nTry: --addr") != NULL,
                         rows[i].os_errno == ECONNREFUSED);
        capture_free(&capture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_found_and_run),     cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(help_is_a_manual_page),          cmocka_unit_test(the_version_is_printed),
        cmocka_unit_test(failures_have_their_exit_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
