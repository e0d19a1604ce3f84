/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/json_views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sidecar/capture.h"

static struct sw_span text(const char *characters)
{
    return sw_span_of_text(characters);
}

static void prints(struct cJSON *root, const char *wanted)
{
    struct capture capture;

    capture_begin(&capture);
    sw_json_print(root, stdout);
    capture_end(&capture);
    assert_string_equal(capture.out, wanted);
    capture_free(&capture);
}

/* Goal: the shapes are a contract; whoever changes one sees it here. */
static void a_run_in_a_list(void **state)
{
    struct sw_run_view run = {.head = {.run = 2,
                                       .state = SW_RUN_RUNNING,
                                       .run_id = text("r"),
                                       .task = text("t"),
                                       .started_ms = 1000,
                                       .last_lsn = 9,
                                       .steps = 3},
                              .steps_in_doubt = 1,
                              .held = true};
    (void)state;

    prints(sw_json_run(&run, false),
           "{\"run_id\":\"r\",\"task\":\"t\",\"state\":\"RUNNING\",\"held\":true,\"labels\":{},"
           "\"code_version\":null,\"started\":\"1970-01-01T00:00:01.000Z\",\"ended\":null,"
           "\"first_lsn\":2,\"last_lsn\":null,\"steps\":null,\"steps_in_doubt\":1}");
}

static void a_run_alone(void **state)
{
    struct sw_label label = {text("k"), text("v")};
    struct sw_span unvisited = text("old");
    struct sw_run_view run = {.head = {.run = 2,
                                       .state = SW_RUN_FAILED,
                                       .run_id = text("r"),
                                       .task = text("t"),
                                       .started_ms = 1000,
                                       .ended_ms = 2000,
                                       .last_lsn = 9,
                                       .steps = 3,
                                       .lease = 4,
                                       .holder = text("h"),
                                       .on_divergence = SW_DIVERGENCE_ACCEPT,
                                       .usage = {1, 2, 3, 4}},
                              .labels = &label,
                              .labels_count = 1,
                              .code_version = text("v1"),
                              .input = {.present = true, .data = sw_span_of("\0", 1), .size = 1},
                              .failure = {.type = text("Bad"), .message = text("m")},
                              .unvisited = &unvisited,
                              .unvisited_count = 1};
    (void)state;

    prints(
        sw_json_run(&run, true),
        "{\"run_id\":\"r\",\"task\":\"t\",\"state\":\"FAILED\",\"held\":false,"
        "\"labels\":{\"k\":\"v\"},\"code_version\":\"v1\",\"started\":\"1970-01-01T00:00:01.000Z\","
        "\"ended\":\"1970-01-01T00:00:02.000Z\",\"first_lsn\":2,\"last_lsn\":9,\"steps\":3,"
        "\"steps_in_doubt\":0,\"on_divergence\":\"ACCEPT\",\"lease\":4,\"holder\":\"h\","
        "\"input\":{\"content_type\":\"\",\"size\":1,\"base64\":\"AA==\"},\"result\":null,"
        "\"failure\":{\"type\":\"Bad\",\"message\":\"m\",\"non_retryable\":false,\"details\":null},"
        "\"usage\":{\"input_tokens\":1,\"cached_input_tokens\":2,\"output_tokens\":3,"
        "\"cost_micros\":4},\"unvisited_keys\":[\"old\"]}");
}

static void a_step(void **state)
{
    struct sw_external_ref ref = {.text = text("pi_1")};
    struct sw_client_step step = {
        .step = {.state = SW_STEP_DOUBTED,
                 .attempt = 2,
                 .key = text("k"),
                 .name = text("n"),
                 .kind = SW_KIND_WAIT,
                 .effect = SW_EFFECT_ONCE,
                 .begun_ms = 1000,
                 .last_lsn = 7,
                 .refs = &ref,
                 .has_digest = true},
        .view = {.output = {.present = true,
                            .data = text("out"),
                            .size = 3,
                            .content_type = text("text/plain")},
                 .progress = {.present = true, .size = 9}}, /* its bytes were not read */
        .idempotency_key = text("id"),
    };
    (void)state;

    step.view.step = &step.step;
    prints(sw_json_step(&step),
           "{\"key\":\"k\",\"name\":\"n\",\"kind\":\"WAIT\",\"effect\":\"ONCE\","
           "\"state\":\"IN_DOUBT\",\"attempt\":2,\"idempotency_key\":\"id\",\"input_digest\":"
           "\"0000000000000000000000000000000000000000000000000000000000000000\",\"input\":null,"
           "\"output\":{\"content_type\":\"text/plain\",\"size\":3,\"text\":\"out\"},"
           "\"failure\":null,\"usage\":{\"input_tokens\":0,\"cached_input_tokens\":0,"
           "\"output_tokens\":0,\"cost_micros\":0},\"external_refs\":[\"pi_1\"],"
           "\"progress\":{\"content_type\":\"\",\"size\":9},\"begun\":\"1970-01-01T00:00:01.000Z\","
           "\"finished\":null,\"not_before\":null,\"lsn\":7,\"resolved_by\":null}");
}

static void a_record(void **state)
{
    struct sw_record_line line = {.lsn = 3,
                                  .type = SW_RECORD_STEP_BEGUN,
                                  .run_id = text("r"),
                                  .at_ms = 1000,
                                  .key = text("k"),
                                  .attempt = 1,
                                  .lease = 2,
                                  .payload_bytes = 5,
                                  .chain = sw_span_of("\x01\x02", 2),
                                  .summary = text("begun"),
                                  .purged = true};
    (void)state;

    prints(
        sw_json_record(&line),
        "{\"lsn\":3,\"type\":\"STEP_BEGUN\",\"run_id\":\"r\",\"at\":\"1970-01-01T00:00:01.000Z\","
        "\"key\":\"k\",\"attempt\":1,\"lease\":2,\"payload_bytes\":5,\"chain\":\"0102\","
        "\"summary\":\"begun\",\"purged\":true}");
}

static void every_name_is_known(void **state)
{
    (void)state;
    assert_string_equal(sw_name_step_state(SW_STEP_OPEN), "OPEN");
    assert_string_equal(sw_name_step_state(SW_STEP_RETRYING), "RETRYING");
    assert_string_equal(sw_name_step_state(SW_STEP_COMPLETED), "COMPLETED");
    assert_string_equal(sw_name_step_state(SW_STEP_FAILED), "FAILED");
    assert_string_equal(sw_name_step_state(SW_STEP_ABSENT), "UNKNOWN");
    assert_string_equal(sw_name_kind(SW_KIND_LLM), "LLM");
    assert_string_equal(sw_name_kind(SW_KIND_TOOL), "TOOL");
    assert_string_equal(sw_name_kind(SW_KIND_CODE), "CODE");
    assert_string_equal(sw_name_kind((enum sw_kind)99), "UNKNOWN");
    assert_string_equal(sw_name_effect(SW_EFFECT_NONE), "NONE");
    assert_string_equal(sw_name_effect(SW_EFFECT_IDEMPOTENT), "IDEMPOTENT");
    assert_string_equal(sw_name_effect((enum sw_effect)99), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_in_a_list),
        cmocka_unit_test(a_run_alone),
        cmocka_unit_test(a_step),
        cmocka_unit_test(a_record),
        cmocka_unit_test(every_name_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
