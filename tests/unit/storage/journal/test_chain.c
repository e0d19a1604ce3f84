/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: the walk goes on over what follows, and names the first row that does not.
 */
#include "storage/journal/chain.h"

#include "fixture.h"

static struct sw_row link_row(uint64_t lsn, const struct sw_digest *before)
{
    struct sw_row row = {.lsn = lsn,
                         .type = SW_RECORD_LEASE_TAKEN,
                         .run = 2,
                         .fields = sw_span_of_text("\x01\x05\x06\x03pod")};

    sw_row_chain(&row, before, &row.chain);
    return row;
}

static void a_walk_follows_the_links(void **state)
{
    struct sw_chain chain = {0};
    struct sw_err err;

    (void)state;
    for (uint64_t lsn = 1; lsn <= 5; lsn++) {
        struct sw_row row = link_row(lsn, &chain.chain);

        assert_int_equal(sw_chain_step(&chain, &row, &err), SW_OK);
        assert_int_equal(chain.lsn, lsn);
        assert_memory_equal(&chain.chain, &row.chain, sizeof(row.chain));
    }
}

static void what_does_not_follow_is_refused(void **state)
{
    struct sw_chain chain = {.lsn = 7, .chain = {{1}}};
    struct sw_digest other = {{2}};
    struct sw_err err;

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct sw_row row = link_row(i == 0 ? 9 : i == 1 ? 7 : 8, i == 2 ? &other : &chain.chain);
        struct sw_chain before = chain;

        row.run += i == 3;
        assert_int_equal(sw_chain_step(&chain, &row, &err), SW_CORRUPT);
        assert_non_null(strstr(err.text, i == 0 ? "record 9" : i == 1 ? "record 7" : "record 8"));
        assert_memory_equal(&chain, &before, sizeof(chain));
    }
}

/* Goal: a gap is right only in front of a stub, whose chain is then the base. */
static void a_stub_may_stand_behind_a_gap(void **state)
{
    struct sw_chain chain = {.lsn = 7, .chain = {{1}}};
    struct sw_digest base = {{3}};
    struct sw_row stub = {.lsn = 20, .stub = true, .chain = base};
    struct sw_row row = link_row(21, &base);
    struct sw_err err;

    (void)state;
    assert_int_equal(sw_chain_step(&chain, &stub, &err), SW_OK);
    assert_int_equal(sw_chain_step(&chain, &row, &err), SW_OK);
    stub.lsn = 21;
    assert_int_equal(sw_chain_step(&chain, &stub, &err), SW_CORRUPT); /* out of order */
}

static void a_walk_from_the_middle_trusts_one_row(void **state)
{
    struct sw_chain chain = {.trusting = true};
    struct sw_digest unknown = {{9}};
    struct sw_row row = link_row(100, &unknown);
    struct sw_err err;

    (void)state;
    assert_int_equal(sw_chain_step(&chain, &row, &err), SW_OK);
    row = link_row(101, &unknown);
    assert_int_equal(sw_chain_step(&chain, &row, &err), SW_CORRUPT);
    row = link_row(101, &chain.chain);
    assert_int_equal(sw_chain_step(&chain, &row, &err), SW_OK);
}

static enum sw_code open_with(struct fixture *fixture, bool check_all)
{
    enum sw_code code;

    fixture->options.check_all = check_all;
    code = sw_journal_open(&fixture->options, &fixture->journal, &fixture->err);
    if (code == SW_OK)
        fixture_close(fixture);
    return code;
}

/* Goal: opening reads the newest rows, the whole log when asked or when it is small. */
static void opening_checks_the_newest_part(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last;
    char sql[128];

    fixture_open(fixture);
    for (int i = 0; i < 4; i++) {
        char run_id[16];

        (void)snprintf(run_id, sizeof(run_id), "run-%d", i);
        (void)fixture_whole_run(fixture, run_id, 350, 4000);
    }
    last = fixture_lsn(fixture);
    fixture_close(fixture);
    assert_int_equal(open_with(fixture, true), SW_OK);
    fixture_tamper(fixture, "UPDATE log SET chain = zeroblob(32), body = NULL WHERE lsn = 5");
    assert_int_equal(open_with(fixture, true), SW_CORRUPT);
    assert_non_null(strstr(fixture->err.text, "record 5"));
    assert_int_equal(open_with(fixture, false), SW_OK);
    (void)snprintf(sql, sizeof(sql), "DELETE FROM log WHERE lsn = %llu",
                   (unsigned long long)last - 20);
    fixture_tamper(fixture, sql);
    assert_int_equal(open_with(fixture, false), SW_CORRUPT);
}

static void opening_compares_the_run_index(void **state)
{
    static const char *const changes[] = {
        "UPDATE run SET id = 'other' WHERE id = 'run-1'",
        "UPDATE run SET task = 'other' WHERE id = 'run-1'",
        "UPDATE run SET started_ms = 1 WHERE id = 'run-1'",
        "UPDATE run SET state = 3 WHERE id = 'run-1'",
        "UPDATE run SET ended_ms = 1 WHERE id = 'run-1'",
        "UPDATE run SET end_lsn = 1 WHERE id = 'run-1'",
        "UPDATE run SET steps = 99 WHERE id = 'run-1'",
        "DELETE FROM run WHERE id = 'run-1'",
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        fixture_empty(fixture->directory);
        fixture_open(fixture);
        (void)fixture_whole_run(fixture, "run-1", 1, 10);
        fixture_close(fixture);
        fixture_tamper(fixture, changes[i]);
        if (open_with(fixture, false) != SW_CORRUPT)
            fail_msg("not found: %s", changes[i]);
    }
}

static void structure_is_checked_by_sqlite(void **state)
{
    struct fixture *fixture = *state;
    struct sw_db db;

    fixture_open(fixture);
    fixture_close(fixture);
    fixture_ok(fixture, sw_db_open(&db, fixture->path, SQLITE_OPEN_READONLY, NULL, &fixture->err));
    fixture_ok(fixture, sw_structure_check(&db, "PRAGMA quick_check(1)", &fixture->err));
    assert_int_equal(sw_structure_check(&db, "SELECT 'row 3 missing'", &fixture->err), SW_CORRUPT);
    assert_non_null(strstr(fixture->err.text, "row 3 missing"));
    assert_int_equal(sw_structure_check(&db, "SELECT 1 WHERE 0", &fixture->err), SW_CORRUPT);
    sw_db_close(&db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_follows_the_links),
        cmocka_unit_test(what_does_not_follow_is_refused),
        cmocka_unit_test(a_stub_may_stand_behind_a_gap),
        cmocka_unit_test(a_walk_from_the_middle_trusts_one_row),
        cmocka_unit_test_setup_teardown(opening_checks_the_newest_part, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(opening_compares_the_run_index, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(structure_is_checked_by_sqlite, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
