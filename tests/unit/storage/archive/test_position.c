/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/position.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* In slot 4, owned by {7} in epoch 2, at lsn 30. */
static const struct sw_position here = {
    .uuid = {1}, .owner = {7}, .slot = 4, .epoch = 2, .lsn = 30, .chain = {{3}}, .object = {{4}}};

static struct sw_segment data(void)
{
    return (struct sw_segment){.kind = SW_SEGMENT_DATA,
                               .uuid = {1},
                               .owner = {7},
                               .slot = 5,
                               .epoch = 2,
                               .first_lsn = 31,
                               .last_lsn = 33,
                               .count = 3,
                               .before = {{4}},
                               .chain = {{5}},
                               .digest = {{6}}};
}

static struct sw_segment fence(void)
{
    return (struct sw_segment){.kind = SW_SEGMENT_FENCE,
                               .uuid = {1},
                               .owner = {8},
                               .slot = 5,
                               .epoch = 3,
                               .first_lsn = 30,
                               .last_lsn = 30,
                               .before = {{4}},
                               .chain = {{3}},
                               .digest = {{6}}};
}

static enum sw_code follow(struct sw_segment segment, struct sw_position *position)
{
    struct sw_err err;

    *position = here;
    return sw_position_follow(position, &segment, &err);
}

static void owner_goes_on(void **state)
{
    struct sw_position position;

    (void)state;
    assert_int_equal(follow(data(), &position), SW_OK);
    assert_int_equal(position.slot, 5);
    assert_int_equal(position.lsn, 33);
    assert_int_equal(position.object.bytes[0], 6);
    assert_int_equal(position.chain.bytes[0], 5);
}

static void newer_owner_takes_over(void **state)
{
    struct sw_position position;

    (void)state;
    assert_int_equal(follow(fence(), &position), SW_OK);
    assert_int_equal(position.epoch, 3);
    assert_int_equal(position.owner[0], 8);
    assert_int_equal(position.lsn, 30);
}

/* Goal: each single fact that is wrong is an objection. */
static void what_does_not_follow_is_refused(void **state)
{
    struct sw_segment cases[16];
    size_t count = 0;

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct sw_segment base = kind == 0 ? data() : fence();

        cases[count] = base;
        cases[count++].uuid[15] = 1;
        cases[count] = base;
        cases[count++].slot = 6;
        cases[count] = base;
        cases[count++].before.bytes[31] = 1;
    }
    cases[count] = data();
    cases[count++].owner[15] = 1;
    cases[count] = data();
    cases[count++].epoch = 3;
    cases[count] = data();
    cases[count++].first_lsn = 30;
    cases[count] = fence();
    cases[count++].epoch = 2;
    cases[count] = fence();
    cases[count++].last_lsn = 31;
    cases[count] = fence();
    cases[count++].chain.bytes[9] = 1;
    cases[count] = data();
    cases[count++].kind = SW_SEGMENT_PART;
    cases[count] = fence();
    cases[count++].kind = SW_SEGMENT_RETIRE; /* of a stranger */
    for (size_t i = 0; i < count; i++) {
        struct sw_position position;

        assert_int_equal(follow(cases[i], &position), SW_CORRUPT);
        assert_memory_equal(&position, &here, sizeof(here));
    }
}

static void nothing_follows_the_end(void **state)
{
    struct sw_segment retire = fence();
    struct sw_segment late = fence();
    struct sw_position position;
    struct sw_err err;

    (void)state;
    retire.kind = SW_SEGMENT_RETIRE;
    retire.owner[0] = 7;
    retire.epoch = 2;
    assert_int_equal(follow(retire, &position), SW_OK);
    assert_true(position.retired);
    late.slot = 6;
    late.before = position.object;
    assert_int_equal(sw_position_follow(&position, &late, &err), SW_CORRUPT);
}

static void beginnings_are_taken_from_meta_and_index(void **state)
{
    struct sw_segment segment = data();
    struct sw_position position;

    (void)state;
    segment.slot = 0;
    segment.epoch = 0;
    position = sw_position_of_meta(&segment);
    assert_int_equal(position.slot, 0);
    assert_int_equal(position.object.bytes[0], 6); /* META itself comes before slot 1 */
    position = sw_position_of_index(&segment);
    assert_int_equal(position.object.bytes[0], 4); /* an index is no link of the chain */
    assert_int_equal(position.owner[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owner_goes_on),
        cmocka_unit_test(newer_owner_takes_over),
        cmocka_unit_test(what_does_not_follow_is_refused),
        cmocka_unit_test(nothing_follows_the_end),
        cmocka_unit_test(beginnings_are_taken_from_meta_and_index),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
