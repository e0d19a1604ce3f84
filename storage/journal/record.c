/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/codec.h"
#include "storage/journal/journal.h"

#include <stdio.h>

static const char *const type_names[SW_RECORD_TYPE_END] = {
    [0] = "?",
    [SW_RECORD_JOURNAL_CREATED] = "JOURNAL_CREATED",
    [SW_RECORD_RUN_STARTED] = "RUN_STARTED",
    [SW_RECORD_LEASE_TAKEN] = "LEASE_TAKEN",
    [SW_RECORD_STEP_BEGUN] = "STEP_BEGUN",
    [SW_RECORD_STEP_COMPLETED] = "STEP_COMPLETED",
    [SW_RECORD_STEP_FAILED] = "STEP_FAILED",
    [SW_RECORD_STEP_DOUBTED] = "STEP_DOUBTED",
    [SW_RECORD_STEP_NOTED] = "STEP_NOTED",
    [SW_RECORD_STEP_RESOLVED] = "STEP_RESOLVED",
    [SW_RECORD_RUN_ENDED] = "RUN_ENDED",
    [SW_RECORD_CHUNK] = "CHUNK",
};

const char *sw_record_type_name(enum sw_record_type type)
{
    return type_names[type < SW_RECORD_TYPE_END ? type : 0];
}

struct sw_payload *sw_record_payload(struct sw_record *record)
{
    switch (record->type) {
    case SW_RECORD_RUN_STARTED:
        return &record->u.run_started.input;
    case SW_RECORD_STEP_BEGUN:
        return &record->u.step_begun.input;
    case SW_RECORD_STEP_COMPLETED:
        return &record->u.outcome.output;
    case SW_RECORD_STEP_FAILED:
    case SW_RECORD_STEP_DOUBTED:
        return &record->u.outcome.failure.details;
    case SW_RECORD_STEP_NOTED:
        return &record->u.noted.progress;
    case SW_RECORD_STEP_RESOLVED:
        if (record->u.resolved.resolution == SW_RESOLUTION_HAPPENED)
            return &record->u.resolved.output;
        if (record->u.resolved.resolution == SW_RESOLUTION_GIVE_UP)
            return &record->u.resolved.failure.details;
        return NULL;
    case SW_RECORD_RUN_ENDED:
        return record->u.run_ended.state == SW_RUN_COMPLETED ? &record->u.run_ended.result
                                                             : &record->u.run_ended.failure.details;
    case SW_RECORD_JOURNAL_CREATED:
    case SW_RECORD_LEASE_TAKEN:
    case SW_RECORD_CHUNK:
    case SW_RECORD_TYPE_END:
        break;
    }
    return NULL;
}

uint64_t sw_record_payload_bytes(const struct sw_record *record)
{
    struct sw_record copy = *record;
    const struct sw_payload *payload = record->purged ? NULL : sw_record_payload(&copy);

    return payload != NULL && payload->present ? payload->size : 0;
}

static const char *kind_name(enum sw_kind kind)
{
    static const char *const names[] = {"?", "LLM", "TOOL", "CODE", "WAIT"};

    return names[kind <= SW_KIND_WAIT ? kind : 0];
}

static const char *effect_name(enum sw_effect effect)
{
    static const char *const names[] = {"?", "NONE", "IDEMPOTENT", "ONCE"};

    return names[effect <= SW_EFFECT_ONCE ? effect : 0];
}

static const char *resolution_name(enum sw_resolution resolution)
{
    static const char *const names[] = {"?", "happened", "did not happen", "given up"};

    return names[resolution <= SW_RESOLUTION_GIVE_UP ? resolution : 0];
}

static int print_step(const struct sw_record *record, char *text, size_t size)
{
    int key_size = (int)record->key.size;
    const char *key = key_size > 0 ? (const char *)record->key.data : "";
    unsigned attempt = record->attempt;

    switch (record->type) {
    case SW_RECORD_STEP_BEGUN:
        return snprintf(text, size, "%.*s attempt %u begun, %s, %s", key_size, key, attempt,
                        kind_name(record->u.step_begun.kind),
                        effect_name(record->u.step_begun.effect));
    case SW_RECORD_STEP_COMPLETED:
        return snprintf(text, size, "%.*s attempt %u completed, %llu B", key_size, key, attempt,
                        (unsigned long long)record->u.outcome.output.size);
    case SW_RECORD_STEP_FAILED:
        return snprintf(text, size, "%.*s attempt %u failed%s: %.*s: %.*s", key_size, key, attempt,
                        record->u.outcome.final ? " for good" : "",
                        SW_SPAN_ARG(record->u.outcome.failure.type),
                        SW_SPAN_ARG(record->u.outcome.failure.message));
    case SW_RECORD_STEP_DOUBTED:
        return snprintf(text, size, "%.*s attempt %u is in doubt: %.*s", key_size, key, attempt,
                        SW_SPAN_ARG(record->u.outcome.failure.message));
    case SW_RECORD_STEP_NOTED:
        return snprintf(text, size, "%.*s attempt %u noted %.*s", key_size, key, attempt,
                        SW_SPAN_ARG(record->u.noted.ref.text));
    case SW_RECORD_STEP_RESOLVED:
        return snprintf(text, size, "%.*s attempt %u resolved: %s, by %.*s", key_size, key, attempt,
                        resolution_name(record->u.resolved.resolution),
                        SW_SPAN_ARG(record->u.resolved.by));
    case SW_RECORD_JOURNAL_CREATED:
    case SW_RECORD_RUN_STARTED:
    case SW_RECORD_LEASE_TAKEN:
    case SW_RECORD_RUN_ENDED:
    case SW_RECORD_CHUNK:
    case SW_RECORD_TYPE_END:
        break;
    }
    return snprintf(text, size, "?");
}

void sw_record_summary(const struct sw_record *record, char *ret_text, size_t size)
{
    if (record->purged) {
        (void)snprintf(ret_text, size, "%s, removed", sw_record_type_name(record->type));
        return;
    }
    switch (record->type) {
    case SW_RECORD_JOURNAL_CREATED:
        (void)snprintf(ret_text, size, "journal %.*s created",
                       SW_SPAN_ARG(record->u.journal_created.name));
        return;
    case SW_RECORD_RUN_STARTED:
        (void)snprintf(ret_text, size, "run %.*s started, task %.*s",
                       SW_SPAN_ARG(record->u.run_started.run_id),
                       SW_SPAN_ARG(record->u.run_started.task));
        return;
    case SW_RECORD_LEASE_TAKEN:
        (void)snprintf(ret_text, size, "lease %llu taken%s%.*s", (unsigned long long)record->lease,
                       record->u.lease_taken.holder.size != 0 ? " by " : "",
                       SW_SPAN_ARG(record->u.lease_taken.holder));
        return;
    case SW_RECORD_RUN_ENDED:
        if (record->u.run_ended.state == SW_RUN_COMPLETED)
            (void)snprintf(ret_text, size, "run completed, %llu B",
                           (unsigned long long)record->u.run_ended.result.size);
        else
            (void)snprintf(ret_text, size, "run failed: %.*s: %.*s",
                           SW_SPAN_ARG(record->u.run_ended.failure.type),
                           SW_SPAN_ARG(record->u.run_ended.failure.message));
        return;
    case SW_RECORD_CHUNK:
        (void)snprintf(ret_text, size, "%zu B of payloads", record->u.chunk.bytes.size);
        return;
    case SW_RECORD_STEP_BEGUN:
    case SW_RECORD_STEP_COMPLETED:
    case SW_RECORD_STEP_FAILED:
    case SW_RECORD_STEP_DOUBTED:
    case SW_RECORD_STEP_NOTED:
    case SW_RECORD_STEP_RESOLVED:
        (void)print_step(record, ret_text, size);
        return;
    case SW_RECORD_TYPE_END:
        break;
    }
    (void)snprintf(ret_text, size, "?");
}
