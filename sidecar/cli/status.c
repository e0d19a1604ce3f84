/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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
                   "how far it is in the object store, what is open, and what the server accepts.",
    .flags = flags,
    .json =
        "    {\"version\", \"state\": \"SERVING\"|\"DRAINING\"|\"RESTORING\"|\"FENCED\", "
        "\"journal\",\n"
        "     \"journal_uuid\", \"owner\",\n"
        "     \"epoch\", \"lsn\", \"durable_lsn\", \"started\", \"open_runs\", \"held_runs\", "
        "\"sessions\",\n"
        "     \"journal_bytes\", \"limits\": {\"payload_bytes_max\", \"key_bytes_max\",\n"
        "     \"open_steps_max\", \"open_runs_max\", \"queue_length_max\", \"journal_bytes_max\",\n"
        "     \"message_bytes_max\", \"backlog_bytes_max\", \"backlog_age_ms_max\"},\n"
        "     \"store\": null or {\"url\", \"state\": "
        "\"ANSWERING\"|\"AWAY\"|\"REFUSING\"|\"FENCED\",\n"
        "     \"error\", \"shipped_lsn\", \"lag_ms\", \"lag_bytes\", \"slot\", \"owner_id\",\n"
        "     \"put_p50_us\", \"put_p99_us\", \"snapshot_slot\", \"snapshot_at\", "
        "\"verified_at\"}}\n",
    .examples = "    stepwell status\n"
                "    stepwell status --json | jq .durable_lsn\n",
};

static void put_store(struct cJSON *root, const struct sw_client_status *status)
{
    const struct sw_client_store *store = &status->store;
    struct cJSON *into;

    if (!status->has_store) {
        sw_json_null(root, "store");
        return;
    }
    into = sw_json_object(root, "store");
    sw_json_text(into, "url", store->url);
    sw_json_text(into, "state", sw_span_of_text(store->state));
    if (store->error.size != 0)
        sw_json_text(into, "error", store->error);
    else
        sw_json_null(into, "error");
    sw_json_number(into, "shipped_lsn", store->shipped_lsn);
    sw_json_number(into, "lag_ms", store->lag_ms);
    sw_json_number(into, "lag_bytes", store->lag_bytes);
    sw_json_number(into, "slot", store->slot);
    sw_json_text(into, "owner_id", store->owner_id);
    sw_json_number(into, "put_p50_us", store->put_p50_us);
    sw_json_number(into, "put_p99_us", store->put_p99_us);
    sw_json_number(into, "snapshot_slot", store->snapshot_slot);
    sw_json_time(into, "snapshot_at", store->snapshot_at_ms);
    sw_json_time(into, "verified_at", store->verified_at_ms);
}

static void print_json(const struct sw_client_status *status)
{
    struct cJSON *root = sw_json_new();
    struct cJSON *limits;

    sw_json_text(root, "version", status->version);
    sw_json_text(root, "state", sw_span_of_text(status->state));
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
    sw_json_number(limits, "backlog_bytes_max", status->backlog_bytes_max);
    sw_json_number(limits, "backlog_age_ms_max", status->backlog_age_ms_max);
    put_store(root, status);
    sw_json_print(root, stdout);
    (void)fputc('\n', stdout);
}

static void print_store(const struct sw_client_status *status, struct sw_arena *arena)
{
    const struct sw_client_store *store = &status->store;

    (void)printf("store      %s  %s%s%s\n", sw_text_safe(arena, store->url, 0), store->state,
                 store->error.size != 0 ? ": " : "", sw_text_safe(arena, store->error, 0));
    (void)printf("shipped    up to %" PRIu64 ", ", store->shipped_lsn);
    if (store->shipped_lsn >= status->lsn)
        (void)printf("everything");
    else
        (void)printf("%" PRIu64 " records (%s) behind, the oldest %s old",
                     status->lsn - store->shipped_lsn, sw_text_bytes(arena, store->lag_bytes),
                     sw_text_duration(arena, store->lag_ms));
    if (store->put_p50_us != 0)
        (void)printf("; a segment takes %.1f ms, one in a hundred %.1f ms",
                     (double)store->put_p50_us / 1000, (double)store->put_p99_us / 1000);
    (void)printf("\ncopy       snapshot %s, last read back %s\n",
                 store->snapshot_slot == 0
                     ? "none"
                     : sw_text_format(arena, "at %" PRIu64, store->snapshot_slot),
                 store->verified_at_ms == 0 ? "never" : sw_text_time(arena, store->verified_at_ms));
}

static void print_text(const struct sw_client_status *status, struct sw_arena *arena)
{
    uint64_t now_ms = sw_clock_now_ms(&sw_clock_system);
    uint64_t up_ms = now_ms > status->started_ms ? now_ms - status->started_ms : 0;

    (void)printf("server     stepwell %s, %s, up %s\n", sw_text_safe(arena, status->version, 0),
                 strcmp(status->state, "SERVING") == 0 ? "serving" : status->state,
                 sw_text_duration(arena, up_ms));
    (void)printf("journal    %s  %s\n", sw_text_safe(arena, status->journal, 0),
                 sw_text_safe(arena, status->journal_uuid, 0));
    (void)printf("owner      %s, epoch %" PRIu64 "\n", sw_text_safe(arena, status->owner, 0),
                 status->epoch);
    (void)printf("records    %" PRIu64 ", on disk up to %" PRIu64 "\n", status->lsn,
                 status->durable_lsn);
    if (status->has_store)
        print_store(status, arena);
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
