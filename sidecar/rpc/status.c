/* SPDX-License-Identifier: Apache-2.0
 *
 * status - GetStatus: answered at any time, also while the journal is not open yet.
 */
#include "sidecar/rpc/codec.h"
#include "sidecar/rpc/verbs.h"
#include "storage/journal/journal.h"

static Stepwell__V1__Limits *limits_of(const struct sw_config *config, struct sw_arena *arena)
{
    const struct sw_limits *limits = &config->limits;
    Stepwell__V1__Limits *published = sw_codec_make(arena, sizeof *published);

    stepwell__v1__limits__init(published);
    published->payload_bytes_max = limits->payload_bytes_max;
    published->key_bytes_max = SW_KEY_MAX;
    published->open_steps_max = limits->open_steps_max;
    published->open_runs_max = limits->open_runs_max;
    published->queue_length_max = limits->queue_length_max;
    published->journal_bytes_max = limits->journal_bytes_max;
    published->message_bytes_max = limits->message_bytes_max;
    published->backlog_bytes_max = config->backlog_bytes_max;
    published->backlog_age_ms_max = config->backlog_age_ms_max;
    return published;
}

static Stepwell__V1__StoreStatus *store_of(const struct sw_server *server, struct sw_arena *arena)
{
    static const Stepwell__V1__StoreState states[] = {
        [SW_STORE_ANSWERS] = STEPWELL__V1__STORE_STATE__STORE_STATE_ANSWERING,
        [SW_STORE_AWAY] = STEPWELL__V1__STORE_STATE__STORE_STATE_AWAY,
        [SW_STORE_REFUSES] = STEPWELL__V1__STORE_STATE__STORE_STATE_REFUSING,
        [SW_STORE_FENCED] = STEPWELL__V1__STORE_STATE__STORE_STATE_FENCED,
    };
    Stepwell__V1__StoreStatus *store = sw_codec_make(arena, sizeof *store);
    char *owner = sw_codec_make(arena, 2 * SW_ARCHIVE_OWNER_SIZE + 1);
    struct sw_shipper_status status;

    sw_shipper_status(server->shipper, &status);
    stepwell__v1__store_status__init(store);
    sw_hex(status.archive.owner, SW_ARCHIVE_OWNER_SIZE, owner);
    store->url = sw_codec_text(arena, sw_span_of_text(server->store_url));
    store->state = states[status.health];
    store->error = sw_codec_text(arena, sw_span_of_text(status.error));
    store->shipped_lsn = status.shipped_lsn;
    store->lag_ms = status.lag_ms;
    store->lag_bytes = status.lag_bytes;
    store->slot = status.archive.slot;
    store->owner_id = owner;
    store->put_p50_us = status.put_p50_us;
    store->put_p99_us = status.put_p99_us;
    store->snapshot_slot = status.archive.snapshot_slot;
    store->snapshot_at_ms = status.snapshot_at_ms;
    store->verified_at_ms = status.verified_at_ms;
    return store;
}

static void tell_journal(const struct sw_server *server, struct sw_arena *arena,
                         Stepwell__V1__GetStatusResponse *answer)
{
    const struct sw_journal_state *journal = sw_journal_state(server->journal);
    struct sw_service_counts counts = sw_service_counts(server->service);
    char *uuid = sw_codec_make(arena, SW_UUID_TEXT_SIZE);

    sw_uuid_text(journal->uuid, uuid);
    answer->journal = sw_codec_text(arena, sw_span_of_text(journal->name));
    answer->journal_uuid = uuid;
    answer->epoch = journal->epoch;
    answer->lsn = journal->lsn;
    answer->durable_lsn = journal->durable_lsn;
    answer->open_runs = counts.open_runs;
    answer->held_runs = counts.held_runs;
    answer->journal_bytes = journal->bytes;
    if (server->shipper != NULL)
        answer->store = store_of(server, arena);
}

static Stepwell__V1__ServerState state_of(const struct sw_server *server)
{
    if (server->fenced)
        return STEPWELL__V1__SERVER_STATE__SERVER_STATE_FENCED;
    if (server->draining)
        return STEPWELL__V1__SERVER_STATE__SERVER_STATE_DRAINING;
    if (server->service == NULL)
        return STEPWELL__V1__SERVER_STATE__SERVER_STATE_RESTORING;
    return STEPWELL__V1__SERVER_STATE__SERVER_STATE_SERVING;
}

static enum sw_code get_status(struct sw_server *server, struct sw_request *request)
{
    struct sw_arena *arena = request->arena;
    Stepwell__V1__GetStatusResponse *answer = sw_codec_make(arena, sizeof *answer);

    stepwell__v1__get_status_response__init(answer);
    request->answer = &answer->base;
    answer->version = sw_codec_text(arena, sw_span_of_text(SW_VERSION));
    answer->state = state_of(server);
    answer->owner = sw_codec_text(arena, sw_span_of_text(server->options.owner));
    answer->started_ms = server->started_ms;
    answer->sessions = server->sessions;
    answer->limits = limits_of(server->options.config, arena);
    if (server->service != NULL)
        tell_journal(server, arena, answer);
    return SW_OK;
}

const struct sw_verb sw_verb_get_status = {"GetStatus", .any_time = true, .run = get_status};
