/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/print.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sidecar/text.h"

bool sw_print_is_coloured(FILE *out)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    if (no_colour != NULL && no_colour[0] != '\0')
        return false;
    return isatty(fileno(out)) && term != NULL && strcmp(term, "dumb") != 0;
}

static void *make(struct sw_arena *arena, size_t size)
{
    void *bytes = sw_arena_zalloc(arena, size);

    if (bytes == NULL)
        abort();
    return bytes;
}

char *sw_text_format(struct sw_arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    char *text;
    int size;

    assert(format != NULL);
    va_start(args, format);
    va_copy(again, args);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(size >= 0);
    text = make(arena, (size_t)size + 1);
    (void)vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

char *sw_text_safe(struct sw_arena *arena, struct sw_span text, size_t columns)
{
    static const char unknown[] = "\xef\xbf\xbd"; /* U+FFFD */
    static const char cut[] = "\xe2\x80\xa6";     /* … */
    struct sw_span left = text;
    size_t kept_max = columns == 0 || text.size < columns ? text.size : 4 * columns;
    char *safe = make(arena, 3 * kept_max + sizeof(cut));
    size_t used = 0;

    for (size_t column = 0; left.size > 0; column++) {
        size_t size = sw_utf8_size(left);
        const char *shown = (const char *)left.data;
        size_t shown_size = size;

        if (columns != 0 && column + 1 >= columns && left.size > (size != 0 ? size : 1)) {
            memcpy(safe + used, cut, sizeof(cut) - 1);
            break;
        }
        if (size == 0 || sw_utf8_is_control(sw_utf8_code(left))) {
            bool space = left.data[0] == '\n' || left.data[0] == '\t' || left.data[0] == '\r';

            shown = space ? " " : unknown;
            shown_size = strlen(shown);
        }
        memcpy(safe + used, shown, shown_size);
        used += shown_size;
        size += size == 0;
        left = sw_span_of(left.data + size, left.size - size);
    }
    return safe;
}

char *sw_text_time(struct sw_arena *arena, uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char stamp[32];
    struct tm local;

    if (ms == 0 || localtime_r(&seconds, &local) == NULL ||
        strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &local) == 0)
        return sw_text_format(arena, "-");
    return sw_text_format(arena, "%s", stamp);
}

char *sw_text_time_iso(struct sw_arena *arena, uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char stamp[48];
    struct tm utc;

    if (gmtime_r(&seconds, &utc) == NULL ||
        strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
        return sw_text_format(arena, "-");
    return sw_text_format(arena, "%s.%03uZ", stamp, (unsigned)(ms % 1000));
}

char *sw_text_duration(struct sw_arena *arena, uint64_t ms)
{
    uint64_t seconds = ms / 1000;

    if (ms < 1000)
        return sw_text_format(arena, "%" PRIu64 " ms", ms);
    if (seconds < 60)
        return sw_text_format(arena, "%" PRIu64 ".%" PRIu64 " s", seconds, ms / 100 % 10);
    if (seconds < 3600)
        return sw_text_format(arena, "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
    if (seconds < 86400)
        return sw_text_format(arena, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600,
                              seconds / 60 % 60);
    return sw_text_format(arena, "%" PRIu64 " d %" PRIu64 " h", seconds / 86400,
                          seconds / 3600 % 24);
}

char *sw_text_bytes(struct sw_arena *arena, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    unsigned unit = 0;

    if (bytes < 1024)
        return sw_text_format(arena, "%" PRIu64 " B", bytes);
    for (value /= 1024; value >= 1023.95 && unit < 5; unit++)
        value /= 1024;
    return sw_text_format(arena, "%.1f %s", value, units[unit]);
}

char *sw_text_payload(struct sw_arena *arena, const struct sw_payload *payload, size_t columns)
{
    const char *size = sw_text_bytes(arena, payload->size);

    if (payload->data.size == payload->size && sw_utf8_is_text(payload->data))
        return sw_text_format(arena, "%s  %s", size, sw_text_safe(arena, payload->data, columns));
    return sw_text_format(arena, "%s  %s", size,
                          sw_text_safe(arena, payload->content_type, columns));
}

char *sw_text_failure(struct sw_arena *arena, const struct sw_failure *failure, size_t columns)
{
    const char *type = sw_text_safe(arena, failure->type, columns);

    if (failure->message.size == 0)
        return sw_text_format(arena, "%s", type);
    return sw_text_format(arena, "%s: %s", type, sw_text_safe(arena, failure->message, columns));
}

char *sw_text_usage(struct sw_arena *arena, const struct sw_usage *usage)
{
    const char *cached = "";
    const char *cost = "";

    if (usage->input_tokens == 0 && usage->output_tokens == 0 && usage->cost_micros == 0)
        return sw_text_format(arena, "%s", "");
    if (usage->cached_input_tokens != 0)
        cached = sw_text_format(arena, " (%" PRIu64 " cached)", usage->cached_input_tokens);
    if (usage->cost_micros != 0)
        cost = sw_text_format(arena, ", $%.*f", usage->cost_micros < 1000000 ? 4 : 2,
                              (double)usage->cost_micros / 1e6);
    return sw_text_format(arena, "%" PRIu64 " tokens in%s, %" PRIu64 " out%s", usage->input_tokens,
                          cached, usage->output_tokens, cost);
}

size_t sw_text_columns(const char *text)
{
    size_t columns = 0;

    for (; *text != '\0'; text++)
        columns += (*text & 0xc0) != 0x80;
    return columns;
}

void sw_print_coloured(FILE *out, bool coloured, enum sw_colour colour, const char *text)
{
    static const char *const codes[] = {"", "1", "2", "31", "32", "33", "1;31"};

    if (!coloured || colour == SW_PLAIN)
        (void)fputs(text, out);
    else
        (void)fprintf(out, "\033[%sm%s\033[0m", codes[colour], text);
}

/* ---- tables --------------------------------------------------------------- */

struct sw_table_row {
    struct sw_table_row *next;
    const char *cells[SW_TABLE_COLUMNS_MAX];
    enum sw_colour colours[SW_TABLE_COLUMNS_MAX];
};

static struct sw_table_row *add_row(struct sw_table *table)
{
    struct sw_table_row *row = make(table->arena, sizeof(*row));

    *table->tail = row;
    table->tail = &row->next;
    return row;
}

void sw_table_init(struct sw_table *table, struct sw_arena *arena, const char *const *headings)
{
    struct sw_table_row *row;

    *table = (struct sw_table){.arena = arena};
    table->tail = &table->head;
    row = add_row(table);
    for (; headings[table->columns] != NULL; table->columns++) {
        assert(table->columns < SW_TABLE_COLUMNS_MAX);
        table->right[table->columns] = headings[table->columns][0] == '>';
        row->cells[table->columns] = headings[table->columns] + table->right[table->columns];
        row->colours[table->columns] = SW_BOLD;
    }
}

void sw_table_add(struct sw_table *table, const char *const *cells, const enum sw_colour *colours)
{
    struct sw_table_row *row = add_row(table);

    table->rows++;
    for (unsigned i = 0; i < table->columns; i++) {
        row->cells[i] = cells[i];
        row->colours[i] = colours != NULL ? colours[i] : SW_PLAIN;
    }
}

static void print_cell(const struct sw_table *table, const struct sw_table_row *row,
                       unsigned column, size_t width, FILE *out, bool coloured)
{
    int pad = (int)(width - sw_text_columns(row->cells[column]));
    bool last = column + 1 == table->columns;

    if (table->right[column])
        (void)fprintf(out, "%*s", pad, "");
    sw_print_coloured(out, coloured, row->colours[column], row->cells[column]);
    if (!table->right[column] && !last)
        (void)fprintf(out, "%*s", pad, "");
    (void)fputs(last ? "\n" : "  ", out);
}

void sw_table_print(const struct sw_table *table, FILE *out, bool coloured)
{
    size_t widths[SW_TABLE_COLUMNS_MAX] = {0};

    for (const struct sw_table_row *row = table->head; row != NULL; row = row->next) {
        for (unsigned i = 0; i < table->columns; i++) {
            size_t width = sw_text_columns(row->cells[i]);

            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    for (const struct sw_table_row *row = table->head; row != NULL; row = row->next) {
        for (unsigned i = 0; i < table->columns; i++)
            print_cell(table, row, i, widths[i], out, coloured);
    }
}
