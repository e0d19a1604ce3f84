#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when C calls what is banned there; each ban says what to use instead, or why."""
import re

import tree

EVERYWHERE = ("storage/", "sidecar/", "tests/")
OURS = ("storage/", "sidecar/")

PRINTERS = ("sidecar/cli/", "sidecar/log.c", "sidecar/flags.c", "sidecar/config.c",
            "sidecar/main.c", "storage/base/fault.c")

# (functions, banned under, but not in, what to do instead)
BANS = (
    ("strcpy|strcat|sprintf|vsprintf|gets|strncpy|strncat|strtok|alloca",
     EVERYWHERE, (), "it does not know the size of what it writes: snprintf, memcpy, an arena"),
    ("atoi|atol|atoll|atof|sscanf|scanf|fscanf",
     EVERYWHERE, (), "it hides overflow and garbage: sw_parse_*, strtoull with its end checked"),
    ("system|popen|tmpnam|tempnam|mktemp|signal(?=\\(\\w+,(?! *SIG_))|setjmp|longjmp|siglongjmp|rand|srand|random|drand48",
     EVERYWHERE, (), "shell, races or weak randomness: posix_spawn, mkstemp, sigaction, sw_random"),
    ("localtime|gmtime|ctime|asctime", EVERYWHERE, (), "it is not safe in threads: gmtime_r"),
    ("time|gettimeofday|clock_gettime|clock|timespec_get",
     OURS, ("storage/base/clock.c",), "time is read through struct sw_clock, so that tests can set it"),
    ("sleep|usleep|nanosleep|clock_nanosleep|poll_sleep|sched_yield",
     OURS, (), "waiting is done on an event with a deadline, never by sleeping"),
    ("pthread_create|thrd_create", OURS, ("sidecar/worker/", "storage/archive/fetch.c"),
     "threads are made in sidecar/worker, by sw_thread_start; one downloads while a restore imports"),
    ("fork|vfork|clone|exec[lv]p?e?|posix_spawnp?", OURS, ("sidecar/cli/",),
     "a server with threads does not fork; `stepwell dev` does, before it has any"),
    ("printf|puts|putchar|perror|vprintf|dprintf|syslog|v?fprintf(?=\\(std)",
     OURS, PRINTERS, "a process speaks through sw_log, a command through sidecar/cli"),
    ("exit|_exit|quick_exit", OURS, ("sidecar/main.c", "sidecar/serve.c", "sidecar/cli/"),
     "only main decides that the process ends"),
    ("malloc|calloc|realloc|free|strdup|strndup|asprintf|vasprintf|sw_arena_alloc|sw_arena_zalloc",
     ("sidecar/engine/",), (), "the engine allocates nothing: state in, decision out"),
    ("sw_clock_now_ms|sw_clock_monotonic_us|sw_random|sw_log|sw_log_write|getenv|secure_getenv",
     ("sidecar/engine/",), (), "the engine reads no clock, chance or environment: take an argument"),
    ("pthread_\\w+|fopen|open|read|write|close|fsync|fdatasync|socket",
     ("sidecar/engine/",), (), "the engine has no threads and no I/O"),
    ("getenv|secure_getenv|setenv|putenv|unsetenv",
     OURS, ("sidecar/config.c", "sidecar/flags.c", "sidecar/log.c", "sidecar/main.c",
            "sidecar/cli/", "sidecar/rpc/client_call.c", "storage/base/fault.c",
            "storage/object/credentials", "storage/object/s3.c"),
     "the environment is read once, by config"),
)

# In a body: `time(NULL)`, not `->time(`, `.time =`, `sw_time(`, nor a declaration `int time(`.
CALL = r"(?<![\w.>])(?P<name>{})\s*\("
NOT_A_CALL = re.compile(r"(?:\b(?!return\b|else\b)\w+\s+|\*)$")


def applies(path, under, excused):
    return path.startswith(under) and not path.startswith(excused or ("\0",))


def check(root):
    problems = []
    for path in tree.c_files(root):
        code = tree.blank((root / path).read_text(encoding="utf-8"))
        for names, under, excused, instead in BANS:
            if not applies(str(path), under, excused):
                continue
            for match in re.finditer(CALL.format(names), code):
                before = code[code.rfind("\n", 0, match.start()) + 1:match.start()]
                if NOT_A_CALL.search(before):
                    continue
                problems.append(f"{path}:{tree.line_of(code, match.start())}: "
                                f"{match.group('name')}() is banned here: {instead}")
        if path.suffix == ".c" and re.search(r"#\s*define\s+NDEBUG", code):
            problems.append(f"{path}: NDEBUG is banned: an assertion is a restart, not corruption")
    return problems


if __name__ == "__main__":
    tree.report(check(tree.root_from_argv()))
