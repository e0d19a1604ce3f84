/* SPDX-License-Identifier: Apache-2.0
 *
 * reflection - grpc.reflection.v1 and v1alpha, which differ in the name alone.
 *
 * Answers from tables made at build time (proto/descriptors.h), one answer per
 * question, in order.
 */
#include <assert.h>
#include <stdlib.h>

#include "grpc/reflection/v1/reflection.pb-c.h"
#include "proto/descriptors.h"
#include "sidecar/rpc/codec.h"
#include "sidecar/rpc/rpc.intern.h"

enum { FILES_MAX = 32 };

typedef Grpc__Reflection__V1__ServerReflectionRequest Question;
typedef Grpc__Reflection__V1__ServerReflectionResponse Answer;

struct reflection {
    struct sw_listener listener;
    struct sw_server *server;
    struct sw_arena arena; /* of one question */
    grpc_call *call;
    struct sw_tag received;
    struct sw_tag sent;
    struct sw_tag closed;
    grpc_byte_buffer *in;
    grpc_byte_buffer *out;
    struct sw_ending ending;
    int cancelled;
    bool metadata_sent;
    bool is_receiving;
    bool is_sending;
    bool ended;
    bool is_closed;
};

/* ---- answers ---------------------------------------------------------------- */

static const struct sw_descriptor_file *file_named(const char *name)
{
    for (const struct sw_descriptor_file *file = sw_descriptor_files; file->name != NULL; file++)
        if (strcmp(file->name, name) == 0)
            return file;
    return NULL;
}

static const struct sw_descriptor_file *file_declaring(const char *symbol)
{
    for (const struct sw_descriptor_file *file = sw_descriptor_files; file->name != NULL; file++)
        for (const char *const *name = file->symbols; *name != NULL; name++)
            if (strcmp(*name, symbol) == 0)
                return file;
    return NULL;
}

/* The file and all it imports, each once. */
static size_t collect(const struct sw_descriptor_file *file,
                      const struct sw_descriptor_file **files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (files[i] == file)
            return count;
    assert(count < FILES_MAX);
    files[count++] = file;
    for (const char *const *name = file->dependencies; *name != NULL; name++)
        count = collect(file_named(*name), files, count);
    return count;
}

static void answer_file(struct sw_arena *arena, const struct sw_descriptor_file *file,
                        Answer *answer)
{
    const struct sw_descriptor_file *files[FILES_MAX];
    Grpc__Reflection__V1__FileDescriptorResponse *response;
    Grpc__Reflection__V1__ErrorResponse *error;
    static char missing[] = "no such file or symbol";
    size_t count;

    if (file == NULL) {
        error = sw_codec_make(arena, sizeof *error);
        grpc__reflection__v1__error_response__init(error);
        error->error_code = GRPC_STATUS_NOT_FOUND;
        error->error_message = missing;
        answer->message_response_case =
            GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
        answer->error_response = error;
        return;
    }
    count = collect(file, files, 0);
    response = sw_codec_make(arena, sizeof *response);
    grpc__reflection__v1__file_descriptor_response__init(response);
    response->n_file_descriptor_proto = count;
    response->file_descriptor_proto =
        sw_codec_make(arena, count * sizeof *response->file_descriptor_proto);
    for (size_t i = 0; i < count; i++) {
        uint8_t *copy = sw_codec_make(arena, files[i]->size);

        memcpy(copy, files[i]->bytes, files[i]->size);
        response->file_descriptor_proto[i] =
            (ProtobufCBinaryData){.len = files[i]->size, .data = copy};
    }
    answer->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    answer->file_descriptor_response = response;
}

static void answer_services(struct sw_arena *arena, Answer *answer)
{
    Grpc__Reflection__V1__ListServiceResponse *response = sw_codec_make(arena, sizeof *response);
    size_t count = 0;

    grpc__reflection__v1__list_service_response__init(response);
    while (sw_descriptor_services[count] != NULL)
        count++;
    response->n_service = count;
    response->service = sw_codec_make(arena, count * sizeof *response->service);
    for (size_t i = 0; i < count; i++) {
        response->service[i] = sw_codec_make(arena, sizeof *response->service[i]);
        grpc__reflection__v1__service_response__init(response->service[i]);
        response->service[i]->name =
            sw_codec_text(arena, sw_span_of_text(sw_descriptor_services[i]));
    }
    answer->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    answer->list_services_response = response;
}

/* proto3 has no extensions: a known type has none, everything else is unknown. */
static void answer_extensions(struct sw_arena *arena, char *type, Answer *answer)
{
    Grpc__Reflection__V1__ExtensionNumberResponse *response;

    if (file_declaring(type) == NULL) {
        answer_file(arena, NULL, answer);
        return;
    }
    response = sw_codec_make(arena, sizeof *response);
    grpc__reflection__v1__extension_number_response__init(response);
    response->base_type_name = type;
    answer->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
    answer->all_extension_numbers_response = response;
}

static void answer_question(struct sw_arena *arena, Question *question, Answer *answer)
{
    answer->original_request = question;
    answer->valid_host = question->host;
    switch (question->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        answer_file(arena, file_named(question->file_by_filename), answer);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        answer_file(arena, file_declaring(question->file_containing_symbol), answer);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
        answer_extensions(arena, question->all_extension_numbers_of_type, answer);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        answer_services(arena, answer);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST__NOT_SET:
    case _GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST__CASE_IS_INT_SIZE:
        answer_file(arena, NULL, answer);
        break;
    }
}

/* ---- the stream ---------------------------------------------------------------- */

static void free_when_done(struct reflection *reflection)
{
    if (reflection->is_receiving || reflection->is_sending || !reflection->is_closed)
        return;
    sw_loop_unlisten(&reflection->listener);
    grpc_byte_buffer_destroy(reflection->in);
    grpc_byte_buffer_destroy(reflection->out);
    sw_ending_fini(&reflection->ending);
    sw_arena_fini(&reflection->arena);
    grpc_call_unref(reflection->call);
    free(reflection);
}

static void start_batch(struct reflection *reflection, const grpc_op *ops, size_t count,
                        struct sw_tag *tag)
{
    if (grpc_call_start_batch(reflection->call, ops, count, tag, NULL) != GRPC_CALL_OK)
        abort();
}

/* Sends `out`, or the status when there is none. */
static void send(struct reflection *reflection)
{
    grpc_op ops[2];
    size_t count = 0;

    if (reflection->is_sending || reflection->ended || reflection->is_closed)
        return;
    if (!reflection->metadata_sent)
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    reflection->metadata_sent = true;
    if (reflection->out != NULL) {
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE,
                                 .data.send_message.send_message = reflection->out};
    } else {
        sw_ending_op(&reflection->ending, &ops[count++]);
        reflection->ended = true;
    }
    reflection->is_sending = true;
    start_batch(reflection, ops, count, &reflection->sent);
}

static void receive(struct reflection *reflection)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &reflection->in};

    reflection->is_receiving = true;
    start_batch(reflection, &op, 1, &reflection->received);
}

static void on_received(struct sw_tag *tag, bool ok)
{
    struct reflection *reflection = SW_CONTAINER(tag, struct reflection, received);
    grpc_byte_buffer *in = reflection->in;
    Question *question;

    reflection->is_receiving = false;
    reflection->in = NULL;
    sw_arena_reset(&reflection->arena);
    if (ok && in != NULL && !reflection->is_closed) {
        Answer answer = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;

        question =
            (void *)sw_wire_unpack(&grpc__reflection__v1__server_reflection_request__descriptor, in,
                                   &reflection->arena, sw_wire_limit(reflection->server));
        if (question != NULL) {
            answer_question(&reflection->arena, question, &answer);
            reflection->out = sw_wire_pack(&answer.base);
        }
    }
    grpc_byte_buffer_destroy(in);
    send(reflection); /* nothing to send: the client is done */
    free_when_done(reflection);
}

static void on_sent(struct sw_tag *tag, bool ok)
{
    struct reflection *reflection = SW_CONTAINER(tag, struct reflection, sent);

    reflection->is_sending = false;
    grpc_byte_buffer_destroy(reflection->out);
    reflection->out = NULL;
    if (ok && !reflection->ended && !reflection->is_closed)
        receive(reflection);
    free_when_done(reflection);
}

static void on_closed(struct sw_tag *tag, bool ok)
{
    struct reflection *reflection = SW_CONTAINER(tag, struct reflection, closed);

    (void)ok;
    reflection->is_closed = true;
    sw_loop_unlisten(&reflection->listener);
    free_when_done(reflection);
}

static void drain(struct sw_listener *listener)
{
    struct reflection *reflection = SW_CONTAINER(listener, struct reflection, listener);

    if (!reflection->is_sending)
        send(reflection); /* the status */
}

void sw_reflection_start(struct sw_server *server, struct sw_accept *accept)
{
    struct reflection *reflection = calloc(1, sizeof *reflection);
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};

    assert(reflection != NULL);
    reflection->server = server;
    reflection->call = accept->call;
    reflection->received.on_event = on_received;
    reflection->sent.on_event = on_sent;
    reflection->closed.on_event = on_closed;
    reflection->listener.drain = drain;
    sw_arena_init(&reflection->arena, 0);
    sw_ending_init_plain(&reflection->ending, GRPC_STATUS_OK, "");
    op.data.recv_close_on_server.cancelled = &reflection->cancelled;
    start_batch(reflection, &op, 1, &reflection->closed);
    sw_loop_listen(server, &reflection->listener);
    receive(reflection);
}
