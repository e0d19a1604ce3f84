/* SPDX-License-Identifier: Apache-2.0
 *
 * The disk's own space. A full disk takes no new pages, but the WAL file was written ahead:
 * commits that fit into it need no space, and folding it back takes no more than it holds. So new
 * work stops while less than that is free; the outcomes of what is under way use it up, and last
 * of all the WAL's blocks that stand already.
 */
#include "storage/base/clock.h"
#include "storage/journal/journal.intern.h"

#include <sys/statvfs.h>

enum { LOOK_EVERY_US = 100000 };

static void look_at_disk(struct sw_journal *journal)
{
    uint64_t now_us = sw_clock_monotonic_us(&sw_clock_system);
    struct statvfs disk;

    if (journal->disk_seen_us != 0 && now_us - journal->disk_seen_us < LOOK_EVERY_US)
        return;
    journal->disk_seen_us = now_us;
    if (statvfs(journal->db.path, &disk) == 0)
        journal->disk_low = (uint64_t)disk.f_bavail * disk.f_frsize < journal->wal_bytes_min;
}

void sw_room_look(struct sw_journal *journal)
{
    uint64_t used = journal->state.bytes - journal->free_bytes;

    look_at_disk(journal);
    journal->state.full =
        journal->disk_low ||
        (journal->bytes_max > 0 && used > journal->bytes_max - journal->bytes_reserved);
}

enum sw_code sw_room_check(struct sw_journal *journal, bool new_work, struct sw_err *err)
{
    uint64_t used = journal->state.bytes - journal->free_bytes + journal->tx_bytes;
    uint64_t most = new_work ? journal->bytes_max - journal->bytes_reserved : journal->bytes_max;

    if (new_work && journal->disk_low) {
        look_at_disk(journal);
        if (journal->disk_low) {
            journal->state.full = true;
            return sw_fail(err, SW_JOURNAL_FULL, "%s: the disk is almost full", journal->db.path);
        }
    }
    if (journal->bytes_max == 0 || used <= most)
        return SW_OK;
    if (new_work)
        journal->state.full = true;
    return sw_fail(err, SW_JOURNAL_FULL, "the journal uses %llu of %llu bytes",
                   (unsigned long long)used, (unsigned long long)most);
}
