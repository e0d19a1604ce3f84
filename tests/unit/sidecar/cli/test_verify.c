/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "tests/unit/sidecar/cli/run.h"

static void a_right_journal_is_counted(void **state)
{
    struct fixture *f = *state;
    struct run run = {.code = 0};
    char number[32];

    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)newest_lsn(f));
    RUN(&run, &sw_cli_verify, f->directory, "--json");
    assert_int_equal(run.code, 0);
    assert_string_equal(json_at(run.json, "ok"), "true");
    assert_string_equal(json_at(run.json, "records"), number);
    assert_string_equal(json_at(run.json, "runs"), "3");
    assert_string_equal(json_at(run.json, "bad_lsn"), "null");
    assert_string_equal(json_at(run.json, "error"), "null");
    RUN(&run, &sw_cli_verify, "--file", f->directory);
    assert_int_equal(run.code, 0);
    has(run.capture.out, " is right: ");
    has(run.capture.out, " records of 3 runs, ");
    run_end(&run);
}

/* Goal: a journal that is none, or is damaged, ends with 2 and says so. */
static void damage_is_told(void **state)
{
    char path[] = "/tmp/sw-verify-XXXXXX";
    struct run run = {.code = 0};
    int fd = mkstemp(path);
    (void)state;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "this is no journal, but it is long enough to be one........", 60),
                     60);
    (void)close(fd);
    RUN(&run, &sw_cli_verify, path, "--json");
    assert_int_equal(run.code, 2);
    has(run.capture.err, "stepwell verify: ");
    (void)unlink(path);
    run_end(&run);
}

static void mistakes_are_told(void **state)
{
    struct run run = {.code = 0};
    (void)state;

    RUN(&run, &sw_cli_verify, "/nowhere");
    assert_int_equal(run.code, 5);
    has(run.capture.err, "stepwell verify: /nowhere: No such file or directory");
    RUN(&run, &sw_cli_verify, "a", "b");
    assert_int_equal(run.code, 1);
    RUN(&run, &sw_cli_verify, "--json");
    assert_int_equal(run.code, 1);
    has(run.capture.err, "which journal?");
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(a_right_journal_is_counted),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(mistakes_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
