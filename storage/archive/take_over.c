/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal is brought to the chain's end before the fence (fence.h), so that little is left
 * to do behind it: what others ship meanwhile.
 */
#include <stdio.h>

#include "storage/archive/fence.h"

enum { META_TRIES = 4 };

struct taking {
    struct sw_archive *archive;
    struct sw_sink sink;
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
    code = sw_archive_check_free(taking->archive, err);
    if (code != SW_OK)
        return code;
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
    if (code == SW_OK) {
        sw_journal_keep_after(sink->had, report->shipped_lsn);
        code = sw_journal_set_epoch(sink->had, report->epoch, err);
    }
    if (code != SW_OK)
        return code;
    report->lsn = sw_journal_state(sink->had)->lsn;
    *ret_journal = sink->had;
    sink->had = NULL;
    return SW_OK;
}

static enum sw_code fill(void *self, struct sw_err *err)
{
    return sw_sink_fill(self, err);
}

static enum sw_code claim(struct taking *taking, struct sw_err *err)
{
    struct sw_fencing fencing = {.archive = taking->archive,
                                 .replay = &taking->sink.replay,
                                 .read = fill,
                                 .self = &taking->sink};

    if (taking->sink.had != NULL)
        fencing.claim.epoch_min = sw_journal_state(taking->sink.had)->epoch;
    return sw_fence(&fencing, err);
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
