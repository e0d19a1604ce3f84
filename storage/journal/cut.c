/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/cut.h"

#include <pthread.h>
#include <stdlib.h>

/* Bits of the hash that must be zero: more before the normal size, fewer behind. */
enum { BITS_EARLY = 12, BITS_LATE = 9 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t gear[256];

/* The gear table by splitmix64 (Steele et al., OOPSLA 2014) from a fixed seed:
 * other numbers would find no chunk stored before. */
static void fill_gear(void)
{
    uint64_t state = 0x73746570; /* "step" */

    for (size_t i = 0; i < 256; i++) {
        uint64_t mixed = (state += 0x9e3779b97f4a7c15);

        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        gear[i] = mixed ^ (mixed >> 31);
    }
}

size_t sw_cut(struct sw_span bytes)
{
    size_t end = bytes.size < SW_CUT_MAX ? bytes.size : SW_CUT_MAX;
    size_t normal = end < SW_CUT_NORMAL ? end : SW_CUT_NORMAL;
    uint64_t hash = 0;
    size_t i = SW_CUT_MIN;

    if (bytes.size <= SW_CUT_MIN)
        return bytes.size;
    if (pthread_once(&once, fill_gear) != 0)
        abort();
    for (; i < normal; i++) {
        hash = (hash << 1) + gear[bytes.data[i]];
        if (hash >> (64 - BITS_EARLY) == 0)
            return i + 1;
    }
    for (; i < end; i++) {
        hash = (hash << 1) + gear[bytes.data[i]];
        if (hash >> (64 - BITS_LATE) == 0)
            return i + 1;
    }
    return end;
}
