/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/service/open_steps.h"

#include <assert.h>
#include <stdlib.h>

enum {
    POOL_MAX = 1024,            /* steps kept for use */
    ARENA_KEPT_MAX = 16 * 1024, /* bytes a kept step's arena may have handed out */
    LOAD_MAX = 2                /* steps per bucket before the buckets double */
};

static void destroy(struct sw_open_step *step)
{
    sw_arena_fini(&step->arena);
    free(step);
}

void sw_step_pool_fini(struct sw_step_pool *pool)
{
    while (pool->first != NULL) {
        struct sw_open_step *step = pool->first;

        pool->first = step->newer;
        destroy(step);
    }
    pool->count = 0;
}

struct sw_open_step *sw_open_step_new(struct sw_step_pool *pool)
{
    struct sw_open_step *step = pool->first;

    if (step == NULL) {
        step = calloc(1, sizeof(*step));
        if (step != NULL)
            sw_arena_init(&step->arena, 0);
        return step;
    }
    pool->first = step->newer;
    pool->count--;
    step->newer = NULL;
    assert(step->step.state == SW_STEP_ABSENT);
    return step;
}

void sw_open_step_recycle(struct sw_step_pool *pool, struct sw_open_step *step)
{
    assert(step->kept == NULL);

    if (pool->count >= POOL_MAX || step->arena.spent > ARENA_KEPT_MAX) {
        destroy(step);
        return;
    }
    if (step->arena.spent > 0)
        sw_arena_reset(&step->arena);
    step->step = (struct sw_step){0};
    step->holder_name = (struct sw_span){0};
    step->inline_used = 0;
    step->bucket_next = NULL;
    step->older = NULL;
    step->newer = pool->first;
    pool->first = step;
    pool->count++;
}

bool sw_open_step_copy(struct sw_open_step *step, struct sw_span span, struct sw_span *ret)
{
    uint8_t *bytes = step->inline_bytes + step->inline_used;

    if (span.size > SW_OPEN_STEP_INLINE - step->inline_used)
        return sw_arena_copy(&step->arena, span, ret);
    if (span.size > 0)
        memcpy(bytes, span.data, span.size);
    step->inline_used += span.size;
    *ret = sw_span_of(span.size > 0 ? bytes : NULL, span.size);
    return true;
}

void sw_open_steps_fini(struct sw_open_steps *steps, struct sw_step_pool *pool)
{
    struct sw_open_step *step = steps->oldest;

    while (step != NULL) {
        struct sw_open_step *newer = step->newer;

        sw_open_step_recycle(pool, step);
        step = newer;
    }
    free(steps->buckets);
    *steps = (struct sw_open_steps){0};
}

static struct sw_open_step **bucket_of(struct sw_open_steps *steps, uint64_t hash)
{
    struct sw_open_step **buckets = steps->buckets != NULL ? steps->buckets : steps->own_buckets;

    return &buckets[(size_t)hash & (steps->buckets_count - 1)];
}

struct sw_open_step *sw_open_steps_find(const struct sw_open_steps *steps, uint64_t hash,
                                        struct sw_span key)
{
    struct sw_open_step *const *buckets =
        steps->buckets != NULL ? steps->buckets : steps->own_buckets;
    struct sw_open_step *step;

    if (steps->count == 0)
        return NULL;
    step = buckets[(size_t)hash & (steps->buckets_count - 1)];
    while (step != NULL && (step->hash != hash || !sw_span_equal(step->step.key, key)))
        step = step->bucket_next;
    return step;
}

/* Doubles the buckets. Without memory they stay: chains grow, nothing fails. */
static void grow(struct sw_open_steps *steps)
{
    size_t grown_count = 2 * steps->buckets_count;
    struct sw_open_step **grown;

    assert(grown_count > 0);
    grown = calloc(grown_count, sizeof(struct sw_open_step *));
    if (grown == NULL)
        return;
    free(steps->buckets);
    steps->buckets = grown;
    steps->buckets_count = grown_count;
    for (struct sw_open_step *step = steps->oldest; step != NULL; step = step->newer) {
        struct sw_open_step **bucket = bucket_of(steps, step->hash);

        step->bucket_next = *bucket;
        *bucket = step;
    }
}

void sw_open_steps_add(struct sw_open_steps *steps, struct sw_open_step *step)
{
    struct sw_open_step **bucket;

    assert(sw_open_steps_find(steps, step->hash, step->step.key) == NULL);

    if (steps->buckets_count == 0)
        steps->buckets_count = SW_OPEN_STEPS_BUCKETS;
    if (steps->count >= LOAD_MAX * steps->buckets_count)
        grow(steps);
    bucket = bucket_of(steps, step->hash);
    step->bucket_next = *bucket;
    *bucket = step;
    step->newer = NULL;
    step->older = steps->newest;
    if (steps->newest != NULL)
        steps->newest->newer = step;
    else
        steps->oldest = step;
    steps->newest = step;
    steps->count++;
    step->order = ++steps->added;
}

/* Where the chain of the bucket points to step. */
static struct sw_open_step **link_to(struct sw_open_steps *steps, const struct sw_open_step *step)
{
    struct sw_open_step **link = bucket_of(steps, step->hash);

    while (*link != step) {
        assert(*link != NULL);
        link = &(*link)->bucket_next;
    }
    return link;
}

/* Tells step's neighbours in the list who stands beside them from now on. */
static void relink(struct sw_open_steps *steps, const struct sw_open_step *step,
                   struct sw_open_step *after_older, struct sw_open_step *before_newer)
{
    if (step->older != NULL)
        step->older->newer = after_older;
    else
        steps->oldest = after_older;
    if (step->newer != NULL)
        step->newer->older = before_newer;
    else
        steps->newest = before_newer;
}

void sw_open_steps_replace(struct sw_open_steps *steps, struct sw_open_step *old,
                           struct sw_open_step *fresh)
{
    assert(fresh->hash == old->hash);
    assert(sw_span_equal(fresh->step.key, old->step.key));

    *link_to(steps, old) = fresh;
    fresh->bucket_next = old->bucket_next;
    fresh->older = old->older;
    fresh->newer = old->newer;
    relink(steps, old, fresh, fresh);
    fresh->order = old->order;
    fresh->kept = old->kept;
    old->kept = NULL;
}

void sw_open_steps_remove(struct sw_open_steps *steps, struct sw_open_step *step)
{
    *link_to(steps, step) = step->bucket_next;
    relink(steps, step, step->newer, step->older);
    steps->count--;
}
