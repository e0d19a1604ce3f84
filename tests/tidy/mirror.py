#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a source file has no unit test beside its mirror image, or a test no source file.

    storage/journal/commit.c  <->  tests/unit/storage/journal/test_commit.c
"""
import pathlib

import tree

# A file or a folder/ without twins, and what tests it instead. Short, or the rule is worth nothing.
ARCHIVE = "behind archive.h: test_take_over, test_ship, test_collect, test_restore and test_verify beside it"
EXCUSED = {
    "storage/archive/aside.c": ARCHIVE,
    "storage/archive/fence.c": ARCHIVE,
    "storage/archive/gather.c": ARCHIVE,
    "storage/archive/io.c": ARCHIVE,
    "storage/archive/meta.c": ARCHIVE,
    "storage/archive/open.c": ARCHIVE,
    "storage/archive/pull.c": ARCHIVE,
    "storage/archive/sink.c": ARCHIVE,
    "storage/archive/snap.c": ARCHIVE,
    "storage/object/cloud.c": "needs a server around it, at times a bad one: tests/store",
    "storage/object/http.c": "needs a server around it, at times a bad one: tests/store",
    "sidecar/main.c": "the dispatch of a command line: tests/integration",
    "sidecar/serve.c": "the life of a process: tests/integration, tests/crash",
    "sidecar/rpc/": "needs gRPC's core and a peer around it: tests/integration, tests/tools, both "
                    "clients; its decoding: tests/fuzz",
}


def excuse_of(source):
    return next((name for name in EXCUSED
                 if str(source) == name or (name[-1] == "/" and str(source).startswith(name))), None)


def twin_of(source):
    return pathlib.Path("tests/unit") / source.parent / f"test_{source.name}"


def check(root):
    problems = []
    sources = {path for path in tree.c_files(root, "storage", "sidecar") if path.suffix == ".c"}
    tests = {path for path in tree.c_files(root, "tests/unit") if path.name.startswith("test_")}
    twins = {twin_of(source): source for source in sources}
    for twin, source in sorted(twins.items()):
        excused = excuse_of(source)
        if twin not in tests and not excused:
            problems.append(f"{source}: no unit test {twin}")
        if twin in tests and excused == str(source):
            problems.append(f"{source}: has a unit test; take its excuse out of mirror.py")
    for excuse in sorted(set(EXCUSED) - set(map(excuse_of, sources))):
        problems.append(f"mirror.py: excuses {excuse}, which does not exist")
    for test in sorted(tests - set(twins)):
        problems.append(f"{test}: tests no source file of that path")
    return problems


if __name__ == "__main__":
    tree.report(check(tree.root_from_argv()))
