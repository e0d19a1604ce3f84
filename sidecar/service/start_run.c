/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "sidecar/service/fields.h"
#include "sidecar/service/verb.h"
#include "storage/journal/journal.h"

enum { DIGEST_TEXT_SIZE = 2 * SW_DIGEST_SIZE + 1 };

/* A random UUID for a run that its caller did not name. */
static enum sw_code draw_run_id(struct sw_call *call, struct sw_span *ret_run_id,
                                struct sw_err *err)
{
    uint8_t bytes[16];
    char *text = sw_arena_alloc(call->arena, SW_UUID_TEXT_SIZE);

    if (text == NULL)
        return sw_fail(err, SW_NO_MEMORY, "drawing a run id");
    sw_random(bytes, sizeof(bytes));
    sw_uuid_text(bytes, text);
    *ret_run_id = sw_span_of(text, SW_UUID_TEXT_SIZE - 1);
    return SW_OK;
}

static void digest_text(bool present, const struct sw_digest *digest, char ret[DIGEST_TEXT_SIZE])
{
    if (present)
        sw_hex(digest->bytes, SW_DIGEST_SIZE, ret);
    else
        memcpy(ret, "none", sizeof("none"));
}

/* RUN_CONFLICT when the run was started with another task or input. */
static enum sw_code check_same(const struct sw_run_image *image,
                               const struct sw_start_run_request *request, struct sw_err *err)
{
    const struct sw_run_head *head = &image->head;
    struct sw_digest offered = {0};
    char recorded_text[DIGEST_TEXT_SIZE];
    char offered_text[DIGEST_TEXT_SIZE];

    if (!sw_span_equal(head->task, request->task))
        return sw_fail(err, SW_RUN_CONFLICT, "recorded task \"%.*s\", offered \"%.*s\"",
                       SW_SPAN_ARG(head->task), SW_SPAN_ARG(request->task));
    if (image->purged) /* nobody knows its input any more */
        return SW_OK;
    if (request->input.present)
        offered = sw_verb_digest(request->input.data);
    if (head->has_input == request->input.present &&
        (!head->has_input || memcmp(&offered, &head->input_digest, sizeof(offered)) == 0))
        return SW_OK;
    digest_text(head->has_input, &head->input_digest, recorded_text);
    digest_text(request->input.present, &offered, offered_text);
    return sw_fail(err, SW_RUN_CONFLICT, "recorded input digest %s, offered %s", recorded_text,
                   offered_text);
}

/* Whether nothing was recorded since the run's creation by a call like this one. */
static bool is_as_created(const struct sw_run_entry *entry, const struct sw_call *call,
                          const struct sw_start_run_request *request)
{
    const struct sw_run_head *head = &entry->image->head;

    if (head->state != SW_RUN_RUNNING || head->steps > 0)
        return false;
    if (head->lease == 0)
        return true;
    return request->take_lease && head->lease == 1 &&
           sw_span_equal(head->holder, request->holder_name) &&
           (entry->holder == 0 || entry->holder == call->holder);
}

/* The run exists. */
static enum sw_code answer_existing(struct sw_service *service, struct sw_call *call,
                                    const struct sw_start_run_request *request,
                                    struct sw_run_entry *entry, uint64_t now_ms,
                                    struct sw_start_run_answer *answer, struct sw_err *err)
{
    const struct sw_run_image *image = entry->image;
    enum sw_code rc;

    rc = check_same(image, request, err);
    if (rc != SW_OK)
        return rc;
    rc = sw_verb_view(service, call, entry, now_ms, &answer->run, err);
    if (rc != SW_OK)
        return rc;
    answer->created = is_as_created(entry, call, request);
    if (answer->created && request->take_lease) {
        if (image->head.lease == 0)
            rc = sw_verb_take_lease(service, call, entry, request->holder_name, now_ms, err);
        else
            sw_verb_touch(service, call, entry, now_ms);
        if (rc != SW_OK)
            return rc;
        answer->lease = image->head.lease;
        sw_verb_view_lease(service, entry, request->holder_name, now_ms, &answer->run);
    }
    sw_verb_tell(service, call, image->head.last_lsn);
    return SW_OK;
}

/* Appends and applies RUN_STARTED and, if asked for, LEASE_TAKEN to an entry in no table. */
static enum sw_code write_start(struct sw_service *service, struct sw_run_entry *entry,
                                const struct sw_start_run_request *request, struct sw_span run_id,
                                uint64_t now_ms, struct sw_err *err)
{
    struct sw_record record = {.type = SW_RECORD_RUN_STARTED, .at_ms = now_ms};
    enum sw_code rc;

    record.u.run_started.run_id = run_id;
    record.u.run_started.task = request->task;
    record.u.run_started.input = request->input;
    record.u.run_started.labels = request->labels;
    record.u.run_started.labels_count = request->labels_count;
    record.u.run_started.code_version = request->code_version;
    record.u.run_started.on_divergence =
        request->on_divergence == 0 ? SW_DIVERGENCE_FAIL : request->on_divergence;
    rc = sw_verb_append(service, entry, &record, err);
    if (rc != SW_OK || !request->take_lease)
        return rc;
    record = sw_verb_record(entry, SW_RECORD_LEASE_TAKEN, now_ms);
    record.lease = 1;
    record.u.lease_taken.holder = request->holder_name;
    return sw_verb_append(service, entry, &record, err);
}

static void view_created(const struct sw_run_entry *entry,
                         const struct sw_start_run_request *request, struct sw_span run_id,
                         struct sw_run_view *view)
{
    view->head = entry->image->head;
    view->head.run_id = run_id;
    view->head.task = request->task;
    view->head.holder = request->take_lease ? request->holder_name : (struct sw_span){0};
    view->input = request->input;
    view->labels = request->labels;
    view->labels_count = request->labels_count;
    view->code_version = request->code_version;
}

static enum sw_code create(struct sw_service *service, struct sw_call *call,
                           const struct sw_start_run_request *request, struct sw_span run_id,
                           uint64_t now_ms, struct sw_start_run_answer *answer, struct sw_err *err)
{
    const struct sw_service_events *events = &service->options.events;
    struct sw_run_table *table = &service->table;
    struct sw_run_entry *entry;
    enum sw_code rc;

    if (table->lists[SW_RUNS_OPEN].count >= service->options.limits.open_runs_max)
        return sw_fail(err, SW_TOO_MANY_OPEN_RUNS, "%zu runs are open, at most %u",
                       table->lists[SW_RUNS_OPEN].count, service->options.limits.open_runs_max);
    rc = sw_verb_check_backlog(service, err);
    if (rc != SW_OK)
        return rc;
    entry = sw_run_table_new_entry(table, run_id, request->task);
    if (entry == NULL)
        return sw_fail(err, SW_NO_MEMORY, "starting a run");
    entry->image = sw_run_image_new();
    if (entry->image == NULL)
        rc = sw_fail(err, SW_NO_MEMORY, "starting a run");
    else
        rc = sw_verb_mark(service, err);
    if (rc == SW_OK)
        rc = sw_verb_undo_failed(service, write_start(service, entry, request, run_id, now_ms, err),
                                 err);
    if (rc != SW_OK) {
        sw_run_table_destroy(table, entry);
        return rc;
    }
    sw_run_table_add(table, entry);
    sw_run_list_push(table, SW_RUNS_OPEN, entry);
    sw_run_list_push(table, SW_RUNS_LOADED, entry);
    sw_verb_mark_dirty(service, entry);
    if (request->take_lease)
        sw_verb_touch(service, call, entry, now_ms);
    else if (events->run_available != NULL)
        events->run_available(events->self);
    if (events->run_changed != NULL)
        events->run_changed(events->self, entry->run);
    call->sync = true;
    answer->created = true;
    answer->lease = entry->image->head.lease;
    view_created(entry, request, run_id, &answer->run);
    answer->run.held = sw_verb_is_held(service, entry, now_ms);
    return SW_OK;
}

enum sw_code sw_start_run(struct sw_service *service, struct sw_call *call,
                          const struct sw_start_run_request *request,
                          struct sw_start_run_answer *ret_answer, struct sw_err *err)
{
    struct sw_start_run_answer answer = {0};
    uint64_t now_ms = sw_verb_now_ms(service);
    struct sw_span run_id = request->run_id;
    struct sw_run_entry *entry;
    enum sw_code rc;

    rc = sw_fields_check_start_run(&service->options.limits, request, err);
    if (rc != SW_OK)
        return rc;
    if (run_id.size == 0) {
        rc = draw_run_id(call, &run_id, err);
        if (rc == SW_OK)
            rc = create(service, call, request, run_id, now_ms, &answer, err);
    } else {
        rc = sw_verb_find_run(service, call, run_id, &entry, err);
        if (rc == SW_RUN_NOT_FOUND)
            rc = create(service, call, request, run_id, now_ms, &answer, err);
        else if (rc == SW_OK)
            rc = answer_existing(service, call, request, entry, now_ms, &answer, err);
    }
    if (rc == SW_OK)
        *ret_answer = answer;
    return rc;
}
