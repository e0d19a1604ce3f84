/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: no byte of any object can change, and no object vanish or move, without being found and
 * named; and what restore gives then is either all of the truth or nothing.
 */
#include "tests/unit/storage/archive/fixture.h"

#include "storage/archive/segment.h"

enum { RESTORE_EVERY = 97 };

/* Two snapshots, fences below and between, data above, an orphan. */
static void make_store(struct fixture *fixture)
{
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    char key[SW_OBJECT_KEY_MAX];
    bool more;

    start(&a);
    play(&a, 1, 20);
    ship(&a);
    snapshot(&a);
    play(&a, 1, 20);
    ship(&a);
    start(&b);
    play(&b, 1, 20);
    ship(&b);
    snapshot(&b);
    play(&b, 1, 20);
    ship(&b);
    play(&a, 1, 20);
    assert_int_equal(sw_archive_ship(a.archive, a.reader, 0, &more, &fixture->err),
                     SW_OWNER_FENCED);
    ok(fixture, sw_archive_put_aside(a.archive, a.reader, key, &fixture->err));
    stop(&a);
    stop(&b);
}

/* The whole truth, or an error. */
static void restore_is_never_wrong(struct fixture *fixture, const struct dump *truth)
{
    struct sw_restore_report report;
    struct sw_restore_options restore;
    char directory[PATH_SIZE];
    enum sw_code code;

    (void)snprintf(directory, sizeof(directory), "%s/restored", fixture->root);
    restore = (struct sw_restore_options){.directory = directory};
    code = sw_archive_restore(&fixture->options, &restore, &report, &fixture->err);
    if (code == SW_OK)
        assert_same(*truth, dump_of(fixture, directory));
    else
        assert_int_equal(code, SW_CORRUPT);
    remove_tree(directory);
}

static void flip_every_byte(struct fixture *fixture)
{
    struct objects *objects = malloc(sizeof(*objects));
    struct sw_archive_check check;
    struct node b = node_of(fixture, "b");
    struct dump truth = dump_of(fixture, b.directory);
    unsigned flips = 0;

    assert_non_null(objects);
    check = verified(fixture);
    assert_int_equal(check.snapshots, 2);
    assert_int_equal(check.orphans, 1);
    assert_int_equal(check.fences, 2);
    list_objects(fixture, "v1/", objects);
    for (size_t i = 0; i < objects->count; i++) {
        const char *key = objects->keys[i];
        uint8_t *bytes;
        size_t size;

        bytes = load(fixture, key, &size);
        for (size_t k = 0; k < size; k++) {
            uint8_t bit = (uint8_t)(1u << draw(fixture, 8));
            enum sw_code code;

            bytes[k] ^= bit;
            overwrite(fixture, key, bytes, size);
            code = sw_archive_verify(&fixture->options, &check, &fixture->err);
            if (code != SW_CORRUPT || strcmp(check.bad, key) != 0 ||
                strstr(fixture->err.text, key) == NULL)
                fail_msg("byte %zu of %s: %s, \"%s\", bad \"%s\"", k, key, sw_code_name(code),
                         fixture->err.text, check.bad);
            if (flips++ % RESTORE_EVERY == 0)
                restore_is_never_wrong(fixture, &truth);
            bytes[k] ^= bit;
        }
        overwrite(fixture, key, bytes, size);
        free(bytes);
    }
    (void)verified(fixture);
    free(objects);
}

static void flipped_bits_are_found(void **state)
{
    make_store(*state);
    flip_every_byte(*state);
}

static void flipped_bits_are_found_in_encrypted_objects(void **state)
{
    encrypt(*state, KEY_A);
    make_store(*state);
    flip_every_byte(*state);
}

/* Cut off, emptied, longer: not only flipped. */
static void truncated_objects_are_found(void **state)
{
    struct fixture *fixture = *state;
    struct objects *objects = malloc(sizeof(*objects));

    assert_non_null(objects);
    make_store(fixture);
    list_objects(fixture, "v1/", objects);
    for (size_t i = 0; i < objects->count; i++) {
        size_t size;
        uint8_t *bytes = load(fixture, objects->keys[i], &size);
        const size_t cuts[] = {0, 1, 31, 151, 183, size / 2, size - 1};

        for (size_t k = 0; k < sizeof(cuts) / sizeof(cuts[0]); k++) {
            struct sw_archive_check check;

            overwrite(fixture, objects->keys[i], bytes, cuts[k]);
            assert_int_equal(sw_archive_verify(&fixture->options, &check, &fixture->err),
                             SW_CORRUPT);
            assert_string_equal(check.bad, objects->keys[i]);
        }
        overwrite(fixture, objects->keys[i], bytes, size);
        free(bytes);
    }
    free(objects);
}

/* Each object whole, but in another one's place. */
static void moved_objects_are_found(void **state)
{
    struct fixture *fixture = *state;
    struct objects *objects = malloc(sizeof(*objects));

    assert_non_null(objects);
    make_store(fixture);
    list_objects(fixture, "v1/", objects);
    for (size_t i = 0; i < objects->count; i++) {
        for (size_t k = 0; k < objects->count; k++) {
            struct sw_archive_check check;
            size_t size, other_size;
            uint8_t *bytes = load(fixture, objects->keys[i], &size);
            uint8_t *other = load(fixture, objects->keys[k], &other_size);

            if (i != k) {
                overwrite(fixture, objects->keys[i], other, other_size);
                assert_int_equal(sw_archive_verify(&fixture->options, &check, &fixture->err),
                                 SW_CORRUPT);
                overwrite(fixture, objects->keys[i], bytes, size);
            }
            free(bytes);
            free(other);
        }
    }
    free(objects);
}

static void missing_objects_are_found(void **state)
{
    struct fixture *fixture = *state;
    struct objects *objects = malloc(sizeof(*objects));
    unsigned found = 0;

    assert_non_null(objects);
    make_store(fixture);
    list_objects(fixture, "v1/", objects);
    for (size_t i = 0; i < objects->count; i++) {
        const char *key = objects->keys[i];
        struct sw_archive_check check;
        size_t size;
        uint8_t *bytes = load(fixture, key, &size);
        enum sw_code code;

        remove_object(fixture, key);
        code = sw_archive_verify(&fixture->options, &check, &fixture->err);
        found += code != SW_OK;
        /* Allowed to go: an orphan, what the snapshots cover, the chain's newest end. */
        if (code == SW_OK && strstr(key, "/snap/") != NULL)
            assert_non_null(strstr(key, "/index"));
        if (code == SW_CORRUPT && strstr(key, "/log/") != NULL)
            assert_string_equal(check.bad, key);
        overwrite(fixture, key, bytes, size);
        free(bytes);
    }
    assert_true(found >= 5);
    free(objects);
}

/* Goal: who has the bucket but not the key cannot put records of their own into it. Method: the
 * chain's newest segment, decrypted, with everything else right. */
static void plain_object_in_an_encrypted_archive_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct node other = node_of(fixture, "other");
    struct objects *objects = malloc(sizeof(*objects));
    struct sw_packer packer = {0};
    struct sw_bytes object = {0};
    struct sw_cipher *cipher = NULL;
    struct sw_archive_check check;
    struct sw_segment segment;
    struct sw_span raw;
    const char *key;
    uint8_t *bytes;
    size_t size;

    assert_non_null(objects);
    encrypt(fixture, KEY_A);
    make_store(fixture);
    list_objects(fixture, "v1/agents/log/", objects);
    key = objects->keys[objects->count - 1];
    bytes = load(fixture, key, &size);
    ok(fixture, sw_cipher_load(fixture->key_path, &cipher, &fixture->err));
    ok(fixture, sw_segment_read(sw_span_of(bytes, size), &segment, &fixture->err));
    assert_int_equal(segment.kind, SW_SEGMENT_DATA);
    ok(fixture,
       sw_segment_body(sw_span_of(bytes, size), &segment, cipher, &packer, &raw, &fixture->err));
    ok(fixture, sw_segment_write(&segment, raw, NULL, &packer, &object, &fixture->err));
    overwrite(fixture, key, object.data, object.size);
    assert_int_equal(sw_archive_verify(&fixture->options, &check, &fixture->err), SW_CORRUPT);
    assert_string_equal(check.bad, key);
    assert_int_equal(take_over(&other), SW_CORRUPT);
    sw_cipher_free(cipher);
    sw_packer_fini(&packer);
    sw_bytes_fini(&object);
    free(bytes);
    free(objects);
}

static void foreign_objects_are_named(void **state)
{
    static const uint8_t bytes[] = "what is this";
    static const char key[] = "v1/agents/log/notes.txt";
    struct fixture *fixture = *state;
    struct sw_archive_check check;

    make_store(fixture);
    overwrite(fixture, key, bytes, sizeof(bytes));
    assert_int_equal(sw_archive_verify(&fixture->options, &check, &fixture->err), SW_CORRUPT);
    assert_string_equal(check.bad, key);
}

static uint64_t restored_lsn(struct fixture *fixture, uint64_t lsn_max)
{
    struct sw_restore_report report;
    struct sw_restore_options restore;
    char directory[PATH_SIZE];

    (void)snprintf(directory, sizeof(directory), "%s/restored", fixture->root);
    restore = (struct sw_restore_options){.directory = directory, .lsn_max = lsn_max};
    ok(fixture, sw_archive_restore(&fixture->options, &restore, &report, &fixture->err));
    remove_tree(directory);
    return report.lsn;
}

/* Goal: a snapshot whose owner stalled before its index, and woke when the segments above it had
 * been collected, is neither damage nor restored from. */
static void late_snapshot_is_stale(void **state)
{
    struct fixture *fixture = *state;
    struct node a = node_of(fixture, "a");
    struct node b = node_of(fixture, "b");
    struct node c = node_of(fixture, "c");
    struct objects *objects = malloc(sizeof(*objects));
    struct sw_archive *late = NULL;
    struct sw_archive_check check;
    uint64_t late_lsn;
    struct dump truth;

    assert_non_null(objects);
    start(&a);
    play(&a, 2, 100);
    ship(&a);
    late_lsn = sw_archive_state(a.archive).shipped_lsn;
    ok(fixture, sw_archive_fork(a.archive, fixture->store, &late, &fixture->err));
    start(&b);
    for (int i = 0; i < 3; i++) {
        play(&b, 2, 100);
        ship(&b);
        snapshot(&b);
    }
    ok(fixture, sw_archive_snapshot(late, a.reader, &fixture->err));
    sw_archive_close(late);
    check = verified(fixture);
    assert_int_equal(check.snapshots, 2);
    assert_int_equal(check.stale, 1);
    truth = dump_of(fixture, b.directory);
    restore_is_never_wrong(fixture, &truth);
    assert_int_equal(restored_lsn(fixture, 0), sw_archive_state(b.archive).shipped_lsn);
    assert_int_equal(restored_lsn(fixture, late_lsn + 2), late_lsn + 2);
    start(&c);
    assert_same(truth, dump_of(fixture, c.directory));
    stop(&c);

    list_objects(fixture, "v1/agents/snap/", objects); /* the first two are of the late one */
    for (size_t i = 0; i < 2; i++) {
        size_t size;
        uint8_t *bytes = load(fixture, objects->keys[i], &size);

        bytes[size / 2] ^= 1;
        overwrite(fixture, objects->keys[i], bytes, size);
        assert_int_equal(sw_archive_verify(&fixture->options, &check, &fixture->err), SW_CORRUPT);
        assert_string_equal(check.bad, objects->keys[i]);
        bytes[size / 2] ^= 1;
        overwrite(fixture, objects->keys[i], bytes, size);
        free(bytes);
    }
    remove_object(fixture, objects->keys[0]); /* a part that was collected before its index came */
    assert_int_equal(verified(fixture).stale, 1);
    free(objects);
    start(&c);
    play(&c, 1, 10);
    ship(&c);
    snapshot(&c);
    assert_int_equal(verified(fixture).stale, 0);
    stop(&a);
    stop(&b);
    stop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(flipped_bits_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(flipped_bits_are_found_in_encrypted_objects, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(truncated_objects_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(moved_objects_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_objects_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(plain_object_in_an_encrypted_archive_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(foreign_objects_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(late_snapshot_is_stale, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
