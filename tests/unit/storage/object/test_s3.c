/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: requests are those of the S3 API in the style the place asks for, a creation is
 * conditional, and each answer is taken for what S3's documentation says it is. Whether the
 * signatures are right is for test_sigv4.c and the servers of tests/store.
 */
#include "storage/object/object.intern.h"

#include "tests/unit/storage/object/dialect.h"

static struct sw_dialect open_store(struct sw_store_options options)
{
    struct sw_dialect dialect;
    struct sw_err err;

    options.clock = &sw_clock_system;
    if (sw_s3_open(&options, NULL, &dialect, &err) != SW_OK)
        fail_msg("%s", err.text);
    return dialect;
}

static void close_store(struct sw_dialect *dialect)
{
    dialect->free(dialect->self);
    sw_credentials_free(dialect->credentials);
}

static int forget_environment(void **state)
{
    (void)state;
    return unsetenv("AWS_REGION") | unsetenv("AWS_DEFAULT_REGION");
}

static const struct sw_secret secret = {.access_key = "AKID", .secret_key = "S3CRET"};

/* Goal: what the bucket does by itself is asked of the bucket, not of an object of that name. */
static void settings_are_read_from_the_bucket(void **state)
{
    struct sw_dialect s3 = open_store((struct sw_store_options){.url = "s3://bucket/a"});
    struct sw_dialect path = open_store(
        (struct sw_store_options){.url = "s3://bucket/a", .endpoint = "http://localhost:9000"});
    struct sw_object_op op = {.verb = SW_OBJECT_SETTING, .key = "lifecycle"};
    char text[DIALECT_TEXT_SIZE];

    (void)state;
    dialect_prepare(&s3, &op, &secret, text);
    assert_non_null(strstr(text, "GET https://bucket.s3.us-east-1.amazonaws.com/?lifecycle=\n"));
    dialect_prepare(&path, &op, &secret, text);
    assert_non_null(strstr(text, "GET http://localhost:9000/bucket?lifecycle=\n"));
    assert_int_equal(
        dialect_answer(&s3, &op, 404, "<Error><Code>NoSuchLifecycleConfiguration</Code></Error>"),
        SW_REPLY_DONE);
    assert_int_equal(op.keys, 0);
    assert_int_equal(dialect_answer(&s3, &op, 403, "<Error><Code>AccessDenied</Code></Error>"),
                     SW_REPLY_REFUSED);
    assert_int_equal(dialect_answer(&s3, &op, 404, "<Error><Code>NoSuchBucket</Code></Error>"),
                     SW_REPLY_FAILED);
    assert_int_equal(dialect_answer(&s3, &op, 501, "<Error><Code>NotImplemented</Code></Error>"),
                     SW_REPLY_FAILED);
    assert_int_equal(
        dialect_answer(&s3, &op, 200,
                       "<LifecycleConfiguration><Rule><ID>old</ID><Prefix>a/</Prefix><Status>"
                       "Enabled</Status><Expiration><Days>3</Days></Expiration></Rule>"
                       "</LifecycleConfiguration>"),
        SW_REPLY_DONE);
    assert_int_equal(op.keys, 1);
    assert_string_equal(op.data, "a rule \"old\" for \"a/\" deletes objects by their age");
    sw_object_op_fini(&op);
    op.keys = 0;
    op.key = "versioning";
    assert_int_equal(dialect_answer(&s3, &op, 200, "<VersioningConfiguration/>"), SW_REPLY_DONE);
    assert_int_equal(op.keys, 0);
    close_store(&path);
    close_store(&s3);
}

static void requests_are_those_of_s3(void **state)
{
    struct sw_dialect s3 = open_store((struct sw_store_options){
        .url = "s3://bucket/a/b/", .region = "eu-west-1", .sse = "aws:kms", .sse_key = "k/1"});
    struct sw_object_op op = {.verb = SW_OBJECT_CREATE,
                              .key = "log/1",
                              .body = sw_span_of_text("body"),
                              .after = "log/0",
                              .keys_max = 7};
    char token[] = "T0KEN";
    const struct sw_secret session = {.access_key = "AKID", .secret_key = "S3CRET", .token = token};
    char text[DIALECT_TEXT_SIZE];

    (void)state;
    dialect_prepare(&s3, &op, &session, text);
    assert_non_null(strstr(text, "PUT https://bucket.s3.eu-west-1.amazonaws.com/a/b/log/1\n"
                                 "If-None-Match: *\n"
                                 "Content-Type: application/octet-stream\n"
                                 "x-amz-server-side-encryption: aws:kms\n"
                                 "x-amz-server-side-encryption-aws-kms-key-id: k/1\n"
                                 "x-amz-date: 20261124T225000Z\n"
                                 "x-amz-content-sha256: "));
    assert_non_null(strstr(text, "x-amz-security-token: T0KEN\n"));
    assert_non_null(strstr(text, "Credential=AKID/20261124/eu-west-1/s3/aws4_request, "
                                 "SignedHeaders=content-type;host;if-none-match;"
                                 "x-amz-content-sha256;x-amz-date;x-amz-security-token;"
                                 "x-amz-server-side-encryption;"
                                 "x-amz-server-side-encryption-aws-kms-key-id, "));
    assert_null(strstr(text, "S3CRET"));
    op.verb = SW_OBJECT_GET;
    dialect_prepare(&s3, &op, &secret, text);
    assert_non_null(strstr(text, "GET https://bucket.s3.eu-west-1.amazonaws.com/a/b/log/1\n"
                                 "x-amz-date: "));
    assert_null(strstr(text, "security-token"));
    op.verb = SW_OBJECT_DELETE;
    dialect_prepare(&s3, &op, &secret, text);
    assert_non_null(strstr(text, "DELETE https://bucket.s3.eu-west-1.amazonaws.com/a/b/log/1\n"));
    op.verb = SW_OBJECT_LIST;
    op.key = "log/";
    dialect_prepare(&s3, &op, &secret, text);
    assert_non_null(strstr(text, "GET https://bucket.s3.eu-west-1.amazonaws.com/?list-type=2&"
                                 "max-keys=7&prefix=a%2Fb%2Flog%2F&start-after=a%2Fb%2Flog%2F0\n"));
    close_store(&s3);
}

static void the_bucket_stands_where_the_place_has_it(void **state)
{
    static const struct {
        struct sw_store_options options;
        const char *url;
    } rows[] = {
        {{.url = "s3://bucket"}, "https://bucket.s3.us-east-1.amazonaws.com/k\n"},
        {{.url = "s3://bucket", .path_style = true},
         "https://s3.us-east-1.amazonaws.com/bucket/k\n"},
        {{.url = "s3://my.bucket/"}, "https://s3.us-east-1.amazonaws.com/my.bucket/k\n"},
        {{.url = "s3://bucket", .region = "cn-north-1"},
         "https://bucket.s3.cn-north-1.amazonaws.com.cn/k\n"},
        {{.url = "s3://bucket", .endpoint = "http://127.0.0.1:9000/"},
         "http://127.0.0.1:9000/bucket/k\n"},
        {{.url = "s3://bucket/p", .endpoint = "https://x.r2.example"},
         "https://x.r2.example/bucket/p/k\n"},
        {{.url = "s3://bucket/p", .endpoint = "https://bucket.oss.example"},
         "https://bucket.oss.example/p/k\n"},
        {{.url = "s3://bucket/p", .endpoint = ""},
         "https://bucket.s3.us-east-1.amazonaws.com/p/k\n"},
    };
    const struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = "k"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sw_dialect s3 = open_store(rows[i].options);
        char text[DIALECT_TEXT_SIZE];

        dialect_prepare(&s3, &op, &secret, text);
        if (strncmp(text + 4, rows[i].url, strlen(rows[i].url)) != 0)
            fail_msg("%s instead of %s", text, rows[i].url);
        close_store(&s3);
    }
}

static void the_region_is_asked_for_in_order(void **state)
{
    const struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = "k"};
    char text[DIALECT_TEXT_SIZE];
    struct sw_dialect s3;

    (void)state;
    assert_int_equal(setenv("AWS_DEFAULT_REGION", "eu-north-1", 1), 0);
    s3 = open_store((struct sw_store_options){.url = "s3://bucket"});
    dialect_prepare(&s3, &op, &secret, text);
    assert_non_null(strstr(text, "bucket.s3.eu-north-1.amazonaws.com/k\n"));
    close_store(&s3);
    assert_int_equal(setenv("AWS_REGION", "eu-south-2", 1), 0);
    s3 = open_store((struct sw_store_options){.url = "s3://bucket", .region = ""});
    dialect_prepare(&s3, &op, &secret, text);
    assert_non_null(strstr(text, "/eu-south-2/s3/aws4_request"));
    close_store(&s3);
    assert_int_equal(forget_environment(NULL), 0);
}

static void answers_mean_what_s3_says(void **state)
{
    static const struct dialect_row rows[] = {
        {SW_OBJECT_CREATE, 200, NULL, SW_REPLY_DONE},
        {SW_OBJECT_CREATE, 412, "PreconditionFailed", SW_REPLY_EXISTS},
        {SW_OBJECT_CREATE, 412, NULL, SW_REPLY_EXISTS},
        {SW_OBJECT_CREATE, 409, "ConditionalRequestConflict", SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 409, "OperationAborted", SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 404, "NoSuchBucket", SW_REPLY_FAILED},
        {SW_OBJECT_CREATE, 404, NULL, SW_REPLY_FAILED},
        {SW_OBJECT_CREATE, 501, "NotImplemented", SW_REPLY_FAILED},
        {SW_OBJECT_CREATE, 400, "RequestTimeout", SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 400, "BadDigest", SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 400, "ExpiredToken", SW_REPLY_REFUSED},
        {SW_OBJECT_CREATE, 400, "EntityTooLarge", SW_REPLY_FAILED},
        {SW_OBJECT_CREATE, 401, NULL, SW_REPLY_REFUSED},
        {SW_OBJECT_CREATE, 403, "AccessDenied", SW_REPLY_REFUSED},
        {SW_OBJECT_CREATE, 403, "SignatureDoesNotMatch", SW_REPLY_REFUSED},
        {SW_OBJECT_CREATE, 403, "RequestTimeTooSkewed", SW_REPLY_SKEWED},
        {SW_OBJECT_CREATE, 408, NULL, SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 429, NULL, SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 500, "InternalError", SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 503, "SlowDown", SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 204, NULL, SW_REPLY_FAILED},
        {SW_OBJECT_CREATE, 307, "TemporaryRedirect", SW_REPLY_FAILED},
        {SW_OBJECT_GET, 200, "x", SW_REPLY_DONE},
        {SW_OBJECT_GET, 206, "x", SW_REPLY_FAILED},
        {SW_OBJECT_GET, 404, "NoSuchKey", SW_REPLY_ABSENT},
        {SW_OBJECT_GET, 404, NULL, SW_REPLY_ABSENT},
        {SW_OBJECT_GET, 404, "NoSuchBucket", SW_REPLY_FAILED},
        {SW_OBJECT_GET, 412, NULL, SW_REPLY_FAILED},
        {SW_OBJECT_GET, 403, "AccessDenied", SW_REPLY_REFUSED},
        {SW_OBJECT_GET, 501, "NotImplemented", SW_REPLY_FAILED},
        {SW_OBJECT_DELETE, 204, NULL, SW_REPLY_DONE},
        {SW_OBJECT_DELETE, 200, NULL, SW_REPLY_DONE},
        {SW_OBJECT_DELETE, 404, "NoSuchKey", SW_REPLY_DONE},
        {SW_OBJECT_DELETE, 404, "NoSuchBucket", SW_REPLY_FAILED},
        {SW_OBJECT_DELETE, 403, "AccessDenied", SW_REPLY_REFUSED},
        {SW_OBJECT_LIST, 404, "NoSuchBucket", SW_REPLY_FAILED},
        {SW_OBJECT_LIST, 404, NULL, SW_REPLY_FAILED},
        {SW_OBJECT_LIST, 200, "not a list", SW_REPLY_FAILED},
        {SW_OBJECT_LIST, 502, NULL, SW_REPLY_AGAIN},
    };
    struct sw_dialect s3 = open_store((struct sw_store_options){.url = "s3://bucket"});

    (void)state;
    dialect_check(&s3, rows, sizeof(rows) / sizeof(rows[0]));
    close_store(&s3);
}

static void a_store_without_conditions_is_named(void **state)
{
    static const char *const codes[] = {"NotImplemented", "InvalidArgument", "UnsupportedHeader"};
    struct sw_dialect s3 = open_store((struct sw_store_options){.url = "s3://bucket"});

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct sw_object_op op = {.verb = SW_OBJECT_CREATE, .key = "k"};
        char body[128];

        (void)snprintf(body, sizeof(body), "<Error><Code>%s</Code></Error>", codes[i]);
        assert_int_equal(dialect_answer(&s3, &op, i == 0 ? 501 : 400, body), SW_REPLY_FAILED);
        assert_int_equal(op.err.code, SW_STORE_UNSAFE);
    }
    close_store(&s3);
}

static void another_region_is_learnt_and_no_host(void **state)
{
    struct sw_dialect s3 = open_store((struct sw_store_options){.url = "s3://bucket"});
    struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = "k"};
    char text[DIALECT_TEXT_SIZE];

    (void)state;
    assert_int_equal(dialect_answer(&s3, &op, 400,
                                    "<Error><Code>AuthorizationHeaderMalformed</Code>"
                                    "<Region>eu-west-3</Region></Error>"),
                     SW_REPLY_AGAIN);
    dialect_prepare(&s3, &op, &secret, text);
    assert_non_null(strstr(text, "GET https://bucket.s3.eu-west-3.amazonaws.com/k\n"));
    /* The same again, or nothing that is a region: an end, not a loop. */
    assert_int_equal(dialect_answer(&s3, &op, 301, "<Error><Region>eu-west-3</Region></Error>"),
                     SW_REPLY_FAILED);
    assert_int_equal(dialect_answer(&s3, &op, 301, "<Error><Region>a.evil/</Region></Error>"),
                     SW_REPLY_FAILED);
    dialect_prepare(&s3, &op, &secret, text);
    assert_non_null(strstr(text, "GET https://bucket.s3.eu-west-3.amazonaws.com/k\n"));
    close_store(&s3);
}

static void objects_and_keys_are_handed_over(void **state)
{
    struct sw_dialect s3 = open_store((struct sw_store_options){.url = "s3://bucket/p"});
    struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = "k"};

    (void)state;
    assert_int_equal(dialect_answer(&s3, &op, 200, "the object"), SW_REPLY_DONE);
    assert_int_equal(op.size, 10);
    assert_memory_equal(op.data, "the object", 10);
    sw_object_op_fini(&op);
    op = (struct sw_object_op){.verb = SW_OBJECT_LIST, .key = ""};
    assert_int_equal(
        dialect_answer(&s3, &op, 200,
                       "<ListBucketResult><Contents><Key>p/a</Key></Contents></ListBucketResult>"),
        SW_REPLY_DONE);
    assert_string_equal((char *)op.data, "a");
    sw_object_op_fini(&op);
    assert_int_equal(dialect_answer(&s3, &op, 200,
                                    "<ListBucketResult><IsTruncated>true</IsTruncated><Contents>"
                                    "<Key>p/\xc3\xa4</Key></Contents></ListBucketResult>"),
                     SW_REPLY_FAILED);
    assert_non_null(strstr(op.err.text, "not Stepwell's"));
    close_store(&s3);
}

static void what_is_wrong_is_refused_when_it_is_opened(void **state)
{
    static const struct sw_store_options rows[] = {
        {.url = "s3://"},
        {.url = "s3://ab"},
        {.url = "s3:///prefix"},
        {.url = "s3://Bucket"},
        {.url = "s3://b:80/x"},
        {.url = "s3://buckets-with-a-name-that-is-longer-than-sixty-three-letters-00000"},
        {.url = "s3://bucket", .region = "eu west"},
        {.url = "s3://bucket", .region = "evil.example/"},
        {.url = "s3://bucket", .endpoint = "127.0.0.1:9000"},
        {.url = "s3://bucket", .endpoint = "ftp://host"},
        {.url = "s3://bucket", .endpoint = "http://"},
        {.url = "s3://bucket", .endpoint = "http://user:secret@host"},
        {.url = "s3://bucket", .endpoint = "http://host/base"},
        {.url = "s3://bucket", .sse = "aws:kms\r\nEvil: yes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sw_store_options options = rows[i];
        struct sw_dialect dialect;
        struct sw_err err = {0};

        options.clock = &sw_clock_system;
        assert_int_equal(sw_s3_open(&options, NULL, &dialect, &err), SW_CONFIGURATION);
        assert_null(strstr(err.text, "secret"));
    }
}

static void a_prefix_too_long_is_said(void **state)
{
    char url[SW_STORE_URL_MAX] = "s3://bucket/";
    struct sw_http_request request = {0};
    struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = "k"};
    struct sw_dialect s3;
    struct sw_err err;

    (void)state;
    memset(url + strlen(url), '+', sizeof(url) - 1 - strlen(url));
    s3 = open_store((struct sw_store_options){.url = url});
    assert_int_equal(s3.prepare(s3.self, &op, &secret, 0, &request, &err), SW_CONFIGURATION);
    op.verb = SW_OBJECT_LIST;
    assert_int_equal(s3.prepare(s3.self, &op, &secret, 0, &request, &err), SW_CONFIGURATION);
    sw_http_request_fini(&request);
    close_store(&s3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_those_of_s3),
        cmocka_unit_test(settings_are_read_from_the_bucket),
        cmocka_unit_test(the_bucket_stands_where_the_place_has_it),
        cmocka_unit_test(the_region_is_asked_for_in_order),
        cmocka_unit_test(answers_mean_what_s3_says),
        cmocka_unit_test(a_store_without_conditions_is_named),
        cmocka_unit_test(another_region_is_learnt_and_no_host),
        cmocka_unit_test(objects_and_keys_are_handed_over),
        cmocka_unit_test(what_is_wrong_is_refused_when_it_is_opened),
        cmocka_unit_test(a_prefix_too_long_is_said),
    };

    return cmocka_run_group_tests(tests, forget_environment, NULL);
}
