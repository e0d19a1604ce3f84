/* SPDX-License-Identifier: Apache-2.0
 *
 * recent - chunks that the late index does not know yet: digest to place.
 *
 * Entries stand in the order they were written, so that taking back the newest
 * (undo) is cheap; dropping the oldest (they are indexed) costs a rebuild, once
 * per slice of the index.
 *
 * Owns:    its entries and buckets.
 * Threads: one at a time.
 * Fails:   sw_recent_add is false when there is no memory.
 */
#ifndef SW_JOURNAL_RECENT_H
#define SW_JOURNAL_RECENT_H

#include "storage/journal/codec.h"

struct sw_recent_entry {
    struct sw_digest digest;
    struct sw_extent place;
    uint32_t next; /* older entry of the bucket, plus 1; 0 = none */
};

struct sw_recent {
    struct sw_recent_entry *entries; /* lsn ascending */
    uint32_t *buckets;               /* newest entry, plus 1; as many as capacity */
    size_t count;
    size_t capacity; /* a power of two, or 0 */
};

void sw_recent_fini(struct sw_recent *recent); /* safe to repeat */
const struct sw_extent *sw_recent_find(const struct sw_recent *recent,
                                       const struct sw_digest *digest);
bool sw_recent_add(struct sw_recent *recent, const struct sw_digest *digest,
                   struct sw_extent place);
void sw_recent_drop_after(struct sw_recent *recent, uint64_t lsn);   /* newer than lsn */
void sw_recent_drop_through(struct sw_recent *recent, uint64_t lsn); /* lsn and older */

#endif
