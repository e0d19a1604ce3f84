/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: threads carry their name and leave signals to the main thread.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sidecar/worker/thread.h"

struct seen {
    char name[16];
    bool blocks_sigterm;
};

static void look(void *self)
{
    struct seen *seen = self;
    sigset_t mask;

    pthread_getname_np(pthread_self(), seen->name, sizeof seen->name);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    seen->blocks_sigterm = sigismember(&mask, SIGTERM) == 1;
}

static void a_thread_has_its_name_and_blocks_signals(void **state)
{
    struct sw_thread thread;
    struct seen seen = {0};
    struct sw_err err;
    sigset_t mask;

    (void)state;
    assert_int_equal(sw_thread_start(&thread, "looker", look, &seen, &err), SW_OK);
    sw_thread_join(&thread);
    assert_string_equal(seen.name, "looker");
    assert_true(seen.blocks_sigterm);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_int_equal(sigismember(&mask, SIGTERM), 0); /* ours is as it was */
}

static void joining_what_never_started_is_fine(void **state)
{
    struct sw_thread thread = {0};

    (void)state;
    sw_thread_join(&thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_has_its_name_and_blocks_signals),
        cmocka_unit_test(joining_what_never_started_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
