/* SPDX-License-Identifier: Apache-2.0
 *
 * db - one SQLite connection: its statements, prepared once, and its errors.
 *
 * Owns:    the connection and its statements.
 * Threads: one at a time.
 * Fails:   SQLITE_FULL is JOURNAL_FULL; CORRUPT, NOTADB, a short read and SQL that
 *          does not fit the file are CORRUPT; BUSY is JOURNAL_LOCKED; the rest is
 *          STORAGE_FAILED.
 */
#ifndef SW_JOURNAL_DB_H
#define SW_JOURNAL_DB_H

#include <sqlite3.h>

#include "storage/base/status.h"
#include "storage/record.h"

enum sw_sql {
#define SW_SQL(name, text) SW_SQL_##name,
#include "storage/journal/sql.def"
#undef SW_SQL
    SW_SQL_COUNT
};

struct sw_db {
    sqlite3 *handle;
    char *path;
    sqlite3_stmt *statements[SW_SQL_COUNT];
};

/* flags as for sqlite3_open_v2. */
SW_MUST_CHECK enum sw_code sw_db_open(struct sw_db *db, const char *path, int flags,
                                      const char *vfs, struct sw_err *err);
void sw_db_close(struct sw_db *db);

/* What an SQLite result means, with a sentence that names the file. rc is no success. */
SW_MUST_CHECK enum sw_code sw_db_fail(struct sw_db *db, int rc, const char *doing,
                                      struct sw_err *err);

/* Runs SQL that gives no rows, or rows of no interest. */
SW_MUST_CHECK enum sw_code sw_db_exec(struct sw_db *db, const char *sql, struct sw_err *err);
/* The first column of the first row; 0 when there is none. */
SW_MUST_CHECK enum sw_code sw_db_get(struct sw_db *db, const char *sql, uint64_t *ret,
                                     struct sw_err *err);

/* The statement, ready for binding. */
SW_MUST_CHECK enum sw_code sw_db_prepare(struct sw_db *db, enum sw_sql sql, sqlite3_stmt **ret,
                                         struct sw_err *err);
/* *ret_row: there is a row; else the statement is done and reset. */
SW_MUST_CHECK enum sw_code sw_db_step(struct sw_db *db, sqlite3_stmt *statement, bool *ret_row,
                                      struct sw_err *err);
/* Steps to the end and resets. */
SW_MUST_CHECK enum sw_code sw_db_run(struct sw_db *db, sqlite3_stmt *statement, struct sw_err *err);
/* Prepares, binds unsigned integers to ?1 and on, and runs. */
SW_MUST_CHECK enum sw_code sw_db_run_with(struct sw_db *db, enum sw_sql sql, const uint64_t *values,
                                          int values_count, struct sw_err *err);

/* Spans must outlive the statement's reset. */
void sw_bind_u64(sqlite3_stmt *statement, int index, uint64_t value);
void sw_bind_blob(sqlite3_stmt *statement, int index, struct sw_span bytes);
void sw_bind_text(sqlite3_stmt *statement, int index, struct sw_span text);

/* Column values live until the statement is stepped or reset. */
uint64_t sw_column_u64(sqlite3_stmt *statement, int index);
struct sw_span sw_column_span(sqlite3_stmt *statement, int index);

#endif
