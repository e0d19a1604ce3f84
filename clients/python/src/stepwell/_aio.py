# SPDX-License-Identifier: Apache-2.0
"""The asyncio client: the same names as the plain one, to be awaited."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

import grpc

from stepwell._aio_channel import AsyncIO, AsyncLease
from stepwell._attempt import Recorder
from stepwell._base import BaseClient, BaseRun, RunRequest
from stepwell._channel import resolve_address
from stepwell._codec import Codec
from stepwell._engine import Engine
from stepwell._errors import ProgramError, RunFailed, StepFailure
from stepwell._rpc import Insistence
from stepwell._step import (
    UNSET,
    Completion,
    ContextBase,
    Runner,
    StepCall,
    StepOptions,
    Verdict,
    _active_run,
    _current_step,
    call,
)
from stepwell._values import OnDivergence, Resolution, RunInfo, Seconds, StepState

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

T = TypeVar("T")


class StepContext(ContextBase):
    """What a step knows about its own attempt, and what it can tell meanwhile."""

    async def note(self, external_ref: str = "", *, progress: Any = UNSET) -> None:
        """Records what was learned, durably: an id to ask the provider by, or progress."""
        await self._noter(self, external_ref, progress)

    async def heartbeat(self) -> None:
        """Says that the attempt is alive."""
        await self._noter(self, "", UNSET)


def current_step() -> StepContext:
    """The context of the step that is running; ProgramError outside of one."""
    context = _current_step.get()
    if not isinstance(context, StepContext):
        raise ProgramError("no step of the asyncio client is running here")
    return context


def connect(
    address: str | None = None,
    *,
    holder: str | None = None,
    timeout: float = 10.0,
    patience: float = 60.0,
    codec: Codec | None = None,
    credentials: grpc.ChannelCredentials | None = None,
) -> Client:
    """A client of the sidecar, as `stepwell.connect`. Connects with the first call."""
    return Client(address, holder, Insistence(timeout, patience), codec, credentials)


class Client(BaseClient):
    """Made by `connect`. Belongs to the event loop it is used in."""

    def __init__(
        self,
        address: str | None,
        holder: str | None,
        insist: Insistence,
        codec: Codec | None,
        credentials: grpc.ChannelCredentials | None,
    ) -> None:
        super().__init__(holder, insist, codec)
        self._io = AsyncIO(resolve_address(address), credentials)

    def run(
        self,
        run_id: str | None = None,
        *,
        task: str,
        input: Any = None,  # noqa: A002
        labels: Mapping[str, str] | None = None,
        code_version: str = "",
        on_divergence: OnDivergence = OnDivergence.FAIL,
    ) -> Run:
        """A run to use in an `async with`, as Client.run of the plain client."""
        request = RunRequest(run_id, task, input, labels, code_version, on_divergence)
        return Run(self, self._start_message(request), None)

    async def start_run(
        self,
        run_id: str | None = None,
        *,
        task: str,
        input: Any = None,  # noqa: A002
        labels: Mapping[str, str] | None = None,
        code_version: str = "",
        on_divergence: OnDivergence = OnDivergence.FAIL,
    ) -> RunInfo:
        """Makes a run exist for whoever claims it, and tells how it stands."""
        request = RunRequest(run_id, task, input, labels, code_version, on_divergence)
        return await self._start_run(self._io, self._start_message(request))

    async def claim(self, tasks: Sequence[str] = (), *, wait: Seconds = 0) -> Run | None:
        """A run that nobody holds, of one of these tasks (none: of any); None without one."""
        claimed = await self._claim(self._io, tasks, wait)
        if claimed is None:
            return None
        run = Run(self, None, claimed)
        await run.start()
        return run

    async def close(self) -> None:
        """Closes the connection, and with it releases every lease."""
        await self._io.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Run(BaseRun):
    """A run this process holds, or will hold inside an `async with`.

    Leaving it normally ends the run with `result`; an exception leaves it open, to be taken
    over, unless it is RunFailed.
    """

    def __init__(self, client: Client, start: Any, claimed: Any) -> None:
        super().__init__(client, start, claimed)
        io = client._io
        self._io = io
        self._recorder = Recorder(io, self._state, client.codec, client.insist, StepContext)
        self._engine = Engine(self._recorder)
        self._lease = AsyncLease(io, self._state, client.insist)
        self._token: Token[Runner | None] | None = None

    async def start(self) -> Self:
        """What entering the `async with` does: takes the lease, reads the history."""
        if self._started:
            return self
        try:
            if not await self._take_over(self._io):
                await self._lease.catch_up()
        except BaseException:
            await self._lease.release()
            raise
        self._lease.keep()
        self._started = True
        return self

    async def close(self) -> None:
        """Releases the lease. A run that has not ended can be taken over at once."""
        await self._lease.release()

    async def __aenter__(self) -> Self:
        await self.start()
        self._token = _active_run.set(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._token is not None:
            with contextlib.suppress(ValueError):  # left in another context than entered
                _active_run.reset(self._token)
        try:
            if isinstance(error, RunFailed) and not self.ended:
                await self.fail(error)
            elif error is None and not self.ended:
                await self.end(self.result)
        finally:
            await self.close()

    @overload
    async def step(
        self,
        key: str,
        fn: Callable[..., Awaitable[T]],
        /,
        *args: Any,
        **options: Unpack[StepOptions],
    ) -> T: ...
    @overload
    async def step(
        self, key: str, fn: Callable[..., T], /, *args: Any, **options: Unpack[StepOptions]
    ) -> T: ...
    async def step(
        self, key: str, fn: Callable[..., Any], /, *args: Any, **options: Unpack[StepOptions]
    ) -> Any:
        """Runs fn(*args) once and records its value; replays the value ever after.

        A plain function runs on the event loop and blocks it: for long ones give
        asyncio.to_thread, with a name.
        """
        return await self.execute(call(key, fn, *args, **options))

    async def execute(self, call: StepCall) -> Any:
        """Runs a step that `stepwell.call` wrote down."""
        return await self._engine.step(call)

    async def chain(self, calls: Sequence[StepCall]) -> list[Any]:
        """Runs steps one after the other in about half the round trips, as the plain client."""
        return await self._engine.chain(calls)

    async def begin(self, key: str, **options: Unpack[StepOptions]) -> Verdict:
        """Low level: asks whether to act. Raises Diverged."""
        return await self._begin(StepCall(key, **options))

    async def complete(
        self,
        step: StepContext,
        output: Any = UNSET,
        *,
        failure: BaseException | StepFailure | None = None,
        unknown: BaseException | StepFailure | None = None,
        begin_next: StepCall | None = None,
    ) -> Completion:
        """Low level: tells how the attempt of Execute.step ended, by exactly one of three."""
        return await self._complete(step, output, failure, unknown, begin_next)

    async def resolve(self, key: str, resolution: Resolution, *, by: str) -> StepState:
        """Ends doubt about a step, after asking the world. `by` says who found out."""
        return await self._resolve(key, resolution, by)

    async def end(self, result: Any = None) -> None:
        """Ends the run with a result."""
        self.result = result
        await self._end(result)

    async def fail(
        self,
        error: BaseException | str,
        *,
        type: str = "RunFailed",  # noqa: A002
        details: Any = None,
    ) -> None:
        """Ends the run as failed."""
        await self._fail(error, type, details)
