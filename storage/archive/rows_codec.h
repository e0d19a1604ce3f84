/* SPDX-License-Identifier: Apache-2.0
 *
 * rows_codec - rows of the log, one after the other, to bytes and back.
 *
 *   rows = row*
 *   row  = head v (type * 4 + 2 if a stub + 1 if chunked), run v, then
 *          not a stub: fields s (storage/journal/codec.h); its lsn is the one before + 1
 *          a stub:     lsn minus the lsn before v (at least 1), chain 32 bytes
 *
 *   v: LEB128, never longer than needed · s: size v and bytes
 *
 * The first row counts from its segment's first lsn - 1, as if there were no gap before it.
 * Chains are computed while reading; only a stub brings its own, because what it was
 * computed from is gone.
 *
 * Owns:    nothing; rows point into the bytes.
 * Threads: any.
 * Fails:   CORRUPT.
 */
#ifndef SW_ARCHIVE_ROWS_CODEC_H
#define SW_ARCHIVE_ROWS_CODEC_H

#include "storage/archive/bytes.h"
#include "storage/journal/rows.h"

/* Appends the row that follows before_lsn. */
void sw_rows_add(struct sw_bytes *bytes, const struct sw_log_row *row, uint64_t before_lsn);

struct sw_rows_in {
    struct sw_bytes_in in;
    uint64_t lsn;           /* of the row before */
    struct sw_digest chain; /* of that row */
};

static inline struct sw_rows_in sw_rows_in_of(struct sw_span rows, uint64_t before_lsn,
                                              const struct sw_digest *before_chain)
{
    return (struct sw_rows_in){
        .in = sw_bytes_in_of(rows), .lsn = before_lsn, .chain = *before_chain};
}
static inline bool sw_rows_in_end(const struct sw_rows_in *rows)
{
    return rows->in.next == rows->in.end;
}
/* The next row; there must be one. */
SW_MUST_CHECK enum sw_code sw_rows_in_next(struct sw_rows_in *rows, struct sw_log_row *ret_row,
                                           struct sw_err *err);

#endif
