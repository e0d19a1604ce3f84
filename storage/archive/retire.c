/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a journal, in two steps that a person takes with days between them.
 *
 * RETIRE is written by an owner: whoever retires a journal claims it first, so that nobody else is
 * one any more. Who reads the chain to its end finds RETIRE and goes no further.
 *
 * Removing objects makes holes in the chain, and a reader takes a hole for the end. So before
 * the first object goes, RETIRE is copied to where the index of a snapshot of slot 2^64 - 1 would
 * be:
 *
 *   floor on high   the copy is created. Every opener finds the newest floor first, and reads it;
 *                   one that looked earlier looks again behind its fence (rule (d)), which lies
 *                   below this floor and is void
 *   the bulk        snapshots and orphans, then DATA
 *   the chain       FENCE and RETIRE
 *   META            whoever finds none looks for floors before creating one
 *   the floor       the last object: now the name is free
 *
 * An owner that was stalled all that time, and was about to ship, may find its slot empty once its
 * successor's FENCE is gone: that is what the days are for.
 */
#include <inttypes.h>

#include "storage/archive/fence.h"

struct retiring {
    struct sw_archive *archive;
    struct sw_replay check; /* rows are checked, and go nowhere */
};

/* ---- to the chain's end ----------------------------------------------------------- */

static enum sw_code read_from(struct retiring *retiring, uint64_t slot, struct sw_err *err)
{
    struct sw_archive *archive = retiring->archive;
    struct sw_snapshot snapshot;
    enum sw_code code;

    retiring->check = (struct sw_replay){0};
    if (slot == 0) {
        archive->position = sw_position_of_meta(&archive->meta);
        return sw_pull_log(archive, &retiring->check, err);
    }
    code = sw_snapshot_load(archive, slot, &snapshot, err);
    if (code != SW_OK)
        return code;
    archive->position = sw_position_of_index(&snapshot.index);
    sw_snapshot_fini(&snapshot);
    return sw_pull_log(archive, &retiring->check, err);
}

static enum sw_code read_chain(void *self, struct sw_err *err)
{
    struct retiring *retiring = self;
    struct sw_floors floors;
    enum sw_code code = sw_floors_list(retiring->archive, &floors, err);

    if (code != SW_OK)
        return code;
    code = SW_CORRUPT; /* a damaged snapshot is passed over, as sink.c does */
    for (size_t i = 0; code == SW_CORRUPT && i <= floors.count; i++) {
        code = read_from(retiring, i < floors.count ? floors.slots[i] : 0, err);
        if (code == SW_OK && i > 0 && retiring->archive->position.slot < floors.slots[0])
            code = sw_fail(err, SW_CORRUPT, "the chain ends in slot %" PRIu64 ", below a snapshot",
                           retiring->archive->position.slot);
    }
    return code;
}

/* ---- RETIRE ------------------------------------------------------------------------ */

static void name_log(const struct sw_archive *archive, uint64_t slot, char ret[SW_OBJECT_KEY_MAX])
{
    struct sw_name name = {.kind = SW_NAME_LOG, .slot = slot};

    sw_name_put(archive->journal, &name, ret);
}

static void name_floor(const struct sw_archive *archive, char ret[SW_OBJECT_KEY_MAX])
{
    struct sw_name name = {.kind = SW_NAME_INDEX, .slot = SW_RETIRE_SLOT};

    sw_name_put(archive->journal, &name, ret);
}

/* Rule (c): whether what is in the slot is ours. */
static enum sw_code check_mine(struct sw_archive *archive, const char *key, struct sw_err *err)
{
    struct sw_object_op op;
    enum sw_code code = sw_archive_get(archive, key, &op, err);

    if (code == SW_OK &&
        !sw_span_equal(sw_span_of(op.data, op.size), sw_bytes_span(&archive->frozen)))
        code = sw_fail(err, SW_OWNER_FENCED, "another process took the journal over meanwhile");
    sw_object_op_fini(&op);
    return code;
}

static enum sw_code create_retire(struct sw_archive *archive, struct sw_err *err)
{
    enum sw_object_result result;
    char key[SW_OBJECT_KEY_MAX];
    enum sw_code code = sw_freeze_mark(archive, SW_SEGMENT_RETIRE, archive->position.epoch, err);

    name_log(archive, archive->freezing.slot, key);
    if (code == SW_OK)
        code = sw_archive_create(archive, key, sw_bytes_span(&archive->frozen), 0, &result, err);
    if (code == SW_OK && result == SW_OBJECT_EXISTS)
        code = check_mine(archive, key, err);
    if (code == SW_OK)
        code = sw_position_follow(&archive->position, &archive->freezing, err);
    return code;
}

static enum sw_code load_meta(struct sw_archive *archive, bool *ret_found, struct sw_err *err)
{
    enum sw_code code = sw_meta_load(archive, ret_found, err);

    if (code == SW_OK && !*ret_found)
        code = sw_archive_check_free(archive, err);
    return code;
}

static enum sw_code refuse_none(const struct sw_archive *archive, struct sw_err *err)
{
    return sw_fail(err, SW_CONFIGURATION, "%s: holds no journal \"%s\"",
                   sw_store_url(archive->options.store), archive->journal);
}

static enum sw_code tell(struct sw_archive *archive, struct sw_retirement *ret, struct sw_err *err)
{
    struct sw_segment retire;
    char key[SW_OBJECT_KEY_MAX];
    struct sw_object_op op;
    enum sw_code code;

    name_log(archive, archive->position.slot, key);
    code = sw_archive_get(archive, key, &op, err);
    if (code == SW_OK)
        code = sw_segment_read(sw_span_of(op.data, op.size), &retire, err);
    if (code == SW_OK) {
        ret->slot = retire.slot;
        ret->epoch = retire.epoch;
        ret->lsn = retire.last_lsn;
        ret->at_ms = retire.at_ms;
    }
    sw_object_op_fini(&op);
    return code;
}

enum sw_code sw_archive_retire(const struct sw_archive_options *options, struct sw_retirement *ret,
                               struct sw_err *err)
{
    struct sw_retirement report = {.before = false};
    struct retiring retiring = {.archive = NULL};
    struct sw_fencing fencing = {.replay = &retiring.check, .read = read_chain, .self = &retiring};
    struct sw_archive *archive;
    enum sw_code code = sw_archive_new(options, &archive, err);
    bool found = false;

    if (code != SW_OK)
        return code;
    retiring.archive = fencing.archive = archive;
    code = load_meta(archive, &found, err);
    if (code == SW_OK && !found)
        code = refuse_none(archive, err);
    if (code == SW_OK)
        code = sw_fence(&fencing, err);
    report.before = code == SW_JOURNAL_RETIRED && archive->position.retired;
    if (report.before)
        code = SW_OK;
    else if (code == SW_OK)
        code = create_retire(archive, err);
    if (code == SW_OK)
        code = tell(archive, &report, err);
    if (code == SW_OK)
        *ret = report;
    sw_archive_close(archive);
    return code;
}

/* ---- removing ----------------------------------------------------------------------- */

struct removing {
    struct sw_archive *archive;
    struct sw_removal removal;
    bool data_only; /* of the log: FENCE and RETIRE stay */
};

/* *ret_found false: the floor on high is not there. */
static enum sw_code load_floor(struct sw_archive *archive, bool *ret_found,
                               struct sw_segment *ret_retire, struct sw_err *err)
{
    char key[SW_OBJECT_KEY_MAX];
    struct sw_object_op op;
    enum sw_code code;

    name_floor(archive, key);
    code = sw_archive_get(archive, key, &op, err);
    *ret_found = op.result == SW_OBJECT_DONE;
    if (code == SW_OK && *ret_found) {
        code = sw_segment_read(sw_span_of(op.data, op.size), ret_retire, err);
        if (code == SW_OK && ret_retire->kind != SW_SEGMENT_RETIRE)
            code = sw_fail(err, SW_CORRUPT, "is no RETIRE");
        if (code != SW_OK)
            code = sw_archive_blame(archive, key, code, err);
    }
    sw_object_op_fini(&op);
    return code;
}

enum sw_code sw_archive_check_free(struct sw_archive *archive, struct sw_err *err)
{
    struct sw_segment retire;
    bool found = false;
    enum sw_code code = load_floor(archive, &found, &retire, err);

    if (code == SW_OK && found)
        return sw_fail(err, SW_JOURNAL_RETIRED,
                       "a journal \"%s\" was retired, and is not wholly removed: stepwell retire "
                       "--delete goes on with it",
                       archive->journal);
    return code;
}

static enum sw_code check_time(const struct sw_archive *archive, uint64_t at_ms, uint64_t after_ms,
                               struct sw_err *err)
{
    uint64_t now_ms = sw_clock_now_ms(archive->options.clock);
    uint64_t passed_ms = now_ms > at_ms ? now_ms - at_ms : 0;

    if (passed_ms >= after_ms)
        return SW_OK;
    return sw_fail(
        err, SW_CONFIGURATION,
        "the journal \"%s\" was retired %" PRIu64 " hours ago: its objects may be removed "
        "in %" PRIu64 " hours",
        archive->journal, passed_ms / 3600000, (after_ms - passed_ms + 3599999) / 3600000);
}

/* The chain is read to its RETIRE, which is copied. */
static enum sw_code create_floor(struct sw_archive *archive, uint64_t after_ms,
                                 struct sw_retirement *report, struct sw_err *err)
{
    struct retiring retiring = {.archive = archive};
    char from[SW_OBJECT_KEY_MAX];
    char to[SW_OBJECT_KEY_MAX];
    enum sw_object_result result;
    struct sw_object_op op = {.result = SW_OBJECT_PENDING};
    enum sw_code code = read_chain(&retiring, err);

    if (code == SW_OK && !archive->position.retired)
        code = sw_fail(err, SW_CONFIGURATION,
                       "the journal \"%s\" is not retired: that comes first, without --delete",
                       archive->journal);
    if (code == SW_OK)
        code = tell(archive, report, err);
    if (code == SW_OK)
        code = check_time(archive, report->at_ms, after_ms, err);
    if (code != SW_OK)
        return code;
    name_log(archive, archive->position.slot, from);
    name_floor(archive, to);
    code = sw_archive_get(archive, from, &op, err);
    if (code == SW_OK) /* one that exists is of another remover, and the same */
        code = sw_archive_create(archive, to, sw_span_of(op.data, op.size), 0, &result, err);
    sw_object_op_fini(&op);
    return code;
}

static enum sw_code visit(void *self, const char *key, bool *ret_stop, struct sw_err *err)
{
    struct removing *removing = self;
    struct sw_archive *archive = removing->archive;
    struct sw_name name = sw_name_get(archive->journal, key);
    enum sw_code code = SW_OK;
    bool goes = true;

    (void)ret_stop;
    if (name.kind == SW_NAME_OTHER) /* not ours */
        return SW_OK;
    if (name.kind == SW_NAME_INDEX && name.slot == SW_RETIRE_SLOT)
        return SW_OK;
    if (name.kind == SW_NAME_LOG && removing->data_only)
        code = sw_archive_is_data(archive, key, name.slot, &goes, err);
    if (code == SW_CORRUPT) { /* nobody will need it: it goes with the rest */
        code = SW_OK;
        goes = false;
    }
    return code == SW_OK && goes ? sw_removal_add(&removing->removal, key, err) : code;
}

static enum sw_code remove_all(struct removing *removing, enum sw_name_kind kind, bool data_only,
                               struct sw_err *err)
{
    char prefix[SW_OBJECT_KEY_MAX];
    enum sw_code code;

    removing->data_only = data_only;
    sw_name_put_prefix(removing->archive->journal, kind, prefix);
    code = sw_store_each_key(removing->archive->options.store, prefix, NULL,
                             (struct sw_key_visitor){visit, removing}, err);
    return code == SW_OK ? sw_removal_flush(&removing->removal, err) : code;
}

static enum sw_code remove_floor(struct removing *removing, struct sw_err *err)
{
    char key[SW_OBJECT_KEY_MAX];
    enum sw_code code;

    name_floor(removing->archive, key);
    code = sw_removal_add(&removing->removal, key, err);
    return code == SW_OK ? sw_removal_flush(&removing->removal, err) : code;
}

static enum sw_code remove_objects(struct removing *removing, struct sw_err *err)
{
    static const struct {
        enum sw_name_kind kind;
        bool data_only;
    } steps[] = {
        {SW_NAME_PART, true}, /* all below snap/, and so on */
        {SW_NAME_ORPHAN, true}, {SW_NAME_LOG, true}, {SW_NAME_LOG, false}, {SW_NAME_META, false},
    };
    enum sw_code code = SW_OK;

    for (size_t i = 0; code == SW_OK && i < sizeof(steps) / sizeof(steps[0]); i++)
        code = remove_all(removing, steps[i].kind, steps[i].data_only, err);
    return code == SW_OK ? remove_floor(removing, err) : code;
}

enum sw_code sw_archive_remove(const struct sw_archive_options *options, uint64_t after_ms,
                               struct sw_retirement *ret, struct sw_err *err)
{
    struct sw_retirement report = {.before = true};
    struct removing removing = {.archive = NULL};
    struct sw_segment retire = {0};
    struct sw_archive *archive;
    bool meta = false, floor = false;
    enum sw_code code = sw_archive_new(options, &archive, err);

    if (code != SW_OK)
        return code;
    removing.archive = removing.removal.archive = archive;
    code = load_floor(archive, &floor, &retire, err);
    if (code == SW_OK && floor) { /* somebody began, and was entitled to */
        report.slot = retire.slot;
        report.epoch = retire.epoch;
        report.lsn = retire.last_lsn;
        report.at_ms = retire.at_ms;
    } else if (code == SW_OK) {
        code = sw_meta_load(archive, &meta, err);
        if (code == SW_OK && !meta)
            code = refuse_none(archive, err);
        if (code == SW_OK)
            code = create_floor(archive, after_ms, &report, err);
    }
    archive->known_after = UINT64_MAX; /* every segment is looked at */
    if (code == SW_OK)
        code = remove_objects(&removing, err);
    report.removed = removing.removal.removed;
    if (code == SW_OK)
        *ret = report;
    sw_archive_close(archive);
    return code;
}
