/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: each kind of record has a name, a line for people, and one payload at most.
 */
#include "fixture.h"
#include "samples.h"

static void types_have_names(void **state)
{
    (void)state;
    assert_string_equal(sw_record_type_name(SW_RECORD_JOURNAL_CREATED), "JOURNAL_CREATED");
    assert_string_equal(sw_record_type_name(SW_RECORD_CHUNK), "CHUNK");
    assert_string_equal(sw_record_type_name((enum sw_record_type)0), "?");
    assert_string_equal(sw_record_type_name(SW_RECORD_TYPE_END), "?");
    assert_string_equal(sw_record_type_name((enum sw_record_type)999), "?");
    for (int i = 1; i < SW_RECORD_TYPE_END; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(sw_record_type_name((enum sw_record_type)i),
                                    sw_record_type_name((enum sw_record_type)k));
}

static const char *const summaries[SAMPLES] = {
    "journal agents created",
    "run run-1 started, task triage",
    "run completed, 0 B",
    "run failed: Timeout: no answer",
    "lease 300 taken by pod-3",
    "6 B of payloads",
    "step-1 attempt 4294967295 begun, LLM, ONCE",
    "step-1 attempt 4294967295 begun, LLM, ONCE",
    "step-1 attempt 4294967295 begun, LLM, ONCE",
    "step-1 attempt 4294967295 completed, 70520 B",
    "step-1 attempt 4294967295 failed for good: Timeout: no answer",
    "step-1 attempt 4294967295 is in doubt: no answer",
    "step-1 attempt 4294967295 noted pi_1",
    "step-1 attempt 4294967295 resolved: happened, by ann",
    "step-1 attempt 4294967295 resolved: did not happen, by ann",
    "step-1 attempt 4294967295 resolved: given up, by ann",
};

static void each_record_has_a_line(void **state)
{
    struct sample samples[SAMPLES];
    char text[128];

    (void)state;
    sample_all(samples);
    for (int i = 0; i < SAMPLES; i++) {
        sw_record_summary(&samples[i].record, text, sizeof(text));
        assert_string_equal(text, summaries[i]);
        samples[i].record.purged = true;
        sw_record_summary(&samples[i].record, text, sizeof(text));
        assert_memory_equal(text, sw_record_type_name(samples[i].record.type),
                            strlen(sw_record_type_name(samples[i].record.type)));
        assert_non_null(strstr(text, ", removed"));
    }
}

static void a_line_is_cut_to_its_room(void **state)
{
    struct sample samples[SAMPLES];
    char text[128];

    (void)state;
    sample_all(samples);
    for (int i = 0; i < SAMPLES; i++)
        for (size_t size = 1; size < sizeof(text); size++) {
            memset(text, 'x', sizeof(text));
            sw_record_summary(&samples[i].record, text, size);
            assert_memory_equal(text, summaries[i],
                                size > strlen(summaries[i]) ? strlen(summaries[i]) : size - 1);
            assert_true(strlen(text) < size);
            assert_true(text[size] == 'x');
        }
}

static void the_payload_is_that_of_the_type(void **state)
{
    static const bool carries[SAMPLES] = {false, true, true, true, false, false, true,  true,
                                          true,  true, true, true, true,  true,  false, true};
    struct sample samples[SAMPLES];

    (void)state;
    sample_all(samples);
    for (int i = 0; i < SAMPLES; i++) {
        struct sw_record *record = &samples[i].record;
        struct sw_payload *payload = sw_record_payload(record);

        assert_int_equal(payload != NULL, carries[i]);
        assert_int_equal(sw_record_payload_bytes(record),
                         payload != NULL && payload->present ? payload->size : 0);
        record->purged = true;
        assert_int_equal(sw_record_payload_bytes(record), 0);
    }
    assert_ptr_equal(sw_record_payload(&samples[1].record), &samples[1].record.u.run_started.input);
    assert_ptr_equal(sw_record_payload(&samples[11].record),
                     &samples[11].record.u.outcome.failure.details);
    assert_int_equal(sw_record_payload_bytes(&(struct sw_record){.type = SW_RECORD_CHUNK}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_have_names),
        cmocka_unit_test(each_record_has_a_line),
        cmocka_unit_test(a_line_is_cut_to_its_room),
        cmocka_unit_test(the_payload_is_that_of_the_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
