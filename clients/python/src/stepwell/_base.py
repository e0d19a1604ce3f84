# SPDX-License-Identifier: Apache-2.0
"""What the plain and the asyncio client share: everything but waiting."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepwell._attempt import Attempt, Recorder
from stepwell._codec import Codec, JsonCodec, encode
from stepwell._errors import ProgramError, RunEnded, RunFailed, StepFailed, StepFailure
from stepwell._proto.stepwell.v1 import agent_service_pb2 as pb
from stepwell._proto.stepwell.v1 import types_pb2 as types
from stepwell._rpc import CLAIM_RUN, IO, START_RUN, Insistence
from stepwell._run_state import RunState
from stepwell._step import (
    UNSET,
    Completion,
    ContextBase,
    Execute,
    InDoubt,
    Replay,
    StepCall,
    Verdict,
    Wait,
)
from stepwell._values import (
    OnDivergence,
    Resolution,
    RunInfo,
    Seconds,
    StepState,
    milliseconds,
)
from stepwell._wire import (
    diverged_from_pb,
    doubt_from_pb,
    failure_from_pb,
    failure_of,
    failure_to_pb,
    payload_to_pb,
    run_from_pb,
    value_from_pb,
)

HOLDER_CHARS_MAX = 60  # so that with the random word it stays within the contract's 256 bytes


@dataclass(frozen=True)
class RunRequest:
    """What starts a run."""

    run_id: str | None
    task: str
    input: Any
    labels: Mapping[str, str] | None
    code_version: str
    on_divergence: OnDivergence


class BaseClient:
    """How to speak to one sidecar."""

    def __init__(self, holder: str | None, insist: Insistence, codec: Codec | None) -> None:
        self._holder = holder
        self.insist = insist
        self.codec: Codec = codec if codec is not None else JsonCodec()

    @property
    def holder(self) -> str:
        """What this process calls itself. Each run's lease adds a random word to it."""
        return self._holder or f"{socket.gethostname()}/pid {os.getpid()}"

    def new_holder(self) -> str:
        """A name no other taker of a lease has. The sidecar tells a repeated StartRun from
        another taker by it, and "agent-0/pid 1" is what every container of a pod is called.
        """
        return f"{self.holder[:HOLDER_CHARS_MAX]} #{uuid.uuid4().hex[:8]}"

    def _start_message(self, request: RunRequest) -> pb.StartRunRequest:
        message = pb.StartRunRequest(
            # Drawn here, not by the sidecar, so that a repeated call means the same run.
            run_id=request.run_id or str(uuid.uuid4()),
            task=request.task,
            labels=dict(request.labels or {}),
            code_version=request.code_version,
            on_divergence=types.DivergencePolicy.Name(request.on_divergence.value),
        )
        if request.input is not None:
            payload = encode(self.codec, request.input, "the input of the run", canonical=True)
            message.input.CopyFrom(payload_to_pb(payload))
        return message

    async def _start_run(self, io: IO, message: pb.StartRunRequest) -> RunInfo:
        answer = await self.insist.call(io, START_RUN, message)
        return run_from_pb(self.codec, answer.run, created=answer.created)

    async def _claim(
        self, io: IO, tasks: Sequence[str], wait: Seconds
    ) -> pb.ClaimRunResponse | None:
        wait_ms = milliseconds(wait)
        holder = self.new_holder()
        message = pb.ClaimRunRequest(tasks=tasks, holder=holder, wait_ms=wait_ms)
        answer = await self.insist.call(io, CLAIM_RUN, message, extra_s=wait_ms / 1000)
        return answer if answer.HasField("run") else None


class BaseRun:
    """A run, less the waiting."""

    _recorder: Recorder

    def __init__(
        self,
        client: BaseClient,
        start: pb.StartRunRequest | None,
        claimed: pb.ClaimRunResponse | None,
    ) -> None:
        self._client = client
        self._start = start
        self._started = False
        self.result: Any = None
        """What the run ends with when its `with` is left; None until set."""
        if claimed is not None:
            self._state = RunState(claimed.run.run_id, claimed.run.holder)
            self._state.run, self._state.lease = claimed.run, claimed.lease
        else:
            assert start is not None
            self._state = RunState(start.run_id, client.new_holder())

    # --- what is known

    @property
    def run_id(self) -> str:
        """Its name."""
        return self._state.run_id

    @property
    def task(self) -> str:
        """What kind of work it is."""
        return self._state.run.task or (self._start.task if self._start else "")

    @property
    def input(self) -> Any:
        """What it was started with, decoded."""
        run: Any = self._start if self._start is not None else self._state.run
        return value_from_pb(self._client.codec, run, "input")

    @property
    def labels(self) -> dict[str, str]:
        """For people and filters."""
        return dict(self._state.run.labels)

    @property
    def code_version(self) -> str:
        """The version of the agent's code that started it."""
        return self._state.run.code_version

    @property
    def lease(self) -> int:
        """The right to write to it; 0 before it is started."""
        return self._state.lease

    @property
    def ended(self) -> bool:
        """Whether it has ended, as far as this process knows."""
        return isinstance(self._state.stopped, RunEnded)

    @property
    def fenced(self) -> bool:
        """Whether a newer holder has taken it, as far as this process knows."""
        return self._state.stopped is not None and not self.ended

    # --- what both clients do

    async def _take_over(self, io: IO) -> bool:
        """Starts the run or finds it. True when its lease is held and there is no history."""
        if self._start is None:
            return False
        self._start.take_lease = True
        self._start.holder = self._state.holder
        answer = await self._client.insist.call(io, START_RUN, self._start)
        self._state.run = answer.run
        if answer.run.state in (types.RUN_STATE_COMPLETED, types.RUN_STATE_FAILED):
            info = run_from_pb(self._client.codec, answer.run)
            text = f"run {self.run_id!r} has ended already: {info.state}"
            raise RunEnded(text, state=info.state, result=info.result, failure=info.failure)
        if answer.lease:
            self._state.take(answer.run, answer.lease)
        return bool(answer.lease)

    async def _begin(self, call: StepCall) -> Verdict:
        offer = self._recorder.offer(call)
        step = self._state.visit(call.key)
        if step is not None and step.name == offer.name and step.input_digest == offer.digest:
            return self._replay(call, step, step.attempt, accepted=False)
        return self._verdict(Attempt(offer, 0), await self._recorder.begin(offer))

    def _replay(
        self, call: StepCall, done: types.Step | types.Replay, attempt: int, *, accepted: bool
    ) -> Replay:
        codec = self._client.codec
        failed = done.HasField("failure")
        failure = failure_from_pb(codec, done.failure) if failed else None
        value = None if failed else call.rebuild(value_from_pb(codec, done, "output"))
        return Replay(value, failure, attempt, accepted)

    def _verdict(self, asked: Attempt, verdict: types.Verdict) -> Verdict:
        kind = verdict.WhichOneof("verdict")
        call, codec = asked.offer.call, self._client.codec
        if kind == "execute":
            attempt = self._recorder.attempt(asked.offer, verdict.execute)
            assert attempt.context is not None
            attempt.context.low_level = attempt
            return Execute(attempt.context)
        if kind == "replay":
            replay = verdict.replay
            accepted = replay.accepted_divergence
            return self._replay(call, replay, replay.attempt, accepted=accepted)
        if kind == "in_doubt":
            return InDoubt(doubt_from_pb(codec, call.key, verdict.in_doubt))
        if kind == "wait":
            wait = verdict.wait
            failed = wait.HasField("failure")
            failure = failure_from_pb(codec, wait.failure) if failed else None
            held = wait.reason == types.WAIT_REASON_HELD
            return Wait(wait.not_before_ms / 1000, held, failure)
        if kind == "diverged":
            raise diverged_from_pb(call.key, verdict.diverged)
        raise ProgramError("the sidecar gave a verdict this client does not know: upgrade")

    async def _complete(
        self,
        step: ContextBase,
        output: Any,
        failure: BaseException | StepFailure | None,
        unknown: BaseException | StepFailure | None,
        begin_next: StepCall | None,
    ) -> Completion:
        attempt = step.low_level
        if not isinstance(attempt, Attempt):
            raise ProgramError("complete() takes the step of an Execute verdict of begin()")
        if (output is not UNSET) + (failure is not None) + (unknown is not None) != 1:
            raise ProgramError("complete() takes exactly one of output, failure and unknown")
        codec, request = self._client.codec, pb.CompleteStepRequest()
        if output is not UNSET:
            payload = encode(codec, output, f"the result of step {step.key!r}")
            request.output.CopyFrom(payload_to_pb(payload))
        if failure is not None:
            told = failure_of(failure, attempt.offer.call.retry)
            request.failure.CopyFrom(failure_to_pb(codec, told))
        if unknown is not None:
            request.unknown.CopyFrom(failure_to_pb(codec, failure_of(unknown)))
        following = self._recorder.offer(begin_next) if begin_next is not None else None
        answer = await self._recorder.complete(attempt, request, following)
        verdict: Verdict | None = None
        if following is not None and answer.HasField("next"):
            verdict = self._verdict(Attempt(following, 0), answer.next)
        state = StepState(answer.state)
        return Completion(state, answer.lsn, answer.not_before_ms / 1000, verdict)

    async def _resolve(self, key: str, resolution: Resolution, by: str) -> StepState:
        return StepState(await self._recorder.resolve(key, resolution, by))

    async def _end(self, result: Any) -> None:
        payload = encode(self._client.codec, result, "the result of the run")
        await self._recorder.end(payload_to_pb(payload))

    async def _fail(self, error: BaseException | str, kind: str, details: Any) -> None:
        if isinstance(error, StepFailed):
            failure = error.failure
        elif isinstance(error, RunFailed):
            failure = StepFailure(error.type, error.message, error.details)
        elif isinstance(error, BaseException):
            failure = failure_of(error)
        else:
            failure = StepFailure(kind, error, details)
        await self._recorder.end(failure_to_pb(self._client.codec, failure))
