/* SPDX-License-Identifier: Apache-2.0
 *
 * read - a question about the journal: a reader thread gathers, the loop, which
 * knows who is alive, judges and answers with one serialised message. What the loop
 * has in memory need not be gathered:
 *
 *   gather -> recall -> (gather_rest) -> finish
 *
 * Owns:    nothing: it is part of the call that asked, which keeps `wake` alive.
 * Threads: start and done on the loop; the function on a reader's thread.
 */
#ifndef SW_RPC_READ_H
#define SW_RPC_READ_H

#include "sidecar/rpc/rpc.intern.h"

struct sw_read {
    struct sw_reader_job job;
    struct sw_tag tag;
    struct sw_server *server; /* options only */
    const ProtobufCMessage *ask;
    struct sw_arena *arena; /* the reader's while it runs */
    grpc_call *wake;
    void (*done)(struct sw_read *read);
    const struct sw_reading *reading;
    void *found;   /* what the reader gathered, for finish */
    bool recalled; /* what memory knows is added */
    /* The answer: malloc'd bytes, or an error. */
    uint8_t *bytes;
    size_t size;
    enum sw_code rc;
    struct sw_err err;
};

struct sw_reading {
    /* On a reader's thread: sets read->found, or fails. */
    enum sw_code (*gather)(struct sw_read *read, struct sw_journal_reader *reader);
    /* On the loop: adds what memory knows; whether the reader must gather the rest. NULL: none
     * of both. */
    bool (*recall)(struct sw_read *read);
    enum sw_code (*gather_rest)(struct sw_read *read, struct sw_journal_reader *reader);
    /* On the loop, also after a failure: answers when rc is SW_OK, frees found. */
    enum sw_code (*finish)(struct sw_read *read, enum sw_code rc);
};

SW_MUST_CHECK enum sw_code sw_read_start(struct sw_read *read, const struct sw_reading *reading,
                                         struct sw_err *err);
/* Serialises a message as the answer. */
SW_MUST_CHECK enum sw_code sw_read_answer(struct sw_read *read, const ProtobufCMessage *message);

/* inspect.c */
extern const struct sw_reading sw_reading_list_runs;
extern const struct sw_reading sw_reading_get_run;

#endif
