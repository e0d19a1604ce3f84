# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, split by what the caller should do about it.

    Unavailable, ResourceExhausted   ask again later
    ProgramError and below           fix the program
    Fenced and below                 stop: somebody newer works on this
    RunEnded                         nothing is left to do
    StepFailed                       the step has failed for good; decide
    StepInDoubt                      find out whether it happened; decide
    Misconfigured, Corrupt           look at the sidecar
    OutcomeConflict                  go by what is recorded

One table, REASONS, maps the reasons the sidecar gives to these.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
from google.protobuf.message import DecodeError

from stepwell._proto.stepwell.error import status_pb2

if TYPE_CHECKING:
    from stepwell._values import Doubt


class StepwellError(Exception):
    """Everything this library raises, and what a step may raise to say more.

    `reason` is the sidecar's stable word, empty when the error was made here;
    `metadata` holds facts such as the field and its limit.
    """

    def __init__(
        self, message: str = "", *, reason: str = "", metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.metadata: dict[str, str] = dict(metadata or {})

    @property
    def message(self) -> str:
        """A sentence for people."""
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        """Survives pickling whatever the constructor takes, as between processes of a pool."""
        return _unpickle, (type(self), self.args, self.__dict__)


def _unpickle(
    kind: type[StepwellError], args: tuple[Any, ...], state: dict[str, Any]
) -> StepwellError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class Unavailable(StepwellError):
    """The sidecar did not answer within `patience`, or is shutting down.

    What was asked for may have been recorded. Ask again with the same names.
    """


class ResourceExhausted(StepwellError):
    """A limit of the sidecar is reached, and waiting `patience` did not help."""


class ProgramError(StepwellError):
    """The program asks for what cannot be; asking again will not help."""


class InvalidArgument(ProgramError):
    """A field is out of bounds; `field` names it."""

    @property
    def field(self) -> str:
        """The field's path in the request, where the sidecar named one."""
        return self.metadata.get("field", "")


class RunConflict(ProgramError):
    """The run exists with another input or task."""


class NotFound(ProgramError):
    """No such run, or no such step in it."""


class NotInDoubt(ProgramError):
    """There is no doubt to end about the step, or it has ended meanwhile. Begin it to see."""


class Diverged(ProgramError):
    """The step was recorded with another input or name, and the run does not accept that."""

    def __init__(
        self,
        key: str,
        *,
        recorded_name: str = "",
        offered_name: str = "",
        recorded_digest: bytes = b"",
        offered_digest: bytes = b"",
    ) -> None:
        what = []
        if recorded_name != offered_name:
            what.append(f"it is recorded as {recorded_name!r} and now called {offered_name!r}")
        if recorded_digest != offered_digest:
            what.append("it is recorded with another input")
        super().__init__(f"step {key!r} has changed: {' and '.join(what) or 'see the journal'}")
        self.key = key
        self.recorded_name = recorded_name
        self.offered_name = offered_name
        self.recorded_digest = recorded_digest
        self.offered_digest = offered_digest


class Fenced(StepwellError):
    """A newer holder has the run. Stop: whatever this process does now is not recorded."""


class AttemptSuperseded(Fenced):
    """A newer attempt of the step exists; this one counted as lost."""


class OutcomeConflict(StepwellError):
    """Another outcome of the step is recorded already; ask for it by beginning the step."""


class RunEnded(StepwellError):
    """The run has ended. `state` is "completed" or "failed", `result` or `failure` how."""

    def __init__(
        self,
        message: str = "the run has ended",
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        state: str = "",
        result: Any = None,
        failure: StepFailure | None = None,
    ) -> None:
        super().__init__(message, reason=reason, metadata=metadata)
        self.state = state
        self.result = result
        self.failure = failure


class Misconfigured(StepwellError):
    """The sidecar's set-up does not allow this, or this is not a Stepwell sidecar."""


class Corrupt(StepwellError):
    """Stored bytes fail their checksum. Call a person."""


class StepFailed(StepwellError):
    """The step has failed for good: attempts spent, not retryable, or given up."""

    def __init__(self, key: str, failure: StepFailure) -> None:
        super().__init__(f"step {key!r} failed: {failure.type}: {failure.message}")
        self.key = key
        self.failure = failure

    @property
    def type(self) -> str:
        """The failure's stable name, such as "RateLimitError"."""
        return self.failure.type

    @property
    def details(self) -> Any:
        """What the step said beyond its message."""
        return self.failure.details


class StepInDoubt(StepwellError):
    """Nobody knows whether the step happened, and nothing could find out.

    The run stays open. Give the step a `reconcile`, or let a person resolve it.
    """

    def __init__(self, doubt: Doubt) -> None:
        super().__init__(
            f"step {doubt.key!r} is in doubt ({doubt.attempts} begun): {doubt.reason.value}"
        )
        self.doubt = doubt
        self.key = doubt.key


class StepFailure(NamedTuple):
    """How an attempt, a step or a run failed."""

    type: str
    message: str
    details: Any = None
    non_retryable: bool = False


class NonRetryable(StepwellError):
    """Raise inside a step: it failed, and no retry will help.

    `type` is recorded as the failure's stable name; without it the name of the
    exception this was raised from is taken, or of this class.
    """

    def __init__(
        self,
        message: str = "",
        *,
        type: str = "",  # noqa: A002
        details: Any = None,
    ) -> None:
        super().__init__(message)
        self.type = type
        self.details = details


class OutcomeUnknown(StepwellError):
    """Raise inside a step: it ended, and nobody can know whether the effect took place."""


class RunFailed(StepwellError):
    """Raise inside a run: ends the run as failed, and goes on out of the `with`."""

    def __init__(
        self,
        message: str = "",
        *,
        type: str = "RunFailed",  # noqa: A002
        details: Any = None,
    ) -> None:
        super().__init__(message)
        self.type = type
        self.details = details


REASONS: dict[str, type[StepwellError]] = {
    "INVALID_FIELD": InvalidArgument,
    "RUN_NOT_FOUND": NotFound,
    "STEP_NOT_FOUND": NotFound,
    "RUN_CONFLICT": RunConflict,
    "OUTCOME_CONFLICT": OutcomeConflict,
    "RUN_ENDED": RunEnded,
    "STEP_NOT_IN_DOUBT": NotInDoubt,
    "NO_OBJECT_STORE": Misconfigured,
    "LEASE_FENCED": Fenced,
    "ATTEMPT_SUPERSEDED": AttemptSuperseded,
    "TOO_MANY_OPEN_STEPS": ResourceExhausted,
    "TOO_MANY_OPEN_RUNS": ResourceExhausted,
    "QUEUE_FULL": ResourceExhausted,
    "JOURNAL_FULL": ResourceExhausted,
    "BACKLOG_FULL": ResourceExhausted,
    "MESSAGE_TOO_LARGE": ResourceExhausted,
    "RESTORING": Unavailable,
    "DRAINING": Unavailable,
    "CORRUPT": Corrupt,
    "STORAGE_FAILED": Unavailable,
    "JOURNAL_LOCKED": Misconfigured,
    "JOURNAL_TOO_NEW": Misconfigured,
    "CONFIGURATION": Misconfigured,
    "OWNER_FENCED": Fenced,
    "JOURNAL_RETIRED": Misconfigured,
    "STORE_UNAVAILABLE": Unavailable,
    "STORE_REFUSED": Misconfigured,
    "STORE_UNSAFE": Misconfigured,
    "NO_MEMORY": ResourceExhausted,
    "CANCELLED": StepwellError,
    "NOT_LOADED": StepwellError,
}

# For answers that carry no reason we know: from a proxy, from the transport, from a newer sidecar.
_CODES: dict[grpc.StatusCode, type[StepwellError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: RunConflict,
    grpc.StatusCode.FAILED_PRECONDITION: Misconfigured,
    grpc.StatusCode.ABORTED: Fenced,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.CANCELLED: Unavailable,
    grpc.StatusCode.OUT_OF_RANGE: InvalidArgument,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: Unavailable,
    grpc.StatusCode.UNIMPLEMENTED: Misconfigured,
    grpc.StatusCode.UNAUTHENTICATED: Misconfigured,
    grpc.StatusCode.PERMISSION_DENIED: Misconfigured,
    grpc.StatusCode.DATA_LOSS: Corrupt,
}

# Some transports end a call like this when the peer dies under it.
_BROKEN_CODES = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED)
_BROKEN_WORDS = ("RST_STREAM", "Stream removed", "GOAWAY", "Socket closed", "Broken pipe", "reset")


class Refusal(NamedTuple):
    """A failed call, read: the error to raise, and whether and when to ask again."""

    error: StepwellError
    retry: bool
    after_s: float


class Details(NamedTuple):
    """What grpc-status-details-bin says."""

    reason: str
    metadata: dict[str, str]
    after_s: float
    """0: no retry delay was given."""


def read_details(data: bytes) -> Details:
    """Reads a serialised google.rpc.Status; raises DecodeError for anything else."""
    reason, after_s = "", 0.0
    metadata: dict[str, str] = {}
    for detail in status_pb2.Status.FromString(data).details:
        kind = detail.type_url.rpartition("/")[2]
        if kind == "google.rpc.ErrorInfo":
            info = status_pb2.ErrorInfo.FromString(detail.value)
            reason = info.reason
            metadata.update(info.metadata)
        elif kind == "google.rpc.RetryInfo":
            delay = status_pb2.RetryInfo.FromString(detail.value).retry_delay
            after_s = delay.seconds + delay.nanos / 1e9
        elif kind == "google.rpc.BadRequest":
            violations = status_pb2.BadRequest.FromString(detail.value).field_violations
            for violation in violations:
                metadata.setdefault("field", violation.field)
    return Details(reason, metadata, after_s)


def _details_of(trailers: Any) -> Details:
    for name, value in trailers or ():
        if name == "grpc-status-details-bin" and isinstance(value, bytes):
            # Not a google.rpc.Status: somebody between us and the sidecar wrote it.
            with contextlib.suppress(DecodeError):
                return read_details(value)
    return Details("", {}, 0.0)


def read_rpc_error(error: grpc.RpcError) -> Refusal:
    """Maps what gRPC raised, sync or asyncio, to an error of ours."""
    code = error.code()
    text = error.details() or code.name
    reason, metadata, after_s = _details_of(error.trailing_metadata())
    broken = not reason and code in _BROKEN_CODES and any(word in text for word in _BROKEN_WORDS)
    kind = Unavailable if broken else REASONS.get(reason) or _CODES.get(code, StepwellError)
    retry = (
        broken
        or code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
        or (code is grpc.StatusCode.RESOURCE_EXHAUSTED and after_s > 0)
    )
    return Refusal(kind(text, reason=reason, metadata=metadata), retry, after_s)
