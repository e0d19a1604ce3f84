/* SPDX-License-Identifier: Apache-2.0
 *
 * journal.intern - what the files of this folder share of the two objects.
 *
 * Threads: as in journal.h.
 */
#ifndef SW_JOURNAL_INTERN_H
#define SW_JOURNAL_INTERN_H

#include "storage/journal/acked.h"
#include "storage/journal/codec.h"
#include "storage/journal/db.h"
#include "storage/journal/journal.h"
#include "storage/journal/pending.h"
#include "storage/journal/recent.h"
#include "storage/journal/schema.h"
#include "storage/journal/tail.h"

enum {
    SW_PAGE_SIZE = 4096,
    SW_WAL_HEADER_SIZE = 32,
    SW_WAL_FRAME_SIZE = SW_PAGE_SIZE + 24,
    SW_WAL_BYTES = 2048 * SW_WAL_FRAME_SIZE + SW_WAL_HEADER_SIZE, /* written ahead, see tx.c */
};

enum sw_tx {
    SW_TX_NONE,
    SW_TX_OPEN,
    SW_TX_LOST /* SQLite rolled it back by itself: all that is left is to fail its commit */
};

/* A place in the log to go back to. */
struct sw_mark {
    uint64_t lsn;
    struct sw_digest chain;
    uint64_t row_bytes;
};

struct sw_journal {
    struct sw_db db;
    int lock_fd;
    int acked_fd; /* acked.h; -1: none */
    struct sw_journal_state state;
    struct sw_meta meta;
    uint64_t bytes_max;
    uint64_t bytes_reserved;
    uint64_t retention_ms;
    bool import;

    enum sw_tx tx;
    struct sw_mark committed; /* where a rollback goes */
    struct sw_mark marked;    /* where an undo goes */
    struct sw_digest chain;   /* of state.lsn */
    bool failed;              /* STORAGE_FAILED was returned: nothing works any more */

    struct sw_pending pending; /* appended, not in SQLite yet */
    struct sw_recent recent;   /* chunks behind indexed_lsn */
    struct sw_tail tail;       /* records behind indexed_lsn */
    struct sw_arena scratch;   /* emptied by each append and read */

    uint64_t wal_pages;       /* frames in the WAL at the last commit */
    uint64_t wal_pages_tried; /* of them, those the last checkpoint saw */
    uint64_t wal_bytes;       /* size of the file, which never shrinks */
    uint64_t wal_bytes_min;   /* to which the file is written ahead */
    uint64_t free_bytes;      /* of state.bytes, in pages that are free */
    uint64_t retain_at_ms;    /* when to look for runs to remove again */
    uint64_t tx_bytes;        /* bodies appended since state.bytes was counted */
    uint64_t disk_seen_us;    /* when the disk's free space was last asked for */
    bool disk_low;            /* less of it than the WAL has */
};

struct sw_journal_reader {
    struct sw_db db;
    struct sw_arena records; /* emptied before each record */
    struct sw_arena scratch; /* for CHUNK records read on behalf of another */
};

/* tx.c */
SW_MUST_CHECK enum sw_code sw_tx_check(const struct sw_journal *journal, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_tx_begin(struct sw_journal *journal, struct sw_err *err);
/* What a batch begins with: sw_tx_check, and where a rollback goes is remembered. */
SW_MUST_CHECK enum sw_code sw_tx_start(struct sw_journal *journal, struct sw_err *err);
/* Hands the pending rows to SQLite; afterwards the open transaction can read them. */
SW_MUST_CHECK enum sw_code sw_tx_flush(struct sw_journal *journal, struct sw_err *err);
/* Returns code, remembering a STORAGE_FAILED. */
enum sw_code sw_tx_failed(struct sw_journal *journal, enum sw_code code);
/* Where a transaction that begins now may go back to. */
struct sw_mark sw_tx_here(const struct sw_journal *journal);
/* Drops what the open transaction appended behind the mark. */
SW_MUST_CHECK enum sw_code sw_tx_undo(struct sw_journal *journal, const struct sw_mark *mark,
                                      struct sw_err *err);
/* One fdatasync of the WAL. */
SW_MUST_CHECK enum sw_code sw_tx_sync(struct sw_journal *journal, struct sw_err *err);
/* Counts the files' bytes, without what is pending. */
SW_MUST_CHECK enum sw_code sw_tx_count_bytes(struct sw_journal *journal, struct sw_err *err);
/* Writes the WAL file ahead with zeros, up to wal_bytes_min. */
SW_MUST_CHECK enum sw_code sw_tx_grow_wal(struct sw_journal *journal, struct sw_err *err);
/* Folds the WAL back into the database, as far as readers allow. wait: for them, so that the
 * next frame begins the WAL anew; busy_timeout says how long. */
SW_MUST_CHECK enum sw_code sw_tx_checkpoint(struct sw_journal *journal, bool wait,
                                            struct sw_err *err);

/* verify.c: all of the file. *report is zeroed by the caller. */
SW_MUST_CHECK enum sw_code sw_verify_db(struct sw_db *db, struct sw_arena *records,
                                        struct sw_arena *scratch, struct sw_verify_report *report,
                                        struct sw_err *err);

/* room.c: sets state.full; looks how much of the disk is free, unless it did a moment ago. */
void sw_room_look(struct sw_journal *journal);
/* JOURNAL_FULL when neither the disk nor bytes_max has room for more of the kind. */
SW_MUST_CHECK enum sw_code sw_room_check(struct sw_journal *journal, bool new_work,
                                         struct sw_err *err);

/* append.c: the row alone, without payloads and run index. */
SW_MUST_CHECK enum sw_code sw_append_row(struct sw_journal *journal, struct sw_record *record,
                                         const struct sw_layout *layout, struct sw_err *err);
/* A row that has its chain; its fields lie in room of journal->pending. */
SW_MUST_CHECK enum sw_code sw_append_insert(struct sw_journal *journal, const struct sw_row *row,
                                            struct sw_err *err);
/* Enters RUN_STARTED and RUN_ENDED into the run index; of other records nothing. */
SW_MUST_CHECK enum sw_code sw_append_run(struct sw_journal *journal, const struct sw_record *record,
                                         uint64_t steps, struct sw_err *err);

/* late.c: the tables run_log, chunk and chunk_use. Load fills journal->recent from
 * what they lack; index takes up to rows_max rows more into them. */
SW_MUST_CHECK enum sw_code sw_late_load(struct sw_journal *journal, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_late_index(struct sw_journal *journal, uint64_t rows_max,
                                         struct sw_err *err);
/* Takes the chunks of a CHUNK row into journal->recent. */
SW_MUST_CHECK enum sw_code sw_late_remember(struct sw_journal *journal, const struct sw_row *row,
                                            struct sw_err *err);
/* Visits each chunk of a CHUNK row. */
struct sw_chunk_visitor {
    enum sw_code (*visit)(struct sw_journal *journal, const struct sw_digest *digest,
                          struct sw_extent place, struct sw_err *err);
};
SW_MUST_CHECK enum sw_code sw_late_each_chunk(struct sw_journal *journal, const struct sw_row *row,
                                              struct sw_chunk_visitor visitor, struct sw_err *err);

/* retain.c: removes a piece of a run that ended long enough ago. *ret_more: it did. */
SW_MUST_CHECK enum sw_code sw_retain(struct sw_journal *journal, uint64_t now_ms, bool *ret_more,
                                     struct sw_err *err);

/* find.c: the run in the row a statement stands on; spans point into the statement. */
void sw_run_row_read(sqlite3_stmt *statement, struct sw_run_row *ret_row);
SW_MUST_CHECK enum sw_code sw_run_find(struct sw_db *db, struct sw_span run_id,
                                       struct sw_arena *arena, struct sw_run_row *ret_row,
                                       struct sw_err *err);

#endif
