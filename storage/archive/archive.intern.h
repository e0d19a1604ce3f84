/* SPDX-License-Identifier: Apache-2.0
 *
 * archive.intern - what the files of this folder share.
 *
 *   formats      bytes rows_codec pack cipher segment snapshot names
 *   decisions    claim position
 *   reading      io fetch pull replay meta
 *   a directory  place sink
 *   writing      fence gather snap collect aside
 *   the verbs    open fork probe take_over surplus ship restore verify list retire
 *
 * Threads: as in archive.h.
 */
#ifndef SW_ARCHIVE_INTERN_H
#define SW_ARCHIVE_INTERN_H

#include <stdatomic.h>

#include "storage/archive/archive.h"
#include "storage/archive/names.h"
#include "storage/archive/place.h"
#include "storage/archive/position.h"
#include "storage/archive/replay.h"
#include "storage/archive/snapshot.h"

enum {
    SW_ARCHIVE_PARALLEL = 32,
    SW_ARCHIVE_SEGMENT_BYTES = 256 * 1024,   /* raw: shipped in one segment, and one row */
    SW_ARCHIVE_PART_BYTES = 2 * 1024 * 1024, /* raw: of a snapshot's part, and one row */
    SW_ARCHIVE_FLOORS_MAX = 8                /* snapshots that are looked at */
};

struct sw_archive {
    struct sw_archive_options options;
    char journal[SW_ARCHIVE_JOURNAL_MAX + 1];
    struct sw_cipher *cipher; /* NULL: not encrypted */
    struct sw_packer packer;
    struct sw_bytes raw;    /* a body being built */
    struct sw_bytes object; /* an object being built, but for the chain's */
    uint8_t owner[SW_SEGMENT_OWNER_SIZE];

    struct sw_segment meta;
    struct sw_bytes meta_row; /* its body */
    struct sw_position position;

    struct sw_segment freezing; /* frozen.size > 0: these bytes, and no others, go to its slot */
    struct sw_bytes frozen;
    bool fenced;

    atomic_bool gives_way;  /* snapshots do; set by any thread */
    uint64_t snapshot_slot; /* the newest: 0 = none */
    uint64_t snapshot_bytes;
    uint64_t older_slot;     /* the one before */
    uint64_t collected_slot; /* DATA up to here is surely gone */
    uint64_t verified[2];    /* slots of snapshots whose every part this process has checked */
    uint64_t known_after;    /* behind this slot the process has seen every segment */
    struct sw_bytes fences;  /* slots of the FENCE segments among them, u64 each */
    uint64_t segments_since;
    uint64_t bytes_since;
    uint64_t forked_bytes; /* bytes_since of the one that this is a fork of, then */

    uint64_t records; /* while reading: for progress and reports */
    uint64_t bytes;
    uint64_t bytes_total;
    char bad[SW_OBJECT_KEY_MAX]; /* the object that was found damaged */
};

/* ---- open.c ----------------------------------------------------------------- */

SW_MUST_CHECK enum sw_code sw_archive_new(const struct sw_archive_options *options,
                                          struct sw_archive **ret_archive, struct sw_err *err);

/* ---- io.c: one object ------------------------------------------------------- */

/* sw_store_perform, with fault points before and behind it. */
void sw_archive_perform(struct sw_store *store, struct sw_object_op *ops, size_t count,
                        unsigned parallel);
/* ABSENT is no failure. The caller calls sw_object_op_fini. */
SW_MUST_CHECK enum sw_code sw_archive_get(struct sw_archive *archive, const char *key,
                                          struct sw_object_op *ret_op, struct sw_err *err);
/* EXISTS is no failure: it says nothing (rule (c)). */
SW_MUST_CHECK enum sw_code sw_archive_create(struct sw_archive *archive, const char *key,
                                             struct sw_span object, uint64_t deadline_ms,
                                             enum sw_object_result *ret_result, struct sw_err *err);
/* Reads the bytes as a segment of this journal and opens its body (empty: it has none). Errors
 * name the key. */
SW_MUST_CHECK enum sw_code sw_archive_read(struct sw_archive *archive, const char *key,
                                           struct sw_span object, struct sw_segment *ret_segment,
                                           struct sw_span *ret_raw, struct sw_err *err);
/* Puts "KEY: " before the error; a CORRUPT one is remembered in archive->bad. */
SW_MUST_CHECK enum sw_code sw_archive_blame(struct sw_archive *archive, const char *key,
                                            enum sw_code code, struct sw_err *err);
/* Visits the keys that begin with prefix and lie behind `after` (may be NULL), in order. */
struct sw_key_visitor {
    enum sw_code (*visit)(void *self, const char *key, bool *ret_stop, struct sw_err *err);
    void *self;
};
SW_MUST_CHECK enum sw_code sw_store_each_key(struct sw_store *store, const char *prefix,
                                             const char *after, struct sw_key_visitor visitor,
                                             struct sw_err *err);
/* Objects to be removed, so many at once. */
enum { SW_REMOVAL_AT_ONCE = 16 };
struct sw_removal {
    struct sw_archive *archive;
    char keys[SW_REMOVAL_AT_ONCE][SW_OBJECT_KEY_MAX];
    size_t count;
    uint64_t removed;
};
SW_MUST_CHECK enum sw_code sw_removal_add(struct sw_removal *removal, const char *key,
                                          struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_removal_flush(struct sw_removal *removal, struct sw_err *err);
/* One more object was read. */
void sw_archive_progress(struct sw_archive *archive, uint64_t records, uint64_t bytes);

/* ---- meta.c ----------------------------------------------------------------- */

/* archive->meta as it is in the store; *ret_found false: there is none. */
SW_MUST_CHECK enum sw_code sw_meta_load(struct sw_archive *archive, bool *ret_found,
                                        struct sw_err *err);
/* Creates it of the journal's first row, unless somebody was quicker: *ret_created false. */
SW_MUST_CHECK enum sw_code sw_meta_create(struct sw_archive *archive,
                                          struct sw_journal_reader *reader, bool *ret_created,
                                          struct sw_err *err);

/* ---- pull.c: the chain, read ------------------------------------------------- */

/* Slots of snapshots, newest first. */
struct sw_floors {
    uint64_t slots[SW_ARCHIVE_FLOORS_MAX];
    size_t count;
};
SW_MUST_CHECK enum sw_code sw_floors_list(struct sw_archive *archive, struct sw_floors *ret,
                                          struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_snapshot_load(struct sw_archive *archive, uint64_t slot,
                                            struct sw_snapshot *ret, struct sw_err *err);
/* Every part, in order, into replay. */
SW_MUST_CHECK enum sw_code sw_pull_parts(struct sw_archive *archive,
                                         const struct sw_snapshot *snapshot,
                                         struct sw_replay *replay, struct sw_err *err);
/* Everything behind archive->position, until a slot is empty or the replay is over. */
SW_MUST_CHECK enum sw_code sw_pull_log(struct sw_archive *archive, struct sw_replay *replay,
                                       struct sw_err *err);
/* One object of the chain: archive->position goes on to it. */
SW_MUST_CHECK enum sw_code sw_pull_segment(struct sw_archive *archive, const char *key,
                                           struct sw_span object, struct sw_replay *replay,
                                           struct sw_err *err);
/* The segment in the slot is a FENCE: it is never collected. */
SW_MUST_CHECK enum sw_code sw_archive_note_fence(struct sw_archive *archive, uint64_t slot,
                                                 struct sw_err *err);
/* CANCELLED when snapshots are to give way. */
SW_MUST_CHECK enum sw_code sw_archive_check_way(const struct sw_archive *archive,
                                                struct sw_err *err);
/* Whether the process has checked each byte of the snapshot. */
bool sw_archive_is_verified(const struct sw_archive *archive, uint64_t slot);

/* ---- sink.c: where a chain that is read goes ---------------------------------- */

struct sw_sink {
    struct sw_archive *archive;
    const struct sw_journal_options *options;
    struct sw_place place;

    struct sw_journal *had; /* what was there, open; NULL: nothing */
    struct sw_journal_reader *reader;
    uint64_t had_lsn;
    bool damaged; /* it could not be read: `damage` says why */
    char damage[SW_ERR_TEXT_MAX];

    bool rebuilding;         /* into place.restoring, instead of in place */
    struct sw_journal *made; /* the journal there */
    bool is_new;             /* it is a new one, whose first row is META's */
    struct sw_replay replay;

    /* Bounds of a restore. */
    uint64_t lsn_max;
    uint64_t at_ms_max;
};

/* Locks the directory; opens the journal if there is one and `open_it`, else refuses it. One that
 * is damaged stays where it is until sw_sink_settle puts another into its place. */
SW_MUST_CHECK enum sw_code sw_sink_open(struct sw_sink *sink, bool open_it, struct sw_err *err);
/* A new journal, to become the archive's. */
SW_MUST_CHECK enum sw_code sw_sink_create(struct sw_sink *sink, struct sw_err *err);
/* Reads the chain from the newest sound snapshot to its end. */
SW_MUST_CHECK enum sw_code sw_sink_fill(struct sw_sink *sink, struct sw_err *err);
/* Where the chain ends, the journal's lineage is known, if it ever will be: sets replay.diverged.
 */
void sw_sink_conclude(struct sw_sink *sink);
/* Closes and, if it was rebuilt, puts it into its place. */
SW_MUST_CHECK enum sw_code sw_sink_settle(struct sw_sink *sink, struct sw_err *err);
/* Closes everything that is still open. */
void sw_sink_close(struct sw_sink *sink);

/* ---- aside.c ------------------------------------------------------------------ */

/* Rows first to last of the reader to orphan/; chain: that before first. ret_key: of the first
 * object. */
SW_MUST_CHECK enum sw_code sw_orphan_put(struct sw_archive *archive,
                                         struct sw_journal_reader *reader, uint64_t first_lsn,
                                         uint64_t last_lsn, char ret_key[SW_OBJECT_KEY_MAX],
                                         struct sw_err *err);

/* ---- gather.c: rows out of a reader --------------------------------------------- */

/* Rows behind after_lsn as a body in archive->raw, at most up to last_lsn (0: no bound), until it
 * has bytes_max, at least one. Sets lsns, count and chain of *ret_segment; count 0: there are none.
 */
SW_MUST_CHECK enum sw_code sw_gather(struct sw_archive *archive, struct sw_journal_reader *reader,
                                     uint64_t after_lsn, uint64_t last_lsn, size_t bytes_max,
                                     struct sw_segment *ret_segment, bool *ret_more,
                                     struct sw_err *err);

/* ---- retire.c --------------------------------------------------------------------- */

/* JOURNAL_RETIRED when a journal of this name, whose META is gone, is still being removed. */
SW_MUST_CHECK enum sw_code sw_archive_check_free(struct sw_archive *archive, struct sw_err *err);

/* ---- collect.c ------------------------------------------------------------------- */

/* Whether the slot's segment is DATA. What this process has not seen is read. */
SW_MUST_CHECK enum sw_code sw_archive_is_data(struct sw_archive *archive, const char *key,
                                              uint64_t slot, bool *ret, struct sw_err *err);
/* Removes DATA segments up to the older snapshot, and snapshots before it. */
SW_MUST_CHECK enum sw_code sw_collect(struct sw_archive *archive, struct sw_err *err);

#endif
