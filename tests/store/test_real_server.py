# SPDX-License-Identifier: Apache-2.0
"""Goal: on a real S3 server a journal outlives its node, has one owner, and can be looked into.

Method: the real sidecar and its commands in front of Ceph (support/ceph.py), which shares nothing
with our driver and its in-tree server.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import grpc
import pytest
from support.sidecar import ROOT

sys.path.insert(0, str(ROOT / "tests/crash"))

from node import Node, binary, scratch, types  # noqa: E402
from test_owners import (  # noqa: E402
    FENCED, JOURNAL, claim_at_once, refused_and_ends, snapshot_at_end, steps)

TOOL = ROOT / "build/dev/tests/store/object_tool"
CLAIMANTS, CLAIM_S = 20, 30


class Bucket:
    """A prefix of its own in the server's bucket; whoever is started finds the way in by itself."""

    def __init__(self, store, monkeypatch):
        self.url = f"{store.url}/{uuid.uuid4().hex}"
        for name in list(os.environ):
            if name.startswith(("AWS_", "STEPWELL_")) and name != "STEPWELL_BIN":
                monkeypatch.delenv(name)
        for name, value in {**store.environment, "STEPWELL_STORE_ENDPOINT": store.endpoint}.items():
            monkeypatch.setenv(name, value)

    def tool(self, *words):
        """The answers of object_tool, which asks below the journal's prefix."""
        done = subprocess.run(
            [TOOL, "--url", f"{self.url}/v1/{JOURNAL}", "--endpoint",
             os.environ["STEPWELL_STORE_ENDPOINT"], *map(str, words)],
            capture_output=True, text=True, timeout=60, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def names(self, part):
        answer = self.tool("list", f"{part}/")[0]
        assert answer["result"] == "DONE" and not answer["more"], answer
        return answer["keys"]

    def flip_a_bit(self, key, folder):
        """Of an object that is there; objects are never changed, so it is made anew."""
        path = folder / "body"
        self.tool("get", key, path)
        body = bytearray(path.read_bytes())
        body[len(body) // 2] ^= 1
        path.write_bytes(body)
        _, created, _ = self.tool("delete", key, "+", "create", key, path)
        assert created["result"] == "DONE", created


@pytest.fixture
def bucket(stores, monkeypatch):
    return Bucket(stores("ceph"), monkeypatch)


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="stepwell-real-", dir=scratch()) as path:
        yield pathlib.Path(path)


@pytest.fixture
def new_node(bucket, folder):
    """Starts a node on an empty disk and waits until it owns the journal."""
    with contextlib.ExitStack() as stack:
        def make(*arguments):
            place = folder / f"node-{uuid.uuid4().hex[:8]}"
            node = Node(place, ["--store", bucket.url, "--journal", JOURNAL, *arguments])
            stack.callback(end, node)
            node.wait_serving()
            return node

        yield make


def end(node):
    node.close()
    assert "Sanitizer" not in node.log(), node.log()


def stepwell(*words, code=0):
    done = subprocess.run([binary(), *map(str, words)], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Sanitizer" not in done.stderr, done.stderr
    return done.stdout


def parsed(*words, code=0):
    return json.loads(stepwell(*words, "--json", code=code))


# ---- nodes come and go

def test_a_replacement_goes_on_where_the_lost_node_was(new_node):
    """Each life is killed and its disk wiped; what any acknowledged as REMOTE is on the next."""
    known, runs = {}, 5
    for life in range(runs):
        node = new_node("--ship-interval", "1h")  # nothing is shipped but what has to be
        assert node.status().epoch == life + 1
        if life == 0:
            lease = node.start_run("r")
        else:
            lease, history = node.resume("r")
            assert {step.key: step.state for step in history} == known
            assert node.begin("r", lease, f"{life - 1}-last").in_doubt.attempts == 1
        for number in range(10):
            assert node.begin("r", lease, f"{life}-{number}").execute.attempt == 1
            node.complete("r", lease, f"{life}-{number}", 1, "done")
            known[f"{life}-{number}"] = types.STEP_STATE_COMPLETED
        node.begin("r", lease, f"{life}-last")
        known[f"{life}-last"] = types.STEP_STATE_IN_DOUBT
        assert node.kill() == -signal.SIGKILL
        node.lose()


def test_of_two_owners_the_older_is_fenced_and_its_tail_kept(new_node, bucket):
    old = new_node("--ship-interval", "1h")
    lease = steps(old, "r", 2)
    new = new_node()
    old.begin("r", lease, "tail", effect=types.EFFECT_NONE)
    assert bucket.names("orphan") == []
    with pytest.raises(grpc.RpcError) as caught:
        old.begin("r", lease, "late")
    assert caught.value.code() == grpc.StatusCode.ABORTED, caught.value
    assert old.wait() == FENCED, old.log()
    assert len(bucket.names("orphan")) == 1
    lease, history = new.resume("r")
    assert {step.key for step in history} == {"k0", "k1"}
    assert new.begin("r", lease, "tail").execute.attempt == 1


def test_a_frozen_owner_wakes_after_snapshots_and_collection(new_node, bucket):
    zombie = new_node()
    lease = steps(zombie, "old", 3)
    zombie.begin("old", lease, "tail", effect=types.EFFECT_NONE)
    zombie.signal(signal.SIGSTOP)
    kept = 0
    for turn in range(3):
        steps(node := new_node(), f"new-{turn}", 70)  # segments: a long life
        snapshot_at_end(node, kept, bucket)
        kept = max(kept, len(bucket.names("snap")) - 2)  # an index and its part each
    slots = [int(name[-20:]) for name in bucket.names("log")]
    assert min(slots) == 1 and len(slots) < max(slots), "nothing was collected"
    last = new_node()
    refused_and_ends(zombie, "old", lease)
    assert len(bucket.names("orphan")) == 1, zombie.log()
    steps(last, "after", 2)


@pytest.mark.timeout(240)
def test_of_many_claimants_at_once_each_epoch_has_one_winner(bucket, folder):
    started, winners, waves = time.monotonic(), [], 0
    while waves < 2 or time.monotonic() < started + CLAIM_S:
        winners += claim_at_once(folder, waves, CLAIMANTS, bucket.url)
        waves += 1
    slots = [event["slot"] for event in winners]
    epochs = [event["epoch"] for event in winners]
    assert waves < len(winners), "hardly anybody won"
    assert len(set(slots)) == len(slots) and len(set(epochs)) == len(epochs)
    assert sorted(zip(slots, epochs)) == sorted(zip(sorted(slots), sorted(epochs)))
    assert parsed("verify", bucket.url)["ok"]
    assert set(slots) <= {int(name[-20:]) for name in bucket.names("log")}


def test_the_quickstart_plays_its_second_act_on_the_server_of_the_environment(bucket, folder,
                                                                              monkeypatch):
    """Its first act, without a store, is not confused by that."""
    (folder / "documents").mkdir()
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "documents" / name)
    monkeypatch.setenv("STEPWELL_STORE", bucket.url)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    done = subprocess.run(
        [sys.executable, ROOT / "tests/e2e/quickstart/demo.py", "--stepwell", binary(), "--agent",
         ROOT / "clients/python/examples/research_agent.py", "--documents", folder / "documents",
         "--kills", "2"], capture_output=True, text=True, timeout=110, check=False,
        env={**os.environ, "TMPDIR": str(folder)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("duplicates: 0") == 2 and bucket.url in done.stdout, done.stdout
    assert "node one woke, was fenced" in done.stdout, done.stdout
    assert parsed("verify", bucket.url)["fences"] == 2


# ---- commands

def test_a_bucket_shows_what_the_node_knows_and_restores_to_the_same(new_node, bucket, folder):
    node = new_node()
    steps(node, "r", 20)
    node.signal(signal.SIGTERM)
    assert node.wait() == 0, node.log()
    data = node.folder / "data"
    for words in (("runs",), ("show", "r", "--inputs"), ("journal",)):
        there = stepwell(*words, "--json", "--store", bucket.url)
        assert there == stepwell(*words, "--json", "--file", data) and there
    verified = parsed("verify", bucket.url)
    assert verified["ok"] and verified["journal"] == JOURNAL and verified["fences"] == 1
    whole = parsed("restore", "--from", bucket.url, "--to", folder / "whole")
    assert parsed("verify", folder / "whole")["records"] == whole["lsn"] == whole["records"]
    assert stepwell("journal", "--json", "--file", folder / "whole") == \
        stepwell("journal", "--json", "--file", data)


def test_a_flipped_bit_is_found_and_named(new_node, bucket, folder):
    node = new_node()
    steps(node, "r", 5)
    node.kill()
    assert parsed("verify", bucket.url)["ok"]
    victim = bucket.names("log")[2]
    bucket.flip_a_bit(victim, folder)
    wrong = parsed("verify", bucket.url, code=2)
    assert not wrong["ok"] and wrong["bad_object"].endswith(victim), wrong
    stepwell("restore", "--from", bucket.url, "--to", folder / "none", code=2)
    assert not (folder / "none" / "journal.db").exists()


def test_doctor_finds_the_server_in_order(bucket):
    report = parsed("doctor", bucket.url, "--tries", "20")
    assert report["ok"] and all(check["ok"] for check in report["checks"]), report
    assert [check["name"] for check in report["checks"]] == [
        "create", "get", "list", "condition", "delete", "clock"]
    assert 0 < report["create_p50_us"] <= report["create_p99_us"]
