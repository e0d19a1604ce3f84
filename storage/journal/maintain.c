/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal/journal.intern.h"

#include <assert.h>

enum {
    INDEX_ROWS_MAX = 4096,      /* rows behind indexed_lsn that are too many */
    INDEX_ROWS_MAX_IDLE = 256,  /* and when there is time */
    INDEX_SLICE_ROWS = 1024,    /* indexed in one go */
    CHECKPOINT_PAGES_IDLE = 256 /* pages in the WAL that are too many when there is time */
};

/* Three quarters of what was written ahead, so that the file need not grow. */
static uint64_t checkpoint_pages(const struct sw_journal *journal)
{
    return journal->wal_bytes_min / SW_WAL_FRAME_SIZE * 3 / 4;
}

enum sw_code sw_journal_maintain(struct sw_journal *journal, uint64_t now_ms, bool idle,
                                 bool *ret_more, struct sw_err *err)
{
    uint64_t unindexed = journal->state.lsn - journal->meta.indexed_lsn;
    enum sw_code code = sw_tx_check(journal, err);

    (void)now_ms;
    assert(journal->tx == SW_TX_NONE || code != SW_OK);
    *ret_more = true;
    if (code != SW_OK)
        return code;
    if (journal->wal_pages > checkpoint_pages(journal))
        return sw_tx_checkpoint(journal, err);
    if (unindexed >= INDEX_ROWS_MAX || (idle && unindexed >= INDEX_ROWS_MAX_IDLE))
        return sw_late_index(journal, INDEX_SLICE_ROWS, err);
    if (idle && journal->wal_pages > CHECKPOINT_PAGES_IDLE)
        return sw_tx_checkpoint(journal, err);
    *ret_more = false;
    return SW_OK;
}
