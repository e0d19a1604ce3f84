/* SPDX-License-Identifier: Apache-2.0
 *
 * A chain is read into a directory in one of two ways:
 *
 *   in place     the journal there is not far behind: its surplus and ours are
 *                compared, and what it lacks is imported
 *   rebuilding   there is no journal, it diverged, or so much is missing that a snapshot has
 *                to be read: a new one is made beside it, and put into its place when all
 *                is done
 *
 * Each snapshot is tried, newest first, and at last none: a damaged one is no reason to
 * refuse as long as the chain reaches beyond it from an older one.
 */
#include <stdio.h>

#include "storage/archive/archive.intern.h"

enum { READINGS_MAX = 8 };

static enum sw_code note_damage(struct sw_sink *sink, struct sw_err *err)
{
    sink->damaged = true;
    sink->rebuilding = true;
    (void)snprintf(sink->damage, sizeof(sink->damage), "%s", err->text);
    return sw_place_lock_again(&sink->place, err);
}

static enum sw_code open_had(struct sw_sink *sink, struct sw_err *err)
{
    enum sw_code code;

    sw_place_unlock(&sink->place); /* the journal takes it */
    code = sw_journal_open(sink->options, &sink->had, err);
    if (code == SW_CORRUPT)
        return note_damage(sink, err);
    if (code == SW_OK)
        code = sw_journal_reader_open(sink->options->directory, sink->options->vfs, &sink->reader,
                                      err);
    if (code == SW_OK)
        sink->had_lsn = sw_journal_state(sink->had)->lsn;
    return code;
}

enum sw_code sw_sink_open(struct sw_sink *sink, bool open_it, struct sw_err *err)
{
    enum sw_code code = sw_place_lock(&sink->place, sink->options->directory, err);

    if (code != SW_OK)
        return code;
    sink->rebuilding = !sw_place_has_journal(&sink->place);
    if (sink->rebuilding)
        return SW_OK;
    if (!open_it)
        return sw_fail(err, SW_CONFIGURATION, "%s: holds a journal already",
                       sink->options->directory);
    return open_had(sink, err);
}

static void close_made(struct sw_sink *sink)
{
    sw_journal_close(sink->made);
    sink->made = NULL;
    sink->is_new = false;
    sw_place_discard(&sink->place);
}

static enum sw_code make(struct sw_sink *sink, bool import, struct sw_err *err)
{
    struct sw_journal_options options = *sink->options;
    enum sw_code code;

    close_made(sink);
    code = sw_place_prepare(&sink->place, err);
    if (code != SW_OK)
        return code;
    options.directory = sink->place.restoring;
    options.import = import;
    options.bytes_max = 0; /* what is in the chain has to fit */
    options.bytes_reserved = 0;
    options.retention_ms = 0;
    return sw_journal_open(&options, &sink->made, err);
}

enum sw_code sw_sink_create(struct sw_sink *sink, struct sw_err *err)
{
    enum sw_code code = make(sink, false, err);

    sink->is_new = code == SW_OK;
    return code;
}

/* ---- filling -------------------------------------------------------------------- */

static void begin_replay(struct sw_sink *sink)
{
    sink->replay = (struct sw_replay){
        .journal = sink->rebuilding ? sink->made : sink->had,
        .reader = sink->reader,
        .had_lsn = sink->had_lsn,
        .lsn_max = sink->lsn_max,
        .at_ms_max = sink->at_ms_max,
    };
    if (!sink->rebuilding) { /* an earlier reading may have imported some */
        sink->had_lsn = sw_journal_state(sink->had)->lsn;
        sink->replay.had_lsn = sink->had_lsn;
        sink->replay.import_after = sink->had_lsn;
    }
    sink->archive->records = 0;
    sink->archive->bytes = 0;
    sink->archive->bytes_total = 0;
    sink->archive->segments_since = 0;
    sink->archive->bytes_since = 0;
    sink->archive->bad[0] = '\0';
    sink->archive->known_after = sink->archive->position.slot;
    sw_bytes_clear(&sink->archive->fences);
}

static enum sw_code fill_from_meta(struct sw_sink *sink, struct sw_err *err)
{
    struct sw_archive *archive = sink->archive;
    const struct sw_digest zeros = {{0}};
    enum sw_code code = SW_OK;

    archive->position = sw_position_of_meta(&archive->meta);
    if (sink->rebuilding && !sink->is_new)
        code = make(sink, true, err);
    if (code != SW_OK)
        return code;
    begin_replay(sink);
    if (sink->rebuilding && sink->is_new) /* its first row is META's */
        sink->replay.import_after = 1;
    code = sw_replay_rows(&sink->replay, &archive->meta, sw_bytes_span(&archive->meta_row), 0,
                          &zeros, err);
    sink->is_new = false;
    if (code == SW_OK)
        code = sw_pull_log(archive, &sink->replay, err);
    return code;
}

static enum sw_code fill_from(struct sw_sink *sink, uint64_t slot, struct sw_err *err)
{
    struct sw_archive *archive = sink->archive;
    struct sw_snapshot snapshot;
    enum sw_code code;

    if (slot == 0)
        return fill_from_meta(sink, err);
    code = sw_snapshot_load(archive, slot, &snapshot, err);
    if (code != SW_OK)
        return code;
    archive->position = sw_position_of_index(&snapshot.index);
    archive->collected_slot = snapshot.collected;
    archive->snapshot_bytes = snapshot.bytes;
    /* A run that the snapshot left out cannot be taken out of a journal that has half of it. */
    if (!sink->rebuilding && archive->position.lsn > sink->had_lsn)
        sink->rebuilding = true;
    if (sink->rebuilding)
        code = make(sink, true, err);
    if (code == SW_OK)
        begin_replay(sink);
    if (code == SW_OK && sink->rebuilding) {
        archive->bytes_total = snapshot.bytes;
        code = sw_pull_parts(archive, &snapshot, &sink->replay, err);
    } else if (code == SW_OK) {
        code = sw_replay_meet(&sink->replay, archive->position.lsn, &archive->position.chain, err);
    }
    sw_snapshot_fini(&snapshot);
    return code == SW_OK ? sw_pull_log(archive, &sink->replay, err) : code;
}

void sw_sink_conclude(struct sw_sink *sink)
{
    struct sw_replay *replay = &sink->replay;
    uint64_t chain_lsn = sink->archive->position.lsn;
    uint64_t both = chain_lsn < replay->had_lsn ? chain_lsn : replay->had_lsn;

    if (replay->reader != NULL && !replay->ended && replay->common_lsn < both)
        replay->diverged = true;
}

static enum sw_code try_floor(struct sw_sink *sink, uint64_t slot, uint64_t newest,
                              struct sw_err *err)
{
    enum sw_code code = fill_from(sink, slot, err);

    if (code == SW_OK)
        sw_sink_conclude(sink);
    if (code == SW_OK && sink->replay.diverged && !sink->rebuilding) {
        sink->rebuilding = true;
        code = fill_from(sink, slot, err);
        if (code == SW_OK)
            sw_sink_conclude(sink);
    }
    if (code == SW_OK && !sink->replay.ended && sink->archive->position.slot < newest)
        return sw_fail(
            err, SW_CORRUPT, "the chain ends in slot %llu, below a snapshot of slot %llu",
            (unsigned long long)sink->archive->position.slot, (unsigned long long)newest);
    return code;
}

/* A restore to a point in time begins with a snapshot that lies before it, if the second newest
 * does. Above older ones segments may have been collected. */
static enum sw_code skip_newer(struct sw_sink *sink, struct sw_floors *floors, struct sw_err *err)
{
    struct sw_snapshot snapshot;
    enum sw_code code;
    bool before;

    if (floors->count < 2 || (sink->lsn_max == 0 && sink->at_ms_max == 0))
        return SW_OK;
    code = sw_snapshot_load(sink->archive, floors->slots[0], &snapshot, err);
    before = code == SW_OK && (sink->lsn_max == 0 || snapshot.index.last_lsn <= sink->lsn_max) &&
             (sink->at_ms_max == 0 || snapshot.index.at_ms <= sink->at_ms_max);
    sw_snapshot_fini(&snapshot);
    if (code == SW_CORRUPT)
        code = SW_OK; /* the next one is looked at */
    if (code != SW_OK || before)
        return code;
    floors->count--;
    for (size_t i = 0; i < floors->count; i++)
        floors->slots[i] = floors->slots[i + 1];
    return SW_OK;
}

static enum sw_code fill_from_any(struct sw_sink *sink, const struct sw_floors *floors,
                                  uint64_t newest, struct sw_err *err)
{
    struct sw_archive *archive = sink->archive;
    char bad[SW_OBJECT_KEY_MAX] = "";
    struct sw_err first = {0};
    enum sw_code code;

    for (size_t i = 0; i <= floors->count; i++) { /* the last: no snapshot at all */
        uint64_t slot = i < floors->count ? floors->slots[i] : 0;
        struct sw_err here = {0};

        archive->snapshot_slot = slot;
        archive->older_slot = i + 1 < floors->count ? floors->slots[i + 1] : 0;
        archive->snapshot_bytes = 0;
        code = try_floor(sink, slot, newest, &here);
        if (code == SW_OK)
            return SW_OK;
        if (i == 0) {
            first = here;
            memcpy(bad, archive->bad, sizeof(bad));
        }
        if (code != SW_CORRUPT) {
            first = here;
            break;
        }
    }
    memcpy(archive->bad, bad, sizeof(bad));
    if (err != NULL)
        *err = first;
    return first.code;
}

/* What is missing may have been collected while it was read: then there is a newer snapshot. */
enum sw_code sw_sink_fill(struct sw_sink *sink, struct sw_err *err)
{
    enum sw_code code = SW_CORRUPT;
    uint64_t before = 0;

    for (int i = 0; i < READINGS_MAX && code == SW_CORRUPT; i++) {
        struct sw_err failed = {0};
        struct sw_floors floors;
        uint64_t newest;
        enum sw_code listed = sw_floors_list(sink->archive, &floors, &failed);

        newest = floors.count > 0 ? floors.slots[0] : 0;
        if (listed == SW_OK && i > 0 && newest == before)
            return code;
        if (listed == SW_OK)
            listed = skip_newer(sink, &floors, &failed);
        if (listed != SW_OK) {
            if (err != NULL)
                *err = failed;
            return listed;
        }
        before = newest;
        code = fill_from_any(sink, &floors, newest, err);
    }
    return code;
}

/* ---- leaving -------------------------------------------------------------------- */

enum sw_code sw_sink_settle(struct sw_sink *sink, struct sw_err *err)
{
    enum sw_code code = SW_OK;

    sw_journal_reader_close(sink->reader);
    sink->reader = NULL;
    if (!sink->rebuilding)
        return SW_OK;
    sw_journal_close(sink->made);
    sink->made = NULL;
    if (sink->had != NULL) { /* it had the lock */
        sw_journal_close(sink->had);
        sink->had = NULL;
        code = sw_place_lock_again(&sink->place, err);
        if (code == SW_OK)
            code = sw_place_move_aside(&sink->place, sink->replay.diverged ? "orphan" : NULL,
                                       sw_clock_now_ms(sink->archive->options.clock), err);
    } else if (sink->damaged) {
        code = sw_place_move_aside(&sink->place, "damaged",
                                   sw_clock_now_ms(sink->archive->options.clock), err);
    }
    if (code == SW_OK)
        code = sw_place_adopt(&sink->place, err);
    return code;
}

void sw_sink_close(struct sw_sink *sink)
{
    sw_journal_reader_close(sink->reader);
    sink->reader = NULL;
    close_made(sink);
    sw_journal_close(sink->had);
    sink->had = NULL;
    sw_place_unlock(&sink->place);
}
