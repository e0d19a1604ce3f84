/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: what is restored is what is there, up to where it was asked for; mistakes are told.
 */
#include "tests/unit/sidecar/cli/place.h"

static void all_or_a_beginning_is_copied(void **state)
{
    struct place *place = *state;
    struct run run = {.code = 0};

    place_journal(place, "j");
    RUN(&run, &sw_cli_restore, "--from", place->url, "--to", place_path(place, "all"), "--json");
    assert_int_equal(run.code, 0);
    assert_string_equal(json_at(run.json, "journal"), "j");
    assert_string_equal(json_at(run.json, "lsn"), "2");
    assert_string_equal(json_at(run.json, "epoch"), "1");
    assert_string_equal(json_at(run.json, "records"), "2");
    RUN(&run, &sw_cli_restore, "--from", place->url, "--to", place_path(place, "one"), "--at", "1");
    assert_int_equal(run.code, 0);
    has(run.capture.out, "j up to lsn 1 (epoch 1) is in ");
    RUN(&run, &sw_cli_restore, "--from", place->url, "--to", place_path(place, "then"), "--at",
        "1970-01-01T00:00:01.5Z", "--json");
    assert_int_equal(run.code, 0);
    assert_string_equal(json_at(run.json, "lsn"), "1");
    RUN(&run, &sw_cli_restore, "--from", place->url, "--to", place_path(place, "then"), "--json");
    assert_int_equal(run.code, 1);
    run_end(&run);
}

static void mistakes_are_told(void **state)
{
    static const char *const times[] = {"yesterday-ish", "2026-13-01T00:00:00Z", "-1",
                                        "2026-11-24T00:00:00", "2026-11-24T00:00:00+01:00"};
    struct place *place = *state;
    struct run run = {.code = 0};

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        RUN(&run, &sw_cli_restore, "--from", place->url, "--to", "x", "--at", times[i]);
        assert_int_equal(run.code, 1);
        has(run.capture.err, "--at");
    }
    RUN(&run, &sw_cli_restore, "--from", place->url);
    assert_int_equal(run.code, 1);
    has(run.capture.err, "from where to where?");
    RUN(&run, &sw_cli_restore, "word", "--from", place->url, "--to", "x");
    assert_int_equal(run.code, 1);
    RUN(&run, &sw_cli_restore, "--from", place->url, "--to", "x");
    assert_int_equal(run.code, 5);
    has(run.capture.err, "there is no journal");
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(all_or_a_beginning_is_copied),
        PLACE_TEST(mistakes_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
