/* SPDX-License-Identifier: Apache-2.0
 *
 * client - blocking calls of ControlService for the command line, over the gRPC C core.
 *
 * Shows runs and steps as the same views that are read from a journal file, so
 * that one printer serves the living and the dead.
 *
 * Owns:    the channel. Answers live in the arena given.
 * Threads: one.
 * Fails:   with the server's reason as sw_code where it is known (text: the server's
 *          message); STORAGE_FAILED when no server answers ("connect: ..."). grpc_init is
 *          called by sw_client_open and undone by sw_client_close.
 */
#ifndef SW_RPC_CLIENT_H
#define SW_RPC_CLIENT_H

#include "sidecar/service/history.h"

struct sw_client;

struct sw_client_options {
    const char *address;   /* unix:///path or HOST:PORT */
    const char *tls_ca;    /* NULL = plain */
    const char *tls_cert;
    const char *tls_key;
    uint64_t timeout_ms;   /* of unary calls */
};

SW_MUST_CHECK enum sw_code sw_client_open(const struct sw_client_options *options,
                                          struct sw_client **ret_client, struct sw_err *err);
void sw_client_close(struct sw_client *client);

#endif
