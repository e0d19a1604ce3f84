/* SPDX-License-Identifier: Apache-2.0
 *
 * chain - walks the log and checks that each row follows from the one before.
 *
 * A row that retention reduced to a stub cannot be checked itself, but its chain
 * digest is the base of the next row's. A gap is right only in front of a stub.
 *
 * Owns:    nothing.
 * Threads: one at a time.
 * Fails:   CORRUPT, naming the lsn.
 */
#ifndef SW_JOURNAL_CHAIN_H
#define SW_JOURNAL_CHAIN_H

#include "storage/journal/journal.intern.h"
#include "storage/journal/row.h"

/* Where the walk stands. Zeroed: before lsn 1. */
struct sw_chain {
    uint64_t lsn;
    struct sw_digest chain; /* of lsn */
    bool trusting;          /* takes the next row as it is: the walk starts in the middle */
};

SW_MUST_CHECK enum sw_code sw_chain_step(struct sw_chain *chain, const struct sw_row *row,
                                         struct sw_err *err);

/* What opening a large journal checks: its newest rows, and that they agree with the run index. */
SW_MUST_CHECK enum sw_code sw_chain_check(struct sw_db *db, struct sw_arena *scratch,
                                          struct sw_err *err);

/* "ok" from a PRAGMA quick_check or integrity_check, or CORRUPT with its first line. */
SW_MUST_CHECK enum sw_code sw_structure_check(struct sw_db *db, const char *pragma,
                                              struct sw_err *err);

/* Whether a RUN_STARTED or RUN_ENDED record is what the run index says. */
SW_MUST_CHECK enum sw_code sw_run_check(struct sw_db *db, const struct sw_record *record,
                                        const struct sw_layout *layout, struct sw_err *err);

#endif
