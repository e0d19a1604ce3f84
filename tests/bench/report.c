/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/report.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t bench_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void bench_report_start(struct bench_report *report)
{
    *report = (struct bench_report){.started_us = bench_now_us()};
}

void bench_report_add(struct bench_report *report, uint64_t us)
{
    if (report->count == report->room) {
        report->room = report->room == 0 ? 4096 : report->room * 2;
        report->us = realloc(report->us, report->room * sizeof *report->us);
        assert(report->us != NULL);
    }
    report->us[report->count++] = (uint32_t)us;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

void bench_report_print(struct bench_report *report)
{
    double seconds = (double)(bench_now_us() - report->started_us) / 1e6;
    size_t count = report->count;

    qsort(report->us, count, sizeof *report->us, by_size);
    printf("{\"count\": %zu, \"seconds\": %.3f, \"per_s\": %.1f, \"p50_us\": %u, \"p99_us\": %u}\n",
           count, seconds, (double)count / seconds, count ? report->us[count / 2] : 0,
           count ? report->us[count * 99 / 100] : 0);
    free(report->us);
}
