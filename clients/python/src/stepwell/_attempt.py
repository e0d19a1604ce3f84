# SPDX-License-Identifier: Apache-2.0
"""The calls about one run's steps, each repeated until it is answered.

Nothing here decides or acts; _engine does, and the low-level begin() and complete().
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import uuid
from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from stepwell._codec import Codec, encode
from stepwell._errors import (
    InvalidArgument,
    Misconfigured,
    NotFound,
    NotInDoubt,
    ProgramError,
    ResourceExhausted,
    RunEnded,
    StepwellError,
)
from stepwell._proto.stepwell.v1 import agent_service_pb2 as pb
from stepwell._proto.stepwell.v1 import types_pb2 as types
from stepwell._rpc import (
    BEGIN_STEP,
    COMPLETE_STEP,
    END_RUN,
    IO,
    NOTE_STEP,
    RESOLVE_STEP,
    A,
    Insistence,
    Q,
    Rpc,
)
from stepwell._run_state import RunState
from stepwell._step import UNSET, ContextBase, Noter, StepCall
from stepwell._values import Payload, Resolution, milliseconds
from stepwell._wire import (
    payload_to_pb,
    resolution_to_pb,
    retry_to_pb,
    usage_to_pb,
    value_from_pb,
)

LOST_INTENTS_MAX = 3


def new_request_id() -> str:
    """Names one logical call, so that repeating it is not a second worker."""
    return uuid.uuid4().hex


class Offer:
    """A step as BeginStep sees it: encoded and digested."""

    def __init__(self, call: StepCall, payload: Payload | None) -> None:
        self.call = call
        self.name = call.offered_name()
        self.payload = payload
        self.digest = hashlib.sha256(payload.data).digest() if payload is not None else b""
        self.request_id = new_request_id()

    def fields(self) -> dict[str, Any]:
        """What BeginStepRequest and BeginNext have in common."""
        call = self.call
        fields: dict[str, Any] = {
            "key": call.key,
            "name": self.name,
            "kind": call.kind.value,
            "effect": call.effect.value,
            "retry": retry_to_pb(call.retry),
            "request_id": self.request_id,
        }
        if call.timeout is not None or call.heartbeat is not None:
            fields["timeouts"] = types.Timeouts(
                start_to_close_ms=milliseconds(call.timeout),
                heartbeat_ms=milliseconds(call.heartbeat),
            )
        if call.durability is not None:
            fields["durability"] = call.durability.value
        if self.payload is not None and call.record_input:
            fields["input"] = payload_to_pb(self.payload)
        elif self.payload is not None:
            fields["input_digest"] = self.digest
        return fields


class Attempt:
    """One authorised try of a step."""

    def __init__(self, offer: Offer, number: int, context: ContextBase | None = None) -> None:
        self.offer = offer
        self.number = number
        self.context = context


class Recorder:
    """Speaks to the sidecar about one run."""

    def __init__(
        self,
        io: IO,
        state: RunState,
        codec: Codec,
        insist: Insistence,
        make_context: Callable[[str, Noter], ContextBase],
    ) -> None:
        self.io = io
        self.state = state
        self.codec = codec
        self._insist = insist
        self._make_context = make_context

    async def _call(self, rpc: Rpc[Q, A], request: Q) -> A:
        """Every call about the run passes here: with its name and lease, and noticing its end."""
        self.state.check()
        request.run_id = self.state.run_id  # type: ignore[attr-defined]
        request.lease = self.state.lease  # type: ignore[attr-defined]
        try:
            return await self._insist.call(self.io, rpc, request)
        except StepwellError as error:
            if error.reason == "LEASE_FENCED" or isinstance(error, RunEnded):
                self.state.stop(error)
            raise

    def offer(self, call: StepCall) -> Offer:
        """Encodes a step's input."""
        for function in (call.fn, call.reconcile):
            if not self.io.awaits and inspect.iscoroutinefunction(function):
                raise ProgramError(f"{function.__name__} is async: use stepwell.aio")
        given = call.offered_input()
        if given is UNSET:
            return Offer(call, None)
        what = f"the input of step {call.key!r} (its arguments, unless input= is given)"
        return Offer(call, encode(self.codec, given, what, canonical=True))

    async def begin(self, offer: Offer) -> types.Verdict:
        """Asks whether to act."""
        request = pb.BeginStepRequest(**offer.fields())
        return (await self._call(BEGIN_STEP, request)).verdict

    def attempt(self, offer: Offer, execute: types.Execute) -> Attempt:
        """The attempt that an EXECUTE authorises."""

        async def note(context: ContextBase, external_ref: str, progress: Any) -> None:
            await self._note(attempt, context, external_ref, progress)

        context = self._make_context(offer.call.key, note)
        context.attempt = execute.attempt
        context.idempotency_key = execute.idempotency_key
        context.fencing_token = execute.fencing_token
        context.external_refs = tuple(execute.external_refs)
        context.progress = value_from_pb(self.codec, execute, "progress")
        context.deadline = execute.deadline_ms / 1000 if execute.deadline_ms else None
        attempt = Attempt(offer, execute.attempt, context)
        return attempt

    async def _about(self, attempt: Attempt, rpc: Rpc[Q, A], request: Q) -> A:
        """A call about an attempt. A sidecar that crashed may have lost the intent of an effect
        that may be repeated, which it makes durable late; then the intent is said again.
        """
        request.key = attempt.offer.call.key  # type: ignore[attr-defined]
        for _ in range(LOST_INTENTS_MAX):
            request.attempt = attempt.number  # type: ignore[attr-defined]
            try:
                return await self._call(rpc, request)
            except (NotFound, InvalidArgument) as error:
                lost = error.reason == "STEP_NOT_FOUND" or (
                    isinstance(error, InvalidArgument) and error.field == "attempt"
                )
                if not lost:
                    raise
                verdict = await self.begin(attempt.offer)
                if verdict.WhichOneof("verdict") != "execute":
                    raise
                attempt.number = verdict.execute.attempt
        raise ProgramError(f"the sidecar does not know the attempt of {attempt.offer.call.key!r}")

    async def complete(
        self, attempt: Attempt, request: pb.CompleteStepRequest, following: Offer | None = None
    ) -> pb.CompleteStepResponse:
        """Tells how an attempt ended, and begins the following step if there is one."""
        usage = usage_to_pb(attempt.context.used) if attempt.context is not None else None
        if usage is not None:
            request.usage.CopyFrom(usage)
        if following is None:
            return await self._about(attempt, COMPLETE_STEP, request)
        fused = pb.CompleteStepRequest()
        fused.CopyFrom(request)
        fused.begin_next.CopyFrom(pb.BeginNext(**following.fields()))
        try:
            return await self._about(attempt, COMPLETE_STEP, fused)
        except (InvalidArgument, ResourceExhausted, Misconfigured):
            # Perhaps for the sake of the next step; what happened must be recorded all the same.
            return await self._about(attempt, COMPLETE_STEP, request)

    async def _note(
        self, attempt: Attempt, context: ContextBase, external_ref: str, progress: Any
    ) -> None:
        request = pb.NoteStepRequest(external_ref=external_ref)
        if progress is not UNSET:
            payload = encode(self.codec, progress, "the progress of a step")
            request.progress.CopyFrom(payload_to_pb(payload))
        answer = await self._about(attempt, NOTE_STEP, request)
        context.deadline = answer.deadline_ms / 1000 if answer.deadline_ms else None
        if external_ref and external_ref not in context.external_refs:
            context.external_refs = (*context.external_refs, external_ref)
        if progress is not UNSET:
            context.progress = progress

    async def resolve(self, key: str, resolution: Resolution, by: str) -> int:
        """Ends doubt; the step's state after it."""
        request = pb.AgentServiceResolveStepRequest(
            key=key, resolution=resolution_to_pb(self.codec, resolution), by=by
        )
        return (await self._call(RESOLVE_STEP, request)).state

    async def resolve_if_in_doubt(self, key: str, resolution: Resolution, by: str) -> None:
        """As resolve, and content if somebody else has ended the doubt meanwhile."""
        with contextlib.suppress(NotInDoubt):
            await self.resolve(key, resolution, by)

    async def end(self, outcome: Message) -> None:
        """Ends the run with a payload or a failure."""
        request = pb.EndRunRequest(unvisited_keys=self.state.unvisited_keys())
        name = "failure" if isinstance(outcome, types.Failure) else "result"
        getattr(request, name).CopyFrom(outcome)
        await self._call(END_RUN, request)
        self.state.stop(RunEnded())
