/* SPDX-License-Identifier: Apache-2.0
 *
 * journal - the durable, hash-chained list of records, in SQLite.
 *
 * A struct sw_journal is the one connection that writes, checkpoints and
 * migrates; SQLite 3.7.0 to 3.51.2 may lose a reset WAL when two connections do
 * (https://sqlite.org/wal.html, "WAL-reset bug"), so nothing else ever opens the
 * file for writing while the lock is held. A struct sw_journal_reader is a
 * read-only connection.
 *
 * Appends open a transaction by themselves; commit ends it. What commit
 * acknowledged with sync = true survives a power cut, together with all before
 * it. After a failed commit nothing of the transaction is there and the journal
 * may be used again, except after STORAGE_FAILED: then what is on disk is
 * unknown and the process must end (exit code 2) and recover from the file.
 *
 * Owns:    DIR/journal.db with its -wal, -shm and -acked (acked.h), and DIR/lock.
 * Threads: one thread per object.
 * Fails:   JOURNAL_LOCKED, JOURNAL_TOO_NEW, CORRUPT, STORAGE_FAILED, JOURNAL_FULL,
 *          NO_MEMORY, RUN_NOT_FOUND.
 */
#ifndef SW_JOURNAL_H
#define SW_JOURNAL_H

#include "storage/base/arena.h"
#include "storage/base/status.h"
#include "storage/record.h"

struct sw_journal;
struct sw_journal_reader;

enum { SW_JOURNAL_NAME_MAX = 128 };

struct sw_journal_options {
    const char *directory;   /* created with mode 0700 when absent */
    const char *name;        /* of the journal; 1 to SW_JOURNAL_NAME_MAX bytes. An existing
                              * journal of another name is refused with CONFIGURATION. */
    const char *vfs;         /* SQLite VFS; NULL = the default. Tests. */
    uint64_t bytes_max;      /* of the database and WAL files together; 0 = no limit */
    uint64_t bytes_reserved; /* of bytes_max, held back for outcomes. Of the disk's free space
                              * as much is held back as the WAL has: 8 MiB, or a quarter of
                              * bytes_max when that is less. */
    uint64_t retention_ms;   /* ended runs are removed so long after their end; 0 = never */
    bool check_all;          /* verify all of it on open, as sw_journal_verify does, not only
                              * the newest part. Below 1 MiB that is done in any case. */
    bool import;             /* a new journal stays empty and waits for rows (rows.h). After
                              * close its files are to be synced before they are relied upon */
    uint64_t now_ms;         /* for JOURNAL_CREATED */
};

/* What is known of the journal as a whole. */
struct sw_journal_state {
    uint8_t uuid[16];
    char name[SW_JOURNAL_NAME_MAX + 1];
    uint64_t epoch;       /* rises with each open for writing, from 1 */
    uint64_t lsn;         /* newest record, committed or not */
    uint64_t durable_lsn; /* everything up to here is fsynced */
    uint64_t bytes;       /* of the files */
    uint64_t row_bytes;   /* of the rows appended since it was opened, committed or not */
    uint64_t indexed_lsn; /* late indexes are complete up to here */
    bool full;            /* new intents are refused: only the reserve is left */
};

/* One row of the run index. */
struct sw_run_row {
    uint64_t run; /* lsn of RUN_STARTED */
    struct sw_span run_id;
    struct sw_span task;
    enum sw_run_state state;
    uint64_t started_ms;
    uint64_t ended_ms; /* 0: running */
    uint64_t end_lsn;  /* 0: running */
    uint64_t steps;    /* of an ended run */
    bool purged;       /* retention is removing its records; the row goes with the last */
};

/* ---- writing ------------------------------------------------------------ */

SW_MUST_CHECK enum sw_code sw_journal_open(const struct sw_journal_options *options,
                                           struct sw_journal **ret_journal, struct sw_err *err);
/* Commits nothing, checkpoints when it can. NULL is fine. */
void sw_journal_close(struct sw_journal *journal);

const struct sw_journal_state *sw_journal_state(const struct sw_journal *journal);

/* Marks the start of one command: sw_journal_undo drops what was appended since. */
SW_MUST_CHECK enum sw_code sw_journal_mark(struct sw_journal *journal, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_journal_undo(struct sw_journal *journal, struct sw_err *err);

/* Appends a record, its payloads' chunks before it; sets record->lsn, ->chain and
 * the payloads' size and digest. RUN_STARTED gets run = lsn and enters the run
 * index, RUN_ENDED updates it (steps = the run's count, for the index).
 * JOURNAL_FULL for RUN_STARTED and STEP_BEGUN when only the reserve is left, in the journal
 * or on the disk; for all records beyond bytes_max or when the disk and the WAL's own blocks
 * are full. MESSAGE_TOO_LARGE for a
 * payload above 64 MiB, RUN_CONFLICT for a run_id that exists, RUN_ENDED for a run
 * that is not running. */
SW_MUST_CHECK enum sw_code sw_journal_append(struct sw_journal *journal, struct sw_record *record,
                                             struct sw_err *err);
/* As sw_journal_append for RUN_ENDED, with the number of the run's steps. */
SW_MUST_CHECK enum sw_code sw_journal_append_end(struct sw_journal *journal,
                                                 struct sw_record *record, uint64_t steps,
                                                 struct sw_err *err);

/* Ends the open transaction, if there is one. sync: fsync before returning; when
 * no transaction is open, syncs what earlier commits left unsynced. On failure
 * the transaction is rolled back and lsn is what it was before it. */
SW_MUST_CHECK enum sw_code sw_journal_commit(struct sw_journal *journal, bool sync,
                                             struct sw_err *err);
/* Drops the open transaction. */
void sw_journal_rollback(struct sw_journal *journal);

/* Does a bounded piece (a few milliseconds) of work that may wait: late indexes,
 * checkpoints, retention. Call between transactions; `idle` allows pieces that
 * are not urgent. *ret_more: there is more to do now. */
SW_MUST_CHECK enum sw_code sw_journal_maintain(struct sw_journal *journal, uint64_t now_ms,
                                               bool idle, bool *ret_more, struct sw_err *err);

/* Retention leaves runs that ended behind lsn (0: it leaves none), from now on: what is still to be
 * shipped must be there. The journal remembers it, or an earlier and smaller one, when it is opened
 * again. So a journal that was opened without its store for a while has what the store lacks, and
 * the record at which the store's chain ends, by which the two know each other. At first it is 0.
 */
void sw_journal_keep_after(struct sw_journal *journal, uint64_t lsn);
/* What it remembers of that; 0: nothing. */
uint64_t sw_journal_kept_after(const struct sw_journal *journal);

/* Finds a run by id: RUN_NOT_FOUND when there is none. Spans live in arena. Sees
 * the open transaction. */
SW_MUST_CHECK enum sw_code sw_journal_find_run(struct sw_journal *journal, struct sw_span run_id,
                                               struct sw_arena *arena, struct sw_run_row *ret_row,
                                               struct sw_err *err);

/* Reads one record with its payload bytes, on the writing connection. */
SW_MUST_CHECK enum sw_code sw_journal_read(struct sw_journal *journal, uint64_t lsn,
                                           struct sw_arena *arena, struct sw_record *ret_record,
                                           struct sw_err *err);

/* ---- reading ------------------------------------------------------------ */

enum sw_payload_mode {
    SW_PAYLOADS_NONE,    /* size and digest only */
    SW_PAYLOADS_OUTCOME, /* bytes of everything but step inputs */
    SW_PAYLOADS_ALL
};

/* Gets each record in order of lsn. The record and all it points to live until
 * the visitor returns, in an arena that is then reset. Anything but SW_OK stops the scan and is
 * returned; set *ret_stop to stop without failing. */
struct sw_record_visitor {
    enum sw_code (*visit)(void *self, struct sw_record *record, bool *ret_stop, struct sw_err *err);
    void *self;
};

/* directory/journal.db, or a journal file itself. Reads the file of a dead
 * process as well as that of a live one. */
SW_MUST_CHECK enum sw_code sw_journal_reader_open(const char *path, const char *vfs,
                                                  struct sw_journal_reader **ret_reader,
                                                  struct sw_err *err);
void sw_journal_reader_close(struct sw_journal_reader *reader);

/* uuid, name, epoch, lsn, indexed_lsn and bytes as of the file now. */
SW_MUST_CHECK enum sw_code sw_journal_reader_state(struct sw_journal_reader *reader,
                                                   struct sw_journal_state *ret_state,
                                                   struct sw_err *err);

/* A run's records with first_lsn <= lsn <= last_lsn (0 = no bound), without its
 * chunks; each call is one short read transaction. */
SW_MUST_CHECK enum sw_code sw_journal_reader_scan_run(struct sw_journal_reader *reader,
                                                      uint64_t run, uint64_t first_lsn,
                                                      uint64_t last_lsn, enum sw_payload_mode mode,
                                                      struct sw_record_visitor visitor,
                                                      struct sw_err *err);

/* All records with lsn >= first_lsn, chunks too, at most limit (0 = no limit). */
SW_MUST_CHECK enum sw_code sw_journal_reader_scan(struct sw_journal_reader *reader,
                                                  uint64_t first_lsn, uint64_t limit,
                                                  enum sw_payload_mode mode,
                                                  struct sw_record_visitor visitor,
                                                  struct sw_err *err);

SW_MUST_CHECK enum sw_code sw_journal_reader_find_run(struct sw_journal_reader *reader,
                                                      struct sw_span run_id, struct sw_arena *arena,
                                                      struct sw_run_row *ret_row,
                                                      struct sw_err *err);

struct sw_run_filter {
    struct sw_span task;     /* size 0 = any */
    enum sw_run_state state; /* 0 = any */
    uint64_t before_run;     /* only runs with a smaller `run`; 0 = no bound */
};

/* Runs newest first, until the visitor stops. Rows live until the visitor returns. */
struct sw_run_visitor {
    enum sw_code (*visit)(void *self, const struct sw_run_row *row, bool *ret_stop,
                          struct sw_err *err);
    void *self;
};
SW_MUST_CHECK enum sw_code sw_journal_reader_list_runs(struct sw_journal_reader *reader,
                                                       const struct sw_run_filter *filter,
                                                       struct sw_run_visitor visitor,
                                                       struct sw_err *err);

/* ---- verifying ---------------------------------------------------------- */

struct sw_verify_report {
    uint64_t records; /* read and found right */
    uint64_t purged;  /* whose content retention removed */
    uint64_t runs;
    uint64_t payload_bytes; /* logical: as the agents sent them */
    uint64_t chunk_bytes;   /* of chunk records, as stored */
    uint64_t bad_lsn;       /* on CORRUPT: the first bad record; 0 = the file's structure */
};

/* Reads everything: SQLite's structures, each record's checksum, the chain, each
 * payload's digest, the run index against the records. CORRUPT names the first fault. */
SW_MUST_CHECK enum sw_code sw_journal_verify(struct sw_journal_reader *reader,
                                             struct sw_verify_report *ret_report,
                                             struct sw_err *err);

/* A line for people about one record, e.g. "fetch attempt 1 begun, TOOL, ONCE".
 * Cut to size bytes with its NUL. */
void sw_record_summary(const struct sw_record *record, char *ret_text, size_t size);
const char *sw_record_type_name(enum sw_record_type type); /* "STEP_BEGUN" */

/* Logical payload bytes the record carries. */
uint64_t sw_record_payload_bytes(const struct sw_record *record);

#endif
