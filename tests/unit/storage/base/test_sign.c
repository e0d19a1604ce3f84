/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: RS256 signs as `openssl dgst` does, with what is a key and nothing else; base64 is that
 * of RFC 4648, and one text has one meaning.
 */
#include "storage/base/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FILE_MAX = 4096 };

static struct sw_span read_vector(const char *name, char ret[FILE_MAX])
{
    const char *root = getenv("SW_TEST_ROOT");
    char path[1024];
    size_t size;
    FILE *file;

    assert_non_null(root);
    (void)snprintf(path, sizeof(path), "%s/vectors/sign/%s", root, name);
    file = fopen(path, "r");
    assert_non_null(file);
    size = fread(ret, 1, FILE_MAX - 1, file);
    ret[size] = '\0';
    assert_true(size > 0 && size < FILE_MAX - 1);
    (void)fclose(file);
    return sw_span_of(ret, size);
}

static void check_signature(const char *key_name)
{
    char key[FILE_MAX];
    char message[FILE_MAX];
    char expected[FILE_MAX];
    char text[SW_BASE64_ROOM(SW_RS256_SIZE_MAX)];
    uint8_t signature[SW_RS256_SIZE_MAX];
    size_t size = 0;
    struct sw_err err;

    (void)read_vector("signature", expected);
    assert_int_equal(sw_sign_rs256(read_vector(key_name, key), read_vector("message", message),
                                   signature, &size, &err),
                     SW_OK);
    assert_int_equal(size, 256);
    sw_base64_encode(SW_BASE64_URL, sw_span_of(signature, size), text);
    assert_string_equal(text, expected);
}

static void rs256_signs_as_openssl_does(void **state)
{
    (void)state;
    check_signature("rsa-pkcs8.pem");
    check_signature("rsa-pkcs1.pem");
}

static void check_refused(struct sw_span key)
{
    uint8_t signature[SW_RS256_SIZE_MAX];
    size_t size = 77;
    struct sw_err err;

    assert_int_equal(sw_sign_rs256(key, sw_span_of_text("m"), signature, &size, &err),
                     SW_CONFIGURATION);
    assert_int_equal(size, 77);
    assert_string_equal(err.text, "not a private RSA key in PEM without password");
}

static void other_keys_are_refused_without_a_word_of_them(void **state)
{
    char key[FILE_MAX];

    (void)state;
    check_refused(read_vector("ec.pem", key));
    check_refused(read_vector("encrypted.pem", key)); /* and nobody is asked for the password */
    check_refused(
        sw_span_of_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
    check_refused(sw_span_of_text("secret"));
    check_refused(sw_span_of(NULL, 0));
}

static void base64_is_that_of_rfc_4648(void **state)
{
    static const struct {
        const char *bytes;
        const char *text;
        const char *url;
    } rows[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+", "-__-"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sw_span bytes = sw_span_of_text(rows[i].bytes);
        uint8_t back[16];
        char text[16];
        size_t size;

        sw_base64_encode(SW_BASE64, bytes, text);
        assert_string_equal(text, rows[i].text);
        assert_true(strlen(text) < SW_BASE64_ROOM(bytes.size));
        assert_true(sw_base64_decode(sw_span_of_text(text), back, bytes.size, &size));
        assert_true(sw_span_equal(sw_span_of(back, size), bytes));
        if (bytes.size > 0)
            assert_false(sw_base64_decode(sw_span_of_text(text), back, bytes.size - 1, &size));
        sw_base64_encode(SW_BASE64_URL, bytes, text);
        assert_string_equal(text, rows[i].url);
    }
}

static void what_is_not_base64_is_refused(void **state)
{
    static const char *const rows[] = {"Z",      "Zg",       "Zg=",  "Zg===", "=",
                                       "====",   "Z===",     "Zh==", "Zm9=",  "Zg==Zg==",
                                       "Zm9v\n", "Zm 9v===", "-__-", "Z=g=",  "Zm9v=Zm8"};
    uint8_t bytes[16];
    size_t size;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_false(sw_base64_decode(sw_span_of_text(rows[i]), bytes, sizeof(bytes), &size));
    assert_false(sw_base64_decode(sw_span_of("Zm9\0", 4), bytes, sizeof(bytes), &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rs256_signs_as_openssl_does),
        cmocka_unit_test(other_keys_are_refused_without_a_word_of_them),
        cmocka_unit_test(base64_is_that_of_rfc_4648),
        cmocka_unit_test(what_is_not_base64_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
