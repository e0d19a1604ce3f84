/* SPDX-License-Identifier: Apache-2.0 */
#include "stepwell/v1/control_service.pb-c.h"
#include "tests/unit/sidecar/cli/run.h"
#include "tests/unit/sidecar/rpc/fake_server.h"

/* A run that is running, or has ended, and one step. */
struct watched {
    char run_id[8];
    char key[8];
    char type[8];
    Stepwell__V1__Run run;
    Stepwell__V1__Step step;
    Stepwell__V1__Step *steps[1];
    Stepwell__V1__Failure failure;
    Stepwell__V1__WatchRunResponse parts[3];
    Stepwell__V1__GetRunResponse found;
};

static void watched_init(struct watched *w)
{
    memset(w, 0, sizeof(*w));
    (void)snprintf(w->run_id, sizeof(w->run_id), "r");
    (void)snprintf(w->key, sizeof(w->key), "x");
    (void)snprintf(w->type, sizeof(w->type), "Bad");
    stepwell__v1__run__init(&w->run);
    stepwell__v1__step__init(&w->step);
    stepwell__v1__failure__init(&w->failure);
    for (int i = 0; i < 3; i++)
        stepwell__v1__watch_run_response__init(&w->parts[i]);
    w->run.run_id = w->run_id;
    w->run.task = w->run_id;
    w->run.state = STEPWELL__V1__RUN_STATE__RUN_STATE_RUNNING;
    w->run.started_ms = 1000;
    w->step.key = w->key;
    w->step.state = STEPWELL__V1__STEP_STATE__STEP_STATE_IN_DOUBT;
    w->step.attempt = 2;
    w->step.begun_ms = 2000;
    w->failure.type = w->type;
    w->steps[0] = &w->step;
    stepwell__v1__get_run_response__init(&w->found);
    w->found.run = &w->run;
    w->parts[0].run = &w->run;
    w->parts[1].steps = w->steps;
    w->parts[1].n_steps = 1;
    w->parts[1].caught_up = true;
}

static int utc(void **state)
{
    (void)state;
    return setenv("TZ", "UTC", 1);
}

static void changes_are_lines_until_the_run_ends(void **state)
{
    struct fake_server fake;
    struct watched w;
    struct watched over;
    struct fake_answer answer = {
        .messages = {&w.parts[0].base, &w.parts[1].base, &over.parts[0].base}};
    struct fake_answer first = {.messages = {&w.found.base}};
    struct run run = {.code = 0};
    (void)state;

    watched_init(&w);
    watched_init(&over);
    over.run.state = STEPWELL__V1__RUN_STATE__RUN_STATE_FAILED;
    over.run.ended_ms = 3000;
    over.run.outcome_case = STEPWELL__V1__RUN__OUTCOME_FAILURE;
    over.run.failure = &over.failure;
    fake_start(&fake);
    fake_script(&fake, 0, &first);
    fake_script(&fake, 2, &first);
    fake_script(&fake, 1, &answer);
    fake_script(&fake, 3, &answer);
    RUN(&run, &sw_cli_tail, "r", "--addr", fake.address);
    assert_int_equal(run.code, 0);
    assert_string_equal(run.capture.out, "1970-01-01 00:00:01  run started    r\n"
                                         "1970-01-01 00:00:02  IN DOUBT !  x  attempt 2  -\n"
                                         "1970-01-01 00:00:03  run failed  Bad\n");
    RUN(&run, &sw_cli_tail, "r", "--addr", fake.address, "--json");
    has(run.capture.out, "{\"run\": {\"run_id\":\"r\",");
    has(run.capture.out, "}\n{\"step\": {\"key\":\"x\",");
    has(run.capture.out, "}\n{\"caught_up\": true}\n{\"run\": {");
    fake_stop(&fake);
    run_end(&run);
}

/* Goal: of a run that is over, the end is told last. */
static void an_ended_run_ends_behind_its_steps(void **state)
{
    struct fake_server fake;
    struct watched w;
    struct fake_answer answer = {.messages = {&w.parts[0].base, &w.parts[1].base}};
    struct fake_answer first = {.messages = {&w.found.base}};
    struct run run = {.code = 0};
    (void)state;

    watched_init(&w);
    w.run.state = STEPWELL__V1__RUN_STATE__RUN_STATE_COMPLETED;
    w.run.ended_ms = 3000;
    w.step.state = STEPWELL__V1__STEP_STATE__STEP_STATE_COMPLETED;
    w.step.attempt = 1;
    w.step.finished_ms = 2500;
    fake_start(&fake);
    fake_script(&fake, 0, &first);
    fake_script(&fake, 1, &answer);
    RUN(&run, &sw_cli_tail, "r", "--addr", fake.address);
    assert_string_equal(run.capture.out, "1970-01-01 00:00:01  run started    r\n"
                                         "1970-01-01 00:00:02  completed   x  -\n"
                                         "1970-01-01 00:00:03  run completed  \n");
    fake_stop(&fake);
    run_end(&run);
}

static void mistakes_are_told(void **state)
{
    struct run run = {.code = 0};
    (void)state;

    run_words(&run, &sw_cli_tail, (const char *const[]){NULL});
    assert_int_equal(run.code, 1);
    RUN(&run, &sw_cli_tail, "r", "--file", "x");
    assert_int_equal(run.code, 1);
    RUN(&run, &sw_cli_tail, "r", "--addr", "unix:///nowhere/s");
    assert_int_equal(run.code, 6);
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_lines_until_the_run_ends),
        cmocka_unit_test(an_ended_run_ends_behind_its_steps),
        cmocka_unit_test(mistakes_are_told),
    };

    return cmocka_run_group_tests(tests, utc, NULL);
}
