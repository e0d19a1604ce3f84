/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: an append numbers, links and indexes its record, or leaves nothing of it behind.
 */
#include "fixture.h"
#include "storage/base/fault.h"
#include "storage/journal/journal.intern.h"

enum { MIB = 1024 * 1024 };

static void a_record_gets_its_number_and_chain(void **state)
{
    struct fixture *fixture = *state;
    struct sw_record run;
    struct sw_record begun;
    struct sw_digest digest;

    fixture_open(fixture);
    run = fixture_run(fixture, "run-1");
    fixture_ok(fixture, sw_journal_append(fixture->journal, &run, &fixture->err));
    assert_int_equal(run.lsn, 2); /* behind JOURNAL_CREATED */
    assert_int_equal(run.run, run.lsn);
    assert_int_equal(run.u.run_started.input.size, 2);
    sw_sha256(&run.u.run_started.input.data, 1, &digest);
    assert_memory_equal(&digest, &run.u.run_started.input.digest, sizeof(digest));
    begun = fixture_begun(fixture, run.run, "a", "[]", 2);
    fixture_ok(fixture, sw_journal_append(fixture->journal, &begun, &fixture->err));
    assert_int_equal(begun.lsn, 3);
    assert_memory_not_equal(&begun.chain, &run.chain, sizeof(run.chain));
    assert_memory_equal(&begun.chain, &fixture->journal->chain, sizeof(begun.chain));
    assert_int_equal(fixture_lsn(fixture), 3);
    fixture_commit(fixture);
}

/* Goal: what the run index forbids is refused, and all before it in the transaction stays. */
static void the_run_index_decides(void **state)
{
    struct fixture *fixture = *state;
    struct sw_record again;
    struct sw_record ended;
    struct seen before = {0};
    struct seen after = {0};
    uint64_t run;

    fixture_open(fixture);
    run = fixture_whole_run(fixture, "run-1", 1, 3000);
    fixture_ok(fixture, seen_all(fixture->path, &before, &fixture->err));
    again = fixture_run(fixture, "run-1");
    assert_int_equal(sw_journal_append(fixture->journal, &again, &fixture->err), SW_RUN_CONFLICT);
    ended = fixture_ended(fixture, run);
    assert_int_equal(sw_journal_append_end(fixture->journal, &ended, 1, &fixture->err),
                     SW_RUN_ENDED);
    ended = fixture_ended(fixture, run + 1);
    assert_int_equal(sw_journal_append(fixture->journal, &ended, &fixture->err), SW_RUN_ENDED);
    fixture_commit(fixture);
    fixture_ok(fixture, seen_all(fixture->path, &after, &fixture->err));
    assert_int_equal(before.hash, after.hash);
    (void)fixture_append(fixture, fixture_run(fixture, "run-2"));
    assert_int_equal(sw_journal_append(fixture->journal, &again, &fixture->err), SW_RUN_CONFLICT);
    fixture_commit(fixture);
    assert_int_equal(fixture_query(fixture, "SELECT count(*) FROM run WHERE id = 'run-2'"), 1);
}

/* Goal: the chunks of a payload go with the record that was refused. */
static void a_refused_record_leaves_no_chunks(void **state)
{
    static uint8_t bytes[100000];
    struct fixture *fixture = *state;
    struct sw_record again;
    uint64_t lsn;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * i / 31);
    fixture_open(fixture);
    lsn = fixture_append(fixture, fixture_run(fixture, "run-1"));
    again = fixture_run(fixture, "run-1");
    again.u.run_started.input = fixture_payload(bytes, sizeof(bytes));
    assert_int_equal(sw_journal_append(fixture->journal, &again, &fixture->err), SW_RUN_CONFLICT);
    assert_int_equal(fixture_lsn(fixture), lsn);
    assert_int_equal(fixture->journal->recent.count, 0);
    fixture_commit(fixture);
    assert_int_equal(fixture_query(fixture, "SELECT count(*) FROM log WHERE type = 11"), 0);
}

static void a_payload_has_a_largest_size(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *bytes = calloc(1, SW_PAYLOAD_BYTES_MAX + 1);
    struct sw_record run;

    assert_non_null(bytes);
    fixture_open(fixture);
    run = fixture_run(fixture, "run-1");
    run.u.run_started.input = fixture_payload(bytes, SW_PAYLOAD_BYTES_MAX + 1);
    assert_int_equal(sw_journal_append(fixture->journal, &run, &fixture->err),
                     SW_MESSAGE_TOO_LARGE);
    run.u.run_started.input = fixture_payload(bytes, SW_PAYLOAD_BYTES_MAX);
    fixture_ok(fixture, sw_journal_append(fixture->journal, &run, &fixture->err));
    free(bytes);
}

static enum sw_code append_and_maintain(struct fixture *fixture, struct sw_record *record)
{
    enum sw_code code = sw_journal_append(fixture->journal, record, &fixture->err);
    bool more = true;

    fixture_commit(fixture);
    while (more)
        fixture_ok(fixture, sw_journal_maintain(fixture->journal, fixture->now_ms, false, &more,
                                                &fixture->err));
    return code;
}

/* Goal: near bytes_max new work is refused while outcomes fit; beyond it all is. */
static void the_reserve_is_for_outcomes(void **state)
{
    struct fixture *fixture = *state;
    struct sw_record record;
    uint8_t bytes[1000];
    enum sw_code code = SW_OK;
    int outcomes = 0;
    uint64_t run;

    fixture->options.bytes_max = 2 * MIB;
    fixture->options.bytes_reserved = MIB / 4;
    fixture_open(fixture);
    run = fixture_append(fixture, fixture_run(fixture, "run-1"));
    memset(bytes, 7, sizeof(bytes));
    for (int i = 0; code == SW_OK && i < 10000; i++) {
        record = fixture_begun(fixture, run, "a", bytes, sizeof(bytes));
        code = append_and_maintain(fixture, &record);
    }
    assert_int_equal(code, SW_JOURNAL_FULL);
    assert_true(sw_journal_state(fixture->journal)->full);
    for (code = SW_OK; code == SW_OK && outcomes < 10000; outcomes++) {
        record = fixture_completed(fixture, run, "a", bytes, sizeof(bytes));
        code = append_and_maintain(fixture, &record);
    }
    assert_int_equal(code, SW_JOURNAL_FULL);
    assert_true(outcomes > MIB / 4 / 2000);
    assert_true(sw_journal_state(fixture->journal)->bytes < 2 * MIB + MIB / 8);
}

static void a_failed_insert_ends_the_journal(void **state)
{
    struct fixture *fixture = *state;
    struct sw_record run;

    fixture_open(fixture);
    sw_fault_arm("journal.append", 1);
    run = fixture_run(fixture, "run-1");
    assert_int_equal(sw_journal_append(fixture->journal, &run, &fixture->err), SW_STORAGE_FAILED);
    assert_true(sw_fault_disarm());
    assert_int_equal(sw_journal_append(fixture->journal, &run, &fixture->err), SW_STORAGE_FAILED);
    fixture_reopen(fixture);
    assert_int_equal(fixture_lsn(fixture), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_record_gets_its_number_and_chain, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_run_index_decides, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_refused_record_leaves_no_chunks, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_payload_has_a_largest_size, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_reserve_is_for_outcomes, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_failed_insert_ends_the_journal, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
