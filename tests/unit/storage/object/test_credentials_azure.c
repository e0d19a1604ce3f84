/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: Azure's credentials come from a shared access signature, a key, workload identity or the
 * machine's identity, in this order; a token file that changes is read again; what is wrong is
 * said by name, and no secret with it.
 * Method: the real chain and a loopback server that plays the services.
 */
#include "tests/unit/storage/object/identity.h"

static struct identity *server;
static struct sw_http *http;
static char folder[] = "/tmp/sw-credentials-azure-XXXXXX";

static void set(const char *name, const char *value)
{
    assert_int_equal(value != NULL ? setenv(name, value, 1) : unsetenv(name), 0);
}

static int forget_environment(void **state)
{
    static const char *const names[] = {
        "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_KEY", "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_CLIENT_ID",         "AZURE_TENANT_ID",   "AZURE_AUTHORITY_HOST"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        set(names[i], NULL);
    identity_setenv(server, "AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://", "");
    identity_set(server, NULL, 0);
    identity_ahead_ms = 0;
    return 0;
}

static struct sw_credentials *chain(void)
{
    struct sw_credentials_options options = {.http = http, .clock = &identity_clock};
    struct sw_credentials *credentials = NULL;

    assert_int_equal(sw_credentials_azure(&options, &credentials, NULL), SW_OK);
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

static void expect(const char *source, const char *kind, const char *token, uint64_t expires_ms)
{
    struct sw_credentials *credentials = chain();
    const struct sw_secret *secret;
    struct sw_err err;

    if (identity_get(credentials, false, &secret, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_string_equal(sw_credentials_source(credentials), source);
    assert_string_equal(secret->access_key, kind);
    assert_string_equal(secret->token != NULL ? secret->token : secret->secret_key, token);
    if (expires_ms != 1)
        assert_int_equal(secret->expires_ms, expires_ms);
    if (strcmp(kind, SW_AZURE_SAS) == 0) /* was given, is not fetched */
        assert_int_equal(sw_credentials_end_ms(credentials), expires_ms);
    else
        assert_int_equal(sw_credentials_end_ms(credentials), 0);
    sw_credentials_free(credentials);
}

static void a_sas_is_taken_until_its_end(void **state)
{
    (void)state;
    set("AZURE_STORAGE_KEY", "HUSH");
    set("AZURE_STORAGE_SAS_TOKEN", "?sv=2022-11-02&se=2099-01-01T00%3A00%3A00Z&sig=HUSH");
    expect("AZURE_STORAGE_SAS_TOKEN", SW_AZURE_SAS,
           "sv=2022-11-02&se=2099-01-01T00%3A00%3A00Z&sig=HUSH", UINT64_C(4070908800000));
    set("AZURE_STORAGE_SAS_TOKEN", "si=policy&sig=HUSH");
    expect("AZURE_STORAGE_SAS_TOKEN", SW_AZURE_SAS, "si=policy&sig=HUSH", 0);
    set("AZURE_STORAGE_SAS_TOKEN", "se=2020-01-01&sig=HUSH");
    expect_failure(SW_STORE_REFUSED, "AZURE_STORAGE_SAS_TOKEN ended at 2020-01-01");
    set("AZURE_STORAGE_SAS_TOKEN", "se=HUSH&sig=HUSH");
    expect_failure(SW_CONFIGURATION, "its end (se) is not a time");
    set("AZURE_STORAGE_SAS_TOKEN", "https://a.blob/?sig=HUSH");
    expect_failure(SW_CONFIGURATION, "is not the query of a URL");
}

static void a_key_is_taken_next(void **state)
{
    char text[512];

    (void)state;
    set("AZURE_FEDERATED_TOKEN_FILE", "/abs/none");
    set("AZURE_STORAGE_KEY", "HUSH");
    expect("AZURE_STORAGE_KEY", SW_AZURE_KEY, "HUSH", 0);
    memset(text, 'A', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    set("AZURE_STORAGE_KEY", text);
    expect_failure(SW_CONFIGURATION, "AZURE_STORAGE_KEY is too long");
}

static void use_workload_identity(const char *token)
{
    char path[256];

    identity_write_file(folder, "first", token);
    identity_swap(folder, "token", "first");
    (void)snprintf(path, sizeof(path), "%s/token", folder);
    set("AZURE_FEDERATED_TOKEN_FILE", path);
    set("AZURE_CLIENT_ID", "client-1");
    set("AZURE_TENANT_ID", "tenant-1");
    identity_setenv(server, "AZURE_AUTHORITY_HOST", "http://", "/");
}

static void a_service_accounts_token_is_exchanged(void **state)
{
    const struct identity_rule rule = {
        .start = "POST "
                 "/tenant-1/oauth2/v2.0/token ",
        .needs = "\r\n\r\nclient_id=client-1&scope=https%3A%2F%2Fstorage.azure.com%2F.default&"
                 "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3A"
                 "jwt-bearer&client_assertion=HUSH-jwt&grant_type=client_credentials",
        .status = 200,
        .body = "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"HUSH-aad\"}"};

    (void)state;
    use_workload_identity("HUSH-jwt\n");
    identity_set(server, &rule, 1);
    expect("workload identity", "", "HUSH-aad", 1);
    set("AZURE_TENANT_ID", "../HUSH?");
    expect_failure(SW_CONFIGURATION, "AZURE_TENANT_ID is no name");
    set("AZURE_TENANT_ID", NULL);
    expect_failure(SW_CONFIGURATION, "AZURE_CLIENT_ID or AZURE_TENANT_ID is not");
    use_workload_identity("HUSH-other");
    expect_failure(SW_STORE_REFUSED, "Azure (workload identity) answers 403");
    set("AZURE_AUTHORITY_HOST", "http://192.0.2.1");
    expect_failure(SW_CONFIGURATION, "only https://");
}

static void what_entra_says_is_told_by_its_code(void **state)
{
    const struct identity_rule rule = {
        .start = "POST ",
        .status = 401,
        .body = "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS70021: HUSH\"}"};

    (void)state;
    use_workload_identity("HUSH-jwt");
    identity_set(server, &rule, 1);
    expect_failure(SW_STORE_REFUSED, "Azure (workload identity) answers 401 invalid_client");
}

/* One hundred lives of five seconds, the token's file another one in each. */
static void rotation_fails_no_get(void **state)
{
    struct sw_credentials *credentials;
    const struct sw_secret *secret;
    struct sw_err err;

    (void)state;
    use_workload_identity("HUSH");
    credentials = chain();
    for (unsigned i = 0; i < 100; i++) {
        char needs[64];
        char token[32];
        char body[128];
        struct identity_rule rule = {.start = "POST ", .needs = needs, .status = 200, .body = body};

        (void)snprintf(token, sizeof(token), "HUSH-%u", i);
        (void)snprintf(needs, sizeof(needs), "client_assertion=%s&", token);
        (void)snprintf(body, sizeof(body), "{\"access_token\":\"HUSH-%u\",\"expires_in\":5}", i);
        identity_set(server, &rule, 1);
        identity_write_file(folder, i % 2 == 0 ? "first" : "second", token);
        identity_swap(folder, "token", i % 2 == 0 ? "first" : "second");
        for (unsigned get = 0; get < 3; get++) {
            if (identity_get(credentials, false, &secret, &err) != SW_OK)
                fail_msg("life %u: %s", i, err.text);
            assert_string_equal(secret->token, token);
            identity_ahead_ms += 1000;
        }
        identity_ahead_ms += 1500;
    }
    sw_credentials_free(credentials);
}

static void the_machines_identity_comes_last(void **state)
{
    const struct identity_rule rules[] = {
        {.start = "GET "
                  "/metadata/identity/oauth2/token?api-version=2018-02-01&"
                  "resource=https%3A%2F%2Fstorage.azure.com%2F&client_id=mine ",
         .needs = "\r\nMetadata: true\r\n",
         .status = 200,
         .body = "{\"access_token\":\"HUSH-mine\",\"expires_in\":\"86399\"}"},
        {.start = "GET "
                  "/metadata/identity/oauth2/token?api-version=2018-02-01&"
                  "resource=https%3A%2F%2Fstorage.azure.com%2F ",
         .needs = "\r\nMetadata: true\r\n",
         .status = 200,
         .body = "{\"access_token\":\"HUSH-node\",\"expires_in\":\"86399\"}"},
    };

    (void)state;
    identity_set(server, rules, 2);
    expect("managed identity", "", "HUSH-node", 1);
    set("AZURE_CLIENT_ID", "mine");
    expect("managed identity", "", "HUSH-mine", 1);
    set("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1");
    expect_failure(SW_STORE_UNAVAILABLE,
                   "no workload identity: Azure (managed identity): 127.0.0.1:1: ");
    set("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://192.0.2.1");
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
    static const char *const names[] = {"token", "first", "second"};
    char path[256];

    (void)state;
    sw_http_free(http);
    identity_stop(server);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_sas_is_taken_until_its_end, forget_environment),
        cmocka_unit_test_setup(a_key_is_taken_next, forget_environment),
        cmocka_unit_test_setup(a_service_accounts_token_is_exchanged, forget_environment),
        cmocka_unit_test_setup(what_entra_says_is_told_by_its_code, forget_environment),
        cmocka_unit_test_setup(rotation_fails_no_get, forget_environment),
        cmocka_unit_test_setup(the_machines_identity_comes_last, forget_environment),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
