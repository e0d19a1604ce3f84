/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: each verdict carries what it must, and is durable before it is told.
 */
#include "tests/unit/sidecar/service/fixture.h"

static void a_new_step_is_executed_with_key_token_and_deadline(void **state)
{
    struct fixture *f = *state;
    struct sw_begin_step_request request = begin_of("r", 1, "k", SW_EFFECT_NONE);
    struct sw_verdict_answer answer;

    started(f, "r");
    request.step.start_to_close_ms = 500;
    request.step.heartbeat_ms = 200;
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    assert_int_equal(answer.verdict, SW_VERDICT_EXECUTE);
    assert_int_equal(answer.attempt, 1);
    assert_int_equal(answer.fencing_token, newest_lsn(f));
    assert_int_equal(answer.deadline_ms, f->now_ms + 200);
    assert_string_equal(answer.idempotency_key, "54930c99-62d4-81f2-b343-1270db5faa4c");
    assert_null(answer.refs);
}

static void only_effect_once_and_durability_local_wait_for_the_disk(void **state)
{
    struct fixture *f = *state;
    struct sw_begin_step_request request = begin_of("r", 1, "local", SW_EFFECT_NONE);
    struct sw_verdict_answer answer;

    started(f, "r");
    begun(f, "r", 1, "none", SW_EFFECT_NONE);
    assert_false(f->call.sync);
    begun(f, "r", 1, "idempotent", SW_EFFECT_IDEMPOTENT);
    assert_false(f->call.sync);
    begun(f, "r", 1, "once", SW_EFFECT_ONCE);
    assert_true(f->call.sync);
    request.step.durability = SW_DURABILITY_LOCAL;
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    assert_true(f->call.sync);
    request = begin_of("r", 1, "unspecified", 0); /* taken as ONCE */
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    assert_true(f->call.sync);
}

static void durability_remote_needs_an_object_store(void **state)
{
    struct fixture *f = *state;
    struct sw_begin_step_request request = begin_of("r", 1, "k", SW_EFFECT_NONE);
    struct sw_verdict_answer answer;

    started(f, "r");
    request.step.durability = SW_DURABILITY_REMOTE;
    assert_int_equal(fixture_begin_step(f, &request, &answer), SW_NO_OBJECT_STORE);
}

/* Goal: with a store, what the answer of a REMOTE step tells of must be there first; ONCE is
 * REMOTE unless it says otherwise. */
static void with_a_store_remote_answers_name_the_record_they_rest_on(void **state)
{
    static const struct {
        enum sw_effect effect;
        enum sw_durability durability;
        bool remote;
    } rows[] = {
        {SW_EFFECT_ONCE, SW_DURABILITY_DEFAULT, true},
        {0, SW_DURABILITY_DEFAULT, true}, /* taken as ONCE */
        {SW_EFFECT_ONCE, SW_DURABILITY_LOCAL, false},
        {SW_EFFECT_ONCE, SW_DURABILITY_REMOTE, true},
        {SW_EFFECT_IDEMPOTENT, SW_DURABILITY_DEFAULT, false},
        {SW_EFFECT_NONE, SW_DURABILITY_DEFAULT, false},
        {SW_EFFECT_NONE, SW_DURABILITY_REMOTE, true},
    };
    struct fixture *f = *state;

    f->options.has_store = true;
    fixture_restart(f);
    started(f, "r");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sw_begin_step_request request = begin_of("r", 1, "key", rows[i].effect);
        struct sw_verdict_answer answer;
        char key[16];

        (void)snprintf(key, sizeof(key), "key-%zu", i);
        request.step.key = text(key);
        request.step.durability = rows[i].durability;
        for (int again = 0; again < 2; again++) { /* a repeated EXECUTE waits likewise */
            ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
            assert_int_equal(answer.verdict, SW_VERDICT_EXECUTE);
            assert_int_equal(f->call.remote_lsn, rows[i].remote ? answer.fencing_token : 0);
        }
        completed(f, "r", 1, key, 1);
        assert_int_equal(f->call.remote_lsn, 0);
        ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
        assert_int_equal(answer.verdict, SW_VERDICT_REPLAY);
        assert_int_equal(f->call.remote_lsn, rows[i].remote ? answer.lsn : 0);
    }
}

static bool flag_of(void *self)
{
    return *(bool *)self;
}

/* Goal: a full backlog stops intents alone: what is recorded is told, outcomes are taken. */
static void a_full_backlog_refuses_what_would_be_recorded(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request start = start_of("other");
    struct sw_begin_step_request request = begin_of("r", 1, "new", SW_EFFECT_NONE);
    struct sw_start_run_answer started_answer;
    struct sw_verdict_answer answer;
    bool full = false;
    uint64_t lsn;

    f->options.has_store = true;
    f->options.backlog_full = flag_of;
    f->options.backlog = &full;
    fixture_restart(f);
    started(f, "r");
    begun(f, "r", 1, "old", SW_EFFECT_ONCE);
    full = true;
    lsn = newest_lsn(f);
    assert_int_equal(fixture_begin_step(f, &request, &answer), SW_BACKLOG_FULL);
    assert_int_equal(fixture_start_run(f, &start, &started_answer), SW_BACKLOG_FULL);
    assert_int_equal(newest_lsn(f), lsn);
    assert_int_equal(begun(f, "r", 1, "old", SW_EFFECT_ONCE).attempt, 1);
    completed(f, "r", 1, "old", 1);
    assert_int_equal(begun(f, "r", 1, "old", SW_EFFECT_ONCE).verdict, SW_VERDICT_REPLAY);
    full = false;
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    f->options.backlog_full = NULL;
}

static void the_same_call_again_is_answered_the_same_without_a_record(void **state)
{
    struct fixture *f = *state;
    struct sw_verdict_answer first;
    struct sw_verdict_answer again;
    uint64_t lsn;

    started(f, "r");
    f->hold = true;
    first = begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    lsn = newest_lsn(f);
    fixture_commit(f, false); /* committed, not yet synced */
    again = begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    assert_true(f->call.sync);
    assert_int_equal(again.verdict, SW_VERDICT_EXECUTE);
    assert_int_equal(again.attempt, first.attempt);
    assert_int_equal(again.fencing_token, first.fencing_token);
    assert_int_equal(newest_lsn(f), lsn);
    fixture_commit(f, true);
    begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    assert_false(f->call.sync);
}

static void another_call_waits_for_the_live_attempt(void **state)
{
    struct fixture *f = *state;
    struct sw_begin_step_request request = begin_of("r", 1, "k", SW_EFFECT_NONE);
    struct sw_verdict_answer answer;

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_NONE);
    request.step.request_id = text("somebody else");
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    assert_int_equal(answer.verdict, SW_VERDICT_WAIT);
    assert_int_equal(answer.wait, SW_WAIT_HELD);
    assert_int_equal(answer.not_before_ms, 0);
    assert_int_equal(answer.attempt, 1);
}

static void a_finished_step_is_replayed_from_the_journal(void **state)
{
    struct fixture *f = *state;
    struct sw_verdict_answer answer;
    struct sw_complete_step_answer end;

    started(f, "r");
    begun(f, "r", 1, "done", SW_EFFECT_ONCE);
    begun(f, "r", 1, "gone", SW_EFFECT_ONCE);
    end = completed(f, "r", 1, "done", 1);
    failed(f, "r", 1, "gone", 1, SW_OUTCOME_FAILURE);
    for (int pass = 0; pass < 2; pass++) {
        answer = begun(f, "r", 1, "done", SW_EFFECT_ONCE);
        assert_int_equal(answer.verdict, SW_VERDICT_REPLAY);
        assert_true(answer.output.present);
        assert_text(answer.output.data, "output");
        assert_int_equal(answer.lsn, end.lsn);
        assert_int_equal(answer.attempt, 1);
        assert_false(f->call.sync);
        answer = begun(f, "r", 1, "gone", SW_EFFECT_ONCE);
        assert_int_equal(answer.verdict, SW_VERDICT_REPLAY);
        assert_false(answer.output.present);
        assert_text(answer.failure.type, "Timeout");
        fixture_restart(f);
    }
}

static void a_replay_in_the_batch_of_its_outcome_waits_for_the_disk(void **state)
{
    struct fixture *f = *state;

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_NONE);
    f->hold = true;
    completed(f, "r", 1, "k", 1);
    assert_int_equal(begun(f, "r", 1, "k", SW_EFFECT_NONE).verdict, SW_VERDICT_REPLAY);
    assert_true(f->call.sync);
    fixture_commit(f, true);
}

static void a_lost_once_step_is_in_doubt_with_all_that_is_known(void **state)
{
    struct fixture *f = *state;
    struct sw_note_step_request note = {
        .run_id = text("r"), .lease = 1, .key = text("k"), .attempt = 1};
    struct sw_note_step_answer noted;
    struct sw_verdict_answer first;
    struct sw_verdict_answer answer;

    started(f, "r");
    first = begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    note.external_ref = text("pay-1");
    ASSERT_OK(f, fixture_note_step(f, &note, &noted));
    note.external_ref = text("pay-2");
    note.progress = payload("half");
    ASSERT_OK(f, fixture_note_step(f, &note, &noted));
    for (uint64_t lease = 2; lease < 4; lease++) {
        assert_int_equal(resumed(f, "r"), lease);
        answer = begun(f, "r", lease, "k", SW_EFFECT_ONCE);
        assert_int_equal(answer.verdict, SW_VERDICT_IN_DOUBT);
        assert_int_equal(answer.doubt, SW_DOUBT_HOLDER_GONE);
        assert_int_equal(answer.attempt, 1);
        assert_string_equal(answer.idempotency_key, first.idempotency_key);
        assert_text(answer.holder_name, "first");
        assert_int_equal(answer.begun_ms, FIXTURE_START_MS);
        assert_text(answer.refs->text, "pay-1");
        assert_text(answer.refs->next->text, "pay-2");
        assert_text(answer.progress.data, "half");
        fixture_restart(f);
        f->now_ms += 10;
    }
}

static void a_lost_repeatable_step_is_begun_again_with_the_notes_of_before(void **state)
{
    struct fixture *f = *state;
    struct sw_note_step_request note = {
        .run_id = text("r"), .lease = 1, .key = text("k"), .attempt = 1};
    struct sw_note_step_answer noted;
    struct sw_verdict_answer first;
    struct sw_verdict_answer answer;

    started(f, "r");
    first = begun(f, "r", 1, "k", SW_EFFECT_IDEMPOTENT);
    note.external_ref = text("pay-1");
    ASSERT_OK(f, fixture_note_step(f, &note, &noted));
    resumed(f, "r");
    answer = begun(f, "r", 2, "k", SW_EFFECT_IDEMPOTENT);
    assert_int_equal(answer.verdict, SW_VERDICT_EXECUTE);
    assert_int_equal(answer.attempt, 2);
    assert_string_equal(answer.idempotency_key, first.idempotency_key);
    assert_true(answer.fencing_token > first.fencing_token);
    assert_text(answer.refs->text, "pay-1");
    assert_int_equal(completed(f, "r", 2, "k", 2).state, SW_STEP_COMPLETED);
}

static void a_changed_input_or_name_diverges_and_shows_both(void **state)
{
    struct fixture *f = *state;
    struct sw_begin_step_request request = begin_of("r", 1, "k", SW_EFFECT_NONE);
    struct sw_verdict_answer answer;

    started(f, "r");
    request.step.name = text("fetch");
    request.step.input = payload("one");
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    completed(f, "r", 1, "k", 1);
    request.step.input = payload("two");
    request.step.name = text("send");
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    assert_int_equal(answer.verdict, SW_VERDICT_DIVERGED);
    assert_int_equal(answer.recorded_digest.size, SW_DIGEST_SIZE);
    assert_int_equal(answer.offered_digest.size, SW_DIGEST_SIZE);
    assert_false(sw_span_equal(answer.recorded_digest, answer.offered_digest));
    assert_text(answer.recorded_name, "fetch");
    assert_text(answer.offered_name, "send");
}

static void a_digest_given_is_compared_as_that_of_an_input(void **state)
{
    struct fixture *f = *state;
    struct sw_begin_step_request request = begin_of("r", 1, "k", SW_EFFECT_NONE);
    struct sw_verdict_answer answer;
    struct sw_digest digest;
    struct sw_span input = text("one");

    started(f, "r");
    request.step.input = payload("one");
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    request.step.input.present = false;
    request.step.has_input_digest = true;
    sw_sha256(&input, 1, &digest);
    request.step.input_digest = sw_span_of(digest.bytes, SW_DIGEST_SIZE);
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    assert_int_equal(answer.verdict, SW_VERDICT_EXECUTE);
    digest.bytes[0] ^= 1;
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    assert_int_equal(answer.verdict, SW_VERDICT_DIVERGED);
}

static void a_run_that_accepts_goes_by_what_is_recorded(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request start = start_of("r");
    struct sw_start_run_answer run;
    struct sw_begin_step_request request = begin_of("r", 1, "k", SW_EFFECT_NONE);
    struct sw_verdict_answer answer;

    start.take_lease = true;
    start.on_divergence = SW_DIVERGENCE_ACCEPT;
    ASSERT_OK(f, fixture_start_run(f, &start, &run));
    request.step.input = payload("one");
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    completed(f, "r", 1, "k", 1);
    request.step.input = payload("two");
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    assert_int_equal(answer.verdict, SW_VERDICT_REPLAY);
    assert_true(answer.accepted_divergence);
    request.step.input = payload("one");
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    assert_false(answer.accepted_divergence);
}

static void a_later_attempt_keeps_the_name_and_digest_that_its_call_leaves_out(void **state)
{
    struct fixture *f = *state;
    struct sw_begin_step_request request = begin_of("r", 1, "k", SW_EFFECT_NONE);
    struct sw_verdict_answer answer;

    started(f, "r");
    request.step.name = text("fetch");
    request.step.input = payload("one");
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    resumed(f, "r");
    answer = begun(f, "r", 2, "k", SW_EFFECT_NONE);
    assert_int_equal(answer.attempt, 2);
    request.lease = 2;
    request.step.input = payload("two");
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    assert_int_equal(answer.verdict, SW_VERDICT_DIVERGED);
    assert_text(answer.recorded_name, "fetch");
}

static void a_step_that_failed_waits_and_tells_how(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_answer end;
    struct sw_verdict_answer answer;

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_NONE);
    end = failed(f, "r", 1, "k", 1, SW_OUTCOME_FAILURE);
    assert_int_equal(end.state, SW_STEP_RETRYING);
    assert_int_equal(end.not_before_ms, f->now_ms + 1000);
    answer = begun(f, "r", 1, "k", SW_EFFECT_NONE);
    assert_int_equal(answer.verdict, SW_VERDICT_WAIT);
    assert_int_equal(answer.wait, SW_WAIT_BACK_OFF);
    assert_int_equal(answer.not_before_ms, end.not_before_ms);
    assert_text(answer.failure.type, "Timeout");
    f->now_ms = end.not_before_ms;
    answer = begun(f, "r", 1, "k", SW_EFFECT_NONE);
    assert_int_equal(answer.verdict, SW_VERDICT_EXECUTE);
    assert_int_equal(answer.attempt, 2);
}

static void too_many_unfinished_steps_are_refused_and_one_finished_makes_room(void **state)
{
    struct fixture *f = *state;
    struct sw_begin_step_request request = begin_of("r", 1, "one more", SW_EFFECT_NONE);
    struct sw_verdict_answer answer;

    started(f, "r");
    for (int i = 0; i < 8; i++) {
        char key[16];

        snprintf(key, sizeof(key), "k%d", i);
        begun(f, "r", 1, key, SW_EFFECT_NONE);
    }
    assert_int_equal(fixture_begin_step(f, &request, &answer), SW_TOO_MANY_OPEN_STEPS);
    begun(f, "r", 1, "k3", SW_EFFECT_NONE); /* one that is there already is no more */
    completed(f, "r", 1, "k3", 1);
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
}

static void runs_and_leases_that_are_not_good_are_refused(void **state)
{
    struct fixture *f = *state;
    struct sw_begin_step_request request = begin_of("r", 1, "k", SW_EFFECT_NONE);
    struct sw_verdict_answer answer;

    assert_int_equal(fixture_begin_step(f, &request, &answer), SW_RUN_NOT_FOUND);
    started(f, "r");
    resumed(f, "r");
    assert_int_equal(fixture_begin_step(f, &request, &answer), SW_LEASE_FENCED);
    ended(f, "r", 2);
    request.lease = 2;
    assert_int_equal(fixture_begin_step(f, &request, &answer), SW_RUN_ENDED);
    fixture_restart(f);
    assert_int_equal(fixture_begin_step(f, &request, &answer), SW_RUN_ENDED);
    request.lease = 0;
    assert_int_equal(fixture_begin_step(f, &request, &answer), SW_INVALID_FIELD);
    assert_string_equal(f->err.field, "lease");
}

static void a_full_journal_refuses_intents_and_takes_outcomes(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_request request = complete_of("r", 1, "k", 1);
    struct sw_complete_step_answer end;
    struct sw_verdict_answer answer;
    struct sw_begin_step_request next = begin_of("r", 1, "next", SW_EFFECT_NONE);
    char big[4096];

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_NONE);
    fixture_stop(f);
    f->journal_options.bytes_max = 64 * 1024 * 1024;
    f->journal_options.bytes_reserved = f->journal_options.bytes_max - 4096;
    fixture_start(f);
    memset(big, 'x', sizeof(big));
    next.step.input = (struct sw_payload){.present = true, .data = sw_span_of(big, sizeof(big))};
    assert_int_equal(fixture_begin_step(f, &next, &answer), SW_JOURNAL_FULL);
    ASSERT_OK(f, fixture_complete_step(f, &request, &end));
    assert_int_equal(end.state, SW_STEP_COMPLETED);
    assert_int_equal(fixture_begin_step(f, &next, &answer), SW_JOURNAL_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_new_step_is_executed_with_key_token_and_deadline),
        FIXTURE_TEST(only_effect_once_and_durability_local_wait_for_the_disk),
        FIXTURE_TEST(durability_remote_needs_an_object_store),
        FIXTURE_TEST(with_a_store_remote_answers_name_the_record_they_rest_on),
        FIXTURE_TEST(a_full_backlog_refuses_what_would_be_recorded),
        FIXTURE_TEST(the_same_call_again_is_answered_the_same_without_a_record),
        FIXTURE_TEST(another_call_waits_for_the_live_attempt),
        FIXTURE_TEST(a_finished_step_is_replayed_from_the_journal),
        FIXTURE_TEST(a_replay_in_the_batch_of_its_outcome_waits_for_the_disk),
        FIXTURE_TEST(a_lost_once_step_is_in_doubt_with_all_that_is_known),
        FIXTURE_TEST(a_lost_repeatable_step_is_begun_again_with_the_notes_of_before),
        FIXTURE_TEST(a_changed_input_or_name_diverges_and_shows_both),
        FIXTURE_TEST(a_digest_given_is_compared_as_that_of_an_input),
        FIXTURE_TEST(a_run_that_accepts_goes_by_what_is_recorded),
        FIXTURE_TEST(a_later_attempt_keeps_the_name_and_digest_that_its_call_leaves_out),
        FIXTURE_TEST(a_step_that_failed_waits_and_tells_how),
        FIXTURE_TEST(too_many_unfinished_steps_are_refused_and_one_finished_makes_room),
        FIXTURE_TEST(runs_and_leases_that_are_not_good_are_refused),
        FIXTURE_TEST(a_full_journal_refuses_intents_and_takes_outcomes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
