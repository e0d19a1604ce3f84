/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics_http - answers GET /metrics, /healthz and /readyz over HTTP.
 *
 *   /metrics  200, Prometheus text format 0.0.4
 *   /healthz  200 while the process lives
 *   /readyz   200 while calls are answered, else 503
 *
 * Answers from atomics alone, so that a stalled disk or a busy loop cannot make
 * the process look dead. Sleeps while nobody asks.
 *
 * Owns:    its listening socket and one thread of GNU libmicrohttpd.
 * Threads: start and stop from one thread.
 * Fails:   start: CONFIGURATION when the address is wrong or taken, NO_MEMORY.
 */
#ifndef SW_WORKER_METRICS_HTTP_H
#define SW_WORKER_METRICS_HTTP_H

#include "storage/base/status.h"

struct sw_metrics_http;

/* address: HOST:PORT, [IPV6]:PORT, or PORT alone for 127.0.0.1; port 0 takes any free one.
 * The thread inherits the caller's signal mask. */
SW_MUST_CHECK enum sw_code
sw_metrics_http_start(const char *address, struct sw_metrics_http **ret_server, struct sw_err *err);

/* The port it listens on. */
uint16_t sw_metrics_http_port(const struct sw_metrics_http *server);

/* Closes the socket and all connections, ends the thread. NULL is fine. */
void sw_metrics_http_stop(struct sw_metrics_http *server);

#endif
