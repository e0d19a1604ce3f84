/* SPDX-License-Identifier: Apache-2.0
 *
 * fixture - a store in a directory, nodes with journals of their own, and work for them.
 *
 * Owns:    a temporary directory, removed by teardown.
 * Threads: one.
 * Fails:   by failing the test.
 */
#ifndef SW_TEST_ARCHIVE_FIXTURE_H
#define SW_TEST_ARCHIVE_FIXTURE_H

#include "storage/archive/archive.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/base/fault.h"
#include "storage/journal/rows.h"

enum { PATH_SIZE = 700 };

struct fixture {
    char root[400];
    char store_path[PATH_SIZE];
    char key_path[PATH_SIZE];
    struct sw_store *store;
    struct sw_archive_options options;
    struct sw_err err;
    uint64_t seed;
};

/* A process on some machine: its directory, and what it has open. */
struct node {
    struct fixture *fixture;
    char directory[PATH_SIZE];
    struct sw_journal_options options;
    struct sw_archive *archive;
    struct sw_journal *journal;
    struct sw_journal_reader *reader;
    struct sw_take_over report;
    uint64_t runs; /* started by play() */
};

static inline void ok(struct fixture *fixture, enum sw_code code)
{
    if (code != SW_OK)
        fail_msg("%s: %s", sw_code_name(code), fixture->err.text);
}

static inline uint64_t draw(struct fixture *fixture, uint64_t below)
{
    fixture->seed = fixture->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (fixture->seed >> 33) % below;
}

static inline int remove_one(const char *path, const struct stat *status, int kind,
                             struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline void remove_tree(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void open_store(struct fixture *fixture)
{
    struct sw_store_options options = {.url = fixture->store_path};

    ok(fixture, sw_store_open(&options, &fixture->store, &fixture->err));
    fixture->options.store = fixture->store;
}

static inline int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    const char *temporary = getenv("TMPDIR");

    if (fixture == NULL)
        return -1;
    (void)snprintf(fixture->root, sizeof(fixture->root), "%s/sw-archive-XXXXXX",
                   temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(fixture->root) == NULL)
        return -1;
    (void)snprintf(fixture->store_path, PATH_SIZE, "%s/store", fixture->root);
    (void)snprintf(fixture->key_path, PATH_SIZE, "%s/keys", fixture->root);
    fixture->options = (struct sw_archive_options){.journal = "agents", .clock = &sw_clock_system};
    fixture->seed = 1;
    open_store(fixture);
    *state = fixture;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;

    sw_store_close(fixture->store);
    remove_tree(fixture->root);
    free(fixture);
    return 0;
}

static inline void encrypt(struct fixture *fixture, const char *keys)
{
    FILE *file = fopen(fixture->key_path, "w");

    assert_non_null(file);
    assert_true(fputs(keys, file) >= 0);
    assert_int_equal(fclose(file), 0);
    fixture->options.key_file = fixture->key_path;
}

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\n"

static inline struct node node_of(struct fixture *fixture, const char *name)
{
    struct node node = {.fixture = fixture};

    (void)snprintf(node.directory, sizeof(node.directory), "%s/%s", fixture->root, name);
    return node;
}

static inline enum sw_code take_over(struct node *node)
{
    struct fixture *fixture = node->fixture;
    enum sw_code code;

    node->options = (struct sw_journal_options){
        .directory = node->directory, .name = fixture->options.journal, .now_ms = 1000};
    code = sw_archive_take_over(&fixture->options, &node->options, &node->archive, &node->journal,
                                &node->report, &fixture->err);
    if (code == SW_OK)
        code = sw_journal_reader_open(node->directory, NULL, &node->reader, &fixture->err);
    return code;
}

static inline void start(struct node *node)
{
    ok(node->fixture, take_over(node));
}

/* As if the process had died: nothing is shipped any more. */
static inline void stop(struct node *node)
{
    sw_journal_reader_close(node->reader);
    sw_journal_close(node->journal);
    sw_archive_close(node->archive);
    node->reader = NULL;
    node->journal = NULL;
    node->archive = NULL;
}

static inline void lose_disk(struct node *node)
{
    stop(node);
    remove_tree(node->directory);
}

static inline void ship(struct node *node)
{
    bool more = true;

    while (more)
        ok(node->fixture,
           sw_archive_ship(node->archive, node->reader, 0, &more, &node->fixture->err));
}

static inline struct sw_payload payload_of(const void *bytes, size_t size)
{
    return (struct sw_payload){.present = true,
                               .content_type = sw_span_of_text("application/json"),
                               .data = sw_span_of(bytes, size)};
}

static inline uint64_t append(struct node *node, struct sw_record record)
{
    ok(node->fixture, sw_journal_append(node->journal, &record, &node->fixture->err));
    return record.lsn;
}

static inline uint64_t start_run(struct node *node, const char *run_id)
{
    return append(node, (struct sw_record){.type = SW_RECORD_RUN_STARTED,
                                           .at_ms = 2000 + sw_journal_state(node->journal)->lsn,
                                           .u.run_started = {.run_id = sw_span_of_text(run_id),
                                                             .task = sw_span_of_text("task"),
                                                             .on_divergence = SW_DIVERGENCE_FAIL,
                                                             .input = payload_of("{}", 2)}});
}

/* An intent and its outcome, with an output of `size` bytes. */
static inline void do_step(struct node *node, uint64_t run, uint64_t number, const void *output,
                           size_t size)
{
    uint64_t at_ms = 2000 + sw_journal_state(node->journal)->lsn;
    uint64_t intent;
    char key[32];

    (void)snprintf(key, sizeof(key), "step-%llu", (unsigned long long)number);
    intent = append(node, (struct sw_record){.type = SW_RECORD_STEP_BEGUN,
                                             .run = run,
                                             .at_ms = at_ms,
                                             .lease = run + 1,
                                             .key = sw_span_of_text(key),
                                             .attempt = 1,
                                             .u.step_begun = {.name = sw_span_of_text("fetch"),
                                                              .kind = SW_KIND_TOOL,
                                                              .effect = SW_EFFECT_IDEMPOTENT}});
    (void)append(node, (struct sw_record){.type = SW_RECORD_STEP_COMPLETED,
                                          .run = run,
                                          .at_ms = at_ms + 5,
                                          .lease = run + 1,
                                          .key = sw_span_of_text(key),
                                          .attempt = 1,
                                          .u.outcome = {.intent_lsn = intent,
                                                        .output = payload_of(output, size)}});
}

static inline void commit(struct node *node)
{
    ok(node->fixture, sw_journal_commit(node->journal, true, &node->fixture->err));
}

/* A run with so many steps of up to size_max bytes, drawn; ended. */
static inline void play(struct node *node, int steps, size_t size_max)
{
    uint8_t *bytes = malloc(size_max + 1);
    struct sw_record end;
    char run_id[64];
    uint64_t run;

    assert_non_null(bytes);
    (void)snprintf(run_id, sizeof(run_id), "run-%llu-%llu", (unsigned long long)node->report.epoch,
                   (unsigned long long)++node->runs);
    run = start_run(node, run_id);
    for (int i = 0; i < steps; i++) {
        size_t size = 1 + (size_t)draw(node->fixture, size_max);

        for (size_t k = 0; k < size; k++)
            bytes[k] = (uint8_t)draw(node->fixture, 23);
        do_step(node, run, (uint64_t)i, bytes, size);
    }
    free(bytes);
    end = (struct sw_record){
        .type = SW_RECORD_RUN_ENDED,
        .run = run,
        .at_ms = 2000 + sw_journal_state(node->journal)->lsn,
        .u.run_ended = {.state = SW_RUN_COMPLETED, .result = payload_of("7", 1)}};
    ok(node->fixture,
       sw_journal_append_end(node->journal, &end, (uint64_t)steps, &node->fixture->err));
    commit(node);
}

static inline void snapshot(struct node *node)
{
    ok(node->fixture, sw_archive_snapshot(node->archive, node->reader, &node->fixture->err));
}

/* ---- what is in the store ---------------------------------------------------------- */

struct objects {
    char keys[256][SW_OBJECT_KEY_MAX + 1];
    size_t count;
};

static inline void list_objects(struct fixture *fixture, const char *prefix, struct objects *ret)
{
    struct sw_object_op op = {.verb = SW_OBJECT_LIST, .key = prefix, .keys_max = 256};
    const char *key;

    sw_store_perform(fixture->store, &op, 1, 1);
    assert_int_equal(op.result, SW_OBJECT_DONE);
    key = (const char *)op.data;
    ret->count = op.keys;
    for (size_t i = 0; i < op.keys; i++) {
        (void)snprintf(ret->keys[i], sizeof(ret->keys[i]), "%s", key);
        key += strlen(key) + 1;
    }
    sw_object_op_fini(&op);
}

static inline size_t count_objects(struct fixture *fixture, const char *prefix)
{
    struct objects *objects = malloc(sizeof(*objects));
    size_t count;

    assert_non_null(objects);
    list_objects(fixture, prefix, objects);
    count = objects->count;
    free(objects);
    return count;
}

static inline void path_of(struct fixture *fixture, const char *key,
                           char ret[PATH_SIZE + SW_OBJECT_KEY_MAX + 2])
{
    (void)snprintf(ret, PATH_SIZE + SW_OBJECT_KEY_MAX + 2, "%s/%s", fixture->store_path, key);
}

static inline uint8_t *load(struct fixture *fixture, const char *key, size_t *ret_size)
{
    char path[PATH_SIZE + SW_OBJECT_KEY_MAX + 2];
    struct stat status;
    uint8_t *bytes;
    FILE *file;

    path_of(fixture, key, path);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    bytes = malloc((size_t)status.st_size);
    assert_non_null(bytes);
    *ret_size = fread(bytes, 1, (size_t)status.st_size, file);
    assert_int_equal(*ret_size, status.st_size);
    assert_int_equal(fclose(file), 0);
    return bytes;
}

/* As nobody with a store may do it. */
static inline void overwrite(struct fixture *fixture, const char *key, const uint8_t *bytes,
                             size_t size)
{
    char path[PATH_SIZE + SW_OBJECT_KEY_MAX + 2];
    FILE *file;

    path_of(fixture, key, path);
    (void)chmod(path, 0600);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void remove_object(struct fixture *fixture, const char *key)
{
    char path[PATH_SIZE + SW_OBJECT_KEY_MAX + 2];

    path_of(fixture, key, path);
    assert_int_equal(remove(path), 0);
}

static inline struct sw_archive_check verified(struct fixture *fixture)
{
    struct sw_archive_check check;

    ok(fixture, sw_archive_verify(&fixture->options, &check, &fixture->err));
    return check;
}

/* ---- what is in a journal, as one digest ---------------------------------------- */

struct dump {
    struct sw_digest digest;
    uint64_t rows;
    uint64_t last_lsn;
};

static inline void dump_add(struct dump *dump, struct sw_span bytes)
{
    uint64_t size = bytes.size;

    sw_sha256((const struct sw_span[]){sw_span_of(&dump->digest, sizeof(dump->digest)),
                                       sw_span_of(&size, sizeof(size)), bytes},
              3, &dump->digest);
}

static inline enum sw_code dump_row(void *self, const struct sw_log_row *row, bool *ret_stop,
                                    struct sw_err *err)
{
    struct dump *dump = self;
    uint64_t numbers[] = {row->lsn, row->type, row->run, row->stub, row->chunked};

    (void)ret_stop;
    (void)err;
    dump->rows++;
    dump->last_lsn = row->lsn;
    dump_add(dump, sw_span_of(numbers, sizeof(numbers)));
    dump_add(dump, row->fields);
    dump_add(dump, sw_span_of(row->chain.bytes, SW_DIGEST_SIZE));
    return SW_OK;
}

static inline enum sw_code dump_run(void *self, const struct sw_run_row *row, bool *ret_stop,
                                    struct sw_err *err)
{
    uint64_t numbers[] = {row->run,      row->state,   row->started_ms,
                          row->ended_ms, row->end_lsn, row->steps};

    (void)ret_stop;
    (void)err;
    dump_add(self, row->run_id);
    dump_add(self, row->task);
    dump_add(self, sw_span_of(numbers, sizeof(numbers)));
    return SW_OK;
}

/* Rows and the run index; and the journal verifies. */
static inline struct dump dump_of(struct fixture *fixture, const char *directory)
{
    struct sw_journal_reader *reader = NULL;
    struct sw_verify_report report;
    struct sw_run_filter any = {0};
    struct dump dump = {0};

    ok(fixture, sw_journal_reader_open(directory, NULL, &reader, &fixture->err));
    ok(fixture, sw_journal_verify(reader, &report, &fixture->err));
    ok(fixture, sw_journal_reader_rows(reader, 0, 0, (struct sw_log_row_visitor){dump_row, &dump},
                                       &fixture->err));
    ok(fixture, sw_journal_reader_list_runs(reader, &any, (struct sw_run_visitor){dump_run, &dump},
                                            &fixture->err));
    sw_journal_reader_close(reader);
    return dump;
}

static inline void assert_same(struct dump a, struct dump b)
{
    assert_int_equal(a.rows, b.rows);
    assert_int_equal(a.last_lsn, b.last_lsn);
    assert_memory_equal(&a.digest, &b.digest, sizeof(a.digest));
}

#endif
