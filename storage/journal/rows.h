/* SPDX-License-Identifier: Apache-2.0
 *
 * rows - the log's rows as they are: out of one journal, into another.
 *
 * What is shipped and restored are rows: type, run and the record's encoded fields;
 * the chain is computed anew on the way in and compared. Retention leaves gaps: a row
 * behind a gap is a stub (no fields, its chain given), because what follows is checked
 * against it.
 *
 * Owns:    nothing; spans live until the visitor returns.
 * Threads: as the journal or reader it is given.
 * Fails:   as the journal; CORRUPT for a row that does not follow the one before.
 */
#ifndef SW_JOURNAL_ROWS_H
#define SW_JOURNAL_ROWS_H

#include "storage/journal/journal.h"

struct sw_log_row {
    uint64_t lsn;
    uint64_t type;
    uint64_t run;
    struct sw_span fields; /* codec.h */
    struct sw_digest chain;
    bool chunked;
    bool stub;
};

struct sw_log_row_visitor {
    enum sw_code (*visit)(void *self, const struct sw_log_row *row, bool *ret_stop,
                          struct sw_err *err);
    void *self;
};

/* Rows with first_lsn <= lsn <= last_lsn (0 = no bound), in order, checksums verified; one
 * short read transaction. A run that retention has begun to remove is given as if it were gone:
 * half of it could not be told from a run that is still running. */
SW_MUST_CHECK enum sw_code sw_journal_reader_rows(struct sw_journal_reader *reader,
                                                  uint64_t first_lsn, uint64_t last_lsn,
                                                  struct sw_log_row_visitor visitor,
                                                  struct sw_err *err);
/* How many rows there are with first_lsn <= lsn <= last_lsn, and how large their fields are,
 * without reading those. */
SW_MUST_CHECK enum sw_code sw_journal_reader_size(struct sw_journal_reader *reader,
                                                  uint64_t first_lsn, uint64_t last_lsn,
                                                  uint64_t *ret_rows, uint64_t *ret_bytes,
                                                  struct sw_err *err);
/* The chain at lsn; *ret_found false: no such row (any more). */
SW_MUST_CHECK enum sw_code sw_journal_reader_chain(struct sw_journal_reader *reader, uint64_t lsn,
                                                   struct sw_digest *ret_chain, bool *ret_found,
                                                   struct sw_err *err);

/* Puts a row behind the newest, by the same tables and rules as an append, but for bytes_max.
 * It must be lsn + 1 and, unless it is a stub, link to the chain; a stub may leave a gap. An
 * empty journal (options.import) takes its UUID from the first row, which is JOURNAL_CREATED and
 * must carry the name of the options.
 * A row that is refused leaves nothing behind. The caller commits, every few thousand rows,
 * and calls sw_journal_maintain after that (now_ms 0: no retention) while there is more to do:
 * that keeps the WAL and what is not indexed yet small. */
SW_MUST_CHECK enum sw_code sw_journal_import(struct sw_journal *journal,
                                             const struct sw_log_row *row, struct sw_err *err);

/* The owner's epoch, from now on; committed and synced at once, with what else was open. */
SW_MUST_CHECK enum sw_code sw_journal_set_epoch(struct sw_journal *journal, uint64_t epoch,
                                                struct sw_err *err);

/* The chain of a row that is no stub, given that of the row before. */
void sw_log_row_chain(const struct sw_log_row *row, const struct sw_digest *before,
                      struct sw_digest *ret_chain);

/* Time of the record, from its fields; of a stub 0. */
SW_MUST_CHECK enum sw_code sw_log_row_time(const struct sw_log_row *row, uint64_t *ret_at_ms,
                                           struct sw_err *err);

#endif
