/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/worker/snapshotter.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sidecar/worker/thread.h"

enum { SNAPSHOTTER_NICE = 10 };

struct sw_snapshotter {
    struct sw_snapshotter_options options;
    struct sw_thread thread;
    struct sw_archive *fork;
    struct sw_store *store;
    struct sw_journal_reader *reader;
    enum sw_code rc; /* the thread's, until it has ended */
    struct sw_err err;
    atomic_bool ended;
};

static void run(void *self)
{
    struct sw_snapshotter *snapshotter = self;

    /* Nobody waits for it. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), SNAPSHOTTER_NICE);
    snapshotter->rc =
        sw_archive_snapshot(snapshotter->fork, snapshotter->reader, &snapshotter->err);
    atomic_store(&snapshotter->ended, true);
    snapshotter->options.ended(snapshotter->options.self);
}

/* But for the fork. */
static void free_snapshotter(struct sw_snapshotter *snapshotter)
{
    sw_journal_reader_close(snapshotter->reader);
    sw_store_close(snapshotter->store);
    free(snapshotter);
}

enum sw_code sw_snapshotter_start(const struct sw_snapshotter_options *options,
                                  const struct sw_archive *archive,
                                  struct sw_snapshotter **ret_snapshotter, struct sw_err *err)
{
    struct sw_snapshotter *snapshotter = calloc(1, sizeof *snapshotter);
    enum sw_code rc;

    if (snapshotter == NULL)
        return sw_fail(err, SW_NO_MEMORY, "snapshotter");
    snapshotter->options = *options;
    rc = sw_store_open(options->store, &snapshotter->store, err);
    if (rc == SW_OK)
        rc = sw_journal_reader_open(options->data, NULL, &snapshotter->reader, err);
    if (rc == SW_OK)
        rc = sw_archive_fork(archive, snapshotter->store, &snapshotter->fork, err);
    if (rc == SW_OK)
        rc = sw_thread_start(&snapshotter->thread, "snapshotter", run, snapshotter, err);
    if (rc != SW_OK) {
        sw_archive_close(snapshotter->fork);
        free_snapshotter(snapshotter);
        return sw_wrap(err, "start snapshotter");
    }
    *ret_snapshotter = snapshotter;
    return SW_OK;
}

bool sw_snapshotter_has_ended(const struct sw_snapshotter *snapshotter)
{
    return snapshotter != NULL && atomic_load(&snapshotter->ended);
}

void sw_snapshotter_cancel(struct sw_snapshotter *snapshotter)
{
    sw_archive_give_way(snapshotter->fork, true);
    sw_store_cancel(snapshotter->store);
}

enum sw_code sw_snapshotter_finish(struct sw_snapshotter **snapshotter, struct sw_archive *archive,
                                   struct sw_err *err)
{
    struct sw_snapshotter *ended = *snapshotter;
    enum sw_code rc;

    *snapshotter = NULL;
    sw_thread_join(&ended->thread);
    rc = ended->rc;
    if (rc != SW_OK)
        *err = ended->err;
    sw_archive_join(archive, &ended->fork);
    free_snapshotter(ended);
    return rc;
}
