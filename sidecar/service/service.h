/* SPDX-License-Identifier: Apache-2.0
 *
 * service - the verbs: read state, decide, append records, apply them.
 *
 * One function per RPC, one file per function. A verb runs on the loop thread
 * inside the journal transaction its batch shares; its answer may be sent only
 * after that transaction is committed (and synced, when the call says so). A
 * verb appends first and changes memory only when every append succeeded, so a
 * refused call changes nothing.
 *
 *   loop:  verb, verb, verb -> sw_journal_commit -> sw_service_committed -> answers
 *                                        | fails -> sw_service_forget -> errors
 *
 * A run that is not in memory answers NOT_LOADED and names itself in
 * call->load_run; the caller has a reader thread build a struct sw_run_image,
 * hands it to sw_service_adopt and calls the verb again.
 *
 * Owns:    the run table. Requests and answers live in the call's arena.
 * Threads: the loop thread, except where a function says otherwise.
 * Fails:   with the codes of storage/base/code.def; INVALID_FIELD names the field
 *          by its path in the wire request, such as "begin_next.key".
 */
#ifndef SW_SERVICE_H
#define SW_SERVICE_H

#include "sidecar/engine/decide.h"
#include "storage/base/arena.h"
#include "storage/base/clock.h"
#include "storage/base/status.h"
#include "storage/record.h"

struct sw_journal;
struct sw_journal_reader;
struct sw_service;
struct sw_run_image;

/* What can be set; published by GetStatus. */
struct sw_limits {
    uint64_t payload_bytes_max;
    uint32_t open_steps_max; /* per run */
    uint32_t open_runs_max;
    uint32_t queue_length_max;
    uint64_t journal_bytes_max;
    uint64_t message_bytes_max;
};

/* What other parts want to hear of. Called inside the verb, before the commit:
 * the receiver keeps it until the batch is committed, or drops it. Any may be NULL. */
struct sw_service_events {
    /* A newer lease was taken while `holder` held the run. */
    void (*lease_lost)(void *self, uint64_t holder, struct sw_span run_id, uint64_t lease);
    /* A run may have become claimable. */
    void (*run_available)(void *self);
    /* A record was appended to the run. */
    void (*run_changed)(void *self, uint64_t run);
    void *self;
};

struct sw_service_options {
    struct sw_journal *journal;
    struct sw_journal_reader *reader; /* lists the open runs at start; not kept */
    const struct sw_clock *clock;
    struct sw_limits limits;
    uint64_t lease_grace_ms;   /* a lease used without a stream counts as held so long
                                * after its last call, and after the start */
    uint64_t steps_cached_max; /* finished steps kept in memory over all runs, before runs
                                * that nobody holds are dropped, least recently used first */
    struct sw_service_events events;
    bool has_store; /* durability REMOTE can be had, and is what effect ONCE gets by default */
    /* Asked before an intent is recorded: whether too much waits for the store. NULL: never. */
    bool (*backlog_full)(void *self);
    void *backlog;
};

SW_MUST_CHECK enum sw_code sw_service_new(const struct sw_service_options *options,
                                          struct sw_service **ret_service, struct sw_err *err);
void sw_service_free(struct sw_service *service); /* NULL is fine */

/* One call of a verb. */
struct sw_call {
    struct sw_arena *arena; /* answers live here */
    uint64_t holder;        /* the session or stream that calls; 0: a unary call */
    bool sync;              /* out: the answer needs a synced commit */
    bool ship;              /* out: what was recorded is to be shipped at once */
    uint64_t remote_lsn;    /* out: the answer waits until the store has this record; 0: no need */
    uint64_t load_run;      /* out, with NOT_LOADED: the run to load */
};

/* ---- loading runs ------------------------------------------------------- */

/* Reads a run into an image. Any thread; a reader of that thread's own. */
SW_MUST_CHECK enum sw_code sw_run_image_read(struct sw_journal_reader *reader, uint64_t run,
                                             struct sw_run_image **ret_image, struct sw_err *err);
void sw_run_image_free(struct sw_run_image *image);
/* What the image knows, for inspection: valid until it is freed or adopted. */
const struct sw_run_head *sw_run_image_head(const struct sw_run_image *image);
/* Visits the unfinished steps, oldest first. */
void sw_run_image_open_steps(const struct sw_run_image *image,
                             void (*visit)(void *self, const struct sw_step *step), void *self);

/* Takes *image (sets it to NULL) unless the run is in memory already. */
void sw_service_adopt(struct sw_service *service, struct sw_run_image **image);

/* The batch was committed / was not: in the latter case every run it touched is
 * dropped from memory, to be loaded again. */
void sw_service_committed(struct sw_service *service);
void sw_service_forget(struct sw_service *service);

/* The stream is gone: its leases are released. */
void sw_service_release_holder(struct sw_service *service, uint64_t holder);
/* Binds the run's lease to a stream, when it is still the newest. */
void sw_service_bind_holder(struct sw_service *service, struct sw_span run_id, uint64_t lease,
                            uint64_t holder);

struct sw_liveness {
    bool known; /* the run is open */
    bool held;
    uint64_t lease; /* newest known; 0 when not loaded */
};
struct sw_liveness sw_service_liveness(struct sw_service *service, struct sw_span run_id);

/* What a list shows of a run: head, held and steps in doubt, the open batch included. False:
 * memory does not have it. Spans are good until the next verb. */
struct sw_run_view;
bool sw_service_recall(struct sw_service *service, struct sw_span run_id,
                       struct sw_run_view *ret_view);
/* The run as a reader found it, for later recalls; of use while nobody holds it and it is
 * not in memory, else ignored. */
void sw_service_remember(struct sw_service *service, const struct sw_run_view *view);

struct sw_service_counts {
    uint64_t open_runs;
    uint64_t held_runs;
    uint64_t loaded_runs;
    uint64_t steps_cached;
};
struct sw_service_counts sw_service_counts(const struct sw_service *service);

/* When the next grace period ends that may make a run claimable; 0 = none. */
uint64_t sw_service_claimable_at_ms(const struct sw_service *service);

/* ---- requests and answers ------------------------------------------------ */

struct sw_run_view { /* what an answer says about a run */
    struct sw_run_head head;
    struct sw_payload input;
    const struct sw_label *labels;
    uint32_t labels_count;
    struct sw_span code_version;
    bool held;
    uint64_t steps_in_doubt;
    struct sw_payload result;
    struct sw_failure failure;
    const struct sw_span *unvisited;
    uint32_t unvisited_count;
};

struct sw_start_run_request {
    struct sw_span run_id;
    struct sw_span task;
    struct sw_payload input;
    const struct sw_label *labels;
    uint32_t labels_count;
    struct sw_span code_version;
    enum sw_divergence on_divergence; /* 0 = FAIL */
    bool take_lease;
    struct sw_span holder_name;
};

struct sw_start_run_answer {
    bool created;
    struct sw_run_view run;
    uint64_t lease;
};

struct sw_resume_request {
    struct sw_span run_id;
    uint64_t lease; /* 0 = take a new one */
    struct sw_span holder_name;
};

/* The lease is taken; history is then read from the journal by a reader. An ended
 * run is answered as well, with lease 0. */
struct sw_resume_answer {
    struct sw_run_view run;
    uint64_t lease;
    uint64_t up_to_lsn; /* the history ends here */
};

struct sw_begin_step { /* BeginStep and begin_next alike */
    struct sw_span key;
    struct sw_span name;
    enum sw_kind kind;     /* 0 = CODE */
    enum sw_effect effect; /* 0 = ONCE */
    struct sw_payload input;
    bool has_input_digest;
    struct sw_span input_digest;
    struct sw_retry retry; /* zeros mean defaults */
    uint64_t start_to_close_ms;
    uint64_t heartbeat_ms;
    enum sw_durability durability;
    struct sw_span request_id;
};

struct sw_begin_step_request {
    struct sw_span run_id;
    uint64_t lease;
    struct sw_begin_step step;
};

struct sw_verdict_answer {
    enum sw_verdict verdict;
    uint32_t attempt; /* EXECUTE, REPLAY, WAIT: the attempt; IN_DOUBT: attempts so far */
    char idempotency_key[SW_UUID_TEXT_SIZE]; /* EXECUTE, IN_DOUBT */
    uint64_t fencing_token;                  /* EXECUTE: the intent's lsn */
    uint64_t deadline_ms;                    /* EXECUTE */
    const struct sw_external_ref *refs;      /* EXECUTE, IN_DOUBT: in order noted */
    struct sw_payload progress;              /* EXECUTE, IN_DOUBT */
    struct sw_payload output;                /* REPLAY: present, or failure.type is set */
    struct sw_failure failure;               /* REPLAY; WAIT back-off */
    uint64_t lsn;                            /* REPLAY */
    bool accepted_divergence;                /* REPLAY */
    struct sw_span holder_name;              /* IN_DOUBT: of the lost attempt, when known */
    uint64_t begun_ms;                       /* IN_DOUBT */
    enum sw_doubt doubt;                     /* IN_DOUBT */
    struct sw_span recorded_digest;          /* DIVERGED */
    struct sw_span offered_digest;           /* DIVERGED */
    struct sw_span recorded_name;            /* DIVERGED */
    struct sw_span offered_name;             /* DIVERGED */
    uint64_t not_before_ms;                  /* WAIT */
    enum sw_wait wait;                       /* WAIT */
};

struct sw_complete_step_request {
    struct sw_span run_id;
    uint64_t lease;
    struct sw_span key;
    uint32_t attempt;
    enum sw_outcome outcome;
    struct sw_payload output;  /* OUTPUT */
    struct sw_failure failure; /* FAILURE, UNKNOWN */
    struct sw_usage usage;
    bool has_next;
    struct sw_begin_step next;
};

/* When begin_next is refused the completion stays recorded and the call fails
 * with the refusal; repeating the call meets the recorded completion. */
struct sw_complete_step_answer {
    uint64_t lsn;
    enum sw_step_state state;
    uint64_t not_before_ms;
    struct sw_verdict_answer next; /* verdict 0: none was asked for */
};

struct sw_note_step_request {
    struct sw_span run_id;
    uint64_t lease;
    struct sw_span key;
    uint32_t attempt;
    struct sw_span external_ref;
    struct sw_payload progress;
};

struct sw_note_step_answer {
    uint64_t lsn;
    uint64_t deadline_ms;
};

struct sw_resolve_step_request {
    struct sw_span run_id;
    bool by_person; /* ControlService: no lease, refused while held */
    uint64_t lease;
    struct sw_span key;
    enum sw_resolution resolution; /* 0 = none given: INVALID_FIELD */
    struct sw_payload output;
    struct sw_failure failure;
    struct sw_span by;
};

struct sw_resolve_step_answer {
    uint64_t lsn;
    enum sw_step_state state;
};

struct sw_end_run_request {
    struct sw_span run_id;
    uint64_t lease;
    bool failed;
    struct sw_payload result;
    struct sw_failure failure;
    const struct sw_span *unvisited;
    uint32_t unvisited_count;
};

struct sw_end_run_answer {
    uint64_t lsn;
};

struct sw_claim_run_request {
    const struct sw_span *tasks;
    uint32_t tasks_count;
    struct sw_span holder_name;
    uint64_t wait_ms; /* checked here, waited for by the caller */
};

struct sw_claim_run_answer {
    bool found;
    struct sw_run_view run;
    uint64_t lease;
};

/* ---- verbs --------------------------------------------------------------- */

SW_MUST_CHECK enum sw_code sw_start_run(struct sw_service *service, struct sw_call *call,
                                        const struct sw_start_run_request *request,
                                        struct sw_start_run_answer *ret_answer, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_resume(struct sw_service *service, struct sw_call *call,
                                     const struct sw_resume_request *request,
                                     struct sw_resume_answer *ret_answer, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_begin_step(struct sw_service *service, struct sw_call *call,
                                         const struct sw_begin_step_request *request,
                                         struct sw_verdict_answer *ret_answer, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_complete_step(struct sw_service *service, struct sw_call *call,
                                            const struct sw_complete_step_request *request,
                                            struct sw_complete_step_answer *ret_answer,
                                            struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_note_step(struct sw_service *service, struct sw_call *call,
                                        const struct sw_note_step_request *request,
                                        struct sw_note_step_answer *ret_answer, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_resolve_step(struct sw_service *service, struct sw_call *call,
                                           const struct sw_resolve_step_request *request,
                                           struct sw_resolve_step_answer *ret_answer,
                                           struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_end_run(struct sw_service *service, struct sw_call *call,
                                      const struct sw_end_run_request *request,
                                      struct sw_end_run_answer *ret_answer, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_claim_run(struct sw_service *service, struct sw_call *call,
                                        const struct sw_claim_run_request *request,
                                        struct sw_claim_run_answer *ret_answer, struct sw_err *err);

#endif
