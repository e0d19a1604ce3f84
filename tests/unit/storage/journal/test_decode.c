/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: every record comes back as it was; bytes that are no record are refused; what is
 * accepted encodes to the same bytes again.
 */
#include "samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct sw_span encode(const struct sample *sample, struct sw_arena *arena)
{
    struct sw_span body;
    struct sw_err err;

    assert_int_equal(sw_codec_encode(&sample->record, &sample->layout, arena, &body, &err), SW_OK);
    return body;
}

/* Decodes a copy of exactly the right size, so that a read past the end is caught. */
static enum sw_code decode(struct sw_span body, const struct sw_record *like,
                           struct sw_arena *arena, struct sample *ret)
{
    uint8_t *copy = malloc(body.size + 1);
    uint8_t *end = copy + 1 + body.size;
    struct sw_err err;
    enum sw_code code;
    struct sw_span again;

    assert_non_null(copy);
    if (body.size > 0)
        memcpy(end - body.size, body.data, body.size);
    *ret = (struct sample){.record = {.type = like->type, .lsn = like->lsn, .run = like->run}};
    code = sw_codec_decode(sw_span_of(end - body.size, body.size), arena, &ret->record,
                           &ret->layout, &err);
    if (code == SW_OK) {
        assert_int_equal(sw_codec_encode(&ret->record, &ret->layout, arena, &again, &err), SW_OK);
        assert_true(sw_span_equal(again, body));
    }
    free(copy);
    return code;
}

static void every_sample_comes_back(void **state)
{
    struct sample samples[SAMPLES];
    struct sw_arena arena;

    (void)state;
    sample_all(samples);
    sw_arena_init(&arena, 0);
    for (int i = 0; i < SAMPLES; i++) {
        struct sw_span body = encode(&samples[i], &arena);
        struct sample back;

        assert_int_equal(decode(body, &samples[i].record, &arena, &back), SW_OK);
        assert_int_equal(back.record.lsn, samples[i].record.lsn);
        assert_int_equal(back.record.run, samples[i].record.run);
        assert_int_equal(back.record.at_ms, samples[i].record.at_ms);
        assert_int_equal(back.record.lease, samples[i].record.lease);
        assert_int_equal(back.record.attempt, samples[i].record.attempt);
        assert_int_equal(back.record.key.size, samples[i].record.key.size);
        assert_int_equal(back.layout.extents_count, samples[i].layout.extents_count);
        assert_int_equal(back.layout.steps, samples[i].layout.steps);
    }
    sw_arena_fini(&arena);
}

static void payloads_have_size_and_digest(void **state)
{
    struct sample samples[SAMPLES];
    struct sample back;
    struct sw_arena arena;
    struct sw_payload *input = &back.record.u.step_begun.input;

    (void)state;
    sample_all(samples);
    sw_arena_init(&arena, 0);
    assert_int_equal(decode(encode(&samples[7], &arena), &samples[7].record, &arena, &back), SW_OK);
    assert_int_equal(input->size, 8);
    assert_memory_equal(&input->digest, &samples[7].record.u.step_begun.input.digest, 32);
    assert_true(back.record.u.step_begun.has_digest);
    assert_memory_equal(&back.record.u.step_begun.digest, &input->digest, 32);

    assert_int_equal(decode(encode(&samples[8], &arena), &samples[8].record, &arena, &back), SW_OK);
    assert_int_equal(input->size, 5000 + 65519 + 1);
    assert_null(input->data.data);
    assert_int_equal(back.layout.extents[1].lsn, 90);
    assert_int_equal(back.layout.extents[1].offset, 17);
    assert_int_equal(back.layout.extents[2].lsn, 4);
    sw_arena_fini(&arena);
}

static void shortened_and_lengthened_bodies_are_refused(void **state)
{
    struct sample samples[SAMPLES];
    struct sw_arena arena;
    struct sample back;

    (void)state;
    sample_all(samples);
    sw_arena_init(&arena, 0);
    for (int i = 0; i < SAMPLES; i++) {
        struct sw_span body = encode(&samples[i], &arena); /* with bytes of room behind it */

        for (size_t size = 0; size < body.size; size++)
            assert_int_equal(decode(sw_span_of(body.data, size), &samples[i].record, &arena, &back),
                             SW_CORRUPT);
        assert_int_equal(
            decode(sw_span_of(body.data, body.size + 1), &samples[i].record, &arena, &back),
            SW_CORRUPT);
    }
    sw_arena_fini(&arena);
}

/* Goal: no change of one byte crashes, and none gives a record that encodes differently.
 * Method: every byte, 255 changes; decode() above checks. */
static void changed_bytes_are_refused_or_mean_what_they_say(void **state)
{
    struct sample samples[SAMPLES];
    struct sw_arena arena;
    struct sample back;
    uint8_t bytes[512];

    (void)state;
    sample_all(samples);
    sw_arena_init(&arena, 0);
    for (int i = 0; i < SAMPLES; i++) {
        struct sw_span body = encode(&samples[i], &arena);

        assert_true(body.size <= sizeof(bytes));
        memcpy(bytes, body.data, body.size);
        body.data = bytes;
        for (size_t at = 0; at < body.size; at++) {
            for (unsigned change = 1; change < 256; change++) {
                enum sw_code code;

                bytes[at] = (uint8_t)(bytes[at] ^ change);
                code = decode(body, &samples[i].record, &arena, &back);
                assert_true(code == SW_OK || code == SW_CORRUPT);
                bytes[at] = (uint8_t)(bytes[at] ^ change);
                if (at == 0)
                    assert_int_equal(code, SW_CORRUPT); /* the version */
            }
            sw_arena_reset(&arena);
        }
    }
    sw_arena_fini(&arena);
}

static void a_type_that_does_not_exist_is_refused(void **state)
{
    static const uint8_t body[] = {1, 0, 0};
    struct sw_record like = {.lsn = 1};
    struct sw_arena arena;
    struct sample back;

    (void)state;
    sw_arena_init(&arena, 0);
    assert_int_equal(decode(sw_span_of(body, 3), &like, &arena, &back), SW_CORRUPT);
    like.type = SW_RECORD_TYPE_END;
    assert_int_equal(decode(sw_span_of(body, 3), &like, &arena, &back), SW_CORRUPT);
    sw_arena_fini(&arena);
}

/* Goal: a count that the input cannot hold asks for no memory. */
static void forged_counts_cost_nothing(void **state)
{
    /* version, at_ms, lease, then a CHUNK record of 2^32 - 1 chunks */
    static const uint8_t body[] = {1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1};
    struct sw_record like = {.lsn = 1, .type = SW_RECORD_CHUNK};
    struct sw_arena arena;
    struct sample back;

    (void)state;
    sw_arena_init(&arena, 0);
    assert_int_equal(decode(sw_span_of(body, sizeof(body)), &like, &arena, &back), SW_CORRUPT);
    assert_int_equal(arena.spent, 0);
    sw_arena_fini(&arena);
}

static void a_full_arena_is_not_corruption(void **state)
{
    struct sample samples[SAMPLES];
    struct sw_arena arena;
    struct sw_arena small;
    struct sample back;

    (void)state;
    sample_all(samples);
    sw_arena_init(&arena, 0);
    sw_arena_init(&small, 16);
    assert_int_equal(decode(encode(&samples[8], &arena), &samples[8].record, &small, &back),
                     SW_NO_MEMORY);
    sw_arena_fini(&arena);
    sw_arena_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_comes_back),
        cmocka_unit_test(payloads_have_size_and_digest),
        cmocka_unit_test(shortened_and_lengthened_bodies_are_refused),
        cmocka_unit_test(changed_bytes_are_refused_or_mean_what_they_say),
        cmocka_unit_test(a_type_that_does_not_exist_is_refused),
        cmocka_unit_test(forged_counts_cost_nothing),
        cmocka_unit_test(a_full_arena_is_not_corruption),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
