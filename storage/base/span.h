/* SPDX-License-Identifier: Apache-2.0
 *
 * span - a view of bytes that somebody else owns.
 *
 * Owns: nothing. A span never outlives what it points into.
 */
#ifndef SW_SPAN_H
#define SW_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sw_span {
    const uint8_t *data; /* may be NULL when size is 0; not NUL-terminated */
    size_t size;
};

static inline struct sw_span sw_span_of(const void *data, size_t size)
{
    return (struct sw_span){.data = data, .size = size};
}

static inline struct sw_span sw_span_of_text(const char *text)
{
    return sw_span_of(text, strlen(text));
}

static inline bool sw_span_equal(struct sw_span a, struct sw_span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* For printf: printf("%.*s", SW_SPAN_ARG(span)). */
#define SW_SPAN_ARG(span) (int)(span).size, (span).size ? (const char *)(span).data : ""

#endif
