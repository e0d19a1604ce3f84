# SPDX-License-Identifier: Apache-2.0
"""How a step gets from being asked for to its value. Written once, for both clients.

asked for --> in the local history, unchanged? --> its outcome, no round trip
|
v
BeginStep --> EXECUTE  --> call the function, CompleteStep --> its value
^     --> REPLAY   --> its outcome
|     --> IN_DOUBT --> ask `reconcile`, ResolveStep --.
|     --> WAIT     --> sleep -------------------------+
`-----------------------------------------------------'
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from stepwell._attempt import Attempt, Offer, Recorder, new_request_id
from stepwell._codec import Codec, encode
from stepwell._errors import (
    AttemptSuperseded,
    Diverged,
    NonRetryable,
    NotFound,
    OutcomeConflict,
    OutcomeUnknown,
    ProgramError,
    StepFailed,
    StepInDoubt,
    StepwellError,
    Unavailable,
)
from stepwell._proto.stepwell.v1 import agent_service_pb2 as pb
from stepwell._proto.stepwell.v1 import types_pb2 as types
from stepwell._run_state import LeftOpen
from stepwell._step import UNSET, ResultOf, StepCall, _current_step
from stepwell._values import Doubt, Effect, Resolution, milliseconds
from stepwell._wire import (
    diverged_from_pb,
    doubt_from_pb,
    failure_from_pb,
    failure_of,
    failure_to_pb,
    payload_to_pb,
    value_from_pb,
)

SLEEP_SLICE_S = 1.0  # how soon a sleeper notices that it is fenced
HELD_POLL_FIRST_S = 0.02
HELD_POLL_LAST_S = 1.0
CLOCK_SLACK_S = 0.005  # asked again too early: the sidecar's clock is a little behind
HELD_MAX_S = 600.0  # then another worker has had the step for too long to be waited for
RECONCILES_MAX = 10  # in one step(): an effect that keeps ending in doubt needs a person

# Raised inside a step these speak about the step; every other error of ours does not, and a
# failure of ours must never read as a failure of the step.
_ABOUT_THE_STEP = (NonRetryable, OutcomeUnknown, StepFailed)

Then = Callable[[Any], "Offer | None"]


class Settled:
    """How a step ended, and the verdict for the step that was begun in the same call."""

    def __init__(self, value: Any, next_verdict: types.Verdict | None = None) -> None:
        self.value = value
        self.next_verdict = next_verdict


class Settling:
    """What one step() remembers between its verdicts."""

    def __init__(self, offer: Offer, then: Then | None = None) -> None:
        self.offer = offer
        self.then = then
        self.acting: Attempt | None = None  # its function was called, its outcome is not recorded
        self.last_error: Exception | None = None
        self.reconciles = 0
        self.held_since: float | None = None
        self.held_poll_s = HELD_POLL_FIRST_S


class Engine:
    """The steps of one run."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._io = recorder.io
        self._state = recorder.state
        self._codec: Codec = recorder.codec

    # --- the ways in

    async def step(self, call: StepCall) -> Any:
        """The value of a step, acting only if it is not done yet."""
        offer = self._offer(call)
        settled = self._replay_locally(offer)
        if settled is None:
            settled = await self._carry(Settling(offer))
        return settled.value

    async def chain(self, calls: Sequence[StepCall]) -> list[Any]:
        """The values of steps one after the other; each but the first begins for free."""
        if len({call.key for call in calls}) != len(calls):
            raise ProgramError("two links of a chain have the same key")
        values: dict[str, Any] = {}
        verdict: types.Verdict | None = None
        begun: Offer | None = None
        for index, call in enumerate(calls):
            offer = begun or self._offer(_fill(call, values))
            following = calls[index + 1] if index + 1 < len(calls) else None
            link = _Link(self, call.key, following, values)
            settled = None if begun else self._replay_locally(offer)
            if settled is None:
                settled = await self._carry(Settling(offer, link.then), verdict)
            values[call.key] = settled.value
            verdict = settled.next_verdict
            begun = link.offered if verdict is not None else None
        return [values[call.key] for call in calls]

    # --- before the first verdict

    def _offer(self, call: StepCall) -> Offer:
        self._state.check()
        return self._recorder.offer(call)

    def offer_ahead(self, call: StepCall) -> Offer | None:
        """The offer of a step to begin with its predecessor's completion, unless that is
        pointless: it is recorded, or was left open here.
        """
        if self._state.holds(call.key) or call.key in self._state.left_open:
            return None
        return self._recorder.offer(call)

    def _replay_locally(self, offer: Offer) -> Settled | None:
        """The outcome from the history, if it is of this very step. Any difference is the
        sidecar's to judge.
        """
        step = self._state.visit(offer.call.key)
        if step is None or step.name != offer.name or step.input_digest != offer.digest:
            return None
        return self._replayed(offer, step)

    def _replayed(self, offer: Offer, step: types.Step | types.Replay) -> Settled:
        if step.HasField("failure"):
            raise StepFailed(offer.call.key, failure_from_pb(self._codec, step.failure))
        return Settled(offer.call.rebuild(value_from_pb(self._codec, step, "output")))

    # --- one step, from its first verdict to its value

    async def _carry(self, run: Settling, verdict: types.Verdict | None = None) -> Settled:
        """Settles a step, and remembers what an exception leaves unfinished."""
        try:
            return await self._settle(run, verdict or await self._ask_first(run))
        except BaseException as error:
            final = isinstance(error, (StepFailed, StepInDoubt, Diverged))
            acting = run.acting
            if acting is not None or not final:
                self._state.left_open[run.offer.call.key] = LeftOpen(
                    acting.number if acting is not None else 0,
                    run.offer.request_id,
                    acted=acting is not None,
                )
            raise

    async def _ask_first(self, run: Settling) -> types.Verdict:
        """Begins a step, minding what an earlier call in this process left open."""
        left = self._state.left_open.get(run.offer.call.key)
        if left is not None:
            if left.acted and run.offer.call.effect is Effect.ONCE:
                await self._doubt(run, left)
            else:
                run.offer.request_id = left.request_id  # the same attempt, not a second worker
            self._state.left_open.pop(run.offer.call.key, None)
        return await self._recorder.begin(run.offer)

    async def _doubt(self, run: Settling, left: LeftOpen) -> None:
        """Gives up an open attempt of effect ONCE: whether it took place is not known."""
        run.acting = Attempt(run.offer, left.attempt)
        unknown = types.Failure(type="Interrupted", message="the attempt was left open")
        # On a refusal something is recorded already; the verdict will say what.
        with contextlib.suppress(AttemptSuperseded, OutcomeConflict, NotFound):
            await self._recorder.complete(run.acting, pb.CompleteStepRequest(unknown=unknown))
        run.acting = None

    async def _settle(self, run: Settling, verdict: types.Verdict) -> Settled:
        while True:
            kind = verdict.WhichOneof("verdict")
            if kind == "replay":
                return self._replayed(run.offer, verdict.replay)
            if kind == "execute":
                settled = await self._attempt(run, verdict.execute)
                if settled is not None:
                    return settled
                run.offer.request_id = new_request_id()
            elif kind == "in_doubt":
                await self._reconcile(run, verdict.in_doubt)
            elif kind == "wait":
                await self._wait(run, verdict.wait)
            elif kind == "diverged":
                raise diverged_from_pb(run.offer.call.key, verdict.diverged)
            else:
                raise ProgramError("the sidecar gave a verdict this client does not know: upgrade")
            verdict = await self._recorder.begin(run.offer)

    async def _attempt(self, run: Settling, execute: types.Execute) -> Settled | None:
        """One attempt; None when the sidecar has to be asked what to do now."""
        attempt = self._recorder.attempt(run.offer, execute)
        run.held_since = None
        run.acting = attempt
        outer = sys.exc_info()[1]
        error: Exception | None = None
        value: Any = None
        try:
            value = await self._invoke(attempt)
        except Exception as raised:
            if isinstance(raised, StepwellError) and not isinstance(raised, _ABOUT_THE_STEP):
                raise
            error = raised
        try:
            if error is None:
                return await self._tell_output(run, attempt, value)
            await self._tell_failure(run, attempt, error, outer)
        except (AttemptSuperseded, OutcomeConflict):
            # Something else is recorded. What may be repeated asks again; ONCE must not.
            if run.offer.call.effect is Effect.ONCE:
                raise
            run.acting = None
        return None

    async def _invoke(self, attempt: Attempt) -> Any:
        call, context = attempt.offer.call, attempt.context
        assert context is not None
        token = _current_step.set(context)
        try:
            return await self._io.invoke(call.bind(context), milliseconds(call.timeout) / 1000)
        finally:
            _current_step.reset(token)

    async def _tell_output(self, run: Settling, attempt: Attempt, value: Any) -> Settled:
        call = attempt.offer.call
        payload = encode(self._codec, value, f"the result of step {call.key!r}")
        # The value as a replay will give it, so that a run never sees two forms of it.
        decoded = self._codec.decode(payload)
        following: Offer | None = None
        broken: Exception | None = None
        if run.then is not None:
            try:
                following = run.then(call.rebuild(decoded))
            except Exception as error:  # noqa: BLE001
                broken = error  # the next link's trouble; what happened is recorded first
        request = pb.CompleteStepRequest(output=payload_to_pb(payload))
        answer = await self._recorder.complete(attempt, request, following)
        run.acting = None
        if broken is not None:
            raise broken
        fused = answer.HasField("next")
        return Settled(call.rebuild(decoded), answer.next if fused else None)

    async def _tell_failure(
        self, run: Settling, attempt: Attempt, error: Exception, outer: BaseException | None
    ) -> None:
        call = attempt.offer.call
        failure = failure_of(error, call.retry)
        message = failure_to_pb(self._codec, failure)
        if isinstance(error, OutcomeUnknown) or call.is_unknown(error, outer):
            request = pb.CompleteStepRequest(unknown=message)
        else:
            request = pb.CompleteStepRequest(failure=message)
        answer = await self._recorder.complete(attempt, request)
        run.acting = None
        run.last_error = error
        if answer.state == types.STEP_STATE_FAILED:
            raise StepFailed(call.key, failure) from error
        if answer.state == types.STEP_STATE_RETRYING:
            await self._sleep_until(answer.not_before_ms)

    async def _reconcile(self, run: Settling, in_doubt: types.InDoubt) -> None:
        """Ends doubt by asking the world, or raises StepInDoubt."""
        call = run.offer.call
        doubt = doubt_from_pb(self._codec, call.key, in_doubt)
        run.reconciles += 1
        if call.reconcile is None or run.reconciles > RECONCILES_MAX:
            raise StepInDoubt(doubt) from run.last_error
        resolution = await self._ask_the_world(call.reconcile, doubt)
        name = getattr(call.reconcile, "__name__", type(call.reconcile).__name__)
        await self._recorder.resolve_if_in_doubt(call.key, resolution, f"reconcile:{name}")

    async def _ask_the_world(self, reconcile: Callable[[Doubt], Any], doubt: Doubt) -> Resolution:
        try:
            resolution = await self._io.invoke(lambda: reconcile(doubt), 0)
        except StepwellError:
            raise
        except Exception as error:
            raise StepInDoubt(doubt) from error
        if not isinstance(resolution, Resolution):
            raise ProgramError(
                f"reconcile of step {doubt.key!r} must return happened(), did_not_happen() "
                f"or give_up(), not {resolution!r}"
            )
        return resolution

    async def _wait(self, run: Settling, wait: types.Wait) -> None:
        if wait.not_before_ms:
            await self._sleep_until(wait.not_before_ms)
            await self._sleep(CLOCK_SLACK_S)
            return
        now = time.monotonic()
        run.held_since = run.held_since or now
        if now - run.held_since > HELD_MAX_S:
            raise Unavailable(f"step {run.offer.call.key!r} is held by another worker")
        await self._sleep(run.held_poll_s)
        run.held_poll_s = min(run.held_poll_s * 2, HELD_POLL_LAST_S)

    async def _sleep_until(self, not_before_ms: int) -> None:
        await self._sleep(not_before_ms / 1000 - time.time())

    async def _sleep(self, seconds: float) -> None:
        """Sleeps in slices, to end soon after the run is lost."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            await self._io.sleep(min(left, SLEEP_SLICE_S))
            self._state.check()


class _Link:
    """Offers the next link of a chain once this one's value is known."""

    def __init__(
        self, engine: Engine, key: str, following: StepCall | None, values: dict[str, Any]
    ) -> None:
        self._engine = engine
        self._key = key
        self._following = following
        self._values = values
        self.offered: Offer | None = None

    def then(self, value: Any) -> Offer | None:
        if self._following is None:
            return None
        filled = _fill(self._following, {**self._values, self._key: value})
        self.offered = self._engine.offer_ahead(filled)
        return self.offered


def _fill(call: StepCall, values: dict[str, Any]) -> StepCall:
    """The call with result_of() replaced by the values of earlier links."""

    def value(item: Any) -> Any:
        if not isinstance(item, ResultOf):
            return item
        if item.key not in values:
            raise ProgramError(f"result_of({item.key!r}) in {call.key!r}: no earlier link has it")
        return values[item.key]

    given = call.input if call.input is UNSET else value(call.input)
    kwargs = {name: value(item) for name, item in call.kwargs.items()}
    return call.replaced(args=tuple(map(value, call.args)), kwargs=kwargs, input=given)
