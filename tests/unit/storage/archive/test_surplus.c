/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: what a journal has more than the store is counted, all of it and nothing else, and is
 * there until it is shipped.
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

static void purge(struct node *node)
{
    bool more = true;

    for (int i = 0; more && i < 1000; i++)
        ok(node->fixture, sw_journal_maintain(node->journal, UINT64_C(1000000) + (uint64_t)i * 2000,
                                              true, &more, &node->fixture->err));
}

/* Goal: a journal that was opened without its store, for longer than runs are kept, is known by
 * the store again, and the two together are whole. */
static void retention_without_the_store_leaves_what_the_store_lacks(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct sw_journal_options local = {
        .directory = a.directory, .name = "agents", .retention_ms = 1, .now_ms = 5};
    uint64_t run;

    start(&a);
    play(&a, 3, 100);
    ship(&a);
    run = start_run(&a, "open");
    do_step(&a, run, 1, "x", 1);
    commit(&a);
    ship(&a); /* the half of it */
    stop(&a);
    ok(fixture, sw_journal_open(&local, &a.journal, &fixture->err));
    a.report.epoch = 100;
    (void)append(&a, (struct sw_record){
                         .type = SW_RECORD_RUN_ENDED,
                         .run = run,
                         .at_ms = 3000,
                         .u.run_ended = {.state = SW_RUN_COMPLETED, .result = payload_of("7", 1)}});
    commit(&a);
    play(&a, 3, 100);
    purge(&a);
    play(&a, 3, 100);
    sw_journal_close(a.journal);
    start(&a);
    assert_int_equal(a.report.local, SW_LOCAL_AHEAD);
    ship(&a);
    start(&b);
    assert_int_equal(b.report.lsn, a.report.lsn);
    (void)dump_of(fixture, b.directory); /* it verifies */
    stop(&a);
    stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(surplus_is_what_is_not_shipped, setup, teardown),
        cmocka_unit_test_setup_teardown(retention_without_the_store_leaves_what_the_store_lacks,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
