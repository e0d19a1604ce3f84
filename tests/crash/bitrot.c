/* SPDX-License-Identifier: Apache-2.0
 *
 * bitrot - a bit of a journal's file flips while nobody looks, at every byte.
 *
 * Goal: it is found and named, or it meant nothing: what readers see is as it was, and what is
 * written from then on can be read. Never a journal that opens and tells another story.
 *
 * Method: a small journal with every table and index in use, some of it indexed late and some
 * not. For each byte one bit is flipped, by a rule that meets all eight.
 *   file   closed; checked as `stepwell verify` does, and, from the flipped file again, opened as
 *          the sidecar does at its start, read, written to and read again. Where verify found no
 *          difference that is done for some of the bytes: it costs much.
 *   wal    of a process that died, to the end of what is committed. Found, or cut: then every
 *          record that is there is as it was, and unless the note of what was synced
 *          (storage/journal/acked.h) was lost too, nothing that was synced is missing.
 *
 * usage: bitrot file|wal [STEP [FIRST]]
 */
#include "tests/unit/storage/journal/fixture.h"

#include "storage/journal/journal.intern.h"

enum {
    FILE_SIZE_MAX = 1 << 20,
    OUTPUT_SIZE = 1500,
    WAL_BYTES_MAX = 1 << 20,
    HEADER_SIZE = 100, /* of SQLite: what is not read may still decide how it is written */
    WRITE_EVERY = 29,
    WITHOUT_EVERY = 7,
    RECORDS_MAX = 64
};

struct content {
    uint8_t bytes[FILE_SIZE_MAX];
    size_t size;
};

enum verdict { HARMLESS, FOUND_OPENING, FOUND_CHECKING, FOUND_WRITING, CUT, SILENT, VERDICTS };

static const char *const verdict_names[] = {"harmless",      "found opening", "found checking",
                                            "found writing", "cut",           "SILENT"};

struct counts {
    unsigned of[VERDICTS];
};

static struct {
    struct content file, wal, note;
    struct seen seen;
    struct sw_digest chains[RECORDS_MAX];
} good;

static uint8_t output[OUTPUT_SIZE];

/* ---- files ---------------------------------------------------------------- */

static const char *path_of(const struct fixture *fixture, const char *suffix)
{
    static char path[FIXTURE_PATH_MAX + 16];

    (void)snprintf(path, sizeof(path), "%s%s", fixture->path, suffix);
    return path;
}

static void load(const char *path, struct content *ret)
{
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    ret->size = fread(ret->bytes, 1, sizeof(ret->bytes), file);
    assert_true(ret->size < sizeof(ret->bytes));
    (void)fclose(file);
}

static void store(const char *path, const struct content *content)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(content->bytes, 1, content->size, file), content->size);
    assert_int_equal(fclose(file), 0);
}

static void put_back(struct fixture *fixture, bool with_wal)
{
    fixture_empty(fixture->directory);
    store(fixture->path, &good.file);
    if (with_wal)
        store(path_of(fixture, "-wal"), &good.wal);
}

static void flip(struct content *content, size_t at)
{
    content->bytes[at] ^= (uint8_t)(1u << ((at + at / 8) % 8));
}

/* ---- the journal ------------------------------------------------------------ */

static void begin_run(struct fixture *fixture, const char *run_id)
{
    uint64_t run = fixture_append(fixture, fixture_run(fixture, run_id));

    (void)fixture_append(fixture, fixture_begun(fixture, run, "a", "[]", 2));
    (void)fixture_append(fixture, fixture_completed(fixture, run, "a", output, OUTPUT_SIZE));
    (void)fixture_append(fixture, fixture_begun(fixture, run, "b", "[]", 2));
    fixture_commit(fixture);
}

/* Runs that are indexed, one of them ended, all with chunks, and one that is not. Left open. */
static void make_journal(struct fixture *fixture)
{
    for (size_t i = 0; i < sizeof(output); i++)
        output[i] = (uint8_t)sw_hash64(sw_span_of(&i, sizeof(i)), 7);
    fixture->options.bytes_max = WAL_BYTES_MAX;
    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 2, 1300);
    begin_run(fixture, "run-2");
    fixture_ok(fixture, sw_late_index(fixture->journal, UINT64_MAX, &fixture->err));
    fixture_reopen(fixture);
    begin_run(fixture, "run-3");
}

static enum sw_code see_chain(void *self, struct sw_record *record, bool *ret_stop,
                              struct sw_err *err)
{
    struct sw_digest *chains = self;

    (void)ret_stop;
    (void)err;
    assert_true(record->lsn < RECORDS_MAX);
    chains[record->lsn] = record->chain;
    return SW_OK;
}

static enum sw_code look(struct fixture *fixture, struct seen *ret)
{
    struct sw_journal_reader *reader = NULL;
    struct sw_err *err = &fixture->err;
    struct sw_journal_state state;
    struct sw_arena arena = {0};
    enum sw_code code = sw_journal_reader_open(fixture->directory, NULL, &reader, err);

    if (code == SW_OK)
        code = seen_by(reader, ret, err);
    if (code == SW_OK)
        code = sw_journal_reader_state(reader, &state, err);
    for (int i = 1; code == SW_OK && i <= 3; i++) {
        struct sw_run_row row;
        char run_id[16];

        (void)snprintf(run_id, sizeof(run_id), "run-%d", i);
        code = sw_journal_reader_find_run(reader, sw_span_of_text(run_id), &arena, &row, err);
        if (code == SW_OK)
            seen_add(ret, &row.run, sizeof(row.run));
    }
    if (code == SW_OK) {
        seen_add(ret, state.name, strlen(state.name));
        seen_add(ret, state.uuid, sizeof(state.uuid));
        seen_add(ret, &state.lsn, sizeof(state.lsn));
    }
    sw_arena_fini(&arena);
    sw_journal_reader_close(reader);
    return code;
}

static bool is_as_it_was(struct fixture *fixture)
{
    struct seen seen;

    return look(fixture, &seen) == SW_OK && memcmp(&seen, &good.seen, sizeof(seen)) == 0;
}

/* Fewer records, each as it was. */
static bool is_a_part(struct fixture *fixture)
{
    struct sw_journal_reader *reader = NULL;
    struct sw_digest chains[RECORDS_MAX] = {{{0}}};
    struct sw_verify_report report;
    bool same = true;

    if (fixture_verify(fixture, &report) != SW_OK)
        return false;
    fixture_ok(fixture, sw_journal_reader_open(fixture->directory, NULL, &reader, &fixture->err));
    fixture_ok(fixture, sw_journal_reader_scan(reader, 0, 0, SW_PAYLOADS_ALL,
                                               (struct sw_record_visitor){see_chain, chains},
                                               &fixture->err));
    sw_journal_reader_close(reader);
    for (uint64_t lsn = 1; lsn <= report.records; lsn++)
        same = same && memcmp(&chains[lsn], &good.chains[lsn], SW_DIGEST_SIZE) == 0;
    return same;
}

/* ---- verdicts --------------------------------------------------------------- */

/* As `stepwell verify FILE`. */
static enum verdict judge_verify(struct fixture *fixture)
{
    struct sw_journal_reader *reader = NULL;
    struct sw_verify_report report;

    if (sw_journal_reader_open(fixture->directory, NULL, &reader, &fixture->err) != SW_OK)
        return FOUND_OPENING;
    if (sw_journal_verify(reader, &report, &fixture->err) != SW_OK) {
        sw_journal_reader_close(reader);
        return FOUND_CHECKING;
    }
    sw_journal_reader_close(reader);
    return is_as_it_was(fixture) ? HARMLESS : SILENT;
}

/* A step whose output has its chunk in common with what is there. */
static enum sw_code write_more(struct fixture *fixture)
{
    struct sw_record run = fixture_run(fixture, "run-4");
    struct sw_record completed;
    enum sw_code code = sw_journal_append(fixture->journal, &run, &fixture->err);

    completed = fixture_completed(fixture, run.lsn, "a", output, OUTPUT_SIZE);
    if (code == SW_OK)
        code = sw_journal_append(fixture->journal, &completed, &fixture->err);
    if (code == SW_OK)
        code = sw_journal_commit(fixture->journal, true, &fixture->err);
    if (code == SW_OK)
        code = sw_late_index(fixture->journal, UINT64_MAX, &fixture->err);
    return code;
}

/* As `stepwell serve` at its start, and then as it lives. */
static enum verdict judge_start(struct fixture *fixture)
{
    struct sw_verify_report report;
    enum verdict verdict = SILENT;

    fixture->now_ms = FIXTURE_NOW_MS + 1000;
    if (sw_journal_open(&fixture->options, &fixture->journal, &fixture->err) != SW_OK)
        return FOUND_OPENING;
    if (is_as_it_was(fixture)) {
        if (write_more(fixture) != SW_OK)
            verdict = FOUND_WRITING;
        else if (fixture_verify(fixture, &report) == SW_OK)
            verdict = HARMLESS;
    }
    fixture_close(fixture);
    return verdict;
}

static enum verdict judge_wal(struct fixture *fixture, bool with_note)
{
    enum verdict verdict = SILENT;

    put_back(fixture, true);
    if (with_note)
        store(path_of(fixture, "-acked"), &good.note);
    if (sw_journal_open(&fixture->options, &fixture->journal, &fixture->err) != SW_OK)
        return FOUND_OPENING;
    if (is_as_it_was(fixture))
        verdict = HARMLESS;
    else if (is_a_part(fixture))
        verdict = CUT;
    fixture_close(fixture);
    return verdict;
}

/* What is found is named: the file, or the record. */
static void count(struct counts *counts, enum verdict verdict, size_t at,
                  const struct fixture *fixture)
{
    bool named = strstr(fixture->err.text, "journal.db") != NULL ||
                 strncmp(fixture->err.text, "record ", 7) == 0;

    if (verdict != HARMLESS && verdict != CUT && !named)
        verdict = SILENT;
    counts->of[verdict]++;
    if (verdict == SILENT)
        (void)printf("byte %zu (page %zu, byte %zu of it): silent: \"%s\"\n", at,
                     at / SW_PAGE_SIZE + 1, at % SW_PAGE_SIZE, fixture->err.text);
}

static void print_counts(const char *what, const struct counts *counts)
{
    (void)printf("%s:", what);
    for (int i = 0; i < VERDICTS; i++)
        (void)printf("%s %s %u", i > 0 ? "," : "", verdict_names[i], counts->of[i]);
    (void)printf("\n");
}

static unsigned flip_file(struct fixture *fixture, size_t step, size_t first)
{
    struct counts by_verify = {0}, by_start = {0};

    for (size_t at = first; at < good.file.size; at += step) {
        enum verdict verdict;

        fixture->err = (struct sw_err){0};
        flip(&good.file, at);
        put_back(fixture, false);
        verdict = judge_verify(fixture);
        count(&by_verify, verdict, at, fixture);
        if (verdict != HARMLESS || at < HEADER_SIZE || at % WRITE_EVERY == 0) {
            put_back(fixture, false);
            count(&by_start, judge_start(fixture), at, fixture);
        }
        flip(&good.file, at);
    }
    print_counts("file, verify", &by_verify);
    print_counts("file, start ", &by_start);
    return by_verify.of[SILENT] + by_start.of[SILENT] + by_start.of[CUT];
}

static unsigned flip_wal(struct fixture *fixture, size_t live_bytes, size_t step, size_t first)
{
    struct counts with_note = {0}, without = {0};

    for (size_t at = first; at < live_bytes; at += step) {
        fixture->err = (struct sw_err){0};
        flip(&good.wal, at);
        count(&with_note, judge_wal(fixture, true), at, fixture);
        fixture->err = (struct sw_err){0};
        if (at % WITHOUT_EVERY == 0)
            count(&without, judge_wal(fixture, false), at, fixture);
        flip(&good.wal, at);
    }
    print_counts("wal", &with_note);
    print_counts("wal, its note lost", &without);
    return with_note.of[SILENT] + with_note.of[CUT] + without.of[SILENT];
}

int main(int argc, char **argv)
{
    bool of_wal = argc > 1 && strcmp(argv[1], "wal") == 0;
    size_t step = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    size_t first = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    struct sw_journal_reader *reader = NULL;
    struct fixture *fixture;
    unsigned silent;
    size_t live_bytes;
    void *state = NULL;

    assert_int_equal(fixture_setup(&state), 0);
    fixture = state;
    assert(fixture != NULL); /* setup said so */
    make_journal(fixture);
    live_bytes = SW_WAL_HEADER_SIZE + fixture->journal->wal_pages * SW_WAL_FRAME_SIZE;
    if (of_wal) { /* as they lie there when the process dies now */
        load(path_of(fixture, "-wal"), &good.wal);
        load(path_of(fixture, "-acked"), &good.note);
        load(fixture->path, &good.file);
    }
    fixture_close(fixture);
    if (!of_wal)
        load(fixture->path, &good.file);
    put_back(fixture, of_wal);
    fixture_ok(fixture, look(fixture, &good.seen));
    fixture_ok(fixture, sw_journal_reader_open(fixture->directory, NULL, &reader, &fixture->err));
    fixture_ok(fixture, sw_journal_reader_scan(reader, 0, 0, SW_PAYLOADS_ALL,
                                               (struct sw_record_visitor){see_chain, good.chains},
                                               &fixture->err));
    sw_journal_reader_close(reader);
    (void)printf("%zu bytes, every %zu from byte %zu\n", of_wal ? live_bytes : good.file.size, step,
                 first);
    silent = of_wal ? flip_wal(fixture, live_bytes, step, first) : flip_file(fixture, step, first);
    (void)fixture_teardown(&state);
    return silent > 0;
}
