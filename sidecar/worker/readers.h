/* SPDX-License-Identifier: Apache-2.0
 *
 * readers - a few threads that read the journal, so that the loop never waits for it.
 *
 * A job is handed over whole and comes back through its `done`, which runs on the
 * reader's thread and must only pass it on.
 *
 * Owns:    the threads, one read-only connection each, and every job between submit
 *          and done.
 * Threads: submit from any thread; start and stop from one.
 * Fails:   submit answers QUEUE_FULL at SW_READERS_QUEUE_MAX waiting jobs.
 */
#ifndef SW_READERS_H
#define SW_READERS_H

#include <stdatomic.h>
#include <stdlib.h>

#include "storage/base/status.h"
#include "storage/journal/journal.h"

enum { SW_READERS_QUEUE_MAX = 4096, SW_READERS_MAX = 16 };

struct sw_readers;

struct sw_reader_job {
    void (*run)(struct sw_reader_job *job, struct sw_journal_reader *reader);
    void (*done)(struct sw_reader_job *job);
    struct sw_reader_job *next; /* the queue's */
    atomic_bool back;           /* see below */
};

/* The job's way back to its owner. give_back() is the last touch on the reader's thread,
 * before whatever wakes the owner; take_back() the first on the owner's: all the reader wrote
 * is then visible there, whatever the two are woken by. */
static inline void sw_reader_job_give_back(struct sw_reader_job *job)
{
    atomic_store_explicit(&job->back, true, memory_order_release);
}

static inline void sw_reader_job_take_back(struct sw_reader_job *job)
{
    if (!atomic_exchange_explicit(&job->back, false, memory_order_acquire))
        abort(); /* woken for a job that is still out */
}

/* Opens `count` connections on path and starts as many threads. */
SW_MUST_CHECK enum sw_code sw_readers_start(const char *path, unsigned count,
                                            struct sw_readers **ret_readers, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_readers_submit(struct sw_readers *readers, struct sw_reader_job *job,
                                             struct sw_err *err);
/* Finishes what was submitted, then stops. NULL is fine. */
void sw_readers_stop(struct sw_readers *readers);

#endif
