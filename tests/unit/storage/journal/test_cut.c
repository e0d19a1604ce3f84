/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: chunks keep their bounds, and bytes put in somewhere change few of them.
 */
#include "storage/journal/cut.h"

#include "storage/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SIZE = 200 * 1000, CUTS_MAX = SIZE / SW_CUT_MIN + 2 };

static void fill(uint8_t *bytes, uint64_t seed)
{
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)sw_hash64(sw_span_of(&i, sizeof(i)), seed);
}

/* The hashes of the chunks, in order. */
static size_t cut_all(struct sw_span rest, uint64_t *hashes)
{
    size_t count = 0;

    while (rest.size > 0) {
        size_t size = sw_cut(rest);

        assert_in_range(size, 1, SW_CUT_MAX);
        assert_true(size >= SW_CUT_MIN || size == rest.size);
        hashes[count++] = sw_hash64(sw_span_of(rest.data, size), 0);
        rest = sw_span_of(rest.data + size, rest.size - size);
    }
    return count;
}

static void chunks_keep_their_bounds(void **state)
{
    static uint8_t bytes[SIZE];
    uint64_t hashes[CUTS_MAX];
    size_t count;

    (void)state;
    fill(bytes, 1);
    count = cut_all(sw_span_of(bytes, SIZE), hashes);
    assert_in_range(SIZE / count, SW_CUT_NORMAL / 2, SW_CUT_NORMAL * 2);
    memset(bytes, 0, SIZE); /* no place is better than another */
    (void)cut_all(sw_span_of(bytes, SIZE), hashes);
    assert_int_equal(sw_cut((struct sw_span){0}), 0);
    assert_int_equal(sw_cut(sw_span_of(bytes, 1)), 1);
    assert_int_equal(sw_cut(sw_span_of(bytes, SW_CUT_MIN)), SW_CUT_MIN);
}

static size_t common(const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count)
{
    size_t count = 0;

    for (size_t i = 0; i < a_count; i++) {
        for (size_t k = 0; k < b_count; k++) {
            if (a[i] == b[k]) {
                count++;
                break;
            }
        }
    }
    return count;
}

/* Goal: what a conversation had before is cut as before, behind new bytes in front,
 * in the middle and at the end. */
static void few_chunks_change(void **state)
{
    static uint8_t bytes[SIZE];
    static uint8_t changed[SIZE + 100];
    uint64_t before[CUTS_MAX];
    uint64_t after[CUTS_MAX];
    size_t before_count;

    (void)state;
    fill(bytes, 2);
    before_count = cut_all(sw_span_of(bytes, SIZE), before);
    for (size_t at = 0; at <= SIZE; at += SIZE / 4) {
        size_t after_count;

        memcpy(changed, bytes, at);
        memset(changed + at, 'x', 100);
        memcpy(changed + at + 100, bytes + at, SIZE - at);
        after_count = cut_all(sw_span_of(changed, SIZE + 100), after);
        assert_true(common(before, before_count, after, after_count) + 8 >= before_count);
    }
}

/* Goal: what is stored keeps being found. Method: the cuts of fixed bytes, as they were
 * when journals were first written. */
static void cuts_never_move(void **state)
{
    static uint8_t bytes[SIZE];
    uint64_t hashes[CUTS_MAX];
    size_t count;

    (void)state;
    fill(bytes, 3);
    count = cut_all(sw_span_of(bytes, SIZE), hashes);
    assert_int_equal(count, 110);
    assert_true(sw_hash64(sw_span_of(hashes, count * sizeof(hashes[0])), 0) ==
                16676640548415300719u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_keep_their_bounds),
        cmocka_unit_test(few_chunks_change),
        cmocka_unit_test(cuts_never_move),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
