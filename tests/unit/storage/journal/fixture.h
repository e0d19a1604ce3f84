/* SPDX-License-Identifier: Apache-2.0
 *
 * fixture - a journal in a directory of its own, and records to put into it.
 *
 * Owns:    the directory, removed by teardown.
 * Threads: one.
 * Fails:   by failing the test.
 */
#ifndef SW_TEST_JOURNAL_FIXTURE_H
#define SW_TEST_JOURNAL_FIXTURE_H

#include "storage/journal/journal.h"

#include <assert.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

enum { FIXTURE_PATH_MAX = 512 };
static const uint64_t FIXTURE_NOW_MS = UINT64_C(1700000000000);

struct fixture {
    char directory[FIXTURE_PATH_MAX - 64];
    char path[FIXTURE_PATH_MAX]; /* of journal.db */
    struct sw_journal_options options;
    struct sw_journal *journal;
    struct sw_arena arena;
    struct sw_err err;
    uint64_t now_ms; /* of the next record */
};

static inline int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    const char *root = getenv("TMPDIR");

    if (fixture == NULL)
        return -1;
    (void)snprintf(fixture->directory, sizeof(fixture->directory), "%s/sw-journal-XXXXXX",
                   root == NULL ? "/tmp" : root);
    if (mkdtemp(fixture->directory) == NULL)
        return -1;
    (void)snprintf(fixture->path, sizeof(fixture->path), "%s/journal.db", fixture->directory);
    fixture->options = (struct sw_journal_options){
        .directory = fixture->directory, .name = "test", .now_ms = FIXTURE_NOW_MS};
    fixture->now_ms = FIXTURE_NOW_MS;
    *state = fixture;
    return 0;
}

static inline void fixture_empty(const char *directory)
{
    char path[FIXTURE_PATH_MAX + 256];
    struct dirent *entry;
    DIR *list;

    (void)chmod(directory, 0700);
    list = opendir(directory);
    while (list != NULL && (entry = readdir(list)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        (void)unlink(path);
    }
    if (list != NULL)
        (void)closedir(list);
}

static inline int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;

    sw_journal_close(fixture->journal);
    sw_arena_fini(&fixture->arena);
    fixture_empty(fixture->directory);
    (void)rmdir(fixture->directory);
    free(fixture);
    return 0;
}

/* code is SW_OK, or the test fails with the sentence. */
static inline void fixture_ok(struct fixture *fixture, enum sw_code code)
{
    if (code != SW_OK)
        fail_msg("%s: %s", sw_code_name(code), fixture->err.text);
}

static inline void fixture_open(struct fixture *fixture)
{
    fixture_ok(fixture, sw_journal_open(&fixture->options, &fixture->journal, &fixture->err));
    assert(fixture->journal != NULL);
}

static inline void fixture_close(struct fixture *fixture)
{
    sw_journal_close(fixture->journal);
    fixture->journal = NULL;
}

static inline void fixture_reopen(struct fixture *fixture)
{
    fixture_close(fixture);
    fixture_open(fixture);
}

static inline void fixture_commit(struct fixture *fixture)
{
    fixture_ok(fixture, sw_journal_commit(fixture->journal, true, &fixture->err));
}

static inline uint64_t fixture_lsn(struct fixture *fixture)
{
    return sw_journal_state(fixture->journal)->lsn;
}

static inline struct sw_payload fixture_payload(const void *data, size_t size)
{
    return (struct sw_payload){.present = true,
                               .content_type = sw_span_of_text("application/json"),
                               .data = sw_span_of(data, size)};
}

static inline struct sw_record fixture_run(struct fixture *fixture, const char *run_id)
{
    return (struct sw_record){
        .type = SW_RECORD_RUN_STARTED,
        .at_ms = fixture->now_ms++,
        .u.run_started = {.run_id = sw_span_of_text(run_id),
                          .task = sw_span_of_text("task"),
                          .input = fixture_payload("{}", 2),
                          .on_divergence = SW_DIVERGENCE_FAIL},
    };
}

static inline struct sw_record fixture_begun(struct fixture *fixture, uint64_t run, const char *key,
                                             const void *input, size_t size)
{
    return (struct sw_record){
        .type = SW_RECORD_STEP_BEGUN,
        .run = run,
        .at_ms = fixture->now_ms++,
        .lease = 1,
        .key = sw_span_of_text(key),
        .attempt = 1,
        .u.step_begun = {.name = sw_span_of_text("fetch"),
                         .kind = SW_KIND_TOOL,
                         .effect = SW_EFFECT_ONCE,
                         .input = fixture_payload(input, size),
                         .retry = {.max_attempts = 3, .factor = 2.0}},
    };
}

static inline struct sw_record fixture_completed(struct fixture *fixture, uint64_t run,
                                                 const char *key, const void *output, size_t size)
{
    return (struct sw_record){
        .type = SW_RECORD_STEP_COMPLETED,
        .run = run,
        .at_ms = fixture->now_ms++,
        .lease = 1,
        .key = sw_span_of_text(key),
        .attempt = 1,
        .u.outcome = {.output = fixture_payload(output, size)},
    };
}

static inline struct sw_record fixture_ended(struct fixture *fixture, uint64_t run)
{
    return (struct sw_record){
        .type = SW_RECORD_RUN_ENDED,
        .run = run,
        .at_ms = fixture->now_ms++,
        .u.run_ended = {.state = SW_RUN_COMPLETED, .result = fixture_payload("7", 1)},
    };
}

static inline uint64_t fixture_append(struct fixture *fixture, struct sw_record record)
{
    fixture_ok(fixture, sw_journal_append(fixture->journal, &record, &fixture->err));
    return record.lsn;
}

/* A run of `steps` completed steps with outputs of `size` bytes, ended; committed. */
static inline uint64_t fixture_whole_run(struct fixture *fixture, const char *run_id, int steps,
                                         size_t size)
{
    uint64_t run = fixture_append(fixture, fixture_run(fixture, run_id));
    uint8_t *bytes = malloc(size + 1);
    struct sw_record end;
    char key[32];

    assert_non_null(bytes);
    for (int i = 0; i < steps; i++) {
        (void)snprintf(key, sizeof(key), "step-%d", i);
        for (size_t k = 0; k < size; k++) /* bytes that repeat in no other step or run */
            bytes[k] = (uint8_t)sw_hash64(sw_span_of(&k, sizeof(k)), run * 1000 + (uint64_t)i);
        (void)fixture_append(fixture, fixture_begun(fixture, run, key, "[]", 2));
        (void)fixture_append(fixture, fixture_completed(fixture, run, key, bytes, size));
    }
    free(bytes);
    end = fixture_ended(fixture, run);
    fixture_ok(fixture,
               sw_journal_append_end(fixture->journal, &end, (uint64_t)steps, &fixture->err));
    fixture_commit(fixture);
    return run;
}

/* Maintains until there is nothing to do. */
static inline void fixture_maintain(struct fixture *fixture, uint64_t now_ms)
{
    bool more = true;

    for (int i = 0; more && i < 10000; i++)
        fixture_ok(fixture,
                   sw_journal_maintain(fixture->journal, now_ms, true, &more, &fixture->err));
    assert_false(more);
}

/* Runs SQL on the closed journal's file, as no program of ours would. */
static inline void fixture_tamper(struct fixture *fixture, const char *sql)
{
    sqlite3 *db;
    char *message = NULL;

    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline uint64_t fixture_query(struct fixture *fixture, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    uint64_t value;

    assert_int_equal(sqlite3_open_v2(fixture->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    value = (uint64_t)sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return value;
}

/* What a scan saw, as one hash over all that readers can see. */
struct seen {
    uint64_t records;
    uint64_t hash;
    uint64_t first_lsn;
    uint64_t last_lsn;
    uint64_t stop_after; /* 0 = never */
    uint64_t with_data;  /* payloads whose bytes were there */
    uint64_t payload_bytes;
};

static inline void seen_add(struct seen *seen, const void *bytes, size_t size)
{
    seen->hash = sw_hash64(sw_span_of(bytes, size), seen->hash + size);
}

static inline const struct sw_payload *payload_of(const struct sw_record *record)
{
    if (record->type == SW_RECORD_RUN_STARTED)
        return &record->u.run_started.input;
    if (record->type == SW_RECORD_STEP_BEGUN)
        return &record->u.step_begun.input;
    if (record->type == SW_RECORD_STEP_COMPLETED)
        return &record->u.outcome.output;
    if (record->type == SW_RECORD_RUN_ENDED)
        return &record->u.run_ended.result;
    return NULL;
}

static inline enum sw_code seen_visit(void *self, struct sw_record *record, bool *ret_stop,
                                      struct sw_err *err)
{
    const struct sw_payload *payload = record->purged ? NULL : payload_of(record);
    struct seen *seen = self;
    char text[512];

    (void)err;
    if (seen->records++ == 0)
        seen->first_lsn = record->lsn;
    seen->last_lsn = record->lsn;
    sw_record_summary(record, text, sizeof(text));
    seen_add(seen, text, strlen(text));
    seen_add(seen, &record->lsn, sizeof(record->lsn));
    seen_add(seen, &record->run, sizeof(record->run));
    seen_add(seen, &record->at_ms, sizeof(record->at_ms));
    seen_add(seen, &record->chain, sizeof(record->chain));
    if (payload != NULL && payload->present) {
        struct sw_digest digest;

        seen_add(seen, &payload->digest, sizeof(payload->digest));
        seen->payload_bytes += payload->size;
        if (payload->data.data != NULL) {
            seen->with_data++;
            assert_int_equal(payload->data.size, payload->size);
            sw_sha256(&payload->data, 1, &digest);
            assert_memory_equal(&digest, &payload->digest, sizeof(digest));
        }
    }
    *ret_stop = seen->records == seen->stop_after;
    return SW_OK;
}

static inline enum sw_code seen_visit_run(void *self, const struct sw_run_row *row, bool *ret_stop,
                                          struct sw_err *err)
{
    struct seen *seen = self;

    (void)err;
    seen->records++;
    seen_add(seen, row->run_id.data, row->run_id.size);
    seen_add(seen, row->task.data, row->task.size);
    seen_add(seen,
             (const uint64_t[]){row->run, row->state, row->started_ms, row->ended_ms, row->end_lsn,
                                row->steps, row->purged},
             7 * sizeof(uint64_t));
    *ret_stop = seen->records == seen->stop_after;
    return SW_OK;
}

/* All a reader can see of a journal: records in order, each run's own, the run list. */
static inline enum sw_code seen_by(struct sw_journal_reader *reader, struct seen *ret,
                                   struct sw_err *err)
{
    struct sw_run_filter any = {0};
    struct seen all = {0};
    struct seen runs = {0};
    enum sw_code code;

    code = sw_journal_reader_scan(reader, 0, 0, SW_PAYLOADS_ALL,
                                  (struct sw_record_visitor){seen_visit, &all}, err);
    if (code == SW_OK)
        code = sw_journal_reader_list_runs(reader, &any,
                                           (struct sw_run_visitor){seen_visit_run, &runs}, err);
    for (uint64_t run = 1; code == SW_OK && run <= all.last_lsn; run++)
        code = sw_journal_reader_scan_run(reader, run, 0, 0, SW_PAYLOADS_NONE,
                                          (struct sw_record_visitor){seen_visit, &runs}, err);
    seen_add(&all, &runs.hash, sizeof(runs.hash));
    *ret = all;
    return code;
}

static inline enum sw_code seen_all(const char *path, struct seen *ret, struct sw_err *err)
{
    struct sw_journal_reader *reader = NULL;
    enum sw_code code = sw_journal_reader_open(path, NULL, &reader, err);

    if (code == SW_OK)
        code = seen_by(reader, ret, err);
    sw_journal_reader_close(reader);
    return code;
}

static inline enum sw_code fixture_verify(struct fixture *fixture, struct sw_verify_report *report)
{
    struct sw_journal_reader *reader = NULL;
    enum sw_code code = sw_journal_reader_open(fixture->directory, NULL, &reader, &fixture->err);

    if (code == SW_OK)
        code = sw_journal_verify(reader, report, &fixture->err);
    sw_journal_reader_close(reader);
    return code;
}

#endif
