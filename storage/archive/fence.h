/* SPDX-License-Identifier: Apache-2.0
 *
 * fence - makes this process the owner of a chain, by the machine of claim.h.
 *
 * Owns:    nothing.
 * Threads: as in archive.h.
 * Fails:   OWNER_FENCED when another was quicker, JOURNAL_RETIRED behind a RETIRE, CORRUPT,
 *          as the store.
 */
#ifndef SW_ARCHIVE_FENCE_H
#define SW_ARCHIVE_FENCE_H

#include "storage/archive/archive.intern.h"
#include "storage/archive/claim.h"

struct sw_fencing {
    struct sw_archive *archive; /* its meta is loaded */
    struct sw_claim claim;      /* zeroed, but for epoch_min */
    struct sw_replay *replay;   /* takes what others ship meanwhile */
    /* Brings archive->position from the newest sound snapshot to the chain's end. */
    enum sw_code (*read)(void *self, struct sw_err *err);
    void *self;
};

/* Rule (b): freezes a segment without rows, FENCE or RETIRE, for the slot behind the position. */
SW_MUST_CHECK enum sw_code sw_freeze_mark(struct sw_archive *archive, enum sw_segment_kind kind,
                                          uint64_t epoch, struct sw_err *err);

/* Afterwards archive->position is our fence. */
SW_MUST_CHECK enum sw_code sw_fence(struct sw_fencing *fencing, struct sw_err *err);

#endif
