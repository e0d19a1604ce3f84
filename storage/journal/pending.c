/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/pending.h"

#include <assert.h>
#include <stdlib.h>

enum { CAPACITY_FIRST = 64 };

void sw_pending_fini(struct sw_pending *pending)
{
    free(pending->rows);
    sw_arena_fini(&pending->bytes);
    *pending = (struct sw_pending){0};
}

uint8_t *sw_pending_room(struct sw_pending *pending, size_t fields_size)
{
    return sw_arena_alloc(&pending->bytes, fields_size + SW_CODEC_SPARE);
}

enum sw_code sw_pending_add(struct sw_pending *pending, const struct sw_row *row,
                            struct sw_err *err)
{
    if (pending->count == pending->capacity) {
        size_t capacity = pending->capacity == 0 ? CAPACITY_FIRST : 2 * pending->capacity;
        struct sw_row *rows = realloc(pending->rows, capacity * sizeof(*rows));

        if (rows == NULL)
            return sw_fail(err, SW_NO_MEMORY, "%zu rows to commit", capacity);
        pending->rows = rows;
        pending->capacity = capacity;
    }
    assert(pending->count == 0 || pending->rows[pending->count - 1].lsn < row->lsn);
    pending->rows[pending->count++] = *row;
    return SW_OK;
}

void sw_pending_drop_after(struct sw_pending *pending, uint64_t lsn)
{
    while (pending->count > 0 && pending->rows[pending->count - 1].lsn > lsn)
        pending->count--;
}

void sw_pending_clear(struct sw_pending *pending)
{
    pending->count = 0;
    sw_arena_reset(&pending->bytes);
}

/* ---- the virtual table (https://sqlite.org/vtab.html) -------------------------- */

enum { COLUMN_LSN, COLUMN_TYPE, COLUMN_RUN, COLUMN_CHUNKED, COLUMN_BODY, COLUMN_CHAIN };

struct table {
    sqlite3_vtab base;
    const struct sw_pending *pending;
};

struct cursor {
    sqlite3_vtab_cursor base;
    size_t at;
};

static int connect(sqlite3 *handle, void *self, int words_count, const char *const *words,
                   sqlite3_vtab **ret_table, char **ret_error)
{
    struct table *table;
    int rc;

    (void)words_count;
    (void)words;
    (void)ret_error;
    rc = sqlite3_declare_vtab(handle, "CREATE TABLE x(lsn, type, run, chunked, body, chain)");
    if (rc != SQLITE_OK)
        return rc;
    table = sqlite3_malloc(sizeof(*table));
    if (table == NULL)
        return SQLITE_NOMEM;
    *table = (struct table){.pending = self};
    *ret_table = &table->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

static int plan(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    (void)info; /* it is always read from the first row to the last */
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
    struct cursor *cursor = sqlite3_malloc(sizeof(*cursor));

    (void)table;
    if (cursor == NULL)
        return SQLITE_NOMEM;
    *cursor = (struct cursor){0};
    *ret_cursor = &cursor->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

/* The base is the first member of either struct. */
static struct cursor *cursor_of(sqlite3_vtab_cursor *base)
{
    return (struct cursor *)(void *)base;
}

static const struct sw_pending *pending_of(const sqlite3_vtab_cursor *base)
{
    return ((const struct table *)(const void *)base->pVtab)->pending;
}

static int rewind_cursor(sqlite3_vtab_cursor *base, int plan_number, const char *plan_name,
                         int values_count, sqlite3_value **values)
{
    (void)plan_number;
    (void)plan_name;
    (void)values_count;
    (void)values;
    cursor_of(base)->at = 0;
    return SQLITE_OK;
}

static int next_row(sqlite3_vtab_cursor *base)
{
    cursor_of(base)->at++;
    return SQLITE_OK;
}

static int is_at_end(sqlite3_vtab_cursor *base)
{
    return cursor_of(base)->at >= pending_of(base)->count;
}

static int get_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct sw_row *row = &pending_of(base)->rows[cursor_of(base)->at];

    switch (column) {
    case COLUMN_LSN:
        sqlite3_result_int64(context, (sqlite3_int64)row->lsn);
        break;
    case COLUMN_TYPE:
        sqlite3_result_int64(context, (sqlite3_int64)row->type);
        break;
    case COLUMN_RUN:
        sqlite3_result_int64(context, (sqlite3_int64)row->run);
        break;
    case COLUMN_CHUNKED:
        sqlite3_result_int(context, row->chunked);
        break;
    case COLUMN_BODY:
        if (!row->stub) /* else NULL, which a column is by itself */
            sqlite3_result_blob64(context, row->fields.data, row->fields.size + SW_CODEC_SPARE,
                                  SQLITE_STATIC);
        break;
    case COLUMN_CHAIN:
        sqlite3_result_blob(context, row->chain.bytes, SW_DIGEST_SIZE, SQLITE_STATIC);
        break;
    default:
        abort();
    }
    return SQLITE_OK;
}

static int get_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64)cursor_of(base)->at;
    return SQLITE_OK;
}

enum sw_code sw_pending_register(struct sw_pending *pending, struct sw_db *db, struct sw_err *err)
{
    static const sqlite3_module module = {
        .xConnect = connect, /* and no xCreate: the table is there by itself */
        .xDisconnect = disconnect,
        .xBestIndex = plan,
        .xOpen = open_cursor,
        .xClose = close_cursor,
        .xFilter = rewind_cursor,
        .xNext = next_row,
        .xEof = is_at_end,
        .xColumn = get_column,
        .xRowid = get_rowid,
    };
    int rc = sqlite3_create_module(db->handle, "pending", &module, pending);

    return rc == SQLITE_OK ? SW_OK : sw_db_fail(db, rc, "the table of pending rows", err);
}
