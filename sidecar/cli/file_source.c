/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/file_source.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sidecar/engine/backoff.h"
#include "storage/base/clock.h"

enum { ROWS_MAX = 128, LINES_MAX = 256, SUMMARY_MAX = 256 };

static enum sw_code check_readable(const char *path, struct sw_err *err)
{
    char file[PATH_MAX];
    struct stat status;
    enum sw_code rc;
    int failed;

    (void)snprintf(file, sizeof(file), "%s%s", path,
                   stat(path, &status) == 0 && S_ISDIR(status.st_mode) ? "/journal.db" : "");
    if (access(file, R_OK) == 0)
        return SW_OK;
    failed = errno;
    rc = sw_fail(err, SW_CONFIGURATION, "%s: %s", file, strerror(failed));
    err->os_errno = failed;
    return rc;
}

enum sw_code sw_file_open(const char *path, struct sw_journal_reader **ret_reader,
                          struct sw_journal_state *ret_state, struct sw_err *err)
{
    enum sw_code rc = check_readable(path, err);

    if (rc != SW_OK)
        return rc;
    rc = sw_journal_reader_open(path, NULL, ret_reader, err);
    if (rc != SW_OK) {
        err->os_errno = 0; /* or it would read as a server that is away */
        return rc;
    }
    rc = sw_journal_reader_state(*ret_reader, ret_state, err);
    if (rc != SW_OK) {
        sw_journal_reader_close(*ret_reader);
        *ret_reader = NULL;
    }
    return rc;
}

static struct sw_span keep(struct sw_arena *arena, struct sw_span span)
{
    struct sw_span copy;

    if (!sw_arena_copy(arena, span, &copy))
        abort();
    return copy;
}

static enum sw_code skip_step(void *self, const struct sw_step_view *view, bool *ret_stop,
                              struct sw_err *err)
{
    (void)self;
    (void)view;
    (void)ret_stop;
    (void)err;
    return SW_OK;
}

/* ---- ListRuns ------------------------------------------------------------- */

/* Rows of the index, copied: their visitor may not read further. */
struct rows {
    struct sw_arena arena;
    struct sw_run_row list[ROWS_MAX];
    unsigned count;
};

static enum sw_code add_row(void *self, const struct sw_run_row *row, bool *ret_stop,
                            struct sw_err *err)
{
    struct rows *rows = self;
    struct sw_run_row *copy = &rows->list[rows->count++];

    (void)err;
    *copy = *row;
    copy->run_id = keep(&rows->arena, row->run_id);
    copy->task = keep(&rows->arena, row->task);
    *ret_stop = rows->count == ROWS_MAX;
    return SW_OK;
}

static bool has_labels(const struct sw_run_view *view, const struct sw_client_runs *filter)
{
    for (uint32_t i = 0; i < filter->labels_count; i++) {
        bool found = false;

        for (uint32_t j = 0; j < view->labels_count && !found; j++)
            found = sw_span_equal(view->labels[j].key, filter->labels[i].key) &&
                    sw_span_equal(view->labels[j].value, filter->labels[i].value);
        if (!found)
            return false;
    }
    return true;
}

/* The run as a list shows it: of an ended run only its beginning is read. */
static enum sw_code view_row(struct sw_journal_reader *reader, const struct sw_run_row *row,
                             struct sw_history *history, struct sw_run_view *ret_view,
                             struct sw_err *err)
{
    struct sw_step_visitor skip = {.visit = skip_step};
    uint64_t up_to = row->state == SW_RUN_RUNNING ? 0 : row->run;
    enum sw_code rc = SW_OK;
    bool end;

    *ret_view = (struct sw_run_view){.held = false};
    if (!row->purged) {
        rc = sw_history_read(history, reader, up_to, true, skip, &end, err);
        if (rc != SW_OK)
            return rc;
        sw_history_run(history, false, sw_clock_now_ms(&sw_clock_system), ret_view);
    }
    ret_view->head = (struct sw_run_head){
        .run = row->run,
        .state = row->state,
        .run_id = row->run_id,
        .task = row->task,
        .started_ms = row->started_ms,
        .ended_ms = row->ended_ms,
        .last_lsn = row->end_lsn,
        .steps = row->steps,
    };
    return SW_OK;
}

static enum sw_code show_row(struct sw_journal_reader *reader, const struct sw_run_row *row,
                             const struct sw_client_runs *filter,
                             struct sw_run_view_visitor visitor, bool *ret_stop, struct sw_err *err)
{
    struct sw_history *history = NULL;
    struct sw_run_view view;
    enum sw_code rc;

    if (filter->in_doubt && row->state != SW_RUN_RUNNING)
        return SW_OK;
    rc = sw_history_new(row->run, false, &history, err);
    if (rc == SW_OK)
        rc = view_row(reader, row, history, &view, err);
    if (rc == SW_OK && has_labels(&view, filter) && (!filter->in_doubt || view.steps_in_doubt > 0))
        rc = visitor.visit(visitor.self, &view, ret_stop, err);
    sw_history_free(history);
    return rc;
}

enum sw_code sw_file_list_runs(struct sw_journal_reader *reader,
                               const struct sw_client_runs *filter,
                               struct sw_run_view_visitor visitor, struct sw_err *err)
{
    struct sw_run_filter range = {.task = filter->task, .state = filter->state};
    struct rows *rows = calloc(1, sizeof(*rows));
    enum sw_code rc = SW_OK;
    bool stop = false;

    if (rows == NULL)
        return sw_fail(err, SW_NO_MEMORY, "out of memory");
    sw_arena_init(&rows->arena, 0);
    do {
        struct sw_run_visitor collect = {.visit = add_row, .self = rows};

        rows->count = 0;
        sw_arena_reset(&rows->arena);
        rc = sw_journal_reader_list_runs(reader, &range, collect, err);
        for (unsigned i = 0; i < rows->count && rc == SW_OK && !stop; i++) {
            rc = show_row(reader, &rows->list[i], filter, visitor, &stop, err);
            range.before_run = rows->list[i].run;
        }
    } while (rc == SW_OK && !stop && rows->count == ROWS_MAX);
    sw_arena_fini(&rows->arena);
    free(rows);
    return rc;
}

/* ---- WatchRun ------------------------------------------------------------- */

struct showing {
    const struct sw_client_watcher *watcher;
    struct sw_span journal;
    struct sw_span run_id;
    uint64_t lease;
    uint64_t now_ms;
};

/* Shows the step as a server would, with nobody holding the run. */
static enum sw_code show_step(void *self, const struct sw_step_view *view, bool *ret_stop,
                              struct sw_err *err)
{
    const struct showing *showing = self;
    struct sw_client_step shown = {.view = *view, .step = *view->step};
    char key[SW_UUID_TEXT_SIZE];

    (void)ret_stop;
    shown.view.step = &shown.step;
    if (sw_step_doubt(view->step, showing->lease, false, showing->now_ms) != SW_DOUBT_NOT)
        shown.step.state = SW_STEP_DOUBTED;
    sw_idempotency_key(showing->journal, showing->run_id, view->step->key, key);
    shown.idempotency_key = sw_span_of_text(key);
    return showing->watcher->on_step(showing->watcher->self, &shown, err);
}

/* Reads all of the run; steps go to the visitor, the run is in *ret_view. */
static enum sw_code read_run(struct sw_journal_reader *reader, struct sw_history *history,
                             uint64_t up_to_lsn, struct sw_step_visitor visitor, uint64_t now_ms,
                             struct sw_run_view *ret_view, struct sw_err *err)
{
    bool end;
    enum sw_code rc = sw_history_read(history, reader, up_to_lsn, true, visitor, &end, err);

    if (rc == SW_OK)
        sw_history_run(history, false, now_ms, ret_view);
    return rc;
}

static enum sw_code watch(struct sw_journal_reader *reader, uint64_t run,
                          const struct sw_client_watch *watch, struct showing *showing,
                          struct sw_err *err)
{
    struct sw_step_visitor skip = {.visit = skip_step};
    struct sw_step_visitor show = {.visit = show_step, .self = showing};
    struct sw_history *first = NULL;  /* for the run as it ended up, which is shown first */
    struct sw_history *second = NULL; /* for the steps */
    struct sw_run_view view;
    uint64_t last_lsn;
    enum sw_code rc;
    bool end;

    rc = sw_history_new(run, false, &first, err);
    if (rc == SW_OK)
        rc = read_run(reader, first, 0, skip, showing->now_ms, &view, err);
    if (rc != SW_OK)
        goto out;
    showing->lease = view.head.lease;
    last_lsn = view.head.last_lsn;
    rc = showing->watcher->on_run(showing->watcher->self, &view, err);
    if (rc == SW_OK)
        rc = sw_history_new(run, watch->include_inputs, &second, err);
    if (rc == SW_OK)
        rc = read_run(reader, second, last_lsn, show, showing->now_ms, &view, err);
    if (rc == SW_OK)
        rc = sw_history_open_steps(second, show, &end, err);
    if (rc == SW_OK)
        rc = showing->watcher->on_caught_up(showing->watcher->self, err);
out:
    sw_history_free(first);
    sw_history_free(second);
    return rc;
}

enum sw_code sw_file_watch_run(struct sw_journal_reader *reader, struct sw_span journal,
                               const struct sw_client_watch *ask,
                               const struct sw_client_watcher *watcher, struct sw_err *err)
{
    struct showing showing = {
        .watcher = watcher,
        .journal = journal,
        .run_id = ask->run_id,
        .now_ms = sw_clock_now_ms(&sw_clock_system),
    };
    struct sw_arena arena;
    struct sw_run_row row;
    enum sw_code rc;

    sw_arena_init(&arena, 0);
    rc = sw_journal_reader_find_run(reader, ask->run_id, &arena, &row, err);
    if (rc == SW_OK && row.purged)
        rc = sw_fail(err, SW_RUN_NOT_FOUND, "run %.*s: its records were removed by retention",
                     SW_SPAN_ARG(ask->run_id));
    if (rc == SW_OK)
        rc = watch(reader, row.run, ask, &showing, err);
    sw_arena_fini(&arena);
    return rc;
}

/* ---- ReadJournal ---------------------------------------------------------- */

struct lines {
    struct sw_arena arena;
    struct sw_record_line list[LINES_MAX];
    uint64_t runs[LINES_MAX];
    unsigned count;
    unsigned count_max;
};

static enum sw_code add_line(void *self, struct sw_record *record, bool *ret_stop,
                             struct sw_err *err)
{
    struct lines *lines = self;
    char summary[SUMMARY_MAX];

    (void)err;
    sw_record_summary(record, summary, sizeof(summary));
    lines->runs[lines->count] = record->run;
    lines->list[lines->count++] = (struct sw_record_line){
        .lsn = record->lsn,
        .type = record->type,
        .at_ms = record->at_ms,
        .key = keep(&lines->arena, record->key),
        .attempt = record->attempt,
        .lease = record->lease,
        .payload_bytes = record->purged ? 0 : sw_record_payload_bytes(record),
        .chain = keep(&lines->arena, sw_span_of(record->chain.bytes, SW_DIGEST_SIZE)),
        .summary = keep(&lines->arena, sw_span_of_text(summary)),
        .purged = record->purged,
    };
    *ret_stop = lines->count == lines->count_max;
    return SW_OK;
}

struct naming {
    struct sw_arena *arena;
    struct sw_span run_id;
};

static enum sw_code see_start(void *self, struct sw_record *record, bool *ret_stop,
                              struct sw_err *err)
{
    struct naming *naming = self;

    (void)err;
    *ret_stop = true;
    if (record->type == SW_RECORD_RUN_STARTED && !record->purged)
        naming->run_id = keep(naming->arena, record->u.run_started.run_id);
    return SW_OK;
}

/* Fills in the run ids: records know their run only by the lsn of its first record. */
static enum sw_code name_runs(struct sw_journal_reader *reader, struct lines *lines,
                              struct sw_err *err)
{
    for (unsigned i = 0; i < lines->count; i++) {
        struct naming naming = {.arena = &lines->arena};
        struct sw_record_visitor visitor = {.visit = see_start, .self = &naming};
        uint64_t run = lines->runs[i];
        unsigned known = 0;
        enum sw_code rc;

        if (run == 0)
            continue;
        while (known < i && lines->runs[known] != run)
            known++;
        if (known < i) {
            lines->list[i].run_id = lines->list[known].run_id;
            continue;
        }
        rc = sw_journal_reader_scan_run(reader, run, run, run, SW_PAYLOADS_NONE, visitor, err);
        if (rc != SW_OK)
            return rc;
        lines->list[i].run_id = naming.run_id;
    }
    return SW_OK;
}

static enum sw_code read_lines(struct sw_journal_reader *reader, uint64_t run, uint64_t first_lsn,
                               struct lines *lines, struct sw_err *err)
{
    struct sw_record_visitor visitor = {.visit = add_line, .self = lines};
    enum sw_code rc;

    lines->count = 0;
    sw_arena_reset(&lines->arena);
    if (run != 0)
        rc = sw_journal_reader_scan_run(reader, run, first_lsn, 0, SW_PAYLOADS_NONE, visitor, err);
    else
        rc = sw_journal_reader_scan(reader, first_lsn, lines->count_max, SW_PAYLOADS_NONE, visitor,
                                    err);
    if (rc == SW_OK)
        rc = name_runs(reader, lines, err);
    return rc;
}

static enum sw_code show_lines(struct sw_journal_reader *reader, uint64_t run,
                               const struct sw_client_journal *range,
                               struct sw_record_line_visitor visitor, struct lines *lines,
                               struct sw_err *err)
{
    uint64_t next_lsn = range->from_lsn != 0 ? range->from_lsn : 1;
    uint64_t left = range->limit != 0 ? range->limit : UINT64_MAX;
    enum sw_code rc = SW_OK;

    do {
        lines->count_max = left < LINES_MAX ? (unsigned)left : LINES_MAX;
        rc = read_lines(reader, run, next_lsn, lines, err);
        for (unsigned i = 0; i < lines->count && rc == SW_OK; i++) {
            rc = visitor.visit(visitor.self, &lines->list[i], err);
            next_lsn = lines->list[i].lsn + 1;
        }
        left -= lines->count;
    } while (rc == SW_OK && left > 0 && lines->count == lines->count_max);
    return rc;
}

enum sw_code sw_file_read_journal(struct sw_journal_reader *reader,
                                  const struct sw_client_journal *range,
                                  struct sw_record_line_visitor visitor, struct sw_err *err)
{
    struct lines *lines = calloc(1, sizeof(*lines));
    struct sw_run_row row = {.run = 0};
    enum sw_code rc = SW_OK;

    if (lines == NULL)
        return sw_fail(err, SW_NO_MEMORY, "out of memory");
    sw_arena_init(&lines->arena, 0);
    if (range->run_id.size != 0)
        rc = sw_journal_reader_find_run(reader, range->run_id, &lines->arena, &row, err);
    if (rc == SW_OK)
        rc = show_lines(reader, row.run, range, visitor, lines, err);
    sw_arena_fini(&lines->arena);
    free(lines);
    return rc;
}
