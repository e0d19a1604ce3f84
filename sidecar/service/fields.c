/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/service/fields.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static const uint64_t DAY_MS = UINT64_C(24) * 60 * 60 * 1000;

enum {
    ATTEMPTS_MAX = 10000,
    INITIAL_DAYS_MAX = 1,
    CAP_DAYS_MAX = 30,
    TIMEOUT_DAYS_MAX = 365,
    WAIT_MS_MAX = 10 * 60 * 1000
};

/* Where in the request we are: names below are relative to the prefix. */
struct scope {
    const char *prefix;
    const struct sw_limits *limits;
    struct sw_err *err;
};

static enum sw_code refuse(const struct scope *scope, const char *field, uint64_t limit,
                           const char *text)
{
    char path[SW_ERR_FIELD_MAX];

    snprintf(path, sizeof(path), "%s%s", scope->prefix, field);
    return sw_fail_field(scope->err, path, limit, "%s", text);
}

static enum sw_code refuse_size(const struct scope *scope, const char *field, uint64_t size,
                                uint64_t max, const char *unit)
{
    char text[96];

    snprintf(text, sizeof(text), "%" PRIu64 " %s, at most %" PRIu64, size, unit, max);
    return refuse(scope, field, max, text);
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* Bytes of the code point that starts at p; 0: none does. */
static size_t code_point_size(const uint8_t *p, size_t left)
{
    if (p[0] >= 0x01 && p[0] <= 0x7F)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        return left >= 2 && is_continuation(p[1]) ? 2 : 0;
    if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        if (left < 3 || !is_continuation(p[1]) || !is_continuation(p[2]))
            return 0;
        if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F))
            return 0; /* overlong, surrogate */
        return 3;
    }
    if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        if (left < 4 || !is_continuation(p[1]) || !is_continuation(p[2]) || !is_continuation(p[3]))
            return 0;
        if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
            return 0; /* overlong, above U+10FFFF */
        return 4;
    }
    return 0;
}

bool sw_fields_is_text(struct sw_span text)
{
    size_t at = 0;

    while (at < text.size) {
        size_t size = code_point_size(text.data + at, text.size - at);

        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

static enum sw_code check_text(const struct scope *scope, const char *field, struct sw_span text,
                               bool required, size_t max)
{
    if (required && text.size == 0)
        return refuse(scope, field, 1, "empty, at least 1 byte");
    if (text.size > max)
        return refuse_size(scope, field, text.size, max, "bytes");
    if (!sw_fields_is_text(text))
        return refuse(scope, field, 0, "not UTF-8 without NUL");
    return SW_OK;
}

static enum sw_code check_number(const struct scope *scope, const char *field, uint64_t number,
                                 uint64_t max)
{
    char text[96];

    if (number <= max)
        return SW_OK;
    snprintf(text, sizeof(text), "%" PRIu64 ", at most %" PRIu64, number, max);
    return refuse(scope, field, max, text);
}

/* An enumerator as it came from the wire; 0 stands for a default where there is one. */
static enum sw_code check_enum(const struct scope *scope, const char *field, unsigned number,
                               unsigned last)
{
    char text[64];

    if (number <= last)
        return SW_OK;
    snprintf(text, sizeof(text), "%u is no known value", number);
    return refuse(scope, field, last, text);
}

static enum sw_code check_payload(const struct scope *scope, const char *field,
                                  const struct sw_payload *payload)
{
    char path[SW_ERR_FIELD_MAX];
    enum sw_code rc;

    if (!payload->present)
        return SW_OK;
    if (payload->data.size > scope->limits->payload_bytes_max) {
        snprintf(path, sizeof(path), "%s.data", field);
        return refuse_size(scope, path, payload->data.size, scope->limits->payload_bytes_max,
                           "bytes");
    }
    if (payload->content_type.size == 0)
        return SW_OK;
    snprintf(path, sizeof(path), "%s.content_type", field);
    rc = check_text(scope, path, payload->content_type, false, SW_CONTENT_TYPE_MAX);
    return rc;
}

static enum sw_code check_failure(const struct scope *scope, const char *field,
                                  const struct sw_failure *failure)
{
    char path[SW_ERR_FIELD_MAX];
    enum sw_code rc;

    snprintf(path, sizeof(path), "%s.type", field);
    rc = check_text(scope, path, failure->type, true, SW_FAILURE_TYPE_MAX);
    if (rc != SW_OK)
        return rc;
    snprintf(path, sizeof(path), "%s.message", field);
    rc = check_text(scope, path, failure->message, false, SW_FAILURE_MESSAGE_MAX);
    if (rc != SW_OK)
        return rc;
    snprintf(path, sizeof(path), "%s.details", field);
    return check_payload(scope, path, &failure->details);
}

static enum sw_code check_texts(const struct scope *scope, const char *field,
                                const struct sw_span *texts, uint32_t count, uint32_t count_max,
                                size_t size_max)
{
    char path[SW_ERR_FIELD_MAX];

    if (count > count_max)
        return refuse_size(scope, field, count, count_max, "entries");
    for (uint32_t i = 0; i < count; i++) {
        enum sw_code rc;

        snprintf(path, sizeof(path), "%s[%" PRIu32 "]", field, i);
        rc = check_text(scope, path, texts[i], true, size_max);
        if (rc != SW_OK)
            return rc;
    }
    return SW_OK;
}

static enum sw_code check_lease(const struct scope *scope, uint64_t lease)
{
    return lease == 0 ? refuse(scope, "lease", 1, "0, at least 1") : SW_OK;
}

/* What most requests start with. */
static enum sw_code check_run(const struct scope *scope, struct sw_span run_id, uint64_t lease)
{
    enum sw_code rc = check_text(scope, "run_id", run_id, true, SW_RUN_ID_MAX);

    return rc != SW_OK ? rc : check_lease(scope, lease);
}

static enum sw_code check_attempt(const struct scope *scope, struct sw_span key, uint32_t attempt)
{
    enum sw_code rc = check_text(scope, "key", key, true, SW_KEY_MAX);

    if (rc == SW_OK && attempt == 0)
        rc = refuse(scope, "attempt", 1, "0, at least 1");
    return rc;
}

static enum sw_code check_retry(const struct scope *scope, const struct sw_retry *retry)
{
    enum sw_code rc;

    rc = check_number(scope, "retry.max_attempts", retry->max_attempts, ATTEMPTS_MAX);
    if (rc == SW_OK)
        rc = check_number(scope, "retry.initial_ms", retry->initial_ms, INITIAL_DAYS_MAX * DAY_MS);
    if (rc == SW_OK)
        rc = check_number(scope, "retry.cap_ms", retry->cap_ms, CAP_DAYS_MAX * DAY_MS);
    if (rc != SW_OK)
        return rc;
    /* Written so that NaN is refused. */
    if (!(retry->factor >= 1.0 && retry->factor <= 100.0) &&
        !(retry->factor >= 0.0 && retry->factor <= 0.0))
        return refuse(scope, "retry.factor", 100, "must be 0 or from 1.0 to 100");
    if (!(retry->jitter >= 0.0 && retry->jitter <= 1.0))
        return refuse(scope, "retry.jitter", 1, "must be from 0.0 to 1.0");
    return check_texts(scope, "retry.non_retryable_types", retry->non_retryable_types,
                       retry->non_retryable_types_count, SW_NON_RETRYABLE_TYPES_MAX,
                       SW_FAILURE_TYPE_MAX);
}

static enum sw_code check_input(const struct scope *scope, const struct sw_begin_step *step)
{
    assert(!(step->has_input_digest && step->input.present)); /* a oneof on the wire */

    if (step->has_input_digest && step->input_digest.size != SW_DIGEST_SIZE)
        return refuse(scope, "input_digest", SW_DIGEST_SIZE, "must be of 32 bytes");
    return check_payload(scope, "input", &step->input);
}

static enum sw_code check_step(const struct scope *scope, const struct sw_begin_step *step)
{
    enum sw_code rc;

    rc = check_text(scope, "key", step->key, true, SW_KEY_MAX);
    if (rc == SW_OK)
        rc = check_text(scope, "name", step->name, false, SW_NAME_MAX);
    if (rc == SW_OK)
        rc = check_enum(scope, "kind", step->kind, SW_KIND_WAIT);
    if (rc == SW_OK)
        rc = check_enum(scope, "effect", step->effect, SW_EFFECT_ONCE);
    if (rc == SW_OK)
        rc = check_input(scope, step);
    if (rc == SW_OK)
        rc = check_retry(scope, &step->retry);
    if (rc == SW_OK)
        rc = check_number(scope, "timeouts.start_to_close_ms", step->start_to_close_ms,
                          TIMEOUT_DAYS_MAX * DAY_MS);
    if (rc == SW_OK)
        rc = check_number(scope, "timeouts.heartbeat_ms", step->heartbeat_ms,
                          TIMEOUT_DAYS_MAX * DAY_MS);
    if (rc == SW_OK)
        rc = check_enum(scope, "durability", step->durability, SW_DURABILITY_REMOTE);
    if (rc == SW_OK)
        rc = check_text(scope, "request_id", step->request_id, false, SW_REQUEST_ID_MAX);
    return rc;
}

static enum sw_code check_labels(const struct scope *scope, const struct sw_label *labels,
                                 size_t count)
{
    enum sw_code rc = SW_OK;

    if (count > SW_LABELS_MAX)
        return refuse_size(scope, "labels", count, SW_LABELS_MAX, "entries");
    for (size_t i = 0; i < count && rc == SW_OK; i++) {
        rc = check_text(scope, "labels.key", labels[i].key, true, SW_LABEL_KEY_MAX);
        if (rc == SW_OK)
            rc = check_text(scope, "labels.value", labels[i].value, false, SW_LABEL_VALUE_MAX);
    }
    return rc;
}

enum sw_code sw_fields_check_start_run(const struct sw_limits *limits,
                                       const struct sw_start_run_request *request,
                                       struct sw_err *err)
{
    const struct scope scope = {.prefix = "", .limits = limits, .err = err};
    enum sw_code rc;

    rc = check_text(&scope, "run_id", request->run_id, false, SW_RUN_ID_MAX);
    if (rc == SW_OK)
        rc = check_text(&scope, "task", request->task, true, SW_TASK_MAX);
    if (rc == SW_OK)
        rc = check_payload(&scope, "input", &request->input);
    if (rc == SW_OK)
        rc = check_labels(&scope, request->labels, request->labels_count);
    if (rc == SW_OK)
        rc = check_text(&scope, "code_version", request->code_version, false, SW_CODE_VERSION_MAX);
    if (rc == SW_OK)
        rc = check_enum(&scope, "on_divergence", request->on_divergence, SW_DIVERGENCE_ACCEPT);
    if (rc == SW_OK)
        rc = check_text(&scope, "holder", request->holder_name, false, SW_HOLDER_MAX);
    return rc;
}

enum sw_code sw_fields_check_resume(const struct sw_limits *limits,
                                    const struct sw_resume_request *request, struct sw_err *err)
{
    const struct scope scope = {.prefix = "", .limits = limits, .err = err};
    enum sw_code rc = check_text(&scope, "run_id", request->run_id, true, SW_RUN_ID_MAX);

    if (rc == SW_OK)
        rc = check_text(&scope, "holder", request->holder_name, false, SW_HOLDER_MAX);
    return rc;
}

enum sw_code sw_fields_check_begin_step(const struct sw_limits *limits,
                                        const struct sw_begin_step_request *request,
                                        struct sw_err *err)
{
    const struct scope scope = {.prefix = "", .limits = limits, .err = err};
    enum sw_code rc = check_run(&scope, request->run_id, request->lease);

    return rc != SW_OK ? rc : check_step(&scope, &request->step);
}

static enum sw_code check_outcome(const struct scope *scope,
                                  const struct sw_complete_step_request *request)
{
    switch (request->outcome) {
    case SW_OUTCOME_OUTPUT:
        return check_payload(scope, "output", &request->output);
    case SW_OUTCOME_FAILURE:
        return check_failure(scope, "failure", &request->failure);
    case SW_OUTCOME_UNKNOWN:
        return check_failure(scope, "unknown", &request->failure);
    }
    return refuse(scope, "outcome", 0, "none is set");
}

enum sw_code sw_fields_check_complete_step(const struct sw_limits *limits,
                                           const struct sw_complete_step_request *request,
                                           struct sw_err *err)
{
    const struct scope scope = {.prefix = "", .limits = limits, .err = err};
    const struct scope next = {.prefix = "begin_next.", .limits = limits, .err = err};
    enum sw_code rc = check_run(&scope, request->run_id, request->lease);

    if (rc == SW_OK)
        rc = check_attempt(&scope, request->key, request->attempt);
    if (rc == SW_OK)
        rc = check_outcome(&scope, request);
    if (rc == SW_OK && request->has_next)
        rc = check_step(&next, &request->next);
    return rc;
}

enum sw_code sw_fields_check_note_step(const struct sw_limits *limits,
                                       const struct sw_note_step_request *request,
                                       struct sw_err *err)
{
    const struct scope scope = {.prefix = "", .limits = limits, .err = err};
    enum sw_code rc = check_run(&scope, request->run_id, request->lease);

    if (rc == SW_OK)
        rc = check_attempt(&scope, request->key, request->attempt);
    if (rc == SW_OK)
        rc = check_text(&scope, "external_ref", request->external_ref, false, SW_EXTERNAL_REF_MAX);
    if (rc == SW_OK)
        rc = check_payload(&scope, "progress", &request->progress);
    return rc;
}

static enum sw_code check_resolution(const struct scope *scope,
                                     const struct sw_resolve_step_request *request)
{
    switch (request->resolution) {
    case SW_RESOLUTION_HAPPENED:
        if (!request->output.present)
            return refuse(scope, "resolution.happened", 0, "not set");
        return check_payload(scope, "resolution.happened", &request->output);
    case SW_RESOLUTION_DID_NOT_HAPPEN:
        return SW_OK;
    case SW_RESOLUTION_GIVE_UP:
        return check_failure(scope, "resolution.give_up", &request->failure);
    }
    return refuse(scope, "resolution", 0, "none is set");
}

enum sw_code sw_fields_check_resolve_step(const struct sw_limits *limits,
                                          const struct sw_resolve_step_request *request,
                                          struct sw_err *err)
{
    const struct scope scope = {.prefix = "", .limits = limits, .err = err};
    enum sw_code rc = check_text(&scope, "run_id", request->run_id, true, SW_RUN_ID_MAX);

    if (rc == SW_OK && !request->by_person)
        rc = check_lease(&scope, request->lease);
    if (rc == SW_OK)
        rc = check_text(&scope, "key", request->key, true, SW_KEY_MAX);
    if (rc == SW_OK)
        rc = check_resolution(&scope, request);
    if (rc == SW_OK)
        rc = check_text(&scope, "by", request->by, true, SW_RESOLVED_BY_MAX);
    return rc;
}

enum sw_code sw_fields_check_end_run(const struct sw_limits *limits,
                                     const struct sw_end_run_request *request, struct sw_err *err)
{
    const struct scope scope = {.prefix = "", .limits = limits, .err = err};
    enum sw_code rc = check_run(&scope, request->run_id, request->lease);

    if (rc == SW_OK && request->failed)
        rc = check_failure(&scope, "failure", &request->failure);
    if (rc == SW_OK && !request->failed)
        rc = check_payload(&scope, "result", &request->result);
    if (rc == SW_OK)
        rc = check_texts(&scope, "unvisited_keys", request->unvisited, request->unvisited_count,
                         SW_UNVISITED_KEYS_MAX, SW_KEY_MAX);
    return rc;
}

enum sw_code sw_fields_check_claim_run(const struct sw_limits *limits,
                                       const struct sw_claim_run_request *request,
                                       struct sw_err *err)
{
    const struct scope scope = {.prefix = "", .limits = limits, .err = err};
    enum sw_code rc;

    rc = check_texts(&scope, "tasks", request->tasks, request->tasks_count, SW_CLAIM_TASKS_MAX,
                     SW_TASK_MAX);
    if (rc == SW_OK)
        rc = check_text(&scope, "holder", request->holder_name, false, SW_HOLDER_MAX);
    if (rc == SW_OK)
        rc = check_number(&scope, "wait_ms", request->wait_ms, WAIT_MS_MAX);
    return rc;
}

enum sw_code sw_fields_check_run_id(struct sw_span run_id, bool required, struct sw_err *err)
{
    const struct scope scope = {.prefix = "", .err = err};

    return check_text(&scope, "run_id", run_id, required, SW_RUN_ID_MAX);
}

enum sw_code sw_fields_check_filter(struct sw_span task, const struct sw_label *labels,
                                    size_t count, struct sw_err *err)
{
    const struct scope scope = {.prefix = "", .err = err};
    enum sw_code rc = check_text(&scope, "task", task, false, SW_TASK_MAX);

    return rc != SW_OK ? rc : check_labels(&scope, labels, count);
}
