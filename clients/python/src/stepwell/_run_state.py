# SPDX-License-Identifier: Apache-2.0
"""What this process knows about a run it holds."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

from stepwell._errors import Fenced, ProgramError, StepwellError
from stepwell._proto.stepwell.v1 import agent_service_pb2 as pb
from stepwell._proto.stepwell.v1 import types_pb2 as types

UNVISITED_KEYS_MAX = 1000  # as many as EndRun takes
_FINISHED = (types.STEP_STATE_COMPLETED, types.STEP_STATE_FAILED)


@dataclass(frozen=True)
class LeftOpen:
    """What this process began and did not bring to an end, as after KeyboardInterrupt."""

    attempt: int
    request_id: str
    acted: bool
    """Whether the function was called, so that its effect may have taken place."""


class RunState:
    """Shared by the thread that runs the agent and the one that keeps the lease alive."""

    def __init__(self, run_id: str, holder: str) -> None:
        self.run_id = run_id
        self.holder = holder
        self.lease = 0
        self.run = types.Run()
        self.left_open: dict[str, LeftOpen] = {}
        self._history: dict[str, types.Step] = {}
        self._caught_up = False
        self._stop: StepwellError | None = None
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def take(self, run: types.Run, lease: int) -> None:
        """A new run's lease: there is no history."""
        self.run, self.lease, self._caught_up = run, lease, True

    def resume_request(self) -> pb.ResumeRequest:
        """Takes a lease, or shows that the one taken is alive."""
        return pb.ResumeRequest(
            run_id=self.run_id, lease=self.lease, holder=self.holder, follow=True
        )

    def read(self, message: pb.ResumeResponse) -> bool:
        """One message of a Resume stream. True once the history is complete.

        After that only lease_lost matters: what a reconnected stream tells again, this
        process has seen or done itself.
        """
        if message.lease_lost:
            self.stop(Fenced("a newer lease holds the run", reason="LEASE_FENCED"))
        if self._caught_up:
            return True
        if message.HasField("run"):
            self.run = message.run
            self._history.clear()  # a broken stream begins again
        if message.lease:
            self.lease = message.lease
        for step in message.steps:
            self._history[step.key] = step
        self._caught_up = message.caught_up
        return self._caught_up

    def visit(self, key: str) -> types.Step | None:
        """The recorded step if it is finished. Forgotten here: a second visit asks the sidecar."""
        with self._lock:
            step = self._history.pop(key, None)
        return step if step is not None and step.state in _FINISHED else None

    def holds(self, key: str) -> bool:
        """Whether the history has this step and nobody has come to it yet."""
        return key in self._history

    def unvisited_keys(self) -> list[str]:
        """Recorded steps that the program has not come to."""
        with self._lock:
            return list(self._history)[:UNVISITED_KEYS_MAX]

    def stop(self, error: StepwellError) -> None:
        """From now on every call raises this. The first reason stays."""
        if self._stop is None:
            self._stop = error

    @property
    def stopped(self) -> StepwellError | None:
        """Why nothing more can be recorded: Fenced or RunEnded."""
        return self._stop

    def check(self) -> None:
        """Raises when nothing more can be recorded from here."""
        stop = self._stop
        if stop is not None:
            raise type(stop)(stop.message, reason=stop.reason, metadata=stop.metadata)
        if not self.lease:
            raise ProgramError("the run is not started: use it in a `with`, or call start()")
        if os.getpid() != self._pid:
            raise ProgramError("a run does not survive a fork: start or claim one in the child")
