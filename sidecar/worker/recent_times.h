/* SPDX-License-Identifier: Apache-2.0
 *
 * recent_times - how long the newest 256 of something took.
 *
 * Owns:    nothing but itself; all zero is empty.
 * Threads: one at a time.
 * Fails:   never.
 */
#ifndef SW_RECENT_TIMES_H
#define SW_RECENT_TIMES_H

#include <stdint.h>

enum { SW_RECENT_TIMES_MAX = 256 };

struct sw_recent_times {
    uint32_t us[SW_RECENT_TIMES_MAX];
    uint64_t count; /* of all, also those that are forgotten */
};

void sw_recent_times_add(struct sw_recent_times *times, uint64_t us);

/* The least time that so many percent (0 to 100) of them took at most; 0: there is none. */
uint64_t sw_recent_times_percentile(const struct sw_recent_times *times, unsigned percent);

#endif
