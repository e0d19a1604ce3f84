/* SPDX-License-Identifier: Apache-2.0
 *
 * place - a journal's directory while it is not open: who may, and how a restored file gets in.
 *
 *   DIR/lock, journal.db, journal.db-wal    as storage/journal/journal.h
 *   DIR/restoring-RANDOM/                   a journal on its way in; left over: removed
 *   DIR/orphan-TIME/                        files of a journal that diverged
 *   DIR/damaged-TIME/                       files of a journal that could not be read
 *
 * A restored journal is synced, its WAL renamed first, then journal.db: that rename
 * is the moment from which it is there. Before it, the directory has no journal, and the next
 * start begins anew.
 *
 * Owns:    DIR/lock between lock and unlock (the journal takes it when it opens).
 * Threads: one at a time.
 * Fails:   STORAGE_FAILED, JOURNAL_LOCKED, NO_MEMORY.
 */
#ifndef SW_ARCHIVE_PLACE_H
#define SW_ARCHIVE_PLACE_H

#include "storage/base/status.h"

enum { SW_PLACE_PATH_MAX = 4096 };

struct sw_place {
    char directory[SW_PLACE_PATH_MAX];
    char restoring[SW_PLACE_PATH_MAX]; /* "": there is none */
    int lock_fd;                       /* -1: not locked */
};

/* Makes the directory if it is not there, locks it. */
SW_MUST_CHECK enum sw_code sw_place_lock(struct sw_place *place, const char *directory,
                                         struct sw_err *err);
/* After an unlock. */
SW_MUST_CHECK enum sw_code sw_place_lock_again(struct sw_place *place, struct sw_err *err);
/* Safe to repeat. */
void sw_place_unlock(struct sw_place *place);
bool sw_place_has_journal(const struct sw_place *place);

/* Removes what earlier restores left, and makes place->restoring. */
SW_MUST_CHECK enum sw_code sw_place_prepare(struct sw_place *place, struct sw_err *err);
/* Moves the journal's files away: to DIR/NAME-TIME, or, with NULL, to where the next adopt or
 * prepare removes them. */
SW_MUST_CHECK enum sw_code sw_place_move_aside(struct sw_place *place, const char *name,
                                               uint64_t now_ms, struct sw_err *err);
/* The closed journal in place->restoring becomes that of the directory. */
SW_MUST_CHECK enum sw_code sw_place_adopt(struct sw_place *place, struct sw_err *err);
/* Removes place->restoring, if there is one. */
void sw_place_discard(struct sw_place *place);

#endif
