/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a NUL is found in every kind of text a request has, and nowhere else.
 * Method: a request packed with '!' where the NUL shall be, which is then put there.
 */
#include "sidecar/rpc/blot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sidecar/rpc/codec.h"

enum { SIZE_MAX_HERE = 512 };

struct bytes {
    uint8_t data[SIZE_MAX_HERE];
    size_t size;
};

static void put_nuls(struct bytes *bytes)
{
    for (size_t i = 0; i < bytes->size; i++) {
        if (bytes->data[i] == '!')
            bytes->data[i] = 0;
    }
}

static struct bytes pack_call(Stepwell__V1__SessionCall *call)
{
    Stepwell__V1__SessionRequest request = STEPWELL__V1__SESSION_REQUEST__INIT;
    struct bytes bytes;

    call->id = 7;
    request.n_calls = 1;
    request.calls = &call;
    assert_true(stepwell__v1__session_request__get_packed_size(&request) <= sizeof(bytes.data));
    bytes.size = stepwell__v1__session_request__pack(&request, bytes.data);
    put_nuls(&bytes);
    return bytes;
}

static struct bytes pack_begin(char *key, char *type, double factor, const char *input)
{
    Stepwell__V1__SessionCall call = STEPWELL__V1__SESSION_CALL__INIT;
    Stepwell__V1__BeginStepRequest begin = STEPWELL__V1__BEGIN_STEP_REQUEST__INIT;
    Stepwell__V1__RetryPolicy retry = STEPWELL__V1__RETRY_POLICY__INIT;
    Stepwell__V1__Payload payload = STEPWELL__V1__PAYLOAD__INIT;

    begin.key = key;
    begin.retry = &retry;
    retry.factor = factor;
    retry.n_non_retryable_types = 1;
    retry.non_retryable_types = &type;
    begin.input_source_case = STEPWELL__V1__BEGIN_STEP_REQUEST__INPUT_SOURCE_INPUT;
    begin.input = &payload;
    payload.data = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)input, .len = strlen(input)};
    call.call_case = STEPWELL__V1__SESSION_CALL__CALL_BEGIN_STEP;
    call.begin_step = &begin;
    return pack_call(&call);
}

static bool blot(const struct bytes *bytes, uint8_t *copy)
{
    return sw_blot_texts(&stepwell__v1__session_request__descriptor, bytes->data, bytes->size,
                         copy);
}

static void bytes_and_numbers_may_hold_nuls(void **state)
{
    char key[] = "key";
    char type[] = "Timeout";
    struct bytes bytes = pack_begin(key, type, 2.0, "a!b");

    (void)state;
    assert_non_null(memchr(bytes.data, 0, bytes.size));
    assert_false(blot(&bytes, NULL));
}

static void a_nul_is_blotted_and_the_text_keeps_its_size(void **state)
{
    char key[] = "k!y";
    char type[] = "Time!";
    struct bytes bytes = pack_begin(key, type, 2.0, "a!b");
    struct bytes copy = bytes;
    Stepwell__V1__SessionRequest *request;

    (void)state;
    assert_true(blot(&bytes, NULL));
    assert_memory_equal(copy.data, bytes.data, bytes.size);
    assert_true(blot(&bytes, copy.data));
    assert_false(blot(&copy, NULL));
    request = stepwell__v1__session_request__unpack(NULL, copy.size, copy.data);
    assert_non_null(request);
    assert_string_equal(request->calls[0]->begin_step->key, "k\xffy");
    assert_string_equal(request->calls[0]->begin_step->retry->non_retryable_types[0], "Time\xff");
    assert_memory_equal(request->calls[0]->begin_step->input->data.data, "a\0b", 3);
    stepwell__v1__session_request__free_unpacked(request, NULL);
}

static void a_label_is_a_text_too(void **state)
{
    Stepwell__V1__SessionCall call = STEPWELL__V1__SESSION_CALL__INIT;
    Stepwell__V1__StartRunRequest start = STEPWELL__V1__START_RUN_REQUEST__INIT;
    Stepwell__V1__StartRunRequest__LabelsEntry entry =
        STEPWELL__V1__START_RUN_REQUEST__LABELS_ENTRY__INIT;
    Stepwell__V1__StartRunRequest__LabelsEntry *entries[] = {&entry};
    char value[] = "v!";
    struct bytes bytes;

    (void)state;
    entry.key = entry.value = value;
    start.n_labels = 1;
    start.labels = entries;
    call.call_case = STEPWELL__V1__SESSION_CALL__CALL_START_RUN;
    call.start_run = &start;
    bytes = pack_call(&call);
    assert_true(blot(&bytes, NULL));
}

/* Method: every beginning of a good message, in a block of its size, and unknown fields. */
static void what_is_no_message_is_passed_over(void **state)
{
    static const uint8_t strange[][4] = {{0xFF, 0xFF, 0xFF, 0xFF}, {0x0B, 0x0C, 0, 0},
                                         {0x7A, 2, 0, 0},          {0x0A, 0x7F, 0, 0},
                                         {0x0D, 0, 0, 0},          {0x09, 0, 0, 0}};
    char key[] = "k";
    char type[] = "t!";
    struct bytes bytes = pack_begin(key, type, 2.0, "a");

    (void)state;
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *cut = malloc(size + 1);

        assert_non_null(cut);
        memcpy(cut, bytes.data, size);
        (void)sw_blot_texts(&stepwell__v1__session_request__descriptor, cut, size, NULL);
        free(cut);
    }
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
        assert_false(sw_blot_texts(&stepwell__v1__session_request__descriptor, strange[i],
                                   sizeof(strange[i]), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_and_numbers_may_hold_nuls),
        cmocka_unit_test(a_nul_is_blotted_and_the_text_keeps_its_size),
        cmocka_unit_test(a_label_is_a_text_too),
        cmocka_unit_test(what_is_no_message_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
