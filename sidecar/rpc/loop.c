/* SPDX-License-Identifier: Apache-2.0
 *
 * loop - the thread that answers: events in, one transaction, answers out.
 */
#include <assert.h>
#include <stdlib.h>

#include "sidecar/log.h"
#include "sidecar/metrics.h"
#include "sidecar/rpc/rpc.intern.h"
#include "storage/base/fault.h"
#include "storage/journal/journal.h"

enum {
    QUIET_US = 100 * 1000,       /* without a commit for so long: sync, index, checkpoint */
    BUSY_MAINTAIN_US = 5 * 1000, /* more maintenance waits: look again after so long */
    GAUGES_US = 1000 * 1000      /* gauges are at most so old under load */
};

/* A run being read back, and the requests that wait for it. */
struct sw_load {
    struct sw_reader_job job;
    struct sw_tag tag;
    struct sw_load *next;
    struct sw_server *server;
    uint64_t run;
    struct sw_request *waiters;
    struct sw_request **waiters_tail;
    grpc_call *wake; /* referenced */
    struct sw_run_image *image;
    enum sw_code rc;
    struct sw_err err;
};

uint64_t sw_loop_now_ms(const struct sw_server *server)
{
    return sw_clock_now_ms(server->options.clock);
}

static uint64_t now_us(const struct sw_server *server)
{
    return sw_clock_monotonic_us(server->options.clock);
}

/* ---- listeners and events ------------------------------------------------ */

void sw_loop_listen(struct sw_server *server, struct sw_listener *listener)
{
    assert(listener->self == NULL);
    listener->next = server->listeners;
    listener->self = &server->listeners;
    if (listener->next != NULL)
        listener->next->self = &listener->next;
    server->listeners = listener;
}

void sw_loop_unlisten(struct sw_listener *listener)
{
    if (listener->self == NULL)
        return;
    *listener->self = listener->next;
    if (listener->next != NULL)
        listener->next->self = listener->self;
    listener->self = NULL;
}

static void keep_event(struct sw_server *server, struct sw_event event)
{
    struct sw_event *kept = sw_arena_alloc(&server->batch.arena, sizeof *kept);

    assert(kept != NULL);
    *kept = event;
    if (event.run_id.size != 0 && !sw_arena_copy(&server->batch.arena, event.run_id, &kept->run_id))
        abort();
    *server->batch.events_tail = kept;
    server->batch.events_tail = &kept->next;
}

static void on_lease_lost(void *self, uint64_t holder, struct sw_span run_id, uint64_t lease)
{
    keep_event(self, (struct sw_event){.holder = holder, .run_id = run_id, .lease = lease});
}

static void on_run_available(void *self)
{
    struct sw_server *server = self;

    server->claims_due = true;
}

static void on_run_changed(void *self, uint64_t run)
{
    struct sw_server *server = self;

    for (struct sw_listener *l = server->listeners; l != NULL; l = l->next)
        if (l->watch_run == run) {
            keep_event(server, (struct sw_event){.run = run});
            return;
        }
}

struct sw_service_events sw_loop_events(struct sw_server *server)
{
    return (struct sw_service_events){.lease_lost = on_lease_lost,
                                      .run_available = on_run_available,
                                      .run_changed = on_run_changed,
                                      .self = server};
}

static void deliver(struct sw_server *server, const struct sw_event *event)
{
    struct sw_listener *next;

    for (struct sw_listener *l = server->listeners; l != NULL; l = next) {
        next = l->next;
        if (event->holder != 0 && l->holder == event->holder)
            l->lease_lost(l, event->run_id, event->lease);
        if (event->holder == 0 && l->watch_run == event->run)
            l->changed(l);
    }
}

/* ---- requests ------------------------------------------------------------ */

void sw_loop_add(struct sw_server *server, struct sw_request *request)
{
    request->next = NULL;
    *server->batch.tail = request;
    server->batch.tail = &request->next;
    server->batch.count++;
    server->batch.bytes += request->bytes;
    server->batch.sync |= request->call.sync;
    server->batch.ship |= request->call.ship;
    if (request->call.remote_lsn > server->batch.remote_lsn)
        server->batch.remote_lsn = request->call.remote_lsn;
}

static void read_image(struct sw_reader_job *job, struct sw_journal_reader *reader)
{
    struct sw_load *load = SW_CONTAINER(job, struct sw_load, job);

    (void)SW_FAULT("run.load");
    load->rc = sw_run_image_read(reader, load->run, &load->image, &load->err);
}

/* On the reader's thread: an empty batch wakes the loop. */
static void pass_on_image(struct sw_reader_job *job)
{
    struct sw_load *load = SW_CONTAINER(job, struct sw_load, job);
    grpc_call *wake = load->wake;
    struct sw_tag *tag = &load->tag;

    sw_reader_job_give_back(job);
    if (grpc_call_start_batch(wake, NULL, 0, tag, NULL) != GRPC_CALL_OK)
        abort();
}

static void on_image(struct sw_tag *tag, bool ok)
{
    struct sw_load *load = SW_CONTAINER(tag, struct sw_load, tag);
    struct sw_server *server = load->server;
    struct sw_request *waiter = load->waiters;
    struct sw_load **link = &server->loads;

    (void)ok;
    sw_reader_job_take_back(&load->job);
    server->reads--;
    while (*link != load)
        link = &(*link)->next;
    *link = load->next;
    (void)SW_FAULT("run.adopt");
    if (load->rc == SW_OK)
        sw_service_adopt(server->service, &load->image);
    while (waiter != NULL) {
        struct sw_request *next = waiter->next;

        if (load->rc == SW_OK) {
            sw_loop_run_verb(server, waiter);
        } else {
            waiter->rc = load->rc;
            waiter->err = load->err;
            sw_loop_add(server, waiter);
        }
        waiter = next;
    }
    sw_run_image_free(load->image);
    grpc_call_unref(load->wake);
    free(load);
}

static enum sw_code start_load(struct sw_server *server, struct sw_request *request,
                               struct sw_load **ret_load, struct sw_err *err)
{
    struct sw_load *load = calloc(1, sizeof *load);
    enum sw_code rc;

    if (load == NULL)
        return sw_fail(err, SW_NO_MEMORY, "load run");
    load->job = (struct sw_reader_job){.run = read_image, .done = pass_on_image};
    load->tag.on_event = on_image;
    load->server = server;
    load->run = request->call.load_run;
    load->waiters_tail = &load->waiters;
    load->wake = request->grpc_call;
    grpc_call_ref(load->wake);
    rc = sw_readers_submit(server->readers, &load->job, err);
    if (rc != SW_OK) {
        grpc_call_unref(load->wake);
        free(load);
        return rc;
    }
    server->reads++;
    load->next = server->loads;
    server->loads = load;
    *ret_load = load;
    return SW_OK;
}

/* Lets the request wait until its run is in memory. */
static enum sw_code park(struct sw_server *server, struct sw_request *request, struct sw_err *err)
{
    struct sw_load *load = server->loads;
    enum sw_code rc;

    while (load != NULL && load->run != request->call.load_run)
        load = load->next;
    if (load == NULL) {
        rc = start_load(server, request, &load, err);
        if (rc != SW_OK)
            return rc;
    }
    request->next = NULL;
    *load->waiters_tail = request;
    load->waiters_tail = &request->next;
    return SW_OK;
}

static void park_claim(struct sw_server *server, struct sw_request *request)
{
    request->next = server->claims;
    server->claims = request;
    server->claims_at_ms = sw_loop_now_ms(server); /* computes when to look again */
}

void sw_loop_run_verb(struct sw_server *server, struct sw_request *request)
{
    request->call.load_run = 0;
    request->call.sync = false;
    request->call.ship = false;
    request->call.remote_lsn = 0;
    request->rc = request->verb->run(server, request);
    if (request->rc == SW_NOT_LOADED) {
        request->rc = park(server, request, &request->err);
        if (request->rc == SW_OK)
            return;
    }
    if (request->rc == SW_BACKLOG_FULL && sw_remote_park_intent(server, request))
        return;
    if (request->rc == SW_OK && request->answer == NULL) {
        park_claim(server, request);
        return;
    }
    if (request->rc == SW_OK)
        request->rc = request->pack(request);
    sw_loop_add(server, request);
}

void sw_loop_submit(struct sw_server *server, struct sw_request *request)
{
    server->requests++;
    sw_metric_add(SW_METRIC_CALLS, 1);
    if (server->requests > server->options.config->limits.queue_length_max) {
        request->rc = sw_fail(&request->err, SW_QUEUE_FULL, "%u requests wait already",
                              server->options.config->limits.queue_length_max);
        sw_loop_add(server, request);
    } else if (server->draining && request->verb->new_work) {
        request->rc = sw_fail(&request->err, SW_DRAINING, "the server is shutting down");
        sw_loop_add(server, request);
    } else if ((server->service == NULL || server->fenced) && !request->verb->any_time) {
        request->rc = sw_remote_refusal(server, &request->err);
        sw_loop_add(server, request);
    } else {
        sw_loop_run_verb(server, request);
    }
    if (server->batch.count >= SW_BATCH_CALLS_MAX || server->batch.bytes >= SW_BATCH_BYTES_MAX)
        sw_loop_commit(server);
}

/* ---- claims that wait ---------------------------------------------------- */

void sw_loop_drop(struct sw_server *server, struct sw_request *request)
{
    if (sw_remote_drop(server, request))
        return;
    for (struct sw_request **link = &server->claims; *link != NULL; link = &(*link)->next)
        if (*link == request) {
            *link = request->next;
            request->rc = sw_fail(&request->err, SW_DRAINING, "nobody waits any more");
            sw_loop_add(server, request);
            return;
        }
}

void sw_loop_drop_holder(struct sw_server *server, uint64_t holder, bool all)
{
    struct sw_request *next;

    for (struct sw_request *claim = server->claims; claim != NULL; claim = next) {
        next = claim->next;
        if (claim->call.holder == holder)
            sw_loop_drop(server, claim);
    }
    if (all)
        sw_remote_drop_holder(server, holder);
}

static void retry_claims(struct sw_server *server)
{
    struct sw_request *claim = server->claims;
    uint64_t soonest = 0;

    server->claims = NULL;
    server->claims_due = false;
    while (claim != NULL) {
        struct sw_request *next = claim->next;

        sw_loop_run_verb(server, claim); /* ends its wait, parks it again, or answers */
        claim = next;
    }
    if (server->claims != NULL)
        soonest = sw_service_claimable_at_ms(server->service);
    for (claim = server->claims; claim != NULL; claim = claim->next)
        if (soonest == 0 || claim->wait_until_ms < soonest)
            soonest = claim->wait_until_ms;
    server->claims_at_ms = soonest;
}

/* A batch may have begun a grace period that ends before the claims meant to look again. */
static void hasten_claims(struct sw_server *server)
{
    uint64_t at_ms = server->claims != NULL ? sw_service_claimable_at_ms(server->service) : 0;

    if (at_ms != 0 && at_ms < server->claims_at_ms)
        server->claims_at_ms = at_ms;
}

/* ---- commit -------------------------------------------------------------- */

void sw_loop_answer(struct sw_server *server, struct sw_request *request)
{
    if (request->rc != SW_OK)
        sw_metric_add(SW_METRIC_CALLS_FAILED, 1);
    assert(server->requests > 0);
    server->requests--;
    request->reply(request);
}

static void answer_batch(struct sw_server *server, enum sw_code rc, const struct sw_err *err)
{
    struct sw_request *request = server->batch.head;
    struct sw_event *event = rc == SW_OK ? server->batch.events : NULL;
    unsigned answered = 0;

    server->batch.head = NULL;
    server->batch.tail = &server->batch.head;
    server->batch.count = 0;
    server->batch.bytes = 0;
    server->batch.sync = false;
    server->batch.ship = false;
    server->batch.left_open = false;
    server->batch.remote_lsn = 0;
    server->batch.events = NULL;
    server->batch.events_tail = &server->batch.events;
    (void)SW_FAULT("loop.before_reply");
    while (request != NULL) {
        struct sw_request *next = request->next;

        if (rc != SW_OK && request->rc == SW_OK) {
            request->rc = rc;
            request->err = *err;
        }
        if (request->rc != SW_OK || !sw_remote_park(server, request))
            sw_loop_answer(server, request);
        if (++answered == 1 && next != NULL) {
            sw_session_flush(server);
            (void)SW_FAULT("loop.mid_reply");
        }
        request = next;
    }
    for (; event != NULL; event = event->next)
        deliver(server, event);
    sw_arena_reset(&server->batch.arena);
    sw_session_flush(server);
    (void)SW_FAULT("loop.after_reply");
}

static void set_gauges(struct sw_server *server)
{
    const struct sw_journal_state *state = sw_journal_state(server->journal);
    struct sw_service_counts counts = sw_service_counts(server->service);

    sw_metric_set(SW_METRIC_LSN, state->lsn);
    sw_metric_set(SW_METRIC_DURABLE_LSN, state->durable_lsn);
    sw_metric_set(SW_METRIC_JOURNAL_BYTES, state->bytes);
    sw_metric_set(SW_METRIC_EPOCH, state->epoch);
    sw_metric_set(SW_METRIC_OPEN_RUNS, counts.open_runs);
    sw_metric_set(SW_METRIC_HELD_RUNS, counts.held_runs);
    sw_metric_set(SW_METRIC_SESSIONS, server->sessions);
    sw_remote_set_gauges(server);
}

static void break_down(struct sw_server *server, const struct sw_err *err)
{
    server->broken = true;
    server->broken_err = *err;
}

/* Work that may wait: a bounded piece after each commit, the rest when it is quiet. */
static void maintain(struct sw_server *server, bool idle)
{
    struct sw_journal *journal = server->journal;
    struct sw_err err = {0};
    bool more = false;
    enum sw_code rc = SW_OK;

    if (idle)
        rc = sw_journal_commit(journal, true, &err);
    if (server->shipper != NULL) /* else the store would have runs without their ends */
        sw_journal_keep_after(journal, sw_shipper_keep_after(server->shipper));
    if (rc == SW_OK)
        rc = sw_journal_maintain(journal, sw_loop_now_ms(server), idle, &more, &err);
    if (rc == SW_JOURNAL_FULL) {
        sw_log(WARNING, "maintenance postponed", {"error", .text = err.text});
        more = false;
    } else if (rc != SW_OK) {
        break_down(server, &err);
    }
    if (idle || now_us(server) >= server->gauges_at_us) {
        set_gauges(server);
        server->gauges_at_us = now_us(server) + GAUGES_US;
    }
    if (idle)
        server->quiet_at_us = more ? now_us(server) + BUSY_MAINTAIN_US : 0;
}

static void observe_commit(unsigned calls, bool sync, uint64_t us)
{
    sw_metric_add(SW_METRIC_COMMITS, 1);
    if (sync)
        sw_metric_add(SW_METRIC_SYNCS, 1);
    sw_metric_observe(SW_METRIC_BATCH_CALLS, calls);
    sw_metric_observe(SW_METRIC_COMMIT_SECONDS, (double)us / 1e6);
}

/* Ends the transaction and answers everybody. */
void sw_loop_commit(struct sw_server *server)
{
    uint64_t started = now_us(server);
    unsigned calls = server->batch.count;
    bool sync = server->batch.sync;
    bool remote = server->batch.remote_lsn > server->shipped_lsn;
    struct sw_err err = {0};
    uint64_t ended;
    enum sw_code rc;

    if ((calls == 0 && !server->batch.left_open) || server->broken)
        return;
    if (server->journal == NULL) { /* refusals */
        answer_batch(server, SW_OK, &err);
        return;
    }
#ifdef SW_BREAK_EARLY_ACK
    sync = false;
    answer_batch(server, SW_OK, &err); /* a deliberately broken build: see tests/crash */
#endif
    rc = sw_journal_commit(server->journal, sync && !remote, &err);
    if (rc == SW_OK) {
        sw_service_committed(server->service);
        sw_remote_committed(server);
        if (remote && sync) /* while the shipper is at it: the two syncs overlap */
            rc = sw_journal_commit(server->journal, true, &err);
    } else if (rc == SW_JOURNAL_FULL) {
        sw_service_forget(server->service);
    }
    if (rc != SW_OK && rc != SW_JOURNAL_FULL) {
        break_down(server, &err);
        return;
    }
    if (rc == SW_OK && server->fenced)
        rc = sw_remote_refusal(server, &err);
    ended = now_us(server);
    answer_batch(server, rc, &err);
    server->alone = calls == 1 ? SW_ALONE_MAYBE : SW_ALONE_NO;
    observe_commit(calls, sync, ended - started);
    hasten_claims(server);
    maintain(server, false);
    server->quiet_at_us = now_us(server) + QUIET_US;
}

/* ---- the loop ------------------------------------------------------------ */

/* Microseconds until something is due without an event; UINT64_MAX: nothing. */
static uint64_t next_due_us(const struct sw_server *server)
{
    uint64_t us = now_us(server);
    uint64_t ms = sw_loop_now_ms(server);
    uint64_t due = UINT64_MAX;

    if (server->quiet_at_us != 0)
        due = server->quiet_at_us > us ? server->quiet_at_us - us : 0;
    if (server->claims != NULL && server->claims_at_ms != 0) {
        uint64_t wait = server->claims_at_ms > ms ? (server->claims_at_ms - ms) * 1000 : 0;

        due = wait < due ? wait : due;
    }
    if (server->drain_until_ms != 0) {
        uint64_t wait = server->drain_until_ms > ms ? (server->drain_until_ms - ms) * 1000 : 0;

        due = wait < due ? wait : due;
    }
    return due;
}

static void do_due(struct sw_server *server)
{
    uint64_t us = now_us(server);
    uint64_t ms = sw_loop_now_ms(server);

    if (server->claims != NULL &&
        (server->claims_due || (server->claims_at_ms != 0 && ms >= server->claims_at_ms)))
        retry_claims(server);
    if (server->drain_until_ms != 0 && ms >= server->drain_until_ms) {
        server->drain_until_ms = 0;
        sw_remote_fail(server, SW_DRAINING, "recorded here, but not in the object store in time");
        for (unsigned i = 0; i < server->endpoints_count; i++)
            if (server->endpoints[i].grpc != NULL)
                grpc_server_cancel_all_calls(server->endpoints[i].grpc);
    }
    if (server->batch.count == 0 && !server->batch.left_open && server->quiet_at_us != 0 &&
        us >= server->quiet_at_us)
        maintain(server, true);
}

static gpr_timespec wait_until(const struct sw_server *server)
{
    uint64_t due;

    if (server->batch.count != 0 || server->batch.left_open || server->alone == SW_ALONE_MAYBE ||
        (server->claims != NULL && server->claims_due))
        return gpr_inf_past(GPR_CLOCK_MONOTONIC);
    due = next_due_us(server);
    if (due == UINT64_MAX)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_micros((int64_t)due, GPR_TIMESPAN));
}

void sw_loop_started(struct sw_server *server)
{
    set_gauges(server);
    server->quiet_at_us = now_us(server) + QUIET_US;
}

enum sw_code sw_server_run(struct sw_server *server, struct sw_err *err)
{
    /* A client may go as the last thing: what it waited for is in the batch still. */
    while ((!server->finished || server->reads != 0 || server->requests != 0) && !server->broken) {
        grpc_event event = grpc_completion_queue_next(server->queue, wait_until(server), NULL);

        if (event.type == GRPC_OP_COMPLETE) {
            struct sw_tag *tag = event.tag;

            tag->on_event(tag, event.success != 0);
            if (server->alone == SW_ALONE_YES && server->batch.count == 1)
                sw_loop_commit(server);
        } else {
            assert(event.type == GRPC_QUEUE_TIMEOUT);
            if (server->batch.count == 0 && server->alone == SW_ALONE_MAYBE)
                server->alone = SW_ALONE_YES;
            sw_loop_commit(server);
            do_due(server);
        }
    }
    if (!server->broken)
        return SW_OK;
    *err = server->broken_err;
    return sw_wrap(err, "journal");
}
