/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: what the arena hands out is aligned, apart, and bounded by its limit.
 */
#include "storage/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { PIECES = 400 };

/* Method: pieces of many sizes, each filled with its own byte, read back at the end. */
static void pieces_do_not_overlap(void **state)
{
    uint8_t *pieces[PIECES];
    struct sw_arena arena;

    (void)state;
    sw_arena_init(&arena, 0);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < PIECES; i++) {
            size_t size = i * i % 5000;

            pieces[i] = sw_arena_alloc(&arena, size);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
            memset(pieces[i], (int)(i % 251), size);
        }
        for (size_t i = 0; i < PIECES; i++) {
            for (size_t k = 0; k < i * i % 5000; k++)
                assert_int_equal(pieces[i][k], i % 251);
        }
        sw_arena_reset(&arena);
        assert_int_equal(arena.spent, 0);
    }
    sw_arena_fini(&arena);
    sw_arena_fini(&arena);
}

static void the_limit_holds(void **state)
{
    struct sw_arena arena;

    (void)state;
    sw_arena_init(&arena, 100);
    assert_null(sw_arena_alloc(&arena, 101));
    assert_non_null(sw_arena_alloc(&arena, 64));
    assert_non_null(sw_arena_alloc(&arena, 32));
    assert_null(sw_arena_alloc(&arena, 5));
    assert_non_null(sw_arena_alloc(&arena, 0));
    assert_null(sw_arena_alloc(&arena, SIZE_MAX));
    sw_arena_reset(&arena);
    assert_non_null(sw_arena_alloc(&arena, 96));
    assert_null(sw_arena_alloc(&arena, SIZE_MAX - 3));
    sw_arena_fini(&arena);
}

static void a_reset_keeps_one_small_block(void **state)
{
    struct sw_arena arena;
    void *first;

    (void)state;
    sw_arena_init(&arena, 0);
    first = sw_arena_alloc(&arena, 10);
    sw_arena_reset(&arena);
    assert_ptr_equal(sw_arena_alloc(&arena, 10), first);
    sw_arena_reset(&arena);
    assert_non_null(sw_arena_alloc(&arena, 1024 * 1024));
    sw_arena_reset(&arena);
    assert_non_null(sw_arena_alloc(&arena, 10));
    sw_arena_fini(&arena);
}

static void copies_are_copies(void **state)
{
    struct sw_span copy;
    struct sw_arena arena;
    char text[] = "stepwell";

    (void)state;
    sw_arena_init(&arena, 64);
    assert_true(sw_arena_copy(&arena, sw_span_of_text(text), &copy));
    assert_string_equal(sw_arena_text(&arena, sw_span_of_text(text)), "stepwell");
    text[0] = 'S';
    assert_true(sw_span_equal(copy, sw_span_of_text("stepwell")));
    assert_true(sw_arena_copy(&arena, (struct sw_span){0}, &copy));
    assert_int_equal(copy.size, 0);
    assert_string_equal(sw_arena_text(&arena, (struct sw_span){0}), "");
    assert_false(sw_arena_copy(&arena, sw_span_of(&arena, 60), &copy));
    assert_null(copy.data);
    assert_null(sw_arena_text(&arena, sw_span_of(&arena, 60)));
    assert_int_equal(((uint8_t *)sw_arena_zalloc(&arena, 8))[7], 0);
    assert_null(sw_arena_zalloc(&arena, 60));
    sw_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(a_reset_keeps_one_small_block),
        cmocka_unit_test(copies_are_copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
