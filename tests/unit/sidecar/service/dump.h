/* SPDX-License-Identifier: Apache-2.0
 *
 * dump - a run image as text: two images say the same if and only if they know the same.
 *
 * Left out: when an attempt last showed a sign of life, which heartbeats change in
 * memory alone.
 *
 * Owns:    nothing; the caller frees the text.
 * Threads: any.
 * Fails:   by cmocka's assertions.
 */
#ifndef SW_TEST_SERVICE_DUMP_H
#define SW_TEST_SERVICE_DUMP_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sidecar/service/run_image.h"

static inline void dump_span(FILE *out, const char *name, struct sw_span span)
{
    fprintf(out, " %s=\"%.*s\"", name, SW_SPAN_ARG(span));
}

static inline void dump_number(FILE *out, const char *name, uint64_t number)
{
    fprintf(out, " %s=%" PRIu64, name, number);
}

static inline void dump_usage(FILE *out, const struct sw_usage *usage)
{
    fprintf(out, " usage=%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, usage->input_tokens,
            usage->cached_input_tokens, usage->output_tokens, usage->cost_micros);
}

static inline void dump_digest(FILE *out, bool present, const struct sw_digest *digest)
{
    char hex[2 * SW_DIGEST_SIZE + 1];

    sw_hex(digest->bytes, SW_DIGEST_SIZE, hex);
    fprintf(out, " digest=%s", present ? hex : "none");
}

static inline void dump_head(FILE *out, const struct sw_run_head *head)
{
    fprintf(out, "run %" PRIu64 " state=%d", head->run, (int)head->state);
    dump_span(out, "id", head->run_id);
    dump_span(out, "task", head->task);
    dump_span(out, "holder", head->holder);
    dump_number(out, "divergence", head->on_divergence);
    dump_digest(out, head->has_input, &head->input_digest);
    dump_number(out, "lease", head->lease);
    dump_number(out, "started", head->started_ms);
    dump_number(out, "ended", head->ended_ms);
    dump_number(out, "last", head->last_lsn);
    dump_number(out, "end", head->end_lsn);
    dump_number(out, "steps", head->steps);
    dump_usage(out, &head->usage);
    fprintf(out, "\n");
}

static inline void dump_step(FILE *out, const struct sw_open_step *open)
{
    const struct sw_step *step = &open->step;

    fprintf(out, "step %s", sw_step_state_name(step->state));
    dump_span(out, "key", step->key);
    dump_span(out, "name", step->name);
    dump_span(out, "request", step->request_id);
    dump_span(out, "holder", open->holder_name);
    dump_span(out, "resolved_by", step->resolved_by);
    dump_number(out, "attempt", step->attempt);
    dump_number(out, "kind", step->kind);
    dump_number(out, "effect", step->effect);
    dump_digest(out, step->has_digest, &step->digest);
    fprintf(out, " retry=%" PRIu32 ",%" PRIu64 ",%g,%" PRIu64 ",%g", step->retry.max_attempts,
            step->retry.initial_ms, step->retry.factor, step->retry.cap_ms, step->retry.jitter);
    for (uint32_t i = 0; i < step->retry.non_retryable_types_count; i++)
        dump_span(out, "not", step->retry.non_retryable_types[i]);
    dump_number(out, "start_to_close", step->start_to_close_ms);
    dump_number(out, "heartbeat", step->heartbeat_ms);
    dump_number(out, "lease", step->lease);
    dump_number(out, "begun", step->begun_ms);
    dump_number(out, "finished", step->finished_ms);
    dump_number(out, "not_before", step->not_before_ms);
    dump_number(out, "intent", step->intent_lsn);
    dump_number(out, "outcome", step->outcome_lsn);
    dump_number(out, "progress", step->progress_lsn);
    dump_number(out, "last", step->last_lsn);
    dump_usage(out, &step->usage);
    dump_number(out, "refs", step->refs_count);
    for (const struct sw_external_ref *ref = step->refs; ref != NULL; ref = ref->next)
        dump_span(out, "ref", ref->text);
    fprintf(out, "\n");
}

static inline int dump_compare(const void *a, const void *b)
{
    const struct sw_step_slot *left = a;
    const struct sw_step_slot *right = b;

    return left->lsn < right->lsn ? -1 : left->lsn > right->lsn;
}

/* Each finished step once, by lsn: a slot that was moved still stands in the old table. */
static inline void dump_finished(FILE *out, const struct sw_step_index *index)
{
    size_t count = 0;
    struct sw_step_slot *slots =
        calloc(index->current.capacity + index->old.capacity + 1, sizeof(*slots));

    assert_non_null(slots);
    for (size_t i = 0; i < index->current.capacity + index->old.capacity; i++) {
        struct sw_step_slot slot = i < index->current.capacity
                                       ? index->current.at[i]
                                       : index->old.at[i - index->current.capacity];

        if (slot.lsn != 0)
            slots[count++] = slot;
    }
    qsort(slots, count, sizeof(*slots), dump_compare);
    fprintf(out, "finished %zu\n", index->count);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || slots[i].lsn != slots[i - 1].lsn)
            fprintf(out, "%" PRIx64 " %" PRIu64 "\n", slots[i].hash, slots[i].lsn);
    }
    free(slots);
}

static inline char *dump_image(const struct sw_run_image *image)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    dump_head(out, &image->head);
    for (const struct sw_open_step *open = image->open.oldest; open != NULL; open = open->newer)
        dump_step(out, open);
    dump_finished(out, &image->finished);
    fclose(out);
    return text;
}

static inline void assert_same_image(const struct sw_run_image *a, const struct sw_run_image *b)
{
    char *text_a = dump_image(a);
    char *text_b = dump_image(b);

    assert_string_equal(text_a, text_b);
    free(text_a);
    free(text_b);
}

#endif
