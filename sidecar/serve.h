/* SPDX-License-Identifier: Apache-2.0
 *
 * serve - the life of the server process: open, listen, answer, drain, close.
 */
#ifndef SW_SERVE_H
#define SW_SERVE_H

#include "sidecar/config.h"

/* Exit codes of `stepwell serve`. 3 (fenced) and 4 (drained with unshipped records) belong to
 * the object store. */
enum { SW_EXIT_OK = 0, SW_EXIT_CONFIGURATION = 1, SW_EXIT_STORAGE = 2 };

/* Runs until SIGTERM or SIGINT. ready_fd: one byte is written there once calls are
 * answered; -1 = none. Returns the exit code. */
int sw_serve(const struct sw_config *config, int ready_fd);

#endif
