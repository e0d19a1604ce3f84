/* SPDX-License-Identifier: Apache-2.0
 *
 * listen - binds one address of a gRPC server that has not started yet.
 *
 * Fails: CONFIGURATION, naming the address and the reason.
 */
#ifndef SW_RPC_LISTEN_H
#define SW_RPC_LISTEN_H

#include "sidecar/rpc/rpc.intern.h"

/* unix:///abs/path (config->socket_mode; a stale socket is replaced, a living one refused) or
 * HOST:PORT (plain on loopback, mutual TLS when configured, refused else). */
SW_MUST_CHECK enum sw_code sw_listen(grpc_server *grpc, const char *address,
                                     const struct sw_config *config, struct sw_err *err);

#endif
