/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a retired journal is nobody's any more and can still be read; removing it may stop at any
 * point, and at none of them can somebody go on with what is left of it.
 */
#include "tests/unit/storage/archive/fixture.h"

#include "storage/archive/archive.intern.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static uint64_t now_ms;

static uint64_t tell_ms(void *self)
{
    (void)self;
    return now_ms;
}

static uint64_t tell_us(void *self)
{
    (void)self;
    return sw_clock_monotonic_us(&sw_clock_system);
}

static const struct sw_clock test_clock = {.now_ms = tell_ms, .monotonic_us = tell_us};

static int setup_clock(void **state)
{
    struct fixture *fixture;

    if (setup(state) != 0)
        return -1;
    fixture = *state;
    now_ms = UINT64_C(1795560600000);
    fixture->options.clock = &test_clock;
    return 0;
}

/* Two owners, two snapshots, DATA above them, an orphan. */
static struct dump make_store(struct fixture *fixture)
{
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    char key[SW_OBJECT_KEY_MAX];
    struct dump dump;
    bool more;

    start(&a);
    play(&a, 2, 20);
    ship(&a);
    snapshot(&a);
    play(&a, 2, 20);
    ship(&a);
    start(&b);
    play(&b, 2, 20);
    ship(&b);
    snapshot(&b);
    play(&b, 2, 20);
    ship(&b);
    play(&a, 1, 20);
    assert_int_equal(sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err),
                     SW_OWNER_FENCED);
    ok(fixture, sw_archive_put_aside(a.archive, a.reader, key, &fixture->err));
    dump = dump_of(fixture, b.directory);
    stop(&a);
    stop(&b);
    return dump;
}

static struct sw_retirement retire(struct fixture *fixture)
{
    struct sw_retirement done = {.before = false};

    ok(fixture, sw_archive_retire(&fixture->options, &done, &fixture->err));
    return done;
}

static void retired_journal_can_be_read_and_is_nobody_s(void **state)
{
    struct fixture *fixture = *state;
    struct dump truth = make_store(fixture);
    struct node late = node_of(fixture, "late");
    struct node same = node_of(fixture, "b");
    struct sw_restore_options restore;
    struct sw_restore_report report;
    char directory[PATH_SIZE];
    struct sw_retirement done = retire(fixture);
    struct sw_archive_check check = verified(fixture);

    assert_false(done.before);
    assert_true(check.retired);
    assert_int_equal(check.last_slot, done.slot);
    assert_int_equal(check.last_lsn, done.lsn);
    assert_int_equal(done.epoch, 3);
    assert_int_equal(done.at_ms, now_ms);
    assert_int_equal(take_over(&late), SW_JOURNAL_RETIRED);
    assert_int_equal(take_over(&same), SW_JOURNAL_RETIRED);
    (void)snprintf(directory, sizeof(directory), "%s/copy", fixture->root);
    restore = (struct sw_restore_options){.directory = directory};
    ok(fixture, sw_archive_restore(&fixture->options, &restore, &report, &fixture->err));
    assert_same(truth, dump_of(fixture, directory));
    now_ms += DAY_MS;
    done = retire(fixture); /* again: nothing changes */
    assert_true(done.before);
    assert_int_equal(done.at_ms, now_ms - DAY_MS);
    assert_int_equal(verified(fixture).last_slot, done.slot);
}

static void the_owner_is_fenced_by_it(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    bool more;

    start(&a);
    play(&a, 2, 20);
    ship(&a);
    (void)retire(fixture);
    play(&a, 1, 20);
    assert_int_equal(sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err),
                     SW_OWNER_FENCED);
    stop(&a);
}

static void encrypted_journal_is_retired_with_its_key(void **state)
{
    struct fixture *fixture = *state;
    struct sw_retirement done;

    encrypt(fixture, KEY_A);
    (void)make_store(fixture);
    (void)retire(fixture);
    assert_true(verified(fixture).retired);
    ok(fixture, sw_archive_remove(&fixture->options, 0, &done, &fixture->err));
    assert_int_equal(count_objects(fixture, "v1/"), 0);
}

/* A writer of RETIRE in the slot that somebody else's fence is meant for. */
static void retire_meanwhile(void *self, uint64_t records, uint64_t bytes, uint64_t bytes_total)
{
    struct fixture *fixture = self;
    struct sw_archive_options options = fixture->options;
    struct sw_store_options again = {.url = fixture->store_path};
    struct sw_store *store = NULL;
    struct sw_retirement done;

    (void)records;
    (void)bytes;
    (void)bytes_total;
    if (fixture->options.progress == NULL)
        return;
    fixture->options.progress = NULL;
    options.progress = NULL;
    ok(fixture, sw_store_open(&again, &store, &fixture->err));
    options.store = store;
    ok(fixture, sw_archive_retire(&options, &done, &fixture->err));
    sw_store_close(store);
}

/* Goal: who was reading when the journal was retired meets FENCE and RETIRE in the slots that were
 * meant for its own fence, and writes nothing behind them. */
static void fence_is_not_put_behind_retire(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");

    start(&a);
    play(&a, 2, 20);
    ship(&a);
    stop(&a);
    for (int i = 0; i < 3; i++) { /* its epoch is ahead: what it meets is of an older owner */
        ok(fixture, sw_journal_open(&a.options, &a.journal, &fixture->err));
        sw_journal_close(a.journal);
    }
    fixture->options.progress = retire_meanwhile;
    fixture->options.self = fixture;
    assert_int_equal(take_over(&a), SW_JOURNAL_RETIRED);
    assert_null(fixture->options.progress);
    assert_true(verified(fixture).retired);
}

static void nothing_is_removed_too_early(void **state)
{
    struct fixture *fixture = *state;
    struct sw_retirement done;
    size_t count;

    assert_int_equal(sw_archive_remove(&fixture->options, 0, &done, &fixture->err),
                     SW_CONFIGURATION);
    assert_non_null(strstr(fixture->err.text, "holds no journal"));
    (void)make_store(fixture);
    count = count_objects(fixture, "v1/");
    assert_int_equal(sw_archive_remove(&fixture->options, 0, &done, &fixture->err),
                     SW_CONFIGURATION);
    assert_non_null(strstr(fixture->err.text, "is not retired"));
    (void)retire(fixture);
    now_ms += 29 * UINT64_C(86400000);
    assert_int_equal(
        sw_archive_remove(&fixture->options, 30 * UINT64_C(86400000), &done, &fixture->err),
        SW_CONFIGURATION);
    assert_non_null(strstr(fixture->err.text, "in 24 hours"));
    assert_int_equal(count_objects(fixture, "v1/"), count + 2); /* FENCE and RETIRE */
    now_ms += UINT64_C(86400000);
    ok(fixture,
       sw_archive_remove(&fixture->options, 30 * UINT64_C(86400000), &done, &fixture->err));
    assert_int_equal(count_objects(fixture, "v1/"), 0);
    assert_int_equal(done.removed, count + 3); /* and the floor on high */
}

static void foreign_objects_stay(void **state)
{
    static const uint8_t bytes[] = "mine";
    struct fixture *fixture = *state;
    struct sw_retirement done;

    (void)make_store(fixture);
    overwrite(fixture, "v1/agents/notes.txt", bytes, sizeof(bytes));
    overwrite(fixture, "v1/agents/log/1", bytes, sizeof(bytes));
    (void)retire(fixture);
    ok(fixture, sw_archive_remove(&fixture->options, 0, &done, &fixture->err));
    assert_int_equal(count_objects(fixture, "v1/"), 2);
}

/* Goal: whoever comes while objects are removed, at any request, is refused, and takes nothing
 * apart; and removing goes on to its end. Method: it dies at each of its requests in turn, before
 * and behind it; a new owner tries its luck, with a fresh disk and with an old one. */
static void nobody_begins_anew_before_the_last_object_is_gone(void **state)
{
    static const char *const points[] = {"archive.request", "archive.response"};
    struct fixture *fixture = *state;
    struct node old = node_of(fixture, "b");
    struct node fresh = node_of(fixture, "fresh");
    struct sw_retirement done;
    unsigned deaths = 0;

    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        bool fired = true;

        for (unsigned nth = 1; fired; nth++) {
            enum sw_code code;

            remove_tree(node_of(fixture, "a").directory);
            remove_tree(old.directory);
            (void)make_store(fixture);
            (void)retire(fixture);
            sw_fault_arm(points[i], nth);
            code = sw_archive_remove(&fixture->options, 0, &done, &fixture->err);
            fired = sw_fault_disarm();
            assert_int_equal(code, fired ? SW_STORE_UNAVAILABLE : SW_OK);
            deaths += fired;
            if (fired && count_objects(fixture, "v1/") > 0) {
                size_t count = count_objects(fixture, "v1/");

                assert_int_equal(take_over(&fresh), SW_JOURNAL_RETIRED);
                assert_int_equal(take_over(&old), SW_JOURNAL_RETIRED);
                assert_int_equal(count_objects(fixture, "v1/"), count);
                ok(fixture, sw_archive_remove(&fixture->options, 0, &done, &fixture->err));
            }
            assert_int_equal(count_objects(fixture, "v1/"), 0);
        }
    }
    assert_true(deaths >= 20);
    start(&fresh); /* now the name is free */
    assert_int_equal(fresh.report.local, SW_LOCAL_NEW);
    stop(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(retired_journal_can_be_read_and_is_nobody_s, setup_clock,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_owner_is_fenced_by_it, setup_clock, teardown),
        cmocka_unit_test_setup_teardown(encrypted_journal_is_retired_with_its_key, setup_clock,
                                        teardown),
        cmocka_unit_test_setup_teardown(fence_is_not_put_behind_retire, setup_clock, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_removed_too_early, setup_clock, teardown),
        cmocka_unit_test_setup_teardown(foreign_objects_stay, setup_clock, teardown),
        cmocka_unit_test_setup_teardown(nobody_begins_anew_before_the_last_object_is_gone,
                                        setup_clock, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
