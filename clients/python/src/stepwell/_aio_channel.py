# SPDX-License-Identifier: Apache-2.0
"""The connection and the lease of the asyncio client. Twins of _channel and _lease."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
from collections.abc import Callable
from typing import Any

import grpc

from stepwell._channel import _abandoned, channel_options, fork_error, survives_fork
from stepwell._errors import ProgramError, StepwellError, Unavailable, read_rpc_error
from stepwell._lease import ReconnectDelays, lost
from stepwell._rpc import RESUME, A, BackOff, CallFailed, Insistence, Q, Rpc
from stepwell._run_state import RunState


class AsyncIO:
    """The asyncio client's hands. One event loop at a time has a channel of its own."""

    awaits = True

    def __init__(self, target: str, credentials: grpc.ChannelCredentials | None = None) -> None:
        self.target = target
        self._credentials = credentials
        self._channel: grpc.aio.Channel | None = None
        self._home: tuple[int, asyncio.AbstractEventLoop] | None = None
        self._methods: dict[str, Any] = {}
        self._closed = False

    async def close(self) -> None:
        """Closes the channel; later calls raise ProgramError."""
        self._closed = True
        channel, self._channel = self._channel, None
        self._methods = {}
        if channel is not None and self._home == self._here():
            await channel.close()

    @staticmethod
    def _here() -> tuple[int, asyncio.AbstractEventLoop]:
        return os.getpid(), asyncio.get_running_loop()

    def _open(self) -> grpc.aio.Channel:
        if self._closed:
            raise ProgramError("the client is closed")
        here = self._here()
        if self._channel is not None and self._home != here:
            _abandoned.append((self._channel, self._methods))  # another loop's, or the parent's
            if self._home is not None and self._home[0] != here[0] and not survives_fork():
                raise fork_error()
            self._channel, self._methods = None, {}
        if self._channel is None:
            options = channel_options(self.target)
            if self._credentials is None:
                self._channel = grpc.aio.insecure_channel(self.target, options)
            else:
                self._channel = grpc.aio.secure_channel(self.target, self._credentials, options)
            self._home = here
        return self._channel

    def _method(self, rpc: Rpc[Q, A], streaming: bool) -> Any:
        channel = self._open()
        method = self._methods.get(rpc.path)
        if method is None:
            make = channel.unary_stream if streaming else channel.unary_unary
            method = make(
                rpc.path,
                request_serializer=rpc.request.SerializeToString,
                response_deserializer=rpc.answer.FromString,
            )
            self._methods[rpc.path] = method
        return method

    async def call_once(self, rpc: Rpc[Q, A], request: Q, timeout_s: float) -> A:
        """One unary call."""
        try:
            answer: A = await self._method(rpc, streaming=False)(request, timeout=timeout_s)
        except grpc.RpcError as error:
            raise CallFailed(read_rpc_error(error)) from error
        except grpc.aio.UsageError as error:  # the channel was closed meanwhile
            raise ProgramError("the client is closed") from error
        return answer

    def stream(self, rpc: Rpc[Q, A], request: Q) -> Any:
        """A streaming call: read() and cancel()."""
        return self._method(rpc, streaming=True)(request)

    async def sleep(self, seconds: float) -> None:
        """Lets others run."""
        await asyncio.sleep(seconds)

    async def invoke(self, function: Callable[[], Any], timeout_s: float) -> Any:
        """Calls the function; what it gives to await is cancelled after timeout_s (0: never)."""
        value = function()
        if not inspect.isawaitable(value):
            return value
        if not timeout_s:
            return await value
        try:
            return await asyncio.wait_for(value, timeout_s)
        except asyncio.TimeoutError as error:
            raise TimeoutError(*error.args) from error  # two classes before Python 3.11


class AsyncLease:
    """The stream of one run, read by a task of its own."""

    def __init__(self, io: AsyncIO, state: RunState, insist: Insistence) -> None:
        self._io = io
        self._state = state
        self._insist = insist
        self._stopped = False
        self._stream: Any = None
        self._task: asyncio.Task[None] | None = None
        self._pid = os.getpid()

    async def catch_up(self) -> None:
        """Takes the lease, unless it is taken already, and reads the history."""
        back_off = BackOff(self._insist.patience_s)
        while True:
            self._stream = self._io.stream(RESUME, self._state.resume_request())
            error: StepwellError = Unavailable("the history broke off")
            retry, after_s, cause = True, 0.0, None
            try:
                if await self._read_history():
                    return
            except grpc.RpcError as raised:
                refusal = read_rpc_error(raised)
                retry, after_s, cause = refusal.retry, refusal.after_s, raised
                error = refusal.error
            except BaseException:
                self._stream.cancel()
                raise
            delay = back_off.delay(after_s) if retry else None
            if delay is None:
                raise error from cause
            await asyncio.sleep(delay)

    async def _read_history(self) -> bool:
        """False when the stream ended early, or fell silent."""
        while True:
            try:
                message = await asyncio.wait_for(self._stream.read(), self._insist.timeout_s)
            except asyncio.TimeoutError:
                self._stream.cancel()
                return False
            if message is grpc.aio.EOF:
                return False
            if self._state.read(message):
                return True

    def keep(self) -> None:
        """Holds the lease from here on, in the background."""
        name = f"stepwell-lease-{self._state.run_id}"
        self._task = asyncio.get_running_loop().create_task(self._follow(), name=name)

    async def _follow(self) -> None:
        delays = ReconnectDelays()
        while not self._stopped:
            try:
                if self._stream is None:
                    self._stream = self._io.stream(RESUME, self._state.resume_request())
                while (message := await self._stream.read()) is not grpc.aio.EOF:
                    delays.reset()
                    self._state.read(message)
            except grpc.RpcError as raised:
                refusal = read_rpc_error(raised)
                if lost(refusal) and not self._stopped:
                    self._state.stop(refusal.error)
            except (StepwellError, grpc.aio.UsageError):
                return  # the client is closed
            self._stream = None
            if self._state.stopped is not None:
                return
            await asyncio.sleep(delays.next())

    async def release(self) -> None:
        """Ends the stream, and with it the lease."""
        if os.getpid() != self._pid:
            return  # a forked child must not touch its parent's stream
        self._stopped = True
        if self._stream is not None:
            self._stream.cancel()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
