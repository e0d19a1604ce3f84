/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/base/clock.h"

enum type { TYPE_counter, TYPE_gauge, TYPE_gauge_age, TYPE_histogram, TYPE_histogram_count };

enum { BUCKETS_MAX = 14 };

static const struct {
    enum type type;
    const char *name;
    const char *help;
} metrics[SW_METRIC_COUNT] = {
#define SW_METRIC(identifier, type, name, help)                                                    \
    [SW_METRIC_##identifier] = {TYPE_##type, "stepwell_" name, help},
#include "sidecar/metrics.def"
#undef SW_METRIC
};

/* Upper bounds. Seconds: an fsync takes 0.3 ms on good disks, 350 ms on stalled ones. */
static const double seconds_bounds[BUCKETS_MAX] = {
    0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};
static const double count_bounds[BUCKETS_MAX] = {1,   2,   4,   8,    16,   32,   64,
                                                 128, 256, 512, 1024, 2048, 4096, 8192};

/* A counter or gauge uses `value` alone: of an age, since when, ms since 1970, 0 = nothing is
 * aging. */
static struct {
    _Atomic uint64_t value;                    /* histogram: the sum, in units of 1 / scale() */
    _Atomic uint64_t buckets[BUCKETS_MAX + 1]; /* the last: above all bounds */
} values[SW_METRIC_COUNT];

static _Atomic int health = SW_HEALTH_STARTING;

static bool is_histogram(enum sw_metric metric)
{
    return metrics[metric].type >= TYPE_histogram;
}

static const double *bounds(enum sw_metric metric)
{
    return metrics[metric].type == TYPE_histogram ? seconds_bounds : count_bounds;
}

/* Sums are kept as integers so that adding needs no loop: nanoseconds, or counts. */
static double scale(enum sw_metric metric)
{
    return metrics[metric].type == TYPE_histogram ? 1e9 : 1;
}

void sw_metric_add(enum sw_metric metric, uint64_t n)
{
    assert(metrics[metric].type == TYPE_counter);
    atomic_fetch_add_explicit(&values[metric].value, n, memory_order_relaxed);
}

void sw_metric_set(enum sw_metric metric, uint64_t value)
{
    assert(metrics[metric].type == TYPE_gauge || metrics[metric].type == TYPE_gauge_age);
    atomic_store_explicit(&values[metric].value, value, memory_order_relaxed);
}

void sw_metric_observe(enum sw_metric metric, double value)
{
    unsigned bucket = 0;

    assert(is_histogram(metric));
    if (!(value > 0)) /* a clock that went back, or NaN */
        value = 0;
    while (bucket < BUCKETS_MAX && value > bounds(metric)[bucket])
        bucket++;
    atomic_fetch_add_explicit(&values[metric].buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&values[metric].value, (uint64_t)(value * scale(metric)),
                              memory_order_relaxed);
}

static void print_histogram(FILE *out, enum sw_metric metric)
{
    const char *name = metrics[metric].name;
    uint64_t sum = atomic_load_explicit(&values[metric].value, memory_order_relaxed);
    uint64_t below = 0;

    for (unsigned i = 0; i <= BUCKETS_MAX; i++) {
        below += atomic_load_explicit(&values[metric].buckets[i], memory_order_relaxed);
        if (i < BUCKETS_MAX)
            (void)fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, bounds(metric)[i],
                          below);
    }
    (void)fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, below);
    (void)fprintf(out, "%s_sum %.9g\n", name, (double)sum / scale(metric));
    (void)fprintf(out, "%s_count %" PRIu64 "\n", name, below);
}

/* Counted when it is read, so that it rises even if nobody sets it. */
static void print_age(FILE *out, enum sw_metric metric)
{
    uint64_t since_ms = atomic_load_explicit(&values[metric].value, memory_order_relaxed);
    uint64_t now_ms = sw_clock_now_ms(&sw_clock_system);
    uint64_t age_ms = since_ms == 0 || now_ms < since_ms ? 0 : now_ms - since_ms;

    (void)fprintf(out, "%s %" PRIu64 ".%03" PRIu64 "\n", metrics[metric].name, age_ms / 1000,
                  age_ms % 1000);
}

char *sw_metrics_text(size_t *ret_size)
{
    static const char *const type_names[] = {"counter", "gauge", "gauge", "histogram", "histogram"};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    (void)fprintf(out, "# HELP stepwell_build_info What runs\n# TYPE stepwell_build_info gauge\n"
                       "stepwell_build_info{version=\"" SW_VERSION "\"} 1\n");
    for (enum sw_metric metric = 0; metric < SW_METRIC_COUNT; metric++) {
        (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[metric].name,
                      metrics[metric].help, metrics[metric].name, type_names[metrics[metric].type]);
        if (is_histogram(metric))
            print_histogram(out, metric);
        else if (metrics[metric].type == TYPE_gauge_age)
            print_age(out, metric);
        else
            (void)fprintf(out, "%s %" PRIu64 "\n", metrics[metric].name,
                          atomic_load_explicit(&values[metric].value, memory_order_relaxed));
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    *ret_size = size;
    return text;
}

void sw_health_set(enum sw_health now)
{
    atomic_store(&health, (int)now);
}

enum sw_health sw_health_get(void)
{
    return (enum sw_health)atomic_load(&health);
}
