/* SPDX-License-Identifier: Apache-2.0
 *
 * sigv4 - AWS Signature Version 4 of a request whose headers are all signed.
 *
 * canonical request = method, path, sorted query, lower-case headers sorted by name, their
 *                     names, SHA-256 of the body; one line each
 * string to sign    = "AWS4-HMAC-SHA256", time, scope, SHA-256 of the above
 * key               = HMAC chain over secret, day, region, service, "aws4_request"
 *
 * Our own: libcurl's signer differs from release to release and is wrong for some requests in
 * the one Debian 12 has. Vectors: tests/vectors/sigv4.vec.
 *
 * Owns:    nothing.
 * Threads: any.
 * Fails:   false when the request has no room for the header, or there is no memory.
 */
#ifndef SW_OBJECT_SIGV4_H
#define SW_OBJECT_SIGV4_H

#include "storage/object/object.intern.h"

enum { SW_SIGV4_DATE_SIZE = 17, SW_SIGV4_ENCODED_MAX = 3 };

struct sw_sigv4 {
    const char *host;  /* with the port where it is not the scheme's */
    const char *path;  /* percent-encoded as it is sent */
    const char *query; /* likewise, in any order; "" : none */
    const char *payload_sha256;
    const char *region;
    const char *service;
    const char *access_key;
    const char *secret_key;
    uint64_t now_ms;
};

/* "20150830T123600Z", for the header x-amz-date. */
void sw_sigv4_date(uint64_t now_ms, char ret[SW_SIGV4_DATE_SIZE]);

/* Signs request->method and all its headers, each name once, x-amz-date among them, and
 * adds the header Authorization. */
SW_MUST_CHECK bool sw_sigv4_sign(const struct sw_sigv4 *what, struct sw_http_request *request);

/* Percent-encodes all but A-Z a-z 0-9 - . _ ~ and, where asked, '/'; NUL behind it. False: no
 * room. */
SW_MUST_CHECK bool sw_sigv4_encode(const char *text, bool slashes_too, char *ret, size_t ret_size);

#endif
