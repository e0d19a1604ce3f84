/* SPDX-License-Identifier: Apache-2.0
 *
 * text - UTF-8 that came from elsewhere, made safe to show.
 *
 * Owns:    nothing.
 * Threads: any.
 * Fails:   never.
 */
#ifndef SW_TEXT_H
#define SW_TEXT_H

#include <stdint.h>

#include "storage/base/span.h"

/* Bytes of the code point that text starts with, 1 to 4; 0 when it starts with none
 * (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
size_t sw_utf8_size(struct sw_span text);

/* The code point that text starts with; sw_utf8_size(text) must not be 0. */
uint32_t sw_utf8_code(struct sw_span text);

/* True for control characters, C0 and C1 and DEL, and for those that reorder or hide text at a
 * terminal (bidirectional controls, line and paragraph separators). */
bool sw_utf8_is_control(uint32_t code);

/* Whether all of it is UTF-8 without NUL. */
bool sw_utf8_is_text(struct sw_span text);

/* The word of the list (NULL-terminated) that was most likely meant, NULL when none is near. */
const char *sw_nearest_word(const char *word, const char *const *list);

#endif
