/* SPDX-License-Identifier: Apache-2.0
 *
 * thread - a named thread with every signal blocked: signals are the main thread's.
 *
 * Owns:    the thread between start and join.
 * Threads: start and join by the owner.
 * Fails:   NO_MEMORY when the system has no thread to give.
 */
#ifndef SW_THREAD_H
#define SW_THREAD_H

#include <pthread.h>

#include "storage/base/status.h"

struct sw_thread {
    pthread_t id;
    bool started;
    const char *name; /* at most 15 bytes */
    void (*run)(void *self);
    void *self;
};

SW_MUST_CHECK enum sw_code sw_thread_start(struct sw_thread *thread, const char *name,
                                           void (*run)(void *self), void *self, struct sw_err *err);
void sw_thread_join(struct sw_thread *thread); /* not started is fine */

#endif
