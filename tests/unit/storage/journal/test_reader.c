/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a reader sees what is committed, of a live journal and a dead one, and no more
 * than it asked for.
 */
#include "fixture.h"

#include <sys/wait.h>

static struct sw_journal_reader *reader_of(struct fixture *fixture, const char *path)
{
    struct sw_journal_reader *reader = NULL;

    fixture_ok(fixture, sw_journal_reader_open(path, NULL, &reader, &fixture->err));
    return reader;
}

static struct seen scan(struct fixture *fixture, struct sw_journal_reader *reader, uint64_t first,
                        uint64_t limit, enum sw_payload_mode mode)
{
    struct seen seen = {0};

    fixture_ok(fixture, sw_journal_reader_scan(reader, first, limit, mode,
                                               (struct sw_record_visitor){seen_visit, &seen},
                                               &fixture->err));
    return seen;
}

static void a_live_journal_is_read_as_committed(void **state)
{
    struct fixture *fixture = *state;
    struct sw_journal_reader *reader;
    struct sw_journal_state seen;

    fixture_open(fixture);
    reader = reader_of(fixture, fixture->directory);
    for (int i = 0; i < 3; i++) {
        const struct sw_journal_state *now = sw_journal_state(fixture->journal);
        char run_id[16];

        (void)snprintf(run_id, sizeof(run_id), "run-%d", i);
        (void)fixture_whole_run(fixture, run_id, 2, 3000);
        fixture_ok(fixture, sw_journal_reader_state(reader, &seen, &fixture->err));
        assert_int_equal(seen.lsn, now->lsn);
        assert_int_equal(seen.epoch, now->epoch);
        assert_int_equal(seen.indexed_lsn, now->indexed_lsn);
        assert_string_equal(seen.name, now->name);
        assert_memory_equal(seen.uuid, now->uuid, sizeof(seen.uuid));
        assert_true(seen.bytes > 8u * 1024 * 1024);
        assert_int_equal(scan(fixture, reader, 0, 0, SW_PAYLOADS_ALL).last_lsn, now->lsn);
        (void)fixture_append(fixture, fixture_run(fixture, "open"));
        assert_int_equal(scan(fixture, reader, 0, 0, SW_PAYLOADS_ALL).last_lsn, seen.lsn);
        sw_journal_rollback(fixture->journal);
    }
    sw_journal_reader_close(reader);
    sw_journal_reader_close(NULL);
}

/* Method: a child process dies with its records in the WAL. */
static void a_dead_journal_is_read_with_its_wal(void **state)
{
    struct fixture *fixture = *state;
    struct sw_journal_reader *reader;
    struct seen seen;
    int status;
    pid_t child = fork();

    if (child == 0) {
        fixture_open(fixture);
        (void)fixture_whole_run(fixture, "run-1", 5, 3000);
        _exit((int)fixture_lsn(fixture));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    reader = reader_of(fixture, fixture->path);
    seen = scan(fixture, reader, 0, 0, SW_PAYLOADS_ALL);
    assert_int_equal(seen.last_lsn, WEXITSTATUS(status));
    sw_journal_reader_close(reader);
    fixture_open(fixture); /* and reading took nothing from it */
    assert_int_equal(fixture_lsn(fixture), WEXITSTATUS(status));
}

static void payload_bytes_come_when_asked_for(void **state)
{
    struct fixture *fixture = *state;
    struct sw_journal_reader *reader;
    struct seen none;
    struct seen outcomes;
    struct seen all;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 5, 3000);
    reader = reader_of(fixture, fixture->directory);
    none = scan(fixture, reader, 0, 0, SW_PAYLOADS_NONE);
    outcomes = scan(fixture, reader, 0, 0, SW_PAYLOADS_OUTCOME);
    all = scan(fixture, reader, 0, 0, SW_PAYLOADS_ALL);
    assert_int_equal(none.with_data, 0);
    assert_int_equal(outcomes.with_data, 1 + 5 + 1); /* the run's input and result */
    assert_int_equal(all.with_data, 1 + 5 + 5 + 1);
    assert_int_equal(none.hash, all.hash); /* sizes and digests come anyway */
    assert_int_equal(outcomes.hash, all.hash);
    assert_int_equal(all.payload_bytes, 2 + 5 * (2 + 3000) + 1);
    sw_journal_reader_close(reader);
}

static void a_scan_keeps_its_bounds(void **state)
{
    struct fixture *fixture = *state;
    struct sw_journal_reader *reader;
    struct seen seen;
    uint64_t last;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 5, 10);
    last = fixture_lsn(fixture);
    reader = reader_of(fixture, fixture->directory);
    seen = scan(fixture, reader, 4, 3, SW_PAYLOADS_NONE);
    assert_int_equal(seen.records, 3);
    assert_int_equal(seen.first_lsn, 4);
    assert_int_equal(seen.last_lsn, 6);
    assert_int_equal(scan(fixture, reader, last, 0, SW_PAYLOADS_NONE).records, 1);
    assert_int_equal(scan(fixture, reader, last + 1, 0, SW_PAYLOADS_NONE).records, 0);
    assert_int_equal(scan(fixture, reader, UINT64_MAX, 0, SW_PAYLOADS_NONE).records, 0);
    seen = (struct seen){.stop_after = 2};
    fixture_ok(fixture, sw_journal_reader_scan(reader, 0, 0, SW_PAYLOADS_NONE,
                                               (struct sw_record_visitor){seen_visit, &seen},
                                               &fixture->err));
    assert_int_equal(seen.records, 2);
    sw_journal_reader_close(reader);
}

/* Goal: a run's records come in order and alone, before, on and behind the late index. */
static void a_run_is_read_alone(void **state)
{
    struct fixture *fixture = *state;
    struct sw_journal_reader *reader;
    uint64_t runs[2];
    uint64_t lsns[2] = {0, 0};

    fixture_open(fixture);
    runs[0] = fixture_append(fixture, fixture_run(fixture, "run-0"));
    runs[1] = fixture_append(fixture, fixture_run(fixture, "run-1"));
    for (int i = 0; i < 600; i++) { /* by turns; the middle one is indexed */
        lsns[i % 2] = fixture_append(fixture, fixture_begun(fixture, runs[i % 2], "a", "[]", 2));
        if (i == 400) {
            fixture_commit(fixture);
            fixture_maintain(fixture, fixture->now_ms);
            assert_true(sw_journal_state(fixture->journal)->indexed_lsn > 300);
        }
    }
    fixture_commit(fixture);
    reader = reader_of(fixture, fixture->directory);
    for (int i = 0; i < 2; i++) {
        static const uint64_t bounds[][2] = {{0, 0}, {100, 500}, {0, 200}, {450, UINT64_MAX}};

        for (size_t k = 0; k < 4; k++) {
            uint64_t first = bounds[k][0] < runs[i] ? runs[i] : bounds[k][0];
            uint64_t last = bounds[k][1] == 0 || bounds[k][1] > lsns[i] ? lsns[i] : bounds[k][1];
            struct seen seen = {0};

            fixture_ok(fixture, sw_journal_reader_scan_run(
                                    reader, runs[i], bounds[k][0], bounds[k][1], SW_PAYLOADS_NONE,
                                    (struct sw_record_visitor){seen_visit, &seen}, &fixture->err));
            assert_true(seen.first_lsn - first < 3);
            assert_true(last - seen.last_lsn < 2);
            assert_true(seen.records == (seen.last_lsn - seen.first_lsn) / 2 + 1 ||
                        (k != 1 && seen.records == (seen.last_lsn - seen.first_lsn + 1) / 2 + 1));
        }
    }
    sw_journal_reader_close(reader);
}

static struct seen list(struct fixture *fixture, struct sw_journal_reader *reader,
                        struct sw_run_filter filter)
{
    struct seen seen = {0};

    fixture_ok(fixture, sw_journal_reader_list_runs(reader, &filter,
                                                    (struct sw_run_visitor){seen_visit_run, &seen},
                                                    &fixture->err));
    return seen;
}

static void runs_are_listed_by_filter(void **state)
{
    struct fixture *fixture = *state;
    struct sw_journal_reader *reader;
    struct sw_record other;
    struct sw_run_row row;
    uint64_t newest;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 1, 10);
    (void)fixture_whole_run(fixture, "run-2", 1, 10);
    (void)fixture_append(fixture, fixture_run(fixture, "run-3"));
    other = fixture_run(fixture, "run-4");
    other.u.run_started.task = sw_span_of_text("other");
    newest = fixture_append(fixture, other);
    fixture_commit(fixture);
    reader = reader_of(fixture, fixture->directory);
    assert_int_equal(list(fixture, reader, (struct sw_run_filter){0}).records, 4);
    assert_int_equal(
        list(fixture, reader, (struct sw_run_filter){.state = SW_RUN_COMPLETED}).records, 2);
    assert_int_equal(
        list(fixture, reader, (struct sw_run_filter){.task = sw_span_of_text("other")}).records, 1);
    assert_int_equal(list(fixture, reader, (struct sw_run_filter){.before_run = newest}).records,
                     3);
    fixture_ok(fixture, sw_journal_reader_find_run(reader, sw_span_of_text("run-4"),
                                                   &fixture->arena, &row, &fixture->err));
    assert_int_equal(row.run, newest);
    assert_int_equal(sw_journal_reader_find_run(reader, sw_span_of_text("none"), &fixture->arena,
                                                &row, &fixture->err),
                     SW_RUN_NOT_FOUND);
    sw_journal_reader_close(reader);
}

static void what_is_no_journal_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct sw_journal_reader *reader = NULL;

    assert_int_not_equal(sw_journal_reader_open(fixture->path, NULL, &reader, &fixture->err),
                         SW_OK);
    assert_null(reader);
    assert_int_equal(access(fixture->path, F_OK), -1); /* nor was one made */
    fixture_tamper(fixture, "CREATE TABLE log(lsn)");
    assert_int_equal(sw_journal_reader_open(fixture->path, NULL, &reader, &fixture->err),
                     SW_CORRUPT);
    fixture_tamper(fixture, "DROP TABLE log");
    assert_int_equal(sw_journal_reader_open(fixture->path, NULL, &reader, &fixture->err),
                     SW_CORRUPT);
}

/* Goal: a file without a WAL can be read where nothing can be written, whatever its name. */
static void a_file_can_be_read_only(void **state)
{
    char folder[FIXTURE_PATH_MAX - 32];
    char path[FIXTURE_PATH_MAX + 64];
    struct fixture *fixture = *state;
    pid_t child;
    int status;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 2, 3000);
    fixture_close(fixture);
    (void)snprintf(folder, sizeof(folder), "%s/sub", fixture->directory);
    assert_int_equal(mkdir(folder, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/50%% off?#1.db", folder);
    assert_int_equal(rename(fixture->path, path), 0);
    assert_int_equal(chmod(path, 0444) | chmod(folder, 0555) | chmod(fixture->directory, 0755), 0);
    child = fork();
    if (child == 0) { /* root may write anywhere */
        struct seen seen = {0};
        bool good = getuid() != 0 || setuid(65534) == 0;

        _exit(good && seen_all(path, &seen, &fixture->err) == SW_OK && seen.records > 5 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)chmod(folder, 0755);
    fixture_empty(folder);
    (void)rmdir(folder);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_live_journal_is_read_as_committed, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_dead_journal_is_read_with_its_wal, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(payload_bytes_come_when_asked_for, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_scan_keeps_its_bounds, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_run_is_read_alone, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(runs_are_listed_by_filter, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_journal_is_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_file_can_be_read_only, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
