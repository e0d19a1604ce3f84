/* SPDX-License-Identifier: Apache-2.0
 *
 * client.intern - what client.c, client_call.c and client_view.c share.
 *
 *   client.c: the methods ──> client_call.c: bytes, deadlines, status
 *                        └──> client_view.c: messages to views
 */
#ifndef SW_RPC_CLIENT_INTERN_H
#define SW_RPC_CLIENT_INTERN_H

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

#include "sidecar/rpc/client.h"
#include "stepwell/v1/control_service.pb-c.h"

struct sw_client {
    grpc_channel *channel;
    grpc_completion_queue *queue; /* for plucking: one operation at a time */
    char address[256];            /* for messages */
    uint64_t timeout_ms;
};

struct sw_client_method {
    const char *path; /* "/stepwell.v1.ControlService/GetRun" */
    const ProtobufCMessageDescriptor *answer;
};

/* ---- client_call.c */
/* One request, one answer, unpacked into arena. */
SW_MUST_CHECK enum sw_code sw_client_unary(struct sw_client *client,
                                           const struct sw_client_method *method,
                                           const ProtobufCMessage *ask, struct sw_arena *arena,
                                           ProtobufCMessage **ret_answer, struct sw_err *err);

/* One request, many answers; each lives until `visit` returns. Failing there ends the call. */
SW_MUST_CHECK enum sw_code
sw_client_stream(struct sw_client *client, const struct sw_client_method *method,
                 const ProtobufCMessage *ask,
                 enum sw_code (*visit)(void *self, const ProtobufCMessage *answer,
                                       struct sw_arena *arena, struct sw_err *err),
                 void *self, struct sw_err *err);

/* ---- client_view.c: views point into the messages, and into the arena */
SW_MUST_CHECK enum sw_code sw_client_view_run(const Stepwell__V1__Run *run, struct sw_arena *arena,
                                              struct sw_run_view *ret_view, struct sw_err *err);
SW_MUST_CHECK enum sw_code sw_client_view_step(const Stepwell__V1__Step *step,
                                               struct sw_arena *arena,
                                               struct sw_client_step *ret_step, struct sw_err *err);
enum sw_step_state sw_client_view_state(Stepwell__V1__StepState state);
void sw_client_view_record(const Stepwell__V1__Record *record, struct sw_record_line *ret_line);
void sw_client_view_status(const Stepwell__V1__GetStatusResponse *answer,
                           struct sw_client_status *ret_status);

#endif
