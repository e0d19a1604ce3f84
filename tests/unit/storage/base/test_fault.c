/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: an armed point fails once, at the visit asked for; the environment kills.
 */
#include "storage/base/fault.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef SW_FAULTS
static void the_nth_visit_fails(void **state)
{
    (void)state;
    sw_fault_arm("journal.append", 3);
    assert_false(SW_FAULT("journal.append"));
    assert_false(SW_FAULT("journal.before_commit"));
    assert_false(SW_FAULT("journal.append"));
    assert_true(SW_FAULT("journal.append"));
    assert_false(SW_FAULT("journal.append"));
    assert_true(sw_fault_disarm());
    assert_false(sw_fault_disarm());
}

static void disarmed_points_do_not_fail(void **state)
{
    (void)state;
    sw_fault_arm("journal.append", 1);
    assert_false(sw_fault_disarm());
    assert_false(SW_FAULT("journal.append"));
}

/* How a child ends that visits a point twice. */
static int end_with(const char *environment, const char *point)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        (void)setenv("STEPWELL_FAULT", environment, 1);
        (void)close(STDERR_FILENO);
        (void)SW_FAULT(point);
        (void)SW_FAULT(point);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Runs first: the environment is read at the first visit of a process. */
static void the_environment_kills(void **state)
{
    (void)state;
    assert_int_equal(end_with("run.load", "run.load"), SIGKILL);
    assert_int_equal(end_with("run.load:2", "run.load"), SIGKILL);
    assert_int_equal(end_with("run.load:3", "run.load"), 0);
    assert_int_equal(end_with("run.load:3,run.adopt:2", "run.adopt"), SIGKILL);
    assert_int_equal(end_with("run.load", "run.adopt"), 0);
    assert_int_equal(end_with("", "run.adopt"), 0);
}

static void a_name_that_does_not_exist_aborts(void **state)
{
    (void)state;
    assert_int_equal(end_with("run.laod", "run.load"), SIGABRT);
    assert_int_equal(end_with("", "run.laod"), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_kills),
        cmocka_unit_test(a_name_that_does_not_exist_aborts),
        cmocka_unit_test(the_nth_visit_fails),
        cmocka_unit_test(disarmed_points_do_not_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
static void points_are_compiled_to_nothing(void **state)
{
    (void)state;
    assert_false(SW_FAULT("no such point"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(points_are_compiled_to_nothing)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
