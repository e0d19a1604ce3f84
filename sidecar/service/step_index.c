/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/service/step_index.h"

#include <assert.h>
#include <stdlib.h>

enum {
    CAPACITY_FIRST = 16,
    MOVED_PER_ADD = 16 /* at least 2, or the old table would not be empty when needed */
};

void sw_step_index_fini(struct sw_step_index *index)
{
    free(index->current.at);
    free(index->old.at);
    *index = (struct sw_step_index){0};
}

static void put(const struct sw_step_slots *slots, struct sw_step_slot slot)
{
    size_t mask = slots->capacity - 1;
    size_t i = (size_t)slot.hash & mask;

    while (slots->at[i].lsn != 0)
        i = (i + 1) & mask;
    slots->at[i] = slot;
}

static void move_some(struct sw_step_index *index)
{
    for (int n = 0; n < MOVED_PER_ADD && index->moved < index->old.capacity; n++) {
        struct sw_step_slot slot = index->old.at[index->moved++];

        if (slot.lsn != 0)
            put(&index->current, slot);
    }
    if (index->moved == index->old.capacity) {
        free(index->old.at);
        index->old = (struct sw_step_slots){0};
        index->moved = 0;
    }
}

static bool is_full(const struct sw_step_index *index)
{
    return index->count + 1 > index->current.capacity / 4 * 3;
}

bool sw_step_index_reserve(struct sw_step_index *index)
{
    struct sw_step_slots grown;

    if (!is_full(index))
        return true;
    assert(index->old.capacity == 0);
    grown.capacity = index->current.capacity == 0 ? CAPACITY_FIRST : 2 * index->current.capacity;
    grown.at = calloc(grown.capacity, sizeof(*grown.at));
    if (grown.at == NULL)
        return false;
    index->old = index->current;
    index->current = grown;
    return true;
}

void sw_step_index_add(struct sw_step_index *index, uint64_t hash, uint64_t lsn)
{
    assert(lsn != 0);
    assert(!is_full(index));

    if (index->old.capacity != 0)
        move_some(index);
    put(&index->current, (struct sw_step_slot){.hash = hash, .lsn = lsn});
    index->count++;
}

/* Goes on probing one table; 0 at a free slot. */
static uint64_t probe(const struct sw_step_slots *slots, uint64_t hash, size_t *probed)
{
    size_t mask = slots->capacity - 1;

    while (*probed < slots->capacity) {
        const struct sw_step_slot *slot = &slots->at[((size_t)hash + *probed) & mask];

        if (slot->lsn == 0)
            return 0;
        (*probed)++;
        if (slot->hash == hash)
            return slot->lsn;
    }
    return 0;
}

uint64_t sw_step_index_next(const struct sw_step_index *index, uint64_t hash,
                            struct sw_step_search *search)
{
    uint64_t lsn;

    if (!search->in_old) {
        lsn = probe(&index->current, hash, &search->probed);
        if (lsn != 0)
            return lsn;
        *search = (struct sw_step_search){.in_old = true};
    }
    return probe(&index->old, hash, &search->probed);
}
