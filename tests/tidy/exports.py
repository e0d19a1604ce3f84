#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when C shows a name it should not: an extern function that is not called sw_..., one that
no header declares, or a declaration that nobody defines or nobody uses."""
import collections
import re

import tree

NAME = re.compile(r"\bsw_\w+")
PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.M | re.S)
BODY = re.compile(r"^\{.*?^\}", re.M | re.S)
PROTOTYPE = re.compile(r"\b(sw_\w+)\s*\((?!\s*\*)[^;{}]*\)[^;{}()]*(?:SW_PRINTF\([^)]*\)\s*)?;")
EXCUSED = {"main", "LLVMFuzzerTestOneInput"}


def declared(code):
    """Functions that a header promises; pointers in structs and inline bodies are none."""
    outside = BODY.sub("{", PREPROCESSOR.sub("", code))
    outside = re.sub(r"\b(?:struct|union|enum)\b[^;(){}]*\{(?:[^{}]|\{[^{}]*\})*\}", "", outside)
    return set(PROTOTYPE.findall(outside))


def check(root):
    problems, promised, made = [], {}, {}
    users = collections.defaultdict(set)
    for path in tree.c_files(root):
        code = tree.blank((root / path).read_text(encoding="utf-8"))
        for name, times in collections.Counter(NAME.findall(code)).items():
            users[name].add(path if times == 1 else f"{path}, more than once")
        if path.parts[0] == "tests":
            continue
        if path.suffix == ".h":
            promised.update((name, path) for name in declared(code))
            continue
        for name, line, _, head in tree.c_functions(code):
            if re.search(r"\bstatic\b", head) or name in EXCUSED:
                continue
            made[name] = path
            if not name.startswith("sw_"):
                problems.append(f"{path}:{line}: {name} is extern and not called sw_..., or lacks static")
    for name, path in sorted(made.items()):
        if name.startswith("sw_") and name not in promised:
            problems.append(f"{path}: {name} is extern and in no header")
    for name, header in sorted(promised.items()):
        if name not in made:
            problems.append(f"{header}: declares {name}, which nobody defines")
        elif not {use for use in users[name] if not str(use).startswith(f"{made[name]}")} - {header}:
            problems.append(f"{header}: declares {name}, which only {made[name].name} uses")
    return problems


if __name__ == "__main__":
    tree.report(check(tree.root_from_argv()))
