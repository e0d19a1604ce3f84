/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct made {
    struct sw_packer packer;
    struct sw_bytes object;
    struct sw_segment segment;
    struct sw_err err;
};

static const char rows[] = "rows, rows, rows, rows, rows, rows, rows, rows, rows, rows, rows";

static void make(struct made *made, const struct sw_cipher *cipher)
{
    made->segment = (struct sw_segment){.kind = SW_SEGMENT_DATA,
                                        .uuid = {1},
                                        .owner = {2},
                                        .epoch = 3,
                                        .slot = 4,
                                        .first_lsn = 5,
                                        .last_lsn = 9,
                                        .at_ms = 10,
                                        .count = 3,
                                        .before = {{11}},
                                        .chain = {{12}}};
    assert_int_equal(sw_segment_write(&made->segment, sw_span_of_text(rows), cipher, &made->packer,
                                      &made->object, &made->err),
                     SW_OK);
}

static void fini(struct made *made)
{
    sw_packer_fini(&made->packer);
    sw_bytes_fini(&made->object);
}

static struct sw_cipher cipher_of(uint8_t first)
{
    struct sw_cipher cipher = {.keys_count = 1};

    cipher.keys[0].id[0] = first;
    cipher.keys[0].key[0] = first;
    return cipher;
}

/* Goal: the header stands where segment.h says; a change of it is a change of the format. */
static void layout_is_the_specified_one(void **state)
{
    struct made made = {0};
    const uint8_t *bytes;

    (void)state;
    make(&made, NULL);
    bytes = made.object.data;
    assert_memory_equal(bytes, "SWSG\x01\x03\x01\x00", 8);
    assert_int_equal(bytes[8], 1);
    assert_int_equal(bytes[24], 2);
    assert_int_equal(bytes[40], 3);
    assert_int_equal(bytes[48], 4);
    assert_int_equal(bytes[56], 5);
    assert_int_equal(bytes[64], 9);
    assert_int_equal(bytes[72], 10);
    assert_int_equal(bytes[80], 3);
    assert_int_equal(bytes[84], sizeof(rows) - 1);
    assert_int_equal(bytes[88], 11);
    assert_int_equal(bytes[120], 12);
    assert_memory_equal(bytes + made.object.size - SW_DIGEST_SIZE, &made.segment.digest,
                        SW_DIGEST_SIZE);
    fini(&made);
}

static void segment_comes_back(void **state)
{
    struct sw_cipher cipher = cipher_of(7);

    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        struct made made = {0};
        struct sw_segment segment;
        struct sw_span raw;

        make(&made, sealed ? &cipher : NULL);
        assert_int_equal(sw_segment_read(sw_bytes_span(&made.object), &segment, &made.err), SW_OK);
        assert_memory_equal(&segment.before, &made.segment.before, SW_DIGEST_SIZE);
        assert_int_equal(segment.last_lsn, 9);
        assert_int_equal(segment.sealed, sealed);
        assert_true(segment.packed);
        assert_int_equal(sw_segment_body(sw_bytes_span(&made.object), &segment, &cipher,
                                         &made.packer, &raw, &made.err),
                         SW_OK);
        assert_true(sw_span_equal(raw, sw_span_of_text(rows)));
        fini(&made);
    }
}

static void every_flipped_bit_is_found(void **state)
{
    struct made made = {0};
    struct sw_segment segment;

    (void)state;
    make(&made, NULL);
    for (size_t i = 0; i < 8 * made.object.size; i++) {
        made.object.data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(sw_segment_read(sw_bytes_span(&made.object), &segment, &made.err),
                         SW_CORRUPT);
        made.object.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    fini(&made);
}

/* Sets a byte and makes the digest right again: what is left to find is nonsense. */
static enum sw_code forge(struct made *made, size_t at, uint8_t value)
{
    struct sw_span covered = sw_span_of(made->object.data, made->object.size - SW_DIGEST_SIZE);
    uint8_t before = made->object.data[at];
    struct sw_segment segment;
    struct sw_digest digest;
    enum sw_code code;

    made->object.data[at] = value;
    sw_sha256(&covered, 1, &digest);
    memcpy(made->object.data + covered.size, &digest, sizeof(digest));
    code = sw_segment_read(sw_bytes_span(&made->object), &segment, &made->err);
    made->object.data[at] = before;
    return code;
}

static void forged_headers_are_refused(void **state)
{
    struct made made = {0};

    (void)state;
    make(&made, NULL);
    assert_int_equal(forge(&made, 0, 'S'), SW_OK); /* forging nothing works */
    assert_int_equal(forge(&made, 0, 'X'), SW_CORRUPT);
    assert_int_equal(forge(&made, 4, 2), SW_JOURNAL_TOO_NEW);
    assert_int_equal(forge(&made, 4, 0), SW_CORRUPT);
    assert_int_equal(forge(&made, 5, 0), SW_CORRUPT);
    assert_int_equal(forge(&made, 5, SW_SEGMENT_KIND_END), SW_CORRUPT);
    assert_int_equal(forge(&made, 5, SW_SEGMENT_FENCE), SW_CORRUPT); /* a fence has no body */
    assert_int_equal(forge(&made, 6, 5), SW_CORRUPT);
    assert_int_equal(forge(&made, 6, 0), SW_CORRUPT); /* not packed: another size */
    assert_int_equal(forge(&made, 7, 1), SW_CORRUPT);
    assert_int_equal(forge(&made, 56, 10), SW_CORRUPT); /* the first behind the last */
    assert_int_equal(forge(&made, 80, 6), SW_CORRUPT);  /* more rows than lsns */
    assert_int_equal(forge(&made, 80, 0), SW_CORRUPT);
    assert_int_equal(forge(&made, 87, 2), SW_CORRUPT);    /* 32 MiB */
    assert_int_equal(forge(&made, 71, 0x80), SW_CORRUPT); /* more than SQLite can number */
    fini(&made);
}

static void missing_key_is_told_from_damage(void **state)
{
    struct sw_cipher cipher = cipher_of(7);
    struct sw_cipher other = cipher_of(8);
    struct made made = {0};
    struct sw_segment segment;
    struct sw_span object, raw;

    (void)state;
    make(&made, &cipher);
    object = sw_bytes_span(&made.object);
    assert_int_equal(sw_segment_read(object, &segment, &made.err), SW_OK);
    assert_int_equal(sw_segment_body(object, &segment, NULL, &made.packer, &raw, &made.err),
                     SW_CONFIGURATION);
    assert_int_equal(sw_segment_body(object, &segment, &other, &made.packer, &raw, &made.err),
                     SW_CONFIGURATION);
    assert_non_null(strstr(made.err.text, "0700000000000000"));
    other.keys[0].id[0] = 7; /* the id is right, the key is not */
    assert_int_equal(sw_segment_body(object, &segment, &other, &made.packer, &raw, &made.err),
                     SW_CORRUPT);
    fini(&made);
}

static void encrypted_header_cannot_be_exchanged(void **state)
{
    struct sw_cipher cipher = cipher_of(7);
    struct made made = {0};
    struct sw_segment segment;
    struct sw_digest digest;
    struct sw_span raw;

    (void)state;
    make(&made, &cipher);
    made.object.data[48] ^= 1; /* another slot, and the digest made right */
    sw_sha256(
        (const struct sw_span[]){sw_span_of(made.object.data, made.object.size - SW_DIGEST_SIZE)},
        1, &digest);
    memcpy(made.object.data + made.object.size - SW_DIGEST_SIZE, &digest, sizeof(digest));
    assert_int_equal(sw_segment_read(sw_bytes_span(&made.object), &segment, &made.err), SW_OK);
    assert_int_equal(sw_segment_body(sw_bytes_span(&made.object), &segment, &cipher, &made.packer,
                                     &raw, &made.err),
                     SW_CORRUPT);
    fini(&made);
}

static void fence_has_no_body(void **state)
{
    struct made made = {.segment = {.kind = SW_SEGMENT_FENCE, .epoch = 1, .slot = 1}};
    struct sw_cipher cipher = cipher_of(7);
    struct sw_segment segment;

    (void)state;
    assert_int_equal(sw_segment_write(&made.segment, (struct sw_span){0}, &cipher, &made.packer,
                                      &made.object, &made.err),
                     SW_OK);
    assert_int_equal(made.object.size, SW_SEGMENT_HEAD_SIZE + SW_DIGEST_SIZE);
    assert_int_equal(sw_segment_read(sw_bytes_span(&made.object), &segment, &made.err), SW_OK);
    assert_false(segment.sealed);
    assert_string_equal(sw_segment_kind_name(segment.kind), "FENCE");
    assert_string_equal(sw_segment_kind_name(SW_SEGMENT_KIND_END), "?");
    fini(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_is_the_specified_one),
        cmocka_unit_test(segment_comes_back),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(forged_headers_are_refused),
        cmocka_unit_test(missing_key_is_told_from_damage),
        cmocka_unit_test(encrypted_header_cannot_be_exchanged),
        cmocka_unit_test(fence_has_no_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
