#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns a serialised FileDescriptorSet into C tables (proto/descriptors.h).

Usage: embed_descriptors.py IN.bin OUT.c

Reads the few fields it needs by wire format, so that a build needs no Python
package: FileDescriptorSet.file=1; FileDescriptorProto name=1 package=2
dependency=3 message_type=4 enum_type=5 service=6; DescriptorProto name=1 field=2
nested_type=3 enum_type=4; ServiceDescriptorProto name=1 method=2.
"""
import sys


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """Yields (number, bytes) of each length-delimited field."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            _, at = varint(data, at)
        elif tag & 7 == 2:
            size, at = varint(data, at)
            yield tag >> 3, data[at:at + size]
            at += size
        else:
            at += {1: 8, 5: 4}[tag & 7]


def every(data, number):
    return [value for found, value in fields(data) if found == number]


def name_of(data):
    return every(data, 1)[0].decode()


def message_symbols(message, scope):
    full = f"{scope}.{name_of(message)}"
    yield full
    for field in every(message, 2):
        yield f"{full}.{name_of(field)}"
    for nested in every(message, 3):
        yield from message_symbols(nested, full)
    for enum in every(message, 4):
        yield f"{full}.{name_of(enum)}"


def file_symbols(file):
    scope = every(file, 2)[0].decode()
    for message in every(file, 4):
        yield from message_symbols(message, scope)
    for enum in every(file, 5):
        yield f"{scope}.{name_of(enum)}"
    for service in every(file, 6):
        full = f"{scope}.{name_of(service)}"
        yield full
        for method in every(service, 2):
            yield f"{full}.{name_of(method)}"


def c_strings(strings):
    return "(const char *const[]){" + "".join(f'"{s}", ' for s in strings) + "NULL}"


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as stream:
        files = every(stream.read(), 1)
    services = [f"{every(f, 2)[0].decode()}.{name_of(s)}" for f in files for s in every(f, 6)]
    out = ['#include "proto/descriptors.h"', ""]
    for index, file in enumerate(files):
        body = ",".join(map(str, file))
        out.append(f"static const unsigned char file{index}[] = {{{body}}};")
    out.append("const struct sw_descriptor_file sw_descriptor_files[] = {")
    for index, file in enumerate(files):
        dependencies = [d.decode() for d in every(file, 3)]
        out.append(f'    {{"{name_of(file)}", file{index}, sizeof file{index}, '
                   f"{c_strings(dependencies)}, {c_strings(file_symbols(file))}}},")
    out.append("    {NULL, NULL, 0, NULL, NULL},\n};")
    out.append(f"const char *const sw_descriptor_services[] = "
               + "{" + "".join(f'"{s}", ' for s in sorted(services)) + "NULL};")
    with open(target, "w", encoding="utf-8") as stream:
        stream.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
