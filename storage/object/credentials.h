/* SPDX-License-Identifier: Apache-2.0
 *
 * credentials - what the chains of the three clouds share, for the files of this folder.
 *
 *   credentials.c         when a chain is asked again, and what holds until then
 *   credentials_ask.c     one exchange with an identity service
 *   credentials_parse.c   what files, JSON replies and clocks say; pure; fuzzed
 *
 * Owns:    a chain owns its secret, and wipes it before it lets it go.
 * Threads: one at a time per chain.
 * Fails:   STORE_UNAVAILABLE: a service that should answer does not. STORE_REFUSED: it says no,
 *          or there are no credentials. CONFIGURATION: a variable or a file is wrong. CANCELLED,
 *          NO_MEMORY. Texts name variables, files, services and error codes, nothing secret.
 */
#ifndef SW_CREDENTIALS_H
#define SW_CREDENTIALS_H

#include "storage/object/form.h"
#include "storage/object/object.intern.h"

enum {
    SW_TOKEN_SIZE = 16 * 1024, /* of a token with its NUL; real ones have 1 to 4 KiB */
    SW_CREDENTIALS_FILE_SIZE = 64 * 1024
};

struct sw_source {
    const char *name; /* "environment" */
    /* SW_OK and *ret_has false: there is nothing for us here, ask the next one. *ret is zeroed
     * before, and wiped by the caller after a failure. */
    enum sw_code (*fetch)(struct sw_credentials *credentials, uint64_t deadline_us,
                          struct sw_secret *ret, bool *ret_has, struct sw_err *err);
};

struct sw_credentials {
    struct sw_http *http;
    const struct sw_clock *clock;
    char region[64]; /* "": none was given */
    const char *cloud;
    const struct sw_source *sources;
    size_t sources_count;

    const struct sw_source *from; /* of secret; NULL: there is none */
    struct sw_secret secret;
    uint64_t refresh_ms; /* wall clock: 80 % of its life is over; meaningless when it has no end */
    uint64_t not_before_us; /* monotonic: nobody is asked again before */
    struct sw_err failed;   /* why there is none */
    char note[200];         /* why a source of the chain passed on; "" : nothing to say */
};

SW_MUST_CHECK enum sw_code sw_credentials_new(const struct sw_credentials_options *options,
                                              const char *cloud, const struct sw_source *sources,
                                              size_t sources_count, struct sw_credentials **ret,
                                              struct sw_err *err);
/* Overwrites and frees what is in it. */
void sw_secret_wipe(struct sw_secret *secret);
/* Sets the token to a copy. */
SW_MUST_CHECK enum sw_code sw_secret_set_token(struct sw_secret *secret, const char *token,
                                               struct sw_err *err);

/* NULL when it is not set or empty. */
const char *sw_credentials_env(const char *name);

/* ---- credentials_ask.c ------------------------------------------------------ */

/* Sends call->request, of which method, URL, headers and body are set, and waits. SW_OK: the
 * answer is 200 with a body. STORE_REFUSED: response.status says what else it was. Plain http
 * goes to loopback and link-local metadata addresses alone. what: "AWS STS". */
SW_MUST_CHECK enum sw_code sw_credentials_ask(struct sw_credentials *credentials,
                                              struct sw_http_call *call, const char *what,
                                              uint64_t deadline_us, struct sw_err *err);
/* Frees what a call holds, its response overwritten. */
void sw_credentials_forget(struct sw_http_call *call);

/* An OAuth 2 token reply: access_token and expires_in. */
SW_MUST_CHECK enum sw_code sw_credentials_take_bearer(struct sw_credentials *credentials,
                                                      const struct sw_http_response *response,
                                                      const char *what, struct sw_secret *ret,
                                                      struct sw_err *err);

/* POSTs the form to call->request.url and waits, as sw_credentials_ask. */
SW_MUST_CHECK enum sw_code sw_credentials_post(struct sw_credentials *credentials,
                                               struct sw_http_call *call,
                                               const struct sw_form *form, const char *what,
                                               uint64_t deadline_us, struct sw_err *err);

/* ---- credentials_parse.c ---------------------------------------------------- */

/* Texts and whole numbers of a JSON object; a field's name may be a path, "a.b". What is not
 * there is "". False: not a JSON object. */
bool sw_credentials_read_json(struct sw_span json, struct sw_reply_field *fields, size_t count);

/* Values of a section of an INI file as the AWS tools write it; later lines win. False: there is
 * no such section. */
bool sw_credentials_read_ini(struct sw_span text, const char *section,
                             struct sw_reply_field *fields, size_t count);

/* "2026-11-24T22:50:00Z", with a fraction, an offset, or less precise down to the day; ISO 8601
 * as AWS, Google and Azure write it. Years 1970 to 9999. */
bool sw_credentials_read_time(const char *text, uint64_t *ret_ms);

/* Digits alone, up to ten of them. */
bool sw_credentials_read_seconds(const char *text, uint64_t *ret_seconds);

/* A parameter of a query ("a=1&b=2"), its percent-encoding undone; false: not there, too long,
 * or badly encoded. */
bool sw_credentials_read_query(const char *query, const char *name, char *ret, size_t size);

/* Whether http:// may be used for this URL: loopback, and the addresses at which clouds serve
 * metadata to their machines. */
bool sw_credentials_may_be_plain(const char *url);

/* Reads a file of at most size - 1 bytes; what: the variable that named it. */
SW_MUST_CHECK enum sw_code sw_credentials_read_file(const char *path, const char *what, char *ret,
                                                    size_t size, struct sw_err *err);
/* As above: one token, without the blanks and line breaks around it; none within. */
SW_MUST_CHECK enum sw_code sw_credentials_read_token(const char *path, const char *what, char *ret,
                                                     size_t size, struct sw_err *err);

/* ---- credentials_google.c ---------------------------------------------------- */

/* A file that GOOGLE_APPLICATION_CREDENTIALS names. */
struct sw_google_account {
    char type[32]; /* "service_account" or "external_account"; the other's fields are "" */
    char client_email[256];
    char private_key_id[128];
    char private_key[8 * 1024]; /* PEM */
    char token_uri[512];
    char audience[512];
    char subject_token_type[128];
    char token_url[512];
    char impersonation_url[512];
    char token_file[1024];
    char token_format[16]; /* "", "text" or "json" */
    char token_field[64];
};

/* CONFIGURATION when it is another file, or one that cannot be used. */
SW_MUST_CHECK enum sw_code
sw_google_read_account(struct sw_span json, struct sw_google_account *ret, struct sw_err *err);

#endif
