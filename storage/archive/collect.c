/* SPDX-License-Identifier: Apache-2.0
 *
 * Two snapshots are kept, and every segment above the older one. What goes: DATA segments below
 * the older one, once this process has checked every byte of it, and snapshots before it,
 * each index first. FENCE segments stay for ever (rule (d)): a stalled owner's next segment
 * would otherwise find its slot empty, and be acknowledged.
 */
#include "storage/archive/archive.intern.h"

struct collecting {
    struct sw_archive *archive;
    enum sw_name_kind wanted; /* of snapshots: INDEX first, then PART */
    struct sw_removal removal;
};

enum sw_code sw_archive_is_data(struct sw_archive *archive, const char *key, uint64_t slot,
                                bool *ret, struct sw_err *err)
{
    struct sw_segment segment;
    struct sw_object_op op;
    enum sw_code code;

    if (slot > archive->known_after) {
        *ret = true;
        for (size_t i = 0; i < archive->fences.size; i += 8)
            *ret = *ret && sw_get_u64(archive->fences.data + i) != slot;
        return SW_OK;
    }
    code = sw_archive_get(archive, key, &op, err);
    *ret = false;
    if (code == SW_OK && op.result == SW_OBJECT_DONE) {
        code = sw_segment_read(sw_span_of(op.data, op.size), &segment, err);
        if (code == SW_OK)
            *ret = segment.kind == SW_SEGMENT_DATA && segment.slot == slot;
        else
            code = sw_archive_blame(archive, key, code, err);
    }
    sw_object_op_fini(&op);
    return code;
}

static enum sw_code visit_log(void *self, const char *key, bool *ret_stop, struct sw_err *err)
{
    struct collecting *collecting = self;
    struct sw_archive *archive = collecting->archive;
    struct sw_name name = sw_name_get(archive->journal, key);
    enum sw_code code;
    bool data = false;

    if (name.kind != SW_NAME_LOG)
        return SW_OK;
    if (name.slot > archive->older_slot) {
        *ret_stop = true;
        return SW_OK;
    }
    code = sw_archive_is_data(archive, key, name.slot, &data, err);
    return code == SW_OK && data ? sw_removal_add(&collecting->removal, key, err) : code;
}

static enum sw_code visit_snapshot(void *self, const char *key, bool *ret_stop, struct sw_err *err)
{
    struct collecting *collecting = self;
    struct sw_archive *archive = collecting->archive;
    struct sw_name name = sw_name_get(archive->journal, key);

    if (name.kind != SW_NAME_INDEX && name.kind != SW_NAME_PART)
        return SW_OK;
    if (name.slot >= archive->snapshot_slot)
        *ret_stop = true;
    else if (name.slot != archive->older_slot && name.kind == collecting->wanted)
        return sw_removal_add(&collecting->removal, key, err);
    return SW_OK;
}

static enum sw_code verify_older(struct sw_archive *archive, struct sw_err *err)
{
    struct sw_replay check = {0};
    struct sw_snapshot snapshot;
    enum sw_code code;

    if (sw_archive_is_verified(archive, archive->older_slot))
        return SW_OK;
    code = sw_snapshot_load(archive, archive->older_slot, &snapshot, err);
    if (code == SW_OK)
        code = sw_pull_parts(archive, &snapshot, &check, err);
    sw_snapshot_fini(&snapshot);
    return code;
}

static enum sw_code each(struct collecting *collecting, enum sw_name_kind kind, const char *after,
                         struct sw_key_visitor visitor, struct sw_err *err)
{
    char prefix[SW_OBJECT_KEY_MAX];
    enum sw_code code;

    collecting->wanted = kind;
    sw_name_put_prefix(collecting->archive->journal, kind, prefix);
    code = sw_store_each_key(collecting->archive->options.store, prefix, after, visitor, err);
    return code == SW_OK ? sw_removal_flush(&collecting->removal, err) : code;
}

enum sw_code sw_collect(struct sw_archive *archive, struct sw_err *err)
{
    struct collecting collecting = {.archive = archive, .removal = {.archive = archive}};
    struct sw_key_visitor snapshots = {visit_snapshot, &collecting};
    struct sw_name last = {.kind = SW_NAME_LOG, .slot = archive->collected_slot};
    char after[SW_OBJECT_KEY_MAX];
    enum sw_code code;

    if (archive->older_slot == 0)
        return SW_OK;
    code = verify_older(archive, err);
    if (code == SW_OK)
        code = each(&collecting, SW_NAME_INDEX, NULL, snapshots, err);
    if (code == SW_OK)
        code = each(&collecting, SW_NAME_PART, NULL, snapshots, err);
    sw_name_put(archive->journal, &last, after);
    if (code == SW_OK)
        code = each(&collecting, SW_NAME_LOG, after,
                    (struct sw_key_visitor){visit_log, &collecting}, err);
    if (code == SW_OK)
        archive->collected_slot = archive->older_slot;
    return code == SW_OK ? SW_OK : sw_wrap(err, "removing what two snapshots make needless");
}
