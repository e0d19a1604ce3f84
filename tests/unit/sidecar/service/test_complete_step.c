/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: an outcome is recorded once and never changes; begin_next follows it or leaves
 * it alone.
 */
#include "tests/unit/sidecar/service/fixture.h"

static void an_output_completes_the_step_durably(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_answer answer;

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_NONE);
    answer = completed(f, "r", 1, "k", 1);
    assert_int_equal(answer.state, SW_STEP_COMPLETED);
    assert_int_equal(answer.lsn, newest_lsn(f));
    assert_int_equal(answer.next.verdict, 0);
    assert_true(f->call.sync);
}

static void a_repeated_completion_gets_the_same_answer_and_another_output_a_conflict(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_request request = complete_of("r", 1, "k", 1);
    struct sw_complete_step_answer first;
    struct sw_complete_step_answer again;

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    first = completed(f, "r", 1, "k", 1);
    for (int pass = 0; pass < 2; pass++) {
        request.output = payload("output");
        ASSERT_OK(f, fixture_complete_step(f, &request, &again));
        assert_int_equal(again.lsn, first.lsn);
        assert_int_equal(again.state, SW_STEP_COMPLETED);
        assert_false(f->call.sync);
        request.output = payload("outpux");
        assert_int_equal(fixture_complete_step(f, &request, &again), SW_OUTCOME_CONFLICT);
        request.output = payload("");
        assert_int_equal(fixture_complete_step(f, &request, &again), SW_OUTCOME_CONFLICT);
        fixture_restart(f);
    }
    assert_int_equal(newest_lsn(f), first.lsn);
}

static void an_empty_output_is_an_output(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_request request = complete_of("r", 1, "k", 1);
    struct sw_complete_step_answer answer;

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_NONE);
    request.output = (struct sw_payload){0};
    ASSERT_OK(f, fixture_complete_step(f, &request, &answer));
    assert_true(begun(f, "r", 1, "k", SW_EFFECT_NONE).output.present);
    ASSERT_OK(f, fixture_complete_step(f, &request, &answer));
}

static void an_unknown_outcome_is_doubt_with_effect_once_and_a_failure_with_others(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_answer answer;

    started(f, "r");
    begun(f, "r", 1, "once", SW_EFFECT_ONCE);
    begun(f, "r", 1, "none", SW_EFFECT_NONE);
    answer = failed(f, "r", 1, "once", 1, SW_OUTCOME_UNKNOWN);
    assert_int_equal(answer.state, SW_STEP_DOUBTED);
    assert_int_equal(begun(f, "r", 1, "once", SW_EFFECT_ONCE).doubt, SW_DOUBT_REPORTED);
    assert_int_equal(failed(f, "r", 1, "once", 1, SW_OUTCOME_UNKNOWN).lsn, answer.lsn);
    answer = failed(f, "r", 1, "none", 1, SW_OUTCOME_UNKNOWN);
    assert_int_equal(answer.state, SW_STEP_RETRYING);
    fixture_restart(f);
    assert_int_equal(failed(f, "r", 1, "none", 1, SW_OUTCOME_UNKNOWN).lsn, answer.lsn);
}

static void a_late_outcome_ends_doubt(void **state)
{
    struct fixture *f = *state;

    started(f, "r");
    begun(f, "r", 1, "a", SW_EFFECT_ONCE);
    begun(f, "r", 1, "b", SW_EFFECT_ONCE);
    failed(f, "r", 1, "a", 1, SW_OUTCOME_UNKNOWN);
    assert_int_equal(completed(f, "r", 1, "a", 1).state, SW_STEP_COMPLETED);
    resumed(f, "r");
    assert_int_equal(completed(f, "r", 2, "b", 1).state, SW_STEP_COMPLETED);
}

static void failures_are_retried_with_their_delay_until_the_last_attempt(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_answer answer;

    started(f, "r");
    for (uint32_t attempt = 1; attempt <= 3; attempt++) {
        assert_int_equal(begun(f, "r", 1, "k", SW_EFFECT_NONE).attempt, attempt);
        answer = failed(f, "r", 1, "k", attempt, SW_OUTCOME_FAILURE);
        assert_int_equal(answer.state, attempt < 3 ? SW_STEP_RETRYING : SW_STEP_FAILED);
        if (attempt < 3)
            assert_int_equal(answer.not_before_ms, f->now_ms + attempt * 1000);
        assert_int_equal(failed(f, "r", 1, "k", attempt, SW_OUTCOME_FAILURE).lsn, answer.lsn);
        f->now_ms += 5000;
    }
    assert_int_equal(begun(f, "r", 1, "k", SW_EFFECT_NONE).verdict, SW_VERDICT_REPLAY);
}

static void the_jitter_is_the_same_for_everybody(void **state)
{
    struct fixture *f = *state;
    uint64_t delays[2];

    for (int i = 0; i < 2; i++) {
        const char *run_id = i == 0 ? "r0" : "r1";
        struct sw_begin_step_request request = begin_of(run_id, 1, "k", SW_EFFECT_NONE);
        struct sw_verdict_answer verdict;

        started(f, run_id);
        request.step.retry.jitter = 1.0;
        ASSERT_OK(f, fixture_begin_step(f, &request, &verdict));
        delays[i] = failed(f, run_id, 1, "k", 1, SW_OUTCOME_FAILURE).not_before_ms - f->now_ms;
        assert_true(delays[i] <= 1000);
    }
    /* sw_hash64 of each run's idempotency key, the attempt as its seed. */
    assert_true(delays[0] != delays[1]);
}

static void an_attempt_that_is_not_the_newest_is_refused(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_request request = complete_of("r", 2, "k", 1);
    struct sw_complete_step_answer answer;

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_NONE);
    resumed(f, "r");
    begun(f, "r", 2, "k", SW_EFFECT_NONE);
    assert_int_equal(fixture_complete_step(f, &request, &answer), SW_ATTEMPT_SUPERSEDED);
    request.attempt = 3;
    assert_int_equal(fixture_complete_step(f, &request, &answer), SW_INVALID_FIELD);
    request.key = text("other");
    assert_int_equal(fixture_complete_step(f, &request, &answer), SW_STEP_NOT_FOUND);
    request = complete_of("r", 1, "k", 2);
    assert_int_equal(fixture_complete_step(f, &request, &answer), SW_LEASE_FENCED);
    ended(f, "r", 2);
    request.lease = 2;
    assert_int_equal(fixture_complete_step(f, &request, &answer), SW_RUN_ENDED);
}

/* ---- begin_next ------------------------------------------------------------------- */

static struct sw_complete_step_request fused(const char *key, const char *next)
{
    struct sw_complete_step_request request = complete_of("r", 1, key, 1);

    request.has_next = true;
    request.next = begin_of("r", 1, next, SW_EFFECT_ONCE).step;
    return request;
}

static void the_next_step_is_begun_in_the_same_call_and_again_when_repeated(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_request request = fused("a", "b");
    struct sw_complete_step_answer first;
    struct sw_complete_step_answer again;

    started(f, "r");
    begun(f, "r", 1, "a", SW_EFFECT_NONE);
    ASSERT_OK(f, fixture_complete_step(f, &request, &first));
    assert_int_equal(first.next.verdict, SW_VERDICT_EXECUTE);
    assert_int_equal(first.next.fencing_token, first.lsn + 1);
    ASSERT_OK(f, fixture_complete_step(f, &request, &again));
    assert_int_equal(again.lsn, first.lsn);
    assert_int_equal(again.next.verdict, SW_VERDICT_EXECUTE);
    assert_int_equal(again.next.fencing_token, first.next.fencing_token);
    request.next.request_id = text("somebody else");
    ASSERT_OK(f, fixture_complete_step(f, &request, &again));
    assert_int_equal(again.next.verdict, SW_VERDICT_WAIT);
}

static void a_next_step_out_of_bounds_leaves_the_completion_unrecorded(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_request request = fused("a", "");
    struct sw_complete_step_answer answer;
    uint64_t lsn;

    started(f, "r");
    begun(f, "r", 1, "a", SW_EFFECT_NONE);
    lsn = newest_lsn(f);
    assert_int_equal(fixture_complete_step(f, &request, &answer), SW_INVALID_FIELD);
    assert_string_equal(f->err.field, "begin_next.key");
    assert_int_equal(newest_lsn(f), lsn);
}

static void a_next_step_refused_leaves_the_completion_recorded(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_request request = fused("a", "b");
    struct sw_complete_step_answer answer;

    started(f, "r");
    begun(f, "r", 1, "a", SW_EFFECT_NONE);
    request.next.durability = SW_DURABILITY_REMOTE;
    assert_int_equal(fixture_complete_step(f, &request, &answer), SW_NO_OBJECT_STORE);
    assert_true(f->call.sync);
    assert_int_equal(begun(f, "r", 1, "a", SW_EFFECT_NONE).verdict, SW_VERDICT_REPLAY);
    request.next.durability = SW_DURABILITY_DEFAULT;
    ASSERT_OK(f, fixture_complete_step(f, &request, &answer));
    assert_int_equal(answer.next.verdict, SW_VERDICT_EXECUTE);
}

static void no_next_step_is_begun_unless_the_step_completed(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_request request = fused("a", "b");
    struct sw_complete_step_answer answer;

    started(f, "r");
    begun(f, "r", 1, "a", SW_EFFECT_NONE);
    request.outcome = SW_OUTCOME_FAILURE;
    request.failure = failure("Timeout");
    ASSERT_OK(f, fixture_complete_step(f, &request, &answer));
    assert_int_equal(answer.state, SW_STEP_RETRYING);
    assert_int_equal(answer.next.verdict, 0);
}

static void a_step_may_be_its_own_next(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_request request = fused("a", "a");
    struct sw_complete_step_answer answer;

    started(f, "r");
    begun(f, "r", 1, "a", SW_EFFECT_NONE);
    ASSERT_OK(f, fixture_complete_step(f, &request, &answer));
    assert_int_equal(answer.next.verdict, SW_VERDICT_REPLAY);
    assert_text(answer.next.output.data, "output");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(an_output_completes_the_step_durably),
        FIXTURE_TEST(a_repeated_completion_gets_the_same_answer_and_another_output_a_conflict),
        FIXTURE_TEST(an_empty_output_is_an_output),
        FIXTURE_TEST(an_unknown_outcome_is_doubt_with_effect_once_and_a_failure_with_others),
        FIXTURE_TEST(a_late_outcome_ends_doubt),
        FIXTURE_TEST(failures_are_retried_with_their_delay_until_the_last_attempt),
        FIXTURE_TEST(the_jitter_is_the_same_for_everybody),
        FIXTURE_TEST(an_attempt_that_is_not_the_newest_is_refused),
        FIXTURE_TEST(the_next_step_is_begun_in_the_same_call_and_again_when_repeated),
        FIXTURE_TEST(a_next_step_out_of_bounds_leaves_the_completion_unrecorded),
        FIXTURE_TEST(a_next_step_refused_leaves_the_completion_recorded),
        FIXTURE_TEST(no_next_step_is_begun_unless_the_step_completed),
        FIXTURE_TEST(a_step_may_be_its_own_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
