/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "storage/object/credentials.h"

/* A value with a NUL in it is no text: it counts as not there. */
static void set_field(struct sw_reply_field *field, struct sw_span value)
{
    if (value.size > 0 && memchr(value.data, '\0', value.size) != NULL)
        value.size = 0;
    field->cut = value.size >= field->size;
    if (field->cut)
        value.size = field->size - 1;
    if (value.size > 0)
        memcpy(field->ret, value.data, value.size);
    field->ret[value.size] = '\0';
}

static void clear_fields(struct sw_reply_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fields[i].ret[0] = '\0';
        fields[i].cut = false;
    }
}

/* ---- JSON ---------------------------------------------------------------- */

/* "a.b" within object; NULL: there is none. */
static const cJSON *find_item(const cJSON *object, const char *path)
{
    char name[64];

    while (object != NULL) {
        size_t size = strcspn(path, ".");

        if (size >= sizeof(name))
            return NULL;
        memcpy(name, path, size);
        name[size] = '\0';
        object = cJSON_GetObjectItemCaseSensitive(object, name);
        if (path[size] == '\0')
            return object;
        path += size + 1;
    }
    return NULL;
}

static void take_item(struct sw_reply_field *field, const cJSON *item)
{
    char digits[24];

    if (cJSON_IsString(item)) {
        set_field(field, sw_span_of_text(item->valuestring));
    } else if (cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 1e15) {
        (void)snprintf(digits, sizeof(digits), "%" PRIu64, (uint64_t)item->valuedouble);
        set_field(field, sw_span_of_text(digits));
    }
}

bool sw_credentials_read_json(struct sw_span json, struct sw_reply_field *fields, size_t count)
{
    cJSON *root = json.size > 0 ? cJSON_ParseWithLength((const char *)json.data, json.size) : NULL;
    bool is_object = cJSON_IsObject(root);

    clear_fields(fields, count);
    for (size_t i = 0; is_object && i < count; i++)
        take_item(&fields[i], find_item(root, fields[i].name));
    cJSON_Delete(root);
    return is_object;
}

/* ---- INI ----------------------------------------------------------------- */

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct sw_span trimmed(struct sw_span text)
{
    while (text.size > 0 && is_blank(text.data[0]))
        text = sw_span_of(text.data + 1, text.size - 1);
    while (text.size > 0 && is_blank(text.data[text.size - 1]))
        text.size--;
    return text;
}

/* Cuts the text behind the first `at`; the part before it is returned. */
static struct sw_span split(struct sw_span *text, char at)
{
    const uint8_t *found = text->size > 0 ? memchr(text->data, at, text->size) : NULL;
    size_t size = found != NULL ? (size_t)(found - text->data) : text->size;
    struct sw_span before = sw_span_of(text->data, size);

    if (found != NULL)
        size++;
    *text = sw_span_of(text->size > 0 ? text->data + size : NULL, text->size - size);
    return before;
}

static void take_line(struct sw_span line, struct sw_reply_field *fields, size_t count)
{
    struct sw_span value = line;
    struct sw_span name = trimmed(split(&value, '='));

    for (size_t i = 0; i < count; i++) {
        if (sw_span_equal(name, sw_span_of_text(fields[i].name)))
            set_field(&fields[i], trimmed(value));
    }
}

bool sw_credentials_read_ini(struct sw_span text, const char *section,
                             struct sw_reply_field *fields, size_t count)
{
    bool inside = false;
    bool found = false;

    clear_fields(fields, count);
    while (text.size > 0) {
        struct sw_span line = split(&text, '\n');

        /* An indented line belongs to the setting above it, none of ours. */
        if (line.size == 0 || line.data[0] == '#' || line.data[0] == ';' || is_blank(line.data[0]))
            continue;
        if (line.data[0] == '[') {
            struct sw_span name = sw_span_of(line.data + 1, line.size - 1);

            name = trimmed(split(&name, ']'));
            inside = sw_span_equal(name, sw_span_of_text(section));
            found = found || inside;
        } else if (inside) {
            take_line(line, fields, count);
        }
    }
    return found;
}

/* ---- times and numbers --------------------------------------------------- */

/* Exactly so many digits at *text, which steps behind them. */
static bool read_digits(const char **text, unsigned count, unsigned *ret)
{
    unsigned value = 0;

    for (unsigned i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        value = value * 10 + (unsigned)(**text - '0');
    }
    *ret = value;
    return true;
}

static bool step_over(const char **text, char expected)
{
    if (**text != expected)
        return false;
    (*text)++;
    return true;
}

/* Days from 1970-01-01, of the Gregorian calendar; the year begins with March so that the leap
 * day is its last. */
static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

/* "Z", "", "+hh:mm" or "-hh:mm" to the text's end. */
static bool read_offset(const char *text, int64_t *ret_minutes)
{
    unsigned hours = 0;
    unsigned minutes = 0;
    bool behind = *text == '-';

    *ret_minutes = 0;
    if (*text == '\0' || strcmp(text, "Z") == 0)
        return true;
    if (*text != '+' && *text != '-')
        return false;
    text++;
    if (!read_digits(&text, 2, &hours))
        return false;
    (void)step_over(&text, ':');
    if (!read_digits(&text, 2, &minutes) || *text != '\0' || hours > 23 || minutes > 59)
        return false;
    *ret_minutes = (behind ? -1 : 1) * (int64_t)(hours * 60 + minutes);
    return true;
}

bool sw_credentials_read_time(const char *text, uint64_t *ret_ms)
{
    unsigned year;
    unsigned month;
    unsigned day;
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    int64_t offset_minutes;
    int64_t seconds;

    if (!read_digits(&text, 4, &year) || !step_over(&text, '-') || !read_digits(&text, 2, &month) ||
        !step_over(&text, '-') || !read_digits(&text, 2, &day))
        return false;
    if (step_over(&text, 'T')) {
        if (!read_digits(&text, 2, &hour) || !step_over(&text, ':') ||
            !read_digits(&text, 2, &minute))
            return false;
        if (step_over(&text, ':') && !read_digits(&text, 2, &second))
            return false;
        if (step_over(&text, '.'))
            text += strspn(text, "0123456789");
    }
    if (!read_offset(text, &offset_minutes) || year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    seconds = days_of(year, month, day) * 86400 + (int64_t)hour * 3600 +
              ((int64_t)minute - offset_minutes) * 60 + second;
    if (seconds < 0)
        return false;
    *ret_ms = (uint64_t)seconds * 1000;
    return true;
}

bool sw_credentials_read_seconds(const char *text, uint64_t *ret_seconds)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 10 || text[digits] != '\0')
        return false;
    *ret_seconds = strtoull(text, NULL, 10);
    return true;
}

/* ---- URLs ---------------------------------------------------------------- */

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static bool decode(struct sw_span text, char *ret, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < text.size; i++) {
        char byte = (char)text.data[i];

        if (byte == '%') {
            int high = i + 2 < text.size ? hex_value((char)text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_value((char)text.data[i + 2]) : -1;

            if (high < 0 || low < 0 || high + low == 0)
                return false;
            byte = (char)(high * 16 + low);
            i += 2;
        }
        if (used + 1 >= size)
            return false;
        ret[used++] = byte;
    }
    ret[used] = '\0';
    return true;
}

bool sw_credentials_read_query(const char *query, const char *name, char *ret, size_t size)
{
    struct sw_span rest = sw_span_of_text(query);

    while (rest.size > 0) {
        struct sw_span value = split(&rest, '&');

        if (sw_span_equal(split(&value, '='), sw_span_of_text(name)))
            return decode(value, ret, size);
    }
    return false;
}

static bool is_local(const char *host)
{
    static const char *const names[] = {
        "localhost",    "::1", "metadata.google.internal", "fd00:ec2::254", /* EC2's metadata */
        "fd00:ec2::23", /* EKS Pod Identity's agent */
    };
    struct in_addr address;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(host, names[i]) == 0)
            return true;
    }
    if (inet_pton(AF_INET, host, &address) != 1)
        return false;
    return ntohl(address.s_addr) >> 24 == 127 ||
           ntohl(address.s_addr) >> 16 == 0xa9fe; /* 169.254 */
}

bool sw_credentials_may_be_plain(const char *url)
{
    char host[256];
    size_t size;

    if (strncasecmp(url, "http://", 7) != 0)
        return false;
    url += 7;
    size = strcspn(url, "/?#");
    if (memchr(url, '@', size) != NULL) /* a user before the host: nobody has to write that */
        return false;
    if (size > 0 && url[0] == '[') {
        url++;
        size = strcspn(url, "]/?#");
        if (url[size] != ']' ||
            (url[size + 1] != ':' && url[size + 1] != '/' && url[size + 1] != '\0'))
            return false;
    } else {
        size_t port = strcspn(url, ":");

        size = port < size ? port : size;
    }
    if (size == 0 || size >= sizeof(host))
        return false;
    memcpy(host, url, size);
    host[size] = '\0';
    return is_local(host);
}

/* ---- files --------------------------------------------------------------- */

enum sw_code sw_credentials_read_file(const char *path, const char *what, char *ret, size_t size,
                                      struct sw_err *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    enum sw_code rc = SW_OK;
    size_t used = 0;
    ssize_t got = 1;

    if (file < 0)
        return sw_fail(err, SW_CONFIGURATION, "%s: %s: %s", what, path, strerror(errno));
    while (got != 0 && used < size && rc == SW_OK) {
        got = read(file, ret + used, size - used);
        if (got < 0 && errno != EINTR)
            rc = sw_fail(err, SW_CONFIGURATION, "%s: %s: %s", what, path, strerror(errno));
        else if (got > 0)
            used += (size_t)got;
    }
    (void)close(file);
    if (rc == SW_OK && used == size)
        rc = sw_fail(err, SW_CONFIGURATION, "%s: %s has more than %zu bytes", what, path, size - 1);
    if (rc == SW_OK)
        ret[used] = '\0';
    return rc;
}

enum sw_code sw_credentials_read_token(const char *path, const char *what, char *ret, size_t size,
                                       struct sw_err *err)
{
    enum sw_code rc = sw_credentials_read_file(path, what, ret, size, err);
    struct sw_span token;

    if (rc != SW_OK)
        return rc;
    token = trimmed(sw_span_of_text(ret));
    if (token.size == 0)
        return sw_fail(err, SW_CONFIGURATION, "%s: %s is empty", what, path);
    for (size_t i = 0; i < token.size; i++) {
        if (token.data[i] <= ' ' || token.data[i] > '~')
            return sw_fail(err, SW_CONFIGURATION, "%s: %s holds more than one word", what, path);
    }
    memmove(ret, token.data, token.size);
    ret[token.size] = '\0';
    return SW_OK;
}
