/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: Resume takes the lease from whoever has it, or keeps the newest, and says where
 * the history ends.
 */
#include "tests/unit/sidecar/service/fixture.h"

static struct sw_resume_request resume_of(const char *run_id, uint64_t lease)
{
    return (struct sw_resume_request){
        .run_id = text(run_id), .lease = lease, .holder_name = text("next")};
}

static void a_new_lease_fences_the_old_one_and_tells_its_stream(void **state)
{
    struct fixture *f = *state;
    struct sw_resume_request request = resume_of("r", 0);
    struct sw_resume_answer answer;
    struct sw_begin_step_request begin = begin_of("r", 1, "k", SW_EFFECT_NONE);
    struct sw_verdict_answer verdict;

    f->holder = 7;
    started(f, "r");
    f->holder = 8;
    ASSERT_OK(f, fixture_resume(f, &request, &answer));
    assert_int_equal(answer.lease, 2);
    assert_int_equal(answer.up_to_lsn, newest_lsn(f));
    assert_true(f->call.sync);
    assert_text(answer.run.head.holder, "next");
    assert_int_equal(answer.run.head.lease, 2);
    assert_true(answer.run.held);
    assert_int_equal(f->leases_lost, 1);
    assert_int_equal(f->lost_holder, 7);
    assert_int_equal(f->lost_lease, 1);
    f->holder = 7;
    assert_int_equal(fixture_begin_step(f, &begin, &verdict), SW_LEASE_FENCED);
    sw_service_release_holder(f->service, 7); /* holds nothing any more */
    assert_true(sw_service_liveness(f->service, text("r")).held);
}

static void the_newest_lease_is_kept_without_a_record_and_an_older_one_is_fenced(void **state)
{
    struct fixture *f = *state;
    struct sw_resume_request request = resume_of("r", 2);
    struct sw_resume_answer answer;
    uint64_t lsn;

    started(f, "r");
    resumed(f, "r");
    lsn = newest_lsn(f);
    f->holder = 9;
    ASSERT_OK(f, fixture_resume(f, &request, &answer));
    assert_int_equal(answer.lease, 2);
    assert_int_equal(answer.up_to_lsn, lsn);
    assert_int_equal(newest_lsn(f), lsn);
    assert_false(f->call.sync);
    sw_service_release_holder(f->service, 9);
    assert_false(sw_service_liveness(f->service, text("r")).held);
    request.lease = 1;
    assert_int_equal(fixture_resume(f, &request, &answer), SW_LEASE_FENCED);
    request.lease = 3;
    assert_int_equal(fixture_resume(f, &request, &answer), SW_LEASE_FENCED);
    assert_int_equal(newest_lsn(f), lsn);
}

static void once_steps_of_the_old_lease_are_counted_as_in_doubt(void **state)
{
    struct fixture *f = *state;
    struct sw_resume_request request = resume_of("r", 0);
    struct sw_resume_answer answer;

    started(f, "r");
    begun(f, "r", 1, "a", SW_EFFECT_ONCE);
    begun(f, "r", 1, "b", SW_EFFECT_ONCE);
    begun(f, "r", 1, "c", SW_EFFECT_IDEMPOTENT);
    ASSERT_OK(f, fixture_resume(f, &request, &answer));
    assert_int_equal(answer.run.steps_in_doubt, 2);
    assert_int_equal(answer.run.head.steps, 3);
    fixture_restart(f);
    request.lease = 2;
    ASSERT_OK(f, fixture_resume(f, &request, &answer));
    assert_int_equal(answer.run.steps_in_doubt, 2);
}

static void an_ended_run_is_answered_without_a_lease(void **state)
{
    struct fixture *f = *state;
    struct sw_resume_request request = resume_of("r", 0);
    struct sw_resume_answer answer;

    started(f, "r");
    begun(f, "r", 1, "a", SW_EFFECT_ONCE);
    ended(f, "r", 1);
    for (int pass = 0; pass < 2; pass++) {
        for (request.lease = 0; request.lease < 2; request.lease++) {
            ASSERT_OK(f, fixture_resume(f, &request, &answer));
            assert_int_equal(answer.lease, 0);
            assert_int_equal(answer.up_to_lsn, answer.run.head.end_lsn);
            assert_text(answer.run.result.data, "result");
            assert_int_equal(answer.run.steps_in_doubt, 1); /* nobody ever found out */
        }
        fixture_restart(f);
    }
}

static void an_unknown_run_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct sw_resume_request request = resume_of("r", 0);
    struct sw_resume_answer answer;

    assert_int_equal(fixture_resume(f, &request, &answer), SW_RUN_NOT_FOUND);
    request.run_id = text("");
    assert_int_equal(fixture_resume(f, &request, &answer), SW_INVALID_FIELD);
}

static void a_history_that_is_not_durable_yet_waits_for_the_disk(void **state)
{
    struct fixture *f = *state;
    struct sw_resume_request request = resume_of("r", 1);
    struct sw_resume_answer answer;

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_NONE); /* committed, not synced */
    ASSERT_OK(f, fixture_resume(f, &request, &answer));
    assert_true(f->call.sync);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_new_lease_fences_the_old_one_and_tells_its_stream),
        FIXTURE_TEST(the_newest_lease_is_kept_without_a_record_and_an_older_one_is_fenced),
        FIXTURE_TEST(once_steps_of_the_old_lease_are_counted_as_in_doubt),
        FIXTURE_TEST(an_ended_run_is_answered_without_a_lease),
        FIXTURE_TEST(an_unknown_run_is_not_found),
        FIXTURE_TEST(a_history_that_is_not_durable_yet_waits_for_the_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
