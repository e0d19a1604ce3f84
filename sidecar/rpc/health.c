/* SPDX-License-Identifier: Apache-2.0
 *
 * health - grpc.health.v1: Check and Watch.
 *
 * Known services are "" (the server as a whole) and every service it serves; all
 * share one state. The HTTP port answers the same without the loop (metrics_http).
 */
#include <assert.h>
#include <stdlib.h>

#include "grpc/health/v1/health.pb-c.h"
#include "proto/descriptors.h"
#include "sidecar/rpc/codec.h"
#include "sidecar/rpc/rpc.intern.h"

struct health {
    struct sw_listener listener;
    struct sw_server *server;
    struct sw_arena arena;
    grpc_call *call;
    struct sw_tag sent;
    struct sw_tag closed;
    grpc_byte_buffer *message;
    struct sw_ending ending;
    int cancelled;
    bool known;
    bool is_sending;
    bool drained; /* NOT_SERVING is to be told, and the end */
    Grpc__Health__V1__HealthCheckResponse__ServingStatus told;
    bool ended;
    bool is_closed;
};

static bool is_known(const char *service)
{
    if (service[0] == '\0')
        return true;
    for (const char *const *name = sw_descriptor_services; *name != NULL; name++)
        if (strcmp(*name, service) == 0)
            return true;
    return false;
}

static void free_when_done(struct health *health)
{
    if (health->is_sending || !health->is_closed)
        return;
    sw_loop_unlisten(&health->listener);
    grpc_byte_buffer_destroy(health->message);
    sw_ending_fini(&health->ending);
    sw_arena_fini(&health->arena);
    grpc_call_unref(health->call);
    free(health);
}

static void set_message(struct health *health,
                        Grpc__Health__V1__HealthCheckResponse__ServingStatus status)
{
    Grpc__Health__V1__HealthCheckResponse message = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    message.status = status;
    health->told = status;
    grpc_byte_buffer_destroy(health->message);
    health->message = sw_wire_pack(&message.base);
}

static Grpc__Health__V1__HealthCheckResponse__ServingStatus status_of(const struct health *health)
{
    if (!health->known)
        return GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    if (health->server->draining || health->server->fenced || health->server->service == NULL)
        return GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
    return GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
}

static void send(struct health *health, bool first, bool last)
{
    grpc_op ops[3];
    size_t count = 0;

    if (first)
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    if (health->message != NULL)
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE,
                                 .data.send_message.send_message = health->message};
    if (last)
        sw_ending_op(&health->ending, &ops[count++]);
    health->ended = last;
    health->is_sending = true;
    if (grpc_call_start_batch(health->call, ops, count, &health->sent, NULL) != GRPC_CALL_OK)
        abort();
}

/* A watcher hears each change; at the drain NOT_SERVING, and then the end of the stream. */
static void tell(struct health *health)
{
    struct sw_err err = {0};

    if (health->is_sending || health->ended || health->is_closed ||
        (!health->drained && health->told == status_of(health)))
        return;
    set_message(health, status_of(health));
    if (health->drained) {
        sw_ending_fini(&health->ending);
        sw_ending_init(&health->ending, sw_fail(&err, SW_DRAINING, "the server is shutting down"),
                       &err);
    }
    send(health, false, health->drained);
}

static void on_sent(struct sw_tag *tag, bool ok)
{
    struct health *health = SW_CONTAINER(tag, struct health, sent);

    health->is_sending = false;
    if (ok)
        tell(health);
    free_when_done(health);
}

static void on_closed(struct sw_tag *tag, bool ok)
{
    struct health *health = SW_CONTAINER(tag, struct health, closed);

    (void)ok;
    health->is_closed = true;
    sw_loop_unlisten(&health->listener);
    free_when_done(health);
}

static void drain(struct sw_listener *listener)
{
    struct health *health = SW_CONTAINER(listener, struct health, listener);

    health->drained = true;
    tell(health);
}

static void ready(struct sw_listener *listener)
{
    tell(SW_CONTAINER(listener, struct health, listener));
}

static struct health *start(struct sw_server *server, struct sw_accept *accept)
{
    struct health *health = calloc(1, sizeof *health);
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    const Grpc__Health__V1__HealthCheckRequest *ask;

    assert(health != NULL);
    health->server = server;
    health->call = accept->call;
    health->sent.on_event = on_sent;
    health->closed.on_event = on_closed;
    sw_arena_init(&health->arena, 0);
    sw_ending_init_plain(&health->ending, GRPC_STATUS_OK, "");
    op.data.recv_close_on_server.cancelled = &health->cancelled;
    if (grpc_call_start_batch(health->call, &op, 1, &health->closed, NULL) != GRPC_CALL_OK)
        abort();
    ask = (const void *)sw_wire_unpack(accept->method->ask, accept->payload, &health->arena,
                                       sw_wire_limit(server));
    health->known = ask != NULL && is_known(ask->service);
    return health;
}

void sw_health_check_start(struct sw_server *server, struct sw_accept *accept)
{
    struct health *health = start(server, accept);

    if (health->known) {
        set_message(health, status_of(health));
    } else {
        sw_ending_fini(&health->ending);
        sw_ending_init_plain(&health->ending, GRPC_STATUS_NOT_FOUND, "no such service");
    }
    send(health, true, true);
}

void sw_health_watch_start(struct sw_server *server, struct sw_accept *accept)
{
    struct health *health = start(server, accept);

    health->listener.drain = drain;
    health->listener.ready = ready;
    sw_loop_listen(server, &health->listener);
    set_message(health, status_of(health));
    send(health, true, false);
}
