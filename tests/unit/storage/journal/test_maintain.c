/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: maintenance comes in pieces, does the urgent ones always and the others when there
 * is time, and comes to an end.
 */
#include "fixture.h"
#include "storage/journal/journal.intern.h"

static bool maintain(struct fixture *fixture, bool idle)
{
    bool more;

    fixture_ok(fixture,
               sw_journal_maintain(fixture->journal, fixture->now_ms, idle, &more, &fixture->err));
    return more;
}

static void append_leases(struct fixture *fixture, uint64_t run, int count)
{
    for (int i = 0; i < count; i++)
        (void)fixture_append(fixture,
                             (struct sw_record){.type = SW_RECORD_LEASE_TAKEN,
                                                .run = run,
                                                .at_ms = fixture->now_ms++,
                                                .lease = 1,
                                                .u.lease_taken.holder = sw_span_of_text("pod")});
    fixture_commit(fixture);
}

static void a_small_journal_has_no_work(void **state)
{
    struct fixture *fixture = *state;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 5, 10);
    assert_false(maintain(fixture, false));
    assert_false(maintain(fixture, true));
    assert_int_equal(sw_journal_state(fixture->journal)->indexed_lsn, 0);
}

/* Goal: a few hundred rows are indexed when there is time, many at once, in slices. */
static void rows_are_indexed_when_it_is_time(void **state)
{
    struct fixture *fixture = *state;
    uint64_t run;

    fixture_open(fixture);
    run = fixture_append(fixture, fixture_run(fixture, "run-1"));
    append_leases(fixture, run, 300);
    (void)maintain(fixture, false);
    assert_int_equal(sw_journal_state(fixture->journal)->indexed_lsn, 0);
    assert_true(maintain(fixture, true));
    assert_int_equal(sw_journal_state(fixture->journal)->indexed_lsn, fixture_lsn(fixture));
    append_leases(fixture, run, 10000);
    for (int i = 0; i < 20 && maintain(fixture, false); i++)
        ;
    assert_true(sw_journal_state(fixture->journal)->indexed_lsn > 300);
    assert_true(sw_journal_state(fixture->journal)->indexed_lsn < fixture_lsn(fixture));
    assert_false(maintain(fixture, false));
}

/* Goal: however much is written, the WAL file stays about what was written ahead. */
static void the_wal_stays_small(void **state)
{
    struct fixture *fixture = *state;
    char run_id[16];
    struct stat file;
    char path[FIXTURE_PATH_MAX + 8];

    fixture_open(fixture);
    for (int i = 0; i < 40; i++) {
        (void)snprintf(run_id, sizeof(run_id), "run-%d", i);
        (void)fixture_whole_run(fixture, run_id, 20, 40000);
        while (maintain(fixture, false))
            ;
    }
    (void)snprintf(path, sizeof(path), "%s-wal", fixture->path);
    assert_int_equal(stat(path, &file), 0);
    assert_true(sw_journal_state(fixture->journal)->bytes > 30u * 1024 * 1024);
    assert_true(file.st_size <= SW_WAL_BYTES);
    assert_true(fixture->journal->wal_pages < SW_WAL_BYTES / SW_WAL_FRAME_SIZE);
}

/* Goal: when there is time, the WAL is folded back long before it must be. */
static void the_wal_is_folded_back_when_there_is_time(void **state)
{
    struct fixture *fixture = *state;
    uint64_t tried;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 30, 20000);
    assert_in_range(fixture->journal->wal_pages, 65, 255);
    tried = fixture->journal->wal_pages_tried;
    (void)maintain(fixture, false);
    assert_int_equal(fixture->journal->wal_pages_tried, tried);
    fixture_maintain(fixture, fixture->now_ms);
    assert_int_equal(fixture->journal->wal_pages_tried, fixture->journal->wal_pages);
}

static void a_failed_journal_is_not_maintained(void **state)
{
    struct fixture *fixture = *state;
    bool more;

    fixture_open(fixture);
    fixture->journal->failed = true;
    assert_int_equal(
        sw_journal_maintain(fixture->journal, fixture->now_ms, true, &more, &fixture->err),
        SW_STORAGE_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_small_journal_has_no_work, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(rows_are_indexed_when_it_is_time, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_wal_stays_small, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_wal_is_folded_back_when_there_is_time, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_failed_journal_is_not_maintained, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
