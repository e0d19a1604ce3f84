/* SPDX-License-Identifier: Apache-2.0
 *
 * Does what claim.h asks for.
 */
#include "storage/archive/fence.h"

#include <assert.h>

#include "storage/base/fault.h"

enum { READINGS_MAX = 16 };

static enum sw_code refuse_retired(const struct sw_archive *archive, struct sw_err *err)
{
    return sw_fail(err, SW_JOURNAL_RETIRED, "the journal \"%s\" was retired in slot %llu",
                   archive->journal, (unsigned long long)archive->position.slot);
}

static enum sw_code read_chain(struct sw_fencing *fencing, struct sw_claim_fact *ret_fact,
                               struct sw_err *err)
{
    struct sw_archive *archive = fencing->archive;
    enum sw_code code = fencing->read(fencing->self, err);

    if (code != SW_OK)
        return code;
    if (archive->position.retired)
        return refuse_retired(archive, err);
    *ret_fact =
        (struct sw_claim_fact){SW_CLAIM_TAIL, archive->position.slot, archive->position.epoch};
    return SW_OK;
}

static void name_fence(const struct sw_fencing *fencing, char ret[SW_OBJECT_KEY_MAX])
{
    struct sw_name name = {.kind = SW_NAME_LOG, .slot = fencing->claim.slot};

    sw_name_put(fencing->archive->journal, &name, ret);
}

enum sw_code sw_freeze_mark(struct sw_archive *archive, enum sw_segment_kind kind, uint64_t epoch,
                            struct sw_err *err)
{
    struct sw_segment mark = {
        .kind = kind,
        .epoch = epoch,
        .slot = archive->position.slot + 1,
        .first_lsn = archive->position.lsn,
        .last_lsn = archive->position.lsn,
        .at_ms = sw_clock_now_ms(archive->options.clock),
        .before = archive->position.object,
        .chain = archive->position.chain,
    };

    memcpy(mark.uuid, archive->meta.uuid, sizeof(mark.uuid));
    memcpy(mark.owner, archive->owner, sizeof(mark.owner));
    archive->freezing = mark;
    return sw_segment_write(&archive->freezing, (struct sw_span){0}, archive->cipher,
                            &archive->packer, &archive->frozen, err);
}

static enum sw_code create_fence(struct sw_fencing *fencing, struct sw_claim_fact *ret_fact,
                                 struct sw_err *err)
{
    struct sw_archive *archive = fencing->archive;
    enum sw_object_result result;
    char key[SW_OBJECT_KEY_MAX];
    enum sw_code code = sw_freeze_mark(archive, SW_SEGMENT_FENCE, fencing->claim.epoch, err);

    assert(archive->freezing.slot == fencing->claim.slot);
    if (code == SW_OK && SW_FAULT("archive.before_fence"))
        code = sw_fail(err, SW_STORE_UNAVAILABLE, "fault point");
    name_fence(fencing, key);
    if (code == SW_OK)
        code = sw_archive_create(archive, key, sw_bytes_span(&archive->frozen), 0, &result, err);
    if (code == SW_OK && SW_FAULT("archive.after_fence"))
        code = sw_fail(err, SW_STORE_UNAVAILABLE, "fault point");
#ifdef SW_BREAK_EXISTS_IS_MINE
    result = SW_OBJECT_DONE; /* a deliberately broken build: see tests/crash */
#endif
    if (code == SW_OK)
        ret_fact->event = result == SW_OBJECT_DONE ? SW_CLAIM_CREATED : SW_CLAIM_EXISTS;
    return code;
}

/* Rule (c): what is in the slot says whose it is. */
static enum sw_code look(struct sw_fencing *fencing, struct sw_claim_fact *ret_fact,
                         struct sw_err *err)
{
    struct sw_archive *archive = fencing->archive;
    char key[SW_OBJECT_KEY_MAX];
    struct sw_segment segment;
    struct sw_object_op op;
    struct sw_span object;
    enum sw_code code;

    name_fence(fencing, key);
    code = sw_archive_get(archive, key, &op, err);
    object = sw_span_of(op.data, op.size);
    if (code == SW_OK && op.result == SW_OBJECT_ABSENT) {
        ret_fact->event = SW_CLAIM_GONE;
    } else if (code == SW_OK && sw_span_equal(object, sw_bytes_span(&archive->frozen))) {
        ret_fact->event = SW_CLAIM_MINE;
    } else if (code == SW_OK) {
        code = sw_segment_read(object, &segment, err);
        if (code != SW_OK)
            code = sw_archive_blame(archive, key, code, err);
        else if (segment.epoch < fencing->claim.epoch)
            code = sw_pull_segment(archive, key, object, fencing->replay, err);
        if (code == SW_OK && archive->position.retired)
            code = refuse_retired(archive, err);
        *ret_fact = (struct sw_claim_fact){SW_CLAIM_OTHERS, fencing->claim.slot, segment.epoch};
    }
    sw_object_op_fini(&op);
    return code;
}

static enum sw_code check_floor(struct sw_fencing *fencing, struct sw_claim_fact *ret_fact,
                                struct sw_err *err)
{
    struct sw_floors floors;
    enum sw_code code = sw_floors_list(fencing->archive, &floors, err);

    if (code == SW_OK)
        *ret_fact =
            (struct sw_claim_fact){SW_CLAIM_FLOOR, floors.count > 0 ? floors.slots[0] : 0, 0};
    return code;
}

static enum sw_code next_fact(struct sw_fencing *fencing, struct sw_claim_fact *ret_fact,
                              struct sw_err *err)
{
    switch (fencing->claim.state) {
    case SW_CLAIM_READING:
        return read_chain(fencing, ret_fact, err);
    case SW_CLAIM_FENCING:
        return create_fence(fencing, ret_fact, err);
    case SW_CLAIM_LOOKING:
        return look(fencing, ret_fact, err);
    case SW_CLAIM_CHECKING:
        return check_floor(fencing, ret_fact, err);
    case SW_CLAIM_OWNER:
    case SW_CLAIM_LOST:
    case SW_CLAIM_STATE_COUNT:
        break;
    }
    return sw_fail(err, SW_OWNER_FENCED, "no state to go on from");
}

enum sw_code sw_fence(struct sw_fencing *fencing, struct sw_err *err)
{
    struct sw_archive *archive = fencing->archive;
    enum sw_code code = SW_OK;
    int readings = 0;

    while (fencing->claim.state != SW_CLAIM_OWNER) {
        struct sw_claim_fact fact = {0};

        if (fencing->claim.state == SW_CLAIM_LOST)
            return sw_fail(err, SW_OWNER_FENCED, "another process took over in slot %llu",
                           (unsigned long long)fencing->claim.slot);
        if (fencing->claim.state == SW_CLAIM_READING && readings++ == READINGS_MAX)
            return sw_fail(err, SW_STORE_UNAVAILABLE, "others own the journal by turns");
        code = next_fact(fencing, &fact, err);
        if (code != SW_OK)
            return code;
        sw_claim_move(&fencing->claim, &fact);
    }
    sw_bytes_clear(&archive->frozen);
    code = sw_position_follow(&archive->position, &archive->freezing, err);
    return code == SW_OK ? sw_archive_note_fence(archive, archive->position.slot, err) : code;
}
