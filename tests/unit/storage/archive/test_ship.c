/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a record counts as shipped only if it is in the chain for ever, whoever else comes,
 * whatever answer was lost.
 */
#include "tests/unit/storage/archive/fixture.h"

#include <sys/wait.h>

#include "storage/archive/names.h"

/* SW_TEST_CLAIMANTS=50 makes it 500 claims. */
enum { CLAIMANTS_FEW = 10, CLAIMANTS_MAX = 100, CLAIMS = 10 };

static void nothing_to_ship_asks_nothing_of_the_store(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "a");
    struct sw_store_counts before, after;

    start(&node);
    before = sw_store_counts(fixture->store);
    ship(&node);
    after = sw_store_counts(fixture->store);
    assert_memory_equal(&before, &after, sizeof(before));
    play(&node, 1, 10);
    ship(&node);
    after = sw_store_counts(fixture->store);
    assert_int_equal(after.creates, before.creates + 1); /* one request for a batch */
    assert_int_equal(after.gets, before.gets);
    assert_int_equal(after.lists, before.lists);
    stop(&node);
}

static void much_is_shipped_in_pieces(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct objects *objects = malloc(sizeof(*objects));

    assert_non_null(objects);
    start(&a);
    play(&a, 60, 60000);
    ship(&a);
    list_objects(fixture, "v1/agents/log/", objects);
    assert_true(objects->count > 5);
    for (size_t i = 0; i < objects->count; i++) {
        size_t size;

        free(load(fixture, objects->keys[i], &size));
        assert_true(size < 512 * 1024);
    }
    start(&b);
    assert_same(dump_of(fixture, a.directory), dump_of(fixture, b.directory));
    stop(&a);
    stop(&b);
    free(objects);
}

/* Rules (b) and (c): the bytes stay what they were, and "exists" may be our own echo. */
static void segment_whose_answer_was_lost_is_ours(void **state)
{
    static const char *const points[] = {"archive.before_create", "archive.after_create"};
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    bool more;

    start(&a);
    for (size_t i = 0; i < 2; i++) {
        uint64_t lsn = sw_archive_state(a.archive).shipped_lsn;
        uint64_t frozen_lsn;

        play(&a, 1, 100);
        frozen_lsn = sw_journal_state(a.journal)->lsn;
        sw_fault_arm(points[i], 1);
        assert_int_equal(sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err),
                         SW_STORE_UNAVAILABLE);
        assert_true(sw_fault_disarm());
        assert_int_equal(sw_archive_state(a.archive).shipped_lsn, lsn);
        play(&a, 1, 100); /* must not get into the bytes that were frozen */
        ok(fixture, sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err));
        assert_int_equal(sw_archive_state(a.archive).shipped_lsn, frozen_lsn);
        assert_true(more);
        ship(&a);
    }
    assert_int_equal(verified(fixture).last_lsn, sw_journal_state(a.journal)->lsn);
    start(&b);
    assert_same(dump_of(fixture, a.directory), dump_of(fixture, b.directory));
    stop(&a);
    stop(&b);
}

/* A segment was sent, its answer lost, the owner died: the next one has it, or it never was. */
static void segment_in_doubt_is_either_there_or_not(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    bool more;

    start(&a);
    play(&a, 1, 100);
    sw_fault_arm("archive.after_create", 1);
    assert_int_equal(sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err),
                     SW_STORE_UNAVAILABLE);
    assert_true(sw_fault_disarm());
    start(&b);
    assert_int_equal(b.report.lsn, sw_journal_state(a.journal)->lsn);
    /* It was durable, and the old owner hears so; only then is it fenced. */
    ok(fixture, sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err));
    play(&a, 1, 100);
    assert_int_equal(sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err),
                     SW_OWNER_FENCED);
    stop(&a);
    stop(&b);
}

/* A zombie: frozen with bytes in hand, overtaken, snapshots written, segments collected. Its slot
 * holds the fence that overtook it, for ever. */
static void stalled_owner_is_fenced_after_collection(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct dump before;
    bool more;

    start(&a);
    play(&a, 1, 100);
    ship(&a);
    play(&a, 1, 100);
    sw_fault_arm("archive.before_create", 1);
    assert_int_equal(sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err),
                     SW_STORE_UNAVAILABLE);
    assert_true(sw_fault_disarm());
    start(&b);
    for (int i = 0; i < 4; i++) {
        play(&b, 3, 100);
        ship(&b);
        snapshot(&b);
    }
    before = dump_of(fixture, b.directory);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err),
                         SW_OWNER_FENCED);
    assert_int_equal(sw_archive_snapshot(a.archive, a.reader, &fixture->err), SW_OWNER_FENCED);
    stop(&a);
    lose_disk(&b);
    start(&b);
    assert_same(before, dump_of(fixture, b.directory));
    stop(&b);
}

/* ---- contention ------------------------------------------------------------------- */

struct win {
    uint64_t slot;
    uint64_t epoch;
    uint8_t owner[SW_ARCHIVE_OWNER_SIZE];
};

/* A process of its own: claims, and tells of each time it became the owner. */
static void claim_again_and_again(struct fixture *fixture, int number, int pipe_fd)
{
    struct sw_store_options options = {.url = fixture->store_path};
    struct sw_store *store = NULL;
    struct node node;
    char name[32];

    (void)snprintf(name, sizeof(name), "claimant-%d", number);
    node = node_of(fixture, name);
    if (sw_store_open(&options, &store, &fixture->err) != SW_OK)
        _exit(2);
    fixture->options.store = store;
    for (int i = 0; i < CLAIMS; i++) {
        enum sw_code code = take_over(&node);
        bool more;

        if (code == SW_OK) {
            struct sw_archive_state state = sw_archive_state(node.archive);
            struct win win = {.slot = node.report.slot, .epoch = node.report.epoch};

            memcpy(win.owner, state.owner, sizeof(win.owner));
            if (write(pipe_fd, &win, sizeof(win)) != sizeof(win))
                _exit(3);
            play(&node, 1, 10);
            code = sw_archive_ship(node.archive, node.reader, 0, &more, &fixture->err);
            stop(&node);
        }
        if (code != SW_OK && code != SW_OWNER_FENCED) {
            (void)fprintf(stderr, "claimant %d: %s: %s\n", number, sw_code_name(code),
                          fixture->err.text);
            _exit(4);
        }
    }
    _exit(0);
}

/* No owner without a fence in its slot, of its epoch. */
static void assert_is_fence_of(struct fixture *fixture, const struct win *won)
{
    struct sw_name name = {.kind = SW_NAME_LOG, .slot = won->slot};
    char key[SW_OBJECT_KEY_MAX];
    struct sw_segment segment;
    uint8_t *bytes;
    size_t size;

    sw_name_put("agents", &name, key);
    bytes = load(fixture, key, &size);
    ok(fixture, sw_segment_read(sw_span_of(bytes, size), &segment, &fixture->err));
    assert_int_equal(segment.kind, SW_SEGMENT_FENCE);
    assert_int_equal(segment.epoch, won->epoch);
    assert_memory_equal(segment.owner, won->owner, sizeof(won->owner));
    free(bytes);
}

static void one_claim_wins_each_slot(void **state)
{
    static struct win wins[CLAIMANTS_MAX * CLAIMS];
    const char *given = getenv("SW_TEST_CLAIMANTS");
    int claimants = given != NULL ? (int)strtol(given, NULL, 10) : CLAIMANTS_FEW;
    struct fixture *fixture = *state;
    struct sw_archive_check check;
    size_t count = 0;
    struct win win;
    int ends[2];

    assert_true(claimants > 0 && claimants <= CLAIMANTS_MAX);
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < claimants; i++) {
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
            claim_again_and_again(fixture, i, ends[1]);
    }
    (void)close(ends[1]);
    while (read(ends[0], &win, sizeof(win)) == sizeof(win)) {
        assert_true(count < (size_t)claimants * CLAIMS);
        for (size_t i = 0; i < count; i++) {
            assert_int_not_equal(win.slot, wins[i].slot);
            assert_int_not_equal(win.epoch, wins[i].epoch);
            assert_true((win.slot > wins[i].slot) == (win.epoch > wins[i].epoch));
            assert_memory_not_equal(win.owner, wins[i].owner, sizeof(win.owner));
        }
        wins[count++] = win;
    }
    (void)close(ends[0]);
    for (int i = 0; i < claimants; i++) {
        int status = -1;

        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    check = verified(fixture);
    print_message("%zu claims won of %d, %llu fences\n", count, claimants * CLAIMS,
                  (unsigned long long)check.fences);
    /* One more for who was overtaken before it had rebuilt a journal that diverged. */
    assert_true(check.fences >= count);
    for (size_t i = 0; i < count; i++)
        assert_is_fence_of(fixture, &wins[i]);
    assert_true(count >= (size_t)claimants);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_to_ship_asks_nothing_of_the_store, setup, teardown),
        cmocka_unit_test_setup_teardown(much_is_shipped_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(segment_whose_answer_was_lost_is_ours, setup, teardown),
        cmocka_unit_test_setup_teardown(segment_in_doubt_is_either_there_or_not, setup, teardown),
        cmocka_unit_test_setup_teardown(stalled_owner_is_fenced_after_collection, setup, teardown),
        cmocka_unit_test_setup_teardown(one_claim_wins_each_slot, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
