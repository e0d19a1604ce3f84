/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "sidecar/service/fields.h"
#include "sidecar/service/verb.h"

static bool is_wanted(const struct sw_claim_run_request *request, struct sw_span task)
{
    for (uint32_t i = 0; i < request->tasks_count; i++) {
        if (sw_span_equal(request->tasks[i], task))
            return true;
    }
    return request->tasks_count == 0;
}

/* Runs whose grace is over: nobody holds them. Others that wait for one want to know. */
static void end_graces(struct sw_service *service, uint64_t now_ms)
{
    const struct sw_service_events *events = &service->options.events;
    struct sw_run_entry *entry = sw_run_list_first(&service->table, SW_RUNS_GRACE);
    bool ended = false;

    while (entry != NULL && !sw_verb_is_held(service, entry, now_ms)) {
        sw_run_entry_unbind(&service->table, entry);
        ended = true;
        entry = sw_run_list_first(&service->table, SW_RUNS_GRACE);
    }
    if (ended && events->run_available != NULL)
        events->run_available(events->self);
}

/* The oldest wanted run that nobody holds; NULL when there is none. */
static struct sw_run_entry *find_free(struct sw_service *service,
                                      const struct sw_claim_run_request *request)
{
    const struct sw_run_table *table = &service->table;
    size_t left = table->lists[SW_RUNS_OPEN].count - table->lists[SW_RUNS_BOUND].count -
                  table->lists[SW_RUNS_GRACE].count;
    struct sw_run_entry *entry = sw_run_list_first(table, SW_RUNS_OPEN);

    for (; left > 0; entry = sw_run_list_next(entry, SW_RUNS_OPEN)) {
        assert(entry != NULL);
        if (sw_run_entry_in(entry, SW_RUNS_BOUND) || sw_run_entry_in(entry, SW_RUNS_GRACE))
            continue;
        if (is_wanted(request, entry->task))
            return entry;
        left--;
    }
    return NULL;
}

enum sw_code sw_claim_run(struct sw_service *service, struct sw_call *call,
                          const struct sw_claim_run_request *request,
                          struct sw_claim_run_answer *ret_answer, struct sw_err *err)
{
    struct sw_claim_run_answer answer = {0};
    uint64_t now_ms = sw_verb_now_ms(service);
    struct sw_run_entry *entry;
    enum sw_code rc;

    rc = sw_fields_check_claim_run(&service->options.limits, request, err);
    if (rc != SW_OK)
        return rc;
    end_graces(service, now_ms);
    entry = find_free(service, request);
    if (entry != NULL) {
        rc = sw_verb_find_run(service, call, entry->run_id, &entry, err);
        if (rc == SW_OK)
            rc = sw_verb_view(service, call, entry, now_ms, &answer.run, err);
        if (rc == SW_OK)
            rc = sw_verb_take_lease(service, call, entry, request->holder_name, now_ms, err);
        if (rc != SW_OK)
            return rc;
        answer.found = true;
        answer.lease = entry->image->head.lease;
        sw_verb_view_lease(service, entry, request->holder_name, now_ms, &answer.run);
    }
    *ret_answer = answer;
    return SW_OK;
}
