/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/segment.h"

#include <assert.h>

enum {
    AT_VERSION = 4,
    AT_KIND = 5,
    AT_FLAGS = 6,
    AT_ZERO = 7,
    AT_UUID = 8,
    AT_OWNER = 24,
    AT_EPOCH = 40,
    AT_SLOT = 48,
    AT_FIRST_LSN = 56,
    AT_LAST_LSN = 64,
    AT_TIME = 72,
    AT_COUNT = 80,
    AT_RAW_SIZE = 84,
    AT_BEFORE = 88,
    AT_CHAIN = 120,
    FLAG_PACKED = 1,
    FLAG_SEALED = 2,
    QUICK_FROM_BYTES = 64 * 1024,
    SEAL_SIZE = SW_KEY_ID_SIZE + SW_AEAD_NONCE_SIZE + SW_AEAD_TAG_SIZE
};

static const char magic[4] = {'S', 'W', 'S', 'G'};

const char *sw_segment_kind_name(enum sw_segment_kind kind)
{
    static const char *const names[SW_SEGMENT_KIND_END] = {
        [SW_SEGMENT_META] = "META",     [SW_SEGMENT_FENCE] = "FENCE", [SW_SEGMENT_DATA] = "DATA",
        [SW_SEGMENT_RETIRE] = "RETIRE", [SW_SEGMENT_PART] = "PART",   [SW_SEGMENT_INDEX] = "INDEX",
        [SW_SEGMENT_ORPHAN] = "ORPHAN",
    };

    return kind > 0 && kind < SW_SEGMENT_KIND_END ? names[kind] : "?";
}

static bool has_body(enum sw_segment_kind kind)
{
    return kind != SW_SEGMENT_FENCE && kind != SW_SEGMENT_RETIRE;
}

static void put_head(const struct sw_segment *segment, uint8_t head[SW_SEGMENT_HEAD_SIZE])
{
    memcpy(head, magic, sizeof(magic));
    head[AT_VERSION] = SW_SEGMENT_VERSION;
    head[AT_KIND] = (uint8_t)segment->kind;
    head[AT_FLAGS] =
        (uint8_t)((segment->packed ? FLAG_PACKED : 0) | (segment->sealed ? FLAG_SEALED : 0));
    head[AT_ZERO] = 0;
    memcpy(head + AT_UUID, segment->uuid, sizeof(segment->uuid));
    memcpy(head + AT_OWNER, segment->owner, sizeof(segment->owner));
    sw_put_u64(head + AT_EPOCH, segment->epoch);
    sw_put_u64(head + AT_SLOT, segment->slot);
    sw_put_u64(head + AT_FIRST_LSN, segment->first_lsn);
    sw_put_u64(head + AT_LAST_LSN, segment->last_lsn);
    sw_put_u64(head + AT_TIME, segment->at_ms);
    sw_put_u32(head + AT_COUNT, segment->count);
    sw_put_u32(head + AT_RAW_SIZE, segment->raw_size);
    memcpy(head + AT_BEFORE, segment->before.bytes, SW_DIGEST_SIZE);
    memcpy(head + AT_CHAIN, segment->chain.bytes, SW_DIGEST_SIZE);
}

/* The header and the key id are what lies beside an encrypted body. */
static enum sw_code add_sealed(struct sw_span body, const struct sw_cipher_key *key,
                               struct sw_bytes *bytes, struct sw_err *err)
{
    uint8_t nonce[SW_AEAD_NONCE_SIZE];
    uint8_t *room;
    enum sw_code code;

    sw_bytes_add(bytes, key->id, SW_KEY_ID_SIZE);
    sw_random(nonce, sizeof(nonce));
    sw_bytes_add(bytes, nonce, sizeof(nonce));
    room = sw_bytes_room(bytes, body.size + SW_AEAD_TAG_SIZE);
    if (room == NULL)
        return sw_fail(err, SW_NO_MEMORY, "a segment");
    code = sw_aead_seal(key->key, nonce,
                        sw_span_of(bytes->data, SW_SEGMENT_HEAD_SIZE + SW_KEY_ID_SIZE), body, room,
                        err);
    if (code == SW_OK)
        bytes->size += body.size + SW_AEAD_TAG_SIZE;
    return code;
}

enum sw_code sw_segment_write(struct sw_segment *segment, struct sw_span raw,
                              const struct sw_cipher *cipher, struct sw_packer *packer,
                              struct sw_bytes *ret, struct sw_err *err)
{
    uint8_t head[SW_SEGMENT_HEAD_SIZE];
    struct sw_span body = raw;
    struct sw_span packed = {0};
    enum sw_code code;

    assert(has_body(segment->kind) == (raw.size > 0));
    if (raw.size > SW_SEGMENT_RAW_MAX)
        return sw_fail(err, SW_MESSAGE_TOO_LARGE, "a segment of %zu bytes", raw.size);
    if (raw.size > 0) {
        /* A full segment means load: then the time is the agents'. */
        bool quick = segment->kind == SW_SEGMENT_DATA && raw.size >= QUICK_FROM_BYTES;

        code = sw_pack(packer, raw, quick, &packed, err);
        if (code != SW_OK)
            return code;
    }
    if (packed.size > 0)
        body = packed;
    segment->packed = packed.size > 0;
    segment->sealed = cipher != NULL && raw.size > 0;
    segment->raw_size = (uint32_t)raw.size;
    put_head(segment, head);
    sw_bytes_clear(ret);
    sw_bytes_add(ret, head, sizeof(head));
    if (segment->sealed) {
        code = add_sealed(body, &cipher->keys[0], ret, err);
        if (code != SW_OK)
            return code;
    } else {
        sw_bytes_add(ret, body.data, body.size);
    }
    if (!ret->failed)
        sw_sha256((const struct sw_span[]){sw_bytes_span(ret)}, 1, &segment->digest);
    sw_bytes_add(ret, segment->digest.bytes, SW_DIGEST_SIZE);
    return ret->failed ? sw_fail(err, SW_NO_MEMORY, "a segment") : SW_OK;
}

static void get_head(const uint8_t *head, struct sw_segment *ret)
{
    ret->kind = (enum sw_segment_kind)head[AT_KIND];
    ret->packed = (head[AT_FLAGS] & FLAG_PACKED) != 0;
    ret->sealed = (head[AT_FLAGS] & FLAG_SEALED) != 0;
    memcpy(ret->uuid, head + AT_UUID, sizeof(ret->uuid));
    memcpy(ret->owner, head + AT_OWNER, sizeof(ret->owner));
    ret->epoch = sw_get_u64(head + AT_EPOCH);
    ret->slot = sw_get_u64(head + AT_SLOT);
    ret->first_lsn = sw_get_u64(head + AT_FIRST_LSN);
    ret->last_lsn = sw_get_u64(head + AT_LAST_LSN);
    ret->at_ms = sw_get_u64(head + AT_TIME);
    ret->count = sw_get_u32(head + AT_COUNT);
    ret->raw_size = sw_get_u32(head + AT_RAW_SIZE);
    memcpy(ret->before.bytes, head + AT_BEFORE, SW_DIGEST_SIZE);
    memcpy(ret->chain.bytes, head + AT_CHAIN, SW_DIGEST_SIZE);
}

/* What holds of a header whatever journal it is of. */
static bool makes_sense(const struct sw_segment *segment, size_t stored_size)
{
    if (segment->kind == 0 || segment->kind >= SW_SEGMENT_KIND_END ||
        segment->raw_size > SW_SEGMENT_RAW_MAX || segment->first_lsn > segment->last_lsn ||
        segment->last_lsn > INT64_MAX)
        return false;
    if (!has_body(segment->kind))
        return stored_size == 0 && segment->raw_size == 0 && segment->count == 0 &&
               !segment->packed && !segment->sealed && segment->first_lsn == segment->last_lsn;
    if (segment->sealed && stored_size < SEAL_SIZE)
        return false;
    if (segment->sealed)
        stored_size -= SEAL_SIZE;
    if (segment->raw_size == 0 ||
        (segment->packed ? stored_size >= segment->raw_size : stored_size != segment->raw_size))
        return false;
    return segment->kind == SW_SEGMENT_INDEX ||
           (segment->count > 0 && segment->first_lsn > 0 &&
            segment->last_lsn - segment->first_lsn >= segment->count - 1);
}

enum sw_code sw_segment_read(struct sw_span object, struct sw_segment *ret, struct sw_err *err)
{
    struct sw_segment segment = {0};
    struct sw_span covered;

    if (object.size < SW_SEGMENT_HEAD_SIZE + SW_DIGEST_SIZE)
        return sw_fail(err, SW_CORRUPT, "%zu bytes are too few", object.size);
    covered = sw_span_of(object.data, object.size - SW_DIGEST_SIZE);
    sw_sha256(&covered, 1, &segment.digest);
    if (memcmp(segment.digest.bytes, object.data + covered.size, SW_DIGEST_SIZE) != 0)
        return sw_fail(err, SW_CORRUPT, "the bytes fail their SHA-256");
    if (memcmp(object.data, magic, sizeof(magic)) != 0)
        return sw_fail(err, SW_CORRUPT, "is no segment");
    if (object.data[AT_VERSION] > SW_SEGMENT_VERSION)
        return sw_fail(err, SW_JOURNAL_TOO_NEW, "has format %d, this program knows %d",
                       object.data[AT_VERSION], SW_SEGMENT_VERSION);
    get_head(object.data, &segment);
    if (object.data[AT_VERSION] == 0 || object.data[AT_ZERO] != 0 ||
        (object.data[AT_FLAGS] & ~(FLAG_PACKED | FLAG_SEALED)) != 0 ||
        !makes_sense(&segment, covered.size - SW_SEGMENT_HEAD_SIZE))
        return sw_fail(err, SW_CORRUPT, "its header makes no sense");
    *ret = segment;
    return SW_OK;
}

static enum sw_code unseal(struct sw_span object, const struct sw_cipher *cipher,
                           struct sw_packer *packer, struct sw_span *body, struct sw_err *err)
{
    const struct sw_cipher_key *key = sw_cipher_find(cipher, body->data);
    const uint8_t *nonce = body->data + SW_KEY_ID_SIZE;
    struct sw_span sealed =
        sw_span_of(nonce + SW_AEAD_NONCE_SIZE, body->size - SW_KEY_ID_SIZE - SW_AEAD_NONCE_SIZE);
    char id[2 * SW_KEY_ID_SIZE + 1];
    enum sw_code code;
    uint8_t *room;

    if (key == NULL) {
        sw_hex(body->data, SW_KEY_ID_SIZE, id);
        return sw_fail(err, SW_CONFIGURATION,
                       "is encrypted with the key %s, which is not in the %s", id,
                       cipher == NULL ? "configuration: a key file is needed" : "key file");
    }
    sw_bytes_clear(&packer->opened);
    room = sw_bytes_room(&packer->opened, sealed.size);
    if (room == NULL)
        return sw_fail(err, SW_NO_MEMORY, "decrypting %zu bytes", sealed.size);
    code = sw_aead_open(key->key, nonce,
                        sw_span_of(object.data, SW_SEGMENT_HEAD_SIZE + SW_KEY_ID_SIZE), sealed,
                        room, err);
    if (code == SW_OK)
        *body = sw_span_of(room, sealed.size - SW_AEAD_TAG_SIZE);
    return code;
}

enum sw_code sw_segment_body(struct sw_span object, const struct sw_segment *segment,
                             const struct sw_cipher *cipher, struct sw_packer *packer,
                             struct sw_span *ret_raw, struct sw_err *err)
{
    struct sw_span body = sw_span_of(object.data + SW_SEGMENT_HEAD_SIZE,
                                     object.size - SW_SEGMENT_HEAD_SIZE - SW_DIGEST_SIZE);
    enum sw_code code = SW_OK;

    if (segment->sealed)
        code = unseal(object, cipher, packer, &body, err);
    if (code == SW_OK && segment->packed)
        return sw_unpack(packer, body, segment->raw_size, ret_raw, err);
    if (code == SW_OK)
        *ret_raw = body;
    return code;
}
