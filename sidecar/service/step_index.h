/* SPDX-License-Identifier: Apache-2.0
 *
 * step_index - where a run's finished steps end, 16 bytes a slot.
 *
 * An open-addressing table of {hash of the key, lsn of the finishing record}. Two
 * keys may share a hash: who finds an lsn reads the record and compares the key.
 * The table doubles when it is three quarters full, and the old one is moved a few
 * slots with each addition: no addition pays for all that came before it.
 *
 * Owns:    the slots.
 * Threads: one at a time.
 * Fails:   reserve answers false when there is no memory; nothing else fails.
 */
#ifndef SW_SERVICE_STEP_INDEX_H
#define SW_SERVICE_STEP_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sw_step_slot {
    uint64_t hash;
    uint64_t lsn; /* 0: free */
};

struct sw_step_slots {
    struct sw_step_slot *at;
    size_t capacity; /* a power of two, or 0 */
};

struct sw_step_index {
    struct sw_step_slots current;
    struct sw_step_slots old; /* being moved; capacity 0: nothing is */
    size_t moved;             /* slots of old that were moved */
    size_t count;             /* steps */
};

/* A zeroed index is an empty one. */
void sw_step_index_fini(struct sw_step_index *index);

/* Makes room for one addition. */
bool sw_step_index_reserve(struct sw_step_index *index);
/* Needs a reserve before. */
void sw_step_index_add(struct sw_step_index *index, uint64_t hash, uint64_t lsn);

/* A search: start with {0}, it answers each lsn of the hash once or more, then 0. */
struct sw_step_search {
    size_t probed;
    bool in_old;
};
uint64_t sw_step_index_next(const struct sw_step_index *index, uint64_t hash,
                            struct sw_step_search *search);

#endif
