/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_codec - bytes read from a disk as a record.
 *
 * Input: the record's type (one byte), then the body without its checksum.
 * Claims: decode accepts or refuses, with CORRUPT and nothing else; what it
 * accepts encodes to the same bytes, points into the body or the arena only, and
 * can be summed up in a line of any size.
 */
#include <stdlib.h>

#include "storage/base/arena.h"
#include "storage/journal/codec.h"
#include "storage/journal/journal.h"
#include "tests/fuzz/fuzz.h"

enum { SUMMARY_SIZE = 120 };

static void claim(bool holds)
{
    if (!holds)
        abort();
}

/* Reads every byte, so that a sanitizer sees where the span points. */
static void touch(struct sw_span span)
{
    volatile uint8_t sum = 0;

    for (size_t i = 0; i < span.size; i++)
        sum = (uint8_t)(sum + span.data[i]);
}

static void check_summary(const struct sw_record *record, size_t size)
{
    char text[SUMMARY_SIZE];

    memset(text, 'x', sizeof(text));
    sw_record_summary(record, text, size);
    claim(memchr(text, '\0', size) != NULL);
    claim(size == sizeof(text) || text[size] == 'x');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sw_record record = {.lsn = 7, .run = 3};
    struct sw_layout layout = {0};
    struct sw_span body, again = {0};
    struct sw_arena arena;
    struct sw_err err;
    enum sw_code rc;

    if (size == 0 || data[0] == 0 || data[0] >= SW_RECORD_TYPE_END)
        return 0;
    record.type = (enum sw_record_type)data[0];
    body = sw_span_of(data + 1, size - 1);
    sw_arena_init(&arena, 0);
    rc = sw_codec_decode(body, &arena, &record, &layout, &err);
    if (rc == SW_OK) {
        const struct sw_payload *payload = sw_record_payload(&record);

        claim(record.lsn == 7 && record.run == 3);
        touch(record.key);
        if (payload != NULL && payload->present) {
            touch(payload->content_type);
            touch(payload->data);
            claim(payload->size <= SW_PAYLOAD_BYTES_MAX || layout.extents_count == 0);
        }
        check_summary(&record, 1);
        check_summary(&record, 20);
        check_summary(&record, SUMMARY_SIZE);
        claim(sw_codec_encode(&record, &layout, &arena, &again, &err) == SW_OK);
        claim(sw_span_equal(body, again));
    } else {
        claim(rc == SW_CORRUPT && err.code == SW_CORRUPT);
    }
    sw_arena_fini(&arena);
    return 0;
}
