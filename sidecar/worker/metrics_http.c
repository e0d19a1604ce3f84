/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/worker/metrics_http.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sidecar/metrics.h"
#include "sidecar/parse.h"

enum {
    CONNECTIONS_MAX = 16,
    CONNECTION_BYTES = 16 * 1024, /* request line and headers */
    CONNECTION_SECONDS = 15       /* a silent peer is dropped after this */
};

/* GNU libmicrohttpd comes with a TLS library of its own, over two megabytes that a sidecar
 * without this port shall not carry: it is loaded when the port is asked for. */
#define LIBRARY_CALLS(CALL)                                                                        \
    CALL(add_response_header)                                                                      \
    CALL(create_response_from_buffer_with_free_callback)                                           \
    CALL(destroy_response)                                                                         \
    CALL(get_daemon_info)                                                                          \
    CALL(queue_response)                                                                           \
    CALL(start_daemon)                                                                             \
    CALL(stop_daemon)

static struct {
#define CALL(name) __typeof__(MHD_##name) *name;
    LIBRARY_CALLS(CALL)
#undef CALL
} library;

struct sw_metrics_http {
    struct MHD_Daemon *daemon;
};

static enum sw_code load_library(struct sw_err *err)
{
    void *handle = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);

    if (handle == NULL)
        return sw_fail(err, SW_CONFIGURATION, "metrics: %s", dlerror());
#define CALL(name) *(void **)&library.name = dlsym(handle, "MHD_" #name);
    LIBRARY_CALLS(CALL)
#undef CALL
#define CALL(name) &&library.name != NULL
    if (!(true LIBRARY_CALLS(CALL)))
        return sw_fail(err, SW_CONFIGURATION, "metrics: an unknown libmicrohttpd");
#undef CALL
    return SW_OK;
}

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status,
                               const char *content_type, struct MHD_Response *response)
{
    enum MHD_Result result;

    if (response == NULL)
        return MHD_NO; /* no memory: the connection is closed */
    if (library.add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type) ==
            MHD_YES &&
        library.add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES)
        result = library.queue_response(connection, status, response);
    else
        result = MHD_NO;
    library.destroy_response(response);
    return result;
}

static enum MHD_Result respond_text(struct MHD_Connection *connection, unsigned status,
                                    const char *text)
{
    return respond(
        connection, status, "text/plain; charset=utf-8",
        library.create_response_from_buffer_with_free_callback(strlen(text), strdup(text), free));
}

static enum MHD_Result respond_metrics(struct MHD_Connection *connection)
{
    size_t size = 0;
    char *text = sw_metrics_text(&size);

    if (text == NULL)
        return MHD_NO;
    return respond(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
                   library.create_response_from_buffer_with_free_callback(size, text, free));
}

static enum MHD_Result respond_ready(struct MHD_Connection *connection)
{
    switch (sw_health_get()) {
    case SW_HEALTH_STARTING:
        return respond_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "starting\n");
    case SW_HEALTH_SERVING:
        return respond_text(connection, MHD_HTTP_OK, "serving\n");
    case SW_HEALTH_DRAINING:
        return respond_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "draining\n");
    }
    abort();
}

static enum MHD_Result on_request(void *self, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    (void)self;
    (void)version;
    (void)upload;
    (void)upload_size;
    if (*state == NULL) { /* only the headers are here; answering now would cost the connection */
        *state = connection;
        return MHD_YES;
    }
    if (*upload_size != 0) { /* a body: nobody wants it */
        *upload_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return respond_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    if (strcmp(url, "/metrics") == 0)
        return respond_metrics(connection);
    if (strcmp(url, "/healthz") == 0)
        return respond_text(connection, MHD_HTTP_OK, "alive\n");
    if (strcmp(url, "/readyz") == 0)
        return respond_ready(connection);
    return respond_text(connection, MHD_HTTP_NOT_FOUND, "try /metrics, /healthz or /readyz\n");
}

/* Resolves the address into a list that the caller frees. */
static enum sw_code resolve(const char *address, struct addrinfo **ret_list, struct sw_err *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct sw_host_port split;
    enum sw_code rc;
    int failed;

    rc = sw_parse_host_port(address, "127.0.0.1", &split, err);
    if (rc != SW_OK)
        return rc;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    failed = getaddrinfo(split.host, split.port_text, &hints, ret_list);
    if (failed != 0)
        return sw_fail(err, SW_CONFIGURATION, "%s: %s", address, gai_strerror(failed));
    return SW_OK;
}

static struct MHD_Daemon *listen_at(const struct addrinfo *at)
{
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_ITC;

    if (at->ai_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    return library.start_daemon(flags, 0, NULL, NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR,
                                at->ai_addr, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                                MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
                                MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_SECONDS,
                                MHD_OPTION_END);
}

enum sw_code sw_metrics_http_start(const char *address, struct sw_metrics_http **ret_server,
                                   struct sw_err *err)
{
    struct sw_metrics_http *server;
    struct addrinfo *list = NULL;
    enum sw_code rc = load_library(err);

    if (rc != SW_OK)
        return rc;
    rc = resolve(address, &list, err);
    if (rc != SW_OK)
        return sw_wrap(err, "metrics");
    server = calloc(1, sizeof(*server));
    if (server == NULL) {
        rc = sw_fail(err, SW_NO_MEMORY, "metrics: out of memory");
        goto out;
    }
    errno = 0;
    for (const struct addrinfo *at = list; at != NULL && server->daemon == NULL; at = at->ai_next)
        server->daemon = listen_at(at);
    if (server->daemon == NULL) {
        rc = sw_fail(err, SW_CONFIGURATION, "metrics: listen on %s: %s", address,
                     errno != 0 ? strerror(errno) : "failed");
        free(server);
        goto out;
    }
    *ret_server = server;
out:
    freeaddrinfo(list);
    return rc;
}

uint16_t sw_metrics_http_port(const struct sw_metrics_http *server)
{
    const union MHD_DaemonInfo *info =
        library.get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);

    assert(info != NULL);
    return info->port;
}

void sw_metrics_http_stop(struct sw_metrics_http *server)
{
    if (server == NULL)
        return;
    library.stop_daemon(server->daemon);
    free(server);
}
