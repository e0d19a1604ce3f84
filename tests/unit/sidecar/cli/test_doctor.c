/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a store that is right passes every check and is left as it was; one that is not is
 * named by the check that failed.
 */
#include "tests/unit/sidecar/cli/place.h"

static void a_right_store_passes(void **state)
{
    struct place *place = *state;
    struct run run = {.code = 0};

    place_journal(place, "j");
    RUN(&run, &sw_cli_doctor, place->url, "--tries", "3", "--json");
    assert_int_equal(run.code, 0);
    assert_string_equal(json_at(run.json, "ok"), "true");
    assert_string_equal(json_at(run.json, "journals"), "1");
    assert_string_equal(json_at(run.json, "credentials"), "null");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(run.json, "checks")), 6);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(run.json, "clock_offset_ms")));
    assert_true(cJSON_IsNumber(cJSON_GetObjectItem(run.json, "create_p50_us")) ||
                cJSON_IsRaw(cJSON_GetObjectItem(run.json, "create_p50_us")));
    RUN(&run, &sw_cli_doctor, place->url, "--tries", "1");
    assert_int_equal(run.code, 0);
    has(run.capture.out, "condition  ok  of several creations of one object exactly one succeeds");
    has(run.capture.out, "journals   1\n");
    run_end(&run);
}

static void a_store_that_cannot_be_written_fails_at_once(void **state)
{
    struct place *place = *state;
    struct run run = {.code = 0};

    assert_int_equal(mkdir(place_path(place, "store"), 0700), 0);
    assert_int_equal(symlink("nowhere", place_path(place, "store/probe")), 0);
    RUN(&run, &sw_cli_doctor, place->url, "--json");
    assert_int_equal(run.code, 6);
    assert_string_equal(json_at(run.json, "ok"), "false");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(run.json, "checks")), 1);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(run.json, "journals")));
    RUN(&run, &sw_cli_doctor, place->url);
    has(run.capture.out, "create     FAILED");
    run_end(&run);
}

static void mistakes_are_told(void **state)
{
    struct run run = {.code = 0};
    (void)state;

    RUN(&run, &sw_cli_doctor, "--json");
    assert_int_equal(run.code, 1);
    has(run.capture.err, "which store?");
    RUN(&run, &sw_cli_doctor, "ftp://x");
    assert_int_equal(run.code, 1);
    RUN(&run, &sw_cli_doctor, "file:///tmp/x", "--tries", "0");
    assert_int_equal(run.code, 1);
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(a_right_store_passes),
        PLACE_TEST(a_store_that_cannot_be_written_fails_at_once),
        cmocka_unit_test(mistakes_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
