/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/base/fault.h"
#include "storage/journal/payload.h"
#include "storage/journal/row.h"

#include <assert.h>

enum {
    PENDING_BYTES_MAX = 1024 * 1024, /* what waits for its commit in memory */
    ROW_BYTES = 48                   /* of a row beside its body: the chain and some numbers */
};

/* Work that can wait until there is room; a lease is needed to record what happened. */
static bool is_new_work(enum sw_record_type type)
{
    return type == SW_RECORD_RUN_STARTED || type == SW_RECORD_STEP_BEGUN;
}

enum sw_code sw_append_insert(struct sw_journal *journal, const struct sw_row *row,
                              struct sw_err *err)
{
    struct sw_tail_entry entry = {row->lsn, row->run, row->chunked || row->type == SW_RECORD_CHUNK};
    enum sw_code code;

    if (!row->stub)
        sw_row_put_checksum(sw_row_checksum(row),
                            (uint8_t *)(uintptr_t)(row->fields.data + row->fields.size));
    code = sw_pending_add(&journal->pending, row, err);
    if (code == SW_OK && !row->stub)
        code = sw_tail_add(&journal->tail, entry, err);
    if (code != SW_OK)
        return code;
    journal->tx_bytes += row->fields.size + SW_CODEC_SPARE;
    journal->chain = row->chain;
    journal->state.lsn = row->lsn;
    journal->state.row_bytes += row->fields.size + SW_CODEC_SPARE + ROW_BYTES;
    return journal->pending.bytes.spent > PENDING_BYTES_MAX ? sw_tx_flush(journal, err) : SW_OK;
}

enum sw_code sw_append_row(struct sw_journal *journal, struct sw_record *record,
                           const struct sw_layout *layout, struct sw_err *err)
{
    struct sw_row row = {
        .lsn = journal->state.lsn + 1, .type = record->type, .chunked = layout->extents_count > 0};
    enum sw_code code;

    if (SW_FAULT("journal.append"))
        return sw_fail(err, SW_STORAGE_FAILED, "fault point");
    record->lsn = row.lsn;
    if (record->type == SW_RECORD_RUN_STARTED)
        record->run = row.lsn;
    row.run = record->run;
    code = sw_codec_encode(record, layout, &journal->pending.bytes, &row.fields, err);
    if (code != SW_OK)
        return code;
    sw_row_chain(&row, &journal->chain, &row.chain);
    code = sw_append_insert(journal, &row, err);
    if (code == SW_OK)
        record->chain = row.chain;
    return code;
}

static enum sw_code insert_run(struct sw_journal *journal, const struct sw_record *record,
                               struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code = sw_tx_begin(journal, err);
    int rc;

    if (code == SW_OK)
        code = sw_db_prepare(&journal->db, SW_SQL_RUN_INSERT, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, record->run);
    sw_bind_text(statement, 2, record->u.run_started.run_id);
    sw_bind_text(statement, 3, record->u.run_started.task);
    sw_bind_u64(statement, 4, record->at_ms);
    rc = sqlite3_step(statement);
    if ((rc & 0xff) == SQLITE_CONSTRAINT)
        code = sw_fail(err, SW_RUN_CONFLICT, "run %.*s exists",
                       SW_SPAN_ARG(record->u.run_started.run_id));
    else if (rc != SQLITE_DONE)
        code = sw_db_fail(&journal->db, rc, "a new run", err);
    (void)sqlite3_reset(statement);
    return code;
}

static enum sw_code end_run(struct sw_journal *journal, const struct sw_record *record,
                            uint64_t steps, struct sw_err *err)
{
    const uint64_t values[] = {record->run, record->u.run_ended.state, record->at_ms, record->lsn,
                               steps};
    enum sw_code code = sw_tx_begin(journal, err);

    if (code == SW_OK)
        code = sw_db_run_with(&journal->db, SW_SQL_RUN_END, values, 5, err);
    if (code == SW_OK && sqlite3_changes(journal->db.handle) != 1)
        return sw_fail(err, SW_RUN_ENDED, "run %llu is not running",
                       (unsigned long long)record->run);
    return code;
}

enum sw_code sw_append_run(struct sw_journal *journal, const struct sw_record *record,
                           uint64_t steps, struct sw_err *err)
{
    if (record->type == SW_RECORD_RUN_STARTED)
        return insert_run(journal, record, err);
    if (record->type == SW_RECORD_RUN_ENDED)
        return end_run(journal, record, steps, err);
    return SW_OK;
}

static enum sw_code append(struct sw_journal *journal, struct sw_record *record, uint64_t steps,
                           struct sw_err *err)
{
    struct sw_payload *payload = sw_record_payload(record);
    struct sw_layout layout = {.steps = steps};
    enum sw_code code = SW_OK;

    sw_arena_reset(&journal->scratch);
    if (payload != NULL && payload->present)
        code = sw_payload_store(journal, payload, record->at_ms, &layout, err);
    if (code == SW_OK)
        code = sw_append_row(journal, record, &layout, err);
    return code == SW_OK ? sw_append_run(journal, record, steps, err) : code;
}

enum sw_code sw_journal_append_end(struct sw_journal *journal, struct sw_record *record,
                                   uint64_t steps, struct sw_err *err)
{
    struct sw_mark before;
    enum sw_code code;

    assert(record->type > 0 && record->type < SW_RECORD_CHUNK);
    code = sw_tx_start(journal, err);
    if (code == SW_OK)
        code = sw_room_check(journal, is_new_work(record->type), err);
    if (code != SW_OK)
        return code;
    before = sw_tx_here(journal);
    code = append(journal, record, steps, err);
    if (code == SW_OK)
        return SW_OK;
    if (sw_tx_undo(journal, &before, NULL) != SW_OK)
        journal->failed = true;
    return sw_tx_failed(journal, code);
}

enum sw_code sw_journal_append(struct sw_journal *journal, struct sw_record *record,
                               struct sw_err *err)
{
    return sw_journal_append_end(journal, record, 0, err);
}
