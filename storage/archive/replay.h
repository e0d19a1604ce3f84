/* SPDX-License-Identifier: Apache-2.0
 *
 * replay - what the chain holds, against what the local journal holds.
 *
 * Objects come in order. As long as they speak of lsns that the journal had, the two
 * are compared; what lies behind `import_after` is imported:
 *
 *            had_lsn
 *   journal  =======|
 *   objects  =======|=====>     compared, then imported      BEHIND, SAME
 *   objects  =====|             compared                     AHEAD
 *   objects  ===x=|===>         the chains differ            DIVERGED
 *
 * In place, import_after is had_lsn, and DIVERGED is the end. A rebuild imports everything
 * into a new journal (import_after 0) and compares it with the old one on the way.
 *
 * Equal chains at an lsn mean equal records up to it, so an object whose last lsn
 * the journal has is compared by that one digest. An lsn that retention took from
 * the journal says nothing; one that is compared later says it as well.
 *
 * Owns:    nothing.
 * Threads: one at a time.
 * Fails:   CORRUPT for rows that do not make the chain their segment names; as the journal.
 */
#ifndef SW_ARCHIVE_REPLAY_H
#define SW_ARCHIVE_REPLAY_H

#include "storage/archive/rows_codec.h"
#include "storage/archive/segment.h"

struct sw_replay {
    /* Given. */
    struct sw_journal *journal;       /* NULL: rows are checked only */
    uint64_t import_after;            /* lsn */
    struct sw_journal_reader *reader; /* of what was there; NULL: nothing was */
    uint64_t had_lsn;                 /* its newest */
    uint64_t lsn_max;                 /* 0: no bound */
    uint64_t at_ms_max;               /* 0: no bound */
    const uint64_t *dropped;          /* runs to be left out, rising */
    size_t dropped_count;

    /* Found out. */
    uint64_t common_lsn; /* the journal and the chain are the same up to here, surely */
    bool diverged;
    bool ended; /* a bound was reached */
    uint64_t records;
    uint64_t last_at_ms; /* time of the last record taken */

    /* Its own. */
    struct sw_log_row held; /* a stub, needed only in front of a row that is none */
    uint64_t uncommitted;   /* bytes */
};

/* The chain is `chain` at lsn: compares that. */
SW_MUST_CHECK enum sw_code sw_replay_meet(struct sw_replay *replay, uint64_t lsn,
                                          const struct sw_digest *chain, struct sw_err *err);
/* Takes the rows of a segment that follows before_lsn. */
SW_MUST_CHECK enum sw_code sw_replay_rows(struct sw_replay *replay,
                                          const struct sw_segment *segment, struct sw_span raw,
                                          uint64_t before_lsn, const struct sw_digest *before_chain,
                                          struct sw_err *err);
/* Commits and syncs what was imported. */
SW_MUST_CHECK enum sw_code sw_replay_finish(struct sw_replay *replay, struct sw_err *err);

#endif
