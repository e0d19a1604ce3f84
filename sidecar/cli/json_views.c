/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/json_views.h"

#include "sidecar/text.h"
#include "storage/journal/journal.h"

static const char *run_state_name(enum sw_run_state state)
{
    switch (state) {
    case SW_RUN_RUNNING:
        return "RUNNING";
    case SW_RUN_COMPLETED:
        return "COMPLETED";
    case SW_RUN_FAILED:
        return "FAILED";
    }
    return "UNKNOWN";
}

const char *sw_name_step_state(enum sw_step_state state)
{
    switch (state) {
    case SW_STEP_OPEN:
        return "OPEN";
    case SW_STEP_DOUBTED:
        return "IN_DOUBT";
    case SW_STEP_RETRYING:
        return "RETRYING";
    case SW_STEP_COMPLETED:
        return "COMPLETED";
    case SW_STEP_FAILED:
        return "FAILED";
    case SW_STEP_ABSENT:
    case SW_STEP_STATE_COUNT:
        break;
    }
    return "UNKNOWN";
}

const char *sw_name_kind(enum sw_kind kind)
{
    switch (kind) {
    case SW_KIND_LLM:
        return "LLM";
    case SW_KIND_TOOL:
        return "TOOL";
    case SW_KIND_CODE:
        return "CODE";
    case SW_KIND_WAIT:
        return "WAIT";
    }
    return "UNKNOWN";
}

const char *sw_name_effect(enum sw_effect effect)
{
    switch (effect) {
    case SW_EFFECT_NONE:
        return "NONE";
    case SW_EFFECT_IDEMPOTENT:
        return "IDEMPOTENT";
    case SW_EFFECT_ONCE:
        return "ONCE";
    }
    return "UNKNOWN";
}

static void put_text(struct cJSON *into, const char *key, const char *text)
{
    sw_json_text(into, key, sw_span_of_text(text));
}

/* null when empty */
static void put_span(struct cJSON *into, const char *key, struct sw_span text)
{
    if (text.size == 0)
        sw_json_null(into, key);
    else
        sw_json_text(into, key, text);
}

/* null when 0 */
static void put_count(struct cJSON *into, const char *key, uint64_t number)
{
    if (number == 0)
        sw_json_null(into, key);
    else
        sw_json_number(into, key, number);
}

static void put_payload(struct cJSON *into, const char *key, const struct sw_payload *payload)
{
    struct cJSON *object;

    if (!payload->present) {
        sw_json_null(into, key);
        return;
    }
    object = sw_json_object(into, key);
    sw_json_text(object, "content_type", payload->content_type);
    sw_json_number(object, "size", payload->size);
    if (payload->data.size != payload->size)
        return; /* its bytes were not read */
    if (sw_utf8_is_text(payload->data))
        sw_json_text(object, "text", payload->data);
    else
        sw_json_base64(object, "base64", payload->data);
}

static void put_failure(struct cJSON *into, const char *key, const struct sw_failure *failure)
{
    struct cJSON *object;

    if (failure->type.size == 0) {
        sw_json_null(into, key);
        return;
    }
    object = sw_json_object(into, key);
    sw_json_text(object, "type", failure->type);
    sw_json_text(object, "message", failure->message);
    sw_json_bool(object, "non_retryable", failure->non_retryable);
    put_payload(object, "details", &failure->details);
}

static void put_usage(struct cJSON *into, const struct sw_usage *usage)
{
    struct cJSON *object = sw_json_object(into, "usage");

    sw_json_number(object, "input_tokens", usage->input_tokens);
    sw_json_number(object, "cached_input_tokens", usage->cached_input_tokens);
    sw_json_number(object, "output_tokens", usage->output_tokens);
    sw_json_number(object, "cost_micros", usage->cost_micros);
}

static void put_labels(struct cJSON *into, const struct sw_run_view *run)
{
    struct cJSON *object = sw_json_object(into, "labels");
    struct sw_arena arena;

    sw_arena_init(&arena, 0);
    for (uint32_t i = 0; i < run->labels_count; i++) {
        const char *key = sw_arena_text(&arena, run->labels[i].key);

        sw_json_text(object, key != NULL ? key : "", run->labels[i].value);
    }
    sw_arena_fini(&arena);
}

static void put_one_run(struct cJSON *root, const struct sw_run_view *run)
{
    struct cJSON *unvisited;

    put_text(root, "on_divergence",
             run->head.on_divergence == SW_DIVERGENCE_ACCEPT ? "ACCEPT" : "FAIL");
    put_count(root, "lease", run->head.lease);
    put_span(root, "holder", run->head.holder);
    put_payload(root, "input", &run->input);
    put_payload(root, "result", &run->result);
    put_failure(root, "failure", &run->failure);
    put_usage(root, &run->head.usage);
    unvisited = sw_json_array(root, "unvisited_keys");
    for (uint32_t i = 0; i < run->unvisited_count; i++)
        sw_json_text(unvisited, NULL, run->unvisited[i]);
}

struct cJSON *sw_json_run(const struct sw_run_view *run, bool full)
{
    struct cJSON *root = sw_json_new();

    sw_json_text(root, "run_id", run->head.run_id);
    sw_json_text(root, "task", run->head.task);
    put_text(root, "state", run_state_name(run->head.state));
    sw_json_bool(root, "held", run->held);
    put_labels(root, run);
    put_span(root, "code_version", run->code_version);
    sw_json_time(root, "started", run->head.started_ms);
    sw_json_time(root, "ended", run->head.ended_ms);
    sw_json_number(root, "first_lsn", run->head.run);
    if (full || run->head.state != SW_RUN_RUNNING) {
        put_count(root, "last_lsn", run->head.last_lsn);
        sw_json_number(root, "steps", run->head.steps);
    } else { /* lists need not know them yet */
        sw_json_null(root, "last_lsn");
        sw_json_null(root, "steps");
    }
    sw_json_number(root, "steps_in_doubt", run->steps_in_doubt);
    if (full)
        put_one_run(root, run);
    return root;
}

struct cJSON *sw_json_step(const struct sw_client_step *shown)
{
    const struct sw_step_view *view = &shown->view;
    const struct sw_step *step = view->step;
    struct cJSON *root = sw_json_new();
    struct cJSON *refs;

    sw_json_text(root, "key", step->key);
    put_span(root, "name", step->name);
    put_text(root, "kind", sw_name_kind(step->kind));
    put_text(root, "effect", sw_name_effect(step->effect));
    put_text(root, "state", sw_name_step_state(step->state));
    sw_json_number(root, "attempt", step->attempt);
    put_span(root, "idempotency_key", shown->idempotency_key);
    if (step->has_digest)
        sw_json_hex(root, "input_digest", sw_span_of(step->digest.bytes, SW_DIGEST_SIZE));
    else
        sw_json_null(root, "input_digest");
    put_payload(root, "input", &view->input);
    put_payload(root, "output", &view->output);
    put_failure(root, "failure", &view->failure);
    put_usage(root, &step->usage);
    refs = sw_json_array(root, "external_refs");
    for (const struct sw_external_ref *ref = step->refs; ref != NULL; ref = ref->next)
        sw_json_text(refs, NULL, ref->text);
    put_payload(root, "progress", &view->progress);
    sw_json_time(root, "begun", step->begun_ms);
    sw_json_time(root, "finished", step->finished_ms);
    sw_json_time(root, "not_before", step->not_before_ms);
    sw_json_number(root, "lsn", step->last_lsn);
    put_span(root, "resolved_by", step->resolved_by);
    return root;
}

struct cJSON *sw_json_record(const struct sw_record_line *line)
{
    struct cJSON *root = sw_json_new();

    sw_json_number(root, "lsn", line->lsn);
    put_text(root, "type", sw_record_type_name(line->type));
    put_span(root, "run_id", line->run_id);
    sw_json_time(root, "at", line->at_ms);
    put_span(root, "key", line->key);
    put_count(root, "attempt", line->attempt);
    put_count(root, "lease", line->lease);
    sw_json_number(root, "payload_bytes", line->payload_bytes);
    sw_json_hex(root, "chain", line->chain);
    sw_json_text(root, "summary", line->summary);
    sw_json_bool(root, "purged", line->purged);
    return root;
}
