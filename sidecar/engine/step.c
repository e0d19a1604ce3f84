/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/engine/step.h"

#include <assert.h>
#include <stdlib.h>

#define TO(name) (1u << SW_STEP_##name)

static const struct {
    const char *name;
    unsigned successors;
} states[SW_STEP_STATE_COUNT] = {
    [SW_STEP_ABSENT] = {"ABSENT", TO(OPEN)},
    [SW_STEP_OPEN] = {"OPEN", TO(OPEN) | TO(DOUBTED) | TO(RETRYING) | TO(COMPLETED) | TO(FAILED)},
    [SW_STEP_DOUBTED] = {"DOUBTED", TO(RETRYING) | TO(COMPLETED) | TO(FAILED)},
    [SW_STEP_RETRYING] = {"RETRYING", TO(OPEN)},
    [SW_STEP_COMPLETED] = {"COMPLETED", 0},
    [SW_STEP_FAILED] = {"FAILED", 0},
};

_Static_assert(SW_STEP_STATE_COUNT <= 32, "successor sets are 32 bits wide");

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void add_usage(struct sw_usage *sum, const struct sw_usage *usage)
{
    sum->input_tokens = add_saturated(sum->input_tokens, usage->input_tokens);
    sum->cached_input_tokens = add_saturated(sum->cached_input_tokens, usage->cached_input_tokens);
    sum->output_tokens = add_saturated(sum->output_tokens, usage->output_tokens);
    sum->cost_micros = add_saturated(sum->cost_micros, usage->cost_micros);
}

const char *sw_step_state_name(enum sw_step_state state)
{
    assert((unsigned)state < SW_STEP_STATE_COUNT);
    return states[state].name;
}

bool sw_step_state_may_move(enum sw_step_state from, enum sw_step_state to)
{
    assert((unsigned)from < SW_STEP_STATE_COUNT);
    assert((unsigned)to < SW_STEP_STATE_COUNT);
    return (states[from].successors & (1u << to)) != 0;
}

void sw_step_state_move(struct sw_step *step, enum sw_step_state to)
{
    if (!sw_step_state_may_move(step->state, to))
        abort();
    step->state = to;
}

bool sw_step_state_is_finished(enum sw_step_state state)
{
    return state == SW_STEP_COMPLETED || state == SW_STEP_FAILED;
}

/* The state a step is in after the record; ABSENT: the record is not about a step. */
static enum sw_step_state state_after(const struct sw_step *step, const struct sw_record *record)
{
    switch (record->type) {
    case SW_RECORD_STEP_BEGUN:
        return SW_STEP_OPEN;
    case SW_RECORD_STEP_COMPLETED:
        return SW_STEP_COMPLETED;
    case SW_RECORD_STEP_FAILED:
        return record->u.outcome.final ? SW_STEP_FAILED : SW_STEP_RETRYING;
    case SW_RECORD_STEP_DOUBTED:
        return SW_STEP_DOUBTED;
    case SW_RECORD_STEP_NOTED:
        return step->state;
    case SW_RECORD_STEP_RESOLVED:
        switch (record->u.resolved.resolution) {
        case SW_RESOLUTION_HAPPENED:
            return SW_STEP_COMPLETED;
        case SW_RESOLUTION_DID_NOT_HAPPEN:
            return SW_STEP_RETRYING;
        case SW_RESOLUTION_GIVE_UP:
            return SW_STEP_FAILED;
        }
        return SW_STEP_ABSENT;
    case SW_RECORD_JOURNAL_CREATED:
    case SW_RECORD_RUN_STARTED:
    case SW_RECORD_LEASE_TAKEN:
    case SW_RECORD_RUN_ENDED:
    case SW_RECORD_CHUNK:
    case SW_RECORD_TYPE_END:
        break;
    }
    return SW_STEP_ABSENT;
}

bool sw_step_may_apply(const struct sw_step *step, const struct sw_record *record)
{
    enum sw_step_state after = state_after(step, record);

    if (after == SW_STEP_ABSENT)
        return false;
    if (record->type == SW_RECORD_STEP_BEGUN)
        return record->attempt == step->attempt + 1 && sw_step_state_may_move(step->state, after);
    if (record->attempt != step->attempt)
        return false;
    if (record->type == SW_RECORD_STEP_NOTED)
        return step->state == SW_STEP_OPEN || step->state == SW_STEP_DOUBTED;
    return sw_step_state_may_move(step->state, after);
}

static void apply_begun(struct sw_step *step, const struct sw_record *record)
{
    step->attempt = record->attempt;
    step->key = record->key;
    step->name = record->u.step_begun.name;
    step->kind = record->u.step_begun.kind;
    step->effect = record->u.step_begun.effect;
    step->has_digest = record->u.step_begun.has_digest;
    step->digest = record->u.step_begun.digest;
    step->retry = record->u.step_begun.retry;
    step->start_to_close_ms = record->u.step_begun.start_to_close_ms;
    step->heartbeat_ms = record->u.step_begun.heartbeat_ms;
    step->request_id = record->u.step_begun.request_id;
    step->lease = record->lease;
    step->begun_ms = record->at_ms;
    step->alive_ms = record->at_ms;
    step->not_before_ms = 0;
    step->intent_lsn = record->lsn;
    step->resolved_by = (struct sw_span){0};
}

static void apply_note(struct sw_step *step, struct sw_record *record)
{
    struct sw_external_ref *ref = &record->u.noted.ref;

    if (record->at_ms > step->alive_ms)
        step->alive_ms = record->at_ms;
    if (record->u.noted.progress.present)
        step->progress_lsn = record->lsn;
    if (ref->text.size == 0)
        return;
    ref->next = NULL;
    if (step->refs_tail == NULL)
        step->refs = ref;
    else
        *step->refs_tail = ref;
    step->refs_tail = &ref->next;
    step->refs_count++;
}

/* An outcome or a resolution. */
static void apply_end(struct sw_step *step, const struct sw_record *record)
{
    step->outcome_lsn = record->lsn;
    step->not_before_ms = 0;
    if (record->type == SW_RECORD_STEP_RESOLVED) {
        step->resolved_by = record->u.resolved.by;
    } else {
        add_usage(&step->usage, &record->u.outcome.usage);
        if (step->state == SW_STEP_RETRYING)
            step->not_before_ms = record->u.outcome.not_before_ms;
    }
    if (sw_step_state_is_finished(step->state))
        step->finished_ms = record->at_ms;
}

void sw_step_apply(struct sw_step *step, struct sw_record *record)
{
    assert(sw_step_may_apply(step, record));
    assert(step->state == SW_STEP_ABSENT || sw_span_equal(step->key, record->key));

    if (record->type != SW_RECORD_STEP_NOTED)
        sw_step_state_move(step, state_after(step, record));
    if (record->type == SW_RECORD_STEP_BEGUN)
        apply_begun(step, record);
    else if (record->type == SW_RECORD_STEP_NOTED)
        apply_note(step, record);
    else
        apply_end(step, record);
    step->last_lsn = record->lsn;
}

static void apply_started(struct sw_run_head *run, const struct sw_record *record)
{
    assert(run->run == 0);

    *run = (struct sw_run_head){
        .run = record->lsn,
        .state = SW_RUN_RUNNING,
        .run_id = record->u.run_started.run_id,
        .task = record->u.run_started.task,
        .on_divergence = record->u.run_started.on_divergence,
        .has_input = record->u.run_started.input.present,
        .started_ms = record->at_ms,
    };
    if (run->has_input)
        run->input_digest = record->u.run_started.input.digest;
}

void sw_run_apply(struct sw_run_head *run, const struct sw_record *record, bool step_was_absent)
{
    assert(record->type == SW_RECORD_RUN_STARTED || run->run == record->run);
    assert(run->state == SW_RUN_RUNNING || record->type == SW_RECORD_RUN_STARTED);

    switch (record->type) {
    case SW_RECORD_RUN_STARTED:
        apply_started(run, record);
        break;
    case SW_RECORD_LEASE_TAKEN:
        run->lease = record->lease;
        run->holder = record->u.lease_taken.holder;
        break;
    case SW_RECORD_STEP_BEGUN:
        run->steps += step_was_absent ? 1 : 0;
        break;
    case SW_RECORD_STEP_COMPLETED:
    case SW_RECORD_STEP_FAILED:
    case SW_RECORD_STEP_DOUBTED:
        add_usage(&run->usage, &record->u.outcome.usage);
        break;
    case SW_RECORD_RUN_ENDED:
        run->state = record->u.run_ended.state;
        run->ended_ms = record->at_ms;
        run->end_lsn = record->lsn;
        break;
    case SW_RECORD_STEP_NOTED:
    case SW_RECORD_STEP_RESOLVED:
        break;
    case SW_RECORD_JOURNAL_CREATED:
    case SW_RECORD_CHUNK:
    case SW_RECORD_TYPE_END:
        abort(); /* about no run */
    }
    run->last_lsn = record->lsn;
}

uint64_t sw_step_deadline_ms(const struct sw_step *step)
{
    uint64_t deadline_ms = UINT64_MAX;

    if (step->state != SW_STEP_OPEN)
        return 0;
    if (step->start_to_close_ms != 0)
        deadline_ms = add_saturated(step->begun_ms, step->start_to_close_ms);
    if (step->heartbeat_ms != 0) {
        uint64_t silent_ms = add_saturated(step->alive_ms, step->heartbeat_ms);

        if (silent_ms < deadline_ms)
            deadline_ms = silent_ms;
    }
    return deadline_ms == UINT64_MAX ? 0 : deadline_ms;
}

enum sw_doubt sw_step_doubt(const struct sw_step *step, uint64_t run_lease, bool held,
                            uint64_t now_ms)
{
    uint64_t deadline_ms = sw_step_deadline_ms(step);

    if (step->state == SW_STEP_DOUBTED)
        return SW_DOUBT_REPORTED;
    if (step->state != SW_STEP_OPEN || step->effect != SW_EFFECT_ONCE)
        return SW_DOUBT_NOT;
    if (!held || step->lease != run_lease)
        return SW_DOUBT_HOLDER_GONE;
    return deadline_ms != 0 && now_ms >= deadline_ms ? SW_DOUBT_TIMED_OUT : SW_DOUBT_NOT;
}
