/* SPDX-License-Identifier: Apache-2.0
 *
 * acked - up to where the journal was synced, noted beside it.
 *
 * SQLite reads a WAL up to the first frame that fails its checksum. After a power cut that is
 * where what was written ends; after a flipped bit it is where what can be read ends, and the
 * records behind it, synced and acknowledged, would be missing without a word. This note says that
 * they were there. It is written behind each sync and not synced itself: it is never ahead of
 * the journal, survives the process, and after a power cut is as old as the kernel left it.
 *
 *   journal.db-acked:  uuid 16 bytes, lsn u64, XXH3 of these (seed 0) u64, little-endian
 *
 * A file of another journal, or one that fails its checksum, says nothing.
 *
 * Owns:    the open file.
 * Threads: one at a time.
 * Fails:   CORRUPT by sw_acked_check. Without a note the journal is what can be read of it.
 */
#ifndef SW_JOURNAL_ACKED_H
#define SW_JOURNAL_ACKED_H

#include "storage/base/status.h"

/* Opens the note beside the database for writing; -1: there is none. */
int sw_acked_open(const char *db_path);
void sw_acked_close(int fd); /* -1 is fine */

void sw_acked_write(int fd, const uint8_t uuid[16], uint64_t lsn);

/* 0: nothing is known. */
uint64_t sw_acked_read(const char *db_path, const uint8_t uuid[16]);
/* That a journal which ends at lsn has all that was synced. */
SW_MUST_CHECK enum sw_code sw_acked_check(const char *db_path, uint64_t acked_lsn, uint64_t lsn,
                                          struct sw_err *err);

#endif
