/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sidecar/capture.h"

static int open_arena(void **state)
{
    static struct sw_arena arena;

    sw_arena_init(&arena, 0);
    *state = &arena;
    return setenv("TZ", "UTC", 1);
}

static int close_arena(void **state)
{
    sw_arena_fini(*state);
    return 0;
}

static struct sw_span text(const char *characters)
{
    return sw_span_of_text(characters);
}

/* Goal: what is shown can be pasted into a shell, whatever the names are. */
static void words_are_quoted_for_a_shell(void **state)
{
    assert_string_equal(sw_text_shell(*state, text("order-17")), "order-17");
    assert_string_equal(sw_text_shell(*state, text("two words")), "'two words'");
    assert_string_equal(sw_text_shell(*state, text("it's")), "'it'\\''s'");
    assert_string_equal(sw_text_shell(*state, text("$(reboot)")), "'$(reboot)'");
    assert_string_equal(sw_text_shell(*state, text("-x")), "'-x'");
    assert_string_equal(sw_text_shell(*state, text("")), "''");
}

static struct sw_client_step *doubted(void)
{
    static struct sw_external_ref ref;
    static struct sw_client_step step;

    ref = (struct sw_external_ref){.text = text("pi_123")};
    step = (struct sw_client_step){
        .step = {.state = SW_STEP_DOUBTED,
                 .attempt = 2,
                 .key = text("charge it"),
                 .kind = SW_KIND_TOOL,
                 .effect = SW_EFFECT_ONCE,
                 .begun_ms = 1000,
                 .refs = &ref},
        .idempotency_key = text("id-1"),
        .view = {.failure = {.type = text("Timeout"), .message = text("no answer")}},
    };
    step.view.step = &step.step;
    return &step;
}

static void doubts_say_what_to_ask_and_how_to_end_them(void **state)
{
    struct sw_client_step fine = *doubted();
    struct sw_doubts doubts;
    struct capture capture;

    fine.step.state = SW_STEP_COMPLETED;
    fine.view.step = &fine.step;
    sw_doubts_init(&doubts, *state, text("r 1"));
    sw_doubts_add(&doubts, doubted());
    sw_doubts_add(&doubts, &fine);
    capture_begin(&capture);
    sw_doubts_print(&doubts, stdout, false);
    capture_end(&capture);
    assert_string_equal(
        capture.out,
        "\nIN DOUBT !  Nobody knows whether these happened. Ask the provider, then resolve.\n"
        "\n  'charge it': attempt 2, begun 1970-01-01 00:00:01\n"
        "    idempotency key  id-1\n"
        "    noted            pi_123\n"
        "    reported         Timeout: no answer\n"
        "    it happened      stepwell resolve 'r 1' 'charge it' --happened JSON --by NAME\n"
        "    it did not       stepwell resolve 'r 1' 'charge it' --did-not-happen --by NAME\n"
        "    nobody can tell  stepwell resolve 'r 1' 'charge it' --give-up MESSAGE --by NAME\n");
    capture_free(&capture);
}

static void no_doubt_no_words(void **state)
{
    struct sw_doubts doubts;
    struct capture capture;

    sw_doubts_init(&doubts, *state, text("r"));
    capture_begin(&capture);
    sw_doubts_print(&doubts, stdout, false);
    capture_end(&capture);
    assert_string_equal(capture.out, "");
    capture_free(&capture);
}

static void outcomes_are_short(void **state)
{
    struct sw_client_step *step = doubted();

    assert_string_equal(sw_text_step_outcome(*state, step, 40), "Timeout: no answer");
    step->step.not_before_ms = 2000;
    assert_string_equal(sw_text_step_outcome(*state, step, 40),
                        "Timeout: no answer; again at 1970-01-01 00:00:02");
    step->view.failure.type = text("");
    step->view.progress = (struct sw_payload){.present = true, .data = text("half"), .size = 4};
    assert_string_equal(sw_text_step_outcome(*state, step, 40), "progress 4 B  half");
    step->view.progress.present = false;
    assert_string_equal(sw_text_step_outcome(*state, step, 40), "-");
    step->view.output = (struct sw_payload){.present = true, .data = text("out"), .size = 3};
    assert_string_equal(sw_text_step_outcome(*state, step, 40), "3 B  out");
}

static void states_stand_out(void **state)
{
    enum sw_colour colour;
    (void)state;

    assert_string_equal(sw_text_step_state(SW_STEP_DOUBTED, &colour), "IN DOUBT !");
    assert_int_equal(colour, SW_ALARM);
    assert_string_equal(sw_text_step_state(SW_STEP_OPEN, &colour), "open");
    assert_string_equal(sw_text_step_state(SW_STEP_FAILED, &colour), "failed");
    assert_int_equal(colour, SW_RED);
    assert_string_equal(sw_text_step_state(SW_STEP_ABSENT, &colour), "unknown");
    assert_string_equal(sw_text_run_state(SW_RUN_COMPLETED, &colour), "completed");
    assert_int_equal(colour, SW_GREEN);
    assert_string_equal(sw_text_run_state((enum sw_run_state)99, &colour), "unknown");
}

static void a_run_says_who_holds_it(void **state)
{
    struct sw_run_view run = {.head = {.state = SW_RUN_RUNNING,
                                       .run_id = text("r\033[2J"),
                                       .task = text("t"),
                                       .lease = 3,
                                       .holder = text("pod-7"),
                                       .started_ms = 1000}};
    struct capture capture;
    (void)state;

    for (int held = 0; held < 2; held++) {
        run.held = held != 0;
        capture_begin(&capture);
        sw_print_run(&run, stdout, false);
        capture_end(&capture);
        assert_non_null(strstr(capture.out, "run        r\xef\xbf\xbd[2J\n"));
        assert_non_null(strstr(capture.out, held != 0 ? "running, held by pod-7 (lease 3)\n"
                                                      : "last held by pod-7 (lease 3)\n"));
        capture_free(&capture);
    }
    run.head.lease = 0;
    capture_begin(&capture);
    sw_print_run(&run, stdout, false);
    capture_end(&capture);
    assert_non_null(strstr(capture.out, "state      running, never taken up\n"));
    capture_free(&capture);
}

static void steps_fill_a_table(void **state)
{
    struct capture capture;
    struct sw_table table;

    sw_table_init_steps(&table, *state, false);
    sw_table_add_step(&table, doubted());
    capture_begin(&capture);
    sw_table_print(&table, stdout, false);
    capture_end(&capture);
    assert_string_equal(
        capture.out,
        "STEP       NAME  KIND  EFFECT  STATE       TRY  DURATION  OUTCOME\n"
        "charge it  -     TOOL  ONCE    IN DOUBT !    2         -  Timeout: no answer\n");
    capture_free(&capture);
    sw_table_init_steps(&table, *state, true);
    assert_int_equal(table.columns, 9);
    sw_table_add_step(&table, doubted());
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_are_quoted_for_a_shell),
        TEST(doubts_say_what_to_ask_and_how_to_end_them),
        TEST(no_doubt_no_words),
        TEST(outcomes_are_short),
        TEST(states_stand_out),
        TEST(a_run_says_who_holds_it),
        TEST(steps_fill_a_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
