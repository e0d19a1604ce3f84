/* SPDX-License-Identifier: Apache-2.0
 *
 * open_steps - a run's unfinished steps, found by key, listed oldest first.
 *
 * A step that is open now is finished 20 us later in a straight-line agent, so the
 * structs go round through a pool: begin and finish cost no malloc. Short strings
 * live inside the struct, longer ones in its arena.
 *
 * Owns:    the steps in it; the pool owns those that wait to be used again.
 * Threads: one at a time.
 * Fails:   new and copy answer that there is no memory; nothing else fails.
 */
#ifndef SW_SERVICE_OPEN_STEPS_H
#define SW_SERVICE_OPEN_STEPS_H

#include "sidecar/engine/step.h"
#include "storage/base/arena.h"

enum { SW_OPEN_STEP_INLINE = 256 };

struct sw_open_step {
    struct sw_step step;        /* its spans and refs live below */
    struct sw_span holder_name; /* who began the newest attempt */
    uint64_t hash;              /* of the key */
    uint64_t order;             /* rises from the oldest to the newest, from 1 */
    void *kept;                 /* of whoever lists the steps; NULL when recycled */
    struct sw_open_step *bucket_next;
    struct sw_open_step *older;
    struct sw_open_step *newer;
    struct sw_arena arena;
    size_t inline_used;
    uint8_t inline_bytes[SW_OPEN_STEP_INLINE];
};

struct sw_step_pool {
    struct sw_open_step *first;
    size_t count;
};
void sw_step_pool_fini(struct sw_step_pool *pool);

/* An ABSENT step; NULL when there is no memory. */
struct sw_open_step *sw_open_step_new(struct sw_step_pool *pool);
/* Gives it back, with all that was copied into it. */
void sw_open_step_recycle(struct sw_step_pool *pool, struct sw_open_step *step);
/* Copies span into the step; false when there is no memory. */
bool sw_open_step_copy(struct sw_open_step *step, struct sw_span span, struct sw_span *ret);

enum { SW_OPEN_STEPS_BUCKETS = 4 };

struct sw_open_steps {
    struct sw_open_step *oldest;
    struct sw_open_step *newest;
    struct sw_open_step **buckets; /* NULL: few, those of the struct itself */
    struct sw_open_step *own_buckets[SW_OPEN_STEPS_BUCKETS];
    size_t buckets_count; /* a power of two; 0: no step yet */
    size_t count;
    uint64_t added; /* ever */
};

/* A zeroed list is an empty one. */
void sw_open_steps_fini(struct sw_open_steps *steps, struct sw_step_pool *pool);

struct sw_open_step *sw_open_steps_find(const struct sw_open_steps *steps, uint64_t hash,
                                        struct sw_span key);
/* step->hash and step->step.key are set, and the key is not in the list. */
void sw_open_steps_add(struct sw_open_steps *steps, struct sw_open_step *step);
/* fresh, of the same key, takes old's place; old is taken out. */
void sw_open_steps_replace(struct sw_open_steps *steps, struct sw_open_step *old,
                           struct sw_open_step *fresh);
void sw_open_steps_remove(struct sw_open_steps *steps, struct sw_open_step *step);

#endif
