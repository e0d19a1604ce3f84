/* SPDX-License-Identifier: Apache-2.0
 *
 * Retention: runs that ended long ago go, newest record first.
 *
 * A row whose successor is still there becomes a stub, because the successor's
 * chain is checked against it; other rows are deleted, and with them a stub in
 * front. So no two stubs are neighbours, and a journal whose runs all went keeps
 * one stub. The newest row always stays: the next one is chained to it.
 *
 * CHUNK rows go with the last run that refers to them. That needs chunk_use to be
 * complete: a piece starts by indexing what is behind.
 */
#include "storage/base/fault.h"
#include "storage/journal/journal.intern.h"
#include "storage/journal/row.h"

enum { ROWS_MAX = 256, CHECK_EVERY_MS = 1000 };

/* One piece of the removal of one run. */
struct piece {
    struct sw_journal *journal;
    uint64_t run;
    uint64_t lsns[ROWS_MAX];
    int lsns_count;
};

/* Reads one column of the statement bound to (run, ROWS_MAX). */
static enum sw_code list(struct piece *piece, enum sw_sql sql, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(&piece->journal->db, sql, &statement, err);
    bool more = true;

    piece->lsns_count = 0;
    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, piece->run);
    sw_bind_u64(statement, 2, ROWS_MAX);
    for (;;) {
        code = sw_db_step(&piece->journal->db, statement, &more, err);
        if (code != SW_OK || !more)
            return code;
        piece->lsns[piece->lsns_count++] = sw_column_u64(statement, 0);
    }
}

static enum sw_code has_row(struct sw_db *db, enum sw_sql sql, uint64_t value, bool *ret,
                            struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(db, sql, &statement, err);

    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, value);
    code = sw_db_step(db, statement, ret, err);
    (void)sqlite3_reset(statement);
    return code;
}

static enum sw_code remove_row(struct sw_journal *journal, uint64_t lsn, struct sw_err *err)
{
    bool needed = lsn == journal->state.lsn;
    enum sw_code code = SW_OK;
    uint64_t value = lsn + 1;

    if (!needed)
        code = has_row(&journal->db, SW_SQL_LOG_IS_LIVE, value, &needed, err);
    value = lsn;
    if (code == SW_OK)
        code = sw_db_run_with(&journal->db, needed ? SW_SQL_LOG_STUB : SW_SQL_LOG_DELETE, &value, 1,
                              err);
    value = lsn - 1;
    if (code == SW_OK)
        code = sw_db_run_with(&journal->db, SW_SQL_LOG_DELETE_STUB, &value, 1, err);
    return code;
}

static enum sw_code remove_records(struct piece *piece, struct sw_err *err)
{
    enum sw_code code = list(piece, SW_SQL_RUN_LOG_LIVE, err);

    for (int i = 0; code == SW_OK && i < piece->lsns_count; i++)
        code = remove_row(piece->journal, piece->lsns[i], err);
    if (code != SW_OK || piece->lsns_count == ROWS_MAX)
        return code;
    return sw_db_run_with(&piece->journal->db, SW_SQL_RUN_LOG_DELETE, &piece->run, 1, err);
}

static enum sw_code forget_chunk(struct sw_journal *journal, const struct sw_digest *digest,
                                 struct sw_extent place, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(&journal->db, SW_SQL_CHUNK_DELETE, &statement, err);

    if (code != SW_OK)
        return code;
    sw_bind_blob(statement, 1, sw_span_of(digest->bytes, SW_DIGEST_SIZE));
    sw_bind_u64(statement, 2, place.lsn);
    return sw_db_run(&journal->db, statement, err);
}

/* Ends the run's use of a CHUNK row, and the row when that was the last. */
static enum sw_code release(struct piece *piece, uint64_t lsn, struct sw_err *err)
{
    const uint64_t use[] = {piece->run, lsn};
    struct sw_journal *journal = piece->journal;
    sqlite3_stmt *statement;
    enum sw_code code;
    struct sw_row row;
    bool found = false;

    code = sw_db_run_with(&journal->db, SW_SQL_CHUNK_USE_DELETE, use, 2, err);
    if (code == SW_OK)
        code = has_row(&journal->db, SW_SQL_CHUNK_IS_USED, lsn, &found, err);
    if (code != SW_OK || found)
        return code;
    code = sw_row_find(&journal->db, lsn, &statement, &row, &found, err);
    if (code != SW_OK || !found)
        return code;
    code = sw_late_each_chunk(journal, &row, (struct sw_chunk_visitor){forget_chunk}, err);
    (void)sqlite3_reset(statement);
    return code == SW_OK ? remove_row(journal, lsn, err) : code;
}

static enum sw_code remove_piece(struct piece *piece, struct sw_err *err)
{
    struct sw_db *db = &piece->journal->db;
    enum sw_code code;

    code = sw_db_run_with(db, SW_SQL_RUN_SET_PURGED, &piece->run, 1, err);
    if (code == SW_OK)
        code = remove_records(piece, err);
    if (code != SW_OK || piece->lsns_count == ROWS_MAX)
        return code;
    code = list(piece, SW_SQL_CHUNK_USE_LIST, err);
    for (int i = 0; code == SW_OK && i < piece->lsns_count; i++)
        code = release(piece, piece->lsns[i], err);
    if (code != SW_OK || piece->lsns_count == ROWS_MAX)
        return code;
    return sw_db_run_with(db, SW_SQL_RUN_DELETE, &piece->run, 1, err);
}

/* The run that ended first, if it ended before end_ms and nobody needs it any more. */
static enum sw_code find_expired(struct sw_journal *journal, uint64_t end_ms, uint64_t *ret_run,
                                 struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(&journal->db, SW_SQL_RUN_EXPIRED, &statement, err);
    bool found = false;

    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, end_ms);
    code = sw_db_step(&journal->db, statement, &found, err);
    if (code != SW_OK)
        return code;
    found = found &&
            (journal->meta.kept_lsn == 0 || sw_column_u64(statement, 1) <= journal->meta.kept_lsn);
    *ret_run = found ? sw_column_u64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return SW_OK;
}

static enum sw_code purge(struct sw_journal *journal, uint64_t run, struct sw_err *err)
{
    struct piece piece = {.journal = journal, .run = run};
    enum sw_code code;

    if (SW_FAULT("journal.before_purge"))
        return sw_tx_failed(journal, sw_fail(err, SW_STORAGE_FAILED, "fault point"));
    if (journal->meta.indexed_lsn < journal->state.lsn) {
        code = sw_late_index(journal, UINT64_MAX, err);
        if (code != SW_OK)
            return code;
    }
    code = sw_tx_begin(journal, err);
    if (code == SW_OK)
        code = remove_piece(&piece, err);
    if (code == SW_OK)
        code = sw_journal_commit(journal, false, err);
    if (code != SW_OK) {
        sw_journal_rollback(journal);
        return sw_tx_failed(journal, code);
    }
    if (SW_FAULT("journal.after_purge"))
        return sw_tx_failed(journal, sw_fail(err, SW_STORAGE_FAILED, "fault point"));
    return SW_OK;
}

void sw_journal_keep_after(struct sw_journal *journal, uint64_t lsn)
{
    journal->meta.kept_lsn = lsn; /* written with what is written of META next */
}

uint64_t sw_journal_kept_after(const struct sw_journal *journal)
{
    return journal->meta.kept_lsn;
}

enum sw_code sw_retain(struct sw_journal *journal, uint64_t now_ms, bool *ret_more,
                       struct sw_err *err)
{
    uint64_t run = 0;
    enum sw_code code;

    *ret_more = false;
    if (journal->retention_ms == 0 || now_ms < journal->retention_ms)
        return SW_OK;
    if (now_ms < journal->retain_at_ms && now_ms + CHECK_EVERY_MS > journal->retain_at_ms)
        return SW_OK;
    code = find_expired(journal, now_ms - journal->retention_ms, &run, err);
    if (code != SW_OK)
        return sw_tx_failed(journal, code);
    if (run == 0) {
        journal->retain_at_ms = now_ms + CHECK_EVERY_MS;
        return SW_OK;
    }
    *ret_more = true;
    return purge(journal, run, err);
}
