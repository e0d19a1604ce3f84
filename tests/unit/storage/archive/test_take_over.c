/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: whatever a new owner finds on its disk, it goes on with exactly what the chain holds, and
 * nothing that was there is lost without a word.
 */
#include "tests/unit/storage/archive/fixture.h"

#include <dirent.h>

static void first_owner_makes_the_archive(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");

    start(&node);
    assert_int_equal(node.report.local, SW_LOCAL_NEW);
    assert_int_equal(node.report.epoch, 1);
    assert_int_equal(node.report.slot, 1);
    assert_int_equal(node.report.lsn, 1);
    assert_int_equal(sw_journal_state(node.journal)->epoch, 1);
    stop(&node);
}

static void same_disk_goes_on(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");
    struct dump before;

    start(&node);
    play(&node, 3, 100);
    ship(&node);
    before = dump_of(fixture, node.directory);
    stop(&node);
    start(&node);
    assert_int_equal(node.report.local, SW_LOCAL_SAME);
    assert_int_equal(node.report.epoch, 2);
    assert_int_equal(node.report.lsn, node.report.shipped_lsn);
    assert_int_equal(sw_journal_state(node.journal)->epoch, 2);
    assert_same(before, dump_of(fixture, node.directory));
    stop(&node);
}

static void lost_disk_is_restored(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct dump before;
    bool more;

    start(&a);
    play(&a, 20, 5000);
    ship(&a);
    play(&a, 20, 100);
    ship(&a);
    before = dump_of(fixture, a.directory);
    start(&b);
    assert_int_equal(b.report.local, SW_LOCAL_ABSENT);
    assert_int_equal(b.report.epoch, 2);
    assert_int_equal(b.report.restored_records, before.rows);
    assert_same(before, dump_of(fixture, b.directory));
    play(&a, 1, 10);
    assert_int_equal(sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err),
                     SW_OWNER_FENCED);
    assert_true(sw_archive_state(a.archive).fenced);
    play(&b, 1, 10);
    ship(&b);
    stop(&a);
    stop(&b);
}

static void surplus_is_shipped_later(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct dump before;

    start(&a);
    play(&a, 3, 100);
    ship(&a);
    play(&a, 3, 100); /* not shipped */
    before = dump_of(fixture, a.directory);
    stop(&a);
    start(&a);
    assert_int_equal(a.report.local, SW_LOCAL_AHEAD);
    assert_int_equal(a.report.lsn, before.last_lsn);
    assert_true(a.report.shipped_lsn < a.report.lsn);
    ship(&a);
    start(&b);
    assert_same(before, dump_of(fixture, b.directory));
    stop(&a);
    stop(&b);
}

static void journal_from_before_the_store_is_shipped_whole(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct journal_was_there {
        struct sw_journal_options options;
    } local = {{.directory = a.directory, .name = "agents", .now_ms = 5}};

    for (int i = 0; i < 3; i++) { /* its epoch is 3 */
        ok(fixture, sw_journal_open(&local.options, &a.journal, &fixture->err));
        a.report.epoch = (uint64_t)i;
        play(&a, 2, 100);
        sw_journal_close(a.journal);
    }
    start(&a);
    assert_int_equal(a.report.local, SW_LOCAL_AHEAD);
    assert_int_equal(a.report.shipped_lsn, 1);
    assert_int_equal(a.report.epoch, 4); /* goes on rising */
    ship(&a);
    start(&b);
    assert_int_equal(b.report.epoch, 5);
    assert_same(dump_of(fixture, a.directory), dump_of(fixture, b.directory));
    stop(&a);
    stop(&b);
}

static void old_disk_gets_what_it_lacks(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct dump before;

    start(&a);
    play(&a, 3, 100);
    ship(&a);
    stop(&a);
    start(&b);
    play(&b, 10, 3000);
    ship(&b);
    before = dump_of(fixture, b.directory);
    stop(&b);
    start(&a);
    assert_int_equal(a.report.local, SW_LOCAL_BEHIND);
    assert_int_equal(a.report.epoch, 3);
    assert_same(before, dump_of(fixture, a.directory));
    stop(&a);
}

static bool exists(const char *path, const char *name)
{
    char file[PATH_SIZE + SW_OBJECT_KEY_MAX + 2];
    struct stat status;

    (void)snprintf(file, sizeof(file), "%s/%s", path, name);
    return stat(file, &status) == 0;
}

static void diverged_tail_is_kept_aside(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct sw_archive_check check;
    struct dump before;
    uint64_t shipped;

    start(&a);
    play(&a, 3, 100);
    ship(&a);
    shipped = sw_archive_state(a.archive).shipped_lsn;
    play(&a, 3, 100); /* acknowledged there, in the chain never */
    stop(&a);
    start(&b);
    play(&b, 10, 3000);
    ship(&b);
    before = dump_of(fixture, b.directory);
    stop(&b);
    start(&a);
    assert_int_equal(a.report.local, SW_LOCAL_DIVERGED);
    assert_int_equal(a.report.orphan_first_lsn, shipped + 1);
    assert_same(before, dump_of(fixture, a.directory));
    assert_true(exists(fixture->store_path, a.report.orphan));
    ok(fixture, sw_archive_verify(&fixture->options, &check, &fixture->err));
    assert_int_equal(check.orphans, 1);
    assert_int_equal(check.fences, 3);
    play(&a, 1, 10);
    ship(&a);
    stop(&a);
}

/* A tail longer than the chain: nothing in the chain is newer than it. */
static void diverged_longer_tail_is_found_too(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct dump before;

    start(&a);
    play(&a, 3, 100);
    ship(&a);
    play(&a, 50, 100);
    stop(&a);
    start(&b);
    play(&b, 1, 30);
    ship(&b);
    before = dump_of(fixture, b.directory);
    stop(&b);
    start(&a);
    assert_int_equal(a.report.local, SW_LOCAL_DIVERGED);
    assert_same(before, dump_of(fixture, a.directory));
    stop(&a);
}

/* A byte in the middle of each page but the first becomes another. */
static void damage(const struct node *node)
{
    char path[PATH_SIZE + 16];
    struct stat status;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/journal.db", node->directory);
    file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    for (long at = 4096; at < status.st_size; at += 4096) {
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_true(fputc(0x55, file) != EOF);
    }
    assert_int_equal(fclose(file), 0);
}

/* Goal: the store has what was shipped, so damage costs what was not, and no person at night. */
static void damaged_journal_is_put_aside_and_restored(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct dump shipped;
    char aside[64] = "";
    struct dirent *entry;
    DIR *list;

    start(&a);
    play(&a, 3, 5000);
    ship(&a);
    stop(&a);
    shipped = dump_of(fixture, a.directory);
    damage(&a);
    start(&a);
    assert_int_equal(a.report.local, SW_LOCAL_DAMAGED);
    assert_non_null(strstr(a.report.damage, "journal.db"));
    assert_int_equal(a.report.epoch, 2);
    assert_same(shipped, dump_of(fixture, a.directory));
    list = opendir(a.directory);
    assert_non_null(list);
    while ((entry = readdir(list)) != NULL)
        if (strncmp(entry->d_name, "damaged-", 8) == 0)
            (void)snprintf(aside, sizeof(aside), "%.40s/journal.db", entry->d_name);
    (void)closedir(list);
    assert_string_not_equal(aside, "");
    assert_true(exists(a.directory, aside));
    play(&a, 1, 10);
    ship(&a);
    stop(&a);
    start(&a);
    assert_int_equal(a.report.local, SW_LOCAL_SAME);
    stop(&a);
}

/* Goal: where the store has nothing to restore from, what is left of the journal is not touched. */
static void damaged_journal_that_is_in_no_store_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct sw_journal_options options = {
        .directory = a.directory, .name = "agents", .now_ms = 1000};
    struct sw_journal *journal = NULL;

    ok(fixture, sw_journal_open(&options, &journal, &fixture->err));
    sw_journal_close(journal);
    damage(&a);
    assert_int_equal(take_over(&a), SW_CORRUPT);
    assert_non_null(strstr(fixture->err.text, "holds no journal"));
    assert_true(exists(a.directory, "journal.db"));
    assert_false(exists(fixture->store_path, "v1/agents/meta"));
}

static void journal_of_another_uuid_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct sw_journal_options options = {.directory = b.directory, .name = "agents"};

    start(&a);
    stop(&a);
    ok(fixture, sw_journal_open(&options, &b.journal, &fixture->err));
    sw_journal_close(b.journal);
    b.journal = NULL;
    assert_int_equal(take_over(&b), SW_CONFIGURATION);
    start(&a); /* nothing was written there */
    assert_int_equal(a.report.epoch, 2);
    stop(&a);
}

/* Two directories, one disk: a second process on the same directory is refused before it fences. */
static void directory_in_use_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node again = node_of(fixture, "a");

    start(&a);
    assert_int_equal(take_over(&again), SW_JOURNAL_LOCKED);
    play(&a, 1, 10);
    ship(&a);
    stop(&a);
}

static void tail_of_the_fenced_can_be_put_aside(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    char key[SW_OBJECT_KEY_MAX];
    struct sw_archive_check check;
    bool more;

    encrypt(fixture, KEY_A);
    start(&a);
    play(&a, 3, 100);
    ship(&a);
    start(&b);
    play(&a, 300, 20000);
    assert_int_equal(sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err),
                     SW_OWNER_FENCED);
    assert_int_equal(sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err),
                     SW_OWNER_FENCED);
    ok(fixture, sw_archive_put_aside(a.archive, a.reader, key, &fixture->err));
    assert_true(exists(fixture->store_path, key));
    ok(fixture, sw_archive_put_aside(a.archive, a.reader, key, &fixture->err)); /* repeated */
    ok(fixture, sw_archive_verify(&fixture->options, &check, &fixture->err));
    assert_true(check.orphans > 1); /* a large tail is several objects */
    stop(&a);
    stop(&b);
}

/* ---- rule (d) ------------------------------------------------------------------------ */

/* What others do while a claimant has read the chain and not fenced yet. */
struct meanwhile {
    struct node *owner;
    uint64_t at_records; /* of the claimant's reading; META's is not counted */
    bool snapshots;
    bool done;
};

static void work_meanwhile(void *self, uint64_t records, uint64_t bytes, uint64_t total_bytes)
{
    struct meanwhile *meanwhile = self;

    (void)bytes;
    (void)total_bytes;
    if (records < meanwhile->at_records || meanwhile->done)
        return;
    meanwhile->done = true;
    for (int i = 0; i < 3; i++) {
        play(meanwhile->owner, 1, 10);
        ship(meanwhile->owner);
        if (meanwhile->snapshots)
            snapshot(meanwhile->owner);
    }
}

/* Goal: a fence in a slot that is empty because it was collected fences nobody, and its owner
 * notices. Method: the chain ends in slot 3 for the claimant; by the time it fences slot 4, that
 * was filled, covered by two snapshots and collected. */
static void fence_below_the_floor_is_void(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct meanwhile meanwhile = {.owner = &a, .snapshots = true};
    bool more;

    start(&a);
    for (int i = 0; i < 2; i++) {
        play(&a, 1, 10);
        ship(&a);
    }
    meanwhile.at_records = sw_journal_state(a.journal)->lsn - 1;
    fixture->options.progress = work_meanwhile;
    fixture->options.self = &meanwhile;
    start(&b);
    fixture->options.progress = NULL;
    assert_true(meanwhile.done);
    assert_int_equal(b.report.slot, 7);
    assert_same(dump_of(fixture, a.directory), dump_of(fixture, b.directory));
    play(&a, 1, 10);
    assert_int_equal(sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err),
                     SW_OWNER_FENCED);
    assert_int_equal(verified(fixture).fences, 3); /* the void one is harmless */
    stop(&a);
    stop(&b);
}

/* Goal: a reader whose snapshot is collected under it begins again with the newest; that is no
 * damage. Method: the snapshot has more parts than are under way at once; behind the first the
 * owner writes three more. */
static void snapshot_that_goes_while_it_is_read_is_no_damage(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct meanwhile meanwhile = {.owner = &a, .at_records = 2};
    struct sw_store_options options = {.url = fixture->store_path};
    struct sw_store *second = NULL;

    start(&a);
    play(&a, 18, 1000 * 1000);
    ship(&a);
    snapshot(&a);
    ok(fixture, sw_store_open(&options, &second, &fixture->err));
    fixture->options.store = second; /* a goes on with its own */
    fixture->options.parallel = 1;
    fixture->options.progress = work_meanwhile;
    fixture->options.self = &meanwhile;
    start(&b);
    fixture->options.progress = NULL;
    assert_true(meanwhile.done);
    assert_same(dump_of(fixture, a.directory), dump_of(fixture, b.directory));
    stop(&a);
    stop(&b);
    sw_store_close(second);
    fixture->options.store = fixture->store;
}

/* The other half: what is shipped between reading and fencing is taken too. */
static void what_is_shipped_before_the_fence_is_taken(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct meanwhile meanwhile = {.owner = &a};

    start(&a);
    play(&a, 1, 10);
    ship(&a);
    meanwhile.at_records = sw_journal_state(a.journal)->lsn - 1;
    snapshot(&a);
    play(&a, 1, 10);
    ship(&a);
    fixture->options.progress = work_meanwhile;
    fixture->options.self = &meanwhile;
    start(&b);
    fixture->options.progress = NULL;
    assert_true(meanwhile.done);
    assert_int_equal(b.report.slot, 7); /* after a fence and two segments, three more came first */
    assert_same(dump_of(fixture, a.directory), dump_of(fixture, b.directory));
    stop(&a);
    stop(&b);
}

/* A journal that is ahead diverges in the moment before its fence. */
static void last_moment_divergence_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct meanwhile meanwhile = {.owner = &b};
    struct sw_store *second = NULL;
    struct sw_store_options options = {.url = fixture->store_path};

    start(&a);
    play(&a, 1, 10);
    ship(&a);
    play(&a, 1, 10); /* ahead */
    stop(&a);
    start(&b);
    ok(fixture, sw_store_open(&options, &second, &fixture->err));
    fixture->options.store = second; /* b goes on with its own */
    fixture->options.progress = work_meanwhile;
    fixture->options.self = &meanwhile;
    start(&a);
    fixture->options.progress = NULL;
    assert_true(meanwhile.done);
    assert_int_equal(a.report.local, SW_LOCAL_DIVERGED);
    assert_same(dump_of(fixture, b.directory), dump_of(fixture, a.directory));
    stop(&a);
    stop(&b);
    sw_store_close(second);
    fixture->options.store = fixture->store;
}

/* Goal: fencing happens at each visit of a fault point as if the process had died there, and the
 * next take-over, on a new disk and on this one, has everything that was shipped. */
static void take_over_can_be_interrupted_anywhere(void **state)
{
    static const char *const points[] = {
        "archive.request",       "archive.response",    "archive.before_fence",
        "archive.after_fence",   "archive.mid_restore", "archive.before_rename",
        "journal.before_commit",
    };
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct dump before;
    int fired_count = 0;

    start(&a);
    play(&a, 6, 2000);
    ship(&a);
    before = dump_of(fixture, a.directory);
    stop(&a);
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        bool fired = true;

        for (unsigned nth = 1; fired; nth += nth < 4 ? 1 : 7) {
            struct node b = node_of(fixture, "b");
            enum sw_code code;

            sw_fault_arm(points[i], nth);
            code = take_over(&b);
            fired = sw_fault_disarm();
            assert_true(fired || code == SW_OK); /* a closing journal needs no commit */
            fired_count += code != SW_OK;
            if (code != SW_OK)
                start(&b);
            assert_same(before, dump_of(fixture, b.directory));
            lose_disk(&b);
        }
    }
    assert_true(fired_count >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_owner_makes_the_archive, setup, teardown),
        cmocka_unit_test_setup_teardown(same_disk_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(lost_disk_is_restored, setup, teardown),
        cmocka_unit_test_setup_teardown(surplus_is_shipped_later, setup, teardown),
        cmocka_unit_test_setup_teardown(journal_from_before_the_store_is_shipped_whole, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(old_disk_gets_what_it_lacks, setup, teardown),
        cmocka_unit_test_setup_teardown(diverged_tail_is_kept_aside, setup, teardown),
        cmocka_unit_test_setup_teardown(diverged_longer_tail_is_found_too, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_journal_is_put_aside_and_restored, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_journal_that_is_in_no_store_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(journal_of_another_uuid_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(directory_in_use_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(tail_of_the_fenced_can_be_put_aside, setup, teardown),
        cmocka_unit_test_setup_teardown(fence_below_the_floor_is_void, setup, teardown),
        cmocka_unit_test_setup_teardown(snapshot_that_goes_while_it_is_read_is_no_damage, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_shipped_before_the_fence_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(last_moment_divergence_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(take_over_can_be_interrupted_anywhere, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
