/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/storage/archive/fixture.h"

#include "storage/archive/cipher.h"

#define DIGITS "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static enum sw_code parse(const char *text, struct sw_cipher *cipher, struct sw_err *err)
{
    return sw_cipher_parse(sw_span_of_text(text), cipher, err);
}

static void keys_comments_and_blanks_are_read(void **state)
{
    struct sw_cipher cipher;
    struct sw_err err;

    (void)state;
    assert_int_equal(parse("# of May\n\n  " DIGITS " \r\n" KEY_B, &cipher, &err), SW_OK);
    assert_int_equal(cipher.keys_count, 2);
    assert_int_equal(cipher.keys[0].key[1], 0x11);
    assert_int_equal(cipher.keys[0].key[31], 0xff);
    assert_memory_not_equal(cipher.keys[0].id, cipher.keys[1].id, SW_KEY_ID_SIZE);
    assert_ptr_equal(sw_cipher_find(&cipher, cipher.keys[1].id), &cipher.keys[1]);
    assert_null(sw_cipher_find(&cipher, (const uint8_t[SW_KEY_ID_SIZE]){1}));
    assert_null(sw_cipher_find(NULL, cipher.keys[0].id));
    assert_int_equal(parse(DIGITS, &cipher, &err), SW_OK); /* no line end */
}

static void other_texts_are_refused_without_being_quoted(void **state)
{
    static const char *const texts[] = {
        "",
        "# nothing\n",
        "00112233\n",
        DIGITS "0\n",
        DIGITS " " DIGITS "\n",
        "zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
        DIGITS "\nsecret\n",
    };
    struct sw_cipher cipher;
    struct sw_err err;
    char many[17 * 65 + 1] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(parse(texts[i], &cipher, &err), SW_CONFIGURATION);
        assert_null(strstr(err.text, "secret"));
        assert_null(strstr(err.text, "0011"));
    }
    for (size_t i = 0; i < 17; i++)
        memcpy(many + 65 * i, DIGITS "\n", 66);
    assert_int_equal(parse(many, &cipher, &err), SW_CONFIGURATION);
}

static void file_is_named_when_it_cannot_be_used(void **state)
{
    struct fixture *fixture = *state;
    struct sw_cipher *cipher = NULL;

    assert_int_equal(sw_cipher_load(fixture->key_path, &cipher, &fixture->err), SW_CONFIGURATION);
    assert_non_null(strstr(fixture->err.text, fixture->key_path));
    encrypt(fixture, "no key\n");
    assert_int_equal(sw_cipher_load(fixture->key_path, &cipher, &fixture->err), SW_CONFIGURATION);
    encrypt(fixture, KEY_A);
    ok(fixture, sw_cipher_load(fixture->key_path, &cipher, &fixture->err));
    assert_int_equal(cipher->keys_count, 1);
    sw_cipher_free(cipher);
    sw_cipher_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_comments_and_blanks_are_read),
        cmocka_unit_test(other_texts_are_refused_without_being_quoted),
        cmocka_unit_test_setup_teardown(file_is_named_when_it_cannot_be_used, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
