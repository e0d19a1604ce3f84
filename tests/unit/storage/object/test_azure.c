/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: requests are those of the Blob service, signed or authorised in each of its ways; each
 * answer is taken for what the documentation says it is; a list goes on where it ended.
 * Signatures: by Python's hmac over the documented string to sign; Azurite checks others.
 */
#include "storage/object/object.intern.h"

#include "tests/unit/storage/object/dialect.h"

#define EMULATOR_KEY                                                                               \
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
#define DATED                                                                                      \
    "x-ms-date: Tue, 24 Nov 2026 22:50:00 GMT\n"                                                   \
    "x-ms-version: 2021-12-02\n"
#define HOST "https://acc.blob.core.windows.net/steps"

static struct sw_dialect open_store(const char *url, const char *endpoint)
{
    const struct sw_store_options options = {
        .url = url, .endpoint = endpoint, .clock = &sw_clock_system};
    struct sw_dialect dialect;
    struct sw_err err;

    assert_int_equal(unsetenv("AZURE_STORAGE_SAS_TOKEN"), 0);
    assert_int_equal(unsetenv("AZURE_STORAGE_KEY"), 0);
    if (sw_azure_open(&options, NULL, &dialect, &err) != SW_OK)
        fail_msg("%s", err.text);
    return dialect;
}

static void close_store(struct sw_dialect *dialect)
{
    dialect->free(dialect->self);
    sw_credentials_free(dialect->credentials);
}

static void requests_are_those_of_the_blob_service(void **state)
{
    struct sw_dialect azure = open_store("az://acc/steps/a", NULL);
    char token[] = "T0K3N";
    const struct sw_secret secret = {.token = token};
    struct sw_object_op op = {
        .verb = SW_OBJECT_CREATE, .key = "log/1", .body = sw_span_of_text("body"), .keys_max = 7};
    char text[DIALECT_TEXT_SIZE];

    (void)state;
    assert_non_null(azure.credentials);
    dialect_prepare(&azure, &op, &secret, text);
    assert_string_equal(text, "PUT " HOST "/a/log/1\n"
                              "Content-Type: application/octet-stream\n"
                              "If-None-Match: *\n"
                              "x-ms-blob-type: BlockBlob\n" DATED "Authorization: Bearer T0K3N\n");
    op.verb = SW_OBJECT_GET;
    dialect_prepare(&azure, &op, &secret, text);
    assert_string_equal(text, "GET " HOST "/a/log/1\n" DATED "Authorization: Bearer T0K3N\n");
    op.verb = SW_OBJECT_DELETE;
    dialect_prepare(&azure, &op, &secret, text);
    assert_string_equal(text, "DELETE " HOST "/a/log/1\n"
                              "x-ms-date: Tue, 24 Nov 2026 22:50:00 GMT\n"
                              "x-ms-delete-snapshots: include\n"
                              "x-ms-version: 2021-12-02\nAuthorization: Bearer T0K3N\n");
    op.verb = SW_OBJECT_LIST;
    op.key = "log/";
    dialect_prepare(&azure, &op, &secret, text);
    assert_string_equal(text, "GET " HOST "?comp=list&maxresults=7&prefix=a%2Flog%2F&"
                              "restype=container\n" DATED "Authorization: Bearer T0K3N\n");
    close_store(&azure);
}

static void a_key_signs(void **state)
{
    struct sw_dialect azure = open_store("az://acc/steps/a", NULL);
    struct sw_secret secret = {.access_key = SW_AZURE_KEY, .secret_key = EMULATOR_KEY};
    struct sw_object_op op = {
        .verb = SW_OBJECT_CREATE, .key = "log/1", .body = sw_span_of_text("body")};
    struct sw_http_request request = {.method = NULL};
    char text[DIALECT_TEXT_SIZE];
    struct sw_err err;

    (void)state;
    dialect_prepare(&azure, &op, &secret, text);
    assert_non_null(strstr(text, "\nAuthorization: SharedKey "
                                 "acc:i354BZbiab6Qxiu7vEB9wan/CVSp64bHRL4jpHmaGrs=\n"));
    op = (struct sw_object_op){.verb = SW_OBJECT_LIST, .key = "log/"};
    dialect_prepare(&azure, &op, &secret, text);
    assert_non_null(strstr(text, "\nAuthorization: SharedKey "
                                 "acc:JQW18hBWAqO6qHmFnUANFOv1Y1/sATy2BUOtMNXEW2o=\n"));
    memcpy(secret.secret_key, "HUSH!", 6);
    assert_int_equal(azure.prepare(azure.self, &op, &secret, 0, &request, &err), SW_CONFIGURATION);
    assert_string_equal(err.text, "the storage account's key is not base64");
    sw_http_request_fini(&request);
    close_store(&azure);
}

static void a_sas_stands_in_the_url(void **state)
{
    struct sw_dialect azure = open_store("az://acc/steps", NULL);
    char token[] = "sv=1&sig=x%2F";
    const struct sw_secret secret = {.access_key = SW_AZURE_SAS, .token = token};
    struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = "k"};
    char text[DIALECT_TEXT_SIZE];

    (void)state;
    dialect_prepare(&azure, &op, &secret, text);
    assert_string_equal(text, "GET " HOST "/k?sv=1&sig=x%2F\n" DATED);
    op = (struct sw_object_op){.verb = SW_OBJECT_LIST, .key = ""};
    dialect_prepare(&azure, &op, &secret, text);
    assert_string_equal(text, "GET " HOST
                              "?comp=list&maxresults=1000&restype=container&sv=1&sig=x%2F\n" DATED);
    close_store(&azure);
}

static void endpoints_have_the_account_in_host_or_path(void **state)
{
    static const char *const rows[][3] = {
        {"az://acc/steps", "https://acc.blob.example.com",
         "GET https://acc.blob.example.com/steps/k\n"},
        {"az://acc/steps", "https://blob.example.com/",
         "GET https://blob.example.com/acc/steps/k\n"},
        {"az://acc/steps", "https://account.example.com",
         "GET https://account.example.com/acc/steps/k\n"},
        {"az://devstoreaccount1/steps", "http://127.0.0.1:10000",
         "GET http://127.0.0.1:10000/devstoreaccount1/steps/k\n"},
    };
    char token[] = "t";
    const struct sw_secret secret = {.token = token};
    struct sw_object_op op = {.verb = SW_OBJECT_GET, .key = "k"};
    char text[DIALECT_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sw_dialect azure = open_store(rows[i][0], rows[i][1]);

        dialect_prepare(&azure, &op, &secret, text);
        assert_true(strncmp(text, rows[i][2], strlen(rows[i][2])) == 0);
        /* The emulator's own account on this machine needs no credentials. */
        assert_int_equal(azure.credentials == NULL, i == 3);
        close_store(&azure);
    }
}

static void answers_mean_what_microsoft_says(void **state)
{
    static const struct dialect_row rows[] = {
        {SW_OBJECT_CREATE, 201, NULL, SW_REPLY_DONE},
        {SW_OBJECT_CREATE, 409, "BlobAlreadyExists", SW_REPLY_EXISTS},
        {SW_OBJECT_CREATE, 412, "ConditionNotMet", SW_REPLY_EXISTS},
        {SW_OBJECT_CREATE, 403, "UnauthorizedBlobOverwrite", SW_REPLY_EXISTS},
        {SW_OBJECT_CREATE, 409, "BlobImmutableDueToPolicy", SW_REPLY_EXISTS},
        {SW_OBJECT_CREATE, 409, "ContainerBeingDeleted", SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 409, NULL, SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 404, "ContainerNotFound", SW_REPLY_FAILED},
        {SW_OBJECT_CREATE, 400, "InvalidHeaderValue", SW_REPLY_FAILED},
        {SW_OBJECT_CREATE, 401, "InvalidAuthenticationInfo", SW_REPLY_REFUSED},
        {SW_OBJECT_CREATE, 403, "AuthenticationFailed", SW_REPLY_REFUSED},
        {SW_OBJECT_CREATE, 503, "ServerBusy", SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 500, "OperationTimedOut", SW_REPLY_AGAIN},
        {SW_OBJECT_CREATE, 200, NULL, SW_REPLY_FAILED},
        {SW_OBJECT_GET, 200, "x", SW_REPLY_DONE},
        {SW_OBJECT_GET, 404, "BlobNotFound", SW_REPLY_ABSENT},
        {SW_OBJECT_GET, 404, NULL, SW_REPLY_ABSENT},
        {SW_OBJECT_GET, 404, "ContainerNotFound", SW_REPLY_FAILED},
        {SW_OBJECT_GET, 404, "ResourceNotFound", SW_REPLY_FAILED},
        {SW_OBJECT_GET, 409, "ContainerBeingDeleted", SW_REPLY_AGAIN},
        {SW_OBJECT_GET, 409, "BlobArchived", SW_REPLY_FAILED},
        {SW_OBJECT_GET, 403, "UnauthorizedBlobOverwrite", SW_REPLY_REFUSED},
        {SW_OBJECT_DELETE, 202, NULL, SW_REPLY_DONE},
        {SW_OBJECT_DELETE, 404, "BlobNotFound", SW_REPLY_DONE},
        {SW_OBJECT_DELETE, 404, "ContainerNotFound", SW_REPLY_FAILED},
        {SW_OBJECT_DELETE, 409, "BlobImmutableDueToPolicy", SW_REPLY_FAILED},
        {SW_OBJECT_LIST, 200, "not a list", SW_REPLY_FAILED},
        {SW_OBJECT_LIST, 404, NULL, SW_REPLY_FAILED},
        {SW_OBJECT_LIST, 403, "AuthorizationPermissionMismatch", SW_REPLY_REFUSED},
    };
    struct sw_dialect azure = open_store("az://acc/steps", NULL);

    (void)state;
    dialect_check(&azure, rows, sizeof(rows) / sizeof(rows[0]));
    close_store(&azure);
}

#define PAGE(blobs, marker)                                                                        \
    "<EnumerationResults><Blobs>" blobs "</Blobs><NextMarker>" marker                              \
    "</NextMarker></EnumerationResults>"
#define BLOB(name) "<Blob><Name>" name "</Name></Blob>"

static void a_list_goes_on_where_it_ended(void **state)
{
    struct sw_dialect azure = open_store("az://acc/steps", NULL);
    char token[] = "t";
    const struct sw_secret secret = {.token = token};
    struct sw_object_op op = {.verb = SW_OBJECT_LIST, .key = "l/"};
    char text[DIALECT_TEXT_SIZE];

    (void)state;
    assert_int_equal(dialect_answer(&azure, &op, 200, PAGE(BLOB("l/1") BLOB("l/2"), "m/1")),
                     SW_REPLY_DONE);
    assert_true(op.more);
    sw_object_op_fini(&op);
    op.keys = 0;
    op.after = "l/2";
    dialect_prepare(&azure, &op, &secret, text);
    assert_non_null(strstr(text, "?comp=list&marker=m%2F1&maxresults=1000&prefix=l%2F&"));
    op.after = "l/1"; /* not where it ended: from the front, in large pages */
    dialect_prepare(&azure, &op, &secret, text);
    assert_non_null(strstr(text, "?comp=list&maxresults=5000&prefix=l%2F&"));
    op.after = "l/3";
    assert_int_equal(dialect_answer(&azure, &op, 200, PAGE(BLOB("l/1") BLOB("l/2"), "m/2")),
                     SW_REPLY_NEXT); /* nothing behind l/3 so far */
    dialect_prepare(&azure, &op, &secret, text);
    assert_non_null(strstr(text, "&marker=m%2F2&"));
    assert_int_equal(dialect_answer(&azure, &op, 200, PAGE(BLOB("l/4"), "")), SW_REPLY_DONE);
    assert_int_equal(op.keys, 1);
    assert_false(op.more);
    sw_object_op_fini(&op);
    dialect_prepare(&azure, &op, &secret, text);
    assert_null(strstr(text, "marker"));
    close_store(&azure);
}

static void wrong_urls_are_refused(void **state)
{
    static const char *const rows[] = {"az://", "az://acc", "az://acc/", "az://acc/c/../p"};
    struct sw_dialect dialect;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct sw_store_options options = {.url = rows[i], .clock = &sw_clock_system};

        assert_int_equal(sw_azure_open(&options, NULL, &dialect, NULL), SW_CONFIGURATION);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_those_of_the_blob_service),
        cmocka_unit_test(a_key_signs),
        cmocka_unit_test(a_sas_stands_in_the_url),
        cmocka_unit_test(endpoints_have_the_account_in_host_or_path),
        cmocka_unit_test(answers_mean_what_microsoft_says),
        cmocka_unit_test(a_list_goes_on_where_it_ended),
        cmocka_unit_test(wrong_urls_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
