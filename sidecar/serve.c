/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sidecar/log.h"
#include "sidecar/metrics.h"
#include "sidecar/rpc/server.h"
#include "sidecar/worker/metrics_http.h"
#include "sidecar/worker/opener.h"
#include "sidecar/worker/readers.h"
#include "sidecar/worker/shipper.h"
#include "sidecar/worker/thread.h"
#include "storage/journal/journal.h"

enum {
    STEPS_CACHED_MAX = 1000000,   /* about 16 MiB */
    SHIP_BYTES_MAX = 256 << 10,   /* so many pending bytes are shipped soon */
    SHIP_SPACING_US = 100 * 1000, /* at most ten shipments a second that nobody waits for */
    SHIP_AFTER_CALLS_MS = 1000    /* least time to ship what the last calls recorded */
};

/* Everything the process owns, in the order it is made. */
struct process {
    const struct sw_config *config;
    int ready_fd;
    struct sw_metrics_http *metrics;
    struct sw_store_options store_options;
    struct sw_store *store;
    struct sw_server *server;
    struct sw_opener *opener;
    struct sw_thread loop;
    char owner[320];
    /* made by the opener, or at once where there is nothing to wait for */
    struct sw_journal *journal;
    struct sw_readers *readers;
    struct sw_shipper *shipper;
    struct sw_service *service;
    /* how it ended */
    _Atomic int opened; /* enum sw_code of the opener */
};

static int exit_code(enum sw_code rc)
{
    switch ((int)rc) {
    case SW_OK:
        return SW_EXIT_OK;
    case SW_CONFIGURATION:
    case SW_JOURNAL_LOCKED:
    case SW_JOURNAL_TOO_NEW:
    case SW_JOURNAL_RETIRED:
    case SW_STORE_REFUSED:
    case SW_STORE_UNSAFE:
        return SW_EXIT_CONFIGURATION;
    case SW_OWNER_FENCED:
        return SW_EXIT_FENCED;
    default:
        return SW_EXIT_STORAGE;
    }
}

static struct sw_journal_options journal_options(const struct sw_config *config)
{
    return (struct sw_journal_options){
        .directory = config->data,
        .name = config->journal,
        .bytes_max = config->limits.journal_bytes_max,
        .bytes_reserved = config->journal_reserve_bytes,
        .retention_ms = config->retention_ms,
        .check_all = config->check_all,
        .now_ms = sw_clock_now_ms(&sw_clock_system),
    };
}

static void tell_ready(struct process *process)
{
    sw_log(INFO, "serving", {"owner", .text = process->owner}, {"version", .text = SW_VERSION});
    if (process->ready_fd < 0)
        return;
    if (write(process->ready_fd, "1", 1) != 1)
        sw_log_write(SW_LOG_WARNING, "nobody listens on the ready descriptor", NULL);
    close(process->ready_fd);
}

/* ---- once the journal is open ------------------------------------------------- */

static enum sw_code start_shipper(struct process *process, struct sw_archive **archive,
                                  bool restored, struct sw_err *err)
{
    const struct sw_config *config = process->config;
    struct sw_shipper_options options = {
        .data = config->data,
        .lsn = sw_journal_state(process->journal)->lsn,
        .restored = restored,
        .store = process->store,
        .store_options = &process->store_options,
        .clock = &sw_clock_system,
        .policy = {.interval_us = config->ship_interval_ms * 1000,
                   .bytes_max = SHIP_BYTES_MAX,
                   .spacing_us = SHIP_SPACING_US,
                   .backlog_bytes_max = config->backlog_bytes_max,
                   .backlog_age_us_max = config->backlog_age_ms_max * 1000},
        .changed = sw_server_shipped,
        .self = process->server,
    };

    return sw_shipper_start(&options, archive, &process->shipper, err);
}

static enum sw_code start_service(struct process *process, struct sw_err *err)
{
    const struct sw_config *config = process->config;
    struct sw_journal_reader *reader = NULL;
    struct sw_service_options options = {
        .journal = process->journal,
        .clock = &sw_clock_system,
        .limits = config->limits,
        .lease_grace_ms = config->lease_grace_ms,
        .steps_cached_max = STEPS_CACHED_MAX,
        .events = sw_server_events(process->server),
        .has_store = process->shipper != NULL,
        .backlog_full = process->shipper != NULL ? sw_server_backlog_full : NULL,
        .backlog = process->server,
    };
    enum sw_code rc = sw_journal_reader_open(config->data, NULL, &reader, err);

    options.reader = reader;
    if (rc == SW_OK)
        rc = sw_service_new(&options, &process->service, err);
    sw_journal_reader_close(reader);
    return rc;
}

/* On the opener's thread, or on the main thread before the loop runs. */
static enum sw_code on_opened(void *self, struct sw_journal **journal, struct sw_archive **archive,
                              const struct sw_take_over *report, struct sw_err *err)
{
    struct process *process = self;
    const struct sw_config *config = process->config;
    const struct sw_journal_state *state = sw_journal_state(*journal);
    enum sw_code rc;

    process->journal = *journal;
    *journal = NULL;
    sw_log(INFO, "journal open", {"journal", .text = state->name},
           {"epoch", .number = state->epoch}, {"lsn", .number = state->lsn},
           {"bytes", .number = state->bytes});
    if (*archive == NULL && sw_journal_kept_after(process->journal) != 0)
        sw_log(WARNING, "without the object store it was shipped to: runs that it lacks are kept",
               {"kept_after_lsn", .number = sw_journal_kept_after(process->journal)});
    rc = sw_readers_start(config->data, config->readers, &process->readers, err);
    if (rc == SW_OK && *archive != NULL)
        rc = start_shipper(process, archive, report->restored_records != 0, err);
    if (rc == SW_OK)
        rc = start_service(process, err);
    if (rc != SW_OK)
        return rc;
    sw_server_attach(process->server,
                     &(struct sw_server_backing){
                         .journal = process->journal,
                         .readers = process->readers,
                         .service = process->service,
                         .shipper = process->shipper,
                         .store_url = process->store == NULL ? NULL : sw_store_url(process->store),
                     });
    return SW_OK;
}

static enum sw_code on_opened_late(void *self, struct sw_journal **journal,
                                   struct sw_archive **archive, const struct sw_take_over *report,
                                   struct sw_err *err)
{
    enum sw_code rc = on_opened(self, journal, archive, report, err);

    if (rc == SW_OK)
        tell_ready(self);
    return rc;
}

static void on_open_failed(void *self, enum sw_code rc, const struct sw_err *err)
{
    struct process *process = self;

    sw_log(ERROR, "cannot open the journal", {"reason", .text = sw_code_name(rc)},
           {"error", .text = err->text});
    atomic_store(&process->opened, (int)rc);
    kill(getpid(), SIGTERM); /* the main thread waits for it */
}

/* ---- starting -------------------------------------------------------------------- */

static bool opens_late(const struct process *process)
{
    return process->store != NULL || process->config->journal == NULL;
}

static enum sw_code open_now(struct process *process, struct sw_err *err)
{
    struct sw_journal_options options = journal_options(process->config);
    struct sw_journal *journal = NULL;
    struct sw_archive *archive = NULL;
    enum sw_code rc = sw_journal_open(&options, &journal, err);

    if (rc != SW_OK)
        return sw_wrap(err, "open journal in %s", process->config->data);
    return on_opened(process, &journal, &archive, &(struct sw_take_over){.local = SW_LOCAL_SAME},
                     err);
}

static enum sw_code open_late(struct process *process, struct sw_err *err)
{
    const struct sw_config *config = process->config;
    struct sw_opener_options options = {
        .journal = journal_options(config),
        .name_file = config->journal_file,
        .store = process->store,
        .key_file = config->store_key_file,
        .clock = &sw_clock_system,
        .opened = on_opened_late,
        .failed = on_open_failed,
        .self = process,
    };

    return sw_opener_start(&options, &process->opener, err);
}

static enum sw_code start(struct process *process, struct sw_err *err)
{
    const struct sw_config *config = process->config;
    char host[256] = "?";
    enum sw_code rc = SW_OK;

    if (config->store.url != NULL) {
        process->store_options = config->store;
        process->store_options.clock = &sw_clock_system;
        rc = sw_store_open(&process->store_options, &process->store, err);
    }
    if (rc == SW_OK && config->metrics_listen != NULL)
        rc = sw_metrics_http_start(config->metrics_listen, &process->metrics, err);
    if (rc != SW_OK)
        return rc;
    (void)gethostname(host, sizeof host - 1);
    snprintf(process->owner, sizeof process->owner, "%s/%ld", host, (long)getpid());
    rc = sw_server_new(&(struct sw_server_options){.config = config,
                                                   .clock = &sw_clock_system,
                                                   .owner = process->owner},
                       &process->server, err);
    if (rc == SW_OK && !opens_late(process))
        rc = open_now(process, err);
    if (rc == SW_OK)
        rc = sw_server_listen(process->server, err);
    if (rc == SW_OK && opens_late(process))
        rc = open_late(process, err);
    return rc;
}

static void run_loop(void *self)
{
    struct process *process = self;
    struct sw_err err = {0};

    if (sw_server_run(process->server, &err) != SW_OK) {
        /* Nothing unacknowledged was acknowledged; what is on disk is for the next
         * start to find out. No orderly shutdown: it would touch the journal. */
        sw_log(ERROR, "the journal failed, giving up", {"error", .text = err.text});
        _exit(SW_EXIT_STORAGE);
    }
    kill(getpid(), SIGTERM); /* the main thread waits for it */
}

/* ---- ending ----------------------------------------------------------------------- */

/* Ended before the store was reached: nobody knows what it lacks of a journal that is here. */
static bool is_unknown_to_store(const struct process *process)
{
    char path[4096];

    if (process->store == NULL || process->shipper != NULL)
        return false;
    (void)snprintf(path, sizeof path, "%s/journal.db", process->config->data);
    return access(path, F_OK) == 0;
}

/* Ships the rest, closes everything, and says how it ended. */
static int stop(struct process *process, uint64_t ship_ms)
{
    struct sw_shipper_end end;
    bool unknown;

    sw_opener_stop(process->opener); /* from here on nothing is made any more */
    unknown = is_unknown_to_store(process);
    end = sw_shipper_stop(process->shipper, ship_ms);
    sw_server_free(process->server);
    sw_service_free(process->service);
    sw_metrics_http_stop(process->metrics);
    sw_readers_stop(process->readers);
    sw_journal_close(process->journal);
    sw_store_close(process->store);
    if (end.fenced)
        return SW_EXIT_FENCED;
    if (end.shipped_lsn < end.lsn) {
        sw_log(ERROR, "stopped, but the object store does not have everything",
               {"lsn", .number = end.lsn}, {"shipped_lsn", .number = end.shipped_lsn});
        return SW_EXIT_UNSHIPPED;
    }
    if (unknown) {
        sw_log_write(SW_LOG_ERROR,
                     "stopped, and the object store was not reached: it may lack what is here",
                     NULL);
        return SW_EXIT_UNSHIPPED;
    }
    return SW_EXIT_OK;
}

static int end(struct process *process, sigset_t *signals)
{
    uint64_t drain_us = process->config->drain_ms * 1000;
    uint64_t started_us;
    uint64_t took_us;
    int received;
    int code;

    sigwait(signals, &received);
    started_us = sw_clock_monotonic_us(&sw_clock_system);
    sw_server_drain(process->server);
    sw_thread_join(&process->loop);
    took_us = sw_clock_monotonic_us(&sw_clock_system) - started_us;
    code =
        stop(process, (took_us < drain_us ? drain_us - took_us : 0) / 1000 + SHIP_AFTER_CALLS_MS);
    if (atomic_load(&process->opened) != SW_OK)
        code = exit_code((enum sw_code)atomic_load(&process->opened));
    sw_log(INFO, "stopped", {"exit_code", .number = (uint64_t)code});
    return code;
}

int sw_serve(const struct sw_config *config, int ready_fd)
{
    struct process process = {.config = config, .ready_fd = ready_fd};
    struct sw_err err = {0};
    sigset_t signals;
    enum sw_code rc;

    sw_log_setup(config->log_level, config->log_text);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    rc = start(&process, &err);
    if (rc == SW_OK)
        rc = sw_thread_start(&process.loop, "loop", run_loop, &process, &err);
    if (rc != SW_OK) {
        sw_log(ERROR, "cannot start", {"reason", .text = sw_code_name(rc)},
               {"error", .text = err.text});
        (void)stop(&process, 0);
        return exit_code(rc);
    }
    if (process.opener == NULL)
        tell_ready(&process);
    return end(&process, &signals);
}
