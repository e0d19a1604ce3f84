/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/service/verb.h"

#include <assert.h>
#include <inttypes.h>

#include "sidecar/engine/backoff.h"
#include "storage/journal/journal.h"

/* ---- finding ------------------------------------------------------------- */

/* An entry for an ended run of which only the row is left. */
static enum sw_code add_purged(struct sw_service *service, const struct sw_run_row *row,
                               struct sw_run_entry **ret_entry, struct sw_err *err)
{
    struct sw_run_entry *entry = sw_run_table_new_entry(&service->table, row->run_id, row->task);

    if (entry == NULL)
        return sw_fail(err, SW_NO_MEMORY, "finding a run");
    entry->run = row->run;
    entry->committed_lsn = row->end_lsn;
    entry->image = sw_run_image_of_row(row);
    if (entry->image == NULL) {
        sw_run_table_destroy(&service->table, entry);
        return sw_fail(err, SW_NO_MEMORY, "finding a run");
    }
    sw_run_table_add(&service->table, entry);
    *ret_entry = entry;
    return SW_OK;
}

/* A run that has no entry or has ended: retention may have taken it away. */
static enum sw_code find_ended(struct sw_service *service, struct sw_call *call,
                               struct sw_span run_id, struct sw_run_entry **entry,
                               struct sw_err *err)
{
    struct sw_run_row row;
    enum sw_code rc;

    rc = sw_journal_find_run(service->options.journal, run_id, call->arena, &row, err);
    if (*entry != NULL && (rc == SW_RUN_NOT_FOUND || (rc == SW_OK && row.purged))) {
        sw_run_table_destroy(&service->table, *entry);
        *entry = NULL;
    }
    if (rc != SW_OK || *entry != NULL)
        return rc;
    assert(row.state != SW_RUN_RUNNING); /* or it had an entry */
    if (row.purged)
        return add_purged(service, &row, entry, err);
    call->load_run = row.run;
    return sw_fail(err, SW_NOT_LOADED, "run at lsn %" PRIu64, row.run);
}

enum sw_code sw_verb_find_run(struct sw_service *service, struct sw_call *call,
                              struct sw_span run_id, struct sw_run_entry **ret_entry,
                              struct sw_err *err)
{
    struct sw_run_entry *entry = sw_run_table_find(&service->table, run_id);
    bool open = entry != NULL && sw_run_entry_in(entry, SW_RUNS_OPEN);
    bool dirty = entry != NULL && sw_run_entry_in(entry, SW_RUNS_DIRTY);
    enum sw_code rc;

    if (!open && !dirty) {
        rc = find_ended(service, call, run_id, &entry, err);
        if (rc != SW_OK)
            return rc;
    }
    if (entry->image == NULL) {
        call->load_run = entry->run;
        return sw_fail(err, SW_NOT_LOADED, "run at lsn %" PRIu64, entry->run);
    }
    sw_run_list_push(&service->table, open ? SW_RUNS_LOADED : SW_RUNS_ENDED, entry);
    *ret_entry = entry;
    return SW_OK;
}

void sw_verb_touch(struct sw_service *service, const struct sw_call *call,
                   struct sw_run_entry *entry, uint64_t now_ms)
{
    if (call->holder != 0)
        sw_run_entry_bind(&service->table, entry, call->holder);
    else if (entry->holder == 0)
        sw_run_entry_grace(&service->table, entry, now_ms);
}

enum sw_code sw_verb_hold_run(struct sw_service *service, struct sw_call *call,
                              struct sw_span run_id, uint64_t lease, uint64_t now_ms,
                              struct sw_run_entry **ret_entry, struct sw_err *err)
{
    struct sw_run_entry *entry;
    enum sw_code rc;

    rc = sw_verb_find_run(service, call, run_id, &entry, err);
    if (rc != SW_OK)
        return rc;
    rc = sw_decide_lease(&entry->image->head, lease, err);
    if (rc != SW_OK)
        return rc;
    sw_verb_touch(service, call, entry, now_ms);
    *ret_entry = entry;
    return SW_OK;
}

bool sw_verb_is_held(const struct sw_service *service, const struct sw_run_entry *entry,
                     uint64_t now_ms)
{
    if (sw_run_entry_in(entry, SW_RUNS_BOUND))
        return true;
    return sw_run_entry_in(entry, SW_RUNS_GRACE) &&
           now_ms < entry->last_call_ms + service->options.lease_grace_ms;
}

enum sw_code sw_verb_read(struct sw_service *service, struct sw_call *call, uint64_t lsn,
                          struct sw_record **ret_record, struct sw_err *err)
{
    struct sw_record *record = sw_arena_zalloc(call->arena, sizeof(*record));
    enum sw_code rc;

    if (record == NULL)
        return sw_fail(err, SW_NO_MEMORY, "reading lsn %" PRIu64, lsn);
    rc = sw_journal_read(service->options.journal, lsn, call->arena, record, err);
    if (rc == SW_OK)
        *ret_record = record;
    return rc;
}

/* The lsn of the attempt's intent that the finishing record names; 0: it finishes none. */
static uint64_t intent_of(const struct sw_record *end)
{
    if (end->type == SW_RECORD_STEP_RESOLVED)
        return end->u.resolved.intent_lsn;
    if (end->type == SW_RECORD_STEP_COMPLETED || end->type == SW_RECORD_STEP_FAILED)
        return end->u.outcome.intent_lsn;
    return 0;
}

/* A finished step from its last attempt's intent and its end. */
static enum sw_code read_finished(struct sw_service *service, struct sw_call *call,
                                  struct sw_record *end, struct sw_found_step *found,
                                  struct sw_err *err)
{
    uint64_t intent_lsn = intent_of(end);
    struct sw_record *intent;
    struct sw_step *step;
    enum sw_code rc;

    if (intent_lsn == 0)
        return sw_fail(err, SW_CORRUPT, "lsn %" PRIu64 " is no end of a step", end->lsn);
    rc = sw_verb_read(service, call, intent_lsn, &intent, err);
    if (rc != SW_OK)
        return rc;
    step = sw_arena_zalloc(call->arena, sizeof(*step));
    if (step == NULL)
        return sw_fail(err, SW_NO_MEMORY, "reading a step");
    step->attempt = intent->attempt - 1;
    if (!sw_step_may_apply(step, intent))
        return sw_fail(err, SW_CORRUPT, "lsn %" PRIu64 " is no intent", intent->lsn);
    sw_step_apply(step, intent);
    if (!sw_span_equal(step->key, end->key) || !sw_step_may_apply(step, end))
        return sw_fail(err, SW_CORRUPT, "lsn %" PRIu64 " does not end lsn %" PRIu64, end->lsn,
                       intent->lsn);
    sw_step_apply(step, end);
    found->step = step;
    found->end = end;
    return SW_OK;
}

enum sw_code sw_verb_find_step(struct sw_service *service, struct sw_call *call,
                               const struct sw_run_entry *entry, struct sw_span key,
                               struct sw_found_step *ret_found, struct sw_err *err)
{
    static const struct sw_step absent = {0};
    const struct sw_run_image *image = entry->image;
    uint64_t hash = sw_run_image_hash(image, key);
    struct sw_found_step found = {.step = &absent};
    struct sw_step_search search = {0};
    uint64_t lsn;
    enum sw_code rc;

    found.open = sw_open_steps_find(&image->open, hash, key);
    if (found.open != NULL) {
        found.step = &found.open->step;
        *ret_found = found;
        return SW_OK;
    }
    while ((lsn = sw_step_index_next(&image->finished, hash, &search)) != 0) {
        struct sw_record *end;

        rc = sw_verb_read(service, call, lsn, &end, err);
        if (rc != SW_OK)
            return rc;
        if (!sw_span_equal(end->key, key))
            continue; /* another key of the same hash */
        rc = read_finished(service, call, end, &found, err);
        if (rc != SW_OK)
            return rc;
        break;
    }
    *ret_found = found;
    return SW_OK;
}

/* ---- writing ------------------------------------------------------------- */

struct sw_record sw_verb_record(const struct sw_run_entry *entry, enum sw_record_type type,
                                uint64_t now_ms)
{
    return (struct sw_record){
        .run = entry->run,
        .at_ms = now_ms,
        .type = type,
        .lease = entry->image->head.lease,
    };
}

enum sw_code sw_verb_mark(struct sw_service *service, struct sw_err *err)
{
    return sw_journal_mark(service->options.journal, err);
}

enum sw_code sw_verb_undo_failed(struct sw_service *service, enum sw_code rc, struct sw_err *err)
{
    struct sw_err undo_err;

    if (rc == SW_OK || sw_journal_undo(service->options.journal, &undo_err) == SW_OK)
        return rc;
    if (err != NULL)
        *err = undo_err; /* the graver failure */
    return undo_err.code;
}

enum sw_code sw_verb_append(struct sw_service *service, struct sw_run_entry *entry,
                            struct sw_record *record, struct sw_err *err)
{
    struct sw_journal *journal = service->options.journal;
    struct sw_run_image *image = entry->image;
    struct sw_run_change change;
    size_t finished_before = image->finished.count;
    enum sw_code rc;

    if (!sw_run_image_prepare(image, &service->pool, record, &change))
        return sw_fail(err, SW_NO_MEMORY, "recording");
    if (record->type == SW_RECORD_RUN_ENDED)
        rc = sw_journal_append_end(journal, change.record, image->head.steps, err);
    else
        rc = sw_journal_append(journal, change.record, err);
    if (rc != SW_OK) {
        sw_run_image_drop(&service->pool, &change);
        return rc;
    }
    sw_run_image_apply(image, &service->pool, &change);
    sw_run_image_settle(image, &service->pool, &change);
    entry->run = image->head.run;
    service->steps_cached += image->finished.count - finished_before;
    return SW_OK;
}

void sw_verb_mark_dirty(struct sw_service *service, struct sw_run_entry *entry)
{
    if (sw_run_entry_in(entry, SW_RUNS_DIRTY))
        return;
    entry->holder_before = entry->holder;
    sw_run_list_push(&service->table, SW_RUNS_DIRTY, entry);
}

enum sw_code sw_verb_write(struct sw_service *service, struct sw_run_entry *entry,
                           struct sw_record *record, struct sw_err *err)
{
    const struct sw_service_events *events = &service->options.events;
    enum sw_code rc;

    rc = sw_verb_mark(service, err);
    if (rc != SW_OK)
        return rc;
    rc = sw_verb_undo_failed(service, sw_verb_append(service, entry, record, err), err);
    if (rc != SW_OK)
        return rc;
    sw_verb_mark_dirty(service, entry);
    if (events->run_changed != NULL)
        events->run_changed(events->self, entry->run);
    return SW_OK;
}

enum sw_code sw_verb_check_backlog(const struct sw_service *service, struct sw_err *err)
{
    const struct sw_service_options *options = &service->options;

    if (options->backlog_full == NULL || !options->backlog_full(options->backlog))
        return SW_OK;
    return sw_fail(err, SW_BACKLOG_FULL, "too much waits for the object store already");
}

enum sw_code sw_verb_take_lease(struct sw_service *service, struct sw_call *call,
                                struct sw_run_entry *entry, struct sw_span holder_name,
                                uint64_t now_ms, struct sw_err *err)
{
    const struct sw_service_events *events = &service->options.events;
    uint64_t lost = entry->image->head.lease;
    struct sw_record record = sw_verb_record(entry, SW_RECORD_LEASE_TAKEN, now_ms);
    enum sw_code rc;

    record.lease = lost + 1;
    record.u.lease_taken.holder = holder_name;
    rc = sw_verb_write(service, entry, &record, err);
    if (rc != SW_OK)
        return rc;
    call->sync = true;
    if (entry->holder != 0 && events->lease_lost != NULL)
        events->lease_lost(events->self, entry->holder, entry->run_id, lost);
    sw_run_entry_unbind(&service->table, entry);
    sw_verb_touch(service, call, entry, now_ms);
    return SW_OK;
}

void sw_verb_tell(const struct sw_service *service, struct sw_call *call, uint64_t lsn)
{
    if (lsn > sw_journal_state(service->options.journal)->durable_lsn)
        call->sync = true;
}

/* ---- answering ----------------------------------------------------------- */

static void view_start(const struct sw_record *record, struct sw_run_view *view)
{
    assert(record->type == SW_RECORD_RUN_STARTED);
    view->input = record->u.run_started.input;
    view->labels = record->u.run_started.labels;
    view->labels_count = record->u.run_started.labels_count;
    view->code_version = record->u.run_started.code_version;
}

static void view_end(const struct sw_record *record, struct sw_run_view *view)
{
    assert(record->type == SW_RECORD_RUN_ENDED);
    view->result = record->u.run_ended.result;
    view->failure = record->u.run_ended.failure;
    view->unvisited = record->u.run_ended.unvisited;
    view->unvisited_count = record->u.run_ended.unvisited_count;
}

enum sw_code sw_verb_view(struct sw_service *service, struct sw_call *call,
                          const struct sw_run_entry *entry, uint64_t now_ms,
                          struct sw_run_view *ret_view, struct sw_err *err)
{
    const struct sw_run_image *image = entry->image;
    struct sw_run_view view = {.head = image->head};
    struct sw_record *record;
    enum sw_code rc;

    if (!sw_arena_copy(call->arena, image->head.run_id, &view.head.run_id) ||
        !sw_arena_copy(call->arena, image->head.task, &view.head.task) ||
        !sw_arena_copy(call->arena, image->head.holder, &view.head.holder))
        return sw_fail(err, SW_NO_MEMORY, "answering");
    view.held = sw_verb_is_held(service, entry, now_ms);
    view.steps_in_doubt = sw_run_image_in_doubt(image, view.held, now_ms);
    if (!image->purged) {
        rc = sw_verb_read(service, call, entry->run, &record, err);
        if (rc != SW_OK)
            return rc;
        view_start(record, &view);
        if (image->head.end_lsn != 0) {
            rc = sw_verb_read(service, call, image->head.end_lsn, &record, err);
            if (rc != SW_OK)
                return rc;
            view_end(record, &view);
        }
    }
    *ret_view = view;
    return SW_OK;
}

void sw_verb_view_lease(const struct sw_service *service, const struct sw_run_entry *entry,
                        struct sw_span holder_name, uint64_t now_ms, struct sw_run_view *view)
{
    const struct sw_run_image *image = entry->image;

    view->head.lease = image->head.lease;
    view->head.last_lsn = image->head.last_lsn;
    view->head.holder = holder_name;
    view->held = sw_verb_is_held(service, entry, now_ms);
    view->steps_in_doubt = sw_run_image_in_doubt(image, view->held, now_ms);
}

void sw_verb_idempotency_key(const struct sw_service *service, const struct sw_run_entry *entry,
                             struct sw_span key, char ret[SW_UUID_TEXT_SIZE])
{
    const struct sw_journal_state *state = sw_journal_state(service->options.journal);

    sw_idempotency_key(sw_span_of_text(state->name), entry->run_id, key, ret);
}

struct sw_digest sw_verb_digest(struct sw_span data)
{
    struct sw_digest digest;

    sw_sha256(&data, 1, &digest);
    return digest;
}

bool sw_verb_is_same_output(const struct sw_record *end, struct sw_span data)
{
    const struct sw_payload *output =
        end->type == SW_RECORD_STEP_RESOLVED ? &end->u.resolved.output : &end->u.outcome.output;
    struct sw_digest digest;

    assert(output->present);
    if (output->size != data.size)
        return false;
    digest = sw_verb_digest(data);
    return memcmp(&digest, &output->digest, sizeof(digest)) == 0;
}
