/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/rows_codec.h"

#include <assert.h>

enum { CHUNKED = 1, STUB = 2, TYPE_FACTOR = 4 };

void sw_rows_add(struct sw_bytes *bytes, const struct sw_log_row *row, uint64_t before_lsn)
{
    assert(row->stub ? row->lsn > before_lsn : row->lsn == before_lsn + 1);
    sw_bytes_add_varint(bytes, row->type * TYPE_FACTOR + (row->stub ? STUB : 0) +
                                   (row->chunked ? CHUNKED : 0));
    sw_bytes_add_varint(bytes, row->run);
    if (row->stub) {
        sw_bytes_add_varint(bytes, row->lsn - before_lsn);
        sw_bytes_add(bytes, row->chain.bytes, SW_DIGEST_SIZE);
    } else {
        sw_bytes_add_varint(bytes, row->fields.size);
        sw_bytes_add(bytes, row->fields.data, row->fields.size);
    }
}

static bool read_stub(struct sw_rows_in *rows, struct sw_log_row *row)
{
    uint64_t distance = sw_bytes_in_varint(&rows->in);
    struct sw_span chain = sw_bytes_in_take(&rows->in, SW_DIGEST_SIZE);

    if (rows->in.bad || distance == 0 || distance > INT64_MAX - rows->lsn || row->chunked)
        return false;
    row->lsn = rows->lsn + distance;
    memcpy(row->chain.bytes, chain.data, SW_DIGEST_SIZE);
    return true;
}

static bool read_whole(struct sw_rows_in *rows, struct sw_log_row *row)
{
    uint64_t size = sw_bytes_in_varint(&rows->in);

    row->fields = sw_bytes_in_take(&rows->in, size);
    row->lsn = rows->lsn + 1;
    if (rows->in.bad)
        return false;
    sw_log_row_chain(row, &rows->chain, &row->chain);
    return true;
}

enum sw_code sw_rows_in_next(struct sw_rows_in *rows, struct sw_log_row *ret_row,
                             struct sw_err *err)
{
    uint64_t head = sw_bytes_in_varint(&rows->in);
    bool room = rows->lsn < INT64_MAX; /* for a row behind it */
    struct sw_log_row row = {.type = head / TYPE_FACTOR,
                             .stub = (head & STUB) != 0,
                             .chunked = (head & CHUNKED) != 0,
                             .run = sw_bytes_in_varint(&rows->in)};

    if (!room || (row.stub ? !read_stub(rows, &row) : !read_whole(rows, &row)))
        return sw_fail(err, SW_CORRUPT, "what follows record %llu is no record",
                       (unsigned long long)rows->lsn);
    rows->lsn = row.lsn;
    rows->chain = row.chain;
    *ret_row = row;
    return SW_OK;
}
