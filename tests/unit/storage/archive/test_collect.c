/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: what two snapshots make needless goes, and never anything that some owner, present, past
 * or stalled, still needs.
 */
#include "tests/unit/storage/archive/fixture.h"

static void work(struct node *node)
{
    play(node, 2, 100);
    ship(node);
    play(node, 2, 100);
    ship(node);
}

static void two_snapshots_and_every_fence_stay(void **state)
{
    struct fixture *fixture = *state;
    struct sw_archive_check check = {0};

    for (int i = 0; i < 5; i++) {
        struct node node = node_of(fixture, "a");

        start(&node);
        work(&node);
        snapshot(&node);
        work(&node);
        stop(&node);
        check = verified(fixture);
        assert_int_equal(check.fences, i + 1);
        assert_int_equal(check.snapshots, i < 2 ? i + 1 : 2);
    }
    /* Five fences; data: two above the older snapshot, two above the newer, two in between. */
    assert_int_equal(check.segments, 5 + 2 + 2 + 2);
    assert_int_equal(check.first_slot, 1);
}

static void one_snapshot_removes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");

    start(&node);
    work(&node);
    snapshot(&node);
    assert_int_equal(verified(fixture).segments, 3);
    stop(&node);
}

static void snapshot_of_the_same_slot_is_not_written_twice(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");
    struct sw_store_counts before, after;

    start(&node);
    work(&node);
    snapshot(&node);
    before = sw_store_counts(fixture->store);
    snapshot(&node);
    after = sw_store_counts(fixture->store);
    assert_memory_equal(&before, &after, sizeof(before));
    stop(&node);
}

/* Nothing below a snapshot goes that this process did not find whole. */
static void damaged_older_snapshot_keeps_the_segments(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");
    struct objects *objects = malloc(sizeof(*objects));
    uint8_t *bytes;
    size_t size, segments;

    assert_non_null(objects);
    start(&node);
    work(&node);
    snapshot(&node);
    work(&node);
    stop(&node);
    start(&node); /* it did not write that snapshot, and does not need it */
    segments = count_objects(fixture, "v1/agents/log/");
    list_objects(fixture, "v1/agents/snap/", objects);
    bytes = load(fixture, objects->keys[0], &size);
    bytes[size / 2] ^= 4;
    overwrite(fixture, objects->keys[0], bytes, size);
    assert_int_equal(sw_archive_snapshot(node.archive, node.reader, &fixture->err), SW_CORRUPT);
    assert_non_null(strstr(fixture->err.text, objects->keys[0]));
    assert_int_equal(count_objects(fixture, "v1/agents/log/"), segments);
    work(&node); /* the next one has a sound predecessor */
    snapshot(&node);
    assert_int_equal(verified(fixture).snapshots, 2);
    stop(&node);
    free(bytes);
    free(objects);
}

static void snapshot_that_gave_way_is_written_later(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");

    start(&node);
    work(&node);
    sw_archive_give_way(node.archive, true);
    assert_int_equal(sw_archive_snapshot(node.archive, node.reader, &fixture->err), SW_CANCELLED);
    assert_int_equal(sw_archive_state(node.archive).snapshot_slot, 0);
    work(&node); /* shipping does not */
    sw_archive_give_way(node.archive, false);
    snapshot(&node);
    assert_int_equal(verified(fixture).snapshots, 1);
    stop(&node);
}

/* Method: each visit of each fault point; afterwards the store verifies, a new disk gets
 * everything, and in the end as much has been removed as without faults. */
static void snapshot_can_be_interrupted_anywhere(void **state)
{
    static const char *const points[] = {"archive.request", "archive.response",
                                         "archive.before_index", "archive.after_index",
                                         "archive.mid_collect"};
    struct fixture *fixture = *state;
    struct node other = node_of(fixture, "other");
    struct node node = node_of(fixture, "a");

    start(&node);
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        bool fired = true;

        /* What a failed one leaves behind makes the next ask more: so by doubling, at last. */
        for (unsigned nth = 1; fired; nth += nth < 16 ? 1 : nth) {
            enum sw_code code;
            struct dump before;

            work(&node);
            sw_fault_arm(points[i], nth);
            code = sw_archive_snapshot(node.archive, node.reader, &fixture->err);
            fired = sw_fault_disarm();
            assert_true(fired == (code != SW_OK));
            (void)verified(fixture);
            before = dump_of(fixture, node.directory);
            stop(&node);
            start(&other);
            assert_same(before, dump_of(fixture, other.directory));
            lose_disk(&other);
            start(&node);
        }
    }
    for (int i = 0; i < 2; i++) {
        work(&node);
        snapshot(&node);
    }
    assert_int_equal(verified(fixture).snapshots, 2);
    /* two snapshots of a part each, and what is above the older: 2 data; the rest are fences */
    assert_int_equal(count_objects(fixture, "v1/agents/snap/"), 4);
    assert_int_equal(verified(fixture).segments - verified(fixture).fences, 2);
    stop(&node);
}

/* Runs that retention takes while a snapshot is being written must not come back half. */
static void purged_runs_stay_purged(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");
    struct node other = node_of(fixture, "other");
    bool more = true;

    start(&node);
    for (int i = 0; i < 5; i++)
        play(&node, 10, 3000);
    ship(&node);
    stop(&node);
    node.options.retention_ms = 1;
    ok(fixture, sw_archive_take_over(&fixture->options, &node.options, &node.archive, &node.journal,
                                     &node.report, &fixture->err));
    ok(fixture, sw_journal_reader_open(node.directory, NULL, &node.reader, &fixture->err));
    for (int i = 0; more && i < 3; i++) /* some of it */
        ok(fixture,
           sw_journal_maintain(node.journal, UINT64_C(1000000), true, &more, &fixture->err));
    play(&node, 1, 10);
    ship(&node);
    snapshot(&node);
    (void)verified(fixture);
    start(&other);
    stop(&node);
    (void)dump_of(fixture, other.directory); /* it verifies */
    assert_int_equal(other.report.lsn, node.report.lsn + 4);
    lose_disk(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_snapshots_and_every_fence_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(one_snapshot_removes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(snapshot_of_the_same_slot_is_not_written_twice, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(damaged_older_snapshot_keeps_the_segments, setup, teardown),
        cmocka_unit_test_setup_teardown(snapshot_that_gave_way_is_written_later, setup, teardown),
        cmocka_unit_test_setup_teardown(snapshot_can_be_interrupted_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(purged_runs_stay_purged, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
