/* SPDX-License-Identifier: Apache-2.0
 *
 * claim - how a process becomes the owner: what it knows, and what to do next.
 *
 *             tail              created                 above
 *   READING -------> FENCING --------------> CHECKING -------> OWNER
 *     ^  ^            |   ^                  ^  |
 *     |  |     exists |   | older            |  | below: void
 *     |  |            v   |           mine   |  |
 *     |  +---------- LOOKING ----------------+  |
 *     |     gone        |                       |
 *     |                 | same or newer         |
 *     |                 +----------------> LOST |
 *     +-----------------------------------------+
 *
 * READING: find the floor (the newest snapshot) and read the chain above it to its tail.
 * FENCING: create a FENCE of `epoch` in `slot`, if absent.
 * LOOKING: the slot is taken, perhaps by ourselves (rule (c)): read it and compare. One of an
 *          older epoch is applied, and the next slot tried. A slot that was taken and now is
 *          empty has been collected: somebody is far ahead.
 * CHECKING: find the floor again (rule (d)). Below it slots are empty because they were
 *          collected, so a fence there fences nobody: it stays, void, and all begins anew.
 *
 * tests/model walks the same states. Here is no I/O: take_over.c does what is asked.
 *
 * Owns:    nothing.
 * Threads: any.
 * Fails:   sw_claim_move aborts on an event that the state does not know: a bug of ours.
 */
#ifndef SW_ARCHIVE_CLAIM_H
#define SW_ARCHIVE_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

enum sw_claim_state {
    SW_CLAIM_READING,
    SW_CLAIM_FENCING,
    SW_CLAIM_LOOKING,
    SW_CLAIM_CHECKING,
    SW_CLAIM_OWNER,
    SW_CLAIM_LOST,
    SW_CLAIM_STATE_COUNT
};

enum sw_claim_event {
    SW_CLAIM_TAIL,    /* slot, epoch: of the newest segment; 0: there is none */
    SW_CLAIM_CREATED, /* our fence is there */
    SW_CLAIM_EXISTS,  /* something is in its slot */
    SW_CLAIM_MINE,    /* it is our fence, byte for byte */
    SW_CLAIM_OTHERS,  /* epoch: of what is there */
    SW_CLAIM_GONE,    /* nothing is there any more */
    SW_CLAIM_FLOOR,   /* slot: of the newest snapshot; 0: there is none */
    SW_CLAIM_EVENT_COUNT
};

struct sw_claim {
    enum sw_claim_state state;
    uint64_t slot;      /* of the fence */
    uint64_t epoch;     /* of the fence */
    uint64_t epoch_min; /* given: the local journal has been opened so often */
};

struct sw_claim_fact {
    enum sw_claim_event event;
    uint64_t slot;
    uint64_t epoch;
};

bool sw_claim_may(enum sw_claim_state state, enum sw_claim_event event);
void sw_claim_move(struct sw_claim *claim, const struct sw_claim_fact *fact);
const char *sw_claim_state_name(enum sw_claim_state state); /* "FENCING" */

#endif
