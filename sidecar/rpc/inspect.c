/* SPDX-License-Identifier: Apache-2.0
 *
 * inspect - ListRuns and GetRun.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "sidecar/parse.h"
#include "sidecar/rpc/codec.h"
#include "sidecar/rpc/read.h"
#include "sidecar/service/fields.h"
#include "storage/journal/journal.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

/* A run found: what the index says; of one that is not over what memory knows, or, where it
 * knows nothing, a history. */
struct found {
    struct found *next;
    bool recalled;
    struct sw_history *history;
    struct sw_run_view view; /* in the read's arena */
};

struct finding {
    struct found *head;
    struct found **tail;
    unsigned count;
    unsigned page_size;
    struct sw_label *labels; /* asked for */
    size_t labels_count;
    uint64_t last_run; /* the page ends behind it */
    bool more;
    struct sw_read *read;
    struct sw_journal_reader *reader;
    struct sw_run_row *rows; /* matched by the index, not yet looked at */
    unsigned rows_count;
};

static enum sw_code skip_step(void *self, const struct sw_step_view *view, bool *ret_stop,
                              struct sw_err *err)
{
    (void)self;
    (void)view;
    (void)ret_stop;
    (void)err;
    return SW_OK;
}

static enum sw_code read_history(struct sw_read *read, struct sw_journal_reader *reader,
                                 uint64_t run, struct found *found)
{
    struct sw_step_visitor visitor = {.visit = skip_step};
    bool end;
    enum sw_code rc = sw_history_new(run, false, &found->history, &read->err);

    if (rc == SW_OK)
        rc = sw_history_read(found->history, reader, 0, true, visitor, &end, &read->err);
    return rc;
}

static void free_found(struct found *found)
{
    struct found *next;

    for (; found != NULL; found = next) {
        next = found->next;
        sw_history_free(found->history);
        free(found);
    }
}

/* ---- ListRuns ------------------------------------------------------------------ */

static bool has_labels(const struct sw_run_view *view, const struct finding *finding)
{
    for (size_t i = 0; i < finding->labels_count; i++) {
        const struct sw_label *wanted = &finding->labels[i];
        bool found = false;

        for (uint32_t j = 0; j < view->labels_count && !found; j++)
            found = sw_span_equal(view->labels[j].key, wanted->key) &&
                    sw_span_equal(view->labels[j].value, wanted->value);
        if (!found)
            return false;
    }
    return true;
}

static struct sw_span copy(struct sw_read *read, struct sw_span span)
{
    struct sw_span kept;

    if (!sw_arena_copy(read->arena, span, &kept))
        abort();
    return kept;
}

struct start_visit {
    struct sw_read *read;
    struct sw_run_view *view;
};

/* Takes from RUN_STARTED what a list shows. */
static enum sw_code see_start(void *self, struct sw_record *record, bool *ret_stop,
                              struct sw_err *err)
{
    struct start_visit *visit = self;
    struct sw_run_view *view = visit->view;
    struct sw_label *labels;

    (void)err;
    *ret_stop = true;
    if (record->purged || record->type != SW_RECORD_RUN_STARTED)
        return SW_OK;
    labels = sw_codec_make(visit->read->arena,
                           (record->u.run_started.labels_count + 1u) * sizeof *labels);
    for (uint32_t i = 0; i < record->u.run_started.labels_count; i++)
        labels[i] =
            (struct sw_label){.key = copy(visit->read, record->u.run_started.labels[i].key),
                              .value = copy(visit->read, record->u.run_started.labels[i].value)};
    view->labels = labels;
    view->labels_count = record->u.run_started.labels_count;
    view->code_version = copy(visit->read, record->u.run_started.code_version);
    view->head.on_divergence = record->u.run_started.on_divergence;
    return SW_OK;
}

static enum sw_code look_at(struct finding *finding, const struct sw_run_row *row)
{
    const Stepwell__V1__ListRunsRequest *ask = (const void *)finding->read->ask;
    struct found *found = calloc(1, sizeof *found);
    struct sw_run_view *view = &found->view;
    struct start_visit visit = {.read = finding->read, .view = view};
    struct sw_record_visitor visitor = {.visit = see_start, .self = &visit};
    enum sw_code rc;

    assert(found != NULL);
    view->head = (struct sw_run_head){.run = row->run,
                                      .state = row->state,
                                      .run_id = row->run_id,
                                      .task = row->task,
                                      .started_ms = row->started_ms,
                                      .ended_ms = row->ended_ms,
                                      .last_lsn = row->end_lsn,
                                      .end_lsn = row->end_lsn,
                                      .steps = row->steps};
    rc = sw_journal_reader_scan_run(finding->reader, row->run, row->run, row->run, SW_PAYLOADS_NONE,
                                    visitor, &finding->read->err);
    if (rc != SW_OK || !has_labels(view, finding) ||
        (ask->in_doubt && row->state != SW_RUN_RUNNING)) {
        free_found(found);
        return rc;
    }
    *finding->tail = found;
    finding->tail = &found->next;
    finding->count++;
    return SW_OK;
}

/* Rows live until the visitor returns, and a visitor must not read: copy them. */
static enum sw_code see_row(void *self, const struct sw_run_row *row, bool *ret_stop,
                            struct sw_err *err)
{
    struct finding *finding = self;
    struct sw_run_row *kept = &finding->rows[finding->rows_count];

    (void)err;
    if (finding->rows_count == finding->page_size) {
        finding->more = true;
        *ret_stop = true;
        return SW_OK;
    }
    *kept = *row;
    kept->run_id = copy(finding->read, row->run_id);
    kept->task = copy(finding->read, row->task);
    finding->rows_count++;
    return SW_OK;
}

/* One page's worth of rows; *ret_done: the page is full, or there are no more. */
static enum sw_code look_at_rows(struct finding *finding, struct sw_run_filter *filter,
                                 bool *ret_done)
{
    struct sw_run_visitor visitor = {.visit = see_row, .self = finding};
    enum sw_code rc;

    finding->rows_count = 0;
    finding->more = false;
    rc = sw_journal_reader_list_runs(finding->reader, filter, visitor, &finding->read->err);
    for (unsigned i = 0; rc == SW_OK && i < finding->rows_count; i++) {
        rc = look_at(finding, &finding->rows[i]);
        finding->last_run = filter->before_run = finding->rows[i].run;
        if (finding->count == finding->page_size) {
            finding->more |= i + 1 < finding->rows_count;
            *ret_done = true;
            return rc;
        }
    }
    *ret_done = !finding->more;
    return rc;
}

static enum sw_code check_list(struct sw_read *read, struct finding *finding,
                               struct sw_run_filter *filter)
{
    const Stepwell__V1__ListRunsRequest *ask = (const void *)read->ask;

    if (ask->page_size > PAGE_MAX)
        return sw_fail_field(&read->err, "page_size", PAGE_MAX, "%u, at most %d", ask->page_size,
                             PAGE_MAX);
    if ((unsigned)ask->state > SW_RUN_FAILED)
        return sw_fail_field(&read->err, "state", SW_RUN_FAILED, "%u is no known value",
                             (unsigned)ask->state);
    if (ask->page_token[0] != '\0' &&
        sw_parse_number(ask->page_token, 1, INT64_MAX, &filter->before_run, NULL) != SW_OK)
        return sw_fail_field(&read->err, "page_token", 0, "not one of a previous answer");
    return sw_fields_check_filter(filter->task, finding->labels, finding->labels_count, &read->err);
}

static enum sw_code gather_list(struct sw_read *read, struct sw_journal_reader *reader)
{
    const Stepwell__V1__ListRunsRequest *ask = (const void *)read->ask;
    struct finding *finding = sw_codec_make(read->arena, sizeof *finding);
    struct sw_run_filter filter = {.task = sw_span_of_text(ask->task),
                                   .state = (enum sw_run_state)ask->state};
    enum sw_code rc;
    bool done = false;

    read->found = finding;
    finding->tail = &finding->head;
    finding->labels_count = ask->n_labels;
    finding->labels = sw_codec_make(read->arena, (ask->n_labels + 1) * sizeof *finding->labels);
    for (size_t i = 0; i < ask->n_labels; i++)
        finding->labels[i] = (struct sw_label){.key = sw_span_of_text(ask->labels[i]->key),
                                               .value = sw_span_of_text(ask->labels[i]->value)};
    rc = check_list(read, finding, &filter);
    if (rc != SW_OK)
        return rc;
    finding->page_size = ask->page_size == 0 ? PAGE_DEFAULT : ask->page_size;
    finding->read = read;
    finding->reader = reader;
    finding->rows = sw_codec_make(read->arena, finding->page_size * sizeof *finding->rows);
    while (rc == SW_OK && !done)
        rc = look_at_rows(finding, &filter, &done);
    return rc;
}

/* The view, less what a list does not show, with its texts in the read's arena. */
static void take_view(struct sw_read *read, struct found *found, const struct sw_run_view *view)
{
    struct sw_run_head *head = &found->view.head;
    struct sw_span run_id = head->run_id;
    struct sw_span task = head->task;

    *head = view->head;
    head->run_id = run_id;
    head->task = task;
    head->holder = copy(read, view->head.holder);
    head->usage = (struct sw_usage){0};
    found->view.held = view->held;
    found->view.steps_in_doubt = view->steps_in_doubt;
}

static bool is_wanted(const struct found *found)
{
    return found->view.head.state == SW_RUN_RUNNING && !found->recalled;
}

static bool recall_list(struct sw_read *read)
{
    const struct finding *finding = read->found;
    struct sw_run_view view;
    bool wanted = false;

    for (struct found *found = finding->head; found != NULL; found = found->next) {
        if (!is_wanted(found))
            continue;
        found->recalled = sw_service_recall(read->server->service, found->view.head.run_id, &view);
        if (found->recalled)
            take_view(read, found, &view);
        wanted |= !found->recalled;
    }
    return wanted;
}

static enum sw_code gather_unknown(struct sw_read *read, struct sw_journal_reader *reader)
{
    const struct finding *finding = read->found;
    enum sw_code rc = SW_OK;

    for (struct found *found = finding->head; rc == SW_OK && found != NULL; found = found->next)
        if (is_wanted(found))
            rc = read_history(read, reader, found->view.head.run, found);
    return rc;
}

/* Judges with what the loop knows; false: the filter leaves it out. */
static bool judge(struct sw_read *read, struct found *found, bool in_doubt_only)
{
    struct sw_service *service = read->server->service;
    uint64_t now_ms = sw_loop_now_ms(read->server);
    struct sw_run_view view;

    if (found->history != NULL) {
        bool held = sw_service_liveness(service, found->view.head.run_id).held;

        sw_history_run(found->history, held, now_ms, &view);
        sw_service_remember(service, &view);
        take_view(read, found, &view);
    }
    return !in_doubt_only || found->view.steps_in_doubt != 0;
}

static enum sw_code finish_list(struct sw_read *read, enum sw_code rc)
{
    const Stepwell__V1__ListRunsRequest *ask = (const void *)read->ask;
    struct finding *finding = read->found;
    Stepwell__V1__ListRunsResponse answer = STEPWELL__V1__LIST_RUNS_RESPONSE__INIT;
    char token[24];

    answer.runs = sw_codec_make(read->arena, (finding->count + 1) * sizeof *answer.runs);
    for (struct found *found = finding->head; rc == SW_OK && found != NULL; found = found->next)
        if (judge(read, found, ask->in_doubt != 0))
            answer.runs[answer.n_runs++] = sw_encode_run(&found->view, read->arena);
    if (finding->more) {
        snprintf(token, sizeof token, "%llu", (unsigned long long)finding->last_run);
        answer.next_page_token = token;
    }
    if (rc == SW_OK)
        rc = sw_read_answer(read, &answer.base);
    free_found(finding->head);
    return rc;
}

const struct sw_reading sw_reading_list_runs = {.gather = gather_list,
                                                .recall = recall_list,
                                                .gather_rest = gather_unknown,
                                                .finish = finish_list};

/* ---- GetRun ---------------------------------------------------------------------- */

static enum sw_code gather_run(struct sw_read *read, struct sw_journal_reader *reader)
{
    const Stepwell__V1__GetRunRequest *ask = (const void *)read->ask;
    struct sw_span run_id = sw_span_of_text(ask->run_id);
    struct found *found;
    struct sw_run_row row;
    enum sw_code rc = sw_fields_check_run_id(run_id, true, &read->err);

    if (rc == SW_OK)
        rc = sw_journal_reader_find_run(reader, run_id, read->arena, &row, &read->err);
    if (rc != SW_OK)
        return rc;
    found = calloc(1, sizeof *found);
    if (found == NULL)
        return sw_fail(&read->err, SW_NO_MEMORY, "read run");
    read->found = found;
    return read_history(read, reader, row.run, found);
}

struct open_steps {
    struct sw_read *read;
    const struct found *found;
    bool held;
    Stepwell__V1__Step **steps;
    size_t count;
    size_t room;
};

static enum sw_code add_open_step(void *self, const struct sw_step_view *view, bool *ret_stop,
                                  struct sw_err *err)
{
    struct open_steps *open = self;
    struct sw_server *server = open->read->server;
    const char *journal = sw_journal_state(server->journal)->name;

    (void)ret_stop;
    (void)err;
    if (open->count == open->room) {
        size_t room = open->room == 0 ? 16 : open->room * 2;
        Stepwell__V1__Step **steps = sw_codec_make(open->read->arena, room * sizeof *steps);

        if (open->count != 0)
            memcpy(steps, open->steps, open->count * sizeof *steps);
        open->steps = steps;
        open->room = room;
    }
    open->steps[open->count++] =
        sw_encode_step(view, sw_span_of_text(journal), &open->found->view.head, open->held,
                       sw_loop_now_ms(server), open->read->arena);
    return SW_OK;
}

static enum sw_code finish_run(struct sw_read *read, enum sw_code rc)
{
    struct found *found = read->found;
    Stepwell__V1__GetRunResponse answer = STEPWELL__V1__GET_RUN_RESPONSE__INIT;
    struct open_steps open = {.read = read, .found = found};
    struct sw_step_visitor visitor = {.visit = add_open_step, .self = &open};
    bool end;

    if (rc == SW_OK) {
        sw_history_run(found->history, false, sw_loop_now_ms(read->server), &found->view);
        open.held = sw_service_liveness(read->server->service, found->view.head.run_id).held;
        sw_history_run(found->history, open.held, sw_loop_now_ms(read->server), &found->view);
        rc = sw_history_open_steps(found->history, visitor, &end, &read->err);
    }
    if (rc == SW_OK) {
        answer.run = sw_encode_run(&found->view, read->arena);
        answer.open_steps = open.steps;
        answer.n_open_steps = open.count;
        rc = sw_read_answer(read, &answer.base);
    }
    free_found(found);
    return rc;
}

const struct sw_reading sw_reading_get_run = {.gather = gather_run, .finish = finish_run};
