/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/engine/backoff.h"
#include "sidecar/rpc/codec.h"
#include "storage/journal/journal.h"

#include <stdio.h>
#include <stdlib.h>

char *sw_codec_text(struct sw_arena *arena, struct sw_span span)
{
    static char empty[] = "";
    char *copy;

    if (span.size == 0)
        return empty;
    copy = sw_arena_text(arena, span);
    if (copy == NULL)
        abort();
    return copy;
}

/* protobuf-c takes non-const bytes it never writes to. */
static ProtobufCBinaryData bytes(struct sw_span span)
{
    union {
        const uint8_t *in;
        uint8_t *out;
    } data = {.in = span.data};

    return (ProtobufCBinaryData){.len = span.size, .data = data.out};
}

static Stepwell__V1__Payload *payload(const struct sw_payload *view, struct sw_arena *arena)
{
    Stepwell__V1__Payload *message = sw_codec_make(arena, sizeof *message);

    stepwell__v1__payload__init(message);
    message->data = bytes(view->data);
    message->content_type = sw_codec_text(arena, view->content_type);
    return message;
}

static Stepwell__V1__Failure *failure(const struct sw_failure *view, struct sw_arena *arena)
{
    Stepwell__V1__Failure *message = sw_codec_make(arena, sizeof *message);

    stepwell__v1__failure__init(message);
    message->type = sw_codec_text(arena, view->type);
    message->message = sw_codec_text(arena, view->message);
    if (view->details.present)
        message->details = payload(&view->details, arena);
    message->non_retryable = view->non_retryable;
    return message;
}

static Stepwell__V1__Usage *usage(const struct sw_usage *view, struct sw_arena *arena)
{
    Stepwell__V1__Usage *message;

    if (view->input_tokens == 0 && view->output_tokens == 0 && view->cost_micros == 0 &&
        view->cached_input_tokens == 0)
        return NULL;
    message = sw_codec_make(arena, sizeof *message);
    stepwell__v1__usage__init(message);
    message->input_tokens = view->input_tokens;
    message->cached_input_tokens = view->cached_input_tokens;
    message->output_tokens = view->output_tokens;
    message->cost_micros = view->cost_micros;
    return message;
}

static char **texts(const struct sw_span *spans, size_t count, struct sw_arena *arena)
{
    char **values = sw_codec_make(arena, (count + 1) * sizeof *values);

    for (size_t i = 0; i < count; i++)
        values[i] = sw_codec_text(arena, spans[i]);
    return values;
}

static char **refs(const struct sw_external_ref *first, size_t *ret_count, struct sw_arena *arena)
{
    size_t count = 0;
    char **values;

    for (const struct sw_external_ref *ref = first; ref != NULL; ref = ref->next)
        count++;
    values = sw_codec_make(arena, (count + 1) * sizeof *values);
    *ret_count = count;
    count = 0;
    for (const struct sw_external_ref *ref = first; ref != NULL; ref = ref->next)
        values[count++] = sw_codec_text(arena, ref->text);
    return values;
}

static void labels(const struct sw_run_view *view, Stepwell__V1__Run *run, struct sw_arena *arena)
{
    run->n_labels = view->labels_count;
    run->labels = sw_codec_make(arena, (view->labels_count + 1u) * sizeof *run->labels);
    for (uint32_t i = 0; i < view->labels_count; i++) {
        run->labels[i] = sw_codec_make(arena, sizeof *run->labels[i]);
        stepwell__v1__run__labels_entry__init(run->labels[i]);
        run->labels[i]->key = sw_codec_text(arena, view->labels[i].key);
        run->labels[i]->value = sw_codec_text(arena, view->labels[i].value);
    }
}

Stepwell__V1__Run *sw_encode_run(const struct sw_run_view *view, struct sw_arena *arena)
{
    const struct sw_run_head *head = &view->head;
    Stepwell__V1__Run *run = sw_codec_make(arena, sizeof *run);

    stepwell__v1__run__init(run);
    run->run_id = sw_codec_text(arena, head->run_id);
    run->task = sw_codec_text(arena, head->task);
    run->state = (Stepwell__V1__RunState)head->state;
    if (view->input.present)
        run->input = payload(&view->input, arena);
    labels(view, run, arena);
    run->code_version = sw_codec_text(arena, view->code_version);
    run->on_divergence = (Stepwell__V1__DivergencePolicy)head->on_divergence;
    run->lease = head->lease;
    run->holder = sw_codec_text(arena, head->holder);
    run->held = view->held;
    run->started_ms = head->started_ms;
    run->ended_ms = head->ended_ms;
    run->first_lsn = head->run;
    run->last_lsn = head->last_lsn;
    run->steps = head->steps;
    run->steps_in_doubt = view->steps_in_doubt;
    run->usage = usage(&head->usage, arena);
    if (view->result.present) {
        run->outcome_case = STEPWELL__V1__RUN__OUTCOME_RESULT;
        run->result = payload(&view->result, arena);
    } else if (view->failure.type.size != 0) {
        run->outcome_case = STEPWELL__V1__RUN__OUTCOME_FAILURE;
        run->failure = failure(&view->failure, arena);
    }
    run->n_unvisited_keys = view->unvisited_count;
    run->unvisited_keys = texts(view->unvisited, view->unvisited_count, arena);
    return run;
}

Stepwell__V1__StepState sw_encode_outcome_state(enum sw_step_state state)
{
    switch (state) {
    case SW_STEP_OPEN:
        return STEPWELL__V1__STEP_STATE__STEP_STATE_OPEN;
    case SW_STEP_DOUBTED:
        return STEPWELL__V1__STEP_STATE__STEP_STATE_IN_DOUBT;
    case SW_STEP_RETRYING:
        return STEPWELL__V1__STEP_STATE__STEP_STATE_RETRYING;
    case SW_STEP_COMPLETED:
        return STEPWELL__V1__STEP_STATE__STEP_STATE_COMPLETED;
    case SW_STEP_FAILED:
        return STEPWELL__V1__STEP_STATE__STEP_STATE_FAILED;
    case SW_STEP_ABSENT:
    case SW_STEP_STATE_COUNT:
        break;
    }
    return STEPWELL__V1__STEP_STATE__STEP_STATE_UNSPECIFIED;
}

Stepwell__V1__Step *sw_encode_step(const struct sw_step_view *view, struct sw_span journal,
                                   const struct sw_run_head *head, bool held, uint64_t now_ms,
                                   struct sw_arena *arena)
{
    const struct sw_step *step = view->step;
    Stepwell__V1__Step *message = sw_codec_make(arena, sizeof *message);
    char *key = sw_codec_make(arena, SW_UUID_TEXT_SIZE);

    stepwell__v1__step__init(message);
    sw_idempotency_key(journal, head->run_id, step->key, key);
    message->key = sw_codec_text(arena, step->key);
    message->name = sw_codec_text(arena, step->name);
    message->kind = (Stepwell__V1__Kind)step->kind;
    message->effect = (Stepwell__V1__Effect)step->effect;
    message->state = sw_step_doubt(step, head->lease, held, now_ms) == SW_DOUBT_NOT
                         ? sw_encode_outcome_state(step->state)
                         : STEPWELL__V1__STEP_STATE__STEP_STATE_IN_DOUBT;
    message->attempt = step->attempt;
    message->idempotency_key = key;
    if (step->has_digest)
        message->input_digest = bytes(sw_span_of(step->digest.bytes, SW_DIGEST_SIZE));
    if (view->input.present)
        message->input = payload(&view->input, arena);
    if (view->output.present) {
        message->outcome_case = STEPWELL__V1__STEP__OUTCOME_OUTPUT;
        message->output = payload(&view->output, arena);
    } else if (view->failure.type.size != 0) {
        message->outcome_case = STEPWELL__V1__STEP__OUTCOME_FAILURE;
        message->failure = failure(&view->failure, arena);
    }
    message->usage = usage(&step->usage, arena);
    message->external_refs = refs(step->refs, &message->n_external_refs, arena);
    if (view->progress.present)
        message->progress = payload(&view->progress, arena);
    message->begun_ms = step->begun_ms;
    message->finished_ms = step->finished_ms;
    message->not_before_ms = step->not_before_ms;
    message->lsn = step->last_lsn;
    message->resolved_by = sw_codec_text(arena, step->resolved_by);
    return message;
}

static Stepwell__V1__Execute *execute(const struct sw_verdict_answer *answer,
                                      struct sw_arena *arena)
{
    Stepwell__V1__Execute *message = sw_codec_make(arena, sizeof *message);

    stepwell__v1__execute__init(message);
    message->attempt = answer->attempt;
    message->idempotency_key = sw_codec_text(arena, sw_span_of_text(answer->idempotency_key));
    message->fencing_token = answer->fencing_token;
    message->deadline_ms = answer->deadline_ms;
    if (answer->refs != NULL)
        message->external_refs = refs(answer->refs, &message->n_external_refs, arena);
    if (answer->progress.present)
        message->progress = payload(&answer->progress, arena);
    return message;
}

static Stepwell__V1__Replay *replay(const struct sw_verdict_answer *answer, struct sw_arena *arena)
{
    Stepwell__V1__Replay *message = sw_codec_make(arena, sizeof *message);

    stepwell__v1__replay__init(message);
    message->attempt = answer->attempt;
    message->lsn = answer->lsn;
    message->accepted_divergence = answer->accepted_divergence;
    if (answer->output.present) {
        message->outcome_case = STEPWELL__V1__REPLAY__OUTCOME_OUTPUT;
        message->output = payload(&answer->output, arena);
    } else {
        message->outcome_case = STEPWELL__V1__REPLAY__OUTCOME_FAILURE;
        message->failure = failure(&answer->failure, arena);
    }
    return message;
}

static Stepwell__V1__InDoubt *in_doubt(const struct sw_verdict_answer *answer,
                                       struct sw_arena *arena)
{
    Stepwell__V1__InDoubt *message = sw_codec_make(arena, sizeof *message);

    stepwell__v1__in_doubt__init(message);
    message->attempts = answer->attempt;
    message->idempotency_key = sw_codec_text(arena, sw_span_of_text(answer->idempotency_key));
    message->external_refs = refs(answer->refs, &message->n_external_refs, arena);
    if (answer->progress.present)
        message->progress = payload(&answer->progress, arena);
    message->holder = sw_codec_text(arena, answer->holder_name);
    message->begun_ms = answer->begun_ms;
    message->reason = (Stepwell__V1__DoubtReason)answer->doubt;
    return message;
}

static Stepwell__V1__Diverged *diverged(const struct sw_verdict_answer *answer,
                                        struct sw_arena *arena)
{
    Stepwell__V1__Diverged *message = sw_codec_make(arena, sizeof *message);

    stepwell__v1__diverged__init(message);
    message->recorded_digest = bytes(answer->recorded_digest);
    message->offered_digest = bytes(answer->offered_digest);
    message->recorded_name = sw_codec_text(arena, answer->recorded_name);
    message->offered_name = sw_codec_text(arena, answer->offered_name);
    return message;
}

static Stepwell__V1__Wait *wait_for(const struct sw_verdict_answer *answer, struct sw_arena *arena)
{
    Stepwell__V1__Wait *message = sw_codec_make(arena, sizeof *message);

    stepwell__v1__wait__init(message);
    message->not_before_ms = answer->not_before_ms;
    message->reason = (Stepwell__V1__WaitReason)answer->wait;
    message->attempt = answer->attempt;
    if (answer->failure.type.size != 0)
        message->failure = failure(&answer->failure, arena);
    return message;
}

Stepwell__V1__Verdict *sw_encode_verdict(const struct sw_verdict_answer *answer,
                                         struct sw_arena *arena)
{
    Stepwell__V1__Verdict *message = sw_codec_make(arena, sizeof *message);

    stepwell__v1__verdict__init(message);
    switch (answer->verdict) {
    case SW_VERDICT_EXECUTE:
        message->verdict_case = STEPWELL__V1__VERDICT__VERDICT_EXECUTE;
        message->execute = execute(answer, arena);
        break;
    case SW_VERDICT_REPLAY:
        message->verdict_case = STEPWELL__V1__VERDICT__VERDICT_REPLAY;
        message->replay = replay(answer, arena);
        break;
    case SW_VERDICT_IN_DOUBT:
        message->verdict_case = STEPWELL__V1__VERDICT__VERDICT_IN_DOUBT;
        message->in_doubt = in_doubt(answer, arena);
        break;
    case SW_VERDICT_DIVERGED:
        message->verdict_case = STEPWELL__V1__VERDICT__VERDICT_DIVERGED;
        message->diverged = diverged(answer, arena);
        break;
    case SW_VERDICT_WAIT:
        message->verdict_case = STEPWELL__V1__VERDICT__VERDICT_WAIT;
        message->wait = wait_for(answer, arena);
        break;
    }
    return message;
}

Stepwell__V1__Record *sw_encode_record(const struct sw_record *record, struct sw_span run_id,
                                       struct sw_arena *arena)
{
    enum { SUMMARY_MAX = 256 };
    Stepwell__V1__Record *message = sw_codec_make(arena, sizeof *message);
    char *summary = sw_codec_make(arena, SUMMARY_MAX);

    stepwell__v1__record__init(message);
    sw_record_summary(record, summary, SUMMARY_MAX);
    message->lsn = record->lsn;
    message->type = (Stepwell__V1__RecordType)record->type;
    message->run_id = sw_codec_text(arena, run_id);
    message->at_ms = record->at_ms;
    message->key = sw_codec_text(arena, record->key);
    message->attempt = record->attempt;
    message->lease = record->lease;
    message->payload_bytes = record->purged ? 0 : sw_record_payload_bytes(record);
    message->chain = bytes(sw_span_of(record->chain.bytes, SW_DIGEST_SIZE));
    message->summary = summary;
    message->purged = record->purged;
    return message;
}

Stepwell__V1__SessionError *sw_encode_session_error(enum sw_code rc, const struct sw_err *err,
                                                    struct sw_session_error *error)
{
    static char keys[2][8] = {"field", "limit"}; /* protobuf-c has no const strings */
    Stepwell__V1__SessionError *message = &error->message;

    error->err = *err;
    snprintf(error->reason, sizeof error->reason, "%s", sw_code_name(rc));
    snprintf(error->limit, sizeof error->limit, "%llu", (unsigned long long)err->limit);
    for (int i = 0; i < 2; i++) {
        stepwell__v1__session_error__metadata_entry__init(&error->entries[i]);
        error->entries[i].key = keys[i];
        error->metadata[i] = &error->entries[i];
    }
    error->entries[0].value = error->err.field;
    error->entries[1].value = error->limit;
    stepwell__v1__session_error__init(message);
    message->code = (uint32_t)sw_code_grpc(rc);
    message->message = error->err.text;
    message->reason = error->reason;
    message->retry_after_ms = sw_code_retry_ms(rc);
    message->metadata = error->metadata;
    message->n_metadata = err->field[0] == '\0' ? 0 : err->limit == 0 ? 1 : 2;
    return message;
}
