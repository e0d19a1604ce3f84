/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: the bytes of a payload come back as they went in, and those that repeat are
 * stored once.
 */
#include "storage/journal/payload.h"

#include "fixture.h"
#include "storage/journal/cut.h"

enum { BYTES = 300000 };

/* Bytes that repeat nowhere. */
static uint8_t *make_bytes(size_t size, uint64_t seed)
{
    uint8_t *bytes = malloc(size + 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)sw_hash64(sw_span_of(&i, sizeof(i)), seed);
    return bytes;
}

static uint64_t append_output(struct fixture *fixture, uint64_t run, const uint8_t *bytes,
                              size_t size)
{
    return fixture_append(fixture, fixture_completed(fixture, run, "a", bytes, size));
}

static void assert_output(struct fixture *fixture, uint64_t lsn, const uint8_t *bytes, size_t size)
{
    const struct sw_payload *payload;
    struct sw_record record;

    fixture_ok(fixture,
               sw_journal_read(fixture->journal, lsn, &fixture->arena, &record, &fixture->err));
    payload = payload_of(&record);
    assert_true(payload->present);
    assert_int_equal(payload->size, size);
    assert_true(sw_span_equal(payload->data, sw_span_of(bytes, size)));
    sw_arena_reset(&fixture->arena);
}

static void every_size_comes_back(void **state)
{
    static const size_t sizes[] = {0,
                                   1,
                                   SW_PAYLOAD_INLINE_MAX - 1,
                                   SW_PAYLOAD_INLINE_MAX,
                                   SW_PAYLOAD_INLINE_MAX + 1,
                                   SW_CUT_MAX,
                                   SW_CHUNK_BYTES_MAX - 1,
                                   SW_CHUNK_BYTES_MAX,
                                   SW_CHUNK_BYTES_MAX + 1,
                                   BYTES};
    enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };
    struct fixture *fixture = *state;
    struct sw_verify_report report = {0};
    uint64_t lsns[SIZES];
    uint8_t *bytes[SIZES];
    uint64_t run;

    fixture_open(fixture);
    run = fixture_append(fixture, fixture_run(fixture, "run-1"));
    for (size_t i = 0; i < SIZES; i++) {
        bytes[i] = make_bytes(sizes[i], i);
        lsns[i] = append_output(fixture, run, bytes[i], sizes[i]);
        assert_output(fixture, lsns[i], bytes[i], sizes[i]);
    }
    fixture_commit(fixture);
    fixture_ok(fixture, fixture_verify(fixture, &report));
    fixture_reopen(fixture);
    for (size_t i = 0; i < SIZES; i++) {
        assert_output(fixture, lsns[i], bytes[i], sizes[i]);
        free(bytes[i]);
    }
}

static uint64_t chunk_bytes(struct fixture *fixture)
{
    struct sw_verify_report report = {0};

    fixture_commit(fixture);
    fixture_ok(fixture, fixture_verify(fixture, &report));
    return report.chunk_bytes;
}

/* Goal: a conversation that grows call by call is stored about once. */
static void what_repeats_is_stored_once(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *bytes = make_bytes(BYTES, 1);
    uint64_t sent = 0;
    uint64_t stored;
    uint64_t run;

    fixture_open(fixture);
    run = fixture_append(fixture, fixture_run(fixture, "run-1"));
    for (size_t size = 20000; size <= BYTES; size += 10000) {
        (void)append_output(fixture, run, bytes, size);
        sent += size;
    }
    stored = chunk_bytes(fixture);
    assert_true(sent > 15 * (uint64_t)BYTES);
    assert_true(stored < 2 * (uint64_t)BYTES);
    (void)append_output(fixture, run, bytes, BYTES); /* the same once more: nothing */
    assert_int_equal(chunk_bytes(fixture), stored);
    bytes[BYTES / 2] ^= 1; /* a change in the middle costs a chunk or two */
    (void)append_output(fixture, run, bytes, BYTES);
    assert_true(chunk_bytes(fixture) > stored);
    assert_true(chunk_bytes(fixture) <= stored + 3 * SW_CUT_MAX);
    free(bytes);
}

/* Goal: a digest that is known is not computed again; reading checks it. */
static void a_known_digest_is_taken(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *bytes = make_bytes(5000, 1);
    struct sw_span span = sw_span_of(bytes, 5000);
    struct sw_record record;
    uint64_t run;

    fixture_open(fixture);
    run = fixture_append(fixture, fixture_run(fixture, "run-1"));
    record = fixture_completed(fixture, run, "a", bytes, 5000);
    record.u.outcome.output.digest_known = true;
    sw_sha256(&span, 1, &record.u.outcome.output.digest);
    assert_output(fixture, fixture_append(fixture, record), bytes, 5000);
    record.u.outcome.output.digest.bytes[3] ^= 1;
    fixture_ok(fixture, sw_journal_append(fixture->journal, &record, &fixture->err));
    assert_int_equal(
        sw_journal_read(fixture->journal, record.lsn, &fixture->arena, &record, &fixture->err),
        SW_CORRUPT);
    free(bytes);
}

/* Goal: bytes that are gone or others are not passed off as the payload. */
static void missing_bytes_are_noticed(void **state)
{
    static const char *const changes[] = {
        "DELETE FROM log WHERE type = 11",
        "UPDATE log SET body = NULL WHERE type = 11",
        "UPDATE log SET body = substr(body, 1, 200) || x'00' || substr(body, 202) WHERE type = 11",
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        uint8_t *bytes = make_bytes(5000, 1);
        struct sw_record record;
        uint64_t lsn;

        fixture_close(fixture);
        fixture_empty(fixture->directory);
        fixture_open(fixture);
        lsn = append_output(fixture, fixture_append(fixture, fixture_run(fixture, "run-1")), bytes,
                            5000);
        fixture_commit(fixture);
        fixture_tamper(fixture, changes[i]);
        assert_int_equal(
            sw_journal_read(fixture->journal, lsn, &fixture->arena, &record, &fixture->err),
            SW_CORRUPT);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_size_comes_back, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_repeats_is_stored_once, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_known_digest_is_taken, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(missing_bytes_are_noticed, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
