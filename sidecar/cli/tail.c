/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sidecar/cli/json_views.h"
#include "sidecar/cli/print.h"
#include "sidecar/cli/source.h"
#include "sidecar/cli/views.h"

struct options {
    struct sw_cli_common common;
    bool inputs;
};

static const struct sw_flag flags[] = {
    {"inputs", NULL, SW_FLAG_SWITCH, offsetof(struct options, inputs), 0, 0, NULL, false,
     "With --json: each step's recorded input as well.", NULL},
    SW_CLI_FLAG_JSON(options),
    SW_CLI_FLAGS_SERVER(options),
    SW_CLI_FLAGS_END,
};

static const struct sw_cli_page page = {
    .synopsis = "tail RUN [OPTION]...",
    .description = "Shows what is known of a run's steps, a line each, then each change as it "
                   "happens, until the run ends.",
    .flags = flags,
    .json = "    One object a line, of\n"
            "    {\"run\": ...}        first, and again when the run changed\n"
            "    {\"step\": ...}       a step, or a step that changed\n"
            "    {\"caught_up\": true} what follows happens now\n"
            "    Runs and steps as in stepwell show.\n",
    .examples =
        "    stepwell tail order-17\n"
        "    stepwell tail order-17 --json | jq -c 'select(.step.state == \"FAILED\").step'\n",
};

struct tailing {
    const struct options *options;
    struct sw_arena arena; /* of one line */
    struct sw_arena kept;  /* of `ending` */
    const char *ending;    /* the run had ended before its steps were shown */
    bool coloured;
    bool run_shown;
    bool caught_up;
};

/* Whoever reads may have gone: then there is nobody to tell. */
static enum sw_code end_line(struct tailing *tailing, struct sw_err *err)
{
    (void)fputc('\n', stdout);
    sw_arena_reset(&tailing->arena);
    if (fflush(stdout) != 0)
        return sw_fail(err, SW_CONFIGURATION, "standard output: %s", strerror(errno));
    return SW_OK;
}

static enum sw_code json_line(struct tailing *tailing, const char *key, struct cJSON *object,
                              struct sw_err *err)
{
    (void)printf("{\"%s\": ", key);
    sw_json_print(object, stdout);
    (void)fputc('}', stdout);
    return end_line(tailing, err);
}

/* "2026-11-23 00:06:36  run completed  {...}" */
static const char *ending(struct sw_arena *arena, const struct sw_run_view *run)
{
    const char *outcome = "";

    if (run->failure.type.size != 0)
        outcome = sw_text_failure(arena, &run->failure, 100);
    else if (run->result.present)
        outcome = sw_text_payload(arena, &run->result, 100);
    return sw_text_format(arena, "%s  run %s  %s", sw_text_time(arena, run->head.ended_ms),
                          run->head.state == SW_RUN_COMPLETED ? "completed" : "failed", outcome);
}

static enum sw_code on_run(void *self, const struct sw_run_view *run, struct sw_err *err)
{
    struct tailing *tailing = self;
    struct sw_arena *arena = &tailing->arena;
    bool ended = run->head.state != SW_RUN_RUNNING;

    if (tailing->options->common.json)
        return json_line(tailing, "run", sw_json_run(run, true), err);
    if (ended && tailing->caught_up) {
        (void)fputs(ending(arena, run), stdout);
        return end_line(tailing, err);
    }
    if (ended && tailing->ending == NULL)
        tailing->ending = ending(&tailing->kept, run);
    if (tailing->run_shown)
        return SW_OK;
    tailing->run_shown = true;
    (void)printf("%s  run started    %s", sw_text_time(arena, run->head.started_ms),
                 sw_text_safe(arena, run->head.task, 0));
    return end_line(tailing, err);
}

static enum sw_code on_step(void *self, const struct sw_client_step *shown, struct sw_err *err)
{
    struct tailing *tailing = self;
    struct sw_arena *arena = &tailing->arena;
    const struct sw_step *step = shown->view.step;
    enum sw_colour colour;
    const char *state = sw_text_step_state(step->state, &colour);

    if (tailing->options->common.json)
        return json_line(tailing, "step", sw_json_step(shown), err);
    (void)printf("%s  ",
                 sw_text_time(arena, step->finished_ms != 0 ? step->finished_ms : step->begun_ms));
    sw_print_coloured(stdout, tailing->coloured, colour, state);
    (void)printf("%*s  %s", (int)(10 - sw_text_columns(state)), "",
                 sw_text_safe(arena, step->key, 0));
    if (step->attempt > 1)
        (void)printf("  attempt %" PRIu32, step->attempt);
    (void)printf("  %s", sw_text_step_outcome(arena, shown, 100));
    return end_line(tailing, err);
}

static enum sw_code on_caught_up(void *self, struct sw_err *err)
{
    struct tailing *tailing = self;

    tailing->caught_up = true;
    if (tailing->options->common.json)
        (void)fputs("{\"caught_up\": true}", stdout);
    else if (tailing->ending != NULL)
        (void)fputs(tailing->ending, stdout);
    else
        return SW_OK;
    return end_line(tailing, err);
}

static enum sw_code tail(const struct options *options, const char *run_id, struct sw_err *err)
{
    struct tailing tailing = {.options = options, .coloured = sw_print_is_coloured(stdout)};
    struct sw_client_watcher watcher = {on_run, on_step, on_caught_up, &tailing};
    struct sw_client_watch watch = {
        .run_id = sw_span_of_text(run_id), .follow = true, .include_inputs = options->inputs};
    struct sw_source source;
    enum sw_code rc = sw_source_open(&options->common, &source, err);

    if (rc != SW_OK)
        return rc;
    sw_arena_init(&tailing.arena, 0);
    sw_arena_init(&tailing.kept, 0);
    rc = sw_source_watch_run(&source, &watch, &watcher, err);
    sw_arena_fini(&tailing.arena);
    sw_arena_fini(&tailing.kept);
    sw_source_close(&source);
    return rc;
}

static int run(int argc, char **argv)
{
    struct options options = {.inputs = false};
    struct sw_flags_left left;
    struct sw_err err;
    int code;

    if (!sw_cli_read(&sw_cli_tail, &options, argc, argv, &left, &code))
        return code;
    if (left.count != 1 || left.rest != NULL)
        return sw_cli_usage(&sw_cli_tail, "which run? Give one run id");
    if (tail(&options, left.words[0], &err) != SW_OK)
        return sw_cli_fail(&sw_cli_tail, &err);
    return SW_EXIT_CLI_OK;
}

const struct sw_cli_command sw_cli_tail = {"tail", "watch a run as it goes", &page, run};
