/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_journal - a journal file that something changed behind our back.
 *
 * Input: a list of damages, six bytes each (struct damage), done to a small
 * journal made at the start. Claims: it is opened and read, or refused, without
 * harm; and where sw_journal_verify finds no fault, every record, payload and
 * run reads as it was written.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/journal/journal.h"
#include "tests/fuzz/fuzz.h"

enum {
    FILE_SIZE_MAX = 1 << 20,
    PATH_SIZE_MAX = 256,
    PAGE_SIZE = 4096,
    DAMAGE_SIZE = 6,
    SUMMARY_SIZE = 200
};

/* The journal as it should be. Made once. */
static struct {
    char directory[PATH_SIZE_MAX / 2];
    char path[PATH_SIZE_MAX];
    uint8_t bytes[FILE_SIZE_MAX];
    size_t size;
    struct sw_digest reading;
} good;

static void claim(bool holds)
{
    if (!holds)
        abort();
}

static void claim_ok(enum sw_code code, const struct sw_err *err)
{
    if (code != SW_OK)
        (void)fprintf(stderr, "%s: %s\n", sw_code_name(code), err->text);
    claim(code == SW_OK);
}

/* ---- making the good one -------------------------------------------------- */

static struct sw_payload payload_of(const void *data, size_t size)
{
    return (struct sw_payload){.present = true,
                               .data = sw_span_of(data, size),
                               .content_type = sw_span_of_text("text/plain"),
                               .size = size};
}

static void append(struct sw_journal *journal, struct sw_record record, uint64_t *ret_lsn)
{
    struct sw_err err;

    record.at_ms = 1000;
    claim_ok(sw_journal_append(journal, &record, &err), &err);
    *ret_lsn = record.lsn;
}

static void write_run(struct sw_journal *journal, const char *run_id, struct sw_span text, bool end)
{
    struct sw_record start = {.type = SW_RECORD_RUN_STARTED};
    struct sw_record begun = {
        .type = SW_RECORD_STEP_BEGUN, .key = sw_span_of_text("a"), .attempt = 1, .lease = 1};
    struct sw_record done = {
        .type = SW_RECORD_STEP_COMPLETED, .key = sw_span_of_text("a"), .attempt = 1, .lease = 1};
    struct sw_record ended = {.type = SW_RECORD_RUN_ENDED, .lease = 1, .at_ms = 2000};
    struct sw_err err;
    uint64_t run, lsn;

    start.u.run_started.run_id = sw_span_of_text(run_id);
    start.u.run_started.task = sw_span_of_text("task");
    start.u.run_started.on_divergence = SW_DIVERGENCE_FAIL;
    start.u.run_started.input = payload_of("input", 5);
    append(journal, start, &run);
    begun.run = done.run = ended.run = run;
    begun.u.step_begun.kind = SW_KIND_LLM;
    begun.u.step_begun.effect = SW_EFFECT_IDEMPOTENT;
    begun.u.step_begun.input = payload_of(text.data, text.size);
    append(journal, begun, &lsn);
    done.u.outcome.intent_lsn = lsn;
    done.u.outcome.output = payload_of(text.data, text.size / 2);
    append(journal, done, &lsn);
    if (!end)
        return;
    ended.u.run_ended.state = SW_RUN_COMPLETED;
    ended.u.run_ended.result = payload_of("done", 4);
    claim_ok(sw_journal_append_end(journal, &ended, 1, &err), &err);
}

static void write_journal(void)
{
    static uint8_t text[12000];
    struct sw_journal_options options = {
        .directory = good.directory, .name = "fuzz", .now_ms = 1000};
    struct sw_journal *journal;
    struct sw_err err;
    bool more = true;

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * i >> 3);
    claim_ok(sw_journal_open(&options, &journal, &err), &err);
    write_run(journal, "one", sw_span_of(text, sizeof(text)), true);
    write_run(journal, "two", sw_span_of(text, sizeof(text) / 3), false);
    claim_ok(sw_journal_commit(journal, true, &err), &err);
    while (more)
        claim_ok(sw_journal_maintain(journal, 3000, true, &more, &err), &err);
    write_run(journal, "three", sw_span_of(text, 100), true); /* not indexed yet */
    claim_ok(sw_journal_commit(journal, true, &err), &err);
    sw_journal_close(journal);
}

/* ---- reading -------------------------------------------------------------- */

/* The digest of everything read so far. */
static void fold(struct sw_digest *digest, struct sw_span span)
{
    const uint64_t size = span.size;
    const struct sw_span parts[] = {sw_span_of(digest->bytes, SW_DIGEST_SIZE),
                                    sw_span_of(&size, sizeof(size)), span};

    sw_sha256(parts, 3, digest);
}

static void fold_number(struct sw_digest *digest, uint64_t number)
{
    fold(digest, sw_span_of(&number, sizeof(number)));
}

static enum sw_code fold_record(void *self, struct sw_record *record, bool *ret_stop,
                                struct sw_err *err)
{
    const struct sw_payload *payload = NULL;
    char summary[SUMMARY_SIZE];

    (void)err;
    (void)ret_stop;
    if (record->type == SW_RECORD_STEP_BEGUN)
        payload = &record->u.step_begun.input;
    else if (record->type == SW_RECORD_STEP_COMPLETED)
        payload = &record->u.outcome.output;
    fold_number(self, record->lsn);
    fold_number(self, record->type);
    fold_number(self, record->run);
    fold_number(self, record->at_ms);
    fold_number(self, record->purged);
    fold(self, record->key);
    fold(self, sw_span_of(record->chain.bytes, SW_DIGEST_SIZE));
    if (payload != NULL && !record->purged)
        fold(self, payload->data);
    sw_record_summary(record, summary, sizeof(summary));
    fold(self, sw_span_of_text(summary));
    return SW_OK;
}

static enum sw_code fold_run(void *self, const struct sw_run_row *row, bool *ret_stop,
                             struct sw_err *err)
{
    (void)ret_stop;
    (void)err;
    fold_number(self, row->run);
    fold(self, row->run_id);
    fold(self, row->task);
    fold_number(self, row->state);
    fold_number(self, row->started_ms);
    fold_number(self, row->ended_ms);
    fold_number(self, row->end_lsn);
    fold_number(self, row->steps);
    return SW_OK;
}

static enum sw_code scan_runs(struct sw_journal_reader *reader, struct sw_digest *digest,
                              struct sw_err *err)
{
    static const char *const ids[] = {"one", "two", "three"};
    struct sw_record_visitor visitor = {fold_record, digest};
    enum sw_code code = SW_OK;
    struct sw_arena arena;

    sw_arena_init(&arena, 0);
    for (size_t i = 0; code == SW_OK && i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct sw_run_row row;

        code = sw_journal_reader_find_run(reader, sw_span_of_text(ids[i]), &arena, &row, err);
        if (code == SW_OK)
            code = sw_journal_reader_scan_run(reader, row.run, 0, 0, SW_PAYLOADS_ALL, visitor, err);
    }
    sw_arena_fini(&arena);
    return code;
}

/* Reads all that readers can show. *ret is of use when SW_OK is returned. */
static enum sw_code read_all(struct sw_journal_reader *reader, struct sw_digest *ret)
{
    struct sw_record_visitor records = {fold_record, ret};
    struct sw_run_visitor runs = {fold_run, ret};
    struct sw_run_filter any = {0};
    struct sw_journal_state state;
    struct sw_err err;
    enum sw_code code;

    *ret = (struct sw_digest){{0}};
    code = sw_journal_reader_state(reader, &state, &err);
    if (code == SW_OK) {
        fold(ret, sw_span_of_text(state.name));
        fold(ret, sw_span_of(state.uuid, sizeof(state.uuid)));
        fold_number(ret, state.lsn);
        code = sw_journal_reader_scan(reader, 0, 0, SW_PAYLOADS_ALL, records, &err);
    }
    if (code == SW_OK)
        code = sw_journal_reader_list_runs(reader, &any, runs, &err);
    if (code == SW_OK)
        code = scan_runs(reader, ret, &err);
    return code;
}

/* ---- the input ------------------------------------------------------------ */

static void write_file(const uint8_t *bytes, size_t size)
{
    char path[PATH_SIZE_MAX + 8];
    int fd = open(good.path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    claim(fd >= 0);
    claim(write(fd, bytes, size) == (ssize_t)size);
    (void)close(fd);
    (void)snprintf(path, sizeof(path), "%s-wal", good.path);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s-shm", good.path);
    (void)unlink(path);
}

static void remove_all(void)
{
    char path[PATH_SIZE_MAX + 8];

    write_file(NULL, 0);
    (void)unlink(good.path);
    (void)snprintf(path, sizeof(path), "%s/lock", good.directory);
    (void)unlink(path);
    (void)rmdir(good.directory);
}

static void make_good(void)
{
    const char *root = getenv("TMPDIR");
    struct sw_journal_reader *reader;
    struct sw_err err;
    FILE *file;

    (void)snprintf(good.directory, sizeof(good.directory), "%s/sw-fuzz-XXXXXX",
                   root != NULL ? root : "/tmp");
    claim(mkdtemp(good.directory) != NULL);
    (void)snprintf(good.path, sizeof(good.path), "%s/journal.db", good.directory);
    (void)atexit(remove_all);
    write_journal();
    file = fopen(good.path, "rb");
    claim(file != NULL);
    good.size = fread(good.bytes, 1, sizeof(good.bytes), file);
    (void)fclose(file);
    claim(good.size > PAGE_SIZE && good.size < FILE_SIZE_MAX);
    write_file(good.bytes, good.size); /* what follows finds everything in it, without a WAL */
    claim_ok(sw_journal_reader_open(good.directory, NULL, &reader, &err), &err);
    claim(read_all(reader, &good.reading) == SW_OK);
    sw_journal_reader_close(reader);
}

/* what u8, where u24 (modulo the size), value u16 */
static size_t do_damage(const uint8_t damage[DAMAGE_SIZE], uint8_t *bytes, size_t size)
{
    size_t where = ((size_t)damage[1] | (size_t)damage[2] << 8 | (size_t)damage[3] << 16) % size;
    size_t other = ((size_t)damage[4] | (size_t)damage[5] << 8) % (size / PAGE_SIZE) * PAGE_SIZE;

    switch (damage[0] % 6) {
    case 0: /* a bit flips */
        bytes[where] ^= (uint8_t)(1u << (damage[4] & 7));
        break;
    case 1: /* a byte is another */
        bytes[where] = damage[4];
        break;
    case 2: /* a page is that of elsewhere */
        memmove(bytes + where / PAGE_SIZE * PAGE_SIZE, bytes + other, PAGE_SIZE);
        break;
    case 3: /* a page is blank */
        memset(bytes + where / PAGE_SIZE * PAGE_SIZE, 0, PAGE_SIZE);
        break;
    case 4: /* a sector is as it was when the page was blank */
        memset(bytes + where / 512 * 512, 0, 512);
        break;
    default: /* the end is missing */
        return where > PAGE_SIZE ? where : size;
    }
    return size;
}

static void check(void)
{
    struct sw_journal_reader *reader;
    struct sw_verify_report report = {0};
    struct sw_digest reading;
    struct sw_err err;
    enum sw_code found, read;

    if (sw_journal_reader_open(good.directory, NULL, &reader, &err) != SW_OK)
        return;
    found = sw_journal_verify(reader, &report, &err);
    read = read_all(reader, &reading);
    if (found == SW_OK) {
        claim(read == SW_OK);
        claim(memcmp(&reading, &good.reading, sizeof(reading)) == 0);
    }
    sw_journal_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[FILE_SIZE_MAX];
    size_t bytes_size;

    if (good.size == 0)
        make_good();
    bytes_size = good.size;
    memcpy(bytes, good.bytes, good.size);
    for (size_t i = 0; i + DAMAGE_SIZE <= size && i < (size_t)16 * DAMAGE_SIZE; i += DAMAGE_SIZE)
        bytes_size = do_damage(data + i, bytes, bytes_size / PAGE_SIZE * PAGE_SIZE);
    write_file(bytes, bytes_size);
    check();
    return 0;
}
