/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sidecar/cli/json_views.h"
#include "sidecar/cli/print.h"
#include "sidecar/cli/source.h"
#include "sidecar/parse.h"

struct options {
    struct sw_cli_common common;
    const char *run;
    uint64_t from_lsn;
    uint32_t limit;
};

static enum sw_code set_from(void *target, const char *text, struct sw_err *err)
{
    struct options *options = target;

    return sw_parse_number(text, 1, INT64_MAX, &options->from_lsn, err);
}

static const struct sw_flag flags[] = {
    {"run", "RUN", SW_FLAG_TEXT, offsetof(struct options, run), 0, 0, NULL, false,
     "Only records of this run.", NULL},
    {"from", "LSN", SW_FLAG_CUSTOM, 0, 0, 0, NULL, false, "Begin at this record.", set_from},
    {"limit", "N", SW_FLAG_UNSIGNED, offsetof(struct options, limit), 0, 0, "0", false,
     "Show at most so many; 0 = all.", NULL},
    SW_CLI_FLAG_JSON(options),
    SW_CLI_FLAG_FILE(options),
    SW_CLI_FLAGS_FROM_STORE(options),
    SW_CLI_FLAGS_SERVER(options),
    SW_CLI_FLAGS_END,
};

static const struct sw_cli_page page = {
    .synopsis = "journal [--run RUN] [--from LSN] [--limit N] [OPTION]...",
    .description = "Prints the journal's records in order, a line each: the truth from which all "
                   "else is derived. Payloads are not printed: see stepwell show.",
    .flags = flags,
    .json = "    One object a line:\n"
            "    {\"lsn\", \"type\", \"run_id\", \"at\", \"key\", \"attempt\", \"lease\", "
            "\"payload_bytes\",\n"
            "     \"chain\", \"summary\", \"purged\"}\n",
    .examples = "    stepwell journal --run order-17\n"
                "    stepwell journal --from 1000 --limit 50 --file /var/lib/stepwell\n",
};

struct printing {
    const struct options *options;
    struct sw_arena arena; /* of one line */
};

static enum sw_code on_line(void *self, const struct sw_record_line *line, struct sw_err *err)
{
    struct printing *printing = self;
    struct sw_arena *arena = &printing->arena;

    if (printing->options->common.json)
        sw_json_print(sw_json_record(line), stdout);
    else
        (void)printf("%8" PRIu64 "  %s  %-15s %s  %s", line->lsn, sw_text_time(arena, line->at_ms),
                     sw_record_type_name(line->type),
                     line->run_id.size != 0 ? sw_text_safe(arena, line->run_id, 0) : "-",
                     line->purged ? "(removed by retention)"
                                  : sw_text_safe(arena, line->summary, 0));
    sw_arena_reset(arena);
    if (fputc('\n', stdout) == EOF)
        return sw_fail(err, SW_CONFIGURATION, "standard output: %s", strerror(errno));
    return SW_OK;
}

static int run(int argc, char **argv)
{
    struct options options = {.run = NULL};
    struct printing printing = {.options = &options};
    struct sw_record_line_visitor visitor = {.visit = on_line, .self = &printing};
    struct sw_client_journal range;
    struct sw_source source = {.client = NULL};
    struct sw_flags_left left;
    struct sw_err err;
    enum sw_code rc;
    int code;

    if (!sw_cli_read(&sw_cli_journal, &options, argc, argv, &left, &code))
        return code;
    if (left.count > 0 || left.rest != NULL)
        return sw_cli_usage(&sw_cli_journal, "takes options only");
    range = (struct sw_client_journal){
        .from_lsn = options.from_lsn,
        .run_id = sw_span_of_text(options.run != NULL ? options.run : ""),
        .limit = options.limit,
    };
    sw_arena_init(&printing.arena, 0);
    rc = sw_source_open(&options.common, &source, &err);
    if (rc == SW_OK)
        rc = sw_source_read_journal(&source, &range, visitor, &err);
    sw_source_close(&source);
    sw_arena_fini(&printing.arena);
    return rc == SW_OK ? SW_EXIT_CLI_OK : sw_cli_fail(&sw_cli_journal, &err);
}

const struct sw_cli_command sw_cli_journal = {"journal", "print the journal's records", &page, run};
