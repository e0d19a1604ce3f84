/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a store is tried in full before it gets its first object of a journal, and by one creation
 * ever after.
 */
#include "tests/unit/storage/archive/fixture.h"

static struct sw_store_counts probed(struct fixture *fixture)
{
    struct sw_store_counts before = sw_store_counts(fixture->store);
    struct sw_store_counts after;

    ok(fixture, sw_archive_probe(fixture->store, "agents", &fixture->err));
    after = sw_store_counts(fixture->store);
    return (struct sw_store_counts){.creates = after.creates - before.creates,
                                    .gets = after.gets - before.gets,
                                    .deletes = after.deletes - before.deletes};
}

static void new_journal_probes_in_full(void **state)
{
    struct fixture *fixture = *state;
    struct sw_store_counts counts = probed(fixture);

    assert_true(counts.creates > 10);
    assert_int_equal(count_objects(fixture, "v1/"), 0);
}

static void known_journal_costs_two_requests_and_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");
    struct sw_store_counts counts;
    uint8_t *before;
    uint8_t *after;
    size_t size_before;
    size_t size_after;

    start(&node);
    before = load(fixture, "v1/agents/meta", &size_before);
    counts = probed(fixture);
    assert_int_equal(counts.creates, 1);
    assert_int_equal(counts.gets, 1);
    assert_int_equal(counts.deletes, 0);
    after = load(fixture, "v1/agents/meta", &size_after);
    assert_int_equal(size_before, size_after);
    assert_memory_equal(before, after, size_before);
    free(before);
    free(after);
    stop(&node);
}

static void store_that_does_not_answer_says_so(void **state)
{
    struct fixture *fixture = *state;

    sw_store_cancel(fixture->store);
    assert_int_equal(sw_archive_probe(fixture->store, "agents", &fixture->err), SW_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(new_journal_probes_in_full, setup, teardown),
        cmocka_unit_test_setup_teardown(known_journal_costs_two_requests_and_changes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(store_that_does_not_answer_says_so, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
