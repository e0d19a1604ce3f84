/* SPDX-License-Identifier: Apache-2.0 */
#include "stepwell/v1/control_service.pb-c.h"
#include "tests/unit/sidecar/cli/run.h"
#include "tests/unit/sidecar/rpc/fake_server.h"

static void the_lsn_is_printed(void **state)
{
    Stepwell__V1__FlushResponse response = STEPWELL__V1__FLUSH_RESPONSE__INIT;
    struct fake_answer answer = {.messages = {&response.base}};
    Stepwell__V1__FlushRequest *request;
    struct fake_server fake;
    struct run run = {.code = 0};
    (void)state;

    fake_start(&fake);
    response.lsn = 12;
    fake_script(&fake, 0, &answer);
    fake_script(&fake, 1, &answer);
    RUN(&run, &sw_cli_flush, "--addr", fake.address);
    assert_int_equal(run.code, 0);
    assert_string_equal(run.capture.out, "durable up to 12\n");
    RUN(&run, &sw_cli_flush, "--addr", fake.address, "--json", "--lsn", "300");
    assert_string_equal(run.capture.out, "{\"lsn\":12}\n");
    request = fake_asked(&fake, "/stepwell.v1.ControlService/Flush",
                         &stepwell__v1__flush_request__descriptor);
    assert_int_equal(request->lsn, 300);
    stepwell__v1__flush_request__free_unpacked(request, NULL);
    fake_stop(&fake);
    run_end(&run);
}

static void mistakes_are_told(void **state)
{
    struct run run = {.code = 0};
    (void)state;

    RUN(&run, &sw_cli_flush, "--lsn", "x");
    assert_int_equal(run.code, 1);
    RUN(&run, &sw_cli_flush, "now");
    assert_int_equal(run.code, 1);
    RUN(&run, &sw_cli_flush, "--addr", "unix:///nowhere/s");
    assert_int_equal(run.code, 6);
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lsn_is_printed),
        cmocka_unit_test(mistakes_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
