/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sidecar/cli/run.h"

static void runs_are_a_table(void **state)
{
    struct fixture *f = *state;
    struct run run = {.code = 0};

    RUN(&run, &sw_cli_runs, "--file", f->directory);
    assert_int_equal(run.code, 0);
    has(run.capture.out, "RUN       TASK  STATE      HELD  STEPS  DOUBT  STARTED");
    has(run.capture.out, "\nbad-1     task  failed     -         0  -      1970-01-01 00:16:40");
    has(run.capture.out, "\ndone-1    task  completed  -         1  -      1970-01-01 00:16:40");
    has(run.capture.out, "\norder-17  task  running    no        -  1 !    1970-01-01 00:16:40");
    has(run.capture.out, "\n1 with steps in doubt: stepwell show RUN\n");
    has_not(run.capture.out, "\033");
    run_end(&run);
}

static void filters_choose(void **state)
{
    struct fixture *f = *state;
    struct run run = {.code = 0};

    RUN(&run, &sw_cli_runs, "--file", f->directory, "--json", "--in-doubt");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(run.json, "runs")), 1);
    assert_string_equal(json_at(run.json, "runs.0.run_id"), "order-17");
    RUN(&run, &sw_cli_runs, "--file", f->directory, "--json", "--state", "failed");
    assert_string_equal(json_at(run.json, "runs.0.run_id"), "bad-1");
    RUN(&run, &sw_cli_runs, "--file", f->directory, "--json", "--label", "team=billing");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(run.json, "runs")), 1);
    assert_string_equal(json_at(run.json, "runs.0.labels.team"), "billing");
    RUN(&run, &sw_cli_runs, "--file", f->directory, "--json", "--label", "team=billing", "--label",
        "a=b");
    assert_string_equal(run.capture.out, "{\"runs\": []}\n");
    RUN(&run, &sw_cli_runs, "--file", f->directory, "--json", "--task", "other");
    assert_string_equal(run.capture.out, "{\"runs\": []}\n");
    RUN(&run, &sw_cli_runs, "--file", f->directory, "--json", "--limit", "2");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(run.json, "runs")), 2);
    RUN(&run, &sw_cli_runs, "--file", f->directory, "--task", "other");
    assert_string_equal(run.capture.out, "no runs\n");
    run_end(&run);
}

/* Goal: the documented shape, every key there. */
static void json_has_every_key(void **state)
{
    static const struct {
        const char *key;
        const char *value;
    } keys[] = {{"run_id", "order-17"},
                {"task", "task"},
                {"state", "RUNNING"},
                {"held", "false"},
                {"labels.team", "billing"},
                {"code_version", "v2"},
                {"started", "1970-01-01T00:16:40.000Z"},
                {"ended", "null"},
                {"first_lsn", "2"},
                {"last_lsn", "null"},
                {"steps", "null"},
                {"steps_in_doubt", "1"}};
    struct fixture *f = *state;
    struct run run = {.code = 0};

    RUN(&run, &sw_cli_runs, "--file", f->directory, "--json");
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char path[64];

        (void)snprintf(path, sizeof(path), "runs.2.%s", keys[i].key);
        assert_string_equal(json_at(run.json, path), keys[i].value);
    }
    assert_int_equal(
        cJSON_GetArraySize(cJSON_GetArrayItem(cJSON_GetObjectItem(run.json, "runs"), 2)),
        sizeof(keys) / sizeof(keys[0]));
    run_end(&run);
}

static void mistakes_are_told(void **state)
{
    struct run run = {.code = 0};
    (void)state;

    RUN(&run, &sw_cli_runs, "order-17");
    assert_int_equal(run.code, 1);
    has(run.capture.err, "stepwell runs: takes options only");
    RUN(&run, &sw_cli_runs, "--state", "open");
    assert_int_equal(run.code, 1);
    has(run.capture.err, "--state: \"open\" is none of running, completed, failed");
    RUN(&run, &sw_cli_runs, "--label", "=x");
    assert_int_equal(run.code, 1);
    RUN(&run, &sw_cli_runs, "--file", "/nowhere");
    assert_int_equal(run.code, 5);
    has(run.capture.err, "stepwell runs: /nowhere: No such file or directory");
    RUN(&run, &sw_cli_runs, "--addr", "unix:///nowhere/s");
    assert_int_equal(run.code, 6);
    has(run.capture.err, "no server answers at unix:///nowhere/s");
    has(run.capture.err, "\nTry: --addr");
    assert_string_equal(run.capture.out, "");
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(runs_are_a_table),
        RUN_TEST(filters_choose),
        RUN_TEST(json_has_every_key),
        cmocka_unit_test(mistakes_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
