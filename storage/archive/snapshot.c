/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/snapshot.h"

#include <stdlib.h>

enum { PARTS_FIRST = 16, PART_BYTES_MIN = SW_DIGEST_SIZE + 3 };

void sw_snapshot_fini(struct sw_snapshot *snapshot)
{
    free(snapshot->dropped);
    free(snapshot->parts);
    *snapshot = (struct sw_snapshot){0};
}

bool sw_snapshot_add_part(struct sw_snapshot *snapshot, const struct sw_part *part)
{
    size_t count = snapshot->parts_count;
    struct sw_part *parts;

    /* The capacity is a power of two: full exactly when the count is one. */
    if (count == 0 || (count >= PARTS_FIRST && (count & (count - 1)) == 0)) {
        size_t capacity = count == 0 ? PARTS_FIRST : 2 * count;

        parts = realloc(snapshot->parts, capacity * sizeof(*parts));
        if (parts == NULL)
            return false;
        snapshot->parts = parts;
    }
    snapshot->parts[snapshot->parts_count++] = *part;
    snapshot->bytes += part->size;
    return true;
}

void sw_snapshot_put(const struct sw_snapshot *snapshot, struct sw_bytes *ret)
{
    uint64_t before = 0;

    sw_bytes_clear(ret);
    sw_bytes_add_varint(ret, snapshot->collected);
    sw_bytes_add_varint(ret, snapshot->dropped_count);
    for (size_t i = 0; i < snapshot->dropped_count; i++) {
        sw_bytes_add_varint(ret, snapshot->dropped[i] - before);
        before = snapshot->dropped[i];
    }
    for (size_t i = 0; i < snapshot->parts_count; i++) {
        const struct sw_part *part = &snapshot->parts[i];

        sw_bytes_add(ret, part->digest.bytes, SW_DIGEST_SIZE);
        sw_bytes_add_varint(ret, part->size);
        sw_bytes_add_varint(ret, part->first_lsn);
        sw_bytes_add_varint(ret, part->last_lsn);
    }
}

static enum sw_code get_dropped(struct sw_bytes_in *in, struct sw_snapshot *ret, struct sw_err *err)
{
    uint64_t count = sw_bytes_in_varint(in);
    uint64_t run = 0;

    if (in->bad || count > (uint64_t)(in->end - in->next))
        return sw_fail(err, SW_CORRUPT, "its list of runs cannot be read");
    if (count == 0)
        return SW_OK;
    ret->dropped = malloc(count * sizeof(*ret->dropped));
    if (ret->dropped == NULL)
        return sw_fail(err, SW_NO_MEMORY, "an index");
    for (uint64_t i = 0; i < count; i++) {
        uint64_t distance = sw_bytes_in_varint(in);

        if (in->bad || distance == 0 || distance > INT64_MAX - run)
            return sw_fail(err, SW_CORRUPT, "its list of runs cannot be read");
        run += distance;
        ret->dropped[ret->dropped_count++] = run;
    }
    return SW_OK;
}

static enum sw_code get_part(struct sw_bytes_in *in, uint64_t before_lsn, struct sw_snapshot *ret,
                             struct sw_err *err)
{
    struct sw_span digest = sw_bytes_in_take(in, SW_DIGEST_SIZE);
    struct sw_part part = {.size = sw_bytes_in_varint(in)};

    part.first_lsn = sw_bytes_in_varint(in);
    part.last_lsn = sw_bytes_in_varint(in);
    if (in->bad || part.size > SW_SEGMENT_BYTES_MAX || part.first_lsn <= before_lsn ||
        part.last_lsn < part.first_lsn)
        return sw_fail(err, SW_CORRUPT, "its list of parts cannot be read");
    memcpy(part.digest.bytes, digest.data, SW_DIGEST_SIZE);
    if (!sw_snapshot_add_part(ret, &part))
        return sw_fail(err, SW_NO_MEMORY, "an index");
    return SW_OK;
}

enum sw_code sw_snapshot_get(const struct sw_segment *index, struct sw_span raw,
                             struct sw_snapshot *ret, struct sw_err *err)
{
    struct sw_bytes_in in = sw_bytes_in_of(raw);
    struct sw_snapshot snapshot = {.index = *index, .collected = sw_bytes_in_varint(&in)};
    uint64_t last_lsn = 0;
    enum sw_code code;

    *ret = (struct sw_snapshot){0};
    code = get_dropped(&in, &snapshot, err);
    if (code == SW_OK && (index->count == 0 || index->count > raw.size / PART_BYTES_MIN ||
                          snapshot.collected > index->slot))
        code = sw_fail(err, SW_CORRUPT, "its list of parts cannot be read");
    for (uint32_t i = 0; code == SW_OK && i < index->count; i++) {
        code = get_part(&in, last_lsn, &snapshot, err);
        if (code == SW_OK)
            last_lsn = snapshot.parts[i].last_lsn;
    }
    if (code == SW_OK && (in.next != in.end || last_lsn != index->last_lsn ||
                          snapshot.parts[0].first_lsn != 1 || index->first_lsn != 1))
        code = sw_fail(err, SW_CORRUPT, "its parts are not those of the whole journal");
    if (code == SW_OK)
        *ret = snapshot;
    else
        sw_snapshot_fini(&snapshot);
    return code;
}

enum sw_code sw_part_check(const struct sw_snapshot *snapshot, const struct sw_part *part,
                           const struct sw_segment *segment, struct sw_err *err)
{
    if (segment->kind != SW_SEGMENT_PART || segment->slot != snapshot->index.slot ||
        segment->first_lsn != part->first_lsn || segment->last_lsn != part->last_lsn ||
        memcmp(segment->digest.bytes, part->digest.bytes, SW_DIGEST_SIZE) != 0)
        return sw_fail(err, SW_CORRUPT, "is not the part that the index names");
    return SW_OK;
}
