/* SPDX-License-Identifier: Apache-2.0
 *
 * model_service - what the service must answer, worked out from facts in a few arrays.
 *
 * A second opinion about the verbs, written from the comments in the proto files and
 * without looking at the engine. It predicts each answer before the call is made and
 * takes the call's effect over when it was answered so; a batch that fails is undone
 * by putting a copy back.
 *
 * Owns:    nothing outside itself: copying the struct copies the model.
 * Threads: one.
 * Fails:   never.
 */
#ifndef SW_TEST_MODEL_SERVICE_H
#define SW_TEST_MODEL_SERVICE_H

#include <stdlib.h>

#include "sidecar/service/service.h"

enum { MODEL_RUNS = 5, MODEL_KEYS = 7, MODEL_OPEN_RUNS_MAX = 3, MODEL_OPEN_STEPS_MAX = 5 };

struct model_step {
    enum sw_step_state state;
    enum sw_effect effect; /* of the newest attempt, as all below */
    uint32_t attempt;
    uint64_t lease;
    unsigned request;
    uint64_t begun_ms;
    uint64_t start_to_close_ms;
    uint64_t token;
    uint64_t lsn; /* of what ended it, or put it where it is */
    uint64_t not_before_ms;
    unsigned output; /* COMPLETED: which */
    bool resolved;
    unsigned refs; /* a bit each, over all attempts */
};

struct model_run {
    bool exists;
    bool ended;
    bool failed;
    uint64_t end_lsn;
    uint64_t run;
    unsigned input;
    uint64_t lease;
    unsigned holder_name;
    uint64_t holder; /* the stream; 0: none */
    uint64_t last_call_ms;
    bool in_grace;
    bool written;           /* by the open batch */
    uint64_t holder_before; /* written: as it was then */
    struct model_step steps[MODEL_KEYS];
};

struct model {
    uint64_t now_ms;
    uint64_t grace_ms;
    uint64_t token; /* the highest ever given */
    struct model_run runs[MODEL_RUNS];
};

static inline bool model_is_held(const struct model *model, const struct model_run *run)
{
    return run->holder != 0 ||
           (run->in_grace && model->now_ms < run->last_call_ms + model->grace_ms);
}

static inline void model_write(struct model_run *run)
{
    if (!run->written)
        run->holder_before = run->holder;
    run->written = true;
}

/* A lease used by the stream `holder`, or by a call without one. */
static inline void model_touch(const struct model *model, struct model_run *run, uint64_t holder)
{
    if (holder != 0) {
        run->holder = holder;
        run->in_grace = false;
    } else if (run->holder == 0) {
        run->in_grace = true;
        run->last_call_ms = model->now_ms;
    }
}

static inline void model_take_lease(struct model *model, struct model_run *run, uint64_t holder,
                                    unsigned holder_name)
{
    model_write(run);
    run->lease++;
    run->holder_name = holder_name;
    run->holder = 0;
    model_touch(model, run, holder);
}

static inline enum sw_code model_check_lease(const struct model_run *run, uint64_t lease)
{
    if (!run->exists)
        return SW_RUN_NOT_FOUND;
    if (run->ended)
        return SW_RUN_ENDED;
    return lease == run->lease ? SW_OK : SW_LEASE_FENCED;
}

static inline unsigned model_open_runs(const struct model *model)
{
    unsigned count = 0;

    for (int i = 0; i < MODEL_RUNS; i++)
        count += model->runs[i].exists && !model->runs[i].ended ? 1 : 0;
    return count;
}

static inline bool model_is_finished(const struct model_step *step)
{
    return step->state == SW_STEP_COMPLETED || step->state == SW_STEP_FAILED;
}

static inline unsigned model_open_steps(const struct model_run *run)
{
    unsigned count = 0;

    for (int i = 0; i < MODEL_KEYS; i++)
        count += run->steps[i].state != SW_STEP_ABSENT && !model_is_finished(&run->steps[i]);
    return count;
}

static inline bool model_has_steps(const struct model_run *run)
{
    for (int i = 0; i < MODEL_KEYS; i++) {
        if (run->steps[i].state != SW_STEP_ABSENT)
            return true;
    }
    return false;
}

/* Nobody may still be at it: a newer lease exists, or its time is up. */
static inline bool model_is_lost(const struct model *model, const struct model_run *run,
                                 const struct model_step *step)
{
    return step->lease != run->lease || (step->start_to_close_ms != 0 &&
                                         model->now_ms >= step->begun_ms + step->start_to_close_ms);
}

static inline bool model_is_in_doubt(const struct model *model, const struct model_run *run,
                                     const struct model_step *step, bool held)
{
    if (step->state == SW_STEP_DOUBTED)
        return true;
    return step->state == SW_STEP_OPEN && step->effect == SW_EFFECT_ONCE &&
           (!held || model_is_lost(model, run, step));
}

struct model_verdict {
    enum sw_code code;
    enum sw_verdict verdict;
    uint32_t attempt;
    bool fresh; /* EXECUTE: a new attempt */
};

static inline struct model_verdict model_begin(const struct model *model,
                                               const struct model_run *run,
                                               const struct model_step *step, unsigned request)
{
    const struct model_verdict next = {SW_OK, SW_VERDICT_EXECUTE, step->attempt + 1, true};
    const struct model_verdict again = {SW_OK, SW_VERDICT_EXECUTE, step->attempt, false};
    const struct model_verdict replay = {SW_OK, SW_VERDICT_REPLAY, step->attempt, false};
    const struct model_verdict doubt = {SW_OK, SW_VERDICT_IN_DOUBT, step->attempt, false};
    const struct model_verdict wait = {SW_OK, SW_VERDICT_WAIT, step->attempt, false};
    const struct model_verdict full = {.code = SW_TOO_MANY_OPEN_STEPS};

    if (step->state == SW_STEP_ABSENT)
        return model_open_steps(run) < MODEL_OPEN_STEPS_MAX ? next : full;
    if (model_is_finished(step))
        return replay;
    if (model_is_in_doubt(model, run, step, true))
        return doubt;
    if (step->state == SW_STEP_RETRYING)
        return model->now_ms < step->not_before_ms ? wait : next;
    if (model_is_lost(model, run, step))
        return next;
    return request == step->request ? again : wait;
}

/* The state an outcome leads to; *ret_code tells when it is refused, *ret_repeated when
 * it is there already. `output` tells outputs apart. */
static inline enum sw_step_state model_complete(const struct model_step *step, uint32_t attempt,
                                                enum sw_outcome outcome, unsigned output,
                                                bool non_retryable, enum sw_code *ret_code,
                                                bool *ret_repeated)
{
    bool doubt = outcome == SW_OUTCOME_UNKNOWN && step->effect == SW_EFFECT_ONCE;
    uint32_t attempts_max = step->effect == SW_EFFECT_ONCE ? 1 : 3;
    enum sw_step_state to = SW_STEP_RETRYING;

    *ret_code = SW_OK;
    *ret_repeated = false;
    if (step->state == SW_STEP_ABSENT)
        *ret_code = SW_STEP_NOT_FOUND;
    else if (attempt != step->attempt)
        *ret_code = attempt > step->attempt ? SW_INVALID_FIELD : SW_ATTEMPT_SUPERSEDED;
    if (*ret_code != SW_OK)
        return step->state;
    if (outcome == SW_OUTCOME_OUTPUT)
        to = SW_STEP_COMPLETED;
    else if (doubt)
        to = SW_STEP_DOUBTED;
    else if (non_retryable || attempt >= attempts_max)
        to = SW_STEP_FAILED;
    if (step->state == SW_STEP_OPEN || (step->state == SW_STEP_DOUBTED && !doubt))
        return to;
    *ret_repeated = to == step->state;
    if (outcome != SW_OUTCOME_OUTPUT && !doubt) /* a failure, whatever came of it */
        *ret_repeated = step->state == SW_STEP_RETRYING || step->state == SW_STEP_FAILED;
    if (outcome == SW_OUTCOME_OUTPUT && output != step->output)
        *ret_repeated = false;
    if (!*ret_repeated)
        *ret_code = SW_OUTCOME_CONFLICT;
    return step->state;
}

static inline uint64_t model_delay_ms(uint32_t attempt)
{
    uint64_t delay_ms = UINT64_C(1000) << (attempt - 1);

    return delay_ms < 60000 ? delay_ms : 60000;
}

/* Runs in the order they were started: the next one after `run`; NULL at the end. */
static inline struct model_run *next_oldest(struct model *model, uint64_t run)
{
    struct model_run *oldest = NULL;

    for (int i = 0; i < MODEL_RUNS; i++) {
        struct model_run *each = &model->runs[i];

        if (each->exists && !each->ended && each->run > run &&
            (oldest == NULL || each->run < oldest->run))
            oldest = each;
    }
    return oldest;
}

/* A number from the environment. */
static inline unsigned long setting(const char *name, unsigned long otherwise)
{
    const char *value = getenv(name);

    return value != NULL ? strtoul(value, NULL, 10) : otherwise;
}

#endif
