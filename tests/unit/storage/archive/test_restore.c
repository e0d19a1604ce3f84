/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: what comes out of the bucket is the journal that went in, up to the point that was
 * asked for.
 */
#include "tests/unit/storage/archive/fixture.h"

static void name_directory(struct fixture *fixture, const char *name, char ret[PATH_SIZE])
{
    (void)snprintf(ret, PATH_SIZE, "%s/%s", fixture->root, name);
}

/* Method: random runs, payloads from none to many chunks, random moments to ship, to write a
 * snapshot, to lose the disk; the seed is printed. */
static void rebuilt_journal_is_the_live_one(void **state)
{
    struct fixture *fixture = *state;
    const char *given = getenv("SW_TEST_SEED");
    uint64_t first = given != NULL ? strtoull(given, NULL, 10) : 1;

    for (uint64_t seed = first; seed < first + 4; seed++) {
        struct node node = node_of(fixture, "live");
        char directory[PATH_SIZE];
        struct sw_restore_options restore = {.directory = directory};
        struct sw_restore_report report;

        print_message("seed %llu\n", (unsigned long long)seed);
        fixture->seed = seed;
        name_directory(fixture, "restored", directory);
        start(&node);
        for (int i = 0; i < 24; i++) {
            uint64_t what = draw(fixture, 8);

            play(&node, (int)draw(fixture, 12), what == 0 ? 200000 : 3000);
            if (what < 5)
                ship(&node);
            if (what == 6) {
                ship(&node);
                snapshot(&node);
            }
            if (what == 7) {
                ship(&node);
                lose_disk(&node);
                start(&node);
            }
        }
        ship(&node);
        (void)verified(fixture);
        ok(fixture, sw_archive_restore(&fixture->options, &restore, &report, &fixture->err));
        assert_int_equal(report.lsn, sw_journal_state(node.journal)->lsn);
        assert_int_equal(report.epoch, node.report.epoch);
        assert_string_equal(report.name, "agents");
        assert_same(dump_of(fixture, node.directory), dump_of(fixture, directory));
        remove_tree(directory);
        stop(&node);
        remove_tree(node.directory);
        remove_tree(fixture->store_path);
        sw_store_close(fixture->store);
        open_store(fixture);
    }
}

static void restore_stops_at_an_lsn(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "live");
    char directory[PATH_SIZE];
    struct sw_restore_report report;

    start(&node);
    for (int i = 0; i < 6; i++) {
        play(&node, 3, 300);
        ship(&node);
        if (i == 1 || i == 3)
            snapshot(&node);
    }
    for (uint64_t lsn = 1; lsn <= sw_journal_state(node.journal)->lsn; lsn += 5) {
        struct sw_restore_options restore = {.directory = directory, .lsn_max = lsn};

        name_directory(fixture, "restored", directory);
        ok(fixture, sw_archive_restore(&fixture->options, &restore, &report, &fixture->err));
        assert_int_equal(report.lsn, lsn);
        assert_int_equal(dump_of(fixture, directory).last_lsn, lsn);
        remove_tree(directory);
    }
    stop(&node);
}

/* Records are stamped 2000 + their lsn - 1, outcomes 5 later. */
static void restore_stops_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "live");
    char directory[PATH_SIZE];
    struct sw_restore_options restore = {.directory = directory, .at_ms_max = 2010};
    struct sw_restore_report report;

    start(&node);
    play(&node, 30, 30);
    ship(&node);
    snapshot(&node);
    name_directory(fixture, "restored", directory);
    ok(fixture, sw_archive_restore(&fixture->options, &restore, &report, &fixture->err));
    assert_true(report.lsn > 5 && report.lsn < 12);
    stop(&node);
}

static void restore_refuses_a_directory_with_a_journal(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "live");
    struct sw_restore_options restore = {.directory = node.directory};
    struct sw_restore_report report;

    start(&node);
    stop(&node);
    assert_int_equal(sw_archive_restore(&fixture->options, &restore, &report, &fixture->err),
                     SW_CONFIGURATION);
}

static void restore_of_nothing_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char directory[PATH_SIZE];
    struct sw_restore_options restore = {.directory = directory};
    struct sw_restore_report report;

    name_directory(fixture, "restored", directory);
    assert_int_equal(sw_archive_restore(&fixture->options, &restore, &report, &fixture->err),
                     SW_CONFIGURATION);
}

/* Method: the newest snapshot's index, then its part, is damaged. */
static void damaged_snapshot_is_passed_over(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "live");
    struct node other = node_of(fixture, "other");
    struct objects *objects = malloc(sizeof(*objects));
    struct dump before;

    assert_non_null(objects);
    start(&node);
    for (int i = 0; i < 3; i++) {
        play(&node, 3, 300);
        ship(&node);
        snapshot(&node);
    }
    before = dump_of(fixture, node.directory);
    stop(&node);
    list_objects(fixture, "v1/agents/snap/", objects);
    assert_int_equal(objects->count, 4); /* two parts, two indexes */
    for (size_t i = 2; i < 4; i++) {
        size_t size;
        uint8_t *bytes = load(fixture, objects->keys[i], &size);

        bytes[size / 2] ^= 1;
        overwrite(fixture, objects->keys[i], bytes, size);
        start(&other);
        assert_same(before, dump_of(fixture, other.directory));
        lose_disk(&other);
        bytes[size / 2] ^= 1;
        overwrite(fixture, objects->keys[i], bytes, size);
        free(bytes);
    }
    free(objects);
}

static void no_sound_snapshot_is_a_refusal(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "live");
    struct node other = node_of(fixture, "other");
    struct objects *objects = malloc(sizeof(*objects));

    assert_non_null(objects);
    start(&node);
    for (int i = 0; i < 3; i++) {
        play(&node, 3, 300);
        ship(&node);
        snapshot(&node);
    }
    stop(&node);
    list_objects(fixture, "v1/agents/snap/", objects);
    for (size_t i = 0; i < 4; i++) {
        size_t size;
        uint8_t *bytes = load(fixture, objects->keys[i], &size);

        bytes[size / 2] ^= 1;
        overwrite(fixture, objects->keys[i], bytes, size);
        free(bytes);
    }
    assert_int_equal(take_over(&other), SW_CORRUPT);
    assert_non_null(strstr(fixture->err.text, objects->keys[3])); /* the newest one's index */
    free(objects);
}

static void keys_can_be_changed(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "live");
    struct node other = node_of(fixture, "other");
    struct dump before;

    encrypt(fixture, KEY_A);
    start(&node);
    play(&node, 3, 300);
    ship(&node);
    stop(&node);
    encrypt(fixture, KEY_B KEY_A); /* B writes from now on */
    start(&node);
    play(&node, 3, 300);
    ship(&node);
    before = dump_of(fixture, node.directory);
    stop(&node);
    start(&other);
    assert_same(before, dump_of(fixture, other.directory));
    lose_disk(&other);
    encrypt(fixture, KEY_A);
    assert_int_equal(take_over(&other), SW_CONFIGURATION);
    fixture->options.key_file = NULL;
    assert_int_equal(take_over(&other), SW_CONFIGURATION);
}

static void key_for_a_plain_archive_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct node node = node_of(fixture, "live");

    start(&node);
    stop(&node);
    encrypt(fixture, KEY_A);
    assert_int_equal(take_over(&node), SW_CONFIGURATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rebuilt_journal_is_the_live_one, setup, teardown),
        cmocka_unit_test_setup_teardown(restore_stops_at_an_lsn, setup, teardown),
        cmocka_unit_test_setup_teardown(restore_stops_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(restore_refuses_a_directory_with_a_journal, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(restore_of_nothing_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_snapshot_is_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(no_sound_snapshot_is_a_refusal, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_can_be_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(key_for_a_plain_archive_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
