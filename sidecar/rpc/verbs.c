/* SPDX-License-Identifier: Apache-2.0
 *
 * verbs - what runs on the loop for each RPC: decode, call the service, encode.
 *
 * One function per verb serves unary calls, streams and sessions alike.
 */
#include "sidecar/rpc/verbs.h"

#include "sidecar/metrics.h"
#include "sidecar/rpc/codec.h"
#include "storage/journal/journal.h"

#define ANSWER(request, type, lower)                                                               \
    type *answer = sw_codec_make((request)->arena, sizeof *answer);                                \
    lower##__init(answer);                                                                         \
    (request)->answer = &answer->base

static enum sw_code start_run(struct sw_server *server, struct sw_request *request)
{
    const Stepwell__V1__StartRunRequest *ask = (const void *)request->ask;
    struct sw_start_run_request decoded;
    struct sw_start_run_answer result;
    enum sw_code rc;

    sw_decode_start_run(ask, request->arena, &decoded);
    rc = sw_start_run(server->service, &request->call, &decoded, &result, &request->err);
    if (rc != SW_OK)
        return rc;
    ANSWER(request, Stepwell__V1__StartRunResponse, stepwell__v1__start_run_response);
    answer->created = result.created;
    answer->run = sw_encode_run(&result.run, request->arena);
    answer->lease = result.lease;
    return SW_OK;
}

static enum sw_code resume(struct sw_server *server, struct sw_request *request)
{
    const Stepwell__V1__ResumeRequest *ask = (const void *)request->ask;
    struct sw_resume_request decoded;
    struct sw_resume_answer result;
    enum sw_code rc;

    sw_decode_resume(ask, &decoded);
    rc = sw_resume(server->service, &request->call, &decoded, &result, &request->err);
    if (rc != SW_OK)
        return rc;
    ANSWER(request, Stepwell__V1__ResumeResponse, stepwell__v1__resume_response);
    answer->run = sw_encode_run(&result.run, request->arena);
    answer->lease = result.lease;
    request->resumed = (struct sw_resumed){
        .run = result.run.head.run, .lease = result.lease, .up_to_lsn = result.up_to_lsn};
    return SW_OK;
}

static void count_verdict(enum sw_verdict verdict)
{
    static const enum sw_metric metrics[] = {
        [SW_VERDICT_EXECUTE] = SW_METRIC_VERDICT_EXECUTE,
        [SW_VERDICT_REPLAY] = SW_METRIC_VERDICT_REPLAY,
        [SW_VERDICT_IN_DOUBT] = SW_METRIC_VERDICT_IN_DOUBT,
        [SW_VERDICT_DIVERGED] = SW_METRIC_VERDICT_DIVERGED,
        [SW_VERDICT_WAIT] = SW_METRIC_VERDICT_WAIT,
    };

    sw_metric_add(metrics[verdict], 1);
}

static enum sw_code begin_step(struct sw_server *server, struct sw_request *request)
{
    const Stepwell__V1__BeginStepRequest *ask = (const void *)request->ask;
    struct sw_begin_step_request decoded;
    struct sw_verdict_answer verdict;
    enum sw_code rc;

    sw_decode_begin_step(ask, request->arena, &decoded);
    rc = sw_begin_step(server->service, &request->call, &decoded, &verdict, &request->err);
    if (rc != SW_OK)
        return rc;
    ANSWER(request, Stepwell__V1__BeginStepResponse, stepwell__v1__begin_step_response);
    answer->verdict = sw_encode_verdict(&verdict, request->arena);
    count_verdict(verdict.verdict);
    return SW_OK;
}

static enum sw_code complete_step(struct sw_server *server, struct sw_request *request)
{
    const Stepwell__V1__CompleteStepRequest *ask = (const void *)request->ask;
    struct sw_complete_step_request decoded;
    struct sw_complete_step_answer result;
    enum sw_code rc;

    sw_decode_complete_step(ask, request->arena, &decoded);
    rc = sw_complete_step(server->service, &request->call, &decoded, &result, &request->err);
    if (rc != SW_OK)
        return rc;
    ANSWER(request, Stepwell__V1__CompleteStepResponse, stepwell__v1__complete_step_response);
    answer->lsn = result.lsn;
    answer->state = sw_encode_outcome_state(result.state);
    answer->not_before_ms = result.not_before_ms;
    if (result.next.verdict != 0) {
        answer->next = sw_encode_verdict(&result.next, request->arena);
        count_verdict(result.next.verdict);
    }
    return SW_OK;
}

static enum sw_code note_step(struct sw_server *server, struct sw_request *request)
{
    const Stepwell__V1__NoteStepRequest *ask = (const void *)request->ask;
    struct sw_note_step_request decoded;
    struct sw_note_step_answer result;
    enum sw_code rc;

    sw_decode_note_step(ask, &decoded);
    rc = sw_note_step(server->service, &request->call, &decoded, &result, &request->err);
    if (rc != SW_OK)
        return rc;
    ANSWER(request, Stepwell__V1__NoteStepResponse, stepwell__v1__note_step_response);
    answer->lsn = result.lsn;
    answer->deadline_ms = result.deadline_ms;
    return SW_OK;
}

static enum sw_code agent_resolve(struct sw_server *server, struct sw_request *request)
{
    const Stepwell__V1__AgentServiceResolveStepRequest *ask = (const void *)request->ask;
    struct sw_resolve_step_request decoded;
    struct sw_resolve_step_answer result;
    enum sw_code rc;

    sw_decode_agent_resolve(ask, &decoded);
    rc = sw_resolve_step(server->service, &request->call, &decoded, &result, &request->err);
    if (rc != SW_OK)
        return rc;
    ANSWER(request, Stepwell__V1__AgentServiceResolveStepResponse,
           stepwell__v1__agent_service_resolve_step_response);
    answer->lsn = result.lsn;
    answer->state = sw_encode_outcome_state(result.state);
    return SW_OK;
}

static enum sw_code control_resolve(struct sw_server *server, struct sw_request *request)
{
    const Stepwell__V1__ControlServiceResolveStepRequest *ask = (const void *)request->ask;
    struct sw_resolve_step_request decoded;
    struct sw_resolve_step_answer result;
    enum sw_code rc;

    sw_decode_control_resolve(ask, &decoded);
    rc = sw_resolve_step(server->service, &request->call, &decoded, &result, &request->err);
    if (rc != SW_OK)
        return rc;
    ANSWER(request, Stepwell__V1__ControlServiceResolveStepResponse,
           stepwell__v1__control_service_resolve_step_response);
    answer->lsn = result.lsn;
    answer->state = sw_encode_outcome_state(result.state);
    return SW_OK;
}

static enum sw_code end_run(struct sw_server *server, struct sw_request *request)
{
    const Stepwell__V1__EndRunRequest *ask = (const void *)request->ask;
    struct sw_end_run_request decoded;
    struct sw_end_run_answer result;
    enum sw_code rc;

    sw_decode_end_run(ask, request->arena, &decoded);
    if (ask->outcome_case == STEPWELL__V1__END_RUN_REQUEST__OUTCOME__NOT_SET)
        return sw_fail_field(&request->err, "outcome", 0, "result or failure must be set");
    rc = sw_end_run(server->service, &request->call, &decoded, &result, &request->err);
    if (rc != SW_OK)
        return rc;
    ANSWER(request, Stepwell__V1__EndRunResponse, stepwell__v1__end_run_response);
    answer->lsn = result.lsn;
    return SW_OK;
}

/* Leaves request->answer NULL while the call has to wait. */
static enum sw_code claim_run(struct sw_server *server, struct sw_request *request)
{
    const Stepwell__V1__ClaimRunRequest *ask = (const void *)request->ask;
    uint64_t now_ms = sw_loop_now_ms(server);
    struct sw_claim_run_answer result;
    enum sw_code rc;

    if (request->claim == NULL) { /* once, however often it is tried again */
        request->claim = sw_codec_make(request->arena, sizeof *request->claim);
        sw_decode_claim_run(ask, request->arena, request->claim);
        request->wait_until_ms = now_ms + ask->wait_ms;
    }
    rc = sw_claim_run(server->service, &request->call, request->claim, &result, &request->err);
    if (rc != SW_OK)
        return rc;
    if (!result.found && now_ms < request->wait_until_ms)
        return SW_OK;
    ANSWER(request, Stepwell__V1__ClaimRunResponse, stepwell__v1__claim_run_response);
    if (result.found) {
        answer->run = sw_encode_run(&result.run, request->arena);
        answer->lease = result.lease;
    }
    return SW_OK;
}

/* Durable up to lsn: here, and in the store when there is one. */
static void wait_for(struct sw_server *server, struct sw_request *request, uint64_t lsn)
{
    request->call.sync = true;
    if (server->shipper != NULL)
        request->call.remote_lsn = lsn;
}

static enum sw_code flush(struct sw_server *server, struct sw_request *request)
{
    const Stepwell__V1__FlushRequest *ask = (const void *)request->ask;
    uint64_t newest = sw_journal_state(server->journal)->lsn;

    if (ask->durability == STEPWELL__V1__DURABILITY__DURABILITY_REMOTE && server->shipper == NULL)
        return sw_fail(&request->err, SW_NO_OBJECT_STORE, "no object store is configured");
    if ((unsigned)ask->durability > STEPWELL__V1__DURABILITY__DURABILITY_REMOTE)
        return sw_fail_field(&request->err, "durability",
                             STEPWELL__V1__DURABILITY__DURABILITY_REMOTE, "%u is no known value",
                             (unsigned)ask->durability);
    if (ask->lsn > newest)
        return sw_fail_field(&request->err, "lsn", newest, "%llu, the newest record is %llu",
                             (unsigned long long)ask->lsn, (unsigned long long)newest);
    ANSWER(request, Stepwell__V1__FlushResponse, stepwell__v1__flush_response);
    if (ask->durability == STEPWELL__V1__DURABILITY__DURABILITY_LOCAL || server->shipper == NULL) {
        request->call.sync = true;
        answer->lsn = newest;
    } else {
        answer->lsn = ask->lsn != 0 ? ask->lsn : newest;
        wait_for(server, request, answer->lsn);
    }
    return SW_OK;
}

static enum sw_code drain(struct sw_server *server, struct sw_request *request)
{
    ANSWER(request, Stepwell__V1__DrainResponse, stepwell__v1__drain_response);
    answer->lsn = sw_journal_state(server->journal)->lsn;
    wait_for(server, request, answer->lsn);
    if (server->shipper != NULL)
        sw_shipper_ship_every(server->shipper);
    return SW_OK;
}

const struct sw_verb sw_verb_start_run = {"StartRun", .new_work = true, .run = start_run};
const struct sw_verb sw_verb_resume = {"Resume", .new_work = true, .run = resume};
const struct sw_verb sw_verb_begin_step = {"BeginStep", .new_work = true, .run = begin_step};
const struct sw_verb sw_verb_complete_step = {"CompleteStep", .run = complete_step};
const struct sw_verb sw_verb_note_step = {"NoteStep", .run = note_step};
const struct sw_verb sw_verb_agent_resolve = {"ResolveStep", .run = agent_resolve};
const struct sw_verb sw_verb_control_resolve = {"ResolveStep", .run = control_resolve};
const struct sw_verb sw_verb_end_run = {"EndRun", .run = end_run};
const struct sw_verb sw_verb_claim_run = {"ClaimRun", .new_work = true, .may_wait = true,
                                          .run = claim_run};
const struct sw_verb sw_verb_flush = {"Flush", .run = flush};
const struct sw_verb sw_verb_drain = {"Drain", .run = drain};
