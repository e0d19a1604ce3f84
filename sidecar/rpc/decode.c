/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/rpc/codec.h"

#include <stdlib.h>

void *sw_codec_make(struct sw_arena *arena, size_t size)
{
    void *made = sw_arena_zalloc(arena, size);

    if (made == NULL)
        abort();
    return made;
}

static struct sw_span text(const char *value)
{
    return sw_span_of_text(value);
}

static struct sw_payload payload(const Stepwell__V1__Payload *message)
{
    struct sw_payload decoded = {0};

    if (message == NULL)
        return decoded;
    decoded.present = true;
    decoded.data = sw_span_of(message->data.data, message->data.len);
    decoded.content_type = text(message->content_type);
    decoded.size = message->data.len;
    return decoded;
}

static struct sw_failure failure(const Stepwell__V1__Failure *message)
{
    struct sw_failure decoded = {0};

    if (message == NULL)
        return decoded;
    decoded.type = text(message->type);
    decoded.message = text(message->message);
    decoded.details = payload(message->details);
    decoded.non_retryable = message->non_retryable != 0;
    return decoded;
}

static const struct sw_span *texts(char **values, size_t count, struct sw_arena *arena)
{
    struct sw_span *spans = sw_codec_make(arena, (count + 1) * sizeof *spans);

    for (size_t i = 0; i < count; i++)
        spans[i] = text(values[i]);
    return spans;
}

static struct sw_retry retry(const Stepwell__V1__RetryPolicy *message, struct sw_arena *arena)
{
    struct sw_retry decoded = {0};

    if (message == NULL)
        return decoded;
    decoded.max_attempts = message->max_attempts;
    decoded.initial_ms = message->initial_ms;
    decoded.factor = message->factor;
    decoded.cap_ms = message->cap_ms;
    decoded.jitter = message->jitter;
    decoded.non_retryable_types =
        texts(message->non_retryable_types, message->n_non_retryable_types, arena);
    decoded.non_retryable_types_count = (uint32_t)message->n_non_retryable_types;
    return decoded;
}

void sw_decode_start_run(const Stepwell__V1__StartRunRequest *message, struct sw_arena *arena,
                         struct sw_start_run_request *ret_request)
{
    struct sw_label *labels = sw_codec_make(arena, (message->n_labels + 1) * sizeof *labels);

    for (size_t i = 0; i < message->n_labels; i++)
        labels[i] = (struct sw_label){.key = text(message->labels[i]->key),
                                      .value = text(message->labels[i]->value)};
    *ret_request = (struct sw_start_run_request){
        .run_id = text(message->run_id),
        .task = text(message->task),
        .input = payload(message->input),
        .labels = labels,
        .labels_count = (uint32_t)message->n_labels,
        .code_version = text(message->code_version),
        .on_divergence = (enum sw_divergence)message->on_divergence,
        .take_lease = message->take_lease != 0,
        .holder_name = text(message->holder),
    };
}

void sw_decode_resume(const Stepwell__V1__ResumeRequest *message,
                      struct sw_resume_request *ret_request)
{
    *ret_request = (struct sw_resume_request){
        .run_id = text(message->run_id),
        .lease = message->lease,
        .holder_name = text(message->holder),
    };
}

void sw_decode_begin_step(const Stepwell__V1__BeginStepRequest *message, struct sw_arena *arena,
                          struct sw_begin_step_request *ret_request)
{
    struct sw_begin_step *step = &ret_request->step;

    *ret_request =
        (struct sw_begin_step_request){.run_id = text(message->run_id), .lease = message->lease};
    step->key = text(message->key);
    step->name = text(message->name);
    step->kind = (enum sw_kind)message->kind;
    step->effect = (enum sw_effect)message->effect;
    if (message->input_source_case == STEPWELL__V1__BEGIN_STEP_REQUEST__INPUT_SOURCE_INPUT)
        step->input = payload(message->input);
    if (message->input_source_case == STEPWELL__V1__BEGIN_STEP_REQUEST__INPUT_SOURCE_INPUT_DIGEST) {
        step->has_input_digest = true;
        step->input_digest = sw_span_of(message->input_digest.data, message->input_digest.len);
    }
    step->retry = retry(message->retry, arena);
    if (message->timeouts != NULL) {
        step->start_to_close_ms = message->timeouts->start_to_close_ms;
        step->heartbeat_ms = message->timeouts->heartbeat_ms;
    }
    step->durability = (enum sw_durability)message->durability;
    step->request_id = text(message->request_id);
}

static void begin_next(const Stepwell__V1__BeginNext *message, struct sw_arena *arena,
                       struct sw_begin_step *step)
{
    step->key = text(message->key);
    step->name = text(message->name);
    step->kind = (enum sw_kind)message->kind;
    step->effect = (enum sw_effect)message->effect;
    if (message->input_source_case == STEPWELL__V1__BEGIN_NEXT__INPUT_SOURCE_INPUT)
        step->input = payload(message->input);
    if (message->input_source_case == STEPWELL__V1__BEGIN_NEXT__INPUT_SOURCE_INPUT_DIGEST) {
        step->has_input_digest = true;
        step->input_digest = sw_span_of(message->input_digest.data, message->input_digest.len);
    }
    step->retry = retry(message->retry, arena);
    if (message->timeouts != NULL) {
        step->start_to_close_ms = message->timeouts->start_to_close_ms;
        step->heartbeat_ms = message->timeouts->heartbeat_ms;
    }
    step->durability = (enum sw_durability)message->durability;
    step->request_id = text(message->request_id);
}

static struct sw_usage usage(const Stepwell__V1__Usage *message)
{
    if (message == NULL)
        return (struct sw_usage){0};
    return (struct sw_usage){.input_tokens = message->input_tokens,
                             .cached_input_tokens = message->cached_input_tokens,
                             .output_tokens = message->output_tokens,
                             .cost_micros = message->cost_micros};
}

void sw_decode_complete_step(const Stepwell__V1__CompleteStepRequest *message,
                             struct sw_arena *arena, struct sw_complete_step_request *ret_request)
{
    *ret_request = (struct sw_complete_step_request){
        .run_id = text(message->run_id),
        .lease = message->lease,
        .key = text(message->key),
        .attempt = message->attempt,
        .usage = usage(message->usage),
    };
    switch (message->outcome_case) {
    case STEPWELL__V1__COMPLETE_STEP_REQUEST__OUTCOME_OUTPUT:
        ret_request->outcome = SW_OUTCOME_OUTPUT;
        ret_request->output = payload(message->output);
        break;
    case STEPWELL__V1__COMPLETE_STEP_REQUEST__OUTCOME_FAILURE:
        ret_request->outcome = SW_OUTCOME_FAILURE;
        ret_request->failure = failure(message->failure);
        break;
    case STEPWELL__V1__COMPLETE_STEP_REQUEST__OUTCOME_UNKNOWN:
        ret_request->outcome = SW_OUTCOME_UNKNOWN;
        ret_request->failure = failure(message->unknown);
        break;
    case STEPWELL__V1__COMPLETE_STEP_REQUEST__OUTCOME__NOT_SET:
    case _STEPWELL__V1__COMPLETE_STEP_REQUEST__OUTCOME__CASE_IS_INT_SIZE:
        break; /* the service refuses it */
    }
    if (message->begin_next != NULL) {
        ret_request->has_next = true;
        begin_next(message->begin_next, arena, &ret_request->next);
    }
}

void sw_decode_note_step(const Stepwell__V1__NoteStepRequest *message,
                         struct sw_note_step_request *ret_request)
{
    *ret_request = (struct sw_note_step_request){
        .run_id = text(message->run_id),
        .lease = message->lease,
        .key = text(message->key),
        .attempt = message->attempt,
        .external_ref = text(message->external_ref),
        .progress = payload(message->progress),
    };
}

static void resolution(const Stepwell__V1__Resolution *message,
                       struct sw_resolve_step_request *request)
{
    if (message == NULL)
        return;
    switch (message->resolution_case) {
    case STEPWELL__V1__RESOLUTION__RESOLUTION_HAPPENED:
        request->resolution = SW_RESOLUTION_HAPPENED;
        request->output = payload(message->happened);
        break;
    case STEPWELL__V1__RESOLUTION__RESOLUTION_DID_NOT_HAPPEN:
        request->resolution = SW_RESOLUTION_DID_NOT_HAPPEN;
        break;
    case STEPWELL__V1__RESOLUTION__RESOLUTION_GIVE_UP:
        request->resolution = SW_RESOLUTION_GIVE_UP;
        request->failure = failure(message->give_up);
        break;
    case STEPWELL__V1__RESOLUTION__RESOLUTION__NOT_SET:
    case _STEPWELL__V1__RESOLUTION__RESOLUTION__CASE_IS_INT_SIZE:
        break; /* the service refuses it */
    }
}

void sw_decode_agent_resolve(const Stepwell__V1__AgentServiceResolveStepRequest *message,
                             struct sw_resolve_step_request *ret_request)
{
    *ret_request = (struct sw_resolve_step_request){.run_id = text(message->run_id),
                                                    .lease = message->lease,
                                                    .key = text(message->key),
                                                    .by = text(message->by)};
    resolution(message->resolution, ret_request);
}

void sw_decode_control_resolve(const Stepwell__V1__ControlServiceResolveStepRequest *message,
                               struct sw_resolve_step_request *ret_request)
{
    *ret_request = (struct sw_resolve_step_request){.run_id = text(message->run_id),
                                                    .by_person = true,
                                                    .key = text(message->key),
                                                    .by = text(message->by)};
    resolution(message->resolution, ret_request);
}

void sw_decode_end_run(const Stepwell__V1__EndRunRequest *message, struct sw_arena *arena,
                       struct sw_end_run_request *ret_request)
{
    *ret_request = (struct sw_end_run_request){
        .run_id = text(message->run_id),
        .lease = message->lease,
        .unvisited = texts(message->unvisited_keys, message->n_unvisited_keys, arena),
        .unvisited_count = (uint32_t)message->n_unvisited_keys,
    };
    if (message->outcome_case == STEPWELL__V1__END_RUN_REQUEST__OUTCOME_RESULT)
        ret_request->result = payload(message->result);
    if (message->outcome_case == STEPWELL__V1__END_RUN_REQUEST__OUTCOME_FAILURE) {
        ret_request->failed = true;
        ret_request->failure = failure(message->failure);
    }
}

void sw_decode_claim_run(const Stepwell__V1__ClaimRunRequest *message, struct sw_arena *arena,
                         struct sw_claim_run_request *ret_request)
{
    *ret_request = (struct sw_claim_run_request){
        .tasks = texts(message->tasks, message->n_tasks, arena),
        .tasks_count = (uint32_t)message->n_tasks,
        .holder_name = text(message->holder),
        .wait_ms = message->wait_ms,
    };
}
