/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: whatever is changed in a file is found, and named by its record.
 */
#include "fixture.h"
#include "storage/journal/journal.intern.h"
#include "workload.h"

static void a_sound_journal_is_counted(void **state)
{
    struct fixture *fixture = *state;
    struct sw_verify_report report = {0};

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 3, 3000);
    (void)fixture_whole_run(fixture, "run-2", 1, 10);
    fixture_ok(fixture, fixture_verify(fixture, &report));
    assert_int_equal(report.records, fixture_lsn(fixture));
    assert_int_equal(report.purged, 0);
    assert_int_equal(report.runs, 2);
    assert_int_equal(report.payload_bytes, 2 * (2 + 1) + 4 * 2 + 3 * 3000 + 10);
    assert_int_equal(report.chunk_bytes, 3 * 3000);
    assert_int_equal(report.bad_lsn, 0);
    fixture->options.retention_ms = 1;
    fixture_reopen(fixture);
    fixture_maintain(fixture, fixture->now_ms + 10);
    fixture_ok(fixture, fixture_verify(fixture, &report));
    assert_int_equal(report.records, 1);
    assert_int_equal(report.purged, 1);
    assert_int_equal(report.runs, 0);
}

struct change {
    const char *sql;
    uint64_t bad_lsn; /* 0: the structure, or no single record */
};

/* Records: 1 created, 2 run-1, 3 begun, 4 chunk, 5 completed, 6 ended, 7 run-2, 8 begun,
 * 9 chunk, 10 completed; the first six are indexed. */
static const struct change changes[] = {
    {"UPDATE log SET body = zeroblob(length(body)) WHERE lsn = 3", 3},
    {"UPDATE log SET body = NULL WHERE lsn = 1", 1},
    {"UPDATE log SET body = NULL WHERE lsn = 3", 3},
    {"UPDATE log SET body = NULL WHERE lsn = 10", 10},
    {"UPDATE log SET body = NULL WHERE lsn = 4", 5},
    {"UPDATE log SET chunked = 0 WHERE lsn = 5", 5},
    {"UPDATE log SET chunked = 1 WHERE lsn = 3", 3},
    {"DELETE FROM log WHERE lsn = 3", 4},
    {"DELETE FROM log WHERE lsn > 5", 0},
    {"DELETE FROM log WHERE lsn = 1", 2},
    {"UPDATE log SET body = (SELECT body FROM log WHERE lsn = 8) WHERE lsn = 3", 3},
    {"UPDATE run SET id = 'other' WHERE no = 2", 2},
    {"UPDATE run SET steps = 7 WHERE no = 2", 6},
    {"UPDATE run SET purged = 1 WHERE no = 2", 2},
    {"UPDATE run SET purged = 1 WHERE no = 7", 7},
    {"UPDATE run SET steps = 7 WHERE no = 7", 7},
    {"UPDATE run SET state = 2 WHERE no = 7", 7},
    {"UPDATE run SET state = 2, ended_ms = 5, end_lsn = 10 WHERE no = 7", 7},
    {"INSERT INTO run VALUES (5, 'new', 't', 1, 1, 0, 0, 0, 0)", 5},
    {"DELETE FROM run WHERE no = 7", 7},
    {"UPDATE run_log SET lsns = '[2,3,5]' WHERE run = 2", 0},
    {"UPDATE run_log SET lsns = '[2,3,5,6,8]' WHERE run = 2", 0},
    {"UPDATE run_log SET lsns = '[2,3,3,6]' WHERE run = 2", 0},
    {"UPDATE run_log SET lsns = '[2,5,3,6]' WHERE run = 2", 0},
    {"UPDATE run_log SET first = 3 WHERE run = 2", 0},
    {"UPDATE run_log SET last = 5 WHERE run = 2", 0},
    {"UPDATE run_log SET run = 7 WHERE run = 2", 0},
    {"DELETE FROM run_log", 0},
    {"DELETE FROM chunk WHERE lsn = 4", 4},
    {"UPDATE chunk SET offset = offset + 1 WHERE lsn = 4", 4},
    {"INSERT INTO chunk VALUES (zeroblob(32), 4, 0, 1)", 0},
    {"DELETE FROM chunk_use", 5},
    {"INSERT INTO chunk_use VALUES (2, 3)", 0},
    {"INSERT INTO chunk_use VALUES (99, 4)", 0},
    {"DELETE FROM meta WHERE key = 'epoch'", 0},
    {"UPDATE meta SET value = 'other' WHERE key = 'name'", 0},
};

static void a_change_is_found(void **state)
{
    static const uint8_t bytes[2000] = {7};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct sw_verify_report report = {0};
        enum sw_code code;

        fixture_empty(fixture->directory);
        fixture->now_ms = FIXTURE_NOW_MS;
        fixture_open(fixture);
        (void)fixture_whole_run(fixture, "run-1", 1, 3000);
        fixture_ok(fixture, sw_late_index(fixture->journal, UINT64_MAX, &fixture->err));
        (void)fixture_append(fixture, fixture_run(fixture, "run-2"));
        (void)fixture_append(fixture, fixture_begun(fixture, 7, "a", "[]", 2));
        (void)fixture_append(fixture, fixture_completed(fixture, 7, "a", bytes, sizeof(bytes)));
        fixture_commit(fixture);
        assert_int_equal(fixture_lsn(fixture), 10);
        fixture_close(fixture);
        fixture_tamper(fixture, changes[i].sql);
        code = fixture_verify(fixture, &report);
        if (code != SW_CORRUPT || report.bad_lsn != changes[i].bad_lsn)
            fail_msg("%s: %s, record %llu: %s", changes[i].sql, sw_code_name(code),
                     (unsigned long long)report.bad_lsn, fixture->err.text);
    }
}

/* Goal: a damaged page is found whatever is in it. */
static void a_damaged_page_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct stat file;
    int missed = 0;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 20, 3000);
    fixture_ok(fixture, sw_late_index(fixture->journal, UINT64_MAX, &fixture->err));
    fixture_close(fixture);
    assert_int_equal(stat(fixture->path, &file), 0);
    for (long page = 0; page < file.st_size / SW_PAGE_SIZE; page++) {
        struct sw_verify_report report = {0};
        uint8_t before[8];
        uint8_t after[8];
        FILE *db = fopen(fixture->path, "r+");

        assert_non_null(db);
        assert_int_equal(fseek(db, page * SW_PAGE_SIZE + SW_PAGE_SIZE - 20, SEEK_SET), 0);
        assert_int_equal(fread(before, 1, sizeof(before), db), sizeof(before));
        for (size_t i = 0; i < sizeof(after); i++)
            after[i] = (uint8_t)~before[i];
        assert_int_equal(fseek(db, page * SW_PAGE_SIZE + SW_PAGE_SIZE - 20, SEEK_SET), 0);
        assert_int_equal(fwrite(after, 1, sizeof(after), db), sizeof(after));
        (void)fflush(db);
        missed += fixture_verify(fixture, &report) == SW_OK;
        assert_int_equal(fseek(db, page * SW_PAGE_SIZE + SW_PAGE_SIZE - 20, SEEK_SET), 0);
        assert_int_equal(fwrite(before, 1, sizeof(before), db), sizeof(before));
        (void)fclose(db);
    }
    assert_true(missed < file.st_size / SW_PAGE_SIZE / 4); /* there are bytes of no meaning */
}

static void any_life_is_sound(void **state)
{
    for (uint64_t seed = 100; seed < 104; seed++) {
        struct fixture *fixture = *state;
        struct sw_verify_report report = {0};

        fixture_close(fixture);
        fixture_empty(fixture->directory);
        workload_run(fixture, seed, 300);
        fixture_ok(fixture, fixture_verify(fixture, &report));
        assert_true(report.records > 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sound_journal_is_counted, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_change_is_found, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_page_is_found, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(any_life_is_sound, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
