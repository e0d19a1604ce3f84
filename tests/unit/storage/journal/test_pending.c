/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: SQL finds in "pending" what was added and not dropped, byte for byte.
 */
#include "storage/journal/pending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct sw_db db;
    struct sw_pending pending;
    struct sw_err err;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    assert_int_equal(sw_db_open(&fixture->db, ":memory:",
                                SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL, &fixture->err),
                     SW_OK);
    assert_int_equal(sw_pending_register(&fixture->pending, &fixture->db, &fixture->err), SW_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    sw_db_close(&fixture->db);
    sw_pending_fini(&fixture->pending);
    free(fixture);
    return 0;
}

static void add(struct fixture *fixture, uint64_t lsn, size_t size, bool stub)
{
    struct sw_row row = {.lsn = lsn, .type = 4, .run = 2, .chunked = lsn % 2 == 0, .stub = stub};

    if (!stub) {
        uint8_t *room = sw_pending_room(&fixture->pending, size);

        assert_non_null(room);
        memset(room, (int)(lsn & 0xff), size + SW_CODEC_SPARE);
        row.fields = sw_span_of(room, size);
    }
    memset(row.chain.bytes, (int)(lsn & 0x7f), SW_DIGEST_SIZE);
    assert_int_equal(sw_pending_add(&fixture->pending, &row, &fixture->err), SW_OK);
}

static uint64_t ask(struct fixture *fixture, const char *sql)
{
    uint64_t value = 0;

    assert_int_equal(sw_db_get(&fixture->db, sql, &value, &fixture->err), SW_OK);
    return value;
}

static void nothing_is_pending_at_first_and_after_a_clear(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(ask(fixture, "SELECT count(*) FROM pending"), 0);
    add(fixture, 5, 10, false);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM pending"), 1);
    sw_pending_clear(&fixture->pending);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM pending"), 0);
}

static void rows_come_in_order_with_all_their_columns(void **state)
{
    struct fixture *fixture = *state;

    for (uint64_t lsn = 1; lsn <= 1000; lsn++)
        add(fixture, lsn, lsn * 7 % 3000, lsn % 10 == 0);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM pending"), 1000);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM pending WHERE type = 4 AND run = 2"), 1000);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM pending WHERE chunked = (lsn % 2 = 0)"),
                     1000);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM pending WHERE body IS NULL"), 100);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM pending WHERE body IS NOT NULL AND"
                                  " length(body) = lsn * 7 % 3000 + 8 AND"
                                  " hex(body) = replace(hex(zeroblob(length(body))), '00',"
                                  " printf('%02X', lsn % 256))"),
                     900);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM pending WHERE length(chain) = 32 AND"
                                  " hex(chain) = replace(hex(zeroblob(32)), '00',"
                                  " printf('%02X', lsn % 128))"),
                     1000);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM (SELECT lsn, rowid AS at FROM pending)"
                                  " WHERE lsn = at + 1"),
                     1000);
}

static void the_newest_rows_can_be_dropped(void **state)
{
    struct fixture *fixture = *state;

    for (uint64_t lsn = 1; lsn <= 300; lsn++)
        add(fixture, lsn, 20, false);
    sw_pending_drop_after(&fixture->pending, 200);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM pending"), 200);
    assert_int_equal(ask(fixture, "SELECT max(lsn) FROM pending"), 200);
    add(fixture, 201, 30, false);
    assert_int_equal(ask(fixture, "SELECT length(body) FROM pending WHERE lsn = 201"), 38);
    sw_pending_drop_after(&fixture->pending, 0);
    assert_int_equal(ask(fixture, "SELECT count(*) FROM pending"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_pending_at_first_and_after_a_clear, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(rows_come_in_order_with_all_their_columns, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_newest_rows_can_be_dropped, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
