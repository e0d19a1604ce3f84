/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/base/sign.h"
#include "storage/object/credentials.h"

#define FILE_VARIABLE "GOOGLE_APPLICATION_CREDENTIALS"
#define STORAGE_SCOPE "https://www.googleapis.com/auth/devstorage.read_write"

enum {
    GRANT_LIFE_S = 3600,                   /* the longest that Google accepts */
    METADATA_TIMEOUT_US = 3 * 1000 * 1000, /* GKE's server needs a moment in a new pod */
    JWT_SIZE = 8 * 1024
};

/* ---- the file ------------------------------------------------------------ */

/* It is written into the claims between quotes. */
static bool can_be_quoted(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~' || *text == '"' || *text == '\\')
            return false;
    }
    return true;
}

static enum sw_code check_account(const struct sw_google_account *account, struct sw_err *err)
{
    if (strcmp(account->type, "service_account") == 0) {
        if (account->client_email[0] == '\0' || account->private_key[0] == '\0' ||
            account->token_uri[0] == '\0')
            return sw_fail(err, SW_CONFIGURATION,
                           FILE_VARIABLE ": a service account's file without client_email, "
                                         "private_key or token_uri");
        if (!can_be_quoted(account->client_email) || !can_be_quoted(account->private_key_id) ||
            !can_be_quoted(account->token_uri))
            return sw_fail(err, SW_CONFIGURATION,
                           FILE_VARIABLE ": client_email, private_key_id or token_uri has letters "
                                         "that it cannot have");
        return SW_OK;
    }
    if (strcmp(account->type, "external_account") == 0) {
        if (account->audience[0] == '\0' || account->subject_token_type[0] == '\0' ||
            account->token_url[0] == '\0' || account->token_file[0] == '\0')
            return sw_fail(err, SW_CONFIGURATION,
                           FILE_VARIABLE ": an external account's file without audience, "
                                         "subject_token_type, token_url or credential_source.file "
                                         "(other sources are not supported)");
        if (strcmp(account->token_format, "json") == 0 && account->token_field[0] == '\0')
            return sw_fail(err, SW_CONFIGURATION,
                           FILE_VARIABLE ": credential_source.format without "
                                         "subject_token_field_name");
        return SW_OK;
    }
    return sw_fail(err, SW_CONFIGURATION,
                   FILE_VARIABLE ": the file's type is neither service_account nor "
                                 "external_account");
}

enum sw_code sw_google_read_account(struct sw_span json, struct sw_google_account *ret,
                                    struct sw_err *err)
{
    struct sw_reply_field fields[] = {
        {.name = "type", .ret = ret->type, .size = sizeof(ret->type)},
        {.name = "client_email", .ret = ret->client_email, .size = sizeof(ret->client_email)},
        {.name = "private_key_id", .ret = ret->private_key_id, .size = sizeof(ret->private_key_id)},
        {.name = "private_key", .ret = ret->private_key, .size = sizeof(ret->private_key)},
        {.name = "token_uri", .ret = ret->token_uri, .size = sizeof(ret->token_uri)},
        {.name = "audience", .ret = ret->audience, .size = sizeof(ret->audience)},
        {.name = "subject_token_type",
         .ret = ret->subject_token_type,
         .size = sizeof(ret->subject_token_type)},
        {.name = "token_url", .ret = ret->token_url, .size = sizeof(ret->token_url)},
        {.name = "service_account_impersonation_url",
         .ret = ret->impersonation_url,
         .size = sizeof(ret->impersonation_url)},
        {.name = "credential_source.file", .ret = ret->token_file, .size = sizeof(ret->token_file)},
        {.name = "credential_source.format.type",
         .ret = ret->token_format,
         .size = sizeof(ret->token_format)},
        {.name = "credential_source.format.subject_token_field_name",
         .ret = ret->token_field,
         .size = sizeof(ret->token_field)},
    };
    size_t count = sizeof(fields) / sizeof(fields[0]);

    if (!sw_credentials_read_json(json, fields, count))
        return sw_fail(err, SW_CONFIGURATION, FILE_VARIABLE ": the file is not a JSON object");
    for (size_t i = 0; i < count; i++) {
        if (fields[i].cut)
            return sw_fail(err, SW_CONFIGURATION, FILE_VARIABLE ": %s is too long", fields[i].name);
    }
    return check_account(ret, err);
}

/* ---- service account: a signed claim, exchanged for a token ------------------ */

/* HEADER.CLAIMS.SIGNATURE, RFC 7515. */
static enum sw_code make_jwt(const struct sw_google_account *account, uint64_t now_s,
                             char ret[JWT_SIZE], struct sw_err *err)
{
    char header[256];
    char claims[1536];
    char encoded_header[SW_BASE64_ROOM(sizeof(header))];
    char encoded_claims[SW_BASE64_ROOM(sizeof(claims))];
    char encoded_signature[SW_BASE64_ROOM(SW_RS256_SIZE_MAX)];
    uint8_t signature[SW_RS256_SIZE_MAX];
    size_t size;
    enum sw_code rc;

    (void)snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
                   account->private_key_id);
    (void)snprintf(claims, sizeof(claims),
                   "{\"iss\":\"%s\",\"scope\":\"" STORAGE_SCOPE "\",\"aud\":\"%s\","
                   "\"iat\":%" PRIu64 ",\"exp\":%" PRIu64 "}",
                   account->client_email, account->token_uri, now_s, now_s + GRANT_LIFE_S);
    sw_base64_encode(SW_BASE64_URL, sw_span_of_text(header), encoded_header);
    sw_base64_encode(SW_BASE64_URL, sw_span_of_text(claims), encoded_claims);
    (void)snprintf(ret, JWT_SIZE, "%s.%s", encoded_header, encoded_claims);
    rc = sw_sign_rs256(sw_span_of_text(account->private_key), sw_span_of_text(ret), signature,
                       &size, err);
    if (rc != SW_OK)
        return sw_wrap(err, FILE_VARIABLE ": private_key");
    sw_base64_encode(SW_BASE64_URL, sw_span_of(signature, size), encoded_signature);
    (void)snprintf(ret, JWT_SIZE, "%s.%s.%s", encoded_header, encoded_claims, encoded_signature);
    return SW_OK;
}

static enum sw_code fetch_service_account(struct sw_credentials *credentials,
                                          const struct sw_google_account *account,
                                          uint64_t deadline_us, struct sw_secret *ret,
                                          struct sw_err *err)
{
    struct sw_http_call call = {0};
    struct sw_form form = {0};
    char jwt[JWT_SIZE];
    enum sw_code rc;

    rc = make_jwt(account, sw_clock_now_ms(credentials->clock) / 1000, jwt, err);
    if (rc != SW_OK)
        return rc;
    sw_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    sw_form_add(&form, "assertion", jwt);
    (void)snprintf(call.request.url, sizeof(call.request.url), "%s", account->token_uri);
    rc = sw_credentials_post(credentials, &call, &form, "Google (service account)", deadline_us,
                             err);
    if (rc == SW_OK)
        rc = sw_credentials_take_bearer(credentials, &call.response, "Google (service account)",
                                        ret, err);
    explicit_bzero(jwt, sizeof(jwt));
    sw_form_fini(&form);
    sw_credentials_forget(&call);
    return rc;
}

/* ---- external account: workload identity federation ------------------------- */

static enum sw_code read_subject_token(const struct sw_google_account *account,
                                       char ret[SW_TOKEN_SIZE], struct sw_err *err)
{
    struct sw_reply_field field = {.name = account->token_field, .ret = ret, .size = SW_TOKEN_SIZE};
    char text[SW_CREDENTIALS_FILE_SIZE];
    enum sw_code rc;

    if (strcmp(account->token_format, "json") != 0)
        return sw_credentials_read_token(account->token_file, FILE_VARIABLE, ret, SW_TOKEN_SIZE,
                                         err);
    rc = sw_credentials_read_file(account->token_file, FILE_VARIABLE, text, sizeof(text), err);
    if (rc == SW_OK && (!sw_credentials_read_json(sw_span_of_text(text), &field, 1) ||
                        ret[0] == '\0' || field.cut))
        rc = sw_fail(err, SW_CONFIGURATION, FILE_VARIABLE ": %s has no token in its field %s",
                     account->token_file, account->token_field);
    explicit_bzero(text, sizeof(text));
    return rc;
}

static enum sw_code exchange_token(struct sw_credentials *credentials,
                                   const struct sw_google_account *account, const char *token,
                                   uint64_t deadline_us, struct sw_secret *ret, struct sw_err *err)
{
    bool impersonates = account->impersonation_url[0] != '\0';
    struct sw_http_call call = {0};
    struct sw_form form = {0};
    enum sw_code rc;

    sw_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
    sw_form_add(&form, "audience", account->audience);
    sw_form_add(&form, "scope",
                impersonates ? "https://www.googleapis.com/auth/cloud-platform" : STORAGE_SCOPE);
    sw_form_add(&form, "requested_token_type", "urn:ietf:params:oauth:token-type:access_token");
    sw_form_add(&form, "subject_token_type", account->subject_token_type);
    sw_form_add(&form, "subject_token", token);
    (void)snprintf(call.request.url, sizeof(call.request.url), "%s", account->token_url);
    rc = sw_credentials_post(credentials, &call, &form, "Google (external account)", deadline_us,
                             err);
    if (rc == SW_OK)
        rc = sw_credentials_take_bearer(credentials, &call.response, "Google (external account)",
                                        ret, err);
    sw_form_fini(&form);
    sw_credentials_forget(&call);
    return rc;
}

/* "Authorization: Bearer TOKEN" */
static bool add_bearer(struct sw_http_request *request, const char *token)
{
    char value[SW_TOKEN_SIZE + 8];
    bool added;

    (void)snprintf(value, sizeof(value), "Bearer %s", token);
    added = sw_http_add_header(request, "Authorization", value);
    explicit_bzero(value, sizeof(value));
    return added;
}

/* Exchanges the federated token in *ret for one of the service account. */
static enum sw_code impersonate(struct sw_credentials *credentials,
                                const struct sw_google_account *account, uint64_t deadline_us,
                                struct sw_secret *ret, struct sw_err *err)
{
    static const char body[] = "{\"scope\":[\"" STORAGE_SCOPE "\"]}";
    static const char what[] = "Google (impersonation)";
    struct sw_http_call call = {.request = {.method = "POST", .body = sw_span_of_text(body)}};
    char token[SW_TOKEN_SIZE];
    char expires[64];
    struct sw_reply_field fields[] = {
        {.name = "accessToken", .ret = token, .size = sizeof(token)},
        {.name = "expireTime", .ret = expires, .size = sizeof(expires)},
    };
    enum sw_code rc = SW_OK;

    (void)snprintf(call.request.url, sizeof(call.request.url), "%s", account->impersonation_url);
    if (!sw_http_add_header(&call.request, "Content-Type", "application/json") ||
        !add_bearer(&call.request, ret->token))
        rc = sw_fail(err, SW_NO_MEMORY, "%s: no memory for the request", what);
    if (rc == SW_OK)
        rc = sw_credentials_ask(credentials, &call, what, deadline_us, err);
    if (rc == SW_OK) {
        sw_secret_wipe(ret);
        if (!sw_credentials_read_json(sw_span_of(call.response.body, call.response.size), fields,
                                      2) ||
            token[0] == '\0' || fields[0].cut ||
            !sw_credentials_read_time(expires, &ret->expires_ms))
            rc = sw_fail(err, SW_STORE_REFUSED, "%s answers something else than a token", what);
        else
            rc = sw_secret_set_token(ret, token, err);
        explicit_bzero(token, sizeof(token));
    }
    sw_credentials_forget(&call);
    return rc;
}

static enum sw_code fetch_external_account(struct sw_credentials *credentials,
                                           const struct sw_google_account *account,
                                           uint64_t deadline_us, struct sw_secret *ret,
                                           struct sw_err *err)
{
    char token[SW_TOKEN_SIZE];
    enum sw_code rc = read_subject_token(account, token, err);

    if (rc == SW_OK)
        rc = exchange_token(credentials, account, token, deadline_us, ret, err);
    explicit_bzero(token, sizeof(token));
    if (rc == SW_OK && account->impersonation_url[0] != '\0')
        rc = impersonate(credentials, account, deadline_us, ret, err);
    return rc;
}

static enum sw_code fetch_file(struct sw_credentials *credentials, uint64_t deadline_us,
                               struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    const char *path = sw_credentials_env(FILE_VARIABLE);
    char text[SW_CREDENTIALS_FILE_SIZE];
    struct sw_google_account account;
    enum sw_code rc;

    if (path == NULL)
        return SW_OK;
    rc = sw_credentials_read_file(path, FILE_VARIABLE, text, sizeof(text), err);
    if (rc == SW_OK) {
        rc = sw_google_read_account(sw_span_of_text(text), &account, err);
        explicit_bzero(text, sizeof(text));
        if (rc == SW_OK && strcmp(account.type, "service_account") == 0)
            rc = fetch_service_account(credentials, &account, deadline_us, ret, err);
        else if (rc == SW_OK)
            rc = fetch_external_account(credentials, &account, deadline_us, ret, err);
        explicit_bzero(&account, sizeof(account));
    }
    *ret_has = rc == SW_OK;
    return rc;
}

/* ---- metadata server: GKE workload identity, Compute Engine ------------------ */

static enum sw_code fetch_metadata(struct sw_credentials *credentials, uint64_t deadline_us,
                                   struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    uint64_t patience_us = sw_clock_monotonic_us(credentials->clock) + METADATA_TIMEOUT_US;
    struct sw_http_call call = {.request = {.method = "GET"}};
    const char *host = sw_credentials_env("GCE_METADATA_HOST");
    enum sw_code rc;

    (void)snprintf(call.request.url, sizeof(call.request.url),
                   "http://%s/computeMetadata/v1/instance/service-accounts/default/token",
                   host != NULL ? host : "169.254.169.254");
    if (!sw_http_add_header(&call.request, "Metadata-Flavor", "Google"))
        return sw_fail(err, SW_NO_MEMORY, "no memory for a request to the metadata server");
    rc = sw_credentials_ask(credentials, &call, "Google metadata server",
                            deadline_us < patience_us ? deadline_us : patience_us, err);
    if (rc == SW_OK) {
        rc = sw_credentials_take_bearer(credentials, &call.response, "Google metadata server", ret,
                                        err);
        *ret_has = rc == SW_OK;
    } else if (host == NULL && !call.response.arrived) {
        /* GKE's server answers some seconds after a pod begins: it is worth another try. */
        rc = sw_wrap(err, FILE_VARIABLE " is not set");
    }
    sw_credentials_forget(&call);
    return rc;
}

enum sw_code sw_credentials_google(const struct sw_credentials_options *options,
                                   struct sw_credentials **ret, struct sw_err *err)
{
    static const struct sw_source sources[] = {
        {FILE_VARIABLE, fetch_file},
        {"metadata server", fetch_metadata},
    };

    return sw_credentials_new(options, "Google", sources, sizeof(sources) / sizeof(sources[0]), ret,
                              err);
}
