/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/fetch.h"

#include "storage/archive/archive.intern.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { WINDOW_MAX = 64, WINDOW_BYTES = 8 * 1024 * 1024 };

struct window {
    struct sw_object_op ops[WINDOW_MAX];
    char keys[WINDOW_MAX][SW_OBJECT_KEY_MAX];
    size_t count;
};

struct sw_fetch {
    struct sw_fetch_options options;
    struct window windows[2];
    struct window *taken; /* from this one objects are taken */
    size_t next;          /* in it */
    uint64_t index;       /* of the object after the last one asked for */
    uint64_t largest;     /* object seen, in bytes */
    bool ended;           /* nothing is asked for any more */

    /* While it runs, the thread has the other window and the store. */
    pthread_t thread;
    bool running;
    struct window *coming;
};

static void empty(struct window *window)
{
    for (size_t i = 0; i < window->count; i++)
        sw_object_op_fini(&window->ops[i]);
    window->count = 0;
}

static size_t window_size(const struct sw_fetch *fetch)
{
    uint64_t size = WINDOW_BYTES / (fetch->largest > 0 ? fetch->largest : 1);

    if (size > fetch->options.parallel)
        size = fetch->options.parallel;
    if (size > WINDOW_MAX)
        size = WINDOW_MAX;
    return size > 0 ? (size_t)size : 1;
}

static void fill(struct sw_fetch *fetch, struct window *window)
{
    size_t size = window_size(fetch);

    empty(window);
    while (window->count < size) {
        char *key = window->keys[window->count];

        if (!fetch->options.key(fetch->options.self, fetch->index, key)) {
            fetch->ended = true;
            return;
        }
        fetch->index++;
        window->ops[window->count++] = (struct sw_object_op){
            .verb = SW_OBJECT_GET, .key = key, .bytes_max = fetch->options.bytes_max};
    }
}

static void *download(void *self)
{
    struct sw_fetch *fetch = self;

    sw_archive_perform(fetch->options.store, fetch->coming->ops, fetch->coming->count,
                       fetch->options.parallel);
    return NULL;
}

/* Where no thread can be had, the download is not overlapped. */
static void start(struct sw_fetch *fetch)
{
    struct window *window =
        fetch->taken == &fetch->windows[0] ? &fetch->windows[1] : &fetch->windows[0];

    fetch->coming = NULL;
    if (fetch->ended)
        return;
    fill(fetch, window);
    if (window->count == 0)
        return;
    fetch->coming = window;
    fetch->running = pthread_create(&fetch->thread, NULL, download, fetch) == 0;
    if (!fetch->running)
        (void)download(fetch);
}

static void finish(struct sw_fetch *fetch)
{
    if (fetch->running)
        (void)pthread_join(fetch->thread, NULL);
    fetch->running = false;
}

/* The window that was coming is taken from now on, and the one after it asked for. */
static void advance(struct sw_fetch *fetch)
{
    finish(fetch);
    empty(fetch->taken);
    fetch->next = 0;
    if (fetch->coming == NULL)
        return;
    fetch->taken = fetch->coming;
    for (size_t i = 0; i < fetch->taken->count; i++) {
        const struct sw_object_op *op = &fetch->taken->ops[i];

        if (op->result != SW_OBJECT_DONE)
            fetch->ended = true; /* what lies behind it is of no use */
        if (op->size > fetch->largest)
            fetch->largest = op->size;
    }
    start(fetch);
}

enum sw_code sw_fetch_open(const struct sw_fetch_options *options, struct sw_fetch **ret_fetch,
                           struct sw_err *err)
{
    struct sw_fetch *fetch = calloc(1, sizeof(*fetch));

    if (fetch == NULL)
        return sw_fail(err, SW_NO_MEMORY, "downloading");
    fetch->options = *options;
    fetch->largest = options->bytes_guess;
    fetch->taken = &fetch->windows[0];
    start(fetch);
    *ret_fetch = fetch;
    return SW_OK;
}

void sw_fetch_close(struct sw_fetch *fetch)
{
    if (fetch == NULL)
        return;
    finish(fetch);
    empty(&fetch->windows[0]);
    empty(&fetch->windows[1]);
    free(fetch);
}

enum sw_code sw_fetch_next(struct sw_fetch *fetch, const char **ret_key, struct sw_span *ret_object,
                           struct sw_err *err)
{
    struct sw_object_op *op;

    if (fetch->next > 0) /* its turn is over */
        sw_object_op_fini(&fetch->taken->ops[fetch->next - 1]);
    if (fetch->next == fetch->taken->count)
        advance(fetch);
    if (fetch->next == fetch->taken->count) {
        *ret_key = NULL;
        return SW_OK;
    }
    op = &fetch->taken->ops[fetch->next++];
    if (op->result == SW_OBJECT_ABSENT && fetch->options.until_absent) {
        fetch->ended = true;
        empty(fetch->taken);
        fetch->next = 0;
        *ret_key = NULL;
        return SW_OK;
    }
    *ret_key = op->key;
    if (op->result == SW_OBJECT_ABSENT)
        return sw_fail(err, SW_CORRUPT, "is missing");
    if (op->result != SW_OBJECT_DONE) {
        assert(op->result == SW_OBJECT_FAILED);
        if (err != NULL)
            *err = op->err;
        return op->err.code;
    }
    *ret_object = sw_span_of(op->data, op->size);
    return SW_OK;
}
