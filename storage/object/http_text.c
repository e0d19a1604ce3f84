/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "storage/object/http.h"

enum { RETRY_AFTER_MS_MAX = 3600 * 1000 };

/* Not libcurl's low speed limit: that looks back over five seconds more, in which a body that went
 * counts as speed. A request that was swallowed is what everybody waits for once the store is back.
 */
enum {
    SILENCE_BYTES = 192, /* fewer in so long a time are none */
    SILENCE_US = 3000 * 1000,
    SILENCE_US_KIB = 4000 /* more for each KiB of the body: a second for 256 */
};

bool sw_http_add_header(struct sw_http_request *request, const char *name, const char *value)
{
    char line[SW_HTTP_LINE_MAX];
    int length = snprintf(line, sizeof(line), "%s: %s", name, value);

    if (length < 0 || (size_t)length >= sizeof(line) || strpbrk(line, "\r\n") != NULL ||
        request->headers_count == SW_HTTP_HEADERS_MAX)
        return false;
    request->headers[request->headers_count] = strdup(line);
    if (request->headers[request->headers_count] == NULL)
        return false;
    request->headers_count++;
    return true;
}

void sw_http_request_fini(struct sw_http_request *request)
{
    for (unsigned i = 0; i < request->headers_count; i++) {
        explicit_bzero(request->headers[i], strlen(request->headers[i])); /* tokens */
        free(request->headers[i]);
    }
    request->headers_count = 0;
}

void sw_http_response_fini(struct sw_http_response *response)
{
    free(response->body);
    response->body = NULL;
    response->size = 0;
}

/* The value, without blanks around it, when line is the header `name`. */
static bool read_value(struct sw_span line, const char *name, char *ret, size_t ret_size)
{
    const char *next = (const char *)line.data;
    const char *end = next + line.size;
    size_t length = strlen(name);

    if (line.size <= length || next[length] != ':' || strncasecmp(next, name, length) != 0)
        return false;
    next += length + 1;
    while (next < end && isspace((unsigned char)*next))
        next++;
    while (next < end && isspace((unsigned char)end[-1]))
        end--;
    if ((size_t)(end - next) >= ret_size)
        end = next; /* no value of use is so long */
    memcpy(ret, next, (size_t)(end - next));
    ret[end - next] = '\0';
    return true;
}

/* RFC 9110's IMF-fixdate, the one form that is still sent: Sun, 06 Nov 1994 08:49:37 GMT. */
static uint64_t read_date(const char *text)
{
    struct tm when = {0};
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &when);
    time_t seconds = end == NULL || *end != '\0' ? 0 : timegm(&when);

    return seconds > 0 ? (uint64_t)seconds * 1000 : 0;
}

static uint64_t read_retry_after(const char *text, uint64_t now_ms)
{
    char *end;
    unsigned long seconds = strtoul(text, &end, 10);
    uint64_t wait_ms;

    if (end != text && *end == '\0' && isdigit((unsigned char)text[0])) {
        wait_ms = seconds > RETRY_AFTER_MS_MAX ? RETRY_AFTER_MS_MAX : (uint64_t)seconds * 1000;
    } else {
        uint64_t until_ms = read_date(text);

        wait_ms = until_ms > now_ms ? until_ms - now_ms : 0;
    }
    return wait_ms > RETRY_AFTER_MS_MAX ? RETRY_AFTER_MS_MAX : wait_ms;
}

void sw_http_read_header(struct sw_span line, uint64_t now_ms, struct sw_http_response *response,
                         bool *has_length)
{
    char value[SW_HTTP_URL_MAX];

    if (line.size > 5 && memcmp(line.data, "HTTP/", 5) == 0) {
        const char *blank = memchr(line.data, ' ', line.size);
        size_t left = blank == NULL ? 0 : line.size - (size_t)((const uint8_t *)blank - line.data);

        response->status = 0;
        for (size_t i = 1; i < left && i <= 3 && isdigit((unsigned char)blank[i]); i++)
            response->status = 10 * response->status + (unsigned)(blank[i] - '0');
        *has_length = false;
    } else if (read_value(line, "Date", value, sizeof(value))) {
        response->date_ms = read_date(value);
    } else if (read_value(line, "Retry-After", value, sizeof(value))) {
        response->retry_after_ms = read_retry_after(value, now_ms);
    } else if (read_value(line, "Content-Length", value, sizeof(value))) {
        *has_length = true;
    } else if (read_value(line, "Transfer-Encoding", value, sizeof(value))) {
        *has_length = strcasecmp(value, "chunked") == 0;
    } else if (!read_value(line, "Location", response->location, sizeof(response->location)) &&
               !read_value(line, "x-amz-bucket-region", response->region,
                           sizeof(response->region))) {
        (void)read_value(line, "ETag", response->etag, sizeof(response->etag));
    }
}

void sw_http_host(const char *url, char *ret, size_t size)
{
    const char *start = strstr(url, "://");

    start = start == NULL ? url : start + 3;
    (void)snprintf(ret, size, "%.*s", (int)strcspn(start, "/?#"), start);
}

/* The URLs are ours, so there is no user@ in front of a host. */
bool sw_http_is_exposed(const char *url)
{
    static const char *const near[] = {"127.0.0.1", "localhost", "[::1]"};
    char host[256];

    if (strncasecmp(url, "http://", 7) != 0)
        return false;
    sw_http_host(url, host, sizeof(host));
    for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
        size_t length = strlen(near[i]);

        if (strncasecmp(host, near[i], length) == 0 &&
            (host[length] == '\0' || host[length] == ':'))
            return false;
    }
    return true;
}

bool sw_http_is_silent(struct sw_http_progress *progress, uint64_t bytes, size_t body_bytes,
                       uint64_t now_us)
{
    if (bytes >= progress->bytes + SILENCE_BYTES) {
        progress->bytes = bytes;
        progress->at_us = now_us;
    }
    return now_us > progress->at_us + SILENCE_US + body_bytes / 1024 * SILENCE_US_KIB;
}
