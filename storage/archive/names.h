/* SPDX-License-Identifier: Apache-2.0
 *
 * names - the keys of an archive's objects.
 *
 *   v1/JOURNAL/meta
 *   v1/JOURNAL/log/SLOT
 *   v1/JOURNAL/orphan/OWNER/FIRST-LAST     owner: 32 hexadecimal digits; lsns: 20 digits
 *   v1/JOURNAL/snap/SLOT/index
 *   v1/JOURNAL/snap/SLOT/DIGEST            a part, named by its own SHA-256
 *
 * SLOT is a number of 20 digits, so that the order of keys is that of slots. The index of slot
 * 2^64 - 1 is no index but a copy of the chain's RETIRE: retire.c.
 *
 * Owns:    nothing.
 * Threads: any.
 * Fails:   never; reading a foreign name says OTHER.
 */
#ifndef SW_ARCHIVE_NAMES_H
#define SW_ARCHIVE_NAMES_H

#include "storage/archive/segment.h"
#include "storage/object/object.h"

enum { SW_ARCHIVE_JOURNAL_MAX = 128 };
#define SW_RETIRE_SLOT UINT64_MAX

enum sw_name_kind {
    SW_NAME_OTHER,
    SW_NAME_META,
    SW_NAME_LOG,
    SW_NAME_ORPHAN,
    SW_NAME_INDEX,
    SW_NAME_PART
};

struct sw_name {
    enum sw_name_kind kind;
    uint64_t slot;           /* LOG, INDEX, PART */
    struct sw_digest digest; /* PART */
    uint8_t owner[SW_SEGMENT_OWNER_SIZE];
    uint64_t first_lsn, last_lsn; /* ORPHAN */
};

/* 1 to 128 of a-z A-Z 0-9 . _ - but not "." or "..". */
bool sw_name_is_journal(const char *journal);

void sw_name_put(const char *journal, const struct sw_name *name, char ret[SW_OBJECT_KEY_MAX]);
/* The beginning of the keys of a kind; OTHER: of all of the journal. */
void sw_name_put_prefix(const char *journal, enum sw_name_kind kind, char ret[SW_OBJECT_KEY_MAX]);
struct sw_name sw_name_get(const char *journal, const char *key);

#endif
