/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/claim.h"

#include <stdlib.h>

#define ON(name) (1u << SW_CLAIM_##name)

static const struct {
    const char *name;
    unsigned events;
} states[SW_CLAIM_STATE_COUNT] = {
    [SW_CLAIM_READING] = {"READING", ON(TAIL)},
    [SW_CLAIM_FENCING] = {"FENCING", ON(CREATED) | ON(EXISTS)},
    [SW_CLAIM_LOOKING] = {"LOOKING", ON(MINE) | ON(OTHERS) | ON(GONE)},
    [SW_CLAIM_CHECKING] = {"CHECKING", ON(FLOOR)},
    [SW_CLAIM_OWNER] = {"OWNER", 0},
    [SW_CLAIM_LOST] = {"LOST", 0},
};

_Static_assert(SW_CLAIM_EVENT_COUNT <= 32, "event sets are 32 bits wide");

const char *sw_claim_state_name(enum sw_claim_state state)
{
    return state < SW_CLAIM_STATE_COUNT ? states[state].name : "?";
}

bool sw_claim_may(enum sw_claim_state state, enum sw_claim_event event)
{
    return state < SW_CLAIM_STATE_COUNT && event < SW_CLAIM_EVENT_COUNT &&
           (states[state].events & (1u << event)) != 0;
}

void sw_claim_move(struct sw_claim *claim, const struct sw_claim_fact *fact)
{
    if (!sw_claim_may(claim->state, fact->event))
        abort();
    switch (fact->event) {
    case SW_CLAIM_TAIL:
        claim->slot = fact->slot + 1;
        claim->epoch = fact->epoch + 1 > claim->epoch_min ? fact->epoch + 1 : claim->epoch_min;
        claim->state = SW_CLAIM_FENCING;
        return;
    case SW_CLAIM_EXISTS:
        claim->state = SW_CLAIM_LOOKING;
        return;
    case SW_CLAIM_CREATED:
    case SW_CLAIM_MINE:
        claim->state = SW_CLAIM_CHECKING;
        return;
    case SW_CLAIM_OTHERS:
        if (fact->epoch < claim->epoch) {
            claim->slot++;
            claim->state = SW_CLAIM_FENCING;
        } else {
            claim->state = SW_CLAIM_LOST;
        }
        return;
    case SW_CLAIM_GONE:
        claim->state = SW_CLAIM_READING;
        return;
    case SW_CLAIM_FLOOR:
        claim->state = claim->slot > fact->slot ? SW_CLAIM_OWNER : SW_CLAIM_READING;
        return;
    case SW_CLAIM_EVENT_COUNT:
        break;
    }
    abort();
}
