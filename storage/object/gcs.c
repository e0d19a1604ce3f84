/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/object/credentials.h"
#include "storage/object/place.h"

/* Google Cloud Storage by its XML API, in path style: the same host for every bucket.
 *
 *   CREATE  PUT /BUCKET/KEY, x-goog-if-generation-match: 0 ("there is no live object")
 *           200; 412: there is one; 409: two at the same moment, neither decided
 *   LIST    GET /BUCKET?list-type=2, whose start-after is the key behind which it begins
 */
#define ENDPOINT "https://storage.googleapis.com"

enum { PAGE_MAX = 1000 }; /* of the store */

static enum sw_code prepare_list(const struct sw_place *place, const struct sw_object_op *op,
                                 struct sw_http_request *request, struct sw_err *err)
{
    struct sw_form query = {0};
    char text[SW_STORE_URL_MAX + SW_OBJECT_KEY_MAX];
    enum sw_code rc;

    sw_form_add(&query, "list-type", "2");
    (void)snprintf(text, sizeof(text), "%" PRIu32,
                   op->keys_max > 0 && op->keys_max < PAGE_MAX ? op->keys_max : PAGE_MAX);
    sw_form_add(&query, "max-keys", text);
    (void)snprintf(text, sizeof(text), "%s%s", place->prefix, op->key);
    sw_form_add(&query, "prefix", text);
    if (op->after != NULL) {
        (void)snprintf(text, sizeof(text), "%s%s", place->prefix, op->after);
        sw_form_add(&query, "start-after", text);
    }
    rc = sw_place_query(place, &query, request, err);
    sw_form_fini(&query);
    return rc;
}

static enum sw_code prepare(void *self, const struct sw_object_op *op,
                            const struct sw_secret *secret, uint64_t now_ms,
                            struct sw_http_request *request, struct sw_err *err)
{
    const struct sw_place *place = self;
    enum sw_code rc;

    (void)now_ms;
    if (op->verb == SW_OBJECT_LIST)
        rc = prepare_list(place, op, request, err);
    else if (op->verb == SW_OBJECT_SETTING)
        rc = sw_place_setting(place, op, request, err);
    else
        rc = sw_place_object(place, op, request, err);
    if (rc != SW_OK)
        return rc;
    if (op->verb == SW_OBJECT_CREATE &&
        (!sw_http_add_header(request, "x-goog-if-generation-match", "0") ||
         !sw_http_add_header(request, "Content-Type", "application/octet-stream")))
        return sw_fail(err, SW_NO_MEMORY, "no memory for a request");
    return secret != NULL ? sw_place_add_bearer(request, secret->token, err) : SW_OK;
}

/* There is no key behind which the list could go on. */
static enum sw_reply fail_for_strangers(struct sw_object_op *op)
{
    op->more = false;
    op->err.code =
        sw_fail(&op->err, SW_STORE_REFUSED,
                "below the prefix lie %d objects and more that are not Stepwell's", PAGE_MAX);
    return SW_REPLY_FAILED;
}

static enum sw_reply interpret(void *self, struct sw_object_op *op,
                               struct sw_http_response *response)
{
    bool of_object = op->verb != SW_OBJECT_LIST && op->verb != SW_OBJECT_SETTING;
    struct sw_error_reply error;
    char next[1024];
    enum sw_reply reply;

    if (response->status == 200 || (response->status == 204 && op->verb == SW_OBJECT_DELETE)) {
        reply = sw_place_take(self, op, response, next, sizeof(next));
        return reply == SW_REPLY_DONE && op->keys == 0 && op->more ? fail_for_strangers(op) : reply;
    }
    sw_reply_read_error(sw_span_of(response->body, response->size), &error);
    reply = sw_place_refuse("GCS", op, response, &error);
    if (response->status == 412 && op->verb == SW_OBJECT_CREATE)
        return SW_REPLY_EXISTS;
    if (response->status == 409 && op->verb == SW_OBJECT_CREATE)
        return SW_REPLY_AGAIN;
    if (response->status == 404 && of_object && strcmp(error.code, "NoSuchBucket") != 0) {
        if (op->verb == SW_OBJECT_GET)
            return SW_REPLY_ABSENT;
        if (op->verb == SW_OBJECT_DELETE)
            return SW_REPLY_DONE;
    }
    return reply;
}

/* An emulator on this machine asks for nothing, and has nothing to ask. */
static bool is_anonymous(const char *endpoint)
{
    return sw_place_is_loopback(endpoint) &&
           sw_credentials_env("GOOGLE_APPLICATION_CREDENTIALS") == NULL &&
           sw_credentials_env("GCE_METADATA_HOST") == NULL;
}

enum sw_code sw_gcs_open(const struct sw_store_options *options, struct sw_http *http,
                         struct sw_dialect *ret, struct sw_err *err)
{
    const char *endpoint = options->endpoint != NULL ? options->endpoint : ENDPOINT;
    const struct sw_credentials_options how = {.http = http, .clock = options->clock};
    const char *rest = options->url + strlen("gs://");
    struct sw_credentials *credentials = NULL;
    char bucket[SW_PLACE_NAME_SIZE];
    const char *const names[] = {bucket};
    struct sw_place *place = calloc(1, sizeof(*place));
    enum sw_code rc;

    if (place == NULL)
        return sw_fail(err, SW_NO_MEMORY, "no memory for a store");
    rc = sw_place_take_name(&rest, "a bucket, gs://BUCKET/PREFIX", bucket, err);
    if (rc == SW_OK)
        rc = sw_place_set_base(place, endpoint, names, 1, err);
    if (rc == SW_OK)
        rc = sw_place_set_prefix(place, rest, err);
    if (rc == SW_OK && !is_anonymous(endpoint))
        rc = sw_credentials_google(&how, &credentials, err);
    if (rc != SW_OK) {
        free(place);
        return rc;
    }
    *ret = (struct sw_dialect){
        .name = "GCS",
        .prepare = prepare,
        .interpret = interpret,
        .free = free,
        .self = place,
        .credentials = credentials,
    };
    return SW_OK;
}
