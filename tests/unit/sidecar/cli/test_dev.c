/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/dev.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "sidecar/cli/command.h"
#include "tests/unit/sidecar/cli/fake_sidecar.h"

/* Runs `stepwell dev --data FOLDER -- sh -c SCRIPT` in a process of its own. */
static pid_t start_dev(const char *folder, const char *script)
{
    const char *const words[] = {"dev", "--data", folder, "--", "sh", "-c", script};
    static char copies[7][512];
    char *argv[8] = {NULL};
    pid_t pid;

    for (int i = 0; i < 7; i++) {
        (void)snprintf(copies[i], sizeof(copies[i]), "%s", words[i]);
        argv[i] = copies[i];
    }
    pid = fork();
    if (pid == 0)
        _exit(sw_cli_dev.run(7, argv));
    assert_true(pid > 0);
    return pid;
}

static int end_of(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Whether the log has so many lines that begin with word, within ten seconds. */
static bool logged(const char *word, unsigned wanted)
{
    for (int i = 0; i < 500; i++) {
        unsigned found = 0;
        char log[4096];

        fake_read_log(log, sizeof(log));
        for (const char *line = log; *line != '\0'; line += strcspn(line, "\n") + 1)
            found += strncmp(line, word, strlen(word)) == 0;
        if (found >= wanted)
            return true;
        fake_sleep_ms(20);
    }
    return false;
}

static void dev_ends_as_the_agent_ends(void **state)
{
    assert_int_equal(end_of(start_dev(*state, "exit 3")), 3);
    assert_true(logged("term", 1));
    assert_int_equal(end_of(start_dev(*state, "kill -9 $$")), 128 + SIGKILL);
    assert_true(logged("term", 2));
    assert_true(logged("start --data ", 2));
}

static void no_sidecar_no_agent(void **state)
{
    assert_int_equal(setenv("FAKE_SIDECAR", "refuses", 1), 0);
    assert_int_equal(end_of(start_dev(*state, "echo agent >>$FAKE_LOG")), 2);
    assert_true(logged("start", 1));
    assert_int_equal(unsetenv("FAKE_SIDECAR"), 0);
    assert_int_equal(end_of(start_dev(*state, "echo agent >>$FAKE_LOG")), 0);
    assert_true(logged("agent", 1));
}

static void a_dead_sidecar_is_started_again(void **state)
{
    assert_int_equal(setenv("FAKE_SIDECAR", "dies", 1), 0);
    assert_int_equal(end_of(start_dev(*state, "while [ $(grep -c start $FAKE_LOG) -lt 2 ]; do "
                                              "sleep 0.05; done; exit 4")),
                     4);
    assert_true(logged("start", 2));
    assert_true(logged("term", 1));
}

static void signals_are_the_agents(void **state)
{
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

    for (int i = 0; i < 3; i++) {
        char script[128];
        pid_t dev;

        (void)snprintf(script, sizeof(script),
                       "trap 'exit %d' %d; echo agent >>$FAKE_LOG; while :; do sleep 0.05; done",
                       40 + i, numbers[i]);
        dev = start_dev(*state, script);
        assert_true(logged("agent", (unsigned)i + 1));
        assert_int_equal(kill(dev, numbers[i]), 0);
        assert_int_equal(end_of(dev), 40 + i);
        assert_true(logged("term", (unsigned)i + 1)); /* the sidecar outlived the agent */
    }
}

/* Goal: nothing is left behind when dev cannot clean up. */
/* A zombie is dead, though whoever inherited it may not have looked yet. */
static bool is_alive(pid_t pid)
{
    char path[64];
    char stat[512] = "";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    (void)!fread(stat, 1, sizeof(stat) - 1, file);
    fclose(file);
    return strstr(stat, ") Z") == NULL;
}

static void a_killed_dev_takes_its_children_along(void **state)
{
    pid_t dev = start_dev(*state, "echo agent $$ >>$FAKE_LOG; while :; do sleep 0.05; done");
    char log[4096];
    const char *line;
    pid_t agent;

    assert_true(logged("agent", 1));
    fake_read_log(log, sizeof(log));
    line = strstr(log, "agent ");
    assert_non_null(line);
    agent = (pid_t)strtol(line + 6, NULL, 10);
    assert_int_equal(kill(dev, SIGKILL), 0);
    assert_int_equal(end_of(dev), -SIGKILL);
    assert_true(logged("term", 1));
    for (int i = 0; i < 500 && is_alive(agent); i++)
        fake_sleep_ms(20);
    assert_false(is_alive(agent));
}

static void an_agent_is_asked_for(void **state)
{
    char name[] = "dev";
    char word[] = "python";
    char *none[] = {name, NULL};
    char *loose[] = {name, word, NULL};
    (void)state;

    assert_int_equal(sw_cli_dev.run(1, none), 1);
    assert_int_equal(sw_cli_dev.run(2, loose), 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fake_open, fake_close)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(dev_ends_as_the_agent_ends),
        TEST(no_sidecar_no_agent),
        TEST(a_dead_sidecar_is_started_again),
        TEST(signals_are_the_agents),
        TEST(a_killed_dev_takes_its_children_along),
        cmocka_unit_test(an_agent_is_asked_for),
    };

    if (argc > 1 && strcmp(argv[1], "serve") == 0)
        return fake_sidecar(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
