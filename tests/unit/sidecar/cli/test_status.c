/* SPDX-License-Identifier: Apache-2.0 */
#include "stepwell/v1/control_service.pb-c.h"
#include "tests/unit/sidecar/cli/run.h"
#include "tests/unit/sidecar/rpc/fake_server.h"

static void people_and_programs_see_the_same(void **state)
{
    Stepwell__V1__GetStatusResponse response = STEPWELL__V1__GET_STATUS_RESPONSE__INIT;
    Stepwell__V1__Limits limits = STEPWELL__V1__LIMITS__INIT;
    struct fake_answer answer = {.messages = {&response.base}};
    char version[] = "0.1.0";
    char owner[] = "pod-7/12";
    struct fake_server fake;
    struct run run = {.code = 0};
    (void)state;

    fake_start(&fake);
    response.version = version;
    response.owner = owner;
    response.state = STEPWELL__V1__SERVER_STATE__SERVER_STATE_DRAINING;
    response.lsn = 9;
    response.durable_lsn = 8;
    response.journal_bytes = 4096;
    limits.payload_bytes_max = 16 << 20;
    response.limits = &limits;
    fake_script(&fake, 0, &answer);
    fake_script(&fake, 1, &answer);
    RUN(&run, &sw_cli_status, "--addr", fake.address);
    assert_int_equal(run.code, 0);
    has(run.capture.out, "server     stepwell 0.1.0, DRAINING, up ");
    has(run.capture.out, "records    9, on disk up to 8\n");
    has(run.capture.out, "files      4.0 KiB of no limit\n");
    has(run.capture.out, "limits     payload 16.0 MiB, ");
    RUN(&run, &sw_cli_status, "--addr", fake.address, "--json");
    assert_int_equal(cJSON_GetArraySize(run.json), 15);
    assert_string_equal(json_at(run.json, "state"), "DRAINING");
    assert_string_equal(json_at(run.json, "owner"), "pod-7/12");
    assert_string_equal(json_at(run.json, "durable_lsn"), "8");
    assert_string_equal(json_at(run.json, "limits.payload_bytes_max"), "16777216");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(run.json, "limits")), 9);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(run.json, "store")));
    fake_stop(&fake);
    run_end(&run);
}

static void the_store_is_told_of(void **state)
{
    Stepwell__V1__GetStatusResponse response = STEPWELL__V1__GET_STATUS_RESPONSE__INIT;
    Stepwell__V1__StoreStatus store = STEPWELL__V1__STORE_STATUS__INIT;
    struct fake_answer answer = {.messages = {&response.base}};
    char url[] = "s3://bucket/agents";
    char error[] = "no route";
    struct fake_server fake;
    struct run run = {.code = 0};
    (void)state;

    fake_start(&fake);
    response.lsn = 9;
    response.store = &store;
    store.url = url;
    store.state = STEPWELL__V1__STORE_STATE__STORE_STATE_AWAY;
    store.error = error;
    store.shipped_lsn = 7;
    store.lag_ms = 4200;
    store.lag_bytes = 512;
    store.put_p50_us = 12300;
    store.put_p99_us = 45600;
    fake_script(&fake, 0, &answer);
    fake_script(&fake, 1, &answer);
    RUN(&run, &sw_cli_status, "--addr", fake.address);
    has(run.capture.out, "store      s3://bucket/agents  AWAY: no route\n");
    has(run.capture.out, "shipped    up to 7, 2 records (512 B) behind, the oldest 4.2 s old; a "
                         "segment takes 12.3 ms, one in a hundred 45.6 ms\n");
    has(run.capture.out, "copy       snapshot none, last read back never\n");
    RUN(&run, &sw_cli_status, "--addr", fake.address, "--json");
    assert_string_equal(json_at(run.json, "store.state"), "AWAY");
    assert_string_equal(json_at(run.json, "store.error"), "no route");
    assert_string_equal(json_at(run.json, "store.lag_ms"), "4200");
    assert_string_equal(json_at(run.json, "store.verified_at"), "null");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(run.json, "store")), 13);
    fake_stop(&fake);
    run_end(&run);
}

static void nobody_there_is_6(void **state)
{
    struct run run = {.code = 0};
    (void)state;

    RUN(&run, &sw_cli_status, "--addr", "unix:///nowhere/s", "--json");
    assert_int_equal(run.code, 6);
    assert_string_equal(run.capture.out, "");
    has(run.capture.err, "stepwell status: connect: no server answers at unix:///nowhere/s");
    RUN(&run, &sw_cli_status, "x");
    assert_int_equal(run.code, 1);
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_and_programs_see_the_same),
        cmocka_unit_test(the_store_is_told_of),
        cmocka_unit_test(nobody_there_is_6),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
