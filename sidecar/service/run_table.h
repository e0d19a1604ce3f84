/* SPDX-License-Identifier: Apache-2.0
 *
 * run_table - every run that has not ended, found by id, and who holds it.
 *
 * A run that has not ended always has an entry; what it is about (its image) is in
 * memory or not. Entries of ended runs stay for a while, for repeated calls. The
 * lists answer without a search:
 *
 *   OPEN    not ended, oldest first          where ClaimRun looks
 *   BOUND   held by a stream                 whose end releases them
 *   GRACE   held by calls without a stream, the one called longest ago first
 *   LOADED  not ended and in memory, least recently used first
 *   ENDED   ended, least recently used first
 *   DIRTY   touched by the batch that is not committed yet
 *
 * An open run is in at most one of BOUND and GRACE; in neither, nobody holds it.
 *
 * Owns:    the entries, their images and briefs.
 * Threads: the loop thread.
 * Fails:   new_entry when there is no memory; remember then remembers nothing.
 */
#ifndef SW_SERVICE_RUN_TABLE_H
#define SW_SERVICE_RUN_TABLE_H

#include "sidecar/service/run_image.h"

enum sw_run_list {
    SW_RUNS_OPEN,
    SW_RUNS_BOUND,
    SW_RUNS_GRACE,
    SW_RUNS_LOADED,
    SW_RUNS_ENDED,
    SW_RUNS_DIRTY,
    SW_RUN_LIST_COUNT
};

struct sw_run_link {
    struct sw_run_entry *previous;
    struct sw_run_entry *next;
    bool in;
};

/* What is remembered of a run that is not in memory and that nobody holds. */
struct sw_run_brief {
    struct sw_run_head head; /* its run_id and task are the entry's, its holder is below */
    uint64_t steps_in_doubt;
    uint8_t holder[];
};

struct sw_run_entry {
    struct sw_run_image *image; /* NULL: not in memory */
    struct sw_run_brief *brief; /* NULL: none; until the run is in memory again */
    uint64_t run;               /* 0: its RUN_STARTED is not appended yet */
    struct sw_span run_id;      /* in bytes[] */
    struct sw_span task;        /* in bytes[] */
    uint64_t hash;              /* of run_id */
    struct sw_run_entry *bucket_next;
    struct sw_run_link links[SW_RUN_LIST_COUNT];
    uint64_t holder;        /* the stream that holds it; 0: none */
    uint64_t holder_before; /* DIRTY: as it was before the batch */
    uint64_t last_call_ms;  /* of the lease without a stream */
    uint64_t committed_lsn; /* newest committed record that this process knows of; 0: none */
    uint8_t bytes[];
};

struct sw_run_table {
    struct sw_run_entry **buckets;
    size_t buckets_count; /* a power of two, or 0 */
    size_t count;
    struct {
        struct sw_run_entry *first;
        struct sw_run_entry *last;
        size_t count;
    } lists[SW_RUN_LIST_COUNT];
};

/* A zeroed table is an empty one. */
void sw_run_table_fini(struct sw_run_table *table);

struct sw_run_entry *sw_run_table_find(const struct sw_run_table *table, struct sw_span run_id);

/* An entry in no table, with no image, and room in the table for it; NULL without memory. */
struct sw_run_entry *sw_run_table_new_entry(struct sw_run_table *table, struct sw_span run_id,
                                            struct sw_span task);
void sw_run_table_add(struct sw_run_table *table, struct sw_run_entry *entry);
/* Frees the entry, in the table or not. */
void sw_run_table_destroy(struct sw_run_table *table, struct sw_run_entry *entry);

/* Replaces what is remembered of the run: nobody holds it. */
void sw_run_entry_remember(struct sw_run_entry *entry, const struct sw_run_head *head,
                           uint64_t steps_in_doubt);
void sw_run_entry_forget(struct sw_run_entry *entry);

static inline bool sw_run_entry_in(const struct sw_run_entry *entry, enum sw_run_list list)
{
    return entry->links[list].in;
}

/* To the end of the list, from wherever in it the entry is. */
void sw_run_list_push(struct sw_run_table *table, enum sw_run_list list,
                      struct sw_run_entry *entry);
/* Into OPEN at its place by age. */
void sw_run_list_insert_open(struct sw_run_table *table, struct sw_run_entry *entry);
/* Out of the list, if it is in. */
void sw_run_list_remove(struct sw_run_table *table, enum sw_run_list list,
                        struct sw_run_entry *entry);
struct sw_run_entry *sw_run_list_first(const struct sw_run_table *table, enum sw_run_list list);
struct sw_run_entry *sw_run_list_next(const struct sw_run_entry *entry, enum sw_run_list list);

/* The stream `holder` holds the run from now on. */
void sw_run_entry_bind(struct sw_run_table *table, struct sw_run_entry *entry, uint64_t holder);
/* No stream holds it: held for the grace period after last_call_ms, or by nobody. */
void sw_run_entry_unbind(struct sw_run_table *table, struct sw_run_entry *entry);
void sw_run_entry_grace(struct sw_run_table *table, struct sw_run_entry *entry,
                        uint64_t last_call_ms);

#endif
