/* SPDX-License-Identifier: Apache-2.0
 *
 * Every object is read and checked: snapshots part by part, the chain from the older of the two
 * newest (or META) on, what is left of the log below it one by one, orphans, and that there is
 * nothing else. A snapshot below those two is stale: an owner that stalled in the middle wrote its
 * index late, or it is about to be removed. Parts of it and segments above it may be gone, and
 * nobody needs them; what is there of it is read like the rest. An owner may be at work meanwhile:
 * when what it collected looks like a gap, all is checked again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "storage/archive/archive.intern.h"
#include "storage/archive/fetch.h"

enum { TRIES_MAX = 5, LOG_BYTES_GUESS = 256 * 1024, SNAPSHOTS_KEPT = 2 };

struct verifying {
    struct sw_archive *archive;
    struct sw_archive_check check;
    struct sw_bytes indexes;     /* slots, u64 each, rising */
    struct sw_bytes places;      /* struct sw_position of each */
    struct sw_bytes slots;       /* of the log, likewise */
    struct sw_position base;     /* the chain is followed from here */
    struct sw_snapshot snapshot; /* the one whose parts are looked at */
};

static uint64_t slot_at(const struct sw_bytes *slots, size_t index)
{
    return sw_get_u64(slots->data + 8 * index);
}

static enum sw_code add_slot(struct sw_bytes *slots, uint64_t slot, struct sw_err *err)
{
    uint8_t bytes[8];

    sw_put_u64(bytes, slot);
    sw_bytes_add(slots, bytes, sizeof(bytes));
    return slots->failed ? sw_fail(err, SW_NO_MEMORY, "a list of slots") : SW_OK;
}

/* ---- what there is ------------------------------------------------------------------ */

static enum sw_code sort_key(void *self, const char *key, bool *ret_stop, struct sw_err *err)
{
    struct verifying *verifying = self;
    struct sw_name name = sw_name_get(verifying->archive->journal, key);

    (void)ret_stop;
    switch (name.kind) {
    case SW_NAME_LOG:
        return add_slot(&verifying->slots, name.slot, err);
    case SW_NAME_INDEX:
        if (name.slot == SW_RETIRE_SLOT)
            return sw_fail(err, SW_JOURNAL_RETIRED,
                           "the journal \"%s\" was retired, and is removed",
                           verifying->archive->journal);
        return add_slot(&verifying->indexes, name.slot, err);
    case SW_NAME_META:
    case SW_NAME_PART:
    case SW_NAME_ORPHAN:
        return SW_OK;
    case SW_NAME_OTHER:
        break;
    }
    return sw_archive_blame(verifying->archive, key,
                            sw_fail(err, SW_CORRUPT, "is no object of an archive"), err);
}

static enum sw_code each_key(struct verifying *verifying, enum sw_name_kind kind,
                             enum sw_code (*visit)(void *, const char *, bool *, struct sw_err *),
                             struct sw_err *err)
{
    char prefix[SW_OBJECT_KEY_MAX];

    sw_name_put_prefix(verifying->archive->journal, kind, prefix);
    return sw_store_each_key(verifying->archive->options.store, prefix, NULL,
                             (struct sw_key_visitor){visit, verifying}, err);
}

/* Reads one object that nothing else reads; *ret_op stays the caller's. */
static enum sw_code read_one(struct verifying *verifying, const char *key, struct sw_object_op *op,
                             struct sw_segment *ret_segment, struct sw_span *ret_raw,
                             struct sw_err *err)
{
    struct sw_archive *archive = verifying->archive;
    enum sw_code code = sw_archive_get(archive, key, op, err);

    if (code == SW_OK && op->result == SW_OBJECT_ABSENT)
        code = sw_fail(err, SW_CORRUPT, "is missing");
    if (code != SW_OK)
        return sw_archive_blame(archive, key, code, err);
    sw_archive_progress(archive, 0, op->size);
    return sw_archive_read(archive, key, sw_span_of(op->data, op->size), ret_segment, ret_raw, err);
}

/* It was listed, and nobody needs it: the owner is collecting. */
static bool is_removed(struct verifying *verifying, enum sw_code code,
                       const struct sw_object_op *op)
{
    if (code != SW_CORRUPT || op->result != SW_OBJECT_ABSENT)
        return false;
    verifying->archive->bad[0] = '\0';
    return true;
}

/* ---- snapshots ------------------------------------------------------------------------ */

/* How many of the snapshots are stale: the first ones. */
static size_t stale_count(const struct verifying *verifying)
{
    size_t count = verifying->indexes.size / 8;

    return count > SNAPSHOTS_KEPT ? count - SNAPSHOTS_KEPT : 0;
}

/* Its index alone; its parts are strays. */
static enum sw_code check_stale(struct verifying *verifying, uint64_t slot, struct sw_err *err)
{
    struct sw_name name = {.kind = SW_NAME_INDEX, .slot = slot};
    struct sw_archive *archive = verifying->archive;
    struct sw_snapshot snapshot;
    char key[SW_OBJECT_KEY_MAX];
    struct sw_object_op op = {0};
    struct sw_segment index = {0};
    struct sw_span raw;
    enum sw_code code;

    sw_name_put(archive->journal, &name, key);
    code = read_one(verifying, key, &op, &index, &raw, err);
    if (is_removed(verifying, code, &op))
        return SW_OK;
    if (code == SW_OK) {
        code = index.kind != SW_SEGMENT_INDEX || index.slot != slot
                   ? sw_fail(err, SW_CORRUPT, "is not the index of that snapshot")
                   : sw_snapshot_get(&index, raw, &snapshot, err);
        if (code == SW_OK)
            sw_snapshot_fini(&snapshot);
        else
            code = sw_archive_blame(archive, key, code, err);
    }
    sw_object_op_fini(&op);
    verifying->check.stale++;
    return code;
}

static enum sw_code check_snapshots(struct verifying *verifying, struct sw_err *err)
{
    struct sw_archive *archive = verifying->archive;
    size_t count = verifying->indexes.size / 8;
    size_t first = stale_count(verifying);
    enum sw_code code = SW_OK;

    for (size_t i = 0; code == SW_OK && i < first; i++)
        code = check_stale(verifying, slot_at(&verifying->indexes, i), err);
    for (size_t i = first; code == SW_OK && i < count; i++) {
        struct sw_replay replay = {0};
        struct sw_snapshot snapshot;

        code = sw_snapshot_load(archive, slot_at(&verifying->indexes, i), &snapshot, err);
        if (code == SW_OK)
            code = sw_pull_parts(archive, &snapshot, &replay, err);
        if (code == SW_OK) {
            struct sw_position place = sw_position_of_index(&snapshot.index);

            sw_bytes_add(&verifying->places, &place, sizeof(place));
            verifying->check.snapshots++;
            if (i == first) {
                verifying->base = place;
                verifying->check.records = replay.records;
            }
        }
        if (code == SW_OK && verifying->places.failed)
            code = sw_fail(err, SW_NO_MEMORY, "a list of snapshots");
        sw_snapshot_fini(&snapshot);
    }
    return code;
}

static bool is_listed(const struct sw_snapshot *snapshot, const struct sw_name *name)
{
    for (size_t i = 0; i < snapshot->parts_count && snapshot->index.slot == name->slot; i++) {
        if (memcmp(&snapshot->parts[i].digest, &name->digest, SW_DIGEST_SIZE) == 0)
            return true;
    }
    return false;
}

static bool has_index(const struct verifying *verifying, uint64_t slot)
{
    for (size_t i = stale_count(verifying); i < verifying->indexes.size / 8; i++) {
        if (slot_at(&verifying->indexes, i) == slot)
            return true;
    }
    return false;
}

/* A part that no index names: of a snapshot that was begun, tried again, or is stale. */
static enum sw_code check_stray(void *self, const char *key, bool *ret_stop, struct sw_err *err)
{
    struct verifying *verifying = self;
    struct sw_name name = sw_name_get(verifying->archive->journal, key);
    struct sw_object_op op = {0};
    struct sw_segment segment = {0};
    struct sw_span raw;
    enum sw_code code = SW_OK;

    (void)ret_stop;
    if (name.kind != SW_NAME_PART)
        return SW_OK;
    if (verifying->snapshot.index.slot != name.slot && has_index(verifying, name.slot)) {
        sw_snapshot_fini(&verifying->snapshot);
        code = sw_snapshot_load(verifying->archive, name.slot, &verifying->snapshot, err);
    }
    if (code != SW_OK || is_listed(&verifying->snapshot, &name))
        return code;
    code = read_one(verifying, key, &op, &segment, &raw, err);
    if (is_removed(verifying, code, &op))
        return SW_OK;
    if (code == SW_OK && (segment.kind != SW_SEGMENT_PART || segment.slot != name.slot ||
                          memcmp(&segment.digest, &name.digest, SW_DIGEST_SIZE) != 0))
        code = sw_archive_blame(verifying->archive, key,
                                sw_fail(err, SW_CORRUPT, "is not what its name says"), err);
    sw_object_op_fini(&op);
    return code;
}

/* ---- the log ---------------------------------------------------------------------------- */

static bool log_key(void *self, uint64_t index, char ret_key[SW_OBJECT_KEY_MAX])
{
    struct verifying *verifying = self;
    struct sw_name name = {.kind = SW_NAME_LOG};

    if (index >= verifying->slots.size / 8)
        return false;
    name.slot = slot_at(&verifying->slots, index);
    sw_name_put(verifying->archive->journal, &name, ret_key);
    return true;
}

static enum sw_code check_old(struct verifying *verifying, const char *key, struct sw_span object,
                              struct sw_segment *ret_segment, struct sw_err *err)
{
    struct sw_span raw;
    enum sw_code code = sw_archive_read(verifying->archive, key, object, ret_segment, &raw, err);

    if (code == SW_OK && ret_segment->kind != SW_SEGMENT_FENCE &&
        ret_segment->kind != SW_SEGMENT_DATA && ret_segment->kind != SW_SEGMENT_RETIRE)
        code = sw_archive_blame(verifying->archive, key,
                                sw_fail(err, SW_CORRUPT, "does not belong into the chain"), err);
    return code;
}

/* A snapshot of this slot says the same as the chain. */
static enum sw_code check_place(struct verifying *verifying, struct sw_err *err)
{
    const struct sw_position *here = &verifying->archive->position;
    struct sw_name name = {.kind = SW_NAME_INDEX, .slot = here->slot};
    char key[SW_OBJECT_KEY_MAX];

    for (size_t i = 0; i < verifying->places.size / sizeof(struct sw_position); i++) {
        struct sw_position place;

        memcpy(&place, verifying->places.data + i * sizeof(place), sizeof(place));
        if (place.slot != here->slot ||
            (place.lsn == here->lsn && place.epoch == here->epoch &&
             memcmp(&place.chain, &here->chain, sizeof(place.chain)) == 0 &&
             memcmp(&place.object, &here->object, sizeof(place.object)) == 0))
            continue;
        sw_name_put(verifying->archive->journal, &name, key);
        return sw_archive_blame(verifying->archive, key,
                                sw_fail(err, SW_CORRUPT, "is not of this chain"), err);
    }
    return SW_OK;
}

static enum sw_code check_segment(struct verifying *verifying, uint64_t slot, const char *key,
                                  struct sw_span object, struct sw_err *err)
{
    struct sw_archive *archive = verifying->archive;
    struct sw_replay replay = {0};
    struct sw_segment segment = {0};
    enum sw_code code;

    code = check_old(verifying, key, object, &segment, err);
    if (code == SW_OK && segment.slot != slot)
        code = sw_archive_blame(archive, key, sw_fail(err, SW_CORRUPT, "is of another slot"), err);
    if (code == SW_OK && slot > verifying->base.slot) {
        if (slot != archive->position.slot + 1) {
            struct sw_name lost = {.kind = SW_NAME_LOG, .slot = archive->position.slot + 1};
            char lost_key[SW_OBJECT_KEY_MAX];

            sw_name_put(archive->journal, &lost, lost_key);
            return sw_archive_blame(archive, lost_key, sw_fail(err, SW_CORRUPT, "is missing"), err);
        }
        code = sw_pull_segment(archive, key, object, &replay, err);
        verifying->check.records += replay.records;
        if (code == SW_OK)
            code = check_place(verifying, err);
    } else if (code == SW_OK) {
        sw_archive_progress(archive, 0, object.size);
    }
    verifying->check.segments++;
    verifying->check.fences += segment.kind == SW_SEGMENT_FENCE ? 1 : 0;
    return code;
}

static enum sw_code check_log(struct verifying *verifying, struct sw_err *err)
{
    struct sw_archive *archive = verifying->archive;
    struct sw_fetch_options options = {.store = archive->options.store,
                                       .parallel = archive->options.parallel,
                                       .key = log_key,
                                       .self = verifying,
                                       .bytes_guess = LOG_BYTES_GUESS,
                                       .bytes_max = SW_SEGMENT_BYTES_MAX};
    size_t count = verifying->slots.size / 8;
    struct sw_fetch *fetch = NULL;
    enum sw_code code = sw_fetch_open(&options, &fetch, err);

    archive->position = verifying->base;
    for (size_t i = 0; code == SW_OK && i < count; i++) {
        struct sw_span object;
        const char *key;

        code = sw_fetch_next(fetch, &key, &object, err);
        code = code == SW_OK
                   ? check_segment(verifying, slot_at(&verifying->slots, i), key, object, err)
                   : sw_archive_blame(archive, key, code, err);
    }
    sw_fetch_close(fetch);
    return code;
}

/* Each snapshot but the oldest lies on the chain that was followed. */
static enum sw_code check_reach(struct verifying *verifying, struct sw_err *err)
{
    size_t count = verifying->indexes.size / 8;
    uint64_t newest = count > 0 ? slot_at(&verifying->indexes, count - 1) : 0;
    struct sw_name lost = {.kind = SW_NAME_LOG, .slot = verifying->archive->position.slot + 1};
    char key[SW_OBJECT_KEY_MAX];

    if (verifying->archive->position.slot >= newest)
        return SW_OK;
    sw_name_put(verifying->archive->journal, &lost, key);
    return sw_archive_blame(verifying->archive, key, sw_fail(err, SW_CORRUPT, "is missing"), err);
}

/* ---- orphans ----------------------------------------------------------------------------- */

static enum sw_code check_orphan(void *self, const char *key, bool *ret_stop, struct sw_err *err)
{
    struct verifying *verifying = self;
    struct sw_archive *archive = verifying->archive;
    struct sw_name name = sw_name_get(archive->journal, key);
    struct sw_replay replay = {0};
    struct sw_object_op op = {0};
    struct sw_segment segment = {0};
    struct sw_span raw;
    enum sw_code code = read_one(verifying, key, &op, &segment, &raw, err);

    (void)ret_stop;
    if (code == SW_OK) {
        if (segment.kind != SW_SEGMENT_ORPHAN || segment.first_lsn != name.first_lsn ||
            segment.last_lsn != name.last_lsn ||
            memcmp(segment.owner, name.owner, sizeof(name.owner)) != 0)
            code = sw_fail(err, SW_CORRUPT, "is not what its name says");
        else
            code =
                sw_replay_rows(&replay, &segment, raw, segment.first_lsn - 1, &segment.before, err);
        if (code != SW_OK)
            code = sw_archive_blame(archive, key, code, err);
    }
    sw_object_op_fini(&op);
    verifying->check.orphans++;
    return code;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static enum sw_code verify(struct verifying *verifying, struct sw_err *err)
{
    struct sw_archive *archive = verifying->archive;
    bool found = false;
    enum sw_code code = sw_meta_load(archive, &found, err);

    if (code == SW_OK && !found)
        return sw_fail(err, SW_CONFIGURATION, "%s: holds no journal \"%s\"",
                       sw_store_url(archive->options.store), archive->journal);
    if (code != SW_OK)
        return code;
    verifying->base = sw_position_of_meta(&archive->meta);
    verifying->check.records = 1;
    code = each_key(verifying, SW_NAME_OTHER, sort_key, err);
    if (code == SW_OK)
        code = check_snapshots(verifying, err);
    if (code == SW_OK)
        code = each_key(verifying, SW_NAME_PART, check_stray, err);
    if (code == SW_OK)
        code = check_log(verifying, err);
    if (code == SW_OK)
        code = check_reach(verifying, err);
    if (code == SW_OK)
        code = each_key(verifying, SW_NAME_ORPHAN, check_orphan, err);
    return code;
}

static void conclude(struct verifying *verifying)
{
    const struct sw_archive *archive = verifying->archive;
    struct sw_archive_check *check = &verifying->check;

    check->bytes = archive->bytes;
    check->first_slot = verifying->slots.size > 0 ? slot_at(&verifying->slots, 0) : 0;
    check->last_slot = archive->position.slot;
    check->last_lsn = archive->position.lsn;
    check->epoch = archive->position.epoch;
    check->retired = archive->position.retired;
    memcpy(check->bad, archive->bad, sizeof(check->bad));
}

/* Whether a snapshot came while we were reading: then what looked damaged may have been collected.
 */
static bool has_moved(struct verifying *verifying)
{
    size_t count = verifying->indexes.size / 8;
    uint64_t newest = count > 0 ? slot_at(&verifying->indexes, count - 1) : 0;
    struct sw_floors floors;

    return sw_floors_list(verifying->archive, &floors, NULL) == SW_OK && floors.count > 0 &&
           floors.slots[0] != newest;
}

enum sw_code sw_archive_verify(const struct sw_archive_options *options,
                               struct sw_archive_check *ret_check, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    bool again = true;

    for (int i = 0; again && i < TRIES_MAX; i++) {
        struct verifying verifying = {0};

        code = sw_archive_new(options, &verifying.archive, err);
        if (code != SW_OK)
            return code;
        code = verify(&verifying, err);
        conclude(&verifying);
        again = code == SW_CORRUPT && has_moved(&verifying);
        *ret_check = verifying.check;
        sw_snapshot_fini(&verifying.snapshot);
        sw_bytes_fini(&verifying.indexes);
        sw_bytes_fini(&verifying.places);
        sw_bytes_fini(&verifying.slots);
        sw_archive_close(verifying.archive);
    }
    return code;
}
