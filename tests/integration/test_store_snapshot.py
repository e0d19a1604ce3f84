# SPDX-License-Identifier: Apache-2.0
"""A snapshot that takes long: what else goes on meanwhile."""

import os
import random
import subprocess
import sys
import threading
import time

import grpc
import pytest
from conftest import REPOSITORY, Client, agent, binary, control, eventually, types
from store import all_shipped, serve, status

sys.path.insert(0, str(REPOSITORY / "tests/support"))
from fault_store import BUCKET, FaultStore  # noqa: E402


class SnapshotStore(FaultStore):
    """Keeps each part and index of a snapshot waiting until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.waits, self.go = threading.Event(), threading.Event()

    def _put(self, key: str, request: object) -> tuple[int, bytes]:
        if "/snap/" in key:
            self.waits.set()
            self.go.wait(60)
        return super()._put(key, request)

    def indexes(self) -> list[str]:
        return sorted(key for key in self.objects if key.endswith("/index"))


@pytest.fixture
def far():
    with SnapshotStore() as store:
        yield store
        store.go.set()


def arguments(far: SnapshotStore, *more: str) -> tuple:
    return ("--store", f"s3://{BUCKET}", "--store-endpoint", far.endpoint, "--journal", "j", *more)


def until_one_is_under_way(client: Client, far: SnapshotStore, run: str) -> int:
    """The lease of a run that is large enough for a snapshot; its parts wait in the store."""
    lease = client.start(run)
    for number in range(10):
        client.begin(run, lease, f"big-{number}", effect=types.EFFECT_NONE)
        client.complete(run, lease, f"big-{number}",
                        output=types.Payload(data=random.randbytes(1 << 20)))
    all_shipped(client)
    assert far.waits.wait(30), "no snapshot"
    return lease


def test_remote_steps_are_answered_while_a_snapshot_is_written(new_sidecar, far):
    sidecar = serve(new_sidecar(*arguments(far), environment=far.environment()))
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = until_one_is_under_way(client, far, "r")
        for number in range(20):
            verdict = client.begin("r", lease, f"k{number}", durability=types.DURABILITY_REMOTE)
            assert verdict.execute.attempt == 1
            client.complete("r", lease, f"k{number}")
        assert not far.indexes(), "the snapshot ended before it was let go"
        far.go.set()
        assert len(eventually(far.indexes, 30)) == 1
        all_shipped(client)
        assert eventually(lambda: status(client).store.snapshot_at_ms)
    sidecar.stop()
    url = [f"s3://{BUCKET}", "--store-endpoint", far.endpoint, "--journal", "j"]
    subprocess.run([binary(), "verify", *url], check=True,
                   env={**os.environ, **far.environment()})


def test_sigterm_does_not_wait_for_a_snapshot(new_sidecar, far):
    sidecar = serve(new_sidecar(*arguments(far, "--drain-timeout", "25s"),
                                environment=far.environment()))
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = until_one_is_under_way(client, far, "r")
        client.begin("r", lease, "last", effect=types.EFFECT_NONE)
    sidecar.process.terminate()
    assert sidecar.process.wait(timeout=10) == 0, sidecar.log()
    assert not far.indexes()


def is_gone(client: Client, run: str, seconds: float) -> bool:
    """Whether retention takes the run while others work."""
    end = time.monotonic() + seconds
    lease = client.start(f"beside-{end}")
    for number in range(10**6):
        client.begin(f"beside-{end}", lease, f"{number}", effect=types.EFFECT_NONE)
        client.complete(f"beside-{end}", lease, f"{number}")
        try:
            client.control.GetRun(control.GetRunRequest(run_id=run), timeout=20)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return False


def test_a_run_that_ends_meanwhile_stays_until_the_snapshot_is_there(new_sidecar, far):
    flags = arguments(far, "--retention", "100ms", "--ship-interval", "10ms")
    sidecar = serve(new_sidecar(*flags, environment=far.environment()))
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = until_one_is_under_way(client, far, "r")
        client.agent.EndRun(agent.EndRunRequest(run_id="r", lease=lease,
                                                result=types.Payload(data=b"7")), timeout=20)
        all_shipped(client)
        assert not is_gone(client, "r", seconds=3), "its end is behind a snapshot without it"
        far.go.set()
        eventually(far.indexes, 30)
        assert is_gone(client, "r", seconds=30)
    sidecar.process.kill()
    sidecar.process.wait()
    serve(new_sidecar(*flags, environment=far.environment()))


def test_a_journal_without_the_store_it_had_keeps_what_that_lacks_and_says_so(new_sidecar, far):
    far.go.set()
    retention = ("--retention", "100ms", "--ship-interval", "10ms")
    sidecar = serve(new_sidecar(*arguments(far, *retention), environment=far.environment()))
    with sidecar.channel() as channel:
        Client(channel).start("r")
    assert sidecar.stop() == 0 and "runs that it lacks are kept" not in sidecar.log()
    sidecar.arguments = ("--journal", "j", *retention)
    serve(sidecar)
    assert "runs that it lacks are kept" in sidecar.log()
    with sidecar.channel() as channel:
        client = Client(channel)
        lease, _ = client.resume("r")
        client.agent.EndRun(agent.EndRunRequest(run_id="r", lease=lease,
                                                result=types.Payload(data=b"7")), timeout=20)
        assert not is_gone(client, "r", seconds=2)
