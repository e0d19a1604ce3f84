#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when C is not as .clang-format has it. `cformat.py --fix [FILE...]` makes it so."""
import subprocess
import sys

import tree

VERSION = "14." # other versions format the same style a little differently


def clang_format(root, *arguments):
    return subprocess.run(["clang-format", *arguments], cwd=root, capture_output=True, text=True,
                          check=False)


def check(root, fix=False, names=()):
    version = clang_format(root, "--version").stdout
    if f"version {VERSION}" not in version:
        return [f"clang-format {VERSION}x is needed (tests/support/install), not {version.strip()}"]
    files = names or [str(path) for path in tree.c_files(root)]
    if not files:
        return []
    if fix:
        return clang_format(root, "-i", *files).stderr.splitlines()
    done = clang_format(root, "--dry-run", "-Werror", *files)
    return sorted({line for line in done.stderr.splitlines() if "error:" in line}) or \
        ([done.stderr] if done.returncode else [])


if __name__ == "__main__":
    if "--fix" in sys.argv:
        tree.report(check(tree.root_from_argv(), True, sys.argv[2:]))
    tree.report(check(tree.root_from_argv()))
