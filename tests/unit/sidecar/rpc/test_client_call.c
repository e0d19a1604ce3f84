/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "google/rpc/status.pb-c.h"
#include "sidecar/rpc/client.intern.h"
#include "tests/unit/sidecar/rpc/fake_server.h"

static const struct sw_client_method method = {"/stepwell.v1.ControlService/Flush",
                                               &stepwell__v1__flush_response__descriptor};

struct fixture {
    struct fake_server fake;
    struct sw_client *client;
    struct sw_arena arena;
};

static struct sw_client *open_client(const char *address, uint64_t timeout_ms)
{
    struct sw_client_options options = {.address = address, .timeout_ms = timeout_ms};
    struct sw_client *client;
    struct sw_err err;

    assert_int_equal(sw_client_open(&options, &client, &err), SW_OK);
    return client;
}

static int start(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fake_start(&fixture->fake);
    fixture->client = open_client(fixture->fake.address, 20000);
    sw_arena_init(&fixture->arena, 0);
    *state = fixture;
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;

    sw_client_close(fixture->client);
    fake_stop(&fixture->fake);
    sw_arena_fini(&fixture->arena);
    free(fixture);
    return 0;
}

static enum sw_code ask(struct fixture *fixture, const struct fake_answer *answer,
                        ProtobufCMessage **ret, struct sw_err *err)
{
    Stepwell__V1__FlushRequest request = STEPWELL__V1__FLUSH_REQUEST__INIT;

    request.lsn = 7;
    for (unsigned i = 0; i < FAKE_SCRIPT_MAX; i++)
        fake_script(&fixture->fake, i, answer);
    return sw_client_unary(fixture->client, &method, &request.base, &fixture->arena, ret, err);
}

static void one_question_has_one_answer(void **state)
{
    Stepwell__V1__FlushResponse response = STEPWELL__V1__FLUSH_RESPONSE__INIT;
    struct fake_answer answer = {.messages = {&response.base}};
    struct fixture *fixture = *state;
    Stepwell__V1__FlushRequest *asked;
    ProtobufCMessage *got;
    struct sw_err err;

    response.lsn = 9;
    assert_int_equal(ask(fixture, &answer, &got, &err), SW_OK);
    assert_int_equal(((Stepwell__V1__FlushResponse *)got)->lsn, 9);
    asked = fake_asked(&fixture->fake, method.path, &stepwell__v1__flush_request__descriptor);
    assert_int_equal(asked->lsn, 7);
    stepwell__v1__flush_request__free_unpacked(asked, NULL);
}

/* Refuses the call with an ErrorInfo of this reason and, when not NULL, this field. */
static void refuse(struct fixture *fixture, grpc_status_code status, const char *reason,
                   const char *field, struct sw_err *ret)
{
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    Google__Rpc__ErrorInfo__MetadataEntry rows[2] = {GOOGLE__RPC__ERROR_INFO__METADATA_ENTRY__INIT,
                                                     GOOGLE__RPC__ERROR_INFO__METADATA_ENTRY__INIT};
    Google__Rpc__ErrorInfo__MetadataEntry *row_pointers[2] = {&rows[0], &rows[1]};
    Google__Rpc__Status details = GOOGLE__RPC__STATUS__INIT;
    Google__Rpc__Detail detail = GOOGLE__RPC__DETAIL__INIT;
    Google__Rpc__Detail *detail_pointer = &detail;
    struct fake_answer answer = {
        .status = status, .text = "the server says", .details = &details.base};
    char texts[5][64] = {"type.googleapis.com/google.rpc.ErrorInfo", "field", "limit", "256", ""};
    char reason_text[64];
    uint8_t packed[256];
    ProtobufCMessage *got;

    (void)snprintf(reason_text, sizeof(reason_text), "%s", reason);
    (void)snprintf(texts[4], sizeof(texts[4]), "%s", field != NULL ? field : "");
    info.reason = reason_text;
    rows[0].key = texts[1];
    rows[0].value = texts[4];
    rows[1].key = texts[2];
    rows[1].value = texts[3];
    info.metadata = row_pointers;
    info.n_metadata = field != NULL ? 2 : 0;
    detail.type_url = texts[0];
    detail.value.data = packed;
    detail.value.len = google__rpc__error_info__pack(&info, packed);
    details.code = (int32_t)status;
    details.details = &detail_pointer;
    details.n_details = 1;
    assert_int_not_equal(ask(fixture, &answer, &got, ret), SW_OK);
}

/* Goal: every reason of the table comes back as its code. */
static void reasons_become_codes(void **state)
{
    for (enum sw_code code = SW_OK + 1; code < SW_CODE_COUNT; code++) {
        struct sw_err err;

        refuse(*state, (grpc_status_code)sw_code_grpc(code), sw_code_name(code), NULL, &err);
        assert_int_equal(err.code, code);
        assert_string_equal(err.text, "the server says");
        assert_string_equal(err.field, "");
        assert_false(sw_client_is_away(&err));
    }
}

static void fields_and_limits_are_kept(void **state)
{
    struct sw_err err;

    refuse(*state, GRPC_STATUS_INVALID_ARGUMENT, "INVALID_FIELD", "run_id", &err);
    assert_int_equal(err.code, SW_INVALID_FIELD);
    assert_string_equal(err.field, "run_id");
    assert_int_equal(err.limit, 256);
}

static void what_is_not_known_is_refused_not_away(void **state)
{
    struct fake_answer plain = {.status = GRPC_STATUS_UNIMPLEMENTED, .text = "no such method"};
    struct fake_answer empty = {.status = GRPC_STATUS_OK};
    ProtobufCMessage *got;
    struct sw_err err;

    refuse(*state, GRPC_STATUS_ABORTED, "A_REASON_OF_TOMORROW", NULL, &err);
    assert_int_equal(err.code, SW_CONFIGURATION);
    assert_int_equal(ask(*state, &plain, &got, &err), SW_CONFIGURATION);
    assert_non_null(strstr(err.text, "no such method (gRPC status 12)"));
    assert_int_equal(ask(*state, &empty, &got, &err), SW_CONFIGURATION);
    assert_non_null(strstr(err.text, "answers nothing"));
}

static void nobody_there_is_away(void **state)
{
    Stepwell__V1__FlushRequest request = STEPWELL__V1__FLUSH_REQUEST__INIT;
    struct sw_client *client = open_client("unix:///nowhere/at/all", 20000);
    struct fixture *fixture = *state;
    ProtobufCMessage *got;
    struct sw_err err;

    assert_int_equal(sw_client_unary(client, &method, &request.base, &fixture->arena, &got, &err),
                     SW_STORAGE_FAILED);
    assert_true(sw_client_is_away(&err));
    assert_int_equal(err.os_errno, ECONNREFUSED);
    assert_non_null(strstr(err.text, "connect: no server answers at unix:///nowhere/at/all"));
    sw_client_close(client);
}

static enum sw_code count_answer(void *self, const ProtobufCMessage *message,
                                 struct sw_arena *arena, struct sw_err *err)
{
    unsigned *count = self;

    (void)message;
    (void)arena;
    if (++*count == 3)
        return sw_fail(err, SW_CONFIGURATION, "three are enough");
    return SW_OK;
}

/* Goal: a server that hangs is given up, on unary calls and on streams alike. */
static void silence_ends_with_time(void **state)
{
    Stepwell__V1__FlushRequest request = STEPWELL__V1__FLUSH_REQUEST__INIT;
    struct fake_answer silent = {.silent = true};
    struct fixture *fixture = *state;
    ProtobufCMessage *got;
    unsigned count = 0;
    struct sw_err err;

    fixture->client->timeout_ms = 100;
    assert_int_equal(ask(fixture, &silent, &got, &err), SW_STORAGE_FAILED);
    assert_int_equal(err.os_errno, ETIMEDOUT);
    assert_int_equal(
        sw_client_stream(fixture->client, &method, &request.base, count_answer, &count, &err),
        SW_STORAGE_FAILED);
    assert_int_equal(err.os_errno, ETIMEDOUT);
    assert_true(sw_client_is_away(&err));
    assert_int_equal(count, 0);
}

static void streams_show_each_message(void **state)
{
    Stepwell__V1__FlushRequest request = STEPWELL__V1__FLUSH_REQUEST__INIT;
    Stepwell__V1__FlushResponse response = STEPWELL__V1__FLUSH_RESPONSE__INIT;
    struct fake_answer two = {.messages = {&response.base, &response.base}};
    struct fake_answer broken = {
        .messages = {&response.base}, .status = GRPC_STATUS_UNAVAILABLE, .text = "going away"};
    struct fixture *fixture = *state;
    unsigned count = 0;
    struct sw_err err;

    fake_script(&fixture->fake, 0, &two);
    fake_script(&fixture->fake, 1, &broken);
    assert_int_equal(
        sw_client_stream(fixture->client, &method, &request.base, count_answer, &count, &err),
        SW_OK);
    assert_int_equal(count, 2);
    count = 0;
    assert_int_equal(
        sw_client_stream(fixture->client, &method, &request.base, count_answer, &count, &err),
        SW_STORAGE_FAILED);
    assert_int_equal(count, 1);
    assert_true(sw_client_is_away(&err));
}

static void a_visitor_may_end_a_stream(void **state)
{
    Stepwell__V1__FlushRequest request = STEPWELL__V1__FLUSH_REQUEST__INIT;
    Stepwell__V1__FlushResponse response = STEPWELL__V1__FLUSH_RESPONSE__INIT;
    struct fake_answer many = {
        .messages = {&response.base, &response.base, &response.base, &response.base}};
    struct fixture *fixture = *state;
    unsigned count = 0;
    struct sw_err err;

    fake_script(&fixture->fake, 0, &many);
    assert_int_equal(
        sw_client_stream(fixture->client, &method, &request.base, count_answer, &count, &err),
        SW_CONFIGURATION);
    assert_string_equal(err.text, "three are enough");
}

static void bad_tls_files_are_named(void **state)
{
    struct sw_client_options options = {.address = "127.0.0.1:1", .tls_ca = "/nowhere"};
    struct sw_client *client;
    struct sw_err err;
    (void)state;

    assert_int_equal(sw_client_open(&options, &client, &err), SW_CONFIGURATION);
    assert_string_equal(err.text, "/nowhere: No such file or directory");
    options.tls_ca = "/dev/null";
    options.tls_cert = "/dev/null";
    assert_int_equal(sw_client_open(&options, &client, &err), SW_CONFIGURATION);
    assert_string_equal(err.text, "a client's certificate and key go together");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_question_has_one_answer, start, stop),
        cmocka_unit_test_setup_teardown(reasons_become_codes, start, stop),
        cmocka_unit_test_setup_teardown(fields_and_limits_are_kept, start, stop),
        cmocka_unit_test_setup_teardown(what_is_not_known_is_refused_not_away, start, stop),
        cmocka_unit_test_setup_teardown(nobody_there_is_away, start, stop),
        cmocka_unit_test_setup_teardown(silence_ends_with_time, start, stop),
        cmocka_unit_test_setup_teardown(streams_show_each_message, start, stop),
        cmocka_unit_test_setup_teardown(a_visitor_may_end_a_stream, start, stop),
        cmocka_unit_test(bad_tls_files_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
