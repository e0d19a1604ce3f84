/* SPDX-License-Identifier: Apache-2.0
 *
 * client - blocking calls of ControlService for the command line, over the gRPC C core.
 *
 * Shows runs and steps as the same views that are read from a journal file, so
 * that one printer serves the living and the dead.
 *
 * Owns:    the channel. Answers live in the arena given, or until the visitor returns.
 * Threads: one.
 * Fails:   with the server's reason as sw_code where it is known (text: the server's message,
 *          field: the field it names), else CONFIGURATION; STORAGE_FAILED with os_errno set
 *          when no server answers (sw_client_is_away). grpc_init is called by
 *          sw_client_open and undone by sw_client_close.
 */
#ifndef SW_RPC_CLIENT_H
#define SW_RPC_CLIENT_H

#include "sidecar/service/history.h"

struct sw_client;

struct sw_client_options {
    const char *address; /* unix:///path or HOST:PORT */
    const char *tls_ca;  /* NULL = plain */
    const char *tls_cert;
    const char *tls_key;
    uint64_t timeout_ms; /* of unary calls, and of the silence before a stream's first message;
                          * 0 = none */
};

SW_MUST_CHECK enum sw_code sw_client_open(const struct sw_client_options *options,
                                          struct sw_client **ret_client, struct sw_err *err);
void sw_client_close(struct sw_client *client); /* NULL is fine */

/* Whether err means that nobody answered. */
bool sw_client_is_away(const struct sw_err *err);

/* ---- runs ---------------------------------------------------------------- */

struct sw_run_view_visitor {
    enum sw_code (*visit)(void *self, const struct sw_run_view *view, bool *ret_stop,
                          struct sw_err *err);
    void *self;
};

struct sw_client_runs {
    struct sw_span task;     /* size 0 = any */
    enum sw_run_state state; /* 0 = any */
    const struct sw_label *labels;
    uint32_t labels_count;
    bool in_doubt;
};

/* Visits the runs, newest first, page by page, until the visitor stops. */
SW_MUST_CHECK enum sw_code sw_client_list_runs(struct sw_client *client,
                                               const struct sw_client_runs *filter,
                                               struct sw_run_view_visitor visitor,
                                               struct sw_err *err);

/* A step as the server sees it: state DOUBTED means in doubt, however that came about. */
struct sw_client_step {
    struct sw_step_view view; /* view.step points at `step` */
    struct sw_step step;
    struct sw_span idempotency_key;
};

struct sw_client_run {
    struct sw_run_view run;
    const struct sw_client_step *open_steps; /* not finished */
    size_t open_steps_count;
};

SW_MUST_CHECK enum sw_code sw_client_get_run(struct sw_client *client, struct sw_span run_id,
                                             struct sw_arena *arena, struct sw_client_run *ret_run,
                                             struct sw_err *err);

/* Hears a run's stream in order: what is known, on_caught_up once, then each change. The run comes
 * when the server knows it, at the latest before on_caught_up, and again when it changed. What is
 * shown lives until the function returns. */
struct sw_client_watcher {
    enum sw_code (*on_run)(void *self, const struct sw_run_view *run, struct sw_err *err);
    enum sw_code (*on_step)(void *self, const struct sw_client_step *step, struct sw_err *err);
    enum sw_code (*on_caught_up)(void *self, struct sw_err *err);
    void *self;
};

struct sw_client_watch {
    struct sw_span run_id;
    bool follow; /* stay for changes, until the run ends */
    bool include_inputs;
};

SW_MUST_CHECK enum sw_code sw_client_watch_run(struct sw_client *client,
                                               const struct sw_client_watch *watch,
                                               const struct sw_client_watcher *watcher,
                                               struct sw_err *err);

/* ---- the journal ---------------------------------------------------------- */

/* One record, for people. */
struct sw_record_line {
    uint64_t lsn;
    enum sw_record_type type;
    struct sw_span run_id;
    uint64_t at_ms;
    struct sw_span key;
    uint32_t attempt;
    uint64_t lease;
    uint64_t payload_bytes;
    struct sw_span chain; /* 32 bytes */
    struct sw_span summary;
    bool purged;
};

struct sw_record_line_visitor {
    enum sw_code (*visit)(void *self, const struct sw_record_line *line, struct sw_err *err);
    void *self;
};

struct sw_client_journal {
    uint64_t from_lsn;     /* 0 = from the start */
    struct sw_span run_id; /* size 0 = all */
    uint64_t limit;        /* 0 = none */
};

SW_MUST_CHECK enum sw_code sw_client_read_journal(struct sw_client *client,
                                                  const struct sw_client_journal *range,
                                                  struct sw_record_line_visitor visitor,
                                                  struct sw_err *err);

/* Waits until everything up to lsn (0 = the newest record) is as durable as the server can make it.
 */
SW_MUST_CHECK enum sw_code sw_client_flush(struct sw_client *client, uint64_t lsn,
                                           uint64_t *ret_lsn, struct sw_err *err);

/* Has each commit shipped at once from now on; waits until everything is. */
SW_MUST_CHECK enum sw_code sw_client_drain(struct sw_client *client, uint64_t *ret_lsn,
                                           struct sw_err *err);

/* ---- the server ----------------------------------------------------------- */

/* request->by_person and ->lease are not sent: this is the person's call. */
SW_MUST_CHECK enum sw_code sw_client_resolve_step(struct sw_client *client,
                                                  const struct sw_resolve_step_request *request,
                                                  struct sw_resolve_step_answer *ret_answer,
                                                  struct sw_err *err);

/* Of the object store. */
struct sw_client_store {
    struct sw_span url;
    const char *state; /* "ANSWERING", "AWAY", "REFUSING", "FENCED" */
    struct sw_span error;
    uint64_t shipped_lsn;
    uint64_t lag_ms;
    uint64_t lag_bytes;
    uint64_t slot;
    struct sw_span owner_id;
    uint64_t put_p50_us;
    uint64_t put_p99_us;
    uint64_t snapshot_slot;
    uint64_t snapshot_at_ms;
    uint64_t verified_at_ms;
};

struct sw_client_status {
    struct sw_span version;
    const char *state; /* "SERVING", "DRAINING", "RESTORING", "FENCED" */
    struct sw_span journal;
    struct sw_span journal_uuid;
    struct sw_span owner;
    uint64_t epoch;
    uint64_t lsn;
    uint64_t durable_lsn;
    uint64_t started_ms;
    uint64_t open_runs;
    uint64_t held_runs;
    uint64_t sessions;
    uint64_t journal_bytes;
    struct sw_limits limits;
    uint32_t key_bytes_max;
    uint64_t backlog_bytes_max;
    uint64_t backlog_age_ms_max;
    bool has_store;
    struct sw_client_store store;
};

SW_MUST_CHECK enum sw_code sw_client_get_status(struct sw_client *client, struct sw_arena *arena,
                                                struct sw_client_status *ret_status,
                                                struct sw_err *err);

#endif
