/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct sw_snapshot make(size_t parts)
{
    struct sw_snapshot snapshot = {.index = {.kind = SW_SEGMENT_INDEX,
                                             .slot = 9,
                                             .first_lsn = 1,
                                             .last_lsn = 10 * parts,
                                             .count = (uint32_t)parts},
                                   .collected = 4,
                                   .dropped_count = 2};

    snapshot.dropped = malloc(2 * sizeof(uint64_t));
    assert_non_null(snapshot.dropped);
    snapshot.dropped[0] = 3;
    snapshot.dropped[1] = 70;
    for (size_t i = 0; i < parts; i++) {
        struct sw_part part = {.digest = {{(uint8_t)i, (uint8_t)(i >> 8)}},
                               .size = 1000 + i,
                               .first_lsn = 10 * i + 1,
                               .last_lsn = 10 * i + 10};

        assert_true(sw_snapshot_add_part(&snapshot, &part));
    }
    return snapshot;
}

static void index_comes_back(void **state)
{
    (void)state;
    for (size_t parts = 1; parts < 2000; parts = parts * 3 + 1) {
        struct sw_snapshot snapshot = make(parts);
        struct sw_bytes bytes = {0};
        struct sw_snapshot again;
        struct sw_err err;

        sw_snapshot_put(&snapshot, &bytes);
        assert_int_equal(sw_snapshot_get(&snapshot.index, sw_bytes_span(&bytes), &again, &err),
                         SW_OK);
        assert_int_equal(again.collected, 4);
        assert_int_equal(again.parts_count, parts);
        assert_int_equal(again.bytes, snapshot.bytes);
        assert_memory_equal(again.parts, snapshot.parts, parts * sizeof(struct sw_part));
        assert_int_equal(again.dropped_count, 2);
        assert_int_equal(again.dropped[1], 70);
        sw_snapshot_fini(&again);
        sw_snapshot_fini(&snapshot);
        sw_bytes_fini(&bytes);
    }
}

static enum sw_code get(const struct sw_segment *index, struct sw_span raw)
{
    struct sw_snapshot snapshot;
    struct sw_err err;
    enum sw_code code = sw_snapshot_get(index, raw, &snapshot, &err);

    sw_snapshot_fini(&snapshot);
    return code;
}

static void other_bytes_are_refused(void **state)
{
    struct sw_snapshot snapshot = make(3);
    struct sw_segment index = snapshot.index;
    struct sw_bytes bytes = {0};

    (void)state;
    sw_snapshot_put(&snapshot, &bytes);
    for (size_t size = 0; size < bytes.size; size++)
        assert_int_equal(get(&index, sw_span_of(bytes.data, size)), SW_CORRUPT);
    sw_bytes_add(&bytes, "", 1); /* longer */
    assert_int_equal(get(&index, sw_bytes_span(&bytes)), SW_CORRUPT);
    bytes.size--;
    index.count = 2;
    assert_int_equal(get(&index, sw_bytes_span(&bytes)), SW_CORRUPT);
    index.count = UINT32_MAX;
    assert_int_equal(get(&index, sw_bytes_span(&bytes)), SW_CORRUPT);
    index = snapshot.index;
    index.last_lsn = 31;
    assert_int_equal(get(&index, sw_bytes_span(&bytes)), SW_CORRUPT);
    index = snapshot.index;
    index.slot = 3; /* below what it says was collected */
    assert_int_equal(get(&index, sw_bytes_span(&bytes)), SW_CORRUPT);
    snapshot.parts[0].first_lsn = 2; /* not from the beginning */
    sw_snapshot_put(&snapshot, &bytes);
    assert_int_equal(get(&snapshot.index, sw_bytes_span(&bytes)), SW_CORRUPT);
    snapshot.parts[0].first_lsn = 1;
    snapshot.parts[1].first_lsn = 10; /* twice */
    sw_snapshot_put(&snapshot, &bytes);
    assert_int_equal(get(&snapshot.index, sw_bytes_span(&bytes)), SW_CORRUPT);
    sw_snapshot_fini(&snapshot);
    sw_bytes_fini(&bytes);
}

static void part_must_be_the_named_one(void **state)
{
    struct sw_snapshot snapshot = make(1);
    struct sw_segment good = {.kind = SW_SEGMENT_PART, .slot = 9, .first_lsn = 1, .last_lsn = 10};
    struct sw_segment bad[5];
    struct sw_err err;

    (void)state;
    assert_int_equal(sw_part_check(&snapshot, &snapshot.parts[0], &good, &err), SW_OK);
    for (size_t i = 0; i < 5; i++)
        bad[i] = good;
    bad[0].kind = SW_SEGMENT_DATA;
    bad[1].slot = 8;
    bad[2].first_lsn = 2;
    bad[3].last_lsn = 9;
    bad[4].digest.bytes[31] = 1;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(sw_part_check(&snapshot, &snapshot.parts[0], &bad[i], &err), SW_CORRUPT);
    sw_snapshot_fini(&snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index_comes_back),
        cmocka_unit_test(other_bytes_are_refused),
        cmocka_unit_test(part_must_be_the_named_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
