/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: the writer finds runs and records, those of its open transaction too.
 */
#include "fixture.h"

static struct sw_run_row find(struct fixture *fixture, const char *run_id)
{
    struct sw_run_row row;

    fixture_ok(fixture, sw_journal_find_run(fixture->journal, sw_span_of_text(run_id),
                                            &fixture->arena, &row, &fixture->err));
    return row;
}

static void a_run_is_found_from_its_start(void **state)
{
    struct fixture *fixture = *state;
    struct sw_run_row row;
    struct sw_record end;
    uint64_t run;

    fixture_open(fixture);
    assert_int_equal(sw_journal_find_run(fixture->journal, sw_span_of_text("run-1"),
                                         &fixture->arena, &row, &fixture->err),
                     SW_RUN_NOT_FOUND);
    run = fixture_append(fixture, fixture_run(fixture, "run-1"));
    row = find(fixture, "run-1"); /* not committed yet */
    assert_int_equal(row.run, run);
    assert_int_equal(row.state, SW_RUN_RUNNING);
    assert_int_equal(row.started_ms, FIXTURE_NOW_MS);
    assert_int_equal(row.ended_ms + row.end_lsn + row.steps, 0);
    assert_true(sw_span_equal(row.run_id, sw_span_of_text("run-1")));
    assert_true(sw_span_equal(row.task, sw_span_of_text("task")));
    end = fixture_ended(fixture, run);
    fixture_ok(fixture, sw_journal_append_end(fixture->journal, &end, 5, &fixture->err));
    row = find(fixture, "run-1");
    assert_int_equal(row.state, SW_RUN_COMPLETED);
    assert_int_equal(row.end_lsn, end.lsn);
    assert_int_equal(row.ended_ms, end.at_ms);
    assert_int_equal(row.steps, 5);
    assert_false(row.purged);
    sw_journal_rollback(fixture->journal);
    assert_int_equal(sw_journal_find_run(fixture->journal, sw_span_of_text("run-1"),
                                         &fixture->arena, &row, &fixture->err),
                     SW_RUN_NOT_FOUND);
}

static void a_record_is_read_with_its_bytes(void **state)
{
    static uint8_t bytes[50000];
    struct fixture *fixture = *state;
    struct sw_record record;
    uint64_t lsns[2];
    uint64_t run;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * i / 31);
    fixture_open(fixture);
    run = fixture_append(fixture, fixture_run(fixture, "run-1"));
    lsns[0] = fixture_append(fixture, fixture_begun(fixture, run, "a", bytes, 10));
    lsns[1] = fixture_append(fixture, fixture_completed(fixture, run, "a", bytes, sizeof(bytes)));
    for (int i = 0; i < 4; i++) { /* within the transaction, and after it */
        fixture_ok(fixture, sw_journal_read(fixture->journal, lsns[i % 2], &fixture->arena, &record,
                                            &fixture->err));
        assert_int_equal(record.lsn, lsns[i % 2]);
        assert_int_equal(record.run, run);
        assert_true(sw_span_equal(record.key, sw_span_of_text("a")));
        assert_true(sw_span_equal(payload_of(&record)->data,
                                  sw_span_of(bytes, i % 2 == 0 ? 10 : sizeof(bytes))));
        if (i == 1)
            fixture_commit(fixture);
    }
}

static void what_is_not_there_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    struct sw_record record;
    uint64_t last;

    fixture->options.retention_ms = 1;
    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 1, 10);
    last = fixture_lsn(fixture);
    assert_int_equal(
        sw_journal_read(fixture->journal, last + 1, &fixture->arena, &record, &fixture->err),
        SW_RUN_NOT_FOUND);
    fixture_maintain(fixture, fixture->now_ms + 10);
    for (uint64_t lsn = last - 1; lsn <= last; lsn++) /* gone, and a stub */
        assert_int_equal(
            sw_journal_read(fixture->journal, lsn, &fixture->arena, &record, &fixture->err),
            SW_RUN_NOT_FOUND);
    fixture_ok(fixture,
               sw_journal_read(fixture->journal, 1, &fixture->arena, &record, &fixture->err));
    assert_int_equal(record.type, SW_RECORD_JOURNAL_CREATED);
}

static void a_damaged_record_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct sw_record record;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 1, 10);
    fixture_tamper(fixture, "UPDATE log SET body = zeroblob(30) WHERE lsn = 3");
    assert_int_equal(sw_journal_read(fixture->journal, 3, &fixture->arena, &record, &fixture->err),
                     SW_CORRUPT);
    assert_non_null(strstr(fixture->err.text, "record 3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_is_found_from_its_start, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_record_is_read_with_its_bytes, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_not_found, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_record_is_named, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
