/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: doubt ends as its resolution says, by the lease's holder or by a person, once.
 */
#include "tests/unit/sidecar/service/fixture.h"

static struct sw_resolve_step_request resolve_of(uint64_t lease, enum sw_resolution resolution)
{
    struct sw_resolve_step_request request = {
        .run_id = text("r"), .lease = lease, .key = text("k"), .resolution = resolution};

    request.by = text("reconcile:test");
    if (resolution == SW_RESOLUTION_HAPPENED)
        request.output = payload("found");
    if (resolution == SW_RESOLUTION_GIVE_UP)
        request.failure = failure("Lost");
    return request;
}

/* A step "k" in doubt; the lease to use. */
static uint64_t doubted(struct fixture *f)
{
    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    return resumed(f, "r");
}

static void what_happened_is_replayed_with_the_output_found(void **state)
{
    struct fixture *f = *state;
    struct sw_resolve_step_request request = resolve_of(doubted(f), SW_RESOLUTION_HAPPENED);
    struct sw_resolve_step_answer first;
    struct sw_resolve_step_answer again;
    struct sw_verdict_answer verdict;

    ASSERT_OK(f, fixture_resolve_step(f, &request, &first));
    assert_int_equal(first.state, SW_STEP_COMPLETED);
    assert_int_equal(first.lsn, newest_lsn(f));
    assert_true(f->call.sync);
    for (int pass = 0; pass < 2; pass++) {
        verdict = begun(f, "r", 2, "k", SW_EFFECT_ONCE);
        assert_int_equal(verdict.verdict, SW_VERDICT_REPLAY);
        assert_text(verdict.output.data, "found");
        ASSERT_OK(f, fixture_resolve_step(f, &request, &again));
        assert_int_equal(again.lsn, first.lsn);
        assert_false(f->call.sync);
        fixture_restart(f);
    }
    request.output = payload("something else");
    assert_int_equal(fixture_resolve_step(f, &request, &again), SW_OUTCOME_CONFLICT);
    request = resolve_of(2, SW_RESOLUTION_GIVE_UP);
    assert_int_equal(fixture_resolve_step(f, &request, &again), SW_STEP_NOT_IN_DOUBT);
}

static void what_did_not_happen_is_attempted_again_at_once(void **state)
{
    struct fixture *f = *state;
    struct sw_resolve_step_request request = resolve_of(doubted(f), SW_RESOLUTION_DID_NOT_HAPPEN);
    struct sw_resolve_step_answer answer;
    struct sw_verdict_answer verdict;
    uint64_t lsn;

    ASSERT_OK(f, fixture_resolve_step(f, &request, &answer));
    assert_int_equal(answer.state, SW_STEP_RETRYING);
    lsn = answer.lsn;
    fixture_restart(f);
    ASSERT_OK(f, fixture_resolve_step(f, &request, &answer));
    assert_int_equal(answer.lsn, lsn);
    verdict = begun(f, "r", 2, "k", SW_EFFECT_ONCE);
    assert_int_equal(verdict.verdict, SW_VERDICT_EXECUTE);
    assert_int_equal(verdict.attempt, 2);
    /* The new attempt runs: what was found out about the first does not end it. */
    assert_int_equal(fixture_resolve_step(f, &request, &answer), SW_STEP_NOT_IN_DOUBT);
    assert_int_equal(completed(f, "r", 2, "k", 2).state, SW_STEP_COMPLETED);
}

static void what_nobody_will_find_out_fails(void **state)
{
    struct fixture *f = *state;
    struct sw_resolve_step_request request = resolve_of(doubted(f), SW_RESOLUTION_GIVE_UP);
    struct sw_resolve_step_answer answer;
    struct sw_verdict_answer verdict;

    ASSERT_OK(f, fixture_resolve_step(f, &request, &answer));
    assert_int_equal(answer.state, SW_STEP_FAILED);
    verdict = begun(f, "r", 2, "k", SW_EFFECT_ONCE);
    assert_int_equal(verdict.verdict, SW_VERDICT_REPLAY);
    assert_text(verdict.failure.type, "Lost");
    fixture_restart(f);
    ASSERT_OK(f, fixture_resolve_step(f, &request, &answer));
}

static void a_person_resolves_only_what_no_living_holder_has(void **state)
{
    struct fixture *f = *state;
    struct sw_resolve_step_request request = resolve_of(0, SW_RESOLUTION_GIVE_UP);
    struct sw_resolve_step_answer answer;

    request.by_person = true;
    f->holder = 7;
    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    f->holder = 0;
    assert_int_equal(fixture_resolve_step(f, &request, &answer), SW_STEP_NOT_IN_DOUBT);
    sw_service_release_holder(f->service, 7);
    ASSERT_OK(f, fixture_resolve_step(f, &request, &answer));
    assert_int_equal(answer.state, SW_STEP_FAILED);
}

static void a_person_may_resolve_a_reported_doubt_at_any_time(void **state)
{
    struct fixture *f = *state;
    struct sw_resolve_step_request request = resolve_of(0, SW_RESOLUTION_HAPPENED);
    struct sw_resolve_step_answer answer;

    request.by_person = true;
    f->holder = 7;
    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    failed(f, "r", 1, "k", 1, SW_OUTCOME_UNKNOWN);
    ASSERT_OK(f, fixture_resolve_step(f, &request, &answer));
    ASSERT_OK(f, fixture_resolve_step(f, &request, &answer)); /* repeated */
    ended(f, "r", 1);
    assert_int_equal(fixture_resolve_step(f, &request, &answer), SW_RUN_ENDED);
}

static void steps_that_are_not_in_doubt_are_left_alone(void **state)
{
    struct fixture *f = *state;
    struct sw_resolve_step_request request = resolve_of(1, SW_RESOLUTION_GIVE_UP);
    struct sw_resolve_step_answer answer;

    started(f, "r");
    assert_int_equal(fixture_resolve_step(f, &request, &answer), SW_STEP_NOT_FOUND);
    begun(f, "r", 1, "k", SW_EFFECT_IDEMPOTENT);
    assert_int_equal(fixture_resolve_step(f, &request, &answer), SW_STEP_NOT_IN_DOUBT);
    resumed(f, "r");
    assert_int_equal(fixture_resolve_step(f, &request, &answer), SW_LEASE_FENCED);
    request.lease = 2;
    assert_int_equal(fixture_resolve_step(f, &request, &answer), SW_STEP_NOT_IN_DOUBT);
    completed(f, "r", 2, "k", 1);
    assert_int_equal(fixture_resolve_step(f, &request, &answer), SW_STEP_NOT_IN_DOUBT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(what_happened_is_replayed_with_the_output_found),
        FIXTURE_TEST(what_did_not_happen_is_attempted_again_at_once),
        FIXTURE_TEST(what_nobody_will_find_out_fails),
        FIXTURE_TEST(a_person_resolves_only_what_no_living_holder_has),
        FIXTURE_TEST(a_person_may_resolve_a_reported_doubt_at_any_time),
        FIXTURE_TEST(steps_that_are_not_in_doubt_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
