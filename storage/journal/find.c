/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/payload.h"
#include "storage/journal/row.h"

void sw_run_row_read(sqlite3_stmt *statement, struct sw_run_row *ret_row)
{
    *ret_row = (struct sw_run_row){
        .run = sw_column_u64(statement, 0),
        .run_id = sw_column_span(statement, 1),
        .task = sw_column_span(statement, 2),
        .state = (enum sw_run_state)sw_column_u64(statement, 3),
        .started_ms = sw_column_u64(statement, 4),
        .ended_ms = sw_column_u64(statement, 5),
        .end_lsn = sw_column_u64(statement, 6),
        .steps = sw_column_u64(statement, 7),
        .purged = sw_column_u64(statement, 8) != 0,
    };
}

enum sw_code sw_run_find(struct sw_db *db, struct sw_span run_id, struct sw_arena *arena,
                         struct sw_run_row *ret_row, struct sw_err *err)
{
    struct sw_run_row found;
    sqlite3_stmt *statement;
    enum sw_code code;
    bool row = false;

    code = sw_db_prepare(db, SW_SQL_RUN_FIND, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_text(statement, 1, run_id);
    code = sw_db_step(db, statement, &row, err);
    if (code != SW_OK)
        return code;
    if (!row)
        return sw_fail(err, SW_RUN_NOT_FOUND, "no run %.*s", SW_SPAN_ARG(run_id));
    sw_run_row_read(statement, &found);
    if (sw_arena_copy(arena, found.run_id, &found.run_id) &&
        sw_arena_copy(arena, found.task, &found.task))
        *ret_row = found;
    else
        code = sw_fail(err, SW_NO_MEMORY, "run %.*s", SW_SPAN_ARG(run_id));
    (void)sqlite3_reset(statement);
    return code;
}

enum sw_code sw_journal_find_run(struct sw_journal *journal, struct sw_span run_id,
                                 struct sw_arena *arena, struct sw_run_row *ret_row,
                                 struct sw_err *err)
{
    enum sw_code code = sw_tx_check(journal, err);

    if (code == SW_OK)
        code = sw_run_find(&journal->db, run_id, arena, ret_row, err);
    return sw_tx_failed(journal, code);
}

/* Reads the row's fields into the arena, for the statement is needed again. */
static enum sw_code read_row(struct sw_journal *journal, uint64_t lsn, struct sw_arena *arena,
                             struct sw_row *ret_row, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code;
    struct sw_row row;
    bool found;

    code = sw_row_find(&journal->db, lsn, &statement, &row, &found, err);
    if (code != SW_OK)
        return code;
    if (!found || row.stub) {
        (void)sqlite3_reset(statement);
        return sw_fail(err, SW_RUN_NOT_FOUND, "record %llu does not exist or was removed",
                       (unsigned long long)lsn);
    }
    if (sw_arena_copy(arena, row.fields, &row.fields))
        *ret_row = row;
    else
        code = sw_fail(err, SW_NO_MEMORY, "record %llu", (unsigned long long)lsn);
    (void)sqlite3_reset(statement);
    return code;
}

enum sw_code sw_journal_read(struct sw_journal *journal, uint64_t lsn, struct sw_arena *arena,
                             struct sw_record *ret_record, struct sw_err *err)
{
    struct sw_payload *payload;
    struct sw_record record;
    struct sw_layout layout;
    enum sw_code code;
    struct sw_row row;

    code = sw_tx_check(journal, err);
    if (code == SW_OK && journal->pending.count > 0 && lsn >= journal->pending.rows[0].lsn)
        code = sw_tx_flush(journal, err);
    if (code == SW_OK)
        code = read_row(journal, lsn, arena, &row, err);
    if (code == SW_OK)
        code = sw_row_decode(&row, arena, &record, &layout, err);
    if (code != SW_OK)
        return sw_tx_failed(journal, code);
    payload = sw_record_payload(&record);
    if (payload != NULL)
        code = sw_payload_fetch(&journal->db, &layout, arena, &journal->scratch, payload, err);
    if (code != SW_OK)
        return sw_tx_failed(journal, sw_wrap(err, "record %llu", (unsigned long long)lsn));
    *ret_record = record;
    return SW_OK;
}
