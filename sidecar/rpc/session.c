/* SPDX-License-Identifier: Apache-2.0
 *
 * session - one stream per agent process, carrying every verb.
 *
 *   message in ──> calls ──> loop batch ──> results ──> coalesced into messages out
 *                    └─ Resume ──> feed ──> results ─┘
 *
 * One message is received and one sent at a time; results that become ready while a
 * message is being sent share the next one. A session with too much unanswered or
 * unsent is read no further until its client catches up.
 */
#include <assert.h>
#include <stdlib.h>

#include "sidecar/rpc/codec.h"
#include "sidecar/rpc/feed.h"
#include "sidecar/rpc/outbox.h"
#include "sidecar/rpc/verbs.h"

enum { FREE_MESSAGES_MAX = 256 };

/* A message in, and the memory of its calls. */
struct sw_session_message {
    struct sw_session_message *next; /* of the free list */
    struct sw_arena arena;
    struct sw_session *session;
    unsigned refs; /* unanswered calls, and the taking apart */
};

struct session_call {
    struct sw_request request;
    struct sw_session_message *message;
    uint64_t id;
    unsigned result; /* of SessionResult: the number of the oneof's field */
};

/* A Resume whose history is under way. */
struct session_feed {
    struct sw_feed feed;
    struct sw_session *session;
    struct session_feed *next;
    bool stalled; /* waits for room */
};

struct sw_session {
    struct sw_listener listener;
    struct sw_server *server;
    struct sw_session *next_dirty;
    bool dirty;
    grpc_call *call;
    struct sw_tag received;
    struct sw_tag sent;
    struct sw_tag closed;
    struct sw_tag finished;
    grpc_byte_buffer *in;
    grpc_byte_buffer *sending;
    struct sw_outbox out;
    struct session_feed *feeds;
    struct sw_ending ending;
    unsigned unanswered;
    int cancelled;
    bool is_receiving;
    bool is_sending;
    bool half_closed; /* the client sends no more */
    bool draining;
    const char *wrong; /* of a message that cannot be taken: what about it; NULL: none was */
    bool finishing;
    bool is_finished;
    bool is_closed;
};

static void receive(struct sw_session *session);

static const struct {
    const struct sw_verb *verb;
    unsigned result;
} calls[] = {
    [STEPWELL__V1__SESSION_CALL__CALL_START_RUN] = {&sw_verb_start_run, 2},
    [STEPWELL__V1__SESSION_CALL__CALL_RESUME] = {&sw_verb_resume, 3},
    [STEPWELL__V1__SESSION_CALL__CALL_BEGIN_STEP] = {&sw_verb_begin_step, 4},
    [STEPWELL__V1__SESSION_CALL__CALL_COMPLETE_STEP] = {&sw_verb_complete_step, 5},
    [STEPWELL__V1__SESSION_CALL__CALL_NOTE_STEP] = {&sw_verb_note_step, 6},
    [STEPWELL__V1__SESSION_CALL__CALL_RESOLVE_STEP] = {&sw_verb_agent_resolve, 7},
    [STEPWELL__V1__SESSION_CALL__CALL_END_RUN] = {&sw_verb_end_run, 8},
    [STEPWELL__V1__SESSION_CALL__CALL_CLAIM_RUN] = {&sw_verb_claim_run, 9},
};

/* ---- results out -------------------------------------------------------------- */

static void mark_dirty(struct sw_session *session)
{
    if (session->dirty)
        return;
    session->dirty = true;
    session->next_dirty = session->server->dirty_sessions;
    session->server->dirty_sessions = session;
}

static void put_result(struct sw_session *session, struct sw_span packed)
{
    if (session->is_closed)
        return;
    sw_outbox_put(&session->out, packed);
    mark_dirty(session);
}

static void put_message(struct sw_session *session, const Stepwell__V1__SessionResult *result)
{
    size_t size = stepwell__v1__session_result__get_packed_size(result);
    uint8_t *packed = malloc(size);

    assert(packed != NULL);
    stepwell__v1__session_result__pack(result, packed);
    put_result(session, sw_span_of(packed, size));
    free(packed);
}

static void put_error(struct sw_session *session, uint64_t id, enum sw_code rc,
                      const struct sw_err *err)
{
    struct sw_session_error error;
    Stepwell__V1__SessionResult result = STEPWELL__V1__SESSION_RESULT__INIT;

    result.id = id;
    result.result_case = STEPWELL__V1__SESSION_RESULT__RESULT_ERROR;
    result.error = sw_encode_session_error(rc, err, &error);
    put_message(session, &result);
}

/* ---- the stream ---------------------------------------------------------------- */

static void free_when_done(struct sw_session *session)
{
    if (session->unanswered != 0 || session->is_receiving || session->is_sending ||
        session->finishing || !session->is_closed || session->feeds != NULL || session->dirty)
        return;
    sw_outbox_fini(&session->out);
    grpc_byte_buffer_destroy(session->in);
    grpc_byte_buffer_destroy(session->sending);
    sw_ending_fini(&session->ending);
    grpc_call_unref(session->call);
    session->server->sessions--;
    free(session);
}

static void start_batch(struct sw_session *session, const grpc_op *ops, size_t count,
                        struct sw_tag *tag)
{
    if (grpc_call_start_batch(session->call, ops, count, tag, NULL) != GRPC_CALL_OK)
        abort();
}

/* Ends the stream when nothing is left to say. */
static void finish_when_done(struct sw_session *session)
{
    struct sw_err err = {0};
    grpc_op op;

    if ((!session->half_closed && !session->draining) || session->unanswered != 0 ||
        session->out.bytes != 0 || session->is_sending || session->feeds != NULL ||
        session->finishing || session->is_finished || session->is_closed)
        return;
    if (session->wrong != NULL)
        sw_ending_init(&session->ending,
                       sw_fail_field(&err, session->wrong, SW_SESSION_CALLS_MAX,
                                     "not a SessionRequest of at most %d calls",
                                     SW_SESSION_CALLS_MAX),
                       &err);
    else if (session->draining)
        sw_ending_init(&session->ending, sw_fail(&err, SW_DRAINING, "the server is shutting down"),
                       &err);
    else
        sw_ending_init_plain(&session->ending, GRPC_STATUS_OK, "");
    sw_ending_op(&session->ending, &op);
    session->finishing = true;
    start_batch(session, &op, 1, &session->finished);
}

static void send_out(struct sw_session *session)
{
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};
    uint8_t *bytes;
    size_t size;

    if (session->is_sending || session->finishing || session->is_finished || session->is_closed ||
        !sw_outbox_take(&session->out, &bytes, &size))
        return;
    session->sending = sw_wire_own(bytes, size);
    op.data.send_message.send_message = session->sending;
    session->is_sending = true;
    start_batch(session, &op, 1, &session->sent);
}

void sw_session_flush(struct sw_server *server)
{
    struct sw_session *session;

    while ((session = server->dirty_sessions) != NULL) {
        server->dirty_sessions = session->next_dirty;
        session->dirty = false;
        send_out(session);
        finish_when_done(session);
        receive(session);
        free_when_done(session);
    }
}

static void resume_feeds(struct sw_session *session);

static void on_sent(struct sw_tag *tag, bool ok)
{
    struct sw_session *session = SW_CONTAINER(tag, struct sw_session, sent);

    session->is_sending = false;
    grpc_byte_buffer_destroy(session->sending);
    session->sending = NULL;
    if (ok) {
        send_out(session);
        resume_feeds(session);
        finish_when_done(session);
        receive(session);
    }
    free_when_done(session);
}

static void on_finished(struct sw_tag *tag, bool ok)
{
    struct sw_session *session = SW_CONTAINER(tag, struct sw_session, finished);

    (void)ok;
    session->finishing = false;
    session->is_finished = true;
    free_when_done(session);
}

/* Waiting claims are the only calls without an end in sight. */
static void drop_claims(struct sw_session *session)
{
    sw_loop_drop_holder(session->server, session->listener.holder, false);
}

static void on_closed(struct sw_tag *tag, bool ok)
{
    struct sw_session *session = SW_CONTAINER(tag, struct sw_session, closed);

    (void)ok;
    session->is_closed = true;
    sw_loop_drop_holder(session->server, session->listener.holder, true);
    sw_loop_unlisten(&session->listener);
    sw_server_release_holder(session->server, session->listener.holder);
    resume_feeds(session);
    free_when_done(session);
}

static void drain(struct sw_listener *listener)
{
    struct sw_session *session = SW_CONTAINER(listener, struct sw_session, listener);

    session->draining = true;
    drop_claims(session);
    finish_when_done(session);
}

static void lease_lost(struct sw_listener *listener, struct sw_span run_id, uint64_t lease)
{
    struct sw_session *session = SW_CONTAINER(listener, struct sw_session, listener);
    Stepwell__V1__SessionResult result = STEPWELL__V1__SESSION_RESULT__INIT;
    Stepwell__V1__LeaseLost event = STEPWELL__V1__LEASE_LOST__INIT;
    struct sw_arena arena;

    sw_arena_init(&arena, 0);
    event.run_id = sw_codec_text(&arena, run_id);
    event.lease = lease;
    result.result_case = STEPWELL__V1__SESSION_RESULT__RESULT_LEASE_LOST;
    result.lease_lost = &event;
    put_message(session, &result);
    sw_arena_fini(&arena);
}

/* ---- histories ------------------------------------------------------------------- */

static void drop_feed(struct session_feed *history)
{
    struct session_feed **link = &history->session->feeds;

    while (*link != history)
        link = &(*link)->next;
    *link = history->next;
    sw_feed_fini(&history->feed);
    free(history);
}

static void next_chunk(struct session_feed *history)
{
    struct sw_session *session = history->session;
    struct sw_err err = {0};
    enum sw_code rc;

    history->stalled = !session->is_closed && session->out.bytes >= SW_SESSION_BYTES_MAX;
    if (history->stalled)
        return;
    if (session->is_closed) {
        drop_feed(history);
        return;
    }
    rc = sw_feed_next(&history->feed, &err);
    if (rc != SW_OK) {
        put_error(session, history->feed.options.session_id, rc, &err);
        drop_feed(history);
    }
}

static void resume_feeds(struct sw_session *session)
{
    struct session_feed *next;

    for (struct session_feed *history = session->feeds; history != NULL; history = next) {
        next = history->next;
        if (history->stalled)
            next_chunk(history);
    }
}

static void on_chunk(struct sw_feed *feed)
{
    struct session_feed *history = SW_CONTAINER(feed, struct session_feed, feed);
    struct sw_session *session = history->session;

    if (feed->rc != SW_OK) {
        put_error(session, feed->options.session_id, feed->rc, &feed->err);
        drop_feed(history);
    } else {
        put_result(session, sw_span_of(feed->bytes, feed->size));
        free(feed->bytes);
        if (feed->end)
            drop_feed(history);
        else
            next_chunk(history);
    }
    mark_dirty(session); /* so that the flush looks at its end */
    sw_session_flush(session->server);
}

static void start_history(struct sw_session *session, const struct session_call *call)
{
    const Stepwell__V1__ResumeRequest *ask = (const void *)call->request.ask;
    struct session_feed *history = calloc(1, sizeof *history);
    struct sw_feed_options options = {
        .kind = SW_FEED_RESUME,
        .run = call->request.resumed.run,
        .run_id = sw_span_of_text(ask->run_id),
        .up_to_lsn = call->request.resumed.up_to_lsn,
        .include_inputs = ask->include_inputs != 0,
        .session_id = call->id,
    };
    struct sw_err err = {0};
    enum sw_code rc;

    assert(history != NULL);
    history->session = session;
    rc = sw_feed_init(&history->feed, session->server, session->call, &options, on_chunk, &err);
    if (rc != SW_OK) {
        free(history);
        put_error(session, call->id, rc, &err);
        return;
    }
    history->next = session->feeds;
    session->feeds = history;
    next_chunk(history);
}

/* ---- calls in --------------------------------------------------------------------- */

static void unref_message(struct sw_session_message *message)
{
    struct sw_server *server = message->session->server;

    if (--message->refs != 0)
        return;
    if (server->free_messages_count == FREE_MESSAGES_MAX) {
        sw_arena_fini(&message->arena);
        free(message);
        return;
    }
    sw_arena_reset(&message->arena);
    message->next = server->free_messages;
    server->free_messages = message;
    server->free_messages_count++;
}

static struct sw_session_message *take_message(struct sw_session *session)
{
    struct sw_server *server = session->server;
    struct sw_session_message *message = server->free_messages;

    if (message != NULL) {
        server->free_messages = message->next;
        server->free_messages_count--;
    } else {
        message = calloc(1, sizeof *message);
        assert(message != NULL);
        sw_arena_init(&message->arena, 0);
    }
    message->session = session;
    message->refs = 1;
    return message;
}

void sw_session_free_all(struct sw_server *server)
{
    struct sw_session_message *message;

    while ((message = server->free_messages) != NULL) {
        server->free_messages = message->next;
        sw_arena_fini(&message->arena);
        free(message);
    }
}

static enum sw_code pack_result(struct sw_request *request)
{
    struct session_call *call = SW_CONTAINER(request, struct session_call, request);
    Stepwell__V1__SessionResult result = STEPWELL__V1__SESSION_RESULT__INIT;
    size_t size;
    uint8_t *packed;

    result.id = call->id;
    result.result_case = (Stepwell__V1__SessionResult__ResultCase)call->result;
    result.start_run = (void *)request->answer; /* every member of the union is a pointer */
    size = stepwell__v1__session_result__get_packed_size(&result);
    packed = sw_arena_alloc(request->arena, size);
    if (packed == NULL)
        return sw_fail(&request->err, SW_NO_MEMORY, "answer of %zu bytes", size);
    stepwell__v1__session_result__pack(&result, packed);
    request->packed = sw_span_of(packed, size);
    return SW_OK;
}

static bool is_heard(struct sw_request *request)
{
    return !SW_CONTAINER(request, struct session_call, request)->message->session->is_closed;
}

static void reply(struct sw_request *request)
{
    struct session_call *call = SW_CONTAINER(request, struct session_call, request);
    struct sw_session_message *message = call->message;
    struct sw_session *session = message->session;

    assert(session->unanswered > 0);
    session->unanswered--;
    if (session->is_closed) {
        if (request->rc == SW_OK) /* what it took meanwhile is free again */
            sw_server_release_holder(session->server, session->listener.holder);
    } else if (request->rc != SW_OK) {
        put_error(session, call->id, request->rc, &request->err);
    } else {
        put_result(session, request->packed);
        if (request->verb == &sw_verb_resume)
            start_history(session, call);
    }
    mark_dirty(session);
    unref_message(message);
}

static enum sw_code check_call(const Stepwell__V1__SessionCall *ask, struct sw_err *err)
{
    if (ask->id == 0 || ask->call_case == STEPWELL__V1__SESSION_CALL__CALL__NOT_SET)
        return sw_fail_field(err, ask->id == 0 ? "id" : "call", 0, "must be set");
    if (ask->call_case == STEPWELL__V1__SESSION_CALL__CALL_RESUME && ask->resume->follow)
        return sw_fail_field(err, "follow", 0, "must not be set: a session implies it");
    return SW_OK;
}

static void submit(struct sw_session_message *message, const Stepwell__V1__SessionCall *ask,
                   size_t bytes)
{
    struct sw_session *session = message->session;
    struct session_call *call = sw_codec_make(&message->arena, sizeof *call);
    struct sw_request *request = &call->request;
    struct sw_err err = {0};
    enum sw_code rc = check_call(ask, &err);

    if (rc != SW_OK) {
        put_error(session, ask->id, rc, &err);
        return;
    }
    call->message = message;
    call->id = ask->id;
    call->result = calls[ask->call_case].result;
    request->verb = calls[ask->call_case].verb;
    request->ask = (const void *)ask->start_run; /* every member of the union is a pointer */
    request->arena = &message->arena;
    request->call.arena = &message->arena;
    request->call.holder = session->listener.holder;
    request->grpc_call = session->call;
    request->bytes = bytes;
    request->pack = pack_result;
    request->reply = reply;
    request->wait = is_heard;
    message->refs++;
    session->unanswered++;
    sw_loop_submit(session->server, request);
}

static void take_apart(struct sw_session *session, grpc_byte_buffer *in)
{
    struct sw_session_message *message = take_message(session);
    const Stepwell__V1__SessionRequest *ask;

    ask = (const void *)sw_wire_unpack(&stepwell__v1__session_request__descriptor, in,
                                       &message->arena, sw_wire_limit(session->server));
    if (ask == NULL || ask->n_calls > SW_SESSION_CALLS_MAX) {
        session->wrong = ask == NULL ? "message" : "calls";
        session->half_closed = true;
        drop_claims(session);
    } else {
        size_t bytes = grpc_byte_buffer_length(in) / (ask->n_calls + 1);
        size_t pieces = ask->n_calls < SW_PIECE_CALLS ? 1 : ask->n_calls / SW_PIECE_CALLS;
        size_t piece = (ask->n_calls + pieces - 1) / pieces;

        for (size_t i = 0; i < ask->n_calls; i++) {
            if (i > 0 && i % piece == 0)
                sw_loop_commit(session->server);
            submit(message, ask->calls[i], bytes);
        }
    }
    unref_message(message);
}

static void on_received(struct sw_tag *tag, bool ok)
{
    struct sw_session *session = SW_CONTAINER(tag, struct sw_session, received);
    grpc_byte_buffer *in = session->in;

    session->is_receiving = false;
    session->in = NULL;
    if (!ok || in == NULL) {
        session->half_closed = true;
        drop_claims(session);
    } else if (!session->is_closed) {
        take_apart(session, in);
    }
    grpc_byte_buffer_destroy(in);
    mark_dirty(session); /* the flush sends, receives on, ends or frees */
    if (session->server->batch.count == 0)
        sw_session_flush(session->server);
    else
        receive(session);
}

static void receive(struct sw_session *session)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &session->in};

    if (session->is_receiving || session->half_closed || session->is_closed || session->finishing ||
        session->is_finished || session->unanswered >= SW_SESSION_CALLS_MAX ||
        session->out.bytes >= SW_SESSION_BYTES_MAX)
        return;
    session->is_receiving = true;
    start_batch(session, &op, 1, &session->received);
}

void sw_session_start(struct sw_server *server, struct sw_accept *accept)
{
    struct sw_session *session = calloc(1, sizeof *session);
    grpc_op ops[2] = {{.op = GRPC_OP_RECV_CLOSE_ON_SERVER}, {.op = GRPC_OP_SEND_INITIAL_METADATA}};

    assert(session != NULL);
    session->server = server;
    session->call = accept->call;
    session->received.on_event = on_received;
    session->sent.on_event = on_sent;
    session->closed.on_event = on_closed;
    session->finished.on_event = on_finished;
    session->ending.message = grpc_empty_slice();
    session->listener =
        (struct sw_listener){.holder = ++server->holders, .lease_lost = lease_lost, .drain = drain};
    server->sessions++;
    ops[0].data.recv_close_on_server.cancelled = &session->cancelled;
    start_batch(session, &ops[0], 1, &session->closed);
    session->is_sending = true; /* the headers: the client's stream is then open */
    start_batch(session, &ops[1], 1, &session->sent);
    sw_loop_listen(server, &session->listener);
    if (server->draining)
        drain(&session->listener);
    receive(session);
}
