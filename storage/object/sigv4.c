/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/object/sigv4.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "storage/base/hash.h"

enum { CANONICAL_MAX = 16 << 10, PARAMETERS_MAX = 16, HEX_SIZE = 2 * SW_DIGEST_SIZE + 1 };

/* A text that grows up to its end and remembers that it did not fit. */
struct text {
    char *next;
    char *end;
    bool cut;
};

static void add(struct text *text, const char *bytes, size_t size)
{
    if ((size_t)(text->end - text->next) < size) {
        text->cut = true;
        return;
    }
    memcpy(text->next, bytes, size);
    text->next += size;
}

static void add_text(struct text *text, const char *what)
{
    add(text, what, strlen(what));
}

void sw_sigv4_date(uint64_t now_ms, char ret[SW_SIGV4_DATE_SIZE])
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm when;

    if (gmtime_r(&seconds, &when) == NULL ||
        strftime(ret, SW_SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &when) == 0)
        memcpy(ret, "19700101T000000Z", SW_SIGV4_DATE_SIZE); /* year 10000 */
}

bool sw_sigv4_encode(const char *text, bool slashes_too, char *ret, size_t ret_size)
{
    static const char digits[] = "0123456789ABCDEF";
    char *end = ret + ret_size;

    for (const char *next = text; *next != '\0'; next++) {
        unsigned char byte = (unsigned char)*next;
        bool plain = isalnum(byte) || strchr("-._~", byte) != NULL || (byte == '/' && !slashes_too);

        if (end - ret <= (plain ? 1 : SW_SIGV4_ENCODED_MAX))
            return false;
        if (plain) {
            *ret++ = (char)byte;
        } else {
            *ret++ = '%';
            *ret++ = digits[byte >> 4];
            *ret++ = digits[byte & 15];
        }
    }
    if (ret == end)
        return false;
    *ret = '\0';
    return true;
}

/* ---- the canonical request ----------------------------------------------- */

/* By name, then by value: '=' would sort behind digits. */
static int compare_parameters(const void *a, const void *b)
{
    struct sw_span one = *(const struct sw_span *)a;
    struct sw_span two = *(const struct sw_span *)b;
    size_t shorter = one.size < two.size ? one.size : two.size;

    for (size_t i = 0; i < shorter; i++) {
        int left = one.data[i] == '=' ? 0 : one.data[i];
        int right = two.data[i] == '=' ? 0 : two.data[i];

        if (left != right)
            return left - right;
    }
    return (one.size > two.size) - (one.size < two.size);
}

static void add_query(struct text *text, const char *query)
{
    struct sw_span parameters[PARAMETERS_MAX];
    size_t count = 0;

    while (*query != '\0') {
        size_t size = strcspn(query, "&");

        if (count == PARAMETERS_MAX) {
            text->cut = true;
            return;
        }
        parameters[count++] = sw_span_of(query, size);
        query += size + (query[size] == '&');
    }
    qsort(parameters, count, sizeof(parameters[0]), compare_parameters);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            add_text(text, "&");
        add(text, (const char *)parameters[i].data, parameters[i].size);
        if (memchr(parameters[i].data, '=', parameters[i].size) == NULL)
            add_text(text, "=");
    }
}

/* Names compare without case; each is there once. */
static int compare_headers(const void *a, const void *b)
{
    const char *one = *(const char *const *)a;
    const char *two = *(const char *const *)b;

    for (;; one++, two++) {
        int left = *one == ':' ? 0 : tolower((unsigned char)*one);
        int right = *two == ':' ? 0 : tolower((unsigned char)*two);

        if (left != right || left == 0)
            return left - right;
    }
}

static void add_name(struct text *text, const char *header)
{
    for (; *header != ':'; header++) {
        char letter = (char)tolower((unsigned char)*header);

        add(text, &letter, 1);
    }
}

/* Without blanks around it, and one where there were several. */
static void add_value(struct text *text, const char *header)
{
    const char *next = strchr(header, ':') + 1;

    next += strspn(next, " ");
    while (*next != '\0') {
        size_t word = strcspn(next, " ");

        add(text, next, word);
        next += word;
        next += strspn(next, " ");
        if (*next != '\0')
            add_text(text, " ");
    }
}

static void add_names(struct text *text, const char *const *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            add_text(text, ";");
        add_name(text, headers[i]);
    }
}

static bool digest_request(const struct sw_sigv4 *what, const char *method,
                           const char *const *headers, size_t count, char ret_hex[HEX_SIZE])
{
    char canonical[CANONICAL_MAX];
    struct text text = {.next = canonical, .end = canonical + sizeof(canonical)};
    struct sw_digest digest;
    struct sw_span whole;

    add_text(&text, method);
    add_text(&text, "\n");
    add_text(&text, what->path);
    add_text(&text, "\n");
    add_query(&text, what->query);
    add_text(&text, "\n");
    for (size_t i = 0; i < count; i++) {
        add_name(&text, headers[i]);
        add_text(&text, ":");
        add_value(&text, headers[i]);
        add_text(&text, "\n");
    }
    add_text(&text, "\n");
    add_names(&text, headers, count);
    add_text(&text, "\n");
    add_text(&text, what->payload_sha256);
    whole = sw_span_of(canonical, (size_t)(text.next - canonical));
    sw_sha256(&whole, 1, &digest);
    sw_hex(digest.bytes, sizeof(digest.bytes), ret_hex);
    explicit_bzero(canonical, sizeof(canonical)); /* the session token */
    return !text.cut;
}

/* ---- the signature --------------------------------------------------------- */

static void hmac(struct sw_digest *key, const char *text)
{
    struct sw_span part = sw_span_of_text(text);

    sw_hmac_sha256(sw_span_of(key->bytes, sizeof(key->bytes)), &part, 1, key);
}

static void sign(const struct sw_sigv4 *what, const char *day, const char *to_sign,
                 char ret_hex[HEX_SIZE])
{
    struct sw_span parts[2] = {sw_span_of_text("AWS4"), sw_span_of_text(what->secret_key)};
    char secret[4 + sizeof(((struct sw_secret *)NULL)->secret_key)];
    struct sw_span first = sw_span_of_text(day);
    struct sw_digest key;

    memcpy(secret, parts[0].data, parts[0].size);
    memcpy(secret + 4, parts[1].data, parts[1].size);
    sw_hmac_sha256(sw_span_of(secret, 4 + parts[1].size), &first, 1, &key);
    explicit_bzero(secret, sizeof(secret));
    hmac(&key, what->region);
    hmac(&key, what->service);
    hmac(&key, "aws4_request");
    hmac(&key, to_sign);
    sw_hex(key.bytes, sizeof(key.bytes), ret_hex);
}

bool sw_sigv4_sign(const struct sw_sigv4 *what, struct sw_http_request *request)
{
    const char *headers[SW_HTTP_HEADERS_MAX + 1];
    size_t count = request->headers_count;
    char date[SW_SIGV4_DATE_SIZE];
    char day[9];
    char host[512];
    char digest[HEX_SIZE];
    char scope[256];
    char to_sign[512];
    char signature[HEX_SIZE];
    char names[1024];
    char value[SW_HTTP_LINE_MAX];
    struct text text = {.next = names, .end = names + sizeof(names) - 1};

    assert(strlen(what->secret_key) < sizeof(((struct sw_secret *)NULL)->secret_key));
    for (size_t i = 0; i < count; i++)
        headers[i] = request->headers[i];
    (void)snprintf(host, sizeof(host), "host:%s", what->host);
    headers[count++] = host;
    qsort(headers, count, sizeof(headers[0]), compare_headers);
    add_names(&text, headers, count);
    *text.next = '\0';
    if (text.cut || !digest_request(what, request->method, headers, count, digest))
        return false;
    sw_sigv4_date(what->now_ms, date);
    (void)snprintf(day, sizeof(day), "%.8s", date);
    (void)snprintf(scope, sizeof(scope), "%s/%s/%s/aws4_request", day, what->region, what->service);
    (void)snprintf(to_sign, sizeof(to_sign), "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, digest);
    sign(what, day, to_sign, signature);
    (void)snprintf(value, sizeof(value),
                   "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                   what->access_key, scope, names, signature);
    return sw_http_add_header(request, "Authorization", value);
}
