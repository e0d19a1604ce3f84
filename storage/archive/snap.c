/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes a snapshot. Rows are read out part by part, in short transactions, while the journal
 * goes on: what is behind the snapshot's lsn is left alone, and what retention removes
 * meanwhile is found by comparing the runs before and after.
 */
#include <stdlib.h>

#include "storage/archive/archive.intern.h"
#include "storage/base/fault.h"

enum { SEGMENTS_MAX = 256, BYTES_FACTOR = 4, BYTES_MIN = 4 * 1024 * 1024, PARTS_AT_ONCE = 4 };

bool sw_archive_snapshot_due(const struct sw_archive *archive)
{
    uint64_t bytes = BYTES_FACTOR * archive->snapshot_bytes;

    return archive->segments_since >= SEGMENTS_MAX ||
           archive->bytes_since >= (bytes > BYTES_MIN ? bytes : BYTES_MIN);
}

/* Parts that are written but not uploaded yet. */
struct batch {
    struct sw_bytes objects[PARTS_AT_ONCE];
    char keys[PARTS_AT_ONCE][SW_OBJECT_KEY_MAX];
    size_t count;
};

struct taking {
    struct sw_archive *archive;
    struct sw_journal_reader *reader;
    struct sw_position at; /* the snapshot's */
    struct sw_snapshot snapshot;
    struct sw_digest chain; /* of the last row so far */
    uint64_t lsn;
    struct sw_bytes runs; /* that there were before, u64 each, falling */
    struct batch batch;
};

/* ---- runs ------------------------------------------------------------------------ */

static enum sw_code add_run(void *self, const struct sw_run_row *row, bool *ret_stop,
                            struct sw_err *err)
{
    struct sw_bytes *runs = self;
    uint8_t bytes[8];

    (void)ret_stop;
    if (row->purged)
        return SW_OK;
    sw_put_u64(bytes, row->run);
    sw_bytes_add(runs, bytes, sizeof(bytes));
    return runs->failed ? sw_fail(err, SW_NO_MEMORY, "the list of runs") : SW_OK;
}

static enum sw_code list_runs(struct taking *taking, struct sw_bytes *ret, struct sw_err *err)
{
    struct sw_run_filter all = {.before_run = taking->at.lsn + 1};

    return sw_journal_reader_list_runs(taking->reader, &all, (struct sw_run_visitor){add_run, ret},
                                       err);
}

static uint64_t run_at(const struct sw_bytes *runs, size_t index)
{
    return sw_get_u64(runs->data + 8 * index);
}

/* Runs that were there before, and are not any more: rising. */
static enum sw_code find_dropped(struct taking *taking, struct sw_err *err)
{
    struct sw_snapshot *snapshot = &taking->snapshot;
    size_t before = taking->runs.size / 8;
    struct sw_bytes now = {0};
    enum sw_code code = list_runs(taking, &now, err);
    size_t left = now.size / 8;

    if (code == SW_OK && before > left) {
        snapshot->dropped = malloc((before - left) * sizeof(uint64_t));
        if (snapshot->dropped == NULL)
            code = sw_fail(err, SW_NO_MEMORY, "the list of runs");
    }
    while (code == SW_OK && before > left && before > 0) { /* both from their smallest run on */
        uint64_t run = run_at(&taking->runs, before - 1);

        if (left > 0 && run_at(&now, left - 1) == run)
            left--;
        else
            snapshot->dropped[snapshot->dropped_count++] = run;
        before--;
    }
    sw_bytes_fini(&now);
    return code;
}

/* ---- parts ------------------------------------------------------------------------- */

/* A part's name is its digest: what is there already is the same. */
static enum sw_code upload(struct taking *taking, struct sw_err *err)
{
    struct batch *batch = &taking->batch;
    struct sw_object_op ops[PARTS_AT_ONCE] = {{0}};
    enum sw_code code = SW_OK;

    for (size_t i = 0; i < batch->count; i++)
        ops[i] = (struct sw_object_op){.verb = SW_OBJECT_CREATE,
                                       .key = batch->keys[i],
                                       .body = sw_bytes_span(&batch->objects[i])};
    sw_archive_perform(taking->archive->options.store, ops, batch->count, PARTS_AT_ONCE);
    for (size_t i = 0; i < batch->count; i++) {
        if (code == SW_OK && ops[i].result == SW_OBJECT_FAILED) {
            code = ops[i].err.code;
            if (err != NULL)
                *err = ops[i].err;
        }
        sw_object_op_fini(&ops[i]);
    }
    batch->count = 0;
    return code;
}

/* The rows in archive->raw become a part. */
static enum sw_code add_part(struct taking *taking, struct sw_segment *segment, struct sw_err *err)
{
    struct sw_archive *archive = taking->archive;
    struct batch *batch = &taking->batch;
    struct sw_bytes *object = &batch->objects[batch->count];
    struct sw_name name = {.kind = SW_NAME_PART, .slot = taking->at.slot};
    struct sw_part part = {.first_lsn = segment->first_lsn, .last_lsn = segment->last_lsn};
    enum sw_code code;

    segment->kind = SW_SEGMENT_PART;
    segment->epoch = taking->at.epoch;
    segment->slot = taking->at.slot;
    segment->before = taking->chain;
    code = sw_segment_write(segment, sw_bytes_span(&archive->raw), archive->cipher,
                            &archive->packer, object, err);
    if (code != SW_OK)
        return code;
    part.digest = segment->digest;
    part.size = object->size;
    name.digest = segment->digest;
    sw_name_put(archive->journal, &name, batch->keys[batch->count++]);
    if (!sw_snapshot_add_part(&taking->snapshot, &part))
        return sw_fail(err, SW_NO_MEMORY, "a snapshot");
    taking->chain = segment->chain;
    taking->lsn = segment->last_lsn;
    return batch->count == PARTS_AT_ONCE ? upload(taking, err) : SW_OK;
}

/* Retention took the newest record that was shipped: its chain is known still. */
static enum sw_code add_last_stub(struct taking *taking, struct sw_err *err)
{
    struct sw_archive *archive = taking->archive;
    struct sw_log_row stub = {
        .lsn = taking->at.lsn, .type = SW_RECORD_CHUNK, .chain = taking->at.chain, .stub = true};
    struct sw_segment segment = {
        .first_lsn = stub.lsn, .last_lsn = stub.lsn, .count = 1, .chain = stub.chain};

    memcpy(segment.uuid, archive->meta.uuid, sizeof(segment.uuid));
    memcpy(segment.owner, archive->owner, sizeof(segment.owner));
    segment.at_ms = sw_clock_now_ms(archive->options.clock);
    sw_bytes_clear(&archive->raw);
    sw_rows_add(&archive->raw, &stub, stub.lsn - 1);
    return archive->raw.failed ? sw_fail(err, SW_NO_MEMORY, "a snapshot")
                               : add_part(taking, &segment, err);
}

static enum sw_code add_parts(struct taking *taking, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    bool more = true;

    while (code == SW_OK && more) {
        struct sw_segment segment;

        code = sw_archive_check_way(taking->archive, err);
        if (code == SW_OK)
            code = sw_gather(taking->archive, taking->reader, taking->lsn, taking->at.lsn,
                             SW_ARCHIVE_PART_BYTES, &segment, &more, err);
        if (code == SW_OK && segment.count > 0)
            code = add_part(taking, &segment, err);
    }
    if (code == SW_OK && taking->lsn < taking->at.lsn)
        code = add_last_stub(taking, err);
    if (code == SW_OK && taking->batch.count > 0)
        code = upload(taking, err);
    if (code == SW_OK && memcmp(&taking->chain, &taking->at.chain, sizeof(taking->chain)) != 0)
        code = sw_fail(err, SW_CORRUPT, "the journal is not the one that was shipped");
    return code;
}

/* ---- the index ------------------------------------------------------------------------ */

static enum sw_code put_index(struct taking *taking, struct sw_err *err)
{
    struct sw_archive *archive = taking->archive;
    struct sw_segment *index = &taking->snapshot.index;
    struct sw_name name = {.kind = SW_NAME_INDEX, .slot = taking->at.slot};
    enum sw_object_result result;
    char key[SW_OBJECT_KEY_MAX];
    enum sw_code code;

    *index = (struct sw_segment){.kind = SW_SEGMENT_INDEX,
                                 .epoch = taking->at.epoch,
                                 .slot = taking->at.slot,
                                 .first_lsn = 1,
                                 .last_lsn = taking->at.lsn,
                                 .at_ms = sw_clock_now_ms(archive->options.clock),
                                 .count = (uint32_t)taking->snapshot.parts_count,
                                 .before = taking->at.object,
                                 .chain = taking->at.chain};
    memcpy(index->uuid, archive->meta.uuid, sizeof(index->uuid));
    memcpy(index->owner, archive->owner, sizeof(index->owner));
    taking->snapshot.collected = archive->collected_slot;
    sw_snapshot_put(&taking->snapshot, &archive->raw);
    if (archive->raw.failed)
        return sw_fail(err, SW_NO_MEMORY, "an index");
    code = sw_segment_write(index, sw_bytes_span(&archive->raw), archive->cipher, &archive->packer,
                            &archive->object, err);
    sw_name_put(archive->journal, &name, key);
    if (code == SW_OK && SW_FAULT("archive.before_index"))
        code = sw_fail(err, SW_STORE_UNAVAILABLE, "fault point");
    /* If it exists, an earlier try of ours wrote it: it is read back below. */
    return code == SW_OK
               ? sw_archive_create(archive, key, sw_bytes_span(&archive->object), 0, &result, err)
               : code;
}

/* What was written is trusted only once it was read. */
static enum sw_code read_back(struct taking *taking, struct sw_err *err)
{
    struct sw_replay check = {0};
    struct sw_snapshot snapshot;
    enum sw_code code = sw_snapshot_load(taking->archive, taking->at.slot, &snapshot, err);

    if (code == SW_OK && (snapshot.index.last_lsn != taking->at.lsn ||
                          memcmp(&snapshot.index.chain, &taking->at.chain, SW_DIGEST_SIZE) != 0))
        code = sw_fail(err, SW_CORRUPT, "snapshot %llu is not the one that was written",
                       (unsigned long long)taking->at.slot);
    if (code == SW_OK)
        code = sw_pull_parts(taking->archive, &snapshot, &check, err);
    taking->snapshot.bytes = snapshot.bytes;
    sw_snapshot_fini(&snapshot);
    return code;
}

static enum sw_code write(struct taking *taking, struct sw_err *err)
{
    enum sw_code code = list_runs(taking, &taking->runs, err);

    if (code == SW_OK)
        code = add_parts(taking, err);
    if (code == SW_OK)
        code = find_dropped(taking, err);
    if (code == SW_OK)
        code = put_index(taking, err);
    return code == SW_OK ? read_back(taking, err) : code;
}

enum sw_code sw_archive_snapshot(struct sw_archive *archive, struct sw_journal_reader *reader,
                                 struct sw_err *err)
{
    struct taking taking = {.archive = archive, .reader = reader, .at = archive->position};
    enum sw_code code;

    if (archive->fenced)
        return sw_fail(err, SW_OWNER_FENCED, "another owner holds the journal");
    if (archive->snapshot_slot == taking.at.slot)
        return SW_OK;
    code = write(&taking, err);
    if (code == SW_OK) {
        archive->older_slot = archive->snapshot_slot;
        archive->snapshot_slot = taking.at.slot;
        archive->snapshot_bytes = taking.snapshot.bytes;
        archive->segments_since = 0;
        archive->bytes_since = 0;
    }
    sw_snapshot_fini(&taking.snapshot);
    sw_bytes_fini(&taking.runs);
    for (size_t i = 0; i < PARTS_AT_ONCE; i++)
        sw_bytes_fini(&taking.batch.objects[i]);
    if (code != SW_OK)
        return sw_wrap(err, "writing a snapshot");
    if (SW_FAULT("archive.after_index"))
        return sw_fail(err, SW_STORE_UNAVAILABLE, "fault point");
    return sw_collect(archive, err);
}
