/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: what is learned inside a step is kept once, and the attempt counts as alive.
 */
#include "tests/unit/sidecar/service/fixture.h"

static struct sw_note_step_request note_of(uint64_t lease, const char *key, uint32_t attempt)
{
    return (struct sw_note_step_request){
        .run_id = text("r"), .lease = lease, .key = text(key), .attempt = attempt};
}

static void a_heartbeat_extends_the_deadline_and_records_nothing(void **state)
{
    struct fixture *f = *state;
    struct sw_begin_step_request begin = begin_of("r", 1, "k", SW_EFFECT_ONCE);
    struct sw_verdict_answer verdict;
    struct sw_note_step_request request = note_of(1, "k", 1);
    struct sw_note_step_answer answer;
    uint64_t lsn;

    started(f, "r");
    begin.step.heartbeat_ms = 100;
    ASSERT_OK(f, fixture_begin_step(f, &begin, &verdict));
    lsn = newest_lsn(f);
    for (int beat = 0; beat < 3; beat++) {
        f->now_ms += 99;
        ASSERT_OK(f, fixture_note_step(f, &request, &answer));
        assert_int_equal(answer.lsn, 0);
        assert_int_equal(answer.deadline_ms, f->now_ms + 100);
        assert_false(f->call.sync);
    }
    assert_int_equal(newest_lsn(f), lsn);
    ASSERT_OK(f, fixture_begin_step(f, &begin, &verdict));
    assert_int_equal(verdict.verdict, SW_VERDICT_EXECUTE);
    f->now_ms += 100;
    ASSERT_OK(f, fixture_begin_step(f, &begin, &verdict));
    assert_int_equal(verdict.verdict, SW_VERDICT_IN_DOUBT);
    assert_int_equal(verdict.doubt, SW_DOUBT_TIMED_OUT);
}

static void a_ref_is_noted_once_and_progress_replaces_progress(void **state)
{
    struct fixture *f = *state;
    struct sw_note_step_request request = note_of(1, "k", 1);
    struct sw_note_step_answer answer;
    struct sw_verdict_answer verdict;
    uint64_t lsn;

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    request.external_ref = text("pay-1");
    ASSERT_OK(f, fixture_note_step(f, &request, &answer));
    assert_true(f->call.sync);
    assert_int_equal(answer.lsn, newest_lsn(f));
    lsn = answer.lsn;
    ASSERT_OK(f, fixture_note_step(f, &request, &answer));
    assert_int_equal(answer.lsn, 0);
    assert_int_equal(newest_lsn(f), lsn);
    request.progress = payload("one");
    ASSERT_OK(f, fixture_note_step(f, &request, &answer));
    assert_int_equal(answer.lsn, lsn + 1);
    request.external_ref = text("");
    request.progress = payload("two");
    ASSERT_OK(f, fixture_note_step(f, &request, &answer));
    for (int pass = 0; pass < 2; pass++) {
        verdict = begun(f, "r", 1, "k", SW_EFFECT_ONCE);
        assert_text(verdict.refs->text, "pay-1");
        assert_null(verdict.refs->next);
        assert_text(verdict.progress.data, "two");
        fixture_restart(f);
    }
}

static void no_more_refs_are_taken_than_the_bound(void **state)
{
    struct fixture *f = *state;
    struct sw_note_step_request request = note_of(1, "k", 1);
    struct sw_note_step_answer answer;
    char ref[16];

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    for (int i = 0; i < SW_EXTERNAL_REFS_MAX; i++) {
        snprintf(ref, sizeof(ref), "ref-%d", i);
        request.external_ref = text(ref);
        ASSERT_OK(f, fixture_note_step(f, &request, &answer));
    }
    ASSERT_OK(f, fixture_note_step(f, &request, &answer)); /* noted already */
    request.external_ref = text("one more");
    assert_int_equal(fixture_note_step(f, &request, &answer), SW_INVALID_FIELD);
    assert_string_equal(f->err.field, "external_ref");
    assert_int_equal(f->err.limit, SW_EXTERNAL_REFS_MAX);
}

static void only_the_newest_unended_attempt_is_noted_about(void **state)
{
    struct fixture *f = *state;
    struct sw_note_step_request request = note_of(1, "k", 1);
    struct sw_note_step_answer answer;

    started(f, "r");
    assert_int_equal(fixture_note_step(f, &request, &answer), SW_STEP_NOT_FOUND);
    begun(f, "r", 1, "k", SW_EFFECT_NONE);
    resumed(f, "r");
    begun(f, "r", 2, "k", SW_EFFECT_NONE);
    request.lease = 2;
    assert_int_equal(fixture_note_step(f, &request, &answer), SW_ATTEMPT_SUPERSEDED);
    request.attempt = 3;
    assert_int_equal(fixture_note_step(f, &request, &answer), SW_INVALID_FIELD);
    request.attempt = 2;
    ASSERT_OK(f, fixture_note_step(f, &request, &answer));
    completed(f, "r", 2, "k", 2);
    assert_int_equal(fixture_note_step(f, &request, &answer), SW_ATTEMPT_SUPERSEDED);
    begun(f, "r", 2, "doubted", SW_EFFECT_ONCE);
    failed(f, "r", 2, "doubted", 1, SW_OUTCOME_UNKNOWN);
    request = note_of(2, "doubted", 1);
    request.external_ref = text("late");
    ASSERT_OK(f, fixture_note_step(f, &request, &answer));
    assert_int_equal(answer.deadline_ms, 0);
    ended(f, "r", 2);
    assert_int_equal(fixture_note_step(f, &request, &answer), SW_RUN_ENDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_heartbeat_extends_the_deadline_and_records_nothing),
        FIXTURE_TEST(a_ref_is_noted_once_and_progress_replaces_progress),
        FIXTURE_TEST(no_more_refs_are_taken_than_the_bound),
        FIXTURE_TEST(only_the_newest_unended_attempt_is_noted_about),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
