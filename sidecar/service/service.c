/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/service/service.h"

#include <assert.h>
#include <stdlib.h>

#include "sidecar/service/verb.h"
#include "storage/base/fault.h"
#include "storage/journal/journal.h"

enum {
    ENDED_KEPT_MAX = 1024, /* ended runs kept for repeated calls */
    EVICT_PAUSE_MS = 1000  /* between two searches for runs to drop that find none */
};

static enum sw_code on_open_run(void *self, const struct sw_run_row *row, bool *ret_stop,
                                struct sw_err *err)
{
    struct sw_service *service = self;
    struct sw_run_entry *entry;

    (void)ret_stop;
    entry = sw_run_table_new_entry(&service->table, row->run_id, row->task);
    if (entry == NULL)
        return sw_fail(err, SW_NO_MEMORY, "listing open runs");
    entry->run = row->run;
    sw_run_table_add(&service->table, entry);
    sw_run_list_insert_open(&service->table, entry);
    sw_run_entry_grace(&service->table, entry, sw_verb_now_ms(service));
    return SW_OK;
}

enum sw_code sw_service_new(const struct sw_service_options *options,
                            struct sw_service **ret_service, struct sw_err *err)
{
    static const struct sw_run_filter open_runs = {.state = SW_RUN_RUNNING};
    struct sw_run_visitor visitor = {.visit = on_open_run};
    struct sw_service *service = calloc(1, sizeof(*service));
    enum sw_code rc;

    if (service == NULL)
        return sw_fail(err, SW_NO_MEMORY, "starting the service");
    service->options = *options;
    service->options.reader = NULL;
    visitor.self = service;
    rc = sw_journal_reader_list_runs(options->reader, &open_runs, visitor, err);
    if (rc != SW_OK) {
        sw_service_free(service);
        return sw_wrap(err, "starting the service");
    }
    *ret_service = service;
    return SW_OK;
}

void sw_service_free(struct sw_service *service)
{
    if (service == NULL)
        return;
    sw_run_table_fini(&service->table);
    sw_step_pool_fini(&service->pool);
    free(service);
}

static void announce_available(const struct sw_service *service)
{
    if (service->options.events.run_available != NULL)
        service->options.events.run_available(service->options.events.self);
}

/* ---- loading and dropping ------------------------------------------------- */

/* An ended run, read back because somebody asked. */
static void adopt_ended(struct sw_service *service, struct sw_run_image **image)
{
    const struct sw_run_head *head = &(*image)->head;
    struct sw_run_entry *entry;

    entry = sw_run_table_new_entry(&service->table, head->run_id, head->task);
    if (entry == NULL)
        return; /* the verb will say NOT_LOADED again */
    entry->run = head->run;
    entry->committed_lsn = head->last_lsn;
    entry->image = *image;
    *image = NULL;
    sw_run_image_shed(entry->image, &service->pool);
    sw_run_table_add(&service->table, entry);
    sw_run_list_push(&service->table, SW_RUNS_ENDED, entry);
}

void sw_service_adopt(struct sw_service *service, struct sw_run_image **image)
{
    const struct sw_run_head *head = &(*image)->head;
    struct sw_run_entry *entry = sw_run_table_find(&service->table, head->run_id);
    uint64_t now_ms = sw_verb_now_ms(service);

    if (SW_FAULT("run.adopt"))
        return;
    if (entry == NULL && head->state != SW_RUN_RUNNING)
        adopt_ended(service, image);
    /* Read before records that this process has written since: of no use. */
    if (entry == NULL || entry->image != NULL || head->run != entry->run ||
        head->last_lsn < entry->committed_lsn)
        return;
    assert(head->state == SW_RUN_RUNNING);
    entry->image = *image;
    *image = NULL;
    sw_run_entry_forget(entry);
    entry->committed_lsn = head->last_lsn;
    service->steps_cached += entry->image->finished.count;
    for (struct sw_open_step *open = entry->image->open.oldest; open != NULL; open = open->newer)
        open->step.alive_ms = now_ms;
    sw_run_list_push(&service->table, SW_RUNS_LOADED, entry);
    if (head->lease == 0 && sw_run_entry_in(entry, SW_RUNS_GRACE)) {
        sw_run_entry_unbind(&service->table, entry);
        announce_available(service);
    }
}

/* Drops what is in memory of an open run; its holder stays. */
static void unload(struct sw_service *service, struct sw_run_entry *entry)
{
    if (sw_run_entry_in(entry, SW_RUNS_LOADED))
        service->steps_cached -= entry->image->finished.count;
    sw_run_list_remove(&service->table, SW_RUNS_LOADED, entry);
    sw_run_image_free(entry->image);
    entry->image = NULL;
}

/* Runs that nobody holds, least recently used first, until the finished steps fit. */
static void evict(struct sw_service *service)
{
    struct sw_run_entry *entry = sw_run_list_first(&service->table, SW_RUNS_LOADED);
    uint64_t now_ms;

    if (service->steps_cached <= service->options.steps_cached_max)
        return;
    now_ms = sw_verb_now_ms(service);
    if (now_ms < service->evict_after_ms)
        return;
    while (entry != NULL && service->steps_cached > service->options.steps_cached_max) {
        struct sw_run_entry *next = sw_run_list_next(entry, SW_RUNS_LOADED);

        if (!sw_verb_is_held(service, entry, now_ms)) {
            sw_run_entry_remember(entry, &entry->image->head,
                                  sw_run_image_in_doubt(entry->image, false, now_ms));
            unload(service, entry);
        }
        entry = next;
    }
    if (service->steps_cached > service->options.steps_cached_max)
        service->evict_after_ms = now_ms + EVICT_PAUSE_MS;
}

void sw_service_committed(struct sw_service *service)
{
    struct sw_run_table *table = &service->table;
    struct sw_run_entry *entry;

    while ((entry = sw_run_list_first(table, SW_RUNS_DIRTY)) != NULL) {
        entry->committed_lsn = entry->image->head.last_lsn;
        sw_run_list_remove(table, SW_RUNS_DIRTY, entry);
    }
    while (table->lists[SW_RUNS_ENDED].count > ENDED_KEPT_MAX)
        sw_run_table_destroy(table, sw_run_list_first(table, SW_RUNS_ENDED));
    evict(service);
}

/* The run is as it was before the batch: not ended, held by whom it was held by. */
static void restore(struct sw_service *service, struct sw_run_entry *entry)
{
    struct sw_run_table *table = &service->table;
    uint64_t holder = entry->holder_before;

    unload(service, entry);
    sw_run_list_remove(table, SW_RUNS_DIRTY, entry);
    sw_run_list_remove(table, SW_RUNS_ENDED, entry);
    if (!sw_run_entry_in(entry, SW_RUNS_OPEN))
        sw_run_list_insert_open(table, entry);
    sw_run_entry_unbind(table, entry);
    if (holder != 0)
        sw_run_entry_bind(table, entry, holder);
    else
        sw_run_entry_grace(table, entry, sw_verb_now_ms(service));
}

void sw_service_forget(struct sw_service *service)
{
    struct sw_run_entry *entry;

    while ((entry = sw_run_list_first(&service->table, SW_RUNS_DIRTY)) != NULL) {
        if (entry->committed_lsn == 0) { /* started in the batch */
            unload(service, entry);
            sw_run_table_destroy(&service->table, entry);
        } else {
            restore(service, entry);
        }
    }
}

/* ---- holders --------------------------------------------------------------- */

void sw_service_release_holder(struct sw_service *service, uint64_t holder)
{
    struct sw_run_table *table = &service->table;
    struct sw_run_entry *entry = sw_run_list_first(table, SW_RUNS_BOUND);
    bool released = false;

    assert(holder != 0);
    while (entry != NULL) {
        struct sw_run_entry *next = sw_run_list_next(entry, SW_RUNS_BOUND);

        if (entry->holder == holder) {
            sw_run_entry_unbind(table, entry);
            released = true;
        }
        entry = next;
    }
    for (entry = sw_run_list_first(table, SW_RUNS_DIRTY); entry != NULL;
         entry = sw_run_list_next(entry, SW_RUNS_DIRTY)) {
        if (entry->holder_before == holder)
            entry->holder_before = 0;
    }
    if (released)
        announce_available(service);
}

void sw_service_bind_holder(struct sw_service *service, struct sw_span run_id, uint64_t lease,
                            uint64_t holder)
{
    struct sw_run_entry *entry = sw_run_table_find(&service->table, run_id);

    if (entry == NULL || entry->image == NULL || !sw_run_entry_in(entry, SW_RUNS_OPEN))
        return;
    if (lease != 0 && lease == entry->image->head.lease)
        sw_run_entry_bind(&service->table, entry, holder);
}

struct sw_liveness sw_service_liveness(struct sw_service *service, struct sw_span run_id)
{
    const struct sw_run_entry *entry = sw_run_table_find(&service->table, run_id);

    if (entry == NULL || !sw_run_entry_in(entry, SW_RUNS_OPEN))
        return (struct sw_liveness){0};
    return (struct sw_liveness){
        .known = true,
        .held = sw_verb_is_held(service, entry, sw_verb_now_ms(service)),
        .lease = entry->image != NULL ? entry->image->head.lease : 0,
    };
}

struct sw_service_counts sw_service_counts(const struct sw_service *service)
{
    const struct sw_run_table *table = &service->table;
    const struct sw_run_entry *entry = sw_run_list_first(table, SW_RUNS_GRACE);
    uint64_t now_ms = sw_verb_now_ms(service);
    struct sw_service_counts counts = {
        .open_runs = table->lists[SW_RUNS_OPEN].count,
        .held_runs = table->lists[SW_RUNS_BOUND].count + table->lists[SW_RUNS_GRACE].count,
        .loaded_runs = table->lists[SW_RUNS_LOADED].count,
        .steps_cached = service->steps_cached,
    };

    for (; entry != NULL && !sw_verb_is_held(service, entry, now_ms);
         entry = sw_run_list_next(entry, SW_RUNS_GRACE))
        counts.held_runs--;
    return counts;
}

bool sw_service_recall(struct sw_service *service, struct sw_span run_id,
                       struct sw_run_view *ret_view)
{
    const struct sw_run_entry *entry = sw_run_table_find(&service->table, run_id);
    uint64_t now_ms = sw_verb_now_ms(service);
    bool held;

    if (entry == NULL || (entry->image == NULL && entry->brief == NULL))
        return false;
    held = sw_run_entry_in(entry, SW_RUNS_OPEN) && sw_verb_is_held(service, entry, now_ms);
    if (entry->image == NULL && held)
        return false;
    *ret_view = (struct sw_run_view){.held = held};
    if (entry->image != NULL) {
        ret_view->head = entry->image->head;
        ret_view->steps_in_doubt = sw_run_image_in_doubt(entry->image, held, now_ms);
    } else {
        ret_view->head = entry->brief->head;
        ret_view->steps_in_doubt = entry->brief->steps_in_doubt;
    }
    return true;
}

void sw_service_remember(struct sw_service *service, const struct sw_run_view *view)
{
    struct sw_run_entry *entry = sw_run_table_find(&service->table, view->head.run_id);

    /* Read before records that this process has written since: of no use. */
    if (entry == NULL || entry->image != NULL || !sw_run_entry_in(entry, SW_RUNS_OPEN) ||
        view->held || view->head.state != SW_RUN_RUNNING || view->head.run != entry->run ||
        view->head.last_lsn < entry->committed_lsn)
        return;
    sw_run_entry_remember(entry, &view->head, view->steps_in_doubt);
}

uint64_t sw_service_claimable_at_ms(const struct sw_service *service)
{
    const struct sw_run_entry *entry = sw_run_list_first(&service->table, SW_RUNS_GRACE);

    return entry == NULL ? 0 : entry->last_call_ms + service->options.lease_grace_ms;
}
