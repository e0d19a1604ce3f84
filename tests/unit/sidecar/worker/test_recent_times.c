/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: the percentiles are those of the newest times, and of nothing there is none.
 */
#include "sidecar/worker/recent_times.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void of_nothing_there_is_none(void **state)
{
    struct sw_recent_times times = {0};

    (void)state;
    assert_int_equal(sw_recent_times_percentile(&times, 50), 0);
}

static void the_order_they_came_in_does_not_matter(void **state)
{
    struct sw_recent_times times = {0};

    (void)state;
    for (uint64_t us = 100; us > 0; us--)
        sw_recent_times_add(&times, us);
    assert_int_equal(sw_recent_times_percentile(&times, 0), 1);
    assert_int_equal(sw_recent_times_percentile(&times, 50), 50);
    assert_int_equal(sw_recent_times_percentile(&times, 99), 99);
    assert_int_equal(sw_recent_times_percentile(&times, 100), 100);
}

static void the_oldest_are_forgotten(void **state)
{
    struct sw_recent_times times = {0};

    (void)state;
    for (unsigned i = 0; i < SW_RECENT_TIMES_MAX; i++)
        sw_recent_times_add(&times, UINT64_MAX);
    assert_int_equal(sw_recent_times_percentile(&times, 50), UINT32_MAX);
    for (unsigned i = 0; i < SW_RECENT_TIMES_MAX; i++)
        sw_recent_times_add(&times, 7);
    assert_int_equal(sw_recent_times_percentile(&times, 100), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_nothing_there_is_none),
        cmocka_unit_test(the_order_they_came_in_does_not_matter),
        cmocka_unit_test(the_oldest_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
