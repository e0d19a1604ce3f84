/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/rpc/client.intern.h"

#include "sidecar/rpc/codec.h"

enum { PAGE_SIZE = 200 };

static const struct sw_client_method list_runs = {"/stepwell.v1.ControlService/ListRuns",
                                                  &stepwell__v1__list_runs_response__descriptor};
static const struct sw_client_method get_run = {"/stepwell.v1.ControlService/GetRun",
                                                &stepwell__v1__get_run_response__descriptor};
static const struct sw_client_method watch_run = {"/stepwell.v1.ControlService/WatchRun",
                                                  &stepwell__v1__watch_run_response__descriptor};
static const struct sw_client_method read_journal = {
    "/stepwell.v1.ControlService/ReadJournal", &stepwell__v1__read_journal_response__descriptor};
static const struct sw_client_method resolve_step = {
    "/stepwell.v1.ControlService/ResolveStep",
    &stepwell__v1__control_service_resolve_step_response__descriptor};
static const struct sw_client_method flush = {"/stepwell.v1.ControlService/Flush",
                                              &stepwell__v1__flush_response__descriptor};
static const struct sw_client_method drain = {"/stepwell.v1.ControlService/Drain",
                                              &stepwell__v1__drain_response__descriptor};
static const struct sw_client_method get_status = {"/stepwell.v1.ControlService/GetStatus",
                                                   &stepwell__v1__get_status_response__descriptor};

/* ---- ListRuns ------------------------------------------------------------- */

static void fill_labels(const struct sw_client_runs *filter, struct sw_arena *arena,
                        Stepwell__V1__ListRunsRequest *ask)
{
    ask->labels = sw_codec_make(arena, filter->labels_count * sizeof(*ask->labels));
    ask->n_labels = filter->labels_count;
    for (uint32_t i = 0; i < filter->labels_count; i++) {
        ask->labels[i] = sw_codec_make(arena, sizeof(*ask->labels[i]));
        stepwell__v1__list_runs_request__labels_entry__init(ask->labels[i]);
        ask->labels[i]->key = sw_codec_text(arena, filter->labels[i].key);
        ask->labels[i]->value = sw_codec_text(arena, filter->labels[i].value);
    }
}

/* Shows one page; *ret_token: where the next one begins, empty when there is none. */
static enum sw_code list_page(struct sw_client *client, Stepwell__V1__ListRunsRequest *ask,
                              struct sw_run_view_visitor visitor, struct sw_arena *arena,
                              char **ret_token, struct sw_err *err)
{
    const Stepwell__V1__ListRunsResponse *page;
    ProtobufCMessage *answer;
    bool stop = false;
    enum sw_code rc;

    rc = sw_client_unary(client, &list_runs, &ask->base, arena, &answer, err);
    if (rc != SW_OK)
        return rc;
    page = (const Stepwell__V1__ListRunsResponse *)answer;
    for (size_t i = 0; i < page->n_runs && !stop; i++) {
        struct sw_run_view view;

        rc = sw_client_view_run(page->runs[i], arena, &view, err);
        if (rc == SW_OK)
            rc = visitor.visit(visitor.self, &view, &stop, err);
        if (rc != SW_OK)
            return rc;
    }
    *ret_token = sw_codec_text(arena, sw_span_of_text(stop ? "" : page->next_page_token));
    return SW_OK;
}

enum sw_code sw_client_list_runs(struct sw_client *client, const struct sw_client_runs *filter,
                                 struct sw_run_view_visitor visitor, struct sw_err *err)
{
    Stepwell__V1__ListRunsRequest ask = STEPWELL__V1__LIST_RUNS_REQUEST__INIT;
    struct sw_arena constant; /* what every page asks */
    struct sw_arena pages[2]; /* in turn: the token of one names the next */
    enum sw_code rc = SW_OK;
    unsigned page = 0;

    sw_arena_init(&constant, 0);
    sw_arena_init(&pages[0], 0);
    sw_arena_init(&pages[1], 0);
    ask.task = sw_codec_text(&constant, filter->task);
    ask.state = (Stepwell__V1__RunState)filter->state;
    ask.in_doubt = filter->in_doubt;
    ask.page_size = PAGE_SIZE;
    fill_labels(filter, &constant, &ask);
    do {
        struct sw_arena *arena = &pages[page++ % 2];

        sw_arena_reset(arena);
        rc = list_page(client, &ask, visitor, arena, &ask.page_token, err);
    } while (rc == SW_OK && ask.page_token[0] != '\0');
    sw_arena_fini(&pages[0]);
    sw_arena_fini(&pages[1]);
    sw_arena_fini(&constant);
    return rc;
}

/* ---- GetRun, WatchRun ----------------------------------------------------- */

static enum sw_code view_steps(Stepwell__V1__Step *const *messages, size_t count,
                               struct sw_arena *arena, struct sw_client_step **ret_steps,
                               struct sw_err *err)
{
    struct sw_client_step *steps = sw_codec_make(arena, count * sizeof(*steps));
    enum sw_code rc = SW_OK;

    for (size_t i = 0; i < count && rc == SW_OK; i++)
        rc = sw_client_view_step(messages[i], arena, &steps[i], err);
    *ret_steps = steps;
    return rc;
}

enum sw_code sw_client_get_run(struct sw_client *client, struct sw_span run_id,
                               struct sw_arena *arena, struct sw_client_run *ret_run,
                               struct sw_err *err)
{
    Stepwell__V1__GetRunRequest ask = STEPWELL__V1__GET_RUN_REQUEST__INIT;
    const Stepwell__V1__GetRunResponse *found;
    struct sw_client_run run = {.open_steps = NULL};
    struct sw_client_step *steps;
    ProtobufCMessage *answer;
    enum sw_code rc;

    ask.run_id = sw_codec_text(arena, run_id);
    rc = sw_client_unary(client, &get_run, &ask.base, arena, &answer, err);
    if (rc != SW_OK)
        return rc;
    found = (const Stepwell__V1__GetRunResponse *)answer;
    if (found->run == NULL)
        return sw_fail(err, SW_CONFIGURATION, "the answer names no run");
    rc = sw_client_view_run(found->run, arena, &run.run, err);
    if (rc == SW_OK)
        rc = view_steps(found->open_steps, found->n_open_steps, arena, &steps, err);
    if (rc != SW_OK)
        return rc;
    run.open_steps = steps;
    run.open_steps_count = found->n_open_steps;
    *ret_run = run;
    return SW_OK;
}

struct watching {
    const struct sw_client_watcher *watcher;
    bool caught_up;
};

static enum sw_code show_run(const struct sw_client_watcher *watcher,
                             const Stepwell__V1__WatchRunResponse *part, struct sw_arena *arena,
                             struct sw_err *err)
{
    struct sw_run_view run;
    enum sw_code rc;

    if (part->run == NULL)
        return SW_OK;
    rc = sw_client_view_run(part->run, arena, &run, err);
    return rc == SW_OK ? watcher->on_run(watcher->self, &run, err) : rc;
}

static enum sw_code on_watch(void *self, const ProtobufCMessage *message, struct sw_arena *arena,
                             struct sw_err *err)
{
    struct watching *watching = self;
    const struct sw_client_watcher *watcher = watching->watcher;
    const Stepwell__V1__WatchRunResponse *part = (const Stepwell__V1__WatchRunResponse *)message;
    struct sw_client_step *steps = NULL;
    enum sw_code rc = SW_OK;

    if (!watching->caught_up)
        rc = show_run(watcher, part, arena, err);
    if (rc == SW_OK)
        rc = view_steps(part->steps, part->n_steps, arena, &steps, err);
    for (size_t i = 0; i < part->n_steps && rc == SW_OK; i++)
        rc = watcher->on_step(watcher->self, &steps[i], err);
    if (rc == SW_OK && watching->caught_up) /* a run ends behind its last step */
        rc = show_run(watcher, part, arena, err);
    if (rc == SW_OK && part->caught_up && !watching->caught_up) {
        watching->caught_up = true;
        rc = watcher->on_caught_up(watcher->self, err);
    }
    return rc;
}

enum sw_code sw_client_watch_run(struct sw_client *client, const struct sw_client_watch *watch,
                                 const struct sw_client_watcher *watcher, struct sw_err *err)
{
    Stepwell__V1__WatchRunRequest ask = STEPWELL__V1__WATCH_RUN_REQUEST__INIT;
    struct watching watching = {.watcher = watcher};
    struct sw_arena arena;
    enum sw_code rc;

    sw_arena_init(&arena, 0);
    ask.run_id = sw_codec_text(&arena, watch->run_id);
    ask.follow = watch->follow;
    ask.include_inputs = watch->include_inputs;
    rc = sw_client_stream(client, &watch_run, &ask.base, on_watch, &watching, err);
    sw_arena_fini(&arena);
    return rc;
}

/* ---- the journal ---------------------------------------------------------- */

static enum sw_code on_records(void *self, const ProtobufCMessage *message, struct sw_arena *arena,
                               struct sw_err *err)
{
    const struct sw_record_line_visitor *visitor = self;
    const Stepwell__V1__ReadJournalResponse *part =
        (const Stepwell__V1__ReadJournalResponse *)message;
    enum sw_code rc = SW_OK;

    (void)arena;
    for (size_t i = 0; i < part->n_records && rc == SW_OK; i++) {
        struct sw_record_line line;

        sw_client_view_record(part->records[i], &line);
        rc = visitor->visit(visitor->self, &line, err);
    }
    return rc;
}

enum sw_code sw_client_read_journal(struct sw_client *client, const struct sw_client_journal *range,
                                    struct sw_record_line_visitor visitor, struct sw_err *err)
{
    Stepwell__V1__ReadJournalRequest ask = STEPWELL__V1__READ_JOURNAL_REQUEST__INIT;
    struct sw_arena arena;
    enum sw_code rc;

    sw_arena_init(&arena, 0);
    ask.from_lsn = range->from_lsn;
    ask.run_id = sw_codec_text(&arena, range->run_id);
    ask.limit = range->limit;
    rc = sw_client_stream(client, &read_journal, &ask.base, on_records, &visitor, err);
    sw_arena_fini(&arena);
    return rc;
}

enum sw_code sw_client_flush(struct sw_client *client, uint64_t lsn, uint64_t *ret_lsn,
                             struct sw_err *err)
{
    Stepwell__V1__FlushRequest ask = STEPWELL__V1__FLUSH_REQUEST__INIT;
    ProtobufCMessage *answer;
    struct sw_arena arena;
    enum sw_code rc;

    sw_arena_init(&arena, 0);
    ask.lsn = lsn;
    rc = sw_client_unary(client, &flush, &ask.base, &arena, &answer, err);
    if (rc == SW_OK)
        *ret_lsn = ((const Stepwell__V1__FlushResponse *)answer)->lsn;
    sw_arena_fini(&arena);
    return rc;
}

enum sw_code sw_client_drain(struct sw_client *client, uint64_t *ret_lsn, struct sw_err *err)
{
    Stepwell__V1__DrainRequest ask = STEPWELL__V1__DRAIN_REQUEST__INIT;
    ProtobufCMessage *answer;
    struct sw_arena arena;
    enum sw_code rc;

    sw_arena_init(&arena, 0);
    rc = sw_client_unary(client, &drain, &ask.base, &arena, &answer, err);
    if (rc == SW_OK)
        *ret_lsn = ((const Stepwell__V1__DrainResponse *)answer)->lsn;
    sw_arena_fini(&arena);
    return rc;
}

/* ---- the server ----------------------------------------------------------- */

static Stepwell__V1__Payload *make_payload(const struct sw_payload *view, struct sw_arena *arena)
{
    Stepwell__V1__Payload *message = sw_codec_make(arena, sizeof(*message));

    stepwell__v1__payload__init(message);
    message->content_type = sw_codec_text(arena, view->content_type);
    message->data.len = view->data.size;
    message->data.data = sw_codec_make(arena, view->data.size);
    if (view->data.size != 0)
        memcpy(message->data.data, view->data.data, view->data.size);
    return message;
}

static Stepwell__V1__Resolution *make_resolution(const struct sw_resolve_step_request *request,
                                                 struct sw_arena *arena)
{
    Stepwell__V1__Resolution *message = sw_codec_make(arena, sizeof(*message));

    stepwell__v1__resolution__init(message);
    switch (request->resolution) {
    case SW_RESOLUTION_HAPPENED:
        message->resolution_case = STEPWELL__V1__RESOLUTION__RESOLUTION_HAPPENED;
        message->happened = make_payload(&request->output, arena);
        break;
    case SW_RESOLUTION_DID_NOT_HAPPEN:
        message->resolution_case = STEPWELL__V1__RESOLUTION__RESOLUTION_DID_NOT_HAPPEN;
        message->did_not_happen = sw_codec_make(arena, sizeof(*message->did_not_happen));
        stepwell__v1__did_not_happen__init(message->did_not_happen);
        break;
    case SW_RESOLUTION_GIVE_UP:
        message->resolution_case = STEPWELL__V1__RESOLUTION__RESOLUTION_GIVE_UP;
        message->give_up = sw_codec_make(arena, sizeof(*message->give_up));
        stepwell__v1__failure__init(message->give_up);
        message->give_up->type = sw_codec_text(arena, request->failure.type);
        message->give_up->message = sw_codec_text(arena, request->failure.message);
        break;
    }
    return message;
}

enum sw_code sw_client_resolve_step(struct sw_client *client,
                                    const struct sw_resolve_step_request *request,
                                    struct sw_resolve_step_answer *ret_answer, struct sw_err *err)
{
    Stepwell__V1__ControlServiceResolveStepRequest ask =
        STEPWELL__V1__CONTROL_SERVICE_RESOLVE_STEP_REQUEST__INIT;
    const Stepwell__V1__ControlServiceResolveStepResponse *resolved;
    ProtobufCMessage *answer;
    struct sw_arena arena;
    enum sw_code rc;

    sw_arena_init(&arena, 0);
    ask.run_id = sw_codec_text(&arena, request->run_id);
    ask.key = sw_codec_text(&arena, request->key);
    ask.by = sw_codec_text(&arena, request->by);
    ask.resolution = make_resolution(request, &arena);
    rc = sw_client_unary(client, &resolve_step, &ask.base, &arena, &answer, err);
    if (rc == SW_OK) {
        resolved = (const Stepwell__V1__ControlServiceResolveStepResponse *)answer;
        ret_answer->lsn = resolved->lsn;
        ret_answer->state = sw_client_view_state(resolved->state);
    }
    sw_arena_fini(&arena);
    return rc;
}

enum sw_code sw_client_get_status(struct sw_client *client, struct sw_arena *arena,
                                  struct sw_client_status *ret_status, struct sw_err *err)
{
    Stepwell__V1__GetStatusRequest ask = STEPWELL__V1__GET_STATUS_REQUEST__INIT;
    ProtobufCMessage *answer;
    enum sw_code rc;

    rc = sw_client_unary(client, &get_status, &ask.base, arena, &answer, err);
    if (rc == SW_OK)
        sw_client_view_status((const Stepwell__V1__GetStatusResponse *)answer, ret_status);
    return rc;
}
