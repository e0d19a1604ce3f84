/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/codec.h"

#include <assert.h>
#include <stdlib.h>

/* Encoding takes two passes over the same puts: the first only counts. */

struct out {
    uint8_t *next; /* NULL: count only */
    size_t size;
};

static void put_bytes(struct out *out, const void *bytes, size_t size)
{
    if (out->next != NULL && size > 0) {
        memcpy(out->next, bytes, size);
        out->next += size;
    }
    out->size += size;
}

static void put_u8(struct out *out, unsigned value)
{
    if (out->next != NULL)
        *out->next++ = (uint8_t)value;
    out->size++;
}

static void put_varint(struct out *out, uint64_t value)
{
    while (value >= 0x80) {
        put_u8(out, (unsigned)(value & 0x7f) | 0x80);
        value >>= 7;
    }
    put_u8(out, (unsigned)value);
}

static void put_span(struct out *out, struct sw_span span)
{
    put_varint(out, span.size);
    put_bytes(out, span.data, span.size);
}

static void put_double(struct out *out, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    for (unsigned shift = 0; shift < 64; shift += 8)
        put_u8(out, (unsigned)(bits >> shift) & 0xff);
}

static void put_payload(struct out *out, const struct sw_payload *payload,
                        const struct sw_layout *layout)
{
    uint64_t before = 0;

    if (!payload->present) {
        put_u8(out, SW_PAYLOAD_ABSENT);
        return;
    }
    put_u8(out, layout->extents_count == 0 ? SW_PAYLOAD_INLINE : SW_PAYLOAD_EXTENTS);
    put_span(out, payload->content_type);
    if (layout->extents_count == 0) {
        put_span(out, payload->data);
        return;
    }
    put_bytes(out, payload->digest.bytes, SW_DIGEST_SIZE);
    put_varint(out, layout->extents_count);
    for (uint32_t i = 0; i < layout->extents_count; i++) {
        const struct sw_extent *extent = &layout->extents[i];
        uint64_t difference = extent->lsn - before; /* modulo 2^64 */

        put_varint(out, (difference << 1) ^ (0 - (difference >> 63)));
        put_varint(out, extent->offset);
        put_varint(out, extent->size);
        before = extent->lsn;
    }
}

static void put_failure(struct out *out, const struct sw_failure *failure,
                        const struct sw_layout *layout)
{
    put_span(out, failure->type);
    put_span(out, failure->message);
    put_u8(out, failure->non_retryable);
    put_payload(out, &failure->details, layout);
}

static void put_usage(struct out *out, const struct sw_usage *usage)
{
    put_varint(out, usage->input_tokens);
    put_varint(out, usage->cached_input_tokens);
    put_varint(out, usage->output_tokens);
    put_varint(out, usage->cost_micros);
}

static void put_run_started(struct out *out, const struct sw_record *record,
                            const struct sw_layout *layout)
{
    put_span(out, record->u.run_started.run_id);
    put_span(out, record->u.run_started.task);
    put_span(out, record->u.run_started.code_version);
    put_varint(out, record->u.run_started.on_divergence);
    put_varint(out, record->u.run_started.labels_count);
    for (uint32_t i = 0; i < record->u.run_started.labels_count; i++) {
        put_span(out, record->u.run_started.labels[i].key);
        put_span(out, record->u.run_started.labels[i].value);
    }
    put_payload(out, &record->u.run_started.input, layout);
}

static void put_step_begun(struct out *out, const struct sw_record *record,
                           const struct sw_layout *layout)
{
    const struct sw_retry *retry = &record->u.step_begun.retry;
    const struct sw_payload *input = &record->u.step_begun.input;
    const struct sw_digest *digest = &record->u.step_begun.digest;

    put_span(out, record->u.step_begun.name);
    put_varint(out, record->u.step_begun.kind);
    put_varint(out, record->u.step_begun.effect);
    put_span(out, record->u.step_begun.request_id);
    put_varint(out, record->u.step_begun.start_to_close_ms);
    put_varint(out, record->u.step_begun.heartbeat_ms);
    put_varint(out, retry->max_attempts);
    put_varint(out, retry->initial_ms);
    put_double(out, retry->factor);
    put_varint(out, retry->cap_ms);
    put_double(out, retry->jitter);
    put_varint(out, retry->non_retryable_types_count);
    for (uint32_t i = 0; i < retry->non_retryable_types_count; i++)
        put_span(out, retry->non_retryable_types[i]);
    put_payload(out, input, layout);
    if (!record->u.step_begun.has_digest) {
        put_u8(out, SW_DIGEST_NONE);
    } else if (input->present && memcmp(digest, &input->digest, sizeof(*digest)) == 0) {
        put_u8(out, SW_DIGEST_OF_PAYLOAD);
    } else {
        put_u8(out, SW_DIGEST_OWN);
        put_bytes(out, digest->bytes, SW_DIGEST_SIZE);
    }
}

static void put_outcome(struct out *out, const struct sw_record *record,
                        const struct sw_layout *layout)
{
    put_varint(out, record->u.outcome.intent_lsn);
    put_usage(out, &record->u.outcome.usage);
    if (record->type == SW_RECORD_STEP_COMPLETED) {
        put_payload(out, &record->u.outcome.output, layout);
        return;
    }
    if (record->type == SW_RECORD_STEP_FAILED) {
        put_u8(out, record->u.outcome.final);
        put_varint(out, record->u.outcome.not_before_ms);
    }
    put_failure(out, &record->u.outcome.failure, layout);
}

static void put_resolved(struct out *out, const struct sw_record *record,
                         const struct sw_layout *layout)
{
    put_varint(out, record->u.resolved.intent_lsn);
    put_varint(out, record->u.resolved.resolution);
    put_span(out, record->u.resolved.by);
    if (record->u.resolved.resolution == SW_RESOLUTION_HAPPENED)
        put_payload(out, &record->u.resolved.output, layout);
    else if (record->u.resolved.resolution == SW_RESOLUTION_GIVE_UP)
        put_failure(out, &record->u.resolved.failure, layout);
}

static void put_run_ended(struct out *out, const struct sw_record *record,
                          const struct sw_layout *layout)
{
    put_varint(out, record->u.run_ended.state);
    put_varint(out, layout->steps);
    put_varint(out, record->u.run_ended.unvisited_count);
    for (uint32_t i = 0; i < record->u.run_ended.unvisited_count; i++)
        put_span(out, record->u.run_ended.unvisited[i]);
    if (record->u.run_ended.state == SW_RUN_COMPLETED)
        put_payload(out, &record->u.run_ended.result, layout);
    else
        put_failure(out, &record->u.run_ended.failure, layout);
}

static void put_chunk(struct out *out, const struct sw_record *record,
                      const struct sw_layout *layout)
{
    put_varint(out, layout->chunk_sizes_count);
    for (uint32_t i = 0; i < layout->chunk_sizes_count; i++)
        put_varint(out, layout->chunk_sizes[i]);
    put_bytes(out, record->u.chunk.bytes.data, record->u.chunk.bytes.size);
}

static void put_record(struct out *out, const struct sw_record *record,
                       const struct sw_layout *layout)
{
    put_u8(out, SW_CODEC_VERSION);
    put_varint(out, record->at_ms);
    put_varint(out, record->lease);
    if (sw_record_is_step(record->type)) {
        put_span(out, record->key);
        put_varint(out, record->attempt);
    }
    switch (record->type) {
    case SW_RECORD_JOURNAL_CREATED:
        put_bytes(out, record->u.journal_created.uuid, sizeof(record->u.journal_created.uuid));
        put_span(out, record->u.journal_created.name);
        return;
    case SW_RECORD_RUN_STARTED:
        put_run_started(out, record, layout);
        return;
    case SW_RECORD_LEASE_TAKEN:
        put_span(out, record->u.lease_taken.holder);
        return;
    case SW_RECORD_STEP_BEGUN:
        put_step_begun(out, record, layout);
        return;
    case SW_RECORD_STEP_COMPLETED:
    case SW_RECORD_STEP_FAILED:
    case SW_RECORD_STEP_DOUBTED:
        put_outcome(out, record, layout);
        return;
    case SW_RECORD_STEP_NOTED:
        put_span(out, record->u.noted.ref.text);
        put_payload(out, &record->u.noted.progress, layout);
        return;
    case SW_RECORD_STEP_RESOLVED:
        put_resolved(out, record, layout);
        return;
    case SW_RECORD_RUN_ENDED:
        put_run_ended(out, record, layout);
        return;
    case SW_RECORD_CHUNK:
        put_chunk(out, record, layout);
        return;
    case SW_RECORD_TYPE_END:
        break;
    }
    abort(); /* a record of no type */
}

enum sw_code sw_codec_encode(const struct sw_record *record, const struct sw_layout *layout,
                             struct sw_arena *arena, struct sw_span *ret, struct sw_err *err)
{
    struct out out = {0};
    uint8_t *bytes;

    put_record(&out, record, layout);
    bytes = sw_arena_alloc(arena, out.size + SW_CODEC_SPARE);
    if (bytes == NULL)
        return sw_fail(err, SW_NO_MEMORY, "a record of %zu bytes", out.size);
    *ret = sw_span_of(bytes, out.size);
    out = (struct out){.next = bytes};
    put_record(&out, record, layout);
    assert(out.size == ret->size);
    return SW_OK;
}
