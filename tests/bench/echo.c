/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_echo ADDRESS [FILE] - what gRPC's C core can do at most: a server that sends every message
 * back. With FILE it first makes each unary message durable, in the cheapest way there is: one
 * write of a WAL frame's size over bytes the file has, and fdatasync.
 *
 * One completion queue, one thread, registered methods, as the sidecar: /bench/Unary, and
 * /bench/Stream with one message in each direction at a time. Without calls it is the idle process
 * that gRPC itself makes.
 */
#include <fcntl.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ACCEPTS = 64, STREAM_MESSAGES = 256, FRAME_BYTES = 24 + 4096, FRAMES = 2048 };

struct tag {
    void (*on_event)(struct tag *tag, bool ok);
};

struct echo { /* a call, from its accept to its end */
    struct tag accepted;
    struct tag received;
    struct tag sent;
    struct tag closed;
    bool stream;
    bool sending;
    bool gone;
    grpc_call *call;
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_byte_buffer *in;
    grpc_byte_buffer *queue[STREAM_MESSAGES]; /* a stream's, to be sent back */
    unsigned head;
    unsigned tail;
    int cancelled;
};

static grpc_server *server;
static grpc_completion_queue *queue;
static void *unary;
static void *stream;
static int file = -1;

static void open_file(const char *path)
{
    static const char frame[FRAME_BYTES];

    file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (int i = 0; i < FRAMES; i++)
        if (write(file, frame, sizeof frame) != (ssize_t)sizeof frame)
            abort();
    if (fsync(file) != 0)
        abort();
}

static void sync_frame(void)
{
    static const char frame[FRAME_BYTES];
    static off_t at;

    if (pwrite(file, frame, sizeof frame, at * FRAME_BYTES) != (ssize_t)sizeof frame ||
        fdatasync(file) != 0)
        abort();
    at = (at + 1) % FRAMES;
}

static void batch(struct echo *echo, const grpc_op *ops, size_t count, struct tag *tag)
{
    if (grpc_call_start_batch(echo->call, ops, count, tag, NULL) != GRPC_CALL_OK)
        abort();
}

static struct echo *echo_of(struct tag *tag, size_t offset)
{
    return (struct echo *)(void *)((char *)tag - offset);
}

static void post(bool is_stream);

static void on_unary_sent(struct tag *tag, bool ok)
{
    struct echo *echo = echo_of(tag, offsetof(struct echo, sent));

    (void)ok;
    grpc_byte_buffer_destroy(echo->in);
    grpc_metadata_array_destroy(&echo->metadata);
    grpc_call_unref(echo->call);
    free(echo);
}

static void answer_unary(struct echo *echo)
{
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_MESSAGE},
                      {.op = GRPC_OP_SEND_STATUS_FROM_SERVER},
                      {.op = GRPC_OP_RECV_CLOSE_ON_SERVER}};

    ops[1].data.send_message.send_message = echo->in;
    ops[2].data.send_status_from_server.status = GRPC_STATUS_OK;
    ops[3].data.recv_close_on_server.cancelled = &echo->cancelled;
    echo->sent.on_event = on_unary_sent;
    batch(echo, ops, 4, &echo->sent);
}

static void receive(struct echo *echo)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &echo->in};

    echo->in = NULL;
    batch(echo, &op, 1, &echo->received);
}

static void send_next(struct echo *echo)
{
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};

    if (echo->sending || echo->gone || echo->head == echo->tail)
        return;
    op.data.send_message.send_message = echo->queue[echo->head % STREAM_MESSAGES];
    echo->sending = true;
    batch(echo, &op, 1, &echo->sent);
}

static void on_stream_sent(struct tag *tag, bool ok)
{
    struct echo *echo = echo_of(tag, offsetof(struct echo, sent));

    echo->sending = false;
    if (echo->head != echo->tail)
        grpc_byte_buffer_destroy(echo->queue[echo->head++ % STREAM_MESSAGES]);
    if (ok)
        send_next(echo);
}

static void on_received(struct tag *tag, bool ok)
{
    struct echo *echo = echo_of(tag, offsetof(struct echo, received));

    if (!ok || echo->in == NULL || echo->tail - echo->head == STREAM_MESSAGES)
        return;
    echo->queue[echo->tail++ % STREAM_MESSAGES] = echo->in;
    receive(echo);
    send_next(echo);
}

/* A stream's memory is left to the end of the process: a benchmark opens a few. */
static void on_closed(struct tag *tag, bool ok)
{
    (void)ok;
    echo_of(tag, offsetof(struct echo, closed))->gone = true;
}

static void on_headers(struct tag *tag, bool ok)
{
    struct echo *echo = echo_of(tag, offsetof(struct echo, sent));

    echo->sending = false;
    echo->sent.on_event = on_stream_sent;
    if (ok)
        send_next(echo);
}

static void start_stream(struct echo *echo)
{
    grpc_op close = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                     .data.recv_close_on_server.cancelled = &echo->cancelled};
    grpc_op headers = {.op = GRPC_OP_SEND_INITIAL_METADATA};

    echo->received.on_event = on_received;
    echo->sent.on_event = on_headers;
    echo->closed.on_event = on_closed;
    echo->sending = true;
    batch(echo, &close, 1, &echo->closed);
    batch(echo, &headers, 1, &echo->sent);
    receive(echo);
}

static void on_accepted(struct tag *tag, bool ok)
{
    struct echo *echo = echo_of(tag, offsetof(struct echo, accepted));

    if (!ok)
        return;
    post(echo->stream);
    if (echo->stream) {
        start_stream(echo);
        return;
    }
    if (file >= 0)
        sync_frame();
    answer_unary(echo);
}

static void post(bool is_stream)
{
    struct echo *echo = calloc(1, sizeof *echo);

    if (echo == NULL)
        abort();
    echo->accepted.on_event = on_accepted;
    echo->stream = is_stream;
    grpc_metadata_array_init(&echo->metadata);
    if (grpc_server_request_registered_call(
            server, is_stream ? stream : unary, &echo->call, &echo->deadline, &echo->metadata,
            is_stream ? NULL : &echo->in, queue, queue, &echo->accepted) != GRPC_CALL_OK)
        abort();
}

int main(int argc, char **argv)
{
    static char channelz[] = GRPC_ARG_ENABLE_CHANNELZ;
    grpc_arg off = {.type = GRPC_ARG_INTEGER, .key = channelz, .value.integer = 0};
    grpc_server_credentials *plain;

    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: bench_echo ADDRESS [FILE]\n");
        return 1;
    }
    if (argc == 3)
        open_file(argv[2]);
    grpc_init();
    server = grpc_server_create(&(grpc_channel_args){.num_args = 1, .args = &off}, NULL);
    queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(server, queue, NULL);
    unary = grpc_server_register_method(server, "/bench/Unary", NULL,
                                        GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    stream = grpc_server_register_method(server, "/bench/Stream", NULL, GRPC_SRM_PAYLOAD_NONE, 0);
    plain = grpc_insecure_server_credentials_create();
    if (grpc_server_add_http2_port(server, argv[1], plain) == 0)
        return 1;
    grpc_server_start(server);
    for (int i = 0; i < ACCEPTS; i++) {
        post(false);
        post(true);
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);

        ((struct tag *)event.tag)->on_event(event.tag, event.success != 0);
    }
}
