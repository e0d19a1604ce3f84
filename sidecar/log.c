/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "sidecar/text.h"
#include "storage/base/clock.h"

enum {
    LINE_MAX_BYTES = 4096, /* PIPE_BUF: so much reaches a pipe in one piece */
    TAIL_BYTES = 16,       /* kept free for the end of the line, see end() */
    UNIT_BYTES = 6         /* the longest escape of one character */
};

static _Atomic int level_min = SW_LOG_INFO;
static _Atomic bool as_text = false;

struct line {
    char bytes[LINE_MAX_BYTES];
    size_t size;
    bool text;
    bool cut;
};

static size_t room(const struct line *line)
{
    return LINE_MAX_BYTES - TAIL_BYTES - line->size;
}

static void put(struct line *line, const char *bytes, size_t size)
{
    memcpy(line->bytes + line->size, bytes, size);
    line->size += size;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* One character, escaped as JSON wants it; bytes that are not UTF-8 become U+FFFD. */
static void put_unit(struct line *line, struct sw_span unit)
{
    uint8_t c = unit.data[0];

    if (sw_utf8_size(unit) == 0) {
        put_text(line, "\\ufffd");
    } else if (c == '"' || c == '\\') {
        put(line, "\\", 1);
        put(line, (const char *)&c, 1);
    } else if (c < 0x20 || c == 0x7f) {
        char escape[UNIT_BYTES + 1];

        (void)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)c);
        put_text(line, escape);
    } else {
        put(line, (const char *)unit.data, unit.size);
    }
}

static void put_string(struct line *line, const char *text)
{
    struct sw_span left = sw_span_of_text(text);

    put(line, "\"", 1);
    while (left.size > 0) {
        size_t size = sw_utf8_size(left);
        struct sw_span unit = sw_span_of(left.data, size > 0 ? size : 1);

        if (room(line) < UNIT_BYTES + 1) {
            line->cut = true;
            break;
        }
        put_unit(line, unit);
        left = sw_span_of(left.data + unit.size, left.size - unit.size);
    }
    put(line, "\"", 1);
}

/* Whether a value reads well without quotes in the text form. */
static bool is_plain(const char *text)
{
    if (text[0] == '\0' || strlen(text) > 256)
        return false;
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~' || *text == '"' || *text == '\\' || *text == '=')
            return false;
    }
    return true;
}

static void put_field(struct line *line, const struct sw_log_field *field)
{
    char number[24];

    if (room(line) < strlen(field->key) + 300) { /* the rest of the fields goes too */
        line->cut = true;
        return;
    }
    put_text(line, line->text ? " " : ",\"");
    put_text(line, field->key);
    put_text(line, line->text ? "=" : "\":");
    if (field->text == NULL) {
        (void)snprintf(number, sizeof(number), "%" PRIu64, field->number);
        put_text(line, number);
    } else if (line->text && is_plain(field->text)) {
        put_text(line, field->text);
    } else {
        put_string(line, field->text);
    }
}

static void begin(struct line *line, enum sw_log_level level, const char *event)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    uint64_t now_ms = sw_clock_now_ms(&sw_clock_system);
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    char stamp[64];
    size_t size;

    if (gmtime_r(&seconds, &utc) == NULL)
        utc = (struct tm){.tm_mday = 1, .tm_year = 70};
    size = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(stamp + size, sizeof(stamp) - size, ".%03uZ", (unsigned)(now_ms % 1000));
    if (line->text) {
        put_text(line, stamp);
        put_text(line, " ");
        put_text(line, names[level]);
        put_text(line, " ");
        put_text(line, event);
        return;
    }
    put_text(line, "{\"time\":\"");
    put_text(line, stamp);
    put_text(line, "\",\"level\":\"");
    put_text(line, names[level]);
    put_text(line, "\",\"event\":");
    put_string(line, event);
}

static void end(struct line *line)
{
    if (line->cut)
        put_text(line, line->text ? " cut=true" : ",\"cut\":true");
    put_text(line, line->text ? "\n" : "}\n");
}

void sw_log_setup(enum sw_log_level level, int text)
{
    atomic_store(&level_min, (int)level);
    atomic_store(&as_text, text != 0);
}

void sw_log_write(enum sw_log_level level, const char *event, const struct sw_log_field *fields)
{
    struct line line;
    ssize_t written;

    if ((int)level < atomic_load(&level_min))
        return;
    line.size = 0;
    line.cut = false;
    line.text = atomic_load(&as_text);
    begin(&line, level, event);
    for (; fields != NULL && fields->key != NULL; fields++)
        put_field(&line, fields);
    end(&line);
    written = write(STDERR_FILENO, line.bytes, line.size);
    (void)written; /* nobody to tell */
}
