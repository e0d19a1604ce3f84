/* SPDX-License-Identifier: Apache-2.0
 *
 * sign - signatures that identity services ask for, and how they are written.
 *
 * RS256 (RFC 7518: RSASSA-PKCS1-v1_5 with SHA-256) by OpenSSL, and base64 (RFC 4648),
 * in which signatures travel.
 *
 * Owns:    nothing.
 * Threads: any.
 * Fails:   CONFIGURATION for a key that cannot be used, never saying what is in it.
 */
#ifndef SW_SIGN_H
#define SW_SIGN_H

#include "storage/base/span.h"
#include "storage/base/status.h"

enum { SW_RS256_SIZE_MAX = 1024 }; /* the signature of a key of 8192 bits */

/* Signs message with a private RSA key in PEM (PKCS #8 or PKCS #1, not encrypted). */
SW_MUST_CHECK enum sw_code sw_sign_rs256(struct sw_span key_pem, struct sw_span message,
                                         uint8_t ret[SW_RS256_SIZE_MAX], size_t *ret_size,
                                         struct sw_err *err);

enum sw_base64 {
    SW_BASE64,    /* + and /, padded */
    SW_BASE64_URL /* - and _, not padded */
};

/* What a text of so many bytes needs at most, with the NUL. */
#define SW_BASE64_ROOM(bytes_count) (((size_t)(bytes_count) + 2) / 3 * 4 + 1)

/* ret has room for SW_BASE64_ROOM(bytes.size). */
void sw_base64_encode(enum sw_base64 alphabet, struct sw_span bytes, char *ret);

/* Padded base64 of the standard alphabet, nothing else in it; false: it is not, or has more
 * than ret_max bytes. */
bool sw_base64_decode(struct sw_span text, uint8_t *ret, size_t ret_max, size_t *ret_size);

#endif
