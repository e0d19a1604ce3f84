/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a failure keeps its code and its sentence, however long either grows.
 */
#include "storage/base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_failure_has_a_code_and_a_sentence(void **state)
{
    struct sw_err err = {.os_errno = 5, .limit = 9, .field = "old"};

    (void)state;
    assert_int_equal(sw_fail(&err, SW_CORRUPT, "record %d", 7), SW_CORRUPT);
    assert_int_equal(err.code, SW_CORRUPT);
    assert_string_equal(err.text, "record 7");
    assert_int_equal(err.os_errno, 0);
    assert_int_equal(err.limit, 0);
    assert_string_equal(err.field, "");
    assert_int_equal(sw_fail(NULL, SW_CORRUPT, "nobody listens"), SW_CORRUPT);
}

static void a_field_is_named_in_field_and_text(void **state)
{
    struct sw_err err;

    (void)state;
    assert_int_equal(sw_fail_field(&err, "run_id", 256, "has %d bytes", 300), SW_INVALID_FIELD);
    assert_string_equal(err.field, "run_id");
    assert_string_equal(err.text, "run_id: has 300 bytes");
    assert_int_equal(err.limit, 256);
    assert_int_equal(sw_fail_field(NULL, "x", 0, "nobody listens"), SW_INVALID_FIELD);
}

static void context_goes_in_front(void **state)
{
    struct sw_err err;

    (void)state;
    (void)(sw_fail(&err, SW_STORAGE_FAILED, "no space") == SW_OK);
    assert_int_equal(sw_wrap(&err, "commit of %d", 3), SW_STORAGE_FAILED);
    assert_string_equal(err.text, "commit of 3: no space");
}

/* Goal: the text stays terminated whatever the lengths. */
static void long_texts_are_cut(void **state)
{
    char text[2 * SW_ERR_TEXT_MAX];
    struct sw_err err;

    (void)state;
    for (size_t size = SW_ERR_TEXT_MAX - 8; size < SW_ERR_TEXT_MAX + 8; size++) {
        memset(text, 'x', size);
        text[size] = '\0';
        (void)(sw_fail(&err, SW_CORRUPT, "%s", text) == SW_OK);
        assert_true(strlen(err.text) < SW_ERR_TEXT_MAX);
        (void)(sw_wrap(&err, "%s", text) == SW_OK);
        assert_int_equal(strlen(err.text), SW_ERR_TEXT_MAX - 1);
        (void)(sw_fail_field(&err, text, 0, "%s", text) == SW_OK);
        assert_int_equal(strlen(err.field), SW_ERR_FIELD_MAX - 1);
        assert_int_equal(strlen(err.text), SW_ERR_TEXT_MAX - 1);
    }
}

static void every_code_is_described(void **state)
{
    (void)state;
    for (enum sw_code code = SW_OK; code < SW_CODE_COUNT; code++) {
        assert_true(strlen(sw_code_name(code)) > 0);
        assert_true(strlen(sw_code_text(code)) > 0);
        assert_in_range(sw_code_grpc(code), 0, 16);
    }
    assert_string_equal(sw_code_name(SW_LEASE_FENCED), "LEASE_FENCED");
    assert_int_equal(sw_code_grpc(SW_LEASE_FENCED), 10);
    assert_int_equal(sw_code_retry_ms(SW_LEASE_FENCED), 0);
    assert_int_equal(sw_code_retry_ms(SW_QUEUE_FULL), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_has_a_code_and_a_sentence),
        cmocka_unit_test(a_field_is_named_in_field_and_text),
        cmocka_unit_test(context_goes_in_front),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(every_code_is_described),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
