/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

enum {
    ALIGNMENT = alignof(max_align_t),
    BLOCK_FIRST = 4096,      /* bytes, with the header */
    BLOCK_MAX = 1024 * 1024, /* blocks double up to here; larger ones serve one request */
    BLOCK_KEPT = 64 * 1024   /* the largest block that survives a reset */
};

struct sw_arena_block {
    struct sw_arena_block *next;
    size_t size; /* of bytes[] */
    size_t used;
    alignas(max_align_t) uint8_t bytes[];
};

void sw_arena_init(struct sw_arena *arena, size_t limit)
{
    *arena = (struct sw_arena){.limit = limit};
}

void sw_arena_fini(struct sw_arena *arena)
{
    struct sw_arena_block *block = arena->blocks;

    while (block != NULL) {
        struct sw_arena_block *next = block->next;

        free(block);
        block = next;
    }
    arena->blocks = NULL;
    arena->spent = 0;
}

void sw_arena_reset(struct sw_arena *arena)
{
    struct sw_arena_block *kept = NULL;
    struct sw_arena_block *block = arena->blocks;

    while (block != NULL) {
        struct sw_arena_block *next = block->next;

        if (kept == NULL && block->size <= BLOCK_KEPT)
            kept = block;
        else
            free(block);
        block = next;
    }
    if (kept != NULL) {
        kept->next = NULL;
        kept->used = 0;
    }
    arena->blocks = kept;
    arena->spent = 0;
}

/* Adds a block with room for size bytes; NULL when malloc has none. */
static struct sw_arena_block *add_block(struct sw_arena *arena, size_t size)
{
    struct sw_arena_block *head = arena->blocks;
    size_t room = BLOCK_FIRST - sizeof(struct sw_arena_block);
    struct sw_arena_block *block;
    bool single;

    if (head != NULL)
        room = head->size < BLOCK_MAX / 2 ? 2 * head->size : BLOCK_MAX;
    single = size > room / 2 && head != NULL;
    if (size > room || single)
        room = size;
    block = malloc(sizeof(*block) + room);
    if (block == NULL)
        return NULL;
    block->size = room;
    block->used = 0;
    if (single) { /* goes behind the head, whose free rest stays usable */
        block->next = head->next;
        head->next = block;
    } else {
        block->next = head;
        arena->blocks = block;
    }
    return block;
}

void *sw_arena_alloc(struct sw_arena *arena, size_t size)
{
    struct sw_arena_block *block = arena->blocks;
    size_t rounded;
    void *bytes;

    if (size > SIZE_MAX / 2)
        return NULL;
    rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (arena->limit != 0 && rounded > arena->limit - arena->spent)
        return NULL;
    if (block == NULL || block->size - block->used < rounded) {
        block = add_block(arena, rounded);
        if (block == NULL)
            return NULL;
    }
    bytes = block->bytes + block->used;
    block->used += rounded;
    arena->spent += rounded;
    return bytes;
}

void *sw_arena_zalloc(struct sw_arena *arena, size_t size)
{
    void *bytes = sw_arena_alloc(arena, size);

    if (bytes != NULL)
        memset(bytes, 0, size);
    return bytes;
}

bool sw_arena_copy(struct sw_arena *arena, struct sw_span span, struct sw_span *ret)
{
    uint8_t *bytes = NULL;

    if (span.size > 0) {
        bytes = sw_arena_alloc(arena, span.size);
        if (bytes == NULL) {
            *ret = (struct sw_span){0};
            return false;
        }
        memcpy(bytes, span.data, span.size);
    }
    *ret = sw_span_of(bytes, span.size);
    return true;
}

char *sw_arena_text(struct sw_arena *arena, struct sw_span span)
{
    char *text = sw_arena_alloc(arena, span.size + 1);

    if (text == NULL)
        return NULL;
    if (span.size > 0)
        memcpy(text, span.data, span.size);
    text[span.size] = '\0';
    return text;
}
