/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/storage/archive/fixture.h"

#include "storage/archive/place.h"

static void put(const char *directory, const char *name, const char *text)
{
    char path[SW_PLACE_PATH_MAX + 64];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* "": there is none. */
static void assert_holds(const char *directory, const char *name, const char *text)
{
    char path[SW_PLACE_PATH_MAX + 64];
    char found[32] = "";
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "r");
    if (file != NULL) {
        assert_non_null(fgets(found, sizeof(found), file));
        assert_int_equal(fclose(file), 0);
    }
    assert_string_equal(found, text);
}

static void open_place(struct fixture *fixture, struct sw_place *place)
{
    char directory[PATH_SIZE];

    (void)snprintf(directory, sizeof(directory), "%s/place", fixture->root);
    ok(fixture, sw_place_lock(place, directory, &fixture->err));
}

static void restored_files_get_into_their_place(void **state)
{
    struct fixture *fixture = *state;
    struct sw_place place;

    open_place(fixture, &place);
    assert_false(sw_place_has_journal(&place));
    ok(fixture, sw_place_prepare(&place, &fixture->err));
    put(place.restoring, "journal.db", "database");
    put(place.restoring, "journal.db-wal", "wal");
    put(place.restoring, "lock", "1");
    assert_false(sw_place_has_journal(&place));
    ok(fixture, sw_place_adopt(&place, &fixture->err));
    assert_true(sw_place_has_journal(&place));
    assert_holds(place.directory, "journal.db", "database");
    assert_holds(place.directory, "journal.db-wal", "wal");
    sw_place_unlock(&place);
    sw_place_unlock(&place);
}

/* Goal: from each moment at which it can die, the directory holds the whole restored journal or
 * none; and what was left over goes. */
static void interrupted_adoption_leaves_no_journal(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned nth = 1; nth <= 2; nth++) {
        struct sw_place place;
        char left[SW_PLACE_PATH_MAX];
        struct stat status;

        open_place(fixture, &place);
        ok(fixture, sw_place_prepare(&place, &fixture->err));
        put(place.restoring, "journal.db", "database");
        put(place.restoring, "journal.db-wal", "wal");
        sw_fault_arm("archive.before_rename", nth);
        assert_int_equal(sw_place_adopt(&place, &fixture->err), SW_STORAGE_FAILED);
        assert_true(sw_fault_disarm());
        assert_false(sw_place_has_journal(&place));
        memcpy(left, place.restoring, sizeof(left));
        sw_place_unlock(&place);
        open_place(fixture, &place);
        ok(fixture, sw_place_prepare(&place, &fixture->err));
        assert_int_not_equal(stat(left, &status), 0);
        sw_place_discard(&place);
        sw_place_discard(&place);
        sw_place_unlock(&place);
    }
}

static void old_files_are_kept_if_asked(void **state)
{
    struct fixture *fixture = *state;
    char aside[SW_PLACE_PATH_MAX + 64];

    for (int keep = 0; keep < 2; keep++) {
        struct sw_place place;
        struct stat status;

        open_place(fixture, &place);
        put(place.directory, "journal.db", "old");
        put(place.directory, "journal.db-wal", "old wal");
        put(place.directory, "journal.db-acked", "old note");
        ok(fixture, sw_place_prepare(&place, &fixture->err));
        put(place.restoring, "journal.db", "new");
        put(place.restoring, "journal.db-wal", "new wal");
        ok(fixture, sw_place_move_aside(&place, keep == 1 ? "orphan" : NULL, 77, &fixture->err));
        assert_false(sw_place_has_journal(&place));
        ok(fixture, sw_place_adopt(&place, &fixture->err));
        assert_holds(place.directory, "journal.db", "new");
        (void)snprintf(aside, sizeof(aside), "%s/orphan-77", place.directory);
        assert_holds(aside, "journal.db", keep ? "old" : "");
        assert_holds(aside, "journal.db-wal", keep ? "old wal" : "");
        assert_holds(aside, "journal.db-acked", keep ? "old note" : "");
        assert_holds(place.directory, "journal.db-acked", "");
        (void)snprintf(aside, sizeof(aside), "%s/restoring-old", place.directory);
        assert_int_not_equal(stat(aside, &status), 0);
        sw_place_unlock(&place);
    }
}

static void place_is_one_process_s(void **state)
{
    struct fixture *fixture = *state;
    struct sw_place place, again;

    open_place(fixture, &place);
    assert_int_equal(sw_place_lock(&again, place.directory, &fixture->err), SW_JOURNAL_LOCKED);
    sw_place_unlock(&again);
    sw_place_unlock(&place);
    ok(fixture, sw_place_lock_again(&place, &fixture->err));
    sw_place_unlock(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(restored_files_get_into_their_place, setup, teardown),
        cmocka_unit_test_setup_teardown(interrupted_adoption_leaves_no_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(old_files_are_kept_if_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(place_is_one_process_s, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
