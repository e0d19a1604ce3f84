/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: the digests are those of the standards, in one part or many, on any thread.
 */
#include "storage/base/hash.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { INPUT_MAX = 4096 };

static size_t unhex(const char *hex, uint8_t *ret)
{
    size_t size = 0;

    if (strcmp(hex, "-") == 0)
        return 0;
    for (; hex[2 * size] != '\0'; size++) {
        const char digits[] = {hex[2 * size], hex[2 * size + 1], '\0'};
        char *end;

        ret[size] = (uint8_t)strtoul(digits, &end, 16);
        assert_true(end == digits + 2);
    }
    return size;
}

static void check_sha256(const char *input, const char *expected)
{
    uint8_t bytes[INPUT_MAX];
    size_t size = unhex(input, bytes);
    struct sw_span whole = sw_span_of(bytes, size);
    struct sw_span halves[3] = {
        sw_span_of(bytes, size / 2), {0}, sw_span_of(bytes + size / 2, size - size / 2)};
    char text[2 * SW_DIGEST_SIZE + 1];
    struct sw_digest digest;

    sw_sha256(&whole, 1, &digest);
    sw_hex(digest.bytes, SW_DIGEST_SIZE, text);
    assert_string_equal(text, expected);
    sw_sha256(halves, 3, &digest);
    sw_hex(digest.bytes, SW_DIGEST_SIZE, text);
    assert_string_equal(text, expected);
}

static void check_hmac(const char *key, const char *input, const char *expected)
{
    uint8_t key_bytes[INPUT_MAX];
    uint8_t bytes[INPUT_MAX];
    struct sw_span secret = sw_span_of(key_bytes, unhex(key, key_bytes));
    size_t size = unhex(input, bytes);
    struct sw_span parts[2] = {sw_span_of(bytes, size / 3),
                               sw_span_of(bytes + size / 3, size - size / 3)};
    char text[2 * SW_DIGEST_SIZE + 1];
    struct sw_digest code;

    sw_hmac_sha256(secret, parts, 2, &code);
    sw_hex(code.bytes, SW_DIGEST_SIZE, text);
    assert_string_equal(text, expected);
}

static void check_xxh3(const char *seed, const char *input, const char *expected)
{
    uint8_t bytes[INPUT_MAX];
    size_t size = unhex(input, bytes);
    uint64_t hash = sw_hash64(sw_span_of(bytes, size), strtoull(seed, NULL, 10));

    assert_true(hash == strtoull(expected, NULL, 16));
}

static void the_vectors_hold(void **state)
{
    const char *root = getenv("SW_TEST_ROOT");
    char line[2 * INPUT_MAX + 256];
    char path[4096];
    int checked = 0;
    FILE *file;

    (void)state;
    assert_non_null(root);
    (void)snprintf(path, sizeof(path), "%s/vectors/hash.txt", root);
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        char *rest = line;
        const char *words[4];

        for (int i = 0; i < 4; i++) {
            char *word = strtok_r(rest, " \n", &rest);

            words[i] = word == NULL ? "" : word;
        }
        if (strcmp(words[0], "sha256") == 0)
            check_sha256(words[1], words[2]);
        else if (strcmp(words[0], "xxh3") == 0)
            check_xxh3(words[1], words[2], words[3]);
        else if (strcmp(words[0], "hmac") == 0)
            check_hmac(words[1], words[2], words[3]);
        else
            continue;
        checked++;
    }
    (void)fclose(file);
    assert_int_equal(checked, 28);
}

static void *digest_on_a_thread(void *result)
{
    struct sw_span text = sw_span_of_text("abc");

    for (int i = 0; i < 1000; i++)
        sw_sha256(&text, 1, result);
    return NULL;
}

static void threads_do_not_share_a_context(void **state)
{
    struct sw_span text = sw_span_of_text("abc");
    struct sw_digest results[4];
    struct sw_digest expected;
    pthread_t threads[4];

    (void)state;
    sw_sha256(&text, 1, &expected);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, digest_on_a_thread, &results[i]), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_memory_equal(&results[i], &expected, sizeof(expected));
    }
}

static void a_uuid_says_version_8(void **state)
{
    uint8_t bytes[16];
    char text[SW_UUID_TEXT_SIZE];

    (void)state;
    memset(bytes, 0xff, sizeof(bytes));
    sw_uuid_text(bytes, text);
    assert_string_equal(text, "ffffffff-ffff-8fff-bfff-ffffffffffff");
    memset(bytes, 0, sizeof(bytes));
    sw_uuid_text(bytes, text);
    assert_string_equal(text, "00000000-0000-8000-8000-000000000000");
}

static void random_bytes_differ(void **state)
{
    uint8_t first[32] = {0};
    uint8_t second[32] = {0};

    (void)state;
    sw_random(first, sizeof(first));
    sw_random(second, sizeof(second));
    assert_memory_not_equal(first, second, sizeof(first));
    sw_random(first, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_hold),
        cmocka_unit_test(threads_do_not_share_a_context),
        cmocka_unit_test(a_uuid_says_version_8),
        cmocka_unit_test(random_bytes_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
