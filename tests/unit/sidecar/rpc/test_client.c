/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/rpc/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stepwell/v1/control_service.pb-c.h"
#include "tests/unit/sidecar/rpc/fake_server.h"

struct fixture {
    struct fake_server fake;
    struct sw_client *client;
    struct sw_arena arena;
    struct sw_err err;
    char seen[256]; /* what visitors were shown */
};

static int start(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct sw_client_options options = {.timeout_ms = 20000};

    fake_start(&f->fake);
    options.address = f->fake.address;
    if (sw_client_open(&options, &f->client, &f->err) != SW_OK)
        return -1;
    sw_arena_init(&f->arena, 0);
    *state = f;
    return 0;
}

static int stop(void **state)
{
    struct fixture *f = *state;

    sw_client_close(f->client);
    fake_stop(&f->fake);
    sw_arena_fini(&f->arena);
    free(f);
    return 0;
}

static struct sw_span text(const char *characters)
{
    return sw_span_of_text(characters);
}

static void see(struct fixture *f, const char *what, struct sw_span name)
{
    size_t used = strlen(f->seen);

    (void)snprintf(f->seen + used, sizeof(f->seen) - used, "%s%.*s ", what, SW_SPAN_ARG(name));
}

/* The last request, of this method; freed by the caller. */
static void *asked(struct fixture *f, const char *method, const ProtobufCMessageDescriptor *type)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "/stepwell.v1.ControlService/%s", method);
    return fake_asked(&f->fake, path, type);
}

static enum sw_code see_run(void *self, const struct sw_run_view *run, bool *ret_stop,
                            struct sw_err *err)
{
    struct fixture *f = self;

    (void)err;
    see(f, "", run->head.run_id);
    *ret_stop = sw_span_equal(run->head.run_id, text("c"));
    return SW_OK;
}

/* Goal: pages follow their tokens, until there are no more or the visitor has enough. */
static void pages_are_read_on(void **state)
{
    struct fixture *f = *state;
    char names[4][2] = {"a", "b", "c", "d"};
    char token[] = "17";
    Stepwell__V1__Run runs[4];
    Stepwell__V1__Run *rows[4];
    Stepwell__V1__ListRunsResponse first = STEPWELL__V1__LIST_RUNS_RESPONSE__INIT;
    Stepwell__V1__ListRunsResponse second = STEPWELL__V1__LIST_RUNS_RESPONSE__INIT;
    struct fake_answer answers[2] = {{.messages = {&first.base}}, {.messages = {&second.base}}};
    struct sw_label label = {.key = text("team"), .value = text("billing")};
    struct sw_client_runs filter = {.task = text("t"),
                                    .state = SW_RUN_RUNNING,
                                    .labels = &label,
                                    .labels_count = 1,
                                    .in_doubt = true};
    struct sw_run_view_visitor visitor = {.visit = see_run, .self = f};
    Stepwell__V1__ListRunsRequest *request;

    for (int i = 0; i < 4; i++) {
        stepwell__v1__run__init(&runs[i]);
        runs[i].run_id = names[i];
        rows[i] = &runs[i];
    }
    first.runs = rows;
    first.n_runs = 2;
    first.next_page_token = token;
    second.runs = rows + 2;
    second.n_runs = 2;
    second.next_page_token = token; /* there would be more */
    fake_script(&f->fake, 0, &answers[0]);
    fake_script(&f->fake, 1, &answers[1]);
    assert_int_equal(sw_client_list_runs(f->client, &filter, visitor, &f->err), SW_OK);
    assert_string_equal(f->seen, "a b c ");
    assert_int_equal(fake_calls(&f->fake), 2);
    request = asked(f, "ListRuns", &stepwell__v1__list_runs_request__descriptor);
    assert_string_equal(request->page_token, "17");
    assert_string_equal(request->task, "t");
    assert_int_equal(request->state, SW_RUN_RUNNING);
    assert_true(request->in_doubt);
    assert_int_equal(request->n_labels, 1);
    assert_string_equal(request->labels[0]->key, "team");
    assert_string_equal(request->labels[0]->value, "billing");
    protobuf_c_message_free_unpacked(&request->base, NULL);
}

static enum sw_code on_run(void *self, const struct sw_run_view *run, struct sw_err *err)
{
    (void)err;
    see(self, "run:", run->head.run_id);
    return SW_OK;
}

static enum sw_code on_step(void *self, const struct sw_client_step *step, struct sw_err *err)
{
    (void)err;
    see(self, "step:", step->step.key);
    return SW_OK;
}

static enum sw_code on_caught_up(void *self, struct sw_err *err)
{
    (void)err;
    see(self, "caught-up", text(""));
    return SW_OK;
}

static void a_watch_is_heard_in_order(void **state)
{
    struct fixture *f = *state;
    char run_id[] = "r";
    char keys[2][2] = {"x", "y"};
    Stepwell__V1__Run run = STEPWELL__V1__RUN__INIT;
    Stepwell__V1__Step steps[2] = {STEPWELL__V1__STEP__INIT, STEPWELL__V1__STEP__INIT};
    Stepwell__V1__Step *rows[2] = {&steps[0], &steps[1]};
    Stepwell__V1__WatchRunResponse first = STEPWELL__V1__WATCH_RUN_RESPONSE__INIT;
    Stepwell__V1__WatchRunResponse second = STEPWELL__V1__WATCH_RUN_RESPONSE__INIT;
    Stepwell__V1__WatchRunResponse third = STEPWELL__V1__WATCH_RUN_RESPONSE__INIT;
    struct fake_answer answer = {.messages = {&first.base, &second.base, &third.base}};
    struct sw_client_watcher watcher = {on_run, on_step, on_caught_up, f};
    struct sw_client_watch watch = {.run_id = text("r"), .follow = true, .include_inputs = true};
    Stepwell__V1__WatchRunRequest *request;

    run.run_id = run_id;
    steps[0].key = keys[0];
    steps[1].key = keys[1];
    first.run = &run;
    first.steps = rows;
    first.n_steps = 1;
    second.steps = rows + 1;
    second.n_steps = 1;
    second.caught_up = true;
    third = second; /* a change: the step, then what it made of the run */
    third.run = &run;
    fake_script(&f->fake, 0, &answer);
    assert_int_equal(sw_client_watch_run(f->client, &watch, &watcher, &f->err), SW_OK);
    assert_string_equal(f->seen, "run:r step:x step:y caught-up step:y run:r ");
    request = asked(f, "WatchRun", &stepwell__v1__watch_run_request__descriptor);
    assert_true(request->follow);
    assert_true(request->include_inputs);
    protobuf_c_message_free_unpacked(&request->base, NULL);
}

static void a_run_comes_with_its_open_steps(void **state)
{
    struct fixture *f = *state;
    char run_id[] = "r";
    char key[] = "x";
    Stepwell__V1__Run run = STEPWELL__V1__RUN__INIT;
    Stepwell__V1__Step step = STEPWELL__V1__STEP__INIT;
    Stepwell__V1__Step *rows[1] = {&step};
    Stepwell__V1__GetRunResponse response = STEPWELL__V1__GET_RUN_RESPONSE__INIT;
    struct fake_answer answer = {.messages = {&response.base}};
    struct sw_client_run got;

    fake_script(&f->fake, 0, &answer);
    assert_int_equal(sw_client_get_run(f->client, text("r"), &f->arena, &got, &f->err),
                     SW_CONFIGURATION); /* names no run */
    run.run_id = run_id;
    step.key = key;
    step.state = STEPWELL__V1__STEP_STATE__STEP_STATE_IN_DOUBT;
    response.run = &run;
    response.open_steps = rows;
    response.n_open_steps = 1;
    fake_script(&f->fake, 1, &answer);
    assert_int_equal(sw_client_get_run(f->client, text("r"), &f->arena, &got, &f->err), SW_OK);
    assert_true(sw_span_equal(got.run.head.run_id, text("r")));
    assert_int_equal(got.open_steps_count, 1);
    assert_int_equal(got.open_steps[0].step.state, SW_STEP_DOUBTED);
}

static enum sw_code see_line(void *self, const struct sw_record_line *line, struct sw_err *err)
{
    (void)err;
    assert_int_equal(line->lsn, 3);
    see(self, "record", text(""));
    return SW_OK;
}

static void records_and_flush_carry_their_bounds(void **state)
{
    struct fixture *f = *state;
    Stepwell__V1__Record record = STEPWELL__V1__RECORD__INIT;
    Stepwell__V1__Record *rows[1] = {&record};
    Stepwell__V1__ReadJournalResponse part = STEPWELL__V1__READ_JOURNAL_RESPONSE__INIT;
    Stepwell__V1__FlushResponse flushed = STEPWELL__V1__FLUSH_RESPONSE__INIT;
    struct fake_answer answers[2] = {{.messages = {&part.base}}, {.messages = {&flushed.base}}};
    struct sw_client_journal range = {.from_lsn = 3, .run_id = text("r"), .limit = 9};
    struct sw_record_line_visitor visitor = {.visit = see_line, .self = f};
    Stepwell__V1__ReadJournalRequest *request;
    uint64_t lsn = 0;

    record.lsn = 3;
    part.records = rows;
    part.n_records = 1;
    flushed.lsn = 12;
    fake_script(&f->fake, 0, &answers[0]);
    fake_script(&f->fake, 1, &answers[1]);
    assert_int_equal(sw_client_read_journal(f->client, &range, visitor, &f->err), SW_OK);
    assert_string_equal(f->seen, "record ");
    request = asked(f, "ReadJournal", &stepwell__v1__read_journal_request__descriptor);
    assert_int_equal(request->from_lsn, 3);
    assert_int_equal(request->limit, 9);
    assert_string_equal(request->run_id, "r");
    protobuf_c_message_free_unpacked(&request->base, NULL);
    assert_int_equal(sw_client_flush(f->client, 12, &lsn, &f->err), SW_OK);
    assert_int_equal(lsn, 12);
}

/* Asks for a resolution and returns the request as the server saw it. */
static Stepwell__V1__ControlServiceResolveStepRequest *
resolve(struct fixture *f, enum sw_resolution resolution, struct sw_resolve_step_answer *ret)
{
    Stepwell__V1__ControlServiceResolveStepResponse response =
        STEPWELL__V1__CONTROL_SERVICE_RESOLVE_STEP_RESPONSE__INIT;
    struct fake_answer answer = {.messages = {&response.base}};
    struct sw_resolve_step_request request = {
        .run_id = text("r"),
        .key = text("k"),
        .by = text("jane"),
        .resolution = resolution,
        .output = {.present = true, .data = sw_span_of("a\0b", 3), .content_type = text("x/y")},
        .failure = {.type = text("GivenUp"), .message = text("nobody knows")}};

    response.lsn = 5;
    response.state = STEPWELL__V1__STEP_STATE__STEP_STATE_RETRYING;
    for (unsigned i = 0; i < FAKE_SCRIPT_MAX; i++)
        fake_script(&f->fake, i, &answer);
    assert_int_equal(sw_client_resolve_step(f->client, &request, ret, &f->err), SW_OK);
    return asked(f, "ResolveStep", &stepwell__v1__control_service_resolve_step_request__descriptor);
}

static void resolutions_are_told_apart(void **state)
{
    Stepwell__V1__ControlServiceResolveStepRequest *request;
    struct sw_resolve_step_answer answer;

    request = resolve(*state, SW_RESOLUTION_HAPPENED, &answer);
    assert_int_equal(answer.lsn, 5);
    assert_int_equal(answer.state, SW_STEP_RETRYING);
    assert_string_equal(request->by, "jane");
    assert_string_equal(request->key, "k");
    assert_int_equal(request->resolution->happened->data.len, 3);
    assert_memory_equal(request->resolution->happened->data.data, "a\0b", 3);
    assert_string_equal(request->resolution->happened->content_type, "x/y");
    protobuf_c_message_free_unpacked(&request->base, NULL);
    request = resolve(*state, SW_RESOLUTION_DID_NOT_HAPPEN, &answer);
    assert_int_equal(request->resolution->resolution_case,
                     STEPWELL__V1__RESOLUTION__RESOLUTION_DID_NOT_HAPPEN);
    protobuf_c_message_free_unpacked(&request->base, NULL);
    request = resolve(*state, SW_RESOLUTION_GIVE_UP, &answer);
    assert_string_equal(request->resolution->give_up->type, "GivenUp");
    assert_string_equal(request->resolution->give_up->message, "nobody knows");
    protobuf_c_message_free_unpacked(&request->base, NULL);
}

static void status_lives_in_the_arena(void **state)
{
    struct fixture *f = *state;
    char name[] = "agent-7";
    Stepwell__V1__GetStatusResponse response = STEPWELL__V1__GET_STATUS_RESPONSE__INIT;
    struct fake_answer answer = {.messages = {&response.base}};
    struct sw_client_status status;

    response.journal = name;
    response.lsn = 8;
    fake_script(&f->fake, 0, &answer);
    assert_int_equal(sw_client_get_status(f->client, &f->arena, &status, &f->err), SW_OK);
    assert_true(sw_span_equal(status.journal, text("agent-7")));
    assert_int_equal(status.lsn, 8);
    assert_string_equal(status.state, "UNKNOWN");
    assert_false(status.has_store);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_are_read_on),
        TEST(a_watch_is_heard_in_order),
        TEST(a_run_comes_with_its_open_steps),
        TEST(records_and_flush_carry_their_bounds),
        TEST(resolutions_are_told_apart),
        TEST(status_lives_in_the_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
