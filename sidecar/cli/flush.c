/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "sidecar/cli/json_out.h"
#include "sidecar/cli/source.h"
#include "sidecar/parse.h"

struct options {
    struct sw_cli_common common;
    uint64_t lsn;
};

static enum sw_code set_lsn(void *target, const char *text, struct sw_err *err)
{
    struct options *options = target;

    return sw_parse_number(text, 1, INT64_MAX, &options->lsn, err);
}

static const struct sw_flag flags[] = {
    {"lsn", "LSN", SW_FLAG_CUSTOM, 0, 0, 0, NULL, false,
     "Up to this record. Without it: up to the newest.", set_lsn},
    SW_CLI_FLAG_JSON(options),
    SW_CLI_FLAGS_SERVER(options),
    SW_CLI_FLAGS_END,
};

static const struct sw_cli_page page = {
    .synopsis = "flush [--lsn LSN] [OPTION]...",
    .description = "Waits until the journal is fsynced, for example before a volume's snapshot, "
                   "and with an object store until it is there. Outcomes and intents of effect "
                   "ONCE are as durable as they shall be before they are acknowledged anyway; this "
                   "is about the rest.",
    .flags = flags,
    .json = "    {\"lsn\"}   everything up to here is durable\n",
    .examples = "    stepwell flush && snapshot-the-volume\n",
};

static int run(int argc, char **argv)
{
    struct options options = {.lsn = 0};
    struct sw_source source = {.client = NULL};
    struct sw_flags_left left;
    struct cJSON *root;
    struct sw_err err;
    uint64_t lsn = 0;
    enum sw_code rc;
    int code;

    if (!sw_cli_read(&sw_cli_flush, &options, argc, argv, &left, &code))
        return code;
    if (left.count > 0 || left.rest != NULL)
        return sw_cli_usage(&sw_cli_flush, "takes options only");
    rc = sw_source_open(&options.common, &source, &err);
    if (rc == SW_OK)
        rc = sw_client_flush(source.client, options.lsn, &lsn, &err);
    sw_source_close(&source);
    if (rc != SW_OK)
        return sw_cli_fail(&sw_cli_flush, &err);
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

const struct sw_cli_command sw_cli_flush = {"flush", "wait until the journal is durable", &page,
                                            run};
