/* SPDX-License-Identifier: Apache-2.0
 *
 * cipher - the keys that an archive is encrypted with.
 *
 * A key file is text: one key a line, 64 hexadecimal digits (256 bits); empty lines
 * and lines that begin with '#' mean nothing. The first key encrypts, all decrypt: to change
 * keys, put a new one in front and keep the old ones for as long as their objects live.
 *
 *     $ openssl rand -hex 32 >journal.key
 *
 * A key's id is the first 8 bytes of SHA-256("stepwell key", key). It stands in each
 * object, so that a missing key is told from damage.
 *
 * Owns:    the keys, wiped when freed.
 * Threads: any, once loaded.
 * Fails:   CONFIGURATION, NO_MEMORY. Messages never carry a key.
 */
#ifndef SW_ARCHIVE_CIPHER_H
#define SW_ARCHIVE_CIPHER_H

#include "storage/base/aead.h"

enum { SW_KEY_ID_SIZE = 8, SW_CIPHER_KEYS_MAX = 16, SW_KEY_FILE_BYTES_MAX = 64 * 1024 };

struct sw_cipher_key {
    uint8_t id[SW_KEY_ID_SIZE];
    uint8_t key[SW_AEAD_KEY_SIZE];
};

struct sw_cipher {
    struct sw_cipher_key keys[SW_CIPHER_KEYS_MAX];
    unsigned keys_count;
};

SW_MUST_CHECK enum sw_code sw_cipher_load(const char *path, struct sw_cipher **ret_cipher,
                                          struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_cipher_parse(struct sw_span text, struct sw_cipher *ret_cipher,
                                           struct sw_err *err);
void sw_cipher_free(struct sw_cipher *cipher); /* NULL is fine */

/* NULL: none of them. */
const struct sw_cipher_key *sw_cipher_find(const struct sw_cipher *cipher,
                                           const uint8_t id[SW_KEY_ID_SIZE]);

#endif
