/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/cipher.h"

#include "storage/base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int digit_of(uint8_t character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    return -1;
}

static bool read_key(struct sw_span line, struct sw_cipher_key *ret)
{
    struct sw_digest digest;

    if (line.size != 2 * SW_AEAD_KEY_SIZE)
        return false;
    for (size_t i = 0; i < SW_AEAD_KEY_SIZE; i++) {
        int high = digit_of(line.data[2 * i]);
        int low = digit_of(line.data[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        ret->key[i] = (uint8_t)(high * 16 + low);
    }
    sw_sha256((const struct sw_span[]){sw_span_of_text("stepwell key"),
                                       sw_span_of(ret->key, SW_AEAD_KEY_SIZE)},
              2, &digest);
    memcpy(ret->id, digest.bytes, SW_KEY_ID_SIZE);
    return true;
}

static struct sw_span trimmed(struct sw_span line)
{
    while (line.size > 0 && strchr(" \t\r", line.data[0]) != NULL && line.data[0] != '\0')
        line = sw_span_of(line.data + 1, line.size - 1);
    while (line.size > 0 && strchr(" \t\r", line.data[line.size - 1]) != NULL &&
           line.data[line.size - 1] != '\0')
        line.size--;
    return line;
}

enum sw_code sw_cipher_parse(struct sw_span text, struct sw_cipher *ret_cipher, struct sw_err *err)
{
    unsigned line_number = 0;

    *ret_cipher = (struct sw_cipher){0};
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
        struct sw_span line = trimmed(sw_span_of(text.data, size));

        line_number++;
        size += end != NULL ? 1 : 0;
        text = sw_span_of(text.data + size, text.size - size);
        if (line.size == 0 || line.data[0] == '#')
            continue;
        if (ret_cipher->keys_count == SW_CIPHER_KEYS_MAX)
            return sw_fail(err, SW_CONFIGURATION, "line %u: more than %d keys", line_number,
                           SW_CIPHER_KEYS_MAX);
        if (!read_key(line, &ret_cipher->keys[ret_cipher->keys_count]))
            return sw_fail(err, SW_CONFIGURATION, "line %u: a key has 64 hexadecimal digits",
                           line_number);
        ret_cipher->keys_count++;
    }
    if (ret_cipher->keys_count == 0)
        return sw_fail(err, SW_CONFIGURATION, "there is no key in it");
    return SW_OK;
}

static enum sw_code read_file(const char *path, uint8_t *ret_text, size_t *ret_size,
                              struct sw_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    ssize_t got = 1;

    while (fd >= 0 && got > 0 && size < SW_KEY_FILE_BYTES_MAX) {
        got = read(fd, ret_text + size, SW_KEY_FILE_BYTES_MAX - size);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            size += (size_t)got;
    }
    if (fd < 0 || got < 0) {
        int number = errno;

        if (fd >= 0)
            (void)close(fd);
        return sw_fail(err, SW_CONFIGURATION, "%s", strerror(number));
    }
    (void)close(fd);
    if (size == SW_KEY_FILE_BYTES_MAX)
        return sw_fail(err, SW_CONFIGURATION, "is too large for a key file");
    *ret_size = size;
    return SW_OK;
}

enum sw_code sw_cipher_load(const char *path, struct sw_cipher **ret_cipher, struct sw_err *err)
{
    struct sw_cipher *cipher = calloc(1, sizeof(*cipher));
    uint8_t *text = malloc(SW_KEY_FILE_BYTES_MAX);
    enum sw_code code = SW_OK;
    size_t size = 0;

    if (cipher == NULL || text == NULL)
        code = sw_fail(err, SW_NO_MEMORY, "reading keys");
    if (code == SW_OK)
        code = read_file(path, text, &size, err);
    if (code == SW_OK)
        code = sw_cipher_parse(sw_span_of(text, size), cipher, err);
    if (text != NULL)
        explicit_bzero(text, SW_KEY_FILE_BYTES_MAX);
    free(text);
    if (code == SW_OK) {
        *ret_cipher = cipher;
        return SW_OK;
    }
    sw_cipher_free(cipher);
    return sw_wrap(err, "key file %s", path);
}

void sw_cipher_free(struct sw_cipher *cipher)
{
    if (cipher == NULL)
        return;
    explicit_bzero(cipher, sizeof(*cipher));
    free(cipher);
}

const struct sw_cipher_key *sw_cipher_find(const struct sw_cipher *cipher,
                                           const uint8_t id[SW_KEY_ID_SIZE])
{
    for (unsigned i = 0; cipher != NULL && i < cipher->keys_count; i++) {
        if (memcmp(cipher->keys[i].id, id, SW_KEY_ID_SIZE) == 0)
            return &cipher->keys[i];
    }
    return NULL;
}
