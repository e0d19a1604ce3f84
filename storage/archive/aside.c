/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/archive.intern.h"

/* An earlier try of this process wrote it, at another time and, encrypted, with other bytes. */
static enum sw_code check_same(struct sw_archive *archive, const char *key,
                               const struct sw_segment *wanted, struct sw_err *err)
{
    struct sw_segment segment;
    struct sw_object_op op;
    struct sw_span raw;
    enum sw_code code = sw_archive_get(archive, key, &op, err);

    if (code == SW_OK && op.result == SW_OBJECT_ABSENT)
        code = sw_fail(err, SW_STORE_UNAVAILABLE, "%s: was there, and now is not", key);
    else if (code == SW_OK)
        code = sw_archive_read(archive, key, sw_span_of(op.data, op.size), &segment, &raw, err);
    if (code == SW_OK &&
        (segment.kind != SW_SEGMENT_ORPHAN || segment.first_lsn != wanted->first_lsn ||
         segment.last_lsn != wanted->last_lsn ||
         memcmp(&segment.chain, &wanted->chain, sizeof(segment.chain)) != 0))
        code = sw_archive_blame(archive, key, sw_fail(err, SW_CORRUPT, "holds other records"), err);
    sw_object_op_fini(&op);
    return code;
}

static enum sw_code put_orphan(struct sw_archive *archive, struct sw_segment *segment,
                               char ret_key[SW_OBJECT_KEY_MAX], struct sw_err *err)
{
    struct sw_name name = {
        .kind = SW_NAME_ORPHAN, .first_lsn = segment->first_lsn, .last_lsn = segment->last_lsn};
    enum sw_object_result result = SW_OBJECT_FAILED;
    enum sw_code code;

    memcpy(name.owner, archive->owner, sizeof(name.owner));
    sw_name_put(archive->journal, &name, ret_key);
    code = sw_segment_write(segment, sw_bytes_span(&archive->raw), archive->cipher,
                            &archive->packer, &archive->object, err);
    if (code == SW_OK)
        code =
            sw_archive_create(archive, ret_key, sw_bytes_span(&archive->object), 0, &result, err);
    if (code == SW_OK && result == SW_OBJECT_EXISTS)
        code = check_same(archive, ret_key, segment, err);
    return code;
}

enum sw_code sw_orphan_put(struct sw_archive *archive, struct sw_journal_reader *reader,
                           uint64_t first_lsn, uint64_t last_lsn, char ret_key[SW_OBJECT_KEY_MAX],
                           struct sw_err *err)
{
    char key[SW_OBJECT_KEY_MAX];
    struct sw_digest chain = {{0}};
    uint64_t after = first_lsn - 1;
    enum sw_code code = SW_OK;
    bool found = false;
    bool more = true;

    ret_key[0] = '\0';
    if (after > 0)
        code = sw_journal_reader_chain(reader, after, &chain, &found, err);
    while (code == SW_OK && more && after < last_lsn) {
        struct sw_segment segment;

        code = sw_gather(archive, reader, after, last_lsn, SW_ARCHIVE_PART_BYTES, &segment, &more,
                         err);
        if (code != SW_OK || segment.count == 0)
            break;
        segment.kind = SW_SEGMENT_ORPHAN;
        segment.epoch = archive->position.epoch;
        segment.slot = archive->position.slot;
        segment.before = chain;
        code = put_orphan(archive, &segment, key, err);
        if (code == SW_OK && ret_key[0] == '\0')
            memcpy(ret_key, key, sizeof(key));
        after = segment.last_lsn;
        chain = segment.chain;
    }
    return code == SW_OK ? SW_OK : sw_wrap(err, "keeping what was not shipped");
}

enum sw_code sw_archive_put_aside(struct sw_archive *archive, struct sw_journal_reader *reader,
                                  char ret_key[SW_OBJECT_KEY_MAX], struct sw_err *err)
{
    struct sw_journal_state state;
    enum sw_code code = sw_journal_reader_state(reader, &state, err);

    return code == SW_OK
               ? sw_orphan_put(archive, reader, archive->position.lsn + 1, state.lsn, ret_key, err)
               : code;
}
