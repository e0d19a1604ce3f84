/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a snapshot is written on a thread of its own while segments are shipped, says when it has
 * ended, and ends soon when it is told to.
 */
#include "sidecar/worker/snapshotter.h"

#include <semaphore.h>

#include "tests/unit/storage/archive/fixture.h"

static void on_ended(void *self)
{
    (void)sem_post(self);
}

static struct sw_snapshotter *begin(struct node *node, sem_t *ended)
{
    struct sw_store_options store = {.url = node->fixture->store_path};
    struct sw_snapshotter_options options = {
        .data = node->directory, .store = &store, .ended = on_ended, .self = ended};
    struct sw_snapshotter *snapshotter = NULL;

    ok(node->fixture,
       sw_snapshotter_start(&options, node->archive, &snapshotter, &node->fixture->err));
    return snapshotter;
}

static void snapshot_is_written_beside_the_segments(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");
    struct sw_snapshotter *snapshotter;
    uint64_t slot;
    sem_t ended;

    assert_int_equal(sem_init(&ended, 0, 0), 0);
    start(&node);
    play(&node, 20, 100 * 1000);
    ship(&node);
    slot = sw_archive_state(node.archive).slot;
    snapshotter = begin(&node, &ended);
    for (int i = 0; i < 5; i++) {
        play(&node, 2, 100);
        ship(&node);
    }
    assert_int_equal(sem_wait(&ended), 0);
    assert_true(sw_snapshotter_has_ended(snapshotter));
    ok(fixture, sw_snapshotter_finish(&snapshotter, node.archive, &fixture->err));
    assert_null(snapshotter);
    assert_int_equal(sw_archive_state(node.archive).snapshot_slot, slot);
    assert_int_equal(verified(fixture).snapshots, 1);
    lose_disk(&node);
    (void)sem_destroy(&ended);
}

static void snapshot_that_is_cancelled_leaves_the_archive_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");
    struct sw_snapshotter *snapshotter;
    enum sw_code code;
    sem_t ended;

    assert_int_equal(sem_init(&ended, 0, 0), 0);
    start(&node);
    play(&node, 60, 1000 * 1000);
    ship(&node);
    snapshotter = begin(&node, &ended);
    sw_snapshotter_cancel(snapshotter);
    code = sw_snapshotter_finish(&snapshotter, node.archive, &fixture->err);
    assert_int_equal(code, SW_CANCELLED);
    assert_int_equal(sw_archive_state(node.archive).snapshot_slot, 0);
    snapshot(&node); /* its own store goes on */
    assert_int_equal(verified(fixture).snapshots, 1);
    lose_disk(&node);
    (void)sem_destroy(&ended);
}

static void what_it_needs_and_does_not_get_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");
    struct sw_store_options store = {.url = ""};
    struct sw_snapshotter_options options = {.data = node.directory, .store = &store};
    struct sw_snapshotter *snapshotter = NULL;

    start(&node);
    assert_int_equal(sw_snapshotter_start(&options, node.archive, &snapshotter, &fixture->err),
                     SW_CONFIGURATION);
    store.url = fixture->store_path;
    options.data = "/nowhere";
    assert_int_not_equal(sw_snapshotter_start(&options, node.archive, &snapshotter, &fixture->err),
                         SW_OK);
    assert_null(snapshotter);
    lose_disk(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(snapshot_is_written_beside_the_segments, setup, teardown),
        cmocka_unit_test_setup_teardown(snapshot_that_is_cancelled_leaves_the_archive_as_it_was,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_it_needs_and_does_not_get_is_told, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
