# SPDX-License-Identifier: Apache-2.0
"""Goal: a day costs as many requests as it should, and a day without work none.

Method: day_tool.c lives through 24 h in a minute, with the real shipper, archive and S3 driver, in
front of support/fault_store.py. What is counted is what that server was asked.
"""
import collections
import dataclasses
import subprocess

import pytest
from support.fault_store import BUCKET, FaultStore
from support.sidecar import ROOT

TOOL = ROOT / "build/dev/tests/store/day_tool"


@dataclasses.dataclass(frozen=True)
class Day:
    name: str
    least: int           # segments
    most: int
    interval_ms: int = 1000
    active_h: int = 2
    steps: int = 0
    steps_of_a_run: int = 100
    durability: str = "local"


# A run that begins and one that ends cost a segment each of their own: 1 % of REMOTE steps.
DAYS = (
    Day("LOCAL, 2 h active, 1 s", 5000, 7200, steps=16000, steps_of_a_run=1000),
    Day("LOCAL, 2 h active, 5 s", 1300, 1440, interval_ms=5000, steps=16000, steps_of_a_run=1000),
    Day("REMOTE, 500 steps", 500, 515, active_h=8, steps=500, durability="remote"),
    Day("REMOTE, 5,000 steps", 5000, 5150, active_h=8, steps=5000, durability="remote"),
    Day("idle", 0, 0),
)


KINDS = ("segments", "snapshots", "LIST", "GET", "DELETE")


def kind(request):
    if request.method == "PUT":
        return "segments" if "/log/" in request.path else "snapshots"
    return "LIST" if "list-type" in request.query else request.method


@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.name)
def test_a_day_costs_what_it_should(day, tmp_path):
    with FaultStore() as store:
        tool = subprocess.Popen(
            [TOOL, tmp_path / "data", f"s3://{BUCKET}", store.endpoint, str(day.interval_ms),
             str(day.active_h), str(day.steps), str(day.steps_of_a_run), day.durability],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**store.environment(), "AWS_EC2_METADATA_DISABLED": "true"})
        with tool:
            assert tool.stdout.readline() == "ready\n"
            before = len(store.requests)
            assert any("/log/" in request.path for request in store.requests)
            tool.stdin.write("\n")
            tool.stdin.flush()
            assert tool.stdout.readline() == "over\n"
            asked = store.requests[before:]
            tool.stdin.write("\n")
        assert tool.returncode == 0
    count = collections.Counter(map(kind, asked))
    print(f"\n{day.name:24}", *(f"{count[name]:7} {name}" for name in KINDS))
    assert day.least <= count["segments"] <= day.most
    assert count["snapshots"] <= count["segments"] * 0.01
    # What they make needless is looked up in three lists, and deleted for nothing.
    assert count["LIST"] <= count["snapshots"] * 1.5
    assert count["segments"] > 0 or not asked
