/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "sidecar/service/fields.h"
#include "sidecar/service/verb.h"

/* The run has ended already: the same answer to the same caller. */
static enum sw_code answer_ended(struct sw_service *service, struct sw_call *call,
                                 const struct sw_run_image *image,
                                 const struct sw_end_run_request *request,
                                 struct sw_end_run_answer *answer, struct sw_err *err)
{
    const struct sw_run_head *head = &image->head;
    enum sw_run_state state = request->failed ? SW_RUN_FAILED : SW_RUN_COMPLETED;

    if (!image->purged && head->lease != request->lease)
        return sw_decide_lease(head, request->lease, err);
    if (head->state != state)
        return sw_fail(err, SW_OUTCOME_CONFLICT, "the run has %s already",
                       head->state == SW_RUN_FAILED ? "failed" : "completed");
    answer->lsn = head->end_lsn;
    sw_verb_tell(service, call, answer->lsn);
    return SW_OK;
}

static enum sw_code write_end(struct sw_service *service, struct sw_call *call,
                              struct sw_run_entry *entry, const struct sw_end_run_request *request,
                              uint64_t now_ms, struct sw_end_run_answer *answer, struct sw_err *err)
{
    struct sw_record record = sw_verb_record(entry, SW_RECORD_RUN_ENDED, now_ms);
    struct sw_run_table *table = &service->table;
    enum sw_code rc;

    record.u.run_ended.state = request->failed ? SW_RUN_FAILED : SW_RUN_COMPLETED;
    record.u.run_ended.unvisited = request->unvisited;
    record.u.run_ended.unvisited_count = request->unvisited_count;
    if (request->failed) {
        record.u.run_ended.failure = request->failure;
    } else {
        record.u.run_ended.result = request->result;
        record.u.run_ended.result.present = true;
    }
    rc = sw_verb_write(service, entry, &record, err);
    if (rc != SW_OK)
        return rc;
    call->sync = true;
    call->ship = true;
    answer->lsn = entry->image->head.end_lsn;
    service->steps_cached -= entry->image->finished.count;
    sw_run_image_shed(entry->image, &service->pool);
    sw_run_entry_unbind(table, entry);
    sw_run_list_remove(table, SW_RUNS_OPEN, entry);
    sw_run_list_remove(table, SW_RUNS_LOADED, entry);
    sw_run_list_push(table, SW_RUNS_ENDED, entry);
    return SW_OK;
}

enum sw_code sw_end_run(struct sw_service *service, struct sw_call *call,
                        const struct sw_end_run_request *request,
                        struct sw_end_run_answer *ret_answer, struct sw_err *err)
{
    struct sw_end_run_answer answer = {0};
    uint64_t now_ms = sw_verb_now_ms(service);
    struct sw_run_entry *entry;
    enum sw_code rc;

    rc = sw_fields_check_end_run(&service->options.limits, request, err);
    if (rc == SW_OK)
        rc = sw_verb_find_run(service, call, request->run_id, &entry, err);
    if (rc != SW_OK)
        return rc;
    if (entry->image->head.state != SW_RUN_RUNNING) {
        rc = answer_ended(service, call, entry->image, request, &answer, err);
    } else {
        rc = sw_decide_lease(&entry->image->head, request->lease, err);
        if (rc == SW_OK)
            rc = write_end(service, call, entry, request, now_ms, &answer, err);
    }
    if (rc == SW_OK)
        *ret_answer = answer;
    return rc;
}
