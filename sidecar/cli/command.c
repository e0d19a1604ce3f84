/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sidecar/cli/print.h"
#include "sidecar/rpc/client.h"
#include "sidecar/text.h"

enum { COMMANDS_MAX = 32 };

static const char EXIT_STATUS[] = "    0   done\n"
                                  "    1   usage or configuration; the request was refused\n"
                                  "    2   the disk failed, or the journal is corrupt\n"
                                  "    5   no such run, step or file\n"
                                  "    6   no server, or no object store, answers\n";

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
                 "EXIT STATUS\n"
                 "%s"
                 "    `stepwell serve` uses 0 to 4; `stepwell dev` ends with the agent's code.\n\n"
                 "EXAMPLES\n"
                 "    stepwell dev -- python agent.py\n"
                 "    stepwell runs --in-doubt\n"
                 "    stepwell show order-17\n",
                 EXIT_STATUS);
}

static void print_part(const char *title, const char *text)
{
    if (text != NULL)
        (void)printf("\n%s\n%s", title, text);
}

static void print_page(const struct sw_cli_command *command)
{
    const struct sw_cli_page *page = command->page;

    (void)printf("NAME\n    stepwell %s - %s\n\nSYNOPSIS\n", command->name, command->summary);
    for (const char *line = page->synopsis; *line != '\0';) {
        size_t size = strcspn(line, "\n");

        (void)printf("    stepwell %.*s\n", (int)size, line);
        line += size + (line[size] == '\n');
    }
    (void)printf("\nDESCRIPTION\n");
    sw_text_wrap(stdout, 4, page->description);
    (void)printf("\nOPTIONS\n");
    sw_flags_print(page->flags, stdout);
    print_part("JSON", page->json);
    print_part("EXIT STATUS", page->exit_status != NULL ? page->exit_status : EXIT_STATUS);
    print_part("EXAMPLES", page->examples);
}

bool sw_cli_read(const struct sw_cli_command *command, void *target, int argc, char **argv,
                 struct sw_flags_left *ret_left, int *ret_exit)
{
    struct sw_err err;

    if (sw_flags_read(command->page->flags, target, argc, argv, ret_left, &err) != SW_OK) {
        *ret_exit = sw_cli_usage(command, "%s", err.text);
        return false;
    }
    if (ret_left->help) {
        print_page(command);
        *ret_exit = SW_EXIT_CLI_OK;
        return false;
    }
    return true;
}

int sw_cli_usage(const struct sw_cli_command *command, const char *format, ...)
{
    va_list args;

    (void)fflush(stdout);
    (void)fprintf(stderr, "stepwell %s: ", command->name);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "\nTry: stepwell help %s\n", command->name);
    return SW_EXIT_CLI_USAGE;
}

int sw_cli_fail(const struct sw_cli_command *command, const struct sw_err *err)
{
    struct sw_arena arena;

    (void)fflush(stdout);
    sw_arena_init(&arena, 0);
    (void)fprintf(stderr, "stepwell %s: %s\n", command->name,
                  sw_text_safe(&arena, sw_span_of_text(err->text), 0));
    sw_arena_fini(&arena);
    if (sw_client_is_away(err))
        (void)fprintf(stderr,
                      "Try: --addr, or STEPWELL_ADDR, where one does; runs, show and journal "
                      "read its files without it: --file DIR\n");
    if (sw_client_is_away(err) || err->code == SW_DRAINING || err->code == SW_RESTORING ||
        err->code == SW_STORE_UNAVAILABLE)
        return SW_EXIT_CLI_NO_SERVER;
    if (err->code == SW_RUN_NOT_FOUND || err->code == SW_STEP_NOT_FOUND || err->os_errno == ENOENT)
        return SW_EXIT_CLI_NOT_FOUND;
    if (err->code == SW_CORRUPT || err->code == SW_STORAGE_FAILED || err->code == SW_NO_MEMORY)
        return SW_EXIT_CLI_STORAGE;
    return SW_EXIT_CLI_USAGE;
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
                     "SYNOPSIS\n    stepwell version [--json]\n\n"
                     "JSON\n    {\"version\"}\n");
    else
        (void)printf("stepwell %s\n", SW_VERSION);
    return SW_EXIT_CLI_OK;
}

static int help(const struct sw_cli_command *const *commands, int argc, char **argv)
{
    const struct sw_cli_command *command;
    char option[] = "--help";
    char *words[] = {argc > 1 ? argv[1] : NULL, option, NULL};

    if (argc < 2 || argv[1][0] == '-' || strcmp(argv[1], "help") == 0) {
        print_help(commands);
        return SW_EXIT_CLI_OK;
    }
    if (strcmp(argv[1], "version") == 0)
        return version(2, words);
    command = find(commands, argv[1]);
    return command != NULL ? command->run(2, words) : unknown(commands, argv[1]);
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
