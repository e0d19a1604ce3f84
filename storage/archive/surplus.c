/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/archive.intern.h"

static enum sw_code take_time(void *self, const struct sw_log_row *row, bool *ret_stop,
                              struct sw_err *err)
{
    *ret_stop = !row->stub;
    return sw_log_row_time(row, self, err);
}

enum sw_code sw_archive_surplus(const struct sw_archive *archive, struct sw_journal_reader *reader,
                                struct sw_surplus *ret_surplus, struct sw_err *err)
{
    struct sw_surplus surplus = {0};
    struct sw_journal_state state;
    enum sw_code code = sw_journal_reader_state(reader, &state, err);
    uint64_t first = archive->position.lsn + 1;

    if (code == SW_OK)
        code = sw_journal_reader_size(reader, first, state.lsn, &surplus.rows, &surplus.bytes, err);
    if (code == SW_OK && surplus.rows > 0)
        code = sw_journal_reader_rows(reader, first, state.lsn,
                                      (struct sw_log_row_visitor){take_time, &surplus.oldest_at_ms},
                                      err);
    if (code == SW_OK)
        *ret_surplus = surplus;
    return code;
}
