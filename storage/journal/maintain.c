/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/journal.intern.h"

#include <assert.h>

enum {
    INDEX_ROWS_MAX = 8192,     /* rows behind indexed_lsn that are too many */
    INDEX_ROWS_MAX_IDLE = 256, /* and when there is time */
    INDEX_SLICE_ROWS = 4096,   /* indexed in one go */
    CHECKPOINT_PAGES_IDLE = 64 /* pages in the WAL that are too many when there is time */
};

/* An eighth of what was written ahead. Everybody waits while a checkpoint runs, so many short ones
 * are better than few long ones: at 64 agents this halved the longest waits and cost nothing. */
static uint64_t checkpoint_pages(const struct sw_journal *journal)
{
    return journal->wal_bytes_min / SW_WAL_FRAME_SIZE / 8;
}

enum sw_code sw_journal_maintain(struct sw_journal *journal, uint64_t now_ms, bool idle,
                                 bool *ret_more, struct sw_err *err)
{
    uint64_t unindexed = journal->state.lsn - journal->meta.indexed_lsn;
    uint64_t pages = journal->wal_pages - journal->wal_pages_tried;
    enum sw_code code = sw_tx_check(journal, err);

    assert((journal->tx == SW_TX_NONE && journal->pending.count == 0) || code != SW_OK);
    *ret_more = true;
    if (code != SW_OK)
        return code;
    if (pages > checkpoint_pages(journal))
        return sw_tx_checkpoint(journal, false, err);
    if (unindexed >= INDEX_ROWS_MAX || (idle && unindexed >= INDEX_ROWS_MAX_IDLE))
        return sw_late_index(journal, INDEX_SLICE_ROWS, err);
    code = sw_retain(journal, now_ms, ret_more, err);
    if (code != SW_OK || *ret_more)
        return code;
    if (!idle || pages <= CHECKPOINT_PAGES_IDLE)
        return SW_OK;
    *ret_more = true;
    return sw_tx_checkpoint(journal, false, err);
}
