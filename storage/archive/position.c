/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/position.h"

static bool equal(const struct sw_digest *a, const struct sw_digest *b)
{
    return memcmp(a->bytes, b->bytes, SW_DIGEST_SIZE) == 0;
}

struct sw_position sw_position_of_meta(const struct sw_segment *meta)
{
    struct sw_position position = {
        .lsn = meta->last_lsn, .chain = meta->chain, .object = meta->digest};

    memcpy(position.uuid, meta->uuid, sizeof(position.uuid));
    return position;
}

struct sw_position sw_position_of_index(const struct sw_segment *index)
{
    struct sw_position position = {.slot = index->slot,
                                   .epoch = index->epoch,
                                   .lsn = index->last_lsn,
                                   .chain = index->chain,
                                   .object = index->before};

    memcpy(position.uuid, index->uuid, sizeof(position.uuid));
    memcpy(position.owner, index->owner, sizeof(position.owner));
    return position;
}

/* NULL: it may follow. */
static const char *objection(const struct sw_position *position, const struct sw_segment *segment)
{
    bool same_owner = memcmp(segment->owner, position->owner, sizeof(position->owner)) == 0 &&
                      segment->epoch == position->epoch;

    if (memcmp(segment->uuid, position->uuid, sizeof(position->uuid)) != 0)
        return "is of another journal";
    if (segment->slot != position->slot + 1)
        return "is of another slot";
    if (!equal(&segment->before, &position->object))
        return "does not follow from the object before it";
    if (position->retired)
        return "follows the journal's end";
    if (segment->kind == SW_SEGMENT_DATA) {
        if (!same_owner)
            return "is not of the owner whose fence came last";
        return segment->first_lsn <= position->lsn ? "repeats records" : NULL;
    }
    if (segment->kind != SW_SEGMENT_FENCE && segment->kind != SW_SEGMENT_RETIRE)
        return "does not belong into the chain";
    if (segment->kind == SW_SEGMENT_FENCE && segment->epoch <= position->epoch)
        return "has an epoch that is not newer";
    if (segment->kind == SW_SEGMENT_RETIRE && !same_owner)
        return "is not of the owner whose fence came last";
    if (segment->last_lsn != position->lsn || !equal(&segment->chain, &position->chain))
        return "says that other records came before it";
    return NULL;
}

enum sw_code sw_position_follow(struct sw_position *position, const struct sw_segment *segment,
                                struct sw_err *err)
{
    const char *wrong = objection(position, segment);

    if (wrong != NULL)
        return sw_fail(err, SW_CORRUPT, "%s", wrong);
    position->slot = segment->slot;
    position->epoch = segment->epoch;
    position->lsn = segment->last_lsn;
    position->chain = segment->chain;
    position->object = segment->digest;
    position->retired = segment->kind == SW_SEGMENT_RETIRE;
    memcpy(position->owner, segment->owner, sizeof(position->owner));
    return SW_OK;
}
