/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sidecar/cli/dev.h"
#include "sidecar/parse.h"

enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 }; /* as shells say it */

/* In a child: dies with dev, also when dev died before this line. */
static void tie_to_parent(pid_t parent, int number)
{
    if (prctl(PR_SET_PDEATHSIG, number) != 0 || getppid() != parent)
        _exit(EXIT_NOT_EXECUTABLE);
}

static _Noreturn void exec_sidecar(const struct sw_dev_sidecar *sidecar, int ready)
{
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    int nothing = open("/dev/null", O_RDWR);
    char number[16];

    if (size < 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
        dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        _exit(EXIT_NOT_EXECUTABLE);
    self[size] = '\0';
    (void)snprintf(number, sizeof(number), "%d", ready);
    (void)execl(self, "stepwell", "serve", "--data", sidecar->data, "--journal", sidecar->journal,
                "--listen", sidecar->address, "--log-level", sidecar->log_level, "--log-format",
                sidecar->log_format, "--ready-fd", number, (char *)NULL);
    (void)fprintf(stderr, "stepwell dev: %s: %s\n", self, strerror(errno));
    _exit(EXIT_NOT_EXECUTABLE);
}

pid_t sw_dev_start_sidecar(const struct sw_dev_sidecar *sidecar, const sigset_t *mask,
                           int *ret_ready)
{
    pid_t parent = getpid();
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        (void)setpgid(0, 0);
        tie_to_parent(parent, SIGTERM);
        (void)fcntl(ends[1], F_SETFD, 0);
        (void)sigprocmask(SIG_SETMASK, mask, NULL);
        exec_sidecar(sidecar, ends[1]);
    }
    (void)close(ends[1]);
    if (pid < 0)
        (void)close(ends[0]);
    else
        *ret_ready = ends[0];
    return pid;
}

pid_t sw_dev_start_agent(char **command, const char *address, const sigset_t *mask)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    int failed;

    if (pid != 0)
        return pid;
    tie_to_parent(parent, SIGKILL);
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    if (setenv("STEPWELL_ADDR", address, 1) != 0)
        _exit(EXIT_NOT_EXECUTABLE);
    (void)execvp(command[0], command);
    failed = errno;
    (void)fprintf(stderr, "stepwell dev: %s: %s\n", command[0], strerror(failed));
    _exit(failed == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

int sw_dev_place_socket(const char *directory, struct sw_dev_socket *ret_socket)
{
    static const char name[] = "stepwell.sock";
    struct sw_dev_socket place = {.temporary = ""};
    const char *root = getenv("TMPDIR");
    char absolute[PATH_MAX];

    if (realpath(directory, absolute) == NULL)
        return -1;
    if (strlen(absolute) + 1 + strlen(name) <= SW_SOCKET_PATH_MAX) {
        (void)snprintf(place.address, sizeof(place.address), "unix://%.*s/%s",
                       SW_SOCKET_PATH_MAX - (int)sizeof(name), absolute, name);
        *ret_socket = place;
        return 0;
    }
    if (root == NULL || root[0] != '/' || strlen(root) > 64)
        root = "/tmp";
    (void)snprintf(place.temporary, sizeof(place.temporary), "%s/stepwell-XXXXXX", root);
    if (mkdtemp(place.temporary) == NULL)
        return -1;
    (void)snprintf(place.address, sizeof(place.address), "unix://%.100s/%s", place.temporary, name);
    *ret_socket = place;
    return 0;
}

void sw_dev_remove_socket(const struct sw_dev_socket *socket)
{
    if (socket->temporary[0] == '\0')
        return;
    (void)unlink(socket->address + strlen("unix://"));
    (void)rmdir(socket->temporary);
}

unsigned sw_dev_restart_ms(unsigned deaths)
{
    unsigned shift = deaths < 6 ? deaths : 6;

    return deaths == 0 ? 0 : 100u << (shift - 1); /* 100 ms to 3.2 s */
}
