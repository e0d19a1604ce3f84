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

    if (common->file != NULL) {
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
    *source = (struct sw_source){.client = NULL};
}

enum sw_code sw_source_list_runs(struct sw_source *source, const struct sw_client_runs *filter,
                                 struct sw_run_view_visitor visitor, struct sw_err *err)
{
    if (source->client != NULL)
        return sw_client_list_runs(source->client, filter, visitor, err);
    return sw_file_list_runs(source->reader, filter, visitor, err);
}

enum sw_code sw_source_watch_run(struct sw_source *source, const struct sw_client_watch *watch,
                                 const struct sw_client_watcher *watcher, struct sw_err *err)
{
    if (source->client != NULL)
        return sw_client_watch_run(source->client, watch, watcher, err);
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
