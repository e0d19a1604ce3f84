/* SPDX-License-Identifier: Apache-2.0
 *
 * One op is at one of these points; many ops are, side by side:
 *
 *              prepare             done              interpret
 *   WAITING ------------> FLYING --------> LANDED ----------------> over
 *      ^   due_us is past                     |
 *      +--------------------------------------+ again: back-off, another secret, their clock
 *
 * A creation is repeated byte for byte: the body is the caller's and does not change.
 */
#include <stdio.h>
#include <stdlib.h>

#include "storage/base/hash.h"
#include "storage/object/object.intern.h"

enum {
    BACKOFF_FIRST_US = 100000,
    BACKOFF_MAX_US = 2000000, /* once the store is back, everybody waits for its end */
    SKEWS_MAX = 2,            /* learning the store's clock once should do */
    PARALLEL_MAX = 64,
    OBJECT_BYTES_MAX = 64 << 20,
    LIST_BYTES_MAX = 16 << 20,
    OTHER_BYTES_MAX = 1 << 20
};
static const uint64_t deadline_least_us = UINT64_C(10000000);
static const uint64_t deadline_mib_us = UINT64_C(1000000);

struct cloud {
    struct sw_http *http;
    struct sw_dialect dialect;
    const struct sw_clock *clock;
    int64_t skew_ms; /* what the store's clock is ahead of ours, once it complained */
};

enum point { FREE, WAITING, FLYING, LANDED };

struct slot {
    enum point point;
    struct sw_object_op *op;
    struct sw_http_call call;
    uint64_t due_us;
    uint64_t deadline_us;
    unsigned backoffs;
    unsigned skews;
    bool secret_refused; /* and another was asked for */
};

struct round {
    struct cloud *cloud;
    struct slot *slots;
    unsigned slots_count;
    struct sw_object_op *ops;
    size_t count;
    size_t next; /* op without a slot so far */
    struct sw_store_counts *counts;
};

static uint64_t bytes_max_of(const struct sw_object_op *op)
{
    switch (op->verb) {
    case SW_OBJECT_GET:
        return op->bytes_max == 0 ? OBJECT_BYTES_MAX : op->bytes_max;
    case SW_OBJECT_LIST:
        return LIST_BYTES_MAX;
    case SW_OBJECT_CREATE:
    case SW_OBJECT_DELETE:
    case SW_OBJECT_SETTING:
    default:
        return OTHER_BYTES_MAX;
    }
}

static uint64_t patience_us(const struct sw_object_op *op)
{
    uint64_t bytes = op->verb == SW_OBJECT_CREATE ? op->body.size : bytes_max_of(op);

    if (op->deadline_ms > 0)
        return op->deadline_ms * 1000;
    return deadline_least_us + (bytes >> 20) * deadline_mib_us;
}

/* Half of it by chance: many that failed together do not come back together. */
static uint64_t backoff_us(unsigned backoffs)
{
    uint64_t full = BACKOFF_MAX_US;
    uint32_t chance;

    if (backoffs < 6)
        full = (uint64_t)BACKOFF_FIRST_US << backoffs;
    if (full > BACKOFF_MAX_US)
        full = BACKOFF_MAX_US;
    sw_random(&chance, sizeof(chance));
    return full / 2 + full / 2 * chance / UINT32_MAX;
}

static const char *verb_name(enum sw_object_verb verb)
{
    static const char *const names[] = {[SW_OBJECT_CREATE] = "creating",
                                        [SW_OBJECT_GET] = "reading",
                                        [SW_OBJECT_DELETE] = "deleting",
                                        [SW_OBJECT_LIST] = "listing",
                                        [SW_OBJECT_SETTING] = "reading the bucket's"};

    return names[verb];
}

static void end(struct slot *slot, enum sw_object_result result)
{
    slot->op->result = result;
    slot->point = FREE;
}

static void end_failed(const struct round *round, struct slot *slot)
{
    struct sw_object_op *op = slot->op;

    end(slot, sw_object_failed(sw_wrap(&op->err, "%s: %s %s, %u tr%s", round->cloud->dialect.name,
                                       verb_name(op->verb), op->key, op->tries,
                                       op->tries == 1 ? "y" : "ies")));
}

/* op->err says what happened; it is the op's end when there is no time for another try. */
static void wait_or_end(const struct round *round, struct slot *slot, uint64_t retry_after_ms)
{
    uint64_t now_us = sw_clock_monotonic_us(round->cloud->clock);
    uint64_t wait_us = backoff_us(slot->backoffs++);

    if (wait_us < retry_after_ms * 1000)
        wait_us = retry_after_ms * 1000;
    slot->due_us = now_us + wait_us;
    if (slot->due_us >= slot->deadline_us)
        end_failed(round, slot);
    else
        slot->point = WAITING;
}

static void count(struct sw_store_counts *counts, const struct sw_object_op *op)
{
    switch (op->verb) {
    case SW_OBJECT_CREATE:
        counts->creates++;
        break;
    case SW_OBJECT_GET:
        counts->gets++;
        break;
    case SW_OBJECT_DELETE:
        counts->deletes++;
        break;
    case SW_OBJECT_LIST:
        counts->lists++;
        break;
    case SW_OBJECT_SETTING:
        break;
    }
    if (op->tries > 1)
        counts->retries++;
}

static void land(struct sw_http_call *call)
{
    struct slot *slot = call->self;

    slot->point = LANDED;
}

static enum sw_code prepare(const struct round *round, struct slot *slot)
{
    struct cloud *cloud = round->cloud;
    struct sw_http_request *request = &slot->call.request;
    const struct sw_secret *secret = NULL;
    uint64_t now_ms;
    enum sw_code code;

    if (cloud->dialect.credentials != NULL) {
        code = sw_credentials_get(cloud->dialect.credentials, false, slot->deadline_us, &secret,
                                  &slot->op->err);
        if (code != SW_OK)
            return code;
    }
    slot->call = (struct sw_http_call){.done = land, .self = slot};
    request->bytes_max = bytes_max_of(slot->op);
    request->deadline_us = slot->deadline_us;
    now_ms = (uint64_t)((int64_t)sw_clock_now_ms(cloud->clock) + cloud->skew_ms);
    code = cloud->dialect.prepare(cloud->dialect.self, slot->op, secret, now_ms, request,
                                  &slot->op->err);
    if (code != SW_OK)
        sw_http_request_fini(request);
    return code;
}

static void send(const struct round *round, struct slot *slot)
{
    enum sw_code code = prepare(round, slot);

    if (code == SW_STORE_UNAVAILABLE) { /* where credentials come from */
        wait_or_end(round, slot, 0);
    } else if (code != SW_OK) {
        end_failed(round, slot);
    } else {
        slot->op->tries++;
        count(round->counts, slot->op);
        slot->point = FLYING;
        sw_http_start(round->cloud->http, &slot->call);
    }
}

/* ---- what came back --------------------------------------------------------- */

/* Whether the store told its time, so that we can sign by it. */
static bool learn_clock(struct cloud *cloud, struct slot *slot)
{
    uint64_t theirs_ms = slot->call.response.date_ms;

    if (theirs_ms == 0 || slot->skews++ == SKEWS_MAX)
        return false;
    cloud->skew_ms = (int64_t)theirs_ms - (int64_t)sw_clock_now_ms(cloud->clock);
    return true;
}

/* Whether there is a secret that was not refused yet; op->err says what the store said. */
static bool renew_secret(struct cloud *cloud, struct slot *slot)
{
    struct sw_err ignored;
    const struct sw_secret *secret;

    if (cloud->dialect.credentials == NULL || slot->secret_refused)
        return false;
    slot->secret_refused = true;
    return sw_credentials_get(cloud->dialect.credentials, true, slot->deadline_us, &secret,
                              &ignored) == SW_OK;
}

static void say_status(struct slot *slot, enum sw_code code)
{
    if (slot->op->err.text[0] == '\0')
        slot->op->err.code =
            sw_fail(&slot->op->err, code, "the store says %u", slot->call.response.status);
}

static void act_on(const struct round *round, struct slot *slot, enum sw_reply reply)
{
    struct sw_http_response *response = &slot->call.response;

    switch (reply) {
    case SW_REPLY_DONE:
        end(slot, SW_OBJECT_DONE);
        break;
    case SW_REPLY_EXISTS:
        end(slot, SW_OBJECT_EXISTS);
        break;
    case SW_REPLY_ABSENT:
        end(slot, SW_OBJECT_ABSENT);
        break;
    case SW_REPLY_NEXT:
        slot->point = WAITING; /* it is due */
        break;
    case SW_REPLY_AGAIN:
        say_status(slot, SW_STORE_UNAVAILABLE);
        wait_or_end(round, slot, response->retry_after_ms);
        break;
    case SW_REPLY_SKEWED:
        say_status(slot, SW_STORE_REFUSED);
        if (learn_clock(round->cloud, slot))
            slot->point = WAITING; /* it is due */
        else
            end_failed(round, slot);
        break;
    case SW_REPLY_REFUSED:
        say_status(slot, SW_STORE_REFUSED);
        if (renew_secret(round->cloud, slot))
            slot->point = WAITING;
        else
            end_failed(round, slot);
        break;
    case SW_REPLY_FAILED:
        say_status(slot, SW_STORE_REFUSED);
        end_failed(round, slot);
        break;
    }
}

static void conclude(const struct round *round, struct slot *slot)
{
    struct sw_dialect *dialect = &round->cloud->dialect;
    struct sw_http_response *response = &slot->call.response;
    struct sw_object_op *op = slot->op;

    sw_http_request_fini(&slot->call.request);
    op->took_us = response->took_us;
    op->server_ms = response->date_ms;
    op->err = (struct sw_err){0};
    if (response->arrived) {
        act_on(round, slot, dialect->interpret(dialect->self, op, response));
    } else {
        op->err = response->err;
        if (op->err.code == SW_STORE_UNAVAILABLE)
            wait_or_end(round, slot, 0);
        else
            end_failed(round, slot);
    }
    sw_http_response_fini(response); /* unless the body became op->data */
    if (op->result != SW_OBJECT_FAILED && op->result != SW_OBJECT_PENDING)
        op->err = (struct sw_err){0};
}

/* ---- many ops --------------------------------------------------------------- */

static bool take_next(struct round *round, struct slot *slot)
{
    while (round->next < round->count && round->ops[round->next].result != SW_OBJECT_PENDING)
        round->next++;
    if (round->next == round->count)
        return false;
    *slot = (struct slot){.point = WAITING, .op = &round->ops[round->next++]};
    slot->due_us = sw_clock_monotonic_us(round->cloud->clock);
    slot->deadline_us = slot->due_us + patience_us(slot->op);
    return true;
}

/* Moves a slot as far as it goes without waiting. */
static void move(struct round *round, struct slot *slot)
{
    for (;;) {
        if (slot->point == LANDED) {
            conclude(round, slot);
        } else if (slot->point == WAITING && sw_http_cancelled(round->cloud->http)) {
            slot->op->err.code = sw_fail(&slot->op->err, SW_CANCELLED, "cancelled");
            end_failed(round, slot);
        } else if (slot->point == WAITING &&
                   slot->due_us <= sw_clock_monotonic_us(round->cloud->clock)) {
            send(round, slot);
        } else if (slot->point != FREE || !take_next(round, slot)) {
            return;
        }
    }
}

/* False: all is over. */
static bool wait(const struct round *round)
{
    uint64_t until_us = UINT64_MAX;
    bool flying = false;
    bool busy = false;

    for (unsigned i = 0; i < round->slots_count; i++) {
        const struct slot *slot = &round->slots[i];

        if (slot->point == LANDED) /* while another slot's credentials were asked for */
            return true;
        flying = flying || slot->point == FLYING;
        busy = busy || slot->point != FREE;
        if (slot->point == WAITING && slot->due_us < until_us)
            until_us = slot->due_us;
    }
    if (flying)
        (void)sw_http_wait(round->cloud->http, until_us);
    else if (busy)
        sw_http_pause(round->cloud->http, until_us);
    return busy;
}

static void perform(void *self, struct sw_object_op *ops, size_t count_of_ops, unsigned parallel,
                    struct sw_store_counts *counts)
{
    struct round round = {.cloud = self, .ops = ops, .count = count_of_ops, .counts = counts};

    round.slots_count = parallel < PARALLEL_MAX ? parallel : PARALLEL_MAX;
    if (round.slots_count > count_of_ops)
        round.slots_count = (unsigned)count_of_ops;
    round.slots = calloc(round.slots_count == 0 ? 1 : round.slots_count, sizeof(struct slot));
    if (round.slots == NULL) {
        for (size_t i = 0; i < count_of_ops; i++) {
            if (ops[i].result == SW_OBJECT_PENDING)
                ops[i].result =
                    sw_object_failed(sw_fail(&ops[i].err, SW_NO_MEMORY, "no memory for requests"));
        }
        return;
    }
    do {
        for (unsigned i = 0; i < round.slots_count; i++)
            move(&round, &round.slots[i]);
    } while (wait(&round));
    free(round.slots);
}

/* ---- life --------------------------------------------------------------------- */

static void cancel(void *self)
{
    struct cloud *cloud = self;

    sw_http_cancel(cloud->http);
}

static const char *source(void *self)
{
    struct cloud *cloud = self;

    return cloud->dialect.credentials == NULL ? "none"
                                              : sw_credentials_source(cloud->dialect.credentials);
}

static uint64_t access_end_ms(void *self)
{
    struct cloud *cloud = self;

    return cloud->dialect.credentials == NULL ? 0
                                              : sw_credentials_end_ms(cloud->dialect.credentials);
}

static void free_cloud(void *self)
{
    struct cloud *cloud = self;

    if (cloud->dialect.free != NULL)
        cloud->dialect.free(cloud->dialect.self);
    sw_credentials_free(cloud->dialect.credentials);
    sw_http_free(cloud->http);
    free(cloud);
}

enum sw_code sw_cloud_open(const struct sw_store_options *options, struct sw_driver *ret,
                           struct sw_err *err)
{
    static const struct {
        const char *scheme;
        enum sw_code (*open)(const struct sw_store_options *options, struct sw_http *http,
                             struct sw_dialect *ret, struct sw_err *err);
    } dialects[] = {
        {"s3://", sw_s3_open},
        {"gs://", sw_gcs_open},
        {"az://", sw_azure_open},
    };
    struct cloud *cloud;
    size_t i = 0;
    enum sw_code code;

    while (strncmp(options->url, dialects[i].scheme, strlen(dialects[i].scheme)) != 0) {
        if (++i == sizeof(dialects) / sizeof(dialects[0]))
            return sw_fail(err, SW_CONFIGURATION,
                           "the object store's URL begins with none of /, file://, s3://, gs://, "
                           "az://");
    }
    cloud = calloc(1, sizeof(*cloud));
    if (cloud == NULL)
        return sw_fail(err, SW_NO_MEMORY, "no memory for the object store");
    cloud->clock = options->clock;
    code = sw_http_new(options->ca_file, options->clock, &cloud->http, err);
    if (code == SW_OK) {
        code = dialects[i].open(options, cloud->http, &cloud->dialect, err);
        if (code != SW_OK)
            cloud->dialect = (struct sw_dialect){0}; /* it freed what it had */
    }
    if (code != SW_OK) {
        free_cloud(cloud);
        return code;
    }
    *ret = (struct sw_driver){
        .perform = perform,
        .cancel = cancel,
        .free = free_cloud,
        .credentials = source,
        .access_end_ms = access_end_ms,
        .features = SW_STORE_LISTS | SW_STORE_DELETES | SW_STORE_REMOTE,
        .self = cloud,
    };
    return SW_OK;
}
