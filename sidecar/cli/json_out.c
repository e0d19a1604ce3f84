/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/json_out.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sidecar/cli/print.h"
#include "sidecar/text.h"

static void *must(void *pointer)
{
    if (pointer == NULL)
        abort();
    return pointer;
}

static void put(cJSON *into, const char *key, cJSON *item)
{
    cJSON_bool done = key != NULL ? cJSON_AddItemToObject(into, key, must(item))
                                  : cJSON_AddItemToArray(into, must(item));

    if (!done)
        abort();
}

cJSON *sw_json_new(void)
{
    return must(cJSON_CreateObject());
}

void sw_json_print(cJSON *root, FILE *out)
{
    char *text = must(cJSON_PrintUnformatted(root));

    (void)fputs(text, out);
    cJSON_free(text);
    cJSON_Delete(root);
}

cJSON *sw_json_object(cJSON *into, const char *key)
{
    cJSON *item = must(cJSON_CreateObject());

    put(into, key, item);
    return item;
}

cJSON *sw_json_array(cJSON *into, const char *key)
{
    cJSON *item = must(cJSON_CreateArray());

    put(into, key, item);
    return item;
}

void sw_json_text(cJSON *into, const char *key, struct sw_span text)
{
    static const char unknown[] = "\xef\xbf\xbd"; /* U+FFFD, also for NUL */
    struct sw_span left = text;
    char *copy = must(malloc(3 * text.size + 1));
    size_t used = 0;

    while (left.size > 0) {
        size_t size = sw_utf8_size(left);

        if (size == 0 || left.data[0] == '\0') {
            memcpy(copy + used, unknown, 3);
            used += 3;
            size = 1;
        } else {
            memcpy(copy + used, left.data, size);
            used += size;
        }
        left = sw_span_of(left.data + size, left.size - size);
    }
    copy[used] = '\0';
    put(into, key, cJSON_CreateString(copy));
    free(copy);
}

void sw_json_number(cJSON *into, const char *key, uint64_t number)
{
    char digits[24];

    (void)snprintf(digits, sizeof(digits), "%" PRIu64, number);
    put(into, key, cJSON_CreateRaw(digits));
}

void sw_json_integer(cJSON *into, const char *key, int64_t number)
{
    char digits[24];

    (void)snprintf(digits, sizeof(digits), "%" PRId64, number);
    put(into, key, cJSON_CreateRaw(digits));
}

void sw_json_bool(cJSON *into, const char *key, bool value)
{
    put(into, key, cJSON_CreateBool(value));
}

void sw_json_null(cJSON *into, const char *key)
{
    put(into, key, cJSON_CreateNull());
}

void sw_json_time(cJSON *into, const char *key, uint64_t ms)
{
    struct sw_arena arena;

    if (ms == 0) {
        sw_json_null(into, key);
        return;
    }
    sw_arena_init(&arena, 0);
    put(into, key, cJSON_CreateString(sw_text_time_iso(&arena, ms)));
    sw_arena_fini(&arena);
}

void sw_json_hex(cJSON *into, const char *key, struct sw_span bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *text = must(malloc(2 * bytes.size + 1));

    for (size_t i = 0; i < bytes.size; i++) {
        text[2 * i] = digits[bytes.data[i] >> 4];
        text[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    text[2 * bytes.size] = '\0';
    put(into, key, cJSON_CreateString(text));
    free(text);
}

void sw_json_base64(cJSON *into, const char *key, struct sw_span bytes)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    enum { PAD = 64 };
    char *text = must(malloc((bytes.size + 2) / 3 * 4 + 1));
    char *at = text;

    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t group = (uint32_t)bytes.data[i] << 16;

        group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? bytes.data[i + 2] : 0;
        *at++ = digits[group >> 18];
        *at++ = digits[group >> 12 & 63];
        *at++ = digits[left > 1 ? group >> 6 & 63 : PAD];
        *at++ = digits[left > 2 ? group & 63 : PAD];
    }
    *at = '\0';
    put(into, key, cJSON_CreateString(text));
    free(text);
}

bool sw_json_is_valid(struct sw_span text)
{
    const char *end = NULL;
    const char *begin = (const char *)text.data;
    cJSON *value;

    if (text.size == 0)
        return false;
    value = cJSON_ParseWithLengthOpts(begin, text.size, &end, 0);
    if (value == NULL)
        return false;
    cJSON_Delete(value);
    for (; end < begin + text.size; end++) {
        if (strchr(" \t\r\n", *end) == NULL || *end == '\0')
            return false;
    }
    return true;
}
