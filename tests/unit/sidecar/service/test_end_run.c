/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a run ends once; its end is told again to the same caller and changed by nobody.
 */
#include "tests/unit/sidecar/service/fixture.h"

static void an_end_is_durable_and_the_same_when_repeated(void **state)
{
    struct fixture *f = *state;
    uint64_t lsn;

    started(f, "r");
    lsn = ended(f, "r", 1);
    assert_true(f->call.sync);
    assert_int_equal(lsn, newest_lsn(f));
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(ended(f, "r", 1), lsn);
        assert_false(f->call.sync);
        fixture_restart(f);
    }
    assert_int_equal(newest_lsn(f), lsn);
}

static void another_kind_of_end_or_another_lease_is_refused(void **state)
{
    struct fixture *f = *state;
    struct sw_end_run_request request = {.run_id = text("r"), .lease = 1};
    struct sw_end_run_answer answer;

    started(f, "r");
    resumed(f, "r");
    request.failed = true;
    request.failure = failure("Broken");
    assert_int_equal(fixture_end_run(f, &request, &answer), SW_LEASE_FENCED);
    request.lease = 2;
    ASSERT_OK(f, fixture_end_run(f, &request, &answer));
    for (int pass = 0; pass < 2; pass++) {
        request.lease = 2;
        request.failed = true;
        ASSERT_OK(f, fixture_end_run(f, &request, &answer));
        request.failed = false;
        assert_int_equal(fixture_end_run(f, &request, &answer), SW_OUTCOME_CONFLICT);
        request.lease = 1;
        assert_int_equal(fixture_end_run(f, &request, &answer), SW_RUN_ENDED);
        fixture_restart(f);
    }
}

static void an_ended_run_holds_no_place_and_no_holder(void **state)
{
    struct fixture *f = *state;
    struct sw_service_counts counts;

    f->holder = 7;
    started(f, "r");
    begun(f, "r", 1, "a", SW_EFFECT_NONE);
    completed(f, "r", 1, "a", 1);
    begun(f, "r", 1, "b", SW_EFFECT_NONE);
    counts = sw_service_counts(f->service);
    assert_int_equal(counts.open_runs, 1);
    assert_int_equal(counts.held_runs, 1);
    assert_int_equal(counts.steps_cached, 1);
    ended(f, "r", 1);
    counts = sw_service_counts(f->service);
    assert_int_equal(counts.open_runs, 0);
    assert_int_equal(counts.held_runs, 0);
    assert_int_equal(counts.loaded_runs, 0);
    assert_int_equal(counts.steps_cached, 0);
    assert_false(sw_service_liveness(f->service, text("r")).known);
}

static void an_end_that_was_not_committed_did_not_happen(void **state)
{
    struct fixture *f = *state;

    started(f, "r");
    begun(f, "r", 1, "a", SW_EFFECT_NONE);
    f->hold = true;
    ended(f, "r", 1);
    fixture_fail(f);
    f->hold = false;
    assert_true(sw_service_liveness(f->service, text("r")).known);
    assert_int_equal(completed(f, "r", 1, "a", 1).state, SW_STEP_COMPLETED);
    ended(f, "r", 1);
}

static void keys_not_visited_are_kept_with_the_run(void **state)
{
    struct fixture *f = *state;
    const struct sw_span keys[] = {text("a"), text("b")};
    struct sw_end_run_request request = {
        .run_id = text("r"), .lease = 1, .unvisited = keys, .unvisited_count = 2};
    struct sw_end_run_answer answer;
    struct sw_resume_request resume = {.run_id = text("r")};
    struct sw_resume_answer run;

    started(f, "r");
    ASSERT_OK(f, fixture_end_run(f, &request, &answer));
    ASSERT_OK(f, fixture_resume(f, &resume, &run));
    assert_int_equal(run.run.unvisited_count, 2);
    assert_text(run.run.unvisited[1], "b");
    assert_true(run.run.result.present);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(an_end_is_durable_and_the_same_when_repeated),
        FIXTURE_TEST(another_kind_of_end_or_another_lease_is_refused),
        FIXTURE_TEST(an_ended_run_holds_no_place_and_no_holder),
        FIXTURE_TEST(an_end_that_was_not_committed_did_not_happen),
        FIXTURE_TEST(keys_not_visited_are_kept_with_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
