/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/payload.h"
#include "storage/journal/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* A path as an SQLite URI for a file that nothing can change: no -shm, no locks. */
static char *immutable_uri(const char *path)
{
    static const char scheme[] = "file:";
    static const char option[] = "?immutable=1";
    char *uri = malloc(sizeof(scheme) + 3 * strlen(path) + sizeof(option));
    size_t size = strlen(scheme);

    if (uri == NULL)
        return NULL;
    memcpy(uri, scheme, size);
    for (; *path != '\0'; path++) {
        if (strchr("%?#", *path) == NULL) {
            uri[size++] = *path;
        } else {
            uri[size++] = '%';
            sw_hex((const uint8_t *)path, 1, uri + size);
            size += 2;
        }
    }
    memcpy(uri + size, option, sizeof(option));
    return uri;
}

static bool has_wal(const char *path)
{
    struct stat status;
    bool found = true;
    char *wal;

    if (asprintf(&wal, "%s-wal", path) < 0)
        return true;
    if (stat(wal, &status) != 0 || status.st_size == 0)
        found = false;
    free(wal);
    return found;
}

static enum sw_code open_file(struct sw_db *db, const char *path, int flags, const char *vfs,
                              uint64_t *ret_version, struct sw_err *err)
{
    enum sw_code code = sw_db_open(db, path, flags, vfs, err);

    if (code != SW_OK)
        return code;
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    code = sw_db_exec(db, "PRAGMA query_only=1; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=1",
                      err);
    if (code == SW_OK)
        code = sw_schema_version(db, ret_version, err);
    if (code != SW_OK)
        sw_db_close(db);
    return code;
}

/* Reading a WAL needs its -shm file. Where the directory cannot be written, the
 * database can still be read if there is no WAL whose content would be missed. */
static enum sw_code open_any(struct sw_db *db, const char *path, const char *vfs,
                             uint64_t *ret_version, struct sw_err *err)
{
    enum sw_code code = open_file(db, path, SQLITE_OPEN_READONLY, vfs, ret_version, err);
    char *uri;

    if (code != SW_STORAGE_FAILED)
        return code;
    if (has_wal(path))
        return sw_wrap(err, "a journal with a WAL can be read where its directory can be written");
    uri = immutable_uri(path);
    if (uri == NULL)
        return sw_fail(err, SW_NO_MEMORY, "%s", path);
    code = open_file(db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, vfs, ret_version, err);
    free(uri);
    return code;
}

enum sw_code sw_journal_reader_open(const char *path, const char *vfs,
                                    struct sw_journal_reader **ret_reader, struct sw_err *err)
{
    struct sw_journal_reader *reader = calloc(1, sizeof(*reader));
    char *file = NULL;
    struct stat status;
    uint64_t version = 0;
    enum sw_code code;

    if (reader == NULL)
        return sw_fail(err, SW_NO_MEMORY, "%s", path);
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode) &&
        asprintf(&file, "%s/journal.db", path) < 0) {
        free(reader);
        return sw_fail(err, SW_NO_MEMORY, "%s", path);
    }
    code = open_any(&reader->db, file != NULL ? file : path, vfs, &version, err);
    if (code == SW_OK && version == 0)
        code = sw_fail(err, SW_CORRUPT, "%s: is empty", reader->db.path);
    free(file);
    if (code == SW_OK)
        *ret_reader = reader;
    else
        sw_journal_reader_close(reader);
    return code;
}

void sw_journal_reader_close(struct sw_journal_reader *reader)
{
    if (reader == NULL)
        return;
    sw_db_close(&reader->db);
    sw_arena_fini(&reader->records);
    sw_arena_fini(&reader->scratch);
    free(reader);
}

static enum sw_code begin(struct sw_journal_reader *reader, struct sw_err *err)
{
    return sw_db_run_with(&reader->db, SW_SQL_BEGIN_READ, NULL, 0, err);
}

/* Ends the read transaction; a failure to end one that only read changes nothing. */
static enum sw_code end(struct sw_journal_reader *reader, enum sw_code code)
{
    (void)(sw_db_run_with(&reader->db, SW_SQL_COMMIT, NULL, 0, NULL) == SW_OK);
    return code;
}

static enum sw_code read_state(struct sw_journal_reader *reader, struct sw_journal_state *state,
                               struct sw_err *err)
{
    struct sw_meta meta;
    uint64_t pages = 0;
    struct stat status;
    enum sw_code code;
    char *wal;

    code = sw_meta_read(&reader->db, &meta, err);
    if (code == SW_OK)
        code = sw_db_get(&reader->db, "SELECT max(lsn) FROM log", &state->lsn, err);
    if (code == SW_OK)
        code = sw_db_get(&reader->db, "PRAGMA page_count", &pages, err);
    if (code != SW_OK)
        return code;
    memcpy(state->uuid, meta.uuid, sizeof(state->uuid));
    memcpy(state->name, meta.name, sizeof(state->name));
    state->epoch = meta.epoch;
    state->indexed_lsn = meta.indexed_lsn;
    state->bytes = pages * SW_PAGE_SIZE;
    if (asprintf(&wal, "%s-wal", reader->db.path) < 0)
        return sw_fail(err, SW_NO_MEMORY, "%s", reader->db.path);
    if (stat(wal, &status) == 0)
        state->bytes += (uint64_t)status.st_size;
    free(wal);
    return SW_OK;
}

enum sw_code sw_journal_reader_state(struct sw_journal_reader *reader,
                                     struct sw_journal_state *ret_state, struct sw_err *err)
{
    struct sw_journal_state state = {0};
    enum sw_code code = begin(reader, err);

    if (code != SW_OK)
        return code;
    code = end(reader, read_state(reader, &state, err));
    if (code == SW_OK)
        *ret_state = state;
    return code;
}

/* ---- scanning --------------------------------------------------------------- */

static bool wants_bytes(enum sw_payload_mode mode, enum sw_record_type type)
{
    return mode == SW_PAYLOADS_ALL || (mode == SW_PAYLOADS_OUTCOME && type != SW_RECORD_STEP_BEGUN);
}

static enum sw_code visit_row(struct sw_journal_reader *reader, const struct sw_row *row,
                              enum sw_payload_mode mode, struct sw_record_visitor visitor,
                              bool *ret_stop, struct sw_err *err)
{
    struct sw_payload *payload;
    struct sw_record record;
    struct sw_layout layout;
    enum sw_code code;

    sw_arena_reset(&reader->records);
    code = sw_row_decode(row, &reader->records, &record, &layout, err);
    if (code != SW_OK)
        return code;
    payload = record.purged ? NULL : sw_record_payload(&record);
    if (payload != NULL && wants_bytes(mode, record.type)) {
        code = sw_payload_fetch(&reader->db, &layout, &reader->records, &reader->scratch, payload,
                                err);
        if (code != SW_OK)
            return sw_wrap(err, "record %llu", (unsigned long long)record.lsn);
    } else if (payload != NULL) {
        payload->data = (struct sw_span){0};
    }
    return visitor.visit(visitor.self, &record, ret_stop, err);
}

/* Visits the rows of a bound statement, at most limit (0 = no limit). */
static enum sw_code visit_rows(struct sw_journal_reader *reader, sqlite3_stmt *statement,
                               uint64_t limit, enum sw_payload_mode mode,
                               struct sw_record_visitor visitor, bool *ret_stop, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    uint64_t visited = 0;

    while (code == SW_OK && !*ret_stop && (limit == 0 || visited < limit)) {
        struct sw_row row;
        bool more;

        code = sw_db_step(&reader->db, statement, &more, err);
        if (code != SW_OK || !more)
            break;
        code = sw_row_read(statement, &row, err);
        if (code == SW_OK)
            code = visit_row(reader, &row, mode, visitor, ret_stop, err);
        visited++;
    }
    (void)sqlite3_reset(statement);
    return code;
}

static enum sw_code scan_run(struct sw_journal_reader *reader, uint64_t run, uint64_t first,
                             uint64_t last, enum sw_payload_mode mode,
                             struct sw_record_visitor visitor, struct sw_err *err)
{
    sqlite3_stmt *statement;
    struct sw_meta meta;
    enum sw_code code;
    bool stop = false;

    code = sw_meta_read(&reader->db, &meta, err);
    if (code == SW_OK && first <= meta.indexed_lsn) {
        code = sw_db_prepare(&reader->db, SW_SQL_LOG_OF_RUN, &statement, err);
        if (code != SW_OK)
            return code;
        sw_bind_u64(statement, 1, run);
        sw_bind_u64(statement, 2, first);
        sw_bind_u64(statement, 3, last < meta.indexed_lsn ? last : meta.indexed_lsn);
        code = visit_rows(reader, statement, 0, mode, visitor, &stop, err);
    }
    if (code != SW_OK || stop || last <= meta.indexed_lsn)
        return code;
    code = sw_db_prepare(&reader->db, SW_SQL_LOG_TAIL_OF_RUN, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, first > meta.indexed_lsn ? first : meta.indexed_lsn + 1);
    sw_bind_u64(statement, 2, last);
    sw_bind_u64(statement, 3, run);
    return visit_rows(reader, statement, 0, mode, visitor, &stop, err);
}

enum sw_code sw_journal_reader_scan_run(struct sw_journal_reader *reader, uint64_t run,
                                        uint64_t first_lsn, uint64_t last_lsn,
                                        enum sw_payload_mode mode, struct sw_record_visitor visitor,
                                        struct sw_err *err)
{
    uint64_t first = first_lsn > run ? first_lsn : run; /* its first record is number `run` */
    uint64_t last = last_lsn == 0 || last_lsn > INT64_MAX ? INT64_MAX : last_lsn;
    enum sw_code code = begin(reader, err);

    if (code != SW_OK)
        return code;
    return end(reader, scan_run(reader, run, first, last, mode, visitor, err));
}

enum sw_code sw_journal_reader_scan(struct sw_journal_reader *reader, uint64_t first_lsn,
                                    uint64_t limit, enum sw_payload_mode mode,
                                    struct sw_record_visitor visitor, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code = begin(reader, err);
    bool stop = false;

    if (code != SW_OK)
        return code;
    code = sw_db_prepare(&reader->db, SW_SQL_LOG_SCAN, &statement, err);
    if (code == SW_OK) {
        sw_bind_u64(statement, 1, first_lsn < INT64_MAX ? first_lsn : INT64_MAX);
        sw_bind_u64(statement, 2, INT64_MAX);
        code = visit_rows(reader, statement, limit, mode, visitor, &stop, err);
    }
    return end(reader, code);
}

/* ---- runs ------------------------------------------------------------------- */

enum sw_code sw_journal_reader_find_run(struct sw_journal_reader *reader, struct sw_span run_id,
                                        struct sw_arena *arena, struct sw_run_row *ret_row,
                                        struct sw_err *err)
{
    return sw_run_find(&reader->db, run_id, arena, ret_row, err);
}

enum sw_code sw_journal_reader_list_runs(struct sw_journal_reader *reader,
                                         const struct sw_run_filter *filter,
                                         struct sw_run_visitor visitor, struct sw_err *err)
{
    uint64_t before = filter->before_run;
    sqlite3_stmt *statement;
    enum sw_code code;
    bool stop = false;

    code = sw_db_prepare(&reader->db, SW_SQL_RUN_LIST, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, before == 0 || before > INT64_MAX ? INT64_MAX : before);
    sw_bind_u64(statement, 2, filter->state);
    sw_bind_text(statement, 3, filter->task);
    while (code == SW_OK && !stop) {
        struct sw_run_row row;
        bool more;

        code = sw_db_step(&reader->db, statement, &more, err);
        if (code != SW_OK || !more)
            break;
        sw_run_row_read(statement, &row);
        code = visitor.visit(visitor.self, &row, &stop, err);
    }
    (void)sqlite3_reset(statement);
    return code;
}
