/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/base/fault.h"
#include "storage/journal/payload.h"
#include "storage/journal/row.h"

#include <stdio.h>
#include <stdlib.h>

enum { LSN_TEXT_MAX = 21 }; /* digits of a u64, and a comma */

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

static enum sw_code load_tail(struct sw_journal *journal, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(&journal->db, SW_SQL_LOG_RUNS, &statement, err);
    bool more = true;

    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, journal->meta.indexed_lsn);
    while (code == SW_OK) {
        code = sw_db_step(&journal->db, statement, &more, err);
        if (code != SW_OK || !more)
            break;
        code = sw_tail_add(&journal->tail,
                           (struct sw_tail_entry){.lsn = sw_column_u64(statement, 0),
                                                  .run = sw_column_u64(statement, 1),
                                                  .of_chunks = sw_column_u64(statement, 2) != 0},
                           err);
    }
    (void)sqlite3_reset(statement);
    return code;
}

enum sw_code sw_late_load(struct sw_journal *journal, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code = load_tail(journal, err);
    bool more = true;

    if (code != SW_OK)
        return code;
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

static enum sw_code index_chunks(struct sw_journal *journal, uint64_t lsn, struct sw_err *err)
{
    sqlite3_stmt *statement;
    struct sw_row row;
    enum sw_code code;
    bool found = false;

    code = sw_row_find(&journal->db, lsn, &statement, &row, &found, err);
    if (code != SW_OK || !found)
        return code;
    code = index_row(journal, &row, err);
    (void)sqlite3_reset(statement);
    return code;
}

/* A row of run_log: the lsns of one run as a JSON array. */
static enum sw_code insert_run_log(struct sw_journal *journal, const struct sw_tail_entry *entries,
                                   size_t count, struct sw_err *err)
{
    size_t size = count * LSN_TEXT_MAX + 2;
    sqlite3_stmt *statement;
    enum sw_code code;
    size_t used = 0;
    char *text;

    sw_arena_reset(&journal->scratch);
    text = sw_arena_alloc(&journal->scratch, size);
    if (text == NULL)
        return sw_fail(err, SW_NO_MEMORY, "indexing a run");
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, size - used, "%c%llu", i == 0 ? '[' : ',',
                                 (unsigned long long)entries[i].lsn);
    text[used++] = ']';
    code = sw_db_prepare(&journal->db, SW_SQL_RUN_LOG_INSERT, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, entries[0].run);
    sw_bind_u64(statement, 2, entries[0].lsn);
    sw_bind_u64(statement, 3, entries[count - 1].lsn);
    sw_bind_text(statement, 4, sw_span_of(text, used));
    return sw_db_run(&journal->db, statement, err);
}

static enum sw_code index_rows(struct sw_journal *journal, uint64_t last, struct sw_err *err)
{
    size_t count = sw_tail_count_through(&journal->tail, last);
    struct sw_tail_entry *entries = sw_tail_by_run(&journal->tail, count);
    enum sw_code code = SW_OK;
    size_t end;

    if (entries == NULL)
        return sw_fail(err, SW_NO_MEMORY, "indexing %zu records", count);
    for (size_t i = 0; code == SW_OK && i < count; i++)
        if (entries[i].of_chunks)
            code = index_chunks(journal, entries[i].lsn, err);
    for (size_t i = 0; code == SW_OK && i < count; i = end) {
        for (end = i + 1; end < count && entries[end].run == entries[i].run;)
            end++;
        if (entries[i].run > 0)
            code = insert_run_log(journal, entries + i, end - i, err);
    }
    free(entries);
    return code;
}

enum sw_code sw_late_index(struct sw_journal *journal, uint64_t rows_max, struct sw_err *err)
{
    struct sw_meta meta = journal->meta;
    enum sw_code code;

    if (SW_FAULT("journal.before_index"))
        return sw_tx_failed(journal, sw_fail(err, SW_STORAGE_FAILED, "fault point"));
    meta.indexed_lsn = journal->state.lsn - meta.indexed_lsn > rows_max
                           ? meta.indexed_lsn + rows_max
                           : journal->state.lsn;
    code = sw_tx_begin(journal, err);
    if (code == SW_OK)
        code = index_rows(journal, meta.indexed_lsn, err);
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
    sw_tail_drop_through(&journal->tail, meta.indexed_lsn);
    if (SW_FAULT("journal.after_index"))
        return sw_tx_failed(journal, sw_fail(err, SW_STORAGE_FAILED, "fault point"));
    return SW_OK;
}
