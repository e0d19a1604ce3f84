/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/file_source.h"

#include <errno.h>

#include "sidecar/engine/backoff.h"
#include "tests/unit/sidecar/cli/run.h"

struct seen {
    char text[65536];
    unsigned count;
    unsigned count_max;
    struct sw_err err;
};

static void see(struct seen *seen, const char *format, ...) SW_PRINTF(2, 3);
static void see(struct seen *seen, const char *format, ...)
{
    size_t used = strlen(seen->text);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(seen->text + used, sizeof(seen->text) - used, format, args);
    va_end(args);
}

static struct sw_journal_reader *open_file(const struct fixture *f)
{
    struct sw_journal_reader *reader;
    struct sw_journal_state state;
    struct sw_err err;

    if (sw_file_open(f->directory, &reader, &state, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_string_equal(state.name, "test");
    return reader;
}

static enum sw_code see_run(void *self, const struct sw_run_view *run, bool *ret_stop,
                            struct sw_err *err)
{
    struct seen *seen = self;

    (void)err;
    if (seen->count < 4)
        see(seen, "%.*s ", SW_SPAN_ARG(run->head.run_id));
    assert_false(run->held);
    *ret_stop = ++seen->count == seen->count_max;
    return SW_OK;
}

/* Goal: all runs are shown, once, whatever number of index rows is read at a time. */
static void lists_go_beyond_one_reading(void **state)
{
    enum { RUNS = 300 };
    struct fixture *f = *state;
    struct sw_client_runs all = {.in_doubt = false};
    struct seen *seen = calloc(1, sizeof(*seen));
    struct sw_run_view_visitor visitor = {.visit = see_run, .self = seen};
    struct sw_journal_reader *reader;

    for (int i = 0; i < RUNS; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "r%d", i);
        started(f, name);
        (void)ended(f, name, 1);
    }
    reader = open_file(f);
    assert_int_equal(sw_file_list_runs(reader, &all, visitor, &seen->err), SW_OK);
    assert_int_equal(seen->count, RUNS + 3);
    assert_string_equal(seen->text, "r299 r298 r297 r296 ");
    seen->count = 0;
    seen->count_max = 150;
    assert_int_equal(sw_file_list_runs(reader, &all, visitor, &seen->err), SW_OK);
    assert_int_equal(seen->count, 150);
    sw_journal_reader_close(reader);
    free(seen);
}

static enum sw_code on_run(void *self, const struct sw_run_view *run, struct sw_err *err)
{
    (void)err;
    see(self, "run:%.*s(%u) ", SW_SPAN_ARG(run->head.run_id), (unsigned)run->head.steps);
    return SW_OK;
}

static enum sw_code on_step(void *self, const struct sw_client_step *step, struct sw_err *err)
{
    char key[SW_UUID_TEXT_SIZE];

    (void)err;
    assert_ptr_equal(step->view.step, &step->step);
    sw_idempotency_key(text("test"), text("order-17"), step->step.key, key);
    assert_true(sw_span_equal(step->idempotency_key, sw_span_of_text(key)));
    see(self, "%.*s:%d%s ", SW_SPAN_ARG(step->step.key), (int)step->step.state,
        step->view.input.present ? "+input" : "");
    return SW_OK;
}

static enum sw_code on_caught_up(void *self, struct sw_err *err)
{
    (void)err;
    see(self, "caught-up");
    return SW_OK;
}

static void the_run_comes_first_then_steps(void **state)
{
    struct sw_journal_reader *reader = open_file(*state);
    struct seen *seen = calloc(1, sizeof(*seen));
    struct sw_client_watcher watcher = {on_run, on_step, on_caught_up, seen};
    struct sw_client_watch watch = {.run_id = text("order-17")};

    assert_int_equal(sw_file_watch_run(reader, text("test"), &watch, &watcher, &seen->err), SW_OK);
    assert_string_equal(seen->text, "run:order-17(3) fetch:4 flaky:3 charge:2 caught-up");
    seen->text[0] = '\0';
    watch.include_inputs = true;
    assert_int_equal(sw_file_watch_run(reader, text("test"), &watch, &watcher, &seen->err), SW_OK);
    assert_string_equal(seen->text, "run:order-17(3) fetch:4 flaky:3 charge:2+input caught-up");
    watch.run_id = text("nobody");
    assert_int_equal(sw_file_watch_run(reader, text("test"), &watch, &watcher, &seen->err),
                     SW_RUN_NOT_FOUND);
    sw_journal_reader_close(reader);
    free(seen);
}

static enum sw_code see_line(void *self, const struct sw_record_line *line, struct sw_err *err)
{
    struct seen *seen = self;

    (void)err;
    if (seen->count_max != 0)
        assert_int_equal(line->lsn, seen->count_max++);
    else
        see(seen, "%u:%.*s ", (unsigned)line->lsn, SW_SPAN_ARG(line->run_id));
    seen->count++;
    return SW_OK;
}

/* Goal: records carry their run's id, also when its beginning was not read. */
static void records_know_their_run(void **state)
{
    struct sw_journal_reader *reader = open_file(*state);
    struct seen *seen = calloc(1, sizeof(*seen));
    struct sw_record_line_visitor visitor = {.visit = see_line, .self = seen};
    struct sw_client_journal range = {.from_lsn = 4, .limit = 2};

    assert_int_equal(sw_file_read_journal(reader, &range, visitor, &seen->err), SW_OK);
    assert_string_equal(seen->text, "4:order-17 5:order-17 ");
    seen->text[0] = '\0';
    range = (struct sw_client_journal){.run_id = text("bad-1"), .limit = 2};
    assert_int_equal(sw_file_read_journal(reader, &range, visitor, &seen->err), SW_OK);
    assert_non_null(strstr(seen->text, ":bad-1 "));
    assert_int_equal(seen->count, 4);
    sw_journal_reader_close(reader);
    free(seen);
}

static void journals_longer_than_one_reading_have_no_gaps(void **state)
{
    struct fixture *f = *state;
    struct seen *seen = calloc(1, sizeof(*seen));
    struct sw_record_line_visitor visitor = {.visit = see_line, .self = seen};
    struct sw_client_journal range = {.from_lsn = 0};
    struct sw_journal_reader *reader;

    for (int i = 0; i < 300; i++)
        (void)resumed(f, "order-17");
    reader = open_file(f);
    seen->count_max = 1; /* the next lsn */
    assert_int_equal(sw_file_read_journal(reader, &range, visitor, &seen->err), SW_OK);
    assert_int_equal(seen->count, newest_lsn(f));
    sw_journal_reader_close(reader);
    free(seen);
}

static void what_is_no_journal_is_told(void **state)
{
    struct sw_journal_reader *reader = NULL;
    struct sw_journal_state journal;
    struct sw_err err;
    (void)state;

    assert_int_equal(sw_file_open("/nowhere", &reader, &journal, &err), SW_CONFIGURATION);
    assert_int_equal(err.os_errno, ENOENT);
    assert_int_equal(sw_file_open("/proc", &reader, &journal, &err), SW_CONFIGURATION);
    assert_int_equal(err.os_errno, ENOENT);
    assert_string_equal(err.text, "/proc/journal.db: No such file or directory");
    assert_int_not_equal(sw_file_open("/dev/null", &reader, &journal, &err), SW_OK);
    assert_int_equal(err.os_errno, 0); /* or the command says that no server answers */
    assert_null(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(lists_go_beyond_one_reading),
        RUN_TEST(the_run_comes_first_then_steps),
        RUN_TEST(records_know_their_run),
        RUN_TEST(journals_longer_than_one_reading_have_no_gaps),
        cmocka_unit_test(what_is_no_journal_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
