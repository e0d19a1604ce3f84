/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/base/aead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Goal: it is AES-256-GCM, and not something of our own.
 * The vector: "The Galois/Counter Mode of Operation", McGrew and Viega, test case 16. */
static const uint8_t key[SW_AEAD_KEY_SIZE] = {
    0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
    0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08};
static const uint8_t nonce[SW_AEAD_NONCE_SIZE] = {0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce,
                                                  0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88};
static const uint8_t plain[] = {
    0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59, 0x09, 0xc5, 0xaf, 0xf5, 0x26,
    0x9a, 0x86, 0xa7, 0xa9, 0x53, 0x15, 0x34, 0xf7, 0xda, 0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31,
    0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95, 0x95, 0x68, 0x09, 0x53, 0x2f, 0xcf, 0x0e, 0x24, 0x49,
    0xa6, 0xb5, 0x25, 0xb1, 0x6a, 0xed, 0xf5, 0xaa, 0x0d, 0xe6, 0x57, 0xba, 0x63, 0x7b, 0x39};
static const uint8_t beside[] = {0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed,
                                 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2};
static const uint8_t sealed[] = {
    0x52, 0x2d, 0xc1, 0xf0, 0x99, 0x56, 0x7d, 0x07, 0xf4, 0x7f, 0x37, 0xa3, 0x2a, 0x84, 0x42, 0x7d,
    0x64, 0x3a, 0x8c, 0xdc, 0xbf, 0xe5, 0xc0, 0xc9, 0x75, 0x98, 0xa2, 0xbd, 0x25, 0x55, 0xd1, 0xaa,
    0x8c, 0xb0, 0x8e, 0x48, 0x59, 0x0d, 0xbb, 0x3d, 0xa7, 0xb0, 0x8b, 0x10, 0x56, 0x82, 0x88, 0x38,
    0xc5, 0xf6, 0x1e, 0x63, 0x93, 0xba, 0x7a, 0x0a, 0xbc, 0xc9, 0xf6, 0x62, 0x76, 0xfc, 0x6e, 0xce,
    0x0f, 0x4e, 0x17, 0x68, 0xcd, 0xdf, 0x88, 0x53, 0xbb, 0x2d, 0x55, 0x1b};

static void sealing_gives_the_published_bytes(void **state)
{
    uint8_t bytes[sizeof(sealed)];
    struct sw_err err;

    (void)state;
    assert_int_equal(sw_aead_seal(key, nonce, sw_span_of(beside, sizeof(beside)),
                                  sw_span_of(plain, sizeof(plain)), bytes, &err),
                     SW_OK);
    assert_memory_equal(bytes, sealed, sizeof(sealed));
}

static void opening_gives_the_plain_bytes(void **state)
{
    uint8_t bytes[sizeof(plain)];
    struct sw_err err;

    (void)state;
    assert_int_equal(sw_aead_open(key, nonce, sw_span_of(beside, sizeof(beside)),
                                  sw_span_of(sealed, sizeof(sealed)), bytes, &err),
                     SW_OK);
    assert_memory_equal(bytes, plain, sizeof(plain));
}

static void any_flipped_bit_is_refused(void **state)
{
    uint8_t copy[sizeof(sealed)];
    uint8_t aside[sizeof(beside)];
    uint8_t bytes[sizeof(sealed)];
    struct sw_err err;

    (void)state;
    memcpy(copy, sealed, sizeof(copy));
    memcpy(aside, beside, sizeof(aside));
    for (size_t i = 0; i < sizeof(copy) + sizeof(aside); i++) {
        uint8_t *byte = i < sizeof(copy) ? &copy[i] : &aside[i - sizeof(copy)];

        *byte ^= 0x10;
        assert_int_equal(sw_aead_open(key, nonce, sw_span_of(aside, sizeof(aside)),
                                      sw_span_of(copy, sizeof(copy)), bytes, &err),
                         SW_CORRUPT);
        *byte ^= 0x10;
    }
    for (size_t size = 0; size < sizeof(copy); size++)
        assert_int_equal(sw_aead_open(key, nonce, sw_span_of(aside, sizeof(aside)),
                                      sw_span_of(copy, size), bytes, &err),
                         SW_CORRUPT);
}

static void nothing_can_be_sealed_too(void **state)
{
    uint8_t bytes[SW_AEAD_TAG_SIZE];
    uint8_t none[1];
    struct sw_span empty = {0};
    struct sw_err err;

    (void)state;
    assert_int_equal(sw_aead_seal(key, nonce, empty, empty, bytes, &err), SW_OK);
    assert_int_equal(sw_aead_open(key, nonce, empty, sw_span_of(bytes, sizeof(bytes)), none, &err),
                     SW_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealing_gives_the_published_bytes),
        cmocka_unit_test(opening_gives_the_plain_bytes),
        cmocka_unit_test(any_flipped_bit_is_refused),
        cmocka_unit_test(nothing_can_be_sealed_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
