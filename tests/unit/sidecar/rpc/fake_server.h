/* SPDX-License-Identifier: Apache-2.0
 *
 * fake_server - a gRPC server that answers one call after the other by a script, and keeps
 * what it was asked.
 *
 * Owns:    a thread, a queue and a Unix socket in a temporary directory.
 * Threads: the thread shares `shared` under its lock, which ThreadSanitizer understands; gRPC's own
 *          order of things it does not see. Answers are copied.
 * Fails:   aborts.
 */
#ifndef SW_TEST_FAKE_SERVER_H
#define SW_TEST_FAKE_SERVER_H

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <protobuf-c/protobuf-c.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAKE_ANSWERS_MAX = 4, FAKE_SCRIPT_MAX = 8 };

/* What one call is answered with. */
struct fake_answer {
    const ProtobufCMessage *messages[FAKE_ANSWERS_MAX]; /* until NULL */
    grpc_status_code status;
    const char *text;                /* of the status */
    const ProtobufCMessage *details; /* grpc-status-details-bin; NULL: none */
    bool silent;                     /* answers nothing until the client gives up */
};

/* The same, serialised: what the thread uses may not live on a test's stack. */
struct fake_packed {
    grpc_slice messages[FAKE_ANSWERS_MAX];
    unsigned messages_count;
    grpc_status_code status;
    grpc_slice text;
    grpc_slice details;
    bool has_details;
    bool silent;
};

struct fake_server {
    char folder[64];
    char address[128]; /* unix:///... */
    grpc_server *server;
    grpc_completion_queue *queue;
    pthread_t thread;
    struct {
        pthread_mutex_t lock;
        struct fake_packed script[FAKE_SCRIPT_MAX];
        unsigned calls; /* answered, or being answered */
        char path[128]; /* of the last call */
        uint8_t request[4096];
        size_t request_size;
    } shared;
};

static inline void fake_lock(struct fake_server *fake)
{
    if (pthread_mutex_lock(&fake->shared.lock) != 0)
        abort();
}

static inline void fake_unlock(struct fake_server *fake)
{
    if (pthread_mutex_unlock(&fake->shared.lock) != 0)
        abort();
}

/* Waits for what the thread began. The end of the server has another tag, and may come before. */
static inline bool fake_wait(struct fake_server *fake)
{
    grpc_event event;

    do {
        event = grpc_completion_queue_next(fake->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    } while (event.type == GRPC_OP_COMPLETE && event.tag != fake);
    return event.type == GRPC_OP_COMPLETE && event.success != 0;
}

static inline bool fake_do(struct fake_server *fake, grpc_call *call, const grpc_op *ops,
                           size_t count)
{
    if (grpc_call_start_batch(call, ops, count, fake, NULL) != GRPC_CALL_OK)
        abort();
    return fake_wait(fake);
}

static inline void fake_forget(struct fake_packed *packed)
{
    for (unsigned i = 0; i < packed->messages_count; i++)
        grpc_slice_unref(packed->messages[i]);
    grpc_slice_unref(packed->text);
    if (packed->has_details)
        grpc_slice_unref(packed->details);
}

static inline grpc_slice fake_pack(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));

    (void)protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    return slice;
}

/* What the call after `slot` earlier ones is answered with. */
static inline void fake_script(struct fake_server *fake, unsigned slot,
                               const struct fake_answer *answer)
{
    struct fake_packed packed = {.status = answer->status, .silent = answer->silent};

    while (packed.messages_count < FAKE_ANSWERS_MAX &&
           answer->messages[packed.messages_count] != NULL) {
        packed.messages[packed.messages_count] = fake_pack(answer->messages[packed.messages_count]);
        packed.messages_count++;
    }
    packed.text = grpc_slice_from_copied_string(answer->text != NULL ? answer->text : "");
    packed.has_details = answer->details != NULL;
    if (packed.has_details)
        packed.details = fake_pack(answer->details);
    fake_lock(fake);
    fake_forget(&fake->shared.script[slot]);
    fake->shared.script[slot] = packed;
    fake_unlock(fake);
}

/* The next answer, taken out of the script. */
static inline struct fake_packed fake_take(struct fake_server *fake)
{
    struct fake_packed *next;
    struct fake_packed taken;

    fake_lock(fake);
    next = &fake->shared.script[fake->shared.calls++ % FAKE_SCRIPT_MAX];
    taken = *next;
    *next = (struct fake_packed){.text = grpc_empty_slice()};
    fake_unlock(fake);
    return taken;
}

static inline unsigned fake_calls(struct fake_server *fake)
{
    unsigned calls;

    fake_lock(fake);
    calls = fake->shared.calls;
    fake_unlock(fake);
    return calls;
}

/* The last request, which must have come by this path and be of this type; freed by the caller. */
static inline void *fake_asked(struct fake_server *fake, const char *path,
                               const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message;

    fake_lock(fake);
    message =
        protobuf_c_message_unpack(type, NULL, fake->shared.request_size, fake->shared.request);
    if (message == NULL || strcmp(fake->shared.path, path) != 0)
        abort();
    fake_unlock(fake);
    return message;
}

/* False when the client has gone before it could be heard. */
static inline bool fake_read(struct fake_server *fake, grpc_call *call,
                             const grpc_call_details *details)
{
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_RECV_MESSAGE}};
    grpc_byte_buffer *bytes = NULL;
    grpc_byte_buffer_reader reader;
    grpc_slice all;

    ops[1].data.recv_message.recv_message = &bytes;
    (void)fake_do(fake, call, ops, 2);
    if (bytes == NULL || !grpc_byte_buffer_reader_init(&reader, bytes))
        return false;
    all = grpc_byte_buffer_reader_readall(&reader);
    fake_lock(fake);
    fake->shared.request_size = GRPC_SLICE_LENGTH(all);
    if (fake->shared.request_size > sizeof(fake->shared.request))
        abort();
    memcpy(fake->shared.request, GRPC_SLICE_START_PTR(all), fake->shared.request_size);
    (void)snprintf(fake->shared.path, sizeof(fake->shared.path), "%.*s",
                   (int)GRPC_SLICE_LENGTH(details->method),
                   (const char *)GRPC_SLICE_START_PTR(details->method));
    fake_unlock(fake);
    grpc_slice_unref(all);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(bytes);
    return true;
}

static inline void fake_send(struct fake_server *fake, grpc_call *call, grpc_slice message)
{
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};

    op.data.send_message.send_message = grpc_raw_byte_buffer_create(&message, 1);
    (void)fake_do(fake, call, &op, 1); /* the client may have gone */
    grpc_byte_buffer_destroy(op.data.send_message.send_message);
}

static inline void fake_end(struct fake_server *fake, grpc_call *call, struct fake_packed *packed)
{
    grpc_metadata trailer = {.key = grpc_slice_from_static_string("grpc-status-details-bin"),
                             .value = packed->details};
    grpc_op ops[2] = {{.op = GRPC_OP_RECV_CLOSE_ON_SERVER},
                      {.op = GRPC_OP_SEND_STATUS_FROM_SERVER}};
    int cancelled = 0;

    ops[0].data.recv_close_on_server.cancelled = &cancelled;
    ops[1].data.send_status_from_server.status = packed->status;
    ops[1].data.send_status_from_server.status_details = &packed->text;
    ops[1].data.send_status_from_server.trailing_metadata = &trailer;
    ops[1].data.send_status_from_server.trailing_metadata_count = packed->has_details;
    (void)fake_do(fake, call, ops, packed->silent ? 1 : 2);
}

static inline void fake_answer_call(struct fake_server *fake, grpc_call *call,
                                    const grpc_call_details *details)
{
    struct fake_packed packed;

    if (!fake_read(fake, call, details))
        return;
    packed = fake_take(fake);
    for (unsigned i = 0; i < packed.messages_count; i++)
        fake_send(fake, call, packed.messages[i]);
    fake_end(fake, call, &packed);
    fake_forget(&packed);
}

static inline void *fake_run(void *self)
{
    struct fake_server *fake = self;

    for (;;) {
        grpc_call_details details;
        grpc_metadata_array metadata;
        grpc_call *call = NULL;

        grpc_call_details_init(&details);
        grpc_metadata_array_init(&metadata);
        if (grpc_server_request_call(fake->server, &call, &details, &metadata, fake->queue,
                                     fake->queue, fake) != GRPC_CALL_OK)
            abort();
        if (!fake_wait(fake)) {
            grpc_call_details_destroy(&details);
            grpc_metadata_array_destroy(&metadata);
            return NULL;
        }
        fake_answer_call(fake, call, &details);
        grpc_call_unref(call);
        grpc_call_details_destroy(&details);
        grpc_metadata_array_destroy(&metadata);
    }
}

static inline void fake_start(struct fake_server *fake)
{
    grpc_server_credentials *plain;

    memset(fake, 0, sizeof(*fake));
    for (unsigned i = 0; i < FAKE_SCRIPT_MAX; i++)
        fake->shared.script[i].text = grpc_empty_slice();
    if (pthread_mutex_init(&fake->shared.lock, NULL) != 0)
        abort();
    (void)snprintf(fake->folder, sizeof(fake->folder), "/tmp/stepwell-fake-XXXXXX");
    if (mkdtemp(fake->folder) == NULL)
        abort();
    (void)snprintf(fake->address, sizeof(fake->address), "unix://%s/s", fake->folder);
    grpc_init();
    plain = grpc_insecure_server_credentials_create();
    fake->queue = grpc_completion_queue_create_for_next(NULL);
    fake->server = grpc_server_create(NULL, NULL);
    grpc_server_register_completion_queue(fake->server, fake->queue, NULL);
    if (grpc_server_add_http2_port(fake->server, fake->address, plain) == 0)
        abort();
    grpc_server_credentials_release(plain);
    grpc_server_start(fake->server);
    if (pthread_create(&fake->thread, NULL, fake_run, fake) != 0)
        abort();
}

static inline void fake_stop(struct fake_server *fake)
{
    int stopped; /* its address is the tag */
    grpc_event event;

    grpc_server_shutdown_and_notify(fake->server, fake->queue, &stopped);
    grpc_server_cancel_all_calls(fake->server);
    if (pthread_join(fake->thread, NULL) != 0)
        abort();
    grpc_completion_queue_shutdown(fake->queue);
    do {
        event = grpc_completion_queue_next(fake->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    } while (event.type != GRPC_QUEUE_SHUTDOWN);
    for (unsigned i = 0; i < FAKE_SCRIPT_MAX; i++)
        fake_forget(&fake->shared.script[i]);
    (void)pthread_mutex_destroy(&fake->shared.lock);
    grpc_server_destroy(fake->server);
    grpc_completion_queue_destroy(fake->queue);
    grpc_shutdown();
    (void)unlink(fake->address + strlen("unix://"));
    (void)rmdir(fake->folder);
}

#endif
