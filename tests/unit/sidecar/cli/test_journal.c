/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sidecar/cli/run.h"

static unsigned lines_of(const char *text)
{
    unsigned lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static void records_are_lines(void **state)
{
    struct fixture *f = *state;
    struct run run = {.code = 0};

    RUN(&run, &sw_cli_journal, "--file", f->directory);
    assert_int_equal(run.code, 0);
    has(run.capture.out,
        "       1  1970-01-01 00:16:40  JOURNAL_CREATED -  journal test created\n");
    has(run.capture.out, "  STEP_BEGUN      order-17  charge attempt 1 begun, TOOL, ONCE\n");
    assert_true(lines_of(run.capture.out) == newest_lsn(f));
    RUN(&run, &sw_cli_journal, "--file", f->directory, "--run", "bad-1");
    assert_int_equal(lines_of(run.capture.out), 3);
    has_not(run.capture.out, "order-17");
    RUN(&run, &sw_cli_journal, "--file", f->directory, "--from", "3", "--limit", "2");
    assert_int_equal(lines_of(run.capture.out), 2);
    has(run.capture.out, "       3  ");
    has(run.capture.out, "       4  ");
    run_end(&run);
}

static void json_is_one_object_a_line(void **state)
{
    struct fixture *f = *state;
    struct run run = {.code = 0};

    RUN(&run, &sw_cli_journal, "--file", f->directory, "--json", "--from", "2", "--limit", "1");
    assert_int_equal(lines_of(run.capture.out), 1);
    assert_string_equal(json_at(run.json, "lsn"), "2");
    assert_string_equal(json_at(run.json, "type"), "RUN_STARTED");
    assert_string_equal(json_at(run.json, "run_id"), "order-17");
    assert_string_equal(json_at(run.json, "at"), "1970-01-01T00:16:40.000Z");
    assert_string_equal(json_at(run.json, "payload_bytes"), "5");
    assert_string_equal(json_at(run.json, "key"), "null");
    assert_string_equal(json_at(run.json, "purged"), "false");
    assert_int_equal(strlen(json_at(run.json, "chain")), 64);
    run_end(&run);
}

static void mistakes_are_told(void **state)
{
    struct fixture *f = *state;
    struct run run = {.code = 0};

    RUN(&run, &sw_cli_journal, "--file", f->directory, "--run", "nobody");
    assert_int_equal(run.code, 5);
    RUN(&run, &sw_cli_journal, "--from", "0");
    assert_int_equal(run.code, 1);
    has(run.capture.err, "--from: 0 is out of bounds");
    RUN(&run, &sw_cli_journal, "order-17");
    assert_int_equal(run.code, 1);
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(records_are_lines),
        RUN_TEST(json_is_one_object_a_line),
        RUN_TEST(mistakes_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
