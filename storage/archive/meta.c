/* SPDX-License-Identifier: Apache-2.0
 *
 * META is created once and says whose archive this is: the journal's UUID and, as a body, its
 * first record. Whoever comes to an archive without a single segment can still begin the one
 * journal that belongs to it.
 */
#include "storage/archive/archive.intern.h"

static void name_meta(const struct sw_archive *archive, char ret[SW_OBJECT_KEY_MAX])
{
    sw_name_put(archive->journal, &(struct sw_name){.kind = SW_NAME_META}, ret);
}

static enum sw_code check_cipher(const struct sw_archive *archive, const struct sw_segment *meta,
                                 struct sw_err *err)
{
    if (archive->cipher != NULL && !meta->sealed)
        return sw_fail(err, SW_CONFIGURATION,
                       "the archive is not encrypted, and a key file is configured");
    return SW_OK;
}

static enum sw_code check_row(const struct sw_segment *meta, struct sw_span raw, struct sw_err *err)
{
    static const struct sw_digest zeros = {0};
    struct sw_replay replay = {0};

    if (meta->kind != SW_SEGMENT_META || meta->slot != 0 || meta->last_lsn != 1 ||
        memcmp(&meta->before, &zeros, sizeof(zeros)) != 0)
        return sw_fail(err, SW_CORRUPT, "is not the beginning of an archive");
    return sw_replay_rows(&replay, meta, raw, 0, &zeros, err);
}

enum sw_code sw_meta_load(struct sw_archive *archive, bool *ret_found, struct sw_err *err)
{
    char key[SW_OBJECT_KEY_MAX];
    struct sw_object_op op;
    struct sw_segment meta;
    struct sw_span raw;
    enum sw_code code;

    name_meta(archive, key);
    archive->meta = (struct sw_segment){0}; /* nothing is known to compare with */
    code = sw_archive_get(archive, key, &op, err);
    *ret_found = code == SW_OK && op.result == SW_OBJECT_DONE;
    if (code != SW_OK || !*ret_found)
        return code;
    code = sw_archive_read(archive, key, sw_span_of(op.data, op.size), &meta, &raw, err);
    if (code == SW_OK) {
        code = check_cipher(archive, &meta, err);
        if (code == SW_OK)
            code = check_row(&meta, raw, err);
        if (code != SW_OK)
            code = sw_archive_blame(archive, key, code, err);
    }
    if (code == SW_OK) {
        sw_bytes_clear(&archive->meta_row);
        sw_bytes_add(&archive->meta_row, raw.data, raw.size);
        if (archive->meta_row.failed)
            code = sw_fail(err, SW_NO_MEMORY, "%s", key);
        archive->meta = meta;
    }
    sw_object_op_fini(&op);
    return code;
}

enum sw_code sw_meta_create(struct sw_archive *archive, struct sw_journal_reader *reader,
                            bool *ret_created, struct sw_err *err)
{
    enum sw_object_result result = SW_OBJECT_FAILED;
    char key[SW_OBJECT_KEY_MAX];
    struct sw_journal_state state;
    struct sw_segment meta;
    enum sw_code code;
    bool more;

    name_meta(archive, key);
    code = sw_journal_reader_state(reader, &state, err);
    if (code == SW_OK)
        code = sw_gather(archive, reader, 0, 1, 1, &meta, &more, err);
    if (code == SW_OK && meta.count != 1)
        code = sw_fail(err, SW_CORRUPT, "the journal has no first record");
    if (code != SW_OK)
        return code;
    meta.kind = SW_SEGMENT_META;
    memcpy(meta.uuid, state.uuid, sizeof(meta.uuid));
    code = sw_segment_write(&meta, sw_bytes_span(&archive->raw), archive->cipher, &archive->packer,
                            &archive->object, err);
    if (code == SW_OK)
        code = sw_archive_create(archive, key, sw_bytes_span(&archive->object), 0, &result, err);
    *ret_created = result == SW_OBJECT_DONE;
    return code;
}
