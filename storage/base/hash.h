/* SPDX-License-Identifier: Apache-2.0
 *
 * hash - digests and checksums. Vectors: tests/vectors/hash.txt.
 *
 * SHA-256 (FIPS 180-4, by OpenSSL) where bytes must be trusted: the chain,
 * payload digests, idempotency keys; HMAC with it, where requests are signed. XXH3 (by xxHash)
 * where speed matters and an adversary does not: record checksums, hash tables.
 *
 * Threads: any.
 * Fails:   never; a digest OpenSSL cannot compute aborts.
 */
#ifndef SW_HASH_H
#define SW_HASH_H

#include <stdint.h>

#include "storage/base/span.h"

enum { SW_DIGEST_SIZE = 32, SW_UUID_TEXT_SIZE = 37 };

struct sw_digest {
    uint8_t bytes[SW_DIGEST_SIZE];
};

/* SHA-256 of the parts one after the other. */
void sw_sha256(const struct sw_span *parts, size_t parts_count, struct sw_digest *ret);

/* HMAC-SHA-256 (RFC 2104) of the parts one after the other. */
void sw_hmac_sha256(struct sw_span key, const struct sw_span *parts, size_t parts_count,
                    struct sw_digest *ret);

/* XXH3-64 of span, with a seed. */
uint64_t sw_hash64(struct sw_span span, uint64_t seed);

/* 16 bytes as a UUID of version 8 (RFC 9562): "8-4-4-4-12" and NUL. */
void sw_uuid_text(const uint8_t bytes[16], char ret[SW_UUID_TEXT_SIZE]);

/* Random bytes of the operating system; aborts when it has none. */
void sw_random(void *ret, size_t size);

/* Lower-case hexadecimal and NUL; ret has room for 2 * size + 1. */
void sw_hex(const uint8_t *bytes, size_t size, char *ret);

#endif
