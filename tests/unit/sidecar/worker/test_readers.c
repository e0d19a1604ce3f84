/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: every job submitted runs once, on a reader's thread, also while the pool stops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sidecar/worker/readers.h"

enum { JOBS = 200 };

struct count_job {
    struct sw_reader_job job;
    uint64_t lsn;
    pthread_t thread;
};

static atomic_uint finished;

static void count(struct sw_reader_job *job, struct sw_journal_reader *reader)
{
    struct count_job *self = (struct count_job *)(void *)job;
    struct sw_journal_state state;
    struct sw_err err;

    if (sw_journal_reader_state(reader, &state, &err) == SW_OK)
        self->lsn = state.lsn;
    self->thread = pthread_self();
}

static void finish(struct sw_reader_job *job)
{
    (void)job;
    atomic_fetch_add(&finished, 1);
}

static int make_journal(void **state)
{
    static char folder[] = "/tmp/stepwell-readers-XXXXXX";
    struct sw_journal_options options = {.name = "test", .now_ms = 1};
    struct sw_journal *journal;
    struct sw_err err;

    if (mkdtemp(folder) == NULL)
        return 1;
    options.directory = folder;
    *state = folder;
    if (sw_journal_open(&options, &journal, &err) != SW_OK)
        return 1;
    sw_journal_close(journal);
    return 0;
}

static int remove_journal(void **state)
{
    static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-shm",
                                        "journal.db-acked", "lock"};
    char path[256];
    int failed;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", (char *)*state, names[i]);
        (void)unlink(path);
    }
    failed = rmdir(*state);
    return failed;
}

static void every_job_runs_once_even_while_stopping(void **state)
{
    struct count_job *jobs = calloc(JOBS, sizeof *jobs);
    struct sw_readers *readers;
    struct sw_err err;

    assert_non_null(jobs);
    assert_int_equal(sw_readers_start(*state, 2, &readers, &err), SW_OK);
    for (int i = 0; i < JOBS; i++) {
        jobs[i].job = (struct sw_reader_job){.run = count, .done = finish};
        assert_int_equal(sw_readers_submit(readers, &jobs[i].job, &err), SW_OK);
    }
    sw_readers_stop(readers);
    assert_int_equal(atomic_load(&finished), JOBS);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].lsn, 1); /* JOURNAL_CREATED */
        assert_false(pthread_equal(jobs[i].thread, pthread_self()));
    }
    free(jobs);
}

static void a_folder_without_a_journal_is_refused(void **state)
{
    struct sw_readers *readers;
    struct sw_err err;

    (void)state;
    assert_int_not_equal(sw_readers_start("/nonexistent", 1, &readers, &err), SW_OK);
    assert_non_null(strstr(err.text, "/nonexistent"));
    sw_readers_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_once_even_while_stopping),
        cmocka_unit_test(a_folder_without_a_journal_is_refused),
    };

    return cmocka_run_group_tests(tests, make_journal, remove_journal);
}
