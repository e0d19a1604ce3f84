/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/archive.intern.h"
#include "storage/base/fault.h"

static enum sw_code check_owner(const struct sw_archive *archive, struct sw_err *err)
{
    return archive->fenced ? sw_fail(err, SW_OWNER_FENCED, "another owner holds the journal")
                           : SW_OK;
}

/* Rule (b): from here on, these bytes and no others go to the next slot. */
static enum sw_code freeze(struct sw_archive *archive, struct sw_journal_reader *reader,
                           bool *ret_more, struct sw_err *err)
{
    struct sw_segment *segment = &archive->freezing;
    enum sw_code code;

    code = sw_gather(archive, reader, archive->position.lsn, 0, SW_ARCHIVE_SEGMENT_BYTES, segment,
                     ret_more, err);
    if (code != SW_OK || segment->count == 0)
        return code;
    segment->kind = SW_SEGMENT_DATA;
    segment->epoch = archive->position.epoch;
    segment->slot = archive->position.slot + 1;
    segment->before = archive->position.object;
    code = sw_segment_write(segment, sw_bytes_span(&archive->raw), archive->cipher,
                            &archive->packer, &archive->frozen, err);
    if (code != SW_OK)
        sw_bytes_clear(&archive->frozen);
    return code;
}

static enum sw_code fence(struct sw_archive *archive, const char *key, const char *why,
                          uint64_t epoch, struct sw_err *err)
{
    archive->fenced = true;
    sw_bytes_clear(&archive->frozen);
    return sw_fail(err, SW_OWNER_FENCED, "%s: %s; our epoch is %llu, that there %llu", key, why,
                   (unsigned long long)archive->position.epoch, (unsigned long long)epoch);
}

/* Rule (c): the slot is taken, perhaps by an earlier try of ours. */
static enum sw_code look(struct sw_archive *archive, const char *key, struct sw_err *err)
{
    struct sw_segment segment;
    struct sw_object_op op;
    struct sw_span object;
    enum sw_code code = sw_archive_get(archive, key, &op, err);

    object = sw_span_of(op.data, op.size);
    if (code == SW_OK && op.result == SW_OBJECT_ABSENT) {
        /* Only what a newer owner's snapshot covers is ever removed. */
        code = fence(archive, key, "was taken, and has been collected", 0, err);
    } else if (code == SW_OK && !sw_span_equal(object, sw_bytes_span(&archive->frozen))) {
        code = sw_segment_read(object, &segment, err);
        code = code == SW_OK ? fence(archive, key, "another owner was there", segment.epoch, err)
                             : sw_archive_blame(archive, key, code, err);
    }
    sw_object_op_fini(&op);
    return code;
}

static enum sw_code send(struct sw_archive *archive, uint64_t deadline_ms, struct sw_err *err)
{
    struct sw_name name = {.kind = SW_NAME_LOG, .slot = archive->freezing.slot};
    enum sw_object_result result;
    char key[SW_OBJECT_KEY_MAX];
    enum sw_code code = SW_OK;

    sw_name_put(archive->journal, &name, key);
    if (SW_FAULT("archive.before_create"))
        code = sw_fail(err, SW_STORE_UNAVAILABLE, "fault point");
    if (code == SW_OK)
        code = sw_archive_create(archive, key, sw_bytes_span(&archive->frozen), deadline_ms,
                                 &result, err);
    if (code == SW_OK && SW_FAULT("archive.after_create"))
        code = sw_fail(err, SW_STORE_UNAVAILABLE, "fault point");
#ifdef SW_BREAK_EXISTS_IS_MINE
    result = SW_OBJECT_DONE; /* a deliberately broken build: see tests/crash */
#endif
    if (code == SW_OK && result == SW_OBJECT_EXISTS)
        code = look(archive, key, err);
    return code;
}

enum sw_code sw_archive_ship(struct sw_archive *archive, struct sw_journal_reader *reader,
                             uint64_t deadline_ms, bool *ret_more, struct sw_err *err)
{
    enum sw_code code = check_owner(archive, err);
    bool more = true; /* behind bytes that were frozen earlier there may be some */

    if (code == SW_OK && archive->frozen.size == 0)
        code = freeze(archive, reader, &more, err);
    if (code == SW_OK && archive->frozen.size > 0) {
        code = send(archive, deadline_ms, err);
        if (code == SW_OK)
            code = sw_position_follow(&archive->position, &archive->freezing, err);
        if (code == SW_OK) {
            archive->segments_since++;
            archive->bytes_since += archive->frozen.size;
            sw_bytes_clear(&archive->frozen);
        }
    }
    if (code == SW_OK)
        *ret_more = more;
    return code;
}
