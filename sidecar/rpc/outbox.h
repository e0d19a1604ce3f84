/* SPDX-License-Identifier: Apache-2.0
 *
 * outbox - serialised results of a session, gathered into messages.
 *
 * What becomes ready while a message is being sent shares the next one, up to a size
 * that every client takes by default.
 *
 * Owns:    the bytes, until they are taken.
 * Threads: the loop.
 * Fails:   never; without memory it aborts.
 */
#ifndef SW_RPC_OUTBOX_H
#define SW_RPC_OUTBOX_H

#include "storage/base/span.h"

struct sw_outbox_message;

struct sw_outbox {
    struct sw_outbox_message *head;
    struct sw_outbox_message *last;
    size_t bytes; /* in all messages */
};

/* Adds a serialised SessionResult as an entry of SessionResponse.results. */
void sw_outbox_put(struct sw_outbox *outbox, struct sw_span result);

/* Takes the oldest message: malloc'd bytes, the caller's. False: there is none. */
bool sw_outbox_take(struct sw_outbox *outbox, uint8_t **ret_bytes, size_t *ret_size);

void sw_outbox_fini(struct sw_outbox *outbox); /* drops what is left */

#endif
