/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/base/sign.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

/* OpenSSL would ask the terminal for the password of an encrypted key. */
static int no_password(char *buffer, int size, int writing, void *self)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)self;
    return -1;
}

static EVP_PKEY *read_key(struct sw_span pem)
{
    EVP_PKEY *key = NULL;
    BIO *bio;

    if (pem.size == 0 || pem.size > INT_MAX)
        return NULL;
    bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    if (bio != NULL)
        key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    if (key != NULL && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

enum sw_code sw_sign_rs256(struct sw_span key_pem, struct sw_span message,
                           uint8_t ret[SW_RS256_SIZE_MAX], size_t *ret_size, struct sw_err *err)
{
    EVP_PKEY *key = read_key(key_pem);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t size = SW_RS256_SIZE_MAX;
    enum sw_code rc = SW_OK;

    if (context == NULL)
        rc = sw_fail(err, SW_NO_MEMORY, "no memory to sign with");
    else if (key == NULL)
        rc = sw_fail(err, SW_CONFIGURATION, "not a private RSA key in PEM without password");
    else if (EVP_PKEY_get_size(key) > SW_RS256_SIZE_MAX ||
             EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
             EVP_DigestSign(context, ret, &size, message.data, message.size) != 1)
        rc = sw_fail(err, SW_CONFIGURATION, "the RSA key cannot sign");
    else
        *ret_size = size;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error(); /* the queue is per thread, and others report what they find in it */
    return rc;
}

static const char *digits_of(enum sw_base64 alphabet)
{
    return alphabet == SW_BASE64_URL
               ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
               : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

void sw_base64_encode(enum sw_base64 alphabet, struct sw_span bytes, char *ret)
{
    const char *digits = digits_of(alphabet);

    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t group = (uint32_t)bytes.data[i] << 16;

        group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)bytes.data[i + 2] : 0;
        for (unsigned digit = 0; digit < 4; digit++) {
            if (digit <= left)
                *ret++ = digits[group >> (18 - 6 * digit) & 63];
            else if (alphabet == SW_BASE64)
                *ret++ = '=';
        }
    }
    *ret = '\0';
}

static bool value_of(uint8_t digit, uint32_t *ret)
{
    const char *digits = digits_of(SW_BASE64);
    const char *at = digit != '\0' ? strchr(digits, digit) : NULL;

    *ret = at != NULL ? (uint32_t)(at - digits) : 0;
    return at != NULL;
}

bool sw_base64_decode(struct sw_span text, uint8_t *ret, size_t ret_max, size_t *ret_size)
{
    size_t padding = 0;
    size_t size = 0;

    if (text.size % 4 != 0)
        return false;
    while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < text.size; i += 4) {
        size_t digits = i + 4 == text.size ? 4 - padding : 4;
        uint32_t group = 0;

        for (size_t digit = 0; digit < 4; digit++) {
            uint32_t value = 0;

            if (digit < digits && !value_of(text.data[i + digit], &value))
                return false;
            group = group << 6 | value;
        }
        if ((digits == 3 && (group & 0xff) != 0) || (digits == 2 && (group & 0xffff) != 0))
            return false; /* two texts for the same bytes */
        for (size_t byte = 0; byte + 1 < digits; byte++) {
            if (size == ret_max)
                return false;
            ret[size++] = (uint8_t)(group >> (16 - 8 * byte));
        }
    }
    *ret_size = size;
    return true;
}
