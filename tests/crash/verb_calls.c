/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>

#include "sidecar/service/history.h"
#include "tests/crash/verb_life.h"

enum { SMALL_BYTES = 60, LARGE_BYTES = 9000 };

#define LIFE_CALL(life, rc, call)                                                                  \
    do {                                                                                           \
        rc = (call);                                                                               \
    } while (life_call_load(life, &rc))

/* ---- what calls carry ------------------------------------------------------------------ */

static struct sw_span text_of(struct life *life, const char *what, unsigned number)
{
    char *text = sw_arena_alloc(&life->arena, 32);

    assert(text != NULL);
    snprintf(text, 32, "%s-%u", what, number);
    return sw_span_of_text(text);
}

static struct sw_payload payload_of(struct life *life, unsigned number)
{
    size_t size = number % 4 == 3 ? LARGE_BYTES : SMALL_BYTES;
    uint8_t *bytes = sw_arena_alloc(&life->arena, size);

    assert(bytes != NULL);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(number * 31 + i * i / 97);
    return (struct sw_payload){.present = true, .data = sw_span_of(bytes, size), .size = size};
}

static struct sw_failure failure_of(struct life *life, unsigned number)
{
    return (struct sw_failure){.type = text_of(life, "failure", number)};
}

static struct life_step *step_of(struct life *life, unsigned run, unsigned key)
{
    return &life->now.runs[run].steps[key];
}

static bool is_finished(const struct life_step *step)
{
    return step->state == SW_STEP_COMPLETED || step->state == SW_STEP_FAILED;
}

/* Whether the newest attempt's holder is gone. */
static bool is_lost(const struct life_run *run, const struct life_step *step)
{
    return step->state == SW_STEP_OPEN && step->lease < run->lease;
}

static bool is_in_doubt(const struct life_run *run, const struct life_step *step)
{
    return step->state == SW_STEP_DOUBTED || (is_lost(run, step) && step->effect == SW_EFFECT_ONCE);
}

/* ---- runs -------------------------------------------------------------------------------- */

void life_start_run(struct life *life, unsigned run, bool take_lease)
{
    struct life_run *world = &life->now.runs[run];
    struct sw_start_run_request request = {.take_lease = take_lease};
    struct sw_start_run_answer answer;
    enum sw_code rc;

    if (!life_call_begin(life) || world->started)
        return;
    request.run_id = text_of(life, "run", run);
    request.task = text_of(life, "task", run);
    request.input = payload_of(life, run);
    LIFE_CALL(life, rc, sw_start_run(life->service, &life->call, &request, &answer, &life->err));
    if (!life_call_end(life, rc, "StartRun", true))
        return;
    if (!answer.created || answer.lease != (take_lease ? 1 : 0))
        life_break(life, "StartRun found run-%u", run);
    world->started = true;
    world->lease = answer.lease;
}

static void judge_run(struct life *life, unsigned run, const struct sw_resume_answer *answer)
{
    const struct life_run *world = &life->now.runs[run];
    uint64_t steps = world->fillers;

    for (unsigned key = 0; key < LIFE_KEYS; key++)
        steps += world->steps[key].state != SW_STEP_ABSENT;
    if ((answer->run.head.state == SW_RUN_COMPLETED) != world->ended)
        life_break(life, "run-%u ended: %d", run, !world->ended);
    if (answer->lease != (world->ended ? 0 : world->lease + 1))
        life_break(life, "run-%u: lease %llu after %llu", run, (unsigned long long)answer->lease,
                   (unsigned long long)world->lease);
    if (answer->run.head.steps != steps)
        life_break(life, "run-%u has %llu steps of %llu", run,
                   (unsigned long long)answer->run.head.steps, (unsigned long long)steps);
}

static bool resume(struct life *life, unsigned run, struct sw_resume_answer *ret_answer)
{
    struct life_run *world = &life->now.runs[run];
    struct sw_resume_request request;
    enum sw_code rc;

    if (!life_call_begin(life) || !world->started)
        return false;
    request = (struct sw_resume_request){.run_id = text_of(life, "run", run)};
    LIFE_CALL(life, rc, sw_resume(life->service, &life->call, &request, ret_answer, &life->err));
    if (!life_call_end(life, rc, "Resume", true))
        return false;
    judge_run(life, run, ret_answer);
    world->lease = world->ended ? world->lease : ret_answer->lease;
    return true;
}

void life_resume(struct life *life, unsigned run)
{
    struct sw_resume_answer answer;

    (void)resume(life, run, &answer);
}

void life_end_run(struct life *life, unsigned run)
{
    struct life_run *world = &life->now.runs[run];
    struct sw_end_run_request request = {.lease = world->lease};
    struct sw_end_run_answer answer;
    enum sw_code rc;

    if (!life_call_begin(life) || world->lease == 0 || world->ended)
        return;
    request.run_id = text_of(life, "run", run);
    request.result = payload_of(life, run);
    LIFE_CALL(life, rc, sw_end_run(life->service, &life->call, &request, &answer, &life->err));
    world->ended = life_call_end(life, rc, "EndRun", true);
}

/* ---- steps -------------------------------------------------------------------------------- */

static enum sw_verdict verdict_of(const struct life_run *run, const struct life_step *step)
{
    if (is_finished(step))
        return SW_VERDICT_REPLAY;
    return is_in_doubt(run, step) ? SW_VERDICT_IN_DOUBT : SW_VERDICT_EXECUTE;
}

static void judge_result(struct life *life, unsigned run, unsigned key, struct sw_payload output,
                         struct sw_failure failure)
{
    const struct life_step *step = step_of(life, run, key);
    bool good = step->state == SW_STEP_COMPLETED
                    ? sw_span_equal(output.data, payload_of(life, step->result).data)
                    : sw_span_equal(failure.type, failure_of(life, step->result).type);

    if (!good)
        life_break(life, "run-%u key-%u: another outcome than was acknowledged", run, key);
}

/* The verdict on a step that may be begun now. */
static void judge_verdict(struct life *life, unsigned run, unsigned key,
                          const struct sw_verdict_answer *answer)
{
    const struct life_step *step = step_of(life, run, key);
    enum sw_verdict expected = verdict_of(&life->now.runs[run], step);
    char *known = life->idempotency[run][key];
    uint32_t attempt = step->attempt + (expected == SW_VERDICT_EXECUTE ? 1 : 0);
    unsigned refs = 0;

    if (answer->verdict != expected || answer->attempt != attempt) {
        life_break(life, "run-%u key-%u (%s): verdict %d attempt %u, not %d attempt %u", run, key,
                   sw_step_state_name(step->state), (int)answer->verdict, answer->attempt,
                   (int)expected, attempt);
        return;
    }
    if (expected == SW_VERDICT_REPLAY) {
        judge_result(life, run, key, answer->output, answer->failure);
        return;
    }
    for (const struct sw_external_ref *ref = answer->refs; ref != NULL; ref = ref->next)
        refs++;
    if (refs != step->refs)
        life_break(life, "run-%u key-%u: %u notes of %u", run, key, refs, step->refs);
    if (known[0] == '\0')
        memcpy(known, answer->idempotency_key, SW_UUID_TEXT_SIZE);
    if (strcmp(known, answer->idempotency_key) != 0)
        life_break(life, "run-%u key-%u: another idempotency key", run, key);
}

/* Takes the answer over; whether it rests on what is written. */
static bool take_verdict(struct life *life, unsigned run, unsigned key,
                         const struct sw_begin_step *ask, const struct sw_verdict_answer *answer)
{
    struct life_step *step = step_of(life, run, key);

    judge_verdict(life, run, key, answer);
    if (answer->verdict != SW_VERDICT_EXECUTE)
        return true;
    step->state = SW_STEP_OPEN;
    step->effect = ask->effect;
    step->attempt = answer->attempt;
    step->lease = life->now.runs[run].lease;
    return ask->effect == SW_EFFECT_ONCE || ask->durability == SW_DURABILITY_LOCAL;
}

/* A step in this state has an answer other than "wait". */
static bool may_begin(struct life *life, unsigned run, unsigned key)
{
    const struct life_run *world = &life->now.runs[run];
    const struct life_step *step = &world->steps[key];

    if (world->lease == 0 || world->ended)
        return false;
    if (step->state == SW_STEP_RETRYING)
        life->now_ms += LIFE_HOUR_MS;
    return step->state != SW_STEP_OPEN || is_lost(world, step);
}

static struct sw_begin_step ask_of(struct life *life, unsigned run, unsigned key,
                                   enum sw_effect effect, enum sw_durability durability)
{
    struct sw_begin_step ask = {.effect = effect, .durability = durability};

    ask.key = text_of(life, "key", key);
    ask.input = payload_of(life, run * LIFE_KEYS + key);
    return ask;
}

void life_begin_step(struct life *life, unsigned run, unsigned key, enum sw_effect effect,
                     enum sw_durability durability)
{
    struct sw_begin_step_request request = {.lease = life->now.runs[run].lease};
    struct sw_verdict_answer answer;
    enum sw_code rc;

    if (!life_call_begin(life) || !may_begin(life, run, key))
        return;
    request.run_id = text_of(life, "run", run);
    request.step = ask_of(life, run, key, effect, durability);
    LIFE_CALL(life, rc, sw_begin_step(life->service, &life->call, &request, &answer, &life->err));
    if (life_call_end(life, rc, "BeginStep", false))
        life->promised |= take_verdict(life, run, key, &request.step, &answer);
}

static struct sw_complete_step_request completion_of(struct life *life, unsigned run, unsigned key,
                                                     enum sw_outcome outcome)
{
    struct sw_complete_step_request request = {.lease = life->now.runs[run].lease,
                                               .attempt = step_of(life, run, key)->attempt,
                                               .outcome = outcome};

    request.run_id = text_of(life, "run", run);
    request.key = text_of(life, "key", key);
    life->results++;
    if (outcome == SW_OUTCOME_OUTPUT)
        request.output = payload_of(life, life->results);
    else
        request.failure = failure_of(life, life->results);
    return request;
}

static void take_completion(struct life *life, unsigned run, unsigned key, enum sw_outcome outcome)
{
    struct life_step *step = step_of(life, run, key);
    bool once = step->effect == SW_EFFECT_ONCE;

    step->result = life->results;
    if (outcome == SW_OUTCOME_OUTPUT)
        step->state = SW_STEP_COMPLETED;
    else if (outcome == SW_OUTCOME_UNKNOWN && once)
        step->state = SW_STEP_DOUBTED;
    else
        step->state = once ? SW_STEP_FAILED : SW_STEP_RETRYING;
}

static bool may_complete(const struct life *life, unsigned run, unsigned key)
{
    const struct life_run *world = &life->now.runs[run];

    return !world->ended && world->steps[key].state == SW_STEP_OPEN;
}

void life_complete_step(struct life *life, unsigned run, unsigned key, enum sw_outcome outcome)
{
    struct sw_complete_step_request request;
    struct sw_complete_step_answer answer;
    enum sw_code rc;

    if (!life_call_begin(life) || !may_complete(life, run, key))
        return;
    request = completion_of(life, run, key, outcome);
    LIFE_CALL(life, rc,
              sw_complete_step(life->service, &life->call, &request, &answer, &life->err));
    if (!life_call_end(life, rc, "CompleteStep", true))
        return;
    take_completion(life, run, key, outcome);
    if (answer.state != step_of(life, run, key)->state)
        life_break(life, "run-%u key-%u: completed to %s", run, key,
                   sw_step_state_name(answer.state));
}

void life_complete_and_begin(struct life *life, unsigned run, unsigned key, unsigned next,
                             enum sw_effect effect)
{
    struct sw_complete_step_request request;
    struct sw_complete_step_answer answer;
    uint64_t lsn;
    enum sw_code rc;

    if (!life_call_begin(life) || !may_complete(life, run, key) || !may_begin(life, run, next))
        return;
    lsn = sw_journal_state(life->journal)->lsn;
    request = completion_of(life, run, key, SW_OUTCOME_OUTPUT);
    request.has_next = true;
    request.next = ask_of(life, run, next, effect, SW_DURABILITY_DEFAULT);
    LIFE_CALL(life, rc,
              sw_complete_step(life->service, &life->call, &request, &answer, &life->err));
    if (sw_journal_state(life->journal)->lsn != lsn) /* it stays, though the next was refused */
        take_completion(life, run, key, SW_OUTCOME_OUTPUT);
    if (life_call_end(life, rc, "CompleteStep with begin_next", true))
        (void)take_verdict(life, run, next, &request.next, &answer.next);
}

void life_note_step(struct life *life, unsigned run, unsigned key)
{
    struct life_step *step = step_of(life, run, key);
    struct sw_note_step_request request = {.lease = life->now.runs[run].lease,
                                           .attempt = step->attempt};
    struct sw_note_step_answer answer;
    enum sw_code rc;

    if (!life_call_begin(life) || !may_complete(life, run, key))
        return;
    request.run_id = text_of(life, "run", run);
    request.key = text_of(life, "key", key);
    request.external_ref = text_of(life, "ref", step->refs);
    LIFE_CALL(life, rc, sw_note_step(life->service, &life->call, &request, &answer, &life->err));
    step->refs += life_call_end(life, rc, "NoteStep", true);
}

void life_resolve_step(struct life *life, unsigned run, unsigned key, enum sw_resolution resolution)
{
    static const enum sw_step_state ends[] = {SW_STEP_ABSENT, SW_STEP_COMPLETED, SW_STEP_RETRYING,
                                              SW_STEP_FAILED};
    struct life_run *world = &life->now.runs[run];
    struct life_step *step = &world->steps[key];
    struct sw_resolve_step_request request = {.lease = world->lease, .resolution = resolution};
    struct sw_resolve_step_answer answer;
    enum sw_code rc;

    if (!life_call_begin(life) || world->ended || !is_in_doubt(world, step))
        return;
    request.run_id = text_of(life, "run", run);
    request.key = text_of(life, "key", key);
    request.by = text_of(life, "person", run);
    life->results++;
    if (resolution == SW_RESOLUTION_HAPPENED)
        request.output = payload_of(life, life->results);
    if (resolution == SW_RESOLUTION_GIVE_UP)
        request.failure = failure_of(life, life->results);
    LIFE_CALL(life, rc, sw_resolve_step(life->service, &life->call, &request, &answer, &life->err));
    if (!life_call_end(life, rc, "ResolveStep", true))
        return;
    step->state = ends[resolution];
    step->result = life->results;
}

void life_fill(struct life *life, unsigned run, unsigned count)
{
    struct life_run *world = &life->now.runs[run];
    enum sw_code rc = SW_OK;

    for (unsigned i = 0; life_call_begin(life) && world->lease != 0 && i < count; i++) {
        struct sw_begin_step_request begin = {.lease = world->lease};
        struct sw_complete_step_request complete = {
            .lease = world->lease, .attempt = 1, .outcome = SW_OUTCOME_OUTPUT};
        struct sw_complete_step_answer completed;
        struct sw_verdict_answer verdict;

        complete.run_id = begin.run_id = text_of(life, "run", run);
        complete.key = begin.step.key = text_of(life, "filler", world->fillers);
        begin.step.effect = SW_EFFECT_NONE;
        LIFE_CALL(life, rc,
                  sw_begin_step(life->service, &life->call, &begin, &verdict, &life->err));
        if (rc == SW_OK)
            rc = sw_complete_step(life->service, &life->call, &complete, &completed, &life->err);
        if (!life_call_end(life, rc, "filling", true))
            return;
        world->fillers++;
    }
}

/* ---- judging ----------------------------------------------------------------------------- */

struct look {
    struct life *life;
    unsigned run;
    unsigned seen;
};

static enum sw_code look_at_step(void *self, const struct sw_step_view *view, bool *ret_stop,
                                 struct sw_err *err)
{
    struct look *look = self;
    struct life *life = look->life;

    (void)ret_stop;
    (void)err;
    look->seen++;
    for (unsigned key = 0; key < LIFE_KEYS; key++) {
        const struct life_step *step = step_of(life, look->run, key);

        if (!sw_span_equal(view->step->key, text_of(life, "key", key)))
            continue;
        if (view->step->state != step->state || view->step->attempt != step->attempt)
            life_break(life, "history: run-%u key-%u is %s, not %s", look->run, key,
                       sw_step_state_name(view->step->state), sw_step_state_name(step->state));
        else if (is_finished(step))
            judge_result(life, look->run, key, view->output, view->failure);
    }
    return SW_OK;
}

/* Every step as Resume tells it. */
static void judge_history(struct life *life, unsigned run, const struct sw_run_view *view)
{
    struct look look = {.life = life, .run = run};
    struct sw_step_visitor visitor = {.visit = look_at_step, .self = &look};
    struct sw_history *history = NULL;
    bool end;
    enum sw_code rc = sw_history_new(view->head.run, false, &history, &life->err);

    if (rc == SW_OK)
        rc = sw_history_read(history, life->reader, 0, true, visitor, &end, &life->err);
    if (rc == SW_OK)
        rc = sw_history_open_steps(history, visitor, &end, &life->err);
    if (rc != SW_OK || look.seen != view->head.steps)
        life_break(life, "history of run-%u: %u steps of %llu: %s", run, look.seen,
                   (unsigned long long)view->head.steps, life->err.text);
    sw_history_free(history);
}

static void judge_absent(struct life *life, unsigned run)
{
    struct sw_resume_request request = {.run_id = text_of(life, "run", run)};
    struct sw_resume_answer answer;

    if (!life_call_begin(life))
        return;
    if (sw_resume(life->service, &life->call, &request, &answer, &life->err) != SW_RUN_NOT_FOUND)
        life_break(life, "run-%u is there", run);
}

void life_judge(struct life *life, const struct life_world *expected)
{
    struct sw_resume_answer answer;

    life->now = *expected;
    for (unsigned run = 0; run < LIFE_RUNS; run++) {
        if (!expected->runs[run].started)
            judge_absent(life, run);
        else if (resume(life, run, &answer))
            judge_history(life, run, &answer.run);
        life_commit(life);
        for (unsigned key = 0; key < LIFE_KEYS; key++) {
            life_begin_step(life, run, key, SW_EFFECT_ONCE, SW_DURABILITY_DEFAULT);
            life_commit(life);
        }
    }
    if (life->over)
        life_break(life, "after the restart: %s", life->err.text);
}
