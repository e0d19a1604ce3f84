/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/worker/readers.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sidecar/worker/thread.h"

enum { READER_NICE = 10 };

struct reader {
    struct sw_thread thread;
    struct sw_journal_reader *connection;
    struct sw_readers *pool;
};

struct sw_readers {
    /* fixed: set by start */
    struct reader readers[SW_READERS_MAX];
    unsigned count;

    /* shared: only while `lock` is held */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct sw_reader_job *head;
    struct sw_reader_job **tail;
    unsigned length;
    bool stopping;
};

static struct sw_reader_job *take(struct sw_readers *pool)
{
    struct sw_reader_job *job;

    pthread_mutex_lock(&pool->lock);
    while (pool->head == NULL && !pool->stopping)
        pthread_cond_wait(&pool->changed, &pool->lock);
    job = pool->head;
    if (job != NULL) {
        pool->head = job->next;
        if (pool->head == NULL)
            pool->tail = &pool->head;
        pool->length--;
    }
    pthread_mutex_unlock(&pool->lock);
    return job;
}

static void run_jobs(void *self)
{
    struct reader *reader = self;
    struct sw_reader_job *job;

    /* Whoever reads a history waits for milliseconds, whoever writes for an fsync: where cores
     * are short, the loop comes first. Failing that, they share. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), READER_NICE);
    while ((job = take(reader->pool)) != NULL) {
        job->run(job, reader->connection);
        job->done(job);
    }
}

enum sw_code sw_readers_start(const char *path, unsigned count, struct sw_readers **ret_readers,
                              struct sw_err *err)
{
    struct sw_readers *pool;
    enum sw_code rc = SW_OK;

    assert(count > 0 && count <= SW_READERS_MAX);
    pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return sw_fail(err, SW_NO_MEMORY, "readers");
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pool->tail = &pool->head;
    for (unsigned i = 0; i < count && rc == SW_OK; i++) {
        struct reader *reader = &pool->readers[i];

        pool->count = i + 1;
        reader->pool = pool;
        rc = sw_journal_reader_open(path, NULL, &reader->connection, err);
        if (rc == SW_OK)
            rc = sw_thread_start(&reader->thread, "reader", run_jobs, reader, err);
    }
    if (rc != SW_OK) {
        sw_readers_stop(pool);
        return sw_wrap(err, "start readers");
    }
    *ret_readers = pool;
    return SW_OK;
}

enum sw_code sw_readers_submit(struct sw_readers *readers, struct sw_reader_job *job,
                               struct sw_err *err)
{
    enum sw_code rc = SW_OK;

    assert(job->run != NULL && job->done != NULL);
    pthread_mutex_lock(&readers->lock);
    assert(!readers->stopping);
    if (readers->length == SW_READERS_QUEUE_MAX) {
        rc = sw_fail(err, SW_QUEUE_FULL, "%d reads wait already", SW_READERS_QUEUE_MAX);
    } else {
        job->next = NULL;
        *readers->tail = job;
        readers->tail = &job->next;
        readers->length++;
        pthread_cond_signal(&readers->changed);
    }
    pthread_mutex_unlock(&readers->lock);
    return rc;
}

void sw_readers_stop(struct sw_readers *readers)
{
    if (readers == NULL)
        return;
    pthread_mutex_lock(&readers->lock);
    readers->stopping = true;
    pthread_cond_broadcast(&readers->changed);
    pthread_mutex_unlock(&readers->lock);
    for (unsigned i = 0; i < readers->count; i++) {
        sw_thread_join(&readers->readers[i].thread);
        sw_journal_reader_close(readers->readers[i].connection);
    }
    pthread_cond_destroy(&readers->changed);
    pthread_mutex_destroy(&readers->lock);
    free(readers);
}
