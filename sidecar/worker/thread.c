/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/worker/thread.h"

#include <signal.h>

static void *enter(void *argument)
{
    struct sw_thread *thread = argument;

    pthread_setname_np(pthread_self(), thread->name);
    thread->run(thread->self);
    return NULL;
}

enum sw_code sw_thread_start(struct sw_thread *thread, const char *name, void (*run)(void *self),
                             void *self, struct sw_err *err)
{
    sigset_t all;
    sigset_t before;
    int failed;

    *thread = (struct sw_thread){.name = name, .run = run, .self = self};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread->id, NULL, enter, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return sw_fail(err, SW_NO_MEMORY, "start thread %s: error %d", name, failed);
    thread->started = true;
    return SW_OK;
}

void sw_thread_join(struct sw_thread *thread)
{
    if (!thread->started)
        return;
    pthread_join(thread->id, NULL);
    thread->started = false;
}
