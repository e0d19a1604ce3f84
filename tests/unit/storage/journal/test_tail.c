/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: the tail says of each record behind the index which run it is of, whatever was
 * dropped at either end.
 */
#include "storage/journal/tail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ENTRIES = 5000, RUNS = 7 };

static void fill(struct sw_tail *tail)
{
    struct sw_err err;

    for (uint64_t lsn = 1; lsn <= ENTRIES; lsn++)
        assert_int_equal(
            sw_tail_add(tail, (struct sw_tail_entry){lsn, lsn % RUNS, lsn % 3 == 0}, &err), SW_OK);
}

static void an_empty_tail_has_nothing_to_sort_or_drop(void **state)
{
    struct sw_tail tail = {0};
    struct sw_tail_entry *entries = sw_tail_by_run(&tail, 0);

    (void)state;
    assert_non_null(entries);
    free(entries);
    sw_tail_drop_after(&tail, 0);
    sw_tail_drop_through(&tail, 9);
    assert_int_equal(sw_tail_count_through(&tail, 9), 0);
    sw_tail_fini(&tail);
}

static void entries_are_dropped_at_either_end(void **state)
{
    struct sw_tail tail = {0};

    (void)state;
    fill(&tail);
    sw_tail_drop_after(&tail, 4000);
    assert_int_equal(tail.count, 4000);
    assert_int_equal(sw_tail_count_through(&tail, 1234), 1234);
    sw_tail_drop_through(&tail, 1234);
    assert_int_equal(tail.count, 4000 - 1234);
    assert_int_equal(tail.entries[0].lsn, 1235);
    assert_int_equal(tail.entries[0].run, 1235 % RUNS);
    assert_int_equal(tail.entries[tail.count - 1].lsn, 4000);
    assert_int_equal(sw_tail_count_through(&tail, 1), 0);
    sw_tail_drop_through(&tail, ENTRIES);
    assert_int_equal(tail.count, 0);
    sw_tail_fini(&tail);
}

static void a_sorted_copy_has_each_run_in_one_piece_and_in_order(void **state)
{
    struct sw_tail tail = {0};
    struct sw_tail_entry *entries;

    (void)state;
    fill(&tail);
    entries = sw_tail_by_run(&tail, 1000);
    assert_non_null(entries);
    for (size_t i = 0; i < 1000; i++) {
        assert_true(entries[i].lsn <= 1000);
        assert_int_equal(entries[i].run, entries[i].lsn % RUNS);
        assert_int_equal(entries[i].of_chunks, entries[i].lsn % 3 == 0);
        if (i > 0 && entries[i - 1].run == entries[i].run)
            assert_true(entries[i - 1].lsn < entries[i].lsn);
        else if (i > 0)
            assert_true(entries[i - 1].run < entries[i].run);
    }
    for (uint64_t i = 0; i < ENTRIES; i++) /* the tail itself stays as it was */
        assert_int_equal(tail.entries[i].lsn, i + 1);
    free(entries);
    sw_tail_fini(&tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_tail_has_nothing_to_sort_or_drop),
        cmocka_unit_test(entries_are_dropped_at_either_end),
        cmocka_unit_test(a_sorted_copy_has_each_run_in_one_piece_and_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
