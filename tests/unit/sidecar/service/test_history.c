/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a history shows each finished step once in the order they finished, then the
 * unfinished ones; it stops and goes on anywhere; it follows a run that grows.
 */
#include "sidecar/service/history.h"
#include "tests/unit/sidecar/service/fixture.h"

/* Writes a line about each step shown; stops after `stop_after` of them. */
struct shown {
    char lines[4096];
    int stop_after; /* 0: never */
    int count;
};

static enum sw_code on_step(void *self, const struct sw_step_view *view, bool *ret_stop,
                            struct sw_err *err)
{
    struct shown *shown = self;
    size_t size = strlen(shown->lines);

    (void)err;
    snprintf(shown->lines + size, sizeof(shown->lines) - size,
             "%.*s %u %s in=%.*s out=%.*s "
             "failed=%.*s progress=%.*s by=%.*s\n",
             SW_SPAN_ARG(view->step->key), view->step->attempt,
             sw_step_state_name(view->step->state), SW_SPAN_ARG(view->input.data),
             SW_SPAN_ARG(view->output.data), SW_SPAN_ARG(view->failure.type),
             SW_SPAN_ARG(view->progress.data), SW_SPAN_ARG(view->holder_name));
    shown->count++;
    *ret_stop = shown->count == shown->stop_after;
    return SW_OK;
}

/* A run of three finished and three unfinished steps; its number. */
static uint64_t make_run(struct fixture *f)
{
    struct sw_begin_step_request begin = begin_of("r", 1, "a", SW_EFFECT_NONE);
    struct sw_note_step_request note = {
        .run_id = text("r"), .lease = 1, .key = text("b"), .attempt = 1};
    struct sw_note_step_answer noted;
    struct sw_verdict_answer verdict;

    started(f, "r");
    begin.step.input = payload("input-a");
    ASSERT_OK(f, fixture_begin_step(f, &begin, &verdict));
    begun(f, "r", 1, "b", SW_EFFECT_ONCE);
    note.progress = payload("half");
    ASSERT_OK(f, fixture_note_step(f, &note, &noted));
    note.progress = payload("more than half");
    ASSERT_OK(f, fixture_note_step(f, &note, &noted));
    begun(f, "r", 1, "c", SW_EFFECT_NONE);
    failed(f, "r", 1, "c", 1, SW_OUTCOME_FAILURE);
    completed(f, "r", 1, "b", 1);
    completed(f, "r", 1, "a", 1);
    begun(f, "r", 1, "d", SW_EFFECT_ONCE);
    failed(f, "r", 1, "d", 1, SW_OUTCOME_FAILURE);
    begun(f, "r", 1, "e", SW_EFFECT_ONCE);
    failed(f, "r", 1, "e", 1, SW_OUTCOME_UNKNOWN);
    begun(f, "r", 1, "f", SW_EFFECT_ONCE);
    return 2; /* after JOURNAL_CREATED */
}

static const char FINISHED[] =
    "b 1 COMPLETED in= out=output failed= progress=more than half by=first\n"
    "a 1 COMPLETED in= out=output failed= progress= by=first\n"
    "d 1 FAILED in= out= failed=Timeout progress= by=first\n";
static const char UNFINISHED[] = "c 1 RETRYING in= out= failed=Timeout progress= by=first\n"
                                 "e 1 DOUBTED in= out= failed=Timeout progress= by=first\n"
                                 "f 1 OPEN in= out= failed= progress= by=first\n";

static struct sw_history *history_of(struct fixture *f, uint64_t run, bool include_inputs)
{
    struct sw_history *history = NULL;

    ASSERT_OK(f, sw_history_new(run, include_inputs, &history, &f->err));
    return history;
}

static bool read_on(struct fixture *f, struct sw_history *history, uint64_t up_to_lsn,
                    bool finished_only, struct shown *shown)
{
    struct sw_step_visitor visitor = {.visit = on_step, .self = shown};
    bool end = false;

    shown->count = 0;
    ASSERT_OK(
        f, sw_history_read(history, f->reader, up_to_lsn, finished_only, visitor, &end, &f->err));
    return end;
}

static bool show_open(struct fixture *f, struct sw_history *history, struct shown *shown)
{
    struct sw_step_visitor visitor = {.visit = on_step, .self = shown};
    bool end = false;

    shown->count = 0;
    ASSERT_OK(f, sw_history_open_steps(history, visitor, &end, &f->err));
    return end;
}

static void finished_steps_come_first_then_the_others(void **state)
{
    struct fixture *f = *state;
    struct sw_history *history = history_of(f, make_run(f), false);
    struct shown shown = {0};

    assert_true(read_on(f, history, 0, true, &shown));
    assert_string_equal(shown.lines, FINISHED);
    shown.lines[0] = '\0';
    assert_true(show_open(f, history, &shown));
    assert_string_equal(shown.lines, UNFINISHED);
    sw_history_free(history);
}

static void a_visitor_that_stops_is_shown_the_rest_later_and_nothing_twice(void **state)
{
    struct fixture *f = *state;
    uint64_t run = make_run(f);

    for (int stop_after = 1; stop_after <= 4; stop_after++) {
        struct sw_history *history = history_of(f, run, false);
        struct shown shown = {.stop_after = stop_after};
        int calls = 1;

        while (!read_on(f, history, 0, true, &shown))
            calls++;
        assert_string_equal(shown.lines, FINISHED);
        assert_int_equal(calls, 3 / stop_after + 1);
        shown.lines[0] = '\0';
        while (!show_open(f, history, &shown)) {
        }
        assert_string_equal(shown.lines, UNFINISHED);
        sw_history_free(history);
    }
}

static void a_history_ends_where_it_was_told_to(void **state)
{
    struct fixture *f = *state;
    struct sw_history *history;
    struct shown shown = {0};
    struct sw_run_view view;
    uint64_t run = make_run(f);
    uint64_t last = newest_lsn(f);

    history = history_of(f, run, false);
    completed(f, "r", 1, "f", 1);
    assert_true(read_on(f, history, last, true, &shown));
    assert_string_equal(shown.lines, FINISHED);
    sw_history_run(history, true, f->now_ms, &view);
    assert_int_equal(view.head.last_lsn, last);
    shown.lines[0] = '\0';
    assert_true(read_on(f, history, last, true, &shown)); /* is there already */
    assert_string_equal(shown.lines, "");
    assert_true(read_on(f, history, 0, true, &shown));
    assert_string_equal(shown.lines, "f 1 COMPLETED in= out=output failed= progress= by=first\n");
    sw_history_free(history);
}

static void the_live_tail_shows_each_change(void **state)
{
    struct fixture *f = *state;
    struct sw_history *history;
    struct shown shown = {0};

    history = history_of(f, make_run(f), false);
    assert_true(read_on(f, history, 0, true, &shown));
    shown.lines[0] = '\0';
    begun(f, "r", 1, "g", SW_EFFECT_NONE);
    f->now_ms += 10000;
    begun(f, "r", 1, "c", SW_EFFECT_NONE);
    completed(f, "r", 1, "c", 2);
    assert_true(read_on(f, history, 0, false, &shown));
    assert_string_equal(shown.lines, "g 1 OPEN in= out= failed= progress= by=first\n"
                                     "c 2 OPEN in= out= failed= progress= by=first\n"
                                     "c 2 COMPLETED in= out=output failed= progress= by=first\n");
    sw_history_free(history);
}

static void inputs_are_shown_when_asked_for(void **state)
{
    struct fixture *f = *state;
    struct sw_history *history = history_of(f, make_run(f), true);
    struct shown shown = {0};

    assert_true(read_on(f, history, 0, true, &shown));
    assert_non_null(strstr(shown.lines, "a 1 COMPLETED in=input-a "));
    sw_history_free(history);
}

static void the_run_is_known_with_its_payloads_and_doubts(void **state)
{
    struct fixture *f = *state;
    struct sw_history *history = history_of(f, make_run(f), false);
    struct shown shown = {0};
    struct sw_run_view view;

    assert_true(read_on(f, history, 0, true, &shown));
    sw_history_run(history, true, f->now_ms, &view);
    assert_text(view.head.run_id, "r");
    assert_text(view.head.holder, "first");
    assert_text(view.input.data, "input");
    assert_true(view.held);
    assert_int_equal(view.head.steps, 6);
    assert_int_equal(view.steps_in_doubt, 1); /* e */
    sw_history_run(history, false, f->now_ms, &view);
    assert_int_equal(view.steps_in_doubt, 2); /* f too: its holder is gone */
    ended(f, "r", 1);
    assert_true(read_on(f, history, 0, true, &shown));
    sw_history_run(history, true, f->now_ms, &view);
    assert_false(view.held);
    assert_int_equal(view.head.state, SW_RUN_COMPLETED);
    assert_text(view.result.data, "result");
    sw_history_free(history);
}

static void a_heartbeat_that_was_not_heard_here_is_no_doubt(void **state)
{
    struct fixture *f = *state;
    struct sw_begin_step_request request = begin_of("r", 1, "k", SW_EFFECT_ONCE);
    struct sw_verdict_answer verdict;
    struct sw_history *history;
    struct shown shown = {0};
    struct sw_run_view view;

    started(f, "r");
    request.step.heartbeat_ms = 10;
    ASSERT_OK(f, fixture_begin_step(f, &request, &verdict));
    history = history_of(f, 2, false);
    assert_true(read_on(f, history, 0, true, &shown));
    sw_history_run(history, true, f->now_ms + 1000, &view);
    assert_int_equal(view.steps_in_doubt, 0);
    sw_history_free(history);
}

static void a_failed_run_tells_how_and_what_was_not_visited(void **state)
{
    struct fixture *f = *state;
    const struct sw_span keys[] = {text("x"), text("y")};
    struct sw_end_run_request end = {.run_id = text("r"), .lease = 1, .failed = true};
    struct sw_end_run_answer answer;
    struct sw_history *history;
    struct shown shown = {0};
    struct sw_run_view view;

    started(f, "r");
    end.failure = failure("Broken");
    end.failure.details = payload("details");
    end.unvisited = keys;
    end.unvisited_count = 2;
    ASSERT_OK(f, fixture_end_run(f, &end, &answer));
    history = history_of(f, 2, false);
    assert_true(read_on(f, history, 0, true, &shown));
    sw_history_run(history, false, f->now_ms, &view);
    assert_int_equal(view.head.end_lsn, answer.lsn);
    assert_text(view.failure.type, "Broken");
    assert_text(view.failure.message, "what went wrong");
    assert_text(view.failure.details.data, "details");
    assert_int_equal(view.unvisited_count, 2);
    assert_text(view.unvisited[1], "y");
    sw_history_free(history);
}

static void a_history_freed_in_the_middle_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct sw_history *history = history_of(f, make_run(f), true);
    struct shown shown = {.stop_after = 1};

    assert_false(read_on(f, history, 0, true, &shown));
    sw_history_free(history); /* the sanitizer looks */
    sw_history_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(finished_steps_come_first_then_the_others),
        FIXTURE_TEST(a_visitor_that_stops_is_shown_the_rest_later_and_nothing_twice),
        FIXTURE_TEST(a_history_ends_where_it_was_told_to),
        FIXTURE_TEST(the_live_tail_shows_each_change),
        FIXTURE_TEST(inputs_are_shown_when_asked_for),
        FIXTURE_TEST(the_run_is_known_with_its_payloads_and_doubts),
        FIXTURE_TEST(a_heartbeat_that_was_not_heard_here_is_no_doubt),
        FIXTURE_TEST(a_failed_run_tells_how_and_what_was_not_visited),
        FIXTURE_TEST(a_history_freed_in_the_middle_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
