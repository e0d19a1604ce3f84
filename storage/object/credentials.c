/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/object/credentials.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* A source is asked at most once a second. One that fails while the secret still holds is asked
 * again after a tenth of what is left of it, and may keep nobody waiting for long. */
enum {
    ASK_EVERY_US = 1000 * 1000,
    ASK_AGAIN_MAX_US = 60 * 1000 * 1000,
    REFRESH_MAX_US = 2 * 1000 * 1000
};

const char *sw_credentials_env(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

void sw_secret_wipe(struct sw_secret *secret)
{
    if (secret->token != NULL) {
        explicit_bzero(secret->token, strlen(secret->token));
        free(secret->token);
    }
    explicit_bzero(secret, sizeof(*secret));
}

enum sw_code sw_secret_set_token(struct sw_secret *secret, const char *token, struct sw_err *err)
{
    assert(secret->token == NULL);
    secret->token = strdup(token);
    return secret->token != NULL ? SW_OK : sw_fail(err, SW_NO_MEMORY, "no memory for a token");
}

enum sw_code sw_credentials_new(const struct sw_credentials_options *options, const char *cloud,
                                const struct sw_source *sources, size_t sources_count,
                                struct sw_credentials **ret, struct sw_err *err)
{
    struct sw_credentials *credentials = calloc(1, sizeof(*credentials));

    if (credentials == NULL)
        return sw_fail(err, SW_NO_MEMORY, "no memory for credentials");
    credentials->http = options->http;
    credentials->clock = options->clock;
    if (options->region != NULL)
        (void)snprintf(credentials->region, sizeof(credentials->region), "%s", options->region);
    credentials->cloud = cloud;
    credentials->sources = sources;
    credentials->sources_count = sources_count;
    *ret = credentials;
    return SW_OK;
}

void sw_credentials_free(struct sw_credentials *credentials)
{
    if (credentials == NULL)
        return;
    sw_secret_wipe(&credentials->secret);
    free(credentials);
}

const char *sw_credentials_source(const struct sw_credentials *credentials)
{
    return credentials->from != NULL ? credentials->from->name : "none";
}

uint64_t sw_credentials_end_ms(const struct sw_credentials *credentials)
{
    return credentials->secret.is_last ? credentials->secret.expires_ms : 0;
}

static enum sw_code fail_for_none(const struct sw_credentials *credentials, struct sw_err *err)
{
    char names[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < credentials->sources_count; i++) {
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? ", " : "",
                                 credentials->sources[i].name);
        assert(used < sizeof(names));
    }
    return sw_fail(err, SW_STORE_REFUSED, "no %s credentials: looked at %s%s%s", credentials->cloud,
                   names, credentials->note[0] != '\0' ? "; " : "", credentials->note);
}

static enum sw_code ask_sources(struct sw_credentials *credentials, uint64_t deadline_us,
                                struct sw_secret *ret, const struct sw_source **ret_from,
                                struct sw_err *err)
{
    credentials->note[0] = '\0';
    for (size_t i = 0; i < credentials->sources_count; i++) {
        const struct sw_source *source = &credentials->sources[i];
        bool has = false;
        enum sw_code rc;

        rc = source->fetch(credentials, deadline_us, ret, &has, err);
        if (rc != SW_OK) {
            sw_secret_wipe(ret);
            return rc;
        }
        if (has) {
            *ret_from = source;
            return SW_OK;
        }
    }
    return fail_for_none(credentials, err);
}

static void replace(struct sw_credentials *credentials, struct sw_secret *fresh,
                    const struct sw_source *from, uint64_t now_ms)
{
    uint64_t expires_ms = fresh->expires_ms;

    sw_secret_wipe(&credentials->secret);
    credentials->secret = *fresh;
    credentials->from = from;
    credentials->refresh_ms =
        expires_ms > now_ms ? now_ms + (expires_ms - now_ms) / 5 * 4 : expires_ms;
}

static uint64_t clamped(uint64_t value, uint64_t min, uint64_t max)
{
    return value < min ? min : value > max ? max : value;
}

/* Asks the chain. What held before is kept when it still does; a secret that was refused or is
 * over is not given out again. */
static enum sw_code refresh(struct sw_credentials *credentials, bool refused, uint64_t deadline_us,
                            struct sw_err *err)
{
    uint64_t now_ms = sw_clock_now_ms(credentials->clock);
    uint64_t now_us = sw_clock_monotonic_us(credentials->clock);
    uint64_t expires_ms = credentials->secret.expires_ms;
    bool holds = credentials->from != NULL && !refused && now_ms < expires_ms;
    const struct sw_source *from = NULL;
    struct sw_secret fresh = {0};
    struct sw_err failed = {.code = SW_OK};
    enum sw_code rc;

    if (holds && deadline_us > now_us + REFRESH_MAX_US)
        deadline_us = now_us + REFRESH_MAX_US;
    credentials->not_before_us = now_us + ASK_EVERY_US;
    rc = ask_sources(credentials, deadline_us, &fresh, &from, &failed);
    if (rc == SW_OK) {
        replace(credentials, &fresh, from, now_ms);
        return SW_OK;
    }
    if (holds) {
        credentials->not_before_us =
            sw_clock_monotonic_us(credentials->clock) +
            clamped((expires_ms - now_ms) * 1000 / 10, ASK_EVERY_US, ASK_AGAIN_MAX_US);
        return SW_OK;
    }
    sw_secret_wipe(&credentials->secret);
    credentials->from = NULL;
    credentials->failed = failed;
    if (err != NULL)
        *err = failed;
    return rc;
}

enum sw_code sw_credentials_get(struct sw_credentials *credentials, bool refused,
                                uint64_t deadline_us, const struct sw_secret **ret,
                                struct sw_err *err)
{
    uint64_t expires_ms = credentials->secret.expires_ms;
    bool due = credentials->from == NULL || refused ||
               (expires_ms != 0 && sw_clock_now_ms(credentials->clock) >= credentials->refresh_ms);
    enum sw_code rc = SW_OK;

    if (due && sw_clock_monotonic_us(credentials->clock) >= credentials->not_before_us) {
        rc = refresh(credentials, refused, deadline_us, err);
    } else if (credentials->from == NULL) {
        if (err != NULL)
            *err = credentials->failed;
        rc = credentials->failed.code;
    }
    if (rc == SW_OK)
        *ret = &credentials->secret;
    return rc;
}
