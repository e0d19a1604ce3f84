/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/engine/ship.h"

#include <assert.h>

/* The store's driver has retried for seconds before a failure gets here; once the store is back,
 * nobody shall wait for more than the cap. */
enum { BACK_OFF_FIRST_US = 100 * 1000, BACK_OFF_CAP_US = 1000 * 1000 };

/* Of a large journal a snapshot is worth its cost when twice as much was shipped since the last, so
 * that all snapshots together cost about half of the shipping; or when a restore would take seconds
 * to read the many segments. */
enum {
    SNAPSHOT_CHEAP_BYTES = 4 << 20,
    SNAPSHOT_FACTOR = 2,
    SNAPSHOT_SEGMENTS = 2048,
    SNAPSHOT_PAUSE_FACTOR = 9,
    SNAPSHOT_PAUSE_MIN_US = 5 * 1000 * 1000 /* a store that takes 50 segments a second is fast */
};

bool sw_decide_ship_soon(const struct sw_ship_policy *policy, const struct sw_ship_state *state)
{
    return state->soon_lsn > state->shipped_lsn || state->pending_bytes >= policy->bytes_max;
}

struct sw_ship_decision sw_decide_ship(const struct sw_ship_policy *policy,
                                       const struct sw_ship_state *state, uint64_t now_us)
{
    struct sw_ship_decision later = {.when = SW_SHIP_LATER};
    uint64_t soon_us = state->last_us == 0 ? 0 : state->last_us + policy->spacing_us;

    if (state->lsn <= state->shipped_lsn)
        return (struct sw_ship_decision){.when = SW_SHIP_NEVER};
    later.at_us = state->oldest_us + policy->interval_us;
    if (sw_decide_ship_soon(policy, state) && soon_us < later.at_us)
        later.at_us = soon_us;
    if (state->every || state->wanted_lsn > state->shipped_lsn)
        later.at_us = 0;
    if (later.at_us < state->not_before_us)
        later.at_us = state->not_before_us;
    if (later.at_us > now_us)
        return later;
    return (struct sw_ship_decision){.when = SW_SHIP_NOW};
}

bool sw_decide_backlog_full(const struct sw_ship_policy *policy, uint64_t pending_bytes,
                            uint64_t oldest_us, uint64_t now_us)
{
    if (policy->backlog_bytes_max != 0 && pending_bytes >= policy->backlog_bytes_max)
        return true;
    return policy->backlog_age_us_max != 0 && oldest_us != 0 &&
           now_us >= oldest_us + policy->backlog_age_us_max;
}

bool sw_decide_snapshot(const struct sw_snapshot_state *state)
{
    bool worth = state->snapshot_bytes <= SNAPSHOT_CHEAP_BYTES ||
                 state->bytes >= SNAPSHOT_FACTOR * state->snapshot_bytes ||
                 state->segments >= SNAPSHOT_SEGMENTS;

    return state->due && worth;
}

uint64_t sw_snapshot_pause_us(uint64_t took_us)
{
    uint64_t pause_us = took_us * SNAPSHOT_PAUSE_FACTOR;

    return pause_us < SNAPSHOT_PAUSE_MIN_US ? SNAPSHOT_PAUSE_MIN_US : pause_us;
}

uint64_t sw_ship_back_off_us(unsigned failures, uint64_t seed)
{
    uint64_t delay_us = BACK_OFF_FIRST_US;

    assert(failures >= 1);
    while (--failures > 0 && delay_us < BACK_OFF_CAP_US)
        delay_us *= 2;
    if (delay_us > BACK_OFF_CAP_US)
        delay_us = BACK_OFF_CAP_US;
    return delay_us / 2 + seed % (delay_us / 2 + 1);
}
