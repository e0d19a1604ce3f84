/* SPDX-License-Identifier: Apache-2.0
 *
 * tls - mutual TLS for TCP, with certificates that are read again when they change.
 *
 * gRPC asks for the configuration at each handshake; the files' times and sizes say
 * whether there is anything new. A file that cannot be read then leaves the last good
 * certificates in force and is logged.
 */
#include <assert.h>
#include <errno.h>
#include <grpc/grpc_security.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sidecar/log.h"
#include "sidecar/rpc/rpc.intern.h"

enum { FILES = 3, FILE_BYTES_MAX = 1 << 20 };

struct tls {
    const char *paths[FILES]; /* certificate chain, key, client CA */
    struct timespec times[FILES];
    off_t sizes[FILES];
};

static enum sw_code read_file(const char *path, char **ret_text, struct sw_err *err)
{
    FILE *file = fopen(path, "re");
    char *text;
    size_t size;

    if (file == NULL)
        return sw_fail(err, SW_CONFIGURATION, "%s: %s", path, strerror(errno));
    text = calloc(1, FILE_BYTES_MAX + 1);
    assert(text != NULL);
    size = fread(text, 1, FILE_BYTES_MAX, file);
    fclose(file);
    if (size == 0) {
        free(text);
        return sw_fail(err, SW_CONFIGURATION, "%s: empty or unreadable", path);
    }
    *ret_text = text;
    return SW_OK;
}

static grpc_ssl_server_certificate_config *read_config(const struct tls *tls, struct sw_err *err)
{
    char *texts[FILES] = {NULL};
    grpc_ssl_server_certificate_config *config = NULL;
    enum sw_code rc = SW_OK;

    for (int i = 0; i < FILES && rc == SW_OK; i++)
        rc = read_file(tls->paths[i], &texts[i], err);
    if (rc == SW_OK) {
        grpc_ssl_pem_key_cert_pair pair = {.private_key = texts[1], .cert_chain = texts[0]};

        config = grpc_ssl_server_certificate_config_create(texts[2], &pair, 1);
    }
    for (int i = 0; i < FILES; i++)
        free(texts[i]);
    return config;
}

static bool has_changed(struct tls *tls)
{
    bool changed = false;

    for (int i = 0; i < FILES; i++) {
        struct stat now;

        if (stat(tls->paths[i], &now) != 0)
            continue; /* being replaced: the next handshake sees it */
        changed |= now.st_size != tls->sizes[i] || now.st_mtim.tv_sec != tls->times[i].tv_sec ||
                   now.st_mtim.tv_nsec != tls->times[i].tv_nsec;
        tls->sizes[i] = now.st_size;
        tls->times[i] = now.st_mtim;
    }
    return changed;
}

static grpc_ssl_certificate_config_reload_status
reload(void *self, grpc_ssl_server_certificate_config **ret_config)
{
    struct sw_err err = {0};

    if (!has_changed(self))
        return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    *ret_config = read_config(self, &err);
    if (*ret_config == NULL) {
        sw_log(ERROR, "certificates not reloaded", {"error", .text = err.text});
        return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
    }
    sw_log_write(SW_LOG_INFO, "certificates loaded", NULL);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

enum sw_code sw_tls_credentials(const struct sw_config *config,
                                grpc_server_credentials **ret_credentials, struct sw_err *err)
{
    static struct tls tls; /* lives as long as gRPC may ask */
    grpc_ssl_server_certificate_config *first;
    grpc_ssl_server_credentials_options *options;

    tls = (struct tls){.paths = {config->tls_cert, config->tls_key, config->tls_client_ca}};
    first = read_config(&tls, err); /* so that a bad file is found at the start */
    if (first == NULL)
        return sw_wrap(err, "TLS");
    grpc_ssl_server_certificate_config_destroy(first);
    options = grpc_ssl_server_credentials_create_options_using_config_fetcher(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, reload, &tls);
    *ret_credentials = grpc_ssl_server_credentials_create_with_options(options);
    if (*ret_credentials == NULL)
        return sw_fail(err, SW_CONFIGURATION, "TLS: certificate and key do not fit");
    return SW_OK;
}
