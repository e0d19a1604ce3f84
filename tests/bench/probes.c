/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/probes.h"

#include <assert.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stepwell/v1/agent_service.pb-c.h"
#include "tests/bench/channel.h"
#include "tests/bench/report.h"

/* START_SHARE: a start is asked about so rarely that the asking costs it nothing, and so often that
 * the answer is late by a hundredth at most. */
enum { ASLEEP_US = 1000000, START_MAX_US = 60 * 1000000, START_SHARE = 100 };

extern char **environ;

/* A call, and what came of it. */
struct probe {
    struct bench_channel channel;
    struct bench_call call;
    bool answered;
    bool serving;
};

static void on_checked(struct bench_call *call, const uint8_t *bytes, size_t size)
{
    struct probe *probe = call->self;

    probe->answered = true;
    probe->serving = size == 2 && bytes[0] == 0x08 && bytes[1] == 0x01; /* status: SERVING */
}

static void open_health(struct probe *probe, const char *address)
{
    bench_channel_open(&probe->channel, address);
    bench_call_init(&probe->call, &probe->channel, "/grpc.health.v1.Health/Check", on_checked,
                    probe);
}

static void wait_for(struct probe *probe, const bool *done)
{
    while (!*done)
        bench_channel_poll(&probe->channel, &probe->call, 1, ASLEEP_US);
}

static void check(struct probe *probe)
{
    probe->answered = false;
    bench_call_unary(&probe->call, NULL, 0);
    wait_for(probe, &probe->answered);
}

void probe_health(const char *address, uint64_t per_second, uint64_t seconds)
{
    struct bench_report report;
    struct probe probe = {0};
    uint64_t due;
    uint64_t end;

    open_health(&probe, address);
    check(&probe); /* connects */
    bench_report_start(&report);
    due = report.started_us;
    end = due + seconds * 1000000;
    while (due < end) {
        check(&probe);
        bench_report_add(&report, bench_now_us() - due);
        due += 1000000 / per_second;
        while (bench_now_us() < due)
            bench_channel_poll(&probe.channel, &probe.call, 1, due - bench_now_us());
    }
    bench_report_print(&report);
}

/* gRPC would wait a second before it tries again, so somebody else looks whether it may. */
static void wait_for_socket(const char *address, uint64_t until_us)
{
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    const char *path = strchr(address, ':') + 1;
    int rc = -1;

    assert(strlen(path) < sizeof place.sun_path);
    memcpy(place.sun_path, path, strlen(path));
    while (rc != 0 && bench_now_us() < until_us) {
        int door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        rc = connect(door, (const struct sockaddr *)&place, sizeof place);
        close(door);
        if (rc != 0)
            usleep(100);
    }
    if (rc != 0) {
        fprintf(stderr, "bench: nobody listens at %s\n", address);
        exit(1);
    }
}

/* The number behind a word in /proc/PID/FILE. */
static uint64_t read_proc(pid_t pid, const char *name, const char *word)
{
    unsigned long long number = 0;
    char path[64];
    char line[128];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
    file = fopen(path, "re");
    assert(file != NULL);
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, word, strlen(word)) == 0)
            number = strtoull(line + strlen(word), NULL, 10);
    fclose(file);
    return number;
}

int probe_start(const char *address, char **command, int end)
{
    struct probe probe = {0};
    uint64_t started;
    pid_t child;
    int status = 0;

    open_health(&probe, address); /* the client's own start is not measured */
    started = bench_now_us();
    if (posix_spawn(&child, command[0], NULL, NULL, command, environ) != 0) {
        perror(command[0]);
        return 1;
    }
    wait_for_socket(address, started + START_MAX_US);
    check(&probe);
    while (!probe.serving && bench_now_us() < started + START_MAX_US) {
        usleep((useconds_t)((bench_now_us() - started) / START_SHARE));
        check(&probe);
    }
    if (probe.serving)
        printf("{\"us\": %llu, \"rss_kb\": %llu}\n", (unsigned long long)(bench_now_us() - started),
               (unsigned long long)read_proc(child, "status", "VmHWM:"));
    bench_channel_close(&probe.channel); /* or it would be drained, with nobody here to hear it */
    kill(child, end);
    waitpid(child, &status, 0);
    return end == SIGKILL ? !probe.serving : status;
}

struct history {
    struct probe probe;
    uint64_t started_us;
    uint64_t first_us;
    uint64_t last_us;
    size_t steps;
    bool over;
};

static void on_history(struct bench_call *call, const uint8_t *bytes, size_t size)
{
    struct history *history = call->self;
    Stepwell__V1__ResumeResponse *part;

    if (bytes == NULL) {
        history->over = true;
        return;
    }
    part = stepwell__v1__resume_response__unpack(NULL, size, bytes);
    assert(part != NULL);
    history->last_us = bench_now_us() - history->started_us;
    if (part->n_steps != 0 && history->steps == 0)
        history->first_us = history->last_us;
    history->steps += part->n_steps;
    stepwell__v1__resume_response__free_unpacked(part, NULL);
}

void probe_resume(const char *address, char *run_id, uint64_t seconds, uint64_t every_ms)
{
    Stepwell__V1__ResumeRequest request = STEPWELL__V1__RESUME_REQUEST__INIT;
    struct history history = {0};
    uint8_t bytes[512];
    size_t size;
    uint64_t end = bench_now_us() + seconds * 1000000;

    request.run_id = run_id;
    size = stepwell__v1__resume_request__pack(&request, bytes);
    bench_channel_open(&history.probe.channel, address);
    bench_call_init(&history.probe.call, &history.probe.channel, "/stepwell.v1.AgentService/Resume",
                    on_history, &history);
    do {
        history.steps = 0;
        history.over = false;
        history.started_us = bench_now_us();
        bench_call_server_stream(&history.probe.call, bytes, size);
        wait_for(&history.probe, &history.over);
        printf("{\"steps\": %zu, \"first_us\": %llu, \"us\": %llu}\n", history.steps,
               (unsigned long long)history.first_us, (unsigned long long)history.last_us);
        fflush(stdout);
        while (bench_now_us() < history.started_us + every_ms * 1000 && bench_now_us() < end)
            usleep(1000);
    } while (bench_now_us() < end);
}

uint64_t probe_written(unsigned pid)
{
    return read_proc((pid_t)pid, "io", "wchar:"); /* what goes to sockets is sent, not written */
}
