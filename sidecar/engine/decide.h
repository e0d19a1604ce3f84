/* SPDX-License-Identifier: Apache-2.0
 *
 * decide - stored state and a request in, an answer and what to record out.
 *
 * Pure: no I/O, no clock, no threads, no allocation. The callers (sidecar/service)
 * fetch the state, write the record, apply it.
 */
#ifndef SW_ENGINE_DECIDE_H
#define SW_ENGINE_DECIDE_H

#include "sidecar/engine/step.h"
#include "storage/base/status.h"

enum sw_verdict {
    SW_VERDICT_EXECUTE = 1,
    SW_VERDICT_REPLAY = 2,
    SW_VERDICT_IN_DOUBT = 3,
    SW_VERDICT_DIVERGED = 4,
    SW_VERDICT_WAIT = 5
};

enum sw_wait { SW_WAIT_BACK_OFF = 1, SW_WAIT_HELD = 2 };

/* What a BeginStep offers. */
struct sw_begin_offer {
    struct sw_span name;
    enum sw_effect effect;
    bool has_digest;
    struct sw_digest digest;
    struct sw_span request_id;
};

struct sw_begin_decision {
    enum sw_verdict verdict;
    bool record;              /* EXECUTE: an intent must be recorded first; else a repeated call */
    uint32_t attempt;         /* EXECUTE: this one; else the newest */
    bool accepted_divergence; /* REPLAY */
    enum sw_doubt doubt;      /* IN_DOUBT */
    enum sw_wait wait;        /* WAIT */
    uint64_t not_before_ms;   /* WAIT */
};

/* The first line that fits answers:
 *   absent                                      EXECUTE, attempt 1
 *   other name or digest, the run does not accept   DIVERGED
 *   finished                                    REPLAY
 *   its doubt was reported                      IN_DOUBT
 *   retrying, before its time                   WAIT, back-off
 *   retrying, from then on                      EXECUTE, attempt + 1
 *   open and lost, effect ONCE                  IN_DOUBT
 *   open and lost, other effects                EXECUTE, attempt + 1
 *   open, the same request_id or none in both   EXECUTE, the same attempt again
 *   open                                        WAIT, held
 * Lost: begun under an older lease, or its deadline has passed. A lost attempt is no
 * failed one: it is begun again even when max_attempts are spent. */
void sw_decide_begin(const struct sw_run_head *run, const struct sw_step *step,
                     const struct sw_begin_offer *offer, uint64_t now_ms,
                     struct sw_begin_decision *ret_decision);

enum sw_outcome { SW_OUTCOME_OUTPUT = 1, SW_OUTCOME_FAILURE = 2, SW_OUTCOME_UNKNOWN = 3 };

struct sw_complete_decision {
    bool repeated;            /* recorded already: answer from the step, write nothing */
    enum sw_record_type type; /* else: what to record */
    bool final;               /* STEP_FAILED */
    uint64_t not_before_ms;   /* STEP_FAILED and not final */
};

/* Whether an outcome may be recorded: STEP_NOT_FOUND, ATTEMPT_SUPERSEDED, OUTCOME_CONFLICT,
 * INVALID_FIELD (attempt). A repeated outcome must match the recorded one in kind;
 * whether its bytes match, the caller checks. seed fixes the back-off's jitter. */
SW_MUST_CHECK enum sw_code
sw_decide_complete(const struct sw_step *step, uint32_t attempt, enum sw_outcome outcome,
                   const struct sw_failure *failure, uint64_t seed, uint64_t now_ms,
                   struct sw_complete_decision *ret_decision, struct sw_err *err);

/* Whether doubt may be ended: STEP_NOT_FOUND, STEP_NOT_IN_DOUBT. `held` as for
 * sw_step_doubt. A step already resolved the same way answers *ret_repeated = true. */
SW_MUST_CHECK enum sw_code sw_decide_resolve(const struct sw_run_head *run,
                                             const struct sw_step *step,
                                             enum sw_resolution resolution, bool held,
                                             uint64_t now_ms, bool *ret_repeated,
                                             struct sw_err *err);

/* RUN_ENDED, LEASE_FENCED or SW_OK for a call that names a lease. */
SW_MUST_CHECK enum sw_code sw_decide_lease(const struct sw_run_head *run, uint64_t lease,
                                           struct sw_err *err);

#endif
