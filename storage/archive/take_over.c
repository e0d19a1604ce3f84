/* SPDX-License-Identifier: Apache-2.0
 *
 * Does what claim.h asks for. The journal is brought to the chain's end before the fence,
 * so that little is left to do behind it: what others ship meanwhile.
 */
#include <stdio.h>

#include "storage/archive/archive.intern.h"
#include "storage/archive/claim.h"
#include "storage/base/fault.h"

enum { META_TRIES = 4, READINGS_MAX = 16 };

struct taking {
    struct sw_archive *archive;
    struct sw_sink sink;
    struct sw_claim claim;
    uint64_t had_lsn; /* of the journal that was there */
    bool created_meta;
};

/* ---- whose archive it is ----------------------------------------------------------- */

static enum sw_code check_uuid(const struct taking *taking, struct sw_err *err)
{
    const struct sw_journal *had = taking->sink.had;

    if (had == NULL || memcmp(sw_journal_state(had)->uuid, taking->archive->meta.uuid, 16) == 0)
        return SW_OK;
    return sw_fail(err, SW_CONFIGURATION,
                   "%s: holds another journal than the one in the object store: same name, "
                   "another UUID. Move it away, or use another name",
                   taking->sink.options->directory);
}

static enum sw_code begin_archive(struct taking *taking, struct sw_err *err)
{
    struct sw_journal_reader *fresh = NULL;
    enum sw_code code = SW_OK;

    if (taking->sink.damaged) /* it may be the only copy: not to be put aside */
        return sw_fail(err, SW_CORRUPT,
                       "%s (and the object store holds no journal \"%s\" to restore)",
                       taking->sink.damage, taking->archive->journal);
    if (taking->sink.had != NULL)
        return sw_meta_create(taking->archive, taking->sink.reader, &taking->created_meta, err);
    code = sw_sink_create(&taking->sink, err);
    if (code == SW_OK)
        code = sw_journal_reader_open(taking->sink.place.restoring, taking->sink.options->vfs,
                                      &fresh, err);
    if (code == SW_OK)
        code = sw_meta_create(taking->archive, fresh, &taking->created_meta, err);
    sw_journal_reader_close(fresh);
    if (code == SW_OK && !taking->created_meta)
        taking->sink.is_new = false; /* somebody else's journal it will be */
    return code;
}

static enum sw_code find_meta(struct taking *taking, struct sw_err *err)
{
    enum sw_code code = SW_OK;

    for (int i = 0; code == SW_OK && i < META_TRIES; i++) {
        bool found = false;

        code = sw_meta_load(taking->archive, &found, err);
        if (code == SW_OK && found)
            return check_uuid(taking, err);
        if (code == SW_OK)
            code = begin_archive(taking, err);
    }
    return code == SW_OK ? sw_fail(err, SW_STORE_UNAVAILABLE,
                                   "the archive's first object was there, and now is not")
                         : code;
}

/* ---- events ------------------------------------------------------------------------- */

static enum sw_code read_chain(struct taking *taking, struct sw_claim_fact *ret_fact,
                               struct sw_err *err)
{
    struct sw_archive *archive = taking->archive;
    enum sw_code code = sw_sink_fill(&taking->sink, err);

    if (code != SW_OK)
        return code;
    if (archive->position.retired)
        return sw_fail(err, SW_CONFIGURATION, "the journal was retired in slot %llu",
                       (unsigned long long)archive->position.slot);
    *ret_fact =
        (struct sw_claim_fact){SW_CLAIM_TAIL, archive->position.slot, archive->position.epoch};
    return SW_OK;
}

static void name_fence(const struct taking *taking, char ret[SW_OBJECT_KEY_MAX])
{
    struct sw_name name = {.kind = SW_NAME_LOG, .slot = taking->claim.slot};

    sw_name_put(taking->archive->journal, &name, ret);
}

static enum sw_code freeze_fence(struct taking *taking, struct sw_err *err)
{
    struct sw_archive *archive = taking->archive;
    struct sw_segment fence = {
        .kind = SW_SEGMENT_FENCE,
        .epoch = taking->claim.epoch,
        .slot = taking->claim.slot,
        .first_lsn = archive->position.lsn,
        .last_lsn = archive->position.lsn,
        .at_ms = sw_clock_now_ms(archive->options.clock),
        .before = archive->position.object,
        .chain = archive->position.chain,
    };

    memcpy(fence.uuid, archive->meta.uuid, sizeof(fence.uuid));
    memcpy(fence.owner, archive->owner, sizeof(fence.owner));
    archive->freezing = fence;
    return sw_segment_write(&archive->freezing, (struct sw_span){0}, archive->cipher,
                            &archive->packer, &archive->frozen, err);
}

static enum sw_code create_fence(struct taking *taking, struct sw_claim_fact *ret_fact,
                                 struct sw_err *err)
{
    struct sw_archive *archive = taking->archive;
    enum sw_object_result result;
    char key[SW_OBJECT_KEY_MAX];
    enum sw_code code = freeze_fence(taking, err);

    if (code == SW_OK && SW_FAULT("archive.before_fence"))
        code = sw_fail(err, SW_STORE_UNAVAILABLE, "fault point");
    name_fence(taking, key);
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
static enum sw_code look(struct taking *taking, struct sw_claim_fact *ret_fact, struct sw_err *err)
{
    struct sw_archive *archive = taking->archive;
    char key[SW_OBJECT_KEY_MAX];
    struct sw_segment segment;
    struct sw_object_op op;
    struct sw_span object;
    enum sw_code code;

    name_fence(taking, key);
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
        else if (segment.epoch < taking->claim.epoch)
            code = sw_pull_segment(archive, key, object, &taking->sink.replay, err);
        *ret_fact = (struct sw_claim_fact){SW_CLAIM_OTHERS, taking->claim.slot, segment.epoch};
    }
    sw_object_op_fini(&op);
    return code;
}

static enum sw_code check_floor(struct taking *taking, struct sw_claim_fact *ret_fact,
                                struct sw_err *err)
{
    struct sw_floors floors;
    enum sw_code code = sw_floors_list(taking->archive, &floors, err);

    if (code == SW_OK)
        *ret_fact =
            (struct sw_claim_fact){SW_CLAIM_FLOOR, floors.count > 0 ? floors.slots[0] : 0, 0};
    return code;
}

static enum sw_code next_fact(struct taking *taking, struct sw_claim_fact *ret_fact,
                              struct sw_err *err)
{
    switch (taking->claim.state) {
    case SW_CLAIM_READING:
        return read_chain(taking, ret_fact, err);
    case SW_CLAIM_FENCING:
        return create_fence(taking, ret_fact, err);
    case SW_CLAIM_LOOKING:
        return look(taking, ret_fact, err);
    case SW_CLAIM_CHECKING:
        return check_floor(taking, ret_fact, err);
    case SW_CLAIM_OWNER:
    case SW_CLAIM_LOST:
    case SW_CLAIM_STATE_COUNT:
        break;
    }
    return sw_fail(err, SW_OWNER_FENCED, "no state to go on from");
}

static enum sw_code claim(struct taking *taking, struct sw_err *err)
{
    struct sw_archive *archive = taking->archive;
    enum sw_code code = SW_OK;
    int readings = 0;

    while (taking->claim.state != SW_CLAIM_OWNER) {
        struct sw_claim_fact fact = {0};

        if (taking->claim.state == SW_CLAIM_LOST)
            return sw_fail(err, SW_OWNER_FENCED, "another process took over in slot %llu",
                           (unsigned long long)taking->claim.slot);
        if (taking->claim.state == SW_CLAIM_READING && readings++ == READINGS_MAX)
            return sw_fail(err, SW_STORE_UNAVAILABLE, "others own the journal by turns");
        code = next_fact(taking, &fact, err);
        if (code != SW_OK)
            return code;
        sw_claim_move(&taking->claim, &fact);
    }
    sw_bytes_clear(&archive->frozen);
    code = sw_position_follow(&archive->position, &archive->freezing, err);
    return code == SW_OK ? sw_archive_note_fence(archive, archive->position.slot, err) : code;
}

/* ---- behind the fence ---------------------------------------------------------------- */

/* What somebody shipped between our reading and our fence can differ from what we have. */
static enum sw_code rebuild_if_diverged(struct taking *taking, struct sw_err *err)
{
    struct sw_archive *archive = taking->archive;
    struct sw_position fence = archive->position;
    enum sw_code code;

    sw_sink_conclude(&taking->sink);
    if (!taking->sink.replay.diverged || taking->sink.rebuilding)
        return SW_OK;
    taking->sink.rebuilding = true;
    code = sw_sink_fill(&taking->sink, err);
    if (code == SW_OK && memcmp(&archive->position.object, &fence.object, SW_DIGEST_SIZE) != 0)
        code = sw_fail(err, SW_OWNER_FENCED, "another process took over in slot %llu",
                       (unsigned long long)archive->position.slot);
    return code;
}

static enum sw_local local_of(const struct taking *taking, bool had)
{
    uint64_t chain_lsn = taking->archive->position.lsn;

    if (taking->sink.damaged)
        return SW_LOCAL_DAMAGED;
    if (!had)
        return taking->created_meta ? SW_LOCAL_NEW : SW_LOCAL_ABSENT;
    if (taking->sink.replay.diverged)
        return SW_LOCAL_DIVERGED;
    if (chain_lsn == taking->had_lsn)
        return SW_LOCAL_SAME;
    return chain_lsn > taking->had_lsn ? SW_LOCAL_BEHIND : SW_LOCAL_AHEAD;
}

/* What is about to become the journal must end where the chain does. */
static enum sw_code check_end(const struct taking *taking, struct sw_err *err)
{
    const struct sw_sink *sink = &taking->sink;
    uint64_t chain_lsn = taking->archive->position.lsn;
    uint64_t lsn = sw_journal_state(sink->rebuilding ? sink->made : sink->had)->lsn;

    if (lsn == chain_lsn || (!sink->rebuilding && lsn > chain_lsn))
        return SW_OK;
    return sw_fail(err, SW_CORRUPT, "what was restored ends at record %llu, the chain at %llu",
                   (unsigned long long)lsn, (unsigned long long)chain_lsn);
}

static enum sw_code settle(struct taking *taking, struct sw_journal **ret_journal,
                           struct sw_take_over *report, struct sw_err *err)
{
    struct sw_archive *archive = taking->archive;
    struct sw_sink *sink = &taking->sink;
    enum sw_code code = sw_replay_finish(&sink->replay, err);

    if (code == SW_OK)
        code = check_end(taking, err);
    report->local = local_of(taking, sink->had != NULL);
    memcpy(report->damage, sink->damage, sizeof(report->damage));
    report->epoch = archive->position.epoch;
    report->slot = archive->position.slot;
    report->shipped_lsn = archive->position.lsn;
    report->restored_records = sink->replay.records;
    report->restored_bytes = archive->bytes;
    if (code == SW_OK && report->local == SW_LOCAL_DIVERGED) {
        report->orphan_first_lsn = sink->replay.common_lsn + 1;
        report->orphan_last_lsn = sink->had_lsn;
        code = sw_orphan_put(archive, sink->reader, report->orphan_first_lsn,
                             report->orphan_last_lsn, report->orphan, err);
    }
    if (code == SW_OK)
        code = sw_sink_settle(sink, err);
    if (code != SW_OK)
        return code;
    if (sink->rebuilding) {
        sw_place_unlock(&sink->place);
        code = sw_journal_open(sink->options, &sink->had, err);
    }
    if (code == SW_OK)
        code = sw_journal_set_epoch(sink->had, report->epoch, err);
    if (code != SW_OK)
        return code;
    report->lsn = sw_journal_state(sink->had)->lsn;
    *ret_journal = sink->had;
    sink->had = NULL;
    return SW_OK;
}

enum sw_code sw_archive_take_over(const struct sw_archive_options *options,
                                  const struct sw_journal_options *journal_options,
                                  struct sw_archive **ret_archive, struct sw_journal **ret_journal,
                                  struct sw_take_over *ret_report, struct sw_err *err)
{
    struct taking taking = {.sink = {.options = journal_options, .place = {.lock_fd = -1}}};
    struct sw_take_over report = {0};
    enum sw_code code = sw_archive_new(options, &taking.archive, err);

    if (code != SW_OK)
        return code;
    taking.sink.archive = taking.archive;
    code = sw_sink_open(&taking.sink, true, err);
    taking.had_lsn = taking.sink.had_lsn;
    if (taking.sink.had != NULL)
        taking.claim.epoch_min = sw_journal_state(taking.sink.had)->epoch;
    if (code == SW_OK)
        code = find_meta(&taking, err);
    if (code == SW_OK)
        code = claim(&taking, err);
    if (code == SW_OK)
        code = rebuild_if_diverged(&taking, err);
    if (code == SW_OK)
        code = settle(&taking, ret_journal, &report, err);
    sw_sink_close(&taking.sink);
    if (code != SW_OK) {
        sw_archive_close(taking.archive);
        return code;
    }
    taking.archive->options.progress = NULL; /* restored; its self may be gone from here on */
    *ret_archive = taking.archive;
    *ret_report = report;
    return SW_OK;
}
