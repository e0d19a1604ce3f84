/* SPDX-License-Identifier: Apache-2.0
 *
 * json_views - runs, steps and records as JSON. The shapes are a contract: keys are
 * added, never changed; a key is always there, null when it does not apply.
 *
 *   payload  {"content_type", "size", and "text" (UTF-8) or "base64"}
 *   failure  {"type", "message", "non_retryable", "details": payload}
 *   usage    {"input_tokens", "cached_input_tokens", "output_tokens", "cost_micros"}
 *   run      {"run_id", "task", "state": "RUNNING"|"COMPLETED"|"FAILED", "held", "labels": {},
 *             "code_version", "started", "ended", "first_lsn", "last_lsn", "steps",
 *             "steps_in_doubt"} and, where one run is shown, {"on_divergence", "lease",
 *             "holder", "input", "result", "failure", "usage", "unvisited_keys": []}
 *   step     {"key", "name", "kind", "effect", "state": "OPEN"|"IN_DOUBT"|"RETRYING"|
 *             "COMPLETED"|"FAILED", "attempt", "idempotency_key", "input_digest", "input",
 *             "output", "failure", "usage", "external_refs": [], "progress", "begun",
 *             "finished", "not_before", "lsn", "resolved_by"}
 *   record   {"lsn", "type", "run_id", "at", "key", "attempt", "lease", "payload_bytes",
 *             "chain", "summary", "purged"}
 *
 * Times are ISO 8601 in UTC, digests hexadecimal.
 *
 * Owns:    nothing.
 * Threads: any.
 * Fails:   never; without memory it aborts.
 */
#ifndef SW_CLI_JSON_VIEWS_H
#define SW_CLI_JSON_VIEWS_H

#include "sidecar/cli/json_out.h"
#include "sidecar/rpc/client.h"

/* full: with the keys of one run shown alone. */
struct cJSON *sw_json_run(const struct sw_run_view *run, bool full);
struct cJSON *sw_json_step(const struct sw_client_step *step);
struct cJSON *sw_json_record(const struct sw_record_line *line);

/* "RUNNING" and the like, "UNKNOWN" for what a newer server says. */
const char *sw_name_step_state(enum sw_step_state state); /* DOUBTED reads "IN_DOUBT" */
const char *sw_name_kind(enum sw_kind kind);
const char *sw_name_effect(enum sw_effect effect);

#endif
