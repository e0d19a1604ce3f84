/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: an image read from the journal is the one that live calls made; records that do
 * not fit are refused, not applied; what was prepared and dropped leaves no trace.
 */
#include "sidecar/service/verb.h"
#include "tests/unit/sidecar/service/fixture.h"

#include "tests/unit/sidecar/service/dump.h"

/* A run with a step in every state, several attempts, refs, progress. */
static void make_run(struct fixture *f)
{
    const struct sw_span types[] = {text("BadKey"), text("Refused")};
    struct sw_begin_step_request rich = begin_of("r", 1, "rich", SW_EFFECT_IDEMPOTENT);
    struct sw_note_step_request note = {
        .run_id = text("r"), .lease = 1, .key = text("rich"), .attempt = 1};
    struct sw_resolve_step_request resolve = {
        .run_id = text("r"), .lease = 2, .key = text("redo"), .by = text("me")};
    struct sw_verdict_answer verdict;
    struct sw_note_step_answer noted;
    struct sw_resolve_step_answer resolved;

    started(f, "r");
    rich.step.name = text("a name");
    rich.step.kind = SW_KIND_TOOL;
    rich.step.input = payload("an input");
    rich.step.retry = (struct sw_retry){.max_attempts = 9, .jitter = 0.25};
    rich.step.retry.non_retryable_types = types;
    rich.step.retry.non_retryable_types_count = 2;
    rich.step.start_to_close_ms = 100000;
    rich.step.heartbeat_ms = 100000;
    ASSERT_OK(f, fixture_begin_step(f, &rich, &verdict));
    note.external_ref = text("ref-1");
    ASSERT_OK(f, fixture_note_step(f, &note, &noted));
    note.external_ref = text("ref-2");
    note.progress = payload("progress");
    ASSERT_OK(f, fixture_note_step(f, &note, &noted));
    begun(f, "r", 1, "done", SW_EFFECT_NONE);
    completed(f, "r", 1, "done", 1);
    begun(f, "r", 1, "retrying", SW_EFFECT_NONE);
    failed(f, "r", 1, "retrying", 1, SW_OUTCOME_FAILURE);
    begun(f, "r", 1, "doubted", SW_EFFECT_ONCE);
    failed(f, "r", 1, "doubted", 1, SW_OUTCOME_UNKNOWN);
    begun(f, "r", 1, "redo", SW_EFFECT_ONCE);
    begun(f, "r", 1, "gone", SW_EFFECT_ONCE);
    failed(f, "r", 1, "gone", 1, SW_OUTCOME_FAILURE);
    resumed(f, "r");
    resolve.resolution = SW_RESOLUTION_DID_NOT_HAPPEN;
    ASSERT_OK(f, fixture_resolve_step(f, &resolve, &resolved));
    rich.lease = 2;
    ASSERT_OK(f, fixture_begin_step(f, &rich, &verdict));
    assert_int_equal(verdict.attempt, 2);
}

static struct sw_run_image *read_image(struct fixture *f, uint64_t run)
{
    struct sw_run_image *image = NULL;

    ASSERT_OK(f, sw_run_image_read(f->reader, run, &image, &f->err));
    return image;
}

static const struct sw_run_entry *entry_of(const struct fixture *f, const char *run_id)
{
    return sw_run_table_find(&f->service->table, text(run_id));
}

static void the_journal_tells_what_live_calls_made(void **state)
{
    struct fixture *f = *state;
    struct sw_run_image *image;

    make_run(f);
    image = read_image(f, entry_of(f, "r")->run);
    assert_same_image(entry_of(f, "r")->image, image);
    assert_int_equal(image->open.count, 4);
    assert_int_equal(image->finished.count, 2);
    sw_run_image_free(image);
}

static void count_step(void *self, const struct sw_step *step)
{
    char *letters = self;

    letters[strlen(letters)] = sw_step_state_name(step->state)[0];
}

static void open_steps_are_visited_oldest_first(void **state)
{
    struct fixture *f = *state;
    struct sw_run_image *image;
    char letters[8] = "";

    make_run(f);
    image = read_image(f, entry_of(f, "r")->run);
    sw_run_image_open_steps(image, count_step, letters);
    assert_string_equal(letters, "ORDR");
    assert_int_equal(sw_run_image_head(image)->lease, 2);
    assert_int_equal(sw_run_image_in_doubt(image, true, f->now_ms), 1);
    sw_run_image_free(image);
}

static void a_run_that_is_not_there_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct sw_run_image *image = NULL;

    assert_int_equal(sw_run_image_read(f->reader, 77, &image, &f->err), SW_RUN_NOT_FOUND);
    assert_null(image);
}

/* ---- records of somebody else's making ------------------------------------------------ */

static struct sw_run_image *started_image(struct sw_step_pool *pool)
{
    struct sw_run_image *image = sw_run_image_new();
    struct sw_record record = {.type = SW_RECORD_RUN_STARTED, .lsn = 5, .run = 5};
    struct sw_run_change change;

    record.u.run_started.run_id = text("r");
    record.u.run_started.task = text("t");
    assert_true(sw_run_image_fits(image, &record));
    assert_true(sw_run_image_prepare(image, pool, &record, &change));
    sw_run_image_apply(image, pool, &change);
    sw_run_image_settle(image, pool, &change);
    assert_false(sw_run_image_fits(image, &record)); /* once is enough */
    return image;
}

static struct sw_record record_of(enum sw_record_type type, const char *key, uint32_t attempt)
{
    struct sw_record record = {.type = type, .lsn = 6, .run = 5, .attempt = attempt};

    record.key = text(key);
    record.lease = 1;
    return record;
}

static void records_that_do_not_fit_are_told_apart(void **state)
{
    struct sw_step_pool pool = {0};
    struct sw_run_image *image = sw_run_image_new();
    struct sw_record record = record_of(SW_RECORD_LEASE_TAKEN, "", 0);

    (void)state;
    assert_false(sw_run_image_fits(image, &record)); /* before the run's start */
    sw_run_image_free(image);
    image = started_image(&pool);
    assert_true(sw_run_image_fits(image, &record));
    record.run = 4;
    assert_false(sw_run_image_fits(image, &record)); /* of another run */
    record.run = 5;
    record.lease = 0;
    assert_false(sw_run_image_fits(image, &record)); /* no newer lease */
    record = record_of(SW_RECORD_STEP_COMPLETED, "k", 1);
    assert_false(sw_run_image_fits(image, &record)); /* no intent */
    record = record_of(SW_RECORD_STEP_BEGUN, "k", 2);
    assert_false(sw_run_image_fits(image, &record)); /* no first attempt */
    record = record_of(SW_RECORD_STEP_BEGUN, "k", 1);
    assert_true(sw_run_image_fits(image, &record));
    record = record_of(SW_RECORD_CHUNK, "", 0);
    assert_false(sw_run_image_fits(image, &record));
    record = record_of(SW_RECORD_RUN_ENDED, "", 0);
    record.u.run_ended.state = SW_RUN_RUNNING;
    assert_false(sw_run_image_fits(image, &record));
    sw_run_image_free(image);
    sw_step_pool_fini(&pool);
}

static void what_was_prepared_and_dropped_leaves_no_trace(void **state)
{
    struct sw_step_pool pool = {0};
    struct sw_run_image *image = started_image(&pool);
    struct sw_record record = record_of(SW_RECORD_STEP_BEGUN, "k", 1);
    struct sw_run_change change;
    char *before = dump_image(image);
    char *after;

    (void)state;
    assert_true(sw_run_image_prepare(image, &pool, &record, &change));
    sw_run_image_drop(&pool, &change);
    after = dump_image(image);
    assert_string_equal(before, after);
    assert_null(sw_run_image_find(image, text("k")));
    assert_int_equal(pool.count, 1);
    free(before);
    free(after);
    sw_run_image_free(image);
    sw_step_pool_fini(&pool);
}

static void an_ended_image_sheds_its_steps_and_remembers_its_doubt(void **state)
{
    struct fixture *f = *state;
    struct sw_step_pool pool = {0};
    struct sw_run_image *image;

    make_run(f);
    ended(f, "r", 2);
    image = read_image(f, 2); /* after JOURNAL_CREATED */
    assert_int_equal(image->open.count, 4);
    sw_run_image_shed(image, &pool);
    assert_int_equal(image->open.count, 0);
    assert_int_equal(image->finished.count, 0);
    assert_int_equal(sw_run_image_in_doubt(image, false, 0), 1);
    sw_run_image_free(image);
    sw_step_pool_fini(&pool);
}

static void a_row_alone_makes_the_image_of_a_purged_run(void **state)
{
    const struct sw_run_row row = {.run = 9,
                                   .run_id = text("r"),
                                   .task = text("t"),
                                   .state = SW_RUN_FAILED,
                                   .end_lsn = 12,
                                   .steps = 3,
                                   .purged = true};
    struct sw_run_image *image = sw_run_image_of_row(&row);

    (void)state;
    assert_true(image->purged);
    assert_text(image->head.run_id, "r");
    assert_int_equal(image->head.last_lsn, 12);
    assert_int_equal(image->head.steps, 3);
    sw_run_image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_journal_tells_what_live_calls_made),
        FIXTURE_TEST(open_steps_are_visited_oldest_first),
        FIXTURE_TEST(a_run_that_is_not_there_is_not_found),
        cmocka_unit_test(records_that_do_not_fit_are_told_apart),
        cmocka_unit_test(what_was_prepared_and_dropped_leaves_no_trace),
        FIXTURE_TEST(an_ended_image_sheds_its_steps_and_remembers_its_doubt),
        cmocka_unit_test(a_row_alone_makes_the_image_of_a_purged_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
