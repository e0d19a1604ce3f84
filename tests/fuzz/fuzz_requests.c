/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_requests - bytes from the wire as a request.
 *
 * Input: which request (one byte, an index into `requests`), then its message.
 * Claims: it unpacks or is refused within the memory a request may take; what
 * unpacks packs again and decodes to spans that lie in the message; no text of it
 * keeps a NUL.
 */
#include <stdlib.h>

#include "sidecar/rpc/blot.h"
#include "sidecar/rpc/codec.h"
#include "storage/base/arena.h"
#include "tests/fuzz/fuzz.h"

static volatile uint8_t sum; /* of bytes touched: the reads must happen */

/* Reads every byte, so that a sanitizer sees where the span points. */
static void touch(struct sw_span span)
{
    for (size_t i = 0; i < span.size; i++)
        sum = (uint8_t)(sum + span.data[i]);
}

static void touch_all(const struct sw_span *spans, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        touch(spans[i]);
}

static void touch_payload(const struct sw_payload *payload)
{
    if (payload->present) {
        touch(payload->data);
        touch(payload->content_type);
    }
}

static void touch_failure(const struct sw_failure *failure)
{
    touch(failure->type);
    touch(failure->message);
    touch_payload(&failure->details);
}

static void touch_begin(const struct sw_begin_step *step)
{
    touch(step->key);
    touch(step->name);
    touch(step->input_digest);
    touch(step->request_id);
    touch_payload(&step->input);
    touch_all(step->retry.non_retryable_types, step->retry.non_retryable_types_count);
}

static void start_run(const void *message, struct sw_arena *arena)
{
    struct sw_start_run_request request;

    sw_decode_start_run(message, arena, &request);
    touch(request.run_id);
    touch(request.task);
    touch(request.code_version);
    touch(request.holder_name);
    touch_payload(&request.input);
    for (uint32_t i = 0; i < request.labels_count; i++) {
        touch(request.labels[i].key);
        touch(request.labels[i].value);
    }
}

static void resume(const void *message, struct sw_arena *arena)
{
    struct sw_resume_request request;

    (void)arena;
    sw_decode_resume(message, &request);
    touch(request.run_id);
    touch(request.holder_name);
}

static void begin_step(const void *message, struct sw_arena *arena)
{
    struct sw_begin_step_request request;

    sw_decode_begin_step(message, arena, &request);
    touch(request.run_id);
    touch_begin(&request.step);
}

static void complete_step(const void *message, struct sw_arena *arena)
{
    struct sw_complete_step_request request;

    sw_decode_complete_step(message, arena, &request);
    touch(request.run_id);
    touch(request.key);
    touch_payload(&request.output);
    touch_failure(&request.failure);
    if (request.has_next)
        touch_begin(&request.next);
}

static void note_step(const void *message, struct sw_arena *arena)
{
    struct sw_note_step_request request;

    (void)arena;
    sw_decode_note_step(message, &request);
    touch(request.key);
    touch(request.external_ref);
    touch_payload(&request.progress);
}

static void touch_resolve(const struct sw_resolve_step_request *request)
{
    touch(request->run_id);
    touch(request->key);
    touch(request->by);
    touch_payload(&request->output);
    touch_failure(&request->failure);
}

static void agent_resolve(const void *message, struct sw_arena *arena)
{
    struct sw_resolve_step_request request;

    (void)arena;
    sw_decode_agent_resolve(message, &request);
    touch_resolve(&request);
}

static void control_resolve(const void *message, struct sw_arena *arena)
{
    struct sw_resolve_step_request request;

    (void)arena;
    sw_decode_control_resolve(message, &request);
    touch_resolve(&request);
}

static void end_run(const void *message, struct sw_arena *arena)
{
    struct sw_end_run_request request;

    sw_decode_end_run(message, arena, &request);
    touch(request.run_id);
    touch_payload(&request.result);
    touch_failure(&request.failure);
    touch_all(request.unvisited, request.unvisited_count);
}

static void claim_run(const void *message, struct sw_arena *arena)
{
    struct sw_claim_run_request request;

    sw_decode_claim_run(message, arena, &request);
    touch(request.holder_name);
    touch_all(request.tasks, request.tasks_count);
}

static void nothing(const void *message, struct sw_arena *arena)
{
    (void)message;
    (void)arena;
}

static void session(const void *message, struct sw_arena *arena);

/* A corpus file names its request by its place here: add at the end. */
static const struct {
    const ProtobufCMessageDescriptor *descriptor;
    void (*decode)(const void *message, struct sw_arena *arena);
} requests[] = {
    {&stepwell__v1__start_run_request__descriptor, start_run},
    {&stepwell__v1__resume_request__descriptor, resume},
    {&stepwell__v1__begin_step_request__descriptor, begin_step},
    {&stepwell__v1__complete_step_request__descriptor, complete_step},
    {&stepwell__v1__note_step_request__descriptor, note_step},
    {&stepwell__v1__agent_service_resolve_step_request__descriptor, agent_resolve},
    {&stepwell__v1__end_run_request__descriptor, end_run},
    {&stepwell__v1__claim_run_request__descriptor, claim_run},
    {&stepwell__v1__session_request__descriptor, session},
    {&stepwell__v1__list_runs_request__descriptor, nothing},
    {&stepwell__v1__get_run_request__descriptor, nothing},
    {&stepwell__v1__read_journal_request__descriptor, nothing},
    {&stepwell__v1__watch_run_request__descriptor, nothing},
    {&stepwell__v1__control_service_resolve_step_request__descriptor, control_resolve},
    {&stepwell__v1__flush_request__descriptor, nothing},
    {&stepwell__v1__get_status_request__descriptor, nothing},
    {&stepwell__v1__drain_request__descriptor, nothing},
};
enum { REQUESTS_COUNT = sizeof(requests) / sizeof(requests[0]) };

/* The members of SessionCall.call stand in the order of `requests`, from field 2. */
static void session(const void *message, struct sw_arena *arena)
{
    const Stepwell__V1__SessionRequest *request = message;

    for (size_t i = 0; i < request->n_calls; i++) {
        const Stepwell__V1__SessionCall *call = request->calls[i];

        switch (call->call_case) {
        case STEPWELL__V1__SESSION_CALL__CALL_START_RUN:
        case STEPWELL__V1__SESSION_CALL__CALL_RESUME:
        case STEPWELL__V1__SESSION_CALL__CALL_BEGIN_STEP:
        case STEPWELL__V1__SESSION_CALL__CALL_COMPLETE_STEP:
        case STEPWELL__V1__SESSION_CALL__CALL_NOTE_STEP:
        case STEPWELL__V1__SESSION_CALL__CALL_RESOLVE_STEP:
        case STEPWELL__V1__SESSION_CALL__CALL_END_RUN:
        case STEPWELL__V1__SESSION_CALL__CALL_CLAIM_RUN:
            requests[call->call_case - STEPWELL__V1__SESSION_CALL__CALL_START_RUN].decode(
                call->start_run, arena); /* the union's pointer, whichever member is set */
            break;
        case STEPWELL__V1__SESSION_CALL__CALL__NOT_SET:
        case _STEPWELL__V1__SESSION_CALL__CALL__CASE_IS_INT_SIZE:
            break;
        }
    }
}

/* One heap block for each piece, so that a sanitizer sees the end of every one; an
 * arena would hide it. Bounded as the server bounds a request's memory. */
struct pieces {
    size_t left;
};

static void *take_piece(void *self, size_t size)
{
    struct pieces *pieces = self;

    if (size > pieces->left)
        return NULL;
    pieces->left -= size;
    return malloc(size > 0 ? size : 1);
}

static void free_piece(void *self, void *piece)
{
    (void)self;
    free(piece);
}

static void check_packing(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(size + 1);

    if (bytes == NULL)
        abort();
    bytes[size] = 0xa5;
    if (protobuf_c_message_pack(message, bytes) != size || bytes[size] != 0xa5)
        abort();
    free(bytes);
}

static void check_blotting(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
                           size_t size)
{
    uint8_t *copy = malloc(size + 1);

    if (copy == NULL)
        abort();
    memcpy(copy, bytes, size);
    if (sw_blot_texts(descriptor, bytes, size, copy) != (memcmp(copy, bytes, size) != 0) ||
        sw_blot_texts(descriptor, copy, size, NULL))
        abort();
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pieces pieces = {.left = 4 * size + (1 << 20)};
    ProtobufCAllocator allocator = {take_piece, free_piece, &pieces};
    ProtobufCMessage *message;
    struct sw_arena arena;

    if (size == 0)
        return 0;
    check_blotting(requests[data[0] % REQUESTS_COUNT].descriptor, data + 1, size - 1);
    message = protobuf_c_message_unpack(requests[data[0] % REQUESTS_COUNT].descriptor, &allocator,
                                        size - 1, data + 1);
    if (message == NULL)
        return 0;
    check_packing(message);
    sw_arena_init(&arena, 0);
    requests[data[0] % REQUESTS_COUNT].decode(message, &arena);
    sw_arena_fini(&arena);
    protobuf_c_message_free_unpacked(message, &allocator);
    return 0;
}
