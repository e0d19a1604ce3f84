/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "sidecar/cli/json_out.h"
#include "sidecar/cli/print.h"
#include "sidecar/cli/source.h"
#include "storage/base/clock.h"

struct options {
    struct sw_cli_common common;
};

static const struct sw_flag flags[] = {
    SW_CLI_FLAG_JSON(options),
    SW_CLI_FLAGS_SERVER(options),
    SW_CLI_FLAGS_END,
};

static const struct sw_cli_page page = {
    .synopsis = "status [OPTION]...",
    .description = "Shows how the server is: its journal and who owns it, how far that is on disk, "
                   "what is open, and what the server accepts.",
    .flags = flags,
    .json =
        "    {\"version\", \"state\": \"SERVING\"|\"DRAINING\", \"journal\", \"journal_uuid\", "
        "\"owner\",\n"
        "     \"epoch\", \"lsn\", \"durable_lsn\", \"started\", \"open_runs\", \"held_runs\", "
        "\"sessions\",\n"
        "     \"journal_bytes\", \"limits\": {\"payload_bytes_max\", \"key_bytes_max\",\n"
        "     \"open_steps_max\", \"open_runs_max\", \"queue_length_max\", \"journal_bytes_max\",\n"
        "     \"message_bytes_max\"}}\n",
    .examples = "    stepwell status\n"
                "    stepwell status --json | jq .durable_lsn\n",
};

static void print_json(const struct sw_client_status *status)
{
    struct cJSON *root = sw_json_new();
    struct cJSON *limits;

    sw_json_text(root, "version", status->version);
    sw_json_text(root, "state", sw_span_of_text(status->draining ? "DRAINING" : "SERVING"));
    sw_json_text(root, "journal", status->journal);
    sw_json_text(root, "journal_uuid", status->journal_uuid);
    sw_json_text(root, "owner", status->owner);
    sw_json_number(root, "epoch", status->epoch);
    sw_json_number(root, "lsn", status->lsn);
    sw_json_number(root, "durable_lsn", status->durable_lsn);
    sw_json_time(root, "started", status->started_ms);
    sw_json_number(root, "open_runs", status->open_runs);
    sw_json_number(root, "held_runs", status->held_runs);
    sw_json_number(root, "sessions", status->sessions);
    sw_json_number(root, "journal_bytes", status->journal_bytes);
    limits = sw_json_object(root, "limits");
    sw_json_number(limits, "payload_bytes_max", status->limits.payload_bytes_max);
    sw_json_number(limits, "key_bytes_max", status->key_bytes_max);
    sw_json_number(limits, "open_steps_max", status->limits.open_steps_max);
    sw_json_number(limits, "open_runs_max", status->limits.open_runs_max);
    sw_json_number(limits, "queue_length_max", status->limits.queue_length_max);
    sw_json_number(limits, "journal_bytes_max", status->limits.journal_bytes_max);
    sw_json_number(limits, "message_bytes_max", status->limits.message_bytes_max);
    sw_json_print(root, stdout);
    (void)fputc('\n', stdout);
}

static void print_text(const struct sw_client_status *status, struct sw_arena *arena)
{
    uint64_t now_ms = sw_clock_now_ms(&sw_clock_system);
    uint64_t up_ms = now_ms > status->started_ms ? now_ms - status->started_ms : 0;

    (void)printf("server     stepwell %s, %s, up %s\n", sw_text_safe(arena, status->version, 0),
                 status->draining ? "DRAINING" : "serving", sw_text_duration(arena, up_ms));
    (void)printf("journal    %s  %s\n", sw_text_safe(arena, status->journal, 0),
                 sw_text_safe(arena, status->journal_uuid, 0));
    (void)printf("owner      %s, epoch %" PRIu64 "\n", sw_text_safe(arena, status->owner, 0),
                 status->epoch);
    (void)printf("records    %" PRIu64 ", on disk up to %" PRIu64 "\n", status->lsn,
                 status->durable_lsn);
    (void)printf("runs       %" PRIu64 " open, %" PRIu64 " held, %" PRIu64 " sessions\n",
                 status->open_runs, status->held_runs, status->sessions);
    (void)printf("files      %s of %s\n", sw_text_bytes(arena, status->journal_bytes),
                 status->limits.journal_bytes_max == 0
                     ? "no limit"
                     : sw_text_bytes(arena, status->limits.journal_bytes_max));
    (void)printf("limits     payload %s, %" PRIu32 " open steps a run, %" PRIu32
                 " open runs, queue %" PRIu32 "\n",
                 sw_text_bytes(arena, status->limits.payload_bytes_max),
                 status->limits.open_steps_max, status->limits.open_runs_max,
                 status->limits.queue_length_max);
}

static int run(int argc, char **argv)
{
    struct options options = {.common = {.json = false}};
    struct sw_source source = {.client = NULL};
    struct sw_client_status status;
    struct sw_flags_left left;
    struct sw_arena arena;
    struct sw_err err;
    enum sw_code rc;
    int code;

    if (!sw_cli_read(&sw_cli_status, &options, argc, argv, &left, &code))
        return code;
    if (left.count > 0 || left.rest != NULL)
        return sw_cli_usage(&sw_cli_status, "takes options only");
    sw_arena_init(&arena, 0);
    rc = sw_source_open(&options.common, &source, &err);
    if (rc == SW_OK)
        rc = sw_client_get_status(source.client, &arena, &status, &err);
    if (rc == SW_OK && options.common.json)
        print_json(&status);
    else if (rc == SW_OK)
        print_text(&status, &arena);
    sw_source_close(&source);
    sw_arena_fini(&arena);
    return rc == SW_OK ? SW_EXIT_CLI_OK : sw_cli_fail(&sw_cli_status, &err);
}

const struct sw_cli_command sw_cli_status = {"status", "show how the server is", &page, run};
