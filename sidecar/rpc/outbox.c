/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/rpc/outbox.h"

#include <assert.h>
#include <stdlib.h>

enum { MESSAGE_BYTES = 256 << 10, FIRST_ROOM = 1024, HEAD_MAX = 11 };

/* The body of a SessionResponse. */
struct sw_outbox_message {
    struct sw_outbox_message *next;
    uint8_t *bytes;
    size_t size;
    size_t room;
};

static void make_room(struct sw_outbox_message *message, size_t size)
{
    size_t room = message->room == 0 ? FIRST_ROOM : message->room * 2;

    if (message->size + size <= message->room)
        return;
    if (room < message->size + size)
        room = message->size + size;
    message->bytes = realloc(message->bytes, room);
    assert(message->bytes != NULL);
    message->room = room;
}

/* size bytes at the end of what is to be sent. */
static uint8_t *extend(struct sw_outbox *outbox, size_t size)
{
    struct sw_outbox_message *message = outbox->last;

    if (message == NULL || message->size + size > MESSAGE_BYTES) {
        message = calloc(1, sizeof *message);
        assert(message != NULL);
        if (outbox->last != NULL)
            outbox->last->next = message;
        else
            outbox->head = message;
        outbox->last = message;
    }
    make_room(message, size);
    message->size += size;
    outbox->bytes += size;
    return message->bytes + message->size - size;
}

void sw_outbox_put(struct sw_outbox *outbox, struct sw_span result)
{
    uint8_t head[HEAD_MAX] = {0x0a}; /* field 1, length-delimited */
    size_t head_size = 1;
    uint64_t left = result.size;
    uint8_t *at;

    do {
        head[head_size++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        left >>= 7;
    } while (left != 0);
    at = extend(outbox, head_size + result.size);
    memcpy(at, head, head_size);
    if (result.size != 0)
        memcpy(at + head_size, result.data, result.size);
}

bool sw_outbox_take(struct sw_outbox *outbox, uint8_t **ret_bytes, size_t *ret_size)
{
    struct sw_outbox_message *message = outbox->head;

    if (message == NULL)
        return false;
    outbox->head = message->next;
    if (outbox->head == NULL)
        outbox->last = NULL;
    outbox->bytes -= message->size;
    *ret_bytes = message->bytes;
    *ret_size = message->size;
    free(message);
    return true;
}

void sw_outbox_fini(struct sw_outbox *outbox)
{
    uint8_t *bytes;
    size_t size;

    while (sw_outbox_take(outbox, &bytes, &size))
        free(bytes);
}
