# SPDX-License-Identifier: Apache-2.0
"""Holding a run's lease: one open Resume stream shows the sidecar that its holder lives."""

from __future__ import annotations

import atexit
import os
import random
import threading
import time
import weakref
from typing import Any

import grpc

from stepwell._channel import SyncIO, survives_fork
from stepwell._errors import Fenced, Refusal, RunEnded, StepwellError, Unavailable, read_rpc_error
from stepwell._rpc import RESUME, BackOff, Insistence
from stepwell._run_state import RunState

RECONNECT_FIRST_S = 0.1
RECONNECT_LAST_S = 2.0
EXIT_WAIT_S = 1.0
FORK_WAIT_S = 1.0


def lost(refusal: Refusal) -> bool:
    """Whether a refused Resume says that this process has lost the run."""
    return isinstance(refusal.error, (Fenced, RunEnded))


class ReconnectDelays:
    """Jittered delays between tries to show a sign of life, without end."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The stream was heard of."""
        self._next_s = RECONNECT_FIRST_S

    def next(self) -> float:
        """Seconds to wait now."""
        delay = self._next_s * random.uniform(0.5, 1.0)
        self._next_s = min(self._next_s * 2, RECONNECT_LAST_S)
        return delay


class Lease:
    """The stream of one run, read by a thread of its own."""

    def __init__(self, io: SyncIO, state: RunState, insist: Insistence) -> None:
        self._io = io
        self._state = state
        self._insist = insist
        self._stopped = False
        self._forking = False
        self._nudged = threading.Event()  # one of these was set
        self._parked = threading.Event()  # the thread is outside gRPC until the fork is over
        self._forked = threading.Event()
        self._stream: Any = None
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()

    def catch_up(self) -> None:
        """Takes the lease, unless it is taken already, and reads the history."""
        back_off = BackOff(self._insist.patience_s)
        while True:
            self._stream = self._io.stream(RESUME, self._state.resume_request())
            error: StepwellError = Unavailable("the history broke off")
            try:
                if self._read_history():
                    return
                retry, after_s, cause = True, 0.0, None
            except grpc.RpcError as raised:
                refusal = read_rpc_error(raised)
                # Cancelled is what our own watchdog does to a silent stream.
                silent = raised.code() is grpc.StatusCode.CANCELLED
                retry, after_s, cause = refusal.retry or silent, refusal.after_s, raised
                error = Unavailable("the sidecar fell silent") if silent else refusal.error
            delay = back_off.delay(after_s) if retry else None
            if delay is None:
                raise error from cause
            time.sleep(delay)

    def _read_history(self) -> bool:
        """False when the stream ended early."""
        while True:
            watchdog = threading.Timer(self._insist.timeout_s, self._stream.cancel)
            watchdog.daemon = True
            watchdog.start()
            try:
                message = next(self._stream, None)
            finally:
                watchdog.cancel()
            if message is None:
                return False
            if self._state.read(message):
                return True

    def keep(self) -> None:
        """Holds the lease from here on, in the background."""
        _kept.add(self)
        self._thread = threading.Thread(
            target=self._follow, name=f"stepwell-lease-{self._state.run_id}", daemon=True
        )
        self._thread.start()

    def _follow(self) -> None:
        delays = ReconnectDelays()
        while not self._stopped and self._read_on(delays):
            if not self._forking:
                self._nudged.wait(delays.next())
            if self._forking:
                self._parked.set()
                self._forked.wait()
        self._parked.set()

    def _read_on(self, delays: ReconnectDelays) -> bool:
        """Reads until the stream ends; False when it need not be opened again."""
        try:
            stream = self._stream or self._io.stream(RESUME, self._state.resume_request())
            self._stream = stream
            if self._stopped or self._forking:
                stream.cancel()
            for message in stream:
                delays.reset()
                self._state.read(message)
        except grpc.RpcError as raised:
            refusal = read_rpc_error(raised)
            if lost(refusal) and not self._stopped:
                self._state.stop(refusal.error)
        except StepwellError:
            return False  # the client is closed
        self._stream = None
        return self._state.stopped is None

    def _leave(self) -> None:
        self._nudged.set()
        stream = self._stream
        if stream is not None:
            stream.cancel()

    def pause(self) -> None:
        """Before a fork: leaves gRPC for a moment, which the lease outlives. A child that is
        forked while a thread reads may hang in gRPC's own handlers.
        """
        if self._thread is not None and self._thread.is_alive():
            self._parked.clear()
            self._forked.clear()
            self._forking = True
            self._leave()
            self._parked.wait(FORK_WAIT_S)

    def go_on(self) -> None:
        """After the fork, in the parent: opens the stream again."""
        if self._forking:
            self._forking = False
            self._nudged.clear()
            self._forked.set()

    def release(self) -> None:
        """Ends the stream, and with it the lease."""
        if os.getpid() != self._pid:
            return  # a forked child must not touch its parent's stream
        self._stopped = True
        _kept.discard(self)
        self._forked.set()
        self._leave()

    def join(self) -> None:
        """Waits a moment for the thread to end."""
        if self._thread is not None:
            self._thread.join(EXIT_WAIT_S)


_kept: weakref.WeakSet[Lease] = weakref.WeakSet()


def _release_at_exit() -> None:
    """A thread that reads a stream while the interpreter goes away dies with noise."""
    leases = list(_kept)
    for lease in leases:
        lease.release()
    for lease in leases:
        lease.join()


def _pause_before_fork() -> None:
    if survives_fork():
        for lease in list(_kept):
            lease.pause()


def _go_on_after_fork() -> None:
    for lease in list(_kept):
        lease.go_on()


def _forget_after_fork() -> None:
    _kept.clear()  # the parent's, with threads that do not exist here


atexit.register(_release_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_pause_before_fork,
        after_in_parent=_go_on_after_fork,
        after_in_child=_forget_after_fork,
    )
