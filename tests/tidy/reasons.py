#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when the published table of error reasons and storage/base/code.def say different things."""
import re

import tree

CODE = re.compile(r"^SW_CODE\((\w+),\s*(\d+),\s*(\d+),\s*\"([^\"]*)\"\)", re.M)
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.M)

STATUS = """OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS
    PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED
    INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED""".split()


def retry_text(milliseconds):
    if milliseconds == 0:
        return "–"
    return f"{milliseconds // 1000} s" if milliseconds % 1000 == 0 else f"{milliseconds} ms"


def check(root):
    codes = {name: (STATUS[int(status)], retry_text(int(ms))) for name, status, ms, _ in
             CODE.findall((root / "storage/base/code.def").read_text(encoding="utf-8"))}
    codes.pop("OK", None)
    page = root / "proto/stepwell/v1/reasons.md"
    rows = ROW.findall(page.read_text(encoding="utf-8"))
    named = [row[0] for row in rows]
    problems = [f"code.def: {name} has no row in {page.name}" for name in codes if name not in named]
    for name, status, retry, when, cure in rows:
        if named.count(name) > 1:
            problems.append(f"{page.name}: {name} has {named.count(name)} rows")
        if name not in codes:
            problems.append(f"{page.name}: {name} is not in code.def")
        elif (status, retry.strip()) != codes[name]:
            problems.append(f"{page.name}: {name} is {' after '.join(codes[name])} in code.def, "
                            f"not {status} after {retry.strip()}")
        if not when.strip() or not cure.strip():
            problems.append(f"{page.name}: {name} lacks its cause or its cure")
    return problems


if __name__ == "__main__":
    tree.report(check(tree.root_from_argv()))
