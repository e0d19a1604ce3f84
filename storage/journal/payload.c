/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/payload.h"

#include "storage/journal/cut.h"
#include "storage/journal/row.h"

enum { EXTENTS_FIRST = 16 };

/* A payload on its way in. */
struct store {
    struct sw_journal *journal;
    uint64_t at_ms;
    struct sw_extent *extents;
    uint32_t extents_count;
    uint32_t extents_capacity;
    uint8_t *bytes; /* of the CHUNK record that comes next, SW_CHUNK_BYTES_MAX */
    uint32_t bytes_size;
    uint32_t sizes[SW_CHUNK_BYTES_MAX / SW_CUT_MIN + 1]; /* of its chunks */
    uint32_t sizes_count;
};

static enum sw_code append_chunk_record(struct store *store, struct sw_err *err)
{
    struct sw_record record = {
        .type = SW_RECORD_CHUNK,
        .at_ms = store->at_ms,
        .u.chunk.bytes = sw_span_of(store->bytes, store->bytes_size),
    };
    struct sw_layout layout = {
        .chunk_sizes = store->sizes,
        .chunk_sizes_count = store->sizes_count,
    };

    if (store->bytes_size == 0)
        return SW_OK;
    store->bytes_size = 0;
    store->sizes_count = 0;
    return sw_append_row(store->journal, &record, &layout, err);
}

static enum sw_code find_chunk(struct sw_journal *journal, const struct sw_digest *digest,
                               struct sw_extent *ret_place, bool *ret_found, struct sw_err *err)
{
    const struct sw_extent *recent = sw_recent_find(&journal->recent, digest);
    sqlite3_stmt *statement;
    enum sw_code code;

    *ret_found = recent != NULL;
    if (recent != NULL) {
        *ret_place = *recent;
        return SW_OK;
    }
    code = sw_db_prepare(&journal->db, SW_SQL_CHUNK_FIND, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_blob(statement, 1, sw_span_of(digest->bytes, SW_DIGEST_SIZE));
    code = sw_db_step(&journal->db, statement, ret_found, err);
    if (code != SW_OK || !*ret_found)
        return code;
    *ret_place = (struct sw_extent){
        .lsn = sw_column_u64(statement, 0),
        .offset = (uint32_t)sw_column_u64(statement, 1),
        .size = (uint32_t)sw_column_u64(statement, 2),
    };
    (void)sqlite3_reset(statement);
    return SW_OK;
}

/* Takes a new chunk into the CHUNK record that comes next. */
static enum sw_code add_chunk(struct store *store, struct sw_span chunk,
                              const struct sw_digest *digest, struct sw_extent *ret_place,
                              struct sw_err *err)
{
    enum sw_code code;

    if (store->bytes == NULL) {
        store->bytes = sw_arena_alloc(&store->journal->scratch, SW_CHUNK_BYTES_MAX);
        if (store->bytes == NULL)
            return sw_fail(err, SW_NO_MEMORY, "a CHUNK record");
    }
    if (chunk.size > SW_CHUNK_BYTES_MAX - store->bytes_size) {
        code = append_chunk_record(store, err);
        if (code != SW_OK)
            return code;
    }
    *ret_place = (struct sw_extent){
        .lsn = store->journal->state.lsn + 1,
        .offset = store->bytes_size,
        .size = (uint32_t)chunk.size,
    };
    if (!sw_recent_add(&store->journal->recent, digest, *ret_place))
        return sw_fail(err, SW_NO_MEMORY, "the list of recent chunks");
    memcpy(store->bytes + store->bytes_size, chunk.data, chunk.size);
    store->bytes_size += (uint32_t)chunk.size;
    store->sizes[store->sizes_count++] = (uint32_t)chunk.size;
    return SW_OK;
}

static enum sw_code add_extent(struct store *store, struct sw_extent place, struct sw_err *err)
{
    struct sw_extent *extents;

    if (store->extents_count > 0) {
        struct sw_extent *last = &store->extents[store->extents_count - 1];

        if (last->lsn == place.lsn && last->offset + last->size == place.offset) {
            last->size += place.size;
            return SW_OK;
        }
    }
    if (store->extents_count == store->extents_capacity) {
        store->extents_capacity =
            store->extents_capacity == 0 ? EXTENTS_FIRST : 2 * store->extents_capacity;
        extents =
            sw_arena_alloc(&store->journal->scratch, store->extents_capacity * sizeof(*extents));
        if (extents == NULL)
            return sw_fail(err, SW_NO_MEMORY, "a list of extents");
        if (store->extents_count > 0)
            memcpy(extents, store->extents, store->extents_count * sizeof(*extents));
        store->extents = extents;
    }
    store->extents[store->extents_count++] = place;
    return SW_OK;
}

static enum sw_code store_chunks(struct store *store, struct sw_span rest, struct sw_err *err)
{
    enum sw_code code = SW_OK;

    while (code == SW_OK && rest.size > 0) {
        struct sw_span chunk = sw_span_of(rest.data, sw_cut(rest));
        struct sw_extent place;
        struct sw_digest digest;
        bool found;

        sw_sha256(&chunk, 1, &digest);
        code = find_chunk(store->journal, &digest, &place, &found, err);
        if (code == SW_OK && !found)
            code = add_chunk(store, chunk, &digest, &place, err);
        else if (code == SW_OK && place.size != chunk.size)
            code = sw_fail(err, SW_CORRUPT, "record %llu: a chunk of it has the wrong size",
                           (unsigned long long)place.lsn);
        if (code == SW_OK)
            code = add_extent(store, place, err);
        rest = sw_span_of(rest.data + chunk.size, rest.size - chunk.size);
    }
    return code == SW_OK ? append_chunk_record(store, err) : code;
}

enum sw_code sw_payload_store(struct sw_journal *journal, struct sw_payload *payload,
                              uint64_t at_ms, struct sw_layout *ret_layout, struct sw_err *err)
{
    struct store store = {.journal = journal, .at_ms = at_ms};
    enum sw_code code;

    if (payload->data.size > SW_PAYLOAD_BYTES_MAX)
        return sw_fail(err, SW_MESSAGE_TOO_LARGE, "a payload of %zu bytes", payload->data.size);
    payload->size = payload->data.size;
    if (!payload->digest_known)
        sw_sha256(&payload->data, 1, &payload->digest);
    if (payload->size <= SW_PAYLOAD_INLINE_MAX)
        return SW_OK;
    code = sw_tx_begin(journal, err); /* for one look-up a chunk */
    if (code == SW_OK)
        code = store_chunks(&store, payload->data, err);
    if (code != SW_OK)
        return code;
    ret_layout->extents = store.extents;
    ret_layout->extents_count = store.extents_count;
    return SW_OK;
}

static enum sw_code copy_extent(const struct sw_row *row, const struct sw_extent *extent,
                                struct sw_arena *scratch, uint8_t *ret_bytes, struct sw_err *err)
{
    struct sw_layout layout;
    struct sw_record record;
    enum sw_code code;

    sw_arena_reset(scratch);
    code = sw_row_decode(row, scratch, &record, &layout, err);
    if (code != SW_OK)
        return code;
    if (record.type != SW_RECORD_CHUNK || record.purged ||
        extent->offset > record.u.chunk.bytes.size ||
        extent->size > record.u.chunk.bytes.size - extent->offset)
        return sw_fail(err, SW_CORRUPT, "record %llu: it lacks bytes of a payload",
                       (unsigned long long)row->lsn);
    memcpy(ret_bytes, record.u.chunk.bytes.data + extent->offset, extent->size);
    return SW_OK;
}

enum sw_code sw_payload_fetch(struct sw_db *db, const struct sw_layout *layout,
                              struct sw_arena *arena, struct sw_arena *scratch,
                              struct sw_payload *payload, struct sw_err *err)
{
    struct sw_digest digest;
    uint8_t *bytes;
    size_t size = 0;

    if (!payload->present || layout->extents_count == 0)
        return SW_OK;
    bytes = sw_arena_alloc(arena, payload->size);
    if (bytes == NULL)
        return sw_fail(err, SW_NO_MEMORY, "a payload of %llu bytes",
                       (unsigned long long)payload->size);
    for (uint32_t i = 0; i < layout->extents_count; i++) {
        const struct sw_extent *extent = &layout->extents[i];
        sqlite3_stmt *statement;
        enum sw_code code;
        struct sw_row row;
        bool found;

        code = sw_row_find(db, extent->lsn, &statement, &row, &found, err);
        if (code != SW_OK)
            return code;
        if (!found)
            return sw_fail(err, SW_CORRUPT, "record %llu: bytes of a payload are missing",
                           (unsigned long long)extent->lsn);
        code = copy_extent(&row, extent, scratch, bytes + size, err);
        (void)sqlite3_reset(statement);
        if (code != SW_OK)
            return code;
        size += extent->size;
    }
    payload->data = sw_span_of(bytes, size);
    sw_sha256(&payload->data, 1, &digest);
    if (memcmp(&digest, &payload->digest, sizeof(digest)) != 0)
        return sw_fail(err, SW_CORRUPT, "a payload fails its digest");
    return SW_OK;
}
