/* SPDX-License-Identifier: Apache-2.0
 *
 * codec - a record's fields to the bytes of its body, and back.
 *
 * What log.lsn, log.type and log.run hold is not repeated in the body:
 *
 *   body     = version u8 (1), at_ms v, lease v, step?, fields by type
 *   step     = key s, attempt v                    STEP_* types only
 *
 *   JOURNAL_CREATED  uuid 16 bytes, name s
 *   RUN_STARTED      run_id s, task s, code_version s, on_divergence e,
 *                    count v, count * (key s, value s), payload
 *   LEASE_TAKEN      holder s
 *   STEP_BEGUN       name s, kind e, effect e, request_id s, start_to_close_ms v,
 *                    heartbeat_ms v, retry, payload, digest
 *   STEP_COMPLETED   intent_lsn v, usage, payload
 *   STEP_FAILED      intent_lsn v, usage, final b, not_before_ms v, failure
 *   STEP_DOUBTED     intent_lsn v, usage, failure
 *   STEP_NOTED       ref s, payload
 *   STEP_RESOLVED    intent_lsn v, resolution e, by s, HAPPENED: payload, GIVE_UP: failure
 *   RUN_ENDED        state e, steps v, count v, count * (unvisited s), COMPLETED: payload, FAILED:
 * failure CHUNK            count v, count * (size v), that many bytes
 *
 *   payload  = 0 | 1, content_type s, bytes s
 *                | 2, content_type s, digest 32 bytes, count v, count * extent
 *   extent   = lsn of a CHUNK record, minus that of the extent before, z; offset v, size v
 *   digest   = 0 (none) | 1, 32 bytes | 2 (that of the payload)
 *   failure  = type s, message s, non_retryable b, payload
 *   retry    = max_attempts v, initial_ms v, factor d, cap_ms v, jitter d, count v, count * (type
 * s) usage    = input_tokens v, cached_input_tokens v, output_tokens v, cost_micros v
 *
 *   v: LEB128, never longer than needed · z: v of the zigzag form · s: size v and bytes ·
 *   e: v, a known enumerator · b: 0 or 1 · d: IEEE 754 double, little-endian
 *
 * There is one encoding for each record: encode(decode(x)) = x for every x that
 * decode accepts. Trailing bytes are refused.
 *
 * Owns:    nothing; results live in the arena or point into the body.
 * Threads: any.
 * Fails:   CORRUPT for bytes that are no record, NO_MEMORY.
 */
#ifndef SW_JOURNAL_CODEC_H
#define SW_JOURNAL_CODEC_H

#include "storage/base/arena.h"
#include "storage/base/status.h"
#include "storage/record.h"

enum {
    SW_CODEC_VERSION = 1,
    SW_CODEC_SPARE = 8,             /* bytes of room that encode leaves behind the body */
    SW_CHUNK_BYTES_MAX = 64 * 1024, /* of one CHUNK record */
    SW_PAYLOAD_BYTES_MAX = 64 * 1024 * 1024
};

/* A piece of a payload: bytes of a CHUNK record. */
struct sw_extent {
    uint64_t lsn;
    uint32_t offset;
    uint32_t size;
};

/* Where the record's bytes lie; of no interest outside the journal. */
struct sw_layout {
    const struct sw_extent *extents; /* of the payload; none: it stands in the body */
    uint32_t extents_count;
    const uint32_t *chunk_sizes; /* CHUNK: of the chunks in it, one after the other */
    uint32_t chunk_sizes_count;
    uint64_t steps; /* RUN_ENDED: for the run index */
};

/* The first byte of a payload, and of a digest. */
enum { SW_PAYLOAD_ABSENT = 0, SW_PAYLOAD_INLINE = 1, SW_PAYLOAD_EXTENTS = 2 };
enum { SW_DIGEST_NONE = 0, SW_DIGEST_OWN = 1, SW_DIGEST_OF_PAYLOAD = 2 };

/* Whether records of the type are about a step. */
static inline bool sw_record_is_step(enum sw_record_type type)
{
    return type >= SW_RECORD_STEP_BEGUN && type <= SW_RECORD_STEP_RESOLVED;
}

/* The payload that a record of its type and state can carry; NULL: it cannot. */
struct sw_payload *sw_record_payload(struct sw_record *record);

/* Payload digests must be set. The buffer of *ret has SW_CODEC_SPARE bytes more. */
SW_MUST_CHECK enum sw_code sw_codec_encode(const struct sw_record *record,
                                           const struct sw_layout *layout, struct sw_arena *arena,
                                           struct sw_span *ret, struct sw_err *err);

/* record->type says how to read, ->lsn names it in errors; both and ->run are kept.
 * Inline payload data points into body; of others data is NULL. */
SW_MUST_CHECK enum sw_code sw_codec_decode(struct sw_span body, struct sw_arena *arena,
                                           struct sw_record *record, struct sw_layout *ret_layout,
                                           struct sw_err *err);

/* A record's at_ms, without reading the rest. lsn: for errors. */
SW_MUST_CHECK enum sw_code sw_codec_time(struct sw_span body, uint64_t lsn, uint64_t *ret_at_ms,
                                         struct sw_err *err);

#endif
