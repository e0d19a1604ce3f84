/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: unfinished steps are found by key and listed in the order they came; what is
 * given back is used again, empty.
 */
#include "sidecar/service/open_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "storage/base/hash.h"

static struct sw_open_step *a_step(struct sw_step_pool *pool, const char *key)
{
    struct sw_open_step *step = sw_open_step_new(pool);

    assert_non_null(step);
    assert_true(sw_open_step_copy(step, sw_span_of_text(key), &step->step.key));
    step->hash = sw_hash64(step->step.key, 0) & 3; /* collisions on purpose */
    return step;
}

static struct sw_open_step *find(const struct sw_open_steps *steps, const char *key)
{
    struct sw_span span = sw_span_of_text(key);

    return sw_open_steps_find(steps, sw_hash64(span, 0) & 3, span);
}

static void steps_are_found_by_key_and_listed_in_order(void **state)
{
    struct sw_step_pool pool = {0};
    struct sw_open_steps steps = {0};
    struct sw_open_step *all[50];
    char key[16];

    (void)state;
    assert_null(find(&steps, "none"));
    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        all[i] = a_step(&pool, key);
        sw_open_steps_add(&steps, all[i]);
    }
    for (int i = 0; i < 50; i += 2) {
        sw_open_steps_remove(&steps, all[i]);
        sw_open_step_recycle(&pool, all[i]);
    }
    assert_int_equal(steps.count, 25);
    assert_ptr_equal(steps.oldest, all[1]);
    assert_ptr_equal(steps.newest, all[49]);
    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        assert_ptr_equal(find(&steps, key), i % 2 == 0 ? NULL : all[i]);
        if (i % 2 == 1 && i < 49) {
            assert_ptr_equal(all[i]->newer, all[i + 2]);
            assert_ptr_equal(all[i + 2]->older, all[i]);
            assert_true(all[i]->order < all[i + 2]->order);
        }
    }
    sw_open_steps_fini(&steps, &pool);
    sw_step_pool_fini(&pool);
}

static void a_replacement_stands_where_the_old_step_stood(void **state)
{
    struct sw_step_pool pool = {0};
    struct sw_open_steps steps = {0};
    struct sw_open_step *all[3] = {a_step(&pool, "a"), a_step(&pool, "b"), a_step(&pool, "c")};
    static const char *const keys[] = {"a", "b", "c"};
    int mark = 0;

    (void)state;
    for (int i = 0; i < 3; i++)
        sw_open_steps_add(&steps, all[i]);
    for (int i = 0; i < 3; i++) {
        struct sw_open_step *fresh = a_step(&pool, keys[i]);

        all[i]->kept = &mark;
        sw_open_steps_replace(&steps, all[i], fresh);
        assert_ptr_equal(fresh->kept, &mark);
        assert_int_equal(fresh->order, i + 1);
        fresh->kept = NULL;
        sw_open_step_recycle(&pool, all[i]);
        all[i] = fresh;
        assert_ptr_equal(find(&steps, keys[i]), fresh);
    }
    assert_ptr_equal(steps.oldest, all[0]);
    assert_ptr_equal(all[0]->newer, all[1]);
    assert_ptr_equal(all[1]->newer, all[2]);
    assert_ptr_equal(steps.newest, all[2]);
    assert_int_equal(steps.count, 3);
    sw_open_steps_fini(&steps, &pool);
    sw_step_pool_fini(&pool);
}

static void texts_beyond_the_inline_room_live_in_the_arena(void **state)
{
    struct sw_step_pool pool = {0};
    struct sw_open_step *step = sw_open_step_new(&pool);
    char big[SW_OPEN_STEP_INLINE];
    struct sw_span copies[3];

    (void)state;
    memset(big, 'x', sizeof(big));
    for (int i = 0; i < 3; i++) {
        struct sw_span span = sw_span_of(big, i == 0 ? 100 : sizeof(big) - 100 + (size_t)i - 1);

        assert_true(sw_open_step_copy(step, span, &copies[i]));
        assert_true(sw_span_equal(copies[i], span));
    }
    assert_int_equal(step->inline_used, sizeof(step->inline_bytes));
    assert_true(step->arena.spent > 0);
    sw_open_step_recycle(&pool, step);
    sw_step_pool_fini(&pool);
}

static void a_recycled_step_is_handed_out_again_as_new(void **state)
{
    struct sw_step_pool pool = {0};
    struct sw_open_step *step = a_step(&pool, "key");

    (void)state;
    step->step.state = SW_STEP_COMPLETED;
    step->step.attempt = 3;
    sw_open_step_recycle(&pool, step);
    assert_int_equal(pool.count, 1);
    assert_ptr_equal(sw_open_step_new(&pool), step);
    assert_int_equal(pool.count, 0);
    assert_int_equal(step->step.state, SW_STEP_ABSENT);
    assert_int_equal(step->step.attempt, 0);
    assert_int_equal(step->inline_used, 0);
    assert_null(step->newer);
    sw_open_step_recycle(&pool, step);
    sw_step_pool_fini(&pool);
}

static void a_step_that_grew_large_is_not_kept(void **state)
{
    struct sw_step_pool pool = {0};
    struct sw_open_step *step = sw_open_step_new(&pool);

    (void)state;
    assert_non_null(sw_arena_alloc(&step->arena, 64 * 1024));
    sw_open_step_recycle(&pool, step);
    assert_int_equal(pool.count, 0);
    sw_step_pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_found_by_key_and_listed_in_order),
        cmocka_unit_test(a_replacement_stands_where_the_old_step_stood),
        cmocka_unit_test(texts_beyond_the_inline_room_live_in_the_arena),
        cmocka_unit_test(a_recycled_step_is_handed_out_again_as_new),
        cmocka_unit_test(a_step_that_grew_large_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
