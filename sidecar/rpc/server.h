/* SPDX-License-Identifier: Apache-2.0
 *
 * server - the gRPC server: it listens, answers, drains.
 *
 * One thread, the loop, owns the completion queue and the journal's writing
 * connection. It takes all events that have arrived, runs their verbs in one
 * transaction, commits once, answers all; what arrives meanwhile is the next batch.
 *
 * Owns:    sockets and calls. The backing is the caller's.
 * Threads: new, run and free by one thread, the loop; attach, shipped and drain by any.
 * Fails:   CONFIGURATION when an address cannot be listened on.
 */
#ifndef SW_RPC_SERVER_H
#define SW_RPC_SERVER_H

#include "sidecar/config.h"
#include "sidecar/service/service.h"

struct sw_journal;
struct sw_readers;
struct sw_server;
struct sw_shipper;

struct sw_server_options {
    const struct sw_config *config;
    const struct sw_clock *clock;
    const char *owner; /* host and process, for GetStatus */
};

/* What calls are answered from. All of it is the loop's from the attaching to the end of run. */
struct sw_server_backing {
    struct sw_journal *journal;
    struct sw_readers *readers;
    struct sw_service *service;
    struct sw_shipper *shipper; /* NULL: nothing is shipped */
    const char *store_url;      /* without secrets; NULL: none */
};

/* Initialises gRPC and prepares the methods; does not listen yet. Until a backing is attached
 * every verb is refused with RESTORING, and health is NOT_SERVING. */
SW_MUST_CHECK enum sw_code sw_server_new(const struct sw_server_options *options,
                                         struct sw_server **ret_server, struct sw_err *err);
/* What the service shall report to: pass to sw_service_new. */
struct sw_service_events sw_server_events(struct sw_server *server);
/* Once, by any thread; calls that arrive later are answered from it. */
void sw_server_attach(struct sw_server *server, const struct sw_server_backing *backing);
/* The shipper's `changed`: shipped_lsn moved, or the owner was fenced. Any thread. */
void sw_server_shipped(void *server);
/* The service's `backlog_full`, once there is a shipper. */
bool sw_server_backlog_full(void *server);

/* Binds the addresses and starts accepting. */
SW_MUST_CHECK enum sw_code sw_server_listen(struct sw_server *server, struct sw_err *err);

/* Answers until drained. STORAGE_FAILED: the journal cannot be trusted any more and
 * nothing that was not yet acknowledged has been; end the process. */
SW_MUST_CHECK enum sw_code sw_server_run(struct sw_server *server, struct sw_err *err);

/* Makes run() finish: no new work, open calls get config->drain_ms. Once. */
void sw_server_drain(struct sw_server *server);

/* After run() returned, or before it, and after the shipper was stopped. NULL is fine. */
void sw_server_free(struct sw_server *server);

#endif
