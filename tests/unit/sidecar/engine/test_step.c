/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: the table of step states is walked edge by edge, by moves and by records; the
 * reducer keeps what later answers are made of; doubt is judged as step.h says.
 */
#include "sidecar/engine/step.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { STATES = SW_STEP_STATE_COUNT };

/* Row: from; column: to. The picture in step.h, by hand. */
static const char *const EDGES[STATES] = {
    /*                A O D R C F */
    [SW_STEP_ABSENT] = ".O....",   [SW_STEP_OPEN] = ".ODRCF",      [SW_STEP_DOUBTED] = "...RCF",
    [SW_STEP_RETRYING] = ".O....", [SW_STEP_COMPLETED] = "......", [SW_STEP_FAILED] = "......",
};

/* Every way a record can change a step, and the state it leads to from each state; '-':
 * the record does not fit there. */
static const struct {
    const char *name;
    enum sw_record_type type;
    bool final;
    enum sw_resolution resolution;
    const char *to; /* from ABSENT, OPEN, DOUBTED, RETRYING, COMPLETED, FAILED */
} RECORDS[] = {
    {"begun", SW_RECORD_STEP_BEGUN, false, 0, "OO-O--"},
    {"completed", SW_RECORD_STEP_COMPLETED, false, 0, "-CC---"},
    {"failed", SW_RECORD_STEP_FAILED, false, 0, "-RR---"},
    {"failed for good", SW_RECORD_STEP_FAILED, true, 0, "-FF---"},
    {"doubted", SW_RECORD_STEP_DOUBTED, false, 0, "-D----"},
    {"noted", SW_RECORD_STEP_NOTED, false, 0, "-OD---"},
    {"happened", SW_RECORD_STEP_RESOLVED, false, SW_RESOLUTION_HAPPENED, "-CC---"},
    {"did not happen", SW_RECORD_STEP_RESOLVED, false, SW_RESOLUTION_DID_NOT_HAPPEN, "-RR---"},
    {"given up", SW_RECORD_STEP_RESOLVED, false, SW_RESOLUTION_GIVE_UP, "-FF---"},
    {"no resolution", SW_RECORD_STEP_RESOLVED, false, 0, "------"},
    {"a lease taken", SW_RECORD_LEASE_TAKEN, false, 0, "------"},
    {"a run ended", SW_RECORD_RUN_ENDED, false, 0, "------"},
};

static const char LETTERS[] = "AODRCF";

static struct sw_step step_in(enum sw_step_state state)
{
    return (struct sw_step){
        .state = state,
        .attempt = state == SW_STEP_ABSENT ? 0 : 3,
        .key = sw_span_of_text(state == SW_STEP_ABSENT ? "" : "key"),
        .effect = SW_EFFECT_ONCE,
    };
}

static struct sw_record record_of(size_t i, const struct sw_step *step)
{
    struct sw_record record = {.type = RECORDS[i].type, .lsn = 9, .at_ms = 100};

    record.key = sw_span_of_text("key");
    record.attempt = record.type == SW_RECORD_STEP_BEGUN ? step->attempt + 1 : step->attempt;
    if (record.type == SW_RECORD_STEP_RESOLVED)
        record.u.resolved.resolution = RECORDS[i].resolution;
    else if (record.type == SW_RECORD_STEP_FAILED)
        record.u.outcome.final = RECORDS[i].final;
    return record;
}

static void every_edge_of_the_table_and_no_other_may_be_moved(void **state)
{
    (void)state;
    for (int from = 0; from < STATES; from++) {
        for (int to = 0; to < STATES; to++) {
            bool may = EDGES[from][to] != '.';

            assert_int_equal(
                sw_step_state_may_move((enum sw_step_state)from, (enum sw_step_state)to), may);
            if (may) {
                struct sw_step step = {.state = (enum sw_step_state)from};

                sw_step_state_move(&step, (enum sw_step_state)to);
                assert_int_equal(step.state, to);
            }
        }
    }
}

static void every_record_leads_from_every_state_where_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(RECORDS) / sizeof(RECORDS[0]); i++) {
        for (int from = 0; from < STATES; from++) {
            struct sw_step step = step_in((enum sw_step_state)from);
            struct sw_record record = record_of(i, &step);
            char to = RECORDS[i].to[from];

            assert_int_equal(sw_step_may_apply(&step, &record), to != '-');
            if (to == '-')
                continue;
            sw_step_apply(&step, &record);
            assert_int_equal(LETTERS[step.state], to);
            assert_int_equal(step.last_lsn, 9);
        }
    }
}

static void a_record_of_another_attempt_does_not_fit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(RECORDS) / sizeof(RECORDS[0]); i++) {
        struct sw_step step = step_in(SW_STEP_OPEN);
        struct sw_record record = record_of(i, &step);

        record.attempt++;
        assert_false(sw_step_may_apply(&step, &record));
        record.attempt -= 2;
        assert_false(sw_step_may_apply(&step, &record));
    }
}

static void finished_states_are_those_without_successor(void **state)
{
    (void)state;
    for (int from = 0; from < STATES; from++) {
        bool has_successor = false;

        for (int to = 0; to < STATES; to++)
            has_successor |= EDGES[from][to] != '.';
        assert_int_equal(sw_step_state_is_finished((enum sw_step_state)from), !has_successor);
    }
}

static void every_state_has_its_own_name(void **state)
{
    (void)state;
    for (int i = 0; i < STATES; i++)
        assert_int_equal(sw_step_state_name((enum sw_step_state)i)[0], LETTERS[i]);
}

static struct sw_record begun(uint32_t attempt, uint64_t lsn, uint64_t at_ms)
{
    struct sw_record record = {.type = SW_RECORD_STEP_BEGUN, .lsn = lsn, .at_ms = at_ms};

    record.run = 1;
    record.key = sw_span_of_text("key");
    record.attempt = attempt;
    record.lease = attempt;
    record.u.step_begun.name = sw_span_of_text("name");
    record.u.step_begun.effect = SW_EFFECT_NONE;
    return record;
}

static void notes_and_usage_of_all_attempts_are_kept_and_the_rest_is_of_the_newest(void **state)
{
    struct sw_step step = {0};
    struct sw_record first = begun(1, 10, 1000);
    struct sw_record second = begun(2, 14, 2000);
    struct sw_record notes[2] = {{.type = SW_RECORD_STEP_NOTED, .lsn = 11, .at_ms = 1500},
                                 {.type = SW_RECORD_STEP_NOTED, .lsn = 12, .at_ms = 1600}};
    struct sw_record failed = {.type = SW_RECORD_STEP_FAILED, .lsn = 13, .at_ms = 1700};
    struct sw_record done = {.type = SW_RECORD_STEP_COMPLETED, .lsn = 15, .at_ms = 2100};

    (void)state;
    for (int i = 0; i < 2; i++) {
        notes[i].key = first.key;
        notes[i].attempt = 1;
        notes[i].u.noted.ref.text = sw_span_of_text(i == 0 ? "ref-0" : "ref-1");
    }
    notes[1].u.noted.progress.present = true;
    failed.key = done.key = first.key;
    failed.attempt = 1;
    failed.u.outcome.usage.input_tokens = 5;
    failed.u.outcome.not_before_ms = 1900;
    done.attempt = 2;
    done.u.outcome.usage.input_tokens = 7;

    sw_step_apply(&step, &first);
    sw_step_apply(&step, &notes[0]);
    sw_step_apply(&step, &notes[1]);
    assert_int_equal(step.alive_ms, 1600);
    sw_step_apply(&step, &failed);
    assert_int_equal(step.not_before_ms, 1900);
    assert_int_equal(step.finished_ms, 0);
    sw_step_apply(&step, &second);
    assert_int_equal(step.not_before_ms, 0);
    assert_int_equal(step.begun_ms, 2000);
    assert_int_equal(step.lease, 2);
    sw_step_apply(&step, &done);
    assert_int_equal(step.usage.input_tokens, 12);
    assert_int_equal(step.intent_lsn, 14);
    assert_int_equal(step.outcome_lsn, 15);
    assert_int_equal(step.progress_lsn, 12);
    assert_int_equal(step.finished_ms, 2100);
    assert_int_equal(step.refs_count, 2);
    assert_true(sw_span_equal(step.refs->text, sw_span_of_text("ref-0")));
    assert_true(sw_span_equal(step.refs->next->text, sw_span_of_text("ref-1")));
    assert_null(step.refs->next->next);
}

static void a_new_attempt_forgets_who_resolved_the_last_one(void **state)
{
    struct sw_step step = {0};
    struct sw_record first = begun(1, 10, 1000);
    struct sw_record second = begun(2, 12, 2000);
    struct sw_record resolved = {.type = SW_RECORD_STEP_RESOLVED, .lsn = 11, .attempt = 1};

    (void)state;
    resolved.key = first.key;
    resolved.u.resolved.resolution = SW_RESOLUTION_DID_NOT_HAPPEN;
    resolved.u.resolved.by = sw_span_of_text("somebody");
    sw_step_apply(&step, &first);
    sw_step_apply(&step, &resolved);
    assert_int_equal(step.resolved_by.size, 8);
    assert_int_equal(step.not_before_ms, 0);
    sw_step_apply(&step, &second);
    assert_int_equal(step.resolved_by.size, 0);
}

static void a_run_counts_keys_and_sums_usage(void **state)
{
    struct sw_run_head run = {0};
    struct sw_record started = {.type = SW_RECORD_RUN_STARTED, .lsn = 1, .run = 1, .at_ms = 5};
    struct sw_record lease = {.type = SW_RECORD_LEASE_TAKEN, .lsn = 2, .run = 1, .lease = 1};
    struct sw_record first = begun(1, 3, 10);
    struct sw_record second = begun(2, 4, 20);
    struct sw_record done = {.type = SW_RECORD_STEP_COMPLETED, .lsn = 5, .run = 1};
    struct sw_record ended = {.type = SW_RECORD_RUN_ENDED, .lsn = 6, .run = 1, .at_ms = 30};

    (void)state;
    started.u.run_started.input.present = true;
    started.u.run_started.input.digest.bytes[0] = 7;
    lease.u.lease_taken.holder = sw_span_of_text("pod");
    done.u.outcome.usage.cost_micros = UINT64_MAX - 1;
    ended.u.run_ended.state = SW_RUN_FAILED;
    sw_run_apply(&run, &started, false);
    assert_int_equal(run.input_digest.bytes[0], 7);
    sw_run_apply(&run, &lease, false);
    sw_run_apply(&run, &first, true);
    sw_run_apply(&run, &second, false);
    sw_run_apply(&run, &done, false);
    sw_run_apply(&run, &done, false);
    assert_int_equal(run.usage.cost_micros, UINT64_MAX); /* a sum too large stays at the top */
    sw_run_apply(&run, &ended, false);
    assert_int_equal(run.steps, 1);
    assert_int_equal(run.lease, 1);
    assert_int_equal(run.state, SW_RUN_FAILED);
    assert_int_equal(run.ended_ms, 30);
    assert_int_equal(run.end_lsn, 6);
    assert_int_equal(run.last_lsn, 6);
}

static void the_earlier_of_two_timeouts_is_the_deadline(void **state)
{
    struct sw_step step = {.state = SW_STEP_OPEN, .begun_ms = 1000, .alive_ms = 1500};

    (void)state;
    assert_int_equal(sw_step_deadline_ms(&step), 0);
    step.start_to_close_ms = 800;
    assert_int_equal(sw_step_deadline_ms(&step), 1800);
    step.heartbeat_ms = 200;
    assert_int_equal(sw_step_deadline_ms(&step), 1700);
    step.alive_ms = 1750;
    assert_int_equal(sw_step_deadline_ms(&step), 1800);
    step.start_to_close_ms = 0;
    step.alive_ms = UINT64_MAX;
    assert_int_equal(sw_step_deadline_ms(&step), 0);
    step.alive_ms = 0;
    step.state = SW_STEP_DOUBTED;
    assert_int_equal(sw_step_deadline_ms(&step), 0);
}

static void only_effect_once_is_in_doubt_and_every_reason_is_told(void **state)
{
    struct sw_step step = {
        .state = SW_STEP_OPEN, .effect = SW_EFFECT_ONCE, .lease = 4, .start_to_close_ms = 10};

    (void)state;
    assert_int_equal(sw_step_doubt(&step, 4, true, 9), SW_DOUBT_NOT);
    assert_int_equal(sw_step_doubt(&step, 4, true, 10), SW_DOUBT_TIMED_OUT);
    assert_int_equal(sw_step_doubt(&step, 4, false, 9), SW_DOUBT_HOLDER_GONE);
    assert_int_equal(sw_step_doubt(&step, 5, true, 9), SW_DOUBT_HOLDER_GONE);
    step.effect = SW_EFFECT_IDEMPOTENT;
    assert_int_equal(sw_step_doubt(&step, 5, false, 99), SW_DOUBT_NOT);
    step.state = SW_STEP_DOUBTED;
    assert_int_equal(sw_step_doubt(&step, 4, true, 9), SW_DOUBT_REPORTED);
    step.state = SW_STEP_RETRYING;
    step.effect = SW_EFFECT_ONCE;
    assert_int_equal(sw_step_doubt(&step, 5, false, 99), SW_DOUBT_NOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_edge_of_the_table_and_no_other_may_be_moved),
        cmocka_unit_test(every_record_leads_from_every_state_where_the_table_says),
        cmocka_unit_test(a_record_of_another_attempt_does_not_fit),
        cmocka_unit_test(finished_states_are_those_without_successor),
        cmocka_unit_test(every_state_has_its_own_name),
        cmocka_unit_test(notes_and_usage_of_all_attempts_are_kept_and_the_rest_is_of_the_newest),
        cmocka_unit_test(a_new_attempt_forgets_who_resolved_the_last_one),
        cmocka_unit_test(a_run_counts_keys_and_sums_usage),
        cmocka_unit_test(the_earlier_of_two_timeouts_is_the_deadline),
        cmocka_unit_test(only_effect_once_is_in_doubt_and_every_reason_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
