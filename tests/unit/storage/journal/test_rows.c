/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a journal made of another's rows is that journal, table by table; a row that does
 * not follow is refused and leaves nothing behind.
 */
#include "storage/journal/rows.h"

#include "fixture.h"
#include "storage/journal/journal.intern.h"
#include "storage/journal/row.h"
#include "workload.h"

enum { TURNS = 400, SEEDS = 12, COMMIT_EVERY = 64, OTHER_RUNS = 300 };

/* A row and its bytes, kept. */
struct kept {
    struct sw_log_row row;
    uint8_t *bytes;
};

struct rows {
    struct kept *kept;
    size_t count;
    size_t capacity;
    size_t stop_after; /* 0: never */
};

static enum sw_code keep(void *self, const struct sw_log_row *row, bool *ret_stop,
                         struct sw_err *err)
{
    struct rows *rows = self;
    struct kept *kept;

    (void)err;
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity == 0 ? 64 : 2 * rows->capacity;
        rows->kept = realloc(rows->kept, rows->capacity * sizeof(*rows->kept));
        assert_non_null(rows->kept);
    }
    kept = &rows->kept[rows->count++];
    kept->row = *row;
    kept->bytes = malloc(row->fields.size + 1);
    assert_non_null(kept->bytes);
    if (row->fields.size > 0)
        memcpy(kept->bytes, row->fields.data, row->fields.size);
    kept->row.fields.data = kept->bytes;
    *ret_stop = rows->count == rows->stop_after;
    return SW_OK;
}

static void rows_free(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free(rows->kept[i].bytes);
    free(rows->kept);
    *rows = (struct rows){0};
}

static void rows_take(struct fixture *fixture, uint64_t first, uint64_t last, struct rows *rows)
{
    struct sw_journal_reader *reader = NULL;

    fixture_ok(fixture, sw_journal_reader_open(fixture->directory, NULL, &reader, &fixture->err));
    fixture_ok(fixture,
               sw_journal_reader_rows(reader, first, last, (struct sw_log_row_visitor){keep, rows},
                                      &fixture->err));
    sw_journal_reader_close(reader);
}

/* A second journal beside the first, waiting for rows. */
static struct fixture *copy_setup(void)
{
    void *state = NULL;
    struct fixture *copy;

    assert_int_equal(fixture_setup(&state), 0);
    copy = state;
    assert(copy != NULL);
    copy->options.import = true;
    fixture_open(copy);
    return copy;
}

static void copy_teardown(struct fixture *copy)
{
    void *state = copy;

    (void)fixture_teardown(&state);
}

static void import(struct fixture *copy, const struct sw_log_row *row)
{
    fixture_ok(copy, sw_journal_import(copy->journal, row, &copy->err));
}

static void import_all(struct fixture *copy, const struct rows *rows)
{
    bool more = true;

    for (size_t i = 0; i < rows->count; i++) {
        import(copy, &rows->kept[i].row);
        if (i % COMMIT_EVERY == 0) {
            fixture_ok(copy, sw_journal_commit(copy->journal, false, &copy->err));
            for (more = true; more;)
                fixture_ok(copy, sw_journal_maintain(copy->journal, 0, false, &more, &copy->err));
        }
    }
    fixture_commit(copy);
}

static void index_all(struct fixture *fixture)
{
    if (fixture->journal->meta.indexed_lsn < fixture->journal->state.lsn)
        fixture_ok(fixture, sw_late_index(fixture->journal, UINT64_MAX, &fixture->err));
}

/* Every table, in an order that does not depend on how it came about; a hash each. */
static const char *const dumps[] = {
    "SELECT * FROM log ORDER BY lsn",
    "SELECT * FROM run ORDER BY no",
    "SELECT run, value FROM run_log, json_each(lsns) ORDER BY run, value",
    "SELECT * FROM chunk ORDER BY digest",
    "SELECT * FROM chunk_use ORDER BY run, lsn",
    "SELECT * FROM meta ORDER BY key",
};
enum { DUMPS = sizeof(dumps) / sizeof(dumps[0]) };

static uint64_t dump(struct fixture *fixture, const char *sql, uint64_t *ret_rows)
{
    sqlite3_stmt *statement;
    uint64_t hash = 0;
    uint64_t count = 0;
    sqlite3 *db;

    assert_int_equal(sqlite3_open_v2(fixture->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    for (; sqlite3_step(statement) == SQLITE_ROW; count++)
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            int type = sqlite3_column_type(statement, i);
            const void *bytes = sqlite3_column_blob(statement, i);

            hash = sw_hash64(sw_span_of(&type, sizeof(type)), hash);
            hash = sw_hash64(sw_span_of(bytes, (size_t)sqlite3_column_bytes(statement, i)), hash);
        }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    (void)sqlite3_close(db);
    *ret_rows = count;
    return hash;
}

static void assert_same(struct fixture *one, struct fixture *other)
{
    for (int i = 0; i < DUMPS; i++) {
        uint64_t count;
        uint64_t other_count;
        uint64_t hash = dump(one, dumps[i], &count);

        if (dump(other, dumps[i], &other_count) != hash || count != other_count)
            fail_msg("%s: differ, %llu and %llu rows", dumps[i], (unsigned long long)count,
                     (unsigned long long)other_count);
    }
}

static void assert_sound(struct fixture *fixture)
{
    struct sw_verify_report report;

    fixture_ok(fixture, fixture_verify(fixture, &report));
}

/* Appends the newest payload in chunks again, to each: the chunks must be known to both. */
static void append_again(struct fixture *fixture, struct fixture *copy, const struct rows *rows)
{
    struct sw_record record;
    uint64_t lsn = 0;

    for (size_t i = 0; i < rows->count; i++)
        lsn = rows->kept[i].row.chunked ? rows->kept[i].row.lsn : lsn;
    if (lsn == 0)
        return;
    fixture_ok(fixture,
               sw_journal_read(fixture->journal, lsn, &fixture->arena, &record, &fixture->err));
    record = (struct sw_record){
        .type = SW_RECORD_RUN_STARTED,
        .at_ms = fixture->now_ms,
        .u.run_started = {.run_id = sw_span_of_text("again"),
                          .input = *sw_record_payload(&record),
                          .on_divergence = SW_DIVERGENCE_FAIL},
    };
    (void)fixture_append(fixture, record);
    (void)fixture_append(copy, record);
    fixture_commit(fixture);
    fixture_commit(copy);
}

static void a_rebuilt_journal_is_the_original(void **state)
{
    bool had_stubs = false;
    bool had_chunks = false;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct fixture *fixture = *state;
        struct fixture *copy = copy_setup();
        struct rows rows = {0};

        fixture_close(fixture);
        fixture_empty(fixture->directory);
        workload_run(fixture, seed, TURNS);
        fixture_maintain(fixture, fixture->now_ms);
        rows_take(fixture, 0, 0, &rows);
        for (size_t i = 0; i < rows.count; i++) {
            had_stubs = had_stubs || rows.kept[i].row.stub;
            had_chunks = had_chunks || rows.kept[i].row.chunked;
        }
        import_all(copy, &rows);
        fixture_ok(copy, sw_journal_set_epoch(
                             copy->journal, sw_journal_state(fixture->journal)->epoch, &copy->err));
        append_again(fixture, copy, &rows);
        index_all(fixture);
        index_all(copy);
        assert_same(fixture, copy);
        assert_sound(copy);
        fixture_reopen(copy); /* as any journal */
        assert_sound(copy);
        rows_free(&rows);
        copy_teardown(copy);
    }
    assert_true(had_stubs && had_chunks);
}

/* Goal: half a run could not be told from a running one, so it is not given. */
static void a_run_half_removed_is_given_as_removed(void **state)
{
    struct fixture *fixture = *state;
    struct fixture *copy = copy_setup();
    struct rows rows = {0};
    struct sw_run_row row;
    char other[32];
    uint64_t run;
    bool more;

    fixture->options.retention_ms = 1;
    fixture_open(fixture);
    run = fixture_whole_run(fixture, "gone", 300, 2000);
    (void)fixture_whole_run(fixture, "kept", 2, 2000);
    for (int i = 0; i < OTHER_RUNS; i++) {
        (void)snprintf(other, sizeof(other), "other-%d", i);
        (void)fixture_whole_run(fixture, other, 1 + i % 2, 1);
    }
    for (int i = 0; i < 2; i++) /* the WAL is folded back first */
        fixture_ok(fixture, sw_journal_maintain(fixture->journal, fixture->now_ms - 4, false, &more,
                                                &fixture->err));
    assert_int_equal(fixture_query(fixture, "SELECT count(*) FROM run WHERE purged = 1"), 1);
    assert_true(fixture_query(fixture, "SELECT count(*) FROM log WHERE body IS NOT NULL") > 300);
    rows_take(fixture, 0, 0, &rows);
    for (size_t i = 0; i < rows.count; i++) {
        assert_true(rows.kept[i].row.stub == (rows.kept[i].row.run == run));
        assert_false(i > 0 && rows.kept[i - 1].row.stub && rows.kept[i].row.stub);
    }
    import_all(copy, &rows);
    assert_int_equal(
        sw_journal_find_run(copy->journal, sw_span_of_text("gone"), &copy->arena, &row, &copy->err),
        SW_RUN_NOT_FOUND);
    fixture_ok(copy, sw_journal_find_run(copy->journal, sw_span_of_text("kept"), &copy->arena, &row,
                                         &copy->err));
    assert_int_equal(row.steps, 2);
    assert_sound(copy);
    rows_free(&rows);
    copy_teardown(copy);
}

static void link_row(struct sw_log_row *row, const struct sw_digest *before)
{
    struct sw_row bare = {
        .lsn = row->lsn, .type = row->type, .run = row->run, .fields = row->fields};

    sw_row_chain(&bare, before, &row->chain);
}

static void refuse(struct fixture *copy, const struct sw_log_row *row)
{
    uint64_t lsn = fixture_lsn(copy);
    enum sw_code code = sw_journal_import(copy->journal, row, &copy->err);

    if (code != SW_CORRUPT)
        fail_msg("record %llu, type %llu: %s", (unsigned long long)row->lsn,
                 (unsigned long long)row->type, sw_code_name(code));
    assert_int_equal(fixture_lsn(copy), lsn);
}

/* The row with each of its parts changed, unlinked and, where that makes no row, linked. */
static void refuse_changes(struct fixture *copy, const struct sw_log_row *row)
{
    struct sw_digest before = copy->journal->chain;
    uint8_t *bytes = (uint8_t *)(uintptr_t)row->fields.data;

    for (int i = 0; i < 11; i++) {
        struct sw_log_row bad = *row;

        bad.lsn += i == 0;
        bad.lsn -= i == 1;
        bad.lsn = i == 2 ? UINT64_MAX : bad.lsn;
        bad.type = i == 3 ? 0 : i == 4 ? SW_RECORD_TYPE_END : bad.type;
        bad.run += i == 5 ? 1000 : 0;
        bad.run = i == 6 ? bad.lsn + (bad.run == bad.lsn) : bad.run;
        bad.fields.size -= i == 7;
        bad.fields.size += i == 8; /* there is one byte more */
        bad.chunked = bad.chunked != (i == 9);
        bad.stub = i == 10;
        refuse(copy, &bad);
        link_row(&bad, &before);
        refuse(copy, &bad);
    }
    for (size_t i = 0; i < row->fields.size; i++) {
        bytes[i] ^= 0x10;
        refuse(copy, row);
        bytes[i] ^= 0x10;
    }
}

static void a_row_that_does_not_follow_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct fixture *copy = copy_setup();
    struct rows rows = {0};

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 2, 3000);
    (void)fixture_whole_run(fixture, "run-2", 1, 10);
    rows_take(fixture, 0, 0, &rows);
    for (size_t i = 0; i < rows.count; i++) {
        rows.kept[i].bytes[rows.kept[i].row.fields.size] = 0;
        refuse_changes(copy, &rows.kept[i].row);
        import(copy, &rows.kept[i].row);
        if (i % 3 == 0)
            fixture_commit(copy);
    }
    fixture_commit(copy);
    fixture_ok(copy, sw_journal_set_epoch(copy->journal, 1, &copy->err));
    index_all(fixture);
    index_all(copy);
    assert_same(fixture, copy);
    rows_free(&rows);
    copy_teardown(copy);
}

/* Goal: what the run index forbids is no row either, though it links. */
static void the_run_index_must_agree(void **state)
{
    struct fixture *fixture = *state;
    struct fixture *copy = copy_setup();
    struct sw_log_row bad;
    struct rows rows = {0};
    uint64_t run;

    fixture_open(fixture);
    run = fixture_whole_run(fixture, "run-1", 1, 10);
    rows_take(fixture, 0, 0, &rows);
    import_all(copy, &rows);
    assert_int_equal(rows.kept[1].row.lsn, run);
    for (size_t i = 0; i < rows.count; i++) { /* a name twice, an end twice, lsn 1 again */
        bad = rows.kept[i].row;
        if (bad.type != SW_RECORD_RUN_STARTED && bad.type != SW_RECORD_RUN_ENDED &&
            bad.type != SW_RECORD_JOURNAL_CREATED)
            continue;
        bad.lsn = fixture_lsn(copy) + 1;
        bad.run = bad.run == run && bad.type == SW_RECORD_RUN_STARTED ? bad.lsn : bad.run;
        link_row(&bad, &copy->journal->chain);
        refuse(copy, &bad);
    }
    bad = (struct sw_log_row){.lsn = fixture_lsn(copy) + 2,
                              .type = SW_RECORD_STEP_BEGUN,
                              .run = run,
                              .stub = true}; /* of a run that is there */
    refuse(copy, &bad);
    fixture_commit(copy);
    assert_sound(copy);
    assert_same(fixture, copy);
    rows_free(&rows);
    copy_teardown(copy);
}

static void the_name_must_be_that_of_the_options(void **state)
{
    struct fixture *fixture = *state;
    struct fixture *copy = copy_setup();
    struct rows rows = {0};

    fixture_close(copy);
    fixture_empty(copy->directory);
    copy->options.name = "another";
    fixture_open(copy);
    fixture_open(fixture);
    rows_take(fixture, 0, 0, &rows);
    refuse(copy, &rows.kept[0].row);
    rows_free(&rows);
    copy_teardown(copy);
}

/* Goal: an import that was interrupted goes on where it stood; without a single row
 * the journal opens for an import only. */
static void an_import_can_be_continued(void **state)
{
    struct fixture *fixture = *state;
    struct fixture *copy = copy_setup();
    struct rows rows = {0};

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 3, 3000);
    rows_take(fixture, 0, 0, &rows);
    fixture_close(copy);
    copy->options.import = false;
    assert_int_equal(sw_journal_open(&copy->options, &copy->journal, &copy->err), SW_CORRUPT);
    copy->options.import = true;
    fixture_open(copy);
    for (size_t i = 0; i < rows.count; i++) {
        import(copy, &rows.kept[i].row);
        sw_journal_rollback(copy->journal);
        import(copy, &rows.kept[i].row);
        fixture_commit(copy);
        assert_int_equal(fixture_lsn(copy), i + 1);
        assert_memory_equal(sw_journal_state(copy->journal)->uuid,
                            sw_journal_state(fixture->journal)->uuid, 16);
        fixture_reopen(copy);
    }
    copy->options.import = false;
    fixture_reopen(copy);
    assert_sound(copy);
    (void)fixture_whole_run(copy, "run-2", 1, 10); /* it lives on */
    assert_sound(copy);
    rows_free(&rows);
    copy_teardown(copy);
}

/* A body is the fields and a checksum. */
static void size_take(struct fixture *fixture, uint64_t first, uint64_t last,
                      const struct rows *rows)
{
    struct sw_journal_reader *reader = NULL;
    uint64_t fields = 0;
    uint64_t count;
    uint64_t bytes;

    fixture_ok(fixture, sw_journal_reader_open(fixture->directory, NULL, &reader, &fixture->err));
    fixture_ok(fixture, sw_journal_reader_size(reader, first, last, &count, &bytes, &fixture->err));
    sw_journal_reader_close(reader);
    for (size_t i = 0; i < rows->count; i++)
        fields += rows->kept[i].row.fields.size;
    assert_int_equal(count, rows->count);
    assert_true(bytes >= fields && bytes <= fields + 8 * count);
}

static void rows_are_given_between_bounds(void **state)
{
    struct sw_journal_reader *reader = NULL;
    struct fixture *fixture = *state;
    struct rows all = {0};
    struct rows some = {0};
    struct sw_digest chain;
    uint64_t at_ms;
    bool found;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 3, 10);
    rows_take(fixture, 0, 0, &all);
    assert_int_equal(all.count, fixture_lsn(fixture));
    rows_take(fixture, 3, 5, &some);
    assert_int_equal(some.count, 3);
    assert_int_equal(some.kept[0].row.lsn, 3);
    size_take(fixture, 3, 5, &some);
    size_take(fixture, 0, 1000, &all);
    some.stop_after = 4;
    rows_take(fixture, UINT64_MAX, UINT64_MAX, &some); /* there is none */
    rows_take(fixture, 0, 0, &some);
    assert_int_equal(some.count, 4);
    fixture_ok(fixture, sw_journal_reader_open(fixture->directory, NULL, &reader, &fixture->err));
    for (size_t i = 0; i < all.count; i++) {
        fixture_ok(fixture, sw_journal_reader_chain(reader, all.kept[i].row.lsn, &chain, &found,
                                                    &fixture->err));
        assert_true(found);
        assert_memory_equal(&chain, &all.kept[i].row.chain, sizeof(chain));
        fixture_ok(fixture, sw_log_row_time(&all.kept[i].row, &at_ms, &fixture->err));
        assert_true(at_ms >= FIXTURE_NOW_MS && at_ms < fixture->now_ms);
    }
    fixture_ok(fixture,
               sw_journal_reader_chain(reader, all.count + 1, &chain, &found, &fixture->err));
    assert_false(found);
    sw_journal_reader_close(reader);
    all.kept[1].row.fields.size = 3; /* the time's bytes are cut */
    assert_int_equal(sw_log_row_time(&all.kept[1].row, &at_ms, &fixture->err), SW_CORRUPT);
    all.kept[1].row.stub = true;
    fixture_ok(fixture, sw_log_row_time(&all.kept[1].row, &at_ms, &fixture->err));
    assert_int_equal(at_ms, 0);
    rows_free(&all);
    rows_free(&some);
}

/* Goal: an epoch that was set is in the file, and the next owner's is above it. */
static void an_epoch_can_be_set(void **state)
{
    struct fixture *fixture = *state;

    fixture_open(fixture);
    assert_int_equal(sw_journal_state(fixture->journal)->epoch, 1);
    (void)fixture_append(fixture, fixture_run(fixture, "run-1"));
    fixture_ok(fixture, sw_journal_set_epoch(fixture->journal, 40, &fixture->err));
    assert_int_equal(sw_journal_state(fixture->journal)->epoch, 40);
    assert_int_equal(fixture_query(fixture, "SELECT value FROM meta WHERE key = 'epoch'"), 40);
    assert_int_equal(fixture_query(fixture, "SELECT max(lsn) FROM log"), 2);
    fixture_reopen(fixture);
    assert_int_equal(sw_journal_state(fixture->journal)->epoch, 41);
    assert_sound(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rebuilt_journal_is_the_original, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_run_half_removed_is_given_as_removed, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_row_that_does_not_follow_is_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_run_index_must_agree, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_name_must_be_that_of_the_options, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(an_import_can_be_continued, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(rows_are_given_between_bounds, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(an_epoch_can_be_set, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
