#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a file or a function is longer than a reader can hold: split it, do not raise the number."""
import tree

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70 # from its first line to its closing brace

FUNCTIONS = {".c": tree.c_functions, ".h": tree.c_functions, ".py": tree.python_functions,
             ".ts": tree.ts_functions, "python3": tree.python_functions}


def language(path, text):
    """What its functions are found by: the suffix, or a script's interpreter."""
    if path.suffix or not text.startswith("#!"):
        return path.suffix
    return text.splitlines()[0].split("/")[-1].split()[-1]


def check(root):
    problems = []
    for path in tree.files(root, ".c", ".h", ".py", ".ts", ".mjs", ".sh", ""):
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        kind = language(path, text)
        if tree.is_generated(text) or not kind:
            continue
        lines = text.count("\n")
        if lines > FILE_LINES_MAX:
            problems.append(f"{path}: {lines} lines, at most {FILE_LINES_MAX}")
        if kind not in FUNCTIONS:
            continue
        for name, first, last, _ in FUNCTIONS[kind](text):
            if last - first + 1 > FUNCTION_LINES_MAX:
                problems.append(f"{path}:{first}: {name} has {last - first + 1} lines, "
                                f"at most {FUNCTION_LINES_MAX}")
    return problems


if __name__ == "__main__":
    tree.report(check(tree.root_from_argv()))
