/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: every lsn added is found by its hash at every size, also while the table moves,
 * and the table stays small.
 */
#include "sidecar/service/step_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void add(struct sw_step_index *index, uint64_t hash, uint64_t lsn)
{
    assert_true(sw_step_index_reserve(index));
    sw_step_index_add(index, hash, lsn);
}

static bool finds(const struct sw_step_index *index, uint64_t hash, uint64_t lsn)
{
    struct sw_step_search search = {0};
    uint64_t found;

    while ((found = sw_step_index_next(index, hash, &search)) != 0) {
        if (found == lsn)
            return true;
    }
    return false;
}

/* A bijection of 64 bits: numbers as good as random, none twice. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void an_empty_index_finds_nothing(void **state)
{
    struct sw_step_index index = {0};

    (void)state;
    assert_false(finds(&index, 0, 1));
    sw_step_index_fini(&index);
}

static void everything_added_is_found_after_each_addition(void **state)
{
    struct sw_step_index index = {0};

    (void)state;
    for (uint64_t n = 1; n <= 600; n++) {
        add(&index, mix(n), n);
        for (uint64_t m = 1; m <= n; m++)
            assert_true(finds(&index, mix(m), m));
        assert_false(finds(&index, mix(n + 1), n + 1));
    }
    assert_int_equal(index.count, 600);
    sw_step_index_fini(&index);
    assert_int_equal(index.count, 0);
}

static void keys_of_one_hash_are_all_found(void **state)
{
    struct sw_step_index index = {0};

    (void)state;
    for (uint64_t n = 1; n <= 40; n++)
        add(&index, 42, n);
    for (uint64_t n = 1; n <= 40; n++)
        assert_true(finds(&index, 42, n));
    sw_step_index_fini(&index);
}

static void half_a_million_steps_fit_in_sixteen_mebibytes(void **state)
{
    struct sw_step_index index = {0};

    (void)state;
    for (uint64_t n = 1; n <= 500000; n++)
        add(&index, mix(n), n);
    assert_true((index.current.capacity + index.old.capacity) * sizeof(struct sw_step_slot) <=
                16 * 1024 * 1024);
    for (uint64_t n = 1; n <= 500000; n++)
        assert_true(finds(&index, mix(n), n));
    sw_step_index_fini(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_index_finds_nothing),
        cmocka_unit_test(everything_added_is_found_after_each_addition),
        cmocka_unit_test(keys_of_one_hash_are_all_found),
        cmocka_unit_test(half_a_million_steps_fit_in_sixteen_mebibytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
