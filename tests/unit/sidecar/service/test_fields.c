/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: each field is taken at its bound and refused one beyond, by its path on the wire.
 * Method: one request of each kind that is good, broken in one place at a time.
 */
#include "sidecar/service/fields.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct sw_limits limits = {.payload_bytes_max = 1000};
static const uint64_t DAY = UINT64_C(24) * 60 * 60 * 1000;
static char letters[16 * 1024];

static struct sw_span of_size(size_t size)
{
    assert_true(size <= sizeof(letters));
    memset(letters, 'x', sizeof(letters));
    return sw_span_of(letters, size);
}

static struct sw_payload payload_of_size(size_t size)
{
    return (struct sw_payload){.present = true, .data = of_size(size)};
}

static struct sw_failure a_failure(void)
{
    return (struct sw_failure){.type = sw_span_of_text("Timeout")};
}

static struct sw_err err;

static void refuses(enum sw_code rc, const char *field)
{
    assert_int_equal(rc, SW_INVALID_FIELD);
    assert_string_equal(err.field, field);
}

#define ACCEPTS(check) assert_int_equal(check, SW_OK)

/* A text at its bound, beyond it, not UTF-8, and with NUL. */
#define CHECK_TEXT(request, member, max, check, name)                                              \
    do {                                                                                           \
        struct sw_span saved = (request).member;                                                   \
                                                                                                   \
        (request).member = of_size(max);                                                           \
        ACCEPTS(check(&limits, &(request), &err));                                                 \
        (request).member = of_size((max) + 1);                                                     \
        refuses(check(&limits, &(request), &err), name);                                           \
        assert_int_equal(err.limit, (max));                                                        \
        (request).member = sw_span_of("a\xff", 2);                                                 \
        refuses(check(&limits, &(request), &err), name);                                           \
        (request).member = sw_span_of("a\0b", 3);                                                  \
        refuses(check(&limits, &(request), &err), name);                                           \
        (request).member = saved;                                                                  \
    } while (0)

#define CHECK_REQUIRED(request, member, check, name)                                               \
    do {                                                                                           \
        struct sw_span saved = (request).member;                                                   \
                                                                                                   \
        (request).member.size = 0;                                                                 \
        refuses(check(&limits, &(request), &err), name);                                           \
        (request).member = saved;                                                                  \
    } while (0)

#define CHECK_NUMBER(request, member, max, check, name)                                            \
    do {                                                                                           \
        (request).member = max;                                                                    \
        ACCEPTS(check(&limits, &(request), &err));                                                 \
        (request).member = (max) + 1;                                                              \
        refuses(check(&limits, &(request), &err), name);                                           \
        (request).member = 0;                                                                      \
        ACCEPTS(check(&limits, &(request), &err));                                                 \
    } while (0)

#define CHECK_PAYLOAD(request, member, check, name)                                                \
    do {                                                                                           \
        struct sw_payload before = (request).member;                                               \
                                                                                                   \
        (request).member = payload_of_size(1000);                                                  \
        ACCEPTS(check(&limits, &(request), &err));                                                 \
        (request).member = payload_of_size(1001);                                                  \
        refuses(check(&limits, &(request), &err), name ".data");                                   \
        (request).member = payload_of_size(0);                                                     \
        CHECK_TEXT(request, member.content_type, SW_CONTENT_TYPE_MAX, check,                       \
                   name ".content_type");                                                          \
        (request).member = before;                                                                 \
    } while (0)

#define CHECK_FAILURE(request, member, check, name)                                                \
    do {                                                                                           \
        (request).member = a_failure();                                                            \
        CHECK_REQUIRED(request, member.type, check, name ".type");                                 \
        CHECK_TEXT(request, member.type, SW_FAILURE_TYPE_MAX, check, name ".type");                \
        CHECK_TEXT(request, member.message, SW_FAILURE_MESSAGE_MAX, check, name ".message");       \
        CHECK_PAYLOAD(request, member.details, check, name ".details");                            \
    } while (0)

static void a_text_is_utf_8_without_nul(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        bool good;
    } cases[] = {
        {"", 0, true},
        {"plain", 5, true},
        {"\x7f", 1, true},
        {"\0", 1, false},
        {"\x80", 1, false},
        {"\xc3\xa9", 2, true},
        {"\xc3", 1, false},
        {"\xc3\x28", 2, false},
        {"\xc0\x80", 2, false},         /* NUL, overlong */
        {"\xc1\xbf", 2, false},         /* overlong */
        {"\xe0\xa0\x80", 3, true},      /* U+0800 */
        {"\xe0\x9f\xbf", 3, false},     /* overlong */
        {"\xe2\x82", 2, false},         /* cut */
        {"\xed\x9f\xbf", 3, true},      /* U+D7FF */
        {"\xed\xa0\x80", 3, false},     /* a surrogate */
        {"\xef\xbf\xbf", 3, true},      /* U+FFFF */
        {"\xf0\x90\x80\x80", 4, true},  /* U+10000 */
        {"\xf0\x8f\xbf\xbf", 4, false}, /* overlong */
        {"\xf4\x8f\xbf\xbf", 4, true},  /* U+10FFFF */
        {"\xf4\x90\x80\x80", 4, false}, /* beyond */
        {"\xf5\x80\x80\x80", 4, false},
        {"\xf0\x90\x80", 3, false},
        {"\xff", 1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(sw_fields_is_text(sw_span_of(cases[i].bytes, cases[i].size)),
                         cases[i].good);
}

static void an_error_names_field_size_and_bound(void **state)
{
    struct sw_start_run_request request = {.task = of_size(129)};

    (void)state;
    refuses(sw_fields_check_start_run(&limits, &request, &err), "task");
    assert_string_equal(err.text, "task: 129 bytes, at most 128");
    assert_int_equal(err.limit, 128);
}

static void start_run_is_bounded(void **state)
{
    struct sw_start_run_request request = {.task = sw_span_of_text("t")};
    struct sw_label labels[SW_LABELS_MAX + 1];

    (void)state;
    ACCEPTS(sw_fields_check_start_run(&limits, &request, &err));
    CHECK_TEXT(request, run_id, SW_RUN_ID_MAX, sw_fields_check_start_run, "run_id");
    CHECK_REQUIRED(request, task, sw_fields_check_start_run, "task");
    CHECK_TEXT(request, task, SW_TASK_MAX, sw_fields_check_start_run, "task");
    CHECK_TEXT(request, code_version, SW_CODE_VERSION_MAX, sw_fields_check_start_run,
               "code_version");
    CHECK_TEXT(request, holder_name, SW_HOLDER_MAX, sw_fields_check_start_run, "holder");
    CHECK_PAYLOAD(request, input, sw_fields_check_start_run, "input");
    request.on_divergence = (enum sw_divergence)3;
    refuses(sw_fields_check_start_run(&limits, &request, &err), "on_divergence");
    request.on_divergence = SW_DIVERGENCE_ACCEPT;
    for (int i = 0; i <= SW_LABELS_MAX; i++)
        labels[i] = (struct sw_label){.key = sw_span_of_text("k")};
    request.labels = labels;
    request.labels_count = SW_LABELS_MAX + 1;
    refuses(sw_fields_check_start_run(&limits, &request, &err), "labels");
    request.labels_count = SW_LABELS_MAX;
    ACCEPTS(sw_fields_check_start_run(&limits, &request, &err));
    labels[3].value = of_size(SW_LABEL_VALUE_MAX + 1);
    refuses(sw_fields_check_start_run(&limits, &request, &err), "labels.value");
    labels[3].value.size--;
    labels[4].key = of_size(SW_LABEL_KEY_MAX + 1);
    refuses(sw_fields_check_start_run(&limits, &request, &err), "labels.key");
    labels[4].key.size = 0;
    refuses(sw_fields_check_start_run(&limits, &request, &err), "labels.key");
}

static void resume_is_bounded(void **state)
{
    struct sw_resume_request request = {.run_id = sw_span_of_text("r")};

    (void)state;
    ACCEPTS(sw_fields_check_resume(&limits, &request, &err));
    CHECK_REQUIRED(request, run_id, sw_fields_check_resume, "run_id");
    CHECK_TEXT(request, run_id, SW_RUN_ID_MAX, sw_fields_check_resume, "run_id");
    CHECK_TEXT(request, holder_name, SW_HOLDER_MAX, sw_fields_check_resume, "holder");
}

static struct sw_begin_step_request a_begin(void)
{
    struct sw_begin_step_request request = {.run_id = sw_span_of_text("r"), .lease = 1};

    request.step.key = sw_span_of_text("k");
    return request;
}

static void begin_step_is_bounded(void **state)
{
    struct sw_begin_step_request request = a_begin();
    const struct sw_span digest = of_size(SW_DIGEST_SIZE);

    (void)state;
    ACCEPTS(sw_fields_check_begin_step(&limits, &request, &err));
    CHECK_REQUIRED(request, run_id, sw_fields_check_begin_step, "run_id");
    CHECK_REQUIRED(request, step.key, sw_fields_check_begin_step, "key");
    CHECK_TEXT(request, step.key, SW_KEY_MAX, sw_fields_check_begin_step, "key");
    CHECK_TEXT(request, step.name, SW_NAME_MAX, sw_fields_check_begin_step, "name");
    CHECK_TEXT(request, step.request_id, SW_REQUEST_ID_MAX, sw_fields_check_begin_step,
               "request_id");
    CHECK_PAYLOAD(request, step.input, sw_fields_check_begin_step, "input");
    CHECK_NUMBER(request, step.start_to_close_ms, 365 * DAY, sw_fields_check_begin_step,
                 "timeouts.start_to_close_ms");
    CHECK_NUMBER(request, step.heartbeat_ms, 365 * DAY, sw_fields_check_begin_step,
                 "timeouts.heartbeat_ms");
    CHECK_NUMBER(request, step.kind, SW_KIND_WAIT, sw_fields_check_begin_step, "kind");
    CHECK_NUMBER(request, step.effect, SW_EFFECT_ONCE, sw_fields_check_begin_step, "effect");
    CHECK_NUMBER(request, step.durability, SW_DURABILITY_REMOTE, sw_fields_check_begin_step,
                 "durability");
    request.step.has_input_digest = true;
    refuses(sw_fields_check_begin_step(&limits, &request, &err), "input_digest");
    request.step.input_digest = digest;
    ACCEPTS(sw_fields_check_begin_step(&limits, &request, &err));
    request.lease = 0;
    refuses(sw_fields_check_begin_step(&limits, &request, &err), "lease");
}

static void a_retry_policy_is_bounded_and_no_nan(void **state)
{
    static const double factors_bad[] = {-1.0, 0.5, 0.999, 100.1, NAN, INFINITY, -INFINITY};
    static const double factors_good[] = {0.0, -0.0, 1.0, 2.5, 100.0};
    static const double jitters_bad[] = {-0.1, 1.1, NAN, INFINITY};
    struct sw_begin_step_request request = a_begin();
    struct sw_span types[SW_NON_RETRYABLE_TYPES_MAX + 1];

    (void)state;
    CHECK_NUMBER(request, step.retry.max_attempts, 10000, sw_fields_check_begin_step,
                 "retry.max_attempts");
    CHECK_NUMBER(request, step.retry.initial_ms, DAY, sw_fields_check_begin_step,
                 "retry.initial_ms");
    CHECK_NUMBER(request, step.retry.cap_ms, 30 * DAY, sw_fields_check_begin_step, "retry.cap_ms");
    for (size_t i = 0; i < sizeof(factors_bad) / sizeof(factors_bad[0]); i++) {
        request.step.retry.factor = factors_bad[i];
        refuses(sw_fields_check_begin_step(&limits, &request, &err), "retry.factor");
    }
    for (size_t i = 0; i < sizeof(factors_good) / sizeof(factors_good[0]); i++) {
        request.step.retry.factor = factors_good[i];
        ACCEPTS(sw_fields_check_begin_step(&limits, &request, &err));
    }
    for (size_t i = 0; i < sizeof(jitters_bad) / sizeof(jitters_bad[0]); i++) {
        request.step.retry.jitter = jitters_bad[i];
        refuses(sw_fields_check_begin_step(&limits, &request, &err), "retry.jitter");
    }
    request.step.retry.jitter = 1.0;
    for (int i = 0; i <= SW_NON_RETRYABLE_TYPES_MAX; i++)
        types[i] = of_size(SW_FAILURE_TYPE_MAX);
    request.step.retry.non_retryable_types = types;
    request.step.retry.non_retryable_types_count = SW_NON_RETRYABLE_TYPES_MAX + 1;
    refuses(sw_fields_check_begin_step(&limits, &request, &err), "retry.non_retryable_types");
    request.step.retry.non_retryable_types_count--;
    ACCEPTS(sw_fields_check_begin_step(&limits, &request, &err));
    types[2].size++;
    refuses(sw_fields_check_begin_step(&limits, &request, &err), "retry.non_retryable_types[2]");
}

static void complete_step_is_bounded_with_its_next(void **state)
{
    struct sw_complete_step_request request = {
        .run_id = sw_span_of_text("r"), .lease = 1, .key = sw_span_of_text("k"), .attempt = 1};

    (void)state;
    refuses(sw_fields_check_complete_step(&limits, &request, &err), "outcome");
    request.outcome = SW_OUTCOME_OUTPUT;
    CHECK_PAYLOAD(request, output, sw_fields_check_complete_step, "output");
    request.outcome = SW_OUTCOME_FAILURE;
    CHECK_FAILURE(request, failure, sw_fields_check_complete_step, "failure");
    request.outcome = SW_OUTCOME_UNKNOWN;
    CHECK_FAILURE(request, failure, sw_fields_check_complete_step, "unknown");
    CHECK_REQUIRED(request, key, sw_fields_check_complete_step, "key");
    request.attempt = 0;
    refuses(sw_fields_check_complete_step(&limits, &request, &err), "attempt");
    request.attempt = 1;
    request.next.heartbeat_ms = UINT64_MAX; /* not looked at */
    ACCEPTS(sw_fields_check_complete_step(&limits, &request, &err));
    request.has_next = true;
    refuses(sw_fields_check_complete_step(&limits, &request, &err), "begin_next.key");
    request.next.key = sw_span_of_text("n");
    refuses(sw_fields_check_complete_step(&limits, &request, &err),
            "begin_next.timeouts.heartbeat_ms");
    request.next.heartbeat_ms = 0;
    CHECK_PAYLOAD(request, next.input, sw_fields_check_complete_step, "begin_next.input");
}

static void note_step_is_bounded(void **state)
{
    struct sw_note_step_request request = {
        .run_id = sw_span_of_text("r"), .lease = 1, .key = sw_span_of_text("k"), .attempt = 1};

    (void)state;
    ACCEPTS(sw_fields_check_note_step(&limits, &request, &err));
    CHECK_TEXT(request, external_ref, SW_EXTERNAL_REF_MAX, sw_fields_check_note_step,
               "external_ref");
    CHECK_PAYLOAD(request, progress, sw_fields_check_note_step, "progress");
    request.attempt = 0;
    refuses(sw_fields_check_note_step(&limits, &request, &err), "attempt");
}

static void resolve_step_is_bounded(void **state)
{
    struct sw_resolve_step_request request = {.run_id = sw_span_of_text("r"),
                                              .key = sw_span_of_text("k"),
                                              .by = sw_span_of_text("me"),
                                              .by_person = true};

    (void)state;
    refuses(sw_fields_check_resolve_step(&limits, &request, &err), "resolution");
    request.resolution = SW_RESOLUTION_DID_NOT_HAPPEN;
    ACCEPTS(sw_fields_check_resolve_step(&limits, &request, &err));
    CHECK_REQUIRED(request, by, sw_fields_check_resolve_step, "by");
    CHECK_TEXT(request, by, SW_RESOLVED_BY_MAX, sw_fields_check_resolve_step, "by");
    CHECK_REQUIRED(request, key, sw_fields_check_resolve_step, "key");
    request.resolution = SW_RESOLUTION_HAPPENED;
    refuses(sw_fields_check_resolve_step(&limits, &request, &err), "resolution.happened");
    request.output.present = true;
    CHECK_PAYLOAD(request, output, sw_fields_check_resolve_step, "resolution.happened");
    request.resolution = SW_RESOLUTION_GIVE_UP;
    CHECK_FAILURE(request, failure, sw_fields_check_resolve_step, "resolution.give_up");
    request.by_person = false;
    refuses(sw_fields_check_resolve_step(&limits, &request, &err), "lease");
}

static void end_run_is_bounded(void **state)
{
    struct sw_end_run_request request = {.run_id = sw_span_of_text("r"), .lease = 1};
    static struct sw_span keys[SW_UNVISITED_KEYS_MAX + 1];

    (void)state;
    CHECK_PAYLOAD(request, result, sw_fields_check_end_run, "result");
    request.failed = true;
    CHECK_FAILURE(request, failure, sw_fields_check_end_run, "failure");
    for (int i = 0; i <= SW_UNVISITED_KEYS_MAX; i++)
        keys[i] = of_size(SW_KEY_MAX);
    request.unvisited = keys;
    request.unvisited_count = SW_UNVISITED_KEYS_MAX + 1;
    refuses(sw_fields_check_end_run(&limits, &request, &err), "unvisited_keys");
    request.unvisited_count--;
    ACCEPTS(sw_fields_check_end_run(&limits, &request, &err));
    keys[999].size++;
    refuses(sw_fields_check_end_run(&limits, &request, &err), "unvisited_keys[999]");
}

static void claim_run_is_bounded(void **state)
{
    struct sw_claim_run_request request = {0};
    struct sw_span tasks[SW_CLAIM_TASKS_MAX + 1];

    (void)state;
    CHECK_NUMBER(request, wait_ms, 600000, sw_fields_check_claim_run, "wait_ms");
    CHECK_TEXT(request, holder_name, SW_HOLDER_MAX, sw_fields_check_claim_run, "holder");
    for (int i = 0; i <= SW_CLAIM_TASKS_MAX; i++)
        tasks[i] = of_size(SW_TASK_MAX);
    request.tasks = tasks;
    request.tasks_count = SW_CLAIM_TASKS_MAX + 1;
    refuses(sw_fields_check_claim_run(&limits, &request, &err), "tasks");
    request.tasks_count--;
    ACCEPTS(sw_fields_check_claim_run(&limits, &request, &err));
    tasks[0].size = 0;
    refuses(sw_fields_check_claim_run(&limits, &request, &err), "tasks[0]");
}

static void a_question_about_runs_is_bounded(void **state)
{
    struct sw_label labels[SW_LABELS_MAX + 1];
    const struct sw_span none = {0};

    (void)state;
    ACCEPTS(sw_fields_check_run_id(none, false, &err));
    refuses(sw_fields_check_run_id(none, true, &err), "run_id");
    ACCEPTS(sw_fields_check_run_id(of_size(SW_RUN_ID_MAX), true, &err));
    refuses(sw_fields_check_run_id(of_size(SW_RUN_ID_MAX + 1), false, &err), "run_id");
    for (int i = 0; i <= SW_LABELS_MAX; i++)
        labels[i] = (struct sw_label){of_size(SW_LABEL_KEY_MAX), of_size(SW_LABEL_VALUE_MAX)};
    ACCEPTS(sw_fields_check_filter(of_size(SW_TASK_MAX), labels, SW_LABELS_MAX, &err));
    refuses(sw_fields_check_filter(none, labels, SW_LABELS_MAX + 1, &err), "labels");
    refuses(sw_fields_check_filter(of_size(SW_TASK_MAX + 1), labels, 0, &err), "task");
    labels[1].value.size++;
    refuses(sw_fields_check_filter(none, labels, 2, &err), "labels.value");
    labels[0].key.size++;
    refuses(sw_fields_check_filter(none, labels, 2, &err), "labels.key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_utf_8_without_nul),
        cmocka_unit_test(an_error_names_field_size_and_bound),
        cmocka_unit_test(start_run_is_bounded),
        cmocka_unit_test(resume_is_bounded),
        cmocka_unit_test(begin_step_is_bounded),
        cmocka_unit_test(a_retry_policy_is_bounded_and_no_nan),
        cmocka_unit_test(complete_step_is_bounded_with_its_next),
        cmocka_unit_test(note_step_is_bounded),
        cmocka_unit_test(resolve_step_is_bounded),
        cmocka_unit_test(end_run_is_bounded),
        cmocka_unit_test(claim_run_is_bounded),
        cmocka_unit_test(a_question_about_runs_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
