/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: ClaimRun finds the oldest run of its tasks that nobody holds, and no other.
 */
#include "tests/unit/sidecar/service/fixture.h"

static struct sw_claim_run_answer claimed(struct fixture *f, const char *task)
{
    const struct sw_span tasks[] = {text("never"), text(task != NULL ? task : "")};
    struct sw_claim_run_request request = {.tasks = tasks, .tasks_count = task != NULL ? 2 : 0};
    struct sw_claim_run_answer answer;

    request.holder_name = text("claimer");
    ASSERT_OK(f, fixture_claim_run(f, &request, &answer));
    return answer;
}

static void started_free(struct fixture *f, const char *run_id, const char *task)
{
    struct sw_start_run_request request = start_of(run_id);
    struct sw_start_run_answer answer;

    request.task = text(task);
    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
}

static void free_runs_are_claimed_oldest_first_by_task(void **state)
{
    struct fixture *f = *state;
    struct sw_claim_run_answer answer;

    assert_false(claimed(f, NULL).found);
    started_free(f, "a", "red");
    started_free(f, "b", "blue");
    started_free(f, "c", "blue");
    answer = claimed(f, "blue");
    assert_true(answer.found);
    assert_text(answer.run.head.run_id, "b");
    assert_text(answer.run.input.data, "input");
    assert_text(answer.run.head.holder, "claimer");
    assert_int_equal(answer.lease, 1);
    assert_true(answer.run.held);
    assert_true(f->call.sync);
    assert_text(claimed(f, NULL).run.head.run_id, "a");
    assert_text(claimed(f, "blue").run.head.run_id, "c");
    assert_false(claimed(f, NULL).found);
    assert_false(f->call.sync);
    assert_int_equal(begun(f, "b", 1, "k", SW_EFFECT_NONE).verdict, SW_VERDICT_EXECUTE);
}

static void a_run_is_free_when_its_grace_is_over_to_the_millisecond(void **state)
{
    struct fixture *f = *state;
    unsigned available;

    started(f, "r");
    assert_int_equal(sw_service_claimable_at_ms(f->service), f->now_ms + FIXTURE_GRACE_MS);
    f->now_ms += 500;
    begun(f, "r", 1, "k", SW_EFFECT_NONE); /* a sign of life */
    assert_int_equal(sw_service_claimable_at_ms(f->service), f->now_ms + FIXTURE_GRACE_MS);
    f->now_ms += FIXTURE_GRACE_MS - 1;
    assert_false(claimed(f, NULL).found);
    f->now_ms += 1;
    available = f->available;
    assert_int_equal(claimed(f, NULL).lease, 2);
    assert_int_equal(f->available, available + 1);
}

static void a_run_held_by_a_stream_is_free_when_the_stream_ends(void **state)
{
    struct fixture *f = *state;

    f->holder = 7;
    started(f, "r");
    f->holder = 0;
    f->now_ms += 1000 * FIXTURE_GRACE_MS;
    assert_false(claimed(f, NULL).found);
    assert_int_equal(sw_service_claimable_at_ms(f->service), 0);
    sw_service_release_holder(f->service, 7);
    assert_int_equal(f->available, 1);
    assert_int_equal(claimed(f, NULL).lease, 2);
}

static void a_claim_by_a_stream_lasts_as_long_as_the_stream(void **state)
{
    struct fixture *f = *state;

    started_free(f, "r", "task");
    f->holder = 7;
    assert_true(claimed(f, NULL).found);
    f->holder = 0;
    f->now_ms += 1000 * FIXTURE_GRACE_MS;
    assert_false(claimed(f, NULL).found);
}

static void after_a_restart_runs_are_free_when_the_grace_is_over(void **state)
{
    struct fixture *f = *state;

    f->holder = 7;
    started(f, "a");
    f->holder = 0;
    started(f, "b");
    fixture_restart(f);
    assert_false(claimed(f, NULL).found);
    assert_int_equal(f->loads, 0);
    assert_int_equal(sw_service_claimable_at_ms(f->service), f->now_ms + FIXTURE_GRACE_MS);
    f->now_ms += FIXTURE_GRACE_MS;
    assert_text(claimed(f, NULL).run.head.run_id, "a");
    assert_text(claimed(f, NULL).run.head.run_id, "b");
    assert_false(claimed(f, NULL).found);
    assert_int_equal(f->loads, 2);
}

static void a_claim_that_cannot_be_recorded_leaves_the_run_free(void **state)
{
    struct fixture *f = *state;
    struct sw_claim_run_answer answer;

    started_free(f, "r", "task");
    f->hold = true;
    answer = claimed(f, NULL);
    assert_int_equal(answer.lease, 1);
    fixture_fail(f);
    f->hold = false;
    f->now_ms += FIXTURE_GRACE_MS;
    answer = claimed(f, NULL);
    assert_int_equal(answer.lease, 1);
}

static void bounds_are_checked(void **state)
{
    struct fixture *f = *state;
    struct sw_claim_run_request request = {.wait_ms = 10 * 60 * 1000 + 1};
    struct sw_claim_run_answer answer;

    assert_int_equal(fixture_claim_run(f, &request, &answer), SW_INVALID_FIELD);
    assert_string_equal(f->err.field, "wait_ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(free_runs_are_claimed_oldest_first_by_task),
        FIXTURE_TEST(a_run_is_free_when_its_grace_is_over_to_the_millisecond),
        FIXTURE_TEST(a_run_held_by_a_stream_is_free_when_the_stream_ends),
        FIXTURE_TEST(a_claim_by_a_stream_lasts_as_long_as_the_stream),
        FIXTURE_TEST(after_a_restart_runs_are_free_when_the_grace_is_over),
        FIXTURE_TEST(a_claim_that_cannot_be_recorded_leaves_the_run_free),
        FIXTURE_TEST(bounds_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
