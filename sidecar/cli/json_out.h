/* SPDX-License-Identifier: Apache-2.0
 *
 * json_out - JSON for programs: one object on one line.
 *
 * A thin layer over cJSON, the only file that includes it. Numbers are written
 * exactly (cJSON keeps doubles); texts that are not UTF-8 have U+FFFD in place of
 * the bytes that are not.
 *
 * Owns:    an object owns what was put in; sw_json_print frees the root.
 * Threads: any.
 * Fails:   never; without memory it aborts.
 */
#ifndef SW_CLI_JSON_OUT_H
#define SW_CLI_JSON_OUT_H

#include <stdio.h>

#include "storage/base/span.h"

struct cJSON;

struct cJSON *sw_json_new(void);
/* Prints the object on one line, without a newline, and frees it. */
void sw_json_print(struct cJSON *root, FILE *out);

/* Each puts a value under key; into an array with key NULL. */
struct cJSON *sw_json_object(struct cJSON *into, const char *key);
struct cJSON *sw_json_array(struct cJSON *into, const char *key);
void sw_json_text(struct cJSON *into, const char *key, struct sw_span text);
void sw_json_number(struct cJSON *into, const char *key, uint64_t number);
void sw_json_integer(struct cJSON *into, const char *key, int64_t number);
void sw_json_bool(struct cJSON *into, const char *key, bool value);
void sw_json_null(struct cJSON *into, const char *key);
/* "2026-11-23T00:06:36.123Z", null for 0. */
void sw_json_time(struct cJSON *into, const char *key, uint64_t ms);
void sw_json_hex(struct cJSON *into, const char *key, struct sw_span bytes);
void sw_json_base64(struct cJSON *into, const char *key, struct sw_span bytes);

/* Whether text is one JSON value and nothing more. */
bool sw_json_is_valid(struct sw_span text);

#endif
