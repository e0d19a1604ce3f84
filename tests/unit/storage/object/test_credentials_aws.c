/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: AWS credentials come from where Kubernetes, ECS and EC2 put them, in Amazon's order;
 * rotation costs no get; what is wrong is said by name, and no secret with it.
 * Method: the real chain and a loopback server that plays the services.
 */
#include "tests/unit/storage/object/identity.h"

static struct identity *server;
static struct sw_http *http;
static char folder[] = "/tmp/sw-credentials-aws-XXXXXX";

static void set(const char *name, const char *value)
{
    assert_int_equal(value != NULL ? setenv(name, value, 1) : unsetenv(name), 0);
}

static struct sw_credentials *chain(void)
{
    struct sw_credentials_options options = {.http = http, .clock = &identity_clock};
    struct sw_credentials *credentials = NULL;

    assert_int_equal(sw_credentials_aws(&options, &credentials, NULL), SW_OK);
    return credentials;
}

static int forget_environment(void **state)
{
    static const char *const names[] = {"AWS_ACCESS_KEY_ID",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN",
                                        "AWS_WEB_IDENTITY_TOKEN_FILE",
                                        "AWS_ROLE_ARN",
                                        "AWS_ROLE_SESSION_NAME",
                                        "AWS_ENDPOINT_URL_STS",
                                        "AWS_REGION",
                                        "AWS_DEFAULT_REGION",
                                        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                                        "AWS_SHARED_CREDENTIALS_FILE",
                                        "AWS_PROFILE",
                                        "AWS_EC2_METADATA_SERVICE_ENDPOINT"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        set(names[i], NULL);
    set("AWS_EC2_METADATA_DISABLED", "true");
    set("HOME", folder);
    identity_ahead_ms = 0;
    return 0;
}

static void path_in_folder(const char *name, char ret[256])
{
    (void)snprintf(ret, 256, "%s/%s", folder, name);
}

/* What fails says so: code and text. */
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

static void expect(const char *source, const char *access_key, const char *secret_key,
                   const char *token, uint64_t expires_ms)
{
    struct sw_credentials *credentials = chain();
    const struct sw_secret *secret;
    struct sw_err err;

    if (identity_get(credentials, false, &secret, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_string_equal(sw_credentials_source(credentials), source);
    assert_string_equal(secret->access_key, access_key);
    assert_string_equal(secret->secret_key, secret_key);
    if (token == NULL)
        assert_null(secret->token);
    else
        assert_string_equal(secret->token, token);
    assert_int_equal(secret->expires_ms, expires_ms);
    sw_credentials_free(credentials);
}

static void the_environment_comes_first(void **state)
{
    (void)state;
    set("AWS_ACCESS_KEY_ID", "AKID");
    set("AWS_WEB_IDENTITY_TOKEN_FILE", "/abs/none");
    expect_failure(SW_CONFIGURATION, "belong together");
    set("AWS_SECRET_ACCESS_KEY", "HUSH");
    expect("environment", "AKID", "HUSH", NULL, 0);
    set("AWS_SESSION_TOKEN", "HUSH-token");
    expect("environment", "AKID", "HUSH", "HUSH-token", 0);
}

#define STS_REPLY(key, expiration)                                                                 \
    "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"      \
    "<AssumeRoleWithWebIdentityResult><SubjectFromWebIdentityToken>s</"                            \
    "SubjectFromWebIdentityToken>"                                                                 \
    "<Credentials><AccessKeyId>" key "</AccessKeyId><SecretAccessKey>HUSH-sts</SecretAccessKey>"   \
    "<SessionToken>HUSH-session</SessionToken><Expiration>" expiration "</Expiration>"             \
    "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"

static void use_web_identity(void)
{
    char path[256];

    identity_write_file(folder, "token", "HUSH-jwt\n");
    path_in_folder("token", path);
    set("AWS_WEB_IDENTITY_TOKEN_FILE", path);
    set("AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
    identity_setenv(server, "AWS_ENDPOINT_URL_STS", "http://", "");
}

static void a_service_accounts_token_is_exchanged(void **state)
{
    const struct identity_rule rule = {
        .start = "POST / ", .status = 200, .body = STS_REPLY("ASIA", "2099-01-01T00:00:00Z")};

    (void)state;
    use_web_identity();
    identity_set(server, &rule, 1);
    expect("web identity", "ASIA", "HUSH-sts", "HUSH-session", UINT64_C(4070908800000));
    assert_true(
        identity_was_told(server, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_true(identity_was_told(
        server, "\r\n\r\nAction=AssumeRoleWithWebIdentity&Version=2011-06-15&"
                "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=stepwell&"
                "WebIdentityToken=HUSH-jwt"));
    set("AWS_ROLE_SESSION_NAME", "mine");
    expect("web identity", "ASIA", "HUSH-sts", "HUSH-session", UINT64_C(4070908800000));
    assert_true(identity_was_told(server, "&RoleSessionName=mine&"));
}

static void what_sts_says_is_told_by_its_code(void **state)
{
    static const struct {
        unsigned status;
        const char *body;
        enum sw_code code;
        const char *text;
    } rows[] = {
        {400,
         "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code>"
         "<Message>Token HUSH-jwt expired</Message></Error></ErrorResponse>",
         SW_STORE_REFUSED, "AWS STS (web identity) answers 400 ExpiredTokenException"},
        {403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
         SW_STORE_REFUSED, "answers 403 AccessDenied"},
        {503, "busy", SW_STORE_UNAVAILABLE, "answers 503"},
        {200, "", SW_STORE_REFUSED, "without a body"},
        {200, "<html>HUSH</html>", SW_STORE_REFUSED, "something else than credentials"},
        {200, STS_REPLY("", "2099-01-01T00:00:00Z"), SW_STORE_REFUSED, "something else"},
        {200, STS_REPLY("ASIA", "soon"), SW_STORE_REFUSED, "something else"},
        {302, "", SW_STORE_REFUSED, "answers 302"},
    };

    (void)state;
    use_web_identity();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct identity_rule rule = {
            .start = "POST / ", .status = rows[i].status, .body = rows[i].body};

        identity_set(server, &rule, 1);
        expect_failure(rows[i].code, rows[i].text);
    }
}

static void what_is_missing_for_web_identity_is_named(void **state)
{
    (void)state;
    use_web_identity();
    set("AWS_ROLE_ARN", NULL);
    expect_failure(SW_CONFIGURATION, "AWS_ROLE_ARN is not");
    use_web_identity();
    set("AWS_WEB_IDENTITY_TOKEN_FILE", "/abs/token");
    expect_failure(SW_CONFIGURATION, "AWS_WEB_IDENTITY_TOKEN_FILE: /abs/token: No such file");
    use_web_identity();
    set("AWS_ENDPOINT_URL_STS", "http://192.0.2.1/");
    expect_failure(SW_CONFIGURATION, "only https://");
    set("AWS_ENDPOINT_URL_STS", "ftp://127.0.0.1/");
    expect_failure(SW_CONFIGURATION, "only https://");
}

/* One hundred lives of five seconds, the token's file another one in each. */
static void rotation_fails_no_get(void **state)
{
    struct sw_credentials *credentials = NULL;
    const struct sw_secret *secret;
    struct sw_err err;

    (void)state;
    use_web_identity();
    credentials = chain();
    for (unsigned i = 0; i < 100; i++) {
        time_t end = (time_t)(sw_clock_now_ms(&identity_clock) / 1000 + 5);
        char needs[64];
        char body[1024];
        char expires[64];
        char key[32];
        char name[32];
        struct identity_rule rule = {
            .start = "POST / ", .needs = needs, .status = 200, .body = body};
        struct tm utc;

        (void)snprintf(name, sizeof(name), "token-%u", i);
        (void)snprintf(key, sizeof(key), "ASIA%u", i);
        (void)snprintf(needs, sizeof(needs), "WebIdentityToken=HUSH-%u", i);
        identity_write_file(folder, name, strchr(needs, '=') + 1);
        identity_swap(folder, "token", name);
        assert_non_null(gmtime_r(&end, &utc));
        assert_true(strftime(expires, sizeof(expires), "%Y-%m-%dT%H:%M:%SZ", &utc) > 0);
        (void)snprintf(body, sizeof(body), STS_REPLY("%s", "%s"), key, expires);
        identity_set(server, &rule, 1);
        for (unsigned get = 0; get < 3; get++) { /* at 0, 1 and 2 seconds: young enough */
            if (identity_get(credentials, false, &secret, &err) != SW_OK)
                fail_msg("life %u: %s", i, err.text);
            assert_string_equal(secret->access_key, key);
            identity_ahead_ms += 1000;
        }
        identity_ahead_ms += 1500; /* 4.5 s: four fifths are over */
    }
    sw_credentials_free(credentials);
}

#define JSON_REPLY(key)                                                                            \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"" key "\",\"SecretAccessKey\":\"HUSH-json\","         \
    "\"Token\":\"HUSH-t\",\"Expiration\":\"2099-01-01T00:00:00Z\"}"

static void the_container_endpoint_is_asked_with_its_token(void **state)
{
    const struct identity_rule rule = {.start = "GET /v1/credentials ",
                                       .needs = "\r\nAuthorization: HUSH-pod\r\n",
                                       .status = 200,
                                       .body = JSON_REPLY("ASIAPOD")};
    char path[256];

    (void)state;
    identity_set(server, &rule, 1);
    identity_setenv(server, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://", "/v1/credentials");
    expect_failure(SW_STORE_REFUSED, "AWS container credentials answers 403");
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "HUSH-pod");
    expect("container endpoint", "ASIAPOD", "HUSH-json", "HUSH-t", UINT64_C(4070908800000));
    identity_write_file(folder, "pod-token", "HUSH-pod");
    path_in_folder("pod-token", path);
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "HUSH-old");
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path); /* goes before */
    expect("container endpoint", "ASIAPOD", "HUSH-json", "HUSH-t", UINT64_C(4070908800000));
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", NULL);
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "HUSH\r\nX: y");
    expect_failure(SW_CONFIGURATION, "cannot be sent as a header");
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "HUSH");
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/v1/credentials");
    expect_failure(SW_CONFIGURATION, "only https://");
}

static void the_shared_file_has_profiles(void **state)
{
    char path[256];

    (void)state;
    expect_failure(SW_STORE_REFUSED, "no AWS credentials: looked at environment, web identity, "
                                     "container endpoint, shared file, instance metadata");
    identity_write_file(folder, "credentials",
                        "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = HUSH-f\n"
                        "[other]\naws_access_key_id=AKIAOTHER\naws_secret_access_key=HUSH-o\n"
                        "aws_session_token=HUSH-t\n[empty]\nrole_arn = arn\n");
    path_in_folder("credentials", path);
    set("AWS_SHARED_CREDENTIALS_FILE", path);
    expect("shared file", "AKIAFILE", "HUSH-f", NULL, 0);
    set("AWS_PROFILE", "other");
    expect("shared file", "AKIAOTHER", "HUSH-o", "HUSH-t", 0);
    set("AWS_PROFILE", "empty");
    expect_failure(SW_CONFIGURATION, "has no access key in a section [empty]");
    set("AWS_SHARED_CREDENTIALS_FILE", "/abs/credentials");
    expect_failure(SW_CONFIGURATION, "the AWS credentials file: /abs/credentials: No such");
}

static void a_changed_file_is_read_when_its_secret_is_refused(void **state)
{
    struct sw_credentials *credentials;
    const struct sw_secret *secret;
    struct sw_err err;
    char path[256];

    (void)state;
    identity_write_file(folder, "credentials",
                        "[default]\naws_access_key_id=OLD\naws_secret_access_key=HUSH\n");
    path_in_folder("credentials", path);
    set("AWS_SHARED_CREDENTIALS_FILE", path);
    credentials = chain();
    assert_int_equal(identity_get(credentials, false, &secret, &err), SW_OK);
    identity_write_file(folder, "credentials",
                        "[default]\naws_access_key_id=NEW\naws_secret_access_key=HUSH\n");
    identity_ahead_ms += 1000;
    assert_int_equal(identity_get(credentials, false, &secret, &err), SW_OK);
    assert_string_equal(secret->access_key, "OLD");
    assert_int_equal(identity_get(credentials, true, &secret, &err), SW_OK);
    assert_string_equal(secret->access_key, "NEW");
    sw_credentials_free(credentials);
}

#define METADATA "/latest/meta-data/iam/security-credentials/"

static void the_instances_metadata_is_asked_as_imdsv2_wants(void **state)
{
    const struct identity_rule rules[] = {
        {.start = "PUT "
                  "/latest/api/token ",
         .needs = "\r\nX-aws-ec2-metadata-token-ttl-seconds: 21600\r\n",
         .status = 200,
         .body = "HUSH-imds"},
        {.start = "GET " METADATA "node-role ",
         .needs = "\r\nX-aws-ec2-metadata-token: HUSH-imds\r\n",
         .status = 200,
         .body = JSON_REPLY("ASIANODE")},
        {.start = "GET " METADATA " ",
         .needs = "\r\nX-aws-ec2-metadata-token: HUSH-imds\r\n",
         .status = 200,
         .body = "node-role"},
    };
    struct identity_rule changed[3];

    (void)state;
    set("AWS_EC2_METADATA_DISABLED", NULL);
    identity_setenv(server, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://", "/");
    identity_set(server, rules, 3);
    expect("instance metadata", "ASIANODE", "HUSH-json", "HUSH-t", UINT64_C(4070908800000));
    memcpy(changed, rules, sizeof(rules));
    changed[2].status = 404;
    identity_set(server, changed, 3);
    expect_failure(SW_STORE_REFUSED, "the instance has no IAM role");
    changed[2].status = 200;
    changed[2].body = "../escape";
    identity_set(server, changed, 3);
    expect_failure(SW_STORE_REFUSED, "names no role");
    changed[2].body = "node-role";
    changed[1].body = "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}";
    identity_set(server, changed, 3);
    expect_failure(SW_STORE_REFUSED, "something else than credentials");
    changed[0].body = "a\nb";
    identity_set(server, changed, 3);
    expect_failure(SW_STORE_REFUSED, "answers no session token");
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://192.0.2.1");
    expect_failure(SW_CONFIGURATION, "only https://");
}

static void silence_of_the_metadata_names_the_hop_limit(void **state)
{
    const struct identity_rule rule = {.start = "PUT ", .status = 0, .body = ""};
    uint64_t before_us = sw_clock_monotonic_us(&sw_clock_system);

    (void)state;
    set("AWS_EC2_METADATA_DISABLED", NULL);
    identity_setenv(server, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://", "");
    identity_set(server, &rule, 1);
    expect_failure(SW_STORE_REFUSED, "set HttpPutResponseHopLimit=2");
    assert_in_range(sw_clock_monotonic_us(&sw_clock_system) - before_us, 900 * 1000, 5000 * 1000);
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
    char command[320];

    (void)state;
    sw_http_free(http);
    identity_stop(server);
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(command, sizeof(command), "%s/token-%u", folder, i);
        (void)unlink(command);
    }
    path_in_folder("token", command);
    (void)unlink(command);
    path_in_folder("pod-token", command);
    (void)unlink(command);
    path_in_folder("credentials", command);
    (void)unlink(command);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_environment_comes_first, forget_environment),
        cmocka_unit_test_setup(a_service_accounts_token_is_exchanged, forget_environment),
        cmocka_unit_test_setup(what_sts_says_is_told_by_its_code, forget_environment),
        cmocka_unit_test_setup(what_is_missing_for_web_identity_is_named, forget_environment),
        cmocka_unit_test_setup(rotation_fails_no_get, forget_environment),
        cmocka_unit_test_setup(the_container_endpoint_is_asked_with_its_token, forget_environment),
        cmocka_unit_test_setup(the_shared_file_has_profiles, forget_environment),
        cmocka_unit_test_setup(a_changed_file_is_read_when_its_secret_is_refused,
                               forget_environment),
        cmocka_unit_test_setup(the_instances_metadata_is_asked_as_imdsv2_wants, forget_environment),
        cmocka_unit_test_setup(silence_of_the_metadata_names_the_hop_limit, forget_environment),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
