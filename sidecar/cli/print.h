/* SPDX-License-Identifier: Apache-2.0
 *
 * print - text for people: tables, times, sizes, payloads.
 *
 * Texts of agents are shown with control characters replaced, so that no run can
 * move the cursor or colour the screen of who looks at it.
 *
 * Owns:    nothing; a table's cells live in the arena given.
 * Threads: one.
 * Fails:   never; without memory it aborts.
 */
#ifndef SW_CLI_PRINT_H
#define SW_CLI_PRINT_H

#include <stdio.h>

#include "storage/base/arena.h"
#include "storage/base/status.h"
#include "storage/record.h"

enum sw_colour { SW_PLAIN, SW_BOLD, SW_DIM, SW_RED, SW_GREEN, SW_YELLOW, SW_ALARM };

/* Decides once whether out is coloured: a terminal, NO_COLOR unset, TERM not "dumb". */
bool sw_print_is_coloured(FILE *out);

/* ---- pieces: each returns text in the arena ------------------------------- */

char *sw_text_format(struct sw_arena *arena, const char *format, ...) SW_PRINTF(2, 3);
/* Safe to print, at most columns characters (0 = all), "…" where it was cut. */
char *sw_text_safe(struct sw_arena *arena, struct sw_span text, size_t columns);
/* Local time, "2026-11-23 00:06:36"; "-" for 0. */
char *sw_text_time(struct sw_arena *arena, uint64_t ms);
/* UTC, "2026-11-23T00:06:36.123Z". */
char *sw_text_time_iso(struct sw_arena *arena, uint64_t ms);
/* "120 ms", "4.2 s", "3 min 5 s", "2 h 5 min", "3 d 4 h". */
char *sw_text_duration(struct sw_arena *arena, uint64_t ms);
/* "512 B", "12.3 KiB". */
char *sw_text_bytes(struct sw_arena *arena, uint64_t bytes);
/* "23 B {"order": 17}": size and the beginning, or the content type when it is no text. */
char *sw_text_payload(struct sw_arena *arena, const struct sw_payload *payload, size_t columns);
/* "RateLimitError: slow down" */
char *sw_text_failure(struct sw_arena *arena, const struct sw_failure *failure, size_t columns);
/* "1200 tokens in (300 cached), 50 out, $0.0123"; "" when nothing was used. */
char *sw_text_usage(struct sw_arena *arena, const struct sw_usage *usage);

/* Columns that a text fills on a terminal, its code points counted. */
size_t sw_text_columns(const char *text);

/* Prints in the colour, when out has colours. */
void sw_print_coloured(FILE *out, bool coloured, enum sw_colour colour, const char *text);

/* ---- tables --------------------------------------------------------------- */

enum { SW_TABLE_COLUMNS_MAX = 12 };

struct sw_table_row;

struct sw_table {
    struct sw_arena *arena;
    unsigned columns;
    bool right[SW_TABLE_COLUMNS_MAX]; /* aligned there */
    struct sw_table_row *head;        /* the headings are its first row */
    struct sw_table_row **tail;
    size_t rows; /* without the headings */
};

/* headings: NULL-terminated; one that begins with '>' is right-aligned. */
void sw_table_init(struct sw_table *table, struct sw_arena *arena, const char *const *headings);
/* cells: as many as there are headings. Texts live as long as the table. */
void sw_table_add(struct sw_table *table, const char *const *cells, const enum sw_colour *colours);
void sw_table_print(const struct sw_table *table, FILE *out, bool coloured);

#endif
