/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: an SQLite failure becomes the code a caller can act upon, and names the file.
 */
#include "fixture.h"
#include "storage/journal/db.h"

static void results_have_their_codes(void **state)
{
    static const struct {
        int rc;
        enum sw_code code;
    } cases[] = {
        {SQLITE_FULL, SW_JOURNAL_FULL},
        {SQLITE_NOMEM, SW_NO_MEMORY},
        {SQLITE_CORRUPT, SW_CORRUPT},
        {SQLITE_CORRUPT_VTAB, SW_CORRUPT},
        {SQLITE_NOTADB, SW_CORRUPT},
        {SQLITE_ERROR, SW_CORRUPT},
        {SQLITE_IOERR_SHORT_READ, SW_CORRUPT},
        {SQLITE_BUSY, SW_JOURNAL_LOCKED},
        {SQLITE_BUSY_RECOVERY, SW_JOURNAL_LOCKED},
        {SQLITE_IOERR, SW_STORAGE_FAILED},
        {SQLITE_IOERR_FSYNC, SW_STORAGE_FAILED},
        {SQLITE_IOERR_WRITE, SW_STORAGE_FAILED},
        {SQLITE_READONLY, SW_STORAGE_FAILED},
        {SQLITE_CANTOPEN, SW_STORAGE_FAILED},
    };
    char path[] = "/dir/journal.db";
    struct sw_db db = {.path = path};
    struct sw_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(sw_db_fail(&db, cases[i].rc, "commit", &err), cases[i].code);
        assert_non_null(strstr(err.text, "/dir/journal.db: commit: "));
        assert_int_equal(sw_db_fail(&db, cases[i].rc, "commit", NULL), cases[i].code);
    }
}

static void a_file_that_cannot_be_opened_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct sw_db db;

    assert_int_equal(
        sw_db_open(&db, "/no/such/place.db", SQLITE_OPEN_READWRITE, NULL, &fixture->err),
        SW_STORAGE_FAILED);
    assert_non_null(strstr(fixture->err.text, "/no/such/place.db"));
    assert_null(db.handle);
    assert_int_equal(sw_db_open(&db, fixture->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                "no-such-vfs", &fixture->err),
                     SW_CORRUPT);
}

static void values_go_in_and_come_out(void **state)
{
    struct fixture *fixture = *state;
    sqlite3_stmt *statement;
    uint64_t value = 0;
    struct sw_db db;
    int rc;

    fixture_ok(fixture, sw_db_open(&db, fixture->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                   NULL, &fixture->err));
    fixture_ok(fixture, sw_db_exec(&db, "CREATE TABLE t(a, b, c)", &fixture->err));
    rc = sqlite3_prepare_v2(db.handle, "INSERT INTO t VALUES (?1, ?2, ?3) RETURNING a, b, c", -1,
                            &statement, NULL);
    assert_int_equal(rc, SQLITE_OK);
    sw_bind_u64(statement, 1, INT64_MAX);
    sw_bind_blob(statement, 2, (struct sw_span){0});
    sw_bind_text(statement, 3, (struct sw_span){0});
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_true(sw_column_u64(statement, 0) == INT64_MAX);
    assert_int_equal(sqlite3_column_type(statement, 1), SQLITE_BLOB);
    assert_int_equal(sqlite3_column_type(statement, 2), SQLITE_TEXT);
    assert_int_equal(sw_column_span(statement, 2).size, 0);
    (void)sqlite3_finalize(statement);
    fixture_ok(fixture, sw_db_get(&db, "SELECT a FROM t", &value, &fixture->err));
    assert_true(value == INT64_MAX);
    fixture_ok(fixture, sw_db_get(&db, "SELECT a FROM t WHERE 0", &value, &fixture->err));
    assert_int_equal(value, 0);
    assert_int_equal(sw_db_get(&db, "SELECT nothing", &value, &fixture->err), SW_CORRUPT);
    assert_int_equal(sw_db_exec(&db, "SELECT nothing", &fixture->err), SW_CORRUPT);
    assert_int_equal(sw_db_run_with(&db, SW_SQL_LOG_UNDO, &value, 1, &fixture->err), SW_CORRUPT);
    sw_db_close(&db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_have_their_codes),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_opened_is_named, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(values_go_in_and_come_out, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
