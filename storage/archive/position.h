/* SPDX-License-Identifier: Apache-2.0
 *
 * position - a place in the chain, and what may follow it.
 *
 *   META <- FENCE(1) <- DATA ... <- FENCE(2) <- DATA ... <- RETIRE
 *
 * Each segment names the SHA-256 of the object before it, lies in the next slot, and goes on
 * where that one's lsns ended. DATA and RETIRE are of the owner whose FENCE came last; a FENCE
 * has a higher epoch than all before it. What the rows in between say is replay.h's.
 *
 * Owns:    nothing.
 * Threads: any.
 * Fails:   CORRUPT.
 */
#ifndef SW_ARCHIVE_POSITION_H
#define SW_ARCHIVE_POSITION_H

#include "storage/archive/segment.h"

struct sw_position {
    uint8_t uuid[16];
    uint8_t owner[SW_SEGMENT_OWNER_SIZE];
    uint64_t slot; /* 0: META */
    uint64_t epoch;
    uint64_t lsn;
    struct sw_digest chain;  /* at lsn */
    struct sw_digest object; /* the last 32 bytes of what is in the slot */
    bool retired;
};

struct sw_position sw_position_of_meta(const struct sw_segment *meta);
/* Behind the slot that a snapshot's INDEX covers. */
struct sw_position sw_position_of_index(const struct sw_segment *index);
/* Goes on to the segment, if it may follow. */
SW_MUST_CHECK enum sw_code sw_position_follow(struct sw_position *position,
                                              const struct sw_segment *segment, struct sw_err *err);

#endif
