/* SPDX-License-Identifier: Apache-2.0
 *
 * clock - what time it is, behind a table so that tests can say.
 *
 * Threads: any.
 */
#ifndef SW_CLOCK_H
#define SW_CLOCK_H

#include <stdint.h>

struct sw_clock {
    uint64_t (*now_ms)(void *self);       /* wall clock, ms since the Unix epoch */
    uint64_t (*monotonic_us)(void *self); /* for durations */
    void *self;
};

/* The system's clocks. */
extern const struct sw_clock sw_clock_system;

static inline uint64_t sw_clock_now_ms(const struct sw_clock *clock)
{
    return clock->now_ms(clock->self);
}

static inline uint64_t sw_clock_monotonic_us(const struct sw_clock *clock)
{
    return clock->monotonic_us(clock->self);
}

#endif
