/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/source.h"

#include <assert.h>
#include <string.h>

#include "sidecar/cli/file_source.h"
#include "sidecar/parse.h"

enum sw_code sw_source_open(const struct sw_cli_common *common, struct sw_source *ret_source,
                            struct sw_err *err)
{
    struct sw_source source = {.client = NULL};
    struct sw_host_port split;
    const char *path;
    enum sw_code rc;

    if (common->store.options.url != NULL) {
        if (common->file != NULL)
            return sw_fail(err, SW_CONFIGURATION, "--file or --store, not both");
        rc = sw_cli_store_copy(&common->store, source.folder, err);
        if (rc == SW_OK)
            rc = sw_file_open(source.folder, &source.reader, &source.state, err);
        if (rc != SW_OK)
            sw_cli_store_remove(source.folder);
    } else if (common->file != NULL) {
        rc = sw_file_open(common->file, &source.reader, &source.state, err);
    } else {
        struct sw_client_options options = {
            .address = common->addr,
            .tls_ca = common->tls_ca,
            .tls_cert = common->tls_cert,
            .tls_key = common->tls_key,
            .timeout_ms = common->timeout_ms,
        };

        rc = sw_parse_address(common->addr, &path, &split, err);
        if (rc != SW_OK)
            return sw_wrap(err, "--addr");
        if (path != NULL)
            options.tls_ca = NULL; /* a Unix socket is as private as its directory */
        rc = sw_client_open(&options, &source.client, err);
    }
    if (rc == SW_OK)
        *ret_source = source;
    return rc;
}

void sw_source_close(struct sw_source *source)
{
    sw_client_close(source->client);
    sw_journal_reader_close(source->reader);
    sw_cli_store_remove(source->folder);
    *source = (struct sw_source){.client = NULL};
}

enum sw_code sw_source_list_runs(struct sw_source *source, const struct sw_client_runs *filter,
                                 struct sw_run_view_visitor visitor, struct sw_err *err)
{
    if (source->client != NULL)
        return sw_client_list_runs(source->client, filter, visitor, err);
    return sw_file_list_runs(source->reader, filter, visitor, err);
}

/* Passes on what a server says, its first run left out: that was shown already. */
struct relay {
    const struct sw_client_watcher *to;
    enum sw_run_state shown;
    bool caught_up;
};

static enum sw_code relay_run(void *self, const struct sw_run_view *run, struct sw_err *err)
{
    struct relay *relay = self;

    if (!relay->caught_up && run->head.state == relay->shown)
        return SW_OK;
    relay->shown = run->head.state;
    return relay->to->on_run(relay->to->self, run, err);
}

static enum sw_code relay_step(void *self, const struct sw_client_step *step, struct sw_err *err)
{
    struct relay *relay = self;

    return relay->to->on_step(relay->to->self, step, err);
}

static enum sw_code relay_caught_up(void *self, struct sw_err *err)
{
    struct relay *relay = self;

    relay->caught_up = true;
    return relay->to->on_caught_up(relay->to->self, err);
}

/* The stream tells the run's state once it has read all of it: too late to be shown first. */
static enum sw_code watch_server(struct sw_client *client, const struct sw_client_watch *watch,
                                 const struct sw_client_watcher *watcher, struct sw_err *err)
{
    struct relay relay = {.to = watcher};
    struct sw_client_watcher between = {relay_run, relay_step, relay_caught_up, &relay};
    struct sw_client_run found;
    struct sw_arena arena;
    enum sw_code rc;

    sw_arena_init(&arena, 0);
    rc = sw_client_get_run(client, watch->run_id, &arena, &found, err);
    if (rc == SW_OK) {
        relay.shown = found.run.head.state;
        rc = watcher->on_run(watcher->self, &found.run, err);
    }
    sw_arena_fini(&arena);
    return rc == SW_OK ? sw_client_watch_run(client, watch, &between, err) : rc;
}

enum sw_code sw_source_watch_run(struct sw_source *source, const struct sw_client_watch *watch,
                                 const struct sw_client_watcher *watcher, struct sw_err *err)
{
    if (source->client != NULL)
        return watch_server(source->client, watch, watcher, err);
    assert(!watch->follow);
    return sw_file_watch_run(source->reader, sw_span_of_text(source->state.name), watch, watcher,
                             err);
}

enum sw_code sw_source_read_journal(struct sw_source *source, const struct sw_client_journal *range,
                                    struct sw_record_line_visitor visitor, struct sw_err *err)
{
    if (source->client != NULL)
        return sw_client_read_journal(source->client, range, visitor, err);
    return sw_file_read_journal(source->reader, range, visitor, err);
}
