/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/base/aead.h"

#include <limits.h>
#include <openssl/evp.h>

/* OpenSSL counts in int. */
static bool fits(struct sw_span beside, struct sw_span bytes)
{
    return beside.size <= INT_MAX && bytes.size <= INT_MAX - SW_AEAD_TAG_SIZE;
}

static bool seal(EVP_CIPHER_CTX *context, const uint8_t *key, const uint8_t *nonce,
                 struct sw_span beside, struct sw_span plain, uint8_t *ret)
{
    int size = 0;

    return EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
           (beside.size == 0 ||
            EVP_EncryptUpdate(context, NULL, &size, beside.data, (int)beside.size) == 1) &&
           (plain.size == 0 ||
            EVP_EncryptUpdate(context, ret, &size, plain.data, (int)plain.size) == 1) &&
           EVP_EncryptFinal_ex(context, ret + plain.size, &size) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, SW_AEAD_TAG_SIZE, ret + plain.size) ==
               1;
}

enum sw_code sw_aead_seal(const uint8_t key[SW_AEAD_KEY_SIZE],
                          const uint8_t nonce[SW_AEAD_NONCE_SIZE], struct sw_span beside,
                          struct sw_span plain, uint8_t *ret, struct sw_err *err)
{
    EVP_CIPHER_CTX *context = NULL;
    bool good = false;

    if (fits(beside, plain))
        context = EVP_CIPHER_CTX_new();
    if (context != NULL)
        good = seal(context, key, nonce, beside, plain, ret);
    EVP_CIPHER_CTX_free(context);
    return good ? SW_OK : sw_fail(err, SW_NO_MEMORY, "encrypting %zu bytes", plain.size);
}

/* false in *ret_started: OpenSSL itself failed, nothing is said of the bytes. */
static bool open_sealed(EVP_CIPHER_CTX *context, const uint8_t *key, const uint8_t *nonce,
                        struct sw_span beside, struct sw_span sealed, uint8_t *ret,
                        bool *ret_started)
{
    size_t plain_size = sealed.size - SW_AEAD_TAG_SIZE;
    uint8_t tag[SW_AEAD_TAG_SIZE];
    uint8_t end[SW_AEAD_TAG_SIZE];
    int size = 0;

    memcpy(tag, sealed.data + plain_size, sizeof(tag));
    *ret_started = EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1;
    return *ret_started &&
           (beside.size == 0 ||
            EVP_DecryptUpdate(context, NULL, &size, beside.data, (int)beside.size) == 1) &&
           (plain_size == 0 ||
            EVP_DecryptUpdate(context, ret, &size, sealed.data, (int)plain_size) == 1) &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, sizeof(tag), tag) == 1 &&
           EVP_DecryptFinal_ex(context, end, &size) == 1;
}

enum sw_code sw_aead_open(const uint8_t key[SW_AEAD_KEY_SIZE],
                          const uint8_t nonce[SW_AEAD_NONCE_SIZE], struct sw_span beside,
                          struct sw_span sealed, uint8_t *ret, struct sw_err *err)
{
    EVP_CIPHER_CTX *context;
    bool started = false;
    bool good = false;

    if (sealed.size < SW_AEAD_TAG_SIZE || !fits(beside, sealed))
        return sw_fail(err, SW_CORRUPT, "%zu bytes are not encrypted ones", sealed.size);
    context = EVP_CIPHER_CTX_new();
    if (context != NULL)
        good = open_sealed(context, key, nonce, beside, sealed, ret, &started);
    EVP_CIPHER_CTX_free(context);
    if (good)
        return SW_OK;
    if (!started)
        return sw_fail(err, SW_NO_MEMORY, "decrypting %zu bytes", sealed.size);
    return sw_fail(err, SW_CORRUPT, "not what was encrypted with this key");
}
