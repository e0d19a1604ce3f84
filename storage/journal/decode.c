/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/codec.h"

enum { VARINT_MAX = 10 }; /* bytes */

/* What is left to read. The first fault sticks and empties it. */

struct in {
    const uint8_t *next;
    const uint8_t *end;
    struct sw_arena *arena;
    enum sw_code code; /* SW_OK until the first fault */
};

static void spoil(struct in *in, enum sw_code code)
{
    if (in->code == SW_OK)
        in->code = code;
    in->next = in->end;
}

static size_t left(const struct in *in)
{
    return (size_t)(in->end - in->next);
}

static struct sw_span get_bytes(struct in *in, uint64_t size)
{
    struct sw_span span = {0};

    if (size > left(in)) {
        spoil(in, SW_CORRUPT);
        return span;
    }
    span = sw_span_of(in->next, (size_t)size);
    in->next += size;
    return span;
}

static unsigned get_u8(struct in *in)
{
    if (in->next == in->end) {
        spoil(in, SW_CORRUPT);
        return 0;
    }
    return *in->next++;
}

static bool get_bool(struct in *in)
{
    unsigned value = get_u8(in);

    if (value > 1)
        spoil(in, SW_CORRUPT);
    return value == 1;
}

static uint64_t get_varint(struct in *in)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < VARINT_MAX; i++) {
        uint64_t byte = get_u8(in);

        if (i == VARINT_MAX - 1 && byte > 1) /* more than 64 bits */
            break;
        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            if (byte == 0 && i > 0) /* longer than needed */
                break;
            return value;
        }
    }
    spoil(in, SW_CORRUPT);
    return 0;
}

static uint64_t get_varint_max(struct in *in, uint64_t max)
{
    uint64_t value = get_varint(in);

    if (value <= max)
        return value;
    spoil(in, SW_CORRUPT);
    return 0;
}

static unsigned get_enum(struct in *in, unsigned last)
{
    unsigned value = (unsigned)get_varint_max(in, last);

    if (value == 0)
        spoil(in, SW_CORRUPT);
    return value;
}

static struct sw_span get_span(struct in *in)
{
    return get_bytes(in, get_varint(in));
}

static double get_double(struct in *in)
{
    uint64_t bits = 0;
    double value;

    for (unsigned shift = 0; shift < 64; shift += 8)
        bits |= (uint64_t)get_u8(in) << shift;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static struct sw_digest get_digest(struct in *in)
{
    struct sw_digest digest = {{0}};
    struct sw_span bytes = get_bytes(in, SW_DIGEST_SIZE);

    if (bytes.size > 0)
        memcpy(digest.bytes, bytes.data, SW_DIGEST_SIZE);
    return digest;
}

/* Room for a list whose entries take at least one byte of input each, so that a
 * forged count cannot ask for more memory than the input justifies. */
static void *get_list(struct in *in, size_t entry_size, uint32_t *ret_count)
{
    uint32_t count = (uint32_t)get_varint_max(in, UINT32_MAX);
    void *list = NULL;

    *ret_count = 0;
    if (count > left(in)) {
        spoil(in, SW_CORRUPT);
        return NULL;
    }
    if (count == 0)
        return NULL;
    list = sw_arena_zalloc(in->arena, count * entry_size);
    if (list == NULL)
        spoil(in, SW_NO_MEMORY);
    else
        *ret_count = count;
    return list;
}

static const struct sw_span *get_spans(struct in *in, uint32_t *ret_count)
{
    struct sw_span *list = get_list(in, sizeof(*list), ret_count);

    for (uint32_t i = 0; i < *ret_count; i++)
        list[i] = get_span(in);
    return list;
}

static void get_extents(struct in *in, struct sw_payload *payload, struct sw_layout *layout)
{
    struct sw_extent *list = get_list(in, sizeof(*list), &layout->extents_count);
    uint64_t lsn = 0;

    for (uint32_t i = 0; i < layout->extents_count; i++) {
        uint64_t zigzag = get_varint(in);

        lsn += (zigzag >> 1) ^ (0 - (zigzag & 1)); /* modulo 2^64 */
        list[i].lsn = lsn;
        list[i].offset = (uint32_t)get_varint_max(in, SW_CHUNK_BYTES_MAX);
        list[i].size = (uint32_t)get_varint_max(in, SW_CHUNK_BYTES_MAX - list[i].offset);
        payload->size += list[i].size;
        if (lsn == 0 || list[i].size == 0 || payload->size > SW_PAYLOAD_BYTES_MAX)
            spoil(in, SW_CORRUPT);
    }
    if (layout->extents_count == 0)
        spoil(in, SW_CORRUPT);
    layout->extents = list;
}

static void get_payload(struct in *in, struct sw_payload *payload, struct sw_layout *layout)
{
    unsigned form = get_u8(in);

    if (form == SW_PAYLOAD_ABSENT)
        return;
    payload->present = true;
    payload->content_type = get_span(in);
    if (form == SW_PAYLOAD_INLINE) {
        payload->data = get_span(in);
        payload->size = payload->data.size;
        sw_sha256(&payload->data, 1, &payload->digest);
    } else if (form == SW_PAYLOAD_EXTENTS) {
        payload->digest = get_digest(in);
        get_extents(in, payload, layout);
    } else {
        spoil(in, SW_CORRUPT);
    }
}

static void get_failure(struct in *in, struct sw_failure *failure, struct sw_layout *layout)
{
    failure->type = get_span(in);
    failure->message = get_span(in);
    failure->non_retryable = get_bool(in);
    get_payload(in, &failure->details, layout);
}

static void get_journal_created(struct in *in, struct sw_record *record)
{
    struct sw_span uuid = get_bytes(in, sizeof(record->u.journal_created.uuid));

    if (uuid.size > 0)
        memcpy(record->u.journal_created.uuid, uuid.data, uuid.size);
    record->u.journal_created.name = get_span(in);
}

static void get_run_started(struct in *in, struct sw_record *record, struct sw_layout *layout)
{
    struct sw_label *labels;

    record->u.run_started.run_id = get_span(in);
    record->u.run_started.task = get_span(in);
    record->u.run_started.code_version = get_span(in);
    record->u.run_started.on_divergence = get_enum(in, SW_DIVERGENCE_ACCEPT);
    labels = get_list(in, sizeof(*labels), &record->u.run_started.labels_count);
    for (uint32_t i = 0; i < record->u.run_started.labels_count; i++) {
        labels[i].key = get_span(in);
        labels[i].value = get_span(in);
    }
    record->u.run_started.labels = labels;
    get_payload(in, &record->u.run_started.input, layout);
}

static void get_step_begun(struct in *in, struct sw_record *record, struct sw_layout *layout)
{
    struct sw_retry *retry = &record->u.step_begun.retry;
    const struct sw_payload *input = &record->u.step_begun.input;
    struct sw_digest *digest = &record->u.step_begun.digest;
    unsigned form;

    record->u.step_begun.name = get_span(in);
    record->u.step_begun.kind = get_enum(in, SW_KIND_WAIT);
    record->u.step_begun.effect = get_enum(in, SW_EFFECT_ONCE);
    record->u.step_begun.request_id = get_span(in);
    record->u.step_begun.start_to_close_ms = get_varint(in);
    record->u.step_begun.heartbeat_ms = get_varint(in);
    retry->max_attempts = (uint32_t)get_varint_max(in, UINT32_MAX);
    retry->initial_ms = get_varint(in);
    retry->factor = get_double(in);
    retry->cap_ms = get_varint(in);
    retry->jitter = get_double(in);
    retry->non_retryable_types = get_spans(in, &retry->non_retryable_types_count);
    get_payload(in, &record->u.step_begun.input, layout);

    form = get_u8(in);
    record->u.step_begun.has_digest = form != SW_DIGEST_NONE;
    if (form == SW_DIGEST_OF_PAYLOAD && input->present)
        *digest = input->digest;
    else if (form == SW_DIGEST_OWN)
        *digest = get_digest(in);
    else if (form != SW_DIGEST_NONE)
        spoil(in, SW_CORRUPT);
    if (form == SW_DIGEST_OWN && input->present &&
        memcmp(digest, &input->digest, sizeof(*digest)) == 0)
        spoil(in, SW_CORRUPT); /* the short form says the same */
}

static void get_outcome(struct in *in, struct sw_record *record, struct sw_layout *layout)
{
    struct sw_usage *usage = &record->u.outcome.usage;

    record->u.outcome.intent_lsn = get_varint(in);
    usage->input_tokens = get_varint(in);
    usage->cached_input_tokens = get_varint(in);
    usage->output_tokens = get_varint(in);
    usage->cost_micros = get_varint(in);
    if (record->type == SW_RECORD_STEP_COMPLETED) {
        get_payload(in, &record->u.outcome.output, layout);
        return;
    }
    if (record->type == SW_RECORD_STEP_FAILED) {
        record->u.outcome.final = get_bool(in);
        record->u.outcome.not_before_ms = get_varint(in);
    }
    get_failure(in, &record->u.outcome.failure, layout);
}

static void get_resolved(struct in *in, struct sw_record *record, struct sw_layout *layout)
{
    record->u.resolved.intent_lsn = get_varint(in);
    record->u.resolved.resolution = get_enum(in, SW_RESOLUTION_GIVE_UP);
    record->u.resolved.by = get_span(in);
    if (record->u.resolved.resolution == SW_RESOLUTION_HAPPENED)
        get_payload(in, &record->u.resolved.output, layout);
    else if (record->u.resolved.resolution == SW_RESOLUTION_GIVE_UP)
        get_failure(in, &record->u.resolved.failure, layout);
}

static void get_run_ended(struct in *in, struct sw_record *record, struct sw_layout *layout)
{
    record->u.run_ended.state = get_enum(in, SW_RUN_FAILED);
    layout->steps = get_varint(in);
    record->u.run_ended.unvisited = get_spans(in, &record->u.run_ended.unvisited_count);
    if (record->u.run_ended.state == SW_RUN_COMPLETED)
        get_payload(in, &record->u.run_ended.result, layout);
    else if (record->u.run_ended.state == SW_RUN_FAILED)
        get_failure(in, &record->u.run_ended.failure, layout);
    else
        spoil(in, SW_CORRUPT);
}

static void get_chunk(struct in *in, struct sw_record *record, struct sw_layout *layout)
{
    uint32_t *sizes = get_list(in, sizeof(*sizes), &layout->chunk_sizes_count);
    uint64_t size = 0;

    for (uint32_t i = 0; i < layout->chunk_sizes_count; i++) {
        sizes[i] = (uint32_t)get_varint_max(in, SW_CHUNK_BYTES_MAX);
        size += sizes[i];
        if (sizes[i] == 0)
            spoil(in, SW_CORRUPT);
    }
    if (size == 0 || size > SW_CHUNK_BYTES_MAX)
        spoil(in, SW_CORRUPT);
    layout->chunk_sizes = sizes;
    record->u.chunk.bytes = get_bytes(in, size);
}

static void get_fields(struct in *in, struct sw_record *record, struct sw_layout *layout)
{
    switch (record->type) {
    case SW_RECORD_JOURNAL_CREATED:
        get_journal_created(in, record);
        return;
    case SW_RECORD_RUN_STARTED:
        get_run_started(in, record, layout);
        return;
    case SW_RECORD_LEASE_TAKEN:
        record->u.lease_taken.holder = get_span(in);
        return;
    case SW_RECORD_STEP_BEGUN:
        get_step_begun(in, record, layout);
        return;
    case SW_RECORD_STEP_COMPLETED:
    case SW_RECORD_STEP_FAILED:
    case SW_RECORD_STEP_DOUBTED:
        get_outcome(in, record, layout);
        return;
    case SW_RECORD_STEP_NOTED:
        record->u.noted.ref.text = get_span(in);
        get_payload(in, &record->u.noted.progress, layout);
        return;
    case SW_RECORD_STEP_RESOLVED:
        get_resolved(in, record, layout);
        return;
    case SW_RECORD_RUN_ENDED:
        get_run_ended(in, record, layout);
        return;
    case SW_RECORD_CHUNK:
        get_chunk(in, record, layout);
        return;
    case SW_RECORD_TYPE_END:
        break;
    }
    spoil(in, SW_CORRUPT);
}

/* What reading came to. */
static enum sw_code finish(const struct in *in, uint64_t lsn, struct sw_err *err)
{
    if (in->code == SW_NO_MEMORY)
        return sw_fail(err, SW_NO_MEMORY, "record %llu", (unsigned long long)lsn);
    if (in->code != SW_OK)
        return sw_fail(err, SW_CORRUPT, "record %llu: its body cannot be read",
                       (unsigned long long)lsn);
    return SW_OK;
}

enum sw_code sw_codec_time(struct sw_span body, uint64_t lsn, uint64_t *ret_at_ms,
                           struct sw_err *err)
{
    struct in in = {.next = body.data, .end = body.data + body.size};
    enum sw_code code;
    uint64_t at_ms;

    if (get_u8(&in) != SW_CODEC_VERSION)
        spoil(&in, SW_CORRUPT);
    at_ms = get_varint(&in);
    code = finish(&in, lsn, err);
    if (code == SW_OK)
        *ret_at_ms = at_ms;
    return code;
}

enum sw_code sw_codec_decode(struct sw_span body, struct sw_arena *arena, struct sw_record *record,
                             struct sw_layout *ret_layout, struct sw_err *err)
{
    struct in in = {.next = body.data, .end = body.data + body.size, .arena = arena};
    struct sw_record decoded = {.lsn = record->lsn, .run = record->run, .type = record->type};
    struct sw_layout layout = {0};
    enum sw_code code;

    if (get_u8(&in) != SW_CODEC_VERSION)
        spoil(&in, SW_CORRUPT);
    decoded.at_ms = get_varint(&in);
    decoded.lease = get_varint(&in);
    if (sw_record_is_step(record->type)) {
        decoded.key = get_span(&in);
        decoded.attempt = (uint32_t)get_varint_max(&in, UINT32_MAX);
    }
    get_fields(&in, &decoded, &layout);
    if (in.next != in.end)
        spoil(&in, SW_CORRUPT);
    code = finish(&in, record->lsn, err);
    if (code != SW_OK)
        return code;
    *record = decoded;
    *ret_layout = layout;
    return SW_OK;
}
