/* SPDX-License-Identifier: Apache-2.0
 *
 * remote - requests that wait for the object store, and the bell that other threads ring.
 *
 *   loop: commit ──> park by lsn ┐
 *   shipper: shipped_lsn moved ──┴─> bell ──> loop: answers up to shipped_lsn, in order
 *
 * What waits counts as unanswered, so that queue_length_max bounds it; it goes when its
 * client does, when the drain has lasted long enough, and when the owner is fenced.
 */
#include <assert.h>
#include <stdlib.h>

#include "sidecar/log.h"
#include "sidecar/metrics.h"
#include "sidecar/rpc/rpc.intern.h"
#include "storage/journal/journal.h"

/* ---- the lists ------------------------------------------------------------------ */

static void insert_behind(struct sw_waiting *waiting, struct sw_request *before,
                          struct sw_request *request)
{
    request->waiting = waiting;
    request->before = before;
    request->next = before == NULL ? waiting->first : before->next;
    if (request->next != NULL)
        request->next->before = request;
    else
        waiting->last = request;
    if (before != NULL)
        before->next = request;
    else
        waiting->first = request;
}

static void take_out(struct sw_request *request)
{
    struct sw_waiting *waiting = request->waiting;

    if (request->before != NULL)
        request->before->next = request->next;
    else
        waiting->first = request->next;
    if (request->next != NULL)
        request->next->before = request->before;
    else
        waiting->last = request->before;
    request->waiting = NULL;
    request->next = NULL;
}

bool sw_remote_park(struct sw_server *server, struct sw_request *request)
{
    struct sw_request *before = server->remote.last;

#ifdef SW_BREAK_EARLY_REMOTE
    return false; /* a deliberately broken build: see tests/crash */
#endif
    /* Whose client went while the batch was open would wait for nobody. */
    if (request->call.remote_lsn <= server->shipped_lsn || !request->wait(request))
        return false;
    while (before != NULL && before->call.remote_lsn > request->call.remote_lsn)
        before = before->before;
    insert_behind(&server->remote, before, request);
    return true;
}

bool sw_remote_park_intent(struct sw_server *server, struct sw_request *request)
{
    if (!server->options.config->backlog_wait || server->draining || server->fenced ||
        !request->wait(request))
        return false;
    insert_behind(&server->backlog, server->backlog.last, request);
    server->batch.left_open = true; /* an outcome may have been recorded before its begin_next */
    return true;
}

bool sw_remote_drop(struct sw_server *server, struct sw_request *request)
{
    if (request->waiting == NULL)
        return false;
    take_out(request);
    request->rc = sw_fail(&request->err, SW_CANCELLED, "nobody waits any more");
    sw_loop_add(server, request);
    return true;
}

static void drop_all_of(struct sw_server *server, struct sw_waiting *waiting, uint64_t holder)
{
    struct sw_request *next;

    for (struct sw_request *request = waiting->first; request != NULL; request = next) {
        next = request->next;
        if (request->call.holder == holder)
            (void)sw_remote_drop(server, request);
    }
}

void sw_remote_drop_holder(struct sw_server *server, uint64_t holder)
{
    drop_all_of(server, &server->remote, holder);
    drop_all_of(server, &server->backlog, holder);
}

static void fail_all_of(struct sw_server *server, struct sw_waiting *waiting, enum sw_code code,
                        const char *text)
{
    struct sw_request *request;

    while ((request = waiting->first) != NULL) {
        take_out(request);
        request->rc = sw_fail(&request->err, code, "%s", text);
        sw_loop_answer(server, request);
    }
}

void sw_remote_fail(struct sw_server *server, enum sw_code code, const char *text)
{
    fail_all_of(server, &server->remote, code, text);
    fail_all_of(server, &server->backlog, code, text);
    sw_session_flush(server);
}

void sw_remote_drain(struct sw_server *server)
{
    fail_all_of(server, &server->backlog, SW_DRAINING, "the server is shutting down");
    sw_session_flush(server);
    if (server->shipper != NULL)
        sw_shipper_ship_every(server->shipper);
}

/* ---- the shipper ------------------------------------------------------------------- */

enum sw_code sw_remote_refusal(const struct sw_server *server, struct sw_err *err)
{
    if (server->fenced)
        return sw_fail(err, SW_OWNER_FENCED, "another owner took the journal over");
    if (server->service == NULL)
        return sw_fail(err, SW_RESTORING, "the journal is not open yet");
    return SW_OK;
}

void sw_remote_committed(struct sw_server *server)
{
    const struct sw_journal_state *state = sw_journal_state(server->journal);
    uint64_t wanted = server->batch.remote_lsn;

    if (server->shipper == NULL)
        return;
    if (sw_shipper_is_fenced(server->shipper))
        server->fenced = true;
    if (state->lsn == server->committed_lsn && wanted <= server->shipped_lsn)
        return;
    sw_shipper_committed(server->shipper, state->lsn, state->row_bytes - server->committed_bytes,
                         wanted, server->batch.ship);
    server->committed_lsn = state->lsn;
    server->committed_bytes = state->row_bytes;
}

/* What the open batch adds counts: a hundred intents in one batch are not one. */
bool sw_server_backlog_full(void *self)
{
    const struct sw_server *server = self;

    return sw_shipper_is_full(server->shipper, sw_journal_state(server->journal)->row_bytes -
                                                   server->committed_bytes);
}

void sw_remote_set_gauges(const struct sw_server *server)
{
    struct sw_shipper_status status;

    if (server->shipper == NULL)
        return;
    sw_shipper_status(server->shipper, &status);
    sw_metric_set(SW_METRIC_SHIP_LAG_BYTES, status.lag_bytes);
}

static void release(struct sw_server *server)
{
    struct sw_request *request;

    while ((request = server->remote.first) != NULL &&
           request->call.remote_lsn <= server->shipped_lsn) {
        take_out(request);
        sw_loop_answer(server, request);
    }
    sw_session_flush(server);
}

/* What waited for room tries again; what finds none waits again. */
static void retry_intents(struct sw_server *server)
{
    struct sw_request *request = server->backlog.first;

    if (request == NULL || sw_server_backlog_full(server))
        return;
    server->backlog = (struct sw_waiting){NULL, NULL};
    while (request != NULL) {
        struct sw_request *next = request->next;

        request->waiting = NULL;
        sw_loop_run_verb(server, request);
        request = next;
    }
}

static void look_at_shipper(struct sw_server *server)
{
    server->shipped_lsn = sw_shipper_shipped_lsn(server->shipper);
    release(server);
    if (sw_shipper_is_fenced(server->shipper)) {
        server->fenced = true;
        sw_remote_fail(server, SW_OWNER_FENCED, "another owner took the journal over");
        sw_server_begin_drain(server);
        return;
    }
    retry_intents(server);
}

/* ---- attaching ----------------------------------------------------------------------- */

static void attach(struct sw_server *server)
{
    struct sw_server_backing backing = server->attaching;
    struct sw_listener *next;

    server->journal = backing.journal;
    server->readers = backing.readers;
    server->service = backing.service;
    server->shipper = backing.shipper;
    server->store_url = backing.store_url;
    server->committed_lsn = sw_journal_state(backing.journal)->lsn;
    server->committed_bytes = sw_journal_state(backing.journal)->row_bytes;
    sw_loop_started(server);
    if (server->draining)
        return;
    sw_health_set(SW_HEALTH_SERVING);
    for (struct sw_listener *l = server->listeners; l != NULL; l = next) {
        next = l->next;
        if (l->ready != NULL)
            l->ready(l);
    }
}

void sw_server_release_holder(struct sw_server *server, uint64_t holder)
{
    if (server->service != NULL)
        sw_service_release_holder(server->service, holder);
}

/* ---- the bell --------------------------------------------------------------------------- */

static void on_rung(struct sw_tag *tag, bool ok)
{
    struct sw_bell *bell = SW_CONTAINER(tag, struct sw_bell, tag);
    struct sw_server *server = SW_CONTAINER(bell, struct sw_server, bell);

    (void)ok;
    atomic_store(&bell->rung, false); /* before looking: what comes later rings again */
    if (server->ended)
        return;
    if (atomic_exchange(&server->is_attaching, false))
        attach(server);
    if (server->shipper != NULL)
        look_at_shipper(server);
}

static void ring(struct sw_server *server)
{
    if (atomic_exchange(&server->bell.rung, true))
        return;
    if (grpc_call_start_batch(server->bell.call, NULL, 0, &server->bell.tag, NULL) != GRPC_CALL_OK)
        abort();
}

void sw_server_attach(struct sw_server *server, const struct sw_server_backing *backing)
{
    server->attaching = *backing;
    atomic_store(&server->is_attaching, true);
    ring(server);
}

void sw_server_shipped(void *server)
{
    ring(server);
}

void sw_bell_init(struct sw_server *server)
{
    struct sw_bell *bell = &server->bell;

    bell->tag.on_event = on_rung;
    bell->channel = grpc_lame_client_channel_create("bell", GRPC_STATUS_UNAVAILABLE, "a bell");
    bell->call = grpc_channel_create_call(bell->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                          server->queue, grpc_slice_from_static_string("/bell"),
                                          NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    assert(bell->call != NULL);
}

void sw_bell_fini(struct sw_server *server)
{
    grpc_call_unref(server->bell.call);
    grpc_channel_destroy(server->bell.channel);
}
