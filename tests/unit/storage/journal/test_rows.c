/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a journal made of another's rows is that journal, table by table; a row that does
 * not follow is refused and leaves nothing behind.
 */
#include "storage/journal/rows.h"

#include "fixture.h"
#include "storage/journal/journal.intern.h"
#include "workload.h"

enum { TURNS = 400, SEEDS = 12, COMMIT_EVERY = 64 };

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rebuilt_journal_is_the_original, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
