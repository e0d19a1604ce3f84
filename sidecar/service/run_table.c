/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/service/run_table.h"

#include <assert.h>
#include <stdlib.h>

enum { BUCKETS_FIRST = 64 };

static void free_entry(struct sw_run_entry *entry)
{
    sw_run_image_free(entry->image);
    free(entry->brief);
    free(entry);
}

void sw_run_entry_forget(struct sw_run_entry *entry)
{
    free(entry->brief);
    entry->brief = NULL;
}

void sw_run_entry_remember(struct sw_run_entry *entry, const struct sw_run_head *head,
                           uint64_t steps_in_doubt)
{
    struct sw_run_brief *brief = malloc(sizeof(*brief) + head->holder.size);

    sw_run_entry_forget(entry);
    if (brief == NULL)
        return;
    brief->head = *head;
    brief->head.run_id = entry->run_id;
    brief->head.task = entry->task;
    brief->head.holder = sw_span_of(brief->holder, head->holder.size);
    if (head->holder.size > 0)
        memcpy(brief->holder, head->holder.data, head->holder.size);
    brief->steps_in_doubt = steps_in_doubt;
    entry->brief = brief;
}

void sw_run_table_fini(struct sw_run_table *table)
{
    for (size_t i = 0; i < table->buckets_count; i++) {
        while (table->buckets[i] != NULL) {
            struct sw_run_entry *entry = table->buckets[i];

            table->buckets[i] = entry->bucket_next;
            free_entry(entry);
        }
    }
    free(table->buckets);
    *table = (struct sw_run_table){0};
}

static struct sw_run_entry **bucket_of(const struct sw_run_table *table, uint64_t hash)
{
    return &table->buckets[(size_t)hash & (table->buckets_count - 1)];
}

struct sw_run_entry *sw_run_table_find(const struct sw_run_table *table, struct sw_span run_id)
{
    uint64_t hash = sw_hash64(run_id, 0);
    struct sw_run_entry *entry;

    if (table->count == 0)
        return NULL;
    entry = *bucket_of(table, hash);
    while (entry != NULL && (entry->hash != hash || !sw_span_equal(entry->run_id, run_id)))
        entry = entry->bucket_next;
    return entry;
}

/* Makes room for one more entry. Without memory for more buckets the chains grow. */
static bool reserve(struct sw_run_table *table)
{
    struct sw_run_table grown = *table;

    if (table->count < table->buckets_count)
        return true;
    grown.buckets_count = table->buckets_count == 0 ? BUCKETS_FIRST : 2 * table->buckets_count;
    grown.buckets = calloc(grown.buckets_count, sizeof(struct sw_run_entry *));
    if (grown.buckets == NULL)
        return table->buckets_count != 0;
    for (size_t i = 0; i < table->buckets_count; i++) {
        struct sw_run_entry *entry = table->buckets[i];

        while (entry != NULL) {
            struct sw_run_entry *next = entry->bucket_next;
            struct sw_run_entry **bucket = bucket_of(&grown, entry->hash);

            entry->bucket_next = *bucket;
            *bucket = entry;
            entry = next;
        }
    }
    free(table->buckets);
    *table = grown;
    return true;
}

struct sw_run_entry *sw_run_table_new_entry(struct sw_run_table *table, struct sw_span run_id,
                                            struct sw_span task)
{
    struct sw_run_entry *entry;

    if (!reserve(table))
        return NULL;
    entry = malloc(sizeof(*entry) + run_id.size + task.size);
    if (entry == NULL)
        return NULL;
    *entry = (struct sw_run_entry){.hash = sw_hash64(run_id, 0)};
    if (run_id.size > 0)
        memcpy(entry->bytes, run_id.data, run_id.size);
    if (task.size > 0)
        memcpy(entry->bytes + run_id.size, task.data, task.size);
    entry->run_id = sw_span_of(entry->bytes, run_id.size);
    entry->task = sw_span_of(entry->bytes + run_id.size, task.size);
    return entry;
}

void sw_run_table_add(struct sw_run_table *table, struct sw_run_entry *entry)
{
    struct sw_run_entry **bucket = bucket_of(table, entry->hash);

    assert(sw_run_table_find(table, entry->run_id) == NULL);
    entry->bucket_next = *bucket;
    *bucket = entry;
    table->count++;
}

void sw_run_table_destroy(struct sw_run_table *table, struct sw_run_entry *entry)
{
    if (table->count > 0) {
        struct sw_run_entry **link = bucket_of(table, entry->hash);

        while (*link != NULL && *link != entry)
            link = &(*link)->bucket_next;
        if (*link == entry) {
            *link = entry->bucket_next;
            table->count--;
        }
    }
    for (unsigned list = 0; list < SW_RUN_LIST_COUNT; list++)
        sw_run_list_remove(table, (enum sw_run_list)list, entry);
    free_entry(entry);
}

/* Puts the entry behind `previous`; NULL: to the front. */
static void insert_after(struct sw_run_table *table, enum sw_run_list list,
                         struct sw_run_entry *entry, struct sw_run_entry *previous)
{
    struct sw_run_link *link = &entry->links[list];

    assert(!link->in);
    link->in = true;
    link->previous = previous;
    link->next = previous == NULL ? table->lists[list].first : previous->links[list].next;
    if (previous == NULL)
        table->lists[list].first = entry;
    else
        previous->links[list].next = entry;
    if (link->next == NULL)
        table->lists[list].last = entry;
    else
        link->next->links[list].previous = entry;
    table->lists[list].count++;
}

void sw_run_list_push(struct sw_run_table *table, enum sw_run_list list, struct sw_run_entry *entry)
{
    if (table->lists[list].last == entry)
        return;
    sw_run_list_remove(table, list, entry);
    insert_after(table, list, entry, table->lists[list].last);
}

void sw_run_list_insert_open(struct sw_run_table *table, struct sw_run_entry *entry)
{
    const struct sw_run_entry *first = table->lists[SW_RUNS_OPEN].first;
    struct sw_run_entry *previous = table->lists[SW_RUNS_OPEN].last;

    if (first != NULL && entry->run < first->run)
        previous = NULL;
    while (previous != NULL && previous->run > entry->run)
        previous = previous->links[SW_RUNS_OPEN].previous;
    insert_after(table, SW_RUNS_OPEN, entry, previous);
}

void sw_run_list_remove(struct sw_run_table *table, enum sw_run_list list,
                        struct sw_run_entry *entry)
{
    struct sw_run_link *link = &entry->links[list];

    if (!link->in)
        return;
    if (link->previous == NULL)
        table->lists[list].first = link->next;
    else
        link->previous->links[list].next = link->next;
    if (link->next == NULL)
        table->lists[list].last = link->previous;
    else
        link->next->links[list].previous = link->previous;
    *link = (struct sw_run_link){0};
    table->lists[list].count--;
}

struct sw_run_entry *sw_run_list_first(const struct sw_run_table *table, enum sw_run_list list)
{
    return table->lists[list].first;
}

struct sw_run_entry *sw_run_list_next(const struct sw_run_entry *entry, enum sw_run_list list)
{
    return entry->links[list].next;
}

void sw_run_entry_bind(struct sw_run_table *table, struct sw_run_entry *entry, uint64_t holder)
{
    assert(holder != 0);
    entry->holder = holder;
    sw_run_list_remove(table, SW_RUNS_GRACE, entry);
    if (!sw_run_entry_in(entry, SW_RUNS_BOUND))
        sw_run_list_push(table, SW_RUNS_BOUND, entry);
}

void sw_run_entry_unbind(struct sw_run_table *table, struct sw_run_entry *entry)
{
    entry->holder = 0;
    entry->last_call_ms = 0;
    sw_run_list_remove(table, SW_RUNS_BOUND, entry);
    sw_run_list_remove(table, SW_RUNS_GRACE, entry);
}

void sw_run_entry_grace(struct sw_run_table *table, struct sw_run_entry *entry,
                        uint64_t last_call_ms)
{
    sw_run_entry_unbind(table, entry);
    entry->last_call_ms = last_call_ms;
    sw_run_list_push(table, SW_RUNS_GRACE, entry);
}
