/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: the bytes on disk are those codec.h specifies and never change.
 */
#include "samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void check_bytes(const struct sample *sample, const char *expected)
{
    struct sw_arena arena;
    struct sw_span body;
    struct sw_err err;
    char text[2048];

    sw_arena_init(&arena, 0);
    assert_int_equal(sw_codec_encode(&sample->record, &sample->layout, &arena, &body, &err), SW_OK);
    sw_hex(body.data, body.size, text);
    assert_string_equal(text, expected);
    sw_arena_fini(&arena);
}

/* Method: written down by hand from the specification. */
static void small_records_have_these_bytes(void **state)
{
    struct sample samples[SAMPLES];

    (void)state;
    sample_all(samples);
    /* version, at_ms, lease 300, "pod-3" */
    check_bytes(&samples[4], "0180d095ffbc31ac0205706f642d33");
    /* version, at_ms, lease, 3 sizes, bytes */
    check_bytes(&samples[5], "0180d095ffbc31ac0203020103616263646566");
    /* version, at_ms, lease, key, attempt, intent 99, did not happen, "ann" */
    check_bytes(&samples[14], "0180d095ffbc31ac0206737465702d31ffffffff0f630203616e6e");
    /* ..., intent 99, usage, chunked: type, digest, 3 extents (3: +3, 90: +87, 4: -86) */
    check_bytes(&samples[9], "0180d095ffbc31ac0206737465702d31ffffffff0f6301c801b0ea018092f401"
                             "02106170706c69636174696f6e2f6a736f6e"
                             "0102030000000000000000000000000000000000000000000000000000000000"
                             "03060088"
                             "27ae0111efff03ab010101");
}

/* Goal: no field is forgotten. Method: no two samples encode to the same bytes, and a
 * too small arena is refused. */
static void samples_encode_differently(void **state)
{
    struct sample samples[SAMPLES];
    struct sw_span bodies[SAMPLES];
    struct sw_arena arena;
    struct sw_arena small;
    struct sw_err err;

    (void)state;
    sample_all(samples);
    sw_arena_init(&arena, 0);
    sw_arena_init(&small, 16);
    for (int i = 0; i < SAMPLES; i++) {
        assert_int_equal(
            sw_codec_encode(&samples[i].record, &samples[i].layout, &arena, &bodies[i], &err),
            SW_OK);
        assert_int_equal(
            sw_codec_encode(&samples[i].record, &samples[i].layout, &small, &bodies[i], &err),
            SW_NO_MEMORY);
        for (int k = 0; k < i; k++)
            assert_false(sw_span_equal(bodies[i], bodies[k]));
    }
    sw_arena_fini(&arena);
    sw_arena_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_records_have_these_bytes),
        cmocka_unit_test(samples_encode_differently),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
