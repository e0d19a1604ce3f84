/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: StartRun creates a run once, however often it is called, and says truly whether
 * this call did.
 */
#include "storage/base/fault.h"
#include "tests/unit/sidecar/service/fixture.h"

static void a_new_run_is_created_durable_and_available(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request request = start_of("r");
    const struct sw_label label = {.key = text("team"), .value = text("a")};
    struct sw_start_run_answer answer;

    request.labels = &label;
    request.labels_count = 1;
    request.code_version = text("v1");
    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    assert_true(answer.created);
    assert_int_equal(answer.lease, 0);
    assert_true(f->call.sync);
    assert_int_equal(f->available, 1);
    assert_int_equal(f->changes, 1);
    assert_int_equal(f->loads, 0);
    assert_int_equal(answer.run.head.run, newest_lsn(f));
    assert_int_equal(answer.run.head.state, SW_RUN_RUNNING);
    assert_int_equal(answer.run.head.started_ms, f->now_ms);
    assert_false(answer.run.held);
    assert_text(answer.run.head.run_id, "r");
    assert_text(answer.run.input.data, "input");
    assert_text(answer.run.labels[0].value, "a");
    assert_text(answer.run.code_version, "v1");
}

static void the_lease_taken_with_it_is_number_one_and_held(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request request = start_of("r");
    struct sw_start_run_answer answer;

    request.take_lease = true;
    request.holder_name = text("me");
    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    assert_int_equal(answer.lease, 1);
    assert_int_equal(f->available, 0);
    assert_true(answer.run.held);
    assert_text(answer.run.head.holder, "me");
    assert_int_equal(answer.run.head.last_lsn, newest_lsn(f));
    assert_int_equal(begun(f, "r", 1, "k", SW_EFFECT_NONE).verdict, SW_VERDICT_EXECUTE);
}

static void a_repeated_call_says_created_until_something_happened(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request request = start_of("r");
    struct sw_start_run_answer answer;
    uint64_t lsn;

    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    lsn = newest_lsn(f);
    for (int pass = 0; pass < 2; pass++) {
        ASSERT_OK(f, fixture_start_run(f, &request, &answer));
        assert_true(answer.created);
        assert_int_equal(answer.run.head.run, lsn);
        assert_text(answer.run.input.data, "input");
        fixture_restart(f);
    }
    assert_int_equal(newest_lsn(f), lsn);
    resumed(f, "r");
    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    assert_false(answer.created);
    assert_int_equal(answer.run.head.lease, 1);
}

static void a_repeated_call_with_its_lease_gets_the_same_lease_until_it_is_used(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request request = start_of("r");
    struct sw_start_run_answer answer;

    request.take_lease = true;
    request.holder_name = text("me");
    f->holder = 7;
    for (int i = 0; i < 3; i++) {
        ASSERT_OK(f, fixture_start_run(f, &request, &answer));
        assert_true(answer.created);
        assert_int_equal(answer.lease, 1);
        assert_true(answer.run.held);
    }
    request.holder_name = text("another");
    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    assert_false(answer.created);
    assert_int_equal(answer.lease, 0);
    request.holder_name = text("me");
    f->holder = 8; /* another stream */
    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    assert_false(answer.created);
    assert_int_equal(answer.lease, 0);
    f->holder = 7;
    begun(f, "r", 1, "k", SW_EFFECT_NONE);
    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    assert_false(answer.created);
}

static void a_run_created_without_lease_gives_it_to_the_first_who_asks(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request request = start_of("r");
    struct sw_start_run_answer answer;

    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    request.take_lease = true;
    request.holder_name = text("me");
    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    assert_true(answer.created);
    assert_int_equal(answer.lease, 1);
    assert_text(answer.run.head.holder, "me");
    assert_true(answer.run.held);
}

static void another_task_or_input_is_a_conflict_that_shows_both(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request request = start_of("r");
    struct sw_start_run_answer answer;

    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    request.input = payload("other input");
    assert_int_equal(fixture_start_run(f, &request, &answer), SW_RUN_CONFLICT);
    /* SHA-256 of "input" and of "other input". */
    assert_non_null(
        strstr(f->err.text, "c96c6d5be8d08a12e7b5cdc1b207fa6b2430974c86803d8891675e76fd992c20"));
    assert_non_null(
        strstr(f->err.text, "833d2f04e21b4f8ad071e0bf984823755b456c65d3e0dcbabc92b30b47f90216"));
    request.input.present = false;
    assert_int_equal(fixture_start_run(f, &request, &answer), SW_RUN_CONFLICT);
    assert_non_null(strstr(f->err.text, "none"));
    request = start_of("r");
    request.task = text("other");
    assert_int_equal(fixture_start_run(f, &request, &answer), SW_RUN_CONFLICT);
}

static void an_unnamed_run_gets_a_name_of_its_own_each_time(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request request = start_of("");
    struct sw_start_run_answer answer;
    char first[SW_UUID_TEXT_SIZE];

    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    assert_int_equal(answer.run.head.run_id.size, SW_UUID_TEXT_SIZE - 1);
    memcpy(first, answer.run.head.run_id.data, sizeof(first) - 1);
    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    assert_true(answer.created);
    assert_memory_not_equal(first, answer.run.head.run_id.data, sizeof(first) - 1);
}

static void an_ended_run_is_answered_with_its_outcome_from_memory_and_from_disk(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request request = start_of("r");
    struct sw_start_run_answer answer;
    uint64_t lsn;

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_NONE);
    completed(f, "r", 1, "k", 1);
    lsn = ended(f, "r", 1);
    request.take_lease = true;
    for (int pass = 0; pass < 2; pass++) {
        ASSERT_OK(f, fixture_start_run(f, &request, &answer));
        assert_false(answer.created);
        assert_int_equal(answer.lease, 0);
        assert_int_equal(answer.run.head.state, SW_RUN_COMPLETED);
        assert_int_equal(answer.run.head.end_lsn, lsn);
        assert_int_equal(answer.run.head.steps, 1);
        assert_text(answer.run.result.data, "result");
        assert_text(answer.run.input.data, "input");
        assert_false(answer.run.held);
        request.input = payload("other");
        assert_int_equal(fixture_start_run(f, &request, &answer), SW_RUN_CONFLICT);
        request.input = payload("input");
        fixture_restart(f);
    }
    assert_int_equal(f->loads, 1);
}

static void too_many_open_runs_are_refused_and_one_that_ends_makes_room(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request request = start_of("one more");
    struct sw_start_run_answer answer;

    for (int i = 0; i < 8; i++) {
        char run_id[16];

        snprintf(run_id, sizeof(run_id), "r%d", i);
        started(f, run_id);
    }
    assert_int_equal(fixture_start_run(f, &request, &answer), SW_TOO_MANY_OPEN_RUNS);
    request.run_id = text("r3"); /* one that is there already is no more */
    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    ended(f, "r3", 1);
    request.run_id = text("one more");
    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
}

static void a_start_that_fails_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request request = start_of("r");
    struct sw_start_run_answer answer;
    uint64_t lsn = newest_lsn(f);

    request.take_lease = true;
#ifdef SW_FAULTS
    for (unsigned nth = 1; nth <= 2; nth++) { /* the run's record, the lease's */
        f->hold = true;                       /* the process would end here */
        sw_fault_arm("journal.append", nth);
        assert_int_equal(fixture_start_run(f, &request, &answer), SW_STORAGE_FAILED);
        assert_true(sw_fault_disarm());
        fixture_restart(f);
        f->hold = false;
        assert_int_equal(newest_lsn(f), lsn);
        assert_int_equal(sw_service_counts(f->service).open_runs, 0);
    }
#endif
    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    assert_int_equal(answer.run.head.run, lsn + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_new_run_is_created_durable_and_available),
        FIXTURE_TEST(the_lease_taken_with_it_is_number_one_and_held),
        FIXTURE_TEST(a_repeated_call_says_created_until_something_happened),
        FIXTURE_TEST(a_repeated_call_with_its_lease_gets_the_same_lease_until_it_is_used),
        FIXTURE_TEST(a_run_created_without_lease_gives_it_to_the_first_who_asks),
        FIXTURE_TEST(another_task_or_input_is_a_conflict_that_shows_both),
        FIXTURE_TEST(an_unnamed_run_gets_a_name_of_its_own_each_time),
        FIXTURE_TEST(an_ended_run_is_answered_with_its_outcome_from_memory_and_from_disk),
        FIXTURE_TEST(too_many_open_runs_are_refused_and_one_that_ends_makes_room),
        FIXTURE_TEST(a_start_that_fails_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
