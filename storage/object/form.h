/* SPDX-License-Identifier: Apache-2.0
 *
 * form - names and values, percent-encoded: the body of a form, or a URL's query.
 *
 * Letters, digits and -._~ stand as they are (RFC 3986), all else as %XX.
 *
 * Owns:    the text. It may hold tokens: copies left behind are overwritten.
 * Threads: one at a time per form.
 * Fails:   `failed`, for good, when there is no memory.
 */
#ifndef SW_FORM_H
#define SW_FORM_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed: empty. */
struct sw_form {
    char *text; /* malloc'd, size bytes, no NUL; NULL when empty */
    size_t size;
    size_t capacity;
    bool failed;
};

void sw_form_add(struct sw_form *form, const char *name, const char *value);
void sw_form_fini(struct sw_form *form);

#endif
