/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: whatever is called in whatever order, through failed batches, restarts and
 * evictions, the service answers as the model says; an acknowledged outcome never
 * changes; no attempt is authorised while another may run; effect ONCE is never
 * executed again without a decision; memory is what a reader makes of the file.
 * Method: random calls. A failure prints its seed; MODEL_SEED=n replays that one,
 * MODEL_SEEDS=n and MODEL_CALLS=n set how many are tried and how long each is.
 */
#include "tests/integration/model_service.h"
#include "sidecar/service/verb.h"
#include "tests/unit/sidecar/service/fixture.h"

#include "tests/unit/sidecar/service/dump.h"

enum { SEEDS = 40, CALLS = 1500, HOLDERS = 3, OUTPUTS = 2, REFS = 4 };

static const char *const RUN_IDS[MODEL_RUNS] = {"r0", "r1", "r2", "r3", "r4"};
static const char *const KEYS[MODEL_KEYS] = {"k0", "k1", "k2", "k3", "k4", "k5", "k6"};
static const char *const TEXTS[] = {"text-0", "text-1", "text-2", "text-3"};

struct play {
    struct fixture *f;
    struct model model;
    struct model before; /* the open batch */
    uint64_t seed;
    uint64_t random;
    bool sync;
    unsigned at_run;
    unsigned at_key;
    struct model_run *run; /* of this call */
    struct model_step *step;
    const char *run_id;
    const char *key;
};

static unsigned draw(struct play *play, unsigned count)
{
    play->random ^= play->random << 13;
    play->random ^= play->random >> 7;
    play->random ^= play->random << 17;
    return (unsigned)((play->random >> 33) % count);
}

static bool chance(struct play *play, unsigned percent)
{
    return draw(play, 100) < percent;
}

/* Mostly the newest lease, sometimes another. */
static uint64_t draw_lease(struct play *play)
{
    uint64_t lease = play->run->lease;

    if (lease > 1 && chance(play, 10))
        return lease - 1;
    return lease == 0 || chance(play, 3) ? lease + 1 : lease;
}

static void expect(const struct play *play, enum sw_code code, enum sw_code expected)
{
    if (code != expected)
        fail_msg("%s, the model says %s: %s", sw_code_name(code), sw_code_name(expected),
                 play->f->err.text);
}

/* An answer that tells of lsn must not be told before it is durable. */
static void expect_durable(const struct play *play, uint64_t lsn)
{
    assert_true(play->f->call.sync || lsn <= sw_journal_state(play->f->journal)->durable_lsn);
}

/* ---- calls --------------------------------------------------------------------------- */

static void play_start_run(struct play *play)
{
    struct model_run *run = play->run;
    unsigned input = chance(play, 90) ? run->input : 1 - run->input;
    unsigned name = draw(play, 2);
    struct sw_start_run_request request = start_of(play->run_id);
    struct sw_start_run_answer answer;
    enum sw_code code;
    bool created;

    request.input = payload(TEXTS[input]);
    request.take_lease = chance(play, 50);
    request.holder_name = text(TEXTS[name]);
    code = fixture_start_run(play->f, &request, &answer);
    if (!run->exists && model_open_runs(&play->model) >= MODEL_OPEN_RUNS_MAX) {
        expect(play, code, SW_TOO_MANY_OPEN_RUNS);
        return;
    }
    if (run->exists && input != run->input) {
        expect(play, code, SW_RUN_CONFLICT);
        return;
    }
    expect(play, code, SW_OK);
    created =
        !run->exists ||
        (!run->ended && !model_has_steps(run) &&
         (run->lease == 0 || (run->lease == 1 && request.take_lease && run->holder_name == name &&
                              (run->holder == 0 || run->holder == play->f->holder))));
    assert_int_equal(answer.created, created);
    if (!run->exists) {
        *run = (struct model_run){.exists = true, .input = input};
        run->run = answer.run.head.run;
        model_write(run);
    }
    if (created && request.take_lease) {
        if (run->lease == 0)
            model_take_lease(&play->model, run, play->f->holder, name);
        model_touch(&play->model, run, play->f->holder);
    }
    assert_int_equal(answer.lease, created && request.take_lease ? 1 : 0);
    assert_int_equal(answer.run.head.lease, run->lease);
    assert_int_equal(answer.run.head.run, run->run);
    expect_durable(play, answer.run.head.last_lsn);
}

static void play_resume(struct play *play)
{
    struct model_run *run = play->run;
    struct sw_resume_request request = {.run_id = text(play->run_id)};
    struct sw_resume_answer answer;
    unsigned name = draw(play, 2);
    enum sw_code code;

    request.holder_name = text(TEXTS[name]);
    request.lease = chance(play, 60) ? 0 : draw_lease(play);
    code = fixture_resume(play->f, &request, &answer);
    if (!run->exists || (!run->ended && request.lease != 0 && request.lease != run->lease)) {
        expect(play, code, run->exists ? SW_LEASE_FENCED : SW_RUN_NOT_FOUND);
        return;
    }
    expect(play, code, SW_OK);
    if (!run->ended) {
        if (request.lease == 0)
            model_take_lease(&play->model, run, play->f->holder, name);
        model_touch(&play->model, run, play->f->holder);
    }
    assert_int_equal(answer.lease, run->ended ? 0 : run->lease);
    assert_int_equal(answer.up_to_lsn, answer.run.head.last_lsn);
    expect_durable(play, answer.up_to_lsn);
}

static void check_verdict(struct play *play, const struct model_verdict *expected,
                          const struct sw_begin_step *ask, unsigned request,
                          const struct sw_verdict_answer *answer)
{
    struct model_step *step = play->step;

    assert_int_equal(answer->verdict, expected->verdict);
    assert_int_equal(answer->attempt, expected->attempt);
    if (answer->verdict == SW_VERDICT_REPLAY) { /* acknowledged outcomes never change */
        assert_int_equal(answer->lsn, step->lsn);
        assert_int_equal(answer->output.present, step->state == SW_STEP_COMPLETED);
        if (answer->output.present)
            assert_text(answer->output.data, TEXTS[step->output]);
        expect_durable(play, answer->lsn);
    }
    if (answer->verdict != SW_VERDICT_EXECUTE)
        return;
    if (expected->fresh) {
        assert_true(answer->fencing_token > play->model.token);
        model_write(play->run);
        step->state = SW_STEP_OPEN;
        step->effect = ask->effect;
        step->attempt = expected->attempt;
        step->lease = play->run->lease;
        step->request = request;
        step->begun_ms = play->model.now_ms;
        step->start_to_close_ms = ask->start_to_close_ms;
        step->token = play->model.token = answer->fencing_token;
        step->resolved = false;
    }
    assert_int_equal(answer->fencing_token, step->token);
    if (step->effect == SW_EFFECT_ONCE)
        expect_durable(play, step->token);
    for (const struct sw_external_ref *ref = answer->refs; ref != NULL; ref = ref->next)
        assert_true(ref->text.size > 0);
}

static struct sw_begin_step draw_begin(struct play *play, const char *key, unsigned request)
{
    struct sw_begin_step step = {.key = text(key), .request_id = text(TEXTS[request])};

    step.effect = (enum sw_effect)(SW_EFFECT_NONE + draw(play, 3));
    step.start_to_close_ms = chance(play, 30) ? 100 * (1 + draw(play, 20)) : 0;
    return step;
}

static void play_begin_step(struct play *play)
{
    unsigned request_id = chance(play, 80) ? 0 : 1;
    struct sw_begin_step_request request = {.run_id = text(play->run_id)};
    struct sw_verdict_answer answer;
    struct model_verdict expected;
    enum sw_code code;

    request.lease = draw_lease(play);
    request.step = draw_begin(play, play->key, request_id);
    code = fixture_begin_step(play->f, &request, &answer);
    expected.code = model_check_lease(play->run, request.lease);
    if (expected.code == SW_OK) {
        model_touch(&play->model, play->run, play->f->holder);
        expected = model_begin(&play->model, play->run, play->step, request_id);
    }
    expect(play, code, expected.code);
    if (code == SW_OK)
        check_verdict(play, &expected, &request.step, request_id, &answer);
}

/* The begin_next of a completion: checked as a call of its own. */
static void check_next(struct play *play, const struct sw_complete_step_request *request,
                       unsigned next_key, unsigned next_request, enum sw_code code,
                       const struct sw_complete_step_answer *answer)
{
    struct model_step *next = &play->run->steps[next_key];
    struct model_verdict expected = model_begin(&play->model, play->run, next, next_request);

    expect(play, code, expected.code);
    if (code != SW_OK)
        return;
    play->step = next;
    check_verdict(play, &expected, &request->next, next_request, &answer->next);
}

static void take_outcome(struct play *play, const struct sw_complete_step_request *request,
                         enum sw_step_state to, unsigned output, uint64_t lsn)
{
    struct model_step *step = play->step;

    model_write(play->run);
    step->state = to;
    step->output = output;
    step->lsn = lsn;
    step->not_before_ms =
        to == SW_STEP_RETRYING ? play->model.now_ms + model_delay_ms(request->attempt) : 0;
}

static void play_complete_step(struct play *play)
{
    unsigned output = draw(play, OUTPUTS);
    unsigned next_key = draw(play, MODEL_KEYS);
    unsigned next_request = draw(play, 2);
    struct sw_complete_step_request request =
        complete_of(play->run_id, draw_lease(play), play->key, play->step->attempt);
    struct sw_complete_step_answer answer = {0};
    enum sw_step_state to = SW_STEP_ABSENT;
    bool repeated = false;
    enum sw_code expected;
    enum sw_code code;

    request.attempt += chance(play, 5) ? 1 : 0;
    request.attempt -= request.attempt > 1 && chance(play, 5) ? 1 : 0;
    request.attempt += request.attempt == 0 ? 1 : 0;
    request.outcome = chance(play, 60) ? SW_OUTCOME_OUTPUT
                                       : (enum sw_outcome)(SW_OUTCOME_FAILURE + draw(play, 2));
    request.output = payload(TEXTS[output]);
    request.failure = failure("Timeout");
    request.failure.non_retryable = chance(play, 20);
    request.has_next = chance(play, 40);
    request.next = draw_begin(play, KEYS[next_key], next_request);
    code = fixture_complete_step(play->f, &request, &answer);
    expected = model_check_lease(play->run, request.lease);
    if (expected == SW_OK) {
        model_touch(&play->model, play->run, play->f->holder);
        to = model_complete(play->step, request.attempt, request.outcome, output,
                            request.failure.non_retryable, &expected, &repeated);
    }
    if (expected != SW_OK) {
        expect(play, code, expected);
        return;
    }
    if (!repeated) /* a refused next step leaves the completion recorded */
        take_outcome(play, &request, to, output, code == SW_OK ? answer.lsn : newest_lsn(play->f));
    if (request.has_next && to == SW_STEP_COMPLETED)
        check_next(play, &request, next_key, next_request, code, &answer);
    else
        expect(play, code, SW_OK);
    if (code != SW_OK)
        return;
    play->step = &play->run->steps[play->at_key];
    assert_int_equal(answer.lsn, play->step->lsn);
    assert_int_equal(answer.state, to);
    assert_int_equal(answer.not_before_ms, play->step->not_before_ms);
    expect_durable(play, answer.lsn);
}

static void play_note_step(struct play *play)
{
    unsigned ref = draw(play, REFS);
    struct model_step *step = play->step;
    struct sw_note_step_request request = {.run_id = text(play->run_id), .key = text(play->key)};
    struct sw_note_step_answer answer;
    enum sw_code expected;
    enum sw_code code;

    request.lease = draw_lease(play);
    request.attempt = step->attempt == 0 ? 1 : step->attempt;
    if (chance(play, 70))
        request.external_ref = text(TEXTS[ref]);
    code = fixture_note_step(play->f, &request, &answer);
    expected = model_check_lease(play->run, request.lease);
    if (expected == SW_OK) {
        model_touch(&play->model, play->run, play->f->holder);
        if (step->state == SW_STEP_ABSENT)
            expected = SW_STEP_NOT_FOUND;
        else if (step->state != SW_STEP_OPEN && step->state != SW_STEP_DOUBTED)
            expected = SW_ATTEMPT_SUPERSEDED;
    }
    expect(play, code, expected);
    if (code != SW_OK)
        return;
    assert_int_equal(answer.lsn != 0,
                     request.external_ref.size > 0 && (step->refs & (1u << ref)) == 0);
    if (answer.lsn == 0)
        return;
    model_write(play->run);
    step->refs |= 1u << ref;
    expect_durable(play, answer.lsn);
}

static void play_resolve_step(struct play *play)
{
    static const enum sw_step_state ends[] = {SW_STEP_ABSENT, SW_STEP_COMPLETED, SW_STEP_RETRYING,
                                              SW_STEP_FAILED};
    unsigned output = draw(play, OUTPUTS);
    struct model_step *step = play->step;
    struct sw_resolve_step_request request = {.run_id = text(play->run_id), .key = text(play->key)};
    struct sw_resolve_step_answer answer;
    enum sw_code expected;
    enum sw_code code;
    bool held;
    bool repeated = false;

    request.by_person = chance(play, 50);
    request.lease = request.by_person ? 0 : draw_lease(play);
    request.resolution = (enum sw_resolution)(SW_RESOLUTION_HAPPENED + draw(play, 3));
    request.output = payload(TEXTS[output]);
    request.failure = failure("GivenUp");
    request.by = text("somebody");
    held = !request.by_person || model_is_held(&play->model, play->run);
    code = fixture_resolve_step(play->f, &request, &answer);
    expected = model_check_lease(play->run, request.by_person ? play->run->lease : request.lease);
    if (expected == SW_OK) {
        if (!request.by_person)
            model_touch(&play->model, play->run, play->f->holder);
        repeated = step->resolved && step->state == ends[request.resolution];
        if (step->state == SW_STEP_ABSENT)
            expected = SW_STEP_NOT_FOUND;
        else if (repeated && step->state == SW_STEP_COMPLETED && output != step->output)
            expected = SW_OUTCOME_CONFLICT;
        else if (!repeated && !model_is_in_doubt(&play->model, play->run, step, held))
            expected = SW_STEP_NOT_IN_DOUBT;
    }
    expect(play, code, expected);
    if (code != SW_OK)
        return;
    if (!repeated) {
        model_write(play->run);
        step->state = ends[request.resolution];
        step->resolved = true;
        step->output = output;
        step->lsn = answer.lsn;
        step->not_before_ms = 0;
    }
    assert_int_equal(answer.state, step->state);
    assert_int_equal(answer.lsn, step->lsn);
    expect_durable(play, answer.lsn);
}

static void play_end_run(struct play *play)
{
    struct model_run *run = play->run;
    struct sw_end_run_request request = {.run_id = text(play->run_id)};
    struct sw_end_run_answer answer;
    enum sw_code expected;
    enum sw_code code;

    if (run->exists && !run->ended && chance(play, 80))
        return; /* or hardly anything would ever go on for long */
    request.lease = draw_lease(play);
    request.failed = chance(play, 30);
    request.result = payload("result");
    request.failure = failure("Broken");
    code = fixture_end_run(play->f, &request, &answer);
    expected = model_check_lease(run, request.lease);
    if (expected == SW_RUN_ENDED && request.lease == run->lease)
        expected = request.failed == run->failed ? SW_OK : SW_OUTCOME_CONFLICT;
    expect(play, code, expected);
    if (code != SW_OK)
        return;
    if (!run->ended) {
        model_write(run);
        run->ended = true;
        run->failed = request.failed;
        run->end_lsn = answer.lsn;
        run->holder = 0;
        run->in_grace = false;
    }
    assert_int_equal(answer.lsn, run->end_lsn);
    expect_durable(play, answer.lsn);
}

static void play_claim_run(struct play *play)
{
    struct sw_claim_run_request request = {.holder_name = text(TEXTS[0])};
    struct sw_claim_run_answer answer;
    struct model_run *run = next_oldest(&play->model, 0);

    if (chance(play, 70))
        return;
    expect(play, fixture_claim_run(play->f, &request, &answer), SW_OK);
    /* A run without lease that is not in memory since a restart counts as held for a while. */
    while (run != NULL && (answer.found ? run->run != answer.run.head.run : true)) {
        assert_true(run->lease == 0 || model_is_held(&play->model, run));
        run = next_oldest(&play->model, run->run);
    }
    assert_int_equal(answer.found, run != NULL);
    if (run == NULL)
        return;
    assert_true(run->lease == 0 || !model_is_held(&play->model, run));
    model_take_lease(&play->model, run, play->f->holder, 0);
    assert_int_equal(answer.lease, run->lease);
    assert_true(play->f->call.sync);
}

/* ---- what happens around calls ---------------------------------------------------------- */

static void close_batch(struct play *play, bool succeeds)
{
    struct model failed = play->model;

    play->f->hold = false;
    if (succeeds) {
        fixture_commit(play->f, play->sync);
    } else {
        fixture_fail(play->f);
        play->model = play->before;
        play->model.now_ms = failed.now_ms;
        for (int i = 0; i < MODEL_RUNS; i++) {
            struct model_run *run = &play->model.runs[i];
            const struct model_run *lost = &failed.runs[i];

            run->holder = lost->written ? lost->holder_before : lost->holder;
            run->in_grace = lost->written ? run->holder == 0 : lost->in_grace;
            run->last_call_ms = lost->written ? failed.now_ms : lost->last_call_ms;
        }
    }
    for (int i = 0; i < MODEL_RUNS; i++)
        play->model.runs[i].written = false;
    play->before = play->model;
    play->sync = false;
    play->f->hold = true;
}

static void restart(struct play *play)
{
    fixture_restart(play->f);
    for (int i = 0; i < MODEL_RUNS; i++) {
        struct model_run *run = &play->model.runs[i];

        run->holder = 0;
        run->in_grace = run->exists && !run->ended && run->lease > 0;
        run->last_call_ms = play->model.now_ms;
    }
    play->before = play->model;
}

static void release(struct play *play, uint64_t holder)
{
    sw_service_release_holder(play->f->service, holder);
    for (int i = 0; i < MODEL_RUNS; i++) {
        struct model_run *run = &play->model.runs[i];

        if (run->holder == holder) {
            run->holder = 0;
            run->in_grace = false;
        }
        if (run->written && run->holder_before == holder)
            run->holder_before = 0;
    }
}

/* Every run in memory against what a reader makes of the file. */
static void compare_images(struct play *play)
{
    uint64_t steps = 0;

    for (int i = 0; i < MODEL_RUNS; i++) {
        const struct sw_run_entry *entry =
            sw_run_table_find(&play->f->service->table, text(RUN_IDS[i]));
        struct sw_run_image *image = NULL;
        struct sw_step_pool pool = {0};
        bool open = play->model.runs[i].exists && !play->model.runs[i].ended;

        assert_int_equal(entry != NULL && sw_run_entry_in(entry, SW_RUNS_OPEN), open);
        if (entry == NULL || entry->image == NULL)
            continue;
        steps += open ? entry->image->finished.count : 0;
        ASSERT_OK(play->f, sw_run_image_read(play->f->reader, entry->run, &image, &play->f->err));
        if (image->head.state != SW_RUN_RUNNING)
            sw_run_image_shed(image, &pool);
        assert_same_image(entry->image, image);
        sw_run_image_free(image);
        sw_step_pool_fini(&pool);
    }
    assert_int_equal(sw_service_counts(play->f->service).steps_cached, steps);
}

static void between_calls(struct play *play)
{
    if (chance(play, 30)) { /* in steps that often end right on a bound */
        play->f->now_ms += 100 * draw(play, chance(play, 10) ? 20 : 4);
        play->model.now_ms = play->f->now_ms;
    }
    if (chance(play, 12))
        release(play, 1 + draw(play, HOLDERS));
    if (!chance(play, 30))
        return;
    close_batch(play, chance(play, 85));
    if (chance(play, 10))
        compare_images(play);
    if (chance(play, 3))
        restart(play);
}

static void play_call(struct play *play)
{
    static void (*const calls[])(struct play *) = {
        play_start_run,  play_resume,        play_begin_step,    play_begin_step,
        play_begin_step, play_complete_step, play_complete_step, play_complete_step,
        play_note_step,  play_resolve_step,  play_end_run,       play_claim_run,
    };

    if (chance(play, 60)) /* else about the same step as the last call */
        play->at_run = draw(play, MODEL_RUNS);
    if (chance(play, 60))
        play->at_key = draw(play, MODEL_KEYS);
    play->run = &play->model.runs[play->at_run];
    play->run_id = RUN_IDS[play->at_run];
    play->step = &play->run->steps[play->at_key];
    play->key = KEYS[play->at_key];
    play->f->holder = draw(play, HOLDERS + 1);
    calls[draw(play, sizeof(calls) / sizeof(calls[0]))](play);
    play->sync |= play->f->call.sync;
}

static void play_seed(struct fixture *f, uint64_t seed, unsigned calls)
{
    struct play play = {.f = f, .seed = seed, .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};

    print_message("seed %llu\n", (unsigned long long)seed);
    play.model.now_ms = f->now_ms;
    play.model.grace_ms = f->options.lease_grace_ms;
    play.before = play.model;
    f->hold = true;
    for (unsigned i = 0; i < calls; i++) {
        play_call(&play);
        between_calls(&play);
    }
    close_batch(&play, true);
    compare_images(&play);
}

static void the_service_answers_as_the_model_says(void **state)
{
    unsigned long one = setting("MODEL_SEED", 0);
    unsigned long seeds = setting("MODEL_SEEDS", SEEDS);
    unsigned calls = (unsigned)setting("MODEL_CALLS", CALLS);

    (void)state;
    for (unsigned long seed = one > 0 ? one : 1; seed <= (one > 0 ? one : seeds); seed++) {
        void *opened = NULL;
        struct fixture *f;

        assert_int_equal(fixture_open(&opened), 0);
        f = opened;
        fixture_stop(f);
        f->options.limits.open_runs_max = MODEL_OPEN_RUNS_MAX;
        f->options.limits.open_steps_max = MODEL_OPEN_STEPS_MAX;
        f->options.steps_cached_max = 4;
        fixture_start(f);
        play_seed(f, seed, calls);
        fixture_close(&opened);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_service_answers_as_the_model_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
