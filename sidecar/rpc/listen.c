/* SPDX-License-Identifier: Apache-2.0
 *
 * listen - addresses: Unix sockets with their mode, TCP plain on loopback only.
 */
#include <errno.h>
#include <grpc/grpc_security.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sidecar/log.h"
#include "sidecar/parse.h"
#include "sidecar/rpc/listen.h"

static const char unix_scheme[] = "unix://";

static bool is_unix(const char *address)
{
    return strncmp(address, unix_scheme, strlen(unix_scheme)) == 0;
}

/* gRPC takes over the path of a living server without a word: look first. */
static bool is_alive(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool alive;

    if (probe < 0)
        return false;
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    alive = connect(probe, (struct sockaddr *)&to, sizeof to) == 0;
    close(probe);
    return alive;
}

/* The socket's folder, one level, as a convenience; other folders must exist. */
static void make_folder(const char *path)
{
    char folder[sizeof((struct sockaddr_un *)NULL)->sun_path];
    char *slash;

    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder) {
        *slash = '\0';
        (void)mkdir(folder, 0755);
    }
}

static enum sw_code listen_unix(grpc_server *grpc, const char *address, uint32_t mode,
                                struct sw_err *err)
{
    const char *path = address + strlen(unix_scheme);
    grpc_server_credentials *plain;
    char target[256];
    struct stat found;
    mode_t before;
    int port;

    if (path[0] != '/' || strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return sw_fail(err, SW_CONFIGURATION,
                       "listen on %s: the path must be absolute and shorter than 108 bytes",
                       address);
    if (lstat(path, &found) == 0 && !S_ISSOCK(found.st_mode))
        return sw_fail(err, SW_CONFIGURATION, "listen on %s: there is a file that is no socket",
                       address);
    if (is_alive(path))
        return sw_fail(err, SW_CONFIGURATION, "listen on %s: another process listens there",
                       address);
    make_folder(path);
    snprintf(target, sizeof target, "unix:%s", path);
    plain = grpc_insecure_server_credentials_create();
    before = umask(0777 & ~(mode_t)mode);
    port = grpc_server_add_http2_port(grpc, target, plain);
    umask(before);
    grpc_server_credentials_release(plain);
    if (port == 0 || chmod(path, (mode_t)mode) != 0)
        return sw_fail(err, SW_CONFIGURATION, "listen on %s: %s", address,
                       errno ? strerror(errno) : "refused");
    return SW_OK;
}

static enum sw_code listen_tcp(grpc_server *grpc, const char *address,
                               const struct sw_config *config, struct sw_err *err)
{
    grpc_server_credentials *credentials = NULL;
    struct sw_host_port split;
    enum sw_code rc = sw_parse_host_port(address, NULL, &split, err);
    int port;

    if (rc != SW_OK)
        return rc;
    if (config->tls_cert != NULL) {
        rc = sw_tls_credentials(config, &credentials, err);
        if (rc != SW_OK)
            return rc;
    } else if (split.loopback) {
        credentials = grpc_insecure_server_credentials_create();
    } else {
        return sw_fail(err, SW_CONFIGURATION,
                       "listen on %s: beyond loopback only with --tls-cert, --tls-key and "
                       "--tls-client-ca",
                       address);
    }
    port = grpc_server_add_http2_port(grpc, address, credentials);
    grpc_server_credentials_release(credentials);
    if (port == 0)
        return sw_fail(err, SW_CONFIGURATION, "listen on %s: the address is taken or unknown",
                       address);
    return SW_OK;
}

enum sw_code sw_listen(grpc_server *grpc, const char *address, const struct sw_config *config,
                       struct sw_err *err)
{
    enum sw_code rc = is_unix(address) ? listen_unix(grpc, address, config->socket_mode, err)
                                       : listen_tcp(grpc, address, config, err);

    if (rc == SW_OK)
        sw_log(INFO, "listening", {"address", .text = address});
    return rc;
}
