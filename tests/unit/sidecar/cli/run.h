/* SPDX-License-Identifier: Apache-2.0
 *
 * run - a command of the command line in this process, on a journal with three runs.
 *
 *   order-17  running; fetch completed, flaky retrying, charge in doubt with a note
 *   done-1    completed, one step
 *   bad-1     failed, no steps
 *
 * Owns:    the captured texts until the next command or run_end.
 * Threads: one.
 * Fails:   by cmocka's assertions.
 */
#ifndef SW_TEST_CLI_RUN_H
#define SW_TEST_CLI_RUN_H

#include "tests/unit/sidecar/service/fixture.h"

#include <cjson/cJSON.h>

#include "sidecar/cli/command.h"
#include "tests/unit/sidecar/capture.h"

enum { RUN_WORDS_MAX = 16 };

struct run {
    struct capture capture;
    int code;
    cJSON *json; /* of the output, when it is one value */
};

static inline void run_end(struct run *run)
{
    capture_free(&run->capture);
    cJSON_Delete(run->json);
    *run = (struct run){.code = 0};
}

static inline void run_words(struct run *run, const struct sw_cli_command *command,
                             const char *const *words)
{
    static char copies[RUN_WORDS_MAX][512];
    char *argv[RUN_WORDS_MAX + 1] = {copies[0]};
    int argc = 1;

    run_end(run);
    (void)snprintf(copies[0], sizeof(copies[0]), "%s", command->name);
    for (; words[argc - 1] != NULL; argc++) {
        assert_true(argc < RUN_WORDS_MAX);
        (void)snprintf(copies[argc], sizeof(copies[argc]), "%s", words[argc - 1]);
        argv[argc] = copies[argc];
    }
    capture_begin(&run->capture);
    run->code = command->run(argc, argv);
    capture_end(&run->capture);
    run->json = cJSON_Parse(run->capture.out);
}

/* RUN(&run, &sw_cli_show, "order-17", "--json"); */
#define RUN(run, command, ...) run_words(run, command, (const char *const[]){__VA_ARGS__, NULL})

static inline void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static inline void has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in:\n%s", part, text);
}

/* The text at a path such as "steps.0.key". */
static inline const char *json_at(const cJSON *value, const char *path)
{
    char word[64];

    while (value != NULL && *path != '\0') {
        size_t size = strcspn(path, ".");

        (void)snprintf(word, sizeof(word), "%.*s", (int)size, path);
        value = cJSON_IsArray(value) ? cJSON_GetArrayItem(value, (int)strtol(word, NULL, 10))
                                     : cJSON_GetObjectItem(value, word);
        path += size + (path[size] == '.');
    }
    if (value == NULL)
        return "(not there)";
    if (cJSON_IsString(value))
        return value->valuestring;
    if (cJSON_IsNumber(value)) {
        static char number[32];

        (void)snprintf(number, sizeof(number), "%.0f", value->valuedouble);
        return number;
    }
    return cJSON_IsTrue(value)    ? "true"
           : cJSON_IsFalse(value) ? "false"
           : cJSON_IsNull(value)  ? "null"
                                  : "(many)";
}

static inline void run_agency(struct fixture *f)
{
    struct sw_label label = {.key = text("team"), .value = text("billing")};
    struct sw_start_run_request start = start_of("order-17");
    struct sw_begin_step_request begin = begin_of("order-17", 1, "charge", SW_EFFECT_ONCE);
    struct sw_note_step_request note = {
        .run_id = text("order-17"), .lease = 1, .key = text("charge"), .attempt = 1};
    struct sw_end_run_request end = {.run_id = text("bad-1"), .lease = 1, .failed = true};
    struct sw_start_run_answer started_answer;
    struct sw_verdict_answer verdict;
    struct sw_note_step_answer noted;
    struct sw_end_run_answer end_answer;

    start.take_lease = true;
    start.holder_name = text("pod-7");
    start.labels = &label;
    start.labels_count = 1;
    start.code_version = text("v2");
    ASSERT_OK(f, fixture_start_run(f, &start, &started_answer));
    begun(f, "order-17", 1, "fetch", SW_EFFECT_NONE);
    completed(f, "order-17", 1, "fetch", 1);
    begun(f, "order-17", 1, "flaky", SW_EFFECT_IDEMPOTENT);
    failed(f, "order-17", 1, "flaky", 1, SW_OUTCOME_FAILURE);
    begin.step.name = text("charge_card");
    begin.step.kind = SW_KIND_TOOL;
    begin.step.input = payload("{\"amount\": 12}");
    ASSERT_OK(f, fixture_begin_step(f, &begin, &verdict));
    note.external_ref = text("pi_123");
    ASSERT_OK(f, fixture_note_step(f, &note, &noted));

    started(f, "done-1");
    begun(f, "done-1", 1, "only", SW_EFFECT_NONE);
    completed(f, "done-1", 1, "only", 1);
    (void)ended(f, "done-1", 1);

    started(f, "bad-1");
    end.failure = failure("ValueError");
    ASSERT_OK(f, fixture_end_run(f, &end, &end_answer));
}

/* A fixture with those runs, and UTC as local time. */
static inline int run_open(void **state)
{
    if (setenv("TZ", "UTC", 1) != 0 || unsetenv("STEPWELL_ADDR") != 0 || fixture_open(state) != 0)
        return -1;
    run_agency(*state);
    return 0;
}

#define RUN_TEST(test) cmocka_unit_test_setup_teardown(test, run_open, fixture_close)

#endif
