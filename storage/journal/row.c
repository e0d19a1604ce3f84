/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/row.h"

enum { HEAD_SIZE = 24, CHECKSUM_SIZE = SW_CODEC_SPARE };

static void put_u64(uint8_t *bytes, uint64_t value)
{
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_u64(const uint8_t *bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < 8; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static void put_head(const struct sw_row *row, uint8_t head[HEAD_SIZE])
{
    put_u64(head, row->lsn);
    put_u64(head + 8, row->type);
    put_u64(head + 16, row->run);
}

void sw_row_chain(const struct sw_row *row, const struct sw_digest *before,
                  struct sw_digest *ret_chain)
{
    uint8_t head[SW_DIGEST_SIZE + HEAD_SIZE];
    struct sw_span parts[2];

    memcpy(head, before->bytes, SW_DIGEST_SIZE);
    put_head(row, head + SW_DIGEST_SIZE);
    parts[0] = sw_span_of(head, sizeof(head));
    parts[1] = row->fields;
    sw_sha256(parts, 2, ret_chain);
}

uint64_t sw_row_checksum(const struct sw_row *row)
{
    uint8_t head[HEAD_SIZE + SW_DIGEST_SIZE];

    put_head(row, head);
    memcpy(head + HEAD_SIZE, row->chain.bytes, SW_DIGEST_SIZE);
    return sw_hash64(row->fields, sw_hash64(sw_span_of(head, sizeof(head)), 0));
}

void sw_row_put_checksum(uint64_t checksum, uint8_t ret_bytes[SW_CODEC_SPARE])
{
    put_u64(ret_bytes, checksum);
}

static enum sw_code corrupt(uint64_t lsn, const char *what, struct sw_err *err)
{
    return sw_fail(err, SW_CORRUPT, "record %llu: %s", (unsigned long long)lsn, what);
}

enum sw_code sw_row_read(sqlite3_stmt *statement, struct sw_row *ret_row, struct sw_err *err)
{
    struct sw_row row = {
        .lsn = sw_column_u64(statement, 0),
        .type = sw_column_u64(statement, 1),
        .run = sw_column_u64(statement, 2),
        .chunked = sw_column_u64(statement, 3) != 0,
        .stub = sqlite3_column_type(statement, 4) == SQLITE_NULL,
    };
    struct sw_span chain = sw_column_span(statement, 5);
    struct sw_span body = sw_column_span(statement, 4);

    if (chain.size != SW_DIGEST_SIZE)
        return corrupt(row.lsn, "its chain digest has the wrong size", err);
    memcpy(row.chain.bytes, chain.data, SW_DIGEST_SIZE);
    if (row.type == 0 || row.type >= SW_RECORD_TYPE_END)
        return corrupt(row.lsn, "its type is unknown", err);
    if (!row.stub) {
        if (body.size < CHECKSUM_SIZE)
            return corrupt(row.lsn, "its body is too short", err);
        row.fields = sw_span_of(body.data, body.size - CHECKSUM_SIZE);
        row.checksum = get_u64(body.data + row.fields.size);
        if (row.checksum != sw_row_checksum(&row))
            return corrupt(row.lsn, "its checksum is wrong", err);
    }
    *ret_row = row;
    return SW_OK;
}

enum sw_code sw_row_decode(const struct sw_row *row, struct sw_arena *arena,
                           struct sw_record *ret_record, struct sw_layout *ret_layout,
                           struct sw_err *err)
{
    struct sw_record record = {
        .lsn = row->lsn,
        .run = row->run,
        .type = (enum sw_record_type)row->type,
        .purged = row->stub,
    };
    struct sw_layout layout = {0};
    enum sw_code code;

    if (!row->stub) {
        code = sw_codec_decode(row->fields, arena, &record, &layout, err);
        if (code != SW_OK)
            return code;
        if (row->chunked != (layout.extents_count > 0))
            return corrupt(row->lsn, "where its payload lies is marked wrongly", err);
    }
    record.chain = row->chain;
    *ret_record = record;
    *ret_layout = layout;
    return SW_OK;
}

enum sw_code sw_row_find(struct sw_db *db, uint64_t lsn, sqlite3_stmt **ret_statement,
                         struct sw_row *ret_row, bool *ret_found, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code;
    bool found = false;

    code = sw_db_prepare(db, SW_SQL_LOG_FIND, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, lsn);
    code = sw_db_step(db, statement, &found, err);
    if (code == SW_OK && found) {
        code = sw_row_read(statement, ret_row, err);
        if (code != SW_OK)
            (void)sqlite3_reset(statement);
    }
    if (code != SW_OK)
        return code;
    *ret_statement = statement;
    *ret_found = found;
    return SW_OK;
}
