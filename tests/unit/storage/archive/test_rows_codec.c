/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/rows_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct sw_digest start = {{9}};

static void rows_come_back_with_their_chain(void **state)
{
    struct sw_log_row rows[] = {
        {.lsn = 5, .type = SW_RECORD_RUN_STARTED, .run = 5, .fields = {(const uint8_t *)"abc", 3}},
        {.lsn = 6,
         .type = SW_RECORD_STEP_BEGUN,
         .run = 5,
         .fields = {(const uint8_t *)"", 0},
         .chunked = true},
        {.lsn = 900, .type = SW_RECORD_CHUNK, .chain = {{77}}, .stub = true},
        {.lsn = 901, .type = SW_RECORD_CHUNK, .fields = {(const uint8_t *)"xyz", 3}},
    };
    struct sw_bytes bytes = {0};
    struct sw_digest chain = start;
    struct sw_rows_in in;
    struct sw_err err;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        sw_rows_add(&bytes, &rows[i], i == 0 ? 4 : rows[i - 1].lsn);
        if (!rows[i].stub)
            sw_log_row_chain(&rows[i], &chain, &rows[i].chain);
        chain = rows[i].chain;
    }
    in = sw_rows_in_of(sw_bytes_span(&bytes), 4, &start);
    for (size_t i = 0; i < 4; i++) {
        struct sw_log_row row;

        assert_false(sw_rows_in_end(&in));
        assert_int_equal(sw_rows_in_next(&in, &row, &err), SW_OK);
        assert_int_equal(row.lsn, rows[i].lsn);
        assert_int_equal(row.type, rows[i].type);
        assert_int_equal(row.run, rows[i].run);
        assert_int_equal(row.stub, rows[i].stub);
        assert_int_equal(row.chunked, rows[i].chunked);
        assert_true(sw_span_equal(row.fields, rows[i].fields));
        assert_memory_equal(&row.chain, &rows[i].chain, SW_DIGEST_SIZE);
    }
    assert_true(sw_rows_in_end(&in));
    sw_bytes_fini(&bytes);
}

/* Goal: bytes that were cut off anywhere are no rows. */
static void cut_off_rows_are_refused(void **state)
{
    struct sw_log_row whole = {.lsn = 1, .type = 1, .fields = {(const uint8_t *)"abcdefgh", 8}};
    struct sw_log_row stub = {.lsn = 300, .type = SW_RECORD_CHUNK, .stub = true};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct sw_bytes bytes = {0};

        sw_rows_add(&bytes, i == 0 ? &whole : &stub, 0);
        for (size_t size = 1; size < bytes.size; size++) {
            struct sw_rows_in in = sw_rows_in_of(sw_span_of(bytes.data, size), 0, &start);
            struct sw_log_row row;
            struct sw_err err;

            assert_int_equal(sw_rows_in_next(&in, &row, &err), SW_CORRUPT);
        }
        sw_bytes_fini(&bytes);
    }
}

static void nonsense_is_refused(void **state)
{
    static const uint8_t chunked_stub[40] = {4 * 11 + 3, 0, 1};
    static const uint8_t stub_on_the_spot[40] = {4 * 11 + 2, 0, 0};
    const uint8_t *const cases[] = {chunked_stub, stub_on_the_spot};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct sw_rows_in in = sw_rows_in_of(sw_span_of(cases[i], 40), 7, &start);
        struct sw_log_row row;
        struct sw_err err;

        assert_int_equal(sw_rows_in_next(&in, &row, &err), SW_CORRUPT);
    }
}

static void lsns_do_not_wrap_around(void **state)
{
    static const uint8_t far_stub[45] = {4 * 11 + 2, 0,    0xff, 0xff, 0xff, 0xff,
                                         0xff,       0xff, 0xff, 0xff, 0x7f};
    static const uint8_t whole[] = {4, 0, 0};
    struct sw_rows_in in = sw_rows_in_of(sw_span_of(far_stub, sizeof(far_stub)), 7, &start);
    struct sw_log_row row;
    struct sw_err err;

    (void)state;
    assert_int_equal(sw_rows_in_next(&in, &row, &err), SW_CORRUPT);
    in = sw_rows_in_of(sw_span_of(whole, sizeof(whole)), INT64_MAX, &start);
    assert_int_equal(sw_rows_in_next(&in, &row, &err), SW_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_with_their_chain),
        cmocka_unit_test(cut_off_rows_are_refused),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(lsns_do_not_wrap_around),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
