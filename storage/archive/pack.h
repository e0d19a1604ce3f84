/* SPDX-License-Identifier: Apache-2.0
 *
 * pack - zstd, with contexts that are kept from one body to the next.
 *
 * Level 3 with a window of at most 512 KiB: about a megabyte of memory in all.
 *
 * Owns:    the contexts and the bytes it returned last.
 * Threads: one at a time.
 * Fails:   CORRUPT, NO_MEMORY.
 */
#ifndef SW_ARCHIVE_PACK_H
#define SW_ARCHIVE_PACK_H

#include "storage/archive/bytes.h"
#include "storage/base/status.h"

/* Zeroed: ready. */
struct sw_packer {
    void *compressor;
    void *decompressor;
    struct sw_bytes packed;
    struct sw_bytes opened; /* decrypted, for segment.c */
    struct sw_bytes raw;
};

void sw_packer_fini(struct sw_packer *packer);

/* Empty when packing would not make it smaller. quick: half the time, a few percent more bytes. */
SW_MUST_CHECK enum sw_code sw_pack(struct sw_packer *packer, struct sw_span raw, bool quick,
                                   struct sw_span *ret_packed, struct sw_err *err);
/* CORRUPT unless exactly raw_size bytes come out of exactly one frame. */
SW_MUST_CHECK enum sw_code sw_unpack(struct sw_packer *packer, struct sw_span packed,
                                     size_t raw_size, struct sw_span *ret_raw, struct sw_err *err);

#endif
