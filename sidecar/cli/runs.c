/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sidecar/cli/json_views.h"
#include "sidecar/cli/print.h"
#include "sidecar/cli/source.h"
#include "sidecar/cli/views.h"
#include "storage/base/clock.h"

struct options {
    struct sw_cli_common common;
    const char *task;
    uint32_t limit;
    struct sw_label labels[SW_LABELS_MAX];
    struct sw_client_runs filter;
};

static enum sw_code set_state(void *target, const char *text, struct sw_err *err)
{
    static const struct {
        const char *name;
        enum sw_run_state state;
    } states[] = {
        {"running", SW_RUN_RUNNING}, {"completed", SW_RUN_COMPLETED}, {"failed", SW_RUN_FAILED}};
    struct options *options = target;

    for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(text, states[i].name) == 0) {
            options->filter.state = states[i].state;
            return SW_OK;
        }
    }
    return sw_fail(err, SW_CONFIGURATION, "\"%s\" is none of running, completed, failed", text);
}

static enum sw_code set_label(void *target, const char *text, struct sw_err *err)
{
    struct options *options = target;
    const char *equals = strchr(text, '=');

    if (equals == NULL || equals == text)
        return sw_fail(err, SW_CONFIGURATION, "\"%s\" is not KEY=VALUE", text);
    if (options->filter.labels_count == SW_LABELS_MAX)
        return sw_fail(err, SW_CONFIGURATION, "more than %d", SW_LABELS_MAX);
    options->labels[options->filter.labels_count++] = (struct sw_label){
        .key = sw_span_of(text, (size_t)(equals - text)), .value = sw_span_of_text(equals + 1)};
    return SW_OK;
}

static const struct sw_flag flags[] = {
    {"task", "TASK", SW_FLAG_TEXT, offsetof(struct options, task), 0, 0, NULL, false,
     "Only runs of this task.", NULL},
    {"state", "STATE", SW_FLAG_CUSTOM, 0, 0, 0, NULL, false,
     "Only running, completed or failed runs.", set_state},
    {"label", "KEY=VALUE", SW_FLAG_CUSTOM, 0, 0, 0, NULL, false,
     "Only runs with this label; repeated: with all of them.", set_label},
    {"in-doubt", NULL, SW_FLAG_SWITCH, offsetof(struct options, filter.in_doubt), 0, 0, NULL, false,
     "Only runs with a step in doubt: those that may wait for a decision.", NULL},
    {"limit", "N", SW_FLAG_UNSIGNED, offsetof(struct options, limit), 0, 0, "100", false,
     "Show at most so many; 0 = all.", NULL},
    SW_CLI_FLAG_JSON(options),
    SW_CLI_FLAG_FILE(options),
    SW_CLI_FLAGS_FROM_STORE(options),
    SW_CLI_FLAGS_SERVER(options),
    SW_CLI_FLAGS_END,
};

static const struct sw_cli_page page = {
    .synopsis =
        "runs [--task TASK] [--state STATE] [--label KEY=VALUE]... [--in-doubt] [OPTION]...",
    .description =
        "Lists runs, newest first. HELD says whether somebody is known to hold the run's lease; "
        "a run that nobody holds waits for its agent to come back. DOUBT counts the steps of "
        "which nobody knows whether they happened: see stepwell show and stepwell resolve.\n\n"
        "With --file or --store nothing counts as held.",
    .flags = flags,
    .json =
        "    {\"runs\": [\n"
        "      {\"run_id\", \"task\", \"state\": \"RUNNING\"|\"COMPLETED\"|\"FAILED\", \"held\",\n"
        "       \"labels\": {}, \"code_version\", \"started\", \"ended\", \"first_lsn\",\n"
        "       \"last_lsn\", \"steps\", \"steps_in_doubt\"}]}\n"
        "    One run a line. Times are ISO 8601 in UTC. null: not known, or not yet; last_lsn\n"
        "    and steps are null while a run is running.\n",
    .examples = "    stepwell runs --state running --label team=billing\n"
                "    stepwell runs --in-doubt --json | jq -r '.runs[].run_id'\n"
                "    stepwell runs --file /var/lib/stepwell\n"
                "    stepwell runs --store s3://bucket/agents --journal agent-17\n",
};

struct listing {
    const struct options *options;
    struct sw_arena arena;
    struct sw_table table;
    uint64_t now_ms;
    uint32_t shown;
    uint32_t in_doubt;
};

static void add_to_table(struct listing *listing, const struct sw_run_view *run)
{
    struct sw_arena *arena = &listing->arena;
    const struct sw_run_head *head = &run->head;
    uint64_t until_ms = head->ended_ms != 0 ? head->ended_ms : listing->now_ms;
    bool running = head->state == SW_RUN_RUNNING;
    enum sw_colour colours[SW_TABLE_COLUMNS_MAX] = {[5] = SW_ALARM};
    const char *cells[] = {
        sw_text_safe(arena, head->run_id, 48),
        sw_text_safe(arena, head->task, 24),
        sw_text_run_state(head->state, &colours[2]),
        !running    ? "-"
        : run->held ? "yes"
                    : "no",
        running ? "-" : sw_text_format(arena, "%" PRIu64, head->steps),
        run->steps_in_doubt == 0 ? "-"
                                 : sw_text_format(arena, "%" PRIu64 " !", run->steps_in_doubt),
        sw_text_time(arena, head->started_ms),
        sw_text_duration(arena, until_ms > head->started_ms ? until_ms - head->started_ms : 0),
    };

    if (run->steps_in_doubt == 0)
        colours[5] = SW_PLAIN;
    sw_table_add(&listing->table, cells, colours);
}

static enum sw_code on_run(void *self, const struct sw_run_view *run, bool *ret_stop,
                           struct sw_err *err)
{
    struct listing *listing = self;

    (void)err;
    if (listing->options->common.json) {
        (void)fputs(listing->shown == 0 ? "{\"runs\": [\n  " : ",\n  ", stdout);
        sw_json_print(sw_json_run(run, false), stdout);
    } else {
        add_to_table(listing, run);
    }
    listing->shown++;
    listing->in_doubt += run->steps_in_doubt > 0;
    *ret_stop = listing->options->limit != 0 && listing->shown == listing->options->limit;
    return SW_OK;
}

static void print_table(const struct listing *listing)
{
    if (listing->shown == 0) {
        (void)printf("no runs\n");
        return;
    }
    sw_table_print(&listing->table, stdout, sw_print_is_coloured(stdout));
    if (listing->in_doubt != 0)
        (void)printf("\n%" PRIu32 " with steps in doubt: stepwell show RUN\n", listing->in_doubt);
    if (listing->shown == listing->options->limit)
        (void)printf("\nno more than --limit %" PRIu32 " are shown\n", listing->options->limit);
}

static enum sw_code list(const struct options *options, struct sw_err *err)
{
    static const char *const headings[] = {"RUN",   "TASK",    "STATE",   "HELD", ">STEPS",
                                           "DOUBT", "STARTED", ">LASTED", NULL};
    struct listing listing = {.options = options, .now_ms = sw_clock_now_ms(&sw_clock_system)};
    struct sw_run_view_visitor visitor = {.visit = on_run, .self = &listing};
    struct sw_source source;
    enum sw_code rc = sw_source_open(&options->common, &source, err);

    if (rc != SW_OK)
        return rc;
    sw_arena_init(&listing.arena, 0);
    sw_table_init(&listing.table, &listing.arena, headings);
    rc = sw_source_list_runs(&source, &options->filter, visitor, err);
    if (rc == SW_OK && options->common.json)
        (void)fputs(listing.shown == 0 ? "{\"runs\": []}\n" : "\n]}\n", stdout);
    else if (rc == SW_OK)
        print_table(&listing);
    sw_arena_fini(&listing.arena);
    sw_source_close(&source);
    return rc;
}

static int run(int argc, char **argv)
{
    struct options options = {.limit = 0};
    struct sw_flags_left left;
    struct sw_err err;
    int code;

    if (!sw_cli_read(&sw_cli_runs, &options, argc, argv, &left, &code))
        return code;
    if (left.count > 0 || left.rest != NULL)
        return sw_cli_usage(&sw_cli_runs, "takes options only; to look at one run: stepwell show");
    if (options.task != NULL)
        options.filter.task = sw_span_of_text(options.task);
    options.filter.labels = options.labels;
    if (list(&options, &err) != SW_OK)
        return sw_cli_fail(&sw_cli_runs, &err);
    return SW_EXIT_CLI_OK;
}

const struct sw_cli_command sw_cli_runs = {"runs", "list runs", &page, run};
