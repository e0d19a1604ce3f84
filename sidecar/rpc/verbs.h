/* SPDX-License-Identifier: Apache-2.0
 *
 * verbs - the requests that run on the loop, one constant each.
 */
#ifndef SW_RPC_VERBS_H
#define SW_RPC_VERBS_H

#include "sidecar/rpc/rpc.intern.h"

extern const struct sw_verb sw_verb_start_run;
extern const struct sw_verb sw_verb_resume;
extern const struct sw_verb sw_verb_begin_step;
extern const struct sw_verb sw_verb_complete_step;
extern const struct sw_verb sw_verb_note_step;
extern const struct sw_verb sw_verb_agent_resolve;
extern const struct sw_verb sw_verb_control_resolve;
extern const struct sw_verb sw_verb_end_run;
extern const struct sw_verb sw_verb_claim_run;
extern const struct sw_verb sw_verb_flush;
extern const struct sw_verb sw_verb_drain;
extern const struct sw_verb sw_verb_get_status; /* status.c */

#endif
