/* SPDX-License-Identifier: Apache-2.0
 *
 * cut - where a payload is cut into chunks, by its content.
 *
 * Each call of an agent sends the conversation so far and a little more. Cut at
 * places that the bytes themselves choose, the old part gives the same chunks
 * again wherever it stands, and they are stored once. The rolling hash and the
 * two masks ("normalised chunking") are those of FastCDC: Xia et al., "FastCDC: a
 * Fast and Efficient Content-Defined Chunking Approach for Data Deduplication",
 * USENIX ATC 2016. The hash starts anew at each chunk, so where a chunk ends
 * depends on nothing before it.
 *
 * Small chunks, because the last one of each call is cut by the end of the data
 * and stored in vain; many share one CHUNK record, so small costs little.
 *
 * Owns:    nothing.
 * Threads: any.
 * Fails:   never.
 */
#ifndef SW_JOURNAL_CUT_H
#define SW_JOURNAL_CUT_H

#include "storage/base/span.h"

enum {
    SW_CUT_MIN = 512, /* bytes */
    SW_CUT_NORMAL = 1536,
    SW_CUT_MAX = 8192
};

/* Size of the first chunk of bytes; 0 when there are none. */
size_t sw_cut(struct sw_span bytes);

#endif
