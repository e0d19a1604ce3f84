/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sidecar/log.h"
#include "sidecar/metrics.h"
#include "sidecar/rpc/server.h"
#include "sidecar/worker/metrics_http.h"
#include "sidecar/worker/readers.h"
#include "sidecar/worker/thread.h"
#include "storage/journal/journal.h"

enum { STEPS_CACHED_MAX = 1000000 }; /* about 16 MiB */

/* Everything the process owns, in the order it is made. */
struct process {
    const struct sw_config *config;
    struct sw_journal *journal;
    struct sw_readers *readers;
    struct sw_metrics_http *metrics;
    struct sw_server *server;
    struct sw_service *service;
    struct sw_thread loop;
    char owner[320];
    enum sw_code rc; /* of the loop */
    struct sw_err err;
};

static int exit_code(enum sw_code rc)
{
    if (rc == SW_OK)
        return SW_EXIT_OK;
    return rc == SW_CONFIGURATION || rc == SW_JOURNAL_LOCKED || rc == SW_JOURNAL_TOO_NEW
               ? SW_EXIT_CONFIGURATION
               : SW_EXIT_STORAGE;
}

static enum sw_code open_journal(struct process *process, struct sw_err *err)
{
    const struct sw_config *config = process->config;
    struct sw_journal_options options = {
        .directory = config->data,
        .name = config->journal,
        .bytes_max = config->limits.journal_bytes_max,
        .bytes_reserved = config->journal_reserve_bytes,
        .retention_ms = config->retention_ms,
        .check_all = config->check_all,
        .now_ms = sw_clock_now_ms(&sw_clock_system),
    };
    const struct sw_journal_state *state;
    enum sw_code rc = sw_journal_open(&options, &process->journal, err);

    if (rc != SW_OK)
        return sw_wrap(err, "open journal in %s", config->data);
    state = sw_journal_state(process->journal);
    sw_log(INFO, "journal open", {"journal", .text = state->name},
           {"epoch", .number = state->epoch}, {"lsn", .number = state->lsn},
           {"bytes", .number = state->bytes});
    return sw_readers_start(config->data, config->readers, &process->readers, err);
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
    };
    enum sw_code rc = sw_journal_reader_open(config->data, NULL, &reader, err);

    options.reader = reader;
    if (rc == SW_OK)
        rc = sw_service_new(&options, &process->service, err);
    sw_journal_reader_close(reader);
    if (rc == SW_OK)
        sw_server_set_service(process->server, process->service);
    return rc;
}

static enum sw_code start(struct process *process, struct sw_err *err)
{
    const struct sw_config *config = process->config;
    enum sw_code rc = open_journal(process, err);
    char host[256] = "?";

    if (rc == SW_OK && config->metrics_listen != NULL)
        rc = sw_metrics_http_start(config->metrics_listen, &process->metrics, err);
    if (rc != SW_OK)
        return rc;
    (void)gethostname(host, sizeof host - 1);
    snprintf(process->owner, sizeof process->owner, "%s/%ld", host, (long)getpid());
    rc = sw_server_new(&(struct sw_server_options){.config = config,
                                                   .clock = &sw_clock_system,
                                                   .journal = process->journal,
                                                   .readers = process->readers,
                                                   .owner = process->owner},
                       &process->server, err);
    if (rc == SW_OK)
        rc = start_service(process, err);
    if (rc == SW_OK)
        rc = sw_server_listen(process->server, err);
    return rc;
}

static void run_loop(void *self)
{
    struct process *process = self;

    process->rc = sw_server_run(process->server, &process->err);
    if (process->rc != SW_OK) {
        /* Nothing unacknowledged was acknowledged; what is on disk is for the next
         * start to find out. No orderly shutdown: it would touch the journal. */
        sw_log(ERROR, "the journal failed, giving up", {"error", .text = process->err.text});
        _exit(SW_EXIT_STORAGE);
    }
    kill(getpid(), SIGTERM); /* the main thread waits for it */
}

static void stop(struct process *process)
{
    sw_server_free(process->server);
    sw_service_free(process->service);
    sw_metrics_http_stop(process->metrics);
    sw_readers_stop(process->readers);
    sw_journal_close(process->journal);
}

static void tell_ready(int ready_fd)
{
    if (ready_fd < 0)
        return;
    if (write(ready_fd, "1", 1) != 1)
        sw_log_write(SW_LOG_WARNING, "nobody listens on the ready descriptor", NULL);
    close(ready_fd);
}

int sw_serve(const struct sw_config *config, int ready_fd)
{
    struct process process = {.config = config};
    struct sw_err err = {0};
    sigset_t signals;
    int received;
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
        stop(&process);
        return exit_code(rc);
    }
    sw_log(INFO, "serving", {"owner", .text = process.owner}, {"version", .text = SW_VERSION});
    tell_ready(ready_fd);
    sigwait(&signals, &received);
    sw_server_drain(process.server);
    sw_thread_join(&process.loop);
    stop(&process);
    sw_log_write(SW_LOG_INFO, "stopped", NULL);
    return SW_EXIT_OK;
}
