/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: delays follow the formula of RetryPolicy, within its bounds, the same every
 * time; idempotency keys are those computed apart from this code.
 */
#include "sidecar/engine/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint64_t SECOND = 1000;
static const uint64_t DAY = UINT64_C(24) * 60 * 60 * 1000;

static void zeros_become_the_documented_defaults(void **state)
{
    struct sw_retry once = {0};
    struct sw_retry none = {0};
    struct sw_retry set = {.max_attempts = 7, .initial_ms = 5, .factor = 3.0, .cap_ms = 9};

    (void)state;
    sw_retry_fill(&once, SW_EFFECT_ONCE);
    sw_retry_fill(&none, SW_EFFECT_NONE);
    sw_retry_fill(&set, SW_EFFECT_ONCE);
    assert_int_equal(once.max_attempts, 1);
    assert_int_equal(none.max_attempts, 3);
    assert_int_equal(none.initial_ms, SECOND);
    assert_true(none.factor >= 2.0 && none.factor <= 2.0);
    assert_int_equal(none.cap_ms, 60 * SECOND);
    assert_int_equal(set.max_attempts, 7);
    assert_int_equal(set.initial_ms, 5);
    assert_int_equal(set.cap_ms, 9);
}

static void delays_double_up_to_the_cap(void **state)
{
    struct sw_retry retry = {0};

    (void)state;
    sw_retry_fill(&retry, SW_EFFECT_NONE);
    assert_int_equal(sw_retry_delay_ms(&retry, 1, 0), 1 * SECOND);
    assert_int_equal(sw_retry_delay_ms(&retry, 2, 0), 2 * SECOND);
    assert_int_equal(sw_retry_delay_ms(&retry, 6, 0), 32 * SECOND);
    assert_int_equal(sw_retry_delay_ms(&retry, 7, 0), 60 * SECOND);
    assert_int_equal(sw_retry_delay_ms(&retry, 10000, 0), 60 * SECOND);
    retry.initial_ms = 2 * 60 * SECOND;
    assert_int_equal(sw_retry_delay_ms(&retry, 1, 0), 60 * SECOND);
}

static void the_largest_policy_does_not_overflow(void **state)
{
    const struct sw_retry retry = {
        .max_attempts = 10000, .initial_ms = DAY, .factor = 100.0, .cap_ms = 30 * DAY};
    const struct sw_retry constant = {
        .max_attempts = 10000, .initial_ms = 250, .factor = 1.0, .cap_ms = DAY};

    (void)state;
    assert_int_equal(sw_retry_delay_ms(&retry, UINT32_MAX, 0), 30 * DAY);
    assert_int_equal(sw_retry_delay_ms(&constant, UINT32_MAX, 0), 250);
}

static void jitter_takes_its_share_by_the_seed_alone(void **state)
{
    struct sw_retry retry = {.initial_ms = 1000, .factor = 2.0, .cap_ms = 60000, .jitter = 0.5};

    (void)state;
    assert_int_equal(sw_retry_delay_ms(&retry, 1, 0), 1000);
    assert_int_equal(sw_retry_delay_ms(&retry, 1, UINT64_C(1) << 63), 750);
    assert_int_equal(sw_retry_delay_ms(&retry, 1, UINT64_MAX), 500);
    retry.jitter = 1.0;
    assert_int_equal(sw_retry_delay_ms(&retry, 1, UINT64_MAX), 0);
    for (uint64_t seed = 1; seed != 0; seed *= 2) {
        uint64_t delay_ms = sw_retry_delay_ms(&retry, 3, seed);

        assert_true(delay_ms <= 4000);
        assert_int_equal(delay_ms, sw_retry_delay_ms(&retry, 3, seed));
    }
}

static void the_last_attempt_and_named_failures_are_final(void **state)
{
    const struct sw_span types[] = {sw_span_of_text("BadKey"), sw_span_of_text("Refused")};
    const struct sw_retry retry = {
        .max_attempts = 3, .non_retryable_types = types, .non_retryable_types_count = 2};
    struct sw_failure failure = {.type = sw_span_of_text("Timeout")};

    (void)state;
    assert_false(sw_retry_is_final(&retry, 2, &failure));
    assert_true(sw_retry_is_final(&retry, 3, &failure));
    assert_true(sw_retry_is_final(&retry, 4, &failure)); /* lost attempts went before */
    failure.non_retryable = true;
    assert_true(sw_retry_is_final(&retry, 1, &failure));
    failure.non_retryable = false;
    failure.type = types[1];
    assert_true(sw_retry_is_final(&retry, 1, &failure));
}

static void idempotency_keys_are_those_computed_elsewhere(void **state)
{
    static const struct {
        const char *journal, *run_id, *key, *expected;
    } vectors[] = {
        {"agent-7", "order-42", "charge", "7564bbf3-4dea-8005-b4c8-4dbbd4b490fe"},
        {"", "", "", "4dc60df2-cadd-8f08-ad50-68c434fbe5cb"},
        {"a", "b", "\xc3\xa9", "fc2c5f52-3a6d-85f9-9e75-1e6023d98f84"},
        {"ab", "c", "d", "e8642272-0212-83fd-9d94-69b410757745"},
        {"a", "bc", "d", "db359e3a-cc76-8ecb-b5d3-cd36245bbec2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        char text[SW_UUID_TEXT_SIZE];

        sw_idempotency_key(sw_span_of_text(vectors[i].journal), sw_span_of_text(vectors[i].run_id),
                           sw_span_of_text(vectors[i].key), text);
        assert_string_equal(text, vectors[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeros_become_the_documented_defaults),
        cmocka_unit_test(delays_double_up_to_the_cap),
        cmocka_unit_test(the_largest_policy_does_not_overflow),
        cmocka_unit_test(jitter_takes_its_share_by_the_seed_alone),
        cmocka_unit_test(the_last_attempt_and_named_failures_are_final),
        cmocka_unit_test(idempotency_keys_are_those_computed_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
