/* SPDX-License-Identifier: Apache-2.0
 *
 * backoff - when a failed step is tried again.
 *
 * Exponential with a cap and proportional jitter (the formula stands at
 * RetryPolicy in proto/stepwell/v1/types.proto). Deterministic: the jitter is
 * drawn from the idempotency key and the attempt, so every process agrees.
 */
#ifndef SW_ENGINE_BACKOFF_H
#define SW_ENGINE_BACKOFF_H

#include "storage/record.h"

/* Replaces the zeros that mean "default" (max_attempts by effect). */
void sw_retry_fill(struct sw_retry *retry, enum sw_effect effect);

/* Delay in ms before the attempt after `attempt` (from 1), `seed` fixing the jitter. */
uint64_t sw_retry_delay_ms(const struct sw_retry *retry, uint32_t attempt, uint64_t seed);

/* Whether a failure of `attempt` ends the step. */
bool sw_retry_is_final(const struct sw_retry *retry, uint32_t attempt,
                       const struct sw_failure *failure);

/* The UUID handed to the effect: version 8, SHA-256 over a domain word and the
 * length-prefixed journal name, run id and key, cut to 16 bytes. Depends on
 * nothing that a lost disk could take away. */
void sw_idempotency_key(struct sw_span journal, struct sw_span run_id, struct sw_span key,
                        char ret[SW_UUID_TEXT_SIZE]);

#endif
