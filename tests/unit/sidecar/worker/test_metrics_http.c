/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/worker/metrics_http.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "sidecar/metrics.h"

static int start(void **state)
{
    struct sw_metrics_http *server;
    struct sw_err err;

    if (sw_metrics_http_start("127.0.0.1:0", &server, &err) != SW_OK)
        return -1;
    *state = server;
    return 0;
}

static int stop(void **state)
{
    sw_metrics_http_stop(*state);
    return 0;
}

static int connect_to(const struct sw_metrics_http *server)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(sw_metrics_http_port(server))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* Sends the request as it stands and reads until the server closes. */
static void ask(const struct sw_metrics_http *server, const char *request, char *ret, size_t size)
{
    int fd = connect_to(server);
    size_t used = 0;
    ssize_t got;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    while (used + 1 < size && (got = read(fd, ret + used, size - used - 1)) > 0)
        used += (size_t)got;
    ret[used] = '\0';
    (void)close(fd);
}

static void get(const struct sw_metrics_http *server, const char *path, char *ret, size_t size)
{
    char request[128];

    (void)snprintf(request, sizeof(request),
                   "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    ask(server, request, ret, size);
}

static void starts_with(const char *text, const char *begin)
{
    if (strncmp(text, begin, strlen(begin)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", text, begin);
}

static void metrics_are_prometheus_text(void **state)
{
    static char answer[1 << 16];

    sw_metric_add(SW_METRIC_CALLS, 42);
    get(*state, "/metrics", answer, sizeof(answer));
    starts_with(answer, "HTTP/1.1 200 ");
    assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4"));
    assert_non_null(strstr(answer, "\nstepwell_calls_total 42\n"));
}

static void readiness_follows_health(void **state)
{
    static const struct {
        enum sw_health health;
        const char *status;
        const char *body;
    } rows[] = {{SW_HEALTH_STARTING, "HTTP/1.1 503 ", "\r\n\r\nstarting\n"},
                {SW_HEALTH_SERVING, "HTTP/1.1 200 ", "\r\n\r\nserving\n"},
                {SW_HEALTH_DRAINING, "HTTP/1.1 503 ", "\r\n\r\ndraining\n"}};
    char answer[4096];

    for (size_t i = 0; i < 3; i++) {
        sw_health_set(rows[i].health);
        get(*state, "/readyz", answer, sizeof(answer));
        starts_with(answer, rows[i].status);
        assert_non_null(strstr(answer, rows[i].body));
        get(*state, "/healthz", answer, sizeof(answer));
        starts_with(answer, "HTTP/1.1 200 ");
    }
}

static void what_is_not_there_is_refused(void **state)
{
    char answer[4096];

    get(*state, "/", answer, sizeof(answer));
    starts_with(answer, "HTTP/1.1 404 ");
    get(*state, "/metrics/", answer, sizeof(answer));
    starts_with(answer, "HTTP/1.1 404 ");
    ask(*state,
        "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
        answer, sizeof(answer));
    starts_with(answer, "HTTP/1.1 405 ");
    ask(*state, "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer,
        sizeof(answer));
    starts_with(answer, "HTTP/1.1 200 ");
    assert_null(strstr(answer, "alive"));
}

/* Goal: scrapers may keep their connection. */
static void a_connection_serves_more_than_once(void **state)
{
    char answer[8192];

    ask(*state,
        "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        answer, sizeof(answer));
    starts_with(answer, "HTTP/1.1 200 ");
    assert_non_null(strstr(answer + 1, "HTTP/1.1 200 "));
}

/* Goal: a silent peer keeps nobody from being answered, nor the server from stopping. */
static void silent_peers_do_no_harm(void **state)
{
    char answer[4096];
    int silent = connect_to(*state);

    get(*state, "/healthz", answer, sizeof(answer));
    starts_with(answer, "HTTP/1.1 200 ");
    assert_int_equal(stop(state), 0);
    assert_int_equal(read(silent, answer, sizeof(answer)), 0); /* closed */
    (void)close(silent);
    assert_int_equal(start(state), 0);
}

static void a_taken_or_wrong_address_is_told(void **state)
{
    struct sw_metrics_http *server;
    char taken[32];
    struct sw_err err;

    (void)snprintf(taken, sizeof(taken), "%u", (unsigned)sw_metrics_http_port(*state));
    assert_int_equal(sw_metrics_http_start(taken, &server, &err), SW_CONFIGURATION);
    assert_non_null(strstr(err.text, "Address already in use"));
    assert_int_equal(sw_metrics_http_start("nowhere", &server, &err), SW_CONFIGURATION);
    assert_int_equal(sw_metrics_http_start("192.0.2.1:9", &server, &err), SW_CONFIGURATION);
    starts_with(err.text, "metrics: listen on 192.0.2.1:9: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(metrics_are_prometheus_text, start, stop),
        cmocka_unit_test_setup_teardown(readiness_follows_health, start, stop),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(a_connection_serves_more_than_once, start, stop),
        cmocka_unit_test_setup_teardown(silent_peers_do_no_harm, start, stop),
        cmocka_unit_test_setup_teardown(a_taken_or_wrong_address_is_told, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
