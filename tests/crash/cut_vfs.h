/* SPDX-License-Identifier: Apache-2.0
 *
 * cut_vfs - a SQLite VFS whose power can be cut, or whose calls fail, at a chosen moment.
 *
 * Wraps the default VFS: the process sees what it wrote, as from the page cache. Beside it
 * stands, for each file, what is durable: its bytes at the last sync, and the writes since. After
 * the cut every call fails; what survives is the durable bytes and any of the later writes, whole,
 * torn into sectors, or not at all, as a seed decides. Deleting a file counts as durable at
 * once; the shared memory of the WAL index does not survive.
 *
 * Owns:    copies of all files opened through it, until cut_vfs_reset.
 * Threads: one.
 * Fails:   as armed.
 */
#ifndef SW_TESTS_CUT_VFS_H
#define SW_TESTS_CUT_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum cut_kind {
    CUT_NEVER,
    CUT_POWER,     /* at the event: it and every later call fail */
    CUT_FAIL_ONCE, /* the event fails with an I/O error */
    CUT_FAIL_EVER, /* it and all later events */
    CUT_FULL_ONCE, /* the event, if a write, says that the disk is full */
    CUT_FULL_EVER  /* it and all later writes say that the disk is full */
};

extern const char cut_vfs_name[];

void cut_vfs_register(void);
void cut_vfs_reset(void);
/* Arms the event (a write, truncate or sync of a file, a mapping of the WAL index), counted
 * from 1 since the reset. */
void cut_vfs_arm(enum cut_kind kind, unsigned event);
unsigned cut_vfs_events(void); /* since the reset */
bool cut_vfs_fired(void);
/* Writes what survives of each file into a folder, under its own name. */
void cut_vfs_survive(const char *folder, uint64_t seed);

#endif
