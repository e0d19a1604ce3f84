/* SPDX-License-Identifier: Apache-2.0
 *
 * step - the life of one step, and of the run around it, as plain state.
 *
 *            begun              completed | resolved(happened)
 *   ABSENT ---------> OPEN ------------------------------------> COMPLETED
 *                     ^ | |                                      ^
 *               begun | | | doubted              resolved(happened)
 *                     | | +----------> DOUBTED ------------------+
 *           failed,   | |               | |
 *           resolved  | v               | |  failed(final) | resolved(give up)
 *   (did not happen) RETRYING <---------+ +-----------------------> FAILED
 *                       resolved(did not happen)                    ^
 *                     OPEN -- failed(final) | resolved(give up) ----+
 *
 *   OPEN -> OPEN: a lost attempt is begun again (attempt + 1). RETRYING -> OPEN: begun.
 *   RETRYING -> FAILED: never by itself; the attempt that spends the last try is final.
 *   DOUBTED -> COMPLETED | RETRYING | FAILED also by a late outcome of the same attempt.
 *
 * "In doubt" is wider than DOUBTED: an OPEN step of effect ONCE whose holder is
 * gone or whose time is up is in doubt as well (sw_step_doubt).
 *
 * Owns:    nothing; spans point into memory that the holder of the struct keeps.
 * Threads: any, one at a time.
 * Fails:   never; a move the table forbids aborts.
 */
#ifndef SW_ENGINE_STEP_H
#define SW_ENGINE_STEP_H

#include "storage/record.h"

enum sw_step_state {
    SW_STEP_ABSENT = 0,
    SW_STEP_OPEN = 1,
    SW_STEP_DOUBTED = 2,
    SW_STEP_RETRYING = 3,
    SW_STEP_COMPLETED = 4,
    SW_STEP_FAILED = 5,
    SW_STEP_STATE_COUNT
};

/* Why a step is in doubt; the numbers of the wire's DoubtReason. */
enum sw_doubt {
    SW_DOUBT_NOT = 0,
    SW_DOUBT_HOLDER_GONE = 1,
    SW_DOUBT_TIMED_OUT = 2,
    SW_DOUBT_REPORTED = 3
};

struct sw_step {
    enum sw_step_state state;
    uint32_t attempt; /* newest, from 1; 0: absent */
    struct sw_span key;
    struct sw_span name;
    enum sw_kind kind;
    enum sw_effect effect;
    bool has_digest;
    struct sw_digest digest;
    struct sw_retry retry;      /* of the newest attempt */
    uint64_t start_to_close_ms; /* of the newest attempt */
    uint64_t heartbeat_ms;      /* of the newest attempt */
    struct sw_span request_id;  /* of the newest attempt */
    uint64_t lease;             /* the newest attempt was begun under */
    uint64_t begun_ms;          /* of the newest attempt */
    uint64_t alive_ms;          /* last sign of life of the newest attempt */
    uint64_t finished_ms;
    uint64_t not_before_ms; /* RETRYING */
    uint64_t intent_lsn;    /* of the newest attempt */
    uint64_t outcome_lsn;   /* newest outcome or resolution; 0: none */
    uint64_t progress_lsn;  /* newest note with progress; 0: none */
    uint64_t last_lsn;
    struct sw_usage usage;              /* summed over attempts */
    struct sw_external_ref *refs;       /* in order noted */
    struct sw_external_ref **refs_tail; /* NULL until the first */
    uint32_t refs_count;
    struct sw_span resolved_by;
};

/* The run, without its steps. */
struct sw_run_head {
    uint64_t run; /* 0: absent */
    enum sw_run_state state;
    struct sw_span run_id;
    struct sw_span task;
    enum sw_divergence on_divergence;
    struct sw_digest input_digest;
    bool has_input;
    uint64_t lease; /* newest; 0: never taken */
    struct sw_span holder;
    uint64_t started_ms;
    uint64_t ended_ms;
    uint64_t last_lsn;
    uint64_t end_lsn;
    uint64_t steps; /* distinct keys begun */
    struct sw_usage usage;
};

const char *sw_step_state_name(enum sw_step_state state);
bool sw_step_state_may_move(enum sw_step_state from, enum sw_step_state to);
/* Aborts on a move the table forbids. */
void sw_step_state_move(struct sw_step *step, enum sw_step_state to);
bool sw_step_state_is_finished(enum sw_step_state state); /* COMPLETED or FAILED */

/* Whether sw_step_apply takes the record. Live writes make only such records; a
 * reader of a file asks first, for the file may be of somebody's making. */
bool sw_step_may_apply(const struct sw_step *step, const struct sw_record *record);

/* The reducer: the one place where a record changes state, for live writes,
 * reading back and restore alike. The record's spans must outlive the step; a
 * note's ref node is linked into it. `step` is of the record's key. */
void sw_step_apply(struct sw_step *step, struct sw_record *record);
/* Counts a new key in `steps` when step_was_absent (STEP_BEGUN only). */
void sw_run_apply(struct sw_run_head *run, const struct sw_record *record, bool step_was_absent);

/* When the open attempt counts as lost, ms since the epoch; 0 = never. */
uint64_t sw_step_deadline_ms(const struct sw_step *step);

/* Whether the step is in doubt, and why. `held`: the run's newest lease is
 * believed to be in living hands. */
enum sw_doubt sw_step_doubt(const struct sw_step *step, uint64_t run_lease, bool held,
                            uint64_t now_ms);

#endif
