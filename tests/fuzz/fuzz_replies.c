/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_replies - what object stores and identity services answer, and the files they have people
 * mount.
 *
 * Input: a byte that picks the reader, then what it reads. Claims: whatever is read stands within
 * its bounds and ends there; errors are one line of ASCII; a list holds what was asked for, in
 * order; the one text of some bytes in base64 is the one that was read.
 */
#include <stdlib.h>
#include <strings.h>

#include "storage/base/sign.h"
#include "storage/object/credentials.h"
#include "storage/object/http.h"
#include "tests/fuzz/fuzz.h"

enum { FIELDS = 4, TEXT_SIZE = 48 };

static void claim(bool holds)
{
    if (!holds)
        abort();
}

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static void claim_printable(const char *text, size_t size)
{
    claim(is_text(text, size));
    for (; *text != '\0'; text++)
        claim(*text >= ' ' && *text <= '~');
}

/* ---- stores -------------------------------------------------------------- */

static void read_error(struct sw_span input)
{
    struct sw_error_reply reply;

    sw_reply_read_error(input, &reply);
    claim_printable(reply.code, sizeof(reply.code));
    claim_printable(reply.message, sizeof(reply.message));
    claim_printable(reply.region, sizeof(reply.region));
}

static void claim_keys(const struct sw_object_op *op)
{
    const char *key = (const char *)op->data;
    const char *last = op->after;
    size_t left = op->size;

    claim(op->keys <= op->keys_max);
    for (uint32_t i = 0; i < op->keys; i++) {
        claim(is_text(key, left));
        claim(strncmp(key, op->key, strlen(op->key)) == 0);
        claim(strlen(key) <= SW_OBJECT_KEY_MAX && strspn(key, SW_KEY_LETTERS) == strlen(key));
        claim(last == NULL || strcmp(last, key) < 0);
        last = key;
        left -= strlen(key) + 1;
        key += strlen(key) + 1;
    }
    claim(left == 0);
}

static void read_list(struct sw_span input)
{
    struct sw_object_op op = {.verb = SW_OBJECT_LIST, .key = "", .keys_max = 3};
    struct sw_err err;
    char next[TEXT_SIZE];
    enum sw_code rc;

    for (int i = 0; i < 2; i++) { /* all, then behind a key */
        rc = sw_reply_read_list(input, "p/", &op, next, sizeof(next), &err);
        claim(rc == SW_OK || (rc == SW_CORRUPT && op.data == NULL && next[0] == '\0'));
        claim(is_text(next, sizeof(next)));
        if (rc == SW_OK)
            claim_keys(&op);
        free(op.data);
        op = (struct sw_object_op){
            .verb = SW_OBJECT_LIST, .key = "log/", .after = "log/1", .keys_max = 100};
    }
}

static void read_setting(struct sw_span input)
{
    static const char *const keys[] = {"lifecycle", "versioning"};

    for (size_t i = 0; i < 2; i++) {
        struct sw_object_op op = {.verb = SW_OBJECT_SETTING, .key = keys[i]};
        enum sw_reply reply = sw_reply_take_setting(input, "p/", &op);
        size_t at = 0;

        claim(reply == SW_REPLY_DONE ||
              (reply == SW_REPLY_FAILED && op.data == NULL && op.keys == 0));
        for (uint32_t k = 0; k < op.keys; k++) {
            claim_printable((const char *)op.data + at, op.size - at);
            at += strlen((const char *)op.data + at) + 1;
        }
        claim(at == op.size);
        sw_object_op_fini(&op);
    }
}

static void read_header(struct sw_span input)
{
    struct sw_http_response response = {.arrived = false};
    bool has_length = false;

    sw_http_read_header(input, UINT64_C(1795560600000), &response, &has_length);
    claim(response.status <= 999);
    claim(is_text(response.location, sizeof(response.location)));
    claim(is_text(response.region, sizeof(response.region)));
    claim(is_text(response.etag, sizeof(response.etag)));
}

/* ---- identity services and their files --------------------------------------- */

struct texts {
    char text[FIELDS][TEXT_SIZE];
    struct sw_reply_field fields[FIELDS];
};

static void init_texts(struct texts *texts, const char *const names[FIELDS])
{
    memset(texts, 'x', sizeof(*texts));
    for (size_t i = 0; i < FIELDS; i++)
        texts->fields[i] = (struct sw_reply_field){
            .name = names[i], .ret = texts->text[i], .size = sizeof(texts->text[i])};
}

static void claim_texts(const struct texts *texts)
{
    for (size_t i = 0; i < FIELDS; i++) {
        claim(is_text(texts->text[i], sizeof(texts->text[i])));
        claim(!texts->fields[i].cut || strlen(texts->text[i]) == sizeof(texts->text[i]) - 1);
    }
}

static void read_sts(struct sw_span input)
{
    static const char *const names[FIELDS] = {"AccessKeyId", "SecretAccessKey", "SessionToken",
                                              "Expiration"};
    struct texts texts;

    init_texts(&texts, names);
    (void)sw_reply_read_fields(input, "Credentials", texts.fields, FIELDS);
    claim_texts(&texts);
}

static void read_json(struct sw_span input)
{
    static const char *const names[FIELDS] = {"access_token", "expires_in", "error.status",
                                              "a.b.c"};
    struct texts texts;

    init_texts(&texts, names);
    (void)sw_credentials_read_json(input, texts.fields, FIELDS);
    claim_texts(&texts);
}

static void read_ini(struct sw_span input)
{
    static const char *const names[FIELDS] = {"aws_access_key_id", "aws_secret_access_key",
                                              "aws_session_token", ""};
    struct texts texts;

    init_texts(&texts, names);
    (void)sw_credentials_read_ini(input, "default", texts.fields, FIELDS);
    claim_texts(&texts);
}

static void read_account(struct sw_span input)
{
    struct sw_google_account account;
    struct sw_err err;
    enum sw_code rc = sw_google_read_account(input, &account, &err);

    claim(rc == SW_OK || (rc == SW_CONFIGURATION && err.code == rc));
    if (rc == SW_OK && strcmp(account.type, "service_account") == 0)
        claim(strpbrk(account.client_email, "\"\\\n") == NULL &&
              strpbrk(account.token_uri, "\"\\\n") == NULL);
}

/* What comes as a text: a time, a query, a URL, a number. */
static void read_text(struct sw_span input)
{
    char *text = malloc(input.size + 1);
    char value[TEXT_SIZE];
    uint64_t number;

    claim(text != NULL);
    if (input.size > 0)
        memcpy(text, input.data, input.size);
    text[input.size] = '\0';
    if (sw_credentials_read_time(text, &number))
        claim(number < UINT64_C(253402387200000)); /* the year 10000, and an offset */
    if (sw_credentials_read_seconds(text, &number))
        claim(number <= UINT64_C(9999999999));
    if (sw_credentials_read_query(text, "se", value, sizeof(value)))
        claim(is_text(value, sizeof(value)));
    if (sw_credentials_may_be_plain(text))
        claim(strncasecmp(text, "http://", 7) == 0 &&
              memchr(text + 7, '@', strcspn(text + 7, "/?#")) == NULL);
    free(text);
}

static void read_base64(struct sw_span input)
{
    uint8_t bytes[256];
    char text[SW_BASE64_ROOM(sizeof(bytes))];
    size_t size;

    if (!sw_base64_decode(input, bytes, sizeof(bytes), &size))
        return;
    claim(size <= sizeof(bytes));
    sw_base64_encode(SW_BASE64, sw_span_of(bytes, size), text);
    claim(sw_span_equal(input, sw_span_of_text(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(struct sw_span input) = {
        read_error, read_list, read_sts,    read_json,   read_account,
        read_ini,   read_text, read_base64, read_header, read_setting,
    };
    struct sw_span input;
    uint8_t *copy;

    if (size == 0)
        return 0;
    input = sw_span_of(data + 1, size - 1);
    copy = malloc(input.size > 0 ? input.size : 1); /* a block of exactly that size */
    claim(copy != NULL);
    if (input.size > 0)
        memcpy(copy, input.data, input.size);
    readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](sw_span_of(copy, input.size));
    free(copy);
    return 0;
}
