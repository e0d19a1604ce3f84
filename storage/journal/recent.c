/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/recent.h"

#include <assert.h>
#include <stdlib.h>

enum { CAPACITY_FIRST = 1024 };

void sw_recent_fini(struct sw_recent *recent)
{
    free(recent->entries);
    free(recent->buckets);
    *recent = (struct sw_recent){0};
}

/* A digest is as good as random: its first bytes say where it goes. */
static uint32_t *bucket_of(const struct sw_recent *recent, const struct sw_digest *digest)
{
    uint32_t hash;

    memcpy(&hash, digest->bytes, sizeof(hash));
    return &recent->buckets[hash & (recent->capacity - 1)];
}

static void rebuild(struct sw_recent *recent)
{
    memset(recent->buckets, 0, recent->capacity * sizeof(*recent->buckets));
    for (size_t i = 0; i < recent->count; i++) {
        uint32_t *bucket = bucket_of(recent, &recent->entries[i].digest);

        recent->entries[i].next = *bucket;
        *bucket = (uint32_t)i + 1;
    }
}

static bool grow(struct sw_recent *recent)
{
    size_t capacity = recent->capacity == 0 ? CAPACITY_FIRST : 2 * recent->capacity;
    struct sw_recent_entry *entries;
    uint32_t *buckets;

    if (capacity > UINT32_MAX / 2)
        return false;
    entries = realloc(recent->entries, capacity * sizeof(*entries));
    if (entries == NULL)
        return false;
    recent->entries = entries;
    buckets = realloc(recent->buckets, capacity * sizeof(*buckets));
    if (buckets == NULL)
        return false;
    recent->buckets = buckets;
    recent->capacity = capacity;
    rebuild(recent);
    return true;
}

const struct sw_extent *sw_recent_find(const struct sw_recent *recent,
                                       const struct sw_digest *digest)
{
    uint32_t next;

    if (recent->count == 0)
        return NULL;
    for (next = *bucket_of(recent, digest); next != 0; next = recent->entries[next - 1].next) {
        const struct sw_recent_entry *entry = &recent->entries[next - 1];

        if (memcmp(&entry->digest, digest, sizeof(*digest)) == 0)
            return &entry->place;
    }
    return NULL;
}

bool sw_recent_add(struct sw_recent *recent, const struct sw_digest *digest, struct sw_extent place)
{
    uint32_t *bucket;

    assert(recent->count == 0 || recent->entries[recent->count - 1].place.lsn <= place.lsn);
    if (recent->count == recent->capacity && !grow(recent))
        return false;
    bucket = bucket_of(recent, digest);
    recent->entries[recent->count] =
        (struct sw_recent_entry){.digest = *digest, .place = place, .next = *bucket};
    recent->count++;
    *bucket = (uint32_t)recent->count;
    return true;
}

void sw_recent_drop_after(struct sw_recent *recent, uint64_t lsn)
{
    while (recent->count > 0 && recent->entries[recent->count - 1].place.lsn > lsn) {
        const struct sw_recent_entry *entry = &recent->entries[recent->count - 1];

        *bucket_of(recent, &entry->digest) = entry->next;
        recent->count--;
    }
}

void sw_recent_drop_through(struct sw_recent *recent, uint64_t lsn)
{
    size_t dropped = 0;

    while (dropped < recent->count && recent->entries[dropped].place.lsn <= lsn)
        dropped++;
    if (dropped == 0)
        return;
    recent->count -= dropped;
    memmove(recent->entries, recent->entries + dropped, recent->count * sizeof(*recent->entries));
    rebuild(recent);
}
