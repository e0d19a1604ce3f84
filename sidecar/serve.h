/* SPDX-License-Identifier: Apache-2.0
 *
 * serve - the life of the server process: listen, open or restore, answer, drain, ship, close.
 */
#ifndef SW_SERVE_H
#define SW_SERVE_H

#include "sidecar/config.h"

/* Exit codes of `stepwell serve`. */
enum {
    SW_EXIT_OK = 0,
    SW_EXIT_CONFIGURATION = 1,
    SW_EXIT_STORAGE = 2,
    SW_EXIT_FENCED = 3,   /* another owner took the journal over */
    SW_EXIT_UNSHIPPED = 4 /* ended as asked, but the store does not have everything */
};

/* Runs until SIGTERM or SIGINT. ready_fd: one byte is written there once calls are
 * answered; -1 = none. Returns the exit code. */
int sw_serve(const struct sw_config *config, int ready_fd);

#endif
