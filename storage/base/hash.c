/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

/* The direct functions, not the EVP ones: those load providers and configuration, about two
 * megabytes, and cost more than a short digest itself. */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/sha.h>

void sw_sha256(const struct sw_span *parts, size_t parts_count, struct sw_digest *ret)
{
    SHA256_CTX context;

    if (SHA256_Init(&context) != 1)
        abort();
    for (size_t i = 0; i < parts_count; i++) {
        if (parts[i].size > 0 && SHA256_Update(&context, parts[i].data, parts[i].size) != 1)
            abort();
    }
    if (SHA256_Final(ret->bytes, &context) != 1)
        abort();
}

void sw_hmac_sha256(struct sw_span key, const struct sw_span *parts, size_t parts_count,
                    struct sw_digest *ret)
{
    uint8_t pad[SHA256_CBLOCK] = {0};
    SHA256_CTX context;

    if (key.size > sizeof(pad)) {
        sw_sha256(&key, 1, ret);
        memcpy(pad, ret->bytes, sizeof(ret->bytes));
    } else if (key.size > 0) {
        memcpy(pad, key.data, key.size);
    }
    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36;
    if (SHA256_Init(&context) != 1 || SHA256_Update(&context, pad, sizeof(pad)) != 1)
        abort();
    for (size_t i = 0; i < parts_count; i++) {
        if (parts[i].size > 0 && SHA256_Update(&context, parts[i].data, parts[i].size) != 1)
            abort();
    }
    if (SHA256_Final(ret->bytes, &context) != 1)
        abort();
    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36 ^ 0x5c;
    sw_sha256((const struct sw_span[]){sw_span_of(pad, sizeof(pad)),
                                       sw_span_of(ret->bytes, sizeof(ret->bytes))},
              2, ret);
    explicit_bzero(pad, sizeof(pad));
}

uint64_t sw_hash64(struct sw_span span, uint64_t seed)
{
    return XXH3_64bits_withSeed(span.data, span.size, seed);
}

void sw_hex(const uint8_t *bytes, size_t size, char *ret)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[2 * size] = '\0';
}

void sw_uuid_text(const uint8_t bytes[16], char ret[SW_UUID_TEXT_SIZE])
{
    static const uint8_t group_sizes[] = {4, 2, 2, 2, 6};
    uint8_t uuid[16];
    const uint8_t *next = uuid;
    char *text = ret;

    memcpy(uuid, bytes, sizeof(uuid));
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80); /* version 8: custom */
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
    for (size_t i = 0; i < sizeof(group_sizes); i++) {
        sw_hex(next, group_sizes[i], text);
        next += group_sizes[i];
        text += 2 * (size_t)group_sizes[i];
        *text++ = i + 1 < sizeof(group_sizes) ? '-' : '\0';
    }
}

void sw_random(void *ret, size_t size)
{
    uint8_t *next = ret;

    while (size > 0) {
        ssize_t got = getrandom(next, size, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        next += got;
        size -= (size_t)got;
    }
}
