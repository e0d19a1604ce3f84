/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/base/hash.h"
#include "storage/object/object.intern.h"

/* Creations side by side, several times over: a store that looks first and writes later, as
 * some gateways to file systems do, lets two win only now and then. */
enum { PROBE_CREATORS = 16, PROBE_BODY_SIZE = 1024, PROBE_ROUNDS = 4 };

struct sw_store {
    struct sw_driver driver;
    struct sw_store_counts counts;
    char url[SW_STORE_URL_MAX];
};

void sw_object_op_fini(struct sw_object_op *op)
{
    free(op->data);
    op->data = NULL;
    op->size = 0;
}

/* Not quoted when it is refused: somebody may have put a password into it. */
static enum sw_code check_url(const char *url, struct sw_err *err)
{
    if (url == NULL || url[0] == '\0')
        return sw_fail(err, SW_CONFIGURATION, "the object store's URL is empty");
    if (strlen(url) >= SW_STORE_URL_MAX)
        return sw_fail(err, SW_CONFIGURATION, "the object store's URL is longer than %d bytes",
                       SW_STORE_URL_MAX - 1);
    for (const char *next = url; *next != '\0'; next++) {
        if ((unsigned char)*next <= ' ' || *next == 0x7f)
            return sw_fail(err, SW_CONFIGURATION, "the object store's URL has a blank in it");
    }
    if (url[0] != '/' && strncmp(url, "file://", 7) != 0 && strpbrk(url, "@?#") != NULL)
        return sw_fail(err, SW_CONFIGURATION,
                       "the object store's URL may not have '@', '?' or '#': credentials come from "
                       "the environment");
    return SW_OK;
}

enum sw_code sw_store_open(const struct sw_store_options *options, struct sw_store **ret_store,
                           struct sw_err *err)
{
    struct sw_store_options copy = *options;
    struct sw_store *store;
    enum sw_code code = check_url(options->url, err);

    if (code != SW_OK)
        return code;
    store = calloc(1, sizeof(*store));
    if (store == NULL)
        return sw_fail(err, SW_NO_MEMORY, "no memory for the object store");
    (void)snprintf(store->url, sizeof(store->url), "%s", options->url);
    if (copy.clock == NULL)
        copy.clock = &sw_clock_system;
    if (copy.url[0] == '/' || strncmp(copy.url, "file://", 7) == 0)
        code = sw_dir_open(&copy, &store->driver, err);
    else
        code = sw_cloud_open(&copy, &store->driver, err);
    if (code != SW_OK) {
        free(store);
        return code;
    }
    *ret_store = store;
    return SW_OK;
}

void sw_store_close(struct sw_store *store)
{
    if (store == NULL)
        return;
    store->driver.free(store->driver.self);
    free(store);
}

unsigned sw_store_features(const struct sw_store *store)
{
    return store->driver.features;
}

const char *sw_store_credentials(const struct sw_store *store)
{
    return store->driver.credentials == NULL ? NULL : store->driver.credentials(store->driver.self);
}

uint64_t sw_store_access_end_ms(const struct sw_store *store)
{
    const struct sw_driver *driver = &store->driver;

    return driver->access_end_ms == NULL ? 0 : driver->access_end_ms(driver->self);
}

const char *sw_store_url(const struct sw_store *store)
{
    return store->url;
}

struct sw_store_counts sw_store_counts(const struct sw_store *store)
{
    return store->counts;
}

void sw_store_cancel(struct sw_store *store)
{
    store->driver.cancel(store->driver.self);
}

/* Every key an op may name: what means the same as a path, in a URL and in XML, without
 * any escape. A prefix may end anywhere, also be "". */
static bool is_key(const char *key, bool prefix)
{
    size_t length = strlen(key);
    size_t start = 0;

    if (length > SW_OBJECT_KEY_MAX || strspn(key, SW_KEY_LETTERS) != length)
        return false;
    for (size_t i = 0; i <= length; i++) {
        const char *part = key + start;
        size_t size = i - start;

        if (key[i] != '/' && key[i] != '\0')
            continue;
        if (prefix && key[i] == '\0')
            return true;
        if (size == 0 || (size <= 2 && strncmp(part, "..", size) == 0))
            return false;
        start = i + 1;
    }
    return true;
}

static void reset(struct sw_object_op *op)
{
    op->result = SW_OBJECT_PENDING;
    op->err = (struct sw_err){0};
    op->data = NULL;
    op->size = 0;
    op->keys = 0;
    op->more = false;
    op->tries = 0;
    op->took_us = 0;
    op->server_ms = 0;
}

void sw_store_perform(struct sw_store *store, struct sw_object_op *ops, size_t count,
                      unsigned parallel)
{
    for (size_t i = 0; i < count; i++) {
        reset(&ops[i]);
        if (!is_key(ops[i].key, ops[i].verb == SW_OBJECT_LIST)) {
            ops[i].result = sw_object_failed(sw_fail(
                &ops[i].err, SW_CONFIGURATION, "\"%.64s\" is no key of an object", ops[i].key));
        }
    }
    store->driver.perform(store->driver.self, ops, count, parallel == 0 ? 1 : parallel,
                          &store->counts);
    for (size_t i = 0; i < count; i++)
        assert(ops[i].result != SW_OBJECT_PENDING);
}

/* ---- the probe ------------------------------------------------------------- */

struct probe {
    struct sw_store *store;
    struct sw_err *err;
    char keys[1 + PROBE_ROUNDS][SW_OBJECT_KEY_MAX]; /* the first is created alone */
    uint8_t *bodies;                                /* of the creators, and one that must not win */
};

static struct sw_span body_of(const struct probe *probe, int number)
{
    return sw_span_of(probe->bodies + (size_t)number * PROBE_BODY_SIZE, PROBE_BODY_SIZE);
}

static struct sw_object_op creation(const struct probe *probe, int key, int body)
{
    return (struct sw_object_op){
        .verb = SW_OBJECT_CREATE,
        .key = probe->keys[key],
        .body = body_of(probe, body),
    };
}

static enum sw_code unsafe(const struct probe *probe, const char *how)
{
    return sw_fail(probe->err, SW_STORE_UNSAFE, "%s %s: it is no place for a journal",
                   probe->store->url, how);
}

static enum sw_code failed(const struct probe *probe, const struct sw_object_op *op)
{
    *probe->err = op->err;
    return sw_wrap(probe->err, "probing %s", probe->store->url);
}

/* Which body the object has; PROBE_CREATORS + 1: another. */
static enum sw_code read_back(const struct probe *probe, int key, int *ret_body)
{
    struct sw_object_op op = {
        .verb = SW_OBJECT_GET, .key = probe->keys[key], .bytes_max = 2 * PROBE_BODY_SIZE};
    enum sw_code code = SW_OK;

    sw_store_perform(probe->store, &op, 1, 1);
    if (op.result == SW_OBJECT_FAILED)
        code = failed(probe, &op);
    else if (op.result == SW_OBJECT_ABSENT)
        code = unsafe(probe, "does not show an object that was just created");
    else
        for (*ret_body = 0; *ret_body <= PROBE_CREATORS; (*ret_body)++) {
            if (sw_span_equal(body_of(probe, *ret_body), sw_span_of(op.data, op.size)))
                break;
        }
    sw_object_op_fini(&op);
    return code;
}

static enum sw_code probe_alone(const struct probe *probe)
{
    struct sw_object_op first = creation(probe, 0, 0);
    struct sw_object_op second = creation(probe, 0, PROBE_CREATORS);
    enum sw_code code;
    int body;

    sw_store_perform(probe->store, &first, 1, 1);
    if (first.result == SW_OBJECT_FAILED)
        return failed(probe, &first);
    sw_store_perform(probe->store, &second, 1, 1);
    if (second.result == SW_OBJECT_FAILED)
        return failed(probe, &second);
    if (second.result != SW_OBJECT_EXISTS)
        return unsafe(probe, "created an object that was there already");
    code = read_back(probe, 0, &body);
    if (code == SW_OK && body != 0)
        code = unsafe(probe, "changed an object while it refused to create it again");
    return code;
}

/* A try that was repeated may have met its own echo, so there may be no winner that
 * knows it; but never two, and what is read must be the winner's. */
static enum sw_code probe_contended(const struct probe *probe, int key)
{
    struct sw_object_op ops[PROBE_CREATORS];
    int winner = -1;
    int body;
    enum sw_code code;

    for (int i = 0; i < PROBE_CREATORS; i++)
        ops[i] = creation(probe, key, i);
    sw_store_perform(probe->store, ops, PROBE_CREATORS, PROBE_CREATORS);
    for (int i = 0; i < PROBE_CREATORS; i++) {
        if (ops[i].result == SW_OBJECT_FAILED)
            return failed(probe, &ops[i]);
        if (ops[i].result != SW_OBJECT_DONE)
            continue;
        if (winner >= 0)
            return unsafe(probe, "let two creations of one object succeed side by side");
        winner = i;
    }
    code = read_back(probe, key, &body);
    if (code == SW_OK && (body >= PROBE_CREATORS || (winner >= 0 && body != winner)))
        code = unsafe(probe, "shows another object than the one it said was created");
    return code;
}

/* Also when it failed halfway. Rights to delete are not asked for: without them some small objects
 * stay, and so does what a creation without an answer makes after this. */
static void clean_up(const struct probe *probe)
{
    struct sw_object_op ops[1 + PROBE_ROUNDS];

    for (int i = 0; i < 1 + PROBE_ROUNDS; i++)
        ops[i] = (struct sw_object_op){
            .verb = SW_OBJECT_DELETE, .key = probe->keys[i], .deadline_ms = 3000};
    sw_store_perform(probe->store, ops, 1 + PROBE_ROUNDS, 1 + PROBE_ROUNDS);
}

enum sw_code sw_store_probe(struct sw_store *store, struct sw_err *err)
{
    struct sw_err own;
    struct probe probe = {.store = store, .err = err == NULL ? &own : err};
    uint8_t nonce[16];
    char name[2 * sizeof(nonce) + 1];
    enum sw_code code;

    probe.bodies = calloc(PROBE_CREATORS + 1, PROBE_BODY_SIZE);
    if (probe.bodies == NULL)
        return sw_fail(err, SW_NO_MEMORY, "no memory to probe the object store");
    sw_random(nonce, sizeof(nonce));
    sw_hex(nonce, sizeof(nonce), name);
    for (int i = 0; i <= PROBE_CREATORS; i++)
        (void)snprintf((char *)probe.bodies + (size_t)i * PROBE_BODY_SIZE, PROBE_BODY_SIZE,
                       "stepwell probe %s %d", name, i);
    for (int i = 0; i < 1 + PROBE_ROUNDS; i++)
        (void)snprintf(probe.keys[i], sizeof(probe.keys[i]), "probe/%s/%d", name, i);
    code = probe_alone(&probe);
    for (int i = 0; i < PROBE_ROUNDS && code == SW_OK; i++)
        code = probe_contended(&probe, 1 + i);
    if (code != SW_CANCELLED)
        clean_up(&probe);
    free(probe.bodies);
    return code;
}
