/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sidecar/cli/json_out.h"
#include "sidecar/cli/print.h"
#include "sidecar/cli/source.h"
#include "sidecar/cli/store.h"
#include "sidecar/parse.h"

struct options {
    struct sw_cli_store from;
    struct sw_restore_options restore;
    bool json;
};

/* ISO 8601 in UTC; milliseconds are allowed. */
static bool parse_time(const char *text, uint64_t *ret_ms)
{
    struct tm parts = {.tm_year = 0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    uint64_t ms = 0;
    time_t seconds;

    if (rest == NULL)
        return false;
    if (*rest == '.') {
        uint64_t unit = 100;

        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            ms += unit * (uint64_t)(*rest - '0');
    }
    seconds = timegm(&parts);
    if (seconds < 0 || strcmp(rest, "Z") != 0)
        return false;
    *ret_ms = (uint64_t)seconds * 1000 + ms;
    return true;
}

static enum sw_code set_at(void *target, const char *text, struct sw_err *err)
{
    struct options *options = target;

    options->restore.at_ms_max = 0;
    options->restore.lsn_max = 0;
    if (strchr(text, '-') == NULL)
        return sw_parse_number(text, 1, INT64_MAX, &options->restore.lsn_max, err);
    if (!parse_time(text, &options->restore.at_ms_max))
        return sw_fail(err, SW_CONFIGURATION, "\"%s\" is no LSN and no time like %s", text,
                       "2026-11-24T09:30:00Z");
    return SW_OK;
}

static const struct sw_flag flags[] = {
    {"from", "URL", SW_FLAG_TEXT, offsetof(struct options, from.options.url), 0, 0, NULL, false,
     "The object store: file:///DIR, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or "
     "az://ACCOUNT/CONTAINER/PREFIX.",
     NULL},
    {"to", "DIR", SW_FLAG_TEXT, offsetof(struct options, restore.directory), 0, 0, NULL, false,
     "Where the journal goes; made when absent. There must be none in it.", NULL},
    {"at", "LSN|TIME", SW_FLAG_CUSTOM, 0, 0, 0, NULL, false,
     "Stop behind this record, or before the first one later than this time (ISO 8601, UTC: "
     "2026-11-24T09:30:00Z). Without it: all there is.",
     set_at},
    SW_CLI_FLAGS_STORE(options, from),
    {"json", NULL, SW_FLAG_SWITCH, offsetof(struct options, json), 0, 0, NULL, false,
     "Print JSON for programs.", NULL},
    SW_CLI_FLAGS_END,
};

static const struct sw_cli_page page = {
    .synopsis = "restore --from URL --to DIR [--at LSN|TIME] [OPTION]...",
    .description =
        "Makes a copy of a journal from an object store. Every byte is verified. Nothing in the "
        "store changes and nobody is fenced: the copy is for looking at, or for going on under "
        "another name. To move an agent, start stepwell serve with --store instead.",
    .flags = flags,
    .json = "    {\"journal\", \"directory\", \"lsn\", \"epoch\", \"slot\", \"records\", "
            "\"bytes\"}\n",
    .examples = "    stepwell restore --from s3://bucket/agents --journal agent-17 --to ./copy\n"
                "    stepwell restore --from file:///mnt/store --to ./then --at "
                "2026-11-24T09:30:00Z\n",
};

static void print(const struct options *options, const struct sw_restore_report *report)
{
    struct cJSON *root;
    struct sw_arena arena;

    if (options->json) {
        root = sw_json_new();
        sw_json_text(root, "journal", sw_span_of_text(report->name));
        sw_json_text(root, "directory", sw_span_of_text(options->restore.directory));
        sw_json_number(root, "lsn", report->lsn);
        sw_json_number(root, "epoch", report->epoch);
        sw_json_number(root, "slot", report->slot);
        sw_json_number(root, "records", report->records);
        sw_json_number(root, "bytes", report->bytes);
        sw_json_print(root, stdout);
        (void)fputc('\n', stdout);
        return;
    }
    sw_arena_init(&arena, 0);
    (void)printf("%s up to lsn %" PRIu64 " (epoch %" PRIu64 ") is in %s: %" PRIu64
                 " records from %s\n",
                 sw_text_safe(&arena, sw_span_of_text(report->name), 0), report->lsn, report->epoch,
                 options->restore.directory, report->records, sw_text_bytes(&arena, report->bytes));
    sw_arena_fini(&arena);
}

static int run(int argc, char **argv)
{
    struct options options = {.json = false};
    struct sw_archive_options archive;
    struct sw_restore_report report;
    struct sw_store *store = NULL;
    struct sw_flags_left left;
    struct sw_arena arena;
    struct sw_err err;
    enum sw_code rc;
    int code;

    if (!sw_cli_read(&sw_cli_restore, &options, argc, argv, &left, &code))
        return code;
    if (left.count > 0 || left.rest != NULL)
        return sw_cli_usage(&sw_cli_restore, "takes options only");
    if (options.from.options.url == NULL || options.restore.directory == NULL)
        return sw_cli_usage(&sw_cli_restore, "from where to where? Give --from URL and --to DIR");
    sw_arena_init(&arena, 0);
    rc = sw_cli_store_open(&options.from, &store, &err);
    if (rc == SW_OK)
        rc = sw_cli_store_find(&options.from, store, &arena, &archive, &err);
    if (rc == SW_OK)
        rc = sw_archive_restore(&archive, &options.restore, &report, &err);
    sw_store_close(store);
    if (rc == SW_OK)
        print(&options, &report);
    sw_arena_fini(&arena);
    return rc == SW_OK ? SW_EXIT_CLI_OK : sw_cli_fail(&sw_cli_restore, &err);
}

const struct sw_cli_command sw_cli_restore = {"restore", "copy a journal out of an object store",
                                              &page, run};
