/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: on a disk that fills up new work stops first, and outcomes still find room.
 */
#include "fixture.h"
#include "storage/journal/journal.intern.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <time.h>

enum { MIB = 1024 * 1024, DISK_MIB = 28 };

struct disk {
    struct fixture *fixture;
    char folder[FIXTURE_PATH_MAX];
    char filler[FIXTURE_PATH_MAX + 16];
};

/* A disk of its own for the journal, where the machine lets us mount one. */
static bool mount_disk(struct fixture *fixture, struct disk *disk)
{
    char options[32];

    *disk = (struct disk){.fixture = fixture};
    (void)snprintf(disk->folder, sizeof(disk->folder), "%s", fixture->directory);
    (void)snprintf(options, sizeof(options), "size=%dm", DISK_MIB);
    /* In a namespace of this process, so that it goes when the test does, however it ends. */
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", disk->folder, "tmpfs", 0, options) != 0) {
        assert_int_equal(errno, EPERM);
        return false;
    }
    (void)snprintf(disk->filler, sizeof(disk->filler), "%s/filler", disk->folder);
    return true;
}

static void unmount_disk(struct disk *disk)
{
    fixture_close(disk->fixture);
    assert_int_equal(umount2(disk->folder, MNT_DETACH), 0);
}

/* Leaves so many bytes free; another program fills the disk. */
static void leave_free(struct disk *disk, off_t bytes)
{
    static const char zeros[64 * 1024];
    int file;

    (void)unlink(disk->filler);
    file = open(disk->filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    while (write(file, zeros, sizeof(zeros)) > 0)
        ;
    assert_int_equal(ftruncate(file, lseek(file, 0, SEEK_END) / 4096 * 4096 - bytes), 0);
    (void)close(file);
    (void)nanosleep(&(struct timespec){.tv_nsec = 120000000}, NULL); /* it is asked for seldom */
}

static enum sw_code append(struct disk *disk, struct sw_record record)
{
    struct fixture *fixture = disk->fixture;
    enum sw_code code = sw_journal_append(fixture->journal, &record, &fixture->err);
    enum sw_code ended = sw_journal_commit(fixture->journal, true, &fixture->err);
    bool more = true;

    for (int i = 0; ended == SW_OK && more && i < 4; i++) /* as the loop does */
        if (sw_journal_maintain(fixture->journal, fixture->now_ms, false, &more, &fixture->err) !=
            SW_OK)
            break;
    return code != SW_OK ? code : ended;
}

static enum sw_code begin(struct disk *disk, uint64_t run)
{
    return append(disk, fixture_begun(disk->fixture, run, "a", "[]", 2));
}

static enum sw_code complete(struct disk *disk, uint64_t run)
{
    static uint8_t bytes[1000];

    return append(disk, fixture_completed(disk->fixture, run, "a", bytes, sizeof(bytes)));
}

static void outcomes_fit_on_a_disk_that_is_full(void **state)
{
    struct fixture *fixture = *state;
    struct sw_verify_report report;
    struct disk disk;
    uint64_t run;
    uint64_t lsn;
    int outcomes;

    if (!mount_disk(fixture, &disk)) {
        skip();
        return;
    }
    fixture_open(fixture);
    run = fixture_append(fixture, fixture_run(fixture, "run-1"));
    for (int i = 0; i < 100; i++)
        assert_int_equal(begin(&disk, run), SW_OK);
    leave_free(&disk, 4 * MIB);
    (void)begin(&disk, run); /* this commit sees it */
    assert_true(sw_journal_state(fixture->journal)->full);
    assert_int_equal(begin(&disk, run), SW_JOURNAL_FULL);
    assert_int_equal(append(&disk, fixture_run(fixture, "run-2")), SW_JOURNAL_FULL);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(complete(&disk, run), SW_OK);
    leave_free(&disk, 0);
    for (outcomes = 0; outcomes < 2000 && complete(&disk, run) == SW_OK; outcomes++)
        ;
    assert_true(outcomes > 100); /* into the blocks that the WAL has */
    lsn = fixture_lsn(fixture);
    assert_int_equal(unlink(disk.filler), 0);
    (void)nanosleep(&(struct timespec){.tv_nsec = 120000000}, NULL);
    fixture_ok(fixture, begin(&disk, run)); /* there is room again */
    assert_false(sw_journal_state(fixture->journal)->full);
    assert_int_equal(fixture_lsn(fixture), lsn + 1);
    fixture_reopen(fixture);
    assert_int_equal(fixture_lsn(fixture), lsn + 1);
    fixture_ok(fixture, fixture_verify(fixture, &report));
    unmount_disk(&disk);
}

/* Goal: the free space is asked for ten times a second at most, not for each record. */
static void the_disk_is_asked_seldom(void **state)
{
    struct fixture *fixture = *state;
    uint64_t first_us;
    uint64_t seen_us;
    uint64_t asked = 0;

    fixture_open(fixture);
    first_us = seen_us = fixture->journal->disk_seen_us;
    assert_true(seen_us > 0); /* when it was opened */
    while (seen_us < first_us + 350000) {
        sw_room_look(fixture->journal);
        asked += seen_us != fixture->journal->disk_seen_us;
        seen_us = fixture->journal->disk_seen_us;
    }
    assert_in_range(asked, 1, (seen_us - first_us) / 100000);
}

/* Goal: what is reserved is kept from new work alone, and nothing passes bytes_max. */
static void bytes_max_binds_each_kind(void **state)
{
    struct fixture *fixture = *state;
    struct sw_journal *journal;

    fixture->options.bytes_max = 4 * MIB;
    fixture->options.bytes_reserved = MIB;
    fixture_open(fixture);
    journal = fixture->journal;
    journal->free_bytes = 0;
    journal->state.bytes = 3 * MIB;
    assert_int_equal(sw_room_check(journal, true, &fixture->err), SW_OK);
    journal->tx_bytes = 1; /* what the transaction adds counts */
    assert_int_equal(sw_room_check(journal, true, &fixture->err), SW_JOURNAL_FULL);
    assert_true(journal->state.full);
    assert_int_equal(sw_room_check(journal, false, &fixture->err), SW_OK);
    journal->free_bytes = 4096; /* and pages that are free do not */
    assert_int_equal(sw_room_check(journal, true, &fixture->err), SW_OK);
    journal->state.bytes = 4 * MIB + 4096;
    assert_int_equal(sw_room_check(journal, false, &fixture->err), SW_JOURNAL_FULL);
    journal->bytes_max = 0;
    assert_int_equal(sw_room_check(journal, true, &fixture->err), SW_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(outcomes_fit_on_a_disk_that_is_full, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_disk_is_asked_seldom, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(bytes_max_binds_each_kind, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
