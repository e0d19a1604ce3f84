/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "sidecar/engine/backoff.h"
#include "sidecar/service/fields.h"
#include "sidecar/service/verb.h"
#include "storage/journal/journal.h"

/* One BeginStep on its way. */
struct begin {
    struct sw_service *service;
    struct sw_call *call;
    struct sw_run_entry *entry;
    const struct sw_begin_step *ask;
    uint64_t now_ms;
    struct sw_begin_offer offer;
    struct sw_begin_decision decision;
    struct sw_found_step found;
};

/* Whether the intent must be on disk before the caller acts on it. */
static bool must_sync(const struct begin *begin, enum sw_effect effect)
{
#ifdef SW_BREAK_UNSYNCED_INTENT
    (void)effect;
    return begin->ask->durability == SW_DURABILITY_LOCAL;
#else
    return effect == SW_EFFECT_ONCE || begin->ask->durability != SW_DURABILITY_DEFAULT;
#endif
}

/* Whether what the answer rests on must be off the node before the caller acts on it. */
static bool is_remote(const struct begin *begin)
{
    if (begin->ask->durability != SW_DURABILITY_DEFAULT)
        return begin->ask->durability == SW_DURABILITY_REMOTE;
    return begin->service->options.has_store &&
           (begin->offer.effect == SW_EFFECT_ONCE || begin->found.step->effect == SW_EFFECT_ONCE);
}

/* The answer tells of the record lsn. */
static void tell(const struct begin *begin, uint64_t lsn)
{
    sw_verb_tell(begin->service, begin->call, lsn);
    if (is_remote(begin) && lsn > begin->call->remote_lsn)
        begin->call->remote_lsn = lsn;
}

static struct sw_begin_offer offer_of(const struct sw_begin_step *ask)
{
    struct sw_begin_offer offer = {
        .name = ask->name,
        .effect = ask->effect == 0 ? SW_EFFECT_ONCE : ask->effect,
        .request_id = ask->request_id,
        .has_digest = ask->has_input_digest || ask->input.present,
    };

    if (ask->has_input_digest)
        memcpy(offer.digest.bytes, ask->input_digest.data, SW_DIGEST_SIZE);
    else if (ask->input.present)
        offer.digest = sw_verb_digest(ask->input.data);
    return offer;
}

/* The intent. A name or digest that this call leaves out stays as recorded. */
static struct sw_record intent_of(const struct begin *begin)
{
    const struct sw_begin_step *ask = begin->ask;
    const struct sw_step *step = begin->found.step;
    struct sw_record record = sw_verb_record(begin->entry, SW_RECORD_STEP_BEGUN, begin->now_ms);

    record.key = ask->key;
    record.attempt = begin->decision.attempt;
    record.u.step_begun.name = ask->name.size > 0 ? ask->name : step->name;
    record.u.step_begun.kind = ask->kind == 0 ? SW_KIND_CODE : ask->kind;
    record.u.step_begun.effect = begin->offer.effect;
    record.u.step_begun.input = ask->input;
    if (ask->input.present) { /* hashed once */
        record.u.step_begun.input.digest = begin->offer.digest;
        record.u.step_begun.input.digest_known = true;
    }
    record.u.step_begun.has_digest = begin->offer.has_digest || step->has_digest;
    record.u.step_begun.digest = begin->offer.has_digest ? begin->offer.digest : step->digest;
    record.u.step_begun.retry = ask->retry;
    sw_retry_fill(&record.u.step_begun.retry, begin->offer.effect);
    record.u.step_begun.start_to_close_ms = ask->start_to_close_ms;
    record.u.step_begun.heartbeat_ms = ask->heartbeat_ms;
    record.u.step_begun.request_id = ask->request_id;
    return record;
}

/* What attempts noted so far: refs and the newest progress. */
static enum sw_code answer_notes(const struct begin *begin, struct sw_verdict_answer *answer,
                                 struct sw_err *err)
{
    const struct sw_step *step = begin->found.step;
    struct sw_external_ref *first = NULL;
    struct sw_external_ref **tail = &first;
    struct sw_record *record;
    enum sw_code rc;

    for (const struct sw_external_ref *ref = step->refs; ref != NULL; ref = ref->next) {
        struct sw_external_ref *copy = sw_arena_zalloc(begin->call->arena, sizeof(*copy));

        if (copy == NULL || !sw_arena_copy(begin->call->arena, ref->text, &copy->text))
            return sw_fail(err, SW_NO_MEMORY, "answering");
        *tail = copy;
        tail = &copy->next;
    }
    answer->refs = first;
    if (step->progress_lsn == 0)
        return SW_OK;
    rc = sw_verb_read(begin->service, begin->call, step->progress_lsn, &record, err);
    if (rc == SW_OK)
        answer->progress = record->u.noted.progress;
    return rc;
}

static enum sw_code answer_execute(const struct begin *begin, struct sw_verdict_answer *answer,
                                   struct sw_err *err)
{
    struct sw_run_image *image = begin->entry->image;
    const struct sw_open_step *open = begin->found.open;
    enum sw_code rc;

    if (open == NULL && image->open.count >= begin->service->options.limits.open_steps_max)
        return sw_fail(err, SW_TOO_MANY_OPEN_STEPS, "%zu steps are unfinished, at most %u",
                       image->open.count, begin->service->options.limits.open_steps_max);
    rc = answer_notes(begin, answer, err);
    if (rc != SW_OK)
        return rc;
    if (begin->decision.record) {
        struct sw_record record = intent_of(begin);

        rc = sw_verb_check_backlog(begin->service, err);
        if (rc != SW_OK)
            return rc;
        rc = sw_verb_write(begin->service, begin->entry, &record, err);
        if (rc != SW_OK)
            return rc;
        open = sw_run_image_find(image, begin->ask->key);
    }
    assert(open != NULL);
    if (must_sync(begin, open->step.effect))
        tell(begin, open->step.intent_lsn);
    answer->fencing_token = open->step.intent_lsn;
    answer->deadline_ms = sw_step_deadline_ms(&open->step);
    sw_verb_idempotency_key(begin->service, begin->entry, begin->ask->key, answer->idempotency_key);
    return SW_OK;
}

static void answer_replay(const struct begin *begin, struct sw_verdict_answer *answer)
{
    const struct sw_record *end = begin->found.end;

    answer->lsn = end->lsn;
    answer->accepted_divergence = begin->decision.accepted_divergence;
    if (end->type == SW_RECORD_STEP_RESOLVED) {
        answer->output = end->u.resolved.output;
        answer->failure = end->u.resolved.failure;
    } else {
        answer->output = end->u.outcome.output;
        answer->failure = end->u.outcome.failure;
    }
    assert(answer->output.present || answer->failure.type.size > 0);
    tell(begin, end->lsn);
}

static enum sw_code answer_in_doubt(const struct begin *begin, struct sw_verdict_answer *answer,
                                    struct sw_err *err)
{
    const struct sw_open_step *open = begin->found.open;

    answer->begun_ms = open->step.begun_ms;
    answer->doubt = begin->decision.doubt;
    if (!sw_arena_copy(begin->call->arena, open->holder_name, &answer->holder_name))
        return sw_fail(err, SW_NO_MEMORY, "answering");
    sw_verb_idempotency_key(begin->service, begin->entry, begin->ask->key, answer->idempotency_key);
    tell(begin, open->step.last_lsn);
    return answer_notes(begin, answer, err);
}

static enum sw_code answer_diverged(const struct begin *begin, struct sw_verdict_answer *answer,
                                    struct sw_err *err)
{
    const struct sw_step *step = begin->found.step;
    struct sw_span recorded = sw_span_of(step->digest.bytes, SW_DIGEST_SIZE);
    struct sw_span offered = sw_span_of(begin->offer.digest.bytes, SW_DIGEST_SIZE);

    recorded.size = step->has_digest ? recorded.size : 0;
    offered.size = begin->offer.has_digest ? offered.size : 0;
    answer->offered_name = begin->ask->name;
    if (!sw_arena_copy(begin->call->arena, recorded, &answer->recorded_digest) ||
        !sw_arena_copy(begin->call->arena, offered, &answer->offered_digest) ||
        !sw_arena_copy(begin->call->arena, step->name, &answer->recorded_name))
        return sw_fail(err, SW_NO_MEMORY, "answering");
    tell(begin, step->last_lsn);
    return SW_OK;
}

static enum sw_code answer_wait(const struct begin *begin, struct sw_verdict_answer *answer,
                                struct sw_err *err)
{
    const struct sw_step *step = begin->found.step;
    struct sw_record *record;
    enum sw_code rc;

    answer->wait = begin->decision.wait;
    answer->not_before_ms = begin->decision.not_before_ms;
    sw_verb_tell(begin->service, begin->call, step->last_lsn);
    if (answer->wait != SW_WAIT_BACK_OFF)
        return SW_OK;
    rc = sw_verb_read(begin->service, begin->call, step->outcome_lsn, &record, err);
    if (rc == SW_OK)
        answer->failure = record->u.outcome.failure;
    return rc;
}

enum sw_code sw_verb_begin(struct sw_service *service, struct sw_call *call,
                           struct sw_run_entry *entry, const struct sw_begin_step *step,
                           uint64_t now_ms, struct sw_verdict_answer *ret_answer,
                           struct sw_err *err)
{
    struct begin begin = {
        .service = service, .call = call, .entry = entry, .ask = step, .now_ms = now_ms};
    struct sw_verdict_answer answer = {0};
    enum sw_code rc;

    if (step->durability == SW_DURABILITY_REMOTE && !service->options.has_store)
        return sw_fail(err, SW_NO_OBJECT_STORE, "no object store is configured");
    rc = sw_verb_find_step(service, call, entry, step->key, &begin.found, err);
    if (rc != SW_OK)
        return rc;
    begin.offer = offer_of(step);
    sw_decide_begin(&entry->image->head, begin.found.step, &begin.offer, now_ms, &begin.decision);
    answer.verdict = begin.decision.verdict;
    answer.attempt = begin.decision.attempt;
    switch (begin.decision.verdict) {
    case SW_VERDICT_EXECUTE:
        rc = answer_execute(&begin, &answer, err);
        break;
    case SW_VERDICT_REPLAY:
        answer_replay(&begin, &answer);
        break;
    case SW_VERDICT_IN_DOUBT:
        rc = answer_in_doubt(&begin, &answer, err);
        break;
    case SW_VERDICT_DIVERGED:
        rc = answer_diverged(&begin, &answer, err);
        break;
    case SW_VERDICT_WAIT:
        rc = answer_wait(&begin, &answer, err);
        break;
    default:
        abort();
    }
    if (rc == SW_OK)
        *ret_answer = answer;
    return rc;
}

enum sw_code sw_begin_step(struct sw_service *service, struct sw_call *call,
                           const struct sw_begin_step_request *request,
                           struct sw_verdict_answer *ret_answer, struct sw_err *err)
{
    uint64_t now_ms = sw_verb_now_ms(service);
    struct sw_run_entry *entry;
    enum sw_code rc;

    rc = sw_fields_check_begin_step(&service->options.limits, request, err);
    if (rc == SW_OK)
        rc = sw_verb_hold_run(service, call, request->run_id, request->lease, now_ms, &entry, err);
    if (rc == SW_OK)
        rc = sw_verb_begin(service, call, entry, &request->step, now_ms, ret_answer, err);
    return rc;
}
