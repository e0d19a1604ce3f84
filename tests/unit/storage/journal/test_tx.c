/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a transaction is there or not, a command can be taken back alone, and success is said
 * only of what is on the disk.
 */
#include "fixture.h"
#include "storage/base/fault.h"
#include "storage/journal/journal.intern.h"

static struct seen see(struct fixture *fixture)
{
    struct seen seen;

    fixture_ok(fixture, seen_all(fixture->path, &seen, &fixture->err));
    return seen;
}

static void a_rollback_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct sw_digest chain;
    struct seen before;
    uint64_t row_bytes;
    uint64_t run;
    uint64_t lsn;

    fixture_open(fixture);
    run = fixture_append(fixture, fixture_run(fixture, "run-1"));
    fixture_commit(fixture);
    before = see(fixture);
    lsn = fixture_lsn(fixture);
    chain = fixture->journal->chain;
    row_bytes = sw_journal_state(fixture->journal)->row_bytes;
    assert_true(row_bytes > 0);
    sw_journal_rollback(fixture->journal); /* of nothing */
    for (int i = 0; i < 3; i++) {
        (void)fixture_append(fixture, fixture_run(fixture, "run-2"));
        (void)fixture_append(fixture, fixture_begun(fixture, run, "a", "[]", 2));
        (void)fixture_append(fixture, fixture_ended(fixture, run));
        assert_true(sw_journal_state(fixture->journal)->row_bytes > row_bytes);
        sw_journal_rollback(fixture->journal);
        assert_int_equal(sw_journal_state(fixture->journal)->row_bytes, row_bytes);
        assert_int_equal(fixture_lsn(fixture), lsn);
        assert_memory_equal(&fixture->journal->chain, &chain, sizeof(chain));
    }
    fixture_commit(fixture);
    assert_int_equal(see(fixture).hash, before.hash);
}

/* Goal: undo drops one command, chunks and run index included, and keeps those before it. */
static void an_undo_takes_one_command_back(void **state)
{
    static uint8_t bytes[20000];
    struct fixture *fixture = *state;
    struct sw_verify_report report;
    uint64_t row_bytes;
    uint64_t run;
    uint64_t lsn;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)sw_hash64(sw_span_of(&i, sizeof(i)), 1);
    fixture_open(fixture);
    run = fixture_append(fixture, fixture_run(fixture, "run-1"));
    for (int i = 0; i < 3; i++) {
        fixture_ok(fixture, sw_journal_mark(fixture->journal, &fixture->err));
        lsn = fixture_lsn(fixture);
        row_bytes = sw_journal_state(fixture->journal)->row_bytes;
        (void)fixture_append(fixture, fixture_run(fixture, "run-2"));
        (void)fixture_append(fixture, fixture_completed(fixture, run, "a", bytes, sizeof(bytes)));
        (void)fixture_append(fixture, fixture_ended(fixture, run));
        assert_true(sw_journal_state(fixture->journal)->row_bytes > row_bytes + sizeof(bytes));
        fixture_ok(fixture, sw_journal_undo(fixture->journal, &fixture->err));
        assert_int_equal(sw_journal_state(fixture->journal)->row_bytes, row_bytes);
        assert_int_equal(fixture_lsn(fixture), lsn);
        assert_int_equal(fixture->journal->recent.count, 0);
        (void)fixture_append(fixture, fixture_begun(fixture, run, "kept", "[]", 2));
    }
    fixture_commit(fixture);
    assert_int_equal(fixture_lsn(fixture), run + 3);
    assert_int_equal(fixture_query(fixture, "SELECT count(*) FROM run"), 1);
    assert_int_equal(fixture_query(fixture, "SELECT state FROM run"), SW_RUN_RUNNING);
    fixture_ok(fixture, fixture_verify(fixture, &report));
}

/* Goal: SQLite rolls back by itself after some errors, of a mere reading too. Then nothing of the
 * batch is committed: what follows it would lie behind a gap. */
static void a_transaction_that_sqlite_dropped_is_lost_whole(void **state)
{
    struct fixture *fixture = *state;
    struct sw_record late;
    struct seen before;
    uint64_t run;
    uint64_t lsn;

    fixture_open(fixture);
    run = fixture_append(fixture, fixture_run(fixture, "run-1"));
    fixture_commit(fixture);
    before = see(fixture);
    lsn = fixture_lsn(fixture);
    (void)fixture_append(fixture, fixture_begun(fixture, run, "a", "[]", 2));
    fixture_ok(fixture, sw_tx_flush(fixture->journal, &fixture->err));
    assert_int_equal(sqlite3_exec(fixture->journal->db.handle, "ROLLBACK", NULL, NULL, NULL),
                     SQLITE_OK);
    late = fixture_begun(fixture, run, "b", "[]", 2);
    assert_int_equal(sw_journal_append(fixture->journal, &late, &fixture->err), SW_JOURNAL_FULL);
    assert_int_equal(sw_journal_commit(fixture->journal, true, &fixture->err), SW_JOURNAL_FULL);
    assert_int_equal(fixture_lsn(fixture), lsn);
    assert_int_equal(see(fixture).hash, before.hash);
    (void)fixture_append(fixture, fixture_begun(fixture, run, "c", "[]", 2));
    fixture_commit(fixture);
    assert_int_equal(fixture_lsn(fixture), lsn + 1);
}

static void a_sync_covers_what_was_committed_before(void **state)
{
    const struct sw_journal_state *now;
    struct fixture *fixture = *state;
    uint64_t durable;

    fixture_open(fixture);
    now = sw_journal_state(fixture->journal);
    durable = now->durable_lsn;
    assert_int_equal(durable, 1);
    (void)fixture_append(fixture, fixture_run(fixture, "run-1"));
    fixture_ok(fixture, sw_journal_commit(fixture->journal, false, &fixture->err));
    assert_int_equal(now->durable_lsn, durable);
    (void)fixture_append(fixture, fixture_run(fixture, "run-2"));
    fixture_ok(fixture, sw_journal_commit(fixture->journal, false, &fixture->err));
    fixture_commit(fixture); /* no transaction is open */
    assert_int_equal(now->durable_lsn, now->lsn);
}

/* Goal: when a write fails the journal works no more, and the file has the whole
 * transaction or nothing of it. */
static void a_failure_is_the_end(void **state)
{
    static const char *const points[] = {"journal.before_commit", "journal.after_commit",
                                         "journal.before_checkpoint", "journal.after_checkpoint"};

    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        struct fixture *fixture = *state;
        struct sw_verify_report report;
        struct sw_record record;

        fixture_close(fixture);
        fixture_empty(fixture->directory);
        fixture_open(fixture);
        (void)fixture_append(fixture, fixture_run(fixture, "run-1"));
        sw_fault_arm(points[i], 1);
        if (i < 2) {
            assert_int_equal(sw_journal_commit(fixture->journal, true, &fixture->err),
                             SW_STORAGE_FAILED);
        } else {
            fixture_commit(fixture);
            assert_int_equal(sw_tx_checkpoint(fixture->journal, false, &fixture->err),
                             SW_STORAGE_FAILED);
        }
        assert_true(sw_fault_disarm());
        record = fixture_run(fixture, "run-2");
        assert_int_equal(sw_journal_append(fixture->journal, &record, &fixture->err),
                         SW_STORAGE_FAILED);
        assert_int_equal(sw_journal_commit(fixture->journal, true, &fixture->err),
                         SW_STORAGE_FAILED);
        assert_int_equal(sw_journal_mark(fixture->journal, &fixture->err), SW_STORAGE_FAILED);
        assert_int_equal(sw_journal_undo(fixture->journal, &fixture->err), SW_STORAGE_FAILED);
        fixture_reopen(fixture);
        assert_int_equal(fixture_query(fixture, "SELECT count(*) FROM run"), i == 0 ? 0 : 1);
        fixture_ok(fixture, fixture_verify(fixture, &report));
    }
}

static void the_wal_is_written_ahead_once(void **state)
{
    struct fixture *fixture = *state;

    fixture_open(fixture);
    assert_int_equal(fixture->journal->wal_bytes, SW_WAL_BYTES);
    fixture->journal->wal_bytes_min = SW_WAL_BYTES + 100000;
    fixture_ok(fixture, sw_tx_grow_wal(fixture->journal, &fixture->err));
    assert_int_equal(fixture->journal->wal_bytes, SW_WAL_BYTES + 100000);
    (void)fixture_whole_run(fixture, "run-1", 20, 3000); /* frames over zeros */
    fixture_ok(fixture, sw_tx_grow_wal(fixture->journal, &fixture->err));
    assert_int_equal(fixture->journal->wal_bytes, SW_WAL_BYTES + 100000);
    fixture_ok(fixture, sw_tx_count_bytes(fixture->journal, &fixture->err));
    assert_int_equal(sw_journal_state(fixture->journal)->bytes,
                     fixture_query(fixture, "PRAGMA page_count") * SW_PAGE_SIZE + SW_WAL_BYTES +
                         100000);
}

/* Goal: the checkpoint leaves nothing in the WAL that matters, and the next frames begin it anew.
 */
static void a_checkpoint_folds_the_wal_back(void **state)
{
    struct fixture *fixture = *state;
    uint64_t pages;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 50, 3000);
    pages = fixture->journal->wal_pages;
    assert_true(pages > 50);
    fixture_ok(fixture, sw_tx_checkpoint(fixture->journal, false, &fixture->err));
    assert_int_equal(fixture->journal->wal_pages_tried, pages);
    (void)fixture_whole_run(fixture, "run-2", 1, 10);
    assert_true(fixture->journal->wal_pages < 20);
    assert_int_equal(fixture->journal->wal_pages_tried, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rollback_leaves_nothing, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(an_undo_takes_one_command_back, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_transaction_that_sqlite_dropped_is_lost_whole,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_sync_covers_what_was_committed_before, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_failure_is_the_end, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_wal_is_written_ahead_once, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_checkpoint_folds_the_wal_back, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
