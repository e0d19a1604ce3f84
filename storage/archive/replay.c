/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/replay.h"

#include "storage/base/fault.h"

#include <stdlib.h>

enum { COMMIT_BYTES = 2 * 1024 * 1024 };

static bool equal(const struct sw_digest *a, const struct sw_digest *b)
{
    return memcmp(a->bytes, b->bytes, SW_DIGEST_SIZE) == 0;
}

static enum sw_code meet(struct sw_replay *replay, uint64_t lsn, const struct sw_digest *chain,
                         bool *ret_same, struct sw_err *err)
{
    struct sw_digest ours;
    bool found = false;
    enum sw_code code;

    *ret_same = true;
    if (replay->reader == NULL || lsn > replay->had_lsn)
        return SW_OK;
    code = sw_journal_reader_chain(replay->reader, lsn, &ours, &found, err);
    if (code != SW_OK || !found)
        return code;
    *ret_same = equal(&ours, chain);
    if (*ret_same)
        replay->common_lsn = lsn;
    return SW_OK;
}

enum sw_code sw_replay_meet(struct sw_replay *replay, uint64_t lsn, const struct sw_digest *chain,
                            struct sw_err *err)
{
    bool same;
    enum sw_code code = meet(replay, lsn, chain, &same, err);

    if (code == SW_OK && !same)
        replay->diverged = true;
    return code;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static bool is_dropped(const struct sw_replay *replay, uint64_t run)
{
    return run > 0 && replay->dropped_count > 0 &&
           bsearch(&run, replay->dropped, replay->dropped_count, sizeof(run), compare) != NULL;
}

static enum sw_code commit(struct sw_replay *replay, bool sync, struct sw_err *err)
{
    enum sw_code code = sw_journal_commit(replay->journal, sync, err);
    bool more = code == SW_OK;

    while (more) {
        code = sw_journal_maintain(replay->journal, 0, false, &more, err);
        more = more && code == SW_OK;
    }
    replay->uncommitted = 0;
    return code;
}

static enum sw_code import(struct sw_replay *replay, const struct sw_log_row *row,
                           struct sw_err *err)
{
    replay->uncommitted += row->fields.size + SW_DIGEST_SIZE;
    return sw_journal_import(replay->journal, row, err);
}

static enum sw_code import_held(struct sw_replay *replay, struct sw_err *err)
{
    struct sw_log_row held = replay->held;

    replay->held = (struct sw_log_row){0};
    return held.lsn > 0 ? import(replay, &held, err) : SW_OK;
}

static enum sw_code take(struct sw_replay *replay, const struct sw_log_row *row, struct sw_err *err)
{
    enum sw_code code;

    if (SW_FAULT("archive.mid_restore"))
        return sw_fail(err, SW_STORAGE_FAILED, "fault point");
    replay->records++;
    if (replay->journal == NULL)
        return SW_OK;
    if (row->stub || is_dropped(replay, row->run)) {
        replay->held = (struct sw_log_row){
            .lsn = row->lsn, .type = row->type, .run = row->run, .chain = row->chain, .stub = true};
        return SW_OK;
    }
    code = import_held(replay, err);
    if (code == SW_OK)
        code = import(replay, row, err);
    if (code == SW_OK && replay->uncommitted >= COMMIT_BYTES)
        code = commit(replay, false, err);
    return code;
}

/* Whether the row lies behind what was asked for. */
static enum sw_code check_bounds(struct sw_replay *replay, const struct sw_log_row *row,
                                 struct sw_err *err)
{
    enum sw_code code = SW_OK;
    uint64_t at_ms = 0;

    if (replay->lsn_max > 0 && row->lsn > replay->lsn_max)
        replay->ended = true;
    if (replay->at_ms_max == 0 || row->stub)
        return SW_OK;
    code = sw_log_row_time(row, &at_ms, err);
    if (code == SW_OK && at_ms > replay->at_ms_max)
        replay->ended = true;
    return code;
}

/* A row of an object that speaks of lsns which the journal had. */
static enum sw_code compare_row(struct sw_replay *replay, const struct sw_log_row *row,
                                struct sw_err *err)
{
    if (row->lsn <= replay->had_lsn)
        return sw_replay_meet(replay, row->lsn, &row->chain, err);
    /* Nothing was found equal at the journal's own end: its surplus cannot be told from ours. */
    if (replay->common_lsn < replay->had_lsn)
        replay->diverged = true;
    return SW_OK;
}

/* Whether the journal's own lineage is not known yet to be the chain's. */
static bool is_comparing(const struct sw_replay *replay)
{
    return replay->reader != NULL && !replay->diverged && replay->common_lsn < replay->had_lsn;
}

/* In place, what differs is not written over. */
static bool is_over(const struct sw_replay *replay)
{
    return replay->ended || (replay->diverged && replay->import_after > 0);
}

static enum sw_code visit_row(struct sw_replay *replay, const struct sw_log_row *row,
                              bool comparing, struct sw_err *err)
{
    enum sw_code code = check_bounds(replay, row, err);

    if (code == SW_OK && comparing && is_comparing(replay) && !replay->ended)
        code = compare_row(replay, row, err);
    if (code == SW_OK && row->lsn > replay->import_after && !is_over(replay))
        code = take(replay, row, err);
    return code;
}

enum sw_code sw_replay_rows(struct sw_replay *replay, const struct sw_segment *segment,
                            struct sw_span raw, uint64_t before_lsn,
                            const struct sw_digest *before_chain, struct sw_err *err)
{
    struct sw_rows_in rows = sw_rows_in_of(raw, segment->first_lsn - 1, before_chain);
    bool comparing = is_comparing(replay);
    enum sw_code code = SW_OK;
    uint32_t count = 0;
    bool same = false;

    if (comparing && segment->last_lsn <= replay->had_lsn) {
        code = meet(replay, segment->last_lsn, &segment->chain, &same, err);
        comparing = !same;
    }
    if (code != SW_OK || (same && segment->last_lsn <= replay->import_after))
        return code;
    while (!sw_rows_in_end(&rows)) {
        struct sw_log_row row;

        code = sw_rows_in_next(&rows, &row, err);
        if (code == SW_OK && count++ == 0 &&
            (row.lsn != segment->first_lsn || (!row.stub && row.lsn != before_lsn + 1)))
            return sw_fail(err, SW_CORRUPT, "its first record is not the one it names");
        if (code == SW_OK)
            code = visit_row(replay, &row, comparing, err);
        if (code != SW_OK || is_over(replay))
            return code;
    }
    if (count != segment->count || rows.lsn != segment->last_lsn ||
        !equal(&rows.chain, &segment->chain))
        return sw_fail(err, SW_CORRUPT, "its records are not the ones it names");
    return SW_OK;
}

enum sw_code sw_replay_finish(struct sw_replay *replay, struct sw_err *err)
{
    enum sw_code code = SW_OK;

    if (replay->journal == NULL)
        return SW_OK;
    code = import_held(replay, err);
    return code == SW_OK ? commit(replay, true, err) : code;
}
