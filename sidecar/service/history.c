/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/service/history.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sidecar/service/run_image.h"
#include "storage/journal/journal.h"

/* What is kept of an unfinished step beside struct sw_step: each with its bytes. */
struct kept {
    struct sw_payload input;
    struct sw_payload progress;
    struct sw_failure failure;
    uint8_t *input_bytes;
    uint8_t *progress_bytes;
    uint8_t *failure_bytes;
};

struct sw_history {
    uint64_t run;
    bool include_inputs;
    uint64_t read_lsn;          /* everything up to here was applied */
    uint64_t shown_order;       /* of the open step shown last; 0: none */
    struct sw_run_image *image; /* keeps no finished steps */
    struct sw_step_pool pool;
    struct sw_arena arena;   /* of the view's texts and payloads */
    struct sw_run_view view; /* all but the head */
};

/* One call of sw_history_read. */
struct reading {
    struct sw_history *history;
    bool finished_only;
    struct sw_step_visitor visitor;
    bool stopped;
};

static void free_kept(struct sw_open_step *open)
{
    struct kept *kept = open->kept;

    if (kept == NULL)
        return;
    free(kept->input_bytes);
    free(kept->progress_bytes);
    free(kept->failure_bytes);
    free(kept);
    open->kept = NULL;
}

enum sw_code sw_history_new(uint64_t run, bool include_inputs, struct sw_history **ret_history,
                            struct sw_err *err)
{
    struct sw_history *history = calloc(1, sizeof(*history));

    if (history != NULL)
        history->image = sw_run_image_new();
    if (history == NULL || history->image == NULL) {
        free(history);
        return sw_fail(err, SW_NO_MEMORY, "reading a history");
    }
    history->run = run;
    history->include_inputs = include_inputs;
    sw_arena_init(&history->arena, 0);
    *ret_history = history;
    return SW_OK;
}

void sw_history_free(struct sw_history *history)
{
    if (history == NULL)
        return;
    for (struct sw_open_step *open = history->image->open.oldest; open != NULL; open = open->newer)
        free_kept(open);
    sw_run_image_free(history->image);
    sw_step_pool_fini(&history->pool);
    sw_arena_fini(&history->arena);
    free(history);
}

/* ---- keeping payloads ------------------------------------------------------ */

/* Appends span's bytes at *at and points *ret there. */
static void place(uint8_t **at, struct sw_span span, struct sw_span *ret)
{
    if (span.size > 0)
        memcpy(*at, span.data, span.size);
    *ret = sw_span_of(*at, span.size);
    *at += span.size;
}

static size_t payload_room(const struct sw_payload *payload)
{
    return payload->present ? payload->data.size + payload->content_type.size : 0;
}

static void place_payload(uint8_t **at, const struct sw_payload *payload, struct sw_payload *ret)
{
    *ret = *payload;
    if (!payload->present)
        return;
    place(at, payload->content_type, &ret->content_type);
    if (payload->data.data != NULL)
        place(at, payload->data, &ret->data);
}

/* Replaces what *bytes held. */
static bool keep_payload(const struct sw_payload *payload, uint8_t **bytes, struct sw_payload *ret)
{
    uint8_t *fresh = malloc(payload_room(payload) + 1);
    uint8_t *at = fresh;

    if (fresh == NULL)
        return false;
    place_payload(&at, payload, ret);
    free(*bytes);
    *bytes = fresh;
    return true;
}

static bool keep_failure(const struct sw_failure *failure, uint8_t **bytes, struct sw_failure *ret)
{
    size_t room = failure->type.size + failure->message.size + payload_room(&failure->details);
    uint8_t *fresh = malloc(room + 1);
    uint8_t *at = fresh;

    if (fresh == NULL)
        return false;
    place(&at, failure->type, &ret->type);
    place(&at, failure->message, &ret->message);
    place_payload(&at, &failure->details, &ret->details);
    ret->non_retryable = failure->non_retryable;
    free(*bytes);
    *bytes = fresh;
    return true;
}

/* Keeps of a step's record what later views show. */
static bool keep_of_step(const struct sw_history *history, struct sw_open_step *open,
                         const struct sw_record *record)
{
    struct kept *kept = open->kept;

    if (kept == NULL) {
        kept = calloc(1, sizeof(*kept));
        if (kept == NULL)
            return false;
        open->kept = kept;
    }
    if (record->type == SW_RECORD_STEP_BEGUN) {
        kept->failure = (struct sw_failure){0};
        kept->input = (struct sw_payload){0};
        return !history->include_inputs ||
               keep_payload(&record->u.step_begun.input, &kept->input_bytes, &kept->input);
    }
    if (record->type == SW_RECORD_STEP_NOTED)
        return !record->u.noted.progress.present ||
               keep_payload(&record->u.noted.progress, &kept->progress_bytes, &kept->progress);
    if (record->type == SW_RECORD_STEP_RESOLVED) {
        kept->failure = (struct sw_failure){0};
        return true;
    }
    return keep_failure(&record->u.outcome.failure, &kept->failure_bytes, &kept->failure);
}

static bool copy_payload(struct sw_arena *arena, const struct sw_payload *payload,
                         struct sw_payload *ret)
{
    uint8_t *at = sw_arena_alloc(arena, payload_room(payload) + 1);

    if (at != NULL)
        place_payload(&at, payload, ret);
    return at != NULL;
}

static bool keep_start(struct sw_history *history, const struct sw_record *record)
{
    struct sw_arena *arena = &history->arena;
    uint32_t count = record->u.run_started.labels_count;
    struct sw_label *labels = sw_arena_alloc(arena, count * sizeof(*labels) + 1);
    bool kept = labels != NULL;

    for (uint32_t i = 0; kept && i < count; i++)
        kept = sw_arena_copy(arena, record->u.run_started.labels[i].key, &labels[i].key) &&
               sw_arena_copy(arena, record->u.run_started.labels[i].value, &labels[i].value);
    history->view.labels = labels;
    history->view.labels_count = count;
    return kept && copy_payload(arena, &record->u.run_started.input, &history->view.input) &&
           sw_arena_copy(arena, record->u.run_started.code_version, &history->view.code_version);
}

static bool keep_end(struct sw_history *history, const struct sw_record *record)
{
    struct sw_arena *arena = &history->arena;
    const struct sw_failure *failure = &record->u.run_ended.failure;
    struct sw_run_view *view = &history->view;
    uint32_t count = record->u.run_ended.unvisited_count;
    struct sw_span *unvisited = sw_arena_alloc(arena, count * sizeof(*unvisited) + 1);
    bool kept = unvisited != NULL;

    for (uint32_t i = 0; kept && i < count; i++)
        kept = sw_arena_copy(arena, record->u.run_ended.unvisited[i], &unvisited[i]);
    view->unvisited = unvisited;
    view->unvisited_count = count;
    if (record->u.run_ended.state == SW_RUN_COMPLETED)
        return kept && copy_payload(arena, &record->u.run_ended.result, &view->result);
    view->failure.non_retryable = failure->non_retryable;
    return kept && sw_arena_copy(arena, failure->type, &view->failure.type) &&
           sw_arena_copy(arena, failure->message, &view->failure.message) &&
           copy_payload(arena, &failure->details, &view->failure.details);
}

/* ---- reading ---------------------------------------------------------------- */

/* The step as it stands; end: the record that finished it, NULL when none has. */
static struct sw_step_view view_of(const struct sw_open_step *open, const struct sw_record *end)
{
    const struct kept *kept = open->kept;
    struct sw_step_view view = {.step = &open->step, .holder_name = open->holder_name};

    if (kept != NULL) {
        view.input = kept->input;
        view.progress = kept->progress;
        view.failure = kept->failure;
    }
    if (end == NULL)
        return view;
    if (end->type == SW_RECORD_STEP_RESOLVED) {
        view.output = end->u.resolved.output;
        view.failure = end->u.resolved.failure;
    } else {
        view.output = end->u.outcome.output;
        view.failure = end->u.outcome.failure;
    }
    return view;
}

/* The changed step: shown if asked for, then kept or, if finished, dropped. */
static enum sw_code on_changed_step(struct reading *reading, struct sw_open_step *open,
                                    const struct sw_record *record, struct sw_err *err)
{
    struct sw_history *history = reading->history;
    bool finished = sw_step_state_is_finished(open->step.state);
    enum sw_code rc = SW_OK;

    if (!finished && !keep_of_step(history, open, record))
        return sw_fail(err, SW_NO_MEMORY, "reading a history");
    /* A history hears no heartbeats: it takes the attempt for alive. */
    open->step.alive_ms = UINT64_MAX;
    if (finished || !reading->finished_only) {
        struct sw_step_view view = view_of(open, finished ? record : NULL);

        rc = reading->visitor.visit(reading->visitor.self, &view, &reading->stopped, err);
    }
    if (finished) {
        free_kept(open);
        sw_open_steps_remove(&history->image->open, open);
        sw_open_step_recycle(&history->pool, open);
    }
    return rc;
}

static enum sw_code on_record(void *self, struct sw_record *record, bool *ret_stop,
                              struct sw_err *err)
{
    struct reading *reading = self;
    struct sw_history *history = reading->history;
    struct sw_run_change change;
    enum sw_code rc = SW_OK;

    if (record->purged)
        return SW_OK; /* an ended run that retention has emptied */
    if (!sw_run_image_fits(history->image, record))
        return sw_fail(err, SW_CORRUPT, "lsn %" PRIu64 ": %s does not fit what is before it",
                       record->lsn, sw_record_type_name(record->type));
    if ((record->type == SW_RECORD_RUN_STARTED && !keep_start(history, record)) ||
        (record->type == SW_RECORD_RUN_ENDED && !keep_end(history, record)) ||
        !sw_run_image_prepare(history->image, &history->pool, record, &change))
        return sw_fail(err, SW_NO_MEMORY, "reading a history");
    sw_run_image_apply(history->image, &history->pool, &change);
    history->read_lsn = record->lsn;
    if (change.step != NULL)
        rc = on_changed_step(reading, change.step, record, err);
    *ret_stop = reading->stopped;
    return rc;
}

enum sw_code sw_history_read(struct sw_history *history, struct sw_journal_reader *reader,
                             uint64_t up_to_lsn, bool finished_only, struct sw_step_visitor visitor,
                             bool *ret_end, struct sw_err *err)
{
    struct reading reading = {
        .history = history, .finished_only = finished_only, .visitor = visitor};
    struct sw_record_visitor on_each = {.visit = on_record, .self = &reading};
    enum sw_payload_mode mode = history->include_inputs ? SW_PAYLOADS_ALL : SW_PAYLOADS_OUTCOME;
    enum sw_code rc = SW_OK;

    if (up_to_lsn == 0 || history->read_lsn < up_to_lsn)
        rc = sw_journal_reader_scan_run(reader, history->run, history->read_lsn + 1, up_to_lsn,
                                        mode, on_each, err);
    if (rc == SW_OK)
        *ret_end = !reading.stopped;
    return rc;
}

enum sw_code sw_history_open_steps(struct sw_history *history, struct sw_step_visitor visitor,
                                   bool *ret_end, struct sw_err *err)
{
    const struct sw_open_step *open = history->image->open.oldest;
    bool stop = false;

    while (open != NULL && open->order <= history->shown_order)
        open = open->newer;
    for (; open != NULL && !stop; open = open->newer) {
        struct sw_step_view view = view_of(open, NULL);
        enum sw_code rc = visitor.visit(visitor.self, &view, &stop, err);

        history->shown_order = open->order;
        if (rc != SW_OK)
            return rc;
    }
    *ret_end = open == NULL && !stop;
    if (*ret_end)
        history->shown_order = 0;
    return SW_OK;
}

void sw_history_run(const struct sw_history *history, bool held, uint64_t now_ms,
                    struct sw_run_view *ret_view)
{
    struct sw_run_view view = history->view;

    view.head = history->image->head;
    view.held = held && view.head.state == SW_RUN_RUNNING;
    view.steps_in_doubt = sw_run_image_in_doubt(history->image, view.held, now_ms);
    *ret_view = view;
}
