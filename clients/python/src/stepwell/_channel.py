# SPDX-License-Identifier: Apache-2.0
"""Where the sidecar is, and the connection to it.

No channel exists before the first call, and none survives a fork: a child that used its
parent's would hang or corrupt it.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import grpc
from grpc._cython import cygrpc  # type: ignore[attr-defined]

from stepwell._errors import ProgramError, read_rpc_error
from stepwell._rpc import A, CallFailed, Q, Rpc

ADDRESS_VARIABLE = "STEPWELL_ADDR"
ADDRESS_DEFAULT = "unix:///run/stepwell/stepwell.sock"
UNIX_PATH_BYTES_MAX = 107  # sun_path of Linux, less its terminating zero
MESSAGE_BYTES_MAX = 68 << 20  # the largest payload a sidecar can be set to accept, and room


def resolve_address(address: str | None) -> str:
    """The address in gRPC's words: given, or from the environment, or the usual socket."""
    target = address or os.environ.get(ADDRESS_VARIABLE) or ADDRESS_DEFAULT
    if target.startswith("/"):
        target = "unix://" + target
    if target.startswith("unix:"):
        path = target[len("unix:") :]
        path = path[2:] if path.startswith("//") else path
        if not path.startswith("/"):
            raise ProgramError(f"a Unix socket needs an absolute path: {target!r}")
        if len(os.fsencode(path)) > UNIX_PATH_BYTES_MAX:
            raise ProgramError(f"a socket's path holds {UNIX_PATH_BYTES_MAX} bytes: {target!r}")
        return "unix://" + path
    return target


def channel_options(target: str) -> list[tuple[str, Any]]:
    """What every channel to a sidecar is opened with."""
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
        # Repeating is ours: it must keep the identifiers and know the sidecar's reasons.
        ("grpc.enable_retries", 0),
        # A restarted sidecar is found at once; the default would wait up to two minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
        # Connections are not shared with other channels, least of all with a parent's.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if target.startswith("unix"):
        # grpcio would send the socket's path, which HTTP/2 servers may refuse.
        options.append(("grpc.default_authority", "localhost"))
    return options


_abandoned: list[Any] = []  # never destroyed: a child must not touch its parent's channel
_holders: weakref.WeakSet[SyncIO] = weakref.WeakSet()


def survives_fork() -> bool:
    """Whether gRPC was told, before it was imported, that this process forks. Otherwise a child
    of a process that has used it hangs in its first call.
    """
    words = ("1", "true", "yes")
    default = os.environ.get("GRPC_ENABLE_FORK_SUPPORT", "").lower() in words
    return bool(getattr(cygrpc, "_GRPC_ENABLE_FORK_SUPPORT", default))


def fork_error() -> ProgramError:
    """Better than hanging."""
    return ProgramError(
        "this process was forked from one that had used gRPC: set GRPC_ENABLE_FORK_SUPPORT=1 "
        "before starting the parent, or fork before the first call, or spawn"
    )


def _after_fork_in_child() -> None:
    for holder in list(_holders):
        holder.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


class SyncIO:
    """The plain client's hands: blocks the calling thread. Any thread may use it."""

    awaits = False

    def __init__(self, target: str, credentials: grpc.ChannelCredentials | None = None) -> None:
        self.target = target
        self._credentials = credentials
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._methods: dict[str, Any] = {}
        self._closed = False
        self._crippled = False
        _holders.add(self)

    def abandon(self) -> None:
        """In a forked child: forget the channel, without closing what is the parent's."""
        if self._channel is not None:
            _abandoned.append((self._channel, self._methods))
            self._crippled = self._crippled or not survives_fork()
        self._lock = threading.Lock()
        self._channel = None
        self._methods = {}

    def close(self) -> None:
        """Closes the channel; later calls raise ProgramError."""
        with self._lock:
            self._closed = True
            channel, self._channel = self._channel, None
            self._methods = {}
        if channel is not None:
            channel.close()

    def _open(self) -> grpc.Channel:
        if self._closed:
            raise ProgramError("the client is closed")
        if self._crippled:
            raise fork_error()
        if self._channel is None:
            options = channel_options(self.target)
            if self._credentials is None:
                self._channel = grpc.insecure_channel(self.target, options)
            else:
                self._channel = grpc.secure_channel(self.target, self._credentials, options)
        return self._channel

    def _method(self, rpc: Rpc[Q, A], streaming: bool) -> Any:
        method = self._methods.get(rpc.path)
        if method is None:
            with self._lock:
                channel = self._open()
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
            answer: A = self._method(rpc, streaming=False)(request, timeout=timeout_s)
        except grpc.RpcError as error:
            raise CallFailed(read_rpc_error(error)) from error
        except ValueError as error:  # what grpc raises for a channel closed meanwhile
            raise ProgramError("the client is closed") from error
        return answer

    def stream(self, rpc: Rpc[Q, A], request: Q) -> Any:
        """A streaming call: an iterator of answers with cancel()."""
        try:
            return self._method(rpc, streaming=True)(request)
        except ValueError as error:
            raise ProgramError("the client is closed") from error

    async def sleep(self, seconds: float) -> None:
        """Blocks the thread."""
        time.sleep(seconds)  # noqa: ASYNC251 - no event loop is under this

    async def invoke(self, function: Callable[[], Any], timeout_s: float) -> Any:  # noqa: ARG002
        """Calls the function on this thread, which nothing can interrupt."""
        return function()
