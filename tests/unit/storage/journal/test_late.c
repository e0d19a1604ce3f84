/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: the late indexes are complete up to indexed_lsn, and nobody sees what they lack.
 */
#include "fixture.h"
#include "storage/base/fault.h"
#include "storage/journal/journal.intern.h"

static void index_some(struct fixture *fixture, uint64_t rows_max)
{
    fixture_ok(fixture, sw_late_index(fixture->journal, rows_max, &fixture->err));
}

/* Goal: readers see the same before, between and after the slices. */
static void slices_change_nothing_one_can_see(void **state)
{
    struct fixture *fixture = *state;
    struct sw_verify_report report = {0};
    struct seen before = {0};
    struct seen after = {0};
    uint64_t indexed = 0;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 5, 3000);
    (void)fixture_whole_run(fixture, "run-2", 5, 10);
    fixture_ok(fixture, seen_all(fixture->path, &before, &fixture->err));
    while (indexed < fixture_lsn(fixture)) {
        index_some(fixture, 4);
        indexed += 4;
        if (indexed > fixture_lsn(fixture))
            indexed = fixture_lsn(fixture);
        assert_int_equal(sw_journal_state(fixture->journal)->indexed_lsn, indexed);
        assert_int_equal(fixture_query(fixture, "SELECT value FROM meta WHERE key = 'indexed_lsn'"),
                         indexed);
        assert_int_equal(fixture_query(fixture, "SELECT max(last) FROM run_log"),
                         fixture_query(fixture,
                                       "SELECT max(lsn) FROM log WHERE run > 0 AND lsn <= (SELECT"
                                       " value FROM meta WHERE key = 'indexed_lsn')"));
        fixture_ok(fixture, seen_all(fixture->path, &after, &fixture->err));
        assert_int_equal(before.hash, after.hash);
        fixture_ok(fixture, fixture_verify(fixture, &report));
    }
    assert_int_equal(fixture_query(fixture, "SELECT sum(json_array_length(lsns)) FROM run_log"),
                     fixture_query(fixture, "SELECT count(*) FROM log WHERE run > 0"));
}

static struct sw_record input_of(struct fixture *fixture, const char *run_id)
{
    static uint8_t bytes[30000];
    struct sw_record run = fixture_run(fixture, run_id);

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)sw_hash64(sw_span_of(&i, sizeof(i)), 1);
    run.u.run_started.input = fixture_payload(bytes, sizeof(bytes));
    return run;
}

/* Goal: a chunk is stored once, whether the index knows it, memory does, or the file is
 * opened anew. */
static void chunks_are_known_at_any_time(void **state)
{
    struct fixture *fixture = *state;
    uint64_t chunks;

    fixture_open(fixture);
    (void)fixture_append(fixture, input_of(fixture, "run-1"));
    fixture_commit(fixture);
    chunks = fixture_query(fixture, "SELECT count(*) FROM log WHERE type = 11");
    assert_true(chunks > 0);
    assert_true(fixture->journal->recent.count > 0);
    (void)fixture_append(fixture, input_of(fixture, "run-2")); /* remembered */
    fixture_commit(fixture);
    fixture_reopen(fixture);
    assert_true(fixture->journal->recent.count > 0);
    (void)fixture_append(fixture, input_of(fixture, "run-3")); /* loaded */
    fixture_commit(fixture);
    index_some(fixture, UINT64_MAX);
    assert_int_equal(fixture->journal->recent.count, 0);
    (void)fixture_append(fixture, input_of(fixture, "run-4")); /* indexed */
    fixture_commit(fixture);
    assert_int_equal(fixture_query(fixture, "SELECT count(*) FROM log WHERE type = 11"), chunks);
    index_some(fixture, UINT64_MAX);
    assert_int_equal(fixture_query(fixture, "SELECT count(DISTINCT run) FROM chunk_use"), 4);
    assert_int_equal(fixture_query(fixture, "SELECT sum(size) FROM chunk"), 30000);
}

/* Goal: a slice that fails is not half there. */
static void a_slice_is_there_or_not(void **state)
{
    static const char *const points[] = {"journal.before_index", "journal.before_commit",
                                         "journal.after_index"};

    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        struct fixture *fixture = *state;
        struct sw_verify_report report = {0};

        fixture_empty(fixture->directory);
        fixture_open(fixture);
        (void)fixture_whole_run(fixture, "run-1", 5, 3000);
        sw_fault_arm(points[i], 1);
        assert_int_equal(sw_late_index(fixture->journal, 6, &fixture->err), SW_STORAGE_FAILED);
        assert_true(sw_fault_disarm());
        fixture_reopen(fixture);
        assert_int_equal(sw_journal_state(fixture->journal)->indexed_lsn, i == 2 ? 6 : 0);
        fixture_ok(fixture, fixture_verify(fixture, &report));
        fixture_close(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slices_change_nothing_one_can_see, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(chunks_are_known_at_any_time, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_slice_is_there_or_not, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
