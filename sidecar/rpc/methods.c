/* SPDX-License-Identifier: Apache-2.0
 *
 * methods - every RPC, one row: its name, its question, where it runs.
 */
#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "sidecar/rpc/codec.h"
#include "sidecar/rpc/read.h"
#include "sidecar/rpc/verbs.h"

#define AGENT(rpc) .path = "/stepwell.v1.AgentService/" rpc
#define CONTROL(rpc) .path = "/stepwell.v1.ControlService/" rpc, .control = true
#define ASK(message) .ask = &message##__descriptor
#define VERB(name) .verb = &sw_verb_##name, .start = sw_unary_start
#define READ(name) .reading = &sw_reading_##name, .start = sw_unary_read_start
#define STREAM .start = sw_stream_start
#define REFLECTION                                                                                 \
    .common = true, .bidi = true, ASK(grpc__reflection__v1__server_reflection_request),            \
    .start = sw_reflection_start
#define HEALTH .common = true, ASK(grpc__health__v1__health_check_request)

const struct sw_method sw_methods[] = {
    {AGENT("StartRun"), ASK(stepwell__v1__start_run_request), VERB(start_run)},
    {AGENT("Resume"), ASK(stepwell__v1__resume_request), STREAM},
    {AGENT("BeginStep"), ASK(stepwell__v1__begin_step_request), VERB(begin_step)},
    {AGENT("CompleteStep"), ASK(stepwell__v1__complete_step_request), VERB(complete_step)},
    {AGENT("NoteStep"), ASK(stepwell__v1__note_step_request), VERB(note_step)},
    {AGENT("ResolveStep"), ASK(stepwell__v1__agent_service_resolve_step_request),
     VERB(agent_resolve)},
    {AGENT("EndRun"), ASK(stepwell__v1__end_run_request), VERB(end_run)},
    {AGENT("ClaimRun"), ASK(stepwell__v1__claim_run_request), VERB(claim_run)},
    {AGENT("Session"), ASK(stepwell__v1__session_request), .bidi = true, .start = sw_session_start},
    {CONTROL("ListRuns"), ASK(stepwell__v1__list_runs_request), READ(list_runs)},
    {CONTROL("GetRun"), ASK(stepwell__v1__get_run_request), READ(get_run)},
    {CONTROL("ReadJournal"), ASK(stepwell__v1__read_journal_request), STREAM},
    {CONTROL("WatchRun"), ASK(stepwell__v1__watch_run_request), STREAM},
    {CONTROL("ResolveStep"), ASK(stepwell__v1__control_service_resolve_step_request),
     VERB(control_resolve)},
    {CONTROL("Flush"), ASK(stepwell__v1__flush_request), VERB(flush)},
    {CONTROL("Drain"), ASK(stepwell__v1__drain_request), VERB(drain)},
    {CONTROL("GetStatus"), ASK(stepwell__v1__get_status_request), VERB(get_status)},
    {.path = "/grpc.health.v1.Health/Check", HEALTH, .start = sw_health_check_start},
    {.path = "/grpc.health.v1.Health/Watch", HEALTH, .start = sw_health_watch_start},
    {.path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", REFLECTION},
    {.path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", REFLECTION},
    {.path = NULL},
};
