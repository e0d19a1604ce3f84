# SPDX-License-Identifier: Apache-2.0
"""Whether an exception leaves open if the effect took place.

For a step of effect ONCE an exception says "it did not happen", and a wrong "it did not"
sends a message twice. So the default errs on the other side: whatever smells of a lost
connection or of time running out is taken as unknown, which costs a look at the world.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

_TYPES = (TimeoutError, ConnectionError, asyncio.TimeoutError)
# Class names of httpx, requests, urllib3, aiohttp, botocore, openai, anthropic and their like,
# none of which inherit from the built-in ones throughout.
_WORDS = ("timeout", "timedout", "connection", "disconnect")
_NAMES = {
    "TransportError",
    "NetworkError",
    "ReadError",
    "WriteError",
    "RemoteProtocolError",
    "ProtocolError",
    "IncompleteRead",
    "ChunkedEncodingError",
    "ClientPayloadError",
}
_GRPC_CODES = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL"}
_CHAIN_MAX = 16


def _related(error: BaseException, outer: BaseException | None) -> Iterator[BaseException]:
    """The exception, what it was raised from or while handling, and the parts of groups."""
    waiting, seen = [error], 0
    while waiting and seen < _CHAIN_MAX:
        one = waiting.pop(0)
        seen += 1
        yield one
        waiting += [e for e in (one.__cause__, one.__context__) if e not in (None, outer)]
        parts = getattr(one, "exceptions", ())
        waiting += [e for e in parts if isinstance(e, BaseException)] if parts else []


def _smells(error: BaseException) -> bool:
    if isinstance(error, ConnectionRefusedError):
        return False  # nobody was there to do anything
    if isinstance(error, _TYPES):
        return True
    for kind in type(error).__mro__:
        name = kind.__name__
        if name in _NAMES or any(word in name.lower() for word in _WORDS):
            return True
    code = getattr(error, "code", None)
    if type(error).__module__.startswith("grpc") and callable(code):
        return getattr(code(), "name", "") in _GRPC_CODES
    return False


def looks_unknown(error: BaseException, outer: BaseException | None = None) -> bool:
    """The default of `unknown_on`. `outer` was being handled already when the step began."""
    return any(_smells(one) for one in _related(error, outer))
