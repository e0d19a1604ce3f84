/* SPDX-License-Identifier: Apache-2.0
 *
 * snapshotter - a thread that writes one snapshot, while the shipper goes on with segments.
 *
 * A snapshot reads the whole journal and writes it to the store: seconds, where a segment takes
 * milliseconds and somebody waits for it. So it has a fork of the archive, a reader and a
 * connection to the store of its own, for as long as it takes. Rule (a) is kept: what it
 * creates is no segment.
 *
 * Owns:    one thread, and what it works with.
 * Threads: one, the shipper's; ended() is called by its own.
 * Fails:   as sw_archive_snapshot; CANCELLED after sw_snapshotter_cancel.
 */
#ifndef SW_SNAPSHOTTER_H
#define SW_SNAPSHOTTER_H

#include "storage/archive/archive.h"

struct sw_snapshotter;

struct sw_snapshotter_options {
    const char *data;                     /* the journal's directory */
    const struct sw_store_options *store; /* for a connection of its own */
    void (*ended)(void *self);            /* it can be finished without waiting */
    void *self;
};

/* Of everything that `archive` has shipped. */
SW_MUST_CHECK enum sw_code sw_snapshotter_start(const struct sw_snapshotter_options *options,
                                                const struct sw_archive *archive,
                                                struct sw_snapshotter **ret_snapshotter,
                                                struct sw_err *err);
/* NULL: false. */
bool sw_snapshotter_has_ended(const struct sw_snapshotter *snapshotter);
/* It ends soon, whatever the store does. */
void sw_snapshotter_cancel(struct sw_snapshotter *snapshotter);
/* Waits for its end; the archive knows then what it did. Leaves NULL. */
SW_MUST_CHECK enum sw_code sw_snapshotter_finish(struct sw_snapshotter **snapshotter,
                                                 struct sw_archive *archive, struct sw_err *err);

#endif
