# SPDX-License-Identifier: Apache-2.0
"""The nouns of the public interface; what the words mean stands in the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any

from stepwell._errors import StepFailure

Seconds = float | timedelta


def milliseconds(value: Seconds | None) -> int:
    """A duration as whole milliseconds, at least 1 where it is not zero; None is 0."""
    if value is None:
        return 0
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 0:
        raise ValueError(f"a duration must not be negative: {value!r}")
    return max(1, round(seconds * 1000)) if seconds else 0


class Effect(Enum):
    """What repeating a step would do to the outside world."""

    NONE = 1
    """Pure or read-only: may be repeated freely."""
    IDEMPOTENT = 2
    """Safe to repeat when the same idempotency key is handed to the effect."""
    ONCE = 3
    """Must not be repeated without a decision."""


class Kind(Enum):
    """What a step is, for people and policies."""

    LLM = 1
    TOOL = 2
    CODE = 3
    WAIT = 4


class Durability(Enum):
    """Where a step's intent is when the step may run.

    LOCAL: on the sidecar's disk. REMOTE: also in the object store, with all before it; the
    default for effect ONCE where the sidecar ships to one.
    """

    LOCAL = 1
    REMOTE = 2


class OnDivergence(Enum):
    """What a step meets whose input or name differs from what is recorded."""

    FAIL = 1
    ACCEPT = 2


class DoubtReason(Enum):
    """How doubt came about."""

    UNSPECIFIED = "for a reason this client does not know"
    HOLDER_GONE = "its holder is gone"
    TIMED_OUT = "its time is up"
    REPORTED = "its holder reported that it cannot know"


class StepState(Enum):
    """The life of a step."""

    OPEN = 1
    IN_DOUBT = 2
    RETRYING = 3
    COMPLETED = 4
    FAILED = 5


@dataclass(frozen=True)
class Payload:
    """Bytes as they are stored. Offer one to bypass the codec."""

    data: bytes
    content_type: str = "application/octet-stream"


@dataclass(frozen=True)
class Retry:
    """When a failed step is tried again.

    The delay after attempt n is min(cap, initial * factor^(n-1)) * (1 - jitter * u), u random
    in [0,1). `max_attempts` counts the first one in; 0 means 3, or 1 for effect ONCE.
    `non_retryable` holds exception classes (and with them their subclasses) or the names of
    failure types.
    """

    max_attempts: int = 0
    initial: Seconds = 1.0
    factor: float = 2.0
    cap: Seconds = 60.0
    jitter: float = 0.0
    non_retryable: Sequence[type[BaseException] | str] = ()

    def forbids(self, error: BaseException) -> bool:
        """Whether an exception is of a class that ends the step at once."""
        classes = tuple(kind for kind in self.non_retryable if isinstance(kind, type))
        return isinstance(error, classes)


@dataclass
class Usage:
    """What a step consumed; the sidecar sums it per run."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    cost_micros: int = 0
    """Price in millionths of a US dollar."""


@dataclass(frozen=True)
class Doubt:
    """What is known about a step that may or may not have happened."""

    key: str
    attempts: int
    idempotency_key: str
    """What was handed to the effect: ask the provider by it."""
    external_refs: tuple[str, ...] = ()
    """What the attempts noted: ask the provider by them."""
    progress: Any = None
    holder: str = ""
    begun: float = 0.0
    """When the lost attempt began, seconds since the epoch."""
    reason: DoubtReason = DoubtReason.UNSPECIFIED


@dataclass(frozen=True)
class Resolution:
    """The end of doubt. Made by happened, did_not_happen and give_up."""

    verb: str
    value: Any = None
    failure: StepFailure | None = None


def happened(value: Any = None) -> Resolution:
    """The effect took place; the step completes with `value`."""
    return Resolution("happened", value)


def did_not_happen() -> Resolution:
    """The effect did not take place; the step may be attempted again."""
    return Resolution("did_not_happen")


def give_up(message: str, *, type: str = "GaveUp", details: Any = None) -> Resolution:  # noqa: A002
    """Nobody will find out; the step fails with this."""
    return Resolution("give_up", failure=StepFailure(type, message, details, True))


@dataclass(frozen=True)
class RunInfo:
    """A run as it stands."""

    run_id: str
    task: str
    state: str
    """"running", "completed" or "failed"."""
    input: Any = None
    labels: dict[str, str] = field(default_factory=dict)
    code_version: str = ""
    result: Any = None
    failure: StepFailure | None = None
    created: bool = False
    """Whether this call created it."""
