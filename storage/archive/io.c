/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "storage/archive/archive.intern.h"
#include "storage/base/fault.h"

static enum sw_code failure(const struct sw_object_op *op, struct sw_err *err)
{
    if (err != NULL)
        *err = op->err;
    return op->err.code;
}

static void fail_all(struct sw_object_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sw_object_op_fini(&ops[i]);
        ops[i].result = SW_OBJECT_FAILED;
        if (sw_fail(&ops[i].err, SW_STORE_UNAVAILABLE, "fault point") == SW_OK)
            return;
    }
}

void sw_archive_perform(struct sw_store *store, struct sw_object_op *ops, size_t count,
                        unsigned parallel)
{
    if (SW_FAULT("archive.request")) {
        fail_all(ops, count);
        return;
    }
    sw_store_perform(store, ops, count, parallel);
    if (SW_FAULT("archive.response"))
        fail_all(ops, count);
}

enum sw_code sw_archive_get(struct sw_archive *archive, const char *key,
                            struct sw_object_op *ret_op, struct sw_err *err)
{
    *ret_op =
        (struct sw_object_op){.verb = SW_OBJECT_GET, .key = key, .bytes_max = SW_SEGMENT_BYTES_MAX};
    sw_archive_perform(archive->options.store, ret_op, 1, 1);
    return ret_op->result == SW_OBJECT_FAILED ? failure(ret_op, err) : SW_OK;
}

enum sw_code sw_archive_create(struct sw_archive *archive, const char *key, struct sw_span object,
                               uint64_t deadline_ms, enum sw_object_result *ret_result,
                               struct sw_err *err)
{
    struct sw_object_op op = {
        .verb = SW_OBJECT_CREATE, .key = key, .body = object, .deadline_ms = deadline_ms};

    sw_archive_perform(archive->options.store, &op, 1, 1);
    sw_object_op_fini(&op);
    *ret_result = op.result;
    return op.result == SW_OBJECT_FAILED ? failure(&op, err) : SW_OK;
}

enum sw_code sw_archive_blame(struct sw_archive *archive, const char *key, enum sw_code code,
                              struct sw_err *err)
{
    if (code == SW_CORRUPT)
        (void)snprintf(archive->bad, sizeof(archive->bad), "%s", key);
    if (err == NULL)
        return code;
    return sw_wrap(err, "%s", key);
}

/* Objects with a body are all encrypted, or none is: a plain one among them is forged. */
static enum sw_code check_kin(const struct sw_archive *archive, const struct sw_segment *segment,
                              struct sw_err *err)
{
    bool sealed = archive->meta.kind == SW_SEGMENT_META ? archive->meta.sealed : segment->sealed;

    if (archive->meta.kind == SW_SEGMENT_META &&
        memcmp(segment->uuid, archive->meta.uuid, sizeof(segment->uuid)) != 0)
        return sw_fail(err, SW_CORRUPT, "is of another journal");
    if (segment->raw_size > 0 && segment->sealed != sealed)
        return sw_fail(err, SW_CORRUPT, "is %s encrypted, other than the archive",
                       segment->sealed ? "" : "not ");
    return SW_OK;
}

enum sw_code sw_archive_read(struct sw_archive *archive, const char *key, struct sw_span object,
                             struct sw_segment *ret_segment, struct sw_span *ret_raw,
                             struct sw_err *err)
{
    enum sw_code code = sw_segment_read(object, ret_segment, err);

    *ret_raw = (struct sw_span){0};
    if (code == SW_OK)
        code = check_kin(archive, ret_segment, err);
    if (code == SW_OK && ret_segment->raw_size > 0)
        code =
            sw_segment_body(object, ret_segment, archive->cipher, &archive->packer, ret_raw, err);
    return code == SW_OK ? SW_OK : sw_archive_blame(archive, key, code, err);
}

static enum sw_code visit_page(struct sw_object_op *op, struct sw_key_visitor visitor,
                               char last[SW_OBJECT_KEY_MAX + 1], bool *ret_stop, struct sw_err *err)
{
    const char *key = (const char *)op->data;
    enum sw_code code = SW_OK;

    for (uint32_t i = 0; code == SW_OK && !*ret_stop && i < op->keys; i++) {
        (void)snprintf(last, SW_OBJECT_KEY_MAX + 1, "%s", key);
        code = visitor.visit(visitor.self, key, ret_stop, err);
        key += strlen(key) + 1;
    }
    return code;
}

enum sw_code sw_store_each_key(struct sw_store *store, const char *prefix, const char *after,
                               struct sw_key_visitor visitor, struct sw_err *err)
{
    char last[SW_OBJECT_KEY_MAX + 1] = "";
    enum sw_code code = SW_OK;
    bool more = true;
    bool stop = false;

    if (after != NULL)
        (void)snprintf(last, sizeof(last), "%s", after);
    while (code == SW_OK && more && !stop) {
        struct sw_object_op op = {
            .verb = SW_OBJECT_LIST, .key = prefix, .after = last[0] != '\0' ? last : NULL};
        char before[SW_OBJECT_KEY_MAX + 1];

        memcpy(before, last, sizeof(before));
        op.after = before[0] != '\0' ? before : NULL;
        sw_archive_perform(store, &op, 1, 1);
        if (op.result == SW_OBJECT_FAILED)
            code = failure(&op, err);
        else
            code = visit_page(&op, visitor, last, &stop, err);
        more = op.more && op.keys > 0;
        sw_object_op_fini(&op);
    }
    return code;
}

enum sw_code sw_removal_flush(struct sw_removal *removal, struct sw_err *err)
{
    struct sw_object_op ops[SW_REMOVAL_AT_ONCE] = {{0}};
    enum sw_code code = SW_OK;

    if (removal->count == 0)
        return SW_OK;
    if (SW_FAULT("archive.mid_collect"))
        return sw_fail(err, SW_STORE_UNAVAILABLE, "fault point");
    for (size_t i = 0; i < removal->count; i++)
        ops[i] = (struct sw_object_op){.verb = SW_OBJECT_DELETE, .key = removal->keys[i]};
    sw_archive_perform(removal->archive->options.store, ops, removal->count, SW_REMOVAL_AT_ONCE);
    for (size_t i = 0; i < removal->count; i++) {
        if (code == SW_OK && ops[i].result == SW_OBJECT_FAILED) {
            code = ops[i].err.code;
            if (err != NULL)
                *err = ops[i].err;
        }
        sw_object_op_fini(&ops[i]);
    }
    removal->removed += code == SW_OK ? removal->count : 0;
    removal->count = 0;
    return code;
}

enum sw_code sw_removal_add(struct sw_removal *removal, const char *key, struct sw_err *err)
{
    memcpy(removal->keys[removal->count++], key, strlen(key) + 1);
    return removal->count == SW_REMOVAL_AT_ONCE ? sw_removal_flush(removal, err) : SW_OK;
}

void sw_archive_progress(struct sw_archive *archive, uint64_t records, uint64_t bytes)
{
    archive->records += records;
    archive->bytes += bytes;
    if (archive->options.progress != NULL)
        archive->options.progress(archive->options.self, archive->records, archive->bytes,
                                  archive->bytes_total);
}
