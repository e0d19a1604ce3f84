/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sidecar/cli/run.h"

static void people_see_run_steps_and_doubts(void **state)
{
    struct fixture *f = *state;
    struct run run = {.code = 0};

    RUN(&run, &sw_cli_show, "order-17", "--file", f->directory);
    assert_int_equal(run.code, 0);
    has(run.capture.out, "run        order-17\n");
    has(run.capture.out, "state      running, last held by pod-7 (lease 1)\n");
    has(run.capture.out, "labels     team=billing\n");
    has(run.capture.out, "input      5 B  input\n");
    has(run.capture.out, "steps      3, 1 IN DOUBT !\n");
    has(run.capture.out, "\nfetch   -            CODE  NONE        completed     1");
    has(run.capture.out, "\nflaky   -            CODE  IDEMPOTENT  retrying      1");
    has(run.capture.out, "\ncharge  charge_card  TOOL  ONCE        IN DOUBT !    1");
    has(run.capture.out, "    noted            pi_123\n");
    has(run.capture.out, "stepwell resolve order-17 charge --did-not-happen --by NAME\n");
    has_not(run.capture.out, "amount");
    has_not(run.capture.out, "\033");
    RUN(&run, &sw_cli_show, "order-17", "--file", f->directory, "--inputs");
    has(run.capture.out, "{\"amount\": 12}");
    run_end(&run);
}

static void ended_runs_have_no_doubts(void **state)
{
    struct fixture *f = *state;
    struct run run = {.code = 0};

    RUN(&run, &sw_cli_show, "done-1", "--file", f->directory);
    has(run.capture.out, "state      completed\n");
    has(run.capture.out, "result     6 B  result\n");
    has_not(run.capture.out, "DOUBT");
    RUN(&run, &sw_cli_show, "bad-1", "--file", f->directory);
    has(run.capture.out, "failure    ValueError: what went wrong\n");
    has(run.capture.out, "\nno steps\n");
    run_end(&run);
}

static void json_has_run_and_steps(void **state)
{
    struct fixture *f = *state;
    struct run run = {.code = 0};

    RUN(&run, &sw_cli_show, "order-17", "--file", f->directory, "--json", "--inputs");
    assert_int_equal(run.code, 0);
    assert_string_equal(json_at(run.json, "run.holder"), "pod-7");
    assert_string_equal(json_at(run.json, "run.input.text"), "input");
    assert_string_equal(json_at(run.json, "run.steps"), "3");
    assert_string_equal(json_at(run.json, "run.result"), "null");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(run.json, "steps")), 3);
    assert_string_equal(json_at(run.json, "steps.0.key"), "fetch");
    assert_string_equal(json_at(run.json, "steps.0.state"), "COMPLETED");
    assert_string_equal(json_at(run.json, "steps.0.output.text"), "output");
    assert_string_equal(json_at(run.json, "steps.0.input"), "null");
    assert_string_equal(json_at(run.json, "steps.1.failure.type"), "Timeout");
    assert_string_equal(json_at(run.json, "steps.2.state"), "IN_DOUBT");
    assert_string_equal(json_at(run.json, "steps.2.input.text"), "{\"amount\": 12}");
    assert_string_equal(json_at(run.json, "steps.2.external_refs.0"), "pi_123");
    RUN(&run, &sw_cli_show, "bad-1", "--file", f->directory, "--json");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(run.json, "steps")), 0);
    assert_true(cJSON_IsArray(cJSON_GetObjectItem(run.json, "steps")));
    run_end(&run);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct run run = {.code = 0};

    RUN(&run, &sw_cli_show, "order-18", "--file", f->directory);
    assert_int_equal(run.code, 5);
    has(run.capture.err, "order-18");
    assert_string_equal(run.capture.out, "");
    RUN(&run, &sw_cli_show, "--file", f->directory);
    assert_int_equal(run.code, 1);
    has(run.capture.err, "stepwell show: which run?");
    RUN(&run, &sw_cli_show, "a", "b");
    assert_int_equal(run.code, 1);
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(people_see_run_steps_and_doubts),
        RUN_TEST(ended_runs_have_no_doubts),
        RUN_TEST(json_has_run_and_steps),
        RUN_TEST(what_is_not_there_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
