/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions, and when bytes are on the disk.
 *
 * The connection runs with synchronous=NORMAL: a COMMIT writes its frames to the
 * WAL and does not sync. When the caller asked for durability, one xSync of the WAL
 * file follows, and only then is the commit acknowledged. That is what
 * synchronous=FULL does (frames, then one sync, then success), except that
 * whether to sync is decided at the commit and not before the transaction, and
 * that one sync serves all earlier commits as well. What must hold besides, NORMAL
 * keeps: a checkpoint syncs the WAL before it writes to the database, and the
 * database before the WAL is used from its start again, whose new header is synced
 * before any frame follows.
 *
 * A journal that is being filled by import is of no use before it is whole: its checkpoints
 * sync nothing (synchronous=OFF), and who keeps its files syncs them.
 *
 * A sync that fails is never tried again: the kernel may have dropped the pages
 * and reports success the next time.
 *
 * The WAL file is written ahead with zeros once: a commit then overwrites blocks
 * the file has, and the sync need not wait for the file system's own journal. To
 * SQLite zeros are frames of an older generation: it stops reading there.
 */
#include "storage/base/fault.h"
#include "storage/journal/journal.intern.h"

#include <assert.h>
#include <stdlib.h>

enum {
    ZEROS_BYTES = 64 * 1024, /* per write; more than 128 KiB some VFS refuse */
    COUNT_BYTES = 256 * 1024 /* of bodies, appended since the files were counted */
};

enum sw_code sw_tx_failed(struct sw_journal *journal, enum sw_code code)
{
    if (code == SW_STORAGE_FAILED)
        journal->failed = true;
    return code;
}

/* SQLite rolled back by itself, which it does after some errors, also of a statement that reads.
 * What is appended behind that would be committed without what came before it. */
static bool is_dropped(const struct sw_journal *journal)
{
    return journal->tx == SW_TX_OPEN && sqlite3_get_autocommit(journal->db.handle) != 0;
}

enum sw_code sw_tx_check(const struct sw_journal *journal, struct sw_err *err)
{
    if (journal->failed)
        return sw_fail(err, SW_STORAGE_FAILED, "%s: an earlier write failed", journal->db.path);
    if (journal->tx == SW_TX_LOST || is_dropped(journal))
        return sw_fail(err, SW_JOURNAL_FULL, "%s: the transaction was rolled back",
                       journal->db.path);
    return SW_OK;
}

struct sw_mark sw_tx_here(const struct sw_journal *journal)
{
    return (struct sw_mark){
        .lsn = journal->state.lsn, .chain = journal->chain, .row_bytes = journal->state.row_bytes};
}

static void go_back(struct sw_journal *journal, const struct sw_mark *mark)
{
    sw_pending_drop_after(&journal->pending, mark->lsn);
    sw_tail_drop_after(&journal->tail, mark->lsn);
    sw_recent_drop_after(&journal->recent, mark->lsn);
    journal->state.lsn = mark->lsn;
    journal->state.row_bytes = mark->row_bytes;
    journal->chain = mark->chain;
}

static bool is_clean(const struct sw_journal *journal)
{
    return journal->tx == SW_TX_NONE && journal->pending.count == 0;
}

enum sw_code sw_tx_start(struct sw_journal *journal, struct sw_err *err)
{
    if (is_clean(journal))
        journal->committed = sw_tx_here(journal);
    return sw_tx_check(journal, err);
}

enum sw_code sw_tx_begin(struct sw_journal *journal, struct sw_err *err)
{
    enum sw_code code = sw_tx_start(journal, err);

    if (code != SW_OK || journal->tx == SW_TX_OPEN)
        return code;
    code = sw_db_run_with(&journal->db, SW_SQL_BEGIN, NULL, 0, err);
    if (code != SW_OK)
        return sw_tx_failed(journal, code);
    journal->tx = SW_TX_OPEN;
    return SW_OK;
}

/* Without an open transaction the statement is one. */
static enum sw_code insert_pending(struct sw_journal *journal, struct sw_err *err)
{
    enum sw_code code;

    if (journal->pending.count == 0)
        return SW_OK;
    code = sw_db_run_with(&journal->db, SW_SQL_LOG_INSERT_PENDING, NULL, 0, err);
    if (code == SW_OK)
        sw_pending_clear(&journal->pending);
    return code;
}

enum sw_code sw_tx_flush(struct sw_journal *journal, struct sw_err *err)
{
    enum sw_code code = sw_tx_begin(journal, err);

    if (code == SW_OK)
        code = insert_pending(journal, err);
    return code == SW_OK ? SW_OK : sw_tx_failed(journal, code);
}

void sw_journal_rollback(struct sw_journal *journal)
{
    if (is_clean(journal))
        return;
    /* After some errors SQLite has rolled back already; then this one says so. */
    if (sqlite3_get_autocommit(journal->db.handle) == 0)
        (void)sqlite3_exec(journal->db.handle, "ROLLBACK", NULL, NULL, NULL);
    journal->tx = SW_TX_NONE;
    go_back(journal, &journal->committed);
    sw_pending_clear(&journal->pending);
    journal->marked = journal->committed;
}

enum sw_code sw_journal_mark(struct sw_journal *journal, struct sw_err *err)
{
    enum sw_code code = sw_tx_check(journal, err);

    if (code == SW_OK)
        journal->marked = sw_tx_here(journal);
    return code;
}

/* Cheaper than a savepoint per command: what a command adds is known by its lsn. */
static enum sw_code delete_after(struct sw_journal *journal, const struct sw_mark *mark,
                                 struct sw_err *err)
{
    static const enum sw_sql steps[] = {SW_SQL_RUN_UNDO_END, SW_SQL_RUN_UNDO, SW_SQL_LOG_UNDO};
    enum sw_code code = sw_tx_flush(journal, err); /* the run index is undone by the log */

    for (size_t i = 0; code == SW_OK && i < sizeof(steps) / sizeof(steps[0]); i++)
        code = sw_db_run_with(&journal->db, steps[i], &mark->lsn, 1, err);
    return code;
}

enum sw_code sw_tx_undo(struct sw_journal *journal, const struct sw_mark *mark, struct sw_err *err)
{
    enum sw_code code;

    if (is_dropped(journal)) {
        journal->tx = SW_TX_LOST;
        go_back(journal, &journal->committed);
        journal->marked = journal->committed;
    }
    if (journal->tx == SW_TX_LOST)
        return SW_OK;
    if (journal->tx == SW_TX_OPEN && journal->state.lsn > mark->lsn) {
        code = delete_after(journal, mark, err);
        if (code != SW_OK) { /* half a command is left: nothing may be committed any more */
            journal->failed = true;
            return code;
        }
    }
    go_back(journal, mark);
    return SW_OK;
}

enum sw_code sw_journal_undo(struct sw_journal *journal, struct sw_err *err)
{
    struct sw_mark mark = journal->marked;

    if (journal->failed)
        return sw_tx_check(journal, err);
    return sw_tx_undo(journal, &mark, err);
}

/* A disk that failed while the mode was being set can leave the connection without a WAL. */
static enum sw_code wal_file(struct sw_journal *journal, sqlite3_file **ret_file,
                             struct sw_err *err)
{
    sqlite3_file *file = NULL;
    int rc = sqlite3_file_control(journal->db.handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);

    if (rc != SQLITE_OK || file == NULL || file->pMethods == NULL)
        return sw_tx_failed(
            journal, sw_fail(err, SW_STORAGE_FAILED, "%s: there is no WAL", journal->db.path));
    *ret_file = file;
    return SW_OK;
}

enum sw_code sw_tx_sync(struct sw_journal *journal, struct sw_err *err)
{
#ifndef SW_BREAK_NORMAL_SYNC
    sqlite3_file *file = NULL;
    enum sw_code code = wal_file(journal, &file, err);
    int rc;

    if (code != SW_OK || file == NULL)
        return code;
    rc = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
    if (rc != SQLITE_OK)
        return sw_tx_failed(journal, sw_fail(err, SW_STORAGE_FAILED, "%s-wal: sync: %s",
                                             journal->db.path, sqlite3_errstr(rc)));
#else
    (void)err;
#endif
    journal->state.durable_lsn = journal->state.lsn;
    sw_acked_write(journal->acked_fd, journal->meta.uuid, journal->state.lsn);
    return SW_OK;
}

static enum sw_code get_pages(struct sw_db *db, enum sw_sql sql, uint64_t *ret, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code = sw_db_prepare(db, sql, &statement, err);
    bool row = false;

    if (code == SW_OK)
        code = sw_db_step(db, statement, &row, err);
    if (code != SW_OK)
        return code;
    *ret = row ? sw_column_u64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return SW_OK;
}

enum sw_code sw_tx_count_bytes(struct sw_journal *journal, struct sw_err *err)
{
    uint64_t pages = 0;
    uint64_t pages_free = 0;
    enum sw_code code = get_pages(&journal->db, SW_SQL_PAGES, &pages, err);

    if (code == SW_OK)
        code = get_pages(&journal->db, SW_SQL_PAGES_FREE, &pages_free, err);
    if (code != SW_OK)
        return code;
    journal->state.bytes = pages * SW_PAGE_SIZE + journal->wal_bytes;
    journal->free_bytes = pages_free * SW_PAGE_SIZE;
    journal->tx_bytes = 0;
    for (size_t i = 0; i < journal->pending.count; i++)
        journal->tx_bytes += journal->pending.rows[i].fields.size + SW_CODEC_SPARE;
    return SW_OK;
}

/* Counting takes two statements: near the limit for each commit, else now and then. */
static bool must_count(const struct sw_journal *journal)
{
    uint64_t used = journal->state.bytes - journal->free_bytes + journal->tx_bytes;

    return journal->tx_bytes >= COUNT_BYTES ||
           (journal->bytes_max > 0 &&
            used + 2 * COUNT_BYTES >= journal->bytes_max - journal->bytes_reserved);
}

static enum sw_code commit(struct sw_journal *journal, struct sw_err *err)
{
    enum sw_code code = sw_tx_check(journal, err);

    if (code == SW_OK && SW_FAULT("journal.before_commit"))
        code = sw_fail(err, SW_STORAGE_FAILED, "fault point");
    if (code == SW_OK && must_count(journal))
        code = sw_tx_count_bytes(journal, err);
    sw_room_look(journal);
    if (code == SW_OK)
        code = insert_pending(journal, err);
    if (code == SW_OK && journal->tx == SW_TX_OPEN)
        code = sw_db_run_with(&journal->db, SW_SQL_COMMIT, NULL, 0, err);
    if (code != SW_OK) {
        sw_journal_rollback(journal);
        return sw_tx_failed(journal, code);
    }
    journal->tx = SW_TX_NONE;
    journal->committed = sw_tx_here(journal);
    journal->marked = journal->committed;
    return SW_OK;
}

enum sw_code sw_journal_commit(struct sw_journal *journal, bool sync, struct sw_err *err)
{
    enum sw_code code = SW_OK;

    if (journal->failed) {
        sw_journal_rollback(journal);
        return sw_tx_check(journal, err);
    }
    if (!is_clean(journal))
        code = commit(journal, err);
    if (code == SW_OK && sync && journal->state.durable_lsn < journal->state.lsn)
        code = sw_tx_sync(journal, err);
    if (code == SW_OK && SW_FAULT("journal.after_commit"))
        code = sw_tx_failed(journal, sw_fail(err, SW_STORAGE_FAILED, "fault point"));
    return code;
}

enum sw_code sw_tx_grow_wal(struct sw_journal *journal, struct sw_err *err)
{
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    enum sw_code code = wal_file(journal, &file, err);
    uint8_t *zeros = NULL;
    int rc;

    if (code != SW_OK || file == NULL)
        return code;
    rc = file->pMethods->xFileSize(file, &size);
    if (rc == SQLITE_OK && (uint64_t)size < journal->wal_bytes_min) {
        zeros = calloc(1, ZEROS_BYTES);
        if (zeros == NULL)
            return sw_fail(err, SW_NO_MEMORY, "writing the WAL ahead");
    }
    while (rc == SQLITE_OK && (uint64_t)size < journal->wal_bytes_min) {
        uint64_t missing = journal->wal_bytes_min - (uint64_t)size;
        int part = missing < ZEROS_BYTES ? (int)missing : ZEROS_BYTES;

        rc = file->pMethods->xWrite(file, zeros, part, size);
        size += part;
    }
    free(zeros);
    if (rc != SQLITE_OK)
        return sw_tx_failed(journal, sw_db_fail(&journal->db, rc, "writing the WAL ahead", err));
    journal->wal_bytes = (uint64_t)size;
    return SW_OK;
}

enum sw_code sw_tx_checkpoint(struct sw_journal *journal, bool wait, struct sw_err *err)
{
    int mode = wait ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
    enum sw_code code;
    int rc;

    if (SW_FAULT("journal.before_checkpoint"))
        return sw_tx_failed(journal, sw_fail(err, SW_STORAGE_FAILED, "fault point"));
    if (journal->state.durable_lsn < journal->state.lsn && !journal->import) {
        code = sw_tx_sync(journal, err);
        if (code != SW_OK)
            return code;
    }
    rc = sqlite3_wal_checkpoint_v2(journal->db.handle, "main", mode, NULL, NULL);
    if (rc != SQLITE_OK && rc != SQLITE_BUSY)
        return sw_tx_failed(journal, sw_db_fail(&journal->db, rc, "checkpoint", err));
    /* Where a reader holds the WAL, trying again at once would get no further. */
    journal->wal_pages_tried = journal->wal_pages;
    if (SW_FAULT("journal.after_checkpoint"))
        return sw_tx_failed(journal, sw_fail(err, SW_STORAGE_FAILED, "fault point"));
    return SW_OK;
}
