/* SPDX-License-Identifier: Apache-2.0
 *
 * fixture - a service on a real journal in a directory of its own, with a clock to set.
 *
 * Each call of a verb through it is a batch: verb, loading when asked for, commit.
 * With `hold` set the batch stays open until fixture_commit or fixture_fail.
 *
 * Owns:    the directory and everything opened in it, from open to close.
 * Threads: one.
 * Fails:   by cmocka's assertions.
 */
#ifndef SW_TEST_SERVICE_FIXTURE_H
#define SW_TEST_SERVICE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <dirent.h>

#include <cmocka.h>

#include "sidecar/service/service.h"
#include "storage/journal/journal.h"

enum { FIXTURE_PATH_MAX = 256, FIXTURE_START_MS = 1000000, FIXTURE_GRACE_MS = 1000 };

struct fixture {
    char directory[FIXTURE_PATH_MAX];
    struct sw_journal_options journal_options;
    struct sw_service_options options;
    struct sw_journal *journal;
    struct sw_journal_reader *reader;
    struct sw_service *service;
    struct sw_clock clock;
    uint64_t now_ms;
    uint64_t holder; /* of the next calls */
    bool hold;
    struct sw_arena arena;
    struct sw_call call; /* the last one */
    struct sw_err err;   /* of the last one */
    unsigned loads;
    unsigned changes;
    unsigned available;
    unsigned leases_lost;
    uint64_t lost_holder;
    uint64_t lost_lease;
};

static inline struct sw_span text(const char *characters)
{
    return sw_span_of_text(characters);
}

static inline struct sw_payload payload(const char *characters)
{
    return (struct sw_payload){.present = true, .data = text(characters)};
}

static inline struct sw_failure failure(const char *type)
{
    return (struct sw_failure){.type = text(type), .message = text("what went wrong")};
}

static inline void assert_text(struct sw_span span, const char *expected)
{
    char actual[1024];

    snprintf(actual, sizeof(actual), "%.*s", SW_SPAN_ARG(span));
    assert_string_equal(actual, expected);
}

static inline uint64_t fixture_now_ms(void *self)
{
    return ((struct fixture *)self)->now_ms;
}

static inline void fixture_on_lease_lost(void *self, uint64_t holder, struct sw_span run_id,
                                         uint64_t lease)
{
    struct fixture *f = self;

    assert_true(run_id.size > 0);
    f->leases_lost++;
    f->lost_holder = holder;
    f->lost_lease = lease;
}

static inline void fixture_on_available(void *self)
{
    ((struct fixture *)self)->available++;
}

static inline void fixture_on_changed(void *self, uint64_t run)
{
    assert_true(run > 0);
    ((struct fixture *)self)->changes++;
}

/* ---- life ------------------------------------------------------------------------ */

static inline void fixture_start(struct fixture *f)
{
    f->journal_options.now_ms = f->now_ms;
    if (sw_journal_open(&f->journal_options, &f->journal, &f->err) != SW_OK ||
        sw_journal_reader_open(f->directory, NULL, &f->reader, &f->err) != SW_OK)
        fail_msg("%s", f->err.text);
    f->options.journal = f->journal;
    f->options.reader = f->reader;
    if (sw_service_new(&f->options, &f->service, &f->err) != SW_OK)
        fail_msg("%s", f->err.text);
}

static inline void fixture_stop(struct fixture *f)
{
    sw_service_free(f->service);
    sw_journal_reader_close(f->reader);
    sw_journal_close(f->journal);
}

/* As a new process would find the journal. */
static inline void fixture_restart(struct fixture *f)
{
    fixture_stop(f);
    fixture_start(f);
}

static inline int fixture_open(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *parent = getenv("TMPDIR");

    assert_non_null(f);
    snprintf(f->directory, sizeof(f->directory), "%s/sw-service-XXXXXX",
             parent != NULL ? parent : "/tmp");
    assert_non_null(mkdtemp(f->directory));
    f->now_ms = FIXTURE_START_MS;
    f->clock = (struct sw_clock){.now_ms = fixture_now_ms, .monotonic_us = NULL, .self = f};
    f->journal_options.directory = f->directory;
    f->journal_options.name = "test";
    f->options.clock = &f->clock;
    f->options.limits.payload_bytes_max = 1024 * 1024;
    f->options.limits.open_steps_max = 8;
    f->options.limits.open_runs_max = 8;
    f->options.lease_grace_ms = FIXTURE_GRACE_MS;
    f->options.steps_cached_max = 1000;
    f->options.events.lease_lost = fixture_on_lease_lost;
    f->options.events.run_available = fixture_on_available;
    f->options.events.run_changed = fixture_on_changed;
    f->options.events.self = f;
    sw_arena_init(&f->arena, 0);
    fixture_start(f);
    *state = f;
    return 0;
}

static inline int fixture_close(void **state)
{
    struct fixture *f = *state;
    DIR *directory;
    struct dirent *file;

    fixture_stop(f);
    sw_arena_fini(&f->arena);
    directory = opendir(f->directory);
    assert_non_null(directory);
    while ((file = readdir(directory)) != NULL) {
        char path[2 * FIXTURE_PATH_MAX + 2];

        snprintf(path, sizeof(path), "%s/%s", f->directory, file->d_name);
        if (file->d_name[0] != '.')
            unlink(path);
    }
    closedir(directory);
    rmdir(f->directory);
    free(f);
    return 0;
}

/* ---- batches ----------------------------------------------------------------------- */

static inline void fixture_commit(struct fixture *f, bool sync)
{
    struct sw_err err;

    if (sw_journal_commit(f->journal, sync, &err) != SW_OK)
        fail_msg("%s", err.text);
    sw_service_committed(f->service);
}

/* The batch's commit fails: nothing of it happened. */
static inline void fixture_fail(struct fixture *f)
{
    sw_journal_rollback(f->journal);
    sw_service_forget(f->service);
}

static inline void fixture_begin(struct fixture *f)
{
    sw_arena_reset(&f->arena);
    f->call = (struct sw_call){.arena = &f->arena, .holder = f->holder};
    f->err = (struct sw_err){0};
}

/* Whether rc asked for a run, which is now in memory: call again. */
static inline bool fixture_load(struct fixture *f, enum sw_code rc)
{
    struct sw_run_image *image = NULL;
    struct sw_err err;

    if (rc != SW_NOT_LOADED)
        return false;
    assert_true(f->call.load_run > 0);
    if (sw_run_image_read(f->reader, f->call.load_run, &image, &err) != SW_OK)
        fail_msg("%s", err.text);
    sw_service_adopt(f->service, &image);
    assert_null(image);
    f->loads++;
    return true;
}

static inline enum sw_code fixture_end(struct fixture *f, enum sw_code rc)
{
    if (rc != SW_OK)
        assert_int_equal(f->err.code, rc);
    if (!f->hold)
        fixture_commit(f, f->call.sync);
    return rc;
}

/* fixture_start_run(f, &request, &answer) and so on: the verb in a batch of its own. */
#define FIXTURE_VERB(verb, request_type, answer_type)                                              \
    static inline enum sw_code fixture_##verb(struct fixture *f, const request_type *request,      \
                                              answer_type *ret_answer)                             \
    {                                                                                              \
        enum sw_code rc;                                                                           \
                                                                                                   \
        fixture_begin(f);                                                                          \
        do {                                                                                       \
            rc = sw_##verb(f->service, &f->call, request, ret_answer, &f->err);                    \
        } while (fixture_load(f, rc));                                                             \
        return fixture_end(f, rc);                                                                 \
    }

FIXTURE_VERB(start_run, struct sw_start_run_request, struct sw_start_run_answer)
FIXTURE_VERB(resume, struct sw_resume_request, struct sw_resume_answer)
FIXTURE_VERB(begin_step, struct sw_begin_step_request, struct sw_verdict_answer)
FIXTURE_VERB(complete_step, struct sw_complete_step_request, struct sw_complete_step_answer)
FIXTURE_VERB(note_step, struct sw_note_step_request, struct sw_note_step_answer)
FIXTURE_VERB(resolve_step, struct sw_resolve_step_request, struct sw_resolve_step_answer)
FIXTURE_VERB(end_run, struct sw_end_run_request, struct sw_end_run_answer)
FIXTURE_VERB(claim_run, struct sw_claim_run_request, struct sw_claim_run_answer)

/* ---- calls that must succeed ---------------------------------------------------------- */

#define ASSERT_OK(f, rc)                                                                           \
    do {                                                                                           \
        if ((rc) != SW_OK)                                                                         \
            fail_msg("%s: %s", sw_code_name((f)->err.code), (f)->err.text);                        \
    } while (0)

static inline struct sw_start_run_request start_of(const char *run_id)
{
    return (struct sw_start_run_request){
        .run_id = text(run_id), .task = text("task"), .input = payload("input")};
}

/* A new run, its lease taken: lease 1. */
static inline void started(struct fixture *f, const char *run_id)
{
    struct sw_start_run_request request = start_of(run_id);
    struct sw_start_run_answer answer;

    request.take_lease = true;
    request.holder_name = text("first");
    ASSERT_OK(f, fixture_start_run(f, &request, &answer));
    assert_true(answer.created);
    assert_int_equal(answer.lease, 1);
}

static inline uint64_t resumed(struct fixture *f, const char *run_id)
{
    struct sw_resume_request request = {.run_id = text(run_id), .holder_name = text("next")};
    struct sw_resume_answer answer;

    ASSERT_OK(f, fixture_resume(f, &request, &answer));
    return answer.lease;
}

static inline struct sw_begin_step_request begin_of(const char *run_id, uint64_t lease,
                                                    const char *key, enum sw_effect effect)
{
    struct sw_begin_step_request request = {.run_id = text(run_id), .lease = lease};

    request.step.key = text(key);
    request.step.effect = effect;
    request.step.request_id = text(key);
    return request;
}

static inline struct sw_verdict_answer begun(struct fixture *f, const char *run_id, uint64_t lease,
                                             const char *key, enum sw_effect effect)
{
    struct sw_begin_step_request request = begin_of(run_id, lease, key, effect);
    struct sw_verdict_answer answer;

    ASSERT_OK(f, fixture_begin_step(f, &request, &answer));
    return answer;
}

static inline struct sw_complete_step_request complete_of(const char *run_id, uint64_t lease,
                                                          const char *key, uint32_t attempt)
{
    return (struct sw_complete_step_request){.run_id = text(run_id),
                                             .lease = lease,
                                             .key = text(key),
                                             .attempt = attempt,
                                             .outcome = SW_OUTCOME_OUTPUT,
                                             .output = payload("output")};
}

static inline struct sw_complete_step_answer
completed(struct fixture *f, const char *run_id, uint64_t lease, const char *key, uint32_t attempt)
{
    struct sw_complete_step_request request = complete_of(run_id, lease, key, attempt);
    struct sw_complete_step_answer answer;

    ASSERT_OK(f, fixture_complete_step(f, &request, &answer));
    return answer;
}

static inline struct sw_complete_step_answer failed(struct fixture *f, const char *run_id,
                                                    uint64_t lease, const char *key,
                                                    uint32_t attempt, enum sw_outcome outcome)
{
    struct sw_complete_step_request request = complete_of(run_id, lease, key, attempt);
    struct sw_complete_step_answer answer;

    request.outcome = outcome;
    request.failure = failure("Timeout");
    request.output = (struct sw_payload){0};
    ASSERT_OK(f, fixture_complete_step(f, &request, &answer));
    return answer;
}

static inline uint64_t ended(struct fixture *f, const char *run_id, uint64_t lease)
{
    struct sw_end_run_request request = {
        .run_id = text(run_id), .lease = lease, .result = payload("result")};
    struct sw_end_run_answer answer;

    ASSERT_OK(f, fixture_end_run(f, &request, &answer));
    return answer.lsn;
}

static inline uint64_t newest_lsn(const struct fixture *f)
{
    return sw_journal_state(f->journal)->lsn;
}

/* Runs each test on a fixture of its own. */
#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_open, fixture_close)

#endif
