/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: records are shipped when the policy says, not earlier and not later; an idle
 * journal asks for nothing; a failing store is not hammered, whoever waits.
 */
#include "sidecar/engine/ship.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct sw_ship_policy policy = {
    .interval_us = 1000,
    .bytes_max = 100,
    .spacing_us = 50,
    .backlog_bytes_max = 500,
    .backlog_age_us_max = 10000,
};

static void each_state_is_shipped_when_the_policy_says(void **state)
{
    enum { NOW_US = 5000 };
    static const struct {
        const char *what;
        struct sw_ship_state state;
        enum sw_ship_when when;
        uint64_t at_us;
    } rows[] = {
        {"nothing was ever written", {.lsn = 0}, SW_SHIP_NEVER, 0},
        {"all is shipped", {.lsn = 9, .shipped_lsn = 9}, SW_SHIP_NEVER, 0},
        {"all is shipped, someone waited", {9, 9, 9, 0, 0, 0, false, 0, 0}, SW_SHIP_NEVER, 0},
        {"all is shipped, each commit at once", {9, 9, 0, 0, 0, 0, true, 0, 0}, SW_SHIP_NEVER, 0},
        {"young", {9, 8, 0, 99, 4500, 0, false, 0, 0}, SW_SHIP_LATER, 5500},
        {"almost due", {9, 8, 0, 99, 4001, 0, false, 0, 0}, SW_SHIP_LATER, 5001},
        {"due", {9, 8, 0, 99, 4000, 0, false, 0, 0}, SW_SHIP_NOW, 0},
        {"many bytes", {9, 8, 0, 100, 4999, 0, false, 0, 0}, SW_SHIP_NOW, 0},
        {"many bytes, shipped long ago", {9, 8, 0, 100, 4999, 0, false, 0, 4950}, SW_SHIP_NOW, 0},
        {"many bytes, just shipped", {9, 8, 0, 100, 4999, 0, false, 0, 4951}, SW_SHIP_LATER, 5001},
        {"a run ended", {9, 8, 0, 1, 4999, 0, false, 9, 0}, SW_SHIP_NOW, 0},
        {"a run ended, just shipped", {9, 8, 0, 1, 4999, 0, false, 9, 4990}, SW_SHIP_LATER, 5040},
        {"an end that is shipped", {9, 8, 0, 1, 4999, 0, false, 8, 4990}, SW_SHIP_LATER, 5999},
        {"the interval is sooner", {9, 8, 0, 1, 4010, 0, false, 9, 4990}, SW_SHIP_LATER, 5010},
        {"someone waits, just shipped", {9, 8, 9, 1, 4999, 0, false, 9, 4999}, SW_SHIP_NOW, 0},
        {"someone waits", {9, 8, 9, 1, 4999, 0, false, 0, 0}, SW_SHIP_NOW, 0},
        {"someone waited for what is shipped",
         {9, 8, 8, 1, 4999, 0, false, 0, 0},
         SW_SHIP_LATER,
         5999},
        {"each commit at once", {9, 8, 0, 1, 4999, 0, true, 0, 0}, SW_SHIP_NOW, 0},
        {"failed, someone waits", {9, 8, 9, 1, 4000, 5002, false, 0, 0}, SW_SHIP_LATER, 5002},
        {"failed, each at once", {9, 8, 0, 1, 4000, 5002, true, 0, 0}, SW_SHIP_LATER, 5002},
        {"failed, young", {9, 8, 0, 1, 4999, 5002, false, 0, 0}, SW_SHIP_LATER, 5999},
        {"failed long ago", {9, 8, 0, 1, 3000, 5000, false, 0, 0}, SW_SHIP_NOW, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sw_ship_decision decision = sw_decide_ship(&policy, &rows[i].state, NOW_US);

        if (decision.when != rows[i].when || decision.at_us != rows[i].at_us)
            fail_msg("%s: %d at %llu", rows[i].what, (int)decision.when,
                     (unsigned long long)decision.at_us);
    }
}

static void a_backlog_is_full_by_bytes_or_by_age(void **state)
{
    const struct sw_ship_policy none = {.interval_us = 1000, .bytes_max = 100};

    (void)state;
    assert_false(sw_decide_backlog_full(&policy, 499, 1, 10000));
    assert_true(sw_decide_backlog_full(&policy, 500, 0, 0));
    assert_true(sw_decide_backlog_full(&policy, 0, 1, 10001));
    assert_false(sw_decide_backlog_full(&policy, 0, 0, UINT64_MAX));
    assert_false(sw_decide_backlog_full(&none, UINT64_MAX, 1, UINT64_MAX));
}

static void a_snapshot_is_taken_when_it_is_worth_it(void **state)
{
    static const struct {
        const char *what;
        struct sw_snapshot_state state;
        bool take;
    } rows[] = {
        {"the first", {true, 256, 1000, 0}, true},
        {"not due", {false, 255, 1000, 0}, false},
        {"the last was cheap", {true, 256, 1, 4 << 20}, true},
        {"small beside the last", {true, 2047, (9 << 20) - 1, 9 << 19}, false},
        {"twice the last", {true, 256, 9 << 20, 9 << 19}, true},
        {"many small segments", {true, 2048, 1, 9 << 20}, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (sw_decide_snapshot(&rows[i].state) != rows[i].take)
            fail_msg("%s", rows[i].what);
}

static void snapshots_have_a_tenth_of_the_time_and_5_s_between_them(void **state)
{
    (void)state;
    assert_int_equal(sw_snapshot_pause_us(0), 5000 * 1000);
    assert_int_equal(sw_snapshot_pause_us(500 * 1000), 5000 * 1000);
    assert_int_equal(sw_snapshot_pause_us(2000 * 1000), 18000 * 1000);
}

static void pauses_grow_to_a_cap_and_never_vanish(void **state)
{
    (void)state;
    assert_int_equal(sw_ship_back_off_us(1, 0), 50 * 1000);
    assert_int_equal(sw_ship_back_off_us(1, 50 * 1000), 100 * 1000);
    assert_int_equal(sw_ship_back_off_us(2, 0), 100 * 1000);
    assert_int_equal(sw_ship_back_off_us(3, 0), 200 * 1000);
    for (uint64_t seed = 0; seed < 1000; seed++) {
        uint64_t us = sw_ship_back_off_us(100, seed * 7919);

        assert_true(us >= 500 * 1000 && us <= 1000 * 1000);
    }
    assert_true(sw_ship_back_off_us(UINT32_MAX, UINT64_MAX) <= 1000 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_is_shipped_when_the_policy_says),
        cmocka_unit_test(a_backlog_is_full_by_bytes_or_by_age),
        cmocka_unit_test(a_snapshot_is_taken_when_it_is_worth_it),
        cmocka_unit_test(snapshots_have_a_tenth_of_the_time_and_5_s_between_them),
        cmocka_unit_test(pauses_grow_to_a_cap_and_never_vanish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
