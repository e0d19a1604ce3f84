/* SPDX-License-Identifier: Apache-2.0
 *
 * The only file that knows libcurl. One multi handle keeps the connections; an easy handle
 * serves one exchange after the other and brings its TLS session along.
 *
 * libcurl sends a request again by itself, with its body, when a kept-alive connection
 * turns out to be closed before any byte of an answer. It cannot be told not to. So even one
 * exchange may reach the server twice: an answer "exists" may be the echo of it.
 */
#include <assert.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <threads.h>
#include <unistd.h>

#include "storage/object/http.h"

/* libcurl brings forty libraries along, five megabytes that a sidecar without a store in some
 * cloud shall not carry: it is loaded when the first is opened. */
#define LIBRARY_CALLS(CALL)                                                                        \
    CALL(easy_cleanup)                                                                             \
    CALL(easy_getinfo)                                                                             \
    CALL(easy_init)                                                                                \
    CALL(easy_reset)                                                                               \
    CALL(easy_setopt)                                                                              \
    CALL(easy_strerror)                                                                            \
    CALL(global_init)                                                                              \
    CALL(multi_add_handle)                                                                         \
    CALL(multi_cleanup)                                                                            \
    CALL(multi_info_read)                                                                          \
    CALL(multi_init)                                                                               \
    CALL(multi_perform)                                                                            \
    CALL(multi_poll)                                                                               \
    CALL(multi_remove_handle)                                                                      \
    CALL(multi_setopt)                                                                             \
    CALL(slist_append)                                                                             \
    CALL(slist_free_all)

static struct {
    const char *missing; /* why it cannot be used; NULL: it can */
#define CALL(name) __typeof__(curl_##name) *name;
    LIBRARY_CALLS(CALL)
#undef CALL
} curl;

static void load_library(void)
{
    void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

    if (handle == NULL) {
        curl.missing = "libcurl.so.4 is not here";
        return;
    }
#define CALL(name) *(void **)&curl.name = dlsym(handle, "curl_" #name);
    LIBRARY_CALLS(CALL)
#undef CALL
#define CALL(name) &&curl.name != NULL
    if (!(true LIBRARY_CALLS(CALL)))
        curl.missing = "an unknown libcurl";
#undef CALL
    else if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        curl.missing = "libcurl does not start";
}

enum {
    CONNECT_TIMEOUT_MS = 3000,
    KEEPALIVE_S = 15,
    CONNECTIONS_MAX = 32, /* idle ones that are kept */
    IDLE_S_MAX = 50,      /* the stores close theirs after a minute or so */
    EASIES_MAX = 32,
    ERROR_BODY_MAX = 64 << 10, /* of an answer that is not 2xx */
    POLL_MS_MAX = 60000,
    LOOK_MS = 500 /* at what is in flight */
};

struct exchange {
    struct sw_http *http;
    struct sw_http_call *call;
    CURL *easy;
    struct curl_slist *headers;
    size_t capacity; /* of the response's body */
    uint64_t started_us;
    struct sw_http_progress progress;
    bool has_length; /* the response says how it ends */
    bool too_large;
    bool no_memory;
    char error[CURL_ERROR_SIZE];
};

struct sw_http {
    CURLM *multi;
    CURL *easies[EASIES_MAX]; /* idle */
    unsigned easies_count;
    unsigned in_flight;           /* given to multi */
    struct sw_http_call *refused; /* never given to it; linked by ->curl */
    struct exchange **exchanges;  /* those in flight */
    size_t exchanges_capacity;
    const struct sw_clock *clock;
    char *ca_file;
    int cancel_event;
    atomic_bool cancelled;
};

/* ---- what libcurl calls back ----------------------------------------------- */

static size_t write_body(char *data, size_t unit, size_t count, void *self)
{
    struct exchange *exchange = self;
    struct sw_http_response *response = &exchange->call->response;
    size_t size = unit * count;
    bool good = response->status >= 200 && response->status < 300;
    uint64_t bytes_max = good ? exchange->call->request.bytes_max : ERROR_BODY_MAX;

    if (response->size + size > bytes_max) {
        if (!good)
            return size; /* of an error its beginning is enough */
        exchange->too_large = true;
        return 0;
    }
    if (response->size + size + 1 > exchange->capacity) {
        size_t capacity = 2 * exchange->capacity + size + 1;
        uint8_t *grown = realloc(response->body, capacity);

        if (grown == NULL) {
            exchange->no_memory = true;
            return 0;
        }
        response->body = grown;
        exchange->capacity = capacity;
    }
    memcpy(response->body + response->size, data, size);
    response->size += size;
    response->body[response->size] = '\0';
    return size;
}

static size_t read_header(char *line, size_t unit, size_t count, void *self)
{
    struct exchange *exchange = self;

    sw_http_read_header(sw_span_of(line, unit * count), sw_clock_now_ms(exchange->http->clock),
                        &exchange->call->response, &exchange->has_length);
    /* Some servers refuse a body without reading it, keep the connection, and take what is
     * left of the body for the next request. */
    if (exchange->call->response.status >= 400 && exchange->call->request.body.size > 0)
        curl.easy_setopt(exchange->easy, CURLOPT_FORBID_REUSE, 1L);
    return unit * count;
}

/* ---- one exchange ------------------------------------------------------------ */

static CURL *take_easy(struct sw_http *http)
{
    if (http->easies_count == 0)
        return curl.easy_init();
    return http->easies[--http->easies_count];
}

static void give_easy_back(struct sw_http *http, CURL *easy)
{
    if (http->easies_count == EASIES_MAX) {
        curl.easy_cleanup(easy);
        return;
    }
    curl.easy_reset(easy);
    http->easies[http->easies_count++] = easy;
}

static void free_exchange(struct exchange *exchange)
{
    curl.slist_free_all(exchange->headers);
    if (exchange->easy != NULL)
        give_easy_back(exchange->http, exchange->easy);
    free(exchange);
}

static bool add_line(struct exchange *exchange, const char *line)
{
    struct curl_slist *longer = curl.slist_append(exchange->headers, line);

    if (longer != NULL)
        exchange->headers = longer;
    return longer != NULL;
}

/* "Name:" takes away what libcurl would add. */
static bool add_headers(struct exchange *exchange)
{
    const struct sw_http_request *request = &exchange->call->request;
    bool has_type = false;

    for (unsigned i = 0; i < request->headers_count; i++) {
        has_type = has_type || strncasecmp(request->headers[i], "Content-Type:", 13) == 0;
        if (!add_line(exchange, request->headers[i]))
            return false;
    }
    return add_line(exchange, "Expect:") && add_line(exchange, "Accept:") &&
           (has_type || add_line(exchange, "Content-Type:"));
}

static void set_method(CURL *easy, const struct sw_http_request *request)
{
    bool has_body = strcmp(request->method, "PUT") == 0 || strcmp(request->method, "POST") == 0;

    if (strcmp(request->method, "HEAD") == 0) {
        curl.easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (has_body) {
        /* Not CURLOPT_UPLOAD: that waits a second for a 100 Continue, and cannot send again. */
        curl.easy_setopt(easy, CURLOPT_POSTFIELDS,
                         request->body.size == 0 ? "" : (const char *)request->body.data);
        curl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
    } else {
        curl.easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    curl.easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_transport(struct sw_http *http, CURL *easy, bool plain)
{
    curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl.easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl.easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl.easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl.easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    curl.easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
    curl.easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_S_MAX);
    curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    /* A redirect would carry the signature to whoever it names. */
    curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl.easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* it is signed as it is */
    curl.easy_setopt(easy, CURLOPT_USERAGENT, "stepwell/" SW_VERSION);
    if (plain) /* a neighbour, or named by the user: not to be asked through a proxy */
        curl.easy_setopt(easy, CURLOPT_PROXY, "");
    if (http->ca_file != NULL)
        curl.easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
}

static bool set_up(struct exchange *exchange)
{
    const struct sw_http_request *request = &exchange->call->request;
    uint64_t now_us = exchange->started_us;
    uint64_t left_ms = request->deadline_us > now_us ? (request->deadline_us - now_us) / 1000 : 0;
    CURL *easy = exchange->easy = take_easy(exchange->http);

    if (easy == NULL || !add_headers(exchange))
        return false;
    if (left_ms == 0)
        left_ms = 1; /* 0 would be no timeout */
    set_method(easy, request);
    set_transport(exchange->http, easy, strncasecmp(request->url, "http://", 7) == 0);
    curl.easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms > INT32_MAX ? INT32_MAX : (long)left_ms);
    curl.easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
    curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_body);
    curl.easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, read_header);
    curl.easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error);
    curl.easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    return curl.easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK;
}

static enum sw_code explain(struct exchange *exchange, CURLcode result)
{
    struct sw_http_call *call = exchange->call;
    const char *why = exchange->error[0] == '\0' ? curl.easy_strerror(result) : exchange->error;
    struct sw_err *err = &call->response.err;
    char host[256];

    sw_http_host(call->request.url, host, sizeof(host));
    if (exchange->too_large)
        return sw_fail(err, SW_CORRUPT, "%s: the answer is longer than %llu bytes", host,
                       (unsigned long long)call->request.bytes_max);
    if (exchange->no_memory || result == CURLE_OUT_OF_MEMORY)
        return sw_fail(err, SW_NO_MEMORY, "%s: no memory for the answer", host);
    if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE)
        return sw_fail(err, SW_STORE_REFUSED, "%s: %s", host, why);
    return sw_fail(err, SW_STORE_UNAVAILABLE, "%s: %s", host, why);
}

/* An answer that ends with the connection may have been cut anywhere. */
static bool is_framed(const struct exchange *exchange)
{
    const struct sw_http_call *call = exchange->call;

    return exchange->has_length || call->response.status == 204 || call->response.status == 304 ||
           strcmp(call->request.method, "HEAD") == 0;
}

static void read_outcome(struct exchange *exchange, CURLcode result)
{
    struct sw_http_response *response = &exchange->call->response;
    long sent = 0;

    response->took_us = sw_clock_monotonic_us(exchange->http->clock) - exchange->started_us;
    if (result == CURLE_OK && !is_framed(exchange)) {
        (void)snprintf(exchange->error, sizeof(exchange->error), "an answer of unknown length");
        result = CURLE_PARTIAL_FILE;
    }
    if (result == CURLE_OK && response->body == NULL) {
        response->body = calloc(1, 1);
        exchange->no_memory = response->body == NULL;
    }
    response->arrived = result == CURLE_OK && !exchange->no_memory;
    if (response->arrived)
        return;
    sw_http_response_fini(response);
    (void)curl.easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &sent);
    response->maybe_sent = sent > 0;
    response->err.code = explain(exchange, result);
}

/* ---- many of them -------------------------------------------------------------- */

static void refuse(struct sw_http *http, struct sw_http_call *call, enum sw_code code)
{
    call->response.err.code = code;
    call->curl = http->refused;
    http->refused = call;
}

static bool has_room(struct sw_http *http)
{
    size_t capacity = 2 * http->exchanges_capacity + 16;
    struct exchange **grown;

    if (http->in_flight < http->exchanges_capacity)
        return true;
    grown = realloc(http->exchanges, capacity * sizeof(struct exchange *));
    if (grown == NULL)
        return false;
    http->exchanges = grown;
    http->exchanges_capacity = capacity;
    return true;
}

void sw_http_start(struct sw_http *http, struct sw_http_call *call)
{
    struct sw_err *err = &call->response.err;
    struct exchange *exchange;
    char host[256];

    call->response = (struct sw_http_response){0};
    call->curl = NULL;
    sw_http_host(call->request.url, host, sizeof(host));
    if (sw_http_cancelled(http)) {
        refuse(http, call, sw_fail(err, SW_CANCELLED, "%s: cancelled", host));
        return;
    }
    if (!call->request.plain_ok && sw_http_is_exposed(call->request.url)) {
        refuse(http, call,
               sw_fail(err, SW_STORE_REFUSED, "%s: not asked in the clear, without TLS", host));
        return;
    }
    exchange = calloc(1, sizeof(*exchange));
    if (exchange != NULL) {
        exchange->http = http;
        exchange->call = call;
        exchange->started_us = sw_clock_monotonic_us(http->clock);
        exchange->progress.at_us = exchange->started_us;
    }
    if (exchange == NULL || !has_room(http) || !set_up(exchange) ||
        curl.multi_add_handle(http->multi, exchange->easy) != CURLM_OK) {
        if (exchange != NULL)
            free_exchange(exchange);
        refuse(http, call, sw_fail(err, SW_NO_MEMORY, "%s: no memory for a request", host));
        return;
    }
    call->curl = exchange;
    http->exchanges[http->in_flight++] = exchange;
}

static void finish(struct sw_http *http, struct exchange *exchange)
{
    struct sw_http_call *call = exchange->call;
    unsigned i = 0;

    while (http->exchanges[i] != exchange)
        i++;
    http->exchanges[i] = http->exchanges[--http->in_flight];
    (void)curl.multi_remove_handle(http->multi, exchange->easy);
    free_exchange(exchange);
    call->curl = NULL;
    if (call->done != NULL)
        call->done(call);
}

static bool finish_refused(struct sw_http *http)
{
    bool any = false;

    while (http->refused != NULL) {
        struct sw_http_call *call = http->refused;

        http->refused = call->curl;
        call->curl = NULL;
        any = true;
        if (call->done != NULL)
            call->done(call);
    }
    return any;
}

static bool finish_arrived(struct sw_http *http)
{
    bool any = false;
    CURLMsg *message;
    int left;

    while ((message = curl.multi_info_read(http->multi, &left)) != NULL) {
        CURLcode result = message->data.result;
        struct exchange *exchange = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
        read_outcome(exchange, result);
        finish(http, exchange);
        any = true;
    }
    return any;
}

static bool finish_cancelled(struct sw_http *http)
{
    bool any = http->in_flight > 0;

    while (http->in_flight > 0) {
        struct exchange *exchange = http->exchanges[0];
        struct sw_http_response *response = &exchange->call->response;

        sw_http_response_fini(response);
        response->maybe_sent = true;
        response->err.code = sw_fail(&response->err, SW_CANCELLED, "cancelled");
        finish(http, exchange);
    }
    return any;
}

static uint64_t bytes_moved(const struct exchange *exchange)
{
    curl_off_t up = 0;
    curl_off_t down = 0;
    long asked = 0;
    long headers = 0;

    (void)curl.easy_getinfo(exchange->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    (void)curl.easy_getinfo(exchange->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    (void)curl.easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &asked);
    (void)curl.easy_getinfo(exchange->easy, CURLINFO_HEADER_SIZE, &headers);
    return (uint64_t)up + (uint64_t)down + (uint64_t)asked + (uint64_t)headers;
}

static bool finish_silent(struct sw_http *http)
{
    uint64_t now_us = sw_clock_monotonic_us(http->clock);
    bool any = false;

    for (unsigned i = http->in_flight; i-- > 0;) {
        struct exchange *exchange = http->exchanges[i];

        if (!sw_http_is_silent(&exchange->progress, bytes_moved(exchange),
                               exchange->call->request.body.size, now_us))
            continue;
        (void)snprintf(exchange->error, sizeof(exchange->error), "silent for %llu ms",
                       (unsigned long long)((now_us - exchange->progress.at_us) / 1000));
        read_outcome(exchange, CURLE_OPERATION_TIMEDOUT);
        finish(http, exchange);
        any = true;
    }
    return any;
}

/* Sleeps until something happens or is to be looked at, or until_us. False: it is until_us. */
static bool sleep_until(struct sw_http *http, uint64_t until_us)
{
    struct curl_waitfd cancel = {.fd = http->cancel_event, .events = CURL_WAIT_POLLIN};
    uint64_t now_us = sw_clock_monotonic_us(http->clock);
    uint64_t left_ms = until_us > now_us ? (until_us - now_us + 999) / 1000 : 0;
    int ms_max = http->in_flight > 0 ? LOOK_MS : POLL_MS_MAX;

    if (left_ms == 0)
        return false;
    (void)curl.multi_poll(http->multi, &cancel, 1,
                          left_ms > (uint64_t)ms_max ? ms_max : (int)left_ms, NULL);
    return true;
}

bool sw_http_wait(struct sw_http *http, uint64_t until_us)
{
    int running;

    for (;;) {
        if (finish_refused(http))
            return true;
        if (http->in_flight == 0)
            return false;
        (void)curl.multi_perform(http->multi, &running);
        if (finish_arrived(http) || finish_silent(http))
            return true;
        if (sw_http_cancelled(http))
            return finish_cancelled(http);
        if (!sleep_until(http, until_us))
            return true;
    }
}

void sw_http_pause(struct sw_http *http, uint64_t until_us)
{
    while (!sw_http_cancelled(http) && sleep_until(http, until_us))
        ;
}

void sw_http_perform(struct sw_http *http, struct sw_http_call *call)
{
    uint64_t patience_us = call->request.deadline_us + UINT64_C(1000000);

    sw_http_start(http, call);
    while (call->curl != NULL || http->refused == call)
        (void)sw_http_wait(http, patience_us);
}

/* ---- life ---------------------------------------------------------------------- */

enum sw_code sw_http_new(const char *ca_file, const struct sw_clock *clock, struct sw_http **ret,
                         struct sw_err *err)
{
    static once_flag once = ONCE_FLAG_INIT;
    struct sw_http *http;

    call_once(&once, load_library);
    if (curl.missing != NULL)
        return sw_fail(err, SW_CONFIGURATION, "object stores in a cloud: %s", curl.missing);
    if (ca_file != NULL && access(ca_file, R_OK) != 0)
        return sw_fail(err, SW_CONFIGURATION, "the CA file %s: %s", ca_file, strerror(errno));
    http = calloc(1, sizeof(*http));
    if (http == NULL)
        return sw_fail(err, SW_NO_MEMORY, "no memory for HTTP");
    http->clock = clock;
    http->cancel_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    http->multi = curl.multi_init();
    http->ca_file = ca_file == NULL ? NULL : strdup(ca_file);
    if (http->cancel_event < 0 || http->multi == NULL ||
        (ca_file != NULL && http->ca_file == NULL)) {
        sw_http_free(http);
        return sw_fail(err, SW_NO_MEMORY, "no memory for HTTP");
    }
    (void)curl.multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
    *ret = http;
    return SW_OK;
}

void sw_http_free(struct sw_http *http)
{
    if (http == NULL)
        return;
    assert(http->in_flight == 0 && http->refused == NULL);
    while (http->easies_count > 0)
        curl.easy_cleanup(http->easies[--http->easies_count]);
    if (http->multi != NULL)
        (void)curl.multi_cleanup(http->multi);
    if (http->cancel_event >= 0)
        (void)close(http->cancel_event);
    free(http->exchanges);
    free(http->ca_file);
    free(http);
}

/* Only what a signal handler may do. */
void sw_http_cancel(struct sw_http *http)
{
    const uint64_t one = 1;

    atomic_store(&http->cancelled, true);
    if (write(http->cancel_event, &one, sizeof(one)) < 0)
        return; /* it is full: awake already */
}

bool sw_http_cancelled(const struct sw_http *http)
{
    return atomic_load(&http->cancelled);
}
