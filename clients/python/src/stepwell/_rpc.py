# SPDX-License-Identifier: Apache-2.0
"""The calls of the contract, and how long to insist on an answer.

The logic of this library is written once, as coroutines over the IO protocol below.
The asyncio client awaits them. In the plain client no awaited thing ever suspends, so
that `run_sync` drives a coroutine to its end in one go, on the caller's thread.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.message import Message

from stepwell._errors import Refusal
from stepwell._proto.stepwell.v1 import agent_service_pb2 as pb

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)
T = TypeVar("T")

BACK_OFF_FIRST_S = 0.05
BACK_OFF_LAST_S = 2.0


@dataclass(frozen=True)
class Rpc(Generic[Q, A]):
    """One method: its path and what goes over it."""

    path: str
    request: type[Q]
    answer: type[A]


_AGENT = "/stepwell.v1.AgentService/"
START_RUN = Rpc(_AGENT + "StartRun", pb.StartRunRequest, pb.StartRunResponse)
RESUME = Rpc(_AGENT + "Resume", pb.ResumeRequest, pb.ResumeResponse)
BEGIN_STEP = Rpc(_AGENT + "BeginStep", pb.BeginStepRequest, pb.BeginStepResponse)
COMPLETE_STEP = Rpc(_AGENT + "CompleteStep", pb.CompleteStepRequest, pb.CompleteStepResponse)
NOTE_STEP = Rpc(_AGENT + "NoteStep", pb.NoteStepRequest, pb.NoteStepResponse)
RESOLVE_STEP = Rpc(
    _AGENT + "ResolveStep", pb.AgentServiceResolveStepRequest, pb.AgentServiceResolveStepResponse
)
END_RUN = Rpc(_AGENT + "EndRun", pb.EndRunRequest, pb.EndRunResponse)
CLAIM_RUN = Rpc(_AGENT + "ClaimRun", pb.ClaimRunRequest, pb.ClaimRunResponse)


class CallFailed(Exception):
    """One try of a call failed; never leaves this package."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal.error))
        self.refusal = refusal


class IO(Protocol):
    """What differs between the plain and the asyncio client."""

    awaits: bool
    """Whether functions of the user may be asynchronous."""

    async def call_once(self, rpc: Rpc[Q, A], request: Q, timeout_s: float) -> A:
        """Raises CallFailed."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        ...

    async def invoke(self, function: Callable[[], Any], timeout_s: float) -> Any:
        """Calls the user's function; asyncio ends it after timeout_s (0: never)."""
        ...


class BackOff:
    """Growing, jittered delays until patience ends."""

    def __init__(self, patience_s: float) -> None:
        self._until = time.monotonic() + patience_s
        self._next_s = BACK_OFF_FIRST_S

    def delay(self, after_s: float = 0.0) -> float | None:
        """Seconds until the next try, at least `after_s`; None when patience has ended."""
        delay = max(after_s, self._next_s) * random.uniform(0.5, 1.0) + after_s * 0.5
        self._next_s = min(self._next_s * 2, BACK_OFF_LAST_S)
        left = self._until - time.monotonic()
        return None if left <= 0 else min(delay, left)


@dataclass(frozen=True)
class Insistence:
    """How long one try may take, and how long to go on trying."""

    timeout_s: float = 10.0
    patience_s: float = 60.0

    async def call(self, io: IO, rpc: Rpc[Q, A], request: Q, extra_s: float = 0.0) -> A:
        """Repeats the same request until it is answered, refused for good, or patience ends.

        `extra_s` is time the sidecar itself may take before it answers.
        """
        back_off = BackOff(self.patience_s + extra_s)
        while True:
            try:
                return await io.call_once(rpc, request, self.timeout_s + extra_s)
            except CallFailed as failed:
                refusal = failed.refusal
                delay = back_off.delay(refusal.after_s) if refusal.retry else None
                if delay is None:
                    raise refusal.error from failed.__cause__
            await io.sleep(delay)


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Drives a coroutine over a plain IO to its end."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        coroutine.close()
    raise RuntimeError("a coroutine of the plain client suspended: asyncio belongs to stepwell.aio")
