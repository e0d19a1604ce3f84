/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sidecar/text.h"

enum { COMMANDS_MAX = 32 };

static const char EXIT_STATUS[] =
    "EXIT STATUS\n"
    "    0   done\n"
    "    1   usage or configuration; the request was refused\n"
    "    2   the disk failed, or the journal is corrupt\n"
    "    5   no such run, step or file\n"
    "    6   no server answers\n"
    "    `stepwell serve` uses 0 to 2; `stepwell dev` ends with the code of the agent.\n";

static void print_help(const struct sw_cli_command *const *commands)
{
    (void)printf("NAME\n"
                 "    stepwell - durable execution for AI agents\n\n"
                 "SYNOPSIS\n"
                 "    stepwell COMMAND [ARGUMENT]... [OPTION]...\n\n"
                 "COMMANDS\n");
    for (; *commands != NULL; commands++)
        (void)printf("    %-11s %s\n", (*commands)->name, (*commands)->summary);
    (void)printf("    version     print the version\n"
                 "    help        explain a command: stepwell help COMMAND\n\n"
                 "ENVIRONMENT\n"
                 "    STEPWELL_ADDR   where the server answers, when --addr does not say:\n"
                 "                    unix:///PATH or HOST:PORT. Default:\n"
                 "                    unix:///run/stepwell/stepwell.sock\n"
                 "    Each option of `stepwell serve` has a variable: see stepwell help serve.\n\n"
                 "%s\n"
                 "EXAMPLES\n"
                 "    stepwell dev -- python agent.py\n"
                 "    stepwell runs --in-doubt\n"
                 "    stepwell show order-17\n",
                 EXIT_STATUS);
}

static const struct sw_cli_command *find(const struct sw_cli_command *const *commands,
                                         const char *name)
{
    for (; *commands != NULL; commands++) {
        if (strcmp((*commands)->name, name) == 0)
            return *commands;
    }
    return NULL;
}

static int unknown(const struct sw_cli_command *const *commands, const char *word)
{
    const char *names[COMMANDS_MAX + 3] = {"help", "version"};
    size_t count = 2;
    const char *near;

    for (; *commands != NULL && count < COMMANDS_MAX; commands++)
        names[count++] = (*commands)->name;
    near = sw_nearest_word(word, names);
    (void)fprintf(stderr, "stepwell: unknown command \"%s\"", word);
    if (near != NULL)
        (void)fprintf(stderr, "; did you mean %s?", near);
    (void)fprintf(stderr, "\nTry: stepwell help\n");
    return SW_EXIT_CLI_USAGE;
}

static int help(const struct sw_cli_command *const *commands, int argc, char **argv)
{
    char name[64];
    char option[] = "--help";
    char *words[] = {name, option, NULL};
    const struct sw_cli_command *command;

    if (argc < 2 || argv[1][0] == '-') {
        print_help(commands);
        return SW_EXIT_CLI_OK;
    }
    command = find(commands, argv[1]);
    if (command == NULL && strcmp(argv[1], "help") != 0 && strcmp(argv[1], "version") != 0)
        return unknown(commands, argv[1]);
    if (command == NULL) {
        print_help(commands);
        return SW_EXIT_CLI_OK;
    }
    (void)snprintf(name, sizeof(name), "%s", command->name);
    return command->run(2, words);
}

static int version(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--json") == 0) {
        (void)printf("{\"version\": \"%s\"}\n", SW_VERSION);
        return SW_EXIT_CLI_OK;
    }
    if (argc > 1 && strcmp(argv[1], "--help") != 0) {
        (void)fprintf(stderr, "stepwell version: unexpected argument \"%s\"\n", argv[1]);
        return SW_EXIT_CLI_USAGE;
    }
    if (argc > 1)
        (void)printf("NAME\n    stepwell version - print the version\n\n"
                     "SYNOPSIS\n    stepwell version [--json]\n");
    else
        (void)printf("stepwell %s\n", SW_VERSION);
    return SW_EXIT_CLI_OK;
}

static int run(const struct sw_cli_command *const *commands, int argc, char **argv)
{
    const struct sw_cli_command *command;

    if (argc < 2) {
        print_help(commands);
        return SW_EXIT_CLI_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return help(commands, argc - 1, argv + 1);
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0)
        return version(argc - 1, argv + 1);
    command = find(commands, argv[1]);
    if (command == NULL)
        return unknown(commands, argv[1]);
    return command->run(argc - 1, argv + 1);
}

int sw_cli_run(const struct sw_cli_command *const *commands, int argc, char **argv)
{
    int code = run(commands, argc, argv);

    if (fflush(stdout) != 0 && code == SW_EXIT_CLI_OK) {
        (void)fprintf(stderr, "stepwell: standard output: %s\n", strerror(errno));
        code = SW_EXIT_CLI_STORAGE;
    }
    return code;
}
