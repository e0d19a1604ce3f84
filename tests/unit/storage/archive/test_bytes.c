/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Goal: every number comes back, and has one encoding. */
static void varints_come_back(void **state)
{
    struct sw_bytes bytes = {0};

    (void)state;
    for (unsigned shift = 0; shift < 64; shift++) {
        for (uint64_t less = 0; less < 2; less++) {
            uint64_t value = (UINT64_C(1) << shift) - less;
            struct sw_bytes_in in;

            sw_bytes_clear(&bytes);
            sw_bytes_add_varint(&bytes, value);
            in = sw_bytes_in_of(sw_bytes_span(&bytes));
            assert_int_equal(sw_bytes_in_varint(&in), value);
            assert_false(in.bad);
            assert_ptr_equal(in.next, in.end);
        }
    }
    sw_bytes_fini(&bytes);
}

static void bad_varints_are_refused(void **state)
{
    static const struct {
        uint8_t bytes[11];
        size_t size;
    } cases[] = {
        {{0}, 0},                                                                 /* none */
        {{0x80}, 1},                                                              /* cut off */
        {{0x80, 0x00}, 2},                                                        /* too long */
        {{0xff, 0x80, 0x00}, 3},                                                  /* too long */
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, 10},       /* 65 bits */
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x00}, 11}, /* 11 bytes */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sw_bytes_in in = sw_bytes_in_of(sw_span_of(cases[i].bytes, cases[i].size));

        assert_int_equal(sw_bytes_in_varint(&in), 0);
        assert_true(in.bad);
        assert_int_equal(sw_bytes_in_take(&in, 0).size, 0); /* stays bad */
        assert_true(in.bad);
    }
}

static void taking_stops_at_the_end(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3};
    struct sw_bytes_in in = sw_bytes_in_of(sw_span_of(bytes, sizeof(bytes)));

    (void)state;
    assert_ptr_equal(sw_bytes_in_take(&in, 2).data, bytes);
    assert_int_equal(sw_bytes_in_take(&in, 2).size, 0);
    assert_true(in.bad);
}

static void fixed_numbers_are_little_endian(void **state)
{
    uint8_t bytes[8];

    (void)state;
    sw_put_u32(bytes, 0x01020304);
    assert_int_equal(bytes[0], 4);
    assert_int_equal(sw_get_u32(bytes), 0x01020304);
    sw_put_u64(bytes, UINT64_C(0x0102030405060708));
    assert_int_equal(bytes[0], 8);
    assert_int_equal(sw_get_u64(bytes), UINT64_C(0x0102030405060708));
}

static void buffer_grows_and_remembers_that_it_could_not(void **state)
{
    struct sw_bytes bytes = {0};

    (void)state;
    for (int i = 0; i < 3000; i++)
        sw_bytes_add(&bytes, &i, sizeof(i));
    assert_int_equal(bytes.size, 3000 * sizeof(int));
    assert_memory_equal(bytes.data + 2999 * sizeof(int), (const int[]){2999}, sizeof(int));
    assert_null(sw_bytes_room(&bytes, SIZE_MAX / 2));
    assert_true(bytes.failed);
    sw_bytes_add(&bytes, "x", 1);
    assert_int_equal(bytes.size, 3000 * sizeof(int));
    sw_bytes_clear(&bytes);
    assert_false(bytes.failed);
    sw_bytes_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints_come_back),
        cmocka_unit_test(bad_varints_are_refused),
        cmocka_unit_test(taking_stops_at_the_end),
        cmocka_unit_test(fixed_numbers_are_little_endian),
        cmocka_unit_test(buffer_grows_and_remembers_that_it_could_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
