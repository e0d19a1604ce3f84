/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_segment - bytes read from an object store as an object of the archive.
 *
 * Input: an object without the SHA-256 at its end, which is put there: else no input but
 * a recorded one would get further.
 * Claims: reading accepts or refuses; a body that is accepted has the size that the header
 * says; rows that are accepted encode to the same bytes, one by one, and make the chain that the
 * codec says; nothing is followed that does not fit.
 */
#include <stdlib.h>

#include "storage/archive/position.h"
#include "storage/archive/replay.h"
#include "tests/fuzz/fuzz.h"

static const struct sw_cipher cipher = {.keys = {{.id = {1}, .key = {2}}}, .keys_count = 1};

static void claim(bool holds)
{
    if (!holds)
        abort();
}

/* Every row that comes out goes in again as it was. */
static void check_rows(const struct sw_segment *segment, struct sw_span raw)
{
    struct sw_rows_in rows = sw_rows_in_of(raw, segment->first_lsn - 1, &segment->before);
    uint64_t before_lsn = segment->first_lsn - 1;
    struct sw_bytes again = {0};

    while (!sw_rows_in_end(&rows)) {
        const uint8_t *start = rows.in.next;
        struct sw_log_row row;
        struct sw_err err;
        enum sw_code code = sw_rows_in_next(&rows, &row, &err);

        if (code != SW_OK) {
            claim(code == SW_CORRUPT && err.code == SW_CORRUPT);
            break;
        }
        claim(row.lsn > before_lsn && row.lsn == rows.lsn && row.lsn <= INT64_MAX);
        sw_bytes_clear(&again);
        sw_rows_add(&again, &row, before_lsn);
        claim(sw_span_equal(sw_bytes_span(&again),
                            sw_span_of(start, (size_t)(rows.in.next - start))));
        before_lsn = row.lsn;
    }
    sw_bytes_fini(&again);
}

static void check_body(const struct sw_segment *segment, struct sw_span object)
{
    struct sw_packer packer = {0};
    struct sw_replay replay = {0};
    struct sw_span raw;
    struct sw_err err;
    enum sw_code code = sw_segment_body(object, segment, &cipher, &packer, &raw, &err);

    if (code == SW_OK) {
        claim(raw.size == segment->raw_size);
        check_rows(segment, raw);
        code =
            sw_replay_rows(&replay, segment, raw, segment->first_lsn - 1, &segment->before, &err);
        claim(code == SW_OK || code == SW_CORRUPT);
        claim(code != SW_OK || replay.records == segment->count);
    } else {
        claim(code == SW_CORRUPT || (code == SW_CONFIGURATION && segment->sealed));
    }
    sw_packer_fini(&packer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *object = malloc(size + SW_DIGEST_SIZE);
    struct sw_span covered = sw_span_of(data, size);
    struct sw_segment segment;
    struct sw_digest digest;
    struct sw_err err;
    enum sw_code code;

    claim(object != NULL);
    sw_sha256(&covered, 1, &digest);
    if (size > 0)
        memcpy(object, data, size);
    memcpy(object + size, &digest, sizeof(digest));
    covered = sw_span_of(object, size + SW_DIGEST_SIZE);
    code = sw_segment_read(covered, &segment, &err);
    if (code == SW_OK) {
        struct sw_position position = sw_position_of_meta(&segment);

        claim(sw_position_follow(&position, &segment, &err) == SW_CORRUPT); /* not itself */
        if (segment.raw_size > 0 && segment.kind != SW_SEGMENT_INDEX)
            check_body(&segment, covered);
    } else {
        claim(code == SW_CORRUPT || code == SW_JOURNAL_TOO_NEW);
    }
    free(object);
    return 0;
}
