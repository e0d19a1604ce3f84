/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/worker/shipper.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "sidecar/log.h"
#include "sidecar/metrics.h"
#include "sidecar/worker/recent_times.h"
#include "sidecar/worker/snapshotter.h"
#include "sidecar/worker/thread.h"
#include "storage/base/hash.h"
#include "storage/journal/journal.h"

enum {
    SHIP_DEADLINE_MS = 10 * 1000,      /* of one try, the driver's own retries included */
    SNAPSHOT_FAILED_US = 60 * 1000000, /* the pause after one that failed */
    SNAPSHOT_AT_END_SEGMENTS = 64,     /* fewer do not slow the next start down */
    ROW_BYTES = 120,                   /* of a surplus: a row's cost beside its fields, about */
    SNAPSHOT_AT_END_US = 1000 * 1000   /* must be left for it */
};

/* What the thread does, for whoever may have to wake it. */
enum rest {
    AWAKE,       /* it looks again before it rests */
    RESTS,       /* nothing is pending: any commit wakes it */
    RESTS_TIMED, /* what is to go soon or at once wakes it */
    RESTS_SOON,  /* until what is to go soon goes: only what is to go at once wakes it */
    BACKS_OFF    /* only an order wakes it */
};

struct sw_shipper {
    /* fixed */
    struct sw_shipper_options options;
    struct sw_thread thread;

    /* written by the loop */
    _Atomic uint64_t lsn;
    _Atomic uint64_t bytes; /* since the start, of everything up to lsn */
    _Atomic uint64_t wanted_lsn;
    _Atomic uint64_t soon_lsn;

    /* written by the shipper */
    _Atomic uint64_t shipped_lsn;
    _Atomic uint64_t shipped_bytes; /* surely: what is pending is never underestimated */
    _Atomic uint64_t oldest_us;     /* likewise; the loop sets it where there is none */
    _Atomic uint64_t snapshot_lsn;  /* of the snapshot under way; UINT64_MAX: there is none */
    _Atomic int rest;
    atomic_bool fenced;

    /* orders */
    atomic_bool every;
    atomic_bool stopping;
    _Atomic uint64_t stop_at_us;

    /* the shipper's own */
    struct sw_archive *archive;
    struct sw_journal_reader *reader;
    uint64_t not_before_us;
    uint64_t last_us; /* when it last began to ship */
    unsigned failures;
    struct sw_snapshotter *snapshotter; /* NULL: no snapshot is under way */
    uint64_t snapshot_began_us;
    uint64_t snapshot_after_us;
    struct sw_recent_times times;

    /* shared: only while `lock` is held */
    pthread_mutex_t lock;
    pthread_cond_t woken; /* the shipper waits for it */
    pthread_cond_t ended; /* whoever stops it waits for it */
    bool has_ended;
    struct sw_shipper_status status; /* but for the lag */
};

static uint64_t now_us(const struct sw_shipper *shipper)
{
    return sw_clock_monotonic_us(shipper->options.clock);
}

static uint64_t pending_bytes(const struct sw_shipper *shipper)
{
    uint64_t shipped = atomic_load(&shipper->shipped_bytes);
    uint64_t all = atomic_load(&shipper->bytes);

    return all > shipped ? all - shipped : 0;
}

static bool wait_on(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until_us)
{
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
                             .tv_nsec = (long)(until_us % 1000000) * 1000};

    return pthread_cond_timedwait(condition, lock, &until) == 0;
}

/* Since when something waits to be shipped; 0: nothing does. */
static void set_oldest(struct sw_shipper *shipper, uint64_t at_us)
{
    uint64_t ms = sw_clock_now_ms(shipper->options.clock);
    uint64_t age_ms = at_us == 0 ? 0 : (now_us(shipper) - at_us) / 1000;

    atomic_store(&shipper->oldest_us, at_us);
    sw_metric_set(SW_METRIC_SHIP_LAG, at_us == 0 || age_ms > ms ? 0 : ms - age_ms);
}

/* ---- any thread ------------------------------------------------------------- */

static void wake(void *self)
{
    struct sw_shipper *shipper = self;

    pthread_mutex_lock(&shipper->lock);
    pthread_cond_signal(&shipper->woken);
    pthread_mutex_unlock(&shipper->lock);
}

/* The thread says how it rests, looks once more, and only then waits; here what it looks at
 * is stored before its rest is read. So one of the two sees the other. */
void sw_shipper_committed(struct sw_shipper *shipper, uint64_t lsn, uint64_t bytes,
                          uint64_t wanted_lsn, bool soon)
{
    uint64_t sum = atomic_load_explicit(&shipper->bytes, memory_order_relaxed) + bytes;
    bool at_once = wanted_lsn != 0 || atomic_load(&shipper->every);
    int rest;

    if (wanted_lsn > atomic_load_explicit(&shipper->wanted_lsn, memory_order_relaxed))
        atomic_store(&shipper->wanted_lsn, wanted_lsn);
    if (soon)
        atomic_store(&shipper->soon_lsn, lsn);
    atomic_store(&shipper->bytes, sum);
    atomic_store(&shipper->lsn, lsn);
    if (atomic_load(&shipper->oldest_us) == 0 && lsn > atomic_load(&shipper->shipped_lsn)) {
        set_oldest(shipper, now_us(shipper));
        if (lsn <= atomic_load(&shipper->shipped_lsn)) /* meanwhile, and it was not seen there */
            set_oldest(shipper, 0);
    }
    soon = soon || pending_bytes(shipper) >= shipper->options.policy.bytes_max;
    rest = atomic_load(&shipper->rest);
    if (rest == RESTS || (rest == RESTS_SOON && at_once) ||
        (rest == RESTS_TIMED && (at_once || soon)))
        wake(shipper);
}

void sw_shipper_ship_every(struct sw_shipper *shipper)
{
    atomic_store(&shipper->every, true);
    wake(shipper);
}

uint64_t sw_shipper_shipped_lsn(const struct sw_shipper *shipper)
{
    return atomic_load(&shipper->shipped_lsn);
}

/* In this order: whoever sees that more was shipped sees the snapshot that began before it. */
uint64_t sw_shipper_keep_after(const struct sw_shipper *shipper)
{
    uint64_t shipped = atomic_load(&shipper->shipped_lsn);
    uint64_t snapshot = atomic_load(&shipper->snapshot_lsn);

    return snapshot < shipped ? snapshot : shipped;
}

bool sw_shipper_is_fenced(const struct sw_shipper *shipper)
{
    return atomic_load_explicit(&shipper->fenced, memory_order_acquire);
}

bool sw_shipper_is_full(const struct sw_shipper *shipper, uint64_t uncommitted_bytes)
{
    if (atomic_load(&shipper->lsn) <= atomic_load(&shipper->shipped_lsn))
        return false;
    return sw_decide_backlog_full(&shipper->options.policy,
                                  pending_bytes(shipper) + uncommitted_bytes,
                                  atomic_load(&shipper->oldest_us), now_us(shipper));
}

void sw_shipper_status(struct sw_shipper *shipper, struct sw_shipper_status *ret_status)
{
    uint64_t oldest_us = atomic_load(&shipper->oldest_us);
    uint64_t lsn = atomic_load(&shipper->lsn);
    uint64_t now = now_us(shipper);

    pthread_mutex_lock(&shipper->lock);
    *ret_status = shipper->status;
    pthread_mutex_unlock(&shipper->lock);
    ret_status->shipped_lsn = atomic_load(&shipper->shipped_lsn);
    ret_status->lag_records = lsn > ret_status->shipped_lsn ? lsn - ret_status->shipped_lsn : 0;
    ret_status->lag_bytes = ret_status->lag_records == 0 ? 0 : pending_bytes(shipper);
    ret_status->lag_ms = ret_status->lag_records == 0 || oldest_us == 0 || now < oldest_us
                             ? 0
                             : (now - oldest_us) / 1000;
}

/* ---- what the thread tells ----------------------------------------------------- */

static void note_time(struct sw_shipper *shipper, uint64_t took_us)
{
    sw_recent_times_add(&shipper->times, took_us);
    sw_metric_observe(SW_METRIC_PUT_SECONDS, (double)took_us / 1e6);
}

static void publish(struct sw_shipper *shipper, enum sw_store_health health, const char *error)
{
    uint64_t p50_us = sw_recent_times_percentile(&shipper->times, 50);
    uint64_t p99_us = sw_recent_times_percentile(&shipper->times, 99);

    pthread_mutex_lock(&shipper->lock);
    shipper->status.health = health;
    shipper->status.archive = sw_archive_state(shipper->archive);
    shipper->status.put_p50_us = p50_us;
    shipper->status.put_p99_us = p99_us;
    snprintf(shipper->status.error, sizeof shipper->status.error, "%s", error);
    pthread_mutex_unlock(&shipper->lock);
}

/* ---- shipping ---------------------------------------------------------------------- */

static void tell_failure(struct sw_shipper *shipper, const char *what, const struct sw_err *err)
{
    bool away = err->code == SW_STORE_UNAVAILABLE;

    publish(shipper, away ? SW_STORE_AWAY : SW_STORE_REFUSES, err->text);
    if (away)
        sw_log(WARNING, what, {"reason", .text = sw_code_name(err->code)},
               {"failures", .number = shipper->failures}, {"error", .text = err->text});
    else
        sw_log(ERROR, what, {"reason", .text = sw_code_name(err->code)},
               {"failures", .number = shipper->failures}, {"error", .text = err->text});
}

static void fail(struct sw_shipper *shipper, const struct sw_err *err)
{
    uint64_t seed;

    if (err->code == SW_CANCELLED)
        return;
    if (err->code == SW_OWNER_FENCED) {
        atomic_store_explicit(&shipper->fenced, true, memory_order_release);
        publish(shipper, SW_STORE_FENCED, err->text);
        sw_metric_set(SW_METRIC_FENCED, 1);
        sw_log(ERROR, "fenced: another owner took the journal over", {"error", .text = err->text});
        shipper->options.changed(shipper->options.self);
        return;
    }
    sw_random(&seed, sizeof seed);
    shipper->failures++;
    shipper->not_before_us = now_us(shipper) + sw_ship_back_off_us(shipper->failures, seed);
    tell_failure(shipper, "shipping failed", err);
}

static void take_progress(struct sw_shipper *shipper)
{
    uint64_t shipped_lsn = sw_archive_state(shipper->archive).shipped_lsn;

    if (shipper->failures != 0)
        sw_log(INFO, "the object store answers again", {"failures", .number = shipper->failures});
    shipper->failures = 0;
    shipper->not_before_us = 0;
    atomic_store(&shipper->shipped_lsn, shipped_lsn);
    sw_metric_set(SW_METRIC_SHIPPED_LSN, shipped_lsn);
    shipper->options.changed(shipper->options.self);
}

/* Ships segment by segment until all that was committed at the start is there. */
static void ship(struct sw_shipper *shipper)
{
    uint64_t bytes = atomic_load(&shipper->bytes);
    uint64_t lsn = atomic_load(&shipper->lsn);
    struct sw_err err = {0};
    enum sw_code rc = SW_OK;

    shipper->last_us = now_us(shipper);
    while (rc == SW_OK && atomic_load(&shipper->shipped_lsn) < lsn) {
        uint64_t started_us = now_us(shipper);
        bool more;

        rc = sw_archive_ship(shipper->archive, shipper->reader, SHIP_DEADLINE_MS, &more, &err);
        if (rc == SW_OK) {
            note_time(shipper, now_us(shipper) - started_us);
            take_progress(shipper);
        }
    }
    if (rc != SW_OK) {
        fail(shipper, &err);
        return;
    }
    publish(shipper, SW_STORE_ANSWERS, "");
    atomic_store(&shipper->shipped_bytes, bytes);
    set_oldest(shipper, 0);
    /* What was committed meanwhile is not older than the pass. Looked at behind the line above:
     * a commit that found the old age there is seen here. */
    if (atomic_load(&shipper->lsn) > atomic_load(&shipper->shipped_lsn))
        set_oldest(shipper, shipper->last_us);
    shipper->options.changed(shipper->options.self);
}

/* ---- snapshots ----------------------------------------------------------------------- */

static void tell_snapshot(struct sw_shipper *shipper, enum sw_code rc, const struct sw_err *err)
{
    struct sw_archive_state state = sw_archive_state(shipper->archive);
    uint64_t now_ms = sw_clock_now_ms(shipper->options.clock);
    uint64_t took_us = now_us(shipper) - shipper->snapshot_began_us;

    shipper->snapshot_after_us =
        now_us(shipper) + (rc == SW_OK ? sw_snapshot_pause_us(took_us) : SNAPSHOT_FAILED_US);
    if (rc != SW_OK) {
        if (rc != SW_CANCELLED)
            tell_failure(shipper, "snapshot failed", err);
        return;
    }
    pthread_mutex_lock(&shipper->lock);
    shipper->status.snapshot_at_ms = now_ms;
    shipper->status.verified_at_ms = now_ms;
    pthread_mutex_unlock(&shipper->lock);
    sw_metric_set(SW_METRIC_VERIFIED_AT, now_ms / 1000);
    publish(shipper, SW_STORE_ANSWERS, "");
    sw_log(INFO, "snapshot", {"slot", .number = state.snapshot_slot},
           {"bytes", .number = state.snapshot_bytes}, {"ms", .number = took_us / 1000});
}

static void begin_snapshot(struct sw_shipper *shipper)
{
    struct sw_snapshotter_options options = {
        .data = shipper->options.data,
        .store = shipper->options.store_options,
        .ended = wake,
        .self = shipper,
    };
    struct sw_err err = {0};
    enum sw_code rc;

    shipper->snapshot_began_us = now_us(shipper);
    atomic_store(&shipper->snapshot_lsn, sw_archive_state(shipper->archive).shipped_lsn);
    rc = sw_snapshotter_start(&options, shipper->archive, &shipper->snapshotter, &err);
    if (rc == SW_OK)
        return;
    atomic_store(&shipper->snapshot_lsn, UINT64_MAX);
    tell_snapshot(shipper, rc, &err);
}

static void finish_snapshot(struct sw_shipper *shipper)
{
    struct sw_err err = {0};
    enum sw_code rc = sw_snapshotter_finish(&shipper->snapshotter, shipper->archive, &err);

    atomic_store(&shipper->snapshot_lsn, UINT64_MAX);
    tell_snapshot(shipper, rc, &err);
}

static void snapshot_at_end(struct sw_shipper *shipper)
{
    struct sw_err err = {0};

    shipper->snapshot_began_us = now_us(shipper);
    tell_snapshot(shipper, sw_archive_snapshot(shipper->archive, shipper->reader, &err), &err);
}

static bool may_snapshot(const struct sw_shipper *shipper)
{
    struct sw_archive_state archive = sw_archive_state(shipper->archive);
    struct sw_snapshot_state state = {
        .due = sw_archive_snapshot_due(shipper->archive),
        .segments = archive.segments_since_snapshot,
        .bytes = archive.bytes_since_snapshot,
        .snapshot_bytes = archive.snapshot_bytes,
    };

    return shipper->snapshotter == NULL && sw_decide_snapshot(&state) &&
           !atomic_load(&shipper->stopping) && now_us(shipper) >= shipper->snapshot_after_us;
}

/* ---- the thread ----------------------------------------------------------------------- */

static struct sw_ship_decision decide(struct sw_shipper *shipper, enum rest *ret_rest)
{
    struct sw_ship_state state = {
        .lsn = atomic_load(&shipper->lsn),
        .shipped_lsn = atomic_load(&shipper->shipped_lsn),
        .wanted_lsn = atomic_load(&shipper->wanted_lsn),
        .pending_bytes = pending_bytes(shipper),
        .oldest_us = atomic_load(&shipper->oldest_us),
        .not_before_us = shipper->not_before_us,
        .every = atomic_load(&shipper->every),
        .soon_lsn = atomic_load(&shipper->soon_lsn),
        .last_us = shipper->last_us,
    };
    struct sw_ship_decision decision =
        sw_decide_ship(&shipper->options.policy, &state, now_us(shipper));

    if (decision.when == SW_SHIP_NEVER)
        *ret_rest = RESTS;
    else if (decision.at_us == shipper->not_before_us)
        *ret_rest = BACKS_OFF;
    else
        *ret_rest =
            sw_decide_ship_soon(&shipper->options.policy, &state) ? RESTS_SOON : RESTS_TIMED;
    return decision;
}

/* Returns when something is to be done, or the thread is to stop. */
static void rest(struct sw_shipper *shipper)
{
    struct sw_ship_decision decision;
    enum rest kind;

    pthread_mutex_lock(&shipper->lock);
    while (!atomic_load(&shipper->stopping) && !sw_snapshotter_has_ended(shipper->snapshotter)) {
        decision = decide(shipper, &kind);
        if (decision.when == SW_SHIP_NOW)
            break;
        atomic_store(&shipper->rest, kind);
        decision = decide(shipper, &kind);
        if (decision.when == SW_SHIP_NEVER)
            pthread_cond_wait(&shipper->woken, &shipper->lock);
        else if (decision.when == SW_SHIP_LATER)
            (void)wait_on(&shipper->woken, &shipper->lock, decision.at_us);
        atomic_store(&shipper->rest, AWAKE);
    }
    pthread_mutex_unlock(&shipper->lock);
}

/* Whether there is something left to ship and time for it. */
static bool wait_to_ship_rest(struct sw_shipper *shipper)
{
    uint64_t until_us = atomic_load(&shipper->stop_at_us);

    if (sw_shipper_is_fenced(shipper) ||
        atomic_load(&shipper->lsn) <= atomic_load(&shipper->shipped_lsn))
        return false;
    pthread_mutex_lock(&shipper->lock);
    while (shipper->not_before_us > now_us(shipper) && now_us(shipper) < until_us)
        (void)wait_on(&shipper->woken, &shipper->lock,
                      shipper->not_before_us < until_us ? shipper->not_before_us : until_us);
    pthread_mutex_unlock(&shipper->lock);
    return now_us(shipper) < until_us;
}

static void put_aside(struct sw_shipper *shipper)
{
    char key[SW_OBJECT_KEY_MAX] = "";
    struct sw_err err = {0};

    if (sw_archive_put_aside(shipper->archive, shipper->reader, key, &err) != SW_OK)
        sw_log(ERROR, "the tail could not be put aside; it is in the local journal alone",
               {"error", .text = err.text});
    else if (key[0] != '\0')
        sw_log(WARNING, "the tail that was not shipped is put aside", {"object", .text = key});
}

static void run(void *self)
{
    struct sw_shipper *shipper = self;

    while (!atomic_load(&shipper->stopping) && !sw_shipper_is_fenced(shipper)) {
        ship(shipper);
        if (sw_snapshotter_has_ended(shipper->snapshotter))
            finish_snapshot(shipper);
        if (!sw_shipper_is_fenced(shipper) && may_snapshot(shipper))
            begin_snapshot(shipper);
        if (!sw_shipper_is_fenced(shipper))
            rest(shipper);
    }
    if (shipper->snapshotter != NULL) {
        sw_snapshotter_cancel(shipper->snapshotter);
        finish_snapshot(shipper);
    }
    /* Fenced: what the loop still commits belongs to the tail. */
    pthread_mutex_lock(&shipper->lock);
    while (!atomic_load(&shipper->stopping))
        pthread_cond_wait(&shipper->woken, &shipper->lock);
    pthread_mutex_unlock(&shipper->lock);
    while (wait_to_ship_rest(shipper))
        ship(shipper);
    if (sw_shipper_is_fenced(shipper))
        put_aside(shipper);
    else if (sw_archive_state(shipper->archive).segments_since_snapshot >=
                 SNAPSHOT_AT_END_SEGMENTS &&
             now_us(shipper) + SNAPSHOT_AT_END_US < atomic_load(&shipper->stop_at_us))
        snapshot_at_end(shipper);
    pthread_mutex_lock(&shipper->lock);
    shipper->has_ended = true;
    pthread_cond_signal(&shipper->ended);
    pthread_mutex_unlock(&shipper->lock);
}

/* ---- life ------------------------------------------------------------------------------- */

static void free_shipper(struct sw_shipper *shipper)
{
    sw_archive_close(shipper->archive);
    sw_journal_reader_close(shipper->reader);
    pthread_cond_destroy(&shipper->woken);
    pthread_cond_destroy(&shipper->ended);
    pthread_mutex_destroy(&shipper->lock);
    free(shipper);
}

static void init(struct sw_shipper *shipper, const struct sw_shipper_options *options)
{
    struct sw_archive_state state = sw_archive_state(shipper->archive);
    pthread_condattr_t monotonic;

    shipper->options = *options;
    atomic_store(&shipper->lsn, options->lsn);
    atomic_store(&shipper->shipped_lsn, state.shipped_lsn);
    atomic_store(&shipper->snapshot_lsn, UINT64_MAX);
    /* A surplus found at the start goes at once: nobody knows how old it is. */
    atomic_store(&shipper->wanted_lsn, options->lsn);
    shipper->status.health = SW_STORE_ANSWERS;
    shipper->status.archive = state;
    if (options->restored)
        shipper->status.verified_at_ms = sw_clock_now_ms(options->clock);
    set_oldest(shipper, 0);
    sw_metric_set(SW_METRIC_VERIFIED_AT, shipper->status.verified_at_ms / 1000);
    sw_metric_set(SW_METRIC_SHIPPED_LSN, state.shipped_lsn);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&shipper->woken, &monotonic);
    pthread_cond_init(&shipper->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&shipper->lock, NULL);
}

/* What was found at the start is lag as well: of its size, and since its oldest record. */
static enum sw_code count_surplus(struct sw_shipper *shipper, struct sw_err *err)
{
    uint64_t now_ms = sw_clock_now_ms(shipper->options.clock);
    uint64_t now = now_us(shipper);
    struct sw_surplus surplus;
    uint64_t age_us = 0;
    enum sw_code rc = sw_archive_surplus(shipper->archive, shipper->reader, &surplus, err);

    if (rc != SW_OK || surplus.rows == 0)
        return rc;
    if (surplus.oldest_at_ms > 0 && surplus.oldest_at_ms < now_ms)
        age_us = (now_ms - surplus.oldest_at_ms) * 1000;
    /* The clock began with the machine: nothing is older than that. */
    set_oldest(shipper, age_us < now ? now - age_us : 1);
    atomic_store(&shipper->bytes, surplus.bytes + surplus.rows * ROW_BYTES);
    return SW_OK;
}

enum sw_code sw_shipper_start(const struct sw_shipper_options *options, struct sw_archive **archive,
                              struct sw_shipper **ret_shipper, struct sw_err *err)
{
    struct sw_shipper *shipper = calloc(1, sizeof *shipper);
    enum sw_code rc;

    if (shipper == NULL) {
        sw_archive_close(*archive);
        *archive = NULL;
        return sw_fail(err, SW_NO_MEMORY, "shipper");
    }
    shipper->archive = *archive;
    *archive = NULL;
    init(shipper, options);
    rc = sw_journal_reader_open(options->data, NULL, &shipper->reader, err);
    if (rc == SW_OK)
        rc = count_surplus(shipper, err);
    if (rc == SW_OK)
        rc = sw_thread_start(&shipper->thread, "shipper", run, shipper, err);
    if (rc != SW_OK) {
        free_shipper(shipper);
        return sw_wrap(err, "start shipper");
    }
    *ret_shipper = shipper;
    return SW_OK;
}

struct sw_shipper_end sw_shipper_stop(struct sw_shipper *shipper, uint64_t timeout_ms)
{
    struct sw_shipper_end end = {0};
    uint64_t until_us;

    if (shipper == NULL)
        return end;
    until_us = now_us(shipper) + timeout_ms * 1000;
    atomic_store(&shipper->every, true);
    atomic_store(&shipper->stop_at_us, until_us);
    pthread_mutex_lock(&shipper->lock);
    atomic_store(&shipper->stopping, true);
    pthread_cond_signal(&shipper->woken);
    while (!shipper->has_ended && now_us(shipper) < until_us)
        (void)wait_on(&shipper->ended, &shipper->lock, until_us);
    if (!shipper->has_ended)
        sw_store_cancel(shipper->options.store);
    pthread_mutex_unlock(&shipper->lock);
    sw_thread_join(&shipper->thread);
    end.lsn = atomic_load(&shipper->lsn);
    end.shipped_lsn = atomic_load(&shipper->shipped_lsn);
    end.fenced = sw_shipper_is_fenced(shipper);
    free_shipper(shipper);
    return end;
}
