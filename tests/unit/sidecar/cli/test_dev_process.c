/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "sidecar/cli/dev.h"
#include "sidecar/parse.h"
#include "tests/unit/sidecar/cli/fake_sidecar.h"

static sigset_t no_signals(void)
{
    sigset_t mask;

    (void)sigemptyset(&mask);
    return mask;
}

static int wait_for(pid_t pid)
{
    int status;

    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void the_sidecar_is_this_program(void **state)
{
    struct sw_dev_sidecar sidecar = {.data = "D",
                                     .journal = "J",
                                     .address = "unix:///A",
                                     .log_level = "error",
                                     .log_format = "json"};
    sigset_t mask = no_signals();
    char log[1024];
    char byte;
    int ready;
    pid_t pid = sw_dev_start_sidecar(&sidecar, &mask, &ready);
    (void)state;

    assert_true(pid > 0);
    assert_int_equal(read(ready, &byte, 1), 1);
    assert_int_equal(getpgid(pid), pid); /* out of reach of the terminal's Ctrl-C */
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(wait_for(pid), 0);
    assert_int_equal(read(ready, &byte, 1), 0); /* nobody else holds the pipe */
    assert_int_equal(close(ready), 0);
    fake_read_log(log, sizeof(log));
    assert_ptr_equal(strstr(log, "start --data D --journal J --listen unix:///A --log-level error "
                                 "--log-format json --ready-fd "),
                     log);
    assert_non_null(strstr(log, "\nterm\n"));
}

static void the_agent_knows_the_address(void **state)
{
    char shell[] = "sh";
    char option[] = "-c";
    char script[] = "test \"$STEPWELL_ADDR\" = unix:///A && exit 7";
    char *command[] = {shell, option, script, NULL};
    sigset_t mask = no_signals();
    int status = wait_for(sw_dev_start_agent(command, "unix:///A", &mask));
    (void)state;

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void what_cannot_run_ends_as_in_a_shell(void **state)
{
    char absent[] = "/nowhere/agent";
    char folder[] = "/tmp";
    char *first[] = {absent, NULL};
    char *second[] = {folder, NULL};
    sigset_t mask = no_signals();
    (void)state;

    assert_int_equal(WEXITSTATUS(wait_for(sw_dev_start_agent(first, "x", &mask))), 127);
    assert_int_equal(WEXITSTATUS(wait_for(sw_dev_start_agent(second, "x", &mask))), 126);
}

static void the_socket_stands_beside_the_data(void **state)
{
    struct sw_dev_socket socket;
    char wanted[128];

    assert_int_equal(sw_dev_place_socket(*state, &socket), 0);
    (void)snprintf(wanted, sizeof(wanted), "unix://%s/stepwell.sock", (const char *)*state);
    assert_string_equal(socket.address, wanted);
    assert_string_equal(socket.temporary, "");
    sw_dev_remove_socket(&socket);
    assert_int_equal(sw_dev_place_socket("/nowhere", &socket), -1);
}

/* Goal: no directory is too deep for a socket.
 * Method: the longest directory that fits, and one character more. */
static void long_paths_get_a_temporary_socket(void **state)
{
    size_t fits = SW_SOCKET_PATH_MAX - strlen("/stepwell.sock");

    for (size_t size = fits; size <= fits + 1; size++) {
        struct sw_dev_socket socket;
        char path[256];
        struct stat info;

        (void)snprintf(path, sizeof(path), "%s/", (const char *)*state);
        memset(path + strlen(path), 'x', size - strlen(path));
        path[size] = '\0';
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(sw_dev_place_socket(path, &socket), 0);
        assert_int_equal(socket.temporary[0] == '\0', size == fits);
        assert_in_range(strlen(socket.address), 8, 7 + SW_SOCKET_PATH_MAX);
        if (size > fits) {
            assert_int_equal(stat(socket.temporary, &info), 0);
            assert_int_equal(info.st_mode & 0777, 0700);
        }
        sw_dev_remove_socket(&socket);
        if (size > fits)
            assert_int_not_equal(stat(socket.temporary, &info), 0);
        assert_int_equal(rmdir(path), 0);
    }
}

static void restarts_slow_down(void **state)
{
    (void)state;
    assert_int_equal(sw_dev_restart_ms(1), 100);
    assert_int_equal(sw_dev_restart_ms(2), 200);
    assert_int_equal(sw_dev_restart_ms(6), 3200);
    assert_int_equal(sw_dev_restart_ms(7), 3200);
    assert_int_equal(sw_dev_restart_ms(4000000000u), 3200);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fake_open, fake_close)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(the_sidecar_is_this_program),        TEST(the_agent_knows_the_address),
        TEST(what_cannot_run_ends_as_in_a_shell), TEST(the_socket_stands_beside_the_data),
        TEST(long_paths_get_a_temporary_socket),  cmocka_unit_test(restarts_slow_down),
    };

    if (argc > 1 && strcmp(argv[1], "serve") == 0)
        return fake_sidecar(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
