/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/service/run_image.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "storage/base/fault.h"
#include "storage/journal/journal.h"

struct sw_run_image *sw_run_image_new(void)
{
    return calloc(1, sizeof(struct sw_run_image));
}

void sw_run_image_free(struct sw_run_image *image)
{
    struct sw_step_pool pool = {0};

    if (image == NULL)
        return;
    sw_open_steps_fini(&image->open, &pool);
    sw_step_pool_fini(&pool);
    sw_step_index_fini(&image->finished);
    free(image);
}

static struct sw_span keep_text(uint8_t *bytes, size_t size_max, struct sw_span text)
{
    assert(text.size <= size_max);
    if (text.size > 0)
        memcpy(bytes, text.data, text.size);
    return sw_span_of(bytes, text.size);
}

struct sw_run_image *sw_run_image_of_row(const struct sw_run_row *row)
{
    struct sw_run_image *image = sw_run_image_new();

    assert(row->state != SW_RUN_RUNNING);
    if (image == NULL)
        return NULL;
    image->purged = true;
    image->head = (struct sw_run_head){
        .run = row->run,
        .state = row->state,
        .run_id = keep_text(image->run_id, sizeof(image->run_id), row->run_id),
        .task = keep_text(image->task, sizeof(image->task), row->task),
        .on_divergence = SW_DIVERGENCE_FAIL,
        .started_ms = row->started_ms,
        .ended_ms = row->ended_ms,
        .last_lsn = row->end_lsn,
        .end_lsn = row->end_lsn,
        .steps = row->steps,
    };
    return image;
}

uint64_t sw_run_image_hash(const struct sw_run_image *image, struct sw_span key)
{
    return sw_hash64(key, image->head.run);
}

struct sw_open_step *sw_run_image_find(const struct sw_run_image *image, struct sw_span key)
{
    return sw_open_steps_find(&image->open, sw_run_image_hash(image, key), key);
}

static bool is_step_record(enum sw_record_type type)
{
    return type >= SW_RECORD_STEP_BEGUN && type <= SW_RECORD_STEP_RESOLVED;
}

bool sw_run_image_fits(const struct sw_run_image *image, const struct sw_record *record)
{
    static const struct sw_step absent = {0};
    const struct sw_open_step *open;

    if (image->head.run == 0)
        return record->type == SW_RECORD_RUN_STARTED &&
               record->u.run_started.run_id.size <= SW_RUN_ID_MAX &&
               record->u.run_started.task.size <= SW_TASK_MAX;
    if (image->head.state != SW_RUN_RUNNING || record->run != image->head.run)
        return false;
    if (is_step_record(record->type)) {
        open = sw_run_image_find(image, record->key);
        return sw_step_may_apply(open != NULL ? &open->step : &absent, record);
    }
    if (record->type == SW_RECORD_LEASE_TAKEN)
        return record->lease > image->head.lease &&
               record->u.lease_taken.holder.size <= SW_HOLDER_MAX;
    return record->type == SW_RECORD_RUN_ENDED && record->u.run_ended.state != SW_RUN_RUNNING;
}

/* Refs noted by earlier attempts, copied node by node. */
static bool copy_refs(struct sw_open_step *fresh, const struct sw_open_step *old)
{
    struct sw_external_ref **tail = &fresh->step.refs;

    *tail = NULL;
    fresh->step.refs_tail = NULL;
    for (const struct sw_external_ref *ref = old->step.refs; ref != NULL; ref = ref->next) {
        struct sw_external_ref *copy = sw_arena_zalloc(&fresh->arena, sizeof(*copy));

        if (copy == NULL || !sw_open_step_copy(fresh, ref->text, &copy->text))
            return false;
        *tail = copy;
        tail = &copy->next;
        fresh->step.refs_tail = tail;
    }
    return true;
}

static bool copy_types(struct sw_open_step *fresh, struct sw_retry *retry)
{
    uint32_t count = retry->non_retryable_types_count;
    struct sw_span *types;

    if (count == 0) {
        retry->non_retryable_types = NULL;
        return true;
    }
    types = sw_arena_alloc(&fresh->arena, count * sizeof(*types));
    if (types == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!sw_open_step_copy(fresh, retry->non_retryable_types[i], &types[i]))
            return false;
    }
    retry->non_retryable_types = types;
    return true;
}

/* A struct for the attempt about to begin: what the step was, and the record's texts. */
static bool prepare_begun(const struct sw_run_image *image, struct sw_step_pool *pool,
                          struct sw_record *record, struct sw_run_change *change)
{
    const struct sw_open_step *old = change->step;
    struct sw_open_step *fresh = sw_open_step_new(pool);

    if (fresh == NULL)
        return false;
    change->fresh = fresh;
    if (old != NULL) {
        fresh->step = old->step;
        fresh->step.resolved_by = (struct sw_span){0};
        if (!copy_refs(fresh, old))
            return false;
    }
    fresh->hash = sw_run_image_hash(image, record->key);
    if (!sw_open_step_copy(fresh, record->key, &record->key) ||
        !sw_open_step_copy(fresh, record->u.step_begun.name, &record->u.step_begun.name) ||
        !sw_open_step_copy(fresh, record->u.step_begun.request_id,
                           &record->u.step_begun.request_id) ||
        !sw_open_step_copy(fresh, image->head.holder, &fresh->holder_name))
        return false;
    fresh->step.key = record->key;
    return copy_types(fresh, &record->u.step_begun.retry);
}

/* The ref's node is part of its record: the record moves into the step. */
static bool prepare_noted(struct sw_record *record, struct sw_run_change *change)
{
    struct sw_record *kept;

    if (record->u.noted.ref.text.size == 0)
        return true;
    kept = sw_arena_alloc(&change->step->arena, sizeof(*kept));
    if (kept == NULL ||
        !sw_open_step_copy(change->step, record->u.noted.ref.text, &record->u.noted.ref.text))
        return false;
    *kept = *record;
    change->record = kept;
    return true;
}

bool sw_run_image_prepare(struct sw_run_image *image, struct sw_step_pool *pool,
                          struct sw_record *record, struct sw_run_change *ret_change)
{
    struct sw_run_change change = {.record = record};
    bool ready = true;

    assert(sw_run_image_fits(image, record));

    if (is_step_record(record->type))
        change.step = sw_run_image_find(image, record->key);
    if (record->type == SW_RECORD_STEP_BEGUN)
        ready = prepare_begun(image, pool, record, &change);
    else if (record->type == SW_RECORD_STEP_NOTED)
        ready = prepare_noted(record, &change);
    else if (record->type == SW_RECORD_STEP_RESOLVED)
        ready = sw_open_step_copy(change.step, record->u.resolved.by, &record->u.resolved.by);
    if (ready && change.step != NULL)
        ready = sw_step_index_reserve(&image->finished);
    if (!ready) {
        sw_run_image_drop(pool, &change);
        return false;
    }
    *ret_change = change;
    return true;
}

void sw_run_image_drop(struct sw_step_pool *pool, struct sw_run_change *change)
{
    if (change->fresh != NULL)
        sw_open_step_recycle(pool, change->fresh);
    *change = (struct sw_run_change){0};
}

/* Puts the new attempt's struct where the old one is. */
static void apply_begun(struct sw_run_image *image, struct sw_step_pool *pool,
                        struct sw_run_change *change)
{
    struct sw_open_step *old = change->step;
    struct sw_open_step *fresh = change->fresh;

    sw_step_apply(&fresh->step, change->record);
    if (old == NULL) {
        sw_open_steps_add(&image->open, fresh);
    } else {
        sw_open_steps_replace(&image->open, old, fresh);
        sw_open_step_recycle(pool, old);
    }
    change->step = fresh;
    change->fresh = NULL;
}

void sw_run_image_apply(struct sw_run_image *image, struct sw_step_pool *pool,
                        struct sw_run_change *change)
{
    const struct sw_record *record = change->record;
    struct sw_run_head *head = &image->head;

    sw_run_apply(head, record, change->step == NULL);
    if (record->type == SW_RECORD_STEP_BEGUN) {
        apply_begun(image, pool, change);
    } else if (change->step != NULL) {
        sw_step_apply(&change->step->step, change->record);
    } else if (record->type == SW_RECORD_RUN_STARTED) {
        head->run_id = keep_text(image->run_id, sizeof(image->run_id), head->run_id);
        head->task = keep_text(image->task, sizeof(image->task), head->task);
    } else if (record->type == SW_RECORD_LEASE_TAKEN) {
        head->holder = keep_text(image->holder, sizeof(image->holder), head->holder);
    }
}

void sw_run_image_settle(struct sw_run_image *image, struct sw_step_pool *pool,
                         struct sw_run_change *change)
{
    struct sw_open_step *step = change->step;

    if (step == NULL || !sw_step_state_is_finished(step->step.state))
        return;
    sw_step_index_add(&image->finished, step->hash, step->step.outcome_lsn);
    sw_open_steps_remove(&image->open, step);
    sw_open_step_recycle(pool, step);
    change->step = NULL;
}

void sw_run_image_shed(struct sw_run_image *image, struct sw_step_pool *pool)
{
    assert(image->head.state != SW_RUN_RUNNING);

    image->ended_in_doubt = sw_run_image_in_doubt(image, false, 0);
    sw_open_steps_fini(&image->open, pool);
    sw_step_index_fini(&image->finished);
}

uint64_t sw_run_image_in_doubt(const struct sw_run_image *image, bool held, uint64_t now_ms)
{
    uint64_t count = image->ended_in_doubt;

    for (const struct sw_open_step *open = image->open.oldest; open != NULL; open = open->newer) {
        if (sw_step_doubt(&open->step, image->head.lease, held, now_ms) != SW_DOUBT_NOT)
            count++;
    }
    return count;
}

/* ---- reading ------------------------------------------------------------ */

struct reading {
    struct sw_run_image *image;
    struct sw_step_pool pool;
};

static enum sw_code on_record(void *self, struct sw_record *record, bool *ret_stop,
                              struct sw_err *err)
{
    struct reading *reading = self;
    struct sw_run_change change;

    (void)ret_stop;
    if (record->purged)
        return sw_fail(err, SW_RUN_NOT_FOUND, "the run's records were removed by retention");
    if (!sw_run_image_fits(reading->image, record))
        return sw_fail(err, SW_CORRUPT, "lsn %" PRIu64 ": %s does not fit what is before it",
                       record->lsn, sw_record_type_name(record->type));
    if (!sw_run_image_prepare(reading->image, &reading->pool, record, &change))
        return sw_fail(err, SW_NO_MEMORY, "loading a run");
    sw_run_image_apply(reading->image, &reading->pool, &change);
    sw_run_image_settle(reading->image, &reading->pool, &change);
    return SW_OK;
}

enum sw_code sw_run_image_read(struct sw_journal_reader *reader, uint64_t run,
                               struct sw_run_image **ret_image, struct sw_err *err)
{
    struct reading reading = {.image = sw_run_image_new()};
    struct sw_record_visitor visitor = {.visit = on_record, .self = &reading};
    enum sw_code rc;

    if (reading.image == NULL)
        return sw_fail(err, SW_NO_MEMORY, "loading a run");
    if (SW_FAULT("run.load"))
        rc = sw_fail(err, SW_NO_MEMORY, "loading a run");
    else
        rc = sw_journal_reader_scan_run(reader, run, 0, 0, SW_PAYLOADS_NONE, visitor, err);
    if (rc == SW_OK && reading.image->head.run == 0)
        rc = sw_fail(err, SW_RUN_NOT_FOUND, "no run starts at lsn %" PRIu64, run);
    sw_step_pool_fini(&reading.pool);
    if (rc != SW_OK) {
        sw_run_image_free(reading.image);
        return rc;
    }
    *ret_image = reading.image;
    return SW_OK;
}

const struct sw_run_head *sw_run_image_head(const struct sw_run_image *image)
{
    return &image->head;
}

void sw_run_image_open_steps(const struct sw_run_image *image,
                             void (*visit)(void *self, const struct sw_step *step), void *self)
{
    for (const struct sw_open_step *open = image->open.oldest; open != NULL; open = open->newer)
        visit(self, &open->step);
}
