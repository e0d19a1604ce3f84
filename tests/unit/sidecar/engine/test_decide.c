/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: each line of the tables in decide.h, on both sides of each of its bounds.
 */
#include "sidecar/engine/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct sw_run_head a_run(void)
{
    return (struct sw_run_head){
        .run = 1, .state = SW_RUN_RUNNING, .on_divergence = SW_DIVERGENCE_FAIL, .lease = 4};
}

static struct sw_step a_step(enum sw_step_state state, enum sw_effect effect)
{
    struct sw_step step = {
        .state = state, .attempt = 2, .effect = effect, .lease = 4, .intent_lsn = 8};

    step.key = sw_span_of_text("key");
    step.name = sw_span_of_text("name");
    step.request_id = sw_span_of_text("r1");
    step.has_digest = true;
    step.retry =
        (struct sw_retry){.max_attempts = 5, .initial_ms = 100, .factor = 2.0, .cap_ms = 1000};
    return step;
}

static struct sw_begin_offer an_offer(void)
{
    struct sw_begin_offer offer = {.effect = SW_EFFECT_ONCE, .has_digest = true};

    offer.name = sw_span_of_text("name");
    offer.request_id = sw_span_of_text("r1");
    return offer;
}

static struct sw_begin_decision begin(const struct sw_run_head *run, const struct sw_step *step,
                                      const struct sw_begin_offer *offer, uint64_t now_ms)
{
    struct sw_begin_decision decision;

    sw_decide_begin(run, step, offer, now_ms, &decision);
    return decision;
}

static void a_new_key_is_executed_as_attempt_one(void **state)
{
    const struct sw_run_head run = a_run();
    const struct sw_step step = {0};
    const struct sw_begin_offer offer = an_offer();
    struct sw_begin_decision decision = begin(&run, &step, &offer, 50);

    (void)state;
    assert_int_equal(decision.verdict, SW_VERDICT_EXECUTE);
    assert_true(decision.record);
    assert_int_equal(decision.attempt, 1);
}

static void another_name_or_digest_diverges_and_a_missing_one_does_not(void **state)
{
    const struct sw_run_head run = a_run();
    struct sw_step step = a_step(SW_STEP_COMPLETED, SW_EFFECT_NONE);
    struct sw_begin_offer offer = an_offer();

    (void)state;
    assert_int_equal(begin(&run, &step, &offer, 50).verdict, SW_VERDICT_REPLAY);
    offer.digest.bytes[31] = 1;
    assert_int_equal(begin(&run, &step, &offer, 50).verdict, SW_VERDICT_DIVERGED);
    offer.has_digest = false;
    assert_int_equal(begin(&run, &step, &offer, 50).verdict, SW_VERDICT_REPLAY);
    offer.has_digest = true;
    step.has_digest = false;
    assert_int_equal(begin(&run, &step, &offer, 50).verdict, SW_VERDICT_REPLAY);
    offer.name = sw_span_of_text("other");
    assert_int_equal(begin(&run, &step, &offer, 50).verdict, SW_VERDICT_DIVERGED);
    offer.name.size = 0;
    assert_int_equal(begin(&run, &step, &offer, 50).verdict, SW_VERDICT_REPLAY);
    offer.name = sw_span_of_text("other");
    step.name.size = 0;
    assert_int_equal(begin(&run, &step, &offer, 50).verdict, SW_VERDICT_REPLAY);
}

static void divergence_is_seen_in_every_state_before_anything_else(void **state)
{
    struct sw_run_head run = a_run();
    struct sw_begin_offer offer = an_offer();

    (void)state;
    offer.name = sw_span_of_text("other");
    for (int s = SW_STEP_OPEN; s < SW_STEP_STATE_COUNT; s++) {
        struct sw_step step = a_step((enum sw_step_state)s, SW_EFFECT_ONCE);

        run.on_divergence = SW_DIVERGENCE_FAIL;
        assert_int_equal(begin(&run, &step, &offer, 50).verdict, SW_VERDICT_DIVERGED);
        run.on_divergence = SW_DIVERGENCE_ACCEPT;
        assert_int_not_equal(begin(&run, &step, &offer, 50).verdict, SW_VERDICT_DIVERGED);
        assert_int_equal(begin(&run, &step, &offer, 50).accepted_divergence,
                         sw_step_state_is_finished(step.state));
    }
}

static void a_retrying_step_waits_for_its_time_to_the_millisecond(void **state)
{
    const struct sw_run_head run = a_run();
    struct sw_step step = a_step(SW_STEP_RETRYING, SW_EFFECT_ONCE);
    const struct sw_begin_offer offer = an_offer();
    struct sw_begin_decision decision;

    (void)state;
    step.not_before_ms = 100;
    decision = begin(&run, &step, &offer, 99);
    assert_int_equal(decision.verdict, SW_VERDICT_WAIT);
    assert_int_equal(decision.wait, SW_WAIT_BACK_OFF);
    assert_int_equal(decision.not_before_ms, 100);
    assert_int_equal(decision.attempt, 2);
    decision = begin(&run, &step, &offer, 100);
    assert_int_equal(decision.verdict, SW_VERDICT_EXECUTE);
    assert_true(decision.record);
    assert_int_equal(decision.attempt, 3);
}

static void an_open_step_is_executed_again_only_by_the_same_call(void **state)
{
    const struct sw_run_head run = a_run();
    struct sw_step step = a_step(SW_STEP_OPEN, SW_EFFECT_ONCE);
    struct sw_begin_offer offer = an_offer();
    struct sw_begin_decision decision = begin(&run, &step, &offer, 50);

    (void)state;
    assert_int_equal(decision.verdict, SW_VERDICT_EXECUTE);
    assert_false(decision.record);
    assert_int_equal(decision.attempt, 2);
    offer.request_id = sw_span_of_text("r2");
    decision = begin(&run, &step, &offer, 50);
    assert_int_equal(decision.verdict, SW_VERDICT_WAIT);
    assert_int_equal(decision.wait, SW_WAIT_HELD);
    offer.request_id.size = 0;
    assert_int_equal(begin(&run, &step, &offer, 50).verdict, SW_VERDICT_WAIT);
    step.request_id.size = 0;
    assert_int_equal(begin(&run, &step, &offer, 50).verdict, SW_VERDICT_EXECUTE);
}

static void a_lost_attempt_is_in_doubt_with_effect_once_and_begun_again_with_others(void **state)
{
    const struct sw_run_head run = a_run();
    const struct sw_begin_offer offer = an_offer();

    (void)state;
    for (int effect = SW_EFFECT_NONE; effect <= SW_EFFECT_ONCE; effect++) {
        struct sw_step step = a_step(SW_STEP_OPEN, (enum sw_effect)effect);
        struct sw_begin_decision decision;

        step.retry.max_attempts = 1; /* spent, which does not matter */
        step.begun_ms = 100;
        step.start_to_close_ms = 10;
        assert_false(begin(&run, &step, &offer, 109).record);
        decision = begin(&run, &step, &offer, 110);
        if (effect == SW_EFFECT_ONCE) {
            assert_int_equal(decision.verdict, SW_VERDICT_IN_DOUBT);
            assert_int_equal(decision.doubt, SW_DOUBT_TIMED_OUT);
            assert_int_equal(decision.attempt, 2);
        } else {
            assert_int_equal(decision.verdict, SW_VERDICT_EXECUTE);
            assert_true(decision.record);
            assert_int_equal(decision.attempt, 3);
        }
        step.lease = 3;
        decision = begin(&run, &step, &offer, 105);
        assert_int_equal(decision.verdict,
                         effect == SW_EFFECT_ONCE ? SW_VERDICT_IN_DOUBT : SW_VERDICT_EXECUTE);
        assert_int_equal(decision.doubt,
                         effect == SW_EFFECT_ONCE ? SW_DOUBT_HOLDER_GONE : SW_DOUBT_NOT);
    }
}

static void a_reported_doubt_stays_one_whoever_asks(void **state)
{
    const struct sw_run_head run = a_run();
    const struct sw_step step = a_step(SW_STEP_DOUBTED, SW_EFFECT_ONCE);
    const struct sw_begin_offer offer = an_offer();
    struct sw_begin_decision decision = begin(&run, &step, &offer, 50);

    (void)state;
    assert_int_equal(decision.verdict, SW_VERDICT_IN_DOUBT);
    assert_int_equal(decision.doubt, SW_DOUBT_REPORTED);
}

/* ---- outcomes ----------------------------------------------------------------- */

/* What comes of each outcome in each state, for effect ONCE and for others:
 * C F D records it, = is a repeated call, x a conflict, . no such step. */
static const struct {
    enum sw_effect effect;
    enum sw_outcome outcome;
    const char *results; /* ABSENT OPEN DOUBTED RETRYING COMPLETED FAILED */
} OUTCOMES[] = {
    {SW_EFFECT_ONCE, SW_OUTCOME_OUTPUT, ".CCx=x"},
    {SW_EFFECT_ONCE, SW_OUTCOME_FAILURE, ".FF=x="},
    {SW_EFFECT_ONCE, SW_OUTCOME_UNKNOWN, ".D=xxx"},
    {SW_EFFECT_NONE, SW_OUTCOME_OUTPUT, ".C?x=x"},
    {SW_EFFECT_NONE, SW_OUTCOME_FAILURE, ".F?=x="},
    {SW_EFFECT_IDEMPOTENT, SW_OUTCOME_UNKNOWN, ".F?=x="},
};

static char result_of(enum sw_code rc, const struct sw_complete_decision *decision)
{
    if (rc == SW_STEP_NOT_FOUND)
        return '.';
    if (rc == SW_OUTCOME_CONFLICT)
        return 'x';
    assert_int_equal(rc, SW_OK);
    if (decision->repeated)
        return '=';
    if (decision->type == SW_RECORD_STEP_COMPLETED)
        return 'C';
    return decision->type == SW_RECORD_STEP_FAILED ? 'F' : 'D';
}

static void each_outcome_in_each_state_is_recorded_repeated_or_refused(void **state)
{
    const struct sw_failure failure = {.type = sw_span_of_text("Timeout")};

    (void)state;
    for (size_t i = 0; i < sizeof(OUTCOMES) / sizeof(OUTCOMES[0]); i++) {
        for (int from = 0; from < SW_STEP_STATE_COUNT; from++) {
            struct sw_step step = a_step((enum sw_step_state)from, OUTCOMES[i].effect);
            struct sw_complete_decision decision = {0};
            struct sw_err err;
            enum sw_code rc;

            if (OUTCOMES[i].results[from] == '?')
                continue; /* no such step is ever DOUBTED */
            rc =
                sw_decide_complete(&step, 2, OUTCOMES[i].outcome, &failure, 0, 50, &decision, &err);
            assert_int_equal(result_of(rc, &decision), OUTCOMES[i].results[from]);
        }
    }
}

static void a_failure_is_retried_after_its_delay_until_attempts_are_spent(void **state)
{
    struct sw_step step = a_step(SW_STEP_OPEN, SW_EFFECT_NONE);
    struct sw_failure failure = {.type = sw_span_of_text("Timeout")};
    struct sw_complete_decision decision;
    struct sw_err err;

    (void)state;
    assert_int_equal(
        sw_decide_complete(&step, 2, SW_OUTCOME_FAILURE, &failure, 0, 50, &decision, &err), SW_OK);
    assert_false(decision.final);
    assert_int_equal(decision.not_before_ms, 50 + 200);
    step.attempt = 5;
    assert_int_equal(
        sw_decide_complete(&step, 5, SW_OUTCOME_UNKNOWN, &failure, 0, 50, &decision, &err), SW_OK);
    assert_true(decision.final);
    assert_int_equal(decision.not_before_ms, 0);
}

static void an_outcome_names_the_newest_attempt(void **state)
{
    const struct sw_step step = a_step(SW_STEP_OPEN, SW_EFFECT_NONE);
    const struct sw_failure failure = {0};
    struct sw_complete_decision decision;
    struct sw_err err;

    (void)state;
    assert_int_equal(
        sw_decide_complete(&step, 1, SW_OUTCOME_OUTPUT, &failure, 0, 50, &decision, &err),
        SW_ATTEMPT_SUPERSEDED);
    assert_int_equal(
        sw_decide_complete(&step, 3, SW_OUTCOME_OUTPUT, &failure, 0, 50, &decision, &err),
        SW_INVALID_FIELD);
    assert_string_equal(err.field, "attempt");
    assert_int_equal(err.limit, 2);
}

static void a_late_outcome_of_a_lost_attempt_is_taken(void **state)
{
    struct sw_step step = a_step(SW_STEP_OPEN, SW_EFFECT_ONCE);
    const struct sw_failure failure = {0};
    struct sw_complete_decision decision;
    struct sw_err err;

    (void)state;
    step.lease = 3;
    step.start_to_close_ms = 1;
    assert_int_equal(
        sw_decide_complete(&step, 2, SW_OUTCOME_OUTPUT, &failure, 0, 50, &decision, &err), SW_OK);
    assert_int_equal(decision.type, SW_RECORD_STEP_COMPLETED);
}

/* ---- resolutions and leases ------------------------------------------------------ */

static enum sw_code resolve(const struct sw_step *step, enum sw_resolution resolution, bool held,
                            bool *repeated)
{
    const struct sw_run_head run = a_run();
    struct sw_err err;

    *repeated = false;
    return sw_decide_resolve(&run, step, resolution, held, 50, repeated, &err);
}

static void doubt_and_nothing_else_is_resolved(void **state)
{
    struct sw_step step = {0};
    bool repeated;

    (void)state;
    assert_int_equal(resolve(&step, SW_RESOLUTION_GIVE_UP, true, &repeated), SW_STEP_NOT_FOUND);
    step = a_step(SW_STEP_DOUBTED, SW_EFFECT_ONCE);
    assert_int_equal(resolve(&step, SW_RESOLUTION_GIVE_UP, true, &repeated), SW_OK);
    step = a_step(SW_STEP_OPEN, SW_EFFECT_ONCE);
    assert_int_equal(resolve(&step, SW_RESOLUTION_GIVE_UP, true, &repeated), SW_STEP_NOT_IN_DOUBT);
    assert_int_equal(resolve(&step, SW_RESOLUTION_GIVE_UP, false, &repeated), SW_OK);
    step.lease = 3;
    assert_int_equal(resolve(&step, SW_RESOLUTION_HAPPENED, true, &repeated), SW_OK);
    assert_false(repeated);
    step.effect = SW_EFFECT_IDEMPOTENT;
    assert_int_equal(resolve(&step, SW_RESOLUTION_HAPPENED, false, &repeated),
                     SW_STEP_NOT_IN_DOUBT);
}

static void the_same_resolution_again_is_a_repeated_call_and_another_is_refused(void **state)
{
    static const enum sw_step_state ends[] = {
        [SW_RESOLUTION_HAPPENED] = SW_STEP_COMPLETED,
        [SW_RESOLUTION_DID_NOT_HAPPEN] = SW_STEP_RETRYING,
        [SW_RESOLUTION_GIVE_UP] = SW_STEP_FAILED,
    };

    (void)state;
    for (int was = SW_RESOLUTION_HAPPENED; was <= SW_RESOLUTION_GIVE_UP; was++) {
        for (int asked = SW_RESOLUTION_HAPPENED; asked <= SW_RESOLUTION_GIVE_UP; asked++) {
            struct sw_step step = a_step(ends[was], SW_EFFECT_ONCE);
            bool repeated;

            assert_int_equal(resolve(&step, (enum sw_resolution)asked, true, &repeated),
                             SW_STEP_NOT_IN_DOUBT); /* ended by its holder, not resolved */
            step.resolved_by = sw_span_of_text("somebody");
            assert_int_equal(resolve(&step, (enum sw_resolution)asked, true, &repeated),
                             was == asked ? SW_OK : SW_STEP_NOT_IN_DOUBT);
            assert_int_equal(repeated, was == asked);
        }
    }
}

static void only_the_newest_lease_of_a_running_run_is_good(void **state)
{
    struct sw_run_head run = a_run();
    struct sw_err err;

    (void)state;
    assert_int_equal(sw_decide_lease(&run, 4, &err), SW_OK);
    assert_int_equal(sw_decide_lease(&run, 3, &err), SW_LEASE_FENCED);
    assert_int_equal(sw_decide_lease(&run, 5, &err), SW_LEASE_FENCED);
    run.state = SW_RUN_COMPLETED;
    assert_int_equal(sw_decide_lease(&run, 4, &err), SW_RUN_ENDED);
    assert_int_equal(sw_decide_lease(&run, 3, &err), SW_RUN_ENDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_key_is_executed_as_attempt_one),
        cmocka_unit_test(another_name_or_digest_diverges_and_a_missing_one_does_not),
        cmocka_unit_test(divergence_is_seen_in_every_state_before_anything_else),
        cmocka_unit_test(a_retrying_step_waits_for_its_time_to_the_millisecond),
        cmocka_unit_test(an_open_step_is_executed_again_only_by_the_same_call),
        cmocka_unit_test(a_lost_attempt_is_in_doubt_with_effect_once_and_begun_again_with_others),
        cmocka_unit_test(a_reported_doubt_stays_one_whoever_asks),
        cmocka_unit_test(each_outcome_in_each_state_is_recorded_repeated_or_refused),
        cmocka_unit_test(a_failure_is_retried_after_its_delay_until_attempts_are_spent),
        cmocka_unit_test(an_outcome_names_the_newest_attempt),
        cmocka_unit_test(a_late_outcome_of_a_lost_attempt_is_taken),
        cmocka_unit_test(doubt_and_nothing_else_is_resolved),
        cmocka_unit_test(the_same_resolution_again_is_a_repeated_call_and_another_is_refused),
        cmocka_unit_test(only_the_newest_lease_of_a_running_run_is_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
