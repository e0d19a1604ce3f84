/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/db.h"

#include <stdlib.h>

enum { BUSY_MS = 5000 }; /* another process may be recovering the WAL */

static const char *const sql_texts[SW_SQL_COUNT] = {
#define SW_SQL(name, text) text,
#include "storage/journal/sql.def"
#undef SW_SQL
};

enum sw_code sw_db_fail(struct sw_db *db, int rc, const char *doing, struct sw_err *err)
{
    enum sw_code code = SW_STORAGE_FAILED;
    const char *detail = db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);

    switch (rc & 0xff) {
    case SQLITE_FULL:
        code = SW_JOURNAL_FULL;
        break;
    case SQLITE_NOMEM:
        code = SW_NO_MEMORY;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        code = SW_CORRUPT;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        code = SW_JOURNAL_LOCKED;
        break;
    default:
        if (rc == SQLITE_IOERR_SHORT_READ)
            code = SW_CORRUPT;
        break;
    }
    code = sw_fail(err, code, "%s: %s: %s (SQLite %d)", db->path, doing, detail, rc);
    if (err != NULL && db->handle != NULL && code == SW_STORAGE_FAILED)
        err->os_errno = sqlite3_system_errno(db->handle);
    return code;
}

enum sw_code sw_db_open(struct sw_db *db, const char *path, int flags, const char *vfs,
                        struct sw_err *err)
{
    enum sw_code code;
    int rc;

    *db = (struct sw_db){.path = strdup(path)};
    if (db->path == NULL)
        return sw_fail(err, SW_NO_MEMORY, "%s", path);
    rc = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, vfs);
    if (rc != SQLITE_OK) {
        code = sw_db_fail(db, rc, "open", err);
        sw_db_close(db);
        return code;
    }
    (void)sqlite3_extended_result_codes(db->handle, 1);
    (void)sqlite3_busy_timeout(db->handle, BUSY_MS);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return SW_OK;
}

void sw_db_close(struct sw_db *db)
{
    for (size_t i = 0; i < SW_SQL_COUNT; i++)
        (void)sqlite3_finalize(db->statements[i]);
    if (sqlite3_close(db->handle) != SQLITE_OK) /* a statement of ours is left open */
        abort();
    free(db->path);
    *db = (struct sw_db){0};
}

enum sw_code sw_db_exec(struct sw_db *db, const char *sql, struct sw_err *err)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? SW_OK : sw_db_fail(db, rc, sql, err);
}

enum sw_code sw_db_get(struct sw_db *db, const char *sql, uint64_t *ret, struct sw_err *err)
{
    sqlite3_stmt *statement = NULL;
    enum sw_code code = SW_OK;
    int rc;

    rc = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        *ret = rc == SQLITE_ROW ? sw_column_u64(statement, 0) : 0;
    else
        code = sw_db_fail(db, rc, sql, err);
    (void)sqlite3_finalize(statement);
    return code;
}

enum sw_code sw_db_prepare(struct sw_db *db, enum sw_sql sql, sqlite3_stmt **ret,
                           struct sw_err *err)
{
    int rc;

    if (db->statements[sql] == NULL) {
        rc = sqlite3_prepare_v3(db->handle, sql_texts[sql], -1, SQLITE_PREPARE_PERSISTENT,
                                &db->statements[sql], NULL);
        if (rc != SQLITE_OK)
            return sw_db_fail(db, rc, sql_texts[sql], err);
    }
    *ret = db->statements[sql];
    return SW_OK;
}

enum sw_code sw_db_step(struct sw_db *db, sqlite3_stmt *statement, bool *ret_row,
                        struct sw_err *err)
{
    enum sw_code code = SW_OK;
    int rc = sqlite3_step(statement);

    if (rc == SQLITE_ROW) {
        *ret_row = true;
        return SW_OK;
    }
    if (rc != SQLITE_DONE)
        code = sw_db_fail(db, rc, sqlite3_sql(statement), err);
    (void)sqlite3_reset(statement);
    *ret_row = false;
    return code;
}

enum sw_code sw_db_run(struct sw_db *db, sqlite3_stmt *statement, struct sw_err *err)
{
    enum sw_code code;
    bool row;

    do {
        code = sw_db_step(db, statement, &row, err);
    } while (code == SW_OK && row);
    return code;
}

enum sw_code sw_db_run_with(struct sw_db *db, enum sw_sql sql, const uint64_t *values,
                            int values_count, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(db, sql, &statement, err);

    if (code != SW_OK)
        return code;
    for (int i = 0; i < values_count; i++)
        sw_bind_u64(statement, i + 1, values[i]);
    return sw_db_run(db, statement, err);
}

/* Binding fails only for an index that does not exist or a statement in use. */
static void must_bind(int rc)
{
    if (rc != SQLITE_OK)
        abort();
}

void sw_bind_u64(sqlite3_stmt *statement, int index, uint64_t value)
{
    must_bind(sqlite3_bind_int64(statement, index, (sqlite3_int64)value));
}

void sw_bind_blob(sqlite3_stmt *statement, int index, struct sw_span bytes)
{
    must_bind(sqlite3_bind_blob64(statement, index,
                                  bytes.size > 0 ? bytes.data : (const uint8_t *)"", bytes.size,
                                  SQLITE_STATIC));
}

void sw_bind_text(sqlite3_stmt *statement, int index, struct sw_span text)
{
    must_bind(sqlite3_bind_text64(statement, index, text.size > 0 ? (const char *)text.data : "",
                                  text.size, SQLITE_STATIC, SQLITE_UTF8));
}

uint64_t sw_column_u64(sqlite3_stmt *statement, int index)
{
    return (uint64_t)sqlite3_column_int64(statement, index);
}

struct sw_span sw_column_span(sqlite3_stmt *statement, int index)
{
    const void *data = sqlite3_column_blob(statement, index);

    return sw_span_of(data, (size_t)sqlite3_column_bytes(statement, index));
}
