/* SPDX-License-Identifier: Apache-2.0
 *
 * http - what http.c reads and writes, without libcurl in it: header lines and URLs.
 *
 * Owns:    nothing.
 * Threads: any.
 * Fails:   never; what cannot be read is left out.
 */
#ifndef SW_OBJECT_HTTP_H
#define SW_OBJECT_HTTP_H

#include "storage/object/object.intern.h"

/* Takes what a header line of a response says into *response. *has_length becomes true when
 * it says how the body ends, and false with each status line, of which there may be several. */
void sw_http_read_header(struct sw_span line, uint64_t now_ms, struct sw_http_response *response,
                         bool *has_length);

/* "host:port" of a URL, for messages: what follows may be a secret. Cut to size. */
void sw_http_host(const char *url, char *ret, size_t size);

/* Whether a request would go out in the clear, and further than this machine. */
bool sw_http_is_exposed(const char *url);

/* How much went to and fro, and when it was last enough. */
struct sw_http_progress {
    uint64_t at_us; /* at first: when the request was started */
    uint64_t bytes;
};

/* Whether the peer is to be taken for dead: too little moved for too long. A body gives it more
 * time, as it may still be on its way when it has left us. */
bool sw_http_is_silent(struct sw_http_progress *progress, uint64_t bytes, size_t body_bytes,
                       uint64_t now_us);

#endif
