/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/schema.h"

#include <stdio.h>

static const char *const migrations[SW_SCHEMA_VERSION] = {
    [0] = "CREATE TABLE log(lsn INTEGER PRIMARY KEY, type INTEGER NOT NULL, run INTEGER NOT NULL,"
          " chunked INTEGER NOT NULL, body BLOB, chain BLOB NOT NULL);"
          "CREATE TABLE run(no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL,"
          " state INTEGER NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
          " end_lsn INTEGER NOT NULL, steps INTEGER NOT NULL, purged INTEGER NOT NULL);"
          "CREATE INDEX run_ended ON run(ended_ms) WHERE ended_ms > 0;"
          "CREATE TABLE run_log(run INTEGER, first INTEGER, last INTEGER NOT NULL, lsns TEXT NOT "
          "NULL,"
          " PRIMARY KEY(run, first)) WITHOUT ROWID;"
          "CREATE TABLE chunk(digest BLOB PRIMARY KEY, lsn INTEGER NOT NULL,"
          " offset INTEGER NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID;"
          "CREATE TABLE chunk_use(run INTEGER, lsn INTEGER, PRIMARY KEY(run, lsn)) WITHOUT ROWID;"
          "CREATE INDEX chunk_use_lsn ON chunk_use(lsn);"
          "CREATE TABLE meta(key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;",
};

enum sw_code sw_schema_version(struct sw_db *db, uint64_t *ret_version, struct sw_err *err)
{
    uint64_t application_id = 0;
    uint64_t version = 0;
    uint64_t tables = 0;
    enum sw_code code;

    code = sw_db_get(db, "PRAGMA application_id", &application_id, err);
    if (code == SW_OK)
        code = sw_db_get(db, "PRAGMA user_version", &version, err);
    if (code == SW_OK)
        code = sw_db_get(db, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (code != SW_OK)
        return code;
    if (application_id == 0 && version == 0 && tables == 0) {
        *ret_version = 0;
        return SW_OK;
    }
    if (application_id != SW_SCHEMA_APPLICATION_ID || version == 0 || version > INT32_MAX)
        return sw_fail(err, SW_CORRUPT, "%s: is no Stepwell journal", db->path);
    if (version > SW_SCHEMA_VERSION)
        return sw_fail(err, SW_JOURNAL_TOO_NEW,
                       "%s: has schema version %llu, this program knows %d", db->path,
                       (unsigned long long)version, SW_SCHEMA_VERSION);
    *ret_version = version;
    return SW_OK;
}

enum sw_code sw_schema_migrate(struct sw_db *db, uint64_t version, struct sw_err *err)
{
    char pragmas[96];
    enum sw_code code = SW_OK;

    for (; code == SW_OK && version < SW_SCHEMA_VERSION; version++)
        code = sw_db_exec(db, migrations[version], err);
    if (code != SW_OK)
        return code;
    (void)snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id=%d; PRAGMA user_version=%d",
                   SW_SCHEMA_APPLICATION_ID, SW_SCHEMA_VERSION);
    return sw_db_exec(db, pragmas, err);
}

static uint64_t meta_check(const struct sw_meta *meta)
{
    const uint64_t values[] = {meta->created_ms, meta->epoch, meta->indexed_lsn, meta->kept_lsn};
    size_t count = meta->kept_lsn == 0 ? 3 : 4;
    uint8_t bytes[sizeof(meta->uuid) + sizeof(values) + sizeof(meta->name)];
    size_t size = sizeof(meta->uuid);

    memcpy(bytes, meta->uuid, size);
    for (size_t i = 0; i < count * 8; i++)
        bytes[size++] = (uint8_t)(values[i / 8] >> (8 * (i % 8)));
    memcpy(bytes + size, meta->name, strlen(meta->name));
    return sw_hash64(sw_span_of(bytes, size + strlen(meta->name)), 0);
}

static bool take(struct sw_meta *meta, struct sw_span key, struct sw_span value, uint64_t number,
                 uint64_t *check)
{
    if (sw_span_equal(key, sw_span_of_text("check"))) {
        *check = number;
    } else if (sw_span_equal(key, sw_span_of_text("created_ms"))) {
        meta->created_ms = number;
    } else if (sw_span_equal(key, sw_span_of_text("epoch"))) {
        meta->epoch = number;
    } else if (sw_span_equal(key, sw_span_of_text("indexed_lsn"))) {
        meta->indexed_lsn = number;
    } else if (sw_span_equal(key, sw_span_of_text("kept_lsn"))) {
        meta->kept_lsn = number;
    } else if (sw_span_equal(key, sw_span_of_text("name"))) {
        if (value.size == 0 || value.size > SW_JOURNAL_NAME_MAX)
            return false;
        memcpy(meta->name, value.data, value.size);
        meta->name[value.size] = '\0';
    } else if (sw_span_equal(key, sw_span_of_text("uuid"))) {
        if (value.size != sizeof(meta->uuid))
            return false;
        memcpy(meta->uuid, value.data, value.size);
    } else {
        return false;
    }
    return true;
}

enum sw_code sw_meta_read(struct sw_db *db, struct sw_meta *ret_meta, struct sw_err *err)
{
    struct sw_meta meta = {0};
    sqlite3_stmt *statement;
    uint64_t check = 0;
    enum sw_code code;
    bool good = true;
    bool row;

    code = sw_db_prepare(db, SW_SQL_META_READ, &statement, err);
    if (code != SW_OK)
        return code;
    for (;;) {
        uint64_t number;

        code = sw_db_step(db, statement, &row, err);
        if (code != SW_OK)
            return code;
        if (!row)
            break;
        number = sw_column_u64(statement, 1); /* before the value is asked for as bytes */
        if (!take(&meta, sw_column_span(statement, 0), sw_column_span(statement, 1), number,
                  &check))
            good = false;
    }
    if (!good || check != meta_check(&meta))
        return sw_fail(err, SW_CORRUPT, "%s: the table meta fails its checksum", db->path);
    *ret_meta = meta;
    return SW_OK;
}

enum sw_code sw_meta_write(struct sw_db *db, const struct sw_meta *meta, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code;

    code = sw_db_prepare(db, SW_SQL_META_WRITE, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, meta->created_ms);
    sw_bind_u64(statement, 2, meta->epoch);
    sw_bind_u64(statement, 3, meta->indexed_lsn);
    sw_bind_text(statement, 4, sw_span_of_text(meta->name));
    sw_bind_blob(statement, 5, sw_span_of(meta->uuid, sizeof(meta->uuid)));
    sw_bind_u64(statement, 6, meta_check(meta));
    sw_bind_u64(statement, 7, meta->kept_lsn);
    return sw_db_run(db, statement, err);
}
