/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_snapshot - the archive's smaller formats: a snapshot's index, a key file, names.
 *
 * Input: which one (one byte, modulo 3), then
 *   0  slot, last lsn, count of parts (one byte each), the body of an INDEX
 *   1  the text of a key file
 *   2  a key below the store, NUL excluded
 * Claims: accepted or refused with CORRUPT (CONFIGURATION for keys); what is accepted encodes to
 * the same bytes; no message quotes a key file.
 */
#include <stdlib.h>

#include "storage/archive/names.h"
#include "storage/archive/snapshot.h"
#include "tests/fuzz/fuzz.h"

static void claim(bool holds)
{
    if (!holds)
        abort();
}

static void check_index(const uint8_t *data, size_t size)
{
    struct sw_segment index = {.kind = SW_SEGMENT_INDEX, .first_lsn = 1};
    struct sw_snapshot snapshot;
    struct sw_bytes again = {0};
    struct sw_span raw;
    struct sw_err err;
    enum sw_code code;

    if (size < 3)
        return;
    index.slot = data[0];
    index.last_lsn = data[1];
    index.count = data[2];
    raw = sw_span_of(data + 3, size - 3);
    code = sw_snapshot_get(&index, raw, &snapshot, &err);
    claim(code == SW_OK || code == SW_CORRUPT);
    claim(code == SW_OK || (snapshot.parts == NULL && snapshot.dropped == NULL));
    if (code == SW_OK) {
        claim(snapshot.parts_count == index.count);
        for (size_t i = 1; i < snapshot.dropped_count; i++)
            claim(snapshot.dropped[i] > snapshot.dropped[i - 1]);
        sw_snapshot_put(&snapshot, &again);
        claim(sw_span_equal(raw, sw_bytes_span(&again)));
    }
    sw_snapshot_fini(&snapshot);
    sw_bytes_fini(&again);
}

static void check_keys(struct sw_span text)
{
    struct sw_cipher cipher;
    struct sw_err err;
    enum sw_code code = sw_cipher_parse(text, &cipher, &err);

    if (code != SW_OK) {
        claim(code == SW_CONFIGURATION && strlen(err.text) < 60);
        return;
    }
    claim(cipher.keys_count >= 1 && cipher.keys_count <= SW_CIPHER_KEYS_MAX);
    for (unsigned i = 0; i < cipher.keys_count; i++)
        claim(sw_cipher_find(&cipher, cipher.keys[i].id) != NULL);
}

static void check_name(struct sw_span text)
{
    char key[SW_OBJECT_KEY_MAX + 1];
    char again[SW_OBJECT_KEY_MAX];
    struct sw_name name;

    if (text.size > SW_OBJECT_KEY_MAX)
        return;
    if (text.size > 0)
        memcpy(key, text.data, text.size);
    key[text.size] = '\0';
    (void)sw_name_is_journal(key);
    name = sw_name_get("agents", key);
    if (name.kind == SW_NAME_OTHER)
        return;
    sw_name_put("agents", &name, again);
    claim(strcmp(key, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 3 == 0)
        check_index(data + 1, size - 1);
    else if (data[0] % 3 == 1)
        check_keys(sw_span_of(data + 1, size - 1));
    else
        check_name(sw_span_of(data + 1, size - 1));
    return 0;
}
