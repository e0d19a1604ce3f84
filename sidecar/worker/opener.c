/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/worker/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sidecar/engine/ship.h"
#include "sidecar/log.h"
#include "sidecar/metrics.h"
#include "sidecar/parse.h"
#include "sidecar/worker/thread.h"
#include "storage/base/hash.h"

enum {
    NAME_LOOK_US = 100 * 1000, /* a name file is looked for so often */
    PROGRESS_US = 1000 * 1000  /* progress is logged so often */
};

struct sw_opener {
    struct sw_opener_options options;
    struct sw_thread thread;
    char name[SW_JOURNAL_NAME_MAX + 1];
    uint64_t progress_at_us;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool opened; /* lock: the callback is running, or was */
    atomic_bool stopping;
};

static uint64_t now_us(const struct sw_opener *opener)
{
    return sw_clock_monotonic_us(opener->options.clock);
}

/* False: to stop. */
static bool pause_us(struct sw_opener *opener, uint64_t us)
{
    uint64_t until_us = now_us(opener) + us;
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
                             .tv_nsec = (long)(until_us % 1000000) * 1000};

    pthread_mutex_lock(&opener->lock);
    while (!atomic_load(&opener->stopping) && now_us(opener) < until_us)
        (void)pthread_cond_timedwait(&opener->changed, &opener->lock, &until);
    pthread_mutex_unlock(&opener->lock);
    return !atomic_load(&opener->stopping);
}

/* ---- the name ---------------------------------------------------------------- */

/* An empty name: the file is not there, or still empty. */
static enum sw_code read_name(struct sw_opener *opener, struct sw_err *err)
{
    const char *path = opener->options.name_file;
    char text[SW_JOURNAL_NAME_MAX + 3] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    int failed = size < 0 ? errno : 0;

    if (fd >= 0)
        close(fd);
    if (failed == ENOENT)
        return SW_OK;
    if (failed != 0)
        return sw_fail(err, SW_CONFIGURATION, "--journal-file: %s: %s", path, strerror(failed));
    text[strcspn(text, "\r\n")] = '\0';
    if (text[0] == '\0')
        return SW_OK;
    if (!sw_is_plain_name(text, SW_JOURNAL_NAME_MAX))
        return sw_fail(err, SW_CONFIGURATION,
                       "--journal-file: %s: not a journal's name: 1 to %d of a-z A-Z 0-9 . _ -",
                       path, SW_JOURNAL_NAME_MAX);
    memcpy(opener->name, text, strlen(text) + 1);
    return SW_OK;
}

/* CANCELLED: to stop. */
static enum sw_code wait_for_name(struct sw_opener *opener, struct sw_err *err)
{
    enum sw_code rc = read_name(opener, err);

    if (rc == SW_OK && opener->name[0] == '\0')
        sw_log(INFO, "waiting for the journal's name", {"file", .text = opener->options.name_file});
    while (rc == SW_OK && opener->name[0] == '\0') {
        if (!pause_us(opener, NAME_LOOK_US))
            return sw_fail(err, SW_CANCELLED, "stopped");
        rc = read_name(opener, err);
    }
    opener->options.journal.name = opener->name;
    return rc;
}

/* ---- the journal --------------------------------------------------------------- */

static void progress(void *self, uint64_t records, uint64_t bytes, uint64_t total_bytes)
{
    struct sw_opener *opener = self;

    if (now_us(opener) < opener->progress_at_us)
        return;
    opener->progress_at_us = now_us(opener) + PROGRESS_US;
    sw_log(INFO, "restoring", {"records", .number = records}, {"bytes", .number = bytes},
           {"total_bytes", .number = total_bytes});
}

static void log_taken(const struct sw_opener *opener, const struct sw_take_over *report,
                      uint64_t started_us)
{
    static const char *const locals[] = {
        [SW_LOCAL_NEW] = "new",        [SW_LOCAL_ABSENT] = "absent",
        [SW_LOCAL_SAME] = "same",      [SW_LOCAL_BEHIND] = "behind",
        [SW_LOCAL_AHEAD] = "ahead",    [SW_LOCAL_DIVERGED] = "diverged",
        [SW_LOCAL_DAMAGED] = "damaged"};

    sw_log(INFO, "took the journal over", {"journal", .text = opener->options.journal.name},
           {"store", .text = sw_store_url(opener->options.store)},
           {"local", .text = locals[report->local]}, {"epoch", .number = report->epoch},
           {"slot", .number = report->slot}, {"lsn", .number = report->lsn},
           {"shipped_lsn", .number = report->shipped_lsn},
           {"restored_records", .number = report->restored_records},
           {"restored_bytes", .number = report->restored_bytes},
           {"ms", .number = (now_us(opener) - started_us) / 1000});
    if (report->local == SW_LOCAL_DIVERGED)
        sw_log(WARNING, "the local tail had diverged and is put aside",
               {"first_lsn", .number = report->orphan_first_lsn},
               {"last_lsn", .number = report->orphan_last_lsn}, {"object", .text = report->orphan});
    if (report->local == SW_LOCAL_DAMAGED)
        sw_log(WARNING,
               "the journal on the disk was damaged: its files are put aside in damaged-*, and it "
               "was restored from the object store; what was not shipped is not in it",
               {"error", .text = report->damage});
}

static void tell_access_end(const struct sw_opener *opener)
{
    uint64_t end_ms = sw_store_access_end_ms(opener->options.store);
    uint64_t now_ms = sw_clock_now_ms(opener->options.clock);

    sw_metric_set(SW_METRIC_ACCESS_END, end_ms / 1000);
    if (end_ms != 0 && end_ms < now_ms + SW_STORE_ACCESS_END_NEAR_MS)
        sw_log(WARNING,
               "the credentials for the object store end soon: give new ones and start again",
               {"credentials", .text = sw_store_credentials(opener->options.store)},
               {"hours", .number = end_ms < now_ms ? 0 : (end_ms - now_ms) / 3600000});
}

/* Tries for as long as the store does not answer. */
static enum sw_code take_over(struct sw_opener *opener, struct sw_archive **ret_archive,
                              struct sw_journal **ret_journal, struct sw_take_over *ret_report,
                              struct sw_err *err)
{
    const struct sw_opener_options *options = &opener->options;
    struct sw_archive_options archive_options = {
        .store = options->store,
        .journal = options->journal.name,
        .key_file = options->key_file,
        .clock = options->clock,
        .progress = progress,
        .self = opener,
    };
    uint64_t started_us = now_us(opener);
    enum sw_code rc;

    for (unsigned failures = 1;; failures++) {
        uint64_t seed;

        rc = sw_archive_probe(options->store, options->journal.name, err);
        if (rc == SW_OK)
            rc = sw_archive_take_over(&archive_options, &options->journal, ret_archive, ret_journal,
                                      ret_report, err);
        if (rc == SW_OK) {
            log_taken(opener, ret_report, started_us);
            tell_access_end(opener);
        }
        if (rc != SW_STORE_UNAVAILABLE)
            return rc;
        sw_log(WARNING, "the object store does not answer", {"failures", .number = failures},
               {"error", .text = err->text});
        sw_random(&seed, sizeof seed);
        if (!pause_us(opener, sw_ship_back_off_us(failures, seed)))
            return sw_fail(err, SW_CANCELLED, "stopped");
    }
}

/* Whether the journal is to be handed on: from then on the store is the receiver's. */
static bool hand_on(struct sw_opener *opener)
{
    bool opened;

    pthread_mutex_lock(&opener->lock);
    opened = !atomic_load(&opener->stopping);
    opener->opened = opened;
    pthread_mutex_unlock(&opener->lock);
    return opened;
}

static void run(void *self)
{
    struct sw_opener *opener = self;
    const struct sw_opener_options *options = &opener->options;
    struct sw_take_over report = {.local = SW_LOCAL_NEW};
    struct sw_archive *archive = NULL;
    struct sw_journal *journal = NULL;
    struct sw_err err = {0};
    enum sw_code rc = SW_OK;

    if (options->journal.name == NULL)
        rc = wait_for_name(opener, &err);
    if (rc == SW_OK && options->store != NULL)
        rc = take_over(opener, &archive, &journal, &report, &err);
    else if (rc == SW_OK)
        rc = sw_journal_open(&options->journal, &journal, &err);
    if (rc == SW_OK && hand_on(opener))
        rc = options->opened(options->self, &journal, &archive, &report, &err);
    sw_archive_close(archive);
    sw_journal_close(journal);
    if (rc != SW_OK && !atomic_load(&opener->stopping))
        options->failed(options->self, rc, &err);
}

/* ---- life ------------------------------------------------------------------------ */

enum sw_code sw_opener_start(const struct sw_opener_options *options, struct sw_opener **ret_opener,
                             struct sw_err *err)
{
    struct sw_opener *opener = calloc(1, sizeof *opener);
    pthread_condattr_t monotonic;
    enum sw_code rc;

    if (opener == NULL)
        return sw_fail(err, SW_NO_MEMORY, "opener");
    opener->options = *options;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&opener->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&opener->lock, NULL);
    rc = sw_thread_start(&opener->thread, "opener", run, opener, err);
    if (rc != SW_OK)
        sw_opener_stop(opener);
    else
        *ret_opener = opener;
    return rc;
}

void sw_opener_stop(struct sw_opener *opener)
{
    if (opener == NULL)
        return;
    pthread_mutex_lock(&opener->lock);
    atomic_store(&opener->stopping, true);
    pthread_cond_signal(&opener->changed);
    if (!opener->opened && opener->options.store != NULL)
        sw_store_cancel(opener->options.store);
    pthread_mutex_unlock(&opener->lock);
    sw_thread_join(&opener->thread);
    pthread_cond_destroy(&opener->changed);
    pthread_mutex_destroy(&opener->lock);
    free(opener);
}
