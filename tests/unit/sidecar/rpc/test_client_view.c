/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sidecar/rpc/client.intern.h"
#include "sidecar/rpc/codec.h"

static int open_arena(void **state)
{
    static struct sw_arena arena;

    sw_arena_init(&arena, 0);
    *state = &arena;
    return 0;
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

static void same(struct sw_span found, const char *wanted)
{
    assert_true(sw_span_equal(found, text(wanted)));
}

/* Goal: what the server encodes is what the client shows.
 * Method: a view, through the server's encoder, and back. */
static void a_run_comes_back_as_it_was(void **state)
{
    struct sw_label label = {.key = text("team"), .value = text("billing")};
    struct sw_span unvisited = text("old");
    struct sw_run_view sent = {
        .head = {.run = 7,
                 .state = SW_RUN_FAILED,
                 .run_id = text("r"),
                 .task = text("t"),
                 .on_divergence = SW_DIVERGENCE_ACCEPT,
                 .has_input = true,
                 .lease = 3,
                 .holder = text("h"),
                 .started_ms = 11,
                 .ended_ms = 12,
                 .last_lsn = 13,
                 .end_lsn = 13,
                 .steps = 5,
                 .usage = {.input_tokens = 1,
                           .cached_input_tokens = 2,
                           .output_tokens = 3,
                           .cost_micros = 4}},
        .input = {.present = true,
                  .data = text("in"),
                  .size = 2,
                  .content_type = text("text/plain")},
        .labels = &label,
        .labels_count = 1,
        .code_version = text("v"),
        .held = true,
        .steps_in_doubt = 2,
        .failure = {.type = text("Bad"), .message = text("m"), .non_retryable = true},
        .unvisited = &unvisited,
        .unvisited_count = 1,
    };
    struct sw_run_view got;
    struct sw_err err;

    assert_int_equal(sw_client_view_run(sw_encode_run(&sent, *state), *state, &got, &err), SW_OK);
    assert_int_equal(got.head.run, 7);
    assert_int_equal(got.head.state, SW_RUN_FAILED);
    same(got.head.run_id, "r");
    same(got.head.task, "t");
    assert_int_equal(got.head.on_divergence, SW_DIVERGENCE_ACCEPT);
    assert_int_equal(got.head.lease, 3);
    same(got.head.holder, "h");
    assert_int_equal(got.head.started_ms, 11);
    assert_int_equal(got.head.ended_ms, 12);
    assert_int_equal(got.head.last_lsn, 13);
    assert_int_equal(got.head.steps, 5);
    assert_int_equal(got.head.usage.cost_micros, 4);
    same(got.input.data, "in");
    same(got.input.content_type, "text/plain");
    assert_int_equal(got.labels_count, 1);
    same(got.labels[0].value, "billing");
    same(got.code_version, "v");
    assert_true(got.held);
    assert_int_equal(got.steps_in_doubt, 2);
    same(got.failure.type, "Bad");
    assert_true(got.failure.non_retryable);
    assert_false(got.result.present);
    assert_int_equal(got.unvisited_count, 1);
    same(got.unvisited[0], "old");
}

static void a_step_comes_back_as_it_was(void **state)
{
    struct sw_external_ref second = {.text = text("two")};
    struct sw_external_ref first = {.text = text("one"), .next = &second};
    struct sw_step step = {.state = SW_STEP_COMPLETED,
                           .attempt = 2,
                           .key = text("k"),
                           .name = text("n"),
                           .kind = SW_KIND_LLM,
                           .effect = SW_EFFECT_IDEMPOTENT,
                           .has_digest = true,
                           .digest = {.bytes = {1, 2, 3}},
                           .begun_ms = 21,
                           .finished_ms = 22,
                           .last_lsn = 23,
                           .refs = &first,
                           .refs_count = 2,
                           .usage = {.output_tokens = 9},
                           .resolved_by = text("jane")};
    struct sw_step_view sent = {.step = &step,
                                .output = {.present = true, .data = text("out"), .size = 3},
                                .progress = {.present = true, .data = text("half"), .size = 4}};
    struct sw_run_head head = {.run = 7, .run_id = text("r"), .lease = 1};
    struct sw_client_step got;
    struct sw_err err;

    assert_int_equal(sw_client_view_step(sw_encode_step(&sent, text("j"), &head, true, 30, *state),
                                         *state, &got, &err),
                     SW_OK);
    assert_ptr_equal(got.view.step, &got.step);
    assert_int_equal(got.step.state, SW_STEP_COMPLETED);
    assert_int_equal(got.step.attempt, 2);
    same(got.step.key, "k");
    same(got.step.name, "n");
    assert_int_equal(got.step.kind, SW_KIND_LLM);
    assert_int_equal(got.step.effect, SW_EFFECT_IDEMPOTENT);
    assert_true(got.step.has_digest);
    assert_memory_equal(got.step.digest.bytes, step.digest.bytes, SW_DIGEST_SIZE);
    assert_int_equal(got.step.begun_ms, 21);
    assert_int_equal(got.step.finished_ms, 22);
    assert_int_equal(got.step.last_lsn, 23);
    assert_int_equal(got.step.usage.output_tokens, 9);
    same(got.step.resolved_by, "jane");
    assert_int_equal(got.step.refs_count, 2);
    same(got.step.refs->text, "one");
    same(got.step.refs->next->text, "two");
    assert_null(got.step.refs->next->next);
    same(got.view.output.data, "out");
    same(got.view.progress.data, "half");
    assert_int_equal(got.view.failure.type.size, 0);
    assert_int_equal(got.idempotency_key.size, SW_UUID_TEXT_SIZE - 1);
}

/* Goal: doubt reads the same however it came about. */
static void doubt_is_one_state(void **state)
{
    struct sw_step step = {.state = SW_STEP_OPEN,
                           .attempt = 1,
                           .key = text("k"),
                           .effect = SW_EFFECT_ONCE,
                           .lease = 1};
    struct sw_step_view sent = {.step = &step};
    struct sw_run_head head = {.run = 7, .run_id = text("r"), .lease = 1};
    struct sw_client_step got;
    struct sw_err err;

    for (int held = 0; held < 2; held++) {
        assert_int_equal(
            sw_client_view_step(sw_encode_step(&sent, text("j"), &head, held != 0, 9, *state),
                                *state, &got, &err),
            SW_OK);
        assert_int_equal(got.step.state, held != 0 ? SW_STEP_OPEN : SW_STEP_DOUBTED);
    }
}

static void what_a_newer_server_says_is_unknown(void **state)
{
    (void)state;
    assert_int_equal(sw_client_view_state((Stepwell__V1__StepState)99), SW_STEP_ABSENT);
}

static void records_and_status_are_copied(void **state)
{
    Stepwell__V1__GetStatusResponse answer = STEPWELL__V1__GET_STATUS_RESPONSE__INIT;
    Stepwell__V1__Limits limits = STEPWELL__V1__LIMITS__INIT;
    struct sw_record record = {.lsn = 4,
                               .run = 2,
                               .at_ms = 5,
                               .type = SW_RECORD_LEASE_TAKEN,
                               .lease = 6,
                               .u.lease_taken = {.holder = text("h")}};
    struct sw_client_status status;
    struct sw_record_line line;

    sw_client_view_record(sw_encode_record(&record, text("r"), *state), &line);
    assert_int_equal(line.lsn, 4);
    assert_int_equal(line.type, SW_RECORD_LEASE_TAKEN);
    assert_int_equal(line.at_ms, 5);
    assert_int_equal(line.lease, 6);
    same(line.run_id, "r");
    assert_int_equal(line.chain.size, SW_DIGEST_SIZE);
    assert_true(line.summary.size > 0);

    answer.state = STEPWELL__V1__SERVER_STATE__SERVER_STATE_DRAINING;
    answer.durable_lsn = 8;
    sw_client_view_status(&answer, &status); /* a server that names no limits */
    assert_string_equal(status.state, "DRAINING");
    assert_int_equal(status.durable_lsn, 8);
    assert_int_equal(status.limits.payload_bytes_max, 0);
    limits.payload_bytes_max = 9;
    answer.limits = &limits;
    sw_client_view_status(&answer, &status);
    assert_int_equal(status.limits.payload_bytes_max, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_comes_back_as_it_was, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(a_step_comes_back_as_it_was, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(doubt_is_one_state, open_arena, close_arena),
        cmocka_unit_test(what_a_newer_server_says_is_unknown),
        cmocka_unit_test_setup_teardown(records_and_status_are_copied, open_arena, close_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
