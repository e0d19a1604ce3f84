/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "storage/object/credentials.h"

enum {
    METADATA_TIMEOUT_US = 1000 * 1000, /* the service is on this machine, or not at all */
    PATH_SIZE = 4096
};

#define METADATA_PATH "/latest/meta-data/iam/security-credentials/"

/* The texts that make a secret, as every source has them under names of its own. */
struct found {
    char access_key[256];
    char secret_key[256];
    char token[SW_TOKEN_SIZE];
    char expires[64];
    char code[64];
};

/* fields[0..3] in the order of struct found, fields[4] its code. */
static void name_fields(struct found *found, const char *const names[5],
                        struct sw_reply_field fields[5])
{
    *found = (struct found){0};
    fields[0] = (struct sw_reply_field){
        .name = names[0], .ret = found->access_key, .size = sizeof(found->access_key)};
    fields[1] = (struct sw_reply_field){
        .name = names[1], .ret = found->secret_key, .size = sizeof(found->secret_key)};
    fields[2] = (struct sw_reply_field){
        .name = names[2], .ret = found->token, .size = sizeof(found->token)};
    fields[3] = (struct sw_reply_field){
        .name = names[3], .ret = found->expires, .size = sizeof(found->expires)};
    fields[4] =
        (struct sw_reply_field){.name = names[4], .ret = found->code, .size = sizeof(found->code)};
}

static bool any_cut(const struct sw_reply_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].cut)
            return true;
    }
    return false;
}

/* Makes a secret of what was found, and wipes that. */
static enum sw_code take_found(struct found *found, bool cut, const char *what,
                               struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    enum sw_code rc = SW_OK;

    if (found->access_key[0] == '\0' || found->secret_key[0] == '\0' || cut ||
        (found->expires[0] != '\0' &&
         !sw_credentials_read_time(found->expires, &ret->expires_ms))) {
        rc = sw_fail(err, SW_STORE_REFUSED, "%s: something else than credentials", what);
        goto out;
    }
    memcpy(ret->access_key, found->access_key, sizeof(ret->access_key));
    memcpy(ret->secret_key, found->secret_key, sizeof(ret->secret_key));
    if (found->token[0] != '\0')
        rc = sw_secret_set_token(ret, found->token, err);
    *ret_has = rc == SW_OK;
out:
    explicit_bzero(found, sizeof(*found));
    return rc;
}

/* What the container endpoint and the metadata service answer. */
static enum sw_code take_json(const struct sw_http_response *response, const char *what,
                              struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    static const char *const names[5] = {"AccessKeyId", "SecretAccessKey", "Token", "Expiration",
                                         "Code"};
    struct sw_reply_field fields[5];
    struct found found;
    bool cut;

    name_fields(&found, names, fields);
    cut = !sw_credentials_read_json(sw_span_of(response->body, response->size), fields, 5) ||
          any_cut(fields, 5) || (found.code[0] != '\0' && strcmp(found.code, "Success") != 0);
    return take_found(&found, cut, what, ret, ret_has, err);
}

/* ---- environment --------------------------------------------------------- */

static enum sw_code fetch_environment(struct sw_credentials *credentials, uint64_t deadline_us,
                                      struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    const char *access_key = sw_credentials_env("AWS_ACCESS_KEY_ID");
    const char *secret_key = sw_credentials_env("AWS_SECRET_ACCESS_KEY");
    const char *token = sw_credentials_env("AWS_SESSION_TOKEN");

    (void)credentials;
    (void)deadline_us;
    if (access_key == NULL && secret_key == NULL)
        return SW_OK;
    if (access_key == NULL || secret_key == NULL)
        return sw_fail(err, SW_CONFIGURATION,
                       "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together; only one is "
                       "set");
    if (strlen(access_key) >= sizeof(ret->access_key) ||
        strlen(secret_key) >= sizeof(ret->secret_key))
        return sw_fail(err, SW_CONFIGURATION,
                       "AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is too long");
    memcpy(ret->access_key, access_key, strlen(access_key) + 1);
    memcpy(ret->secret_key, secret_key, strlen(secret_key) + 1);
    *ret_has = true;
    return token != NULL ? sw_secret_set_token(ret, token, err) : SW_OK;
}

/* ---- web identity: a service account's token, exchanged at STS ------------- */

static void sts_url(const struct sw_credentials *credentials, char *ret, size_t size)
{
    const char *endpoint = sw_credentials_env("AWS_ENDPOINT_URL_STS");
    const char *region = credentials->region;

    if (region[0] == '\0')
        region = sw_credentials_env("AWS_REGION");
    if (region == NULL)
        region = sw_credentials_env("AWS_DEFAULT_REGION");
    if (endpoint != NULL)
        (void)snprintf(ret, size, "%s%s", endpoint,
                       endpoint[strlen(endpoint) - 1] == '/' ? "" : "/");
    else if (region != NULL)
        (void)snprintf(ret, size, "https://sts.%s.amazonaws.com%s/", region,
                       strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
    else
        (void)snprintf(ret, size, "https://sts.amazonaws.com/");
}

static enum sw_code assume_role(struct sw_credentials *credentials, const char *role,
                                const char *token, uint64_t deadline_us, struct sw_http_call *call,
                                struct sw_err *err)
{
    const char *session = sw_credentials_env("AWS_ROLE_SESSION_NAME");
    struct sw_form form = {0};
    enum sw_code rc;

    sw_form_add(&form, "Action", "AssumeRoleWithWebIdentity");
    sw_form_add(&form, "Version", "2011-06-15");
    sw_form_add(&form, "RoleArn", role);
    sw_form_add(&form, "RoleSessionName", session != NULL ? session : "stepwell");
    sw_form_add(&form, "WebIdentityToken", token);
    sts_url(credentials, call->request.url, sizeof(call->request.url));
    rc = sw_credentials_post(credentials, call, &form, "AWS STS (web identity)", deadline_us, err);
    sw_form_fini(&form);
    return rc;
}

static enum sw_code fetch_web_identity(struct sw_credentials *credentials, uint64_t deadline_us,
                                       struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    static const char *const names[5] = {"AccessKeyId", "SecretAccessKey", "SessionToken",
                                         "Expiration", "Code"};
    const char *path = sw_credentials_env("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *role = sw_credentials_env("AWS_ROLE_ARN");
    struct sw_http_call call = {0};
    struct sw_reply_field fields[5];
    char token[SW_TOKEN_SIZE];
    struct found found;
    enum sw_code rc;
    bool cut;

    if (path == NULL)
        return SW_OK;
    if (role == NULL)
        return sw_fail(err, SW_CONFIGURATION,
                       "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not");
    rc = sw_credentials_read_token(path, "AWS_WEB_IDENTITY_TOKEN_FILE", token, sizeof(token), err);
    if (rc == SW_OK)
        rc = assume_role(credentials, role, token, deadline_us, &call, err);
    explicit_bzero(token, sizeof(token));
    if (rc == SW_OK) {
        name_fields(&found, names, fields);
        cut = !sw_reply_read_fields(sw_span_of(call.response.body, call.response.size),
                                    "Credentials", fields, 5) ||
              any_cut(fields, 5) || found.token[0] == '\0';
        rc = take_found(&found, cut, "AWS STS (web identity)", ret, ret_has, err);
    }
    sw_credentials_forget(&call);
    return rc;
}

/* ---- container endpoint: EKS Pod Identity, ECS ------------------------------ */

static enum sw_code authorize(struct sw_http_call *call, struct sw_err *err)
{
    const char *path = sw_credentials_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *given = sw_credentials_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    char token[SW_TOKEN_SIZE];
    enum sw_code rc;

    if (path != NULL) {
        rc = sw_credentials_read_token(path, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token,
                                       sizeof(token), err);
        if (rc != SW_OK)
            return rc;
        given = token;
    }
    rc = SW_OK;
    if (given != NULL && !sw_http_add_header(&call->request, "Authorization", given))
        rc = sw_fail(err, SW_CONFIGURATION,
                     "AWS_CONTAINER_AUTHORIZATION_TOKEN cannot be sent as a header");
    explicit_bzero(token, sizeof(token));
    return rc;
}

static enum sw_code fetch_container(struct sw_credentials *credentials, uint64_t deadline_us,
                                    struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    const char *relative = sw_credentials_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = sw_credentials_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct sw_http_call call = {.request = {.method = "GET"}};
    char *url = call.request.url;
    enum sw_code rc;

    if (relative == NULL && full == NULL)
        return SW_OK;
    if (relative != NULL)
        (void)snprintf(url, sizeof(call.request.url), "http://169.254.170.2%s%s",
                       relative[0] == '/' ? "" : "/", relative);
    else
        (void)snprintf(url, sizeof(call.request.url), "%s", full);
    rc = authorize(&call, err);
    if (rc == SW_OK)
        rc = sw_credentials_ask(credentials, &call, "AWS container credentials", deadline_us, err);
    if (rc == SW_OK)
        rc = take_json(&call.response, "AWS container credentials", ret, ret_has, err);
    sw_credentials_forget(&call);
    return rc;
}

/* ---- shared file --------------------------------------------------------- */

/* False: there is none to look at. */
static bool shared_file_path(char *ret, size_t size)
{
    const char *path = sw_credentials_env("AWS_SHARED_CREDENTIALS_FILE");
    const char *home = sw_credentials_env("HOME");
    int length = -1;

    if (path != NULL)
        length = snprintf(ret, size, "%s", path);
    else if (home != NULL)
        length = snprintf(ret, size, "%s/.aws/credentials", home);
    return length > 0 && (size_t)length < size;
}

static enum sw_code fetch_shared_file(struct sw_credentials *credentials, uint64_t deadline_us,
                                      struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    static const char *const names[5] = {"aws_access_key_id", "aws_secret_access_key",
                                         "aws_session_token", "expires", "code"};
    const char *chosen = sw_credentials_env("AWS_PROFILE");
    bool asked_for = chosen != NULL || sw_credentials_env("AWS_SHARED_CREDENTIALS_FILE") != NULL;
    const char *profile = chosen != NULL ? chosen : "default";
    char text[SW_CREDENTIALS_FILE_SIZE];
    struct sw_reply_field fields[5];
    char path[PATH_SIZE];
    struct found found;
    enum sw_code rc;

    (void)credentials;
    (void)deadline_us;
    if (!shared_file_path(path, sizeof(path)))
        return SW_OK;
    rc = sw_credentials_read_file(path, "the AWS credentials file", text, sizeof(text), err);
    if (rc != SW_OK)
        return asked_for ? rc : SW_OK;
    name_fields(&found, names, fields);
    if (sw_credentials_read_ini(sw_span_of_text(text), profile, fields, 3) &&
        found.access_key[0] != '\0')
        rc = take_found(&found, any_cut(fields, 3), path, ret, ret_has, err);
    else if (asked_for)
        rc =
            sw_fail(err, SW_CONFIGURATION, "%s has no access key in a section [%s]", path, profile);
    explicit_bzero(text, sizeof(text));
    return rc;
}

/* ---- IMDSv2: the instance's metadata ---------------------------------------- */

/* One request to the service. */
static enum sw_code ask_metadata(struct sw_credentials *credentials, struct sw_http_call *call,
                                 const char *method, const char *path, const char *session,
                                 uint64_t deadline_us, struct sw_err *err)
{
    const char *endpoint = sw_credentials_env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    uint64_t patience_us = sw_clock_monotonic_us(credentials->clock) + METADATA_TIMEOUT_US;
    bool added;

    if (endpoint == NULL)
        endpoint = "http://169.254.169.254";
    call->request.method = method;
    (void)snprintf(call->request.url, sizeof(call->request.url), "%.*s%s",
                   (int)(strlen(endpoint) - (endpoint[strlen(endpoint) - 1] == '/')), endpoint,
                   path);
    added =
        session == NULL
            ? sw_http_add_header(&call->request, "X-aws-ec2-metadata-token-ttl-seconds", "21600")
            : sw_http_add_header(&call->request, "X-aws-ec2-metadata-token", session);
    if (!added)
        return sw_fail(err, SW_NO_MEMORY, "no memory for a request to the instance's metadata");
    return sw_credentials_ask(credentials, call, "AWS instance metadata",
                              deadline_us < patience_us ? deadline_us : patience_us, err);
}

/* "/latest/.../ROLE"; false: no name of a role. */
static bool role_path(const struct sw_http_response *response, char *ret, size_t size)
{
    size_t length = 0;

    while (length < response->size && response->body[length] > ' ' && response->body[length] <= '~')
        length++;
    return length > 0 && length < 128 && memchr(response->body, '/', length) == NULL &&
           snprintf(ret, size, METADATA_PATH "%.*s", (int)length, (const char *)response->body) <
               (int)size;
}

/* The session's token, that goes into a header. */
static bool take_session(const struct sw_http_response *response, char *ret, size_t size)
{
    if (response->size >= size)
        return false;
    for (size_t i = 0; i < response->size; i++) {
        if (response->body[i] <= ' ' || response->body[i] > '~')
            return false;
    }
    memcpy(ret, response->body, response->size);
    ret[response->size] = '\0';
    return true;
}

static enum sw_code fetch_role(struct sw_credentials *credentials, const char *session,
                               uint64_t deadline_us, struct sw_secret *ret, bool *ret_has,
                               struct sw_err *err)
{
    struct sw_http_call list = {0};
    struct sw_http_call get = {0};
    char path[256];
    enum sw_code rc;

    rc = ask_metadata(credentials, &list, "GET", METADATA_PATH, session, deadline_us, err);
    if (rc == SW_STORE_REFUSED && list.response.status == 404) {
        (void)snprintf(credentials->note, sizeof(credentials->note),
                       "the instance has no IAM role");
        rc = SW_OK;
    } else if (rc == SW_OK && !role_path(&list.response, path, sizeof(path))) {
        rc = sw_fail(err, SW_STORE_REFUSED, "AWS instance metadata names no role");
    } else if (rc == SW_OK) {
        rc = ask_metadata(credentials, &get, "GET", path, session, deadline_us, err);
        if (rc == SW_OK)
            rc = take_json(&get.response, "AWS instance metadata", ret, ret_has, err);
    }
    sw_credentials_forget(&list);
    sw_credentials_forget(&get);
    return rc;
}

static bool is_true(const char *value)
{
    return value != NULL && (strcmp(value, "true") == 0 || strcmp(value, "True") == 0 ||
                             strcmp(value, "TRUE") == 0 || strcmp(value, "1") == 0);
}

static enum sw_code fetch_metadata(struct sw_credentials *credentials, uint64_t deadline_us,
                                   struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    bool had = credentials->from != NULL && credentials->from->fetch == fetch_metadata;
    struct sw_http_call put = {0};
    char session[512];
    enum sw_code rc;

    if (is_true(sw_credentials_env("AWS_EC2_METADATA_DISABLED")))
        return SW_OK;
    rc = ask_metadata(credentials, &put, "PUT", "/latest/api/token", NULL, deadline_us, err);
    if (rc == SW_OK && !take_session(&put.response, session, sizeof(session))) {
        rc = sw_fail(err, SW_STORE_REFUSED, "AWS instance metadata answers no session token");
    } else if (rc == SW_OK) {
        rc = fetch_role(credentials, session, deadline_us, ret, ret_has, err);
        explicit_bzero(session, sizeof(session));
    } else if (rc == SW_STORE_UNAVAILABLE && !had && !put.response.arrived) {
        /* No such machine, or a packet that may not hop into a pod: the same silence. */
        (void)snprintf(credentials->note, sizeof(credentials->note),
                       "the instance metadata does not answer within 1 s (on EC2, in a pod: set "
                       "HttpPutResponseHopLimit=2, or use IRSA or Pod Identity)");
        rc = SW_OK;
    }
    sw_credentials_forget(&put);
    return rc;
}

enum sw_code sw_credentials_aws(const struct sw_credentials_options *options,
                                struct sw_credentials **ret, struct sw_err *err)
{
    static const struct sw_source sources[] = {
        {"environment", fetch_environment},      {"web identity", fetch_web_identity},
        {"container endpoint", fetch_container}, {"shared file", fetch_shared_file},
        {"instance metadata", fetch_metadata},
    };

    return sw_credentials_new(options, "AWS", sources, sizeof(sources) / sizeof(sources[0]), ret,
                              err);
}
