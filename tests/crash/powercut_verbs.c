/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut_verbs SEED [STEP [power|errors]] - the power cut, or the disk failing, under the verbs.
 *
 * Goal:   what a verb's answer promised is there after the next start: outcomes, leases, starts
 *         and ends, notes, resolutions, intents of effect ONCE. What is begun again is EXECUTE,
 *         REPLAY or IN_DOUBT exactly as the journal's last whole batch says, and that batch is
 *         none before the last acknowledged one.
 * Method: a life of the service (verb_life.h), its calls in batches as the loop makes them, is
 *         counted once on cut_vfs, then lived again for every STEPth event, with that event as
 *         its end or as its misfortune. Then a new process opens what is left: after a power cut
 *         what survives of the unsynced writes, whole, torn or in parts; after an I/O error
 *         the files as they stand, and once more as if the kernel had dropped what it could not
 *         write.
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/cut_vfs.h"
#include "tests/crash/verb_life.h"

enum { PATTERNS = 8, FILLERS = 140, START_MS = 1000000 };

struct sweep {
    char root[64];
    uint64_t seed;
    unsigned step;
    unsigned events;
    unsigned checks;
    unsigned failures;
};

/* ---- the life ----------------------------------------------------------------------- */

/* One call, one batch. */
static void begin(struct life *life, unsigned run, unsigned key, enum sw_effect effect)
{
    life_begin_step(life, run, key, effect, SW_DURABILITY_DEFAULT);
    life_commit(life);
}

static void complete(struct life *life, unsigned run, unsigned key, enum sw_outcome outcome)
{
    life_complete_step(life, run, key, outcome);
    life_commit(life);
}

static void go_on(struct life *life, unsigned run, unsigned key, unsigned next,
                  enum sw_effect effect)
{
    life_complete_and_begin(life, run, key, next, effect);
    life_commit(life);
}

static void note(struct life *life, unsigned run, unsigned key)
{
    life_note_step(life, run, key);
    life_commit(life);
}

static void resolve(struct life *life, unsigned run, unsigned key, enum sw_resolution resolution)
{
    life_resolve_step(life, run, key, resolution);
    life_commit(life);
}

static void resume(struct life *life, unsigned run)
{
    life_resume(life, run);
    life_commit(life);
}

/* A straight line, with a retry. */
static void live_straight(struct life *life, unsigned run)
{
    life_start_run(life, run, true);
    life_commit(life);
    begin(life, run, 0, SW_EFFECT_ONCE);
    go_on(life, run, 0, 1, SW_EFFECT_ONCE);
    go_on(life, run, 1, 2, SW_EFFECT_IDEMPOTENT);
    note(life, run, 2);
    complete(life, run, 2, SW_OUTCOME_OUTPUT);
    begin(life, run, 3, SW_EFFECT_NONE);
    complete(life, run, 3, SW_OUTCOME_FAILURE);
    begin(life, run, 3, SW_EFFECT_NONE);
    complete(life, run, 3, SW_OUTCOME_OUTPUT);
    life_end_run(life, run);
    life_commit(life);
}

/* Every way into doubt and out of it. */
static void live_doubtfully(struct life *life, unsigned run)
{
    life_start_run(life, run, true);
    life_commit(life);
    begin(life, run, 0, SW_EFFECT_ONCE);
    note(life, run, 0);
    resume(life, run);
    begin(life, run, 0, SW_EFFECT_ONCE);
    resolve(life, run, 0, SW_RESOLUTION_DID_NOT_HAPPEN);
    begin(life, run, 0, SW_EFFECT_ONCE);
    complete(life, run, 0, SW_OUTCOME_UNKNOWN);
    begin(life, run, 0, SW_EFFECT_ONCE);
    resolve(life, run, 0, SW_RESOLUTION_HAPPENED);
    begin(life, run, 1, SW_EFFECT_ONCE);
    resume(life, run);
    resolve(life, run, 1, SW_RESOLUTION_GIVE_UP);
    begin(life, run, 1, SW_EFFECT_ONCE);
    begin(life, run, 2, SW_EFFECT_IDEMPOTENT);
    life_restart(life);
    resume(life, run);
    begin(life, run, 2, SW_EFFECT_IDEMPOTENT);
    begin(life, run, 3, SW_EFFECT_ONCE);
}

/* Calls of two runs that share batches; much is left open. */
static void live_together(struct life *life, unsigned one, unsigned two)
{
    life_start_run(life, one, false);
    life_start_run(life, two, true);
    life_commit(life);
    resume(life, one);
    life_begin_step(life, one, 0, SW_EFFECT_NONE, SW_DURABILITY_DEFAULT);
    life_begin_step(life, two, 0, SW_EFFECT_ONCE, SW_DURABILITY_DEFAULT);
    life_begin_step(life, one, 1, SW_EFFECT_IDEMPOTENT, SW_DURABILITY_DEFAULT);
    life_commit(life);
    begin(life, one, 2, SW_EFFECT_NONE);
    life_complete_and_begin(life, two, 0, 1, SW_EFFECT_ONCE);
    life_complete_step(life, one, 0, SW_OUTCOME_OUTPUT);
    life_commit(life);
    life_begin_step(life, one, 3, SW_EFFECT_NONE, SW_DURABILITY_LOCAL);
    life_commit(life);
    complete(life, two, 1, SW_OUTCOME_FAILURE);
    begin(life, two, 2, SW_EFFECT_ONCE);
}

static void live(struct life *life)
{
    life_begin(life);
    live_straight(life, 0);
    life_start_run(life, 4, true);
    life_fill(life, 4, FILLERS);
    life_commit(life);
    life_rest(life);
    live_doubtfully(life, 1);
    live_together(life, 2, 3);
    life_end(life);
}

/* ---- after the restart ---------------------------------------------------------------- */

static void verify(struct life *life)
{
    struct sw_verify_report found;

    if (sw_journal_verify(life->reader, &found, &life->err) != SW_OK)
        life_break(life, "verify: %s", life->err.text);
}

/* Of the batches that may be the last, the one that is; NULL when it is none of them. */
static const struct life_world *find_world(const struct life *lived, uint64_t lsn)
{
    for (unsigned i = lived->last + 1; i-- > lived->durable;)
        if (lived->worlds[i].lsn == lsn)
            return &lived->worlds[i];
    return NULL;
}

static void check(struct sweep *sweep, const struct life *lived, const char *folder,
                  const char *what, unsigned event)
{
    static struct life life;
    const struct life_world *world = NULL;

    life = (struct life){.now_ms = lived->now_ms + LIFE_HOUR_MS, .results = lived->results};
    memcpy(life.idempotency, lived->idempotency, sizeof life.idempotency);
    memcpy(life.broken, lived->broken, sizeof life.broken);
    snprintf(life.folder, sizeof life.folder, "%s", folder);
    cut_vfs_reset(); /* no event is to come, and what is refused now is a fault */
    life_begin(&life);
    if (life.over && lived->created)
        life_break(&life, "it does not open: %s", life.err.text);
    if (!life.over) {
        world = find_world(lived, sw_journal_state(life.journal)->lsn);
        if (world == NULL && lived->created)
            life_break(&life, "lsn %llu is left; acknowledged was %llu",
                       (unsigned long long)sw_journal_state(life.journal)->lsn,
                       (unsigned long long)lived->worlds[lived->durable].lsn);
        verify(&life);
    }
    if (world != NULL) {
        life_judge(&life, world);
        verify(&life);
    }
    life_end(&life);
    sweep->checks++;
    if (life.broken[0] == '\0')
        return;
    if (++sweep->failures <= 20)
        printf("FAILED: %s, event %u, seed %llu: %s\n", what, event,
               (unsigned long long)sweep->seed, life.broken);
}

static int remove_entry(const char *path, const struct stat *stat, int flag, struct FTW *ftw)
{
    (void)stat;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void empty(const char *folder)
{
    (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        abort();
}

/* ---- the sweep ------------------------------------------------------------------------ */

/* Lives until the event and as long after it as the disk lets it. */
static void live_with(struct sweep *sweep, enum cut_kind kind, unsigned event, struct life *life)
{
    *life = (struct life){.now_ms = START_MS, .vfs = cut_vfs_name};
    snprintf(life->folder, sizeof life->folder, "%s/life", sweep->root);
    empty(life->folder);
    cut_vfs_reset();
    cut_vfs_arm(kind, event);
    live(life);
    if (kind != CUT_NEVER && !cut_vfs_fired())
        life_break(life, "the event did not come");
}

static void sweep_kind(struct sweep *sweep, const char *what, enum cut_kind kind)
{
    static struct life life;
    unsigned patterns = kind == CUT_POWER ? PATTERNS : 1;
    unsigned before = sweep->checks;
    char after[PATTERNS][80];

    for (unsigned event = 1; event <= sweep->events; event += sweep->step) {
        live_with(sweep, kind, event, &life);
        for (unsigned i = 0; i < patterns; i++) {
            snprintf(after[i], sizeof after[i], "%s/after-%u", sweep->root, i);
            empty(after[i]);
            cut_vfs_survive(after[i], sweep->seed + event * 101 + i);
        }
        for (unsigned i = 0; i < patterns; i++)
            check(sweep, &life, after[i], what, event);
        if (kind != CUT_POWER) /* the process alone is restarted */
            check(sweep, &life, life.folder, what, event);
    }
    printf("%-28s %u events, %u restarts\n", what, (sweep->events + sweep->step - 1) / sweep->step,
           sweep->checks - before);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    /* In memory where there is such a place: nothing here outlives the process anyway. */
    struct sweep sweep = {.seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1,
                          .step = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1};
    const char *part = argc > 3 ? argv[3] : "all";
    static struct life life;

    snprintf(sweep.root, sizeof sweep.root, "%s/stepwell-verbs-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(sweep.root) == NULL || sweep.step == 0)
        return 2;
    cut_vfs_register();
    live_with(&sweep, CUT_NEVER, 0, &life);
    sweep.events = cut_vfs_events();
    printf("seed %llu: a life of %u writes and syncs, %u batches, %llu records\n",
           (unsigned long long)sweep.seed, sweep.events, life.last,
           (unsigned long long)life.worlds[life.last].lsn);
    check(&sweep, &life, life.folder, "no failure", 0);
    if (strcmp(part, "errors") != 0)
        sweep_kind(&sweep, "power cut", CUT_POWER);
    if (strcmp(part, "power") != 0) {
        sweep_kind(&sweep, "I/O error once", CUT_FAIL_ONCE);
        sweep_kind(&sweep, "I/O error for ever", CUT_FAIL_EVER);
        sweep_kind(&sweep, "disk full once", CUT_FULL_ONCE);
        sweep_kind(&sweep, "disk full for ever", CUT_FULL_EVER);
    }
    (void)nftw(sweep.root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    printf("%u passed, %u failed\n", sweep.checks - sweep.failures, sweep.failures);
    return sweep.failures != 0;
}
