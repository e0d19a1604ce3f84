/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: runs are found by id at every size, and each list holds whom it should, in order.
 */
#include "sidecar/service/run_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct sw_run_entry *add(struct sw_run_table *table, const char *run_id, uint64_t run)
{
    struct sw_run_entry *entry =
        sw_run_table_new_entry(table, sw_span_of_text(run_id), sw_span_of_text("task"));

    assert_non_null(entry);
    entry->run = run;
    sw_run_table_add(table, entry);
    return entry;
}

static void runs_are_found_until_they_are_destroyed(void **state)
{
    struct sw_run_table table = {0};
    struct sw_run_entry *all[300];
    char run_id[16];

    (void)state;
    assert_null(sw_run_table_find(&table, sw_span_of_text("run-0")));
    for (unsigned i = 0; i < 300; i++) {
        snprintf(run_id, sizeof(run_id), "run-%u", i);
        all[i] = add(&table, run_id, i + 1);
    }
    for (unsigned i = 0; i < 300; i += 3)
        sw_run_table_destroy(&table, all[i]);
    assert_int_equal(table.count, 200);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(run_id, sizeof(run_id), "run-%u", i);
        assert_ptr_equal(sw_run_table_find(&table, sw_span_of_text(run_id)),
                         i % 3 == 0 ? NULL : all[i]);
    }
    sw_run_table_fini(&table);
}

static void an_entry_of_no_table_is_destroyed_alone(void **state)
{
    struct sw_run_table table = {0};
    struct sw_run_entry *kept = add(&table, "a", 1);
    struct sw_run_entry *entry =
        sw_run_table_new_entry(&table, sw_span_of_text("b"), sw_span_of_text(""));

    (void)state;
    assert_true(sw_span_equal(kept->task, sw_span_of_text("task")));
    sw_run_table_destroy(&table, entry);
    assert_int_equal(table.count, 1);
    sw_run_table_fini(&table);
}

static void assert_list(const struct sw_run_table *table, enum sw_run_list list,
                        const char *expected)
{
    char actual[64];
    size_t size = 0;

    for (const struct sw_run_entry *entry = sw_run_list_first(table, list); entry != NULL;
         entry = sw_run_list_next(entry, list)) {
        assert_true(sw_run_entry_in(entry, list));
        actual[size++] = (char)entry->run_id.data[0];
    }
    actual[size] = '\0';
    assert_string_equal(actual, expected);
    assert_int_equal(table->lists[list].count, size);
}

static void pushing_again_moves_to_the_end(void **state)
{
    struct sw_run_table table = {0};
    struct sw_run_entry *a = add(&table, "a", 1);
    struct sw_run_entry *b = add(&table, "b", 2);
    struct sw_run_entry *c = add(&table, "c", 3);

    (void)state;
    sw_run_list_push(&table, SW_RUNS_LOADED, a);
    sw_run_list_push(&table, SW_RUNS_LOADED, b);
    sw_run_list_push(&table, SW_RUNS_LOADED, c);
    sw_run_list_push(&table, SW_RUNS_LOADED, a);
    sw_run_list_push(&table, SW_RUNS_LOADED, a);
    assert_list(&table, SW_RUNS_LOADED, "bca");
    sw_run_list_remove(&table, SW_RUNS_LOADED, c);
    sw_run_list_remove(&table, SW_RUNS_LOADED, c);
    assert_list(&table, SW_RUNS_LOADED, "ba");
    sw_run_table_destroy(&table, a);
    assert_list(&table, SW_RUNS_LOADED, "b");
    sw_run_table_fini(&table);
}

static void open_runs_stand_by_age_in_whatever_order_they_come(void **state)
{
    static const char *const orders[] = {"abcd", "dcba", "bdac", "cadb"};

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct sw_run_table table = {0};

        for (const char *name = orders[i]; *name != '\0'; name++) {
            const char run_id[] = {*name, '\0'};

            sw_run_list_insert_open(&table, add(&table, run_id, (uint64_t)*name));
        }
        assert_list(&table, SW_RUNS_OPEN, "abcd");
        sw_run_table_fini(&table);
    }
}

static void a_run_is_bound_or_in_grace_or_neither(void **state)
{
    struct sw_run_table table = {0};
    struct sw_run_entry *a = add(&table, "a", 1);
    struct sw_run_entry *b = add(&table, "b", 2);

    (void)state;
    sw_run_entry_grace(&table, a, 100);
    sw_run_entry_grace(&table, b, 200);
    assert_list(&table, SW_RUNS_GRACE, "ab");
    sw_run_entry_grace(&table, a, 300);
    assert_list(&table, SW_RUNS_GRACE, "ba");
    assert_int_equal(a->last_call_ms, 300);
    sw_run_entry_bind(&table, b, 7);
    sw_run_entry_bind(&table, b, 8);
    assert_int_equal(b->holder, 8);
    assert_list(&table, SW_RUNS_GRACE, "a");
    assert_list(&table, SW_RUNS_BOUND, "b");
    sw_run_entry_grace(&table, b, 400);
    assert_int_equal(b->holder, 0);
    assert_list(&table, SW_RUNS_BOUND, "");
    assert_list(&table, SW_RUNS_GRACE, "ab");
    sw_run_entry_unbind(&table, a);
    assert_list(&table, SW_RUNS_GRACE, "b");
    sw_run_table_fini(&table);
}

static void what_is_remembered_of_a_run_is_a_copy(void **state)
{
    char holder[] = "first";
    struct sw_run_head head = {.lease = 3, .holder = sw_span_of_text(holder)};
    struct sw_run_table table = {0};
    struct sw_run_entry *entry = add(&table, "a", 1);

    (void)state;
    sw_run_entry_remember(entry, &head, 1);
    head.lease = 4;
    sw_run_entry_remember(entry, &head, 2);
    holder[0] = 'F';
    assert_int_equal(entry->brief->head.lease, 4);
    assert_int_equal(entry->brief->steps_in_doubt, 2);
    assert_memory_equal(entry->brief->head.holder.data, "first", 5);
    assert_true(sw_span_equal(entry->brief->head.run_id, sw_span_of_text("a")));
    sw_run_entry_forget(entry);
    assert_null(entry->brief);
    sw_run_entry_remember(entry, &head, 0);
    sw_run_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_found_until_they_are_destroyed),
        cmocka_unit_test(an_entry_of_no_table_is_destroyed_alone),
        cmocka_unit_test(pushing_again_moves_to_the_end),
        cmocka_unit_test(open_runs_stand_by_age_in_whatever_order_they_come),
        cmocka_unit_test(a_run_is_bound_or_in_grace_or_neither),
        cmocka_unit_test(what_is_remembered_of_a_run_is_a_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
