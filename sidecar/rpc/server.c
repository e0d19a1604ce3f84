/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/rpc/server.h"

#include <assert.h>
#include <grpc/support/log.h>
#include <stdlib.h>

#include "sidecar/log.h"
#include "sidecar/metrics.h"
#include "sidecar/rpc/listen.h"
#include "sidecar/rpc/rpc.intern.h"

/* ---- accepting ---------------------------------------------------------------- */

static void post_accept(struct sw_server *server, struct sw_endpoint *endpoint,
                        const struct sw_method *method, void *registration);

static void on_accepted(struct sw_tag *tag, bool ok)
{
    struct sw_accept *accept = SW_CONTAINER(tag, struct sw_accept, tag);
    struct sw_server *server = accept->server;

    if (ok) {
        post_accept(server, accept->endpoint, accept->method, accept->registration);
        accept->method->start(server, accept);
        grpc_byte_buffer_destroy(accept->payload);
    }
    grpc_metadata_array_destroy(&accept->metadata);
    accept->next = server->free_accepts;
    server->free_accepts = accept;
}

static void post_accept(struct sw_server *server, struct sw_endpoint *endpoint,
                        const struct sw_method *method, void *registration)
{
    struct sw_accept *accept = server->free_accepts;

    if (endpoint->down)
        return;
    if (accept != NULL)
        server->free_accepts = accept->next;
    else
        accept = malloc(sizeof *accept);
    assert(accept != NULL);
    *accept = (struct sw_accept){.tag.on_event = on_accepted,
                                 .server = server,
                                 .endpoint = endpoint,
                                 .method = method,
                                 .registration = registration};
    grpc_metadata_array_init(&accept->metadata);
    if (grpc_server_request_registered_call(endpoint->grpc, registration, &accept->call,
                                            &accept->deadline, &accept->metadata,
                                            method->bidi ? NULL : &accept->payload, server->queue,
                                            server->queue, &accept->tag) != GRPC_CALL_OK)
        abort();
}

/* Without this an unknown method would hang until its deadline. */
struct unknown {
    struct sw_tag tag;
    grpc_call *call;
    struct sw_ending ending;
    int cancelled;
};

static void on_unknown_answered(struct sw_tag *tag, bool ok)
{
    struct unknown *unknown = SW_CONTAINER(tag, struct unknown, tag);

    (void)ok;
    sw_ending_fini(&unknown->ending);
    grpc_call_unref(unknown->call);
    free(unknown);
}

static void answer_unknown(grpc_call *call)
{
    struct unknown *unknown = calloc(1, sizeof *unknown);
    grpc_op ops[3] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}};

    assert(unknown != NULL);
    unknown->tag.on_event = on_unknown_answered;
    unknown->call = call;
    sw_ending_init_plain(&unknown->ending, GRPC_STATUS_UNIMPLEMENTED, "no such method");
    sw_ending_op(&unknown->ending, &ops[1]);
    ops[2] = (grpc_op){.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                       .data.recv_close_on_server.cancelled = &unknown->cancelled};
    if (grpc_call_start_batch(call, ops, 3, &unknown->tag, NULL) != GRPC_CALL_OK)
        abort();
}

static void post_unknown(struct sw_endpoint *endpoint)
{
    grpc_call_details_init(&endpoint->unknown_details);
    grpc_metadata_array_init(&endpoint->unknown_metadata);
    if (grpc_server_request_call(endpoint->grpc, &endpoint->unknown_call,
                                 &endpoint->unknown_details, &endpoint->unknown_metadata,
                                 endpoint->server->queue, endpoint->server->queue,
                                 &endpoint->unknown_tag) != GRPC_CALL_OK)
        abort();
}

static void on_unknown(struct sw_tag *tag, bool ok)
{
    struct sw_endpoint *endpoint = SW_CONTAINER(tag, struct sw_endpoint, unknown_tag);
    grpc_call *call = endpoint->unknown_call;

    grpc_call_details_destroy(&endpoint->unknown_details);
    grpc_metadata_array_destroy(&endpoint->unknown_metadata);
    if (!ok)
        return;
    if (!endpoint->down)
        post_unknown(endpoint);
    answer_unknown(call);
}

/* ---- draining ------------------------------------------------------------------ */

static void on_stopped(struct sw_tag *tag, bool ok)
{
    struct sw_endpoint *endpoint = SW_CONTAINER(tag, struct sw_endpoint, stopped);
    struct sw_server *server = endpoint->server;

    (void)ok;
    grpc_server_destroy(endpoint->grpc);
    endpoint->grpc = NULL;
    server->finished = true;
    for (unsigned i = 0; i < server->endpoints_count; i++)
        server->finished &= server->endpoints[i].grpc == NULL;
}

void sw_server_begin_drain(struct sw_server *server)
{
    struct sw_listener *next;

    if (server->draining)
        return;
    sw_log_write(SW_LOG_INFO, "draining", NULL);
    sw_health_set(SW_HEALTH_DRAINING);
    server->draining = true;
    server->drain_until_ms = sw_loop_now_ms(server) + server->options.config->drain_ms;
    for (unsigned i = 0; i < server->endpoints_count; i++) {
        server->endpoints[i].down = true;
        grpc_server_shutdown_and_notify(server->endpoints[i].grpc, server->queue,
                                        &server->endpoints[i].stopped);
    }
    for (struct sw_listener *l = server->listeners; l != NULL; l = next) {
        next = l->next;
        l->drain(l);
    }
    while (server->claims != NULL)
        sw_loop_drop(server, server->claims);
    sw_remote_drain(server);
}

static void on_rung(struct sw_tag *tag, bool ok)
{
    (void)ok;
    sw_server_begin_drain(SW_CONTAINER(tag, struct sw_server, rung));
}

void sw_server_drain(struct sw_server *server)
{
    grpc_server_shutdown_and_notify(server->doorbell, server->queue, &server->rung);
}

/* ---- life ---------------------------------------------------------------------- */

static grpc_server *new_grpc_server(const struct sw_config *config)
{
    char names[][48] = {GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
                        GRPC_ARG_MAX_SEND_MESSAGE_LENGTH,
                        GRPC_ARG_ENABLE_CHANNELZ,
                        GRPC_ARG_ALLOW_REUSEPORT,
                        GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                        GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS,
                        GRPC_ARG_HTTP2_MAX_PING_STRIKES};
    const int values[] = {(int)config->limits.message_bytes_max, -1, 0, 0, 5000, 1, 0};
    enum { COUNT = sizeof values / sizeof *values };
    grpc_arg args[COUNT];

    for (int i = 0; i < COUNT; i++)
        args[i] = (grpc_arg){.type = GRPC_ARG_INTEGER, .key = names[i], .value.integer = values[i]};
    return grpc_server_create(&(grpc_channel_args){.num_args = COUNT, .args = args}, NULL);
}

/* gRPC's own lines, such as a failed handshake, in the shape of ours. */
static void log_grpc(gpr_log_func_args *args)
{
    if (args->severity == GPR_LOG_SEVERITY_DEBUG)
        sw_log(DEBUG, "grpc", {"text", .text = args->message});
    else if (args->severity == GPR_LOG_SEVERITY_INFO)
        sw_log(INFO, "grpc", {"text", .text = args->message});
    else
        sw_log(WARNING, "grpc", {"text", .text = args->message});
}

enum sw_code sw_server_new(const struct sw_server_options *options, struct sw_server **ret_server,
                           struct sw_err *err)
{
    struct sw_server *server = calloc(1, sizeof *server);
    bool apart = options->config->control_listen_count != 0;

    if (server == NULL)
        return sw_fail(err, SW_NO_MEMORY, "server");
    server->options = *options;
    server->started_ms = sw_loop_now_ms(server);
    server->batch.tail = &server->batch.head;
    server->batch.events_tail = &server->batch.events;
    sw_arena_init(&server->batch.arena, 0);
    server->rung.on_event = on_rung;
    gpr_set_log_function(log_grpc);
    grpc_init();
    server->queue = grpc_completion_queue_create_for_next(NULL);
    server->doorbell = grpc_server_create(NULL, NULL);
    grpc_server_register_completion_queue(server->doorbell, server->queue, NULL);
    grpc_server_start(server->doorbell);
    sw_bell_init(server);
    server->endpoints_count = apart ? 2 : 1;
    for (unsigned i = 0; i < server->endpoints_count; i++) {
        struct sw_endpoint *endpoint = &server->endpoints[i];

        endpoint->server = server;
        endpoint->agent = i == 0;
        endpoint->control = !apart || i == 1;
        endpoint->stopped.on_event = on_stopped;
        endpoint->unknown_tag.on_event = on_unknown;
        endpoint->grpc = new_grpc_server(options->config);
        grpc_server_register_completion_queue(endpoint->grpc, server->queue, NULL);
    }
    *ret_server = server;
    return SW_OK;
}

struct sw_service_events sw_server_events(struct sw_server *server)
{
    return sw_loop_events(server);
}

static bool serves(const struct sw_endpoint *endpoint, const struct sw_method *method)
{
    return method->common || (method->control ? endpoint->control : endpoint->agent);
}

static void start_endpoint(struct sw_server *server, struct sw_endpoint *endpoint)
{
    enum { METHODS_MAX = 32 };
    void *registrations[METHODS_MAX] = {NULL};

    for (int i = 0; sw_methods[i].path != NULL; i++) {
        assert(i < METHODS_MAX);
        if (serves(endpoint, &sw_methods[i]))
            registrations[i] = grpc_server_register_method(
                endpoint->grpc, sw_methods[i].path, NULL,
                sw_methods[i].bidi ? GRPC_SRM_PAYLOAD_NONE
                                   : GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER,
                0);
    }
    grpc_server_start(endpoint->grpc);
    for (int i = 0; sw_methods[i].path != NULL; i++)
        for (int n = 0; registrations[i] != NULL && n < SW_ACCEPTS_PER_METHOD; n++)
            post_accept(server, endpoint, &sw_methods[i], registrations[i]);
    post_unknown(endpoint);
}

enum sw_code sw_server_listen(struct sw_server *server, struct sw_err *err)
{
    const struct sw_config *config = server->options.config;
    enum sw_code rc = SW_OK;

    for (unsigned i = 0; rc == SW_OK && i < config->listen_count; i++)
        rc = sw_listen(server->endpoints[0].grpc, config->listen[i], config, err);
    for (unsigned i = 0; rc == SW_OK && i < config->control_listen_count; i++)
        rc = sw_listen(server->endpoints[1].grpc, config->control_listen[i], config, err);
    if (rc != SW_OK)
        return rc;
    for (unsigned i = 0; i < server->endpoints_count; i++)
        start_endpoint(server, &server->endpoints[i]);
    return SW_OK;
}

static void drain_queue(struct sw_server *server)
{
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(server->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);

        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return;
        ((struct sw_tag *)event.tag)->on_event(event.tag, event.success != 0);
    }
}

void sw_server_free(struct sw_server *server)
{
    struct sw_accept *accept;

    if (server == NULL)
        return;
    server->ended = true;
    server->shipper = NULL;
    if (!server->draining) /* never ran, or ran into a broken journal: nobody is waiting */
        sw_server_drain(server);
    while (!server->finished || server->reads != 0) {
        grpc_event event =
            grpc_completion_queue_next(server->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);

        ((struct sw_tag *)event.tag)->on_event(event.tag, event.success != 0);
    }
    grpc_server_destroy(server->doorbell);
    sw_bell_fini(server);
    grpc_completion_queue_shutdown(server->queue);
    drain_queue(server);
    grpc_completion_queue_destroy(server->queue);
    while ((accept = server->free_accepts) != NULL) {
        server->free_accepts = accept->next;
        free(accept);
    }
    sw_unary_free_all(server);
    sw_session_free_all(server);
    sw_arena_fini(&server->batch.arena);
    grpc_shutdown();
    free(server);
}
