# SPDX-License-Identifier: Apache-2.0
"""Two owners, and five hundred: whoever was fenced acknowledges nothing more, whatever froze it.

The rules are those of storage/archive/archive.h; tests/model searches them through, here they meet
real processes and real stores.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import grpc
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/crash")]

from node import Node, binary, scratch, types  # noqa: E402
from support.fault_store import BUCKET, FaultStore  # noqa: E402

JOURNAL = "j"
FENCED = 3  # exit code


class SlowStore(FaultStore):
    """Holds the next segment's PUT until it is let go; the client may be frozen meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.hold_next = False
        self.arrived, self.go = threading.Event(), threading.Event()

    def _put(self, key: str, request: object) -> tuple[int, bytes]:
        if self.hold_next and "/log/" in key:
            self.hold_next = False
            self.arrived.set()
            self.go.wait(60)
        return super()._put(key, request)

    def names(self, part: str) -> list[str]:
        return sorted(key for key in self.objects if f"/{part}/" in key)


class DirectoryStore:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        folder.mkdir()

    def names(self, part: str) -> list[str]:
        return sorted(str(path) for path in self.folder.glob(f"v1/{JOURNAL}/{part}/**/*")
                      if path.is_file())


@pytest.fixture
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="stepwell-owners-", dir=scratch()))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def new_node(folder, monkeypatch):
    """Starts a node on an empty disk in front of a store and waits until it owns the journal."""
    made = []

    def make(store) -> Node:
        if isinstance(store, DirectoryStore):
            arguments = ["--store", f"file://{store.folder}"]
        else:
            arguments = ["--store", f"s3://{BUCKET}/p", "--store-endpoint", store.endpoint]
            for name, value in store.environment().items():
                monkeypatch.setenv(name, value)
        node = Node(folder / f"node-{len(made)}", [*arguments, "--journal", JOURNAL])
        made.append(node)
        node.wait_serving()
        return node

    yield make
    for node in made:
        node.close()
        assert "Sanitizer" not in node.log(), node.log()


@pytest.fixture(params=["directory", "s3"])
def store(request, folder):
    if request.param == "directory":
        yield DirectoryStore(folder / "store")
    else:
        with SlowStore() as slow:
            yield slow


def steps(node: Node, run: str, count: int) -> int:
    """So many REMOTE intents with LOCAL outcomes; the lease."""
    lease = node.start_run(run)
    for number in range(count):
        assert node.begin(run, lease, f"k{number}").execute.attempt == 1
        node.complete(run, lease, f"k{number}", 1, "done")
    return lease


def snapshot_at_end(node: Node, before: int, store) -> None:
    """A clean end after some segments writes one."""
    node.signal(signal.SIGTERM)
    assert node.wait() == 0, node.log()
    assert len(store.names("snap")) > before, "no snapshot at the end: was it a short life?"


def refused_and_ends(zombie: Node, run: str, lease: int) -> None:
    """It wakes, and is asked for a REMOTE step."""
    zombie.signal(signal.SIGCONT)
    with pytest.raises(grpc.RpcError) as caught:
        zombie.begin(run, lease, "from the grave")
    assert caught.value.code() in (grpc.StatusCode.ABORTED, grpc.StatusCode.UNAVAILABLE,
                                   grpc.StatusCode.CANCELLED), caught.value
    assert zombie.wait() == FENCED, zombie.log()


def orphaned(store) -> int:
    return len(store.names("orphan"))


def test_a_frozen_owner_wakes_after_snapshots_and_collection(new_node, store):
    """Goal: its next slot is taken for ever, though everything around it was collected."""
    zombie = new_node(store)
    lease = steps(zombie, "old", 3)
    zombie.begin("old", lease, "tail", effect=types.EFFECT_NONE)
    zombie.signal(signal.SIGSTOP)
    first = new_node(store)
    kept = 0
    for turn in range(3):
        node = first if turn == 0 else new_node(store)
        steps(node, f"new-{turn}", 70)  # segments: a long life
        snapshot_at_end(node, kept, store)
        kept = max(kept, len(store.names("snap")) - 2)  # an index and its part each
    slots = [int(name[-20:]) for name in store.names("log")]
    assert min(slots) == 1 and len(slots) < max(slots), "nothing was collected"
    last = new_node(store)
    refused_and_ends(zombie, "old", lease)
    assert orphaned(store) == 1, zombie.log()
    steps(last, "after", 2)


@pytest.mark.parametrize("lands", ["before the fence", "after the fence"])
def test_an_owner_frozen_in_the_middle_of_a_put(new_node, lands):
    """Goal: a PUT that arrives after the fence changes nothing; one that arrived before it counts,
    though its owner never learned of it."""
    with SlowStore() as store:
        zombie = new_node(store)
        lease = steps(zombie, "r", 2)
        store.hold_next = True
        answer = threading.Thread(target=begin_quietly, args=(zombie, lease))
        answer.start()
        assert store.arrived.wait(20)
        zombie.signal(signal.SIGSTOP)
        if lands == "before the fence":
            before = len(store.names("log"))
            store.go.set()
            wait_until(lambda: len(store.names("log")) > before)
        new = new_node(store)
        segments = store.names("log")
        store.go.set()
        time.sleep(0.2)
        assert store.names("log") == segments
        new_lease, history = new.resume("r")
        known = {step.key for step in history}
        assert ("held" in known) == (lands == "before the fence")
        refused_and_ends(zombie, "r", lease)
        answer.join(30)
        assert not answer.is_alive()
        assert orphaned(store) == (1 if lands == "after the fence" else orphaned(store))
        assert new.begin("r", new_lease, "on").execute.attempt == 1


def begin_quietly(node: Node, lease: int) -> None:
    """A REMOTE intent whose PUT is held; the node may be frozen and refused meanwhile."""
    try:
        node.begin("r", lease, "held")
    except grpc.RpcError:
        pass


def wait_until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def taken_over(node_log: pathlib.Path) -> list[dict]:
    lines = node_log.read_text(encoding="utf-8").splitlines() if node_log.exists() else []
    return [event for event in map(json.loads, lines)
            if event["event"] == "took the journal over"]


def claim_at_once(folder: pathlib.Path, wave: int, count: int, store: str) -> list[dict]:
    """Starts so many sidecars on one journal; the takings-over of those that succeeded."""
    claimants = []
    for number in range(count):
        place = folder / f"claim-{wave}-{number}"
        place.mkdir()
        command = [binary(), "serve", "--data", str(place / "data"), "--journal", JOURNAL,
                   "--listen", f"unix://{place}/s", "--store", store]
        with open(place / "log", "wb") as log:
            claimants.append((place, subprocess.Popen(command, stdout=log, stderr=log)))
    try:
        wait_until(lambda: all(process.poll() is not None or taken_over(place / "log")
                               for place, process in claimants), 120)
    finally:
        for _, process in claimants:
            process.kill()
            process.wait()
    found = [event for place, _ in claimants for event in taken_over(place / "log")]
    for place, process in claimants:
        text = (place / "log").read_text(encoding="utf-8")
        assert "Sanitizer" not in text, text
        assert process.returncode in (FENCED, -signal.SIGKILL), text
        shutil.rmtree(place)
    return found


@pytest.mark.timeout(600)
def test_of_five_hundred_claimants_each_slot_has_one_winner(folder):
    """Goal: slots and epochs are never shared, however many claim at once, and what all of them
    leave is one whole chain."""
    store = DirectoryStore(folder / "store")
    url = f"file://{store.folder}"
    waves = int(os.environ.get("CLAIM_WAVES", "20"))
    winners = [event for wave in range(waves) for event in claim_at_once(folder, wave, 25, url)]
    slots = [event["slot"] for event in winners]
    epochs = [event["epoch"] for event in winners]
    assert waves < len(winners), "hardly anybody won"
    assert len(set(slots)) == len(slots) and len(set(epochs)) == len(epochs)
    assert sorted(slots) == [slot for slot, _ in sorted(zip(slots, epochs), key=lambda p: p[1])]
    verified = subprocess.run([binary(), "verify", url, "--json"], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stderr
    assert set(slots) <= {int(name[-20:]) for name in store.names("log")}
