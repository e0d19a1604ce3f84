/* SPDX-License-Identifier: Apache-2.0
 *
 * samples - a record of every type, with every field set.
 */
#ifndef SW_TEST_JOURNAL_SAMPLES_H
#define SW_TEST_JOURNAL_SAMPLES_H

#include "storage/journal/codec.h"

enum { SAMPLES = 16 };

struct sample {
    struct sw_record record;
    struct sw_layout layout;
};

static const struct sw_extent sample_extents[] = {{3, 0, 5000}, {90, 17, 65519}, {4, 1, 1}};
static const uint32_t sample_sizes[] = {2, 1, 3};
static const struct sw_label sample_labels[] = {
    {{(const uint8_t *)"team", 4}, {NULL, 0}},
    {{(const uint8_t *)"env", 3}, {(const uint8_t *)"prod", 4}}};
static const struct sw_span sample_types[] = {{(const uint8_t *)"BadRequest", 10}, {NULL, 0}};

static inline struct sw_payload sample_inline(const char *text)
{
    struct sw_payload payload = {.present = true,
                                 .data = sw_span_of_text(text),
                                 .content_type = sw_span_of_text("text/plain"),
                                 .size = strlen(text)};

    sw_sha256(&payload.data, 1, &payload.digest);
    return payload;
}

static inline struct sw_payload sample_chunked(void)
{
    return (struct sw_payload){.present = true,
                               .content_type = sw_span_of_text("application/json"),
                               .size = 5000 + 65519 + 1,
                               .digest = {{1, 2, 3}}};
}

static inline struct sw_failure sample_failure(struct sw_payload details)
{
    return (struct sw_failure){.type = sw_span_of_text("Timeout"),
                               .message = sw_span_of_text("no answer"),
                               .details = details,
                               .non_retryable = true};
}

static inline struct sw_record sample_step(enum sw_record_type type)
{
    return (struct sw_record){.lsn = 100,
                              .run = 2,
                              .at_ms = UINT64_C(1700000000000),
                              .type = type,
                              .lease = 300,
                              .key = sw_span_of_text("step-1"),
                              .attempt = UINT32_MAX};
}

static inline void sample_runs(struct sample samples[4])
{
    for (int i = 0; i < 4; i++) {
        samples[i].record = sample_step(SW_RECORD_RUN_ENDED);
        samples[i].record.key = (struct sw_span){0};
        samples[i].record.attempt = 0;
    }
    samples[0].record.type = SW_RECORD_JOURNAL_CREATED;
    memset(samples[0].record.u.journal_created.uuid, 0xab, 16);
    samples[0].record.u.journal_created.name = sw_span_of_text("agents");

    samples[1].record.type = SW_RECORD_RUN_STARTED;
    samples[1].record.u.run_started.run_id = sw_span_of_text("run-1");
    samples[1].record.u.run_started.task = sw_span_of_text("triage");
    samples[1].record.u.run_started.code_version = sw_span_of_text("v7");
    samples[1].record.u.run_started.on_divergence = SW_DIVERGENCE_ACCEPT;
    samples[1].record.u.run_started.labels = sample_labels;
    samples[1].record.u.run_started.labels_count = 2;
    samples[1].record.u.run_started.input = sample_inline("{\"ticket\": 7}");

    samples[2].record.u.run_ended.state = SW_RUN_COMPLETED;
    samples[2].record.u.run_ended.result = sample_inline("");
    samples[2].record.u.run_ended.unvisited = sample_types;
    samples[2].record.u.run_ended.unvisited_count = 2;
    samples[2].layout.steps = 1000;

    samples[3].record.u.run_ended.state = SW_RUN_FAILED;
    samples[3].record.u.run_ended.failure = sample_failure((struct sw_payload){0});
}

static inline void sample_steps(struct sample samples[SAMPLES - 4])
{
    static const enum sw_record_type types[] = {
        SW_RECORD_LEASE_TAKEN,   SW_RECORD_CHUNK,         SW_RECORD_STEP_BEGUN,
        SW_RECORD_STEP_BEGUN,    SW_RECORD_STEP_BEGUN,    SW_RECORD_STEP_COMPLETED,
        SW_RECORD_STEP_FAILED,   SW_RECORD_STEP_DOUBTED,  SW_RECORD_STEP_NOTED,
        SW_RECORD_STEP_RESOLVED, SW_RECORD_STEP_RESOLVED, SW_RECORD_STEP_RESOLVED,
    };
    struct sw_layout chunked = {.extents = sample_extents, .extents_count = 3};

    for (int i = 0; i < SAMPLES - 4; i++)
        samples[i].record = sample_step(types[i]);
    for (int i = 0; i < 2; i++) {
        samples[i].record.key = (struct sw_span){0};
        samples[i].record.attempt = 0;
    }
    samples[0].record.u.lease_taken.holder = sw_span_of_text("pod-3");
    samples[1].record.u.chunk.bytes = sw_span_of_text("abcdef");
    samples[1].layout.chunk_sizes = sample_sizes;
    samples[1].layout.chunk_sizes_count = 3;
    for (int i = 2; i < 5; i++) {
        samples[i].record.u.step_begun.name = sw_span_of_text("fetch");
        samples[i].record.u.step_begun.kind = SW_KIND_LLM;
        samples[i].record.u.step_begun.effect = SW_EFFECT_ONCE;
        samples[i].record.u.step_begun.request_id = sw_span_of_text("r-1");
        samples[i].record.u.step_begun.start_to_close_ms = UINT64_MAX;
        samples[i].record.u.step_begun.heartbeat_ms = 1 << 20;
        samples[i].record.u.step_begun.retry = (struct sw_retry){
            .max_attempts = 5, .initial_ms = 128, .factor = 2.5, .cap_ms = 127, .jitter = 0.25};
    }
    samples[2].record.u.step_begun.retry.non_retryable_types = sample_types;
    samples[2].record.u.step_begun.retry.non_retryable_types_count = 2;
    samples[2].record.u.step_begun.has_digest = true;
    samples[2].record.u.step_begun.digest.bytes[31] = 9;
    samples[3].record.u.step_begun.input = sample_inline("question");
    samples[3].record.u.step_begun.has_digest = true;
    samples[3].record.u.step_begun.digest = samples[3].record.u.step_begun.input.digest;
    samples[4].record.u.step_begun.input = sample_chunked();
    samples[4].layout = chunked;
    for (int i = 5; i < 8; i++) {
        samples[i].record.u.outcome.intent_lsn = 99;
        samples[i].record.u.outcome.usage = (struct sw_usage){1, 200, 30000, 4000000};
    }
    samples[5].record.u.outcome.output = sample_chunked();
    samples[5].layout = chunked;
    samples[6].record.u.outcome.failure = sample_failure(sample_inline("trace"));
    samples[6].record.u.outcome.final = true;
    samples[6].record.u.outcome.not_before_ms = 77;
    samples[7].record.u.outcome.failure = sample_failure(sample_chunked());
    samples[7].layout = chunked;
    samples[8].record.u.noted.ref.text = sw_span_of_text("pi_1");
    samples[8].record.u.noted.progress = sample_inline("50 %");
    for (int i = 9; i < 12; i++) {
        samples[i].record.u.resolved.intent_lsn = 99;
        samples[i].record.u.resolved.by = sw_span_of_text("ann");
        samples[i].record.u.resolved.resolution = (enum sw_resolution)(i - 8);
    }
    samples[9].record.u.resolved.output = sample_inline("done");
    samples[11].record.u.resolved.failure = sample_failure((struct sw_payload){0});
}

static inline void sample_all(struct sample samples[SAMPLES])
{
    memset(samples, 0, SAMPLES * sizeof(*samples));
    sample_runs(samples);
    sample_steps(samples + 4);
}

#endif
