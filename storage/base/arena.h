/* SPDX-License-Identifier: Apache-2.0
 *
 * arena - memory that is freed all at once: that of one call, or of one batch.
 *
 * Owns:    every block it handed out, until reset or fini.
 * Threads: one at a time.
 * Fails:   sw_arena_alloc returns NULL past the limit or when malloc does.
 */
#ifndef SW_ARENA_H
#define SW_ARENA_H

#include <stddef.h>

#include "storage/base/span.h"

struct sw_arena_block;

struct sw_arena {
    struct sw_arena_block *blocks; /* newest first */
    size_t spent;                  /* bytes handed out, rounded up */
    size_t limit;                  /* most bytes it hands out; 0 = no limit */
};

void sw_arena_init(struct sw_arena *arena, size_t limit);
void sw_arena_fini(struct sw_arena *arena);  /* frees everything; safe to repeat */
void sw_arena_reset(struct sw_arena *arena); /* empties it, keeping one small block */

/* size bytes aligned for any type, not zeroed; NULL when there are none. */
void *sw_arena_alloc(struct sw_arena *arena, size_t size);
/* As sw_arena_alloc, zeroed. */
void *sw_arena_zalloc(struct sw_arena *arena, size_t size);
/* A copy of span in the arena. On failure ret->data is NULL though size > 0 was asked: returns
 * false. */
bool sw_arena_copy(struct sw_arena *arena, struct sw_span span, struct sw_span *ret);
/* A NUL-terminated copy; NULL when there is no memory. */
char *sw_arena_text(struct sw_arena *arena, struct sw_span span);

#endif
