/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/views.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sidecar/cli/json_views.h"
#include "storage/base/clock.h"

enum { LINE_COLUMNS = 100, CELL_COLUMNS = 48 };

/* ---- the run -------------------------------------------------------------- */

struct lines {
    struct sw_arena arena;
    FILE *out;
    bool coloured;
};

static void line(struct lines *lines, const char *name, const char *text)
{
    sw_print_coloured(lines->out, lines->coloured, SW_BOLD, name);
    (void)fprintf(lines->out, "%*s%s\n", (int)(11 - sw_text_columns(name)), "", text);
}

const char *sw_text_run_state(enum sw_run_state state, enum sw_colour *ret_colour)
{
    switch (state) {
    case SW_RUN_RUNNING:
        *ret_colour = SW_PLAIN;
        return "running";
    case SW_RUN_COMPLETED:
        *ret_colour = SW_GREEN;
        return "completed";
    case SW_RUN_FAILED:
        *ret_colour = SW_RED;
        return "failed";
    }
    *ret_colour = SW_PLAIN;
    return "unknown";
}

static const char *run_state(struct lines *lines, const struct sw_run_view *run)
{
    enum sw_colour colour;
    const char *name = sw_text_run_state(run->head.state, &colour);

    if (run->head.state != SW_RUN_RUNNING)
        return name;
    if (run->head.lease == 0)
        return sw_text_format(&lines->arena, "%s, never taken up", name);
    return sw_text_format(&lines->arena, "%s, %s %s (lease %" PRIu64 ")", name,
                          run->held ? "held by" : "last held by",
                          run->head.holder.size != 0
                              ? sw_text_safe(&lines->arena, run->head.holder, 64)
                              : "somebody unnamed",
                          run->head.lease);
}

static const char *join_labels(struct lines *lines, const struct sw_run_view *run)
{
    const char *all = "";

    for (uint32_t i = 0; i < run->labels_count; i++)
        all = sw_text_format(&lines->arena, "%s%s%s=%s", all, i == 0 ? "" : ", ",
                             sw_text_safe(&lines->arena, run->labels[i].key, 64),
                             sw_text_safe(&lines->arena, run->labels[i].value, 64));
    return all;
}

static const char *times(struct lines *lines, const struct sw_run_head *head)
{
    uint64_t now_ms = sw_clock_now_ms(&sw_clock_system);
    uint64_t until_ms = head->ended_ms != 0 ? head->ended_ms : now_ms;
    uint64_t lasted_ms = until_ms > head->started_ms ? until_ms - head->started_ms : 0;

    return sw_text_format(
        &lines->arena, "%s  (%s %s)", sw_text_time(&lines->arena, head->started_ms),
        head->ended_ms != 0 ? "lasted" : "for", sw_text_duration(&lines->arena, lasted_ms));
}

static void print_ending(struct lines *lines, const struct sw_run_view *run)
{
    if (run->head.ended_ms != 0)
        line(lines, "ended", sw_text_time(&lines->arena, run->head.ended_ms));
    if (run->result.present)
        line(lines, "result", sw_text_payload(&lines->arena, &run->result, LINE_COLUMNS));
    if (run->failure.type.size != 0)
        line(lines, "failure", sw_text_failure(&lines->arena, &run->failure, LINE_COLUMNS));
    for (uint32_t i = 0; i < run->unvisited_count; i++)
        line(lines, i == 0 ? "unvisited" : "",
             sw_text_safe(&lines->arena, run->unvisited[i], LINE_COLUMNS));
}

void sw_print_run(const struct sw_run_view *run, FILE *out, bool coloured)
{
    struct lines lines = {.out = out, .coloured = coloured};
    const struct sw_run_head *head = &run->head;
    const char *usage;

    sw_arena_init(&lines.arena, 0);
    usage = sw_text_usage(&lines.arena, &head->usage);
    line(&lines, "run", sw_text_safe(&lines.arena, head->run_id, 0));
    line(&lines, "task", sw_text_safe(&lines.arena, head->task, 0));
    line(&lines, "state", run_state(&lines, run));
    line(&lines, "started", times(&lines, head));
    if (run->labels_count != 0)
        line(&lines, "labels", join_labels(&lines, run));
    if (run->code_version.size != 0)
        line(&lines, "version", sw_text_safe(&lines.arena, run->code_version, 0));
    if (run->input.present)
        line(&lines, "input", sw_text_payload(&lines.arena, &run->input, LINE_COLUMNS));
    line(&lines, "steps",
         run->steps_in_doubt == 0
             ? sw_text_format(&lines.arena, "%" PRIu64, head->steps)
             : sw_text_format(&lines.arena, "%" PRIu64 ", %" PRIu64 " IN DOUBT !", head->steps,
                              run->steps_in_doubt));
    if (usage[0] != '\0')
        line(&lines, "usage", usage);
    print_ending(&lines, run);
    sw_arena_fini(&lines.arena);
}

/* ---- steps ---------------------------------------------------------------- */

const char *sw_text_step_state(enum sw_step_state state, enum sw_colour *ret_colour)
{
    switch (state) {
    case SW_STEP_OPEN:
        *ret_colour = SW_BOLD;
        return "open";
    case SW_STEP_DOUBTED:
        *ret_colour = SW_ALARM;
        return "IN DOUBT !";
    case SW_STEP_RETRYING:
        *ret_colour = SW_YELLOW;
        return "retrying";
    case SW_STEP_COMPLETED:
        *ret_colour = SW_GREEN;
        return "completed";
    case SW_STEP_FAILED:
        *ret_colour = SW_RED;
        return "failed";
    case SW_STEP_ABSENT:
    case SW_STEP_STATE_COUNT:
        break;
    }
    *ret_colour = SW_PLAIN;
    return "unknown";
}

char *sw_text_step_outcome(struct sw_arena *arena, const struct sw_client_step *shown,
                           size_t columns)
{
    const struct sw_step_view *view = &shown->view;

    if (view->output.present)
        return sw_text_payload(arena, &view->output, columns);
    if (view->failure.type.size != 0 && view->step->not_before_ms != 0)
        return sw_text_format(arena, "%s; again at %s",
                              sw_text_failure(arena, &view->failure, columns),
                              sw_text_time(arena, view->step->not_before_ms));
    if (view->failure.type.size != 0)
        return sw_text_failure(arena, &view->failure, columns);
    if (view->progress.present)
        return sw_text_format(arena, "progress %s",
                              sw_text_payload(arena, &view->progress, columns));
    return sw_text_format(arena, "-");
}

void sw_table_init_steps(struct sw_table *table, struct sw_arena *arena, bool with_inputs)
{
    static const char *const with[] = {"STEP", "NAME",      "KIND",  "EFFECT",  "STATE",
                                       ">TRY", ">DURATION", "INPUT", "OUTCOME", NULL};
    static const char *const without[] = {"STEP", "NAME",      "KIND",    "EFFECT", "STATE",
                                          ">TRY", ">DURATION", "OUTCOME", NULL};

    sw_table_init(table, arena, with_inputs ? with : without);
}

void sw_table_add_step(struct sw_table *table, const struct sw_client_step *shown)
{
    struct sw_arena *arena = table->arena;
    const struct sw_step *step = shown->view.step;
    enum sw_colour colours[SW_TABLE_COLUMNS_MAX] = {SW_PLAIN};
    const char *cells[SW_TABLE_COLUMNS_MAX];
    bool timed = step->finished_ms >= step->begun_ms && step->begun_ms != 0;
    unsigned count = 0;

    cells[count++] = sw_text_safe(arena, step->key, CELL_COLUMNS);
    cells[count++] = step->name.size == 0 ? "-" : sw_text_safe(arena, step->name, 32);
    cells[count++] = sw_name_kind(step->kind);
    cells[count++] = sw_name_effect(step->effect);
    cells[count] = sw_text_step_state(step->state, &colours[count]);
    count++;
    cells[count++] = sw_text_format(arena, "%" PRIu32, step->attempt);
    cells[count++] = timed ? sw_text_duration(arena, step->finished_ms - step->begun_ms) : "-";
    if (table->columns == 9)
        cells[count++] = shown->view.input.present
                             ? sw_text_payload(arena, &shown->view.input, CELL_COLUMNS)
                             : "-";
    cells[count++] = sw_text_step_outcome(arena, shown, CELL_COLUMNS);
    sw_table_add(table, cells, colours);
}

/* ---- doubts --------------------------------------------------------------- */

struct sw_doubt_row {
    struct sw_doubt_row *next;
    const char *key; /* quoted for a shell */
    const char *text;
};

static void *make(struct sw_arena *arena, size_t size)
{
    void *bytes = sw_arena_zalloc(arena, size);

    if (bytes == NULL)
        abort();
    return bytes;
}

char *sw_text_shell(struct sw_arena *arena, struct sw_span word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./:@%+,=";
    const char *safe = sw_text_safe(arena, word, 0);
    size_t size = strlen(safe);
    char *quoted = make(arena, 4 * size + 3);
    char *at = quoted;

    if (size > 0 && strspn(safe, plain) == size && safe[0] != '-')
        return sw_text_format(arena, "%s", safe);
    *at++ = '\'';
    for (; *safe != '\0'; safe++) {
        if (*safe == '\'') {
            memcpy(at, "'\\'", 3);
            at += 3;
        }
        *at++ = *safe;
    }
    *at = '\'';
    return quoted;
}

void sw_doubts_init(struct sw_doubts *doubts, struct sw_arena *arena, struct sw_span run_id)
{
    *doubts = (struct sw_doubts){.arena = arena, .run_id = sw_text_shell(arena, run_id)};
    doubts->tail = &doubts->head;
}

void sw_doubts_add(struct sw_doubts *doubts, const struct sw_client_step *shown)
{
    const struct sw_step *step = shown->view.step;
    struct sw_arena *arena = doubts->arena;
    struct sw_doubt_row *row;
    const char *text;

    if (step->state != SW_STEP_DOUBTED)
        return;
    text = sw_text_format(arena, "attempt %" PRIu32 ", begun %s\n    idempotency key  %s\n",
                          step->attempt, sw_text_time(arena, step->begun_ms),
                          sw_text_safe(arena, shown->idempotency_key, 0));
    for (const struct sw_external_ref *ref = step->refs; ref != NULL; ref = ref->next)
        text = sw_text_format(arena, "%s    noted            %s\n", text,
                              sw_text_safe(arena, ref->text, 0));
    if (shown->view.progress.present)
        text = sw_text_format(arena, "%s    progress         %s\n", text,
                              sw_text_payload(arena, &shown->view.progress, LINE_COLUMNS));
    if (shown->view.failure.type.size != 0)
        text = sw_text_format(arena, "%s    reported         %s\n", text,
                              sw_text_failure(arena, &shown->view.failure, LINE_COLUMNS));
    row = make(arena, sizeof(*row));
    row->key = sw_text_shell(arena, step->key);
    row->text = text;
    *doubts->tail = row;
    doubts->tail = &row->next;
}

void sw_doubts_print(const struct sw_doubts *doubts, FILE *out, bool coloured)
{
    if (doubts->head == NULL)
        return;
    (void)fputc('\n', out);
    sw_print_coloured(out, coloured, SW_ALARM, "IN DOUBT !");
    (void)fprintf(out, "  Nobody knows whether these happened. Ask the provider, then resolve.\n");
    for (const struct sw_doubt_row *row = doubts->head; row != NULL; row = row->next)
        (void)fprintf(out,
                      "\n  %s: %s    it happened      stepwell resolve %s %s --happened JSON --by "
                      "NAME\n    it did not       stepwell resolve %s %s --did-not-happen --by "
                      "NAME\n    nobody can tell  stepwell resolve %s %s --give-up MESSAGE --by "
                      "NAME\n",
                      row->key, row->text, doubts->run_id, row->key, doubts->run_id, row->key,
                      doubts->run_id, row->key);
}
