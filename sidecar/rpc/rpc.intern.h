/* SPDX-License-Identifier: Apache-2.0
 *
 * rpc.intern - the structs that the files of this folder share. Loop thread only,
 * except where a line says otherwise.
 *
 *   accept ──> unary ──┐                         ┌──> unary: one message, status
 *          ──> stream ─┼─> request ─> loop batch ┼──> stream: feed of chunks
 *          ──> session ┘    (a verb)             └──> session: results, coalesced
 */
#ifndef SW_RPC_INTERN_H
#define SW_RPC_INTERN_H

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

#include "sidecar/rpc/server.h"
#include "sidecar/worker/readers.h"
#include "sidecar/worker/shipper.h"

#define SW_CONTAINER(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

enum {
    SW_BATCH_CALLS_MAX = 256,       /* requests in one transaction */
    SW_BATCH_BYTES_MAX = 32 << 20,  /* message bytes in one transaction */
    SW_PIECE_CALLS = 32,            /* of one session message that are answered together: its
                                     * client works on them while the rest is committed */
    SW_ACCEPTS_PER_METHOD = 64,     /* posted at once: with them gRPC's own buffering is bounded */
    SW_CHUNK_BYTES = 32 << 10,      /* a message of a stream, about */
    SW_SESSION_CALLS_MAX = 1024,    /* in one message; and unanswered in one session: then it is
                                     * read no further */
    SW_SESSION_BYTES_MAX = 4 << 20, /* unsent in one session: likewise */
    SW_ENDPOINTS_MAX = 2
};

/* What the completion queue hands back: somebody to call. */
struct sw_tag {
    void (*on_event)(struct sw_tag *tag, bool ok);
};

struct sw_request;
struct sw_accept;
struct sw_feed;
struct sw_reading;

/* A verb: decodes its message, calls the service, sets request->answer. */
struct sw_verb {
    const char *name;
    bool new_work; /* refused while draining */
    bool may_wait; /* its answer may be long in coming: watch for the client's going */
    bool any_time; /* answered before the journal is open and after it is lost, too */
    enum sw_code (*run)(struct sw_server *server, struct sw_request *request);
};

struct sw_method {
    const char *path;
    bool control; /* of ControlService; else of AgentService or of every endpoint */
    bool common;  /* health and reflection: on every endpoint */
    bool bidi;    /* the client sends more than one message */
    const ProtobufCMessageDescriptor *ask;
    const struct sw_verb *verb;       /* run on the loop, or */
    const struct sw_reading *reading; /* read on a reader's thread, or NULL */
    void (*start)(struct sw_server *server, struct sw_accept *accept);
};

/* What Resume answered: where its history is to be read. */
struct sw_resumed {
    uint64_t run;
    uint64_t lease; /* 0: the run has ended */
    uint64_t up_to_lsn;
};

/* One call of a verb, whoever made it. */
struct sw_request {
    struct sw_request *next; /* of the batch, of a load's waiters, of the claims */
    const struct sw_verb *verb;
    const ProtobufCMessage *ask;
    struct sw_arena *arena;
    struct sw_call call;
    ProtobufCMessage *answer;  /* NULL after SW_OK: a ClaimRun that has to wait */
    struct sw_span packed;     /* what `pack` made, in the arena, where it keeps it there */
    struct sw_resumed resumed; /* of Resume */
    struct sw_claim_run_request *claim; /* a ClaimRun, decoded */
    uint64_t wait_until_ms;             /* a ClaimRun that waits */
    size_t bytes;                       /* of its message */
    grpc_call *grpc_call;               /* to wake the loop on; the origin keeps it alive */
    struct sw_waiting *waiting;         /* the list it waits in for the store; NULL: in none */
    struct sw_request *before;          /* of that list */
    enum sw_code rc;
    struct sw_err err;
    /* Serialises the answer while it is true: before the commit. */
    enum sw_code (*pack)(struct sw_request *request);
    /* Sends what was packed, or the error: after the commit. */
    void (*reply)(struct sw_request *request);
    /* The answer will be long in coming: watch for the client's going. False: it is gone. */
    bool (*wait)(struct sw_request *request);
};

/* Requests that wait for the store. */
struct sw_waiting {
    struct sw_request *first; /* smallest remote_lsn, or oldest */
    struct sw_request *last;
};

/* A posted accept, and the call that fulfilled it. `start` takes call and payload. */
struct sw_accept {
    struct sw_tag tag;
    struct sw_server *server;
    struct sw_endpoint *endpoint;
    const struct sw_method *method;
    void *registration;
    grpc_call *call;
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_byte_buffer *payload; /* may be NULL: no message was sent */
    struct sw_accept *next;    /* of the free list */
};

/* A gRPC server of its own: AgentService and ControlService may listen apart. */
struct sw_endpoint {
    struct sw_server *server;
    grpc_server *grpc;
    bool agent;
    bool control;
    struct sw_tag stopped;
    struct sw_tag unknown_tag;
    grpc_call *unknown_call;
    grpc_call_details unknown_details;
    grpc_metadata_array unknown_metadata;
    bool down;
};

/* A stream or session that holds leases and hears events; in the server's list. */
struct sw_listener {
    struct sw_listener *next;
    struct sw_listener **self;
    uint64_t holder;    /* 0: holds none */
    uint64_t watch_run; /* wants run_changed of this run; 0: none */
    /* Events of a committed batch. run_id lives until the call returns. */
    void (*lease_lost)(struct sw_listener *listener, struct sw_span run_id, uint64_t lease);
    void (*changed)(struct sw_listener *listener);
    void (*drain)(struct sw_listener *listener); /* end soon */
    void (*ready)(struct sw_listener *listener); /* calls are answered from now on; may be NULL */
};

struct sw_event { /* held back until the commit */
    struct sw_event *next;
    uint64_t holder; /* lease_lost; 0: run_changed */
    uint64_t run;
    uint64_t lease;
    struct sw_span run_id;
};

/* Wakes the loop from another thread: an empty batch of a call that is never made. */
struct sw_bell {
    struct sw_tag tag;
    grpc_channel *channel;
    grpc_call *call;
    atomic_bool rung; /* an event is under way already */
};

/* One agent that goes from step to step need not wait until the loop has looked for others to
 * share its commit: they would have been seen behind its last one. */
enum sw_alone {
    SW_ALONE_NO,
    SW_ALONE_MAYBE, /* the last batch was one request: look whether another is there by now */
    SW_ALONE_YES    /* none was */
};

struct sw_server {
    struct sw_server_options options;
    struct sw_journal *journal; /* NULL, as the next four: not attached yet */
    struct sw_readers *readers;
    struct sw_service *service;
    struct sw_shipper *shipper; /* NULL also: nothing is shipped */
    const char *store_url;
    struct sw_bell bell;
    struct sw_server_backing attaching;
    atomic_bool is_attaching;
    grpc_completion_queue *queue;
    struct sw_endpoint endpoints[SW_ENDPOINTS_MAX];
    unsigned endpoints_count;
    grpc_server *doorbell; /* a server without ports whose shutdown rings: any thread */
    struct sw_tag rung;
    uint64_t started_ms;
    bool draining;
    bool finished;
    bool ended;  /* being freed: the backing may be gone */
    bool broken; /* the journal failed: broken_err says how */
    struct sw_err broken_err;
    uint64_t drain_until_ms; /* 0: calls were cancelled already, or not draining */

    struct { /* the open transaction */
        struct sw_request *head;
        struct sw_request **tail;
        unsigned count;
        size_t bytes;
        bool sync;
        bool ship;
        bool left_open;      /* records of a request that waits are in it */
        uint64_t remote_lsn; /* the largest of the batch */
        struct sw_event *events;
        struct sw_event **events_tail;
        struct sw_arena arena; /* of the events */
    } batch;

    uint64_t shipped_lsn;      /* as last heard of */
    uint64_t committed_lsn;    /* as last told to the shipper */
    uint64_t committed_bytes;  /* likewise, of the journal's row_bytes */
    bool fenced;               /* nothing is acknowledged any more */
    struct sw_waiting remote;  /* committed, answered once the store has it */
    struct sw_waiting backlog; /* intents that wait for room */

    struct sw_load *loads;     /* runs being read back */
    struct sw_request *claims; /* ClaimRun calls that wait */
    bool claims_due;           /* a run may have become claimable */
    struct sw_listener *listeners;
    struct sw_session *dirty_sessions; /* have something to send */
    uint64_t holders;                  /* the last holder id given out */
    uint64_t sessions;
    enum sw_alone alone;
    unsigned requests;     /* accepted and not answered */
    unsigned reads;        /* jobs with the readers: each still has an event to come */
    uint64_t quiet_at_us;  /* maintenance is due then; 0: nothing to maintain */
    uint64_t gauges_at_us; /* refresh the gauges then */
    uint64_t claims_at_ms; /* look at the claims again then; 0: no need */

    struct sw_accept *free_accepts;
    struct sw_unary *free_unaries;
    struct sw_session_message *free_messages;
    unsigned free_messages_count;
};

/* ---- loop.c */
void sw_loop_submit(struct sw_server *server, struct sw_request *request);
void sw_loop_commit(struct sw_server *server); /* what has been submitted, now */
void sw_loop_listen(struct sw_server *server, struct sw_listener *listener);
void sw_loop_unlisten(struct sw_listener *listener);
/* Nobody waits for the answer any more: ends the request if it waits. */
void sw_loop_drop(struct sw_server *server, struct sw_request *request);
/* Ends the waiting of a holder's requests; `all`: also of those whose end is in sight. */
void sw_loop_drop_holder(struct sw_server *server, uint64_t holder, bool all);
void sw_loop_run_verb(struct sw_server *server, struct sw_request *request);
void sw_loop_add(struct sw_server *server, struct sw_request *request); /* answers with the batch */
void sw_loop_answer(struct sw_server *server, struct sw_request *request); /* now */
void sw_loop_started(struct sw_server *server); /* the journal is there */
uint64_t sw_loop_now_ms(const struct sw_server *server);
struct sw_service_events sw_loop_events(struct sw_server *server);

/* ---- remote.c: what waits for the store */
void sw_bell_init(struct sw_server *server);
void sw_bell_fini(struct sw_server *server);
/* Why a call cannot be answered now. */
SW_MUST_CHECK enum sw_code sw_remote_refusal(const struct sw_server *server, struct sw_err *err);
void sw_remote_committed(struct sw_server *server);
bool sw_remote_park(struct sw_server *server,
                    struct sw_request *request); /* false: need not wait */
bool sw_remote_park_intent(struct sw_server *server, struct sw_request *request);
bool sw_remote_drop(struct sw_server *server, struct sw_request *request); /* false: did not wait */
void sw_remote_drop_holder(struct sw_server *server, uint64_t holder);
void sw_remote_fail(struct sw_server *server, enum sw_code code, const char *text);
void sw_remote_drain(struct sw_server *server);
void sw_remote_set_gauges(const struct sw_server *server);
void sw_server_release_holder(struct sw_server *server, uint64_t holder);
void sw_server_begin_drain(struct sw_server *server); /* server.c */

/* ---- methods.c */
extern const struct sw_method sw_methods[]; /* ends with path == NULL */

/* ---- tls.c */
SW_MUST_CHECK enum sw_code sw_tls_credentials(const struct sw_config *config,
                                              grpc_server_credentials **ret_credentials,
                                              struct sw_err *err);

/* ---- wire.c: messages in, messages out, ends */
/* Decodes a message into arena; NULL: not this message, or its fields would take
 * more than the message limit allows. Later allocations are not limited: they are
 * in proportion to the decoded message, or to what is stored. */
ProtobufCMessage *sw_wire_unpack(const ProtobufCMessageDescriptor *descriptor,
                                 grpc_byte_buffer *buffer, struct sw_arena *arena, size_t limit);
/* That limit: generous towards many small fields. */
size_t sw_wire_limit(const struct sw_server *server);
grpc_byte_buffer *sw_wire_pack(const ProtobufCMessage *message);
/* A byte buffer that takes over malloc'd bytes. */
grpc_byte_buffer *sw_wire_own(uint8_t *bytes, size_t size);

/* The end of a call: status and its rich details, as trailing metadata. */
struct sw_ending {
    grpc_metadata trailer;
    size_t trailers_count;
    grpc_slice message;
    grpc_status_code code;
};
void sw_ending_init(struct sw_ending *ending, enum sw_code rc, const struct sw_err *err);
void sw_ending_init_plain(struct sw_ending *ending, grpc_status_code code, const char *message);
void sw_ending_op(struct sw_ending *ending, grpc_op *ret_op);
void sw_ending_fini(struct sw_ending *ending);

/* ---- one start function per shape of call */
void sw_unary_start(struct sw_server *server, struct sw_accept *accept);
void sw_unary_read_start(struct sw_server *server, struct sw_accept *accept);
void sw_stream_start(struct sw_server *server, struct sw_accept *accept);
void sw_session_start(struct sw_server *server, struct sw_accept *accept);
void sw_session_flush(struct sw_server *server); /* starts writing to every dirty session */
void sw_health_check_start(struct sw_server *server, struct sw_accept *accept);
void sw_health_watch_start(struct sw_server *server, struct sw_accept *accept);
void sw_reflection_start(struct sw_server *server, struct sw_accept *accept);
void sw_unary_free_all(struct sw_server *server);
void sw_session_free_all(struct sw_server *server);

#endif
