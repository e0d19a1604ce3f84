/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/rpc/client.intern.h"

static struct sw_span span_of(const char *text)
{
    return sw_span_of_text(text != NULL ? text : "");
}

static struct sw_payload view_payload(const Stepwell__V1__Payload *message)
{
    struct sw_payload payload = {.present = false};

    if (message == NULL)
        return payload;
    payload.present = true;
    payload.data = sw_span_of(message->data.data, message->data.len);
    payload.size = message->data.len;
    payload.content_type = span_of(message->content_type);
    sw_sha256(&payload.data, 1, &payload.digest);
    return payload;
}

static struct sw_failure view_failure(const Stepwell__V1__Failure *message)
{
    if (message == NULL)
        return (struct sw_failure){.non_retryable = false};
    return (struct sw_failure){
        .type = span_of(message->type),
        .message = span_of(message->message),
        .details = view_payload(message->details),
        .non_retryable = message->non_retryable,
    };
}

static struct sw_usage view_usage(const Stepwell__V1__Usage *message)
{
    if (message == NULL)
        return (struct sw_usage){.cost_micros = 0};
    return (struct sw_usage){
        .input_tokens = message->input_tokens,
        .cached_input_tokens = message->cached_input_tokens,
        .output_tokens = message->output_tokens,
        .cost_micros = message->cost_micros,
    };
}

static enum sw_code no_memory(struct sw_err *err)
{
    return sw_fail(err, SW_NO_MEMORY, "out of memory");
}

enum sw_code sw_client_view_run(const Stepwell__V1__Run *run, struct sw_arena *arena,
                                struct sw_run_view *ret_view, struct sw_err *err)
{
    struct sw_label *labels = sw_arena_zalloc(arena, run->n_labels * sizeof(*labels));
    struct sw_span *unvisited = sw_arena_zalloc(arena, run->n_unvisited_keys * sizeof(*unvisited));

    if (labels == NULL || unvisited == NULL)
        return no_memory(err);
    for (size_t i = 0; i < run->n_labels; i++)
        labels[i] = (struct sw_label){span_of(run->labels[i]->key), span_of(run->labels[i]->value)};
    for (size_t i = 0; i < run->n_unvisited_keys; i++)
        unvisited[i] = span_of(run->unvisited_keys[i]);
    *ret_view = (struct sw_run_view){
        .head =
            {
                .run = run->first_lsn,
                .state = (enum sw_run_state)run->state,
                .run_id = span_of(run->run_id),
                .task = span_of(run->task),
                .on_divergence = (enum sw_divergence)run->on_divergence,
                .has_input = run->input != NULL,
                .lease = run->lease,
                .holder = span_of(run->holder),
                .started_ms = run->started_ms,
                .ended_ms = run->ended_ms,
                .last_lsn = run->last_lsn,
                .steps = run->steps,
                .usage = view_usage(run->usage),
            },
        .input = view_payload(run->input),
        .labels = labels,
        .labels_count = (uint32_t)run->n_labels,
        .code_version = span_of(run->code_version),
        .held = run->held,
        .steps_in_doubt = run->steps_in_doubt,
        .unvisited = unvisited,
        .unvisited_count = (uint32_t)run->n_unvisited_keys,
    };
    if (run->outcome_case == STEPWELL__V1__RUN__OUTCOME_RESULT)
        ret_view->result = view_payload(run->result);
    if (run->outcome_case == STEPWELL__V1__RUN__OUTCOME_FAILURE)
        ret_view->failure = view_failure(run->failure);
    return SW_OK;
}

enum sw_step_state sw_client_view_state(Stepwell__V1__StepState state)
{
    switch (state) {
    case STEPWELL__V1__STEP_STATE__STEP_STATE_OPEN:
        return SW_STEP_OPEN;
    case STEPWELL__V1__STEP_STATE__STEP_STATE_IN_DOUBT:
        return SW_STEP_DOUBTED;
    case STEPWELL__V1__STEP_STATE__STEP_STATE_RETRYING:
        return SW_STEP_RETRYING;
    case STEPWELL__V1__STEP_STATE__STEP_STATE_COMPLETED:
        return SW_STEP_COMPLETED;
    case STEPWELL__V1__STEP_STATE__STEP_STATE_FAILED:
        return SW_STEP_FAILED;
    case STEPWELL__V1__STEP_STATE__STEP_STATE_UNSPECIFIED:
    case _STEPWELL__V1__STEP_STATE_IS_INT_SIZE:
        break;
    }
    return SW_STEP_ABSENT; /* of a newer server: shown as unknown */
}

static enum sw_code view_refs(const Stepwell__V1__Step *message, struct sw_arena *arena,
                              struct sw_step *step, struct sw_err *err)
{
    struct sw_external_ref **tail = &step->refs;

    for (size_t i = 0; i < message->n_external_refs; i++) {
        struct sw_external_ref *ref = sw_arena_zalloc(arena, sizeof(*ref));

        if (ref == NULL)
            return no_memory(err);
        ref->text = span_of(message->external_refs[i]);
        *tail = ref;
        tail = &ref->next;
        step->refs_count++;
    }
    return SW_OK;
}

enum sw_code sw_client_view_step(const Stepwell__V1__Step *message, struct sw_arena *arena,
                                 struct sw_client_step *ret_step, struct sw_err *err)
{
    struct sw_client_step *step = ret_step;

    *step = (struct sw_client_step){
        .step =
            {
                .state = sw_client_view_state(message->state),
                .attempt = message->attempt,
                .key = span_of(message->key),
                .name = span_of(message->name),
                .kind = (enum sw_kind)message->kind,
                .effect = (enum sw_effect)message->effect,
                .begun_ms = message->begun_ms,
                .finished_ms = message->finished_ms,
                .not_before_ms = message->not_before_ms,
                .last_lsn = message->lsn,
                .usage = view_usage(message->usage),
                .resolved_by = span_of(message->resolved_by),
            },
        .view =
            {
                .input = view_payload(message->input),
                .progress = view_payload(message->progress),
            },
        .idempotency_key = span_of(message->idempotency_key),
    };
    step->view.step = &step->step;
    if (message->input_digest.len == SW_DIGEST_SIZE) {
        step->step.has_digest = true;
        memcpy(step->step.digest.bytes, message->input_digest.data, SW_DIGEST_SIZE);
    }
    if (message->outcome_case == STEPWELL__V1__STEP__OUTCOME_OUTPUT)
        step->view.output = view_payload(message->output);
    if (message->outcome_case == STEPWELL__V1__STEP__OUTCOME_FAILURE)
        step->view.failure = view_failure(message->failure);
    return view_refs(message, arena, &step->step, err);
}

void sw_client_view_record(const Stepwell__V1__Record *record, struct sw_record_line *ret_line)
{
    *ret_line = (struct sw_record_line){
        .lsn = record->lsn,
        .type = (enum sw_record_type)record->type,
        .run_id = span_of(record->run_id),
        .at_ms = record->at_ms,
        .key = span_of(record->key),
        .attempt = record->attempt,
        .lease = record->lease,
        .payload_bytes = record->payload_bytes,
        .chain = sw_span_of(record->chain.data, record->chain.len),
        .summary = span_of(record->summary),
        .purged = record->purged,
    };
}

static void view_store(const Stepwell__V1__StoreStatus *store, struct sw_client_store *ret_store)
{
    static const char *const states[] = {"UNKNOWN", "ANSWERING", "AWAY", "REFUSING", "FENCED"};

    *ret_store = (struct sw_client_store){
        .url = span_of(store->url),
        .state = states[(unsigned)store->state < 5 ? store->state : 0],
        .error = span_of(store->error),
        .shipped_lsn = store->shipped_lsn,
        .lag_ms = store->lag_ms,
        .lag_bytes = store->lag_bytes,
        .slot = store->slot,
        .owner_id = span_of(store->owner_id),
        .put_p50_us = store->put_p50_us,
        .put_p99_us = store->put_p99_us,
        .snapshot_slot = store->snapshot_slot,
        .snapshot_at_ms = store->snapshot_at_ms,
        .verified_at_ms = store->verified_at_ms,
    };
}

void sw_client_view_status(const Stepwell__V1__GetStatusResponse *answer,
                           struct sw_client_status *ret_status)
{
    static const char *const states[] = {"UNKNOWN", "SERVING", "DRAINING", "RESTORING", "FENCED"};
    const Stepwell__V1__Limits *limits = answer->limits;

    *ret_status = (struct sw_client_status){
        .version = span_of(answer->version),
        .state = states[(unsigned)answer->state < 5 ? answer->state : 0],
        .journal = span_of(answer->journal),
        .journal_uuid = span_of(answer->journal_uuid),
        .owner = span_of(answer->owner),
        .epoch = answer->epoch,
        .lsn = answer->lsn,
        .durable_lsn = answer->durable_lsn,
        .started_ms = answer->started_ms,
        .open_runs = answer->open_runs,
        .held_runs = answer->held_runs,
        .sessions = answer->sessions,
        .journal_bytes = answer->journal_bytes,
    };
    if (answer->store != NULL) {
        ret_status->has_store = true;
        view_store(answer->store, &ret_status->store);
    }
    if (limits == NULL)
        return;
    ret_status->backlog_bytes_max = limits->backlog_bytes_max;
    ret_status->backlog_age_ms_max = limits->backlog_age_ms_max;
    ret_status->key_bytes_max = limits->key_bytes_max;
    ret_status->limits = (struct sw_limits){
        .payload_bytes_max = limits->payload_bytes_max,
        .open_steps_max = limits->open_steps_max,
        .open_runs_max = limits->open_runs_max,
        .queue_length_max = limits->queue_length_max,
        .journal_bytes_max = limits->journal_bytes_max,
        .message_bytes_max = limits->message_bytes_max,
    };
}
