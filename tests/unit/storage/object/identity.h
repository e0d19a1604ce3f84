/* SPDX-License-Identifier: Apache-2.0
 *
 * identity - a loopback HTTP server that plays identity services, for the tests of credentials.
 *
 * It answers by rules, one request a connection, and keeps what it was asked. A test says the
 * word HUSH in everything that must not show in an error.
 *
 * Threads: one of its own; rules are set and requests read under a lock.
 */
#ifndef SW_TESTS_IDENTITY_H
#define SW_TESTS_IDENTITY_H

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/object/credentials.h"

enum { IDENTITY_REQUEST_SIZE = 64 * 1024, IDENTITY_RULES_MAX = 4 };

struct identity_rule {
    const char *start; /* of the request: "GET /token " */
    const char *needs; /* must stand in it, else it is answered 403; NULL: nothing */
    unsigned status;   /* 0: never answered */
    const char *body;
};

/* The server's own copies: a test's texts may be gone before the last byte is sent. */
struct identity_own {
    char *start;
    char *needs;
    char *body;
};

struct identity {
    int listener;
    unsigned port;
    int stop[2]; /* a pipe */
    pthread_t thread;
    pthread_mutex_t lock;
    struct identity_rule rules[IDENTITY_RULES_MAX]; /* of texts that are here: */
    struct identity_own own[IDENTITY_RULES_MAX];
    size_t rules_count;
    char request[IDENTITY_REQUEST_SIZE]; /* the last */
};

/* Reads a whole request. */
static inline bool identity_read(int peer, char *ret)
{
    size_t used = 0;

    for (;;) {
        ssize_t got = recv(peer, ret + used, IDENTITY_REQUEST_SIZE - 1 - used, 0);
        const char *end;
        const char *length;

        if (got <= 0)
            return false;
        used += (size_t)got;
        ret[used] = '\0';
        end = strstr(ret, "\r\n\r\n");
        length = strcasestr(ret, "\r\nContent-Length:");
        if (end != NULL && (length == NULL || length > end ||
                            used >= (size_t)(end + 4 - ret) + strtoul(length + 17, NULL, 10)))
            return true;
    }
}

static inline void identity_answer(struct identity *identity, int peer)
{
    struct identity_rule rule = {.status = 404, .body = "no rule"};
    char head[128];
    int size;

    pthread_mutex_lock(&identity->lock);
    if (!identity_read(peer, identity->request)) {
        pthread_mutex_unlock(&identity->lock);
        return;
    }
    for (size_t i = 0; i < identity->rules_count; i++) {
        const struct identity_rule *one = &identity->rules[i];

        if (strncmp(identity->request, one->start, strlen(one->start)) != 0)
            continue;
        rule = *one;
        if (one->needs != NULL && strstr(identity->request, one->needs) == NULL)
            rule = (struct identity_rule){.status = 403, .body = "not what was needed"};
        break;
    }
    size = snprintf(head, sizeof(head),
                    "HTTP/1.1 %u X\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                    rule.status, strlen(rule.body));
    if (rule.status != 0 && send(peer, head, (size_t)size, MSG_NOSIGNAL) == size)
        (void)send(peer, rule.body, strlen(rule.body), MSG_NOSIGNAL);
    pthread_mutex_unlock(&identity->lock);
    if (rule.status == 0)
        (void)recv(peer, head, 1, 0); /* until the other side gives up */
}

static inline void *identity_serve(void *self)
{
    struct identity *identity = self;
    struct pollfd waits[2] = {{.fd = identity->listener, .events = POLLIN},
                              {.fd = identity->stop[0], .events = POLLIN}};

    while (poll(waits, 2, -1) > 0 && waits[1].revents == 0) {
        int peer = accept(identity->listener, NULL, NULL);

        if (peer < 0)
            continue;
        identity_answer(identity, peer);
        (void)close(peer);
    }
    return NULL;
}

static inline struct identity *identity_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct identity *identity = calloc(1, sizeof(*identity));
    socklen_t size = sizeof(address);

    assert_non_null(identity);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    identity->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(identity->listener >= 0);
    assert_int_equal(bind(identity->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(identity->listener, 16), 0);
    assert_int_equal(getsockname(identity->listener, (struct sockaddr *)&address, &size), 0);
    identity->port = ntohs(address.sin_port);
    assert_int_equal(pipe(identity->stop), 0);
    assert_int_equal(pthread_mutex_init(&identity->lock, NULL), 0);
    assert_int_equal(pthread_create(&identity->thread, NULL, identity_serve, identity), 0);
    return identity;
}

static inline void identity_set(struct identity *identity, const struct identity_rule *rules,
                                size_t count)
{
    assert_true(count <= IDENTITY_RULES_MAX);
    pthread_mutex_lock(&identity->lock);
    for (size_t i = 0; i < identity->rules_count; i++) {
        free(identity->own[i].start);
        free(identity->own[i].needs);
        free(identity->own[i].body);
    }
    for (size_t i = 0; i < count; i++) {
        struct identity_own *own = &identity->own[i];

        own->start = strdup(rules[i].start);
        own->needs = rules[i].needs != NULL ? strdup(rules[i].needs) : NULL;
        own->body = strdup(rules[i].body);
        assert_true(own->start != NULL && own->body != NULL);
        identity->rules[i] = (struct identity_rule){
            .start = own->start, .needs = own->needs, .status = rules[i].status, .body = own->body};
    }
    identity->rules_count = count;
    pthread_mutex_unlock(&identity->lock);
}

static inline void identity_stop(struct identity *identity)
{
    identity_set(identity, NULL, 0);
    assert_int_equal(write(identity->stop[1], "x", 1), 1);
    assert_int_equal(pthread_join(identity->thread, NULL), 0);
    (void)close(identity->stop[0]);
    (void)close(identity->stop[1]);
    (void)close(identity->listener);
    (void)pthread_mutex_destroy(&identity->lock);
    free(identity);
}

/* Whether text stood in the last request. */
static inline bool identity_was_told(struct identity *identity, const char *text)
{
    bool was;

    pthread_mutex_lock(&identity->lock);
    was = strstr(identity->request, text) != NULL;
    pthread_mutex_unlock(&identity->lock);
    return was;
}

/* The last request, a copy: free. */
static inline char *identity_request(struct identity *identity)
{
    char *copy;

    pthread_mutex_lock(&identity->lock);
    copy = strdup(identity->request);
    pthread_mutex_unlock(&identity->lock);
    assert_non_null(copy);
    return copy;
}

/* Sets a variable to a text with the server's address in place of %u. */
static inline void identity_setenv(const struct identity *identity, const char *name,
                                   const char *before, const char *behind)
{
    char value[256];

    (void)snprintf(value, sizeof(value), "%s127.0.0.1:%u%s", before, identity->port, behind);
    assert_int_equal(setenv(name, value, 1), 0);
}

/* ---- the chain's side ------------------------------------------------------- */

/* The system's clocks, set forward. */
static uint64_t identity_ahead_ms;

static inline uint64_t identity_now_ms(void *self)
{
    (void)self;
    return sw_clock_now_ms(&sw_clock_system) + identity_ahead_ms;
}

static inline uint64_t identity_monotonic_us(void *self)
{
    (void)self;
    return sw_clock_monotonic_us(&sw_clock_system) + identity_ahead_ms * 1000;
}

static const struct sw_clock identity_clock = {identity_now_ms, identity_monotonic_us, NULL};

/* Gets a secret, refused or not; errors never have HUSH in them. */
static inline enum sw_code identity_get(struct sw_credentials *credentials, bool refused,
                                        const struct sw_secret **ret, struct sw_err *err)
{
    uint64_t deadline_us = sw_clock_monotonic_us(&identity_clock) + 10 * 1000 * 1000;
    enum sw_code rc;

    *err = (struct sw_err){0};
    rc = sw_credentials_get(credentials, refused, deadline_us, ret, err);
    assert_null(strstr(err->text, "HUSH"));
    return rc;
}

static inline void identity_write_file(const char *folder, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Points folder/name at another file, in one step, as a kubelet does. */
static inline void identity_swap(const char *folder, const char *name, const char *target)
{
    char new_path[256];
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    (void)snprintf(new_path, sizeof(new_path), "%s/%s.new", folder, name);
    assert_int_equal(symlink(target, new_path), 0);
    assert_int_equal(rename(new_path, path), 0);
}

#endif
