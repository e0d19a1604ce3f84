/* SPDX-License-Identifier: Apache-2.0
 *
 * parse - what people write on command lines: numbers, durations, sizes, addresses.
 *
 * Owns:    nothing.
 * Threads: any.
 * Fails:   CONFIGURATION, quoting what was written.
 */
#ifndef SW_PARSE_H
#define SW_PARSE_H

#include <stddef.h>

#include "storage/base/status.h"

/* Digits only, min to max. */
SW_MUST_CHECK enum sw_code sw_parse_number(const char *text, uint64_t min, uint64_t max,
                                           uint64_t *ret_number, struct sw_err *err);

/* "500ms", "10s", "5m", "12h", "30d", or "0". */
SW_MUST_CHECK enum sw_code sw_parse_duration_ms(const char *text, uint64_t *ret_ms,
                                                struct sw_err *err);

/* "16MiB", "1GiB", "64Ki", or plain bytes. Powers of 1024. */
SW_MUST_CHECK enum sw_code sw_parse_bytes(const char *text, uint64_t *ret_bytes,
                                          struct sw_err *err);

/* Octal permission bits: "660", "0660". */
SW_MUST_CHECK enum sw_code sw_parse_mode(const char *text, uint32_t *ret_mode, struct sw_err *err);

/* 1 to size_max of a-z A-Z 0-9 . _ -, not "." or "..": safe as a part of any path. */
bool sw_is_plain_name(const char *text, size_t size_max);

enum { SW_HOST_MAX = 255 };

struct sw_host_port {
    char host[SW_HOST_MAX + 1]; /* without brackets */
    char port_text[6];
    uint16_t port;
    bool loopback; /* only this machine can reach it: 127.0.0.0/8, ::1, localhost */
};

/* HOST:PORT or [IPV6]:PORT; PORT alone when host_default is not NULL. */
SW_MUST_CHECK enum sw_code sw_parse_host_port(const char *text, const char *host_default,
                                              struct sw_host_port *ret_split, struct sw_err *err);

enum { SW_SOCKET_PATH_MAX = 107 }; /* sun_path holds 108 bytes with the NUL */

/* unix:///abs/path, unix:/abs/path, or HOST:PORT with a port other than 0.
 * ret_path: the socket's path within text; NULL for HOST:PORT, then *ret_split is set. */
SW_MUST_CHECK enum sw_code sw_parse_address(const char *text, const char **ret_path,
                                            struct sw_host_port *ret_split, struct sw_err *err);

#endif
