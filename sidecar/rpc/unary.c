/* SPDX-License-Identifier: Apache-2.0
 *
 * unary - one message in, one message or an error out.
 *
 *   start ──> verb on the loop, or a read on a reader thread ──> send ──> free
 */
#include <assert.h>
#include <stdlib.h>

#include "sidecar/rpc/read.h"
#include "sidecar/rpc/rpc.intern.h"

struct sw_unary {
    struct sw_request request;
    struct sw_unary *next; /* of the free list */
    struct sw_server *server;
    const struct sw_method *method;
    struct sw_arena arena;
    grpc_call *call;
    grpc_byte_buffer *packed;
    struct sw_ending ending;
    struct sw_tag sent;
    struct sw_tag closed;
    int cancelled;
    bool close_asked;    /* RECV_CLOSE is a batch of its own */
    bool watching_close; /* and not back yet */
    bool done;           /* the answer went out, or could not */
    struct sw_read read; /* of a read on a reader thread */
};

static void recycle(struct sw_unary *unary)
{
    struct sw_server *server = unary->server;

    grpc_byte_buffer_destroy(unary->packed);
    sw_ending_fini(&unary->ending);
    sw_arena_reset(&unary->arena);
    grpc_call_unref(unary->call);
    unary->next = server->free_unaries;
    server->free_unaries = unary;
}

static void finish(struct sw_unary *unary)
{
    if (unary->done && !unary->watching_close)
        recycle(unary);
}

static void on_sent(struct sw_tag *tag, bool ok)
{
    struct sw_unary *unary = SW_CONTAINER(tag, struct sw_unary, sent);

    (void)ok; /* a lost answer is the client's to ask for again */
    unary->done = true;
    finish(unary);
}

static void on_closed(struct sw_tag *tag, bool ok)
{
    struct sw_unary *unary = SW_CONTAINER(tag, struct sw_unary, closed);

    (void)ok;
    unary->watching_close = false;
    if (unary->cancelled && !unary->done)
        sw_loop_drop(unary->server, &unary->request);
    finish(unary);
}

static bool watch_close(struct sw_request *request)
{
    struct sw_unary *unary = SW_CONTAINER(request, struct sw_unary, request);
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                  .data.recv_close_on_server.cancelled = &unary->cancelled};

    if (unary->close_asked)
        return unary->watching_close;
    unary->close_asked = true;
    unary->watching_close = true;
    if (grpc_call_start_batch(unary->call, &op, 1, &unary->closed, NULL) != GRPC_CALL_OK)
        abort();
    return true;
}

static void send_answer(struct sw_request *request)
{
    struct sw_unary *unary = SW_CONTAINER(request, struct sw_unary, request);
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}};
    size_t count = 1;

    if (request->rc == SW_OK) {
        sw_ending_init_plain(&unary->ending, GRPC_STATUS_OK, "");
        ops[count++] =
            (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = unary->packed};
    } else {
        sw_ending_init(&unary->ending, request->rc, &request->err);
    }
    sw_ending_op(&unary->ending, &ops[count++]);
    if (!unary->close_asked)
        ops[count++] = (grpc_op){.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                                 .data.recv_close_on_server.cancelled = &unary->cancelled};
    if (grpc_call_start_batch(unary->call, ops, count, &unary->sent, NULL) != GRPC_CALL_OK)
        abort();
}

static enum sw_code pack_answer(struct sw_request *request)
{
    struct sw_unary *unary = SW_CONTAINER(request, struct sw_unary, request);

    unary->packed = sw_wire_pack(request->answer);
    return SW_OK;
}

static struct sw_unary *take_unary(struct sw_server *server)
{
    struct sw_unary *unary = server->free_unaries;
    struct sw_arena arena;

    if (unary != NULL) {
        server->free_unaries = unary->next;
        arena = unary->arena;
    } else {
        unary = malloc(sizeof *unary);
        assert(unary != NULL);
        sw_arena_init(&arena, 0);
    }
    *unary = (struct sw_unary){.server = server, .arena = arena};
    unary->ending.message = grpc_empty_slice();
    unary->sent.on_event = on_sent;
    unary->closed.on_event = on_closed;
    return unary;
}

void sw_unary_free_all(struct sw_server *server)
{
    struct sw_unary *unary;

    while ((unary = server->free_unaries) != NULL) {
        server->free_unaries = unary->next;
        sw_arena_fini(&unary->arena);
        free(unary);
    }
}

/* Takes the accepted call; NULL: its message was bad and it has been answered. */
static struct sw_unary *accept_unary(struct sw_server *server, struct sw_accept *accept)
{
    struct sw_unary *unary = take_unary(server);
    struct sw_request *request = &unary->request;

    unary->call = accept->call;
    unary->method = accept->method;
    request->verb = accept->method->verb;
    request->arena = &unary->arena;
    request->call.arena = &unary->arena;
    request->grpc_call = unary->call;
    request->pack = pack_answer;
    request->reply = send_answer;
    request->wait = watch_close;
    request->bytes = accept->payload == NULL ? 0 : grpc_byte_buffer_length(accept->payload);
    request->ask =
        sw_wire_unpack(accept->method->ask, accept->payload, &unary->arena, sw_wire_limit(server));
    if (request->ask == NULL) {
        request->rc =
            sw_fail_field(&request->err, "message", 0, "not a %s", accept->method->ask->name);
        send_answer(request);
        return NULL;
    }
    return unary;
}

void sw_unary_start(struct sw_server *server, struct sw_accept *accept)
{
    struct sw_unary *unary = accept_unary(server, accept);

    if (unary == NULL)
        return;
    if (unary->method->verb->may_wait)
        (void)watch_close(&unary->request);
    sw_loop_submit(server, &unary->request);
}

static void on_read(struct sw_read *read)
{
    struct sw_unary *unary = SW_CONTAINER(read, struct sw_unary, read);
    struct sw_request *request = &unary->request;

    request->rc = read->rc;
    request->err = read->err;
    if (read->rc == SW_OK)
        unary->packed = sw_wire_own(read->bytes, read->size);
    send_answer(request);
}

void sw_unary_read_start(struct sw_server *server, struct sw_accept *accept)
{
    struct sw_unary *unary = accept_unary(server, accept);
    enum sw_code rc;

    if (unary == NULL)
        return;
    unary->read = (struct sw_read){.server = server,
                                   .ask = unary->request.ask,
                                   .arena = &unary->arena,
                                   .wake = unary->call,
                                   .done = on_read};
    rc = sw_read_start(&unary->read, accept->method->reading, &unary->request.err);
    if (rc != SW_OK) {
        unary->request.rc = rc;
        send_answer(&unary->request);
    }
}
