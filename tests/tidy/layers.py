#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a file includes what its layer may not.

`layers.py --markdown` prints the table that ARCHITECTURE.md shows.
"""
import re
import sys

import tree

BASE = ("storage/base", "storage/record.h")

# layer -> the other layers of ours it may include. A layer is a folder, a file, or "tools": the
# small modules named below. What stands directly in sidecar/ and is named nowhere is the
# composition root: it sees everything, nothing includes it.
LAYERS = {
    "storage/base": (),
    "storage/record.h": ("storage/base",),
    "storage/journal": BASE,
    "storage/object": ("storage/base",),
    "storage/archive": (*BASE, "storage/journal", "storage/object"),
    "sidecar tools": ("storage/base",),
    "sidecar/engine": BASE,
    "sidecar/service": (*BASE, "storage/journal", "sidecar/engine"),
    "sidecar/worker": (*BASE, "storage/journal", "storage/object", "storage/archive",
                       "sidecar/engine", "sidecar tools"),
    "sidecar/config.h": (*BASE, "storage/journal", "storage/object", "sidecar/service",
                         "sidecar tools"),
    "proto": (),
    "sidecar/rpc": (*BASE, "storage/journal", "sidecar/engine", "sidecar/service",
                    "sidecar/worker", "sidecar/config.h", "proto", "sidecar tools",
                    "storage/object", "storage/archive"),
    "sidecar/cli": (*BASE, "storage/journal", "storage/object", "storage/archive", "sidecar/engine", "sidecar/service", "sidecar/rpc",
                    "sidecar tools"),
}
TOOLS = {f"sidecar/{name}" for name in ("log", "metrics", "text", "parse", "flags")}

# third-party header (or its beginning) -> the layers and files that may include it
FENCED = {
    "sqlite3.h": ("storage/journal",),
    "curl/": ("storage/object/http.c",),
    "openssl/": ("storage/base/hash.c", "storage/base/aead.c", "storage/base/sign.c"),
    "xxhash.h": ("storage/base/hash.c",),
    "pthread.h": ("sidecar/worker", "storage/base/hash.c", "storage/base/fault.c",
                  "storage/journal/cut.c", "storage/archive/fetch.c"),
    "microhttpd.h": ("sidecar/worker",),
    "grpc/": ("sidecar/rpc",),
    "protobuf-c/": ("sidecar/rpc",),
    "*.pb-c.h": ("sidecar/rpc",),
    "cjson/": ("sidecar/cli", "storage/object/credentials_parse.c"),
    "zstd.h": ("storage/archive/pack.c",),
    "expat.h": ("storage/object/reply.c",),
}

# A layer that is named here shows these headers to others; the rest is its own business.
PUBLIC = {
    "storage/archive": ("storage/archive/archive.h",),
    "sidecar/rpc": ("sidecar/rpc/server.h", "sidecar/rpc/client.h"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^">]+)', re.M)


def layer_of(path):
    stem = path.rpartition(".")[0]
    if stem in TOOLS:
        return "sidecar tools"
    if stem + ".h" in LAYERS: # config.c belongs to the layer config.h
        return stem + ".h"
    return next((layer for layer in LAYERS if path.startswith(layer + "/")), None)


def fence_of(include):
    for header, places in FENCED.items():
        if include.startswith(header) or (header[0] == "*" and include.endswith(header[1:])):
            return places
    return None


def complaint(path, include):
    layer, theirs, places = layer_of(path), layer_of(include), fence_of(include)
    if places is not None:
        inside = any(path == place or path.startswith(place + "/") for place in places)
        return None if inside else f"{include} is fenced into {', '.join(places)}"
    if include.endswith(".intern.h") and include.rpartition("/")[0] != path.rpartition("/")[0]:
        return f"{include} is private to its folder"
    if layer is None or theirs == layer:
        return None
    if theirs is None:
        ours = include.startswith(("sidecar/", "storage/", "tests/"))
        return f"{include} belongs to the composition root, which nothing includes" if ours else None
    if theirs not in LAYERS[layer]:
        return f"{layer} may not include {include}"
    if theirs in PUBLIC and include not in PUBLIC[theirs]:
        return f"{include} is private to {theirs}"
    return None


def check(root):
    problems = []
    for path in tree.c_files(root, "storage", "sidecar", "proto"):
        for include in INCLUDE.findall((root / path).read_text(encoding="utf-8")):
            said = complaint(str(path), include)
            if said:
                problems.append(f"{path}: {said}")
    return problems


def shown(layer):
    """The headers fenced into a layer, and in which of its files if not in all."""
    whole, files = [], {}
    for header, places in FENCED.items():
        for place in places:
            if place == layer:
                whole.append(f"`{header}`")
            elif layer_of(place) == layer:
                files.setdefault(place.rpartition("/")[2], []).append(f"`{header}`")
    return ", ".join(whole + [f"{name}: {' '.join(h)}" for name, h in files.items()]) or "–"


def markdown():
    rows = ["| layer | may include, of ours | and, outside its fence forbidden |", "|---|---|---|"]
    for layer, allowed in LAYERS.items():
        rows.append(f"| {layer} | {', '.join(allowed) or '–'} | {shown(layer)} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    if "--markdown" in sys.argv:
        print(markdown(), end="")
        sys.exit()
    tree.report(check(tree.root_from_argv()))
