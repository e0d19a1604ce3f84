/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static size_t size_of(const char *text)
{
    return sw_utf8_size(sw_span_of_text(text));
}

/* Goal: exactly the sequences of RFC 3629 are taken. */
static void only_well_formed_utf8_is_taken(void **state)
{
    (void)state;
    assert_int_equal(size_of("a"), 1);
    assert_int_equal(size_of("\xc3\xa9"), 2);
    assert_int_equal(size_of("\xe2\x82\xac"), 3);
    assert_int_equal(size_of("\xf0\x9f\x98\x80"), 4);
    assert_int_equal(size_of("\xf4\x8f\xbf\xbf"), 4);
    assert_int_equal(size_of(""), 0);
    assert_int_equal(size_of("\x80"), 0);     /* a tail without a head */
    assert_int_equal(size_of("\xc0\x80"), 0); /* overlong */
    assert_int_equal(size_of("\xc1\xbf"), 0);
    assert_int_equal(size_of("\xe0\x9f\xbf"), 0);
    assert_int_equal(size_of("\xf0\x8f\xbf\xbf"), 0);
    assert_int_equal(size_of("\xed\xa0\x80"), 0);     /* a surrogate */
    assert_int_equal(size_of("\xf4\x90\x80\x80"), 0); /* above U+10FFFF */
    assert_int_equal(size_of("\xe2\x82"), 0);         /* cut */
    assert_int_equal(size_of("\xe2\x82!"), 0);
}

/* Goal: every code point survives encoding and decoding.
 * Method: encode by the definition, decode with the function under test. */
static void every_code_point_is_read(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        uint8_t bytes[4] = {(uint8_t)code};
        size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        struct sw_span span = sw_span_of(bytes, size);
        bool surrogate = code >= 0xd800 && code < 0xe000;

        if (size > 1) {
            for (size_t i = size - 1; i > 0; i--)
                bytes[i] = (uint8_t)(0x80 | (code >> 6 * (size - 1 - i) & 0x3f));
            bytes[0] = (uint8_t)(0xf00u >> size | code >> 6 * (size - 1));
        }
        assert_int_equal(sw_utf8_size(span), surrogate ? 0 : size);
        if (!surrogate)
            assert_int_equal(sw_utf8_code(span), code);
    }
}

static void controls_are_known(void **state)
{
    (void)state;
    assert_true(sw_utf8_is_control(0x1b));
    assert_true(sw_utf8_is_control('\n'));
    assert_true(sw_utf8_is_control(0x7f));
    assert_true(sw_utf8_is_control(0x9b)); /* CSI as one character */
    assert_true(sw_utf8_is_control(0x202e));
    assert_true(sw_utf8_is_control(0x2066));
    assert_false(sw_utf8_is_control(' '));
    assert_false(sw_utf8_is_control(0xe9));
    assert_false(sw_utf8_is_control(0x1f600));
}

static void text_has_neither_nul_nor_garbage(void **state)
{
    (void)state;
    assert_true(sw_utf8_is_text(sw_span_of("", 0)));
    assert_true(sw_utf8_is_text(sw_span_of_text("a\n\xc3\xa9")));
    assert_false(sw_utf8_is_text(sw_span_of("a\0b", 3)));
    assert_false(sw_utf8_is_text(sw_span_of_text("a\xff")));
}

static void typing_mistakes_find_their_word(void **state)
{
    static const char *const words[] = {"serve", "runs", "resolve", "verify", "tail", NULL};
    (void)state;

    assert_string_equal(sw_nearest_word("srve", words), "serve");
    assert_string_equal(sw_nearest_word("resovle", words), "resolve");
    assert_string_equal(sw_nearest_word("run", words), "runs");
    assert_null(sw_nearest_word("frobnicate", words));
    assert_null(sw_nearest_word("x", words));
    assert_null(sw_nearest_word("a-word-that-is-far-too-long-to-be-meant", words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_well_formed_utf8_is_taken),
        cmocka_unit_test(every_code_point_is_read),
        cmocka_unit_test(controls_are_known),
        cmocka_unit_test(text_has_neither_nul_nor_garbage),
        cmocka_unit_test(typing_mistakes_find_their_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
