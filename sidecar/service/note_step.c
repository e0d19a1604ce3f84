/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "sidecar/service/fields.h"
#include "sidecar/service/verb.h"

static bool is_noted(const struct sw_step *step, struct sw_span text)
{
    const struct sw_external_ref *ref = step->refs;

    while (ref != NULL && !sw_span_equal(ref->text, text))
        ref = ref->next;
    return ref != NULL;
}

/* Whether the attempt may still be noted about. */
static enum sw_code check_attempt(const struct sw_found_step *found, uint32_t attempt,
                                  struct sw_err *err)
{
    const struct sw_step *step = found->step;

    if (step->state == SW_STEP_ABSENT)
        return sw_fail(err, SW_STEP_NOT_FOUND, "no step of this key was begun");
    if (attempt > step->attempt)
        return sw_fail_field(err, "attempt", step->attempt, "%" PRIu32 ", newest is %" PRIu32,
                             attempt, step->attempt);
    if (attempt < step->attempt)
        return sw_fail(err, SW_ATTEMPT_SUPERSEDED, "attempt %" PRIu32 ", newest is %" PRIu32,
                       attempt, step->attempt);
    if (step->state != SW_STEP_OPEN && step->state != SW_STEP_DOUBTED)
        return sw_fail(err, SW_ATTEMPT_SUPERSEDED, "the attempt has ended, the step is %s",
                       sw_step_state_name(step->state));
    return SW_OK;
}

/* Records what is new; lsn stays 0 when nothing is. */
static enum sw_code write_note(struct sw_service *service, struct sw_call *call,
                               struct sw_run_entry *entry,
                               const struct sw_note_step_request *request,
                               const struct sw_step *step, uint64_t now_ms,
                               struct sw_note_step_answer *answer, struct sw_err *err)
{
    struct sw_record record = sw_verb_record(entry, SW_RECORD_STEP_NOTED, now_ms);
    bool has_ref = request->external_ref.size > 0;
    bool is_known = has_ref && is_noted(step, request->external_ref);
    enum sw_code rc;

    if (is_known)
        sw_verb_tell(service, call, step->last_lsn);
    if ((!has_ref || is_known) && !request->progress.present)
        return SW_OK;
    if (has_ref && !is_known && step->refs_count >= SW_EXTERNAL_REFS_MAX)
        return sw_fail_field(err, "external_ref", SW_EXTERNAL_REFS_MAX,
                             "%d are noted already, at most %d", SW_EXTERNAL_REFS_MAX,
                             SW_EXTERNAL_REFS_MAX);
    record.key = request->key;
    record.attempt = request->attempt;
    if (!is_known)
        record.u.noted.ref.text = request->external_ref;
    record.u.noted.progress = request->progress;
    rc = sw_verb_write(service, entry, &record, err);
    if (rc != SW_OK)
        return rc;
    call->sync = true;
    answer->lsn = entry->image->head.last_lsn;
    return SW_OK;
}

enum sw_code sw_note_step(struct sw_service *service, struct sw_call *call,
                          const struct sw_note_step_request *request,
                          struct sw_note_step_answer *ret_answer, struct sw_err *err)
{
    struct sw_note_step_answer answer = {0};
    uint64_t now_ms = sw_verb_now_ms(service);
    struct sw_run_entry *entry;
    struct sw_found_step found;
    struct sw_open_step *open;
    enum sw_code rc;

    rc = sw_fields_check_note_step(&service->options.limits, request, err);
    if (rc == SW_OK)
        rc = sw_verb_hold_run(service, call, request->run_id, request->lease, now_ms, &entry, err);
    if (rc == SW_OK)
        rc = sw_verb_find_step(service, call, entry, request->key, &found, err);
    if (rc == SW_OK)
        rc = check_attempt(&found, request->attempt, err);
    if (rc == SW_OK)
        rc = write_note(service, call, entry, request, found.step, now_ms, &answer, err);
    if (rc != SW_OK)
        return rc;
    open = sw_run_image_find(entry->image, request->key);
    if (now_ms > open->step.alive_ms)
        open->step.alive_ms = now_ms;
    answer.deadline_ms = sw_step_deadline_ms(&open->step);
    *ret_answer = answer;
    return SW_OK;
}
