/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: only a journal of a version we know is taken for one, and what meta says is
 * checked.
 */
#include "fixture.h"
#include "storage/journal/pending.h"
#include "storage/journal/schema.h"

static void open_db(struct fixture *fixture, struct sw_db *db)
{
    fixture_ok(fixture, sw_db_open(db, fixture->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                   NULL, &fixture->err));
}

static void an_empty_file_becomes_a_journal(void **state)
{
    struct fixture *fixture = *state;
    struct sw_pending pending = {0};
    uint64_t version = 99;
    struct sw_db db;

    open_db(fixture, &db);
    fixture_ok(fixture, sw_schema_version(&db, &version, &fixture->err));
    assert_int_equal(version, 0);
    fixture_ok(fixture, sw_schema_migrate(&db, 0, &fixture->err));
    fixture_ok(fixture, sw_schema_version(&db, &version, &fixture->err));
    assert_int_equal(version, SW_SCHEMA_VERSION);
    /* Every statement fits the tables. */
    fixture_ok(fixture, sw_pending_register(&pending, &db, &fixture->err));
    for (enum sw_sql sql = 0; sql < SW_SQL_COUNT; sql++) {
        sqlite3_stmt *statement;

        fixture_ok(fixture, sw_db_prepare(&db, sql, &statement, &fixture->err));
    }
    sw_db_close(&db);
}

static void a_newer_version_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct sw_journal_reader *reader;

    fixture_open(fixture);
    fixture_close(fixture);
    fixture_tamper(fixture, "PRAGMA user_version=2");
    assert_int_equal(sw_journal_open(&fixture->options, &fixture->journal, &fixture->err),
                     SW_JOURNAL_TOO_NEW);
    assert_int_equal(sw_journal_reader_open(fixture->directory, NULL, &reader, &fixture->err),
                     SW_JOURNAL_TOO_NEW);
    assert_non_null(strstr(fixture->err.text, "version 2"));
}

static void a_database_of_somebody_else_is_refused(void **state)
{
    static const char *const others[] = {
        "CREATE TABLE t(x)",
        "PRAGMA user_version=1",
        "PRAGMA application_id=7; PRAGMA user_version=1; CREATE TABLE t(x)",
        "PRAGMA application_id=1400130663",
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct fixture *fixture = *state;

        fixture_empty(fixture->directory);
        fixture_tamper(fixture, others[i]);
        assert_int_equal(sw_journal_open(&fixture->options, &fixture->journal, &fixture->err),
                         SW_CORRUPT);
        assert_non_null(strstr(fixture->err.text, "no Stepwell journal"));
    }
}

static void meta_comes_back(void **state)
{
    struct sw_meta meta = {
        .uuid = {1, 2}, .name = "n", .created_ms = 3, .epoch = 4, .indexed_lsn = 5};
    struct fixture *fixture = *state;
    struct sw_meta back;
    struct sw_db db;

    open_db(fixture, &db);
    fixture_ok(fixture, sw_schema_migrate(&db, 0, &fixture->err));
    fixture_ok(fixture, sw_meta_write(&db, &meta, &fixture->err));
    meta.epoch++;
    fixture_ok(fixture, sw_meta_write(&db, &meta, &fixture->err));
    fixture_ok(fixture, sw_meta_read(&db, &back, &fixture->err));
    assert_memory_equal(back.uuid, meta.uuid, sizeof(meta.uuid));
    assert_string_equal(back.name, "n");
    assert_int_equal(back.created_ms, 3);
    assert_int_equal(back.epoch, 5);
    assert_int_equal(back.indexed_lsn, 5);
    sw_db_close(&db);
}

static void changed_meta_is_refused(void **state)
{
    static const char *const changes[] = {
        "UPDATE meta SET value = value + 1 WHERE key = 'epoch'",
        "UPDATE meta SET value = value + 1 WHERE key = 'indexed_lsn'",
        "UPDATE meta SET value = value + 1 WHERE key = 'created_ms'",
        "UPDATE meta SET value = value + 1 WHERE key = 'check'",
        "UPDATE meta SET value = 'tesu' WHERE key = 'name'",
        "UPDATE meta SET value = '' WHERE key = 'name'",
        "UPDATE meta SET value = zeroblob(500) WHERE key = 'name'",
        "UPDATE meta SET value = zeroblob(16) WHERE key = 'uuid'",
        "UPDATE meta SET value = zeroblob(15) WHERE key = 'uuid'",
        "UPDATE meta SET key = 'epocH' WHERE key = 'epoch'",
        "DELETE FROM meta WHERE key = 'uuid'",
        "DELETE FROM meta",
        "DROP TABLE meta",
        "ALTER TABLE meta RENAME COLUMN value TO walue",
    };

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct fixture *fixture = *state;
        struct sw_verify_report report;

        fixture_empty(fixture->directory);
        fixture_open(fixture);
        fixture_close(fixture);
        fixture_tamper(fixture, changes[i]);
        if (sw_journal_open(&fixture->options, &fixture->journal, &fixture->err) != SW_CORRUPT)
            fail_msg("open: %s", changes[i]);
        if (fixture_verify(fixture, &report) != SW_CORRUPT)
            fail_msg("verify: %s", changes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_file_becomes_a_journal, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_newer_version_is_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_database_of_somebody_else_is_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(meta_comes_back, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(changed_meta_is_refused, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
