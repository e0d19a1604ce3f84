/* SPDX-License-Identifier: Apache-2.0
 *
 * fake_sidecar - what `stepwell dev` starts in these tests: this very program, as "serve".
 *
 * dev executes /proc/self/exe; main() hands over to fake_sidecar when its first
 * argument is "serve". It appends to $FAKE_LOG a line "start ARGUMENTS", says that it is ready,
 * and appends "term" when it is told to end. $FAKE_SIDECAR changes that: "refuses" ends with 2
 * before it is ready, "dies" ends with 9 soon after, but only on its first start.
 *
 * Owns:    nothing.
 * Threads: one.
 * Fails:   by its exit code.
 */
#ifndef SW_TEST_FAKE_SIDECAR_H
#define SW_TEST_FAKE_SIDECAR_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static inline void fake_log(const char *line)
{
    const char *path = getenv("FAKE_LOG");
    int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;

    if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
        _exit(99);
    (void)close(fd);
}

/* The text of the log, at most size - 1 bytes of it. */
static inline void fake_read_log(char *ret, size_t size)
{
    const char *path = getenv("FAKE_LOG");
    int fd = path != NULL ? open(path, O_RDONLY) : -1;
    ssize_t got = fd >= 0 ? read(fd, ret, size - 1) : 0;

    ret[got > 0 ? got : 0] = '\0';
    if (fd >= 0)
        (void)close(fd);
}

static inline void fake_sleep_ms(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    while (nanosleep(&left, &left) != 0)
        continue;
}

static inline int fake_sidecar(int argc, char **argv)
{
    const char *kind = getenv("FAKE_SIDECAR");
    char line[1024] = "start";
    char before[4096];
    sigset_t term;
    int ready = -1;
    int number;

    fake_read_log(before, sizeof(before));
    for (int i = 2; i < argc; i++) {
        size_t used = strlen(line);

        (void)snprintf(line + used, sizeof(line) - used, " %s", argv[i]);
        if (strcmp(argv[i], "--ready-fd") == 0)
            ready = (int)strtol(argv[i + 1], NULL, 10);
    }
    (void)snprintf(line + strlen(line), sizeof(line) - strlen(line), "\n");
    fake_log(line);
    if (kind != NULL && strcmp(kind, "refuses") == 0)
        return 2;
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &term, NULL);
    if (write(ready, "1", 1) != 1)
        return 98;
    if (kind != NULL && strcmp(kind, "dies") == 0 && before[0] == '\0') {
        fake_sleep_ms(100);
        return 9;
    }
    (void)sigwait(&term, &number);
    fake_log("term\n");
    return 0;
}

/* A directory of its own, and FAKE_LOG in it. */
static inline int fake_open(void **state)
{
    static char folder[64];
    char path[80];

    (void)snprintf(folder, sizeof(folder), "/tmp/sw-dev-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/log", folder);
    *state = folder;
    return setenv("FAKE_LOG", path, 1) | unsetenv("FAKE_SIDECAR");
}

static inline int fake_close(void **state)
{
    (void)unlink(getenv("FAKE_LOG"));
    return rmdir(*state);
}

#endif
