/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a journal is ended, and later removed, when the word was given and not before.
 */
#include "tests/unit/sidecar/cli/place.h"

static void a_journal_is_retired_and_removed(void **state)
{
    struct place *place = *state;
    struct run run = {.code = 0};

    place_journal(place, "j");
    RUN(&run, &sw_cli_retire, place->url, "--yes", "--delete");
    assert_int_equal(run.code, 1);
    has(run.capture.err, "is not retired");
    RUN(&run, &sw_cli_retire, place->url, "--yes", "--json");
    assert_int_equal(run.code, 0);
    assert_string_equal(json_at(run.json, "journal"), "j");
    assert_string_equal(json_at(run.json, "retired"), "true");
    assert_string_equal(json_at(run.json, "before"), "false");
    assert_string_equal(json_at(run.json, "lsn"), "2");
    assert_string_equal(json_at(run.json, "epoch"), "2");
    RUN(&run, &sw_cli_retire, place->url, "--yes");
    assert_int_equal(run.code, 0);
    has(run.capture.out, "j was retired at 20");
    RUN(&run, &sw_cli_verify, place->url, "--json");
    assert_string_equal(json_at(run.json, "retired"), "true");
    RUN(&run, &sw_cli_runs, "--store", place->url);
    RUN(&run, &sw_cli_retire, place->url, "--yes", "--delete");
    assert_int_equal(run.code, 1);
    has(run.capture.err, "may be removed in 720 hours");
    RUN(&run, &sw_cli_retire, place->url, "--yes", "--delete", "--after", "0s", "--json");
    assert_int_equal(run.code, 0);
    assert_string_not_equal(json_at(run.json, "removed"), "0");
    RUN(&run, &sw_cli_retire, place->url, "--yes", "--delete", "--after", "0s");
    assert_int_equal(run.code, 5);
    run_end(&run);
}

/* Standard input of a test is no terminal. */
static void nothing_is_done_without_a_word(void **state)
{
    struct place *place = *state;
    struct run run = {.code = 0};

    place_journal(place, "j");
    assert_non_null(freopen("/dev/null", "r", stdin));
    RUN(&run, &sw_cli_retire, place->url);
    assert_int_equal(run.code, 1);
    has(run.capture.err, "nothing was done");
    RUN(&run, &sw_cli_verify, place->url, "--json");
    assert_string_equal(json_at(run.json, "retired"), "false");
    RUN(&run, &sw_cli_retire, "--yes");
    assert_int_equal(run.code, 1);
    RUN(&run, &sw_cli_retire, "file:///nowhere/at/all", "--yes");
    assert_int_not_equal(run.code, 0);
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_journal_is_retired_and_removed, place_open, place_close),
        cmocka_unit_test_setup_teardown(nothing_is_done_without_a_word, place_open, place_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
