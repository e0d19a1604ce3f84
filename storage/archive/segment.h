/* SPDX-License-Identifier: Apache-2.0
 *
 * segment - what every object of the archive looks like, byte by byte.
 *
 *   offset size
 *        0    4  magic "SWSG"
 *        4    1  version, 1
 *        5    1  kind, enum sw_segment_kind
 *        6    1  flags: 1 = the body is one zstd frame, 2 = the body is encrypted
 *        7    1  0
 *        8   16  UUID of the journal
 *       24   16  owner: random bytes of the process that wrote it
 *       40    8  epoch of the owner
 *       48    8  slot
 *       56    8  first lsn; 0: no rows
 *       64    8  last lsn
 *       72    8  wall time in ms, for people only
 *       80    4  count of rows (INDEX: of parts)
 *       84    4  raw size: of the body before it was packed
 *       88   32  before
 *      120   32  chain: of the journal at last lsn
 *      152       body
 *      end-32    SHA-256 of all bytes before it
 *
 *   integers are little-endian
 *
 *   kind    in         before                                body
 *   META    meta       zeros: the chain before lsn 1         the row of lsn 1 (rows_codec.h)
 *   FENCE   log/       SHA-256 of the object in slot - 1,    none; lsns: the newest so far
 *   DATA    log/       which are its last 32 bytes; of       rows
 *   RETIRE  log/       META in slot 1                        none; lsns: the newest so far
 *   PART    snap/      the chain before its first row        rows
 *   INDEX   snap/      SHA-256 of the object in `slot`       snapshot.h
 *   ORPHAN  orphan/    the chain before its first row        rows
 *
 * An encrypted body is key id (8 bytes), nonce (12), ciphertext, tag (16): AES-256-GCM over
 * the (packed) body, with the header and the key id beside it.
 *
 * One SHA-256 at the end instead of a header checksum and a body digest: objects are only
 * ever read whole, every byte is covered, and the next segment's `before` is at hand without
 * hashing again. The chain before is not repeated: it is the chain of the segment before.
 *
 * Owns:    nothing.
 * Threads: any; a packer one at a time.
 * Fails:   CORRUPT, JOURNAL_TOO_NEW, CONFIGURATION (encrypted with a key that is not there),
 *          NO_MEMORY.
 */
#ifndef SW_ARCHIVE_SEGMENT_H
#define SW_ARCHIVE_SEGMENT_H

#include "storage/archive/bytes.h"
#include "storage/archive/cipher.h"
#include "storage/archive/pack.h"
#include "storage/base/hash.h"
#include "storage/base/status.h"

enum {
    SW_SEGMENT_VERSION = 1,
    SW_SEGMENT_HEAD_SIZE = 152,
    SW_SEGMENT_OWNER_SIZE = 16,
    /* Of a body before packing. A row is rarely above 64 KiB; 8 MiB and one row fit. */
    SW_SEGMENT_RAW_MAX = 16 * 1024 * 1024,
    SW_SEGMENT_BYTES_MAX = SW_SEGMENT_RAW_MAX + 64 * 1024
};

enum sw_segment_kind {
    SW_SEGMENT_META = 1,
    SW_SEGMENT_FENCE = 2,
    SW_SEGMENT_DATA = 3,
    SW_SEGMENT_RETIRE = 4,
    SW_SEGMENT_PART = 5,
    SW_SEGMENT_INDEX = 6,
    SW_SEGMENT_ORPHAN = 7,
    SW_SEGMENT_KIND_END
};

struct sw_segment {
    enum sw_segment_kind kind;
    uint8_t uuid[16];
    uint8_t owner[SW_SEGMENT_OWNER_SIZE];
    uint64_t epoch;
    uint64_t slot;
    uint64_t first_lsn;
    uint64_t last_lsn;
    uint64_t at_ms;
    uint32_t count;
    struct sw_digest before;
    struct sw_digest chain;

    /* Set by write and read. */
    bool packed;
    bool sealed;
    uint32_t raw_size;
    struct sw_digest digest; /* its last 32 bytes */
};

const char *sw_segment_kind_name(enum sw_segment_kind kind); /* "FENCE" */

/* Makes the object. cipher NULL: not encrypted. *ret is emptied first. */
SW_MUST_CHECK enum sw_code sw_segment_write(struct sw_segment *segment, struct sw_span raw,
                                            const struct sw_cipher *cipher,
                                            struct sw_packer *packer, struct sw_bytes *ret,
                                            struct sw_err *err);

/* Checks the digest and reads the header. */
SW_MUST_CHECK enum sw_code sw_segment_read(struct sw_span object, struct sw_segment *ret,
                                           struct sw_err *err);
/* The raw body of an object that sw_segment_read took; lives in the object or in the packer,
 * until that is used again. */
SW_MUST_CHECK enum sw_code sw_segment_body(struct sw_span object, const struct sw_segment *segment,
                                           const struct sw_cipher *cipher, struct sw_packer *packer,
                                           struct sw_span *ret_raw, struct sw_err *err);

#endif
