/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "storage/archive/archive.intern.h"

enum { READINGS_MAX = 8 };

static enum sw_code find(struct sw_archive *archive, struct sw_err *err)
{
    bool found = false;
    enum sw_code code = sw_meta_load(archive, &found, err);

    if (code == SW_OK && !found)
        return sw_fail(err, SW_CONFIGURATION, "%s: holds no journal \"%s\"",
                       sw_store_url(archive->options.store), archive->journal);
    return code;
}

/* A slot that is empty because it was collected is not the chain's end. */
static enum sw_code fill(struct sw_sink *sink, struct sw_err *err)
{
    enum sw_code code = SW_OK;

    for (int i = 0; i < READINGS_MAX; i++) {
        struct sw_floors floors;

        code = sw_sink_fill(sink, err);
        if (code != SW_OK || sink->replay.ended)
            return code;
        code = sw_floors_list(sink->archive, &floors, err);
        if (code != SW_OK || floors.count == 0 || floors.slots[0] <= sink->archive->position.slot)
            return code;
    }
    return sw_fail(err, SW_STORE_UNAVAILABLE, "the chain moves faster than it can be read");
}

static void report_on(const struct sw_sink *sink, struct sw_restore_report *ret_report)
{
    const struct sw_archive *archive = sink->archive;
    const struct sw_journal_state *state = sw_journal_state(sink->made);

    *ret_report = (struct sw_restore_report){
        .lsn = state->lsn,
        .slot = archive->position.slot,
        .epoch = archive->position.epoch,
        .records = sink->replay.records,
        .bytes = archive->bytes,
    };
    (void)snprintf(ret_report->name, sizeof(ret_report->name), "%s", state->name);
}

enum sw_code sw_archive_restore(const struct sw_archive_options *options,
                                const struct sw_restore_options *restore,
                                struct sw_restore_report *ret_report, struct sw_err *err)
{
    struct sw_journal_options journal = {.directory = restore->directory, .name = options->journal};
    struct sw_sink sink = {.options = &journal,
                           .place = {.lock_fd = -1},
                           .lsn_max = restore->lsn_max,
                           .at_ms_max = restore->at_ms_max};
    struct sw_restore_report report = {0};
    enum sw_code code = sw_archive_new(options, &sink.archive, err);

    if (code != SW_OK)
        return code;
    code = find(sink.archive, err);
    if (code == SW_OK)
        code = sw_sink_open(&sink, false, err);
    if (code == SW_OK)
        code = fill(&sink, err);
    if (code == SW_OK)
        code = sw_replay_finish(&sink.replay, err);
    if (code == SW_OK)
        code = sw_journal_set_epoch(sink.made, sink.archive->position.epoch, err);
    if (code == SW_OK)
        report_on(&sink, &report);
    if (code == SW_OK)
        code = sw_sink_settle(&sink, err);
    sw_sink_close(&sink);
    sw_archive_close(sink.archive);
    if (code == SW_OK)
        *ret_report = report;
    return code;
}
