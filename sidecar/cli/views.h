/* SPDX-License-Identifier: Apache-2.0
 *
 * views - runs and steps for people: the head of a run, rows of steps, and doubts with
 * what it takes to end them.
 *
 * Owns:    nothing; rows and doubts live in the arena given.
 * Threads: one.
 * Fails:   never; without memory it aborts.
 */
#ifndef SW_CLI_VIEWS_H
#define SW_CLI_VIEWS_H

#include "sidecar/cli/print.h"
#include "sidecar/rpc/client.h"

void sw_print_run(const struct sw_run_view *run, FILE *out, bool coloured);

void sw_table_init_steps(struct sw_table *table, struct sw_arena *arena, bool with_inputs);
void sw_table_add_step(struct sw_table *table, const struct sw_client_step *step);

/* "running" and its colour. */
const char *sw_text_run_state(enum sw_run_state state, enum sw_colour *ret_colour);
/* "completed", "IN DOUBT !" and its colour. */
const char *sw_text_step_state(enum sw_step_state state, enum sw_colour *ret_colour);
/* What came of the step so far: output, failure, or when it goes on. */
char *sw_text_step_outcome(struct sw_arena *arena, const struct sw_client_step *step,
                           size_t columns);

struct sw_doubt_row;

/* The steps in doubt of a run. */
struct sw_doubts {
    struct sw_arena *arena;
    const char *run_id; /* quoted for a shell */
    struct sw_doubt_row *head;
    struct sw_doubt_row **tail;
};

void sw_doubts_init(struct sw_doubts *doubts, struct sw_arena *arena, struct sw_span run_id);
/* Keeps the step if it is in doubt. */
void sw_doubts_add(struct sw_doubts *doubts, const struct sw_client_step *step);
void sw_doubts_print(const struct sw_doubts *doubts, FILE *out, bool coloured);

/* A word that a shell reads as text: in quotes unless it is plain. */
char *sw_text_shell(struct sw_arena *arena, struct sw_span word);

#endif
