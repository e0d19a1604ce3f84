/* SPDX-License-Identifier: Apache-2.0
 *
 * codec - protobuf-c messages from and to the service's structs.
 *
 * Decoding makes views: the struct points into the message. Encoding makes views
 * as well: the message points into the struct, so it is serialised before either
 * goes. What is out of bounds passes through; the service refuses it.
 *
 * Owns:    nothing; what must be allocated comes from the arena.
 * Threads: any.
 * Fails:   never; an arena without a limit that has no memory aborts. Limits are on
 *          requests: answers are as large as what was stored.
 */
#ifndef SW_RPC_CODEC_H
#define SW_RPC_CODEC_H

#include "sidecar/service/history.h"
#include "sidecar/service/service.h"
#include "stepwell/v1/agent_service.pb-c.h"
#include "stepwell/v1/control_service.pb-c.h"

/* size bytes from the arena, zeroed; aborts when there are none. */
void *sw_codec_make(struct sw_arena *arena, size_t size);
/* A protobuf-c string of a span. */
char *sw_codec_text(struct sw_arena *arena, struct sw_span span);

/* ---- requests */
void sw_decode_start_run(const Stepwell__V1__StartRunRequest *message, struct sw_arena *arena,
                         struct sw_start_run_request *ret_request);
void sw_decode_resume(const Stepwell__V1__ResumeRequest *message,
                      struct sw_resume_request *ret_request);
void sw_decode_begin_step(const Stepwell__V1__BeginStepRequest *message, struct sw_arena *arena,
                          struct sw_begin_step_request *ret_request);
void sw_decode_complete_step(const Stepwell__V1__CompleteStepRequest *message,
                             struct sw_arena *arena, struct sw_complete_step_request *ret_request);
void sw_decode_note_step(const Stepwell__V1__NoteStepRequest *message,
                         struct sw_note_step_request *ret_request);
void sw_decode_agent_resolve(const Stepwell__V1__AgentServiceResolveStepRequest *message,
                             struct sw_resolve_step_request *ret_request);
void sw_decode_control_resolve(const Stepwell__V1__ControlServiceResolveStepRequest *message,
                               struct sw_resolve_step_request *ret_request);
void sw_decode_end_run(const Stepwell__V1__EndRunRequest *message, struct sw_arena *arena,
                       struct sw_end_run_request *ret_request);
void sw_decode_claim_run(const Stepwell__V1__ClaimRunRequest *message, struct sw_arena *arena,
                         struct sw_claim_run_request *ret_request);

/* ---- answers */
Stepwell__V1__Run *sw_encode_run(const struct sw_run_view *view, struct sw_arena *arena);
Stepwell__V1__Step *sw_encode_step(const struct sw_step_view *view, struct sw_span journal,
                                   const struct sw_run_head *head, bool held, uint64_t now_ms,
                                   struct sw_arena *arena);
Stepwell__V1__Verdict *sw_encode_verdict(const struct sw_verdict_answer *answer,
                                         struct sw_arena *arena);
Stepwell__V1__Record *sw_encode_record(const struct sw_record *record, struct sw_span run_id,
                                       struct sw_arena *arena);
/* After a completion or resolution: DOUBTED reads IN_DOUBT. */
Stepwell__V1__StepState sw_encode_outcome_state(enum sw_step_state state);

/* A refused call's answer in a session, with what it points to. Not to be copied. */
struct sw_session_error {
    Stepwell__V1__SessionError message;
    Stepwell__V1__SessionError__MetadataEntry entries[2];
    Stepwell__V1__SessionError__MetadataEntry *metadata[2];
    struct sw_err err;
    char reason[64];
    char limit[24];
};
/* Into error, whose message is returned. */
Stepwell__V1__SessionError *sw_encode_session_error(enum sw_code rc, const struct sw_err *err,
                                                    struct sw_session_error *error);

#endif
