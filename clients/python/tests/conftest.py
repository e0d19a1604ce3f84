# SPDX-License-Identifier: Apache-2.0
"""The real sidecar, started once per test module, and again where a test kills it."""

from __future__ import annotations

import itertools
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import grpc
import pytest

import stepwell

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
BINARIES = ("build/dev/sidecar/stepwell", "build/release/sidecar/stepwell")


def binary() -> str:
    given = os.environ.get("STEPWELL_BIN")
    for path in [given] if given else [REPOSITORY / name for name in BINARIES]:
        if os.access(path, os.X_OK):
            return str(path)
    pytest.fail("no sidecar to test against: build it, or set STEPWELL_BIN", pytrace=False)


class Sidecar:
    """A process that can be stopped, killed and started again on the same data."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.address = f"unix://{folder}/s.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [binary(), "serve", "--data", f"{self.folder}/data", "--listen", self.address]
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        options = [
            ("grpc.default_authority", "localhost"),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 100),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        with grpc.insecure_channel(self.address, options) as channel:
            try:
                grpc.channel_ready_future(channel).result(timeout=20)
            except grpc.FutureTimeoutError:
                pytest.fail(f"the sidecar does not listen:\n{self.log()}", pytrace=False)

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=20)

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def log(self) -> str:
        return pathlib.Path(self.folder, "log").read_text(errors="replace")


@pytest.fixture(scope="module")
def shared_sidecar():
    with tempfile.TemporaryDirectory(prefix="stepwell-") as folder:
        sidecar = Sidecar(folder)
        sidecar.start()
        yield sidecar
        assert sidecar.stop() == 0, sidecar.log()


@pytest.fixture
def sidecar():
    """One of its own, for tests that stop or kill it."""
    with tempfile.TemporaryDirectory(prefix="stepwell-") as folder:
        sidecar = Sidecar(folder)
        sidecar.start()
        yield sidecar
        if sidecar.process.poll() is None:
            sidecar.kill()


@pytest.fixture
def address(shared_sidecar):
    return shared_sidecar.address


@pytest.fixture
def client(address):
    with stepwell.connect(address, patience=10) as client:
        yield client


_numbers = itertools.count(1)


@pytest.fixture
def run_id(request):
    return f"{request.node.name}-{next(_numbers)}"


class Crash(Exception):
    """Leaves a run open, as a program that dies does."""


def crashed(client, run_id, body, **options):
    """Runs `body` in a run and leaves the run open."""
    options.setdefault("task", "t")
    with pytest.raises(Crash), client.run(run_id, **options) as run:
        body(run)
        raise Crash


def wait_until(condition, seconds=5.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.01)


def get_run(address, run_id):
    """The run as the sidecar sees it, with its open steps."""
    from stepwell._proto.stepwell.v1 import control_service_pb2 as pb

    with grpc.insecure_channel(address, [("grpc.default_authority", "localhost")]) as channel:
        return channel.unary_unary(
            "/stepwell.v1.ControlService/GetRun",
            request_serializer=pb.GetRunRequest.SerializeToString,
            response_deserializer=pb.GetRunResponse.FromString,
        )(pb.GetRunRequest(run_id=run_id), timeout=5)
