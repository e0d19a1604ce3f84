/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "sidecar/cli/json_out.h"
#include "sidecar/cli/source.h"

struct options {
    struct sw_cli_common common;
};

static const struct sw_flag flags[] = {
    SW_CLI_FLAG_JSON(options),
    SW_CLI_FLAGS_SERVER(options),
    SW_CLI_FLAGS_END,
};

static const struct sw_cli_page page = {
    .synopsis = "drain [OPTION]...",
    .description = "Has the server ship every commit at once from now on, and waits until "
                   "everything recorded so far is in the object store: what a pod's preStop hook "
                   "calls, so that little is left to do when SIGTERM comes. The server goes on "
                   "answering. It may be called again.",
    .flags = flags,
    .json = "    {\"lsn\"}   everything up to here is in the store\n",
    .examples = "    stepwell drain --timeout 20s\n",
};

static int run(int argc, char **argv)
{
    struct options options = {.common = {.json = false}};
    struct sw_source source = {.client = NULL};
    struct sw_flags_left left;
    struct cJSON *root;
    struct sw_err err;
    uint64_t lsn = 0;
    enum sw_code rc;
    int code;

    if (!sw_cli_read(&sw_cli_drain, &options, argc, argv, &left, &code))
        return code;
    if (left.count > 0 || left.rest != NULL)
        return sw_cli_usage(&sw_cli_drain, "takes options only");
    rc = sw_source_open(&options.common, &source, &err);
    if (rc == SW_OK)
        rc = sw_client_drain(source.client, &lsn, &err);
    sw_source_close(&source);
    if (rc != SW_OK)
        return sw_cli_fail(&sw_cli_drain, &err);
    if (!options.common.json) {
        (void)printf("durable up to %" PRIu64 "\n", lsn);
        return SW_EXIT_CLI_OK;
    }
    root = sw_json_new();
    sw_json_number(root, "lsn", lsn);
    sw_json_print(root, stdout);
    (void)fputc('\n', stdout);
    return SW_EXIT_CLI_OK;
}

const struct sw_cli_command sw_cli_drain = {
    "drain", "ship every commit at once, wait until all is shipped", &page, run};
