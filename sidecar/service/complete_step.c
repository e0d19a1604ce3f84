/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "sidecar/service/fields.h"
#include "sidecar/service/verb.h"

/* Fixes the jitter of the delay after this attempt. */
static uint64_t jitter_seed(const struct sw_service *service, const struct sw_run_entry *entry,
                            const struct sw_complete_step_request *request)
{
    char text[SW_UUID_TEXT_SIZE];

    if (request->outcome == SW_OUTCOME_OUTPUT)
        return 0; /* no delay follows */
    sw_verb_idempotency_key(service, entry, request->key, text);
    return sw_hash64(sw_span_of_text(text), request->attempt);
}

/* The completion is recorded already: the same answer, unless it was another output. */
static enum sw_code answer_repeated(struct sw_service *service, struct sw_call *call,
                                    const struct sw_complete_step_request *request,
                                    const struct sw_found_step *found,
                                    struct sw_complete_step_answer *answer, struct sw_err *err)
{
    if (request->outcome == SW_OUTCOME_OUTPUT &&
        !sw_verb_is_same_output(found->end, request->output.data))
        return sw_fail(err, SW_OUTCOME_CONFLICT, "another output is recorded");
    answer->lsn = found->step->outcome_lsn;
    answer->state = found->step->state;
    answer->not_before_ms = found->step->not_before_ms;
    sw_verb_tell(service, call, answer->lsn);
    return SW_OK;
}

static enum sw_step_state state_after(const struct sw_complete_decision *decision)
{
    if (decision->type == SW_RECORD_STEP_COMPLETED)
        return SW_STEP_COMPLETED;
    if (decision->type == SW_RECORD_STEP_DOUBTED)
        return SW_STEP_DOUBTED;
    assert(decision->type == SW_RECORD_STEP_FAILED);
    return decision->final ? SW_STEP_FAILED : SW_STEP_RETRYING;
}

static enum sw_code write_outcome(struct sw_service *service, struct sw_call *call,
                                  struct sw_run_entry *entry,
                                  const struct sw_complete_step_request *request,
                                  const struct sw_complete_decision *decision,
                                  const struct sw_step *step, uint64_t now_ms,
                                  struct sw_complete_step_answer *answer, struct sw_err *err)
{
    struct sw_record record = sw_verb_record(entry, decision->type, now_ms);
    enum sw_code rc;

    record.key = request->key;
    record.attempt = request->attempt;
    record.u.outcome.intent_lsn = step->intent_lsn;
    record.u.outcome.usage = request->usage;
    record.u.outcome.final = decision->final;
    record.u.outcome.not_before_ms = decision->not_before_ms;
    if (decision->type == SW_RECORD_STEP_COMPLETED) {
        record.u.outcome.output = request->output;
        record.u.outcome.output.present = true;
    } else {
        record.u.outcome.failure = request->failure;
    }
    rc = sw_verb_write(service, entry, &record, err);
    if (rc != SW_OK)
        return rc;
    call->sync = true;
    answer->lsn = entry->image->head.last_lsn;
    answer->state = state_after(decision);
    answer->not_before_ms = decision->not_before_ms;
    return SW_OK;
}

enum sw_code sw_complete_step(struct sw_service *service, struct sw_call *call,
                              const struct sw_complete_step_request *request,
                              struct sw_complete_step_answer *ret_answer, struct sw_err *err)
{
    struct sw_complete_step_answer answer = {0};
    struct sw_complete_decision decision;
    uint64_t now_ms = sw_verb_now_ms(service);
    struct sw_run_entry *entry;
    struct sw_found_step found;
    enum sw_code rc;

    rc = sw_fields_check_complete_step(&service->options.limits, request, err);
    if (rc == SW_OK)
        rc = sw_verb_hold_run(service, call, request->run_id, request->lease, now_ms, &entry, err);
    if (rc == SW_OK)
        rc = sw_verb_find_step(service, call, entry, request->key, &found, err);
    if (rc == SW_OK)
        rc = sw_decide_complete(found.step, request->attempt, request->outcome, &request->failure,
                                jitter_seed(service, entry, request), now_ms, &decision, err);
    if (rc != SW_OK)
        return rc;
    if (decision.repeated)
        rc = answer_repeated(service, call, request, &found, &answer, err);
    else
        rc = write_outcome(service, call, entry, request, &decision, found.step, now_ms, &answer,
                           err);
    if (rc == SW_OK && request->has_next && answer.state == SW_STEP_COMPLETED)
        rc = sw_verb_begin(service, call, entry, &request->next, now_ms, &answer.next, err);
    if (rc == SW_OK)
        *ret_answer = answer;
    return rc;
}
