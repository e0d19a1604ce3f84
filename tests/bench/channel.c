/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/channel.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <stdio.h>
#include <stdlib.h>

enum { REPLIED = 0, SENT = 1, ENDED = 2 };

static void die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

void bench_channel_open(struct bench_channel *channel, const char *address)
{
    static char authority_key[] = "grpc.default_authority";
    static char authority[] = "localhost";
    static char receive_key[] = "grpc.max_receive_message_length";
    grpc_arg args[] = {{.type = GRPC_ARG_STRING, .key = authority_key, .value.string = authority},
                       {.type = GRPC_ARG_INTEGER, .key = receive_key, .value.integer = -1}};
    grpc_channel_args given = {.num_args = 2, .args = args};
    grpc_channel_credentials *plain;

    grpc_init();
    plain = grpc_insecure_credentials_create();
    channel->grpc = grpc_channel_create(address, plain, &given);
    channel->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_channel_credentials_release(plain);
}

void bench_channel_close(struct bench_channel *channel)
{
    gpr_timespec never = gpr_inf_future(GPR_CLOCK_REALTIME);

    grpc_channel_destroy(channel->grpc);
    grpc_completion_queue_shutdown(channel->queue);
    while (grpc_completion_queue_next(channel->queue, never, NULL).type != GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_completion_queue_destroy(channel->queue);
    grpc_shutdown();
}

void bench_call_init(struct bench_call *call, struct bench_channel *channel, const char *path,
                     void (*reply)(struct bench_call *call, const uint8_t *bytes, size_t size),
                     void *self)
{
    *call = (struct bench_call){.channel = channel, .reply = reply, .self = self};
    call->method = grpc_channel_register_call(channel->grpc, path, NULL, NULL);
}

static void start(struct bench_call *call)
{
    call->grpc = grpc_channel_create_registered_call(
        call->channel->grpc, NULL, GRPC_PROPAGATE_DEFAULTS, call->channel->queue, call->method,
        gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_metadata_array_init(&call->initial);
    grpc_metadata_array_init(&call->trailing);
    call->details = grpc_empty_slice();
}

static void finish(struct bench_call *call)
{
    grpc_metadata_array_destroy(&call->initial);
    grpc_metadata_array_destroy(&call->trailing);
    grpc_slice_unref(call->details);
    grpc_call_unref(call->grpc);
    call->grpc = NULL;
}

static void batch(struct bench_call *call, const grpc_op *ops, size_t count, int tag)
{
    if (grpc_call_start_batch(call->grpc, ops, count, &call->tags[tag], NULL) != GRPC_CALL_OK)
        die("batch refused");
}

static grpc_byte_buffer *buffer_of(const uint8_t *bytes, size_t size)
{
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)bytes, size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);

    grpc_slice_unref(slice);
    return buffer;
}

static grpc_op receive_status(struct bench_call *call)
{
    return (grpc_op){.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                     .data.recv_status_on_client = {.trailing_metadata = &call->trailing,
                                                    .status = &call->status,
                                                    .status_details = &call->details}};
}

void bench_call_unary(struct bench_call *call, const uint8_t *bytes, size_t size)
{
    grpc_op ops[6] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_MESSAGE},
                      {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                      {.op = GRPC_OP_RECV_INITIAL_METADATA},
                      {.op = GRPC_OP_RECV_MESSAGE}};

    start(call);
    call->out = buffer_of(bytes, size);
    call->in = NULL;
    ops[1].data.send_message.send_message = call->out;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &call->initial;
    ops[4].data.recv_message.recv_message = &call->in;
    ops[5] = receive_status(call);
    batch(call, ops, 6, REPLIED);
}

static void receive(struct bench_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->in};

    call->in = NULL;
    batch(call, &op, 1, REPLIED);
}

static void open_stream(struct bench_call *call)
{
    grpc_op op = receive_status(call);

    call->stream = true;
    batch(call, &op, 1, ENDED);
}

void bench_call_open_stream(struct bench_call *call)
{
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_RECV_INITIAL_METADATA}};

    start(call);
    open_stream(call);
    ops[1].data.recv_initial_metadata.recv_initial_metadata = &call->initial;
    call->sending = true;
    batch(call, ops, 2, SENT);
    receive(call);
}

void bench_call_server_stream(struct bench_call *call, const uint8_t *bytes, size_t size)
{
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_MESSAGE},
                      {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                      {.op = GRPC_OP_RECV_INITIAL_METADATA}};

    start(call);
    open_stream(call);
    call->out = buffer_of(bytes, size);
    ops[1].data.send_message.send_message = call->out;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &call->initial;
    call->sending = true;
    batch(call, ops, 4, SENT);
    receive(call);
}

void bench_call_send(struct bench_call *call, const uint8_t *bytes, size_t size)
{
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};

    call->out = buffer_of(bytes, size);
    op.data.send_message.send_message = call->out;
    call->sending = true;
    batch(call, &op, 1, SENT);
}

void bench_call_cancel(struct bench_call *call)
{
    grpc_call_cancel(call->grpc, NULL);
}

static void deliver(struct bench_call *call, grpc_byte_buffer *in)
{
    grpc_byte_buffer_reader reader;
    grpc_slice all;

    if (in == NULL) {
        call->reply(call, NULL, 0);
        return;
    }
    if (!grpc_byte_buffer_reader_init(&reader, in))
        die("unreadable message");
    all = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(in);
    call->reply(call, GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all));
    grpc_slice_unref(all);
}

static void on_event(struct bench_call *call, int tag)
{
    grpc_byte_buffer *in = call->in;

    if (tag == SENT) {
        grpc_byte_buffer_destroy(call->out);
        call->out = NULL;
        call->sending = false;
    } else if (tag == ENDED) {
        if (call->status != GRPC_STATUS_OK && call->status != GRPC_STATUS_CANCELLED)
            die("a stream failed");
        finish(call);
        deliver(call, NULL);
    } else if (call->stream) {
        if (in == NULL)
            return; /* the status follows */
        call->in = NULL;
        receive(call);
        deliver(call, in);
    } else {
        grpc_byte_buffer_destroy(call->out);
        if (call->status != GRPC_STATUS_OK || in == NULL) {
            fprintf(stderr, "%.*s\n", (int)GRPC_SLICE_LENGTH(call->details),
                    (const char *)GRPC_SLICE_START_PTR(call->details));
            die("a call failed");
        }
        finish(call);
        deliver(call, in);
    }
}

bool bench_channel_poll(struct bench_channel *channel, struct bench_call *calls, size_t count,
                        uint64_t wait_us)
{
    gpr_timespec until = wait_us == 0
                             ? gpr_inf_past(GPR_CLOCK_MONOTONIC)
                             : gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                            gpr_time_from_micros((int64_t)wait_us, GPR_TIMESPAN));
    grpc_event event = grpc_completion_queue_next(channel->queue, until, NULL);

    size_t at;

    if (event.type != GRPC_OP_COMPLETE)
        return false;
    at = (size_t)((char *)event.tag - (char *)calls) / sizeof *calls;

    if ((char *)event.tag >= (char *)calls && at < count) {
        on_event(&calls[at], (int)((int *)event.tag - calls[at].tags));
        return true;
    }
    die("an event of nobody");
    return false;
}
