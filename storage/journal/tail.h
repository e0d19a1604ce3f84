/* SPDX-License-Identifier: Apache-2.0
 *
 * tail - which run each record behind indexed_lsn is of, so that the late index need not
 * read the log again.
 *
 * Owns:    its entries.
 * Threads: one at a time.
 * Fails:   NO_MEMORY.
 */
#ifndef SW_JOURNAL_TAIL_H
#define SW_JOURNAL_TAIL_H

#include "storage/journal/row.h"

struct sw_tail_entry {
    uint64_t lsn;
    uint64_t run;   /* 0: none */
    bool of_chunks; /* its row must be read: it has chunks, or refers to some */
};

struct sw_tail {
    struct sw_tail_entry *entries; /* lsn ascending */
    size_t count;
    size_t capacity;
};

void sw_tail_fini(struct sw_tail *tail); /* safe to repeat */
SW_MUST_CHECK enum sw_code sw_tail_add(struct sw_tail *tail, struct sw_tail_entry entry,
                                       struct sw_err *err);
void sw_tail_drop_after(struct sw_tail *tail, uint64_t lsn);   /* newer than lsn */
void sw_tail_drop_through(struct sw_tail *tail, uint64_t lsn); /* lsn and older */

/* Entries up to lsn. */
size_t sw_tail_count_through(const struct sw_tail *tail, uint64_t lsn);
/* A copy of the first `count`, sorted by run and lsn, to be freed; NULL: no memory. */
struct sw_tail_entry *sw_tail_by_run(const struct sw_tail *tail, size_t count);

#endif
