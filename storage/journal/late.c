/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/base/fault.h"
#include "storage/journal/payload.h"
#include "storage/journal/row.h"

enum sw_code sw_late_each_chunk(struct sw_journal *journal, const struct sw_row *row,
                                struct sw_chunk_visitor visitor, struct sw_err *err)
{
    struct sw_record record;
    struct sw_layout layout;
    enum sw_code code;
    uint32_t offset = 0;

    sw_arena_reset(&journal->scratch);
    code = sw_row_decode(row, &journal->scratch, &record, &layout, err);
    for (uint32_t i = 0; code == SW_OK && i < layout.chunk_sizes_count; i++) {
        struct sw_span bytes =
            sw_span_of(record.u.chunk.bytes.data + offset, layout.chunk_sizes[i]);
        struct sw_extent place = {row->lsn, offset, layout.chunk_sizes[i]};
        struct sw_digest digest;

        sw_sha256(&bytes, 1, &digest);
        code = visitor.visit(journal, &digest, place, err);
        offset += layout.chunk_sizes[i];
    }
    return code;
}

static enum sw_code remember(struct sw_journal *journal, const struct sw_digest *digest,
                             struct sw_extent place, struct sw_err *err)
{
    if (sw_recent_add(&journal->recent, digest, place))
        return SW_OK;
    return sw_fail(err, SW_NO_MEMORY, "the list of recent chunks");
}

enum sw_code sw_late_remember(struct sw_journal *journal, const struct sw_row *row,
                              struct sw_err *err)
{
    return sw_late_each_chunk(journal, row, (struct sw_chunk_visitor){remember}, err);
}

static enum sw_code insert_chunk(struct sw_journal *journal, const struct sw_digest *digest,
                                 struct sw_extent place, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(&journal->db, SW_SQL_CHUNK_INSERT, &statement, err);

    if (code != SW_OK)
        return code;
    sw_bind_blob(statement, 1, sw_span_of(digest->bytes, SW_DIGEST_SIZE));
    sw_bind_u64(statement, 2, place.lsn);
    sw_bind_u64(statement, 3, place.offset);
    sw_bind_u64(statement, 4, place.size);
    return sw_db_run(&journal->db, statement, err);
}

enum sw_code sw_late_load(struct sw_journal *journal, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code;
    bool more = true;

    code = sw_db_prepare(&journal->db, SW_SQL_LOG_TAIL_OF_TYPE, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, journal->meta.indexed_lsn + 1);
    sw_bind_u64(statement, 2, INT64_MAX);
    sw_bind_u64(statement, 3, SW_RECORD_CHUNK);
    while (code == SW_OK) {
        struct sw_row row;

        code = sw_db_step(&journal->db, statement, &more, err);
        if (code != SW_OK || !more)
            break;
        code = sw_row_read(statement, &row, err);
        if (code == SW_OK && !row.stub)
            code = sw_late_remember(journal, &row, err);
    }
    (void)sqlite3_reset(statement);
    return code;
}

/* The late index of one row, but for run_log. */
static enum sw_code index_row(struct sw_journal *journal, const struct sw_row *row,
                              struct sw_err *err)
{
    struct sw_record record;
    struct sw_layout layout;
    enum sw_code code;

    if (row->stub)
        return SW_OK;
    if (row->type == SW_RECORD_CHUNK)
        return sw_late_each_chunk(journal, row, (struct sw_chunk_visitor){insert_chunk}, err);
    sw_arena_reset(&journal->scratch);
    code = sw_row_decode(row, &journal->scratch, &record, &layout, err);
    for (uint32_t i = 0; code == SW_OK && i < layout.extents_count; i++) {
        const uint64_t use[] = {row->run, layout.extents[i].lsn};

        code = sw_db_run_with(&journal->db, SW_SQL_CHUNK_USE_INSERT, use, 2, err);
    }
    return code;
}

static enum sw_code index_rows(struct sw_journal *journal, uint64_t first, uint64_t last,
                               struct sw_err *err)
{
    const uint64_t range[] = {first, last};
    sqlite3_stmt *statement;
    enum sw_code code;
    bool more = true;

    code = sw_db_run_with(&journal->db, SW_SQL_RUN_LOG_INSERT, range, 2, err);
    if (code == SW_OK)
        code = sw_db_prepare(&journal->db, SW_SQL_LOG_CHUNKED, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, first);
    sw_bind_u64(statement, 2, last);
    while (code == SW_OK) {
        struct sw_row row;

        code = sw_db_step(&journal->db, statement, &more, err);
        if (code != SW_OK || !more)
            break;
        code = sw_row_read(statement, &row, err);
        if (code == SW_OK)
            code = index_row(journal, &row, err);
    }
    (void)sqlite3_reset(statement);
    return code;
}

enum sw_code sw_late_index(struct sw_journal *journal, uint64_t rows_max, struct sw_err *err)
{
    struct sw_meta meta = journal->meta;
    uint64_t first = meta.indexed_lsn + 1;
    enum sw_code code;

    if (SW_FAULT("journal.before_index"))
        return sw_tx_failed(journal, sw_fail(err, SW_STORAGE_FAILED, "fault point"));
    meta.indexed_lsn = journal->state.lsn - meta.indexed_lsn > rows_max
                           ? meta.indexed_lsn + rows_max
                           : journal->state.lsn;
    code = sw_tx_begin(journal, err);
    if (code == SW_OK)
        code = index_rows(journal, first, meta.indexed_lsn, err);
    if (code == SW_OK)
        code = sw_meta_write(&journal->db, &meta, err);
    if (code == SW_OK)
        code = sw_journal_commit(journal, false, err);
    if (code != SW_OK) {
        sw_journal_rollback(journal);
        return sw_tx_failed(journal, code);
    }
    journal->meta = meta;
    journal->state.indexed_lsn = meta.indexed_lsn;
    sw_recent_drop_through(&journal->recent, meta.indexed_lsn);
    if (SW_FAULT("journal.after_index"))
        return sw_tx_failed(journal, sw_fail(err, SW_STORAGE_FAILED, "fault point"));
    return SW_OK;
}
