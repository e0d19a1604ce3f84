/* SPDX-License-Identifier: Apache-2.0
 *
 * record - what the journal stores, as plain structs.
 *
 * The journal is a list of records; everything else is derived from it by one
 * reducer (sidecar/engine/step.h). Enumerator numbers are the numbers on disk
 * and on the wire: they never change.
 *
 * Owns: nothing. Spans point into the arena of whoever made the record.
 */
#ifndef SW_RECORD_H
#define SW_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/base/hash.h"
#include "storage/base/span.h"

enum sw_record_type {
    SW_RECORD_JOURNAL_CREATED = 1,
    SW_RECORD_RUN_STARTED = 2,
    SW_RECORD_LEASE_TAKEN = 3,
    SW_RECORD_STEP_BEGUN = 4,     /* the intent */
    SW_RECORD_STEP_COMPLETED = 5, /* an outcome: output */
    SW_RECORD_STEP_FAILED = 6,    /* an outcome: failure, for good or until a retry */
    SW_RECORD_STEP_DOUBTED = 7,   /* an outcome: its holder cannot know (effect ONCE) */
    SW_RECORD_STEP_NOTED = 8,
    SW_RECORD_STEP_RESOLVED = 9,
    SW_RECORD_RUN_ENDED = 10,
    SW_RECORD_CHUNK = 11, /* written by the journal itself, see storage/journal/payload.h */
    SW_RECORD_TYPE_END
};

enum sw_kind { SW_KIND_LLM = 1, SW_KIND_TOOL = 2, SW_KIND_CODE = 3, SW_KIND_WAIT = 4 };
enum sw_effect { SW_EFFECT_NONE = 1, SW_EFFECT_IDEMPOTENT = 2, SW_EFFECT_ONCE = 3 };
enum sw_durability { SW_DURABILITY_DEFAULT = 0, SW_DURABILITY_LOCAL = 1, SW_DURABILITY_REMOTE = 2 };
enum sw_run_state { SW_RUN_RUNNING = 1, SW_RUN_COMPLETED = 2, SW_RUN_FAILED = 3 };
enum sw_divergence { SW_DIVERGENCE_FAIL = 1, SW_DIVERGENCE_ACCEPT = 2 };
enum sw_resolution {
    SW_RESOLUTION_HAPPENED = 1,
    SW_RESOLUTION_DID_NOT_HAPPEN = 2,
    SW_RESOLUTION_GIVE_UP = 3
};

/* Limits of single fields, in bytes or entries; those that can be set stand in
 * struct sw_limits (sidecar/service/service.h). */
enum {
    SW_RUN_ID_MAX = 256,
    SW_TASK_MAX = 128,
    SW_KEY_MAX = 256,
    SW_NAME_MAX = 256,
    SW_HOLDER_MAX = 256,
    SW_CODE_VERSION_MAX = 128,
    SW_CONTENT_TYPE_MAX = 128,
    SW_FAILURE_TYPE_MAX = 128,
    SW_FAILURE_MESSAGE_MAX = 8192,
    SW_EXTERNAL_REF_MAX = 512,
    SW_EXTERNAL_REFS_MAX = 64, /* per step */
    SW_REQUEST_ID_MAX = 64,
    SW_RESOLVED_BY_MAX = 256,
    SW_LABELS_MAX = 32,
    SW_LABEL_KEY_MAX = 64,
    SW_LABEL_VALUE_MAX = 256,
    SW_NON_RETRYABLE_TYPES_MAX = 32,
    SW_UNVISITED_KEYS_MAX = 1000,
    SW_CLAIM_TASKS_MAX = 64
};

/* Opaque bytes. Written: data is set and the journal fills digest, unless it is known. Read: data
 * is set only where the reader asked for payload bytes; size and digest always. */
struct sw_payload {
    bool present;
    struct sw_span data;
    struct sw_span content_type;
    uint64_t size;
    struct sw_digest digest; /* SHA-256 of data */
    bool digest_known;       /* written: the caller has computed it */
};

struct sw_failure {
    struct sw_span type;
    struct sw_span message;
    struct sw_payload details;
    bool non_retryable;
};

/* With defaults filled in: see sw_retry_fill in sidecar/engine/backoff.h. */
struct sw_retry {
    uint32_t max_attempts;
    uint64_t initial_ms;
    double factor;
    uint64_t cap_ms;
    double jitter;
    const struct sw_span *non_retryable_types;
    uint32_t non_retryable_types_count;
};

struct sw_usage {
    uint64_t input_tokens;
    uint64_t cached_input_tokens;
    uint64_t output_tokens;
    uint64_t cost_micros;
};

struct sw_label {
    struct sw_span key;
    struct sw_span value;
};

/* Something learned inside a step; a list that the reducer links. */
struct sw_external_ref {
    struct sw_span text; /* size 0: the note carries none */
    struct sw_external_ref *next;
};

struct sw_record {
    uint64_t lsn; /* set by the journal on append */
    uint64_t run; /* the lsn of its run's RUN_STARTED; there itself; 0: about no run */
    uint64_t at_ms;
    enum sw_record_type type;
    bool purged;            /* read only: retention removed what follows */
    uint64_t lease;         /* of the writer; 0: none */
    struct sw_span key;     /* step records only */
    uint32_t attempt;       /* step records only */
    struct sw_digest chain; /* set by the journal: SHA-256(chain before || record) */
    union {
        struct {
            uint8_t uuid[16];
            struct sw_span name;
        } journal_created;
        struct {
            struct sw_span run_id;
            struct sw_span task;
            struct sw_payload input;
            const struct sw_label *labels;
            uint32_t labels_count;
            struct sw_span code_version;
            enum sw_divergence on_divergence;
        } run_started;
        struct {
            struct sw_span holder; /* the lease taken is the record's `lease` */
        } lease_taken;
        struct {
            struct sw_span name;
            enum sw_kind kind;
            enum sw_effect effect;
            struct sw_payload input; /* present: recorded */
            bool has_digest;         /* an input or an input_digest was given */
            struct sw_digest digest;
            struct sw_retry retry;
            uint64_t start_to_close_ms; /* 0 = none */
            uint64_t heartbeat_ms;      /* 0 = none */
            struct sw_span request_id;
        } step_begun;
        struct {                       /* STEP_COMPLETED, STEP_FAILED, STEP_DOUBTED */
            uint64_t intent_lsn;       /* of the attempt's STEP_BEGUN */
            struct sw_payload output;  /* STEP_COMPLETED */
            struct sw_failure failure; /* the others */
            struct sw_usage usage;
            bool final;             /* STEP_FAILED: no further attempt */
            uint64_t not_before_ms; /* STEP_FAILED and not final */
        } outcome;
        struct {
            struct sw_external_ref ref;
            struct sw_payload progress;
        } noted;
        struct {
            uint64_t intent_lsn;
            enum sw_resolution resolution;
            struct sw_payload output;  /* HAPPENED */
            struct sw_failure failure; /* GIVE_UP */
            struct sw_span by;
        } resolved;
        struct {
            enum sw_run_state state; /* COMPLETED or FAILED */
            struct sw_payload result;
            struct sw_failure failure;
            const struct sw_span *unvisited;
            uint32_t unvisited_count;
        } run_ended;
        struct {
            struct sw_span bytes;
        } chunk;
    } u;
};

#endif
