/* SPDX-License-Identifier: Apache-2.0
 *
 * feed - a long answer, made chunk by chunk on reader threads.
 *
 * The owner asks for a chunk when it has room; the feed reads, serialises and comes
 * back with the bytes of one message. One chunk is under way at a time.
 *
 *   loop: sw_feed_next ──> reader: read, pack ──> loop: on_chunk
 *
 * Owns:    its reducer and what it has not handed over yet.
 * Threads: the loop; while a chunk is under way the feed is the reader's.
 * Fails:   on_chunk gets rc and err.
 */
#ifndef SW_RPC_FEED_H
#define SW_RPC_FEED_H

#include "sidecar/rpc/rpc.intern.h"

enum sw_feed_kind { SW_FEED_RESUME = 1, SW_FEED_WATCH = 2, SW_FEED_JOURNAL = 3 };

enum sw_feed_phase { SW_FEED_READING = 0, SW_FEED_OPEN_STEPS = 1, SW_FEED_TAILING = 2 };

struct sw_feed_options {
    enum sw_feed_kind kind;
    uint64_t run;          /* RESUME; the others find it by run_id */
    uint64_t up_to_lsn;    /* RESUME: the history ends there */
    bool include_inputs;   /* RESUME, WATCH */
    uint64_t session_id;   /* wrap each message in a SessionResult of this id; 0: plain */
    struct sw_span run_id; /* copied */
    uint64_t from_lsn;     /* JOURNAL */
    uint64_t limit;        /* JOURNAL: records; 0 = all */
};

struct sw_feed {
    struct sw_reader_job job;
    struct sw_tag tag;
    struct sw_server *server;
    grpc_call *wake; /* kept alive by the owner */
    void (*on_chunk)(struct sw_feed *feed);
    struct sw_feed_options options;
    bool under_way;

    /* the reader's while a chunk is under way */
    struct sw_arena arena; /* of one chunk */
    struct sw_arena names; /* run_id, for as long as the feed lives */
    struct sw_history *history;
    enum sw_feed_phase phase;
    struct sw_liveness liveness; /* as of the last sw_feed_next */
    uint64_t now_ms;
    struct sw_run_head head;     /* what encoding a step needs */
    uint64_t records;            /* given so far */
    struct sw_feed_chunk *chunk; /* being filled */

    /* the chunk */
    uint8_t *bytes; /* malloc'd: the taker's */
    size_t size;
    bool end;      /* caught up; a RESUME or JOURNAL feed gives nothing more */
    bool run_over; /* WATCH: the run has ended */
    enum sw_code rc;
    struct sw_err err;
};

SW_MUST_CHECK enum sw_code sw_feed_init(struct sw_feed *feed, struct sw_server *server,
                                        grpc_call *wake, const struct sw_feed_options *options,
                                        void (*on_chunk)(struct sw_feed *feed), struct sw_err *err);
/* Asks for a chunk. WATCH after `end`: for what has changed since. */
SW_MUST_CHECK enum sw_code sw_feed_next(struct sw_feed *feed, struct sw_err *err);
void sw_feed_fini(struct sw_feed *feed); /* not while a chunk is under way; safe to repeat */

#endif
