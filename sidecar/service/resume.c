/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/service/fields.h"
#include "sidecar/service/verb.h"

enum sw_code sw_resume(struct sw_service *service, struct sw_call *call,
                       const struct sw_resume_request *request, struct sw_resume_answer *ret_answer,
                       struct sw_err *err)
{
    struct sw_resume_answer answer = {0};
    uint64_t now_ms = sw_verb_now_ms(service);
    struct sw_run_entry *entry;
    enum sw_code rc;

    rc = sw_fields_check_resume(&service->options.limits, request, err);
    if (rc == SW_OK)
        rc = sw_verb_find_run(service, call, request->run_id, &entry, err);
    if (rc == SW_OK)
        rc = sw_verb_view(service, call, entry, now_ms, &answer.run, err);
    if (rc != SW_OK)
        return rc;
    if (entry->image->head.state == SW_RUN_RUNNING) {
        struct sw_span holder_name = request->holder_name;

        if (request->lease == 0) {
            rc = sw_verb_take_lease(service, call, entry, holder_name, now_ms, err);
        } else {
            rc = sw_decide_lease(&entry->image->head, request->lease, err);
            holder_name = answer.run.head.holder;
            if (rc == SW_OK)
                sw_verb_touch(service, call, entry, now_ms);
        }
        if (rc != SW_OK)
            return rc;
        answer.lease = entry->image->head.lease;
        sw_verb_view_lease(service, entry, holder_name, now_ms, &answer.run);
    }
    answer.up_to_lsn = entry->image->head.last_lsn;
    sw_verb_tell(service, call, answer.up_to_lsn);
    *ret_answer = answer;
    return SW_OK;
}
