/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <grpc/byte_buffer_reader.h>
#include <stdio.h>
#include <stdlib.h>

#include "google/rpc/status.pb-c.h"
#include "sidecar/rpc/blot.h"
#include "sidecar/rpc/rpc.intern.h"

static void *arena_alloc(void *arena, size_t size)
{
    return sw_arena_alloc(arena, size);
}

static void arena_free(void *arena, void *pointer)
{
    (void)arena;
    (void)pointer;
}

size_t sw_wire_limit(const struct sw_server *server)
{
    return (size_t)server->options.config->limits.message_bytes_max * 4 + (1 << 20);
}

static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *descriptor,
                                ProtobufCAllocator *allocator, const uint8_t *bytes, size_t size)
{
    if (memchr(bytes, 0, size) != NULL && sw_blot_texts(descriptor, bytes, size, NULL)) {
        uint8_t *copy = sw_arena_alloc(allocator->allocator_data, size);

        if (copy == NULL)
            return NULL;
        memcpy(copy, bytes, size);
        (void)sw_blot_texts(descriptor, bytes, size, copy);
        bytes = copy;
    }
    return protobuf_c_message_unpack(descriptor, allocator, size, bytes);
}

ProtobufCMessage *sw_wire_unpack(const ProtobufCMessageDescriptor *descriptor,
                                 grpc_byte_buffer *buffer, struct sw_arena *arena, size_t limit)
{
    ProtobufCAllocator allocator = {arena_alloc, arena_free, arena};
    ProtobufCMessage *message = NULL;
    grpc_byte_buffer_reader reader;
    grpc_slice *first = NULL;

    if (buffer == NULL || !grpc_byte_buffer_reader_init(&reader, buffer))
        return NULL;
    arena->limit = limit;
    if (grpc_byte_buffer_length(buffer) == 0) {
        message = protobuf_c_message_unpack(descriptor, &allocator, 0, NULL);
    } else if (grpc_byte_buffer_reader_peek(&reader, &first) &&
               GRPC_SLICE_LENGTH(*first) == grpc_byte_buffer_length(buffer)) {
        message =
            unpack(descriptor, &allocator, GRPC_SLICE_START_PTR(*first), GRPC_SLICE_LENGTH(*first));
    } else { /* in several slices: a large message */
        grpc_slice all;

        grpc_byte_buffer_reader_destroy(&reader);
        if (!grpc_byte_buffer_reader_init(&reader, buffer))
            abort(); /* it could be read a moment ago */
        all = grpc_byte_buffer_reader_readall(&reader);
        message = unpack(descriptor, &allocator, GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all));
        grpc_slice_unref(all);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    arena->limit = 0;
    return message;
}

grpc_byte_buffer *sw_wire_pack(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
    grpc_byte_buffer *buffer;

    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

grpc_byte_buffer *sw_wire_own(uint8_t *bytes, size_t size)
{
    grpc_slice slice = grpc_slice_new(bytes, size, free);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);

    grpc_slice_unref(slice);
    return buffer;
}

enum { DETAILS_MAX = 3 };

/* The google.rpc.Status of an error, while it is being serialised. */
struct details {
    Google__Rpc__Detail rows[DETAILS_MAX];
    Google__Rpc__Detail *pointers[DETAILS_MAX];
    size_t count;
};

static void add_detail(struct details *details, char *type_url, const ProtobufCMessage *message)
{
    Google__Rpc__Detail *row = &details->rows[details->count];
    size_t size = protobuf_c_message_get_packed_size(message);

    assert(details->count < DETAILS_MAX);
    google__rpc__detail__init(row);
    row->type_url = type_url;
    row->value.data = malloc(size ? size : 1);
    assert(row->value.data != NULL);
    row->value.len = protobuf_c_message_pack(message, row->value.data);
    details->pointers[details->count++] = row;
}

static char type_error_info[] = "type.googleapis.com/google.rpc.ErrorInfo";
static char type_retry_info[] = "type.googleapis.com/google.rpc.RetryInfo";
static char type_bad_request[] = "type.googleapis.com/google.rpc.BadRequest";
static char domain[] = "stepwell";
static char field_key[] = "field";
static char limit_key[] = "limit";

static void add_error_info(struct details *details, enum sw_code rc, char *field, uint64_t limit)
{
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    Google__Rpc__ErrorInfo__MetadataEntry entries[2];
    Google__Rpc__ErrorInfo__MetadataEntry *pointers[2] = {&entries[0], &entries[1]};
    char reason[64];
    char number[24];

    snprintf(reason, sizeof reason, "%s", sw_code_name(rc));
    snprintf(number, sizeof number, "%llu", (unsigned long long)limit);
    for (int i = 0; i < 2; i++)
        google__rpc__error_info__metadata_entry__init(&entries[i]);
    entries[0].key = field_key;
    entries[0].value = field;
    entries[1].key = limit_key;
    entries[1].value = number;
    info.reason = reason;
    info.domain = domain;
    info.metadata = pointers;
    info.n_metadata = field[0] == '\0' ? 0 : limit == 0 ? 1 : 2;
    add_detail(details, type_error_info, &info.base);
}

static void add_retry_info(struct details *details, uint32_t retry_ms)
{
    Google__Rpc__RetryInfo info = GOOGLE__RPC__RETRY_INFO__INIT;
    Google__Rpc__RetryInfo__Delay delay = GOOGLE__RPC__RETRY_INFO__DELAY__INIT;

    delay.seconds = retry_ms / 1000;
    delay.nanos = (int32_t)(retry_ms % 1000) * 1000000;
    info.retry_delay = &delay;
    add_detail(details, type_retry_info, &info.base);
}

static void add_bad_request(struct details *details, char *field, char *text)
{
    Google__Rpc__BadRequest request = GOOGLE__RPC__BAD_REQUEST__INIT;
    Google__Rpc__BadRequest__FieldViolation row = GOOGLE__RPC__BAD_REQUEST__FIELD_VIOLATION__INIT;
    Google__Rpc__BadRequest__FieldViolation *rows[] = {&row};

    row.field = field;
    row.description = text;
    request.field_violations = rows;
    request.n_field_violations = 1;
    add_detail(details, type_bad_request, &request.base);
}

void sw_ending_init(struct sw_ending *ending, enum sw_code rc, const struct sw_err *err)
{
    struct details details = {.count = 0};
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    struct sw_err copy = *err;
    grpc_slice bytes;

    sw_ending_init_plain(ending, (grpc_status_code)sw_code_grpc(rc), copy.text);
    if (rc == SW_OK)
        return;
    add_error_info(&details, rc, copy.field, copy.limit);
    if (sw_code_retry_ms(rc) != 0)
        add_retry_info(&details, sw_code_retry_ms(rc));
    if (rc == SW_INVALID_FIELD)
        add_bad_request(&details, copy.field, copy.text);
    status.code = sw_code_grpc(rc);
    status.message = copy.text;
    status.details = details.pointers;
    status.n_details = details.count;
    bytes = grpc_slice_malloc(google__rpc__status__get_packed_size(&status));
    google__rpc__status__pack(&status, GRPC_SLICE_START_PTR(bytes));
    for (size_t i = 0; i < details.count; i++)
        free(details.rows[i].value.data);
    ending->trailer.key = grpc_slice_from_static_string("grpc-status-details-bin");
    ending->trailer.value = bytes;
    ending->trailers_count = 1;
}

void sw_ending_init_plain(struct sw_ending *ending, grpc_status_code code, const char *message)
{
    *ending = (struct sw_ending){.code = code, .message = grpc_slice_from_copied_string(message)};
}

void sw_ending_op(struct sw_ending *ending, grpc_op *ret_op)
{
    *ret_op = (grpc_op){.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    ret_op->data.send_status_from_server.status = ending->code;
    ret_op->data.send_status_from_server.status_details =
        ending->code == GRPC_STATUS_OK ? NULL : &ending->message;
    ret_op->data.send_status_from_server.trailing_metadata = &ending->trailer;
    ret_op->data.send_status_from_server.trailing_metadata_count = ending->trailers_count;
}

void sw_ending_fini(struct sw_ending *ending)
{
    grpc_slice_unref(ending->message);
    if (ending->trailers_count != 0)
        grpc_slice_unref(ending->trailer.value);
    *ending = (struct sw_ending){.code = GRPC_STATUS_UNKNOWN, .message = grpc_empty_slice()};
}
