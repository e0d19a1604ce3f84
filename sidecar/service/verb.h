/* SPDX-License-Identifier: Apache-2.0
 *
 * verb - what the verbs share: the service's inside, finding, writing, answering.
 *
 * A verb is: check the fields, find the run, decide, take what the answer needs,
 * write, fill in the answer. After the write nothing fails any more.
 *
 * Owns:    nothing of its own.
 * Threads: the loop thread.
 * Fails:   as service.h says.
 */
#ifndef SW_SERVICE_VERB_H
#define SW_SERVICE_VERB_H

#include "sidecar/service/run_table.h"

struct sw_service {
    struct sw_service_options options;
    struct sw_run_table table;
    struct sw_step_pool pool;
    uint64_t steps_cached;   /* finished steps of the open runs in memory */
    uint64_t evict_after_ms; /* a search for runs to drop found none: not again before this */
};

/* ---- finding ------------------------------------------------------------- */

/* The run, in memory, ended or not: RUN_NOT_FOUND, NOT_LOADED. */
SW_MUST_CHECK enum sw_code sw_verb_find_run(struct sw_service *service, struct sw_call *call,
                                            struct sw_span run_id, struct sw_run_entry **ret_entry,
                                            struct sw_err *err);
/* As sw_verb_find_run for a call that names a lease: also RUN_ENDED, LEASE_FENCED. The
 * call counts as a sign of life of the lease. */
SW_MUST_CHECK enum sw_code sw_verb_hold_run(struct sw_service *service, struct sw_call *call,
                                            struct sw_span run_id, uint64_t lease, uint64_t now_ms,
                                            struct sw_run_entry **ret_entry, struct sw_err *err);

/* A lease was used or taken by the call: by its stream, or else until the grace ends. */
void sw_verb_touch(struct sw_service *service, const struct sw_call *call,
                   struct sw_run_entry *entry, uint64_t now_ms);

bool sw_verb_is_held(const struct sw_service *service, const struct sw_run_entry *entry,
                     uint64_t now_ms);

struct sw_found_step {
    const struct sw_step *step;      /* never NULL; ABSENT: there is none */
    const struct sw_open_step *open; /* unfinished; until the next write */
    const struct sw_record *end;     /* finished: the record that finished it */
};
/* Finished steps are read back from the journal into the call's arena. */
SW_MUST_CHECK enum sw_code sw_verb_find_step(struct sw_service *service, struct sw_call *call,
                                             const struct sw_run_entry *entry, struct sw_span key,
                                             struct sw_found_step *ret_found, struct sw_err *err);

/* A record with its payloads, in the call's arena. */
SW_MUST_CHECK enum sw_code sw_verb_read(struct sw_service *service, struct sw_call *call,
                                        uint64_t lsn, struct sw_record **ret_record,
                                        struct sw_err *err);

/* ---- writing ------------------------------------------------------------- */

/* A record of the run by its newest lease, to be filled in. */
struct sw_record sw_verb_record(const struct sw_run_entry *entry, enum sw_record_type type,
                                uint64_t now_ms);

/* Appends the record and applies it to the run, or does neither, and tells who wants to
 * know. The run's newest lsn is the record's then. */
SW_MUST_CHECK enum sw_code sw_verb_write(struct sw_service *service, struct sw_run_entry *entry,
                                         struct sw_record *record, struct sw_err *err);

/* The parts of sw_verb_write, for StartRun's two records: mark, append and apply, and, when
 * that failed, undo what was appended since the mark. */
SW_MUST_CHECK enum sw_code sw_verb_mark(struct sw_service *service, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_verb_append(struct sw_service *service, struct sw_run_entry *entry,
                                          struct sw_record *record, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_verb_undo_failed(struct sw_service *service, enum sw_code rc,
                                               struct sw_err *err);

/* The batch touched the run; call before its holder changes. */
void sw_verb_mark_dirty(struct sw_service *service, struct sw_run_entry *entry);

/* BACKLOG_FULL: too much waits for the store for another intent. */
SW_MUST_CHECK enum sw_code sw_verb_check_backlog(const struct sw_service *service,
                                                 struct sw_err *err);

/* Takes the run's next lease for the call. */
SW_MUST_CHECK enum sw_code sw_verb_take_lease(struct sw_service *service, struct sw_call *call,
                                              struct sw_run_entry *entry,
                                              struct sw_span holder_name, uint64_t now_ms,
                                              struct sw_err *err);

/* The answer tells of the record lsn: it must be durable first. */
void sw_verb_tell(const struct sw_service *service, struct sw_call *call, uint64_t lsn);

/* ---- answering ----------------------------------------------------------- */

/* The run as it stands, copied into the call's arena. */
SW_MUST_CHECK enum sw_code sw_verb_view(struct sw_service *service, struct sw_call *call,
                                        const struct sw_run_entry *entry, uint64_t now_ms,
                                        struct sw_run_view *ret_view, struct sw_err *err);
/* What a lease taken since then changed in it. */
void sw_verb_view_lease(const struct sw_service *service, const struct sw_run_entry *entry,
                        struct sw_span holder_name, uint64_t now_ms, struct sw_run_view *view);

void sw_verb_idempotency_key(const struct sw_service *service, const struct sw_run_entry *entry,
                             struct sw_span key, char ret[SW_UUID_TEXT_SIZE]);

/* BeginStep once fields and lease are checked; for CompleteStep's begin_next too. */
SW_MUST_CHECK enum sw_code sw_verb_begin(struct sw_service *service, struct sw_call *call,
                                         struct sw_run_entry *entry,
                                         const struct sw_begin_step *step, uint64_t now_ms,
                                         struct sw_verdict_answer *ret_answer, struct sw_err *err);

struct sw_digest sw_verb_digest(struct sw_span data);

/* Whether the record that completed a step holds this output. */
bool sw_verb_is_same_output(const struct sw_record *end, struct sw_span data);

static inline uint64_t sw_verb_now_ms(const struct sw_service *service)
{
    return sw_clock_now_ms(service->options.clock);
}

#endif
