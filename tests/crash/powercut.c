/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut SEED [STEP] - cuts the power, or fails the disk, at every STEPth (each) write, sync,
 * truncation and mapping of a journal's life.
 *
 * Goal:   what a commit acknowledged as synced is there after the next start, whatever of the
 *         unsynced writes survives; and a failing disk is never acknowledged.
 * Method: a life of the journal (creation, runs, intents, outcomes, chunks, late indexes,
 *         checkpoints, retention) is counted once on cut_vfs, then lived again for every event k,
 *         with the event k as its end, or, where the disk is full, with as much behind it as the
 *         journal lets happen. What survives is opened as after a reboot and verified; after an I/O
 *         error the files as they stand as well, for then only the process starts anew. As many
 *         processes as there are cores share the events.
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/journal/journal.h"
#include "tests/crash/cut_vfs.h"

enum {
    RUNS = 4,
    STEPS = 6,
    LSNS_MAX = 512,
    PATTERNS = 3,
    DAY_MS = 86400000,
    WORKERS_MAX = 16,
    BYTES_MAX = 2 * 1024 * 1024 /* a quarter of it is written ahead: 8 writes instead of 128 */
};

struct life {
    char folder[128];
    struct sw_journal *journal;
    struct sw_digest chains[LSNS_MAX]; /* of each record, once appended */
    uint64_t acknowledged;             /* every record up to here was synced */
    uint64_t now_ms;
    bool created; /* the journal was open once */
    bool full;    /* the last failure was a full disk: the journal goes on */
};

static unsigned checks;
static unsigned failures;

static void complain(const char *what, unsigned event, uint64_t seed, const char *detail)
{
    failures++;
    if (failures <= 20)
        printf("FAILED: %s, event %u, seed %llu: %s\n", what, event, (unsigned long long)seed,
               detail);
}

/* ---- a life ---------------------------------------------------------------------- */

static bool went_well(struct life *life, enum sw_code code)
{
    life->full = code == SW_JOURNAL_FULL;
    return code == SW_OK;
}

static bool append(struct life *life, struct sw_record *record)
{
    struct sw_err err;

    record->at_ms = life->now_ms++;
    if (!went_well(life, sw_journal_append(life->journal, record, &err)))
        return false;
    if (record->lsn >= LSNS_MAX)
        abort();
    life->chains[record->lsn] = record->chain;
    return true;
}

static bool commit(struct life *life, bool sync)
{
    uint64_t lsn = sw_journal_state(life->journal)->lsn;
    struct sw_err err;

#ifdef SW_BREAK_EARLY_ACK
    life->acknowledged = sync ? lsn : life->acknowledged;
#endif
    if (!went_well(life, sw_journal_commit(life->journal, sync, &err)))
        return false;
    if (sync)
        life->acknowledged = lsn;
    return true;
}

static struct sw_payload payload(size_t size, uint8_t fill)
{
    static uint8_t bytes[64 * 1024];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(fill + i * i / 97);
    return (struct sw_payload){.present = true, .data = sw_span_of(bytes, size), .size = size};
}

static bool live_step(struct life *life, uint64_t run, unsigned number, uint64_t *ret_steps)
{
    char key[16];
    struct sw_record begun = {.type = SW_RECORD_STEP_BEGUN, .run = run, .lease = 1, .attempt = 1};
    struct sw_record done = {
        .type = SW_RECORD_STEP_COMPLETED, .run = run, .lease = 1, .attempt = 1};

    snprintf(key, sizeof key, "step-%u", number);
    begun.key = done.key = sw_span_of_text(key);
    begun.u.step_begun.kind = SW_KIND_CODE;
    begun.u.step_begun.effect = number % 2 ? SW_EFFECT_ONCE : SW_EFFECT_NONE;
    begun.u.step_begun.retry = (struct sw_retry){1, 1000, 2.0, 60000, 0, NULL, 0};
    begun.u.step_begun.input = payload(number % 3 == 0 ? 20000 : 100, (uint8_t)number);
    if (!append(life, &begun) || !commit(life, number % 2 != 0))
        return false;
    done.u.outcome.intent_lsn = begun.lsn;
    done.u.outcome.output = payload(300, (uint8_t)(number + 7));
    ++*ret_steps;
    return append(life, &done) && commit(life, true);
}

static bool maintain(struct life *life)
{
    struct sw_err err;
    bool more = true;

    for (int i = 0; i < 40 && more; i++)
        if (!went_well(life, sw_journal_maintain(life->journal, life->now_ms, true, &more, &err)))
            return false;
    return true;
}

static bool live_run(struct life *life, unsigned number)
{
    char id[16];
    struct sw_record started = {.type = SW_RECORD_RUN_STARTED};
    struct sw_record lease = {.type = SW_RECORD_LEASE_TAKEN, .lease = 1};
    struct sw_record ended = {.type = SW_RECORD_RUN_ENDED, .lease = 1};
    uint64_t steps = 0;
    struct sw_err err;

    snprintf(id, sizeof id, "run-%u", number);
    started.u.run_started.run_id = sw_span_of_text(id);
    started.u.run_started.task = sw_span_of_text("t");
    started.u.run_started.on_divergence = SW_DIVERGENCE_FAIL;
    if (!append(life, &started))
        return false;
    lease.run = started.lsn;
    if (!append(life, &lease) || !commit(life, true))
        return false;
    for (unsigned i = 0; i < STEPS; i++)
        if (!live_step(life, started.lsn, i, &steps))
            return false;
    ended.run = started.lsn;
    ended.at_ms = life->now_ms++;
    ended.u.run_ended.state = SW_RUN_COMPLETED;
    ended.u.run_ended.result = payload(10, 1);
    if (!went_well(life, sw_journal_append_end(life->journal, &ended, steps, &err)))
        return false;
    life->chains[ended.lsn] = ended.chain;
    return commit(life, true);
}

/* Lives until the end or the first failure; a full disk is none. */
static void live(struct life *life)
{
    struct sw_journal_options options = {.directory = life->folder,
                                         .name = "test",
                                         .vfs = cut_vfs_name,
                                         .bytes_max = BYTES_MAX,
                                         .retention_ms = DAY_MS,
                                         .now_ms = life->now_ms};
    struct sw_err err;
    bool good = true;

    if (sw_journal_open(&options, &life->journal, &err) != SW_OK)
        return;
    life->created = true;
    life->acknowledged = 1;
    life->chains[1] = (struct sw_digest){{0}}; /* not ours to know: see check() */
    for (unsigned i = 0; good && i < RUNS; i++) {
        good = live_run(life, i) && maintain(life);
        if (life->full) {
            sw_journal_rollback(life->journal);
            good = true;
        }
        if (i == 1)
            life->now_ms += 2 * DAY_MS; /* the first runs are now to be removed */
    }
    sw_journal_close(life->journal);
}

/* ---- after the reboot ------------------------------------------------------------------- */

struct seen {
    const struct life *life;
    uint64_t differs; /* the first record that is not what was appended */
};

static enum sw_code see(void *self, struct sw_record *record, bool *ret_stop, struct sw_err *err)
{
    struct seen *seen = self;

    (void)ret_stop;
    (void)err;
    if (record->lsn > 1 && record->lsn <= seen->life->acknowledged &&
        record->type != SW_RECORD_CHUNK &&
        memcmp(&record->chain, &seen->life->chains[record->lsn], sizeof record->chain) != 0)
        seen->differs = record->lsn;
    return SW_OK;
}

static void check(const struct life *life, const char *what, const char *folder, unsigned event,
                  uint64_t seed)
{
    struct sw_journal_options options = {
        .directory = folder, .name = "test", .bytes_max = BYTES_MAX, .now_ms = 1};
    struct seen seen = {.life = life};
    struct sw_record_visitor visitor = {.visit = see, .self = &seen};
    struct sw_journal_reader *reader = NULL;
    struct sw_journal *journal = NULL;
    struct sw_verify_report found;
    struct sw_err err = {0};
    enum sw_code rc = sw_journal_open(&options, &journal, &err);

    checks++;
    if (rc != SW_OK) {
        if (life->created)
            complain(what, event, seed, err.text);
        return;
    }
    if (sw_journal_state(journal)->lsn < life->acknowledged) {
        snprintf(err.text, sizeof err.text, "%llu records of %llu acknowledged",
                 (unsigned long long)sw_journal_state(journal)->lsn,
                 (unsigned long long)life->acknowledged);
        complain(what, event, seed, err.text);
    }
    rc = sw_journal_reader_open(folder, NULL, &reader, &err);
    if (rc == SW_OK)
        rc = sw_journal_verify(reader, &found, &err);
    if (rc == SW_OK)
        rc = sw_journal_reader_scan(reader, 1, 0, SW_PAYLOADS_NONE, visitor, &err);
    if (rc != SW_OK || seen.differs != 0)
        complain(what, event, seed, rc != SW_OK ? err.text : "a record is another");
    sw_journal_reader_close(reader);
    sw_journal_close(journal);
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

/* ---- the sweep ----------------------------------------------------------------------------- */

struct sweep {
    const char *root;
    const char *what;
    enum cut_kind kind;
    unsigned events;
    unsigned step;
    uint64_t seed;
};

static void live_until(const struct sweep *sweep, const char *root, unsigned event)
{
    struct life life = {.now_ms = 10 * (uint64_t)DAY_MS};
    unsigned patterns = sweep->kind == CUT_POWER ? PATTERNS : 1;
    char after[160];

    snprintf(life.folder, sizeof life.folder, "%s/life", root);
    snprintf(after, sizeof after, "%s/after", root);
    empty(life.folder);
    cut_vfs_reset();
    cut_vfs_arm(sweep->kind, event);
    live(&life);
    if (!cut_vfs_fired())
        complain(sweep->what, event, sweep->seed, "the event did not come");
    for (unsigned pattern = 0; pattern < patterns; pattern++) {
        empty(after);
        cut_vfs_survive(after, sweep->seed + event * 101 + pattern);
        check(&life, sweep->what, after, event, sweep->seed + event * 101 + pattern);
    }
    if (sweep->kind != CUT_POWER)
        check(&life, sweep->what, life.folder, event, sweep->seed);
}

/* Every workers-th of the events, from its own on; what it counted goes into the pipe. */
static void work(const struct sweep *sweep, unsigned worker, unsigned workers, int out)
{
    unsigned counts[2];
    char root[80];

    checks = failures = 0;
    snprintf(root, sizeof root, "%s/%u", sweep->root, worker);
    empty(root);
    for (unsigned event = 1 + worker * sweep->step; event <= sweep->events;
         event += workers * sweep->step)
        live_until(sweep, root, event);
    counts[0] = checks;
    counts[1] = failures;
    fflush(stdout);
    cut_vfs_reset();
    if (write(out, counts, sizeof counts) != sizeof counts)
        abort();
}

/* What one worker counted; one that died has failed. */
static void collect(const struct sweep *sweep, pid_t worker, int in)
{
    unsigned counts[2];
    int status = 0;
    bool whole = read(in, counts, sizeof counts) == sizeof counts;

    close(in);
    if (waitpid(worker, &status, 0) != worker || status != 0 || !whole) {
        complain(sweep->what, 0, sweep->seed, "a worker died");
        return;
    }
    checks += counts[0];
    failures += counts[1];
}

static void sweep_kind(struct sweep *sweep, const char *what, enum cut_kind kind)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned workers = cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (unsigned)cores;
    unsigned before = checks;
    pid_t pids[WORKERS_MAX];
    int ends[WORKERS_MAX][2];

    sweep->what = what;
    sweep->kind = kind;
    fflush(stdout);
    for (unsigned i = 0; i < workers; i++) {
        if (pipe(ends[i]) != 0)
            abort();
        pids[i] = fork();
        if (pids[i] == 0) {
            work(sweep, i, workers, ends[i][1]);
            _exit(0);
        }
        close(ends[i][1]);
    }
    for (unsigned i = 0; i < workers; i++)
        collect(sweep, pids[i], ends[i][0]);
    printf("%-28s %u events, %u reboots\n", what, (sweep->events + sweep->step - 1) / sweep->step,
           checks - before);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    /* In memory where there is such a place: nothing here outlives the process anyway. */
    char root[64];
    struct sweep sweep = {.root = root,
                          .seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1,
                          .step = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1};
    struct life life = {.now_ms = 10 * (uint64_t)DAY_MS};

    snprintf(root, sizeof root, "%s/stepwell-powercut-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(root) == NULL || sweep.step == 0)
        return 2;
    cut_vfs_register();
    snprintf(life.folder, sizeof life.folder, "%s/life", root);
    live(&life);
    sweep.events = cut_vfs_events();
    printf("seed %llu: a life of %u writes, syncs and mappings, %llu records; %s\n",
           (unsigned long long)sweep.seed, sweep.events, (unsigned long long)life.acknowledged,
           sweep.step == 1 ? "at each of them" : "at some of them");
    check(&life, "no failure", life.folder, 0, sweep.seed);
    sweep_kind(&sweep, "power cut", CUT_POWER);
    sweep_kind(&sweep, "I/O error once", CUT_FAIL_ONCE);
    sweep_kind(&sweep, "I/O error for ever", CUT_FAIL_EVER);
    sweep_kind(&sweep, "disk full once", CUT_FULL_ONCE);
    sweep_kind(&sweep, "disk full for ever", CUT_FULL_EVER);
    (void)nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    printf("%u passed, %u failed\n", checks - (failures < checks ? failures : checks), failures);
    return failures != 0;
}
