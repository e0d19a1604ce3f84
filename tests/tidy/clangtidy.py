#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when clang-tidy finds something in our C sources (tests/tidy/clang-tidy.yaml).

Usage: clangtidy.py [FILE...]; needs build/dev/compile_commands.json.
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/dev"


def sources():
    with open(BUILD / "compile_commands.json", encoding="utf-8") as stream:
        every = {pathlib.Path(entry["file"]) for entry in json.load(stream)}
    return sorted(path for path in every if not path.is_relative_to(ROOT / "build"))


def lint(path):
    knowledge = [] if path.name.endswith("status.c") else [
        "--extra-arg=-include", f"--extra-arg={ROOT}/tests/tidy/analyzer.h"]
    done = subprocess.run(
        ["clang-tidy", "--quiet", f"--config-file={ROOT}/tests/tidy/clang-tidy.yaml", "-p", BUILD,
         "--extra-arg=-Wno-unknown-warning-option", *knowledge, path],
        capture_output=True, text=True, check=False)
    return path, done.returncode, done.stdout + (done.stderr if done.returncode else "")


def main():
    wanted = [pathlib.Path(name).resolve() for name in sys.argv[1:]] or sources()
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, status, output in pool.map(lint, wanted):
            if status != 0:
                bad += 1
                print(output.replace(f"{ROOT}/", ""))
    print(f"clang-tidy: {len(wanted)} files, {bad} with findings")
    return 1 if bad or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
