/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_load MODE ADDRESS AGENTS SECONDS [NAME=VALUE]... - load from gRPC's C core, one thread;
 * prints JSON.
 *
 *   unary     agents call BeginStep and CompleteStep; a sample is one such call
 *   fused     agents call CompleteStep with begin_next; a sample is one step
 *   session   the same over one Session stream, a message a call; a sample is one step
 *   batched   as session, but calls that are ready together share a message
 *   echo      the messages of `fused` against bench_echo's unary method
 *   pairs     the messages of `unary` against it
 *   stream    the messages of `session` against bench_echo's stream
 *   packed    the messages of `batched` against bench_echo's stream
 *   one       one agent, one run of AGENTS steps, fused: prints for each step its time in us and
 *             the bytes that process SECONDS (0: none) wrote to files meanwhile
 *
 * and what probes.h says: health, start, restore, resume, talk. Of the agents' work may be said:
 *
 *   bytes=N text=1   outputs of N bytes (200), text that compresses about 3:1 (nothing that does)
 *   run=N            steps of each run (1000)
 *   durability=N     1 LOCAL, 2 REMOTE (the server's default)
 *   samples=N        the end, if it comes before SECONDS
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/agents.h"
#include "tests/bench/channel.h"
#include "tests/bench/probes.h"
#include "tests/bench/report.h"

enum { AGENTS_MAX = 1024 };

struct load {
    struct bench_channel channel;
    struct bench_report report;
    struct bench_call calls[AGENTS_MAX];
    struct agent agents[AGENTS_MAX];
    unsigned count;
    bool over_stream;
    bool echo;
    bool unfused;
    bool list;            /* print every sample */
    uint64_t samples_max; /* 0 = no limit */
    uint64_t every_ms;    /* see probe_resume */
    unsigned watched;     /* with list: the process whose writes are counted, or 0 */
    uint64_t written;     /* by it so far */
    bool stopping;
    unsigned busy;                   /* agents that wait for an answer */
    bool batched;                    /* what is ready together shares a message of the stream */
    struct agent *queue[AGENTS_MAX]; /* a ring: they wait for the message being sent */
    unsigned head;
    unsigned tail;
};

static struct load load;
static void *methods[4];

static bool is_sample(const struct agent *agent)
{
    return agent->verb == AGENT_COMPLETE || (load.unfused && agent->verb == AGENT_BEGIN);
}

/* Sends what waits for the stream: one agent's call, or all that is ready in one message
 * (SessionRequests concatenate). */
static void flush(void)
{
    static uint8_t bytes[AGENTS_MAX * 512];
    size_t size = 0;

    if (load.head == load.tail || load.calls[0].sending)
        return;
    do {
        const struct agent *agent = load.queue[load.head++ % AGENTS_MAX];

        memcpy(bytes + size, agent->bytes, agent->size);
        size += agent->size;
    } while (load.batched && load.head != load.tail && size + MESSAGE_MAX < sizeof bytes);
    bench_call_send(&load.calls[0], bytes, size);
}

static void send(struct agent *agent)
{
    agent->sent_us = bench_now_us();
    if (load.over_stream) {
        load.queue[load.tail++ % AGENTS_MAX] = agent;
        return;
    }
    if (!load.echo)
        load.calls[agent->number].method = methods[agent->verb];
    bench_call_unary(&load.calls[agent->number], agent->bytes, agent->size);
}

/* Both kinds of load build each message anew: only the servers differ. */
static void build(struct agent *agent, const uint8_t *answer, size_t size)
{
    if (load.echo)
        agent_example(agent);
    else
        agent_next(agent, answer, size);
    if (load.over_stream)
        agent_wrap(agent);
}

/* What is written behind the answer, such as a checkpoint, falls to the next step. */
static void list_sample(uint64_t us)
{
    uint64_t written = load.watched == 0 ? 0 : probe_written(load.watched);

    printf("%llu %llu\n", (unsigned long long)us, (unsigned long long)(written - load.written));
    load.written = written;
}

static void on_answer(void *self, uint64_t id, const uint8_t *answer, size_t size)
{
    struct agent *agent = &load.agents[id - 1];
    uint64_t us = bench_now_us() - agent->sent_us;

    (void)self;
    if (is_sample(agent)) {
        bench_report_add(&load.report, us);
        if (load.list)
            list_sample(us);
        load.stopping |= load.samples_max != 0 && load.report.count >= load.samples_max;
    }
    if (load.stopping || (load.list && agent->verb == AGENT_END)) {
        load.stopping = true;
        load.busy--;
        return;
    }
    build(agent, answer, size);
    send(agent);
}

static void on_unary(struct bench_call *call, const uint8_t *bytes, size_t size)
{
    on_answer(NULL, (uint64_t)(call - load.calls) + 1, bytes, size);
}

/* An echo's message is a SessionRequest: its call stands where a result would. */
static void on_stream(struct bench_call *call, const uint8_t *bytes, size_t size)
{
    (void)call;
    if (bytes != NULL)
        agent_unwrap(bytes, size, on_answer, NULL);
}

static void run(const char *address, unsigned agents, uint64_t seconds)
{
    const char *echo_path = load.over_stream ? "/bench/Stream" : "/bench/Unary";
    uint64_t end;

    bench_channel_open(&load.channel, address);
    for (int verb = 0; verb < 4; verb++)
        methods[verb] = grpc_channel_register_call(load.channel.grpc,
                                                   agent_path((enum agent_verb)verb), NULL, NULL);
    load.count = load.over_stream ? 1 : agents;
    for (unsigned i = 0; i < load.count; i++)
        bench_call_init(&load.calls[i], &load.channel,
                        load.echo          ? echo_path
                        : load.over_stream ? "/stepwell.v1.AgentService/Session"
                                           : agent_path(AGENT_START),
                        load.over_stream ? on_stream : on_unary, NULL);
    if (load.over_stream) {
        bench_call_open_stream(&load.calls[0]);
        while (load.calls[0].sending)
            bench_channel_poll(&load.channel, load.calls, 1, 1000000);
    }
    bench_report_start(&load.report);
    end = load.report.started_us + seconds * 1000000;
    for (unsigned i = 0; i < agents; i++) {
        load.agents[i].number = i;
        load.agents[i].fused = !load.unfused;
        build(&load.agents[i], NULL, 0);
        load.busy++;
        send(&load.agents[i]);
    }
    while (load.busy != 0) {
        flush();
        bench_channel_poll(&load.channel, load.calls, load.count, 1000000);
        load.stopping |= !load.list && bench_now_us() >= end;
    }
    if (!load.list)
        bench_report_print(&load.report);
    fflush(stdout);
    _Exit(0); /* a benchmark needs no orderly end */
}

static bool is_one_of(const char *mode, const char *a, const char *b, const char *c)
{
    return strcmp(mode, a) == 0 || strcmp(mode, b) == 0 || (*c != '\0' && strcmp(mode, c) == 0);
}

/* False: there is no such setting. */
static bool set(const char *word)
{
    const char *value = strchr(word, '=');
    uint64_t number = value == NULL ? 0 : strtoul(value + 1, NULL, 10);

    if (strncmp(word, "bytes=", 6) == 0 && number <= PAYLOAD_MAX)
        agent_style.payload_bytes = (unsigned)number;
    else if (strncmp(word, "text=", 5) == 0)
        agent_style.text = number != 0;
    else if (strncmp(word, "run=", 4) == 0)
        agent_style.run_steps = (unsigned)number;
    else if (strncmp(word, "durability=", 11) == 0)
        agent_style.durability = (int)number;
    else if (strncmp(word, "samples=", 8) == 0)
        load.samples_max = number;
    else if (strncmp(word, "every=", 6) == 0)
        load.every_ms = number;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    bool whole = argc >= 5;
    const char *mode = whole ? argv[1] : "";
    uint64_t amount = whole ? strtoul(argv[3], NULL, 10) : 0;
    uint64_t seconds = whole ? strtoul(argv[4], NULL, 10) : 0;

    if (whole && (strcmp(mode, "start") == 0 || strcmp(mode, "restore") == 0))
        return probe_start(argv[2], argv + 3, *mode == 's' ? SIGTERM : SIGKILL);
    for (int i = 5; i < argc; i++)
        whole &= set(argv[i]);
    if (!whole)
        mode = "";
    load.batched = strcmp(mode, "batched") == 0 || strcmp(mode, "packed") == 0;
    load.unfused = strcmp(mode, "unary") == 0 || strcmp(mode, "pairs") == 0;
    load.echo = is_one_of(mode, "echo", "stream", "packed") || strcmp(mode, "pairs") == 0;
    load.over_stream = load.batched || is_one_of(mode, "session", "stream", "");
    load.list = strcmp(mode, "one") == 0;
    if (strcmp(mode, "health") == 0) {
        probe_health(argv[2], amount, seconds);
    } else if (strcmp(mode, "resume") == 0) {
        probe_resume(argv[2], argv[3], seconds, load.every_ms);
    } else if (strcmp(mode, "talk") == 0) {
        probe_talk(argv[2], (unsigned)amount, (unsigned)seconds);
    } else if (load.list) {
        agent_style.run_steps = (unsigned)amount;
        load.watched = (unsigned)seconds;
        load.written = load.watched == 0 ? 0 : probe_written(load.watched);
        run(argv[2], 1, 0);
    } else if (load.echo || load.over_stream || load.unfused || strcmp(mode, "fused") == 0) {
        if (amount == 0 || amount > AGENTS_MAX)
            return 1;
        run(argv[2], (unsigned)amount, seconds);
    } else {
        fprintf(stderr, "usage: see the head of tests/bench/load.c\n");
        return 1;
    }
    return 0;
}
