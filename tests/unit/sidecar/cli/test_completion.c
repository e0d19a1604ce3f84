/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sidecar/cli/run.h"

static void bash_gets_a_function(void **state)
{
    struct run run = {.code = 0};
    (void)state;

    RUN(&run, &sw_cli_completion, "bash");
    assert_int_equal(run.code, 0);
    has(run.capture.out, "_stepwell() {\n");
    has(run.capture.out, "\ncomplete -F _stepwell stepwell\n");
    run_end(&run);
}

static void other_shells_are_refused(void **state)
{
    struct run run = {.code = 0};
    (void)state;

    RUN(&run, &sw_cli_completion, "fish");
    assert_int_equal(run.code, 1);
    has(run.capture.err, "for which shell?");
    run_words(&run, &sw_cli_completion, (const char *const[]){NULL});
    assert_int_equal(run.code, 1);
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bash_gets_a_function),
        cmocka_unit_test(other_shells_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
