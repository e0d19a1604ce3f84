/* SPDX-License-Identifier: Apache-2.0
 *
 * ship - when committed records go to the object store, and when too many wait.
 *
 * At once when somebody waits for them or when every commit is to be shipped. At once, but
 * not right behind the last shipment, when a run ended or enough are pending: under load
 * each segment costs the agents more than it saves them. Else so long after the oldest of
 * them was committed. Nothing pending: nothing is due, so that an idle journal costs no
 * request. After a failure nothing is due before the back-off ends, whoever waits.
 */
#ifndef SW_ENGINE_SHIP_H
#define SW_ENGINE_SHIP_H

#include <stdbool.h>
#include <stdint.h>

struct sw_ship_policy {
    uint64_t interval_us; /* from the commit of the oldest unshipped record */
    uint64_t bytes_max;   /* so many are to be shipped soon */
    uint64_t spacing_us;  /* what is to be shipped soon waits so long behind the last shipment */
    uint64_t backlog_bytes_max;  /* 0 = no limit */
    uint64_t backlog_age_us_max; /* of the oldest unshipped record; 0 = no limit */
};

struct sw_ship_state {
    uint64_t lsn;           /* newest committed */
    uint64_t shipped_lsn;   /* the store has everything up to here */
    uint64_t wanted_lsn;    /* up to here somebody waits */
    uint64_t pending_bytes; /* of the records between, about */
    uint64_t oldest_us;     /* when the oldest of them was committed; 0 = none */
    uint64_t not_before_us; /* after a failure: when to try again; 0 = there was none */
    bool every;             /* each commit at once */
    uint64_t soon_lsn;      /* up to here there are ends of runs */
    uint64_t last_us;       /* when the last shipment began; 0 = there was none */
};

enum sw_ship_when { SW_SHIP_NEVER, SW_SHIP_LATER, SW_SHIP_NOW };

struct sw_ship_decision {
    enum sw_ship_when when;
    uint64_t at_us; /* LATER */
};

struct sw_ship_decision sw_decide_ship(const struct sw_ship_policy *policy,
                                       const struct sw_ship_state *state, uint64_t now_us);

/* Whether what is pending goes before its interval is over, though nobody waits. */
bool sw_decide_ship_soon(const struct sw_ship_policy *policy, const struct sw_ship_state *state);

/* Whether what waits is so much or so old that new intents are not taken. */
bool sw_decide_backlog_full(const struct sw_ship_policy *policy, uint64_t pending_bytes,
                            uint64_t oldest_us, uint64_t now_us);

/* A snapshot costs as much as the whole journal, beside the segments. */
struct sw_snapshot_state {
    bool due;                /* the archive says: a restore would read much beside the last one */
    uint64_t segments;       /* since the last one */
    uint64_t bytes;          /* likewise */
    uint64_t snapshot_bytes; /* of the last one; 0 = there is none */
};

/* Whether to take one now: when it is due and its cost is in proportion to what was shipped. */
bool sw_decide_snapshot(const struct sw_snapshot_state *state);

/* How long no other snapshot begins after one that took so long: they have a tenth of the time. */
uint64_t sw_snapshot_pause_us(uint64_t took_us);

/* Pause after the failures-th failure in a row, from 1; `seed` fixes the jitter. */
uint64_t sw_ship_back_off_us(unsigned failures, uint64_t seed);

#endif
