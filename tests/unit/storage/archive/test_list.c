/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/storage/archive/fixture.h"

static void journals_are_listed_once_each(void **state)
{
    static const char *const names[] = {"a", "a-b", "a.b", "ab", "zzzz"}; /* as keys are ordered */
    struct fixture *fixture = *state;
    char *found = NULL;
    uint32_t count = 7;
    const char *next;

    ok(fixture, sw_archive_list(fixture->store, &found, &count, &fixture->err));
    assert_int_equal(count, 0);
    free(found);
    for (size_t i = 0; i < 5; i++) {
        struct node node = node_of(fixture, names[i]);

        fixture->options.journal = names[i];
        start(&node);
        play(&node, 1, 10);
        ship(&node);
        snapshot(&node);
        stop(&node);
    }
    ok(fixture, sw_archive_list(fixture->store, &found, &count, &fixture->err));
    assert_int_equal(count, 5);
    next = found;
    for (size_t i = 0; i < 5; i++) {
        bool known = false;

        for (size_t k = 0; k < 5; k++)
            known = known || strcmp(next, names[k]) == 0;
        assert_true(known);
        for (const char *other = found; other < next; other += strlen(other) + 1)
            assert_string_not_equal(other, next);
        next += strlen(next) + 1;
    }
    free(found);
}

/* Goal: when a snapshot is due, and when not: small journals need none. */
static void snapshot_is_due_by_segments(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");

    start(&node);
    for (int i = 0; i < 256; i++) {
        assert_false(sw_archive_snapshot_due(node.archive));
        play(&node, 0, 1);
        ship(&node);
    }
    assert_true(sw_archive_snapshot_due(node.archive));
    snapshot(&node);
    assert_false(sw_archive_snapshot_due(node.archive));
    stop(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(journals_are_listed_once_each, setup, teardown),
        cmocka_unit_test_setup_teardown(snapshot_is_due_by_segments, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
