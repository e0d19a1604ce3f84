# SPDX-License-Identifier: Apache-2.0
"""A node that can be lost: a sidecar with a disk of its own, in front of a store that stays."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import uuid

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients/python/src"))

from stepwell._proto.stepwell.v1 import agent_service_pb2 as agent  # noqa: E402
from stepwell._proto.stepwell.v1 import control_service_pb2 as control  # noqa: E402
from stepwell._proto.stepwell.v1 import types_pb2 as types  # noqa: E402

SERVING = b"\x08\x01"
START_S = 60  # a sanitizer's binary on a busy machine
CALL_S = 30
SHIP_INTERVAL_MS = 100


def binary() -> str:
    return os.environ.get("STEPWELL_BIN", str(ROOT / "build/dev/sidecar/stepwell"))


def scratch() -> str | None:
    """A folder in memory: what is lost here is whole nodes, not power."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Stub:
    """Calls an RPC by its name, nothing in between: stub.BeginStep(message)."""

    def __init__(self, channel: grpc.Channel, service: object) -> None:
        self.channel = channel
        self.service = service

    def __getattr__(self, name: str):
        method = self.service.methods_by_name[name]
        kind = "unary_stream" if method.server_streaming else "unary_unary"
        call = getattr(self.channel, kind)(
            f"/{self.service.full_name}/{name}",
            method.input_type._concrete_class.SerializeToString,
            method.output_type._concrete_class.FromString)
        return lambda ask, timeout=CALL_S: call(ask, timeout=timeout)


class Ended(Exception):
    """The sidecar ended while something was waited for."""


class Node:
    """One sidecar process; `lose` takes its disk away, a new Node on the same folder keeps it."""

    def __init__(self, folder: pathlib.Path, store: list[str], fault: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.address = f"unix://{folder}/s.sock"
        self.started = time.monotonic()
        self.ended_at = 0.0
        command = [binary(), "serve", "--data", str(folder / "data"), "--listen", self.address,
                   "--log-level", "warning", *store]
        with open(folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log,
                                            env={**os.environ, "STEPWELL_FAULT": fault})
        self.channel = grpc.insecure_channel(self.address, [
            ("grpc.default_authority", "localhost"), ("grpc.enable_retries", 0),
            ("grpc.use_local_subchannel_pool", 1), ("grpc.initial_reconnect_backoff_ms", 20),
            ("grpc.min_reconnect_backoff_ms", 20), ("grpc.max_reconnect_backoff_ms", 20)])
        self.agent = Stub(self.channel, agent.DESCRIPTOR.services_by_name["AgentService"])
        self.control = Stub(self.channel, control.DESCRIPTOR.services_by_name["ControlService"])

    def lives(self) -> bool:
        return self.process.poll() is None

    def wait_serving(self) -> None:
        check = self.channel.unary_unary("/grpc.health.v1.Health/Check")
        while time.monotonic() < self.started + START_S:
            if not self.lives():
                raise Ended
            with contextlib.suppress(grpc.RpcError):
                if check(b"", timeout=5) == SERVING:
                    return
            time.sleep(0.005)
        raise TimeoutError(f"does not serve: {self.log()}")

    def status(self) -> control.GetStatusResponse:
        return self.control.GetStatus(control.GetStatusRequest())

    def start_run(self, run: str) -> int:
        """The lease of a new run."""
        ask = agent.StartRunRequest(run_id=run, task="t", take_lease=True)
        return self.agent.StartRun(ask).lease

    def resume(self, run: str) -> tuple[int, list]:
        """A lease and the history."""
        parts = list(self.agent.Resume(agent.ResumeRequest(run_id=run)))
        return parts[0].lease, [step for part in parts for step in part.steps]

    def begin(self, run: str, lease: int, key: str, effect=types.EFFECT_ONCE) -> types.Verdict:
        ask = agent.BeginStepRequest(run_id=run, lease=lease, key=key, effect=effect,
                                     request_id=uuid.uuid4().hex)
        return self.agent.BeginStep(ask).verdict

    def complete(self, run: str, lease: int, key: str, attempt: int, output: str) -> int:
        """The outcome's lsn."""
        ask = agent.CompleteStepRequest(run_id=run, lease=lease, key=key, attempt=attempt,
                                        output=types.Payload(data=output.encode()))
        return self.agent.CompleteStep(ask).lsn

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> int:
        """Its exit code: that of SIGKILL, unless it ended before."""
        self.process.kill()
        return self.wait()

    def wait(self, seconds: float = 30) -> int:
        code = self.process.wait(seconds)
        self.ended_at = self.ended_at or time.monotonic()
        return code

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def close(self) -> None:
        """Ends whatever is left of it."""
        self.channel.close()
        if self.lives():
            self.signal(signal.SIGCONT)
            self.kill()

    def lose(self) -> None:
        self.close()
        shutil.rmtree(self.folder)
