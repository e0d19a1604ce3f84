# SPDX-License-Identifier: Apache-2.0
"""Goal: every kind of store keeps every promise of storage/object/object.h.

Method: tests/contract/object_contract.c against each store of support/object_stores.py.
"""
import os
import re
import subprocess

import pytest
from support.object_stores import STORES
from support.sidecar import ROOT

CONTRACT = ROOT / "build/dev/tests/contract/object_contract"
SOURCE = ROOT / "tests/contract/object_contract.c"
PROMISES = re.findall(r"^ +PROMISE\((\w+)\)", SOURCE.read_text(encoding="utf-8"), re.M)

# What a server is known not to keep. The probe is what protects from it.
BROKEN = {
    # v1.7.0, posix: looks first and writes later. The probe finds that out, mostly.
    "versitygw": {"of_many_creations_one_wins", "the_probe_passes_and_leaves_nothing"},
}
CASES = [(name, promise) for name in STORES for promise in PROMISES
         if promise not in BROKEN.get(name, ())]


def run(store, promise):
    """Runs the one test of object_contract.c, and returns it with what it said."""
    clean = {key: value for key, value in os.environ.items()
             if not key.startswith(("AWS_", "AZURE_", "GCE_", "GOOGLE_"))}
    endpoint = {"SW_STORE_ENDPOINT": store.endpoint} if store.endpoint else {}
    environment = {**clean, **store.environment, **endpoint, "SW_STORE_URL": store.url}
    return subprocess.run([CONTRACT, promise], env=environment, text=True, timeout=110, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.parametrize("name, promise", CASES)
def test_promise(stores, name, promise):
    done = run(stores(name), promise)
    assert done.returncode == 0, done.stdout
    assert re.search(rf"OK \] {promise}$", done.stdout, re.M), done.stdout


def test_the_probe_finds_a_gateway_that_looks_first_and_writes_later(stores):
    """By chance each time; never in ten times is one in millions."""
    said = [run(stores("versitygw"), "the_probe_passes_and_leaves_nothing").stdout for _ in range(10)]
    assert any("let two creations of one object succeed" in text for text in said), said


def test_there_are_promises():
    assert len(PROMISES) >= 14
