/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: what was synced and is missing at a journal's end is missed; nothing else is.
 */
#include "fixture.h"

#include <fcntl.h>

#include "storage/journal/acked.h"
#include "storage/journal/journal.intern.h"

static const uint8_t uuid[16] = {1, 2, 3};
static const uint8_t other_uuid[16] = {1, 2, 4};

static void note_path(const struct fixture *fixture, char ret[FIXTURE_PATH_MAX + 16])
{
    (void)snprintf(ret, FIXTURE_PATH_MAX + 16, "%s-acked", fixture->path);
}

static void the_note_is_read_back(void **state)
{
    struct fixture *fixture = *state;
    int fd = sw_acked_open(fixture->path);

    assert_true(fd >= 0);
    assert_int_equal(sw_acked_read(fixture->path, uuid), 0); /* empty */
    sw_acked_write(fd, uuid, 41);
    sw_acked_write(fd, uuid, UINT64_C(0x0102030405060708));
    sw_acked_close(fd);
    assert_int_equal(sw_acked_read(fixture->path, uuid), UINT64_C(0x0102030405060708));
    assert_int_equal(sw_acked_read(fixture->path, other_uuid), 0);
    assert_int_equal(sw_acked_read("/nowhere/journal.db", uuid), 0);
    assert_int_equal(sw_acked_open("/nowhere/journal.db"), -1);
    sw_acked_write(-1, uuid, 1);
    sw_acked_close(-1);
}

static void a_damaged_note_says_nothing(void **state)
{
    struct fixture *fixture = *state;
    char path[FIXTURE_PATH_MAX + 16];
    int fd = sw_acked_open(fixture->path);
    struct stat status;

    sw_acked_write(fd, uuid, 41);
    sw_acked_close(fd);
    note_path(fixture, path);
    assert_int_equal(stat(path, &status), 0);
    fd = open(path, O_RDWR);
    for (off_t at = 0; at < status.st_size; at++) {
        uint8_t byte, flipped;

        assert_int_equal(pread(fd, &byte, 1, at), 1);
        flipped = (uint8_t)(byte ^ (1u << (at % 8)));
        assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
        assert_int_equal(sw_acked_read(fixture->path, uuid), 0);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    assert_int_equal(sw_acked_read(fixture->path, uuid), 41);
    assert_int_equal(ftruncate(fd, status.st_size - 1), 0);
    assert_int_equal(sw_acked_read(fixture->path, uuid), 0);
    (void)close(fd);
}

/* Goal: an older copy of the files, or a WAL that lost its end, is refused with a way out. */
static void a_journal_that_lost_its_end_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct sw_verify_report report;
    char path[FIXTURE_PATH_MAX + 16];
    uint64_t lsn;

    fixture_open(fixture);
    (void)fixture_whole_run(fixture, "run-1", 2, 10);
    lsn = fixture_lsn(fixture);
    assert_int_equal(sw_acked_read(fixture->path, sw_journal_state(fixture->journal)->uuid), lsn);
    fixture_close(fixture);
    fixture_tamper(fixture, "UPDATE run SET state = 1, ended_ms = 0, end_lsn = 0, steps = 0");
    fixture_tamper(fixture, "DELETE FROM log WHERE type = 10");
    fixture_tamper(fixture, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(sw_journal_open(&fixture->options, &fixture->journal, &fixture->err),
                     SW_CORRUPT);
    assert_non_null(strstr(fixture->err.text, "was synced up to"));
    assert_int_equal(fixture_verify(fixture, &report), SW_CORRUPT);
    note_path(fixture, path);
    assert_int_equal(unlink(path), 0);
    fixture_ok(fixture, fixture_verify(fixture, &report));
    fixture_open(fixture);
    assert_int_equal(fixture_lsn(fixture), lsn - 1);
}

/* Goal: what is committed and not synced is not claimed. */
static void only_what_was_synced_is_noted(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t *id;
    uint64_t lsn;

    fixture_open(fixture);
    id = sw_journal_state(fixture->journal)->uuid;
    lsn = fixture_lsn(fixture);
    (void)fixture_append(fixture, fixture_run(fixture, "run-1"));
    fixture_ok(fixture, sw_journal_commit(fixture->journal, false, &fixture->err));
    assert_int_equal(sw_acked_read(fixture->path, id), lsn);
    fixture_commit(fixture);
    assert_int_equal(sw_acked_read(fixture->path, id), lsn + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_note_is_read_back, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_note_says_nothing, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_journal_that_lost_its_end_is_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(only_what_was_synced_is_noted, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
