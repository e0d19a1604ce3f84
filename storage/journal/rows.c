/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/rows.h"

#include "storage/journal/chain.h"

static enum sw_code corrupt(uint64_t lsn, const char *what, struct sw_err *err)
{
    return sw_fail(err, SW_CORRUPT, "record %llu: %s", (unsigned long long)lsn, what);
}

/* ---- out ---------------------------------------------------------------------- */

enum { LOOKED_UP = 128 };

/* The rows of one call, in one read transaction. A stub is held back: it is needed only in front
 * of a row that is none, or at the end. */
struct giving {
    struct sw_journal_reader *reader;
    struct sw_log_row_visitor visitor;
    struct sw_log_row held; /* lsn 0: none */
    struct {
        uint64_t run;
        bool purged;
    } looked_up[LOOKED_UP]; /* by run % LOOKED_UP: the rows of runs that are busy alternate */
    bool stop;
};

/* Whether retention has begun to remove the run. */
static enum sw_code find_purged(struct giving *giving, uint64_t run, bool *ret_purged,
                                struct sw_err *err)
{
    struct sw_db *db = &giving->reader->db;
    size_t place = run % LOOKED_UP;
    sqlite3_stmt *statement;
    enum sw_code code;
    bool found = false;

    if (run > 0 && run != giving->looked_up[place].run) {
        code = sw_db_prepare(db, SW_SQL_RUN_IS_PURGED, &statement, err);
        if (code != SW_OK)
            return code;
        sw_bind_u64(statement, 1, run);
        code = sw_db_step(db, statement, &found, err);
        if (code != SW_OK)
            return code;
        giving->looked_up[place].run = run;
        giving->looked_up[place].purged = found && sw_column_u64(statement, 0) != 0;
        (void)sqlite3_reset(statement);
    }
    *ret_purged = run > 0 && giving->looked_up[place].purged;
    return SW_OK;
}

static enum sw_code give(struct giving *giving, const struct sw_log_row *row, struct sw_err *err)
{
    return giving->visitor.visit(giving->visitor.self, row, &giving->stop, err);
}

static enum sw_code give_held(struct giving *giving, struct sw_err *err)
{
    struct sw_log_row held = giving->held;

    giving->held = (struct sw_log_row){0};
    return held.lsn > 0 ? give(giving, &held, err) : SW_OK;
}

static enum sw_code take_row(struct giving *giving, const struct sw_row *row, struct sw_err *err)
{
    struct sw_log_row out = {
        .lsn = row->lsn, .type = row->type, .run = row->run, .chain = row->chain};
    bool purged;
    enum sw_code code = find_purged(giving, row->run, &purged, err);

    if (code != SW_OK)
        return code;
    if (row->stub || purged) {
        out.stub = true;
        giving->held = out;
        return SW_OK;
    }
    out.fields = row->fields;
    out.chunked = row->chunked;
    code = give_held(giving, err);
    return code == SW_OK && !giving->stop ? give(giving, &out, err) : code;
}

static enum sw_code give_rows(struct giving *giving, uint64_t first, uint64_t last,
                              struct sw_err *err)
{
    struct sw_db *db = &giving->reader->db;
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(db, SW_SQL_LOG_SCAN, &statement, err);

    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, first);
    sw_bind_u64(statement, 2, last);
    while (code == SW_OK && !giving->stop) {
        struct sw_row row;
        bool more;

        code = sw_db_step(db, statement, &more, err);
        if (code == SW_OK && !more)
            code = give_held(giving, err);
        if (code != SW_OK || !more)
            break;
        code = sw_row_read(statement, &row, err);
        if (code == SW_OK)
            code = take_row(giving, &row, err);
    }
    (void)sqlite3_reset(statement);
    return code;
}

enum sw_code sw_journal_reader_rows(struct sw_journal_reader *reader, uint64_t first_lsn,
                                    uint64_t last_lsn, struct sw_log_row_visitor visitor,
                                    struct sw_err *err)
{
    struct giving giving = {.reader = reader, .visitor = visitor};
    uint64_t first = first_lsn < INT64_MAX ? first_lsn : INT64_MAX;
    uint64_t last = last_lsn == 0 || last_lsn > INT64_MAX ? INT64_MAX : last_lsn;
    enum sw_code code = sw_db_run_with(&reader->db, SW_SQL_BEGIN_READ, NULL, 0, err);

    if (code != SW_OK)
        return code;
    code = give_rows(&giving, first, last, err);
    /* A read transaction that cannot be ended has still read what it read. */
    (void)(sw_db_run_with(&reader->db, SW_SQL_COMMIT, NULL, 0, NULL) == SW_OK);
    return code;
}

enum sw_code sw_journal_reader_size(struct sw_journal_reader *reader, uint64_t first_lsn,
                                    uint64_t last_lsn, uint64_t *ret_rows, uint64_t *ret_bytes,
                                    struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(&reader->db, SW_SQL_LOG_SIZE, &statement, err);
    bool found;

    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, first_lsn);
    sw_bind_u64(statement, 2, last_lsn);
    code = sw_db_step(&reader->db, statement, &found, err);
    if (code != SW_OK)
        return code;
    *ret_rows = sw_column_u64(statement, 0);
    *ret_bytes = sw_column_u64(statement, 1);
    (void)sqlite3_reset(statement);
    return SW_OK;
}

enum sw_code sw_journal_reader_chain(struct sw_journal_reader *reader, uint64_t lsn,
                                     struct sw_digest *ret_chain, bool *ret_found,
                                     struct sw_err *err)
{
    sqlite3_stmt *statement;
    struct sw_span chain;
    enum sw_code code;
    bool found = false;

    code = sw_db_prepare(&reader->db, SW_SQL_LOG_CHAIN, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, lsn < INT64_MAX ? lsn : INT64_MAX);
    code = sw_db_step(&reader->db, statement, &found, err);
    if (code != SW_OK)
        return code;
    *ret_found = found;
    if (!found)
        return SW_OK;
    chain = sw_column_span(statement, 0);
    if (chain.size == SW_DIGEST_SIZE)
        memcpy(ret_chain->bytes, chain.data, SW_DIGEST_SIZE);
    else
        code = corrupt(lsn, "its chain digest has the wrong size", err);
    (void)sqlite3_reset(statement);
    return code;
}

void sw_log_row_chain(const struct sw_log_row *row, const struct sw_digest *before,
                      struct sw_digest *ret_chain)
{
    struct sw_row same = {
        .lsn = row->lsn, .type = row->type, .run = row->run, .fields = row->fields};

    sw_row_chain(&same, before, ret_chain);
}

enum sw_code sw_log_row_time(const struct sw_log_row *row, uint64_t *ret_at_ms, struct sw_err *err)
{
    if (!row->stub)
        return sw_codec_time(row->fields, row->lsn, ret_at_ms, err);
    *ret_at_ms = 0;
    return SW_OK;
}

/* ---- in ----------------------------------------------------------------------- */

/* What can be said of a row without the journal. */
static enum sw_code check_form(const struct sw_log_row *row, struct sw_err *err)
{
    bool of_no_run = row->type == SW_RECORD_JOURNAL_CREATED || row->type == SW_RECORD_CHUNK;
    bool good;

    if (row->lsn == 0 || row->lsn > INT64_MAX)
        return corrupt(row->lsn, "no record has that number", err);
    if (row->type == 0 || row->type >= SW_RECORD_TYPE_END)
        return corrupt(row->lsn, "its type is unknown", err);
    if (of_no_run)
        good = row->run == 0;
    else if (row->type == SW_RECORD_RUN_STARTED)
        good = row->run == row->lsn;
    else
        good = row->run > 0 && row->run < row->lsn;
    if (!good)
        return corrupt(row->lsn, "it cannot be of that run", err);
    if ((row->type == SW_RECORD_JOURNAL_CREATED) != (row->lsn == 1) || (row->stub && row->lsn == 1))
        return corrupt(row->lsn, "a journal begins with JOURNAL_CREATED, and only there", err);
    if (row->stub && (row->fields.size > 0 || row->chunked))
        return corrupt(row->lsn, "a stub has no content", err);
    return SW_OK;
}

/* A record is of a run that is there, a stub of one that is not. */
static enum sw_code check_run(struct sw_journal *journal, const struct sw_log_row *row,
                              struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code;
    bool found = false;

    if (row->run == 0 || row->run == row->lsn)
        return SW_OK;
    code = sw_db_prepare(&journal->db, SW_SQL_RUN_IS_PURGED, &statement, err);
    if (code != SW_OK)
        return code;
    sw_bind_u64(statement, 1, row->run);
    code = sw_db_step(&journal->db, statement, &found, err);
    (void)sqlite3_reset(statement);
    if (code == SW_OK && found == row->stub)
        return corrupt(row->lsn, found ? "its body is missing" : "its run is not in the run index",
                       err);
    return code;
}

/* The journal's own first record: whose journal this is. */
static enum sw_code take_created(struct sw_journal *journal, const struct sw_record *record,
                                 struct sw_err *err)
{
    struct sw_meta meta = journal->meta;
    enum sw_code code;

    if (!sw_span_equal(record->u.journal_created.name, sw_span_of_text(meta.name)))
        return corrupt(record->lsn, "it is of a journal of another name", err);
    memcpy(meta.uuid, record->u.journal_created.uuid, sizeof(meta.uuid));
    meta.created_ms = record->at_ms;
    code = sw_meta_write(&journal->db, &meta, err);
    if (code != SW_OK)
        return code;
    journal->meta = meta;
    memcpy(journal->state.uuid, meta.uuid, sizeof(journal->state.uuid));
    return SW_OK;
}

static enum sw_code copy_fields(struct sw_journal *journal, struct sw_row *row, struct sw_err *err)
{
    uint8_t *bytes = sw_pending_room(&journal->pending, row->fields.size);

    if (bytes == NULL)
        return sw_fail(err, SW_NO_MEMORY, "record %llu", (unsigned long long)row->lsn);
    if (row->fields.size > 0)
        memcpy(bytes, row->fields.data, row->fields.size);
    row->fields.data = bytes;
    return SW_OK;
}

static enum sw_code insert(struct sw_journal *journal, const struct sw_row *row,
                           const struct sw_record *record, const struct sw_layout *layout,
                           struct sw_err *err)
{
    struct sw_row copy = *row;
    enum sw_code code = copy_fields(journal, &copy, err);

    if (code == SW_OK)
        code = sw_append_insert(journal, &copy, err);
    if (code == SW_OK && !row->stub)
        code = sw_append_run(journal, record, layout->steps, err);
    if (code == SW_OK && row->type == SW_RECORD_JOURNAL_CREATED)
        code = take_created(journal, record, err);
    if (code == SW_OK && row->type == SW_RECORD_CHUNK && !row->stub)
        code = sw_late_remember(journal, row, err); /* empties the arena */
    if (code == SW_RUN_CONFLICT || code == SW_RUN_ENDED)
        return corrupt(row->lsn, "the run index says otherwise", err);
    return code;
}

static enum sw_code import(struct sw_journal *journal, const struct sw_log_row *given,
                           struct sw_err *err)
{
    struct sw_chain chain = {.lsn = journal->state.lsn, .chain = journal->chain};
    struct sw_row row = {.lsn = given->lsn,
                         .type = given->type,
                         .run = given->run,
                         .fields = given->fields,
                         .chain = given->chain,
                         .chunked = given->chunked,
                         .stub = given->stub};
    struct sw_record record;
    struct sw_layout layout;
    enum sw_code code;

    sw_arena_reset(&journal->scratch);
    code = check_form(given, err);
    if (code == SW_OK)
        code = sw_chain_step(&chain, &row, err);
    if (code == SW_OK)
        code = sw_row_decode(&row, &journal->scratch, &record, &layout, err);
    if (code == SW_OK)
        code = check_run(journal, given, err);
    return code == SW_OK ? insert(journal, &row, &record, &layout, err) : code;
}

enum sw_code sw_journal_import(struct sw_journal *journal, const struct sw_log_row *row,
                               struct sw_err *err)
{
    struct sw_mark before;
    enum sw_code code = sw_tx_begin(journal, err);

    if (code != SW_OK)
        return code;
    before = sw_tx_here(journal);
    code = import(journal, row, err);
    if (code == SW_OK)
        return SW_OK;
    if (sw_tx_undo(journal, &before, NULL) != SW_OK)
        journal->failed = true;
    return sw_tx_failed(journal, code);
}

enum sw_code sw_journal_set_epoch(struct sw_journal *journal, uint64_t epoch, struct sw_err *err)
{
    struct sw_meta meta = journal->meta;
    enum sw_code code = sw_tx_begin(journal, err);

    meta.epoch = epoch;
    if (code == SW_OK)
        code = sw_meta_write(&journal->db, &meta, err);
    if (code == SW_OK)
        code = sw_journal_commit(journal, false, err);
    if (code == SW_OK)
        code = sw_tx_sync(journal, err);
    if (code != SW_OK) {
        sw_journal_rollback(journal);
        return sw_tx_failed(journal, code);
    }
    journal->meta = meta;
    journal->state.epoch = epoch;
    return SW_OK;
}
