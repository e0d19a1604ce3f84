/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DIRECTORY_MODE = 0700,
    LOCK_MODE = 0600,
    LEAVE_MS = 500,               /* for readers to end, on close */
    CHECK_ALL_BELOW = 1024 * 1024 /* bytes: smaller files are verified on each open: about 15 ms */
};

static enum sw_code fail_errno(const char *path, const char *doing, struct sw_err *err)
{
    int number = errno;
    enum sw_code code =
        sw_fail(err, SW_STORAGE_FAILED, "%s: %s: %s", path, doing, strerror(number));

    if (err != NULL)
        err->os_errno = number;
    return code;
}

static enum sw_code sync_directory(const char *path, struct sw_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum sw_code code = SW_OK;

    if (fd < 0)
        return fail_errno(path, "open", err);
    if (fsync(fd) != 0)
        code = fail_errno(path, "sync", err);
    (void)close(fd);
    return code;
}

static enum sw_code make_directory(const char *path, struct sw_err *err)
{
    enum sw_code code;
    char *parent;

    if (mkdir(path, DIRECTORY_MODE) != 0)
        return errno == EEXIST ? SW_OK : fail_errno(path, "create directory", err);
    if (asprintf(&parent, "%s/..", path) < 0)
        return sw_fail(err, SW_NO_MEMORY, "%s", path);
    code = sync_directory(parent, err);
    free(parent);
    return code;
}

static enum sw_code refuse_locked(int fd, const char *directory, struct sw_err *err)
{
    char pid[16] = "";
    ssize_t size = pread(fd, pid, sizeof(pid) - 1, 0);

    pid[size > 0 ? size : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    return sw_fail(err, SW_JOURNAL_LOCKED, "%s: process %s owns the journal", directory,
                   pid[0] != '\0' ? pid : "(unknown)");
}

/* flock, not fcntl: it belongs to this opening of the file, so a second journal of
 * the same directory in this process is refused as well. */
static enum sw_code take_lock(const char *directory, int *ret_fd, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    char pid[16];
    char *path;
    int fd;

    if (asprintf(&path, "%s/lock", directory) < 0)
        return sw_fail(err, SW_NO_MEMORY, "%s", directory);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, LOCK_MODE);
    if (fd < 0) {
        code = fail_errno(path, "open", err);
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        code = errno == EWOULDBLOCK ? refuse_locked(fd, directory, err)
                                    : fail_errno(path, "lock", err);
    } else {
        int size = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());

        if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)size, 0) != size)
            code = fail_errno(path, "write", err);
    }
    free(path);
    if (code == SW_OK)
        *ret_fd = fd;
    else if (fd >= 0)
        (void)close(fd);
    return code;
}

static int count_wal(void *self, sqlite3 *handle, const char *database, int pages)
{
    struct sw_journal *journal = self;
    uint64_t bytes = SW_WAL_HEADER_SIZE + (uint64_t)pages * SW_WAL_FRAME_SIZE;

    (void)handle;
    (void)database;
    if ((uint64_t)pages < journal->wal_pages) /* begun anew */
        journal->wal_pages_tried = 0;
    journal->wal_pages = (uint64_t)pages;
    if (journal->wal_bytes < bytes)
        journal->wal_bytes = bytes;
    return SQLITE_OK;
}

static enum sw_code configure(struct sw_journal *journal, struct sw_err *err)
{
    int persist = 1;
    enum sw_code code;
    sqlite3_stmt *statement = NULL;
    const unsigned char *mode = NULL;
    int rc;

    code = sw_db_exec(&journal->db,
                      "PRAGMA page_size=4096; PRAGMA cache_size=-16384; PRAGMA cache_spill=OFF;"
                      "PRAGMA temp_store=MEMORY; PRAGMA synchronous=NORMAL;"
                      "PRAGMA wal_autocheckpoint=0",
                      err);
    if (code == SW_OK && journal->import)
        code = sw_db_exec(&journal->db, "PRAGMA synchronous=OFF", err);
    if (code != SW_OK)
        return code;
    rc = sqlite3_prepare_v2(journal->db.handle, "PRAGMA journal_mode=WAL", -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        mode = sqlite3_column_text(statement, 0);
    if (rc != SQLITE_ROW)
        code = sw_db_fail(&journal->db, rc, "journal_mode=WAL", err);
    else if (mode == NULL || strcmp((const char *)mode, "wal") != 0)
        code = sw_fail(err, SW_STORAGE_FAILED, "%s: the file system does not support WAL",
                       journal->db.path);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_file_control(journal->db.handle, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
    (void)sqlite3_db_config(journal->db.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_wal_hook(journal->db.handle, count_wal, journal);
    return code;
}

/* An empty file becomes a journal: tables, meta and, but for import, lsn 1 in the open
 * transaction. */
static enum sw_code create(struct sw_journal *journal, const struct sw_journal_options *options,
                           struct sw_err *err)
{
    struct sw_record record = {
        .type = SW_RECORD_JOURNAL_CREATED,
        .at_ms = options->now_ms,
        .u.journal_created.name = sw_span_of_text(options->name),
    };

    (void)snprintf(journal->meta.name, sizeof(journal->meta.name), "%s", options->name);
    if (options->import)
        return SW_OK;
    sw_random(journal->meta.uuid, sizeof(journal->meta.uuid));
    journal->meta.uuid[6] = (uint8_t)((journal->meta.uuid[6] & 0x0f) | 0x80); /* version 8 */
    journal->meta.uuid[8] = (uint8_t)((journal->meta.uuid[8] & 0x3f) | 0x80);
    memcpy(record.u.journal_created.uuid, journal->meta.uuid, sizeof(journal->meta.uuid));
    journal->meta.created_ms = options->now_ms;
    return sw_journal_append(journal, &record, err);
}

static enum sw_code read_head(struct sw_journal *journal, struct sw_err *err)
{
    sqlite3_stmt *statement;
    enum sw_code code;
    struct sw_row row;
    bool found = false;

    code = sw_db_prepare(&journal->db, SW_SQL_LOG_HEAD, &statement, err);
    if (code == SW_OK)
        code = sw_db_step(&journal->db, statement, &found, err);
    if (code != SW_OK)
        return code;
    if (!found && journal->import)
        return SW_OK;
    if (!found)
        return sw_fail(err, SW_CORRUPT, "%s: the log is empty", journal->db.path);
    code = sw_row_read(statement, &row, err);
    (void)sqlite3_reset(statement);
    if (code != SW_OK)
        return code;
    if (journal->meta.indexed_lsn > row.lsn)
        return sw_fail(err, SW_CORRUPT, "%s: the index is ahead of the log", journal->db.path);
    journal->state.lsn = row.lsn;
    journal->chain = row.chain;
    return SW_OK;
}

static enum sw_code check_all(struct sw_journal *journal, struct sw_err *err)
{
    struct sw_verify_report report = {0};
    struct sw_arena records = {0};
    enum sw_code code = sw_verify_db(&journal->db, &records, &journal->scratch, &report, err);

    sw_arena_fini(&records);
    return code;
}

static enum sw_code load(struct sw_journal *journal, const struct sw_journal_options *options,
                         struct sw_err *err)
{
    uint64_t pages = 0;
    enum sw_code code = sw_meta_read(&journal->db, &journal->meta, err);

    if (code != SW_OK)
        return code;
    if (strcmp(journal->meta.name, options->name) != 0)
        return sw_fail(err, SW_CONFIGURATION, "%s: is the journal \"%s\", not \"%s\"",
                       journal->db.path, journal->meta.name, options->name);
    code = sw_db_get(&journal->db, "PRAGMA page_count", &pages, err);
    if (code == SW_OK && (options->check_all || pages * SW_PAGE_SIZE < CHECK_ALL_BELOW))
        code = check_all(journal, err);
    else if (code == SW_OK)
        code = sw_chain_check(&journal->db, &journal->scratch, err);
    if (code == SW_OK)
        code = read_head(journal, err);
    if (code == SW_OK)
        code = sw_acked_check(journal->db.path, sw_acked_read(journal->db.path, journal->meta.uuid),
                              journal->state.lsn, err);
    if (code == SW_OK)
        code = sw_late_load(journal, err);
    return code;
}

static enum sw_code begin_epoch(struct sw_journal *journal,
                                const struct sw_journal_options *options, uint64_t version,
                                struct sw_err *err)
{
    enum sw_code code = sw_tx_begin(journal, err);

    if (code == SW_OK && version < SW_SCHEMA_VERSION)
        code = sw_schema_migrate(&journal->db, version, err);
    if (code == SW_OK && version == 0)
        code = create(journal, options, err);
    journal->meta.epoch++;
    if (code == SW_OK)
        code = sw_meta_write(&journal->db, &journal->meta, err);
    if (code == SW_OK)
        code = sw_journal_commit(journal, false, err);
    if (code == SW_OK)
        code = sw_tx_grow_wal(journal, err);
    if (code == SW_OK)
        code = sw_tx_sync(journal, err);
    return code;
}

static enum sw_code set_up(struct sw_journal *journal, const struct sw_journal_options *options,
                           struct sw_err *err)
{
    uint64_t version = 0;
    enum sw_code code = sw_schema_version(&journal->db, &version, err);

    if (code == SW_OK)
        code = configure(journal, err);
    if (code == SW_OK)
        code = sw_pending_register(&journal->pending, &journal->db, err);
    if (code == SW_OK && version > 0)
        code = load(journal, options, err);
    if (code == SW_OK && !journal->import)
        journal->acked_fd = sw_acked_open(journal->db.path);
    if (code == SW_OK)
        code = begin_epoch(journal, options, version, err);
    if (code == SW_OK && version == 0)
        code = sync_directory(options->directory, err);
    if (code == SW_OK)
        code = sw_tx_count_bytes(journal, err);
    if (code != SW_OK)
        return code;
    sw_room_look(journal);
    memcpy(journal->state.uuid, journal->meta.uuid, sizeof(journal->state.uuid));
    memcpy(journal->state.name, journal->meta.name, sizeof(journal->state.name));
    journal->state.epoch = journal->meta.epoch;
    journal->state.indexed_lsn = journal->meta.indexed_lsn;
    return SW_OK;
}

static enum sw_code check_options(const struct sw_journal_options *options, struct sw_err *err)
{
    size_t name_size = strlen(options->name);

    if (name_size == 0 || name_size > SW_JOURNAL_NAME_MAX)
        return sw_fail(err, SW_CONFIGURATION, "a journal's name has 1 to %d bytes",
                       SW_JOURNAL_NAME_MAX);
    if (options->bytes_max > 0 && options->bytes_reserved >= options->bytes_max)
        return sw_fail(err, SW_CONFIGURATION, "more bytes are reserved than the journal may have");
    return SW_OK;
}

enum sw_code sw_journal_open(const struct sw_journal_options *options,
                             struct sw_journal **ret_journal, struct sw_err *err)
{
    struct sw_journal *journal = NULL;
    enum sw_code code;
    char *path = NULL;

    code = check_options(options, err);
    if (code != SW_OK)
        return code;
    journal = calloc(1, sizeof(*journal));
    if (journal == NULL || asprintf(&path, "%s/journal.db", options->directory) < 0) {
        free(journal);
        return sw_fail(err, SW_NO_MEMORY, "%s", options->directory);
    }
    journal->lock_fd = -1;
    journal->acked_fd = -1;
    journal->bytes_max = options->bytes_max;
    journal->bytes_reserved = options->bytes_reserved;
    journal->retention_ms = options->retention_ms;
    journal->import = options->import;
    journal->wal_bytes_min = SW_WAL_BYTES;
    if (options->bytes_max > 0 && options->bytes_max / 4 < SW_WAL_BYTES)
        journal->wal_bytes_min = options->bytes_max / 4;

    code = make_directory(options->directory, err);
    if (code == SW_OK)
        code = take_lock(options->directory, &journal->lock_fd, err);
    if (code == SW_OK)
        code = sw_db_open(&journal->db, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                          options->vfs, err);
    if (code == SW_OK)
        code = set_up(journal, options, err);
    free(path);
    if (code == SW_OK) {
        *ret_journal = journal;
        return SW_OK;
    }
    journal->failed = true; /* what was refused is not written to on the way out */
    sw_journal_close(journal);
    return code;
}

/* Folds the WAL back and starts it anew: the next open need not read it through, and the WAL
 * that stays behind may be lost without loss. What fails here, or is held by a
 * reader for longer, is in the WAL still, where the next open finds it. */
static void leave(struct sw_journal *journal)
{
    enum sw_code code;

    (void)sqlite3_busy_timeout(journal->db.handle, LEAVE_MS);
    code = sw_tx_checkpoint(journal, true, NULL);
    if (code == SW_OK)
        code = sw_tx_begin(journal, NULL);
    if (code == SW_OK)
        code = sw_meta_write(&journal->db, &journal->meta, NULL);
    if (code == SW_OK)
        code = sw_journal_commit(journal, false, NULL);
    if (code != SW_OK)
        sw_journal_rollback(journal);
}

void sw_journal_close(struct sw_journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->db.handle != NULL) {
        sw_journal_rollback(journal);
        if (!journal->failed)
            leave(journal);
        sw_db_close(&journal->db);
    }
    sw_pending_fini(&journal->pending);
    sw_recent_fini(&journal->recent);
    sw_tail_fini(&journal->tail);
    sw_arena_fini(&journal->scratch);
    sw_acked_close(journal->acked_fd);
    if (journal->lock_fd >= 0)
        (void)close(journal->lock_fd);
    free(journal);
}

const struct sw_journal_state *sw_journal_state(const struct sw_journal *journal)
{
    return &journal->state;
}
