#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one command for at most so many seconds and lets nothing of it live on.

Usage: supervise.py SECONDS COMMAND [ARGUMENT...]

Exits with the command's own status, 124 when its time was up, 125 when it ended
but left processes behind. Both kinds are named on standard error and killed.

A process that double-forks or starts a session of its own is found as well: this
program is the "child subreaper" (prctl(2)) of all that the command starts.
"""
import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
GRACE_S = 2.0  # a process that is just ending is no straggler
TIMED_OUT, STRAGGLERS = 124, 125


def children():
    """Living processes whose parent is this one, as (pid, command line)."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stream:
                state, parent = stream.read().rpartition(")")[2].split()[:2]
            with open(f"/proc/{entry}/cmdline", encoding="utf-8", errors="replace") as stream:
                line = stream.read().replace("\0", " ").strip()
        except OSError:  # it ended meanwhile
            continue
        if int(parent) == os.getpid() and state != "Z":
            yield int(entry), line or "?"


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def kill_children():
    """Kills what is left, and what its death hands to this process, until nothing is."""
    killed = {}
    for _ in range(100):
        found = dict(children())
        if not found:
            break
        killed.update(found)
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
        reap()
    return killed


def say(text):
    print(f"supervise: {text}", file=sys.stderr, flush=True)


def wait_for_stragglers():
    end = time.monotonic() + GRACE_S
    reap()
    while any(children()) and time.monotonic() < end:
        time.sleep(0.05)
        reap()


def run(seconds, command):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    def stop(number, _frame):
        kill_children()
        sys.exit(128 + number)

    # Before there is a child, which may be the reason for the signal. Started in the background, or
    # by nohup, this program ignores some signals; what it tests must not: a signal that is caught
    # here has its default meaning there.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL)

    try:
        status = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        say(f"time is up after {seconds:g} s")
        for pid, line in sorted(kill_children().items()):
            say(f"killed {pid}: {line[:200]}")
        return TIMED_OUT
    wait_for_stragglers()
    left = kill_children()
    for pid, line in sorted(left.items()):
        say(f"left behind and killed, {pid}: {line[:200]}")
    if status < 0:
        say(f"{command[0]} died of signal {-status}")
        status = 128 - status
    return status or (STRAGGLERS if left else 0)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(run(float(sys.argv[1]), sys.argv[2:]))
