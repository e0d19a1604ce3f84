/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/base/clock.h"

#include <stdlib.h>
#include <time.h>

static struct timespec read_clock(clockid_t id)
{
    struct timespec now;

    if (clock_gettime(id, &now) != 0)
        abort();
    return now;
}

static uint64_t system_now_ms(void *self)
{
    struct timespec now = read_clock(CLOCK_REALTIME);

    (void)self;
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t system_monotonic_us(void *self)
{
    struct timespec now = read_clock(CLOCK_MONOTONIC);

    (void)self;
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

const struct sw_clock sw_clock_system = {
    .now_ms = system_now_ms,
    .monotonic_us = system_monotonic_us,
};
