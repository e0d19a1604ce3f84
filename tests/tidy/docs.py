#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a document points at nothing, shows another layer table than layers.py, or names a
machine that is none of the reader's: a path of somebody's workplace, a package registry."""
import re

import layers
import tree

LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
CODE_BLOCK = re.compile(r"^( *)(```|~~~).*?^\1\2", re.M | re.S)
HEADING = re.compile(r"^#+\s+(.*?)\s*#*$", re.M)

# Where an absolute path may begin in this project's files: places of any Linux machine or of our
# own container image, and paths of URLs.
ROOTS = """abs bin computeMetadata data dev etc health healthz latest lib lib64 metadata metrics
    nowhere opt path proc readyz run sbin sys tenant-1 tmp usr var v1 state workspace""".split()
PATH = re.compile(r"(?<![\w./:~*$}>)\]<\"'-])/([a-z][\w.-]*)(?:/[a-z\d.][\w.-]*)+")
REGISTRY = re.compile(r"\b(?:registry|registry-\d|pypi|index|proxy|deb|archive|files|repo\d?)"
                      r"\.[a-z][a-z0-9-]+\.(?:org|com|io|dev|net)\b")
OURS = (".md", ".c", ".h", ".py", ".ts", ".mjs", ".sh", ".json", ".yaml", ".yml", ".toml", ".txt",
        ".cmake", ".proto", ".def")


def anchor(heading):
    """The fragment that a forge gives a heading."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", lambda m: m.group(1) or "", heading.lower())
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def check_links(root, path, text):
    prose = CODE_BLOCK.sub("", text)
    for target in LINK.findall(prose):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        there = (root / path).parent / name if name else root / path
        if not there.exists():
            yield f"{path}: links to {target}, which does not exist"
        elif fragment and there.suffix == ".md":
            headings = HEADING.findall(CODE_BLOCK.sub("", there.read_text(encoding="utf-8")))
            if fragment not in map(anchor, headings):
                yield f"{path}: links to {target}, a heading that {there.name} does not have"


def check_machines(path, text):
    for match in PATH.finditer(text):
        if match.group(1) not in ROOTS:
            yield f"{path}:{tree.line_of(text, match.start())}: names a path of some machine, {match.group()}"
    for match in REGISTRY.finditer(text):
        yield f"{path}:{tree.line_of(text, match.start())}: names a package registry, {match.group()}"


def check(root):
    problems = []
    for path in tree.files(root, *OURS):
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".md":
            problems += check_links(root, path, text)
        if not tree.is_generated(text):
            problems += check_machines(path, text)
    architecture = root / "ARCHITECTURE.md"
    if architecture.exists() and layers.markdown() not in architecture.read_text(encoding="utf-8"):
        problems.append("ARCHITECTURE.md: lacks the table that layers.py --markdown prints, or shows another")
    return problems


if __name__ == "__main__":
    tree.report(check(tree.root_from_argv()))
