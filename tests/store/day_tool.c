/* SPDX-License-Identifier: Apache-2.0
 *
 * A simulated day of a sidecar in front of a real store, for test_day.py:
 *
 *   day_tool DIR URL ENDPOINT INTERVAL_MS ACTIVE_H STEPS STEPS_OF_A_RUN local|remote
 *
 * The journal, the verbs, the archive, the driver and the shipper with its thread are the real
 * ones; theirs is a time that jumps. shipper.c is compiled for this program with its
 * waiting renamed to day_cond_*: it rests until somebody wakes it or until the day has come so far.
 *
 * Snapshots are taken by a thread of their own in real time: there are fewer than in a real day.
 *
 * Prints "ready" when it owns the journal and everything is shipped, "over" after 24 h, and
 * waits for a line after each; so whoever counts requests knows which are the day's.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sidecar/service/service.h"
#include "sidecar/worker/shipper.h"
#include "storage/journal/journal.h"

enum {
    BLOCKS = 4,
    OUTPUT_BYTES = 300,
    SHIP_BYTES = 256 << 10,
    SHIP_SPACING_US = 100 * 1000,
    DRAIN_MS = 10000
};
static const uint64_t hour_us = UINT64_C(3600) * 1000 * 1000;

/* ---- the time of day ----------------------------------------------------------- */

static struct {
    _Atomic uint64_t now_us;
    pthread_mutex_t *_Atomic lock; /* the shipper's; guards what follows */
    pthread_cond_t *rests_on;      /* NULL: it is awake */
    uint64_t rests_until_us;
    pthread_cond_t at_rest;
} day = {.at_rest = PTHREAD_COND_INITIALIZER};

int day_cond_wait(pthread_cond_t *condition, pthread_mutex_t *lock);
int day_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *lock,
                       const struct timespec *until);
int day_cond_signal(pthread_cond_t *condition);

static int rest(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until_us)
{
    day.rests_on = condition;
    day.rests_until_us = until_us;
    day.lock = lock;
    (void)pthread_cond_signal(&day.at_rest);
    while (day.rests_on == condition && day.now_us < until_us)
        (void)pthread_cond_wait(condition, lock);
    if (day.rests_on != condition)
        return 0;
    day.rests_on = NULL;
    return ETIMEDOUT;
}

int day_cond_wait(pthread_cond_t *condition, pthread_mutex_t *lock)
{
    return rest(condition, lock, UINT64_MAX);
}

int day_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *lock,
                       const struct timespec *until)
{
    return rest(condition, lock,
                (uint64_t)until->tv_sec * 1000000 + (uint64_t)until->tv_nsec / 1000);
}

/* The shipper holds the lock. */
int day_cond_signal(pthread_cond_t *condition)
{
    if (condition == day.rests_on)
        day.rests_on = NULL;
    return pthread_cond_signal(condition);
}

/* Until when the shipper rests; it has done everything that was to be done until now. */
static uint64_t settle(void)
{
    uint64_t until_us;

    while (day.lock == NULL) /* its first rest */
        (void)sched_yield();
    pthread_mutex_lock(day.lock);
    while (day.rests_on == NULL)
        (void)pthread_cond_wait(&day.at_rest, day.lock);
    until_us = day.rests_until_us;
    pthread_mutex_unlock(day.lock);
    return until_us;
}

static void go_on_to(uint64_t at_us)
{
    uint64_t until_us;

    while ((until_us = settle()) <= at_us) {
        pthread_mutex_lock(day.lock);
        day.now_us = until_us;
        assert(day.rests_on != NULL); /* only we wake it */
        (void)pthread_cond_signal(day.rests_on);
        day.rests_on = NULL;
        pthread_mutex_unlock(day.lock);
    }
    day.now_us = at_us;
}

static uint64_t now_ms(void *self)
{
    (void)self;
    return UINT64_C(1700000000000) + day.now_us / 1000;
}

static uint64_t monotonic_us(void *self)
{
    (void)self;
    return day.now_us;
}

static const struct sw_clock clock_of_day = {.now_ms = now_ms, .monotonic_us = monotonic_us};

/* ---- the sidecar ------------------------------------------------------------------ */

static struct {
    struct sw_err err;
    struct sw_store *store;
    struct sw_journal *journal;
    struct sw_service *service;
    struct sw_shipper *shipper;
    struct sw_arena arena;
    struct sw_call call;
    uint64_t row_bytes; /* as last told to the shipper */
} sidecar;

static void must(enum sw_code code)
{
    if (code == SW_OK)
        return;
    (void)fprintf(stderr, "%s: %s\n", sw_code_name(code), sidecar.err.text);
    exit(1);
}

static void changed(void *self)
{
    (void)self;
}

static void start(char **argv)
{
    static struct sw_store_options store;
    struct sw_store_options of_store = {
        .url = argv[2], .endpoint = argv[3], .clock = &sw_clock_system};
    struct sw_archive_options archive_options = {.journal = "day", .clock = &clock_of_day};
    struct sw_journal_options journal = {
        .directory = argv[1], .name = "day", .now_ms = now_ms(NULL)};
    struct sw_service_options service = {
        .clock = &clock_of_day,
        .limits = {.payload_bytes_max = 1 << 20, .open_steps_max = 100, .open_runs_max = 100},
        .steps_cached_max = 1 << 20,
        .has_store = true};
    struct sw_shipper_options shipper = {
        .data = argv[1],
        .clock = &clock_of_day,
        .policy = {.interval_us = strtoull(argv[4], NULL, 10) * 1000, .bytes_max = SHIP_BYTES},
        .changed = changed};
    struct sw_archive *archive;
    struct sw_take_over report;

    store = of_store; /* a snapshot opens it once more */
    must(sw_store_open(&store, &sidecar.store, &sidecar.err));
    archive_options.store = sidecar.store;
    must(sw_archive_take_over(&archive_options, &journal, &archive, &sidecar.journal, &report,
                              &sidecar.err));
    must(sw_journal_reader_open(argv[1], NULL, &service.reader, &sidecar.err));
    service.journal = sidecar.journal;
    must(sw_service_new(&service, &sidecar.service, &sidecar.err));
    sw_journal_reader_close(service.reader);
    shipper.store = sidecar.store;
    shipper.store_options = &store;
    shipper.lsn = sw_journal_state(sidecar.journal)->lsn;
    sidecar.row_bytes = sw_journal_state(sidecar.journal)->row_bytes;
    must(sw_shipper_start(&shipper, &archive, &sidecar.shipper, &sidecar.err));
    sw_arena_init(&sidecar.arena, 0);
}

static void stop(void)
{
    struct sw_shipper_end end = sw_shipper_stop(sidecar.shipper, DRAIN_MS);

    assert(end.shipped_lsn == end.lsn && !end.fenced);
    sw_service_free(sidecar.service);
    sw_journal_close(sidecar.journal);
    sw_store_close(sidecar.store);
    sw_arena_fini(&sidecar.arena);
}

static struct sw_call *call(void)
{
    sw_arena_reset(&sidecar.arena);
    sidecar.call = (struct sw_call){.arena = &sidecar.arena};
    return &sidecar.call;
}

/* As rpc/remote.c after a batch; then the answer goes out, at once or when the store has it. */
static void commit(void)
{
    const struct sw_journal_state *state = sw_journal_state(sidecar.journal);

    must(sw_journal_commit(sidecar.journal, false, &sidecar.err));
    sw_service_committed(sidecar.service);
    sw_shipper_committed(sidecar.shipper, state->lsn, state->row_bytes - sidecar.row_bytes,
                         sidecar.call.remote_lsn, sidecar.call.ship);
    sidecar.row_bytes = state->row_bytes;
    (void)settle();
    assert(sw_shipper_shipped_lsn(sidecar.shipper) >= sidecar.call.remote_lsn);
}

/* ---- the agent --------------------------------------------------------------------- */

struct work {
    enum sw_durability durability;
    uint64_t steps_of_a_run;
    uint64_t run;
    uint64_t step; /* in the run */
    uint64_t lease;
    char run_id[32];
    char key[32];
    char next_key[32];
};

static struct sw_begin_step step_of(struct work *work, char key[32], uint64_t number)
{
    (void)snprintf(key, 32, "step-%llu", (unsigned long long)number);
    return (struct sw_begin_step){.key = sw_span_of_text(key),
                                  .name = sw_span_of_text("fetch"),
                                  .effect = SW_EFFECT_ONCE,
                                  .durability = work->durability,
                                  .request_id = sw_span_of_text("1")};
}

static void begin_run(struct work *work)
{
    struct sw_start_run_answer started;
    struct sw_verdict_answer verdict;
    struct sw_start_run_request run = {.task = sw_span_of_text("t"), .take_lease = true};
    struct sw_begin_step_request first;

    (void)snprintf(work->run_id, sizeof(work->run_id), "run-%llu", (unsigned long long)++work->run);
    run.run_id = sw_span_of_text(work->run_id);
    must(sw_start_run(sidecar.service, call(), &run, &started, &sidecar.err));
    work->lease = started.lease;
    commit();
    first = (struct sw_begin_step_request){.run_id = sw_span_of_text(work->run_id),
                                           .lease = work->lease,
                                           .step = step_of(work, work->key, work->step = 1)};
    must(sw_begin_step(sidecar.service, call(), &first, &verdict, &sidecar.err));
    assert(verdict.verdict == SW_VERDICT_EXECUTE);
    commit();
}

static void end_run(struct work *work)
{
    struct sw_end_run_request end = {.run_id = sw_span_of_text(work->run_id), .lease = work->lease};
    struct sw_end_run_answer answer;

    end.result = (struct sw_payload){.present = true, .data = sw_span_of_text("7")};
    must(sw_end_run(sidecar.service, call(), &end, &answer, &sidecar.err));
    commit();
    work->step = 0;
}

/* A step's outcome and, but for a run's last, the next one's intent, in one call. */
static void do_step(struct work *work)
{
    char output[OUTPUT_BYTES];
    struct sw_complete_step_request ask = {.attempt = 1, .outcome = SW_OUTCOME_OUTPUT};
    struct sw_complete_step_answer answer;

    if (work->step == 0)
        begin_run(work);
    for (size_t i = 0; i < sizeof(output); i++)
        output[i] = (char)('a' + (work->step * 7 + i * i) % 23);
    ask.run_id = sw_span_of_text(work->run_id);
    ask.has_next = work->step < work->steps_of_a_run;
    ask.lease = work->lease;
    ask.key = sw_span_of_text(work->key);
    ask.output = (struct sw_payload){.present = true, .data = sw_span_of(output, sizeof(output))};
    if (ask.has_next)
        ask.next = step_of(work, work->next_key, ++work->step);
    must(sw_complete_step(sidecar.service, call(), &ask, &answer, &sidecar.err));
    assert(!ask.has_next || answer.next.verdict == SW_VERDICT_EXECUTE);
    commit();
    memcpy(work->key, work->next_key, sizeof(work->key));
    if (!ask.has_next)
        end_run(work);
}

/* Active in blocks spread over the day, at an even pace in each. */
static void live_a_day(struct work *work, uint64_t active_us, uint64_t steps)
{
    uint64_t midnight_us = day.now_us;

    for (uint64_t block = 0; block < BLOCKS && steps > 0; block++) {
        uint64_t begins_us = midnight_us + 24 * hour_us / BLOCKS * block;

        for (uint64_t i = 0; i < steps / BLOCKS; i++) {
            go_on_to(begins_us + active_us / BLOCKS * i / (steps / BLOCKS));
            do_step(work);
        }
    }
    go_on_to(midnight_us + 24 * hour_us);
}

static void say(const char *what)
{
    (void)puts(what);
    (void)fflush(stdout);
    (void)getchar();
}

int main(int argc, char **argv)
{
    struct work work = {.durability = SW_DURABILITY_LOCAL};

    if (argc != 9) {
        (void)fputs("day_tool: see its first comment\n", stderr);
        return 1;
    }
    if (strcmp(argv[8], "remote") == 0)
        work.durability = SW_DURABILITY_REMOTE;
    work.steps_of_a_run = strtoull(argv[7], NULL, 10);
    day.now_us = hour_us;
    start(argv);
    do_step(&work); /* so that an idle day has something not to ship */
    go_on_to(2 * hour_us);
    say("ready");
    live_a_day(&work, strtoull(argv[5], NULL, 10) * hour_us, strtoull(argv[6], NULL, 10));
    say("over");
    stop();
    return 0;
}
