/* SPDX-License-Identifier: Apache-2.0
 *
 * aead - AES-256-GCM: bytes that only the key's holder can read, and nobody can change.
 *
 * A nonce must never come twice with one key; callers draw it at random for each
 * object, which is sound for 2^32 objects a key (NIST SP 800-38D, 8.3).
 *
 * Owns:    nothing.
 * Threads: any.
 * Fails:   NO_MEMORY where OpenSSL cannot start; CORRUPT for bytes that are not what the
 *          key's holder wrote.
 */
#ifndef SW_AEAD_H
#define SW_AEAD_H

#include "storage/base/span.h"
#include "storage/base/status.h"

enum { SW_AEAD_KEY_SIZE = 32, SW_AEAD_NONCE_SIZE = 12, SW_AEAD_TAG_SIZE = 16 };

/* Writes plain.size + SW_AEAD_TAG_SIZE bytes to ret. `beside` is not encrypted but
 * protected too. */
SW_MUST_CHECK enum sw_code sw_aead_seal(const uint8_t key[SW_AEAD_KEY_SIZE],
                                        const uint8_t nonce[SW_AEAD_NONCE_SIZE],
                                        struct sw_span beside, struct sw_span plain, uint8_t *ret,
                                        struct sw_err *err);
/* Writes sealed.size - SW_AEAD_TAG_SIZE bytes to ret. */
SW_MUST_CHECK enum sw_code sw_aead_open(const uint8_t key[SW_AEAD_KEY_SIZE],
                                        const uint8_t nonce[SW_AEAD_NONCE_SIZE],
                                        struct sw_span beside, struct sw_span sealed, uint8_t *ret,
                                        struct sw_err *err);

#endif
