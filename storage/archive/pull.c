/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/archive.intern.h"
#include "storage/archive/fetch.h"

enum { LOG_BYTES_GUESS = 256 * 1024 };

/* ---- snapshots ---------------------------------------------------------------- */

struct floors {
    struct sw_archive *archive;
    struct sw_floors *found;
};

static enum sw_code add_floor(void *self, const char *key, bool *ret_stop, struct sw_err *err)
{
    struct floors *floors = self;
    struct sw_name name = sw_name_get(floors->archive->journal, key);
    struct sw_floors *found = floors->found;

    (void)ret_stop;
    (void)err;
    if (name.kind != SW_NAME_INDEX)
        return SW_OK;
    if (found->count < SW_ARCHIVE_FLOORS_MAX)
        found->count++;
    for (size_t i = found->count - 1; i > 0; i--) /* keys come in order: this one is the newest */
        found->slots[i] = found->slots[i - 1];
    found->slots[0] = name.slot;
    return SW_OK;
}

enum sw_code sw_floors_list(struct sw_archive *archive, struct sw_floors *ret, struct sw_err *err)
{
    struct floors floors = {.archive = archive, .found = ret};
    char prefix[SW_OBJECT_KEY_MAX];

    *ret = (struct sw_floors){0};
    sw_name_put_prefix(archive->journal, SW_NAME_INDEX, prefix);
    return sw_store_each_key(archive->options.store, prefix, NULL,
                             (struct sw_key_visitor){add_floor, &floors}, err);
}

enum sw_code sw_snapshot_load(struct sw_archive *archive, uint64_t slot, struct sw_snapshot *ret,
                              struct sw_err *err)
{
    struct sw_name name = {.kind = SW_NAME_INDEX, .slot = slot};
    char key[SW_OBJECT_KEY_MAX];
    struct sw_segment index = {0};
    struct sw_object_op op;
    struct sw_span raw;
    enum sw_code code;

    *ret = (struct sw_snapshot){0};
    sw_name_put(archive->journal, &name, key);
    code = sw_archive_get(archive, key, &op, err);
    if (code == SW_OK && op.result == SW_OBJECT_ABSENT)
        code = sw_archive_blame(archive, key, sw_fail(err, SW_CORRUPT, "is missing"), err);
    else if (code == SW_OK)
        code = sw_archive_read(archive, key, sw_span_of(op.data, op.size), &index, &raw, err);
    if (code == SW_OK) {
        if (index.kind == SW_SEGMENT_RETIRE && slot == SW_RETIRE_SLOT)
            code = sw_fail(err, SW_JOURNAL_RETIRED,
                           "the journal \"%s\" was retired, and is removed", archive->journal);
        else if (index.kind != SW_SEGMENT_INDEX || index.slot != slot)
            code = sw_fail(err, SW_CORRUPT, "is not the index of that snapshot");
        else
            code = sw_snapshot_get(&index, raw, ret, err);
        if (code != SW_OK)
            code = sw_archive_blame(archive, key, code, err);
    }
    sw_object_op_fini(&op);
    return code;
}

bool sw_archive_is_verified(const struct sw_archive *archive, uint64_t slot)
{
    return archive->verified[0] == slot || archive->verified[1] == slot;
}

void sw_archive_give_way(struct sw_archive *archive, bool to_give_way)
{
    atomic_store(&archive->gives_way, to_give_way);
}

enum sw_code sw_archive_check_way(const struct sw_archive *archive, struct sw_err *err)
{
    return atomic_load(&archive->gives_way)
               ? sw_fail(err, SW_CANCELLED, "given up for what is more urgent")
               : SW_OK;
}

static void set_verified(struct sw_archive *archive, uint64_t slot)
{
    if (sw_archive_is_verified(archive, slot))
        return;
    archive->verified[0] = archive->verified[1];
    archive->verified[1] = slot;
}

struct part_keys {
    struct sw_archive *archive;
    const struct sw_snapshot *snapshot;
};

static bool part_key(void *self, uint64_t index, char ret_key[SW_OBJECT_KEY_MAX])
{
    struct part_keys *keys = self;
    struct sw_name name = {.kind = SW_NAME_PART, .slot = keys->snapshot->index.slot};

    if (index >= keys->snapshot->parts_count)
        return false;
    name.digest = keys->snapshot->parts[index].digest;
    sw_name_put(keys->archive->journal, &name, ret_key);
    return true;
}

static enum sw_code take_part(struct sw_archive *archive, const struct sw_snapshot *snapshot,
                              size_t number, const char *key, struct sw_span object,
                              struct sw_digest *chain, struct sw_replay *replay, struct sw_err *err)
{
    uint64_t before_lsn = number > 0 ? snapshot->parts[number - 1].last_lsn : 0;
    uint64_t records = replay->records;
    struct sw_segment segment;
    struct sw_span raw;
    enum sw_code code = sw_archive_read(archive, key, object, &segment, &raw, err);

    if (code != SW_OK)
        return code;
    code = sw_part_check(snapshot, &snapshot->parts[number], &segment, err);
    if (code == SW_OK && memcmp(&segment.before, chain, sizeof(*chain)) != 0)
        code = sw_fail(err, SW_CORRUPT, "does not follow from the part before it");
    if (code == SW_OK)
        code = sw_replay_rows(replay, &segment, raw, before_lsn, chain, err);
    if (code != SW_OK)
        return sw_archive_blame(archive, key, code, err);
    *chain = segment.chain;
    sw_archive_progress(archive, replay->records - records, object.size);
    return SW_OK;
}

/* The largest part, so that the first window is not too large. */
static uint64_t largest_part(const struct sw_snapshot *snapshot)
{
    uint64_t largest = 0;

    for (size_t i = 0; i < snapshot->parts_count; i++) {
        if (snapshot->parts[i].size > largest)
            largest = snapshot->parts[i].size;
    }
    return largest;
}

enum sw_code sw_pull_parts(struct sw_archive *archive, const struct sw_snapshot *snapshot,
                           struct sw_replay *replay, struct sw_err *err)
{
    struct part_keys keys = {.archive = archive, .snapshot = snapshot};
    struct sw_fetch_options options = {.store = archive->options.store,
                                       .parallel = archive->options.parallel,
                                       .key = part_key,
                                       .self = &keys,
                                       .bytes_guess = largest_part(snapshot),
                                       .bytes_max = SW_SEGMENT_BYTES_MAX};
    struct sw_digest chain = {{0}};
    struct sw_fetch *fetch = NULL;
    enum sw_code code;

    replay->dropped = snapshot->dropped;
    replay->dropped_count = snapshot->dropped_count;
    code = sw_fetch_open(&options, &fetch, err);
    for (size_t i = 0; code == SW_OK && i < snapshot->parts_count && !replay->ended; i++) {
        const char *key = NULL;
        struct sw_span object;

        code = sw_archive_check_way(archive, err);
        if (code == SW_OK)
            code = sw_fetch_next(fetch, &key, &object, err);
        if (code != SW_OK && key != NULL)
            code = sw_archive_blame(archive, key, code, err);
        else if (code == SW_OK)
            code = take_part(archive, snapshot, i, key, object, &chain, replay, err);
    }
    sw_fetch_close(fetch);
    replay->dropped_count = 0;
    if (code == SW_OK && !replay->ended) {
        if (memcmp(&chain, &snapshot->index.chain, sizeof(chain)) != 0)
            return sw_fail(err, SW_CORRUPT, "snapshot %llu: its parts are not what its index says",
                           (unsigned long long)snapshot->index.slot);
        set_verified(archive, snapshot->index.slot);
    }
    return code;
}

/* ---- the log -------------------------------------------------------------------- */

struct log_keys {
    struct sw_archive *archive;
    uint64_t first_slot;
};

static bool log_key(void *self, uint64_t index, char ret_key[SW_OBJECT_KEY_MAX])
{
    struct log_keys *keys = self;
    struct sw_name name = {.kind = SW_NAME_LOG, .slot = keys->first_slot + index};

    sw_name_put(keys->archive->journal, &name, ret_key);
    return true;
}

enum sw_code sw_archive_note_fence(struct sw_archive *archive, uint64_t slot, struct sw_err *err)
{
    uint8_t bytes[8];

    sw_put_u64(bytes, slot);
    sw_bytes_add(&archive->fences, bytes, sizeof(bytes));
    return archive->fences.failed ? sw_fail(err, SW_NO_MEMORY, "the list of fences") : SW_OK;
}

enum sw_code sw_pull_segment(struct sw_archive *archive, const char *key, struct sw_span object,
                             struct sw_replay *replay, struct sw_err *err)
{
    struct sw_position before = archive->position;
    uint64_t records = replay->records;
    struct sw_segment segment;
    struct sw_span raw;
    enum sw_code code = sw_archive_read(archive, key, object, &segment, &raw, err);

    if (code != SW_OK)
        return code;
    code = sw_position_follow(&archive->position, &segment, err);
    if (code == SW_OK && segment.kind == SW_SEGMENT_FENCE)
        code = sw_archive_note_fence(archive, segment.slot, err);
    if (code == SW_OK && segment.kind == SW_SEGMENT_DATA)
        code = sw_replay_rows(replay, &segment, raw, before.lsn, &before.chain, err);
    if (code != SW_OK)
        return sw_archive_blame(archive, key, code, err);
    archive->segments_since++;
    archive->bytes_since += object.size;
    sw_archive_progress(archive, replay->records - records, object.size);
    return SW_OK;
}

static bool is_over(const struct sw_replay *replay)
{
    return replay->ended || (replay->diverged && replay->import_after > 0);
}

enum sw_code sw_pull_log(struct sw_archive *archive, struct sw_replay *replay, struct sw_err *err)
{
    struct log_keys keys = {.archive = archive, .first_slot = archive->position.slot + 1};
    struct sw_fetch_options options = {.store = archive->options.store,
                                       .parallel = archive->options.parallel,
                                       .key = log_key,
                                       .self = &keys,
                                       .until_absent = true,
                                       .bytes_guess = LOG_BYTES_GUESS,
                                       .bytes_max = SW_SEGMENT_BYTES_MAX};
    struct sw_fetch *fetch = NULL;
    enum sw_code code = sw_fetch_open(&options, &fetch, err);

    while (code == SW_OK && !is_over(replay)) {
        const char *key = NULL;
        struct sw_span object;

        code = sw_fetch_next(fetch, &key, &object, err);
        if (key == NULL)
            break;
        code = code == SW_OK ? sw_pull_segment(archive, key, object, replay, err)
                             : sw_archive_blame(archive, key, code, err);
    }
    sw_fetch_close(fetch);
    return code;
}
