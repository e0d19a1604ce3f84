/* SPDX-License-Identifier: Apache-2.0
 *
 * opener - the thread that opens the journal while the server answers that it is not there yet.
 *
 *   wait for the name ──> take over, restore ──> opened() ──> the thread ends
 *                    └──> open (no store)    ──┘
 *
 * A store that does not answer is tried again until it does: the probe that waits for the
 * server decides how long that may take.
 *
 * Owns:    one thread. The store is the caller's, its use the opener's until the end.
 * Threads: start and stop by one.
 * Fails:   failed() gets the reason: those of sw_archive_take_over and sw_journal_open, but for
 *          STORE_UNAVAILABLE.
 */
#ifndef SW_OPENER_H
#define SW_OPENER_H

#include "storage/archive/archive.h"

struct sw_opener;

struct sw_opener_options {
    struct sw_journal_options journal; /* name NULL: from name_file */
    const char *name_file;  /* NULL, or a file whose first line is the name; waited for */
    struct sw_store *store; /* NULL: the journal stays on this node */
    const char *key_file;
    const struct sw_clock *clock;
    /* On the opener's thread. *archive is NULL without a store; what is taken is set to NULL. */
    enum sw_code (*opened)(void *self, struct sw_journal **journal, struct sw_archive **archive,
                           const struct sw_take_over *report, struct sw_err *err);
    void (*failed)(void *self, enum sw_code rc, const struct sw_err *err);
    void *self;
};

SW_MUST_CHECK enum sw_code sw_opener_start(const struct sw_opener_options *options,
                                           struct sw_opener **ret_opener, struct sw_err *err);

/* Ends what is under way: neither callback follows when none has yet. NULL is fine. */
void sw_opener_stop(struct sw_opener *opener);

#endif
