/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: runs go when their time has come, with all that only they need, and what is left is
 * a sound journal at every step.
 */
#include "fixture.h"
#include "storage/base/fault.h"
#include "storage/journal/journal.intern.h"
#include "workload.h"

static uint64_t count(struct fixture *fixture, const char *what)
{
    char sql[200];

    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", what);
    return fixture_query(fixture, sql);
}

static void assert_sound(struct fixture *fixture)
{
    struct sw_verify_report report;

    fixture_ok(fixture, fixture_verify(fixture, &report));
}

/* One piece; whether there was one. */
static bool retain(struct fixture *fixture, uint64_t now_ms)
{
    bool more;

    fixture_ok(fixture, sw_retain(fixture->journal, now_ms, &more, &fixture->err));
    return more;
}

static void runs_go_when_their_time_has_come(void **state)
{
    struct fixture *fixture = *state;
    uint64_t ended_ms;

    fixture->options.retention_ms = 1000;
    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "first", 2, 3000);
    ended_ms = fixture->now_ms - 1;
    fixture->now_ms += 5000;
    (void)fixture_whole_run(fixture, "second", 2, 3000);
    (void)fixture_append(fixture, fixture_run(fixture, "running"));
    fixture_commit(fixture);
    assert_false(retain(fixture, ended_ms + 1000));
    assert_int_equal(count(fixture, "run"), 3);
    assert_true(retain(fixture, ended_ms + 2001)); /* it looks once a second */
    assert_int_equal(count(fixture, "run WHERE id = 'first'"), 0);
    assert_int_equal(count(fixture, "run"), 2);
    assert_sound(fixture);
    fixture_maintain(fixture, fixture->now_ms + 100000000);
    assert_int_equal(count(fixture, "run"), 1); /* what runs stays, however old */
    assert_sound(fixture);
}

static void without_retention_all_stays(void **state)
{
    struct fixture *fixture = *state;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 2, 10);
    fixture_maintain(fixture, UINT64_MAX / 2);
    assert_int_equal(count(fixture, "run"), 1);
}

/* Goal: a long run goes in pieces, each a sound journal; readers do not see half of it come back.
 */
static void a_long_run_goes_in_pieces(void **state)
{
    struct fixture *fixture = *state;
    int pieces = 0;

    fixture->options.retention_ms = 1;
    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "long", 400, 1500);
    for (; retain(fixture, fixture->now_ms + 10); pieces++) {
        assert_true(count(fixture, "run WHERE purged = 0") == 0);
        assert_sound(fixture);
        if (pieces == 1)
            fixture_reopen(fixture);
    }
    assert_true(pieces > 4);
    assert_int_equal(count(fixture, "run"), 0);
    assert_int_equal(
        count(fixture, "run_log") + count(fixture, "chunk") + count(fixture, "chunk_use"), 0);
    /* The first record, and the newest, to which the next is chained. */
    assert_int_equal(count(fixture, "log"), 2);
    assert_int_equal(fixture_query(fixture, "SELECT max(lsn) FROM log"), fixture_lsn(fixture));
    (void)fixture_whole_run(fixture, "next", 1, 10);
    assert_sound(fixture);
}

/* Goal: of bytes that two runs share, the last one to go takes them along. */
static void shared_chunks_go_with_the_last_run(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t bytes[30000];
    struct sw_record record;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)sw_hash64(sw_span_of(&i, sizeof(i)), 1);
    fixture->options.retention_ms = 1000;
    fixture_open(fixture);
    for (int i = 0; i < 2; i++) {
        struct sw_record end;

        record = fixture_run(fixture, i == 0 ? "first" : "second");
        record.u.run_started.input = fixture_payload(bytes, sizeof(bytes));
        fixture_ok(fixture, sw_journal_append(fixture->journal, &record, &fixture->err));
        end = fixture_ended(fixture, record.lsn);
        (void)fixture_append(fixture, end);
        fixture_commit(fixture);
        fixture->now_ms += 5000;
    }
    assert_true(retain(fixture, FIXTURE_NOW_MS + 3000));
    assert_false(retain(fixture, FIXTURE_NOW_MS + 3000));
    assert_int_equal(count(fixture, "run"), 1);
    assert_true(count(fixture, "chunk") > 0);
    assert_sound(fixture); /* reads the second run's bytes */
    fixture_maintain(fixture, fixture->now_ms + 5000);
    assert_int_equal(count(fixture, "chunk"), 0);
    assert_int_equal(count(fixture, "log WHERE type = 11 AND body IS NOT NULL"), 0);
    assert_sound(fixture);
}

/* Goal: what is to be kept is kept, and goes once it is released. */
static void runs_behind_a_record_are_kept(void **state)
{
    struct fixture *fixture = *state;
    uint64_t first_end;

    fixture->options.retention_ms = 1;
    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "first", 1, 10);
    first_end = fixture_lsn(fixture);
    (void)fixture_whole_run(fixture, "second", 1, 10);
    sw_journal_keep_after(fixture->journal, first_end - 1);
    fixture_maintain(fixture, fixture->now_ms += 5000);
    assert_int_equal(count(fixture, "run"), 2);
    fixture_reopen(fixture); /* it is remembered */
    fixture_maintain(fixture, fixture->now_ms += 5000);
    assert_int_equal(count(fixture, "run"), 2);
    sw_journal_keep_after(fixture->journal, first_end);
    fixture_maintain(fixture, fixture->now_ms += 5000);
    assert_int_equal(count(fixture, "run WHERE id = 'second'"), 1);
    assert_int_equal(count(fixture, "run"), 1);
    sw_journal_keep_after(fixture->journal, 0);
    fixture_maintain(fixture, fixture->now_ms += 5000);
    assert_int_equal(count(fixture, "run"), 0);
}

/* Goal: no two stubs are neighbours, in any life. */
static void stubs_do_not_pile_up(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct fixture *fixture = *state;

        fixture_close(fixture);
        fixture_empty(fixture->directory);
        workload_run(fixture, seed, 300);
        fixture_maintain(fixture, fixture->now_ms);
        assert_true(count(fixture, "log WHERE body IS NULL") > 0);
        assert_int_equal(count(fixture, "log AS a, log AS b WHERE a.body IS NULL AND b.body IS NULL"
                                        " AND b.lsn = a.lsn + 1"),
                         0);
        assert_sound(fixture);
    }
}

static void a_piece_is_there_or_not(void **state)
{
    static const char *const points[] = {"journal.before_purge", "journal.before_commit",
                                         "journal.after_purge"};

    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        struct fixture *fixture = *state;
        bool more;

        fixture_close(fixture);
        fixture_empty(fixture->directory);
        fixture->options.retention_ms = 1;
        fixture_open(fixture);
        (void)fixture_whole_run(fixture, "run-1", 2, 3000);
        fixture_ok(fixture, sw_late_index(fixture->journal, UINT64_MAX, &fixture->err));
        sw_fault_arm(points[i], 1);
        assert_int_equal(sw_retain(fixture->journal, fixture->now_ms + 10, &more, &fixture->err),
                         SW_STORAGE_FAILED);
        assert_true(sw_fault_disarm());
        fixture_reopen(fixture);
        assert_int_equal(count(fixture, "run"), i == 2 ? 0 : 1);
        assert_sound(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_go_when_their_time_has_come, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(without_retention_all_stays, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_long_run_goes_in_pieces, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(shared_chunks_go_with_the_last_run, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(runs_behind_a_record_are_kept, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(stubs_do_not_pile_up, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_piece_is_there_or_not, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
