/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "sidecar/cli/command.h"

static const struct sw_flag flags[] = {
    {NULL, NULL, SW_FLAG_TEXT, 0, 0, 0, NULL, false, NULL, NULL},
};

static const struct sw_cli_page page = {
    .synopsis = "completion bash",
    .description = "Prints a script that completes commands and options. It asks `stepwell help`, "
                   "so that it knows what this version knows.",
    .flags = flags,
    .exit_status = "    0   done\n"
                   "    1   usage\n",
    .examples = "    source <(stepwell completion bash)\n"
                "    stepwell completion bash > /etc/bash_completion.d/stepwell\n",
};

static const char bash[] =
    "_stepwell() {\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} words i\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        if [[ ${COMP_WORDS[i]} == -- ]]; then # the agent's own command\n"
    "            COMPREPLY=($(compgen -o default -- \"$word\"))\n"
    "            return\n"
    "        fi\n"
    "    done\n"
    "    if ((COMP_CWORD == 1)) || [[ ${COMP_WORDS[1]} == help ]]; then\n"
    "        words=$(\"${COMP_WORDS[0]}\" help 2>/dev/null |\n"
    "            sed -n '/^COMMANDS/,/^$/s/^    \\([a-z]*\\) .*/\\1/p')\n"
    "    elif [[ $word == -* ]]; then\n"
    "        words=$(\"${COMP_WORDS[0]}\" help \"${COMP_WORDS[1]}\" 2>/dev/null |\n"
    "            sed -n 's/^    \\(--[a-z-]*\\).*/\\1/p')\n"
    "    else\n"
    "        COMPREPLY=($(compgen -o default -- \"$word\"))\n"
    "        return\n"
    "    fi\n"
    "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
    "}\n"
    "complete -F _stepwell stepwell\n";

static int run(int argc, char **argv)
{
    struct sw_flags_left left;
    int code;

    if (!sw_cli_read(&sw_cli_completion, NULL, argc, argv, &left, &code))
        return code;
    if (left.count != 1 || left.rest != NULL || strcmp(left.words[0], "bash") != 0)
        return sw_cli_usage(&sw_cli_completion, "for which shell? Only bash is known");
    (void)fputs(bash, stdout);
    return SW_EXIT_CLI_OK;
}

const struct sw_cli_command sw_cli_completion = {"completion", "print a completion script", &page,
                                                 run};
