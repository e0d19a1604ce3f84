/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "sidecar/cli/command.h"
#include "sidecar/serve.h"

static int run_serve(int argc, char **argv)
{
    struct sw_config config;
    struct sw_err err;
    bool help = false;

    if (sw_config_read(argc, argv, &config, &help, &err) != SW_OK) {
        (void)fprintf(stderr, "stepwell serve: %s\nTry: stepwell help serve\n", err.text);
        return SW_EXIT_CONFIGURATION;
    }
    if (help)
        return SW_EXIT_OK;
    return sw_serve(&config, config.ready_fd);
}

static const struct sw_cli_command serve = {
    .name = "serve",
    .summary = "answer agents, from one journal",
    .run = run_serve,
};

static const struct sw_cli_command *const commands[] = {
    &serve,         &sw_cli_dev,     &sw_cli_runs,       &sw_cli_show,
    &sw_cli_tail,   &sw_cli_resolve, &sw_cli_status,     &sw_cli_journal,
    &sw_cli_flush,  &sw_cli_drain,   &sw_cli_verify,     &sw_cli_restore,
    &sw_cli_retire, &sw_cli_doctor,  &sw_cli_completion, NULL,
};

int main(int argc, char **argv)
{
    return sw_cli_run(commands, argc, argv);
}
