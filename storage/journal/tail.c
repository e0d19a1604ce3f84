/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/tail.h"

#include <assert.h>
#include <stdlib.h>

enum { CAPACITY_FIRST = 1024 };

void sw_tail_fini(struct sw_tail *tail)
{
    free(tail->entries);
    *tail = (struct sw_tail){0};
}

enum sw_code sw_tail_add(struct sw_tail *tail, struct sw_tail_entry entry, struct sw_err *err)
{
    if (tail->count == tail->capacity) {
        size_t capacity = tail->capacity == 0 ? CAPACITY_FIRST : 2 * tail->capacity;
        struct sw_tail_entry *entries = realloc(tail->entries, capacity * sizeof(*entries));

        if (entries == NULL)
            return sw_fail(err, SW_NO_MEMORY, "the list of records to index");
        tail->entries = entries;
        tail->capacity = capacity;
    }
    assert(tail->count == 0 || tail->entries[tail->count - 1].lsn < entry.lsn);
    tail->entries[tail->count++] = entry;
    return SW_OK;
}

void sw_tail_drop_after(struct sw_tail *tail, uint64_t lsn)
{
    while (tail->count > 0 && tail->entries[tail->count - 1].lsn > lsn)
        tail->count--;
}

void sw_tail_drop_through(struct sw_tail *tail, uint64_t lsn)
{
    size_t dropped = sw_tail_count_through(tail, lsn);

    tail->count -= dropped;
    if (dropped > 0)
        memmove(tail->entries, tail->entries + dropped, tail->count * sizeof(*tail->entries));
}

size_t sw_tail_count_through(const struct sw_tail *tail, uint64_t lsn)
{
    size_t low = 0;
    size_t high = tail->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (tail->entries[middle].lsn <= lsn)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int compare(const void *left, const void *right)
{
    const struct sw_tail_entry *a = left;
    const struct sw_tail_entry *b = right;

    if (a->run != b->run)
        return a->run < b->run ? -1 : 1;
    return a->lsn < b->lsn ? -1 : a->lsn > b->lsn;
}

struct sw_tail_entry *sw_tail_by_run(const struct sw_tail *tail, size_t count)
{
    struct sw_tail_entry *entries = malloc((count + 1) * sizeof(*entries));

    assert(count <= tail->count);
    if (entries == NULL || count == 0)
        return entries;
    memcpy(entries, tail->entries, count * sizeof(*entries));
    qsort(entries, count, sizeof(*entries), compare);
    return entries;
}
