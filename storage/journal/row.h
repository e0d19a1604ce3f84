/* SPDX-License-Identifier: Apache-2.0
 *
 * row - one row of the log: how its checksum and its link of the chain are made.
 *
 *   head     = lsn u64, type u64, run u64, little-endian
 *   chain    = SHA-256(chain of lsn - 1, head, fields); before lsn 1: 32 zero bytes
 *   checksum = XXH3(fields, seed XXH3(head, chain, seed 0)), u64 little-endian
 *   body     = fields (codec.h), checksum
 *
 * `chunked` is 1 where the record's payload lies in CHUNK records, so that those rows
 * are found without reading the others.
 *
 * The checksum finds what a disk does; the chain says that nothing was left out
 * or put in. Retention leaves a stub: body NULL, chain kept, because the next
 * row's chain is checked against it.
 *
 * Owns:    nothing; spans point into the statement or arena they were read from.
 * Threads: any.
 * Fails:   CORRUPT, NO_MEMORY.
 */
#ifndef SW_JOURNAL_ROW_H
#define SW_JOURNAL_ROW_H

#include "storage/journal/codec.h"
#include "storage/journal/db.h"

struct sw_row {
    uint64_t lsn;
    uint64_t type;
    uint64_t run;
    struct sw_span fields; /* without the checksum */
    uint64_t checksum;
    struct sw_digest chain;
    bool chunked;
    bool stub; /* no fields, no checksum */
};

/* The chain of a row, given that of the row before. */
void sw_row_chain(const struct sw_row *row, const struct sw_digest *before,
                  struct sw_digest *ret_chain);
/* The checksum of a row whose chain is set. */
uint64_t sw_row_checksum(const struct sw_row *row);
void sw_row_put_checksum(uint64_t checksum, uint8_t ret_bytes[SW_CODEC_SPARE]);

/* The current row of a statement that selects SW_ROW (sql.def). The
 * checksum is verified. */
SW_MUST_CHECK enum sw_code sw_row_read(sqlite3_stmt *statement, struct sw_row *ret_row,
                                       struct sw_err *err);

/* The row's record, without bytes that stand in CHUNK records. */
SW_MUST_CHECK enum sw_code sw_row_decode(const struct sw_row *row, struct sw_arena *arena,
                                         struct sw_record *ret_record, struct sw_layout *ret_layout,
                                         struct sw_err *err);

/* Finds the row; the statement stays open on it until reset. *ret_found false: none. */
SW_MUST_CHECK enum sw_code sw_row_find(struct sw_db *db, uint64_t lsn, sqlite3_stmt **ret_statement,
                                       struct sw_row *ret_row, bool *ret_found, struct sw_err *err);

#endif
