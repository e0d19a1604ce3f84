/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "sidecar/service/fields.h"
#include "sidecar/service/verb.h"

static enum sw_step_state state_after(enum sw_resolution resolution)
{
    switch (resolution) {
    case SW_RESOLUTION_HAPPENED:
        return SW_STEP_COMPLETED;
    case SW_RESOLUTION_DID_NOT_HAPPEN:
        return SW_STEP_RETRYING;
    case SW_RESOLUTION_GIVE_UP:
        return SW_STEP_FAILED;
    }
    abort();
}

/* The run and whether its holder counts as alive: to whoever names the lease it does. */
static enum sw_code find_run(struct sw_service *service, struct sw_call *call,
                             const struct sw_resolve_step_request *request, uint64_t now_ms,
                             struct sw_run_entry **ret_entry, bool *ret_held, struct sw_err *err)
{
    enum sw_code rc;

    if (!request->by_person) {
        *ret_held = true;
        return sw_verb_hold_run(service, call, request->run_id, request->lease, now_ms, ret_entry,
                                err);
    }
    rc = sw_verb_find_run(service, call, request->run_id, ret_entry, err);
    if (rc != SW_OK)
        return rc;
    *ret_held = sw_verb_is_held(service, *ret_entry, now_ms);
    return sw_decide_lease(&(*ret_entry)->image->head, (*ret_entry)->image->head.lease, err);
}

static enum sw_code write_resolution(struct sw_service *service, struct sw_call *call,
                                     struct sw_run_entry *entry,
                                     const struct sw_resolve_step_request *request,
                                     const struct sw_step *step, uint64_t now_ms,
                                     struct sw_err *err)
{
    struct sw_record record = sw_verb_record(entry, SW_RECORD_STEP_RESOLVED, now_ms);
    enum sw_code rc;

    if (request->by_person)
        record.lease = 0;
    record.key = request->key;
    record.attempt = step->attempt;
    record.u.resolved.intent_lsn = step->intent_lsn;
    record.u.resolved.resolution = request->resolution;
    record.u.resolved.by = request->by;
    if (request->resolution == SW_RESOLUTION_HAPPENED)
        record.u.resolved.output = request->output;
    if (request->resolution == SW_RESOLUTION_GIVE_UP)
        record.u.resolved.failure = request->failure;
    rc = sw_verb_write(service, entry, &record, err);
    if (rc == SW_OK)
        call->sync = true;
    return rc;
}

enum sw_code sw_resolve_step(struct sw_service *service, struct sw_call *call,
                             const struct sw_resolve_step_request *request,
                             struct sw_resolve_step_answer *ret_answer, struct sw_err *err)
{
    struct sw_resolve_step_answer answer = {0};
    uint64_t now_ms = sw_verb_now_ms(service);
    struct sw_run_entry *entry;
    struct sw_found_step found;
    bool held = false;
    bool repeated = false;
    enum sw_code rc;

    rc = sw_fields_check_resolve_step(&service->options.limits, request, err);
    if (rc == SW_OK)
        rc = find_run(service, call, request, now_ms, &entry, &held, err);
    if (rc == SW_OK)
        rc = sw_verb_find_step(service, call, entry, request->key, &found, err);
    if (rc == SW_OK)
        rc = sw_decide_resolve(&entry->image->head, found.step, request->resolution, held, now_ms,
                               &repeated, err);
    if (rc != SW_OK)
        return rc;
    if (!repeated) {
        rc = write_resolution(service, call, entry, request, found.step, now_ms, err);
        answer.lsn = entry->image->head.last_lsn;
    } else if (request->resolution == SW_RESOLUTION_HAPPENED &&
               !sw_verb_is_same_output(found.end, request->output.data)) {
        rc = sw_fail(err, SW_OUTCOME_CONFLICT, "another output is recorded");
    } else {
        answer.lsn = found.step->outcome_lsn;
        sw_verb_tell(service, call, answer.lsn);
    }
    if (rc != SW_OK)
        return rc;
    answer.state = state_after(request->resolution);
    *ret_answer = answer;
    return SW_OK;
}
