/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: what the verbs share finds steps by key and not by hash, undoes what failed, and
 * answers about runs that retention has emptied.
 */
#include "sidecar/service/verb.h"
#include "storage/base/fault.h"
#include "tests/unit/sidecar/service/fixture.h"

static struct sw_run_entry *entry_of(const struct fixture *f, const char *run_id)
{
    return sw_run_table_find(&f->service->table, text(run_id));
}

static void a_finished_step_is_told_from_another_key_of_the_same_hash(void **state)
{
    struct fixture *f = *state;
    struct sw_run_entry *entry;
    struct sw_found_step found;
    uint64_t lsn_a;
    uint64_t hash_b;

    started(f, "r");
    begun(f, "r", 1, "a", SW_EFFECT_NONE);
    lsn_a = completed(f, "r", 1, "a", 1).lsn;
    begun(f, "r", 1, "b", SW_EFFECT_NONE);
    completed(f, "r", 1, "b", 1);
    entry = entry_of(f, "r");
    hash_b = sw_run_image_hash(entry->image, text("b"));
    for (int i = 0; i < 5; i++) { /* as if the hash of "a" were that of "b" and of "c" */
        assert_true(sw_step_index_reserve(&entry->image->finished));
        sw_step_index_add(&entry->image->finished,
                          i == 4 ? sw_run_image_hash(entry->image, text("c")) : hash_b, lsn_a);
    }
    fixture_begin(f);
    ASSERT_OK(f, sw_verb_find_step(f->service, &f->call, entry, text("b"), &found, &f->err));
    assert_text(found.step->key, "b");
    assert_int_equal(found.step->state, SW_STEP_COMPLETED);
    ASSERT_OK(f, sw_verb_find_step(f->service, &f->call, entry, text("c"), &found, &f->err));
    assert_int_equal(found.step->state, SW_STEP_ABSENT);
}

static void a_record_that_does_not_end_its_intent_is_corrupt(void **state)
{
    struct fixture *f = *state;
    struct sw_run_entry *entry;
    struct sw_found_step found;
    uint64_t intent;

    started(f, "r");
    intent = begun(f, "r", 1, "k", SW_EFFECT_NONE).fencing_token;
    completed(f, "r", 1, "k", 1);
    begun(f, "r", 1, "other", SW_EFFECT_NONE);
    entry = entry_of(f, "r");
    sw_step_index_fini(&entry->image->finished);
    assert_true(sw_step_index_reserve(&entry->image->finished));
    sw_step_index_add(&entry->image->finished, sw_run_image_hash(entry->image, text("k")), intent);
    fixture_begin(f);
    assert_int_equal(sw_verb_find_step(f->service, &f->call, entry, text("k"), &found, &f->err),
                     SW_CORRUPT);
}

static void an_answer_waits_for_what_it_tells_and_for_no_more(void **state)
{
    struct fixture *f = *state;
    uint64_t durable;

    started(f, "r");
    durable = newest_lsn(f);
    begun(f, "r", 1, "k", SW_EFFECT_NONE);
    fixture_begin(f);
    sw_verb_tell(f->service, &f->call, durable);
    assert_false(f->call.sync);
    sw_verb_tell(f->service, &f->call, durable + 1);
    assert_true(f->call.sync);
}

#ifdef SW_FAULTS
static void a_write_that_fails_leaves_run_and_journal_as_they_were(void **state)
{
    struct fixture *f = *state;
    struct sw_complete_step_request request = complete_of("r", 1, "k", 1);
    struct sw_complete_step_answer answer;
    uint64_t lsn;

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    lsn = newest_lsn(f);
    f->hold = true; /* the process would end here */
    sw_fault_arm("journal.append", 1);
    assert_int_equal(fixture_complete_step(f, &request, &answer), SW_STORAGE_FAILED);
    assert_true(sw_fault_disarm());
    assert_int_equal(entry_of(f, "r")->image->head.last_lsn, lsn);
    assert_int_equal(sw_run_image_find(entry_of(f, "r")->image, text("k"))->step.state,
                     SW_STEP_OPEN);
    fixture_restart(f);
    assert_int_equal(newest_lsn(f), lsn);
    f->hold = false;
    completed(f, "r", 1, "k", 1);
}
#endif

/* Ends a run of more records than retention takes away at once. */
static void ended_long_ago(struct fixture *f)
{
    char key[16];

    fixture_stop(f);
    f->journal_options.retention_ms = 1000;
    fixture_start(f);
    started(f, "r");
    for (int i = 0; i < 150; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        begun(f, "r", 1, key, SW_EFFECT_NONE);
        completed(f, "r", 1, key, 1);
    }
    ended(f, "r", 1);
    f->now_ms += 1001;
}

/* Lets retention take one piece; whether there is more to do. */
static bool purge(struct fixture *f)
{
    struct sw_run_row row;
    bool more = true;

    while (more) {
        ASSERT_OK(f, sw_journal_maintain(f->journal, f->now_ms, true, &more, &f->err));
        sw_arena_reset(&f->arena);
        if (sw_journal_find_run(f->journal, text("r"), &f->arena, &row, &f->err) != SW_OK)
            return false;
        if (row.purged)
            return true;
    }
    fail_msg("retention took nothing");
    return false;
}

static void a_run_whose_records_are_going_is_answered_from_the_index(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request start = start_of("r");
    struct sw_start_run_answer run;
    struct sw_begin_step_request begin = begin_of("r", 1, "k", SW_EFFECT_ONCE);
    struct sw_verdict_answer verdict;
    struct sw_end_run_request end = {.run_id = text("r"), .lease = 1, .failed = true};
    struct sw_end_run_answer answer;
    struct sw_resume_request resume = {.run_id = text("r")};
    struct sw_resume_answer resumed_run;

    ended_long_ago(f);
    assert_true(purge(f));
    for (int pass = 0; pass < 2; pass++) { /* what memory knew counts no more */
        start.task = text("task");
        ASSERT_OK(f, fixture_start_run(f, &start, &run));
        assert_false(run.created);
        assert_int_equal(run.run.head.state, SW_RUN_COMPLETED);
        assert_int_equal(run.run.head.steps, 150);
        assert_false(run.run.input.present);
        start.task = text("other");
        assert_int_equal(fixture_start_run(f, &start, &run), SW_RUN_CONFLICT);
        ASSERT_OK(f, fixture_resume(f, &resume, &resumed_run));
        assert_int_equal(resumed_run.lease, 0);
        assert_int_equal(fixture_begin_step(f, &begin, &verdict), SW_RUN_ENDED);
        ended(f, "r", 1);
        end.failure = failure("Broken");
        assert_int_equal(fixture_end_run(f, &end, &answer), SW_OUTCOME_CONFLICT);
        fixture_restart(f);
    }
    assert_int_equal(f->loads, 0);
}

static void a_run_that_is_gone_may_be_started_anew(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request start = start_of("r");
    struct sw_start_run_answer run;
    struct sw_resume_request resume = {.run_id = text("r")};
    struct sw_resume_answer resumed_run;

    ended_long_ago(f);
    while (purge(f)) {
    }
    assert_int_equal(fixture_resume(f, &resume, &resumed_run), SW_RUN_NOT_FOUND);
    start.input = payload("another input");
    ASSERT_OK(f, fixture_start_run(f, &start, &run));
    assert_true(run.created);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_finished_step_is_told_from_another_key_of_the_same_hash),
        FIXTURE_TEST(a_record_that_does_not_end_its_intent_is_corrupt),
        FIXTURE_TEST(an_answer_waits_for_what_it_tells_and_for_no_more),
#ifdef SW_FAULTS
        FIXTURE_TEST(a_write_that_fails_leaves_run_and_journal_as_they_were),
#endif
        FIXTURE_TEST(a_run_whose_records_are_going_is_answered_from_the_index),
        FIXTURE_TEST(a_run_that_is_gone_may_be_started_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
