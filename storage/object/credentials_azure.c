/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "storage/object/credentials.h"

enum { METADATA_TIMEOUT_US = 3 * 1000 * 1000 };

/* ---- shared access signature ------------------------------------------------ */

static enum sw_code fetch_sas(struct sw_credentials *credentials, uint64_t deadline_us,
                              struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    const char *token = sw_credentials_env("AZURE_STORAGE_SAS_TOKEN");
    char expires[64];

    (void)deadline_us;
    if (token == NULL)
        return SW_OK;
    token += token[0] == '?' ? 1 : 0;
    for (const char *at = token; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || *at == '#' || *at == '?')
            return sw_fail(err, SW_CONFIGURATION,
                           "AZURE_STORAGE_SAS_TOKEN is not the query of a URL");
    }
    /* A token that names a stored policy has its end there. */
    if (sw_credentials_read_query(token, "se", expires, sizeof(expires))) {
        if (!sw_credentials_read_time(expires, &ret->expires_ms))
            return sw_fail(err, SW_CONFIGURATION,
                           "AZURE_STORAGE_SAS_TOKEN: its end (se) is not a time");
        if (ret->expires_ms <= sw_clock_now_ms(credentials->clock))
            return sw_fail(err, SW_STORE_REFUSED, "AZURE_STORAGE_SAS_TOKEN ended at %s", expires);
    }
    (void)snprintf(ret->access_key, sizeof(ret->access_key), SW_AZURE_SAS);
    ret->is_last = true;
    *ret_has = true;
    return sw_secret_set_token(ret, token, err);
}

/* ---- shared key ---------------------------------------------------------- */

static enum sw_code fetch_key(struct sw_credentials *credentials, uint64_t deadline_us,
                              struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    const char *key = sw_credentials_env("AZURE_STORAGE_KEY");

    (void)credentials;
    (void)deadline_us;
    if (key == NULL)
        return SW_OK;
    if (strlen(key) >= sizeof(ret->secret_key))
        return sw_fail(err, SW_CONFIGURATION, "AZURE_STORAGE_KEY is too long");
    memcpy(ret->secret_key, key, strlen(key) + 1);
    (void)snprintf(ret->access_key, sizeof(ret->access_key), SW_AZURE_KEY);
    *ret_has = true;
    return SW_OK;
}

/* ---- workload identity: a service account's token, exchanged at Entra -------- */

static enum sw_code fetch_workload_identity(struct sw_credentials *credentials,
                                            uint64_t deadline_us, struct sw_secret *ret,
                                            bool *ret_has, struct sw_err *err)
{
    static const char what[] = "Azure (workload identity)";
    const char *path = sw_credentials_env("AZURE_FEDERATED_TOKEN_FILE");
    const char *client = sw_credentials_env("AZURE_CLIENT_ID");
    const char *tenant = sw_credentials_env("AZURE_TENANT_ID");
    const char *authority = sw_credentials_env("AZURE_AUTHORITY_HOST");
    struct sw_http_call call = {0};
    struct sw_form form = {0};
    char token[SW_TOKEN_SIZE];
    enum sw_code rc;

    if (path == NULL)
        return SW_OK;
    if (client == NULL || tenant == NULL)
        return sw_fail(err, SW_CONFIGURATION,
                       "AZURE_FEDERATED_TOKEN_FILE is set, AZURE_CLIENT_ID or AZURE_TENANT_ID is "
                       "not");
    if (strspn(tenant, SW_KEY_LETTERS) != strlen(tenant))
        return sw_fail(err, SW_CONFIGURATION, "AZURE_TENANT_ID is no name of a tenant");
    if (authority == NULL)
        authority = "https://login.microsoftonline.com/";
    rc = sw_credentials_read_token(path, "AZURE_FEDERATED_TOKEN_FILE", token, sizeof(token), err);
    if (rc != SW_OK)
        return rc;
    (void)snprintf(call.request.url, sizeof(call.request.url), "%s%s%s/oauth2/v2.0/token",
                   authority, authority[strlen(authority) - 1] == '/' ? "" : "/", tenant);
    sw_form_add(&form, "client_id", client);
    sw_form_add(&form, "scope", "https://storage.azure.com/.default");
    sw_form_add(&form, "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    sw_form_add(&form, "client_assertion", token);
    sw_form_add(&form, "grant_type", "client_credentials");
    explicit_bzero(token, sizeof(token));
    rc = sw_credentials_post(credentials, &call, &form, what, deadline_us, err);
    if (rc == SW_OK)
        rc = sw_credentials_take_bearer(credentials, &call.response, what, ret, err);
    *ret_has = rc == SW_OK;
    sw_form_fini(&form);
    sw_credentials_forget(&call);
    return rc;
}

/* ---- managed identity: the machine's metadata -------------------------------- */

static void metadata_url(char *ret, size_t size)
{
    const char *host = sw_credentials_env("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    const char *client = sw_credentials_env("AZURE_CLIENT_ID");
    struct sw_form query = {0};

    if (host == NULL)
        host = "http://169.254.169.254";
    sw_form_add(&query, "api-version", "2018-02-01");
    sw_form_add(&query, "resource", "https://storage.azure.com/");
    if (client != NULL) /* of a user-assigned identity */
        sw_form_add(&query, "client_id", client);
    (void)snprintf(ret, size, "%s%smetadata/identity/oauth2/token?%.*s", host,
                   host[strlen(host) - 1] == '/' ? "" : "/", (int)query.size,
                   query.text != NULL ? query.text : "");
    sw_form_fini(&query);
}

static enum sw_code fetch_managed_identity(struct sw_credentials *credentials, uint64_t deadline_us,
                                           struct sw_secret *ret, bool *ret_has, struct sw_err *err)
{
    static const char what[] = "Azure (managed identity)";
    uint64_t patience_us = sw_clock_monotonic_us(credentials->clock) + METADATA_TIMEOUT_US;
    struct sw_http_call call = {.request = {.method = "GET"}};
    enum sw_code rc;

    metadata_url(call.request.url, sizeof(call.request.url));
    if (!sw_http_add_header(&call.request, "Metadata", "true"))
        return sw_fail(err, SW_NO_MEMORY, "%s: no memory for the request", what);
    rc = sw_credentials_ask(credentials, &call, what,
                            deadline_us < patience_us ? deadline_us : patience_us, err);
    if (rc == SW_OK) {
        rc = sw_credentials_take_bearer(credentials, &call.response, what, ret, err);
        *ret_has = rc == SW_OK;
    } else if (!call.response.arrived) {
        rc = sw_wrap(err, "there is no SAS, no key, no workload identity");
    }
    sw_credentials_forget(&call);
    return rc;
}

enum sw_code sw_credentials_azure(const struct sw_credentials_options *options,
                                  struct sw_credentials **ret, struct sw_err *err)
{
    static const struct sw_source sources[] = {
        {"AZURE_STORAGE_SAS_TOKEN", fetch_sas},
        {"AZURE_STORAGE_KEY", fetch_key},
        {"workload identity", fetch_workload_identity},
        {"managed identity", fetch_managed_identity},
    };

    return sw_credentials_new(options, "Azure", sources, sizeof(sources) / sizeof(sources[0]), ret,
                              err);
}
