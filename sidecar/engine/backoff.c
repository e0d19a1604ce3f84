/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/engine/backoff.h"

#include <assert.h>

#include "storage/base/hash.h"

enum {
    ATTEMPTS_ONCE = 1,
    ATTEMPTS_REPEATABLE = 3,
    INITIAL_MS = 1000,
    CAP_MS = 60 * 1000,
};

static const double FACTOR = 2.0;

void sw_retry_fill(struct sw_retry *retry, enum sw_effect effect)
{
    if (retry->max_attempts == 0)
        retry->max_attempts = effect == SW_EFFECT_ONCE ? ATTEMPTS_ONCE : ATTEMPTS_REPEATABLE;
    if (retry->initial_ms == 0)
        retry->initial_ms = INITIAL_MS;
    if (!(retry->factor > 0.0))
        retry->factor = FACTOR;
    if (retry->cap_ms == 0)
        retry->cap_ms = CAP_MS;
}

uint64_t sw_retry_delay_ms(const struct sw_retry *retry, uint32_t attempt, uint64_t seed)
{
    double cap_ms = (double)retry->cap_ms;
    double delay_ms = (double)retry->initial_ms;
    double drawn = (double)(seed >> 11) * 0x1p-53; /* the top 53 bits: [0, 1), exact */

    assert(attempt >= 1);
    assert(retry->factor >= 1.0);
    assert(retry->jitter >= 0.0 && retry->jitter <= 1.0);

    /* Multiplied out, not pow(): the same bits with every libm. */
    for (uint32_t n = 1; n < attempt && delay_ms < cap_ms && retry->factor > 1.0; n++)
        delay_ms *= retry->factor;
    if (delay_ms > cap_ms)
        delay_ms = cap_ms;
    return (uint64_t)(delay_ms * (1.0 - retry->jitter * drawn));
}

bool sw_retry_is_final(const struct sw_retry *retry, uint32_t attempt,
                       const struct sw_failure *failure)
{
    if (failure->non_retryable || attempt >= retry->max_attempts)
        return true;
    for (uint32_t i = 0; i < retry->non_retryable_types_count; i++) {
        if (sw_span_equal(retry->non_retryable_types[i], failure->type))
            return true;
    }
    return false;
}

/* Four bytes, most significant first. */
static struct sw_span length_prefix(struct sw_span span, uint8_t bytes[4])
{
    assert(span.size <= UINT32_MAX);

    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(span.size >> (24 - 8 * i));
    return sw_span_of(bytes, 4);
}

void sw_idempotency_key(struct sw_span journal, struct sw_span run_id, struct sw_span key,
                        char ret[SW_UUID_TEXT_SIZE])
{
    uint8_t lengths[3][4];
    const struct sw_span parts[] = {
        sw_span_of_text("stepwell.idempotency-key.v1"),
        length_prefix(journal, lengths[0]),
        journal,
        length_prefix(run_id, lengths[1]),
        run_id,
        length_prefix(key, lengths[2]),
        key,
    };
    struct sw_digest digest;

    sw_sha256(parts, sizeof(parts) / sizeof(parts[0]), &digest);
    sw_uuid_text(digest.bytes, ret);
}
