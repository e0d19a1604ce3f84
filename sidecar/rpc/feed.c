/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/rpc/feed.h"

#include <assert.h>
#include <stdlib.h>

#include "sidecar/rpc/codec.h"
#include "storage/journal/journal.h"

enum { CHUNK_ITEMS_MAX = 4096, RUN_NAMES = 64 };

/* The items of the message being filled. */
struct sw_feed_chunk {
    void *items[CHUNK_ITEMS_MAX]; /* Step or Record messages */
    size_t count;
    size_t bytes;
    struct {
        uint64_t run;
        struct sw_span run_id;
    } names[RUN_NAMES]; /* the run ids met last, by run */
};

static bool chunk_is_full(const struct sw_feed_chunk *chunk)
{
    return chunk->bytes >= SW_CHUNK_BYTES || chunk->count == CHUNK_ITEMS_MAX;
}

static struct sw_span journal_name(const struct sw_feed *feed)
{
    return sw_span_of_text(sw_journal_state(feed->server->journal)->name);
}

/* ---- steps ---------------------------------------------------------------- */

/* A view lives until the visitor returns: what a message keeps is copied. */
static struct sw_payload keep(struct sw_feed *feed, const struct sw_payload *payload)
{
    struct sw_payload kept = *payload;

    if (!sw_arena_copy(&feed->arena, payload->data, &kept.data) ||
        !sw_arena_copy(&feed->arena, payload->content_type, &kept.content_type))
        abort();
    return kept;
}

static enum sw_code add_step(void *self, const struct sw_step_view *view, bool *ret_stop,
                             struct sw_err *err)
{
    struct sw_feed *feed = self;
    struct sw_feed_chunk *chunk = feed->chunk;
    struct sw_step_view kept = *view;
    struct sw_step step = *view->step;

    (void)err;
    kept.step = &step;
    kept.input = keep(feed, &view->input);
    kept.output = keep(feed, &view->output);
    kept.progress = keep(feed, &view->progress);
    kept.failure.details = keep(feed, &view->failure.details);
    if (step.has_digest) {
        uint8_t *digest = sw_codec_make(&feed->arena, sizeof step.digest);
        Stepwell__V1__Step *message;

        memcpy(digest, step.digest.bytes, sizeof step.digest);
        message = sw_encode_step(&kept, journal_name(feed), &feed->head, feed->liveness.held,
                                 feed->now_ms, &feed->arena);
        message->input_digest.data = digest;
        chunk->items[chunk->count++] = message;
    } else {
        chunk->items[chunk->count++] =
            sw_encode_step(&kept, journal_name(feed), &feed->head, feed->liveness.held,
                           feed->now_ms, &feed->arena);
    }
    chunk->bytes += 128 + step.key.size + step.name.size + kept.input.data.size +
                    kept.output.data.size + kept.progress.data.size;
    *ret_stop = chunk_is_full(chunk);
    return SW_OK;
}

static enum sw_code read_steps(struct sw_feed *feed, struct sw_journal_reader *reader)
{
    struct sw_step_visitor visitor = {.visit = add_step, .self = feed};
    bool end = false;
    enum sw_code rc = SW_OK;

    if (feed->phase != SW_FEED_OPEN_STEPS) {
        rc = sw_history_read(feed->history, reader, feed->options.up_to_lsn,
                             feed->phase == SW_FEED_READING, visitor, &end, &feed->err);
        if (rc != SW_OK || !end)
            return rc;
        if (feed->phase == SW_FEED_READING)
            feed->phase = SW_FEED_OPEN_STEPS;
    }
    if (feed->phase == SW_FEED_OPEN_STEPS) {
        if (chunk_is_full(feed->chunk))
            return SW_OK;
        rc = sw_history_open_steps(feed->history, visitor, &end, &feed->err);
        if (rc != SW_OK || !end)
            return rc;
        feed->phase = SW_FEED_TAILING;
    }
    feed->end = true;
    return SW_OK;
}

/* ---- messages -------------------------------------------------------------- */

static enum sw_code pack(struct sw_feed *feed, const ProtobufCMessage *message)
{
    feed->size = protobuf_c_message_get_packed_size(message);
    feed->bytes = malloc(feed->size ? feed->size : 1);
    if (feed->bytes == NULL)
        return sw_fail(&feed->err, SW_NO_MEMORY, "answer of %zu bytes", feed->size);
    protobuf_c_message_pack(message, feed->bytes);
    return SW_OK;
}

static enum sw_code pack_resume(struct sw_feed *feed)
{
    Stepwell__V1__ResumeResponse message = STEPWELL__V1__RESUME_RESPONSE__INIT;
    Stepwell__V1__SessionResult result = STEPWELL__V1__SESSION_RESULT__INIT;

    message.steps = (Stepwell__V1__Step **)feed->chunk->items;
    message.n_steps = feed->chunk->count;
    message.caught_up = feed->end;
    if (feed->options.session_id == 0)
        return pack(feed, &message.base);
    result.id = feed->options.session_id;
    result.result_case = STEPWELL__V1__SESSION_RESULT__RESULT_RESUME;
    result.resume = &message;
    return pack(feed, &result.base);
}

static enum sw_code pack_watch(struct sw_feed *feed)
{
    Stepwell__V1__WatchRunResponse message = STEPWELL__V1__WATCH_RUN_RESPONSE__INIT;
    struct sw_run_view view;

    message.steps = (Stepwell__V1__Step **)feed->chunk->items;
    message.n_steps = feed->chunk->count;
    message.caught_up = feed->end;
    if (feed->end) {
        sw_history_run(feed->history, feed->liveness.held, feed->now_ms, &view);
        message.run = sw_encode_run(&view, &feed->arena);
        feed->run_over = view.head.state != SW_RUN_RUNNING;
    }
    return pack(feed, &message.base);
}

/* ---- records ---------------------------------------------------------------- */

static enum sw_code find_name(void *self, struct sw_record *record, bool *ret_stop,
                              struct sw_err *err)
{
    struct sw_feed *feed = self;
    unsigned slot = (unsigned)(record->run % RUN_NAMES);

    (void)err;
    feed->chunk->names[slot].run = record->run;
    feed->chunk->names[slot].run_id = (struct sw_span){0};
    if (record->type == SW_RECORD_RUN_STARTED && !record->purged &&
        !sw_arena_copy(&feed->arena, record->u.run_started.run_id,
                       &feed->chunk->names[slot].run_id))
        abort();
    *ret_stop = true;
    return SW_OK;
}

static enum sw_code add_record(void *self, struct sw_record *record, bool *ret_stop,
                               struct sw_err *err)
{
    struct sw_feed *feed = self;
    struct sw_feed_chunk *chunk = feed->chunk;
    const struct sw_feed_options *options = &feed->options;
    Stepwell__V1__Record *message;
    unsigned slot = (unsigned)(record->run % RUN_NAMES);
    uint8_t *chain = sw_codec_make(&feed->arena, SW_DIGEST_SIZE);
    bool stop;

    if (record->run != 0 && record->type == SW_RECORD_RUN_STARTED) {
        enum sw_code rc = find_name(feed, record, &stop, err);

        if (rc != SW_OK)
            return rc;
    }
    message = sw_encode_record(record,
                               record->run != 0 && chunk->names[slot].run == record->run
                                   ? chunk->names[slot].run_id
                                   : (struct sw_span){0},
                               &feed->arena);
    memcpy(chain, record->chain.bytes, SW_DIGEST_SIZE);
    message->chain.data = chain;
    chunk->items[chunk->count++] = message;
    chunk->bytes += 128;
    feed->records++;
    feed->options.from_lsn = record->lsn + 1;
    *ret_stop = chunk_is_full(chunk) || (options->limit != 0 && feed->records == options->limit);
    return SW_OK;
}

/* Fills in the run ids the scan did not meet: a nested read is not possible there. */
static enum sw_code name_records(struct sw_feed *feed, struct sw_journal_reader *reader,
                                 const uint64_t *runs)
{
    struct sw_record_visitor visitor = {.visit = find_name, .self = feed};

    for (size_t i = 0; i < feed->chunk->count; i++) {
        Stepwell__V1__Record *message = feed->chunk->items[i];
        unsigned slot = (unsigned)(runs[i] % RUN_NAMES);
        enum sw_code rc;

        if (runs[i] == 0 || message->run_id[0] != '\0')
            continue;
        if (feed->chunk->names[slot].run != runs[i]) {
            rc = sw_journal_reader_scan_run(reader, runs[i], runs[i], runs[i], SW_PAYLOADS_NONE,
                                            visitor, &feed->err);
            if (rc != SW_OK)
                return rc;
            if (feed->chunk->names[slot].run != runs[i])
                continue; /* purged meanwhile */
        }
        message->run_id = sw_codec_text(&feed->arena, feed->chunk->names[slot].run_id);
    }
    return SW_OK;
}

struct record_scan {
    struct sw_feed *feed;
    uint64_t runs[CHUNK_ITEMS_MAX];
};

static enum sw_code scan_record(void *self, struct sw_record *record, bool *ret_stop,
                                struct sw_err *err)
{
    struct record_scan *scan = self;

    scan->runs[scan->feed->chunk->count] = record->run;
    return add_record(scan->feed, record, ret_stop, err);
}

static enum sw_code read_records(struct sw_feed *feed, struct sw_journal_reader *reader)
{
    struct record_scan *scan = malloc(sizeof *scan);
    struct sw_record_visitor visitor = {.visit = scan_record, .self = scan};
    enum sw_code rc;

    if (scan == NULL)
        return sw_fail(&feed->err, SW_NO_MEMORY, "read journal");
    scan->feed = feed;
    if (feed->options.run != 0)
        rc = sw_journal_reader_scan_run(reader, feed->options.run, feed->options.from_lsn, 0,
                                        SW_PAYLOADS_NONE, visitor, &feed->err);
    else
        rc = sw_journal_reader_scan(reader, feed->options.from_lsn, CHUNK_ITEMS_MAX,
                                    SW_PAYLOADS_NONE, visitor, &feed->err);
    if (rc == SW_OK)
        rc = name_records(feed, reader, scan->runs);
    free(scan);
    feed->end = !chunk_is_full(feed->chunk);
    return rc;
}

static enum sw_code pack_records(struct sw_feed *feed)
{
    Stepwell__V1__ReadJournalResponse message = STEPWELL__V1__READ_JOURNAL_RESPONSE__INIT;

    message.records = (Stepwell__V1__Record **)feed->chunk->items;
    message.n_records = feed->chunk->count;
    return pack(feed, &message.base);
}

/* ---- on the reader's thread -------------------------------------------------- */

static enum sw_code find_run(struct sw_feed *feed, struct sw_journal_reader *reader)
{
    struct sw_run_row row;
    enum sw_code rc;

    if (feed->options.run == 0 && feed->options.run_id.size != 0) {
        rc = sw_journal_reader_find_run(reader, feed->options.run_id, &feed->names, &row,
                                        &feed->err);
        if (rc != SW_OK)
            return rc;
        feed->options.run = row.run;
    }
    feed->head.run_id = feed->options.run_id;
    feed->head.lease = feed->liveness.lease;
    if (feed->options.kind == SW_FEED_JOURNAL || feed->history != NULL)
        return SW_OK;
    return sw_history_new(feed->options.run, feed->options.include_inputs, &feed->history,
                          &feed->err);
}

static void run(struct sw_reader_job *job, struct sw_journal_reader *reader)
{
    struct sw_feed *feed = SW_CONTAINER(job, struct sw_feed, job);
    struct sw_feed_chunk *chunk = calloc(1, sizeof *chunk);

    assert(chunk != NULL);
    feed->chunk = chunk;
    feed->end = false;
    feed->bytes = NULL;
    feed->size = 0;
    feed->rc = find_run(feed, reader);
    if (feed->rc == SW_OK && feed->options.kind == SW_FEED_JOURNAL) {
        feed->rc = read_records(feed, reader);
        if (feed->rc == SW_OK)
            feed->rc = pack_records(feed);
    } else if (feed->rc == SW_OK) {
        feed->rc = read_steps(feed, reader);
        if (feed->rc == SW_OK)
            feed->rc = feed->options.kind == SW_FEED_WATCH ? pack_watch(feed) : pack_resume(feed);
    }
    feed->chunk = NULL;
    free(chunk);
    sw_arena_reset(&feed->arena);
}

static void pass_on(struct sw_reader_job *job)
{
    struct sw_feed *feed = SW_CONTAINER(job, struct sw_feed, job);
    grpc_call *wake = feed->wake;
    struct sw_tag *tag = &feed->tag;

    sw_reader_job_give_back(job);
    if (grpc_call_start_batch(wake, NULL, 0, tag, NULL) != GRPC_CALL_OK)
        abort();
}

/* ---- on the loop -------------------------------------------------------------- */

static void on_back(struct sw_tag *tag, bool ok)
{
    struct sw_feed *feed = SW_CONTAINER(tag, struct sw_feed, tag);

    (void)ok;
    sw_reader_job_take_back(&feed->job);
    feed->server->reads--;
    feed->under_way = false;
    feed->on_chunk(feed);
}

enum sw_code sw_feed_init(struct sw_feed *feed, struct sw_server *server, grpc_call *wake,
                          const struct sw_feed_options *options,
                          void (*on_chunk)(struct sw_feed *feed), struct sw_err *err)
{
    *feed =
        (struct sw_feed){.server = server, .wake = wake, .on_chunk = on_chunk, .options = *options};
    feed->job = (struct sw_reader_job){.run = run, .done = pass_on};
    feed->tag.on_event = on_back;
    sw_arena_init(&feed->arena, 0);
    sw_arena_init(&feed->names, 0);
    if (!sw_arena_copy(&feed->names, options->run_id, &feed->options.run_id)) {
        sw_feed_fini(feed);
        return sw_fail(err, SW_NO_MEMORY, "feed");
    }
    return SW_OK;
}

enum sw_code sw_feed_next(struct sw_feed *feed, struct sw_err *err)
{
    enum sw_code rc;

    assert(!feed->under_way);
    if (feed->options.run_id.size != 0)
        feed->liveness = sw_service_liveness(feed->server->service, feed->options.run_id);
    feed->now_ms = sw_loop_now_ms(feed->server);
    rc = sw_readers_submit(feed->server->readers, &feed->job, err);
    feed->under_way = rc == SW_OK;
    feed->server->reads += feed->under_way;
    return rc;
}

void sw_feed_fini(struct sw_feed *feed)
{
    assert(!feed->under_way);
    sw_history_free(feed->history);
    feed->history = NULL;
    sw_arena_fini(&feed->arena);
    sw_arena_fini(&feed->names);
}
