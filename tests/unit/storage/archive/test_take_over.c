/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/storage/archive/fixture.h"

/* Goal: a new journal gets an archive; its next process, on the same disk, finds the same. */
static void first_owner_makes_the_archive(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");

    start(&node);
    assert_int_equal(node.report.local, SW_LOCAL_NEW);
    assert_int_equal(node.report.epoch, 1);
    assert_int_equal(node.report.slot, 1);
    assert_int_equal(node.report.lsn, 1);
    play(&node, 3, 100);
    ship(&node);
    stop(&node);
    start(&node);
    assert_int_equal(node.report.local, SW_LOCAL_SAME);
    assert_int_equal(node.report.epoch, 2);
    assert_int_equal(node.report.lsn, node.report.shipped_lsn);
    stop(&node);
}

/* Goal: another machine gets every shipped record, and the old one can ship no more. */
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
    play(&b, 1, 10);
    ship(&b);
    stop(&a);
    stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_owner_makes_the_archive, setup, teardown),
        cmocka_unit_test_setup_teardown(lost_disk_is_restored, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
