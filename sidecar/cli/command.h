/* SPDX-License-Identifier: Apache-2.0
 *
 * command - a word after `stepwell`: how it is found, explained and run.
 *
 * Owns:    nothing.
 * Threads: main only.
 * Fails:   with an exit code, after a sentence on standard error.
 */
#ifndef SW_CLI_COMMAND_H
#define SW_CLI_COMMAND_H

#include "sidecar/flags.h"
#include "storage/base/status.h"

/* Exit codes of every command but serve and dev; `stepwell help` shows this table. */
enum sw_exit {
    SW_EXIT_CLI_OK = 0,
    SW_EXIT_CLI_USAGE = 1,     /* wrong words or options, or the request was refused */
    SW_EXIT_CLI_STORAGE = 2,   /* the disk failed, or the journal is corrupt */
    SW_EXIT_CLI_NOT_FOUND = 5, /* no such run, step or file */
    SW_EXIT_CLI_NO_SERVER = 6  /* nobody answers at the address, or the store does not */
};

/* A help text, in the order of a manual page. Paragraphs are broken by the printer; lines of
 * json and examples are printed as they stand. NULL: no such part. */
struct sw_cli_page {
    const char *synopsis; /* without "stepwell " */
    const char *description;
    const struct sw_flag *flags;
    const char *json;
    const char *exit_status; /* NULL: the common table */
    const char *examples;
};

struct sw_cli_command {
    const char *name;
    const char *summary;               /* one line of `stepwell help` */
    const struct sw_cli_page *page;    /* NULL: run answers --help by itself */
    int (*run)(int argc, char **argv); /* argv[0] is the name */
};

/* Runs what argv asks for; the list ends with NULL. Answers help, --help, version and
 * --version itself. Returns the exit code. */
int sw_cli_run(const struct sw_cli_command *const *commands, int argc, char **argv);

/* Reads a command's arguments by its page's flags. False when the command ends here: a mistake
 * was told or help was asked for, *ret_exit is the exit code. */
bool sw_cli_read(const struct sw_cli_command *command, void *target, int argc, char **argv,
                 struct sw_flags_left *ret_left, int *ret_exit);

/* Says "stepwell COMMAND: TEXT" on standard error and returns the exit code for err. */
int sw_cli_fail(const struct sw_cli_command *command, const struct sw_err *err);
/* The same for a mistake in the arguments. */
int sw_cli_usage(const struct sw_cli_command *command, const char *format, ...) SW_PRINTF(2, 3);

extern const struct sw_cli_command sw_cli_completion;
extern const struct sw_cli_command sw_cli_dev;
extern const struct sw_cli_command sw_cli_doctor;
extern const struct sw_cli_command sw_cli_drain;
extern const struct sw_cli_command sw_cli_flush;
extern const struct sw_cli_command sw_cli_journal;
extern const struct sw_cli_command sw_cli_resolve;
extern const struct sw_cli_command sw_cli_restore;
extern const struct sw_cli_command sw_cli_retire;
extern const struct sw_cli_command sw_cli_runs;
extern const struct sw_cli_command sw_cli_show;
extern const struct sw_cli_command sw_cli_status;
extern const struct sw_cli_command sw_cli_tail;
extern const struct sw_cli_command sw_cli_verify;

#endif
