# SPDX-License-Identifier: Apache-2.0
"""The real sidecar and a bare gRPC client: requests exactly as a test writes them."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

import grpc
import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "clients/python/src"))

from stepwell._proto.stepwell.error import status_pb2  # noqa: E402
from stepwell._proto.stepwell.v1 import agent_service_pb2 as agent  # noqa: E402
from stepwell._proto.stepwell.v1 import control_service_pb2 as control  # noqa: E402
from stepwell._proto.stepwell.v1 import types_pb2 as types  # noqa: E402

BINARIES = ("build/dev/sidecar/stepwell", "build/release/sidecar/stepwell")


def binary() -> str:
    given = os.environ.get("STEPWELL_BIN")
    for path in [given] if given else [REPOSITORY / name for name in BINARIES]:
        if os.access(path, os.X_OK):
            return str(path)
    pytest.fail("no sidecar to test against: build it, or set STEPWELL_BIN", pytrace=False)


class Sidecar:
    """A process that can be stopped, killed and started again on the same data."""

    def __init__(self, folder: str, *arguments: str, environment: dict | None = None) -> None:
        self.folder = pathlib.Path(folder)
        self.address = f"unix://{folder}/s.sock"
        self.arguments = arguments
        self.environment = environment or {}
        self.process: subprocess.Popen | None = None

    def spawn(self) -> subprocess.Popen:
        command = [binary(), "serve", "--data", str(self.folder / "data"),
                   "--listen", self.address, *self.arguments]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log,
                                            env={**os.environ, **self.environment})
        return self.process

    def start(self) -> "Sidecar":
        self.spawn()
        with self.channel() as channel:
            try:
                grpc.channel_ready_future(channel).result(timeout=30)
            except grpc.FutureTimeoutError:
                pytest.fail(f"the sidecar does not listen:\n{self.log()}", pytrace=False)
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def check_log(self) -> None:
        """No sanitizer complained, and what is no usage error is JSON, whoever wrote it."""
        text = self.log()
        assert "Sanitizer" not in text, text
        for line in text.splitlines():
            if not line.startswith(("stepwell serve: ", "Try: ")):
                assert json.loads(line).keys() >= {"time", "level", "event"}, line

    def channel(self, **options) -> grpc.Channel:
        given = {"grpc.default_authority": "localhost", "grpc.max_receive_message_length": -1,
                 "grpc.max_send_message_length": -1, "grpc.enable_retries": 0,
                 "grpc.use_local_subchannel_pool": 1, **options}
        return grpc.insecure_channel(self.address, list(given.items()))


class Stub:
    """Calls any RPC by its name: stub.BeginStep(message, timeout=1)."""

    def __init__(self, channel: grpc.Channel, service) -> None:
        self.channel = channel
        self.service = service

    def __getattr__(self, name: str):
        method = self.service.methods_by_name[name]
        shape = {(False, False): "unary_unary", (False, True): "unary_stream",
                 (True, True): "stream_stream"}
        streams = (method.client_streaming, method.server_streaming)
        ask, answer = method.input_type._concrete_class, method.output_type._concrete_class
        path = f"/{self.service.full_name}/{name}"
        return getattr(self.channel, shape[streams])(path, ask.SerializeToString, answer.FromString)


@dataclass
class Refusal:
    """What a failed call ended with."""

    code: grpc.StatusCode
    text: str
    reason: str = ""
    metadata: dict = field(default_factory=dict)
    retry_ms: int | None = None
    fields: list = field(default_factory=list)


def refusal_of(error: grpc.RpcError) -> Refusal:
    refusal = Refusal(error.code(), error.details())
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
    for detail in status.details:
        name = detail.type_url.rsplit(".", 1)[1]
        message = getattr(status_pb2, name).FromString(detail.value)
        if name == "ErrorInfo":
            refusal.reason, refusal.metadata = message.reason, dict(message.metadata)
        elif name == "RetryInfo":
            delay = message.retry_delay
            refusal.retry_ms = delay.seconds * 1000 + delay.nanos // 10**6
        elif name == "BadRequest":
            refusal.fields = [row.field for row in message.field_violations]
    return refusal


class Client:
    """Both services over one channel, and the calls every test needs."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel
        self.agent = Stub(channel, agent.DESCRIPTOR.services_by_name["AgentService"])
        self.control = Stub(channel, control.DESCRIPTOR.services_by_name["ControlService"])

    def start(self, run_id: str, **fields) -> int:
        """The lease of a new run."""
        request = agent.StartRunRequest(run_id=run_id, take_lease=True, **{"task": "t", **fields})
        answer = self.agent.StartRun(request, timeout=20)
        assert answer.created
        return answer.lease

    def resume(self, run_id: str, **fields) -> tuple[int, list]:
        """A lease and the history."""
        request = agent.ResumeRequest(run_id=run_id, **fields)
        parts = list(self.agent.Resume(request, timeout=30))
        assert parts[-1].caught_up
        return parts[0].lease, [step for part in parts for step in part.steps]

    def begin(self, run_id: str, lease: int, key: str, effect=types.EFFECT_ONCE, **fields):
        request = agent.BeginStepRequest(run_id=run_id, lease=lease, key=key, effect=effect,
                                         **fields)
        return self.agent.BeginStep(request, timeout=20).verdict

    def complete(self, run_id: str, lease: int, key: str, attempt: int = 1, **fields):
        if not fields.keys() & {"output", "failure", "unknown"}:
            fields["output"] = types.Payload(data=b"done")
        request = agent.CompleteStepRequest(run_id=run_id, lease=lease, key=key, attempt=attempt,
                                            **fields)
        return self.agent.CompleteStep(request, timeout=20)


def refused(call, *arguments, **keywords) -> Refusal:
    with pytest.raises(grpc.RpcError) as caught:
        answer = call(*arguments, **{"timeout": 20, **keywords})
        if not hasattr(answer, "DESCRIPTOR"):
            list(answer)
    return refusal_of(caught.value)


@pytest.fixture(scope="module")
def shared():
    """One sidecar for all tests of a module; it must end cleanly."""
    with tempfile.TemporaryDirectory(prefix="stepwell-") as folder:
        sidecar = Sidecar(folder).start()
        yield sidecar
        assert sidecar.stop() == 0, sidecar.log()
        sidecar.check_log()


@pytest.fixture
def client(shared):
    with shared.channel() as channel:
        yield Client(channel)


@pytest.fixture
def new_sidecar():
    """Makes sidecars that a test may stop and kill: new_sidecar(*flags)."""
    made = []

    def make(*arguments: str, **keywords) -> Sidecar:
        folder = tempfile.TemporaryDirectory(prefix="stepwell-")
        sidecar = Sidecar(folder.name, *arguments, **keywords)
        made.append((sidecar, folder))
        return sidecar

    yield make
    for sidecar, folder in made:
        if sidecar.process is not None and sidecar.process.poll() is None:
            assert sidecar.stop() == 0, sidecar.log()
        sidecar.check_log()
        folder.cleanup()


def eventually(condition, seconds: float = 10.0):
    """The condition's first true value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("did not become true")
