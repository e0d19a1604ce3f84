/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/object/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "storage/object/credentials.h"

/* ---- URLs ---------------------------------------------------------------- */

static bool is_dots(const char *name, size_t size)
{
    return size <= 2 && strncmp(name, "..", size) == 0; /* "" too */
}

enum sw_code sw_place_take_name(const char **rest, const char *what, char ret[SW_PLACE_NAME_SIZE],
                                struct sw_err *err)
{
    size_t size = strcspn(*rest, "/");

    if (is_dots(*rest, size) || size >= SW_PLACE_NAME_SIZE || strspn(*rest, SW_KEY_LETTERS) < size)
        return sw_fail(err, SW_CONFIGURATION, "the object store's URL does not name %s", what);
    memcpy(ret, *rest, size);
    ret[size] = '\0';
    *rest += size + strspn(*rest + size, "/");
    return SW_OK;
}

enum sw_code sw_place_set_prefix(struct sw_place *place, const char *rest, struct sw_err *err)
{
    size_t size = 0;

    while (*rest != '\0') {
        char name[SW_PLACE_NAME_SIZE];
        int added;

        if (sw_place_take_name(&rest, "a prefix", name, err) != SW_OK)
            return sw_fail(err, SW_CONFIGURATION,
                           "the prefix in the object store's URL has parts that no key may have");
        added = snprintf(place->prefix + size, sizeof(place->prefix) - size, "%s/", name);
        if (added < 0 || (size_t)added >= sizeof(place->prefix) - size)
            return sw_fail(err, SW_CONFIGURATION,
                           "the prefix in the object store's URL is too long");
        size += (size_t)added;
    }
    place->prefix[size] = '\0';
    return SW_OK;
}

enum sw_code sw_place_set_base(struct sw_place *place, const char *endpoint,
                               const char *const *names, size_t names_count, struct sw_err *err)
{
    size_t size = strlen(endpoint);

    if ((strncasecmp(endpoint, "https://", 8) != 0 && strncasecmp(endpoint, "http://", 7) != 0) ||
        strpbrk(endpoint, "@?# ") != NULL)
        return sw_fail(err, SW_CONFIGURATION,
                       "the object store's endpoint must be https://HOST or http://HOST");
    while (size > 0 && endpoint[size - 1] == '/')
        size--;
    if (size >= sizeof(place->base))
        return sw_fail(err, SW_CONFIGURATION, "the object store's endpoint is too long");
    memcpy(place->base, endpoint, size);
    for (size_t i = 0; i < names_count; i++) {
        int added = snprintf(place->base + size, sizeof(place->base) - size, "/%s", names[i]);

        if (added < 0 || (size_t)added >= sizeof(place->base) - size)
            return sw_fail(err, SW_CONFIGURATION, "the object store's endpoint is too long");
        size += (size_t)added;
    }
    place->base[size] = '\0';
    return SW_OK;
}

/* host[:port] of a URL; its end is the next of "/?#" or the text's. */
static const char *host_of(const char *url)
{
    const char *scheme = strstr(url, "://");

    return scheme != NULL ? scheme + 3 : url;
}

bool sw_place_is_loopback(const char *url)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
    const char *host = host_of(url);

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        size_t size = strlen(hosts[i]);

        if (strncasecmp(host, hosts[i], size) == 0 && strchr(":/?#", host[size]) != NULL)
            return true; /* strchr finds the NUL at the end, too */
    }
    return false;
}

const char *sw_place_path(const char *url)
{
    const char *host = host_of(url);

    return host + strcspn(host, "/?#");
}

/* ---- requests ------------------------------------------------------------ */

static enum sw_code fits(int length, struct sw_err *err)
{
    if (length < 0 || length >= SW_HTTP_URL_MAX)
        return sw_fail(err, SW_CONFIGURATION, "the object's URL is longer than %d bytes",
                       SW_HTTP_URL_MAX - 1);
    return SW_OK;
}

enum sw_code sw_place_object(const struct sw_place *place, const struct sw_object_op *op,
                             struct sw_http_request *request, struct sw_err *err)
{
    request->method = op->verb == SW_OBJECT_CREATE   ? "PUT"
                      : op->verb == SW_OBJECT_DELETE ? "DELETE"
                                                     : "GET";
    if (op->verb == SW_OBJECT_CREATE)
        request->body = op->body;
    return fits(snprintf(request->url, sizeof(request->url), "%s/%s%s", place->base, place->prefix,
                         op->key),
                err);
}

enum sw_code sw_place_query(const struct sw_place *place, const struct sw_form *query,
                            struct sw_http_request *request, struct sw_err *err)
{
    if (query->failed)
        return sw_fail(err, SW_NO_MEMORY, "no memory for a request");
    request->method = "GET";
    return fits(snprintf(request->url, sizeof(request->url), "%s?%.*s", place->base,
                         (int)query->size, query->text),
                err);
}

enum sw_code sw_place_setting(const struct sw_place *place, const struct sw_object_op *op,
                              struct sw_http_request *request, struct sw_err *err)
{
    request->method = "GET";
    return fits(snprintf(request->url, sizeof(request->url), "%s?%s", place->base, op->key), err);
}

enum sw_code sw_place_add_bearer(struct sw_http_request *request, const char *token,
                                 struct sw_err *err)
{
    char value[SW_TOKEN_SIZE + 8];
    bool added;

    (void)snprintf(value, sizeof(value), "Bearer %s", token);
    added = sw_http_add_header(request, "Authorization", value);
    explicit_bzero(value, sizeof(value));
    return added ? SW_OK : sw_fail(err, SW_CONFIGURATION, "the token cannot be sent as a header");
}

/* ---- answers ------------------------------------------------------------- */

enum sw_reply sw_place_take(const struct sw_place *place, struct sw_object_op *op,
                            struct sw_http_response *response, char *ret_next, size_t next_size)
{
    struct sw_span body = sw_span_of(response->body, response->size);

    if (op->verb == SW_OBJECT_LIST)
        return sw_reply_read_list(body, place->prefix, op, ret_next, next_size, &op->err) == SW_OK
                   ? SW_REPLY_DONE
                   : SW_REPLY_FAILED;
    if (op->verb == SW_OBJECT_SETTING)
        return sw_reply_take_setting(body, place->prefix, op);
    if (op->verb == SW_OBJECT_GET) {
        op->data = response->body;
        op->size = response->size;
        response->body = NULL;
        response->size = 0;
    }
    return SW_REPLY_DONE;
}

enum sw_reply sw_place_refuse(const char *store, struct sw_object_op *op,
                              const struct sw_http_response *response,
                              const struct sw_error_reply *error)
{
    unsigned status = response->status;
    bool again = status == 408 || status == 429 || (status >= 500 && status != 501);
    enum sw_code code = again ? SW_STORE_UNAVAILABLE : SW_STORE_REFUSED;

    code = sw_fail(&op->err, code, "%s answers %u%s%s%s%s", store, status,
                   error->code[0] != '\0' ? " " : "", error->code,
                   error->message[0] != '\0' ? ": " : "", error->message);
    if (code == SW_STORE_UNAVAILABLE)
        return SW_REPLY_AGAIN;
    return status == 401 || status == 403 ? SW_REPLY_REFUSED : SW_REPLY_FAILED;
}
