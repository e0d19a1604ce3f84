/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: what a journal has more than the store is counted, all of it and nothing else.
 */
#include "tests/unit/storage/archive/fixture.h"

static struct sw_surplus surplus_of(struct node *node)
{
    struct sw_surplus surplus;

    ok(node->fixture,
       sw_archive_surplus(node->archive, node->reader, &surplus, &node->fixture->err));
    return surplus;
}

static void surplus_is_what_is_not_shipped(void **state)
{
    static const uint8_t output[5000];
    struct node node = node_of(*state, "a");
    struct sw_surplus surplus;
    uint64_t run;

    start(&node);
    ship(&node);
    surplus = surplus_of(&node);
    assert_int_equal(surplus.rows, 0);
    assert_int_equal(surplus.bytes, 0);
    assert_int_equal(surplus.oldest_at_ms, 0);
    run = start_run(&node, "r"); /* at 2000 and its lsn before it: 2001 */
    do_step(&node, run, 1, output, sizeof(output));
    commit(&node);
    surplus = surplus_of(&node);
    assert_int_equal(surplus.rows, sw_journal_state(node.journal)->lsn -
                                       sw_archive_state(node.archive).shipped_lsn);
    assert_int_equal(surplus.oldest_at_ms, 2001);
    assert_true(surplus.bytes >= sizeof(output));
    assert_true(surplus.bytes < sizeof(output) + 1000);
    ship(&node);
    assert_int_equal(surplus_of(&node).rows, 0);
    lose_disk(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(surplus_is_what_is_not_shipped, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
