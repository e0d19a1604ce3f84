/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/parse.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Reads digits from *text and moves it behind them; false when there is none or too many. */
static bool take_digits(const char **text, uint64_t *ret_number)
{
    const char *at = *text;
    uint64_t number = 0;

    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');

        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *text = at;
    *ret_number = number;
    return true;
}

enum sw_code sw_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number,
                             struct sw_err *err)
{
    const char *at = text;
    uint64_t number;

    if (!take_digits(&at, &number) || *at != '\0')
        return sw_fail(err, SW_CONFIGURATION, "\"%s\" is not a number", text);
    if (number < min || number > max)
        return sw_fail(err, SW_CONFIGURATION,
                       "%" PRIu64 " is out of bounds: %" PRIu64 " to %" PRIu64, number, min, max);
    *ret_number = number;
    return SW_OK;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* A number and one of the units, up to INT64_MAX in all so that sums cannot overflow. */
static bool take_quantity(const char *text, const struct unit *units, uint64_t *ret)
{
    uint64_t number;

    if (!take_digits(&text, &number))
        return false;
    for (; units->name != NULL; units++) {
        if (strcmp(text, units->name) != 0)
            continue;
        if (number > (uint64_t)INT64_MAX / units->factor)
            return false;
        *ret = number * units->factor;
        return true;
    }
    return false;
}

enum sw_code sw_parse_duration_ms(const char *text, uint64_t *ret_ms, struct sw_err *err)
{
    static const struct unit units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};

    if (strcmp(text, "0") == 0) {
        *ret_ms = 0;
        return SW_OK;
    }
    if (!take_quantity(text, units, ret_ms))
        return sw_fail(err, SW_CONFIGURATION,
                       "\"%s\" is not a duration such as 500ms, 10s, 5m, 12h or 30d", text);
    return SW_OK;
}

enum sw_code sw_parse_bytes(const char *text, uint64_t *ret_bytes, struct sw_err *err)
{
    static const struct unit units[] = {{"", 1},
                                        {"B", 1},
                                        {"Ki", 1ull << 10},
                                        {"KiB", 1ull << 10},
                                        {"Mi", 1ull << 20},
                                        {"MiB", 1ull << 20},
                                        {"Gi", 1ull << 30},
                                        {"GiB", 1ull << 30},
                                        {"Ti", 1ull << 40},
                                        {"TiB", 1ull << 40},
                                        {NULL, 0}};

    if (!take_quantity(text, units, ret_bytes))
        return sw_fail(err, SW_CONFIGURATION,
                       "\"%s\" is not a size such as 65536, 64KiB, 16MiB or 8GiB", text);
    return SW_OK;
}

enum sw_code sw_parse_mode(const char *text, uint32_t *ret_mode, struct sw_err *err)
{
    uint32_t mode = 0;

    if (strlen(text) < 3 || strlen(text) > 4 || strspn(text, "01234567") != strlen(text) ||
        (strlen(text) == 4 && text[0] != '0'))
        return sw_fail(err, SW_CONFIGURATION, "\"%s\" is not a mode such as 0660", text);
    for (const char *at = text; *at != '\0'; at++)
        mode = mode << 3 | (uint32_t)(*at - '0');
    *ret_mode = mode;
    return SW_OK;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return false;
}

static enum sw_code bad_address(const char *text, struct sw_err *err)
{
    return sw_fail(err, SW_CONFIGURATION, "\"%s\" is not HOST:PORT", text);
}

enum sw_code sw_parse_host_port(const char *text, const char *host_default,
                                struct sw_host_port *ret_split, struct sw_err *err)
{
    struct sw_host_port split = {0};
    const char *colon = strrchr(text, ':');
    const char *port_text = colon != NULL ? colon + 1 : text;
    const char *host = text;
    size_t host_size = colon != NULL ? (size_t)(colon - text) : 0;
    uint64_t port = 0;

    if (colon == NULL && host_default != NULL) {
        host = host_default;
        host_size = strlen(host);
    } else if (host_size > 2 && host[0] == '[' && host[host_size - 1] == ']') {
        host++;
        host_size -= 2;
    } else if (memchr(host, ':', host_size) != NULL) {
        return sw_fail(err, SW_CONFIGURATION, "\"%s\": write IPv6 as [HOST]:PORT", text);
    }
    if (host_size == 0 || host_size > SW_HOST_MAX || strcspn(host, "[/ ") < host_size)
        return bad_address(text, err);
    if (sw_parse_number(port_text, 0, UINT16_MAX, &port, NULL) != SW_OK)
        return bad_address(text, err);
    memcpy(split.host, host, host_size);
    (void)snprintf(split.port_text, sizeof(split.port_text), "%u", (unsigned)port);
    split.port = (uint16_t)port;
    split.loopback = is_loopback(split.host);
    *ret_split = split;
    return SW_OK;
}

enum sw_code sw_parse_address(const char *text, const char **ret_path,
                              struct sw_host_port *ret_split, struct sw_err *err)
{
    const char *path;

    if (strncmp(text, "unix:", 5) != 0) {
        enum sw_code rc = sw_parse_host_port(text, NULL, ret_split, err);

        if (rc == SW_OK && ret_split->port == 0)
            return sw_fail(err, SW_CONFIGURATION, "\"%s\": port 0 is no address to call", text);
        if (rc != SW_OK)
            return sw_fail(err, SW_CONFIGURATION, "\"%s\" is neither unix:///PATH nor HOST:PORT",
                           text);
        *ret_path = NULL;
        return SW_OK;
    }
    path = text + 5;
    if (strncmp(path, "//", 2) == 0)
        path += 2;
    if (path[0] != '/')
        return sw_fail(err, SW_CONFIGURATION, "\"%s\": a socket's path must be absolute", text);
    if (strlen(path) > SW_SOCKET_PATH_MAX)
        return sw_fail(err, SW_CONFIGURATION, "\"%s\": a socket's path has at most %d bytes", text,
                       SW_SOCKET_PATH_MAX);
    *ret_path = path;
    return SW_OK;
}

bool sw_is_plain_name(const char *text, size_t size_max)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789._-";
    size_t size = strlen(text);

    return size > 0 && size <= size_max && strspn(text, good) == size && strcmp(text, ".") != 0 &&
           strcmp(text, "..") != 0;
}
