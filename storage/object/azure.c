/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "storage/base/hash.h"
#include "storage/base/sign.h"
#include "storage/object/credentials.h"
#include "storage/object/place.h"

/* Azure Blob Storage.
 *
 *   CREATE  Put Blob: PUT /CONTAINER/KEY, x-ms-blob-type: BlockBlob, If-None-Match: *
 *           201; 409 BlobAlreadyExists or 412: there is one; other 409: try again
 *   LIST    GET /CONTAINER?restype=container&comp=list. There is no "begin behind this key", only
 *           a marker to go on from the end of a page: it is remembered for the next op. Without
 *           one the list begins at the front, and keys are left out.
 *
 * An endpoint whose host begins with the account's name has the container below it, any other
 * (an emulator's) the account and then the container.
 */
#define VERSION "2021-12-02"

/* Of Azurite and its ancestors, the same for everybody and published for that. */
#define EMULATOR_ACCOUNT "devstoreaccount1"
#define EMULATOR_KEY                                                                               \
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

enum { PAGE_MAX = 5000, MARKER_SIZE = 1024 };

struct azure {
    struct sw_place place;
    char account[SW_PLACE_NAME_SIZE];
    bool emulator; /* signs by EMULATOR_KEY */

    /* Where the last page ended. */
    bool remembered;
    char key[SW_OBJECT_KEY_MAX + 1];
    char after[SW_OBJECT_KEY_MAX + 1];
    char marker[MARKER_SIZE];
};

/* The headers of one request, those that are signed. */
struct parts {
    const char *method;
    char length[24];                 /* "" for none */
    const char *type;                /* "" for none */
    const char *match;               /* If-None-Match */
    char ms[512];                    /* x-ms-..., in order, "name:value\n" each */
    char query[3 * SW_HTTP_URL_MAX]; /* "\nname:value" each, in order */
};

/* ---- list ---------------------------------------------------------------- */

static const char *after_of(const struct sw_object_op *op)
{
    return op->after != NULL ? op->after : "";
}

static bool is_next_page(const struct azure *azure, const struct sw_object_op *op)
{
    return azure->remembered && strcmp(azure->key, op->key) == 0 &&
           strcmp(azure->after, after_of(op)) == 0;
}

static void remember(struct azure *azure, const struct sw_object_op *op, const char *marker)
{
    const char *last = after_of(op);

    azure->remembered = marker[0] != '\0';
    if (op->keys > 0) {
        const char *data = (const char *)op->data;
        size_t at = op->size - 1;

        while (at > 0 && data[at - 1] != '\0')
            at--;
        last = data + at;
    }
    (void)snprintf(azure->key, sizeof(azure->key), "%s", op->key);
    (void)snprintf(azure->after, sizeof(azure->after), "%s", last);
    (void)snprintf(azure->marker, sizeof(azure->marker), "%s", marker);
}

static void add_parameter(struct sw_form *form, struct parts *parts, const char *name,
                          const char *value)
{
    size_t used = strlen(parts->query);

    sw_form_add(form, name, value);
    (void)snprintf(parts->query + used, sizeof(parts->query) - used, "\n%s:%s", name, value);
}

static enum sw_code prepare_list(const struct azure *azure, const struct sw_object_op *op,
                                 struct parts *parts, struct sw_http_request *request,
                                 struct sw_err *err)
{
    uint32_t most = op->keys_max > 0 && op->keys_max < 1000 ? op->keys_max : 1000;
    char prefix[SW_STORE_URL_MAX + SW_OBJECT_KEY_MAX];
    bool goes_on = is_next_page(azure, op);
    struct sw_form query = {0};
    char number[16];
    enum sw_code rc;

    (void)snprintf(prefix, sizeof(prefix), "%s%s", azure->place.prefix, op->key);
    (void)snprintf(number, sizeof(number), "%" PRIu32,
                   op->after != NULL && !goes_on ? PAGE_MAX : most);
    add_parameter(&query, parts, "comp", "list"); /* in the order of names: it is signed so */
    if (goes_on)
        add_parameter(&query, parts, "marker", azure->marker);
    add_parameter(&query, parts, "maxresults", number);
    if (prefix[0] != '\0')
        add_parameter(&query, parts, "prefix", prefix);
    add_parameter(&query, parts, "restype", "container");
    rc = sw_place_query(&azure->place, &query, request, err);
    sw_form_fini(&query);
    return rc;
}

/* ---- requests ------------------------------------------------------------ */

static enum sw_code add_header(struct sw_http_request *request, struct parts *parts,
                               const char *name, const char *value, struct sw_err *err)
{
    size_t used = strlen(parts->ms);

    if (strncmp(name, "x-ms-", 5) == 0)
        (void)snprintf(parts->ms + used, sizeof(parts->ms) - used, "%s:%s\n", name, value);
    return sw_http_add_header(request, name, value)
               ? SW_OK
               : sw_fail(err, SW_NO_MEMORY, "no memory for a request");
}

static enum sw_code add_headers(const struct sw_object_op *op, uint64_t now_ms,
                                struct sw_http_request *request, struct parts *parts,
                                struct sw_err *err)
{
    time_t now = (time_t)(now_ms / 1000);
    enum sw_code rc = SW_OK;
    char date[64];
    struct tm utc;

    if (gmtime_r(&now, &utc) == NULL ||
        strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc) == 0)
        return sw_fail(err, SW_CONFIGURATION, "the clock shows no date");
    if (op->verb == SW_OBJECT_CREATE) {
        parts->type = "application/octet-stream";
        parts->match = "*";
        if (op->body.size > 0)
            (void)snprintf(parts->length, sizeof(parts->length), "%zu", op->body.size);
        rc = add_header(request, parts, "Content-Type", parts->type, err);
        if (rc == SW_OK)
            rc = add_header(request, parts, "If-None-Match", parts->match, err);
        if (rc == SW_OK)
            rc = add_header(request, parts, "x-ms-blob-type", "BlockBlob", err);
    }
    if (rc == SW_OK)
        rc = add_header(request, parts, "x-ms-date", date, err);
    if (rc == SW_OK && op->verb == SW_OBJECT_DELETE)
        rc = add_header(request, parts, "x-ms-delete-snapshots", "include", err);
    if (rc == SW_OK)
        rc = add_header(request, parts, "x-ms-version", VERSION, err);
    return rc;
}

/* Shared Key of the Blob service, as of version 2015-02-21. */
static enum sw_code sign(const struct azure *azure, const char *key_text, const struct parts *parts,
                         struct sw_http_request *request, struct sw_err *err)
{
    const char *path = sw_place_path(request->url);
    char value[SW_PLACE_NAME_SIZE + SW_BASE64_ROOM(SW_DIGEST_SIZE) + 16];
    char text[sizeof(parts->ms) + sizeof(parts->query) + SW_HTTP_URL_MAX + 512];
    char signature[SW_BASE64_ROOM(SW_DIGEST_SIZE)];
    struct sw_digest digest;
    struct sw_span whole;
    uint8_t key[256];
    size_t key_size;

    if (!sw_base64_decode(sw_span_of_text(key_text), key, sizeof(key), &key_size))
        return sw_fail(err, SW_CONFIGURATION, "the storage account's key is not base64");
    (void)snprintf(text, sizeof(text), "%s\n\n\n%s\n\n%s\n\n\n\n%s\n\n\n%s/%s%.*s%s", parts->method,
                   parts->length, parts->type, parts->match, parts->ms, azure->account,
                   (int)strcspn(path, "?"), path, parts->query);
    whole = sw_span_of_text(text);
    sw_hmac_sha256(sw_span_of(key, key_size), &whole, 1, &digest);
    explicit_bzero(key, sizeof(key));
    sw_base64_encode(SW_BASE64, sw_span_of(digest.bytes, sizeof(digest.bytes)), signature);
    (void)snprintf(value, sizeof(value), "SharedKey %s:%s", azure->account, signature);
    return sw_http_add_header(request, "Authorization", value)
               ? SW_OK
               : sw_fail(err, SW_NO_MEMORY, "no memory for a request");
}

static enum sw_code add_sas(struct sw_http_request *request, const char *token, struct sw_err *err)
{
    size_t used = strlen(request->url);
    int added = snprintf(request->url + used, sizeof(request->url) - used, "%c%s",
                         strchr(request->url, '?') != NULL ? '&' : '?', token);

    if (added < 0 || (size_t)added >= sizeof(request->url) - used)
        return sw_fail(err, SW_CONFIGURATION, "AZURE_STORAGE_SAS_TOKEN is too long");
    return SW_OK;
}

static enum sw_code prepare(void *self, const struct sw_object_op *op,
                            const struct sw_secret *secret, uint64_t now_ms,
                            struct sw_http_request *request, struct sw_err *err)
{
    struct azure *azure = self;
    struct parts parts = {.type = "", .match = ""};
    enum sw_code rc;

    if (op->verb == SW_OBJECT_SETTING)
        return sw_fail(err, SW_STORE_REFUSED,
                       "Azure shows it in its management API alone, which these credentials do not "
                       "open");
    rc = op->verb == SW_OBJECT_LIST ? prepare_list(azure, op, &parts, request, err)
                                    : sw_place_object(&azure->place, op, request, err);

    parts.method = request->method;
    if (rc == SW_OK)
        rc = add_headers(op, now_ms, request, &parts, err);
    if (rc != SW_OK)
        return rc;
    if (azure->emulator)
        return sign(azure, EMULATOR_KEY, &parts, request, err);
    if (strcmp(secret->access_key, SW_AZURE_KEY) == 0)
        return sign(azure, secret->secret_key, &parts, request, err);
    if (strcmp(secret->access_key, SW_AZURE_SAS) == 0)
        return add_sas(request, secret->token, err);
    return sw_place_add_bearer(request, secret->token, err);
}

/* ---- answers ------------------------------------------------------------- */

static bool is_one_of(const char *code, const char *const *codes)
{
    for (; *codes != NULL; codes++) {
        if (strcmp(code, *codes) == 0)
            return true;
    }
    return false;
}

/* What the status alone does not tell. */
static enum sw_reply refuse(struct sw_object_op *op, const struct sw_http_response *response)
{
    static const char *const exists[] = {
        "BlobAlreadyExists", "UnauthorizedBlobOverwrite", /* 403: the token may create alone */
        "BlobImmutableDueToPolicy", "InvalidBlobType", NULL};
    static const char *const no_container[] = {"ContainerNotFound", "ResourceNotFound", NULL};
    struct sw_error_reply error;
    enum sw_reply reply;

    sw_reply_read_error(sw_span_of(response->body, response->size), &error);
    reply = sw_place_refuse("Azure", op, response, &error);
    if (op->verb == SW_OBJECT_CREATE) {
        if (response->status == 412 || is_one_of(error.code, exists))
            return SW_REPLY_EXISTS;
        return response->status == 409 ? SW_REPLY_AGAIN : reply;
    }
    if (strncmp(error.code, "ContainerBeing", strlen("ContainerBeing")) ==
        0) /* deleted, disabled */
        return SW_REPLY_AGAIN;
    if (response->status == 404 && !is_one_of(error.code, no_container)) {
        if (op->verb == SW_OBJECT_GET)
            return SW_REPLY_ABSENT;
        if (op->verb == SW_OBJECT_DELETE)
            return SW_REPLY_DONE;
    }
    return reply;
}

static enum sw_reply interpret(void *self, struct sw_object_op *op,
                               struct sw_http_response *response)
{
    static const unsigned done[] = {[SW_OBJECT_CREATE] = 201,
                                    [SW_OBJECT_GET] = 200,
                                    [SW_OBJECT_DELETE] = 202,
                                    [SW_OBJECT_LIST] = 200};
    struct azure *azure = self;
    char marker[MARKER_SIZE];
    enum sw_reply reply;

    if (response->status != done[op->verb])
        return refuse(op, response);
    reply = sw_place_take(&azure->place, op, response, marker, sizeof(marker));
    if (op->verb != SW_OBJECT_LIST || reply != SW_REPLY_DONE)
        return reply;
    remember(azure, op, marker);
    return op->keys == 0 && op->more ? SW_REPLY_NEXT : SW_REPLY_DONE;
}

/* ---- open ---------------------------------------------------------------- */

static enum sw_code set_place(struct azure *azure, const struct sw_store_options *options,
                              struct sw_err *err)
{
    const char *rest = options->url + strlen("az://");
    char own_endpoint[SW_PLACE_NAME_SIZE + 64];
    const char *endpoint = options->endpoint;
    char container[SW_PLACE_NAME_SIZE];
    const char *const names[] = {azure->account, container};
    const char *host;
    bool of_account;
    enum sw_code rc;

    rc =
        sw_place_take_name(&rest, "an account, az://ACCOUNT/CONTAINER/PREFIX", azure->account, err);
    if (rc == SW_OK)
        rc =
            sw_place_take_name(&rest, "a container, az://ACCOUNT/CONTAINER/PREFIX", container, err);
    if (rc == SW_OK)
        rc = sw_place_set_prefix(&azure->place, rest, err);
    if (rc != SW_OK)
        return rc;
    if (endpoint == NULL) {
        (void)snprintf(own_endpoint, sizeof(own_endpoint), "https://%s.blob.core.windows.net",
                       azure->account);
        endpoint = own_endpoint;
    }
    host = strstr(endpoint, "://");
    host = host != NULL ? host + 3 : endpoint;
    of_account = strncasecmp(host, azure->account, strlen(azure->account)) == 0 &&
                 host[strlen(azure->account)] == '.';
    return sw_place_set_base(&azure->place, endpoint, of_account ? names + 1 : names,
                             of_account ? 1 : 2, err);
}

static bool is_emulator(const struct azure *azure)
{
    return sw_place_is_loopback(azure->place.base) &&
           strcmp(azure->account, EMULATOR_ACCOUNT) == 0 &&
           sw_credentials_env("AZURE_STORAGE_SAS_TOKEN") == NULL &&
           sw_credentials_env("AZURE_STORAGE_KEY") == NULL;
}

enum sw_code sw_azure_open(const struct sw_store_options *options, struct sw_http *http,
                           struct sw_dialect *ret, struct sw_err *err)
{
    const struct sw_credentials_options how = {.http = http, .clock = options->clock};
    struct azure *azure = calloc(1, sizeof(*azure));
    struct sw_credentials *credentials = NULL;
    enum sw_code rc;

    if (azure == NULL)
        return sw_fail(err, SW_NO_MEMORY, "no memory for a store");
    rc = set_place(azure, options, err);
    azure->emulator = rc == SW_OK && is_emulator(azure);
    if (rc == SW_OK && !azure->emulator)
        rc = sw_credentials_azure(&how, &credentials, err);
    if (rc != SW_OK) {
        free(azure);
        return rc;
    }
    *ret = (struct sw_dialect){
        .name = "Azure",
        .prepare = prepare,
        .interpret = interpret,
        .free = free,
        .self = azure,
        .credentials = credentials,
    };
    return SW_OK;
}
