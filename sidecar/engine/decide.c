/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/engine/decide.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sidecar/engine/backoff.h"

static bool digests_equal(const struct sw_digest *a, const struct sw_digest *b)
{
    return memcmp(a->bytes, b->bytes, SW_DIGEST_SIZE) == 0;
}

static bool is_diverged(const struct sw_step *step, const struct sw_begin_offer *offer)
{
    if (step->has_digest && offer->has_digest && !digests_equal(&step->digest, &offer->digest))
        return true;
    return step->name.size > 0 && offer->name.size > 0 && !sw_span_equal(step->name, offer->name);
}

static void execute_next(const struct sw_step *step, struct sw_begin_decision *decision)
{
    decision->verdict = SW_VERDICT_EXECUTE;
    decision->record = true;
    decision->attempt = step->attempt + 1;
}

static void decide_open(const struct sw_run_head *run, const struct sw_step *step,
                        const struct sw_begin_offer *offer, uint64_t now_ms,
                        struct sw_begin_decision *decision)
{
    uint64_t deadline_ms = sw_step_deadline_ms(step);
    bool lost = step->lease != run->lease || (deadline_ms != 0 && now_ms >= deadline_ms);

    if (lost && step->effect == SW_EFFECT_ONCE) {
        decision->verdict = SW_VERDICT_IN_DOUBT;
        decision->doubt = sw_step_doubt(step, run->lease, true, now_ms);
        assert(decision->doubt != SW_DOUBT_NOT);
    } else if (lost) {
        execute_next(step, decision);
    } else if (sw_span_equal(step->request_id, offer->request_id)) {
        decision->verdict = SW_VERDICT_EXECUTE;
    } else {
        decision->verdict = SW_VERDICT_WAIT;
        decision->wait = SW_WAIT_HELD;
    }
}

void sw_decide_begin(const struct sw_run_head *run, const struct sw_step *step,
                     const struct sw_begin_offer *offer, uint64_t now_ms,
                     struct sw_begin_decision *ret_decision)
{
    struct sw_begin_decision decision = {.attempt = step->attempt};
    bool diverged = step->state != SW_STEP_ABSENT && is_diverged(step, offer);

    assert(run->state == SW_RUN_RUNNING);

    if (diverged && run->on_divergence != SW_DIVERGENCE_ACCEPT) {
        decision.verdict = SW_VERDICT_DIVERGED;
        *ret_decision = decision;
        return;
    }
    switch (step->state) {
    case SW_STEP_ABSENT:
        execute_next(step, &decision);
        break;
    case SW_STEP_COMPLETED:
    case SW_STEP_FAILED:
        decision.verdict = SW_VERDICT_REPLAY;
        decision.accepted_divergence = diverged;
        break;
    case SW_STEP_DOUBTED:
        decision.verdict = SW_VERDICT_IN_DOUBT;
        decision.doubt = SW_DOUBT_REPORTED;
        break;
    case SW_STEP_RETRYING:
        if (now_ms >= step->not_before_ms) {
            execute_next(step, &decision);
        } else {
            decision.verdict = SW_VERDICT_WAIT;
            decision.wait = SW_WAIT_BACK_OFF;
            decision.not_before_ms = step->not_before_ms;
        }
        break;
    case SW_STEP_OPEN:
        decide_open(run, step, offer, now_ms, &decision);
        break;
    case SW_STEP_STATE_COUNT:
        abort();
    }
    *ret_decision = decision;
}

/* Whether an outcome given again is of the kind that put the step where it is. */
static bool is_same_kind(const struct sw_step *step, enum sw_outcome outcome)
{
    switch (outcome) {
    case SW_OUTCOME_OUTPUT:
        return step->state == SW_STEP_COMPLETED;
    case SW_OUTCOME_FAILURE:
        return step->state == SW_STEP_FAILED || step->state == SW_STEP_RETRYING;
    case SW_OUTCOME_UNKNOWN:
        if (step->effect == SW_EFFECT_ONCE)
            return step->state == SW_STEP_DOUBTED;
        return step->state == SW_STEP_FAILED || step->state == SW_STEP_RETRYING;
    }
    abort();
}

/* What an OPEN or DOUBTED step records. */
static void decide_outcome(const struct sw_step *step, enum sw_outcome outcome,
                           const struct sw_failure *failure, uint64_t seed, uint64_t now_ms,
                           struct sw_complete_decision *decision)
{
    if (outcome == SW_OUTCOME_OUTPUT) {
        decision->type = SW_RECORD_STEP_COMPLETED;
    } else if (outcome == SW_OUTCOME_UNKNOWN && step->effect == SW_EFFECT_ONCE) {
        decision->type = SW_RECORD_STEP_DOUBTED;
    } else {
        decision->type = SW_RECORD_STEP_FAILED;
        decision->final = sw_retry_is_final(&step->retry, step->attempt, failure);
        if (!decision->final)
            decision->not_before_ms = now_ms + sw_retry_delay_ms(&step->retry, step->attempt, seed);
    }
}

enum sw_code sw_decide_complete(const struct sw_step *step, uint32_t attempt,
                                enum sw_outcome outcome, const struct sw_failure *failure,
                                uint64_t seed, uint64_t now_ms,
                                struct sw_complete_decision *ret_decision, struct sw_err *err)
{
    struct sw_complete_decision decision = {0};

    if (step->state == SW_STEP_ABSENT)
        return sw_fail(err, SW_STEP_NOT_FOUND, "no step of this key was begun");
    if (attempt > step->attempt)
        return sw_fail_field(err, "attempt", step->attempt, "%" PRIu32 ", newest is %" PRIu32,
                             attempt, step->attempt);
    if (attempt < step->attempt)
        return sw_fail(err, SW_ATTEMPT_SUPERSEDED, "attempt %" PRIu32 ", newest is %" PRIu32,
                       attempt, step->attempt);
    if (step->state == SW_STEP_OPEN ||
        (step->state == SW_STEP_DOUBTED && outcome != SW_OUTCOME_UNKNOWN)) {
        decide_outcome(step, outcome, failure, seed, now_ms, &decision);
    } else if (is_same_kind(step, outcome)) {
        decision.repeated = true;
    } else {
        return sw_fail(err, SW_OUTCOME_CONFLICT, "the step is %s already",
                       sw_step_state_name(step->state));
    }
    *ret_decision = decision;
    return SW_OK;
}

/* Whether the step stands where such a resolution put it. */
static bool is_resolved_by(const struct sw_step *step, enum sw_resolution resolution)
{
    if (step->resolved_by.size == 0)
        return false;
    switch (resolution) {
    case SW_RESOLUTION_HAPPENED:
        return step->state == SW_STEP_COMPLETED;
    case SW_RESOLUTION_DID_NOT_HAPPEN:
        return step->state == SW_STEP_RETRYING;
    case SW_RESOLUTION_GIVE_UP:
        return step->state == SW_STEP_FAILED;
    }
    abort();
}

enum sw_code sw_decide_resolve(const struct sw_run_head *run, const struct sw_step *step,
                               enum sw_resolution resolution, bool held, uint64_t now_ms,
                               bool *ret_repeated, struct sw_err *err)
{
    bool repeated = false;

    if (step->state == SW_STEP_ABSENT)
        return sw_fail(err, SW_STEP_NOT_FOUND, "no step of this key was begun");
    if (sw_step_doubt(step, run->lease, held, now_ms) == SW_DOUBT_NOT) {
        repeated = is_resolved_by(step, resolution);
        if (!repeated)
            return sw_fail(err, SW_STEP_NOT_IN_DOUBT, "the step is %s",
                           sw_step_state_name(step->state));
    }
    *ret_repeated = repeated;
    return SW_OK;
}

enum sw_code sw_decide_lease(const struct sw_run_head *run, uint64_t lease, struct sw_err *err)
{
    if (run->state != SW_RUN_RUNNING)
        return sw_fail(err, SW_RUN_ENDED, "the run ended at lsn %" PRIu64, run->end_lsn);
    if (lease != run->lease)
        return sw_fail(err, SW_LEASE_FENCED, "lease %" PRIu64 ", newest is %" PRIu64, lease,
                       run->lease);
    return SW_OK;
}
