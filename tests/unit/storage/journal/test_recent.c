/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a chunk is found from when it is added until it is dropped at either end.
 */
#include "storage/journal/recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct sw_digest digest_of(uint64_t lsn)
{
    struct sw_span bytes = sw_span_of(&lsn, sizeof(lsn));
    struct sw_digest digest;

    sw_sha256(&bytes, 1, &digest);
    return digest;
}

static void check(const struct sw_recent *recent, uint64_t lsn, bool expected)
{
    struct sw_digest digest = digest_of(lsn);
    const struct sw_extent *found = sw_recent_find(recent, &digest);

    assert_int_equal(found != NULL, expected);
    if (found != NULL)
        assert_int_equal(found->lsn, lsn);
}

static void add(struct sw_recent *recent, uint64_t lsn)
{
    struct sw_digest digest = digest_of(lsn);

    assert_true(sw_recent_add(recent, &digest, (struct sw_extent){lsn, 0, 1}));
}

static void an_empty_list_finds_nothing(void **state)
{
    struct sw_recent recent = {0};

    (void)state;
    check(&recent, 1, false);
    sw_recent_drop_after(&recent, 0);
    sw_recent_drop_through(&recent, 9);
    sw_recent_fini(&recent);
}

/* The same numbers in every run. */
static uint32_t draw(void)
{
    static uint32_t state = 7;

    state = state * 1664525 + 1013904223;
    return state >> 8;
}

/* Method: random adds and drops; what must be there is a range of lsns. */
static void a_range_of_lsns_is_found(void **state)
{
    struct sw_recent recent = {0};
    uint64_t first = 1;
    uint64_t last = 0;

    (void)state;
    for (int i = 0; i < 400; i++) {
        uint64_t count = (uint64_t)draw() % 40;

        switch (draw() % 4) {
        case 0:
            last = last - first + 1 > count ? last - count : first - 1;
            sw_recent_drop_after(&recent, last);
            break;
        case 1:
            first = last - first + 1 > count ? first + count : last + 1;
            sw_recent_drop_through(&recent, first - 1);
            break;
        default:
            for (uint64_t k = 0; k < 2 * count; k++)
                add(&recent, ++last);
        }
        assert_int_equal(recent.count, last - first + 1);
        for (int k = 0; k < 20; k++) {
            uint64_t lsn = 1 + (uint64_t)draw() % (last + 5);

            check(&recent, lsn, lsn >= first && lsn <= last);
        }
    }
    assert_true(recent.capacity > 1024); /* it grew on the way */
    sw_recent_fini(&recent);
    sw_recent_fini(&recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list_finds_nothing),
        cmocka_unit_test(a_range_of_lsns_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
