/* SPDX-License-Identifier: Apache-2.0
 *
 * history - a run's records folded into steps, in one pass, in little memory.
 *
 * Reads the run in order of lsn, keeps only steps that are not finished, and
 * shows each step when it finishes; then the unfinished ones. Serves Resume,
 * WatchRun and the command line alike; may be read on as the run grows.
 *
 * Owns:    the unfinished steps.
 * Threads: one at a time; the reader is of that thread.
 * Fails:   as the journal's readers; NO_MEMORY.
 */
#ifndef SW_SERVICE_HISTORY_H
#define SW_SERVICE_HISTORY_H

#include "sidecar/service/service.h"

struct sw_history;

/* A step with the payloads that an answer shows. Valid until the visitor returns. */
struct sw_step_view {
    const struct sw_step *step;
    struct sw_payload input;    /* present only where inputs were asked for */
    struct sw_payload output;   /* COMPLETED */
    struct sw_failure failure;  /* FAILED, RETRYING, DOUBTED; type.size 0: none */
    struct sw_payload progress; /* newest */
    struct sw_span holder_name; /* who began the newest attempt, when known */
};

/* Set *ret_stop when no more fits now; the step just shown counts as shown. */
struct sw_step_visitor {
    enum sw_code (*visit)(void *self, const struct sw_step_view *view, bool *ret_stop,
                          struct sw_err *err);
    void *self;
};

SW_MUST_CHECK enum sw_code sw_history_new(uint64_t run, bool include_inputs,
                                          struct sw_history **ret_history, struct sw_err *err);
void sw_history_free(struct sw_history *history);

/* Reads on, up to and including up_to_lsn (0 = all there is). With finished_only, shows
 * steps as they finish; else every step that changed, each time it did (live tail). *ret_end:
 * reached up_to_lsn; else the visitor stopped it and the next call goes on there. */
SW_MUST_CHECK enum sw_code sw_history_read(struct sw_history *history,
                                           struct sw_journal_reader *reader, uint64_t up_to_lsn,
                                           bool finished_only, struct sw_step_visitor visitor,
                                           bool *ret_end, struct sw_err *err);

/* Shows the unfinished steps, oldest first, continuing after the last one shown
 * when the visitor had stopped. */
SW_MUST_CHECK enum sw_code sw_history_open_steps(struct sw_history *history,
                                                 struct sw_step_visitor visitor, bool *ret_end,
                                                 struct sw_err *err);

/* The run as read so far, with its payloads and outcome. `held` and in-doubt counts
 * are judged by the arguments. Spans live as long as the history. */
void sw_history_run(const struct sw_history *history, bool held, uint64_t now_ms,
                    struct sw_run_view *ret_view);

#endif
