/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/text.h"

#include <assert.h>

enum { WORD_MAX = 32 }; /* longer words are nobody's typing mistakes */

size_t sw_utf8_size(struct sw_span text)
{
    const uint8_t *s = text.data;
    size_t size;
    uint8_t low = 0x80;
    uint8_t high = 0xbf;

    if (text.size == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    size = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (text.size < size)
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0; /* below: overlong */
    if (s[0] == 0xed)
        high = 0x9f; /* above: surrogates */
    if (s[0] == 0xf0)
        low = 0x90;
    if (s[0] == 0xf4)
        high = 0x8f;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    return size;
}

uint32_t sw_utf8_code(struct sw_span text)
{
    size_t size = sw_utf8_size(text);
    uint32_t code;

    assert(size > 0);
    if (size == 1)
        return text.data[0];
    code = text.data[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++)
        code = code << 6 | (text.data[i] & 0x3fu);
    return code;
}

bool sw_utf8_is_control(uint32_t code)
{
    if (code < 0x20 || (code >= 0x7f && code < 0xa0))
        return true;
    return code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

bool sw_utf8_is_text(struct sw_span text)
{
    while (text.size > 0) {
        size_t size = sw_utf8_size(text);

        if (size == 0 || text.data[0] == '\0')
            return false;
        text = sw_span_of(text.data + size, text.size - size);
    }
    return true;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Insertions, deletions and replacements that turn a into b. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t row[WORD_MAX + 1];

    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t above = row[j];

            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_size];
}

const char *sw_nearest_word(const char *word, const char *const *list)
{
    const char *nearest = NULL;
    size_t word_size = strlen(word);
    size_t least = word_size / 3 + 2; /* must be nearer than this */

    if (word_size > WORD_MAX)
        return NULL;
    for (; *list != NULL; list++) {
        size_t size = strlen(*list);
        size_t far;

        if (size > WORD_MAX)
            continue;
        far = distance(word, word_size, *list, size);
        if (far < least && far < size) {
            least = far;
            nearest = *list;
        }
    }
    return nearest;
}
