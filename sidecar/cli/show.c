/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

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
     "Also show each step's recorded input.", NULL},
    SW_CLI_FLAG_JSON(options),
    SW_CLI_FLAG_FILE(options),
    SW_CLI_FLAGS_FROM_STORE(options),
    SW_CLI_FLAGS_SERVER(options),
    SW_CLI_FLAGS_END,
};

static const struct sw_cli_page page = {
    .synopsis = "show RUN [--inputs] [OPTION]...",
    .description =
        "Shows a run and its steps: the finished ones in the order they finished, then the open "
        "ones. Steps in doubt, of which nobody knows whether they happened, are marked with an "
        "exclamation mark and explained below the table, with what is needed to ask the provider "
        "and the command that ends the doubt.\n\n"
        "People see the beginning of each payload; --json holds all of it.",
    .flags = flags,
    .json = "    {\"run\": {as in stepwell runs, and \"on_divergence\", \"lease\", \"holder\", "
            "\"input\",\n"
            "             \"result\", \"failure\", \"usage\", \"unvisited_keys\": []},\n"
            "     \"steps\": [\n"
            "      {\"key\", \"name\", \"kind\", \"effect\", \"state\": "
            "\"OPEN\"|\"IN_DOUBT\"|\"RETRYING\"|\n"
            "       \"COMPLETED\"|\"FAILED\", \"attempt\", \"idempotency_key\", \"input_digest\", "
            "\"input\",\n"
            "       \"output\", \"failure\", \"usage\", \"external_refs\": [], \"progress\", "
            "\"begun\",\n"
            "       \"finished\", \"not_before\", \"lsn\", \"resolved_by\"}]}\n"
            "    A payload is {\"content_type\", \"size\", \"text\"}, with \"base64\" in place of "
            "\"text\"\n"
            "    when it is not UTF-8. A failure is {\"type\", \"message\", \"non_retryable\",\n"
            "    \"details\"}. One step a line; null: does not apply.\n",
    .examples = "    stepwell show order-17\n"
                "    stepwell show order-17 --json | jq '.steps[].output.text | fromjson'\n"
                "    stepwell show order-17 --inputs --file /var/lib/stepwell\n",
};

struct showing {
    const struct options *options;
    struct sw_arena arena;
    struct sw_table table;
    struct sw_doubts doubts;
    bool coloured;
    bool run_shown;
};

static enum sw_code on_run(void *self, const struct sw_run_view *run, struct sw_err *err)
{
    struct showing *showing = self;
    struct sw_span run_id = run->head.run_id;

    (void)err;
    if (showing->run_shown)
        return SW_OK;
    showing->run_shown = true;
    if (showing->options->common.json) {
        (void)fputs("{\"run\": ", stdout);
        sw_json_print(sw_json_run(run, true), stdout);
        (void)fputs(",\n \"steps\": [", stdout);
        return SW_OK;
    }
    sw_print_run(run, stdout, showing->coloured);
    sw_doubts_init(&showing->doubts, &showing->arena, run_id);
    return SW_OK;
}

static enum sw_code on_step(void *self, const struct sw_client_step *step, struct sw_err *err)
{
    struct showing *showing = self;

    (void)err;
    if (showing->options->common.json) {
        (void)fputs(showing->table.rows++ == 0 ? "\n  " : ",\n  ", stdout);
        sw_json_print(sw_json_step(step), stdout);
        return SW_OK;
    }
    sw_table_add_step(&showing->table, step);
    sw_doubts_add(&showing->doubts, step);
    return SW_OK;
}

static enum sw_code on_caught_up(void *self, struct sw_err *err)
{
    (void)self;
    (void)err;
    return SW_OK;
}

static void print_rest(const struct showing *showing)
{
    if (showing->options->common.json) {
        (void)fputs(showing->table.rows == 0 ? "]}\n" : "\n]}\n", stdout);
        return;
    }
    if (showing->table.rows == 0)
        (void)printf("\nno steps\n");
    else
        (void)fputc('\n', stdout);
    if (showing->table.rows != 0)
        sw_table_print(&showing->table, stdout, showing->coloured);
    sw_doubts_print(&showing->doubts, stdout, showing->coloured);
}

static enum sw_code show(const struct options *options, const char *run_id, struct sw_err *err)
{
    struct showing showing = {.options = options, .coloured = sw_print_is_coloured(stdout)};
    struct sw_client_watcher watcher = {on_run, on_step, on_caught_up, &showing};
    struct sw_client_watch watch = {.run_id = sw_span_of_text(run_id),
                                    .include_inputs = options->inputs};
    struct sw_source source;
    enum sw_code rc = sw_source_open(&options->common, &source, err);

    if (rc != SW_OK)
        return rc;
    sw_arena_init(&showing.arena, 0);
    sw_table_init_steps(&showing.table, &showing.arena, options->inputs);
    rc = sw_source_watch_run(&source, &watch, &watcher, err);
    if (rc == SW_OK)
        print_rest(&showing);
    sw_arena_fini(&showing.arena);
    sw_source_close(&source);
    return rc;
}

static int run(int argc, char **argv)
{
    struct options options = {.inputs = false};
    struct sw_flags_left left;
    struct sw_err err;
    int code;

    if (!sw_cli_read(&sw_cli_show, &options, argc, argv, &left, &code))
        return code;
    if (left.count != 1 || left.rest != NULL)
        return sw_cli_usage(&sw_cli_show, "which run? Give one run id");
    if (show(&options, left.words[0], &err) != SW_OK)
        return sw_cli_fail(&sw_cli_show, &err);
    return SW_EXIT_CLI_OK;
}

const struct sw_cli_command sw_cli_show = {"show", "show a run and its steps", &page, run};
