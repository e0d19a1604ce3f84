/* SPDX-License-Identifier: Apache-2.0
 *
 * shipper - the thread that brings committed records to the object store.
 *
 *   loop: commit ──> sw_shipper_committed ──> (rests until something is due)
 *   shipper: sw_archive_ship ──> shipped_lsn ──> changed() ──> loop: answers go out
 *
 * A snapshot has a thread of its own (snapshotter.h): segments do not wait for it.
 *
 * When it ships is decided in engine/ship.h. It makes no request while everything is
 * shipped, and nothing it does holds the loop up: the two share atomics, and a lock
 * that the loop takes only to wake a thread that rests.
 *
 * Owns:    the archive, a reader of the journal, one thread. The store is the caller's, its use
 *          the shipper's until stop.
 * Threads: start and stop by one; the rest by any.
 * Fails:   a store that fails is tried again for as long as it takes. OWNER_FENCED is final:
 *          sw_shipper_is_fenced.
 */
#ifndef SW_SHIPPER_H
#define SW_SHIPPER_H

#include "sidecar/engine/ship.h"
#include "storage/archive/archive.h"

struct sw_shipper;

struct sw_shipper_options {
    const char *data; /* the journal's directory */
    uint64_t lsn;     /* newest committed record now */
    bool restored;    /* the journal was just read back from the store */
    struct sw_store *store;
    const struct sw_store_options *store_options; /* for a snapshot's connection to it */
    const struct sw_clock *clock;
    struct sw_ship_policy policy;
    /* On the shipper's thread: shipped_lsn moved, room came back, or the owner was fenced. */
    void (*changed)(void *self);
    void *self;
};

/* Takes *archive and leaves NULL, also when it fails. */
SW_MUST_CHECK enum sw_code sw_shipper_start(const struct sw_shipper_options *options,
                                            struct sw_archive **archive,
                                            struct sw_shipper **ret_shipper, struct sw_err *err);

/* A commit: the newest record, the bytes added, up to where somebody waits for the
 * store (0: nobody), and whether it is to be shipped soon. By one thread, the loop. */
void sw_shipper_committed(struct sw_shipper *shipper, uint64_t lsn, uint64_t bytes,
                          uint64_t wanted_lsn, bool soon);

/* From now on each commit at once. */
void sw_shipper_ship_every(struct sw_shipper *shipper);

uint64_t sw_shipper_shipped_lsn(const struct sw_shipper *shipper);
/* Retention is to leave runs that ended behind it: what is not shipped, and what is not in a
 * snapshot under way. */
uint64_t sw_shipper_keep_after(const struct sw_shipper *shipper);
bool sw_shipper_is_fenced(const struct sw_shipper *shipper);
/* New intents are not to be taken, when so many bytes are not committed yet. */
bool sw_shipper_is_full(const struct sw_shipper *shipper, uint64_t uncommitted_bytes);

enum sw_store_health {
    SW_STORE_ANSWERS = 1,
    SW_STORE_AWAY,    /* unavailable: tried again */
    SW_STORE_REFUSES, /* permissions, or the journal or an object is damaged: tried again */
    SW_STORE_FENCED   /* another owner has the journal */
};

struct sw_shipper_status {
    enum sw_store_health health;
    struct sw_archive_state archive;
    uint64_t shipped_lsn;
    uint64_t lag_records;
    uint64_t lag_bytes; /* about */
    uint64_t lag_ms;    /* age of the oldest unshipped record */
    uint64_t
        put_p50_us; /* of the newest 256 segments, each from reading to confirmation; 0 = none */
    uint64_t put_p99_us;
    uint64_t snapshot_at_ms; /* newest of this process; 0 = none */
    uint64_t
        verified_at_ms; /* when the store's copy was last read back and found right; 0 = not yet */
    char error[256];    /* of the last try, when it failed */
};
void sw_shipper_status(struct sw_shipper *shipper, struct sw_shipper_status *ret_status);

struct sw_shipper_end {
    uint64_t lsn;
    uint64_t shipped_lsn;
    bool fenced;
};

/* Ships what is left, for at most timeout_ms; a fenced owner puts its tail aside instead. Then ends
 * the thread and closes the archive. NULL is fine: everything is shipped. */
struct sw_shipper_end sw_shipper_stop(struct sw_shipper *shipper, uint64_t timeout_ms);

#endif
