/* SPDX-License-Identifier: Apache-2.0
 *
 * bytes - a buffer that grows, and numbers in it.
 *
 *   u64, u32  little-endian
 *   varint    LEB128, never longer than needed: one encoding for each number
 *
 * Writing remembers a failed growth: check `failed` once, at the end. Reading
 * remembers what went wrong likewise: `bad` bytes read as zero.
 *
 * Owns:    struct sw_bytes its data. struct sw_bytes_in nothing.
 * Threads: one at a time.
 * Fails:   by those flags.
 */
#ifndef SW_ARCHIVE_BYTES_H
#define SW_ARCHIVE_BYTES_H

#include "storage/base/span.h"

/* Zeroed: empty. */
struct sw_bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool failed; /* no memory: what was to be added is missing */
};

void sw_bytes_fini(struct sw_bytes *bytes);
/* Empties it, and keeps the memory. */
static inline void sw_bytes_clear(struct sw_bytes *bytes)
{
    bytes->size = 0;
    bytes->failed = false;
}
static inline struct sw_span sw_bytes_span(const struct sw_bytes *bytes)
{
    return sw_span_of(bytes->data, bytes->size);
}
/* Room for `more` bytes behind the last; NULL: there is none, and the flag says so. */
uint8_t *sw_bytes_room(struct sw_bytes *bytes, size_t more);
void sw_bytes_add(struct sw_bytes *bytes, const void *data, size_t size);
void sw_bytes_add_varint(struct sw_bytes *bytes, uint64_t value);

void sw_put_u32(uint8_t *bytes, uint32_t value);
void sw_put_u64(uint8_t *bytes, uint64_t value);
uint32_t sw_get_u32(const uint8_t *bytes);
uint64_t sw_get_u64(const uint8_t *bytes);

/* A place in bytes that are being read. */
struct sw_bytes_in {
    const uint8_t *next;
    const uint8_t *end;
    bool bad;
};

static inline struct sw_bytes_in sw_bytes_in_of(struct sw_span span)
{
    return (struct sw_bytes_in){.next = span.data, .end = span.data + span.size};
}
uint64_t sw_bytes_in_varint(struct sw_bytes_in *in);
/* The next `size` bytes; empty when there are fewer. */
struct sw_span sw_bytes_in_take(struct sw_bytes_in *in, uint64_t size);

#endif
