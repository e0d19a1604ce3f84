/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: Google's credentials come from a service account's file, from a federated token or from
 * the metadata server; a wrong file is refused by name, and no secret with it.
 * Method: the real chain and a loopback server that plays the services.
 */
#include "tests/unit/storage/object/identity.h"

#include "storage/base/sign.h"

#define TOKEN_REPLY(token)                                                                         \
    "{\"access_token\":\"" token "\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"

static struct identity *server;
static struct sw_http *http;
static char folder[] = "/tmp/sw-credentials-google-XXXXXX";

static struct sw_credentials *chain(void)
{
    struct sw_credentials_options options = {.http = http, .clock = &identity_clock};
    struct sw_credentials *credentials = NULL;

    assert_int_equal(sw_credentials_google(&options, &credentials, NULL), SW_OK);
    return credentials;
}

static void expect_failure(enum sw_code code, const char *text)
{
    struct sw_credentials *credentials = chain();
    const struct sw_secret *secret;
    struct sw_err err;

    assert_int_equal(identity_get(credentials, false, &secret, &err), code);
    if (strstr(err.text, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
    sw_credentials_free(credentials);
}

static void expect(const char *source, const char *token, uint64_t life_ms)
{
    struct sw_credentials *credentials = chain();
    const struct sw_secret *secret;
    struct sw_err err;

    if (identity_get(credentials, false, &secret, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_string_equal(sw_credentials_source(credentials), source);
    assert_string_equal(secret->token, token);
    assert_in_range(secret->expires_ms, sw_clock_now_ms(&identity_clock) + life_ms - 5000,
                    sw_clock_now_ms(&identity_clock) + life_ms);
    sw_credentials_free(credentials);
}

static int forget_environment(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("GOOGLE_APPLICATION_CREDENTIALS"), 0);
    identity_setenv(server, "GCE_METADATA_HOST", "", "");
    identity_set(server, NULL, 0);
    return 0;
}

static void use_file(const char *json)
{
    char path[256];

    identity_write_file(folder, "account.json", json);
    (void)snprintf(path, sizeof(path), "%s/account.json", folder);
    assert_int_equal(setenv("GOOGLE_APPLICATION_CREDENTIALS", path, 1), 0);
}

/* The PEM of tests/vectors, or that as it stands in a JSON text. */
static void read_key(bool as_json, char *ret, size_t size)
{
    char path[512];
    size_t used = 0;
    FILE *file;
    int byte;

    (void)snprintf(path, sizeof(path), "%s/vectors/sign/rsa-pkcs8.pem", getenv("SW_TEST_ROOT"));
    file = fopen(path, "r");
    assert_non_null(file);
    while ((byte = fgetc(file)) != EOF) {
        assert_true(used + 3 < size);
        if (as_json && byte == '\n') {
            ret[used++] = '\\';
            byte = 'n';
        }
        ret[used++] = (char)byte;
    }
    ret[used] = '\0';
    (void)fclose(file);
}

static void use_service_account(const char *scheme)
{
    char json[4096];
    char key[3000];

    read_key(true, key, sizeof(key));
    (void)snprintf(
        json, sizeof(json),
        "{\"type\":\"service_account\",\"private_key_id\":\"kid1\",\"private_key\":\"%s\","
        "\"client_email\":\"a@p.iam.gserviceaccount.com\","
        "\"token_uri\":\"%s127.0.0.1:%u/token\"}",
        key, scheme, server->port);
    use_file(json);
}

static void a_service_account_signs_for_its_token(void **state)
{
    const struct identity_rule rule = {
        .start = "POST /token ",
        .needs =
            "\r\n\r\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&"
            "assertion=eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImtpZDEifQ."
            "eyJpc3MiOiJhQHAuaWFtLmdzZXJ2aWNlYWNjb3VudC5jb20iLCJzY29wZSI6Imh0dHBzOi8vd3d3Lmdvb"
            "2dsZWFwaXMuY29tL2F1dGgvZGV2c3RvcmFnZS5yZWFkX3dyaXRlIiwiYXVkIjoiaHR0cDovLzEyNy4wLjAu",
        .status = 200,
        .body = TOKEN_REPLY("HUSH-token")};

    (void)state;
    identity_set(server, &rule, 1);
    use_service_account("http://");
    expect("GOOGLE_APPLICATION_CREDENTIALS", "HUSH-token", 3599 * 1000);
}

/* What the claim says decodes to JSON, and the signature is that of the key over it. */
static void the_claim_is_signed_by_the_key(void **state)
{
    const struct identity_rule rule = {
        .start = "POST /token ", .status = 200, .body = TOKEN_REPLY("HUSH-token")};
    char expected[SW_BASE64_ROOM(SW_RS256_SIZE_MAX)];
    uint8_t signature[SW_RS256_SIZE_MAX];
    struct sw_err err;
    char key[3000];
    size_t size;
    char *request;
    char *claim;
    char *dot;

    (void)state;
    identity_set(server, &rule, 1);
    use_service_account("http://");
    expect("GOOGLE_APPLICATION_CREDENTIALS", "HUSH-token", 3599 * 1000);
    read_key(false, key, sizeof(key));
    request = identity_request(server);
    claim = strstr(request, "assertion=") + strlen("assertion=");
    dot = strrchr(claim, '.');
    assert_int_equal(sw_sign_rs256(sw_span_of_text(key), sw_span_of(claim, (size_t)(dot - claim)),
                                   signature, &size, &err),
                     SW_OK);
    sw_base64_encode(SW_BASE64_URL, sw_span_of(signature, size), expected);
    assert_string_equal(dot + 1, expected);
    free(request);
}

static void what_google_says_is_told_by_its_code(void **state)
{
    static const struct {
        unsigned status;
        const char *body;
        enum sw_code code;
        const char *text;
    } rows[] = {
        {400, "{\"error\":\"invalid_grant\",\"error_description\":\"HUSH\"}", SW_STORE_REFUSED,
         "Google (service account) answers 400 invalid_grant"},
        {503, "", SW_STORE_UNAVAILABLE, "answers 503"},
        {429, "{}", SW_STORE_UNAVAILABLE, "answers 429"},
        {200, "{}", SW_STORE_REFUSED, "something else than a token"},
        {200, "{\"access_token\":\"HUSH\"}", SW_STORE_REFUSED, "something else than a token"},
        {200, "{\"access_token\":\"HUSH\",\"expires_in\":-5}", SW_STORE_REFUSED, "something else"},
    };

    (void)state;
    use_service_account("http://");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct identity_rule rule = {
            .start = "POST ", .status = rows[i].status, .body = rows[i].body};

        identity_set(server, &rule, 1);
        expect_failure(rows[i].code, rows[i].text);
    }
}

static void a_wrong_file_is_refused_by_name(void **state)
{
    static const struct {
        const char *json;
        const char *text;
    } rows[] = {
        {"HUSH", "is not a JSON object"},
        {"{\"type\":\"authorized_user\"}", "neither service_account nor external_account"},
        {"{\"type\":\"service_account\",\"private_key\":\"HUSH\"}", "without client_email"},
        {"{\"type\":\"service_account\",\"private_key\":\"HUSH\",\"client_email\":\"a\","
         "\"token_uri\":\"https://127.0.0.1/\"}",
         "private_key: not a private RSA key"},
        {"{\"type\":\"service_account\",\"private_key\":\"HUSH\",\"client_email\":\"a\\\"\","
         "\"token_uri\":\"https://127.0.0.1/\"}",
         "letters that it cannot have"},
        {"{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"t\","
         "\"token_url\":\"https://127.0.0.1\",\"credential_source\":{\"url\":\"http://x\"}}",
         "credential_source.file"},
        {"{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"t\","
         "\"token_url\":\"u\",\"credential_source\":{\"file\":\"f\",\"format\":{\"type\":\"json\"}}"
         "}",
         "subject_token_field_name"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        use_file(rows[i].json);
        expect_failure(SW_CONFIGURATION, rows[i].text);
    }
    assert_int_equal(setenv("GOOGLE_APPLICATION_CREDENTIALS", "/abs/a.json", 1), 0);
    expect_failure(SW_CONFIGURATION, "GOOGLE_APPLICATION_CREDENTIALS: /abs/a.json: No such");
}

static void use_external_account(const char *token_text, const char *format,
                                 const char *impersonate)
{
    char json[2048];

    identity_write_file(folder, "subject", token_text);
    (void)snprintf(json, sizeof(json),
                   "{\"type\":\"external_account\",\"audience\":\"//iam/pool\","
                   "\"subject_token_type\":\"urn:ietf:params:oauth:token-type:jwt\","
                   "\"token_url\":\"http://127.0.0.1:%u/sts\",%s"
                   "\"credential_source\":{\"file\":\"%s/subject\"%s}}",
                   server->port, impersonate, folder, format);
    use_file(json);
}

static void a_federated_token_is_exchanged(void **state)
{
    const struct identity_rule rules[] = {
        {.start = "POST /sts ",
         .needs = "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&"
                  "subject_token=HUSH-subject",
         .status = 200,
         .body = TOKEN_REPLY("HUSH-federated")},
        {.start = "POST /impersonate ",
         .needs = "\r\nAuthorization: Bearer HUSH-federated\r\n",
         .status = 200,
         .body = "{\"accessToken\":\"HUSH-account\",\"expireTime\":\"2001-01-01T00:00:00Z\"}"},
    };
    struct sw_credentials *credentials;
    const struct sw_secret *secret;
    struct sw_err err;
    char url[128];

    (void)state;
    identity_set(server, rules, 2);
    use_external_account("HUSH-subject\n", "", "");
    expect("GOOGLE_APPLICATION_CREDENTIALS", "HUSH-federated", 3599 * 1000);
    use_external_account("{\"t\":\"HUSH-subject\"}",
                         ",\"format\":{\"type\":\"json\",\"subject_token_field_name\":\"t\"}", "");
    expect("GOOGLE_APPLICATION_CREDENTIALS", "HUSH-federated", 3599 * 1000);
    use_external_account("{\"u\":\"HUSH-subject\"}",
                         ",\"format\":{\"type\":\"json\",\"subject_token_field_name\":\"t\"}", "");
    expect_failure(SW_CONFIGURATION, "no token in its field t");
    (void)snprintf(url, sizeof(url),
                   "\"service_account_impersonation_url\":\"http://127.0.0.1:%u/impersonate\",",
                   server->port);
    use_external_account("HUSH-subject", "", url);
    credentials = chain();
    assert_int_equal(identity_get(credentials, false, &secret, &err), SW_OK);
    assert_string_equal(secret->token, "HUSH-account");
    assert_int_equal(secret->expires_ms, UINT64_C(978307200000));
    sw_credentials_free(credentials);
}

static void the_metadata_server_is_asked_without_a_file(void **state)
{
    const struct identity_rule rule = {
        .start = "GET "
                 "/computeMetadata/v1/instance/service-accounts/default/token ",
        .needs = "\r\nMetadata-Flavor: Google\r\n",
        .status = 200,
        .body = TOKEN_REPLY("HUSH-metadata")};

    (void)state;
    identity_set(server, &rule, 1);
    expect("metadata server", "HUSH-metadata", 3599 * 1000);
    identity_set(server, NULL, 0);
    expect_failure(SW_STORE_REFUSED, "Google metadata server answers 404");
    assert_int_equal(setenv("GCE_METADATA_HOST", "127.0.0.1:1", 1), 0);
    expect_failure(SW_STORE_UNAVAILABLE, "Google metadata server: 127.0.0.1:1: ");
    assert_int_equal(setenv("GCE_METADATA_HOST", "192.0.2.1", 1), 0);
    expect_failure(SW_CONFIGURATION, "only https://");
}

static int start(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    server = identity_start();
    return sw_http_new(NULL, &identity_clock, &http, NULL) == SW_OK ? 0 : -1;
}

static int stop(void **state)
{
    char path[256];

    (void)state;
    sw_http_free(http);
    identity_stop(server);
    (void)snprintf(path, sizeof(path), "%s/account.json", folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/subject", folder);
    (void)unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_service_account_signs_for_its_token, forget_environment),
        cmocka_unit_test_setup(the_claim_is_signed_by_the_key, forget_environment),
        cmocka_unit_test_setup(what_google_says_is_told_by_its_code, forget_environment),
        cmocka_unit_test_setup(a_wrong_file_is_refused_by_name, forget_environment),
        cmocka_unit_test_setup(a_federated_token_is_exchanged, forget_environment),
        cmocka_unit_test_setup(the_metadata_server_is_asked_without_a_file, forget_environment),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
