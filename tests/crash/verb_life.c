/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/verb_life.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/crash/cut_vfs.h"

enum { RESTS_MAX = 40 };

void life_break(struct life *life, const char *format, ...)
{
    va_list arguments;

    if (life->broken[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(life->broken, sizeof life->broken, format, arguments);
    va_end(arguments);
}

/* ---- the process ------------------------------------------------------------------------ */

static uint64_t now_ms(void *self)
{
    return ((struct life *)self)->now_ms;
}

void life_begin(struct life *life)
{
    struct sw_journal_options options = {.directory = life->folder,
                                         .name = "test",
                                         .vfs = life->vfs,
                                         .bytes_max = LIFE_BYTES_MAX,
                                         .now_ms = life->now_ms};
    struct sw_service_options service = {
        .clock = &life->clock,
        .limits = {.payload_bytes_max = 1024 * 1024, .open_steps_max = 16, .open_runs_max = 16},
        .lease_grace_ms = 1000,
        .steps_cached_max = 4}; /* runs are read back now and then */
    enum sw_code rc = sw_journal_open(&options, &life->journal, &life->err);

    life->clock = (struct sw_clock){.now_ms = now_ms, .self = life};
    sw_arena_init(&life->arena, 0);
    if (rc == SW_OK && !life->created)
        life->worlds[0].lsn = sw_journal_state(life->journal)->lsn;
    life->created |= rc == SW_OK;
    if (rc == SW_OK)
        rc = sw_journal_reader_open(life->folder, NULL, &life->reader, &life->err);
    service.journal = life->journal;
    service.reader = life->reader;
    if (rc == SW_OK)
        rc = sw_service_new(&service, &life->service, &life->err);
    life->over |= rc != SW_OK;
}

void life_end(struct life *life)
{
    if (life->over && cut_vfs_fired())
        cut_vfs_arm(CUT_POWER, 0); /* a process that is gone writes no more */
    sw_service_free(life->service);
    sw_journal_reader_close(life->reader);
    sw_journal_close(life->journal);
    sw_arena_fini(&life->arena);
    life->service = NULL;
    life->reader = NULL;
    life->journal = NULL;
}

void life_restart(struct life *life)
{
    if (life->over)
        return;
    life_end(life);
    life_begin(life);
}

/* ---- batches --------------------------------------------------------------------------- */

bool life_call_begin(struct life *life)
{
    life->call = (struct sw_call){.arena = &life->arena};
    return !life->over;
}

bool life_call_load(struct life *life, enum sw_code *rc)
{
    struct sw_run_image *image = NULL;

    if (*rc != SW_NOT_LOADED)
        return false;
    *rc = sw_run_image_read(life->reader, life->call.load_run, &image, &life->err);
    if (*rc != SW_OK)
        return false;
    sw_service_adopt(life->service, &image);
    sw_run_image_free(image);
    return true;
}

bool life_call_end(struct life *life, enum sw_code rc, const char *verb, bool rests)
{
    if (rc != SW_OK && (!cut_vfs_fired() || (rc != SW_JOURNAL_FULL && rc != SW_STORAGE_FAILED)))
        life_break(life, "%s: %s: %s", verb, sw_code_name(rc), life->err.text);
    if (rc != SW_OK)
        return false;
    life->sync |= life->call.sync;
    life->promised |= rests;
    return true;
}

/* As maintain() of sidecar/rpc/loop.c. */
static bool maintain(struct life *life, bool idle)
{
    bool more = false;
    enum sw_code rc = idle ? sw_journal_commit(life->journal, true, &life->err) : SW_OK;

    if (rc == SW_OK && idle)
        life->durable = life->last;
    if (rc == SW_OK)
        rc = sw_journal_maintain(life->journal, life->now_ms, idle, &more, &life->err);
    life->over = rc != SW_OK && rc != SW_JOURNAL_FULL;
    return rc == SW_OK && more;
}

void life_rest(struct life *life)
{
    for (int i = 0; i < RESTS_MAX && !life->over; i++)
        if (!maintain(life, true))
            return;
}

/* As commit() of sidecar/rpc/loop.c. */
void life_commit(struct life *life)
{
    bool promised = life->promised;
    bool sync = life->sync;
    enum sw_code rc;

    life->promised = life->sync = false;
    if (life->over)
        return;
    life->now.lsn = sw_journal_state(life->journal)->lsn;
    assert(life->last + 1 < LIFE_BATCHES_MAX);
    life->worlds[++life->last] = life->now;
#ifdef SW_BREAK_EARLY_ACK
    sync = false;
    life->durable = promised ? life->last : life->durable;
#endif
    rc = sw_journal_commit(life->journal, sync, &life->err);
    if (rc == SW_OK) {
        sw_service_committed(life->service);
        life->durable = promised ? life->last : life->durable;
    } else if (rc == SW_JOURNAL_FULL) {
        sw_service_forget(life->service);
        life->now = life->worlds[--life->last];
    } else {
        life->over = true;
        return;
    }
    sw_arena_reset(&life->arena);
    (void)maintain(life, false);
}
