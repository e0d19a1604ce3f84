/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics - counters, gauges and histograms of the process (metrics.def).
 *
 * Owns:    static atomics. The loop never waits for whoever reads them.
 * Threads: any.
 * Fails:   never.
 */
#ifndef SW_METRICS_H
#define SW_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum sw_metric {
#define SW_METRIC(identifier, type, name, help) SW_METRIC_##identifier,
#include "sidecar/metrics.def"
#undef SW_METRIC
    SW_METRIC_COUNT
};

void sw_metric_add(enum sw_metric metric, uint64_t n);       /* counters */
void sw_metric_set(enum sw_metric metric, uint64_t value);   /* gauges; of an age: its start, ms */
void sw_metric_observe(enum sw_metric metric, double value); /* histograms: seconds, or a count */

/* Prometheus text exposition format 0.0.4; malloc'd and NUL-terminated, NULL without memory. */
char *sw_metrics_text(size_t *ret_size);

/* For /healthz and /readyz, answered without the loop. */
enum sw_health { SW_HEALTH_STARTING, SW_HEALTH_SERVING, SW_HEALTH_DRAINING };
void sw_health_set(enum sw_health health);
enum sw_health sw_health_get(void);

#endif
