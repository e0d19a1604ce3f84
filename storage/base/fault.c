/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/base/fault.h"

enum {
    POINTS_COUNT = 0
#define SW_FAULT_POINT(name, text) +1
#include "storage/base/fault.def"
#undef SW_FAULT_POINT
};

#ifdef SW_FAULTS
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *name;
    unsigned kill_in; /* visits until the process dies; 0 = never */
    unsigned fail_in; /* visits until one fails; 0 = never */
} points[POINTS_COUNT] = {
#define SW_FAULT_POINT(point, text) {.name = point},
#include "storage/base/fault.def"
#undef SW_FAULT_POINT
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards points, fired, was_read */
static bool fired;
static bool was_read; /* the environment */

/* A name that is not in fault.def would make a test pass for nothing: abort. */
static size_t find(const char *name, size_t size)
{
    for (size_t i = 0; i < POINTS_COUNT; i++) {
        if (strlen(points[i].name) == size && memcmp(points[i].name, name, size) == 0)
            return i;
    }
    (void)fprintf(stderr, "no fault point is named %.*s\n", (int)size, name);
    abort();
}

static void read_environment_locked(void)
{
    const char *next = getenv("STEPWELL_FAULT");

    was_read = true;
    while (next != NULL && *next != '\0') {
        size_t size = strcspn(next, ":,");
        size_t point = find(next, size);
        unsigned long nth = 1;

        next += size;
        if (*next == ':') {
            char *end;

            nth = strtoul(next + 1, &end, 10);
            next = end;
        }
        points[point].kill_in = (unsigned)nth;
        if (*next == ',')
            next++;
        else if (*next != '\0')
            abort();
    }
}

bool sw_fault_visit(const char *point)
{
    bool fails = false;
    size_t i = find(point, strlen(point));

    pthread_mutex_lock(&lock);
    if (!was_read)
        read_environment_locked();
    if (points[i].kill_in > 0 && --points[i].kill_in == 0)
        (void)raise(SIGKILL);
    if (points[i].fail_in > 0 && --points[i].fail_in == 0)
        fired = fails = true;
    pthread_mutex_unlock(&lock);
    return fails;
}

void sw_fault_arm(const char *point, unsigned nth)
{
    size_t i = find(point, strlen(point));

    pthread_mutex_lock(&lock);
    points[i].fail_in = nth;
    fired = false;
    pthread_mutex_unlock(&lock);
}

bool sw_fault_disarm(void)
{
    bool ret;

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < POINTS_COUNT; i++)
        points[i].fail_in = 0;
    ret = fired;
    fired = false;
    pthread_mutex_unlock(&lock);
    return ret;
}
#endif
