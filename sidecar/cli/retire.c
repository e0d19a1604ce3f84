/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sidecar/cli/json_out.h"
#include "sidecar/cli/print.h"
#include "sidecar/cli/source.h"
#include "sidecar/cli/store.h"

enum { TIME_SIZE = 32 };

#define AFTER_MS_MAX (UINT64_C(3660) * 24 * 3600 * 1000)

struct options {
    struct sw_cli_store of;
    uint64_t after_ms;
    bool remove;
    bool yes;
    bool json;
};

static const struct sw_flag flags[] = {
    {"delete", NULL, SW_FLAG_SWITCH, offsetof(struct options, remove), 0, 0, NULL, false,
     "Remove all objects of a journal that was retired long enough ago.", NULL},
    {"after", "DURATION", SW_FLAG_MS, offsetof(struct options, after_ms), 0, AFTER_MS_MAX, "30d",
     false, "With --delete: how long ago it must have been retired.", NULL},
    {"yes", NULL, SW_FLAG_SWITCH, offsetof(struct options, yes), 0, 0, NULL, false, "Do not ask.",
     NULL},
    SW_CLI_FLAGS_STORE(options, of),
    {"json", NULL, SW_FLAG_SWITCH, offsetof(struct options, json), 0, 0, NULL, false,
     "Print JSON for programs.", NULL},
    SW_CLI_FLAGS_END,
};

static const struct sw_cli_page page = {
    .synopsis = "retire URL [--journal NAME] [--yes] [OPTION]...\n"
                "retire URL --delete [--after DURATION] [--journal NAME] [--yes] [OPTION]...",
    .description =
        "Ends a journal in an object store for good. Whoever owns it is fenced and ends with exit "
        "code 3; from then on it can be read, verified and restored elsewhere, but stepwell serve "
        "refuses it (JOURNAL_RETIRED, exit code 1). What its owner had not shipped stays on that "
        "owner's disk: stop it first. There is no way back but a restore under another name.\n\n"
        "With --delete, all objects of a journal that was retired at least --after ago are "
        "removed. "
        "That can be interrupted and repeated; once begun, it can only be gone on with, and the "
        "journal can no longer be read. The days between are for owners that hang somewhere and "
        "wake up late, and for you.\n\n"
        "It asks for the journal's name before it does anything, unless --yes is given.",
    .flags = flags,
    .json = "    {\"journal\", \"retired\", \"before\", \"slot\", \"epoch\", \"lsn\", \"at\", "
            "\"removed\"}\n"
            "    before: it was retired already. removed: objects that this call removed.\n",
    .exit_status = "    0   done\n"
                   "    1   usage, configuration, not confirmed, or it is too early\n"
                   "    2   the journal is corrupt\n"
                   "    5   no such journal\n"
                   "    6   the store does not answer\n",
    .examples = "    stepwell retire s3://bucket/agents --journal agent-17\n"
                "    stepwell retire s3://bucket/agents --journal agent-17 --delete --yes\n",
};

static bool is_confirmed(const struct options *options, const char *journal)
{
    char line[SW_JOURNAL_NAME_MAX + 2] = "";

    if (options->yes)
        return true;
    if (isatty(STDIN_FILENO) == 0)
        return false;
    (void)fprintf(stderr, "This %s the journal \"%s\" %s. Its name, to go on: ",
                  options->remove ? "removes" : "ends", journal,
                  options->remove ? "with all its objects" : "for good");
    if (fgets(line, sizeof(line), stdin) == NULL)
        return false;
    line[strcspn(line, "\r\n")] = '\0';
    return strcmp(line, journal) == 0;
}

static void print(const struct options *options, const char *journal,
                  const struct sw_retirement *done)
{
    time_t seconds = (time_t)(done->at_ms / 1000);
    char at[TIME_SIZE] = "";
    struct tm parts;

    if (gmtime_r(&seconds, &parts) != NULL)
        (void)strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (options->json) {
        struct cJSON *root = sw_json_new();

        sw_json_text(root, "journal", sw_span_of_text(journal));
        sw_json_bool(root, "retired", true);
        sw_json_bool(root, "before", done->before);
        sw_json_number(root, "slot", done->slot);
        sw_json_number(root, "epoch", done->epoch);
        sw_json_number(root, "lsn", done->lsn);
        sw_json_text(root, "at", sw_span_of_text(at));
        sw_json_number(root, "removed", done->removed);
        sw_json_print(root, stdout);
        (void)fputc('\n', stdout);
    } else if (options->remove) {
        (void)printf("%s, retired at %s, is removed: %" PRIu64 " objects\n", journal, at,
                     done->removed);
    } else {
        (void)printf("%s %s at %s, in slot %" PRIu64 ", behind record %" PRIu64 "\n", journal,
                     done->before ? "was retired" : "is retired", at, done->slot, done->lsn);
    }
}

static int end(const struct options *options, const struct sw_archive_options *archive)
{
    struct sw_retirement done;
    struct sw_err err;
    enum sw_code rc;

    if (!is_confirmed(options, archive->journal))
        return sw_cli_usage(&sw_cli_retire, "not confirmed: nothing was done. Give --yes");
    rc = options->remove ? sw_archive_remove(archive, options->after_ms, &done, &err)
                         : sw_archive_retire(archive, &done, &err);
    if (rc != SW_OK)
        return sw_cli_fail(&sw_cli_retire, &err);
    print(options, archive->journal, &done);
    return SW_EXIT_CLI_OK;
}

static int run(int argc, char **argv)
{
    struct options options = {.json = false};
    struct sw_archive_options archive;
    struct sw_store *store = NULL;
    struct sw_flags_left left;
    struct sw_arena arena;
    struct sw_err err;
    enum sw_code rc;
    int code;

    if (!sw_cli_read(&sw_cli_retire, &options, argc, argv, &left, &code))
        return code;
    if (left.count != 1 || left.rest != NULL)
        return sw_cli_usage(&sw_cli_retire, "of which store? Give one URL");
    options.of.options.url = left.words[0];
    sw_arena_init(&arena, 0);
    rc = sw_cli_store_open(&options.of, &store, &err);
    if (rc == SW_OK)
        rc = sw_cli_store_find(&options.of, store, &arena, &archive, &err);
    code = rc == SW_OK ? end(&options, &archive) : sw_cli_fail(&sw_cli_retire, &err);
    sw_store_close(store);
    sw_arena_fini(&arena);
    return code;
}

const struct sw_cli_command sw_cli_retire = {"retire", "end a journal in an object store", &page,
                                             run};
