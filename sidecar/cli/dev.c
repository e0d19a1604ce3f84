/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/cli/dev.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/cli/command.h"
#include "storage/base/clock.h"

enum {
    STEADY_MS = 10000, /* a sidecar that lived so long did not die in a row */
    STOP_MS = 30000    /* so long the sidecar may take to end; serve drains for 5 s by default */
};

struct options {
    const char *data;
    const char *journal;
    const char *log_level;
    const char *log_format;
};

static const struct sw_flag flags[] = {
    {"data", "DIR", SW_FLAG_TEXT, offsetof(struct options, data), 0, 0, "./stepwell-data", true,
     "The journal's directory, kept between runs, so that work goes on where it stopped.", NULL},
    {"journal", "NAME", SW_FLAG_TEXT, offsetof(struct options, journal), 0, 0, "default", true,
     "The journal's name.", NULL},
    {"log-level", "LEVEL", SW_FLAG_TEXT, offsetof(struct options, log_level), 0, 0, "warning", true,
     "What of the sidecar's log is shown: debug, info, warning or error.", NULL},
    {"log-format", "FORMAT", SW_FLAG_TEXT, offsetof(struct options, log_format), 0, 0, "text", true,
     "json or text.", NULL},
    {NULL, NULL, SW_FLAG_TEXT, 0, 0, 0, NULL, false, NULL, NULL},
};

static const struct sw_cli_page page = {
    .synopsis = "dev [OPTION]... -- CMD [ARGUMENT]...",
    .description =
        "Starts a sidecar and an agent together, for a laptop. The agent finds the sidecar's "
        "address in STEPWELL_ADDR; its socket is DIR/stepwell.sock, or in a temporary directory "
        "when that path is too long for a socket.\n\n"
        "SIGINT, SIGTERM and SIGHUP are passed on to the agent. When the agent ends, the sidecar "
        "is ended too, and dev ends with the agent's exit code. When the sidecar dies while the "
        "agent runs it is started again, after 100 ms, then 200 ms, up to 3.2 s. When dev itself "
        "is killed the agent is killed and the sidecar ends.\n\n"
        "Other settings of the sidecar come from the environment: see stepwell help serve.",
    .flags = flags,
    .exit_status = "    The agent's exit code, or 128 + N when signal N killed it; before that\n"
                   "    1    usage, or the sidecar's configuration\n"
                   "    2    the sidecar's disk failed or its journal is corrupt\n"
                   "    126  CMD cannot be executed\n"
                   "    127  CMD is not found\n",
    .examples = "    stepwell dev -- python agent.py\n"
                "    stepwell dev --data /tmp/try -- sh -c 'stepwell status; node agent.js'\n",
};

struct dev {
    struct sw_dev_sidecar start;
    char **command;
    sigset_t mask; /* before ours: for the children */
    int signals;   /* signalfd */
    int ready;     /* pipe from the sidecar; -1: it said so, or is gone */
    pid_t sidecar; /* 0: none */
    pid_t agent;   /* 0: not started, or ended */
    bool agent_started;
    bool ending;
    int code;            /* to end with */
    unsigned deaths;     /* of the sidecar, in a row */
    uint64_t started_us; /* the sidecar */
    uint64_t due_us;     /* start the sidecar, or, while ending, kill it; 0: neither */
};

static uint64_t now_us(void)
{
    return sw_clock_monotonic_us(&sw_clock_system);
}

static void say(const char *format, ...) SW_PRINTF(1, 2);
static void say(const char *format, ...)
{
    va_list args;

    (void)fputs("stepwell dev: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

static int code_of(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void start_sidecar(struct dev *dev)
{
    dev->due_us = 0;
    dev->started_us = now_us();
    dev->sidecar = sw_dev_start_sidecar(&dev->start, &dev->mask, &dev->ready);
    if (dev->sidecar < 0) {
        say("cannot start the sidecar: %s", strerror(errno));
        dev->sidecar = 0;
        dev->due_us = now_us() + 1000000;
    }
}

/* Lets the sidecar finish; the loop ends when it is gone. */
static void end_with(struct dev *dev, int code)
{
    if (dev->ending)
        return;
    dev->ending = true;
    dev->code = code;
    dev->due_us = 0;
    if (dev->sidecar != 0) {
        (void)kill(dev->sidecar, SIGTERM);
        dev->due_us = now_us() + STOP_MS * 1000ull;
    }
}

static void sidecar_ended(struct dev *dev, int status)
{
    int code = code_of(status);

    dev->sidecar = 0;
    if (dev->ready >= 0)
        (void)close(dev->ready);
    dev->ready = -1;
    if (dev->ending)
        return;
    if (!dev->agent_started) {
        say("the sidecar ended with code %d before it answered", code);
        end_with(dev, code != 0 ? code : 1);
        return;
    }
    if (now_us() - dev->started_us > STEADY_MS * 1000ull)
        dev->deaths = 0;
    dev->deaths++;
    say("the sidecar ended with code %d; starting it again in %u ms", code,
        sw_dev_restart_ms(dev->deaths));
    dev->due_us = now_us() + sw_dev_restart_ms(dev->deaths) * 1000ull;
}

static void reap(struct dev *dev)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == dev->sidecar) {
            sidecar_ended(dev, status);
        } else if (pid == dev->agent) {
            dev->agent = 0;
            end_with(dev, code_of(status));
        }
    }
}

static void on_signal(struct dev *dev)
{
    struct signalfd_siginfo info;
    int number;

    if (read(dev->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    number = (int)info.ssi_signo;
    if (number == SIGCHLD)
        reap(dev);
    else if (!dev->agent_started)
        end_with(dev, 128 + number);
    else if (dev->agent != 0 && info.ssi_code != SI_KERNEL)
        (void)kill(dev->agent, number); /* what the terminal sends, the agent got by itself */
}

static void on_ready(struct dev *dev)
{
    char byte;
    ssize_t size = read(dev->ready, &byte, 1);

    if (size < 0 && errno == EINTR)
        return;
    (void)close(dev->ready);
    dev->ready = -1;
    if (size != 1 || dev->agent_started || dev->ending)
        return; /* it ended: SIGCHLD says more */
    dev->agent_started = true;
    dev->agent = sw_dev_start_agent(dev->command, dev->start.address, &dev->mask);
    if (dev->agent < 0) {
        say("cannot start the agent: %s", strerror(errno));
        dev->agent = 0;
        end_with(dev, SW_EXIT_CLI_USAGE);
    }
}

static void on_due(struct dev *dev)
{
    if (!dev->ending) {
        start_sidecar(dev);
        return;
    }
    say("the sidecar does not end; killing it");
    (void)kill(dev->sidecar, SIGKILL);
    dev->due_us = 0;
}

static int wait_ms(const struct dev *dev)
{
    uint64_t now = now_us();

    if (dev->due_us == 0)
        return -1;
    return dev->due_us > now ? (int)((dev->due_us - now) / 1000 + 1) : 0;
}

static int look_after(struct dev *dev)
{
    start_sidecar(dev);
    while (!dev->ending || dev->sidecar != 0) {
        struct pollfd polled[2] = {{.fd = dev->signals, .events = POLLIN},
                                   {.fd = dev->ready, .events = POLLIN}};
        int count = poll(polled, 2, wait_ms(dev));

        if (count > 0 && polled[1].revents != 0)
            on_ready(dev);
        if (count > 0 && polled[0].revents != 0)
            on_signal(dev);
        if (dev->due_us != 0 && now_us() >= dev->due_us)
            on_due(dev);
    }
    return dev->code;
}

static bool take_signals(struct dev *dev)
{
    sigset_t ours;

    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, SIGINT);
    (void)sigaddset(&ours, SIGTERM);
    (void)sigaddset(&ours, SIGHUP);
    (void)sigaddset(&ours, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &ours, &dev->mask) != 0)
        return false;
    dev->signals = signalfd(-1, &ours, SFD_CLOEXEC);
    return dev->signals >= 0;
}

static int develop(const struct options *options, char **command)
{
    struct dev dev = {.command = command, .ready = -1};
    struct sw_dev_socket socket;
    int code;

    if (mkdir(options->data, 0700) != 0 && errno != EEXIST)
        return sw_cli_usage(&sw_cli_dev, "--data: %s: %s", options->data, strerror(errno));
    if (sw_dev_place_socket(options->data, &socket) != 0)
        return sw_cli_usage(&sw_cli_dev, "no place for a socket: %s", strerror(errno));
    dev.start = (struct sw_dev_sidecar){
        .data = options->data,
        .journal = options->journal,
        .address = socket.address,
        .log_level = options->log_level,
        .log_format = options->log_format,
    };
    if (!take_signals(&dev)) {
        say("signals: %s", strerror(errno));
        return SW_EXIT_CLI_USAGE;
    }
    say("STEPWELL_ADDR=%s", socket.address);
    code = look_after(&dev);
    (void)close(dev.signals);
    sw_dev_remove_socket(&socket);
    return code;
}

static int run(int argc, char **argv)
{
    struct options options = {.data = NULL};
    struct sw_flags_left left;
    int code;

    if (!sw_cli_read(&sw_cli_dev, &options, argc, argv, &left, &code))
        return code;
    if (left.count > 0)
        return sw_cli_usage(&sw_cli_dev, "the agent's command comes after --: stepwell dev -- %s",
                            left.words[0]);
    if (left.rest_count == 0)
        return sw_cli_usage(&sw_cli_dev, "which agent? Give its command after --");
    return develop(&options, left.rest);
}

const struct sw_cli_command sw_cli_dev = {"dev", "run an agent with a sidecar of its own", &page,
                                          run};
