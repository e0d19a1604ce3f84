/* SPDX-License-Identifier: Apache-2.0
 *
 * command - a word after `stepwell`, and how one is found and run.
 *
 * Owns:    nothing.
 * Threads: main only.
 * Fails:   with an exit code, after a sentence on standard error.
 */
#ifndef SW_CLI_COMMAND_H
#define SW_CLI_COMMAND_H

#include "storage/base/status.h"

/* Exit codes of every command but serve and dev; `stepwell help` shows this table. */
enum sw_exit {
    SW_EXIT_CLI_OK = 0,
    SW_EXIT_CLI_USAGE = 1,     /* wrong words, wrong options, or the server refuses the request */
    SW_EXIT_CLI_STORAGE = 2,   /* the disk failed, or the journal is corrupt */
    SW_EXIT_CLI_NOT_FOUND = 5, /* no such run, step or file */
    SW_EXIT_CLI_NO_SERVER = 6  /* nobody answers at the address */
};

struct sw_cli_command {
    const char *name;
    const char *summary;               /* one line of `stepwell help` */
    int (*run)(int argc, char **argv); /* argv[0] is the name; --help is answered here too */
};

/* Runs what argv asks for; the list ends with NULL. Answers help, --help, version and
 * --version itself. Returns the exit code. */
int sw_cli_run(const struct sw_cli_command *const *commands, int argc, char **argv);

/* Says "stepwell COMMAND: TEXT" on standard error and returns the exit code for err->code. */
int sw_cli_fail(const char *command, const struct sw_err *err);

extern const struct sw_cli_command sw_cli_completion;
extern const struct sw_cli_command sw_cli_dev;
extern const struct sw_cli_command sw_cli_resolve;
extern const struct sw_cli_command sw_cli_runs;
extern const struct sw_cli_command sw_cli_show;
extern const struct sw_cli_command sw_cli_status;
extern const struct sw_cli_command sw_cli_tail;
extern const struct sw_cli_command sw_cli_verify;

#endif
