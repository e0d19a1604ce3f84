/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: the system's clocks have the units the header says, and one of them never
 * goes back.
 */
#include "storage/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static void the_wall_clock_is_in_milliseconds(void **state)
{
    uint64_t before = (uint64_t)time(NULL) * 1000;
    uint64_t now = sw_clock_now_ms(&sw_clock_system);

    (void)state;
    assert_true(now >= before && now < before + 60 * 1000);
}

static void the_monotonic_clock_never_goes_back(void **state)
{
    const struct timespec pause = {.tv_nsec = 2 * 1000 * 1000};
    uint64_t first = sw_clock_monotonic_us(&sw_clock_system);
    uint64_t last = first;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t now = sw_clock_monotonic_us(&sw_clock_system);

        assert_true(now >= last);
        last = now;
    }
    (void)nanosleep(&pause, NULL);
    assert_true(sw_clock_monotonic_us(&sw_clock_system) >= first + 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wall_clock_is_in_milliseconds),
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
