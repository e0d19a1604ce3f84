/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a journal is made once, opened by one owner, and whole after a clean end even
 * where its WAL is lost.
 */
#include "fixture.h"
#include "storage/journal/journal.intern.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static enum sw_code try_open(struct fixture *fixture)
{
    return sw_journal_open(&fixture->options, &fixture->journal, &fixture->err);
}

static void a_journal_is_made_once(void **state)
{
    struct fixture *fixture = *state;
    const struct sw_journal_state *now;
    struct sw_journal_state first;
    struct stat folder;

    (void)rmdir(fixture->directory);
    fixture_open(fixture);
    assert_int_equal(stat(fixture->directory, &folder), 0);
    assert_int_equal(folder.st_mode & 0777, 0700);
    first = *sw_journal_state(fixture->journal);
    assert_string_equal(first.name, "test");
    assert_int_equal(first.epoch, 1);
    assert_int_equal(first.lsn, 1);
    assert_int_equal(first.durable_lsn, 1);
    assert_int_equal(first.uuid[6] >> 4, 8);
    assert_true(first.bytes >= SW_WAL_BYTES);
    for (uint64_t epoch = 2; epoch < 5; epoch++) {
        fixture_reopen(fixture);
        now = sw_journal_state(fixture->journal);
        assert_int_equal(now->epoch, epoch);
        assert_int_equal(now->lsn, 1);
        assert_memory_equal(now->uuid, first.uuid, sizeof(first.uuid));
    }
}

static void wrong_options_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char name[SW_JOURNAL_NAME_MAX + 2];

    memset(name, 'n', sizeof(name));
    name[SW_JOURNAL_NAME_MAX + 1] = '\0';
    fixture->options.name = name;
    assert_int_equal(try_open(fixture), SW_CONFIGURATION);
    fixture->options.name = "";
    assert_int_equal(try_open(fixture), SW_CONFIGURATION);
    name[SW_JOURNAL_NAME_MAX] = '\0';
    fixture->options.name = name;
    fixture->options.bytes_max = fixture->options.bytes_reserved = 1024 * 1024;
    assert_int_equal(try_open(fixture), SW_CONFIGURATION);
    fixture->options.bytes_reserved /= 2;
    fixture_open(fixture);
    assert_string_equal(sw_journal_state(fixture->journal)->name, name);
}

static void another_name_is_refused(void **state)
{
    struct fixture *fixture = *state;

    fixture_open(fixture);
    fixture_close(fixture);
    fixture->options.name = "other";
    assert_int_equal(try_open(fixture), SW_CONFIGURATION);
    fixture->options.name = "test";
    fixture_open(fixture);
    assert_int_equal(sw_journal_state(fixture->journal)->epoch, 2);
}

static void there_is_one_owner(void **state)
{
    struct fixture *fixture = *state;
    struct sw_journal *second = NULL;
    char pid[32];

    fixture_open(fixture);
    assert_int_equal(sw_journal_open(&fixture->options, &second, &fixture->err), SW_JOURNAL_LOCKED);
    (void)snprintf(pid, sizeof(pid), "process %d ", (int)getpid());
    assert_non_null(strstr(fixture->err.text, pid));
    (void)fixture_whole_run(fixture, "run-1", 1, 10); /* the first is not disturbed */
    fixture_reopen(fixture);
}

static void what_is_no_journal_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    FILE *file = fopen(fixture->path, "w");

    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        (void)fputs("no database ", file);
    (void)fclose(file);
    assert_int_equal(try_open(fixture), SW_CORRUPT);
    fixture_empty(fixture->directory);
    fixture_tamper(fixture, "CREATE TABLE log(lsn)");
    assert_int_equal(try_open(fixture), SW_CORRUPT);
    assert_int_equal(fixture_query(fixture, "SELECT count(*) FROM sqlite_schema"), 1);
}

static void a_log_without_rows_is_corrupt(void **state)
{
    struct fixture *fixture = *state;

    fixture_open(fixture);
    fixture_close(fixture);
    fixture_tamper(fixture, "DELETE FROM log");
    assert_int_equal(try_open(fixture), SW_CORRUPT);
}

static void an_index_ahead_of_the_log_is_corrupt(void **state)
{
    struct fixture *fixture = *state;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 1, 10);
    fixture_ok(fixture, sw_late_index(fixture->journal, UINT64_MAX, &fixture->err));
    fixture_close(fixture);
    fixture_tamper(fixture, "DELETE FROM log WHERE lsn > 3; DELETE FROM run");
    assert_int_equal(try_open(fixture), SW_CORRUPT);
}

static long wal_size(struct fixture *fixture, char path[FIXTURE_PATH_MAX + 8])
{
    struct stat file;

    (void)snprintf(path, FIXTURE_PATH_MAX + 8, "%s-wal", fixture->path);
    return stat(path, &file) == 0 ? (long)file.st_size : -1;
}

/* Damages the WAL: way 0 removes it, the others turn a bit in each part of its first pages. */
static void lose_wal(struct fixture *fixture, int way)
{
    char path[FIXTURE_PATH_MAX + 8];
    long size = wal_size(fixture, path);
    unsigned char byte;
    int file;

    if (way == 0) {
        (void)unlink(path);
        return;
    }
    file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    for (long at = way * 7; at < size && at < 40 * SW_WAL_FRAME_SIZE; at += 64) {
        assert_int_equal(pread(file, &byte, 1, at), 1);
        byte ^= (unsigned char)(1u << way);
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
    }
    (void)close(file);
}

/* Goal: after a clean end no record lives in the WAL alone. */
static void after_a_clean_end_the_wal_may_be_lost(void **state)
{
    struct fixture *fixture = *state;
    struct sw_journal_reader *reader;

    for (int way = 0; way < 8; way++) {
        struct sw_verify_report report = {0};
        struct seen before = {0};
        struct seen after = {0};
        uint64_t lsn;

        fixture_empty(fixture->directory);
        fixture_open(fixture);
        fixture_ok(fixture, sw_journal_reader_open(fixture->directory, NULL, &reader,
                                                   &fixture->err)); /* one that only waits */
        (void)fixture_whole_run(fixture, "run-1", 20, 3000);
        if (way % 2 == 1)
            fixture_maintain(fixture, fixture->now_ms);
        (void)fixture_whole_run(fixture, "run-2", 2, 10);
        lsn = fixture_lsn(fixture);
        fixture_ok(fixture, seen_all(fixture->path, &before, &fixture->err));
        fixture_close(fixture);
        sw_journal_reader_close(reader);
        lose_wal(fixture, way);
        fixture_open(fixture);
        assert_int_equal(fixture_lsn(fixture), lsn);
        assert_int_equal(sw_journal_state(fixture->journal)->epoch, 2);
        fixture_ok(fixture, seen_all(fixture->path, &after, &fixture->err));
        assert_int_equal(before.hash, after.hash);
        fixture_ok(fixture, fixture_verify(fixture, &report));
        fixture_close(fixture);
    }
}

static enum sw_code close_while_reading(void *self, struct sw_record *record, bool *ret_stop,
                                        struct sw_err *err)
{
    struct fixture *fixture = self;

    (void)record;
    (void)err;
    if (fixture->journal != NULL) {
        (void)fixture_whole_run(fixture, "run-2", 2, 10); /* the reader does not see it */
        fixture_close(fixture);
    }
    *ret_stop = true;
    return SW_OK;
}

/* Goal: a reader that stays does not hold up the end for long, and nothing is lost. */
static void a_reader_may_outlive_the_journal(void **state)
{
    struct fixture *fixture = *state;
    struct sw_journal_reader *reader;
    struct timespec start;
    struct timespec end;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 2, 10);
    fixture_ok(fixture, sw_journal_reader_open(fixture->directory, NULL, &reader, &fixture->err));
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    fixture_ok(fixture,
               sw_journal_reader_scan(reader, 0, 0, SW_PAYLOADS_ALL,
                                      (struct sw_record_visitor){close_while_reading, fixture},
                                      &fixture->err));
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - start.tv_sec < 4);
    fixture_open(fixture);
    assert_int_equal(fixture_query(fixture, "SELECT count(*) FROM run"), 2);
    sw_journal_reader_close(reader);
}

struct slow {
    struct fixture *fixture;
    atomic_bool reading;
};

static enum sw_code read_slowly(void *self, struct sw_record *record, bool *ret_stop,
                                struct sw_err *err)
{
    struct slow *slow = self;

    (void)record;
    (void)err;
    *ret_stop = true;
    atomic_store(&slow->reading, true);
    (void)nanosleep(&(struct timespec){.tv_nsec = 150000000}, NULL);
    return SW_OK;
}

static void *be_slow(void *self)
{
    struct slow *slow = self;
    struct sw_journal_reader *reader = NULL;
    struct sw_err err;

    if (sw_journal_reader_open(slow->fixture->directory, NULL, &reader, &err) == SW_OK)
        (void)(sw_journal_reader_scan(reader, 0, 0, SW_PAYLOADS_ALL,
                                      (struct sw_record_visitor){read_slowly, slow},
                                      &err) == SW_OK);
    sw_journal_reader_close(reader);
    return NULL;
}

/* Goal: the end waits a little for a reader, so that even then nothing is in the WAL alone. */
static void the_end_waits_for_a_reader(void **state)
{
    struct fixture *fixture = *state;
    struct slow slow = {.fixture = fixture};
    pthread_t thread;
    uint64_t lsn;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 2, 10);
    assert_int_equal(pthread_create(&thread, NULL, be_slow, &slow), 0);
    while (!atomic_load(&slow.reading))
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    (void)fixture_whole_run(fixture, "run-2", 2, 10);
    lsn = fixture_lsn(fixture);
    fixture_close(fixture);
    (void)pthread_join(thread, NULL);
    lose_wal(fixture, 0);
    fixture_open(fixture);
    assert_int_equal(fixture_lsn(fixture), lsn);
}

/* Goal: the blocks that were written ahead stay, so that the next start need not. */
static void the_wal_file_keeps_its_size(void **state)
{
    struct fixture *fixture = *state;
    char path[FIXTURE_PATH_MAX + 8];

    fixture_open(fixture);
    assert_int_equal(wal_size(fixture, path), SW_WAL_BYTES);
    fixture_close(fixture);
    assert_int_equal(wal_size(fixture, path), SW_WAL_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_journal_is_made_once, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(wrong_options_are_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(another_name_is_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(there_is_one_owner, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_journal_is_left_alone, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_log_without_rows_is_corrupt, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(an_index_ahead_of_the_log_is_corrupt, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(after_a_clean_end_the_wal_may_be_lost, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_reader_may_outlive_the_journal, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_end_waits_for_a_reader, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_wal_file_keeps_its_size, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
