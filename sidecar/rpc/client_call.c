/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/rpc/client.intern.h"

#include <assert.h>
#include <errno.h>
#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <stdio.h>
#include <stdlib.h>

#include "google/rpc/status.pb-c.h"
#include "sidecar/rpc/rpc.intern.h"

/* A call and everything it receives. */
struct call {
    struct sw_client *client;
    grpc_call *call;
    grpc_byte_buffer *request;
    grpc_metadata_array headers;
    grpc_metadata_array trailers;
    grpc_status_code status;
    grpc_slice message;
    bool heard; /* a message has come */
};

enum { TAG_START = 1, TAG_MESSAGE = 2, TAG_STATUS = 3 };

static void *tag(int number)
{
    return (void *)(uintptr_t)number;
}

static gpr_timespec deadline_after(uint64_t ms)
{
    if (ms == 0)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_millis((int64_t)ms, GPR_TIMESPAN));
}

/* Errors reach the user as struct sw_err; gRPC's own log would repeat them. */
static void log_nothing(gpr_log_func_args *args)
{
    (void)args;
}

static enum sw_code read_file(const char *path, char **ret_text, struct sw_err *err)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0;
    size_t room = 0;

    if (file == NULL)
        return sw_fail(err, SW_CONFIGURATION, "%s: %s", path, strerror(errno));
    do {
        char *more;

        room += 16384;
        more = realloc(text, room + 1);
        if (more == NULL)
            break;
        text = more;
        size += fread(text + size, 1, room - size, file);
    } while (size == room);
    if (ferror(file) || text == NULL) {
        (void)fclose(file);
        free(text);
        return sw_fail(err, SW_CONFIGURATION, "%s: cannot be read", path);
    }
    (void)fclose(file);
    text[size] = '\0';
    *ret_text = text;
    return SW_OK;
}

static enum sw_code credentials(const struct sw_client_options *options,
                                grpc_channel_credentials **ret, struct sw_err *err)
{
    char *ca = NULL;
    char *cert = NULL;
    char *key = NULL;
    enum sw_code rc;

    if (options->tls_ca == NULL) {
        *ret = grpc_insecure_credentials_create();
        return SW_OK;
    }
    rc = read_file(options->tls_ca, &ca, err);
    if (rc == SW_OK && options->tls_cert != NULL)
        rc = read_file(options->tls_cert, &cert, err);
    if (rc == SW_OK && options->tls_key != NULL)
        rc = read_file(options->tls_key, &key, err);
    if (rc == SW_OK && (cert == NULL) != (key == NULL))
        rc = sw_fail(err, SW_CONFIGURATION, "a client's certificate and key go together");
    if (rc == SW_OK) {
        grpc_ssl_pem_key_cert_pair pair = {.private_key = key, .cert_chain = cert};

        *ret = grpc_ssl_credentials_create(ca, cert != NULL ? &pair : NULL, NULL, NULL);
        if (*ret == NULL)
            rc = sw_fail(err, SW_CONFIGURATION, "the TLS files are refused");
    }
    free(ca);
    free(cert);
    free(key);
    return rc;
}

static grpc_channel *make_channel(const char *address, grpc_channel_credentials *creds)
{
    static char receive_max[] = GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH;
    static char http_proxy[] = GRPC_ARG_ENABLE_HTTP_PROXY;
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER, .key = receive_max, .value = {.integer = -1}},
        {.type = GRPC_ARG_INTEGER, .key = http_proxy, .value = {.integer = 0}},
    };
    grpc_channel_args list = {.num_args = 2, .args = args};

    return grpc_channel_create(address, creds, &list);
}

enum sw_code sw_client_open(const struct sw_client_options *options, struct sw_client **ret_client,
                            struct sw_err *err)
{
    grpc_channel_credentials *creds = NULL;
    struct sw_client *client = calloc(1, sizeof(*client));
    enum sw_code rc;

    if (client == NULL)
        return sw_fail(err, SW_NO_MEMORY, "connect: out of memory");
    if (getenv("GRPC_VERBOSITY") == NULL)
        gpr_set_log_function(log_nothing);
    grpc_init();
    rc = credentials(options, &creds, err);
    if (rc != SW_OK) {
        grpc_shutdown();
        free(client);
        return rc;
    }
    (void)snprintf(client->address, sizeof(client->address), "%s", options->address);
    client->timeout_ms = options->timeout_ms;
    client->channel = make_channel(options->address, creds);
    grpc_channel_credentials_release(creds);
    client->queue = grpc_completion_queue_create_for_pluck(NULL);
    *ret_client = client;
    return SW_OK;
}

void sw_client_close(struct sw_client *client)
{
    if (client == NULL)
        return;
    grpc_channel_destroy(client->channel);
    grpc_completion_queue_shutdown(client->queue);
    grpc_completion_queue_destroy(client->queue);
    grpc_shutdown();
    free(client);
}

bool sw_client_is_away(const struct sw_err *err)
{
    return err->code == SW_STORAGE_FAILED && err->os_errno != 0;
}

/* ---- status to error ------------------------------------------------------ */

static enum sw_code code_of_reason(const char *reason)
{
    for (enum sw_code code = SW_OK + 1; code < SW_CODE_COUNT; code++) {
        if (strcmp(sw_code_name(code), reason) == 0)
            return code;
    }
    return SW_OK;
}

/* Finds the reason in google.rpc.Status; SW_OK when it holds none that is known. */
static enum sw_code read_details(grpc_slice bytes, struct sw_err *err)
{
    Google__Rpc__Status *status =
        google__rpc__status__unpack(NULL, GRPC_SLICE_LENGTH(bytes), GRPC_SLICE_START_PTR(bytes));
    enum sw_code code = SW_OK;

    for (size_t i = 0; status != NULL && i < status->n_details; i++) {
        const Google__Rpc__Detail *detail = status->details[i];
        Google__Rpc__ErrorInfo *info;

        if (strcmp(detail->type_url, "type.googleapis.com/google.rpc.ErrorInfo") != 0)
            continue;
        info = google__rpc__error_info__unpack(NULL, detail->value.len, detail->value.data);
        if (info == NULL)
            continue;
        code = code_of_reason(info->reason);
        for (size_t j = 0; j < info->n_metadata; j++) {
            if (strcmp(info->metadata[j]->key, "field") == 0)
                (void)snprintf(err->field, sizeof(err->field), "%s", info->metadata[j]->value);
            if (strcmp(info->metadata[j]->key, "limit") == 0)
                err->limit = strtoull(info->metadata[j]->value, NULL, 10);
        }
        google__rpc__error_info__free_unpacked(info, NULL);
    }
    google__rpc__status__free_unpacked(status, NULL);
    return code;
}

/* What stands behind the last of these in gRPC's long sentence. */
static const char *skip_to_cause(const char *why)
{
    static const char *const before[] = {"last error: ", "UNKNOWN: "};

    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        const char *found = strstr(why, before[i]);

        if (found != NULL)
            why = found + strlen(before[i]);
    }
    return why;
}

static enum sw_code away(const struct call *call, int os_errno, const char *why, struct sw_err *err)
{
    enum sw_code rc = sw_fail(err, SW_STORAGE_FAILED, "connect: no server answers at %s: %s",
                              call->client->address, skip_to_cause(why));

    err->os_errno = os_errno;
    return rc;
}

static enum sw_code status_to_code(const struct call *call, struct sw_err *err)
{
    char text[SW_ERR_TEXT_MAX];
    struct sw_err found = {.limit = 0};
    enum sw_code code = SW_OK;

    if (call->status == GRPC_STATUS_OK)
        return SW_OK;
    (void)snprintf(text, sizeof(text), "%.*s", (int)GRPC_SLICE_LENGTH(call->message),
                   (const char *)GRPC_SLICE_START_PTR(call->message));
    for (size_t i = 0; i < call->trailers.count; i++) {
        if (grpc_slice_str_cmp(call->trailers.metadata[i].key, "grpc-status-details-bin") == 0)
            code = read_details(call->trailers.metadata[i].value, &found);
    }
    if (code != SW_OK) {
        code = sw_fail(err, code, "%s", text);
        memcpy(err->field, found.field, sizeof(err->field));
        err->limit = found.limit;
        return code;
    }
    if (call->status == GRPC_STATUS_UNAVAILABLE)
        return away(call, ECONNREFUSED, text, err);
    if (call->status == GRPC_STATUS_DEADLINE_EXCEEDED)
        return away(call, ETIMEDOUT, "time is up", err);
    return sw_fail(err, SW_CONFIGURATION, "%s: %s (gRPC status %d)", call->client->address, text,
                   (int)call->status);
}

/* ---- calls ---------------------------------------------------------------- */

static void start_batch(struct call *call, const grpc_op *ops, size_t count, int number)
{
    if (grpc_call_start_batch(call->call, ops, count, tag(number), NULL) != GRPC_CALL_OK)
        abort(); /* the ops are ours */
}

/* False when the time is up before the batch completed; it is then still under way. */
static bool finish_batch(struct call *call, int number, uint64_t timeout_ms)
{
    grpc_event event = grpc_completion_queue_pluck(call->client->queue, tag(number),
                                                   deadline_after(timeout_ms), NULL);

    return event.type == GRPC_OP_COMPLETE;
}

static void begin_call(struct sw_client *client, const struct sw_client_method *method,
                       const ProtobufCMessage *ask, gpr_timespec deadline, struct call *ret_call)
{
    struct call *call = ret_call;
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_MESSAGE},
                      {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                      {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    grpc_op status_op = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};

    *call = (struct call){.client = client, .request = sw_wire_pack(ask)};
    call->call =
        grpc_channel_create_call(client->channel, NULL, GRPC_PROPAGATE_DEFAULTS, client->queue,
                                 grpc_slice_from_static_string(method->path), NULL, deadline, NULL);
    grpc_metadata_array_init(&call->headers);
    grpc_metadata_array_init(&call->trailers);
    ops[1].data.send_message.send_message = call->request;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &call->headers;
    status_op.data.recv_status_on_client.trailing_metadata = &call->trailers;
    status_op.data.recv_status_on_client.status = &call->status;
    status_op.data.recv_status_on_client.status_details = &call->message;
    start_batch(call, ops, 4, TAG_START);
    start_batch(call, &status_op, 1, TAG_STATUS);
}

/* Receives a message: *ret NULL at the end of the stream. False when the time is up. */
static bool receive(struct call *call, uint64_t timeout_ms, grpc_byte_buffer **ret)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    bool in_time;

    *ret = NULL;
    op.data.recv_message.recv_message = ret;
    start_batch(call, &op, 1, TAG_MESSAGE);
    in_time = finish_batch(call, TAG_MESSAGE, timeout_ms);
    if (!in_time) {
        (void)grpc_call_cancel(call->call, NULL);
        (void)finish_batch(call, TAG_MESSAGE, 0);
        grpc_byte_buffer_destroy(*ret); /* it may have come just then */
        *ret = NULL;
    }
    return in_time;
}

/* Waits for the status; frees the call. rc: what went wrong before, wins. */
static enum sw_code end_call(struct call *call, enum sw_code rc, struct sw_err *err)
{
    if (rc != SW_OK)
        (void)grpc_call_cancel(call->call, NULL);
    (void)finish_batch(call, TAG_STATUS, 0);
    (void)finish_batch(call, TAG_START, 0); /* with the headers, or because the call is over */
    grpc_byte_buffer_destroy(call->request);
    if (rc == SW_OK)
        rc = status_to_code(call, err);
    grpc_call_unref(call->call);
    grpc_slice_unref(call->message);
    grpc_metadata_array_destroy(&call->headers);
    grpc_metadata_array_destroy(&call->trailers);
    return rc;
}

static enum sw_code unpack(const struct sw_client_method *method, grpc_byte_buffer *bytes,
                           struct sw_arena *arena, ProtobufCMessage **ret, struct sw_err *err)
{
    ProtobufCMessage *message = sw_wire_unpack(method->answer, bytes, arena, 0);

    if (message == NULL)
        return sw_fail(err, SW_CONFIGURATION, "the answer of %s cannot be read", method->path);
    *ret = message;
    return SW_OK;
}

enum sw_code sw_client_unary(struct sw_client *client, const struct sw_client_method *method,
                             const ProtobufCMessage *ask, struct sw_arena *arena,
                             ProtobufCMessage **ret_answer, struct sw_err *err)
{
    grpc_byte_buffer *bytes = NULL;
    ProtobufCMessage *answer = NULL;
    enum sw_code rc = SW_OK;
    struct call call;

    begin_call(client, method, ask, deadline_after(client->timeout_ms), &call);
    (void)receive(&call, 0, &bytes);
    if (bytes != NULL)
        rc = unpack(method, bytes, arena, &answer, err);
    grpc_byte_buffer_destroy(bytes);
    rc = end_call(&call, rc, err);
    if (rc == SW_OK && answer == NULL)
        rc = sw_fail(err, SW_CONFIGURATION, "%s answers nothing", method->path);
    if (rc == SW_OK)
        *ret_answer = answer;
    return rc;
}

enum sw_code sw_client_stream(struct sw_client *client, const struct sw_client_method *method,
                              const ProtobufCMessage *ask,
                              enum sw_code (*visit)(void *self, const ProtobufCMessage *answer,
                                                    struct sw_arena *arena, struct sw_err *err),
                              void *self, struct sw_err *err)
{
    struct sw_arena arena;
    enum sw_code rc = SW_OK;
    struct call call;

    sw_arena_init(&arena, 0);
    begin_call(client, method, ask, deadline_after(0), &call);
    while (rc == SW_OK) {
        grpc_byte_buffer *bytes;
        ProtobufCMessage *answer = NULL;

        if (!receive(&call, call.heard ? 0 : client->timeout_ms, &bytes)) {
            rc = away(&call, ETIMEDOUT, "time is up", err);
            break;
        }
        if (bytes == NULL)
            break;
        call.heard = true;
        rc = unpack(method, bytes, &arena, &answer, err);
        grpc_byte_buffer_destroy(bytes);
        if (rc == SW_OK)
            rc = visit(self, answer, &arena, err);
        sw_arena_reset(&arena);
    }
    sw_arena_fini(&arena);
    return end_call(&call, rc, err);
}
