/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/pack.h"
#include "storage/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void bytes_come_back(void **state)
{
    struct sw_packer packer = {0};
    struct sw_err err;
    size_t size = 300000;
    uint8_t *raw = malloc(size);

    (void)state;
    assert_non_null(raw);
    for (size_t i = 0; i < size; i++)
        raw[i] = (uint8_t)(i / 7 % 50);
    for (size_t part = 100, turn = 0; part <= size;
         part *= 3, turn++) { /* contexts are used again */
        struct sw_span packed, again;

        assert_int_equal(sw_pack(&packer, sw_span_of(raw, part), turn % 2 == 0, &packed, &err),
                         SW_OK);
        assert_true(packed.size > 0 && packed.size < part);
        assert_int_equal(sw_unpack(&packer, packed, part, &again, &err), SW_OK);
        assert_true(sw_span_equal(again, sw_span_of(raw, part)));
        assert_int_equal(sw_unpack(&packer, packed, part - 1, &again, &err), SW_CORRUPT);
        assert_int_equal(sw_unpack(&packer, packed, part + 1, &again, &err), SW_CORRUPT);
        packed.size--;
        assert_int_equal(sw_unpack(&packer, packed, part, &again, &err), SW_CORRUPT);
    }
    free(raw);
    sw_packer_fini(&packer);
}

static void noise_is_left_as_it_is(void **state)
{
    struct sw_packer packer = {0};
    struct sw_span packed;
    struct sw_err err;
    uint8_t raw[5000];

    (void)state;
    sw_random(raw, sizeof(raw));
    assert_int_equal(sw_pack(&packer, sw_span_of(raw, sizeof(raw)), false, &packed, &err), SW_OK);
    assert_int_equal(packed.size, 0);
    sw_packer_fini(&packer);
}

/* Two frames, or one and something: nobody of ours wrote that. */
static void more_than_one_frame_is_refused(void **state)
{
    struct sw_packer packer = {0};
    struct sw_span packed, again;
    uint8_t raw[1000] = {0};
    uint8_t both[200];
    struct sw_err err;

    (void)state;
    assert_int_equal(sw_pack(&packer, sw_span_of(raw, sizeof(raw)), false, &packed, &err), SW_OK);
    assert_true(2 * packed.size < sizeof(both));
    memcpy(both, packed.data, packed.size);
    memcpy(both + packed.size, packed.data, packed.size);
    assert_int_equal(
        sw_unpack(&packer, sw_span_of(both, 2 * packed.size), 2 * sizeof(raw), &again, &err),
        SW_CORRUPT);
    assert_int_equal(
        sw_unpack(&packer, sw_span_of(both, packed.size + 1), sizeof(raw), &again, &err),
        SW_CORRUPT);
    sw_packer_fini(&packer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back),
        cmocka_unit_test(noise_is_left_as_it_is),
        cmocka_unit_test(more_than_one_frame_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
