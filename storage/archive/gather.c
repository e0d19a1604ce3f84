/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/archive.intern.h"

struct gathering {
    struct sw_bytes *raw;
    struct sw_segment *segment;
    size_t bytes_max;
    bool more;
};

static enum sw_code add_row(void *self, const struct sw_log_row *row, bool *ret_stop,
                            struct sw_err *err)
{
    struct gathering *gathering = self;
    struct sw_segment *segment = gathering->segment;

    if (segment->count > 0 && gathering->raw->size >= gathering->bytes_max) {
        gathering->more = true;
        *ret_stop = true;
        return SW_OK;
    }
    if (segment->count == 0)
        segment->first_lsn = row->lsn;
    sw_rows_add(gathering->raw, row, segment->count == 0 ? row->lsn - 1 : segment->last_lsn);
    segment->count++;
    segment->last_lsn = row->lsn;
    segment->chain = row->chain;
    return gathering->raw->failed ? sw_fail(err, SW_NO_MEMORY, "rows to be shipped") : SW_OK;
}

enum sw_code sw_gather(struct sw_archive *archive, struct sw_journal_reader *reader,
                       uint64_t after_lsn, uint64_t last_lsn, size_t bytes_max,
                       struct sw_segment *ret_segment, bool *ret_more, struct sw_err *err)
{
    struct sw_segment segment = {0};
    struct gathering gathering = {
        .raw = &archive->raw, .segment = &segment, .bytes_max = bytes_max};
    enum sw_code code;

    sw_bytes_clear(&archive->raw);
    code = sw_journal_reader_rows(reader, after_lsn + 1, last_lsn,
                                  (struct sw_log_row_visitor){add_row, &gathering}, err);
    if (code != SW_OK)
        return code;
    memcpy(segment.uuid, archive->meta.uuid, sizeof(segment.uuid));
    memcpy(segment.owner, archive->owner, sizeof(segment.owner));
    segment.at_ms = sw_clock_now_ms(archive->options.clock);
    *ret_segment = segment;
    *ret_more = gathering.more;
    return SW_OK;
}
