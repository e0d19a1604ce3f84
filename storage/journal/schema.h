/* SPDX-License-Identifier: Apache-2.0
 *
 * schema - the tables of journal.db, and how an older file becomes a newer one.
 *
 *   log        lsn, type, run, chunked,      the truth: row.h says what a row is.
 *              body, chain                   Written at the end only, no index.
 *   run        no (lsn of RUN_STARTED), id, task, state, started_ms, ended_ms,
 *              end_lsn, steps, purged        one row per run, written with its
 *                                            RUN_STARTED and RUN_ENDED
 *   run_log    run, first, last, lsns        late index: the records of a run, a row
 *                                            for each slice: a JSON array of lsns, rising
 *   chunk      digest, lsn, offset, size     late index: where a chunk's bytes lie
 *   chunk_use  run, lsn                      late index: CHUNK records a run refers to
 *   meta       key, value                    uuid, name, created_ms, epoch,
 *                                            indexed_lsn, kept_lsn, check
 *
 * One row per run and slice, not per record: a slice over many runs then writes a
 * page or two for each of them, and SQLite's json_each takes the array apart.
 *
 * An index entry per record, written with it, would double the bytes of a commit;
 * so run_log, chunk and chunk_use are written in slices, later: they are complete
 * for every record up to meta.indexed_lsn, which is written in the slice's
 * transaction. Behind it, a scan of the log answers.
 *
 * chunk.digest is a SHA-256. meta.check is the XXH3 of the other values:
 * uuid, created_ms u64, epoch u64, indexed_lsn u64, kept_lsn u64 unless it is 0
 * (little-endian), name.
 *
 * PRAGMA application_id says "this is a journal of ours", user_version which
 * tables it has: migration n takes a file from version n to n + 1, and 0 is an
 * empty file. A version above SW_SCHEMA_VERSION is refused.
 *
 * Owns:    nothing.
 * Threads: one at a time.
 * Fails:   JOURNAL_TOO_NEW, CORRUPT, STORAGE_FAILED, JOURNAL_FULL.
 */
#ifndef SW_JOURNAL_SCHEMA_H
#define SW_JOURNAL_SCHEMA_H

#include "storage/journal/db.h"
#include "storage/journal/journal.h"

enum { SW_SCHEMA_VERSION = 1, SW_SCHEMA_APPLICATION_ID = 0x53744c67 /* "StLg" */ };

struct sw_meta {
    uint8_t uuid[16];
    char name[SW_JOURNAL_NAME_MAX + 1];
    uint64_t created_ms;
    uint64_t epoch;
    uint64_t indexed_lsn;
    uint64_t kept_lsn; /* retention leaves runs that ended behind it; 0: it leaves none */
};

/* The file's version: 0 for an empty one. CORRUPT for a database that is no
 * journal, JOURNAL_TOO_NEW for one of a later version. */
SW_MUST_CHECK enum sw_code sw_schema_version(struct sw_db *db, uint64_t *ret_version,
                                             struct sw_err *err);

/* Brings a file from `version` to SW_SCHEMA_VERSION, in the open transaction. */
SW_MUST_CHECK enum sw_code sw_schema_migrate(struct sw_db *db, uint64_t version,
                                             struct sw_err *err);

SW_MUST_CHECK enum sw_code sw_meta_read(struct sw_db *db, struct sw_meta *ret_meta,
                                        struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_meta_write(struct sw_db *db, const struct sw_meta *meta,
                                         struct sw_err *err);

#endif
