/* SPDX-License-Identifier: Apache-2.0
 *
 * pending - rows that were appended and that SQLite has not seen yet.
 *
 * A commit hands all of them to SQLite in one statement, which reads them as the rows of a
 * virtual table named "pending" (sql.def). That costs a third of a statement a row, and a
 * commit that does nothing else needs neither BEGIN nor COMMIT: the statement is the
 * transaction. What is pending is no one's to read: who needs it flushes first.
 *
 * Owns:    its rows and their bytes.
 * Threads: one at a time.
 * Fails:   NO_MEMORY.
 */
#ifndef SW_JOURNAL_PENDING_H
#define SW_JOURNAL_PENDING_H

#include "storage/journal/row.h"

struct sw_pending {
    struct sw_row *rows; /* lsn ascending */
    size_t count;
    size_t capacity;
    struct sw_arena bytes; /* of the bodies */
};

void sw_pending_fini(struct sw_pending *pending); /* safe to repeat */

/* Room for fields and, behind them, the checksum; NULL: none. It lasts until the next clear. */
uint8_t *sw_pending_room(struct sw_pending *pending, size_t fields_size);
/* The row's fields, unless it is a stub, lie in such room, its checksum in place. */
SW_MUST_CHECK enum sw_code sw_pending_add(struct sw_pending *pending, const struct sw_row *row,
                                          struct sw_err *err);
void sw_pending_drop_after(struct sw_pending *pending, uint64_t lsn); /* newer than lsn */
void sw_pending_clear(struct sw_pending *pending);

/* Makes the virtual table known to the connection, which must not outlive `pending`. */
SW_MUST_CHECK enum sw_code sw_pending_register(struct sw_pending *pending, struct sw_db *db,
                                               struct sw_err *err);

#endif
