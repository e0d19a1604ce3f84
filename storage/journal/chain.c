/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/chain.h"

enum { TAIL_ROWS = 1000, TAIL_BYTES = 4 * 1024 * 1024 };

static enum sw_code corrupt(uint64_t lsn, const char *what, struct sw_err *err)
{
    return sw_fail(err, SW_CORRUPT, "record %llu: %s", (unsigned long long)lsn, what);
}

enum sw_code sw_chain_step(struct sw_chain *chain, const struct sw_row *row, struct sw_err *err)
{
    struct sw_digest expected;

    if (row->lsn <= chain->lsn)
        return corrupt(row->lsn, "it stands out of order", err);
    if (!row->stub && !chain->trusting) {
        if (row->lsn != chain->lsn + 1)
            return corrupt(row->lsn, "the record before it is missing", err);
        sw_row_chain(row, &chain->chain, &expected);
        if (memcmp(&expected, &row->chain, sizeof(expected)) != 0)
            return corrupt(row->lsn, "it does not follow from the record before it", err);
    }
    chain->lsn = row->lsn;
    chain->chain = row->chain;
    chain->trusting = false;
    return SW_OK;
}

enum sw_code sw_structure_check(struct sw_db *db, const char *pragma, struct sw_err *err)
{
    sqlite3_stmt *statement = NULL;
    enum sw_code code = SW_OK;
    const char *answer;
    int rc;

    rc = sqlite3_prepare_v2(db->handle, pragma, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) {
        code = sw_db_fail(db, rc == SQLITE_DONE ? SQLITE_CORRUPT : rc, pragma, err);
    } else {
        answer = (const char *)sqlite3_column_text(statement, 0);
        if (answer == NULL || strcmp(answer, "ok") != 0)
            code = sw_fail(err, SW_CORRUPT, "%s: %s", db->path, answer == NULL ? "?" : answer);
    }
    (void)sqlite3_finalize(statement);
    return code;
}

enum sw_code sw_run_check(struct sw_db *db, const struct sw_record *record,
                          const struct sw_layout *layout, struct sw_err *err)
{
    bool started = record->type == SW_RECORD_RUN_STARTED;
    struct sw_run_row row;
    sqlite3_stmt *statement;
    enum sw_code code;
    bool found = false;
    bool good;

    code = sw_db_prepare(db, SW_SQL_RUN_GET, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, record->run);
    code = sw_db_step(db, statement, &found, err);
    if (code != SW_OK)
        return code;
    if (!found)
        return corrupt(record->lsn, "its run is not in the run index", err);
    sw_run_row_read(statement, &row);
    if (started)
        good = sw_span_equal(row.run_id, record->u.run_started.run_id) &&
               sw_span_equal(row.task, record->u.run_started.task) &&
               row.started_ms == record->at_ms;
    else
        good = row.state == record->u.run_ended.state && row.ended_ms == record->at_ms &&
               row.end_lsn == record->lsn && row.steps == layout->steps;
    (void)sqlite3_reset(statement);
    return good ? SW_OK : corrupt(record->lsn, "the run index says otherwise", err);
}

static enum sw_code check_row(struct sw_db *db, const struct sw_row *row, struct sw_arena *scratch,
                              struct sw_err *err)
{
    struct sw_layout layout;
    struct sw_record record;
    enum sw_code code;

    if (row->stub || (row->type != SW_RECORD_RUN_STARTED && row->type != SW_RECORD_RUN_ENDED))
        return SW_OK;
    sw_arena_reset(scratch);
    code = sw_row_decode(row, scratch, &record, &layout, err);
    return code == SW_OK ? sw_run_check(db, &record, &layout, err) : code;
}

/* Where the newest TAIL_ROWS rows, or TAIL_BYTES of them, begin. */
static enum sw_code find_tail(struct sw_db *db, uint64_t *ret_first, struct sw_err *err)
{
    sqlite3_stmt *statement;
    uint64_t first = 1;
    uint64_t bytes = 0;
    enum sw_code code;
    bool row = true;

    code = sw_db_prepare(db, SW_SQL_LOG_SIZES_DOWN, &statement, err);
    for (int rows = 0; code == SW_OK && row && rows < TAIL_ROWS && bytes < TAIL_BYTES; rows++) {
        code = sw_db_step(db, statement, &row, err);
        if (code == SW_OK && row) {
            first = sw_column_u64(statement, 0);
            bytes += sw_column_u64(statement, 1);
        }
    }
    if (code != SW_OK)
        return code;
    (void)sqlite3_reset(statement);
    *ret_first = first;
    return SW_OK;
}

enum sw_code sw_chain_check(struct sw_db *db, struct sw_arena *scratch, struct sw_err *err)
{
    struct sw_chain chain = {0};
    sqlite3_stmt *statement;
    uint64_t first = 1;
    enum sw_code code;
    bool more = true;

    code = find_tail(db, &first, err);
    if (code == SW_OK)
        code = sw_db_prepare(db, SW_SQL_LOG_SCAN, &statement, err);
    if (code != SW_OK)
        return code;
    chain.trusting = first > 1;
    sw_bind_u64(statement, 1, first);
    sw_bind_u64(statement, 2, INT64_MAX);
    while (code == SW_OK) {
        struct sw_row row;

        code = sw_db_step(db, statement, &more, err);
        if (code != SW_OK || !more)
            break;
        code = sw_row_read(statement, &row, err);
        if (code == SW_OK)
            code = sw_chain_step(&chain, &row, err);
        if (code == SW_OK)
            code = check_row(db, &row, scratch, err);
    }
    (void)sqlite3_reset(statement);
    return code;
}
