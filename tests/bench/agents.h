/* SPDX-License-Identifier: Apache-2.0
 *
 * agents - what a benchmark's agents say: the messages of straight-line runs.
 *
 * Each agent starts a run, takes its steps, of EFFECT_ONCE with outputs of one size, ends it, and
 * starts the next. Messages are built in `bytes`, which stays the agent's.
 */
#ifndef SW_BENCH_AGENTS_H
#define SW_BENCH_AGENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AGENT_STEPS = 1000, PAYLOAD_MAX = 40 * 1024, MESSAGE_MAX = PAYLOAD_MAX + 2048 };

/* How all agents work; set before the first message. */
struct agent_style {
    unsigned payload_bytes; /* of an output */
    bool text;              /* it compresses about 3:1; else not at all */
    unsigned run_steps;     /* of each run */
    int durability;         /* of each intent: Stepwell__V1__Durability */
};
extern struct agent_style agent_style;

enum agent_verb { AGENT_START, AGENT_BEGIN, AGENT_COMPLETE, AGENT_END };

struct agent {
    unsigned number;
    unsigned run;
    unsigned step;
    bool fused;           /* CompleteStep carries begin_next */
    enum agent_verb verb; /* of the message last built */
    uint64_t lease;
    uint64_t sent_us;
    uint8_t bytes[MESSAGE_MAX];
    size_t size;
};

/* The agent's next request, by the answer to its last (NULL for the first). */
void agent_next(struct agent *agent, const uint8_t *answer, size_t size);
/* For an echo: what a run sends a thousand of, with the sizes of its middle. CompleteStep with
 * begin_next, or, when the agent is not fused, BeginStep and CompleteStep by turns. */
void agent_example(struct agent *agent);
/* The message wrapped as a SessionRequest of one call whose id is `number` + 1; the answer is the
 * SessionResult's message. */
void agent_wrap(struct agent *agent);
/* Takes a SessionResponse apart: calls visit for each answer. Ends the program on an error. */
void agent_unwrap(const uint8_t *bytes, size_t size,
                  void (*visit)(void *self, uint64_t id, const uint8_t *answer, size_t size),
                  void *self);
const char *agent_path(enum agent_verb verb);

#endif
