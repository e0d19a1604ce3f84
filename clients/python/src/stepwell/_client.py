# SPDX-License-Identifier: Apache-2.0
"""The plain client: blocking calls, from any thread."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from stepwell._attempt import Recorder
from stepwell._base import BaseClient, BaseRun, RunRequest
from stepwell._channel import SyncIO, resolve_address
from stepwell._codec import Codec
from stepwell._engine import Engine
from stepwell._errors import RunFailed, StepFailure, StepwellError
from stepwell._lease import Lease
from stepwell._rpc import Insistence, run_sync
from stepwell._step import (
    UNSET,
    Completion,
    Runner,
    StepCall,
    StepContext,
    StepOptions,
    Verdict,
    _active_run,
    call,
)
from stepwell._values import OnDivergence, Resolution, RunInfo, Seconds, StepState

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

T = TypeVar("T")


def connect(
    address: str | None = None,
    *,
    holder: str | None = None,
    timeout: float = 10.0,
    patience: float = 60.0,
    codec: Codec | None = None,
    credentials: grpc.ChannelCredentials | None = None,
) -> Client:
    """A client of the sidecar. Connects with the first call.

    address: "unix:///path" or "host:port"; default STEPWELL_ADDR, else
        unix:///run/stepwell/stepwell.sock.
    holder: what this process calls itself; default host name and process id.
    timeout: seconds that one try of a call may take.
    patience: seconds to go on trying while the sidecar is away or busy, as when it restarts.
    codec: how values become bytes; default JSON.
    credentials: of gRPC, for TLS; default none.
    """
    return Client(address, holder, Insistence(timeout, patience), codec, credentials)


class Client(BaseClient):
    """Made by `connect`. Any thread may use it; forked children open connections of their own."""

    def __init__(
        self,
        address: str | None,
        holder: str | None,
        insist: Insistence,
        codec: Codec | None,
        credentials: grpc.ChannelCredentials | None,
    ) -> None:
        super().__init__(holder, insist, codec)
        self._io = SyncIO(resolve_address(address), credentials)

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
        """A run to use in a `with`: started there, or taken over where it stood.

        Raises RunEnded, with the result, when it has ended already; RunConflict when it
        exists with another input or task.
        """
        request = RunRequest(run_id, task, input, labels, code_version, on_divergence)
        return Run(self, self._start_message(request), None)

    def start_run(
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
        return run_sync(self._start_run(self._io, self._start_message(request)))

    def claim(self, tasks: Sequence[str] = (), *, wait: Seconds = 0) -> Run | None:
        """A run that nobody holds, of one of these tasks (none: of any), to use in a `with`.

        Waits for one up to `wait` (at most ten minutes); None when there was none.
        """
        claimed = run_sync(self._claim(self._io, tasks, wait))
        if claimed is None:
            return None
        run = Run(self, None, claimed)
        run.start()
        return run

    def close(self) -> None:
        """Closes the connection, and with it releases every lease."""
        self._io.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Run(BaseRun):
    """A run this process holds, or will hold inside a `with`. Any thread may call its steps.

    Leaving the `with` normally ends the run with `result`; an exception leaves it open, to
    be taken over, unless it is RunFailed.
    """

    def __init__(self, client: Client, start: Any, claimed: Any) -> None:
        super().__init__(client, start, claimed)
        io = client._io
        self._io = io
        self._recorder = Recorder(io, self._state, client.codec, client.insist, StepContext)
        self._engine = Engine(self._recorder)
        self._lease = Lease(io, self._state, client.insist)
        self._token: Token[Runner | None] | None = None
        weakref.finalize(self, self._lease.release)

    def start(self) -> Self:
        """What entering the `with` does: takes the lease, reads the history. Then `close`."""
        if self._started:
            return self
        try:
            if not run_sync(self._take_over(self._io)):
                self._lease.catch_up()
        except BaseException:
            self._lease.release()
            raise
        self._lease.keep()
        self._started = True
        return self

    def close(self) -> None:
        """Releases the lease. A run that has not ended can be taken over at once."""
        self._lease.release()

    def __enter__(self) -> Self:
        self.start()
        self._token = _active_run.set(self)
        return self

    def __exit__(
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
                self.fail(error)
            elif error is None and not self.ended:
                self.end(self.result)
        finally:
            self.close()

    def step(
        self, key: str, fn: Callable[..., T], /, *args: Any, **options: Unpack[StepOptions]
    ) -> T:
        """Runs fn(*args) once and records its value; replays the value ever after.

        `key` names the step, unique in the run and the same in every execution. A parameter
        of `fn` called `step` is given the StepContext.
        """
        value: T = self.execute(call(key, fn, *args, **options))
        return value

    def execute(self, call: StepCall) -> Any:
        """Runs a step that `stepwell.call` wrote down."""
        return run_sync(self._engine.step(call))

    def chain(self, calls: Sequence[StepCall]) -> list[Any]:
        """Runs steps one after the other and gives their values, in about half the round trips.

        Each step is begun in the call that records its predecessor. Write them down with
        `stepwell.call`; `stepwell.result_of(key)` stands for the value of an earlier one.
        """
        return run_sync(self._engine.chain(calls))

    def begin(self, key: str, **options: Unpack[StepOptions]) -> Verdict:
        """Low level: asks whether to act. Raises Diverged."""
        return run_sync(self._begin(StepCall(key, **options)))

    def complete(
        self,
        step: StepContext,
        output: Any = UNSET,
        *,
        failure: BaseException | StepFailure | None = None,
        unknown: BaseException | StepFailure | None = None,
        begin_next: StepCall | None = None,
    ) -> Completion:
        """Low level: tells how the attempt of Execute.step ended, by exactly one of three."""
        return run_sync(self._complete(step, output, failure, unknown, begin_next))

    def resolve(self, key: str, resolution: Resolution, *, by: str) -> StepState:
        """Ends doubt about a step, after asking the world. `by` says who found out."""
        return run_sync(self._resolve(key, resolution, by))

    def end(self, result: Any = None) -> None:
        """Ends the run with a result."""
        self.result = result
        run_sync(self._end(result))

    def fail(
        self,
        error: BaseException | str,
        *,
        type: str = "RunFailed",  # noqa: A002
        details: Any = None,
    ) -> None:
        """Ends the run as failed."""
        run_sync(self._fail(error, type, details))


__all__ = ["Client", "Run", "StepwellError", "connect"]
