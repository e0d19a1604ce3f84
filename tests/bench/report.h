/* SPDX-License-Identifier: Apache-2.0
 *
 * report - latencies gathered and printed as one line of JSON.
 */
#ifndef SW_BENCH_REPORT_H
#define SW_BENCH_REPORT_H

#include <stddef.h>
#include <stdint.h>

struct bench_report {
    uint32_t *us; /* one per sample */
    size_t count;
    size_t room;
    uint64_t started_us;
};

uint64_t bench_now_us(void); /* CLOCK_MONOTONIC */
void bench_report_start(struct bench_report *report);
void bench_report_add(struct bench_report *report, uint64_t us);
/* {"count","seconds","per_s","p50_us","p99_us"}; frees the samples. */
void bench_report_print(struct bench_report *report);

#endif
