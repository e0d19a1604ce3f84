/* SPDX-License-Identifier: Apache-2.0
 *
 * archive - a journal's copy in an object store, and who may write it.
 *
 *   <prefix>/v1/<journal>/
 *     meta              created once: journal UUID, format, cipher (meta.h)
 *     log/<slot>        the chain: FENCE, DATA and RETIRE segments (segment.h), slot from 1,
 *                       20 digits
 *     snap/<slot>/...   parts first, then the index: the index is the commit point (snapshot.h)
 *     orphan/<owner>/.. divergent local tails, kept for audit
 *
 * A segment is created if its slot is absent and never changes: the creation itself is
 * the fence. Four rules make that sound (tests/model shows what breaks without each):
 *
 *   (a) one creation in flight per journal
 *   (b) a slot's bytes are frozen at the first try; every retry is the same bytes
 *   (c) "exists" says nothing until the slot is read and compared with what was sent
 *   (d) FENCE segments are never collected, and a new owner reads the floor (the newest
 *       snapshot's slot) again after its fence
 *
 * Owns:    its position in the chain and the bytes in flight. Not the store.
 * Threads: one at a time, but for sw_archive_give_way. A fork is used by a thread of its own.
 * Fails:   OWNER_FENCED: another owner holds the journal; nothing works any more but
 *          sw_archive_put_aside and close. STORE_UNAVAILABLE, STORE_REFUSED: the call may
 *          be repeated and continues with the same bytes. CORRUPT names the object.
 *          JOURNAL_TOO_NEW, CONFIGURATION (another journal, wrong key), NO_MEMORY, CANCELLED.
 */
#ifndef SW_ARCHIVE_H
#define SW_ARCHIVE_H

#include "storage/base/clock.h"
#include "storage/base/status.h"
#include "storage/journal/journal.h"
#include "storage/object/object.h"

struct sw_archive;

enum { SW_ARCHIVE_OWNER_SIZE = 16 };

struct sw_archive_options {
    struct sw_store *store;
    const char *journal;  /* its name, as in the URL's path: 1 to 128 of a-z A-Z 0-9 . _ - */
    const char *key_file; /* AES-256-GCM key, see cipher.h; NULL: not encrypted */
    const struct sw_clock *clock;
    unsigned parallel; /* downloads at once; 0 = 32 */
    /* Told now and then while restoring; may be NULL. total 0: not known yet. */
    void (*progress)(void *self, uint64_t records, uint64_t bytes, uint64_t total_bytes);
    void *self;
};

/* What was there when an owner came. */
enum sw_local {
    SW_LOCAL_NEW = 1, /* neither here nor there: a new journal */
    SW_LOCAL_ABSENT,  /* restored whole */
    SW_LOCAL_SAME,
    SW_LOCAL_BEHIND,   /* the difference was applied */
    SW_LOCAL_AHEAD,    /* the surplus is to be shipped */
    SW_LOCAL_DIVERGED, /* the tail went to orphan/, the journal was restored */
    SW_LOCAL_DAMAGED   /* its files went to DIR/damaged-TIME, the journal was restored */
};

struct sw_take_over {
    enum sw_local local;
    uint64_t epoch;       /* of this owner */
    uint64_t slot;        /* of its fence */
    uint64_t lsn;         /* of the local journal now */
    uint64_t shipped_lsn; /* the chain holds everything up to here */
    uint64_t restored_records;
    uint64_t restored_bytes;                    /* downloaded */
    uint64_t orphan_first_lsn, orphan_last_lsn; /* DIVERGED */
    char orphan[SW_OBJECT_KEY_MAX];             /* DIVERGED: the key of the tail */
    char damage[SW_ERR_TEXT_MAX];               /* DAMAGED: what is wrong with the files */
};

/* Whether the store may be trusted with the journal. A new one: sw_store_probe, in full. One that
 * has an archive there passed that once; that the store still keeps conditions costs one creation:
 * of META, by its own bytes, which has to be there. */
SW_MUST_CHECK enum sw_code sw_archive_probe(struct sw_store *store, const char *journal,
                                            struct sw_err *err);

/* Becomes the owner: reads meta and chain, fences, reads the floor again, and brings the
 * journal in `journal_options->directory` to what the chain holds. The chain without a fence
 * of this call is never touched. Afterwards *ret_journal is open, its epoch that of
 * the fence. A directory that holds a journal of another UUID is refused with CONFIGURATION, one
 * that holds a damaged journal (CORRUPT) when the store has none to restore. */
SW_MUST_CHECK enum sw_code sw_archive_take_over(const struct sw_archive_options *options,
                                                const struct sw_journal_options *journal_options,
                                                struct sw_archive **ret_archive,
                                                struct sw_journal **ret_journal,
                                                struct sw_take_over *ret_report,
                                                struct sw_err *err);
void sw_archive_close(struct sw_archive *archive); /* NULL is fine */

struct sw_archive_state {
    uint8_t owner[SW_ARCHIVE_OWNER_SIZE];
    uint64_t epoch;
    uint64_t slot; /* newest of ours that is surely there */
    uint64_t shipped_lsn;
    uint64_t snapshot_slot; /* 0: none */
    uint64_t segments_since_snapshot;
    uint64_t bytes_since_snapshot; /* of objects */
    uint64_t snapshot_bytes;       /* of the newest snapshot */
    bool fenced;
};
struct sw_archive_state sw_archive_state(const struct sw_archive *archive);

/* Ships one segment: the next records above shipped_lsn, as many as fit. `reader` is of the
 * owner's journal. *ret_more: there is more behind it. With STORE_UNAVAILABLE the bytes stay frozen
 * and the next call tries the same again. deadline_ms: for this call. */
SW_MUST_CHECK enum sw_code sw_archive_ship(struct sw_archive *archive,
                                           struct sw_journal_reader *reader, uint64_t deadline_ms,
                                           bool *ret_more, struct sw_err *err);

/* What the journal has above shipped_lsn. */
struct sw_surplus {
    uint64_t rows;
    uint64_t bytes;        /* of their fields */
    uint64_t oldest_at_ms; /* 0: not known */
};
SW_MUST_CHECK enum sw_code sw_archive_surplus(const struct sw_archive *archive,
                                              struct sw_journal_reader *reader,
                                              struct sw_surplus *ret_surplus, struct sw_err *err);

/* Whether a snapshot is due: 256 segments, or four times the last one's bytes. */
bool sw_archive_snapshot_due(const struct sw_archive *archive);
/* Writes one of everything up to shipped_lsn, reads it back, and removes what two snapshots
 * make needless (never a FENCE). */
SW_MUST_CHECK enum sw_code sw_archive_snapshot(struct sw_archive *archive,
                                               struct sw_journal_reader *reader,
                                               struct sw_err *err);

/* For a snapshot by another thread while this one ships: one that knows what this one does, with a
 * store of its own, good for sw_archive_snapshot and nothing else. What it writes is the journal up
 * to shipped_lsn as of now. Runs that end behind that must be there until it is joined: a run of
 * which the snapshot has nothing and the segments behind it the rest could not be restored. */
SW_MUST_CHECK enum sw_code sw_archive_fork(const struct sw_archive *archive, struct sw_store *store,
                                           struct sw_archive **ret_fork, struct sw_err *err);
/* Takes what the fork did and learned, closes it and leaves NULL. */
void sw_archive_join(struct sw_archive *archive, struct sw_archive **fork);

/* Any thread. While it is to give way, a snapshot ends with CANCELLED at its next part: something
 * else is to be done soon. The next one begins anew. */
void sw_archive_give_way(struct sw_archive *archive, bool to_give_way);

/* Fenced: what was not shipped goes to orphan/<owner>/<first>-<last>, for a person to look at. */
SW_MUST_CHECK enum sw_code sw_archive_put_aside(struct sw_archive *archive,
                                                struct sw_journal_reader *reader,
                                                char ret_key[SW_OBJECT_KEY_MAX],
                                                struct sw_err *err);

/* ---- without owning ------------------------------------------------------ */

struct sw_restore_options {
    const char *directory; /* must hold no journal */
    uint64_t lsn_max;      /* stop there; 0 = the end */
    uint64_t at_ms_max;    /* stop before the first record later than this; 0 = the end */
};
struct sw_restore_report {
    char name[SW_JOURNAL_NAME_MAX + 1];
    uint64_t lsn;
    uint64_t slot;
    uint64_t epoch;
    uint64_t records;
    uint64_t bytes;
};
/* A copy of the chain as of now, in a fresh journal file; nothing in the store changes. */
SW_MUST_CHECK enum sw_code sw_archive_restore(const struct sw_archive_options *options,
                                              const struct sw_restore_options *restore,
                                              struct sw_restore_report *ret_report,
                                              struct sw_err *err);

struct sw_archive_check {
    uint64_t segments, fences, snapshots, orphans;
    uint64_t stale; /* snapshots below two newer ones: ignored, they go with the next collection */
    uint64_t records;
    uint64_t bytes;
    uint64_t first_slot, last_slot;
    uint64_t last_lsn;
    uint64_t epoch;
    bool retired;
    char bad[SW_OBJECT_KEY_MAX]; /* on CORRUPT: the object */
};
/* Reads every object below the journal and checks each byte, link and snapshot. */
SW_MUST_CHECK enum sw_code sw_archive_verify(const struct sw_archive_options *options,
                                             struct sw_archive_check *ret_check,
                                             struct sw_err *err);

/* ---- the end ---------------------------------------------------------------- */

struct sw_retirement {
    bool before;    /* it was retired already */
    uint64_t slot;  /* of its RETIRE segment */
    uint64_t epoch; /* 0 when it is not known any more */
    uint64_t lsn;
    uint64_t at_ms;   /* when it was retired, by the clock of who did */
    uint64_t removed; /* sw_archive_remove: objects, by this call */
};
/* Ends the journal: fences whoever owns it, and writes RETIRE. From then on it can be read and
 * verified, and nobody may go on with it: JOURNAL_RETIRED. Repeating it changes nothing. */
SW_MUST_CHECK enum sw_code sw_archive_retire(const struct sw_archive_options *options,
                                             struct sw_retirement *ret, struct sw_err *err);
/* Removes all objects of a journal that was retired at least after_ms ago; CONFIGURATION when it
 * was not. May fail or be killed at any point and be called again. Until the last object is gone
 * nobody can begin a journal of that name. */
SW_MUST_CHECK enum sw_code sw_archive_remove(const struct sw_archive_options *options,
                                             uint64_t after_ms, struct sw_retirement *ret,
                                             struct sw_err *err);

/* Names of the journals below the store's prefix, each ended by NUL; malloc'd. */
SW_MUST_CHECK enum sw_code sw_archive_list(struct sw_store *store, char **ret_names,
                                           uint32_t *ret_count, struct sw_err *err);

#endif
