/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: memory follows the journal through loading, dropping, failed batches and the
 * coming and going of holders.
 */
#include "storage/base/fault.h"
#include "tests/unit/sidecar/service/fixture.h"

#include "tests/unit/sidecar/service/dump.h"

static uint64_t run_of(struct fixture *f, const char *run_id)
{
    struct sw_run_row row;

    sw_arena_reset(&f->arena);
    ASSERT_OK(f, sw_journal_find_run(f->journal, text(run_id), &f->arena, &row, &f->err));
    return row.run;
}

static struct sw_run_image *image_of(struct fixture *f, const char *run_id)
{
    struct sw_run_image *image = NULL;

    ASSERT_OK(f, sw_run_image_read(f->reader, run_of(f, run_id), &image, &f->err));
    return image;
}

static void open_runs_are_known_from_the_start_and_loaded_when_asked_for(void **state)
{
    struct fixture *f = *state;
    struct sw_liveness liveness;

    started(f, "a");
    started(f, "b");
    started(f, "c");
    ended(f, "b", 1);
    fixture_restart(f);
    assert_int_equal(sw_service_counts(f->service).open_runs, 2);
    assert_int_equal(sw_service_counts(f->service).loaded_runs, 0);
    liveness = sw_service_liveness(f->service, text("a"));
    assert_true(liveness.known);
    assert_true(liveness.held);
    assert_int_equal(liveness.lease, 0);
    assert_false(sw_service_liveness(f->service, text("b")).known);
    begun(f, "a", 1, "k", SW_EFFECT_NONE);
    assert_int_equal(f->loads, 1);
    assert_int_equal(sw_service_liveness(f->service, text("a")).lease, 1);
    assert_int_equal(sw_service_counts(f->service).loaded_runs, 1);
}

static void an_image_of_a_run_in_memory_is_not_taken(void **state)
{
    struct fixture *f = *state;
    struct sw_run_image *image;

    started(f, "r");
    image = image_of(f, "r");
    sw_service_adopt(f->service, &image);
    assert_non_null(image);
    sw_run_image_free(image);
}

static void an_image_read_before_newer_records_is_not_taken(void **state)
{
    struct fixture *f = *state;
    struct sw_run_image *old;
    struct sw_run_image *new;

    started(f, "r");
    old = image_of(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    f->hold = true;
    completed(f, "r", 1, "k", 1);
    fixture_fail(f); /* drops the run */
    f->hold = false;
    sw_service_adopt(f->service, &old);
    assert_non_null(old);
    sw_run_image_free(old);
    new = image_of(f, "r");
    sw_service_adopt(f->service, &new);
    assert_null(new);
    assert_int_equal(begun(f, "r", 1, "k", SW_EFFECT_ONCE).verdict, SW_VERDICT_EXECUTE);
}

static void an_image_of_a_run_that_has_ended_since_is_not_taken(void **state)
{
    struct fixture *f = *state;
    struct sw_run_image *image;

    started(f, "r");
    image = image_of(f, "r");
    ended(f, "r", 1);
    fixture_restart(f);
    sw_service_adopt(f->service, &image);
    assert_non_null(image);
    sw_run_image_free(image);
    assert_int_equal(sw_service_counts(f->service).open_runs, 0);
}

static void heartbeats_start_anew_when_a_run_is_loaded(void **state)
{
    struct fixture *f = *state;
    struct sw_begin_step_request request = begin_of("r", 1, "k", SW_EFFECT_ONCE);
    struct sw_verdict_answer answer;

    started(f, "r");
    request.step.heartbeat_ms = 100;
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    f->now_ms += 99;
    fixture_restart(f);
    f->now_ms += 50;
    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    assert_int_equal(answer.verdict, SW_VERDICT_EXECUTE);
    assert_int_equal(answer.deadline_ms, f->now_ms + 100);
}

static void a_failed_batch_leaves_memory_as_the_journal_is(void **state)
{
    struct fixture *f = *state;
    struct sw_start_run_request start = start_of("new");
    struct sw_start_run_answer answer;
    uint64_t lsn;

    started(f, "r");
    begun(f, "r", 1, "a", SW_EFFECT_ONCE);
    lsn = newest_lsn(f);
    f->hold = true;
    completed(f, "r", 1, "a", 1);
    begun(f, "r", 1, "b", SW_EFFECT_ONCE);
    ASSERT_OK(f, fixture_start_run(f, &start, &answer));
    fixture_fail(f);
    f->hold = false;
    assert_int_equal(newest_lsn(f), lsn);
    assert_int_equal(sw_service_counts(f->service).open_runs, 1);
    assert_int_equal(sw_service_counts(f->service).steps_cached, 0);
    assert_int_equal(begun(f, "r", 1, "a", SW_EFFECT_ONCE).verdict, SW_VERDICT_EXECUTE);
    assert_int_equal(begun(f, "r", 1, "b", SW_EFFECT_ONCE).attempt, 1);
    ASSERT_OK(f, fixture_start_run(f, &start, &answer));
    assert_true(answer.created);
}

static void a_failed_batch_gives_the_run_back_to_its_holder(void **state)
{
    struct fixture *f = *state;

    f->holder = 7;
    started(f, "r");
    f->hold = true;
    f->holder = 8;
    assert_int_equal(resumed(f, "r"), 2);
    fixture_fail(f);
    f->hold = false;
    sw_service_release_holder(f->service, 8);
    assert_true(sw_service_liveness(f->service, text("r")).held);
    sw_service_release_holder(f->service, 7);
    assert_false(sw_service_liveness(f->service, text("r")).held);
}

static void a_holder_that_left_during_a_failed_batch_holds_nothing(void **state)
{
    struct fixture *f = *state;

    f->holder = 7;
    started(f, "r");
    f->hold = true;
    f->holder = 8;
    resumed(f, "r");
    sw_service_release_holder(f->service, 7);
    fixture_fail(f);
    f->hold = false;
    f->now_ms += FIXTURE_GRACE_MS;
    assert_false(sw_service_liveness(f->service, text("r")).held);
}

static void a_stream_is_bound_to_the_newest_lease_only(void **state)
{
    struct fixture *f = *state;

    started(f, "r");
    sw_service_bind_holder(f->service, text("r"), 2, 7);
    sw_service_bind_holder(f->service, text("unknown"), 1, 7);
    f->now_ms += FIXTURE_GRACE_MS;
    assert_false(sw_service_liveness(f->service, text("r")).held);
    sw_service_bind_holder(f->service, text("r"), 1, 7);
    assert_true(sw_service_liveness(f->service, text("r")).held);
    sw_service_release_holder(f->service, 7);
    assert_false(sw_service_liveness(f->service, text("r")).held);
    assert_int_equal(f->available, 1);
}

static void a_call_of_a_stream_binds_and_one_without_does_not_unbind(void **state)
{
    struct fixture *f = *state;

    started(f, "r");
    f->holder = 7;
    begun(f, "r", 1, "a", SW_EFFECT_NONE);
    f->holder = 0;
    begun(f, "r", 1, "b", SW_EFFECT_NONE);
    f->now_ms += 10 * FIXTURE_GRACE_MS;
    assert_true(sw_service_liveness(f->service, text("r")).held);
    assert_int_equal(sw_service_counts(f->service).held_runs, 1);
    sw_service_release_holder(f->service, 7);
    assert_int_equal(sw_service_counts(f->service).held_runs, 0);
}

static void counts_leave_out_runs_whose_grace_is_over(void **state)
{
    struct fixture *f = *state;

    started(f, "a");
    f->now_ms += 600;
    started(f, "b");
    assert_int_equal(sw_service_counts(f->service).held_runs, 2);
    f->now_ms += 600;
    assert_int_equal(sw_service_counts(f->service).held_runs, 1);
    f->now_ms += 600;
    assert_int_equal(sw_service_counts(f->service).held_runs, 0);
    assert_int_equal(sw_service_counts(f->service).open_runs, 2);
}

/* Twenty finished steps in a run. */
static void work(struct fixture *f, const char *run_id)
{
    char key[16];

    started(f, run_id);
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        begun(f, run_id, 1, key, SW_EFFECT_NONE);
        completed(f, run_id, 1, key, 1);
    }
}

static void runs_that_nobody_holds_are_dropped_when_there_are_too_many_steps(void **state)
{
    struct fixture *f = *state;

    fixture_stop(f);
    f->options.steps_cached_max = 50;
    fixture_start(f);
    f->holder = 7;
    work(f, "held");
    f->holder = 0;
    work(f, "left");
    work(f, "last");
    assert_int_equal(sw_service_counts(f->service).steps_cached, 60); /* all held still */
    f->now_ms += FIXTURE_GRACE_MS;
    begun(f, "last", 1, "k", SW_EFFECT_NONE);
    assert_int_equal(sw_service_counts(f->service).steps_cached, 40);
    assert_int_equal(sw_service_counts(f->service).loaded_runs, 2);
    assert_int_equal(f->loads, 0);
    assert_int_equal(begun(f, "left", 1, "k7", SW_EFFECT_NONE).verdict, SW_VERDICT_REPLAY);
    assert_int_equal(f->loads, 1);
    assert_int_equal(begun(f, "held", 1, "k7", SW_EFFECT_NONE).verdict, SW_VERDICT_REPLAY);
    assert_int_equal(f->loads, 1);
}

static bool recalled(struct fixture *f, const char *run_id, struct sw_run_view *ret_view)
{
    return sw_service_recall(f->service, text(run_id), ret_view);
}

static void a_run_in_memory_is_recalled_as_it_stands(void **state)
{
    struct fixture *f = *state;
    struct sw_run_view view;

    assert_false(recalled(f, "r", &view));
    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    assert_true(recalled(f, "r", &view));
    assert_true(view.held);
    assert_int_equal(view.steps_in_doubt, 0);
    assert_int_equal(view.head.steps, 1);
    assert_text(view.head.holder, "first");
    f->now_ms += FIXTURE_GRACE_MS;
    assert_true(recalled(f, "r", &view));
    assert_false(view.held);
    assert_int_equal(view.steps_in_doubt, 1);
    resumed(f, "r");
    ended(f, "r", 2);
    assert_true(recalled(f, "r", &view));
    assert_int_equal(view.head.state, SW_RUN_COMPLETED);
    assert_false(view.held);
}

/* As a reader finds it for a list. */
static void remember(struct fixture *f, const char *run_id)
{
    struct sw_run_image *image = image_of(f, run_id);
    struct sw_run_view view = {.head = *sw_run_image_head(image)};

    view.held = sw_service_liveness(f->service, text(run_id)).held;
    view.steps_in_doubt = sw_run_image_in_doubt(image, view.held, f->now_ms);
    sw_service_remember(f->service, &view);
    sw_run_image_free(image);
}

static void a_run_not_in_memory_is_remembered_while_nobody_holds_it(void **state)
{
    struct fixture *f = *state;
    struct sw_run_view view;

    started(f, "r");
    begun(f, "r", 1, "k", SW_EFFECT_ONCE);
    fixture_restart(f);
    remember(f, "r"); /* its grace is not over */
    assert_false(recalled(f, "r", &view));
    f->now_ms += FIXTURE_GRACE_MS;
    assert_false(recalled(f, "r", &view));
    remember(f, "r");
    remember(f, "r");
    assert_true(recalled(f, "r", &view));
    assert_int_equal(view.steps_in_doubt, 1);
    assert_int_equal(view.head.lease, 1);
    assert_text(view.head.holder, "first");
    assert_text(view.head.run_id, "r");
    assert_int_equal(resumed(f, "r"), 2);
    assert_true(recalled(f, "r", &view));
    assert_int_equal(view.head.lease, 2);
    assert_text(view.head.holder, "next");
}

static void what_was_read_before_newer_records_is_not_remembered(void **state)
{
    struct fixture *f = *state;
    struct sw_run_view view;
    struct sw_run_image *image;

    started(f, "r");
    image = image_of(f, "r");
    view = (struct sw_run_view){.head = *sw_run_image_head(image)};
    f->options.steps_cached_max = 0;
    fixture_restart(f);
    begun(f, "r", 1, "k", SW_EFFECT_NONE);
    completed(f, "r", 1, "k", 1);
    f->now_ms += FIXTURE_GRACE_MS;
    started(f, "other"); /* drops it */
    assert_int_equal(sw_service_liveness(f->service, text("r")).lease, 0);
    sw_service_remember(f->service, &view);
    assert_true(recalled(f, "r", &view)); /* since it was dropped */
    assert_int_equal(view.head.steps, 1);
    sw_run_image_free(image);
}

static void memory_is_given_back_when_the_service_is_freed_in_the_middle(void **state)
{
    struct fixture *f = *state;

    f->holder = 7;
    work(f, "r");
    begun(f, "r", 1, "open", SW_EFFECT_ONCE);
    f->hold = true;
    begun(f, "r", 1, "in the batch", SW_EFFECT_ONCE); /* the sanitizer looks */
    sw_service_free(NULL);
}

#ifdef SW_FAULTS
static void a_run_that_cannot_be_loaded_or_adopted_is_asked_for_again(void **state)
{
    struct fixture *f = *state;
    struct sw_run_image *image = NULL;

    started(f, "r");
    fixture_restart(f);
    sw_fault_arm("run.load", 1);
    assert_int_equal(sw_run_image_read(f->reader, run_of(f, "r"), &image, &f->err), SW_NO_MEMORY);
    assert_true(sw_fault_disarm());
    image = image_of(f, "r");
    sw_fault_arm("run.adopt", 1);
    sw_service_adopt(f->service, &image);
    assert_true(sw_fault_disarm());
    assert_non_null(image);
    sw_run_image_free(image);
    assert_int_equal(begun(f, "r", 1, "k", SW_EFFECT_NONE).verdict, SW_VERDICT_EXECUTE);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(open_runs_are_known_from_the_start_and_loaded_when_asked_for),
        FIXTURE_TEST(an_image_of_a_run_in_memory_is_not_taken),
        FIXTURE_TEST(an_image_read_before_newer_records_is_not_taken),
        FIXTURE_TEST(an_image_of_a_run_that_has_ended_since_is_not_taken),
        FIXTURE_TEST(heartbeats_start_anew_when_a_run_is_loaded),
        FIXTURE_TEST(a_failed_batch_leaves_memory_as_the_journal_is),
        FIXTURE_TEST(a_failed_batch_gives_the_run_back_to_its_holder),
        FIXTURE_TEST(a_holder_that_left_during_a_failed_batch_holds_nothing),
        FIXTURE_TEST(a_stream_is_bound_to_the_newest_lease_only),
        FIXTURE_TEST(a_call_of_a_stream_binds_and_one_without_does_not_unbind),
        FIXTURE_TEST(counts_leave_out_runs_whose_grace_is_over),
        FIXTURE_TEST(runs_that_nobody_holds_are_dropped_when_there_are_too_many_steps),
        FIXTURE_TEST(a_run_in_memory_is_recalled_as_it_stands),
        FIXTURE_TEST(a_run_not_in_memory_is_remembered_while_nobody_holds_it),
        FIXTURE_TEST(what_was_read_before_newer_records_is_not_remembered),
        FIXTURE_TEST(memory_is_given_back_when_the_service_is_freed_in_the_middle),
#ifdef SW_FAULTS
        FIXTURE_TEST(a_run_that_cannot_be_loaded_or_adopted_is_asked_for_again),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
