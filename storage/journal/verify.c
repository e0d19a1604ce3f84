/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything derived from the log is derived again, row by row, and compared:
 * each live row must be in the indexes, and the indexes must have no more rows
 * than that.
 */
#include "storage/journal/chain.h"
#include "storage/journal/payload.h"

/* Uses of CHUNK rows that are not there, or by runs that are not. */
static const char uses_in_vain[] = "SELECT count(*) FROM chunk_use WHERE NOT EXISTS (SELECT 1 FROM "
                                   "log WHERE log.lsn = chunk_use.lsn"
                                   " AND type = 11 AND body IS NOT NULL)"
                                   " OR NOT EXISTS (SELECT 1 FROM run WHERE no = chunk_use.run)";

struct verify {
    struct sw_db *db;
    struct sw_arena *records; /* emptied before each record */
    struct sw_arena *scratch; /* for CHUNK records read on behalf of another */
    struct sw_verify_report *report;
    struct sw_meta meta;
    struct sw_chain chain;
    uint64_t run_log_entries; /* that there must be */
    uint64_t chunk_rows;
};

static enum sw_code corrupt(uint64_t lsn, const char *what, struct sw_err *err)
{
    return sw_fail(err, SW_CORRUPT, "record %llu: %s", (unsigned long long)lsn, what);
}

/* The statement, bound to two values, must give a row. */
static enum sw_code must_have(struct verify *verify, enum sw_sql sql, uint64_t first,
                              uint64_t second, const char *what, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(verify->db, sql, &statement, err);
    bool found = false;

    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, first);
    sw_bind_u64(statement, 2, second);
    code = sw_db_step(verify->db, statement, &found, err);
    (void)sqlite3_reset(statement);
    if (code == SW_OK && !found)
        return corrupt(verify->chain.lsn, what, err);
    return code;
}

static enum sw_code check_chunks(struct verify *verify, const struct sw_record *record,
                                 const struct sw_layout *layout, struct sw_err *err)
{
    struct sw_db *db = verify->db;
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(db, SW_SQL_CHUNK_FIND, &statement, err);
    uint32_t offset = 0;

    verify->report->chunk_bytes += record->u.chunk.bytes.size;
    if (record->lsn > verify->meta.indexed_lsn)
        return code;
    verify->chunk_rows += layout->chunk_sizes_count;
    for (uint32_t i = 0; code == SW_OK && i < layout->chunk_sizes_count; i++) {
        struct sw_span bytes =
            sw_span_of(record->u.chunk.bytes.data + offset, layout->chunk_sizes[i]);
        struct sw_digest digest;
        bool found = false;

        sw_sha256(&bytes, 1, &digest);
        sw_bind_blob(statement, 1, sw_span_of(digest.bytes, SW_DIGEST_SIZE));
        code = sw_db_step(db, statement, &found, err);
        if (code != SW_OK)
            return code;
        if (!found || sw_column_u64(statement, 0) != record->lsn ||
            sw_column_u64(statement, 1) != offset || sw_column_u64(statement, 2) != bytes.size)
            code = corrupt(record->lsn, "the chunk index says otherwise", err);
        (void)sqlite3_reset(statement);
        offset += layout->chunk_sizes[i];
    }
    return code;
}

static enum sw_code check_run_record(struct verify *verify, struct sw_record *record,
                                     const struct sw_layout *layout, struct sw_err *err)
{
    struct sw_payload *payload = sw_record_payload(record);
    enum sw_code code;

    code = must_have(verify, SW_SQL_RUN_HAS, record->run, record->lsn,
                     "its run is not in the run index", err);
    if (code == SW_OK &&
        (record->type == SW_RECORD_RUN_STARTED || record->type == SW_RECORD_RUN_ENDED))
        code = sw_run_check(verify->db, record, layout, err);
    if (code == SW_OK && payload != NULL) {
        verify->report->payload_bytes += payload->size;
        code = sw_payload_fetch(verify->db, layout, verify->records, verify->scratch, payload, err);
    }
    if (code != SW_OK || record->lsn > verify->meta.indexed_lsn)
        return code;
    verify->run_log_entries++;
    for (uint32_t i = 0; code == SW_OK && i < layout->extents_count; i++)
        code = must_have(verify, SW_SQL_CHUNK_USE_HAS, record->run, layout->extents[i].lsn,
                         "the use of a chunk is not in the index", err);
    return code;
}

static enum sw_code check_created(struct verify *verify, const struct sw_record *record,
                                  struct sw_err *err)
{
    if (record->lsn != 1 || record->at_ms != verify->meta.created_ms ||
        memcmp(record->u.journal_created.uuid, verify->meta.uuid, sizeof(verify->meta.uuid)) != 0 ||
        !sw_span_equal(record->u.journal_created.name, sw_span_of_text(verify->meta.name)))
        return corrupt(record->lsn, "the table meta says otherwise", err);
    return SW_OK;
}

/* A stub is right only where retention was: a run that is gone, or about to be. */
static enum sw_code check_stub(struct verify *verify, const struct sw_row *stub, struct sw_err *err)
{
    struct sw_db *db = verify->db;
    struct sw_run_row run = {.purged = true};
    sqlite3_stmt *statement;
    enum sw_code code;
    bool found = false;

    verify->report->purged++;
    if (stub->type == SW_RECORD_CHUNK)
        return SW_OK; /* whoever needs its bytes says so */
    if (stub->run == 0)
        return corrupt(stub->lsn, "its body is missing", err);
    code = sw_db_prepare(db, SW_SQL_RUN_GET, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, stub->run);
    code = sw_db_step(db, statement, &found, err);
    if (code == SW_OK && found)
        sw_run_row_read(statement, &run);
    (void)sqlite3_reset(statement);
    if (code == SW_OK && !run.purged)
        return corrupt(stub->lsn, "its body is missing", err);
    return code;
}

static enum sw_code check_row(struct verify *verify, const struct sw_row *row, struct sw_err *err)
{
    struct sw_record record;
    struct sw_layout layout;
    enum sw_code code;

    code = sw_chain_step(&verify->chain, row, err);
    if (code != SW_OK)
        return code;
    if (row->stub)
        return check_stub(verify, row, err);
    sw_arena_reset(verify->records);
    code = sw_row_decode(row, verify->records, &record, &layout, err);
    if (code != SW_OK)
        return code;
    verify->report->records++;
    if (record.type == SW_RECORD_CHUNK)
        return check_chunks(verify, &record, &layout, err);
    if (record.type == SW_RECORD_JOURNAL_CREATED)
        return check_created(verify, &record, err);
    return check_run_record(verify, &record, &layout, err);
}

static enum sw_code check_log(struct verify *verify, struct sw_err *err)
{
    struct sw_db *db = verify->db;
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(db, SW_SQL_LOG_SCAN, &statement, err);
    bool more = true;

    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, 0);
    sw_bind_u64(statement, 2, INT64_MAX);
    for (;;) {
        struct sw_row row;

        code = sw_db_step(db, statement, &more, err);
        if (code != SW_OK || !more)
            break;
        verify->report->bad_lsn = sw_column_u64(statement, 0);
        code = sw_row_read(statement, &row, err);
        if (code == SW_OK)
            code = check_row(verify, &row, err);
        if (code != SW_OK)
            break;
        verify->report->bad_lsn = 0;
    }
    (void)sqlite3_reset(statement);
    if (code == SW_OK && verify->chain.lsn < verify->meta.indexed_lsn)
        return corrupt(verify->chain.lsn, "the index knows records behind it", err);
    return code;
}

/* The record of a run's start or end, by lsn. */
static enum sw_code check_run_has(struct verify *verify, uint64_t run, uint64_t lsn, uint64_t type,
                                  bool wanted, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code;
    struct sw_row row;
    bool found = false;

    code = sw_row_find(verify->db, lsn, &statement, &row, &found, err);
    if (code != SW_OK)
        return code;
    if (found)
        (void)sqlite3_reset(statement);
    found = found && !row.stub && row.run == run && row.type == type;
    if (found != wanted)
        return corrupt(lsn, "the run index says otherwise", err);
    return SW_OK;
}

static enum sw_code check_run(struct verify *verify, const struct sw_run_row *row,
                              struct sw_err *err)
{
    bool running = row->state == SW_RUN_RUNNING;
    enum sw_code code;

    if (running != (row->end_lsn == 0) || running != (row->ended_ms == 0) ||
        (running && (row->purged || row->steps != 0)))
        return corrupt(row->run, "its row in the run index contradicts itself", err);
    if (row->purged) /* its last record went first */
        return check_run_has(verify, row->run, row->end_lsn, SW_RECORD_RUN_ENDED, false, err);
    code = check_run_has(verify, row->run, row->run, SW_RECORD_RUN_STARTED, true, err);
    if (code == SW_OK && !running)
        code = check_run_has(verify, row->run, row->end_lsn, SW_RECORD_RUN_ENDED, true, err);
    return code;
}

static enum sw_code check_runs(struct verify *verify, struct sw_err *err)
{
    struct sw_db *db = verify->db;
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(db, SW_SQL_RUN_ALL, &statement, err);
    bool more = true;

    if (code != SW_OK)
        return code;
    for (;;) {
        struct sw_run_row row;

        code = sw_db_step(db, statement, &more, err);
        if (code != SW_OK || !more)
            break;
        sw_run_row_read(statement, &row);
        verify->report->runs++;
        verify->report->bad_lsn = row.run;
        code = check_run(verify, &row, err);
        if (code != SW_OK)
            break;
        verify->report->bad_lsn = 0;
    }
    (void)sqlite3_reset(statement);
    return code;
}

/* Entries of run_log for records that are there, of that run and of another. */
static const char entries_right[] =
    "SELECT count(*) FROM " SW_RUN_LOG " WHERE log.body IS NOT NULL AND log.run = run_log.run";
static const char entries_wrong[] =
    "SELECT count(*) FROM " SW_RUN_LOG " WHERE log.body IS NOT NULL AND log.run <> run_log.run";

/* Rows of run_log that are not found where their array says, or not whole. */
static const char slices_wrong[] = "SELECT count(*) FROM run_log WHERE first IS NOT json_extract("
                                   "lsns, '$[0]') OR last IS NOT json_extract(lsns, '$[#-1]')";

/* Entries of a run that do not rise: one of them stands for another, which then is missing. */
static const char entries_twice[] =
    "SELECT count(*) FROM (SELECT entry.value AS lsn, lag(entry.value) OVER (PARTITION BY run"
    " ORDER BY first, entry.key) AS before FROM run_log CROSS JOIN json_each(run_log.lsns) AS "
    "entry)"
    " WHERE lsn <= before";

/* That the indexes hold all they must, and nothing more. */
static enum sw_code check_counts(struct verify *verify, struct sw_err *err)
{
    struct sw_db *db = verify->db;
    uint64_t right = 0;
    uint64_t wrong = 0;
    uint64_t slices = 0;
    uint64_t twice = 0;
    uint64_t chunk_rows = 0;
    uint64_t vain = 0;
    enum sw_code code;

    code = sw_db_get(db, entries_right, &right, err);
    if (code == SW_OK)
        code = sw_db_get(db, entries_wrong, &wrong, err);
    if (code == SW_OK)
        code = sw_db_get(db, slices_wrong, &slices, err);
    if (code == SW_OK)
        code = sw_db_get(db, entries_twice, &twice, err);
    if (code == SW_OK)
        code = sw_db_get(db, "SELECT count(*) FROM chunk", &chunk_rows, err);
    if (code == SW_OK)
        code = sw_db_get(db, uses_in_vain, &vain, err);
    if (code != SW_OK)
        return code;
    if (right != verify->run_log_entries || wrong != 0 || slices != 0 || twice != 0)
        return sw_fail(err, SW_CORRUPT, "%s: run_log has not the records of each run, but others",
                       db->path);
    if (chunk_rows != verify->chunk_rows || vain != 0)
        return sw_fail(err, SW_CORRUPT, "%s: an index has rows for records that are not there",
                       db->path);
    return SW_OK;
}

static enum sw_code verify_all(struct verify *verify, struct sw_err *err)
{
    enum sw_code code = sw_structure_check(verify->db, "PRAGMA integrity_check(1)", err);

    if (code == SW_OK)
        code = sw_meta_read(verify->db, &verify->meta, err);
    if (code == SW_OK)
        code = check_log(verify, err);
    if (code == SW_OK)
        code = check_runs(verify, err);
    if (code == SW_OK)
        code = check_counts(verify, err);
    return code;
}

enum sw_code sw_verify_db(struct sw_db *db, struct sw_arena *records, struct sw_arena *scratch,
                          struct sw_verify_report *report, struct sw_err *err)
{
    struct verify verify = {.db = db, .records = records, .scratch = scratch, .report = report};
    enum sw_code code = sw_db_run_with(db, SW_SQL_BEGIN_READ, NULL, 0, err);

    if (code != SW_OK)
        return code;
    code = verify_all(&verify, err);
    /* A read transaction that cannot be ended has still read what it read. */
    (void)(sw_db_run_with(db, SW_SQL_COMMIT, NULL, 0, NULL) == SW_OK);
    return code;
}

enum sw_code sw_journal_verify(struct sw_journal_reader *reader,
                               struct sw_verify_report *ret_report, struct sw_err *err)
{
    struct sw_journal_state state;
    uint64_t acked_lsn = 0;
    enum sw_code code;

    *ret_report = (struct sw_verify_report){0};
    /* Looked for first: the journal may be live, and grow. */
    if (sw_journal_reader_state(reader, &state, NULL) == SW_OK)
        acked_lsn = sw_acked_read(reader->db.path, state.uuid);
    code = sw_verify_db(&reader->db, &reader->records, &reader->scratch, ret_report, err);
    if (code == SW_OK)
        code = sw_journal_reader_state(reader, &state, err);
    return code == SW_OK ? sw_acked_check(reader->db.path, acked_lsn, state.lsn, err) : code;
}
