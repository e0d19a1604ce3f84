/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/worker/recent_times.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

void sw_recent_times_add(struct sw_recent_times *times, uint64_t us)
{
    times->us[times->count++ % SW_RECENT_TIMES_MAX] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

uint64_t sw_recent_times_percentile(const struct sw_recent_times *times, unsigned percent)
{
    size_t count = times->count < SW_RECENT_TIMES_MAX ? (size_t)times->count : SW_RECENT_TIMES_MAX;
    uint32_t sorted[SW_RECENT_TIMES_MAX];

    if (count == 0)
        return 0;
    memcpy(sorted, times->us, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    return sorted[(count - 1) * percent / 100];
}
