# SPDX-License-Identifier: Apache-2.0
"""How values become bytes and back."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import uuid
from typing import Any, Protocol

from stepwell._errors import ProgramError
from stepwell._values import Payload

JSON_TYPE = "application/json"
BYTES_TYPE = "application/octet-stream"


class Codec(Protocol):
    """Turns values into payloads and back.

    With `canonical`, equal values must give equal bytes: inputs are compared by digest.
    """

    def encode(self, value: Any, *, canonical: bool) -> Payload:
        """Raises TypeError or ValueError for what it cannot carry."""
        ...

    def decode(self, payload: Payload) -> Any:
        """The value of a payload that encode made, or that somebody else stored."""
        ...


def _plain(value: Any) -> Any:
    """What json cannot write by itself, made plain."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    dump = getattr(value, "model_dump", None)  # pydantic, and the SDKs built on it
    if callable(dump) and not isinstance(value, type):
        return dump(mode="json")
    raise TypeError(f"{type(value).__name__} is not JSON; convert it, or pass another codec")


class JsonCodec:
    """JSON, as UTF-8 without spaces; bytes as they are; Payload as it is.

    Takes dataclasses, pydantic models, enums, dates and UUIDs too, and gives back what
    JSON gives back: a step returns the same plain value when it runs and when it is
    replayed. `returns=` of a step rebuilds richer ones.
    """

    def encode(self, value: Any, *, canonical: bool = False) -> Payload:
        """Canonical sorts object keys; otherwise they keep their order."""
        if isinstance(value, Payload):
            return value
        if isinstance(value, (bytes, bytearray, memoryview)):
            return Payload(bytes(value), BYTES_TYPE)
        text = json.dumps(
            value,
            default=_plain,
            sort_keys=canonical,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        )
        return Payload(text.encode("utf-8"), JSON_TYPE)

    def decode(self, payload: Payload) -> Any:
        """Payloads of a content type that is neither JSON nor plain bytes stay Payload."""
        if payload.content_type.split(";", 1)[0] == JSON_TYPE:
            return json.loads(payload.data)
        if not payload.content_type and not payload.data:
            return None  # how other languages store that there is no value
        if payload.content_type == BYTES_TYPE:
            return payload.data
        return payload


def encode(codec: Codec, value: Any, what: str, *, canonical: bool = False) -> Payload:
    """Encodes, and says which value could not be: that is the program's to fix."""
    try:
        return codec.encode(value, canonical=canonical)
    except (TypeError, ValueError, RecursionError) as error:
        raise ProgramError(f"{what} cannot be encoded: {error}") from error
