/* SPDX-License-Identifier: Apache-2.0 */
#include "stepwell/v1/control_service.pb-c.h"
#include "tests/unit/sidecar/cli/run.h"
#include "tests/unit/sidecar/rpc/fake_server.h"

struct served {
    struct fake_server fake;
    struct run run;
    Stepwell__V1__ControlServiceResolveStepResponse response;
    struct fake_answer answer;
};

static int start(void **state)
{
    struct served *s = calloc(1, sizeof(*s));

    fake_start(&s->fake);
    stepwell__v1__control_service_resolve_step_response__init(&s->response);
    s->response.lsn = 20;
    s->response.state = STEPWELL__V1__STEP_STATE__STEP_STATE_COMPLETED;
    s->answer.messages[0] = &s->response.base;
    for (unsigned i = 0; i < FAKE_SCRIPT_MAX; i++)
        fake_script(&s->fake, i, &s->answer);
    *state = s;
    return 0;
}

static int stop(void **state)
{
    struct served *s = *state;

    fake_stop(&s->fake);
    run_end(&s->run);
    free(s);
    return 0;
}

static Stepwell__V1__ControlServiceResolveStepRequest *asked(struct served *s)
{
    return fake_asked(&s->fake, "/stepwell.v1.ControlService/ResolveStep",
                      &stepwell__v1__control_service_resolve_step_request__descriptor);
}

static void forget(Stepwell__V1__ControlServiceResolveStepRequest *request)
{
    stepwell__v1__control_service_resolve_step_request__free_unpacked(request, NULL);
}

static void what_happened_is_the_output(void **state)
{
    struct served *s = *state;
    Stepwell__V1__ControlServiceResolveStepRequest *request;

    RUN(&s->run, &sw_cli_resolve, "r", "charge it", "--happened", "{\"id\": 9}", "--by", "jane",
        "--addr", s->fake.address);
    assert_int_equal(s->run.code, 0);
    assert_string_equal(s->run.capture.out, "charge it is completed now (lsn 20)\n");
    request = asked(s);
    assert_string_equal(request->run_id, "r");
    assert_string_equal(request->key, "charge it");
    assert_string_equal(request->by, "jane");
    assert_string_equal(request->resolution->happened->content_type, "application/json");
    assert_memory_equal(request->resolution->happened->data.data, "{\"id\": 9}", 9);
    forget(request);
    RUN(&s->run, &sw_cli_resolve, "r", "k", "--happened", "plain", "--content-type", "text/plain",
        "--by", "jane", "--addr", s->fake.address, "--json");
    assert_string_equal(s->run.capture.out,
                        "{\"run_id\":\"r\",\"key\":\"k\",\"state\":\"COMPLETED\",\"lsn\":20}\n");
}

static void the_output_may_come_from_a_file(void **state)
{
    struct served *s = *state;
    Stepwell__V1__ControlServiceResolveStepRequest *request;
    char path[] = "/tmp/sw-resolve-XXXXXX";
    char word[64];
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "[1,\n2]", 6), 6);
    (void)close(fd);
    (void)snprintf(word, sizeof(word), "@%s", path);
    RUN(&s->run, &sw_cli_resolve, "r", "k", "--happened", word, "--by", "jane", "--addr",
        s->fake.address);
    assert_int_equal(s->run.code, 0);
    request = asked(s);
    assert_int_equal(request->resolution->happened->data.len, 6);
    forget(request);
    (void)unlink(path);
    RUN(&s->run, &sw_cli_resolve, "r", "k", "--happened", word, "--by", "jane", "--addr",
        s->fake.address);
    assert_int_equal(s->run.code, 5);
    has(s->run.capture.err, "No such file or directory");
}

static void the_other_two_endings(void **state)
{
    struct served *s = *state;
    Stepwell__V1__ControlServiceResolveStepRequest *request;

    RUN(&s->run, &sw_cli_resolve, "r", "k", "--did-not-happen", "--by", "jane", "--addr",
        s->fake.address);
    request = asked(s);
    assert_int_equal(request->resolution->resolution_case,
                     STEPWELL__V1__RESOLUTION__RESOLUTION_DID_NOT_HAPPEN);
    forget(request);
    RUN(&s->run, &sw_cli_resolve, "r", "k", "--give-up", "nobody knows", "--by", "jane", "--addr",
        s->fake.address);
    request = asked(s);
    assert_string_equal(request->resolution->give_up->type, "GivenUp");
    assert_string_equal(request->resolution->give_up->message, "nobody knows");
    forget(request);
}

/* Goal: nothing is sent that was not said clearly. */
static void half_a_resolution_is_refused(void **state)
{
    struct served *s = *state;

    RUN(&s->run, &sw_cli_resolve, "r", "--did-not-happen", "--by", "jane");
    assert_int_equal(s->run.code, 1);
    has(s->run.capture.err, "which step?");
    RUN(&s->run, &sw_cli_resolve, "r", "k", "--did-not-happen");
    assert_int_equal(s->run.code, 1);
    has(s->run.capture.err, "who found out?");
    RUN(&s->run, &sw_cli_resolve, "r", "k", "--by", "jane");
    assert_int_equal(s->run.code, 1);
    has(s->run.capture.err, "give one of");
    RUN(&s->run, &sw_cli_resolve, "r", "k", "--did-not-happen", "--give-up", "x", "--by", "jane");
    assert_int_equal(s->run.code, 1);
    RUN(&s->run, &sw_cli_resolve, "r", "k", "--happened", "{bad", "--by", "jane", "--addr",
        s->fake.address);
    assert_int_equal(s->run.code, 1);
    has(s->run.capture.err, "--happened: not JSON");
    assert_int_equal(fake_calls(&s->fake), 0);
}

static void nobody_there_is_6(void **state)
{
    struct served *s = *state;

    RUN(&s->run, &sw_cli_resolve, "r", "k", "--did-not-happen", "--by", "jane", "--addr",
        "unix:///nowhere/s");
    assert_int_equal(s->run.code, 6);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_happened_is_the_output), TEST(the_output_may_come_from_a_file),
        TEST(the_other_two_endings),       TEST(half_a_resolution_is_refused),
        TEST(nobody_there_is_6),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
