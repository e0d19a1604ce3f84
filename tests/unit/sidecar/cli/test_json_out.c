/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/json_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/sidecar/capture.h"

static void prints(struct cJSON *root, const char *wanted)
{
    struct capture capture;

    capture_begin(&capture);
    sw_json_print(root, stdout);
    capture_end(&capture);
    assert_string_equal(capture.out, wanted);
    capture_free(&capture);
}

static void values_stand_in_order(void **state)
{
    struct cJSON *root = sw_json_new();
    struct cJSON *inner = sw_json_object(root, "o");
    struct cJSON *list = sw_json_array(root, "l");
    (void)state;

    sw_json_bool(inner, "yes", true);
    sw_json_null(inner, "none");
    sw_json_text(list, NULL, sw_span_of_text("a"));
    sw_json_number(list, NULL, UINT64_MAX);
    sw_json_hex(root, "h", sw_span_of("\x00\xff", 2));
    sw_json_time(root, "t", 1000123);
    sw_json_time(root, "never", 0);
    prints(root, "{\"o\":{\"yes\":true,\"none\":null},\"l\":[\"a\",18446744073709551615],"
                 "\"h\":\"00ff\",\"t\":\"1970-01-01T00:16:40.123Z\",\"never\":null}");
}

static void texts_become_utf8(void **state)
{
    struct cJSON *root = sw_json_new();
    (void)state;

    sw_json_text(root, "t", sw_span_of("a\"\n\xff\0\xc3\xa9", 7));
    sw_json_text(root, "e", sw_span_of(NULL, 0));
    prints(root, "{\"t\":\"a\\\"\\n\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9\",\"e\":\"\"}");
}

/* RFC 4648, section 10. */
static void base64_is_padded(void **state)
{
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cJSON *root = sw_json_new();
        char wanted[64];

        sw_json_base64(root, "b", sw_span_of_text(rows[i][0]));
        (void)snprintf(wanted, sizeof(wanted), "{\"b\":\"%s\"}", rows[i][1]);
        prints(root, wanted);
    }
}

static void only_one_whole_value_is_valid(void **state)
{
    (void)state;
    assert_true(sw_json_is_valid(sw_span_of_text("{\"a\": [1, null]}")));
    assert_true(sw_json_is_valid(sw_span_of_text(" \"text\" \n")));
    assert_true(sw_json_is_valid(sw_span_of_text("0")));
    assert_false(sw_json_is_valid(sw_span_of_text("")));
    assert_false(sw_json_is_valid(sw_span_of_text(" ")));
    assert_false(sw_json_is_valid(sw_span_of_text("text")));
    assert_false(sw_json_is_valid(sw_span_of_text("{bad")));
    assert_false(sw_json_is_valid(sw_span_of_text("{} {}")));
    assert_false(sw_json_is_valid(sw_span_of("1\0", 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_stand_in_order),
        cmocka_unit_test(texts_become_utf8),
        cmocka_unit_test(base64_is_padded),
        cmocka_unit_test(only_one_whole_value_is_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
