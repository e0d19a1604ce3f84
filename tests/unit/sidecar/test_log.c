/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "tests/unit/sidecar/capture.h"

/* Logs with the statement and leaves the text in capture.err. */
#define CAPTURED(capture, statement)                                                               \
    do {                                                                                           \
        capture_begin(capture);                                                                    \
        statement;                                                                                 \
        capture_end(capture);                                                                      \
    } while (0)

static const char *text_of(const cJSON *root, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(root, key));

    return text != NULL ? text : "(none)";
}

static void a_line_is_one_object(void **state)
{
    struct capture capture;
    cJSON *root;
    (void)state;

    sw_log_setup(SW_LOG_INFO, 0);
    CAPTURED(&capture, sw_log(WARNING, "disk slow", {"path", .text = "/d"}, {"ms", .number = 350}));
    assert_ptr_equal(strchr(capture.err, '\n'), capture.err + strlen(capture.err) - 1);
    root = cJSON_Parse(capture.err);
    assert_non_null(root);
    assert_string_equal(text_of(root, "level"), "warning");
    assert_string_equal(text_of(root, "event"), "disk slow");
    assert_string_equal(text_of(root, "path"), "/d");
    assert_int_equal(cJSON_GetObjectItem(root, "ms")->valueint, 350);
    assert_int_equal(strlen(text_of(root, "time")), strlen("2026-11-23T00:06:36.536Z"));
    cJSON_Delete(root);
    capture_free(&capture);
}

static void what_is_below_the_level_is_dropped(void **state)
{
    struct capture capture;
    (void)state;

    sw_log_setup(SW_LOG_WARNING, 0);
    CAPTURED(&capture, {
        sw_log(DEBUG, "a", {"x", .number = 1});
        sw_log(INFO, "b", {"x", .number = 1});
        sw_log(ERROR, "c", {"x", .number = 1});
    });
    assert_null(strstr(capture.err, "\"a\""));
    assert_null(strstr(capture.err, "\"b\""));
    assert_non_null(strstr(capture.err, "\"event\":\"c\""));
    capture_free(&capture);
}

/* Goal: whatever bytes come in, what goes out is JSON and one line. */
static void hostile_texts_are_escaped(void **state)
{
    char every[256];
    struct capture capture;
    cJSON *root;
    (void)state;

    for (size_t i = 0; i < 255; i++)
        every[i] = (char)(i + 1);
    every[255] = '\0';
    sw_log_setup(SW_LOG_INFO, 0);
    CAPTURED(&capture, sw_log(INFO, "odd", {"bytes", .text = every}));
    assert_ptr_equal(strchr(capture.err, '\n'), capture.err + strlen(capture.err) - 1);
    root = cJSON_Parse(capture.err);
    assert_non_null(root);
    assert_memory_equal(text_of(root, "bytes"), every, 127);
    assert_memory_equal(text_of(root, "bytes") + 127, "\xef\xbf\xbd", 3);
    cJSON_Delete(root);
    capture_free(&capture);
}

/* Goal: a line never outgrows what a pipe takes at once, and stays JSON when it is cut.
 * Method: lengths around the bound, of characters with short and long escapes. */
static void long_lines_are_cut_and_stay_whole(void **state)
{
    static char text[6000];
    (void)state;

    for (size_t size = 3500; size < 5000; size += 7) {
        struct capture capture;
        cJSON *root;

        memset(text, size % 2 != 0 ? 'x' : '\x01', size);
        text[size] = '\0';
        CAPTURED(&capture, sw_log(INFO, "long", {"a", .text = text}, {"b", .number = 7}));
        assert_in_range(strlen(capture.err), 1, 4096);
        root = cJSON_Parse(capture.err);
        assert_non_null(root);
        assert_true(cJSON_IsTrue(cJSON_GetObjectItem(root, "cut")) ==
                    (cJSON_GetObjectItem(root, "b") == NULL));
        cJSON_Delete(root);
        capture_free(&capture);
    }
}

static void people_get_text(void **state)
{
    struct capture capture;
    (void)state;

    sw_log_setup(SW_LOG_INFO, 1);
    CAPTURED(&capture, sw_log(INFO, "listening", {"address", .text = "unix:///s"},
                              {"why", .text = "two words"}, {"pid", .number = 3}));
    assert_non_null(strstr(capture.err, " info listening address=unix:///s why=\"two words\" "
                                        "pid=3\n"));
    capture_free(&capture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_one_object),
        cmocka_unit_test(what_is_below_the_level_is_dropped),
        cmocka_unit_test(hostile_texts_are_escaped),
        cmocka_unit_test(long_lines_are_cut_and_stay_whole),
        cmocka_unit_test(people_get_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
