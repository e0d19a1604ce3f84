/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "sidecar/cli/file_source.h"
#include "sidecar/cli/json_out.h"
#include "sidecar/cli/print.h"
#include "sidecar/cli/source.h"
#include "sidecar/cli/store.h"

struct options {
    struct sw_cli_common common;
    struct sw_cli_store store;
};

static const struct sw_flag flags[] = {
    SW_CLI_FLAG_JSON(options),
    {"file", "PATH", SW_FLAG_TEXT, offsetof(struct options, common.file), 0, 0, NULL, false,
     "The same as naming it without --file.", NULL},
    SW_CLI_FLAGS_STORE(options, store),
    SW_CLI_FLAGS_END,
};

static const struct sw_cli_page page = {
    .synopsis = "verify FILE-or-DIR [--json]\nverify URL [OPTION]...",
    .description =
        "Reads all of a journal: SQLite's structures, each record's checksum, the chain of "
        "hashes, each payload's digest, and the index of runs against the records. Says what is "
        "there, or names the first fault. The server may be running.\n\n"
        "With the URL of an object store it reads all objects of a journal there: each byte, each "
        "link of the chain, each snapshot, against each other.",
    .flags = flags,
    .json =
        "    {\"ok\", \"path\", \"records\", \"purged\", \"runs\", \"payload_bytes\", "
        "\"chunk_bytes\",\n"
        "     \"bad_lsn\", \"error\"}\n"
        "    When ok is false, bad_lsn is the first bad record (null: the file's structure) and\n"
        "    error says what is wrong; the counts cover what was read until then.\n"
        "    Of a store: {\"ok\", \"url\", \"journal\", \"segments\", \"fences\", "
        "\"snapshots\",\n"
        "     \"stale_snapshots\", \"orphans\", \"records\", \"bytes\", \"first_slot\", "
        "\"last_slot\",\n"
        "     \"lsn\", \"epoch\", \"retired\", \"bad_object\", \"error\"}\n",
    .exit_status = "    0   all of it is right\n"
                   "    1   usage, or a journal of a newer version\n"
                   "    2   corrupt, or the disk failed\n"
                   "    5   no such file or journal\n"
                   "    6   the store does not answer\n",
    .examples = "    stepwell verify /var/lib/stepwell\n"
                "    stepwell verify backup/journal.db --json\n"
                "    stepwell verify s3://bucket/agents --journal agent-17\n",
};

static void print_json(const char *path, const struct sw_verify_report *report,
                       const struct sw_err *fault)
{
    struct cJSON *root = sw_json_new();

    sw_json_bool(root, "ok", fault == NULL);
    sw_json_text(root, "path", sw_span_of_text(path));
    sw_json_number(root, "records", report->records);
    sw_json_number(root, "purged", report->purged);
    sw_json_number(root, "runs", report->runs);
    sw_json_number(root, "payload_bytes", report->payload_bytes);
    sw_json_number(root, "chunk_bytes", report->chunk_bytes);
    if (fault != NULL && report->bad_lsn != 0)
        sw_json_number(root, "bad_lsn", report->bad_lsn);
    else
        sw_json_null(root, "bad_lsn");
    if (fault != NULL)
        sw_json_text(root, "error", sw_span_of_text(fault->text));
    else
        sw_json_null(root, "error");
    sw_json_print(root, stdout);
    (void)fputc('\n', stdout);
}

static void print_text(const char *path, const struct sw_verify_report *report)
{
    struct sw_arena arena;

    sw_arena_init(&arena, 0);
    (void)printf("%s is right: %" PRIu64 " records of %" PRIu64 " run%s, %s of payloads in %s of "
                 "chunks",
                 path, report->records, report->runs, report->runs == 1 ? "" : "s",
                 sw_text_bytes(&arena, report->payload_bytes),
                 sw_text_bytes(&arena, report->chunk_bytes));
    if (report->purged != 0)
        (void)printf("; retention emptied %" PRIu64 " records", report->purged);
    (void)fputc('\n', stdout);
    sw_arena_fini(&arena);
}

static int verify(const struct options *options, const char *path)
{
    struct sw_verify_report report = {.records = 0};
    struct sw_journal_reader *reader = NULL;
    struct sw_journal_state state;
    struct sw_err err;
    enum sw_code rc = sw_file_open(path, &reader, &state, &err);

    if (rc == SW_OK)
        rc = sw_journal_verify(reader, &report, &err);
    sw_journal_reader_close(reader);
    if (options->common.json && (rc == SW_OK || rc == SW_CORRUPT))
        print_json(path, &report, rc == SW_OK ? NULL : &err);
    if (rc != SW_OK)
        return sw_cli_fail(&sw_cli_verify, &err);
    if (!options->common.json)
        print_text(path, &report);
    return SW_EXIT_CLI_OK;
}

/* ---- of a store ------------------------------------------------------------------- */

static void put_check(struct cJSON *root, const struct sw_archive_check *check,
                      const struct sw_err *fault)
{
    sw_json_number(root, "segments", check->segments);
    sw_json_number(root, "fences", check->fences);
    sw_json_number(root, "snapshots", check->snapshots);
    sw_json_number(root, "stale_snapshots", check->stale);
    sw_json_number(root, "orphans", check->orphans);
    sw_json_number(root, "records", check->records);
    sw_json_number(root, "bytes", check->bytes);
    sw_json_number(root, "first_slot", check->first_slot);
    sw_json_number(root, "last_slot", check->last_slot);
    sw_json_number(root, "lsn", check->last_lsn);
    sw_json_number(root, "epoch", check->epoch);
    sw_json_bool(root, "retired", check->retired);
    if (fault != NULL && check->bad[0] != '\0')
        sw_json_text(root, "bad_object", sw_span_of_text(check->bad));
    else
        sw_json_null(root, "bad_object");
    if (fault != NULL)
        sw_json_text(root, "error", sw_span_of_text(fault->text));
    else
        sw_json_null(root, "error");
}

static void print_check(const struct sw_store *store, const char *journal, bool json,
                        const struct sw_archive_check *check, const struct sw_err *fault)
{
    struct sw_arena arena;

    if (json) {
        struct cJSON *root = sw_json_new();

        sw_json_bool(root, "ok", fault == NULL);
        sw_json_text(root, "url", sw_span_of_text(sw_store_url(store)));
        sw_json_text(root, "journal", sw_span_of_text(journal));
        put_check(root, check, fault);
        sw_json_print(root, stdout);
        (void)fputc('\n', stdout);
        return;
    }
    if (fault != NULL)
        return;
    sw_arena_init(&arena, 0);
    (void)printf("%s at %s is right: %" PRIu64 " records up to lsn %" PRIu64 " in %" PRIu64
                 " segments (%" PRIu64 " fences) and %" PRIu64 " snapshots, %s",
                 sw_text_safe(&arena, sw_span_of_text(journal), 0), sw_store_url(store),
                 check->records, check->last_lsn, check->segments, check->fences, check->snapshots,
                 sw_text_bytes(&arena, check->bytes));
    if (check->stale != 0)
        (void)printf("; %" PRIu64 " stale snapshots below are ignored", check->stale);
    if (check->orphans != 0)
        (void)printf("; %" PRIu64 " orphan tails were put aside", check->orphans);
    (void)printf("%s\n", check->retired ? "; it is retired" : "");
    sw_arena_fini(&arena);
}

static int verify_store(struct options *options, const char *url)
{
    struct sw_archive_check check = {.records = 0};
    struct sw_archive_options archive;
    struct sw_store *store = NULL;
    struct sw_arena arena;
    struct sw_err err;
    enum sw_code rc;

    options->store.options.url = url;
    sw_arena_init(&arena, 0);
    rc = sw_cli_store_open(&options->store, &store, &err);
    if (rc == SW_OK)
        rc = sw_cli_store_find(&options->store, store, &arena, &archive, &err);
    if (rc == SW_OK) {
        rc = sw_archive_verify(&archive, &check, &err);
        if (rc == SW_OK || rc == SW_CORRUPT)
            print_check(store, archive.journal, options->common.json, &check,
                        rc == SW_OK ? NULL : &err);
    }
    sw_store_close(store);
    sw_arena_fini(&arena);
    return rc == SW_OK ? SW_EXIT_CLI_OK : sw_cli_fail(&sw_cli_verify, &err);
}

static int run(int argc, char **argv)
{
    struct options options = {.common = {.json = false}};
    struct sw_flags_left left;
    int code;

    if (!sw_cli_read(&sw_cli_verify, &options, argc, argv, &left, &code))
        return code;
    if (left.count + (options.common.file != NULL) != 1 || left.rest != NULL)
        return sw_cli_usage(&sw_cli_verify, "which journal? Give one file or directory");
    if (left.count == 1 && sw_cli_is_store(left.words[0]))
        return verify_store(&options, left.words[0]);
    return verify(&options, left.count == 1 ? left.words[0] : options.common.file);
}

const struct sw_cli_command sw_cli_verify = {"verify", "check every byte of a journal", &page, run};
