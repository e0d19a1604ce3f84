/* SPDX-License-Identifier: Apache-2.0
 *
 * channel - the gRPC C core as a client: calls in flight on one completion queue.
 *
 * Owns:    the channel, the queue, the calls.
 * Threads: one.
 * Fails:   by ending the program: a benchmark that fails has no figures.
 */
#ifndef SW_BENCH_CHANNEL_H
#define SW_BENCH_CHANNEL_H

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

struct bench_call;

struct bench_channel {
    grpc_channel *grpc;
    grpc_completion_queue *queue;
};

void bench_channel_open(struct bench_channel *channel, const char *address);
void bench_channel_close(struct bench_channel *channel);

/* One call: unary again and again, or one stream. reply is called with each message; for a stream
 * that has ended, with NULL. */
struct bench_call {
    struct bench_channel *channel;
    void *method; /* registered */
    void (*reply)(struct bench_call *call, const uint8_t *bytes, size_t size);
    void *self; /* the caller's */
    grpc_call *grpc;
    grpc_byte_buffer *out;
    grpc_byte_buffer *in;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_status_code status;
    grpc_slice details;
    bool stream;
    bool sending;
    int tags[3]; /* their addresses: unary or received, sent, ended */
};

void bench_call_init(struct bench_call *call, struct bench_channel *channel, const char *path,
                     void (*reply)(struct bench_call *call, const uint8_t *bytes, size_t size),
                     void *self);
/* Sends a message as a unary call. */
void bench_call_unary(struct bench_call *call, const uint8_t *bytes, size_t size);
/* Opens a server stream with a message. */
void bench_call_server_stream(struct bench_call *call, const uint8_t *bytes, size_t size);
/* Opens a bidirectional stream; send when call->sending is false; close ends it. */
void bench_call_open_stream(struct bench_call *call);
void bench_call_send(struct bench_call *call, const uint8_t *bytes, size_t size);
void bench_call_cancel(struct bench_call *call);

/* Handles one event, waiting at most so long; false: none came. `calls`: those in flight. */
bool bench_channel_poll(struct bench_channel *channel, struct bench_call *calls, size_t count,
                        uint64_t wait_us);

#endif
