/* SPDX-License-Identifier: Apache-2.0
 *
 * S3 and what speaks like it: PUT with If-None-Match: *, GET, DELETE, ListObjectsV2.
 *
 * 412 means that the object exists. 409 means that another request for the key was under way
 * and says nothing: again. 501, or 400 about the header, is a store that has no conditions.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "storage/base/hash.h"
#include "storage/object/sigv4.h"

enum { BUCKET_MAX = 63, REGION_MAX = 63, HOST_MAX = 253 + 6, PAGE_KEYS_MAX = 1000 };

struct s3 {
    char bucket[BUCKET_MAX + 1];
    char prefix[SW_STORE_URL_MAX]; /* of every key: "" or "PREFIX/" */
    char region[REGION_MAX + 1];   /* learnt anew when the store says another */
    char endpoint[HOST_MAX + 1];   /* host:port; "" : Amazon's own */
    bool plain;                    /* http */
    bool in_path;                  /* the bucket */
    char sse[64];
    char sse_key[512];
};

/* ---- the URL --------------------------------------------------------------- */

static bool is_made_of(const char *text, size_t length_max, const char *letters)
{
    size_t length = strlen(text);

    return length > 0 && length <= length_max && strspn(text, letters) == length;
}

/* It becomes a part of a host name, so nothing else may be in it. */
static bool is_region(const char *text)
{
    return is_made_of(text, REGION_MAX, "abcdefghijklmnopqrstuvwxyz0123456789-");
}

static enum sw_code read_url(struct s3 *s3, const char *url, struct sw_err *err)
{
    const char *bucket = url + strlen("s3://");
    size_t length = strcspn(bucket, "/");
    const char *prefix = bucket + length + (bucket[length] == '/');
    size_t prefix_length = strlen(prefix);

    if (length <= BUCKET_MAX)
        (void)snprintf(s3->bucket, sizeof(s3->bucket), "%.*s", (int)length, bucket);
    if (length < 3 ||
        !is_made_of(s3->bucket, BUCKET_MAX, "abcdefghijklmnopqrstuvwxyz0123456789.-_"))
        return sw_fail(err, SW_CONFIGURATION, "%s: s3://BUCKET/PREFIX needs the name of a bucket",
                       url);
    while (prefix_length > 0 && prefix[prefix_length - 1] == '/')
        prefix_length--;
    if (prefix_length > 0)
        (void)snprintf(s3->prefix, sizeof(s3->prefix), "%.*s/", (int)prefix_length, prefix);
    return SW_OK;
}

static enum sw_code read_endpoint(struct s3 *s3, const char *endpoint, struct sw_err *err)
{
    const char *host = strstr(endpoint, "://");
    size_t length;

    s3->plain = strncasecmp(endpoint, "http://", 7) == 0;
    if (host == NULL || (!s3->plain && strncasecmp(endpoint, "https://", 8) != 0) ||
        strpbrk(endpoint, "@?#") != NULL)
        return sw_fail(err, SW_CONFIGURATION, "the store's endpoint is not http(s)://HOST[:PORT]");
    host += 3;
    length = strcspn(host, "/");
    if (length == 0 || length > HOST_MAX || strspn(host + length, "/") != strlen(host + length))
        return sw_fail(err, SW_CONFIGURATION, "the store's endpoint is not http(s)://HOST[:PORT]");
    (void)snprintf(s3->endpoint, sizeof(s3->endpoint), "%.*s", (int)length, host);
    /* Some stores know virtual hosts only: then the endpoint is named with the bucket. */
    length = strlen(s3->bucket);
    s3->in_path = strncmp(host, s3->bucket, length) != 0 || host[length] != '.';
    return SW_OK;
}

static const char *region_of(const struct sw_store_options *options)
{
    static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};

    if (options->region != NULL && options->region[0] != '\0')
        return options->region;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);

        if (value != NULL && value[0] != '\0')
            return value;
    }
    return "us-east-1";
}

static enum sw_code copy_option(const char *value, const char *name, char *ret, size_t size,
                                struct sw_err *err)
{
    if (value == NULL)
        return SW_OK;
    if (strlen(value) >= size || strpbrk(value, "\r\n") != NULL)
        return sw_fail(err, SW_CONFIGURATION, "%s is too long or has a line break", name);
    (void)snprintf(ret, size, "%s", value);
    return SW_OK;
}

/* ---- requests ---------------------------------------------------------------- */

static void write_host(const struct s3 *s3, char *ret, size_t size)
{
    const char *china = strncmp(s3->region, "cn-", 3) == 0 ? ".cn" : "";

    if (s3->endpoint[0] != '\0')
        (void)snprintf(ret, size, "%s", s3->endpoint);
    else if (s3->in_path)
        (void)snprintf(ret, size, "s3.%s.amazonaws.com%s", s3->region, china);
    else
        (void)snprintf(ret, size, "%s.s3.%s.amazonaws.com%s", s3->bucket, s3->region, china);
}

static bool is_of_object(const struct sw_object_op *op)
{
    return op->verb != SW_OBJECT_LIST && op->verb != SW_OBJECT_SETTING;
}

static bool write_path(const struct s3 *s3, const struct sw_object_op *op, char *ret, size_t size)
{
    char key[SW_STORE_URL_MAX + SW_OBJECT_KEY_MAX + 1];
    int used = snprintf(ret, size, "/%s%s", s3->in_path ? s3->bucket : "",
                        s3->in_path && is_of_object(op) ? "/" : "");

    if (!is_of_object(op))
        return true;
    (void)snprintf(key, sizeof(key), "%s%s", s3->prefix, op->key);
    return sw_sigv4_encode(key, false, ret + used, size - (size_t)used);
}

static bool write_query(const struct s3 *s3, const struct sw_object_op *op, char *ret, size_t size)
{
    char text[SW_STORE_URL_MAX + SW_OBJECT_KEY_MAX + 1];
    char prefix[SW_HTTP_URL_MAX];
    char after[SW_HTTP_URL_MAX] = "";
    uint32_t keys_max =
        op->keys_max == 0 || op->keys_max > PAGE_KEYS_MAX ? PAGE_KEYS_MAX : op->keys_max;
    int length;

    ret[0] = '\0';
    if (op->verb == SW_OBJECT_SETTING)
        return (size_t)snprintf(ret, size, "%s=", op->key) < size;
    if (op->verb != SW_OBJECT_LIST)
        return true;
    (void)snprintf(text, sizeof(text), "%s%s", s3->prefix, op->key);
    if (!sw_sigv4_encode(text, true, prefix, sizeof(prefix)))
        return false;
    if (op->after != NULL) {
        length = snprintf(text, sizeof(text), "%s%s", s3->prefix, op->after);
        if ((size_t)length >= sizeof(text) || !sw_sigv4_encode(text, true, after, sizeof(after)))
            return false;
    }
    length = snprintf(ret, size, "list-type=2&max-keys=%u&prefix=%s%s%s", (unsigned)keys_max,
                      prefix, after[0] == '\0' ? "" : "&start-after=", after);
    return (size_t)length < size;
}

static const char *method_of(enum sw_object_verb verb)
{
    switch (verb) {
    case SW_OBJECT_CREATE:
        return "PUT";
    case SW_OBJECT_DELETE:
        return "DELETE";
    case SW_OBJECT_GET:
    case SW_OBJECT_LIST:
    case SW_OBJECT_SETTING:
    default:
        return "GET";
    }
}

static bool add_condition(const struct s3 *s3, struct sw_http_request *request)
{
    return sw_http_add_header(request, "If-None-Match", "*") &&
           sw_http_add_header(request, "Content-Type", "application/octet-stream") &&
           (s3->sse[0] == '\0' ||
            sw_http_add_header(request, "x-amz-server-side-encryption", s3->sse)) &&
           (s3->sse_key[0] == '\0' ||
            sw_http_add_header(request, "x-amz-server-side-encryption-aws-kms-key-id",
                               s3->sse_key));
}

static bool add_signature(const struct s3 *s3, const struct sw_secret *secret, struct sw_sigv4 what,
                          struct sw_http_request *request)
{
    char date[SW_SIGV4_DATE_SIZE];
    char payload[2 * SW_DIGEST_SIZE + 1];
    struct sw_digest digest;

    /* Always the real one: the store then refuses bytes that changed on the way. */
    sw_sha256(&request->body, 1, &digest);
    sw_hex(digest.bytes, sizeof(digest.bytes), payload);
    sw_sigv4_date(what.now_ms, date);
    what.payload_sha256 = payload;
    what.region = s3->region;
    what.service = "s3";
    what.access_key = secret->access_key;
    what.secret_key = secret->secret_key;
    return sw_http_add_header(request, "x-amz-date", date) &&
           sw_http_add_header(request, "x-amz-content-sha256", payload) &&
           (secret->token == NULL || secret->token[0] == '\0' ||
            sw_http_add_header(request, "x-amz-security-token", secret->token)) &&
           sw_sigv4_sign(&what, request);
}

static enum sw_code prepare(void *self, const struct sw_object_op *op,
                            const struct sw_secret *secret, uint64_t now_ms,
                            struct sw_http_request *request, struct sw_err *err)
{
    const struct s3 *s3 = self;
    char host[sizeof(s3->endpoint) + BUCKET_MAX + REGION_MAX];
    char path[SW_HTTP_URL_MAX];
    char query[SW_HTTP_URL_MAX];
    struct sw_sigv4 what = {.host = host, .path = path, .query = query, .now_ms = now_ms};
    int length;

    write_host(s3, host, sizeof(host));
    if (!write_path(s3, op, path, sizeof(path)) || !write_query(s3, op, query, sizeof(query)))
        return sw_fail(err, SW_CONFIGURATION, "the prefix is too long for %s", op->key);
    length = snprintf(request->url, sizeof(request->url), "%s://%s%s%s%s",
                      s3->plain ? "http" : "https", host, path, query[0] == '\0' ? "" : "?", query);
    if ((size_t)length >= sizeof(request->url))
        return sw_fail(err, SW_CONFIGURATION, "the prefix is too long for %s", op->key);
    request->method = method_of(op->verb);
    if (op->verb == SW_OBJECT_CREATE)
        request->body = op->body;
    request->plain_ok = s3->plain; /* the user named this endpoint */
    if (op->verb == SW_OBJECT_CREATE && !add_condition(s3, request))
        return sw_fail(err, SW_NO_MEMORY, "no memory for a request");
    if (!add_signature(s3, secret, what, request))
        return sw_fail(err, SW_NO_MEMORY, "no memory for a request, or a session token too long");
    return SW_OK;
}

/* ---- responses ----------------------------------------------------------------- */

static bool is_one_of(const char *code, const char *const *codes)
{
    for (; *codes != NULL; codes++) {
        if (strcmp(code, *codes) == 0)
            return true;
    }
    return false;
}

static const char *const again[] = {"ConditionalRequestConflict",
                                    "OperationAborted",
                                    "RequestTimeout",
                                    "BadDigest",
                                    "XAmzContentSHA256Mismatch",
                                    "XAmzContentChecksumMismatch",
                                    "SlowDown",
                                    "InternalError",
                                    "ServiceUnavailable",
                                    "RequestLimitExceeded",
                                    NULL};
static const char *const expired[] = {"ExpiredToken", "ExpiredTokenException",
                                      "TokenRefreshRequired", "InvalidToken", NULL};
static const char *const conditions[] = {"NotImplemented", "InvalidArgument", "InvalidRequest",
                                         "UnsupportedHeader", NULL};

static void say(struct sw_object_op *op, enum sw_code code, unsigned status,
                const struct sw_error_reply *error)
{
    /* Without s3:ListBucket there is no "absent", and nobody would guess. */
    const char *hint = status == 403 && op->verb == SW_OBJECT_GET
                           ? " (without s3:ListBucket an object that is absent looks like this)"
                           : "";

    op->err.code =
        sw_fail(&op->err, code, "S3 says %u%s%s%s%s%s", status, error->code[0] == '\0' ? "" : " ",
                error->code, error->message[0] == '\0' ? "" : ": ", error->message, hint);
}

/* A bucket elsewhere: signed for its region, sent to Amazon's host of it or, with an endpoint
 * of the user's, to the same host. Never where Location points. */
static bool learn_region(struct s3 *s3, const struct sw_http_response *response,
                         const struct sw_error_reply *error)
{
    const char *region = response->region[0] != '\0' ? response->region : error->region;
    unsigned status = response->status;

    if (status != 301 && status != 307 && status != 400 && status != 403)
        return false;
    if (!is_region(region) || strcmp(region, s3->region) == 0)
        return false;
    (void)snprintf(s3->region, sizeof(s3->region), "%s", region);
    return true;
}

static bool is_passing(unsigned status, const char *code)
{
    return status == 408 || status == 409 || status == 429 || (status >= 500 && status != 501) ||
           is_one_of(code, again);
}

static enum sw_reply interpret_error(struct s3 *s3, struct sw_object_op *op,
                                     const struct sw_http_response *response)
{
    unsigned status = response->status;
    struct sw_error_reply error;
    enum sw_reply reply = SW_REPLY_FAILED;
    enum sw_code code = SW_STORE_REFUSED;

    sw_reply_read_error(sw_span_of(response->body, response->size), &error);
    if (op->verb == SW_OBJECT_CREATE && status == 412)
        return SW_REPLY_EXISTS;
    if (status == 404 && strcmp(error.code, "NoSuchBucket") != 0 && op->verb == SW_OBJECT_GET)
        return SW_REPLY_ABSENT;
    if (status == 404 && strcmp(error.code, "NoSuchBucket") != 0 && op->verb == SW_OBJECT_DELETE)
        return SW_REPLY_DONE;

    if (op->verb == SW_OBJECT_SETTING && strcmp(error.code, "NoSuchLifecycleConfiguration") == 0)
        return SW_REPLY_DONE;

    if (strcmp(error.code, "RequestTimeTooSkewed") == 0)
        reply = SW_REPLY_SKEWED;
    else if (is_passing(status, error.code) || learn_region(s3, response, &error))
        reply = SW_REPLY_AGAIN;
    else if (is_one_of(error.code, expired) || status == 401 || status == 403)
        reply = SW_REPLY_REFUSED;
    else if (op->verb == SW_OBJECT_CREATE && (status == 501 || status == 400) &&
             is_one_of(error.code, conditions))
        code = SW_STORE_UNSAFE;
    if (reply == SW_REPLY_AGAIN)
        code = SW_STORE_UNAVAILABLE;
    say(op, code, status, &error);
    return reply;
}

static enum sw_reply interpret_list(const struct s3 *s3, struct sw_object_op *op,
                                    const struct sw_http_response *response)
{
    char next[SW_HTTP_URL_MAX];
    enum sw_code code = sw_reply_read_list(sw_span_of(response->body, response->size), s3->prefix,
                                           op, next, sizeof(next), &op->err);

    if (code == SW_OK && op->keys == 0 && op->more) {
        sw_object_op_fini(op);
        code = sw_fail(&op->err, SW_STORE_REFUSED,
                       "below the prefix are %d objects and more that are not Stepwell's",
                       PAGE_KEYS_MAX);
    }
    return code == SW_OK ? SW_REPLY_DONE : SW_REPLY_FAILED;
}

static enum sw_reply interpret(void *self, struct sw_object_op *op,
                               struct sw_http_response *response)
{
    struct s3 *s3 = self;

    if (response->status != 200 && (response->status != 204 || op->verb != SW_OBJECT_DELETE))
        return interpret_error(s3, op, response);
    if (op->verb == SW_OBJECT_LIST)
        return interpret_list(s3, op, response);
    if (op->verb == SW_OBJECT_SETTING)
        return sw_reply_take_setting(sw_span_of(response->body, response->size), s3->prefix, op);
    if (op->verb == SW_OBJECT_GET) {
        op->data = response->body;
        op->size = response->size;
        response->body = NULL;
        response->size = 0;
    }
    return SW_REPLY_DONE;
}

/* ---- life ------------------------------------------------------------------------ */

static void free_s3(void *self)
{
    free(self);
}

static enum sw_code configure(struct s3 *s3, const struct sw_store_options *options,
                              struct sw_err *err)
{
    const char *region = region_of(options);
    enum sw_code code = read_url(s3, options->url, err);

    if (code != SW_OK)
        return code;
    if (!is_region(region))
        return sw_fail(err, SW_CONFIGURATION, "the store's region is no name of a region");
    (void)snprintf(s3->region, sizeof(s3->region), "%s", region);
    /* A certificate for *.s3.REGION does not cover a bucket with dots. */
    s3->in_path = options->path_style || strpbrk(s3->bucket, "._") != NULL;
    if (options->endpoint != NULL && options->endpoint[0] != '\0') {
        code = read_endpoint(s3, options->endpoint, err);
        if (code != SW_OK)
            return code;
    }
    code = copy_option(options->sse, "the store's server-side encryption", s3->sse, sizeof(s3->sse),
                       err);
    if (code == SW_OK)
        code = copy_option(options->sse_key, "the store's encryption key", s3->sse_key,
                           sizeof(s3->sse_key), err);
    return code;
}

enum sw_code sw_s3_open(const struct sw_store_options *options, struct sw_http *http,
                        struct sw_dialect *ret, struct sw_err *err)
{
    struct sw_credentials_options credentials = {.http = http, .clock = options->clock};
    struct s3 *s3 = calloc(1, sizeof(*s3));
    enum sw_code code;

    if (s3 == NULL)
        return sw_fail(err, SW_NO_MEMORY, "no memory for S3");
    code = configure(s3, options, err);
    credentials.region = s3->region;
    *ret = (struct sw_dialect){
        .name = "S3", .prepare = prepare, .interpret = interpret, .free = free_s3, .self = s3};
    if (code == SW_OK)
        code = sw_credentials_aws(&credentials, &ret->credentials, err);
    if (code != SW_OK)
        free(s3);
    return code;
}
