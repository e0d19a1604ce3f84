/* SPDX-License-Identifier: Apache-2.0
 *
 * workload - a journal's life by chance, the same for the same seed.
 *
 * Runs that start and end, steps with payloads that share much of their bytes, doubts and
 * what resolved them, commands that were undone or rolled back, maintenance, retention, reopens.
 *
 * Owns:    nothing; works on the fixture's open journal.
 * Threads: one.
 * Fails:   by failing the test.
 */
#ifndef SW_TEST_JOURNAL_WORKLOAD_H
#define SW_TEST_JOURNAL_WORKLOAD_H

#include "fixture.h"

enum { WORKLOAD_RUNS = 6, WORKLOAD_BYTES = 40000, WORKLOAD_RETENTION_MS = 2000 };

struct workload {
    struct fixture *fixture;
    uint64_t random;
    uint64_t runs[WORKLOAD_RUNS]; /* running; 0: none */
    uint64_t intents[WORKLOAD_RUNS];
    uint64_t steps[WORKLOAD_RUNS];
    uint64_t runs_count;
    uint8_t bytes[WORKLOAD_BYTES];
};

static inline uint32_t workload_draw(struct workload *workload, uint32_t below)
{
    workload->random = workload->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(workload->random >> 33) % below;
}

/* Nothing, some bytes, or much of the same conversation with a change somewhere. */
static inline struct sw_payload workload_payload(struct workload *workload)
{
    uint32_t size = workload_draw(workload, WORKLOAD_BYTES);

    switch (workload_draw(workload, 4)) {
    case 0:
        return (struct sw_payload){0};
    case 1:
        workload->bytes[workload_draw(workload, WORKLOAD_BYTES)] ^= 0x55;
        return fixture_payload(workload->bytes, size);
    default:
        return fixture_payload(workload->bytes, size % 1200);
    }
}

static inline struct sw_record workload_step(struct workload *workload, enum sw_record_type type,
                                             int i)
{
    return (struct sw_record){.type = type,
                              .run = workload->runs[i],
                              .at_ms = workload->fixture->now_ms,
                              .lease = 1 + workload_draw(workload, 3),
                              .key = sw_span_of_text("step"),
                              .attempt = (uint32_t)workload->steps[i]};
}

static inline void workload_intent(struct workload *workload, int i)
{
    struct sw_record record = workload_step(workload, SW_RECORD_STEP_BEGUN, i);

    record.attempt = (uint32_t)++workload->steps[i];
    record.u.step_begun.name = sw_span_of_text("fetch");
    record.u.step_begun.kind = (enum sw_kind)(1 + workload_draw(workload, 3));
    record.u.step_begun.effect = SW_EFFECT_ONCE;
    record.u.step_begun.input = workload_payload(workload);
    record.u.step_begun.request_id = sw_span_of_text("r-1");
    record.u.step_begun.retry = (struct sw_retry){.max_attempts = 3, .factor = 2.0};
    workload->intents[i] = fixture_append(workload->fixture, record);
}

static inline struct sw_failure workload_failure(struct workload *workload)
{
    return (struct sw_failure){.type = sw_span_of_text("Timeout"),
                               .message = sw_span_of_text("no answer"),
                               .details = workload_payload(workload)};
}

static inline void workload_outcome(struct workload *workload, int i)
{
    struct sw_record record = workload_step(workload, SW_RECORD_STEP_COMPLETED, i);

    record.u.outcome.intent_lsn = workload->intents[i];
    record.u.outcome.usage = (struct sw_usage){7, 0, workload_draw(workload, 4000), 1};
    switch (workload_draw(workload, 4)) {
    case 0:
        record.type = SW_RECORD_STEP_FAILED;
        record.u.outcome.failure = workload_failure(workload);
        break;
    case 1:
        record.type = SW_RECORD_STEP_DOUBTED;
        record.u.outcome.failure = workload_failure(workload);
        break;
    default:
        record.u.outcome.output = workload_payload(workload);
    }
    (void)fixture_append(workload->fixture, record);
    if (record.type != SW_RECORD_STEP_DOUBTED)
        return;
    record = workload_step(workload, SW_RECORD_STEP_RESOLVED, i);
    record.u.resolved.intent_lsn = workload->intents[i];
    record.u.resolved.by = sw_span_of_text("ann");
    record.u.resolved.resolution = (enum sw_resolution)(1 + workload_draw(workload, 3));
    if (record.u.resolved.resolution == SW_RESOLUTION_HAPPENED)
        record.u.resolved.output = workload_payload(workload);
    else if (record.u.resolved.resolution == SW_RESOLUTION_GIVE_UP)
        record.u.resolved.failure = workload_failure(workload);
    (void)fixture_append(workload->fixture, record);
}

static inline void workload_note(struct workload *workload, int i)
{
    struct sw_record record = workload_step(workload, SW_RECORD_STEP_NOTED, i);

    record.u.noted.ref.text = sw_span_of_text("pi_1");
    record.u.noted.progress = workload_payload(workload);
    (void)fixture_append(workload->fixture, record);
    record = workload_step(workload, SW_RECORD_LEASE_TAKEN, i);
    record.key = (struct sw_span){0};
    record.attempt = 0;
    record.u.lease_taken.holder = sw_span_of_text("pod-3");
    (void)fixture_append(workload->fixture, record);
}

static inline void workload_start(struct workload *workload, int i)
{
    char run_id[32];
    struct sw_record record;

    (void)snprintf(run_id, sizeof(run_id), "run-%llu", (unsigned long long)workload->runs_count++);
    record = fixture_run(workload->fixture, run_id);
    record.u.run_started.input = workload_payload(workload);
    workload->runs[i] = fixture_append(workload->fixture, record);
    workload->steps[i] = 0;
    workload->intents[i] = 0;
}

static inline void workload_end(struct workload *workload, int i)
{
    struct sw_record record = fixture_ended(workload->fixture, workload->runs[i]);
    struct fixture *fixture = workload->fixture;

    if (workload_draw(workload, 3) == 0) {
        record.u.run_ended.state = SW_RUN_FAILED;
        record.u.run_ended.result = (struct sw_payload){0};
        record.u.run_ended.failure = workload_failure(workload);
    }
    fixture_ok(fixture,
               sw_journal_append_end(fixture->journal, &record, workload->steps[i], &fixture->err));
    workload->runs[i] = 0;
}

static inline void workload_command(struct workload *workload)
{
    int i = (int)workload_draw(workload, WORKLOAD_RUNS);

    if (workload->runs[i] == 0) {
        workload_start(workload, i);
        return;
    }
    switch (workload_draw(workload, 8)) {
    case 0:
        workload_end(workload, i);
        return;
    case 1:
        workload_note(workload, i);
        return;
    case 2:
    case 3:
    case 4:
        workload_intent(workload, i);
        return;
    default:
        if (workload->intents[i] > 0)
            workload_outcome(workload, i);
    }
}

/* One command that counts, or one that is taken back. */
static inline void workload_turn(struct workload *workload)
{
    struct fixture *fixture = workload->fixture;
    struct workload before = *workload;

    fixture->now_ms += workload_draw(workload, 30);
    fixture_ok(fixture, sw_journal_mark(fixture->journal, &fixture->err));
    workload_command(workload);
    if (workload_draw(workload, 8) == 0) {
        fixture_ok(fixture, sw_journal_undo(fixture->journal, &fixture->err));
        memcpy(workload->runs, before.runs, sizeof(before.runs));
        memcpy(workload->intents, before.intents, sizeof(before.intents));
        memcpy(workload->steps, before.steps, sizeof(before.steps));
    }
}

static inline void workload_rest(struct workload *workload)
{
    struct fixture *fixture = workload->fixture;
    bool more = true;

    for (uint32_t i = workload_draw(workload, 6); more && i > 0; i--)
        fixture_ok(fixture, sw_journal_maintain(fixture->journal, fixture->now_ms, true, &more,
                                                &fixture->err));
}

/* `turns` commands on a journal whose retention is WORKLOAD_RETENTION_MS; all committed. */
static inline void workload_run(struct fixture *fixture, uint64_t seed, int turns)
{
    struct workload *workload = calloc(1, sizeof(*workload));

    assert_non_null(workload);
    workload->fixture = fixture;
    workload->random = seed;
    for (size_t i = 0; i < WORKLOAD_BYTES; i++)
        workload->bytes[i] = (uint8_t)workload_draw(workload, 256);
    fixture->options.retention_ms = WORKLOAD_RETENTION_MS;
    fixture_open(fixture);
    for (int i = 0; i < turns; i++) {
        workload_turn(workload);
        if (workload_draw(workload, 3) > 0)
            continue;
        fixture_ok(fixture, sw_journal_commit(fixture->journal, workload_draw(workload, 2) == 0,
                                              &fixture->err));
        workload_rest(workload);
        if (workload_draw(workload, 40) == 0)
            fixture_reopen(fixture);
    }
    fixture_commit(fixture);
    free(workload);
}

#endif
