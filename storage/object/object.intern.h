/* SPDX-License-Identifier: Apache-2.0
 *
 * object.intern - what a driver is, for the files of this folder.
 *
 *   store.c   sw_store_open: URL -> driver; probe; counts
 *   dir.c dir_list.c      a driver of its own: system calls
 *   http.c    requests in parallel on one curl multi handle; no retries, no meaning
 *   http_text.c            what of it needs no libcurl
 *   cloud.c   the driver of all HTTP stores: op -> dialect -> request -> http.c ->
 *             response -> dialect -> result, or wait and try again
 *   s3.c gcs.c azure.c    the dialects
 *   sigv4.c               signs a request, a pure function of its inputs
 *   reply.c               reads XML replies (errors, lists); fuzzed
 *   credentials.h, credentials_aws.c credentials_google.c credentials_azure.c
 */
#ifndef SW_OBJECT_INTERN_H
#define SW_OBJECT_INTERN_H

#include <assert.h>

#include "storage/object/object.h"

/* ---- http.c -------------------------------------------------------------- */

enum { SW_HTTP_HEADERS_MAX = 24, SW_HTTP_LINE_MAX = 4096, SW_HTTP_URL_MAX = 2048 };

struct sw_http_request {
    const char *method; /* static: "GET", "PUT", ... */
    char url[SW_HTTP_URL_MAX];
    char *headers[SW_HTTP_HEADERS_MAX]; /* "Name: value", malloc'd; freed by fini */
    unsigned headers_count;
    struct sw_span body;  /* sent as it is, with its length; none for GET and DELETE */
    uint64_t bytes_max;   /* of the response's body */
    uint64_t deadline_us; /* monotonic: the request has ended by then */
    bool plain_ok;        /* http:// is allowed to hosts other than loopback */
};

struct sw_http_response {
    bool arrived;      /* whole, with a status; else err: connection, timeout, cut off, too large */
    struct sw_err err; /* STORE_UNAVAILABLE, CANCELLED, CORRUPT (too large), NO_MEMORY */
    bool maybe_sent;   /* not arrived: the server may have acted on it all the same */
    unsigned status;
    uint8_t *body; /* malloc'd, NUL behind it; freed by fini */
    size_t size;
    uint64_t date_ms;               /* the Date header; 0: none */
    uint64_t retry_after_ms;        /* 0: none */
    char location[SW_HTTP_URL_MAX]; /* "" : none */
    char region[64];                /* x-amz-bucket-region; "" : none */
    char etag[256];                 /* IMDSv2 and others do not need it; "" : none */
    uint64_t took_us;
};

struct sw_http; /* a curl multi handle, its idle connections, a cancel event */

SW_MUST_CHECK enum sw_code sw_http_new(const char *ca_file, const struct sw_clock *clock,
                                       struct sw_http **ret, struct sw_err *err);
void sw_http_free(struct sw_http *http);   /* NULL is fine */
void sw_http_cancel(struct sw_http *http); /* any thread; for good */
bool sw_http_cancelled(const struct sw_http *http);

/* Adds "name: value" to the request; false: no room, no memory, or a line break in it. */
bool sw_http_add_header(struct sw_http_request *request, const char *name, const char *value);
void sw_http_request_fini(struct sw_http_request *request);
void sw_http_response_fini(struct sw_http_response *response);

/* One exchange in flight, owned by the caller until done. */
struct sw_http_call {
    struct sw_http_request request;
    struct sw_http_response response;
    void (*done)(struct sw_http_call *call); /* may start other calls */
    void *self;
    void *curl; /* http.c's */
};
void sw_http_start(struct sw_http *http, struct sw_http_call *call);
/* Lets calls proceed until one is done, or until_us (monotonic), or cancel; false: none is in
 * flight. */
bool sw_http_wait(struct sw_http *http, uint64_t until_us);
/* Waits, calls proceed or not, until until_us or cancel. */
void sw_http_pause(struct sw_http *http, uint64_t until_us);
/* One exchange, waited for. */
void sw_http_perform(struct sw_http *http, struct sw_http_call *call);

/* ---- credentials --------------------------------------------------------- */

/* What a request is signed or authorised with, good until expires_ms. */
struct sw_secret {
    char access_key[256]; /* AWS; Azure: SW_AZURE_SAS or _KEY, else "" */
    char secret_key[256]; /* AWS; Azure: the account's key, in base64 */
    char *token;          /* AWS session token, or a bearer token, or a SAS query; malloc'd */
    uint64_t expires_ms;  /* 0: never */
    bool is_last;         /* no other follows it: it was given, and is not fetched */
};

#define SW_AZURE_SAS "sas"
#define SW_AZURE_KEY "key"

/* A chain of sources, tried in order; a source that has nothing passes on. Looks again
 * when 80 % of the life is over, and re-reads token files each time. */
struct sw_credentials;

struct sw_credentials_options {
    struct sw_http *http;
    const struct sw_clock *clock;
    const char *region; /* AWS: of STS; may be NULL */
};
SW_MUST_CHECK enum sw_code sw_credentials_aws(const struct sw_credentials_options *options,
                                              struct sw_credentials **ret, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_credentials_google(const struct sw_credentials_options *options,
                                                 struct sw_credentials **ret, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_credentials_azure(const struct sw_credentials_options *options,
                                                struct sw_credentials **ret, struct sw_err *err);
void sw_credentials_free(struct sw_credentials *credentials); /* NULL is fine */
/* The current secret, valid until the next call. `refused`: the last one was refused (401, 403,
 * ExpiredToken): get another now, at most once a second. STORE_UNAVAILABLE when a source that
 * should have one does not answer, STORE_REFUSED when there is none; messages name sources, never
 * secrets. Blocks for at most until deadline_us. */
SW_MUST_CHECK enum sw_code sw_credentials_get(struct sw_credentials *credentials, bool refused,
                                              uint64_t deadline_us, const struct sw_secret **ret,
                                              struct sw_err *err);
/* Which source the current secret is from, for messages: "environment". */
const char *sw_credentials_source(const struct sw_credentials *credentials);
/* When the current secret ends and no other follows, wall clock; 0: not known, or never. */
uint64_t sw_credentials_end_ms(const struct sw_credentials *credentials);

/* ---- dialects ------------------------------------------------------------ */

enum sw_reply { /* what a response means to the op */
                SW_REPLY_DONE,
                SW_REPLY_EXISTS,
                SW_REPLY_ABSENT,
                SW_REPLY_NEXT,    /* LIST: nothing on this page; prepare knows the next one */
                SW_REPLY_AGAIN,   /* after retry_after_ms or the back-off */
                SW_REPLY_REFUSED, /* credentials: another secret once, then failed */
                SW_REPLY_SKEWED,  /* our clock is off: sign by the store's (response->date_ms) and
                                     try again */
                SW_REPLY_FAILED   /* op->err is set */
};

/* Of one store, made by the dialect's open; fixed but for what its functions write. */
struct sw_dialect {
    const char *name; /* "S3" */
    /* Writes method, URL, body, headers and, from secret and now_ms, the signature. */
    enum sw_code (*prepare)(void *self, const struct sw_object_op *op,
                            const struct sw_secret *secret, uint64_t now_ms,
                            struct sw_http_request *request, struct sw_err *err);
    /* Reads an arrived response; sets op->data (taking response->body), keys, err. */
    enum sw_reply (*interpret)(void *self, struct sw_object_op *op,
                               struct sw_http_response *response);
    void (*free)(void *self);
    void *self;
    struct sw_credentials *credentials; /* freed by cloud.c; NULL: anonymous */
};

/* Each parses the URL's part behind the scheme. */
SW_MUST_CHECK enum sw_code sw_s3_open(const struct sw_store_options *options, struct sw_http *http,
                                      struct sw_dialect *ret, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_gcs_open(const struct sw_store_options *options, struct sw_http *http,
                                       struct sw_dialect *ret, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_azure_open(const struct sw_store_options *options,
                                         struct sw_http *http, struct sw_dialect *ret,
                                         struct sw_err *err);

/* ---- reply.c: XML replies of all three (expat) ------------------------------ */

struct sw_error_reply {
    char code[64];     /* <Code> */
    char message[256]; /* <Message>, printable part */
    char region[64];   /* <Region>: where the bucket is */
};
/* What cannot be read leaves its field "". */
void sw_reply_read_error(struct sw_span xml, struct sw_error_reply *ret);

/* One text to pick out of a reply: what stands in <name>, or "" when nothing does. */
struct sw_reply_field {
    const char *name;
    char *ret;
    size_t size; /* of ret, with the NUL; longer texts are cut */
    bool cut;
};
/* Fills the fields from the elements directly in an element `parent`; the first of a name wins.
 * False when the reply is not XML to its end: what stood before is filled in all the same. */
bool sw_reply_read_fields(struct sw_span xml, const char *parent, struct sw_reply_field *fields,
                          size_t count);

/* A page of keys, of S3 and GCS (<Contents><Key>) or Azure (<Blob><Name>), cut off behind prefix,
 * into op->data, keys and more. Left out: keys no op could name, keys that do not begin with
 * op->key or do not lie behind op->after, whatever exceeds op->keys_max. ret_next: where the store
 * goes on, "" when it does not say or keys were left out at the end. Fails with CORRUPT, also when
 * keys are out of order, and NO_MEMORY. */
SW_MUST_CHECK enum sw_code sw_reply_read_list(struct sw_span xml, const char *prefix,
                                              struct sw_object_op *op, char *ret_next,
                                              size_t next_size, struct sw_err *err);

/* What a bucket's lifecycle configuration, of S3 or GCS, does to current objects whose names begin
 * with prefix: a sentence for each rule that is enabled and deletes or moves them, into op->data
 * and keys. A rule whose condition cannot be judged from here counts. Fails with CORRUPT and
 * NO_MEMORY. */
SW_MUST_CHECK enum sw_code sw_reply_read_lifecycle(struct sw_span xml, const char *prefix,
                                                   struct sw_object_op *op, struct sw_err *err);
/* The same of a bucket's versioning. */
SW_MUST_CHECK enum sw_code sw_reply_read_versioning(struct sw_span xml, struct sw_object_op *op,
                                                    struct sw_err *err);
/* Either, by op->key. */
enum sw_reply sw_reply_take_setting(struct sw_span xml, const char *prefix,
                                    struct sw_object_op *op);

/* ---- drivers --------------------------------------------------------------- */

/* For `op->result = sw_object_failed(sw_fail(&op->err, ...))`. */
static inline enum sw_object_result sw_object_failed(enum sw_code code)
{
    assert(code != SW_OK);
    return SW_OBJECT_FAILED;
}

/* What a key is made of. Other names in a store are not ours; LIST may show them. */
#define SW_KEY_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/"

struct sw_driver {
    /* Ops that have a result already are left alone: they were refused. */
    void (*perform)(void *self, struct sw_object_op *ops, size_t count, unsigned parallel,
                    struct sw_store_counts *counts);
    void (*cancel)(void *self);
    void (*free)(void *self);
    const char *(*credentials)(void *self); /* where they come from; NULL: none are needed */
    uint64_t (*access_end_ms)(void *self);  /* NULL likewise */
    unsigned features;
    void *self;
};
SW_MUST_CHECK enum sw_code sw_dir_open(const struct sw_store_options *options,
                                       struct sw_driver *ret, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_cloud_open(const struct sw_store_options *options,
                                         struct sw_driver *ret, struct sw_err *err);

#endif
