/* SPDX-License-Identifier: Apache-2.0
 *
 * verb_life - a service whose disk may fail, driven as the loop drives it, and a ledger.
 * verb_life.c is the process and its batches, verb_calls.c the calls and what they must answer.
 *
 *   verb, verb -> life_commit: sw_journal_commit, then "acknowledged", then maintenance
 *
 * The ledger is one world per batch: what every run and step was after it, and the
 * journal's newest lsn. A journal is a list, so what is found after a power cut must be one
 * of these worlds exactly, and none older than the last that an answer rested on. What an
 * answer rests on is told here from the contract, not from what the verb asked for.
 *
 * Owns:    journal, reader and service, from life_begin to life_end.
 * Threads: one.
 * Fails:   a disk that fails ends the life (`over`), as it ends the process. What must not
 *          be is kept in `broken`, the first of it.
 */
#ifndef SW_TESTS_VERB_LIFE_H
#define SW_TESTS_VERB_LIFE_H

#include "sidecar/service/service.h"
#include "storage/journal/journal.h"

enum {
    LIFE_RUNS = 5,
    LIFE_KEYS = 4,
    LIFE_BATCHES_MAX = 96,
    LIFE_HOUR_MS = 3600 * 1000,
    /* A WAL of so few pages that it is folded back every so many calls. */
    LIFE_BYTES_MAX = 640 * 1024
};

struct life_step {
    enum sw_step_state state;
    enum sw_effect effect;
    uint32_t attempt;
    uint64_t lease;  /* the newest attempt was begun under */
    unsigned result; /* COMPLETED, FAILED: which */
    unsigned refs;   /* noted so far */
};

struct life_run {
    bool started;
    bool ended;
    uint64_t lease;
    unsigned fillers; /* steps beside those below, all completed */
    struct life_step steps[LIFE_KEYS];
};

struct life_world {
    uint64_t lsn;
    struct life_run runs[LIFE_RUNS];
};

struct life {
    char folder[128];
    const char *vfs;
    uint64_t now_ms;
    struct sw_clock clock;
    struct sw_journal *journal;
    struct sw_journal_reader *reader;
    struct sw_service *service;
    struct sw_arena arena; /* of the batch */
    struct sw_call call;
    struct sw_err err;
    bool sync;     /* a verb of the batch asked for it */
    bool promised; /* an answer of the batch rests on all that was written so far */
    bool created;  /* the journal was open once */
    bool over;
    char broken[256];
    unsigned results;      /* given out */
    struct life_world now; /* as the answers told */
    struct life_world worlds[LIFE_BATCHES_MAX];
    unsigned last;    /* batch that is, or may be, in the journal */
    unsigned durable; /* the newest that an acknowledged answer rested on */
    char idempotency[LIFE_RUNS][LIFE_KEYS][SW_UUID_TEXT_SIZE];
};

/* Opens what there is in the folder; life->vfs, now_ms and folder are set. */
void life_begin(struct life *life);
/* In good order, or, when it is over, leaving the files as they are. */
void life_end(struct life *life);
void life_restart(struct life *life);

/* ---- calls: each does nothing where the world is not ready for it ------------------- */

void life_start_run(struct life *life, unsigned run, bool take_lease);
void life_resume(struct life *life, unsigned run);
void life_begin_step(struct life *life, unsigned run, unsigned key, enum sw_effect effect,
                     enum sw_durability durability);
void life_complete_step(struct life *life, unsigned run, unsigned key, enum sw_outcome outcome);
void life_complete_and_begin(struct life *life, unsigned run, unsigned key, unsigned next,
                             enum sw_effect effect);
void life_note_step(struct life *life, unsigned run, unsigned key);
void life_resolve_step(struct life *life, unsigned run, unsigned key,
                       enum sw_resolution resolution);
void life_end_run(struct life *life, unsigned run);
/* Many finished steps: rows for the late indexes. */
void life_fill(struct life *life, unsigned run, unsigned count);

/* Ends the batch. */
void life_commit(struct life *life);
/* It is quiet: syncs, indexes, folds the WAL back, until there is no more to do. */
void life_rest(struct life *life);

/* One call: begin, the verb and again while load read its run back, end. Begin: whether the
 * process lives. End: whether the verb did its work; `rests`: its answer rests on all that is
 * written by now. */
bool life_call_begin(struct life *life);
bool life_call_load(struct life *life, enum sw_code *rc);
bool life_call_end(struct life *life, enum sw_code rc, const char *verb, bool rests);

/* ---- judging ---------------------------------------------------------------------------- */

void life_break(struct life *life, const char *format, ...) SW_PRINTF(2, 3);
/* Asks after everything, as after a restart; the world it must be. */
void life_judge(struct life *life, const struct life_world *expected);

#endif
