/* SPDX-License-Identifier: Apache-2.0
 *
 * payload - the bytes of a payload: into the journal once, and back.
 *
 * Up to SW_PAYLOAD_INLINE_MAX bytes stand in the record. A larger payload is cut
 * into chunks (cut.h). Chunks the journal does not have yet are collected into
 * CHUNK records, appended before the record that needs them; the record keeps
 * a list of extents, "so many bytes from there", and the SHA-256 of the whole.
 * Neighbours in one CHUNK record make one extent, so the list of a conversation
 * grows by one or two extents per call.
 *
 * A chunk is known by its SHA-256: two that agree are taken to be the same bytes.
 *
 * Owns:    nothing.
 * Threads: as the journal or reader it is given.
 * Fails:   as the journal; MESSAGE_TOO_LARGE above SW_PAYLOAD_BYTES_MAX.
 */
#ifndef SW_JOURNAL_PAYLOAD_H
#define SW_JOURNAL_PAYLOAD_H

#include "storage/journal/journal.intern.h"

enum { SW_PAYLOAD_INLINE_MAX = 1024 };

/* Sets the payload's size and, unless it is known, its digest; appends its new chunks. On failure
 * some may have been appended: the caller undoes. */
SW_MUST_CHECK enum sw_code sw_payload_store(struct sw_journal *journal, struct sw_payload *payload,
                                            uint64_t at_ms, struct sw_layout *ret_layout,
                                            struct sw_err *err);

/* Sets payload->data from its extents and checks its digest; inline bytes stand
 * already. scratch is emptied. */
SW_MUST_CHECK enum sw_code sw_payload_fetch(struct sw_db *db, const struct sw_layout *layout,
                                            struct sw_arena *arena, struct sw_arena *scratch,
                                            struct sw_payload *payload, struct sw_err *err);

#endif
