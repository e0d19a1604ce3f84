/* SPDX-License-Identifier: Apache-2.0
 *
 * stream - one message in, many out: Resume, WatchRun, ReadJournal.
 *
 *   Resume: verb on the loop ──> first message ─┐
 *   WatchRun, ReadJournal: ─────────────────────┴─> feed: chunk, chunk, … ──> end or follow
 *
 * One message is being sent, at most one waits, at most one is being made: a slow
 * client costs three chunks.
 */
#include <assert.h>
#include <stdlib.h>

#include "sidecar/rpc/codec.h"
#include "sidecar/rpc/feed.h"
#include "sidecar/rpc/verbs.h"
#include "sidecar/service/fields.h"

struct sw_stream {
    struct sw_listener listener;
    struct sw_request request; /* Resume */
    struct sw_feed feed;
    struct sw_server *server;
    const struct sw_method *method;
    struct sw_arena arena;
    grpc_call *call;
    const ProtobufCMessage *ask;
    struct sw_tag sent;
    struct sw_tag closed;
    struct sw_tag finished;
    grpc_byte_buffer *packed; /* Resume: the first message, until the commit */
    grpc_byte_buffer *sending;
    grpc_byte_buffer *waiting;
    struct sw_ending ending;
    int cancelled;
    bool follow;
    bool asked;   /* the verb has not answered yet */
    bool feeding; /* feed was initialised */
    bool caught_up;
    bool changed; /* a followed run changed while a chunk was under way */
    bool metadata_sent;
    bool is_sending;
    bool want_finish; /* once everything waiting is sent */
    bool finishing;   /* SEND_STATUS is under way */
    bool is_finished;
    bool is_closed; /* RECV_CLOSE came back */
};

static void finish(struct sw_stream *stream);

static void free_when_done(struct sw_stream *stream)
{
    if (stream->asked || stream->is_sending || stream->finishing || !stream->is_closed ||
        (stream->feeding && stream->feed.under_way))
        return;
    sw_loop_unlisten(&stream->listener);
    if (stream->feeding)
        sw_feed_fini(&stream->feed);
    grpc_byte_buffer_destroy(stream->packed);
    grpc_byte_buffer_destroy(stream->sending);
    grpc_byte_buffer_destroy(stream->waiting);
    sw_ending_fini(&stream->ending);
    sw_arena_fini(&stream->arena);
    grpc_call_unref(stream->call);
    free(stream);
}

static void fail(struct sw_stream *stream, enum sw_code rc, const struct sw_err *err)
{
    if (stream->want_finish || stream->is_closed)
        return;
    sw_ending_fini(&stream->ending);
    sw_ending_init(&stream->ending, rc, err);
    stream->want_finish = true;
}

/* ---- sending ---------------------------------------------------------------- */

static void want_chunk(struct sw_stream *stream)
{
    struct sw_err err = {0};
    enum sw_code rc;

    if (stream->feed.under_way || stream->want_finish || stream->is_closed)
        return;
    stream->changed = false;
    rc = sw_feed_next(&stream->feed, &err);
    if (rc != SW_OK)
        fail(stream, rc, &err);
}

static void send_waiting(struct sw_stream *stream)
{
    grpc_op ops[2];
    size_t count = 0;

    if (stream->is_sending || stream->is_closed || stream->is_finished || stream->finishing)
        return;
    if (stream->waiting == NULL) {
        finish(stream);
        return;
    }
    stream->sending = stream->waiting;
    stream->waiting = NULL;
    if (!stream->metadata_sent)
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    stream->metadata_sent = true;
    ops[count++] =
        (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = stream->sending};
    stream->is_sending = true;
    if (grpc_call_start_batch(stream->call, ops, count, &stream->sent, NULL) != GRPC_CALL_OK)
        abort();
    if (stream->feeding && !stream->caught_up)
        want_chunk(stream);
}

static void finish(struct sw_stream *stream)
{
    grpc_op ops[2];
    size_t count = 0;

    if (!stream->want_finish)
        return;
    if (!stream->metadata_sent)
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    stream->metadata_sent = true;
    sw_ending_op(&stream->ending, &ops[count++]);
    stream->finishing = true;
    if (grpc_call_start_batch(stream->call, ops, count, &stream->finished, NULL) != GRPC_CALL_OK)
        abort();
}

static void on_sent(struct sw_tag *tag, bool ok)
{
    struct sw_stream *stream = SW_CONTAINER(tag, struct sw_stream, sent);

    stream->is_sending = false;
    grpc_byte_buffer_destroy(stream->sending);
    stream->sending = NULL;
    if (ok) {
        send_waiting(stream);
        if (stream->caught_up && stream->changed && stream->waiting == NULL)
            want_chunk(stream);
    }
    free_when_done(stream);
}

static void on_finished(struct sw_tag *tag, bool ok)
{
    struct sw_stream *stream = SW_CONTAINER(tag, struct sw_stream, finished);

    (void)ok;
    stream->finishing = false;
    stream->is_finished = true;
    free_when_done(stream);
}

static void release(struct sw_stream *stream)
{
    sw_loop_unlisten(&stream->listener);
    if (stream->listener.holder != 0)
        sw_server_release_holder(stream->server, stream->listener.holder);
    stream->listener.holder = 0;
}

/* The client is gone, or the call ended as it should. */
static void on_closed(struct sw_tag *tag, bool ok)
{
    struct sw_stream *stream = SW_CONTAINER(tag, struct sw_stream, closed);

    (void)ok;
    stream->is_closed = true;
    release(stream);
    free_when_done(stream);
}

/* ---- the feed ---------------------------------------------------------------- */

static void take_chunk(struct sw_stream *stream)
{
    struct sw_feed *feed = &stream->feed;

    assert(stream->waiting == NULL);
    stream->waiting = sw_wire_own(feed->bytes, feed->size);
    stream->caught_up = feed->end;
    if (!feed->end)
        return;
    if (!stream->follow || feed->run_over) {
        stream->want_finish = true;
    } else if (feed->options.kind == SW_FEED_WATCH && stream->listener.watch_run == 0) {
        stream->listener.watch_run = feed->options.run;
        stream->changed = true; /* what was committed since the read is not announced */
    }
}

static void on_chunk(struct sw_feed *feed)
{
    struct sw_stream *stream = SW_CONTAINER(feed, struct sw_stream, feed);

    if (feed->rc != SW_OK)
        fail(stream, feed->rc, &feed->err);
    else if (stream->want_finish || stream->is_closed)
        free(feed->bytes);
    else
        take_chunk(stream);
    send_waiting(stream);
    free_when_done(stream);
}

static void start_feed(struct sw_stream *stream, const struct sw_feed_options *options)
{
    struct sw_err err = {0};
    enum sw_code rc = sw_remote_refusal(stream->server, &err);

    if (rc == SW_OK) /* ReadJournal may be of all runs */
        rc = sw_fields_check_run_id(options->run_id, options->kind != SW_FEED_JOURNAL, &err);
    if (rc == SW_OK)
        rc = sw_feed_init(&stream->feed, stream->server, stream->call, options, on_chunk, &err);

    if (rc == SW_OK) {
        stream->feeding = true;
        want_chunk(stream);
    } else {
        fail(stream, rc, &err);
    }
}

static void watched_run_changed(struct sw_listener *listener)
{
    struct sw_stream *stream = SW_CONTAINER(listener, struct sw_stream, listener);

    stream->changed = true;
    if (stream->caught_up && !stream->is_sending && stream->waiting == NULL)
        want_chunk(stream);
}

static void drain(struct sw_listener *listener)
{
    struct sw_stream *stream = SW_CONTAINER(listener, struct sw_stream, listener);
    struct sw_err err = {0};

    if (!stream->follow)
        return; /* it ends by itself */
    fail(stream, sw_fail(&err, SW_DRAINING, "the server is shutting down"), &err);
    send_waiting(stream);
}

static void lease_lost(struct sw_listener *listener, struct sw_span run_id, uint64_t lease)
{
    struct sw_stream *stream = SW_CONTAINER(listener, struct sw_stream, listener);
    Stepwell__V1__ResumeResponse message = STEPWELL__V1__RESUME_RESPONSE__INIT;

    (void)run_id;
    (void)lease;
    listener->holder = 0;
    if (stream->want_finish || stream->is_closed)
        return;
    message.lease_lost = 1;
    grpc_byte_buffer_destroy(stream->waiting); /* history nobody may act upon */
    stream->waiting = sw_wire_pack(&message.base);
    stream->caught_up = true;
    stream->want_finish = true;
    send_waiting(stream);
}

/* ---- Resume's verb -------------------------------------------------------------- */

static enum sw_code pack_resumed(struct sw_request *request)
{
    struct sw_stream *stream = SW_CONTAINER(request, struct sw_stream, request);

    stream->packed = sw_wire_pack(request->answer);
    return SW_OK;
}

static void resumed(struct sw_request *request)
{
    struct sw_stream *stream = SW_CONTAINER(request, struct sw_stream, request);
    const Stepwell__V1__ResumeRequest *ask = (const void *)request->ask;

    stream->asked = false;
    if (stream->is_closed) {
        if (request->call.holder != 0)
            sw_server_release_holder(stream->server, request->call.holder);
        free_when_done(stream);
        return;
    }
    if (request->rc != SW_OK) {
        fail(stream, request->rc, &request->err);
    } else {
        stream->waiting = stream->packed;
        stream->packed = NULL;
        if (request->resumed.lease == 0)
            stream->follow = false; /* an ended run has no events */
        start_feed(stream, &(struct sw_feed_options){
                               .kind = SW_FEED_RESUME,
                               .run = request->resumed.run,
                               .run_id = sw_span_of_text(ask->run_id),
                               .up_to_lsn = request->resumed.up_to_lsn,
                               .include_inputs = ask->include_inputs != 0,
                           });
    }
    send_waiting(stream);
}

static void ask_resume(struct sw_stream *stream)
{
    const Stepwell__V1__ResumeRequest *ask = (const void *)stream->ask;
    struct sw_request *request = &stream->request;

    stream->follow = ask->follow != 0;
    if (stream->follow) {
        stream->listener.holder = ++stream->server->holders;
        request->call.holder = stream->listener.holder;
    }
    request->verb = &sw_verb_resume;
    request->ask = stream->ask;
    request->arena = &stream->arena;
    request->call.arena = &stream->arena;
    request->grpc_call = stream->call;
    request->pack = pack_resumed;
    request->reply = resumed;
    stream->asked = true;
    sw_loop_submit(stream->server, request);
}

static void ask_watch(struct sw_stream *stream)
{
    const Stepwell__V1__WatchRunRequest *ask = (const void *)stream->ask;

    stream->follow = ask->follow != 0;
    start_feed(stream, &(struct sw_feed_options){
                           .kind = SW_FEED_WATCH,
                           .run_id = sw_span_of_text(ask->run_id),
                           .include_inputs = ask->include_inputs != 0,
                       });
}

static void ask_journal(struct sw_stream *stream)
{
    const Stepwell__V1__ReadJournalRequest *ask = (const void *)stream->ask;

    start_feed(stream, &(struct sw_feed_options){
                           .kind = SW_FEED_JOURNAL,
                           .run_id = sw_span_of_text(ask->run_id),
                           .from_lsn = ask->from_lsn == 0 ? 1 : ask->from_lsn,
                           .limit = ask->limit,
                       });
}

void sw_stream_start(struct sw_server *server, struct sw_accept *accept)
{
    struct sw_stream *stream = calloc(1, sizeof *stream);
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    struct sw_err err = {0};

    assert(stream != NULL);
    stream->server = server;
    stream->method = accept->method;
    stream->call = accept->call;
    stream->sent.on_event = on_sent;
    stream->closed.on_event = on_closed;
    stream->finished.on_event = on_finished;
    stream->listener = (struct sw_listener){
        .lease_lost = lease_lost, .changed = watched_run_changed, .drain = drain};
    sw_ending_init_plain(&stream->ending, GRPC_STATUS_OK, "");
    sw_arena_init(&stream->arena, 0);
    op.data.recv_close_on_server.cancelled = &stream->cancelled;
    if (grpc_call_start_batch(stream->call, &op, 1, &stream->closed, NULL) != GRPC_CALL_OK)
        abort();
    sw_loop_listen(server, &stream->listener);
    stream->ask =
        sw_wire_unpack(accept->method->ask, accept->payload, &stream->arena, sw_wire_limit(server));
    if (stream->ask == NULL)
        fail(stream, sw_fail_field(&err, "message", 0, "not a %s", accept->method->ask->name),
             &err);
    else if (accept->method->ask == &stepwell__v1__resume_request__descriptor)
        ask_resume(stream);
    else if (accept->method->ask == &stepwell__v1__watch_run_request__descriptor)
        ask_watch(stream);
    else
        ask_journal(stream);
    send_waiting(stream);
}
