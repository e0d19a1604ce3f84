/* SPDX-License-Identifier: Apache-2.0
 *
 * snapshot - the journal up to a slot as a few large objects, so that a restore need not
 * read the chain from its beginning.
 *
 * Parts (PART segments, 2 MiB of rows each) are created first, the INDEX last: a
 * snapshot without an index is not there. A part is named by its own SHA-256, so a
 * snapshot that is tried again never meets a part with other bytes. The slot is one that
 * its writer owns, so no two processes write one snapshot.
 *
 *   INDEX body = collected v, dropped v, run v (distance from the run before, rising) * dropped,
 *                part * count
 *   part       = SHA-256 32 bytes, size v, first lsn v, last lsn v
 *
 *   collected: DATA segments up to this slot had been removed when this was written.
 *   size: of the object. The header's count is that of parts.
 *   dropped: runs that retention removed while the parts were being read out. Their rows in the
 *   parts, if any, are taken as stubs.
 *
 * Owns:    struct sw_snapshot its arrays.
 * Threads: one at a time.
 * Fails:   CORRUPT, NO_MEMORY.
 */
#ifndef SW_ARCHIVE_SNAPSHOT_H
#define SW_ARCHIVE_SNAPSHOT_H

#include "storage/archive/segment.h"

struct sw_part {
    struct sw_digest digest;
    uint64_t size;
    uint64_t first_lsn;
    uint64_t last_lsn;
};

struct sw_snapshot {
    struct sw_segment index; /* its header */
    uint64_t collected;
    uint64_t *dropped;
    size_t dropped_count;
    struct sw_part *parts;
    size_t parts_count;
    uint64_t bytes; /* of all parts */
};

void sw_snapshot_fini(struct sw_snapshot *snapshot);
/* The parts' capacity grows by itself; false: no memory. */
bool sw_snapshot_add_part(struct sw_snapshot *snapshot, const struct sw_part *part);

void sw_snapshot_put(const struct sw_snapshot *snapshot, struct sw_bytes *ret);
/* Reads the body of an INDEX; on failure *ret is empty. */
SW_MUST_CHECK enum sw_code sw_snapshot_get(const struct sw_segment *index, struct sw_span raw,
                                           struct sw_snapshot *ret, struct sw_err *err);
/* Whether a part is the one that the index names. */
SW_MUST_CHECK enum sw_code sw_part_check(const struct sw_snapshot *snapshot,
                                         const struct sw_part *part,
                                         const struct sw_segment *segment, struct sw_err *err);

#endif
