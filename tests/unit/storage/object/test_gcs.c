/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: requests are those of Google's XML API, a creation conditional on generation 0; each
 * answer is taken for what the documentation says it is.
 */
#include "storage/object/object.intern.h"

#include "tests/unit/storage/object/dialect.h"

static struct sw_dialect open_store(const char *url, const char *endpoint)
{
    const struct sw_store_options options = {
        .url = url, .endpoint = endpoint, .clock = &sw_clock_system};
    struct sw_dialect dialect;
    struct sw_err err;

    if (sw_gcs_open(&options, NULL, &dialect, &err) != SW_OK)
        fail_msg("%s", err.text);
    return dialect;
}

static void close_store(struct sw_dialect *dialect)
{
    dialect->free(dialect->self);
    sw_credentials_free(dialect->credentials);
}

static void requests_are_those_of_the_xml_api(void **state)
{
    struct sw_dialect gcs = open_store("gs://bucket/a/b/", NULL);
    char token[] = "T0K3N";
    const struct sw_secret secret = {.token = token};
    struct sw_object_op op = {.verb = SW_OBJECT_CREATE,
                              .key = "log/1",
                              .body = sw_span_of_text("body"),
                              .after = "log/0",
                              .keys_max = 7};
    char text[DIALECT_TEXT_SIZE];

    (void)state;
    assert_non_null(gcs.credentials);
    dialect_prepare(&gcs, &op, &secret, text);
    assert_string_equal(text, "PUT https://storage.googleapis.com/bucket/a/b/log/1\n"
                              "x-goog-if-generation-match: 0\n"
                              "Content-Type: application/octet-stream\n"
                              "Authorization: Bearer T0K3N\n");
    op.verb = SW_OBJECT_GET;
    dialect_prepare(&gcs, &op, &secret, text);
    assert_string_equal(text, "GET https://storage.googleapis.com/bucket/a/b/log/1\n"
                              "Authorization: Bearer T0K3N\n");
    op.verb = SW_OBJECT_DELETE;
    dialect_prepare(&gcs, &op, NULL, text);
    assert_string_equal(text, "DELETE https://storage.googleapis.com/bucket/a/b/log/1\n");
    op.verb = SW_OBJECT_LIST;
    op.key = "log/";
    dialect_prepare(&gcs, &op, NULL, text);
    assert_string_equal(text, "GET https://storage.googleapis.com/bucket?list-type=2&max-keys=7&"
                              "prefix=a%2Fb%2Flog%2F&start-after=a%2Fb%2Flog%2F0\n");
    op.after = NULL;
    op.keys_max = 0;
    dialect_prepare(&gcs, &op, NULL, text);
    assert_string_equal(text, "GET https://storage.googleapis.com/bucket?list-type=2&max-keys=1000&"
                              "prefix=a%2Fb%2Flog%2F\n");
    close_store(&gcs);
}

static void settings_are_read_from_the_bucket(void **state)
{
    struct sw_dialect gcs = open_store("gs://b/p", "http://localhost:9");
    struct sw_object_op op = {.verb = SW_OBJECT_SETTING, .key = "lifecycle"};
    char text[DIALECT_TEXT_SIZE];

    (void)state;
    dialect_prepare(&gcs, &op, NULL, text);
    assert_string_equal(text, "GET http://localhost:9/b?lifecycle\n");
    assert_int_equal(dialect_answer(&gcs, &op, 200, "<LifecycleConfiguration/>"), SW_REPLY_DONE);
    assert_int_equal(op.keys, 0);
    assert_int_equal(dialect_answer(&gcs, &op, 200,
                                    "<LifecycleConfiguration><Rule><Action><Delete/></Action>"
                                    "<Condition><Age>30</Age></Condition></Rule>"
                                    "</LifecycleConfiguration>"),
                     SW_REPLY_DONE);
    assert_string_equal(op.data, "a rule for everything deletes objects by their age");
    sw_object_op_fini(&op);
    assert_int_equal(dialect_answer(&gcs, &op, 403, ""), SW_REPLY_REFUSED);
    assert_int_equal(dialect_answer(&gcs, &op, 404, ""), SW_REPLY_FAILED);
    close_store(&gcs);
}

static void answers_mean_what_google_says(void **state)
{
    static const struct dialect_row rows[] = {
        {SW_OBJECT_CREATE, 200, NULL, SW_REPLY_DONE},
        {SW_OBJECT_CREATE, 412, "PreconditionFailed", SW_REPLY_EXISTS},
        {SW_OBJECT_CREATE, 412, NULL, SW_REPLY_EXISTS},
        {SW_OBJECT_CREATE, 409, "ConditionalRequestConflict", SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 404, "NoSuchBucket", SW_REPLY_FAILED},
        {SW_OBJECT_CREATE, 404, NULL, SW_REPLY_FAILED},
        {SW_OBJECT_CREATE, 400, "InvalidArgument", SW_REPLY_FAILED},
        {SW_OBJECT_CREATE, 401, "AuthenticationRequired", SW_REPLY_REFUSED},
        {SW_OBJECT_CREATE, 403, "AccessDenied", SW_REPLY_REFUSED},
        {SW_OBJECT_CREATE, 429, "SlowDown", SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 503, "ServiceUnavailable", SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 204, NULL, SW_REPLY_FAILED},
        {SW_OBJECT_CREATE, 307, NULL, SW_REPLY_FAILED},
        {SW_OBJECT_GET, 200, "x", SW_REPLY_DONE},
        {SW_OBJECT_GET, 206, "x", SW_REPLY_FAILED},
        {SW_OBJECT_GET, 404, "NoSuchKey", SW_REPLY_ABSENT},
        {SW_OBJECT_GET, 404, NULL, SW_REPLY_ABSENT},
        {SW_OBJECT_GET, 404, "NoSuchBucket", SW_REPLY_FAILED},
        {SW_OBJECT_GET, 412, NULL, SW_REPLY_FAILED},
        {SW_OBJECT_GET, 403, "AccessDenied", SW_REPLY_REFUSED},
        {SW_OBJECT_DELETE, 204, NULL, SW_REPLY_DONE},
        {SW_OBJECT_DELETE, 404, "NoSuchKey", SW_REPLY_DONE},
        {SW_OBJECT_DELETE, 404, "NoSuchBucket", SW_REPLY_FAILED},
        {SW_OBJECT_DELETE, 403, "RetentionPolicyNotMet", SW_REPLY_REFUSED},
        {SW_OBJECT_LIST, 404, "NoSuchBucket", SW_REPLY_FAILED},
        {SW_OBJECT_LIST, 404, NULL, SW_REPLY_FAILED},
        {SW_OBJECT_LIST, 200, "not a list", SW_REPLY_FAILED},
        {SW_OBJECT_LIST, 502, NULL, SW_REPLY_AGAIN},
    };
    struct sw_dialect gcs = open_store("gs://bucket", NULL);

    (void)state;
    dialect_check(&gcs, rows, sizeof(rows) / sizeof(rows[0]));
    close_store(&gcs);
}

static void objects_and_keys_are_handed_over(void **state)
{
    struct sw_dialect gcs = open_store("gs://bucket/p", NULL);
    struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = "k"};

    (void)state;
    assert_int_equal(dialect_answer(&gcs, &op, 200, "the object"), SW_REPLY_DONE);
    assert_int_equal(op.size, 10);
    assert_memory_equal(op.data, "the object", 10);
    sw_object_op_fini(&op);
    op = (struct sw_object_op){.verb = SW_OBJECT_LIST, .key = ""};
    assert_int_equal(
        dialect_answer(&gcs, &op, 200,
                       "<ListBucketResult><Contents><Key>p/a</Key></Contents></ListBucketResult>"),
        SW_REPLY_DONE);
    assert_int_equal(op.keys, 1);
    assert_string_equal((char *)op.data, "a");
    sw_object_op_fini(&op);
    assert_int_equal(dialect_answer(&gcs, &op, 200,
                                    "<ListBucketResult><IsTruncated>true</IsTruncated><Contents>"
                                    "<Key>p/\xc3\xa4</Key></Contents></ListBucketResult>"),
                     SW_REPLY_FAILED);
    assert_non_null(strstr(op.err.text, "not Stepwell's"));
    close_store(&gcs);
}

static void an_emulator_on_this_machine_is_asked_without_credentials(void **state)
{
    struct sw_dialect gcs;

    (void)state;
    assert_int_equal(unsetenv("GOOGLE_APPLICATION_CREDENTIALS"), 0);
    assert_int_equal(unsetenv("GCE_METADATA_HOST"), 0);
    gcs = open_store("gs://bucket", "http://127.0.0.1:4443");
    assert_null(gcs.credentials);
    close_store(&gcs);
    assert_int_equal(setenv("GOOGLE_APPLICATION_CREDENTIALS", "/x", 1), 0);
    gcs = open_store("gs://bucket", "http://127.0.0.1:4443");
    assert_non_null(gcs.credentials);
    close_store(&gcs);
    assert_int_equal(unsetenv("GOOGLE_APPLICATION_CREDENTIALS"), 0);
    gcs = open_store("gs://bucket", "https://storage.example.com");
    assert_non_null(gcs.credentials);
    close_store(&gcs);
}

static void wrong_urls_are_refused(void **state)
{
    static const char *const rows[] = {"gs://", "gs:///p", "gs://b/../p", "gs://b%20"};
    struct sw_dialect dialect;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct sw_store_options options = {.url = rows[i], .clock = &sw_clock_system};

        assert_int_equal(sw_gcs_open(&options, NULL, &dialect, NULL), SW_CONFIGURATION);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_those_of_the_xml_api),
        cmocka_unit_test(settings_are_read_from_the_bucket),
        cmocka_unit_test(answers_mean_what_google_says),
        cmocka_unit_test(objects_and_keys_are_handed_over),
        cmocka_unit_test(an_emulator_on_this_machine_is_asked_without_credentials),
        cmocka_unit_test(wrong_urls_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
