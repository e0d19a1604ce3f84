/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a fork's snapshot is of what was shipped when it was made, whatever is shipped meanwhile,
 * and what it did is known to the one that it is joined with.
 */
#include "tests/unit/storage/archive/fixture.h"

struct forked {
    struct sw_store *store;
    struct sw_archive *archive;
};

static struct forked fork_of(const struct node *node)
{
    struct fixture *fixture = node->fixture;
    struct sw_store_options options = {.url = fixture->store_path};
    struct forked forked = {0};

    ok(fixture, sw_store_open(&options, &forked.store, &fixture->err));
    ok(fixture, sw_archive_fork(node->archive, forked.store, &forked.archive, &fixture->err));
    return forked;
}

static void join(struct node *node, struct forked *forked)
{
    sw_archive_join(node->archive, &forked->archive);
    assert_null(forked->archive);
    sw_store_close(forked->store);
}

static void work(struct node *node, int runs)
{
    for (int i = 0; i < runs; i++) {
        play(node, 3, 500);
        ship(node);
    }
}

static void what_is_shipped_meanwhile_is_behind_the_snapshot(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");
    struct node other = node_of(fixture, "b");
    struct sw_archive_state before;
    struct sw_archive_state after;
    struct forked forked;
    struct dump dump;

    encrypt(fixture, KEY_A);
    start(&node);
    for (int i = 0; i < 3; i++) { /* the third collects */
        work(&node, 3);
        before = sw_archive_state(node.archive);
        forked = fork_of(&node);
        work(&node, 2);
        ok(fixture, sw_archive_snapshot(forked.archive, node.reader, &fixture->err));
        work(&node, 2);
        join(&node, &forked);
        after = sw_archive_state(node.archive);
        assert_int_equal(after.snapshot_slot, before.slot);
        assert_int_equal(after.segments_since_snapshot, 4);
        assert_true(after.bytes_since_snapshot > 0);
        assert_true(after.snapshot_bytes > 0);
        assert_int_equal(verified(fixture).last_lsn, after.shipped_lsn);
    }
    assert_int_equal(verified(fixture).snapshots, 2);
    stop(&node);
    dump = dump_of(fixture, node.directory);
    start(&other);
    stop(&other);
    assert_same(dump, dump_of(fixture, other.directory));
}

static void fork_that_did_nothing_changes_nothing(void **state)
{
    struct node node = node_of(*state, "a");
    struct sw_archive_state before;
    struct sw_archive_state after;
    struct forked forked;

    start(&node);
    work(&node, 2);
    snapshot(&node);
    work(&node, 1);
    before = sw_archive_state(node.archive);
    forked = fork_of(&node);
    sw_archive_give_way(forked.archive, true);
    assert_int_equal(sw_archive_snapshot(forked.archive, node.reader, &node.fixture->err),
                     SW_CANCELLED);
    join(&node, &forked);
    after = sw_archive_state(node.archive);
    assert_int_equal(after.snapshot_slot, before.snapshot_slot);
    assert_int_equal(after.segments_since_snapshot, before.segments_since_snapshot);
    assert_int_equal(after.bytes_since_snapshot, before.bytes_since_snapshot);
    lose_disk(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_shipped_meanwhile_is_behind_the_snapshot, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(fork_that_did_nothing_changes_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
