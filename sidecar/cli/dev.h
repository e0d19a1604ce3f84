/* SPDX-License-Identifier: Apache-2.0
 *
 * dev - the two processes that `stepwell dev` looks after: a sidecar and an agent.
 *
 *   dev ──fork──> stepwell serve   own process group: Ctrl-C at the terminal is the agent's;
 *    │                             SIGTERM when dev dies
 *    └──fork────> CMD              dev's process group; SIGKILL when dev dies
 *
 * Owns:    nothing; a child belongs to whoever started it.
 * Threads: main only, before any gRPC use.
 * Fails:   pid -1 with errno.
 */
#ifndef SW_CLI_DEV_H
#define SW_CLI_DEV_H

#include <signal.h>
#include <sys/types.h>

struct sw_dev_sidecar {
    const char *data;
    const char *journal;
    const char *address; /* unix:///PATH */
    const char *log_level;
    const char *log_format;
};

/* Starts `stepwell serve`. *ret_ready: a pipe that gets a byte once calls are answered, and ends
 * when the sidecar does. mask: the signal mask children get. */
pid_t sw_dev_start_sidecar(const struct sw_dev_sidecar *sidecar, const sigset_t *mask,
                           int *ret_ready);

/* Starts the agent with STEPWELL_ADDR in its environment; command ends with NULL. */
pid_t sw_dev_start_agent(char **command, const char *address, const sigset_t *mask);

/* Where the sidecar listens: DIR/stepwell.sock, or a private temporary directory when that is
 * too long for a socket. directory must exist and is made absolute. */
struct sw_dev_socket {
    char address[128];   /* unix:///PATH */
    char temporary[128]; /* a directory to remove at the end; empty: none */
};
int sw_dev_place_socket(const char *directory, struct sw_dev_socket *ret_socket);
void sw_dev_remove_socket(const struct sw_dev_socket *socket);

/* Milliseconds to wait before the sidecar is started again: after its nth death in a row. */
unsigned sw_dev_restart_ms(unsigned deaths);

#endif
