/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: the journal meant is found or asked for; a copy is whole and leaves nothing behind.
 */
#include "sidecar/cli/store.h"

#include <errno.h>

#include "tests/unit/sidecar/cli/place.h"

static void a_store_has_a_scheme(void **state)
{
    (void)state;
    assert_true(sw_cli_is_store("s3://bucket/prefix"));
    assert_true(sw_cli_is_store("file:///mnt/store"));
    assert_false(sw_cli_is_store("/var/lib/stepwell"));
    assert_false(sw_cli_is_store("journal.db"));
}

static enum sw_code find(const struct place *place, const char *journal, char ret_name[64],
                         struct sw_err *err)
{
    struct sw_cli_store named = {.options = {.url = place->url}, .journal = journal};
    struct sw_archive_options options;
    struct sw_store *store;
    struct sw_arena arena;
    enum sw_code rc;

    sw_arena_init(&arena, 0);
    assert_int_equal(sw_cli_store_open(&named, &store, err), SW_OK);
    rc = sw_cli_store_find(&named, store, &arena, &options, err);
    if (rc == SW_OK)
        (void)snprintf(ret_name, 64, "%s", options.journal);
    sw_store_close(store);
    sw_arena_fini(&arena);
    return rc;
}

static void the_only_journal_needs_no_name(void **state)
{
    struct place *place = *state;
    struct sw_err err = {.text = ""};
    char name[64];

    assert_int_equal(find(place, NULL, name, &err), SW_RUN_NOT_FOUND);
    assert_int_equal(err.os_errno, ENOENT);
    place_journal(place, "first");
    assert_int_equal(find(place, NULL, name, &err), SW_OK);
    assert_string_equal(name, "first");
    place_journal(place, "second");
    assert_int_equal(find(place, NULL, name, &err), SW_CONFIGURATION);
    has(err.text, "first, second");
    assert_int_equal(find(place, "second", name, &err), SW_OK);
    assert_string_equal(name, "second");
}

static void a_copy_is_a_journal_until_it_is_removed(void **state)
{
    struct place *place = *state;
    struct sw_cli_store named = {.options = {.url = place->url}};
    struct sw_journal_reader *reader;
    struct sw_journal_state copied;
    char folder[SW_CLI_FOLDER_SIZE];
    struct sw_err err = {.text = ""};

    assert_int_equal(sw_cli_store_copy(&named, folder, &err), SW_RUN_NOT_FOUND);
    assert_string_equal(folder, "");
    place_journal(place, "first");
    assert_int_equal(sw_cli_store_copy(&named, folder, &err), SW_OK);
    assert_int_equal(sw_journal_reader_open(folder, NULL, &reader, &err), SW_OK);
    assert_int_equal(sw_journal_reader_state(reader, &copied, &err), SW_OK);
    assert_int_equal(copied.lsn, 2);
    sw_journal_reader_close(reader);
    sw_cli_store_remove(folder);
    assert_int_not_equal(access(folder, F_OK), 0);
    sw_cli_store_remove("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_has_a_scheme),
        PLACE_TEST(the_only_journal_needs_no_name),
        PLACE_TEST(a_copy_is_a_journal_until_it_is_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
