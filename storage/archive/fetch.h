/* SPDX-License-Identifier: Apache-2.0
 *
 * fetch - many objects in order, the next ones on their way while one is looked at.
 *
 *   window k     | being taken one by one
 *   window k + 1 | being downloaded, side by side, by a thread that lives so long
 *
 * A window has as many objects as may be downloaded at once, but no more than are
 * expected to fit into 8 MiB: memory stays bounded however long the list is.
 *
 * Owns:    two windows of objects, a thread; the store, from open to close.
 * Threads: one at a time.
 * Fails:   as the store. CORRUPT for an object that is missing.
 */
#ifndef SW_ARCHIVE_FETCH_H
#define SW_ARCHIVE_FETCH_H

#include "storage/object/object.h"

struct sw_fetch;

struct sw_fetch_options {
    struct sw_store *store;
    unsigned parallel;
    /* The key of object `index`, from 0; false: there are no more. Called on the taker's thread. */
    bool (*key)(void *self, uint64_t index, char ret_key[SW_OBJECT_KEY_MAX]);
    void *self;
    bool until_absent;    /* the first that is absent is the end; else it is an error */
    uint64_t bytes_guess; /* of an object */
    uint64_t bytes_max;   /* of an object */
};

SW_MUST_CHECK enum sw_code sw_fetch_open(const struct sw_fetch_options *options,
                                         struct sw_fetch **ret_fetch, struct sw_err *err);
/* Waits for what is on its way. NULL is fine. */
void sw_fetch_close(struct sw_fetch *fetch);

/* The next object, until the call after; *ret_key NULL: that was all. On failure it is that of
 * the object, if it is one object's. */
SW_MUST_CHECK enum sw_code sw_fetch_next(struct sw_fetch *fetch, const char **ret_key,
                                         struct sw_span *ret_object, struct sw_err *err);

#endif
