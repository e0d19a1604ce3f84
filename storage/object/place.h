/* SPDX-License-Identifier: Apache-2.0
 *
 * place - where in Google's or Azure's cloud a store's objects lie, and what their answers mean
 * alike.
 *
 * Owns:    nothing.
 * Threads: any.
 * Fails:   CONFIGURATION for a URL or endpoint that names no place.
 */
#ifndef SW_PLACE_H
#define SW_PLACE_H

#include "storage/object/form.h"
#include "storage/object/object.intern.h"

enum { SW_PLACE_NAME_SIZE = 256 };

struct sw_place {
    char base[SW_HTTP_URL_MAX];    /* URL of the bucket, without '/' behind it */
    char prefix[SW_STORE_URL_MAX]; /* of keys, below base: "" or with '/' behind it */
};

/* Cuts the name before the next '/' off *rest: letters of keys, at least one, not "." or "..".
 * what: "the bucket". */
SW_MUST_CHECK enum sw_code sw_place_take_name(const char **rest, const char *what,
                                              char ret[SW_PLACE_NAME_SIZE], struct sw_err *err);
/* rest: what is left of the URL; slashes around it do not count. */
SW_MUST_CHECK enum sw_code sw_place_set_prefix(struct sw_place *place, const char *rest,
                                               struct sw_err *err);
/* base = ENDPOINT, then "/NAME" of each name; the endpoint must be http:// or https://. */
SW_MUST_CHECK enum sw_code sw_place_set_base(struct sw_place *place, const char *endpoint,
                                             const char *const *names, size_t names_count,
                                             struct sw_err *err);
/* Whether a URL's host is this machine. */
bool sw_place_is_loopback(const char *url);
/* The path of a URL, from its '/'; "" when it has none. */
const char *sw_place_path(const char *url);

/* BASE/PREFIXkey into request->url, and the method that all stores have for the verb. */
SW_MUST_CHECK enum sw_code sw_place_object(const struct sw_place *place,
                                           const struct sw_object_op *op,
                                           struct sw_http_request *request, struct sw_err *err);
/* BASE?QUERY of a LIST. */
SW_MUST_CHECK enum sw_code sw_place_query(const struct sw_place *place, const struct sw_form *query,
                                          struct sw_http_request *request, struct sw_err *err);
/* BASE?KEY of a SETTING. */
SW_MUST_CHECK enum sw_code sw_place_setting(const struct sw_place *place,
                                            const struct sw_object_op *op,
                                            struct sw_http_request *request, struct sw_err *err);
/* "Authorization: Bearer TOKEN" */
SW_MUST_CHECK enum sw_code sw_place_add_bearer(struct sw_http_request *request, const char *token,
                                               struct sw_err *err);

/* Takes what an answer of 200 to 299 brings; ret_next as sw_reply_read_list, unchanged but for
 * LIST. */
enum sw_reply sw_place_take(const struct sw_place *place, struct sw_object_op *op,
                            struct sw_http_response *response, char *ret_next, size_t next_size);
/* Sets op->err for any other answer, and says what the status alone means. store: "GCS". */
enum sw_reply sw_place_refuse(const char *store, struct sw_object_op *op,
                              const struct sw_http_response *response,
                              const struct sw_error_reply *error);

#endif
