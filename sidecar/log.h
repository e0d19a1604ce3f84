/* SPDX-License-Identifier: Apache-2.0
 *
 * log - JSON lines on standard error: {"time","level","event",...fields}.
 *
 * The only code that logs. An event is a fixed phrase to search for; what varies
 * goes into fields. Payloads, credentials and failure messages are never logged.
 *
 * Threads: any; a line is one write(2).
 * Fails:   never; a line too long is cut, a line that cannot be written is lost.
 */
#ifndef SW_LOG_H
#define SW_LOG_H

#include <stdint.h>

enum sw_log_level { SW_LOG_DEBUG, SW_LOG_INFO, SW_LOG_WARNING, SW_LOG_ERROR };

struct sw_log_field {
    const char *key; /* NULL ends the list */
    const char *text;
    uint64_t number; /* when text is NULL */
};

/* Lines below this level are dropped. text: for people at a terminal instead of JSON. */
void sw_log_setup(enum sw_log_level level, int text);
/* fields may be NULL: none. */
void sw_log_write(enum sw_log_level level, const char *event, const struct sw_log_field *fields);

/* sw_log(INFO, "listening", {"address", .text = address}, {"pid", .number = pid}); */
#define sw_log(level, event, ...)                                                                  \
    sw_log_write(SW_LOG_##level, event, (const struct sw_log_field[]){__VA_ARGS__, {NULL, NULL, 0}})

#endif
