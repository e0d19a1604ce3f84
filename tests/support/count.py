#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the tests in a group's reports and prints "PASSED FAILED SKIPPED".

Usage: count.py DIRECTORY

Reads JUnit files (*.xml) of any runner and the file `checks` (tests/support/group.sh).
A cmocka program is one test to ctest; here each function in it counts, by the
lines it prints.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

CMOCKA = re.compile(r"^\[ *(OK|FAILED|ERROR|SKIPPED) *\] (?!\d+ test)", re.M)


def count_cmocka(text):
    """(passed, failed, skipped) of one program's output; None when it is not cmocka's."""
    parts = text.split("[==========]")
    if len(parts) == 1:
        return None
    words = CMOCKA.findall(parts[1])  # from the first mark to the next, or to where it died
    passed, skipped = words.count("OK"), words.count("SKIPPED")
    return passed, len(words) - passed - skipped, skipped


def count_case(case):
    failed = any(case.find(tag) is not None for tag in ("failure", "error"))
    # CTest says status="disabled" or "notrun" beside <skipped>.
    if case.find("skipped") is not None:
        return 0, 0, 1
    inner = count_cmocka(case.findtext("system-out") or "")
    if inner is None:
        return (0, 1, 0) if failed else (1, 0, 0)
    passed, inner_failed, skipped = inner
    return passed, max(inner_failed, 1) if failed else inner_failed, skipped


def count_junit(path):
    try:
        cases = ElementTree.parse(path).iter("testcase")
    except ElementTree.ParseError:  # the runner was killed while it wrote
        return [(0, 1, 0)]
    return [count_case(case) for case in cases]


def count_checks(path):
    words = [line.split(" ", 1)[0] for line in path.read_text(encoding="utf-8").splitlines()]
    return [(words.count("pass"), words.count("fail"), words.count("skip"))]


def count(directory):
    found = [(0, 0, 0)]
    for path in sorted(directory.glob("*.xml")):
        found += count_junit(path)
    checks = directory / "checks"
    if checks.exists():
        found += count_checks(checks)
    return tuple(map(sum, zip(*found)))


if __name__ == "__main__":
    print(*count(pathlib.Path(sys.argv[1])))
