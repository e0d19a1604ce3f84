# SPDX-License-Identifier: Apache-2.0
"""Public values to messages and back. Generated code goes no further than its callers."""

from __future__ import annotations

from typing import Any

from stepwell._codec import Codec, encode
from stepwell._errors import Diverged, NonRetryable, RunFailed, StepFailure
from stepwell._proto.stepwell.v1 import types_pb2 as pb
from stepwell._values import (
    Doubt,
    DoubtReason,
    Payload,
    Resolution,
    Retry,
    RunInfo,
    Usage,
    milliseconds,
)

TYPE_BYTES_MAX = 128
MESSAGE_BYTES_MAX = 8192
RUN_STATES = {
    pb.RUN_STATE_RUNNING: "running",
    pb.RUN_STATE_COMPLETED: "completed",
    pb.RUN_STATE_FAILED: "failed",
}
_DOUBT_REASONS = {
    pb.DOUBT_REASON_HOLDER_GONE: DoubtReason.HOLDER_GONE,
    pb.DOUBT_REASON_TIMED_OUT: DoubtReason.TIMED_OUT,
    pb.DOUBT_REASON_REPORTED: DoubtReason.REPORTED,
}


def payload_to_pb(payload: Payload) -> pb.Payload:
    """As it is."""
    return pb.Payload(data=payload.data, content_type=payload.content_type)


def value_from_pb(codec: Codec, message: Any, name: str) -> Any:
    """The decoded payload in a field; None where the field is absent."""
    if not message.HasField(name):
        return None
    payload = getattr(message, name)
    return codec.decode(Payload(payload.data, payload.content_type))


def _cut(text: str, bytes_max: int) -> str:
    """At most so many bytes of UTF-8, whole characters only."""
    try:
        data = text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, as a cut text of another program has it
        data = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    return data[:bytes_max].decode("utf-8", "ignore")


def failure_to_pb(codec: Codec, failure: StepFailure) -> pb.Failure:
    """What is too long for the contract is cut: a failure must always be recordable."""
    message = pb.Failure(
        type=_cut(failure.type or "Error", TYPE_BYTES_MAX),
        message=_cut(failure.message, MESSAGE_BYTES_MAX),
        non_retryable=failure.non_retryable,
    )
    if failure.details is not None:
        details = encode(codec, failure.details, "the details of a failure")
        message.details.CopyFrom(payload_to_pb(details))
    return message


def failure_from_pb(codec: Codec, failure: pb.Failure) -> StepFailure:
    """Details decoded."""
    details = value_from_pb(codec, failure, "details")
    return StepFailure(failure.type, failure.message, details, failure.non_retryable)


def failure_of(error: BaseException | StepFailure, retry: Retry | None = None) -> StepFailure:
    """What an exception says about a failure."""
    if isinstance(error, StepFailure):
        return error
    if isinstance(error, (NonRetryable, RunFailed)):
        cause = error.__cause__
        name = error.type or type(error if cause is None else cause).__name__
        return StepFailure(name, error.message or str(cause or ""), error.details, True)
    forbidden = retry is not None and retry.forbids(error)
    return StepFailure(type(error).__name__, str(error), None, forbidden)


def retry_to_pb(retry: Retry) -> pb.RetryPolicy:
    """Classes by name; their subclasses are found out when they are raised. No delay is the
    shortest one: on the wire 0 means the default.
    """
    names = [kind if isinstance(kind, str) else kind.__name__ for kind in retry.non_retryable]
    return pb.RetryPolicy(
        max_attempts=retry.max_attempts,
        initial_ms=max(1, milliseconds(retry.initial)),
        factor=retry.factor,
        cap_ms=max(1, milliseconds(retry.cap)),
        jitter=retry.jitter,
        non_retryable_types=names,
    )


def usage_to_pb(usage: Usage) -> pb.Usage | None:
    """None when nothing was used."""
    if usage == Usage():
        return None
    return pb.Usage(
        input_tokens=usage.input_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        output_tokens=usage.output_tokens,
        cost_micros=usage.cost_micros,
    )


def doubt_from_pb(codec: Codec, key: str, doubt: pb.InDoubt) -> Doubt:
    """Progress decoded, times in seconds."""
    return Doubt(
        key=key,
        attempts=doubt.attempts,
        idempotency_key=doubt.idempotency_key,
        external_refs=tuple(doubt.external_refs),
        progress=value_from_pb(codec, doubt, "progress"),
        holder=doubt.holder,
        begun=doubt.begun_ms / 1000,
        reason=_DOUBT_REASONS.get(doubt.reason, DoubtReason.UNSPECIFIED),
    )


def resolution_to_pb(codec: Codec, resolution: Resolution) -> pb.Resolution:
    """One of three."""
    if resolution.verb == "happened":
        value = encode(codec, resolution.value, "the value of happened()")
        return pb.Resolution(happened=payload_to_pb(value))
    if resolution.verb == "did_not_happen":
        return pb.Resolution(did_not_happen=pb.DidNotHappen())
    assert resolution.failure is not None
    return pb.Resolution(give_up=failure_to_pb(codec, resolution.failure))


def diverged_from_pb(key: str, diverged: pb.Diverged) -> Diverged:
    """As the error it is."""
    return Diverged(
        key,
        recorded_name=diverged.recorded_name,
        offered_name=diverged.offered_name,
        recorded_digest=diverged.recorded_digest,
        offered_digest=diverged.offered_digest,
    )


def run_from_pb(codec: Codec, run: pb.Run, *, created: bool = False) -> RunInfo:
    """Input, result and failure decoded."""
    return RunInfo(
        run_id=run.run_id,
        task=run.task,
        state=RUN_STATES.get(run.state, "unknown"),
        input=value_from_pb(codec, run, "input"),
        labels=dict(run.labels),
        code_version=run.code_version,
        result=value_from_pb(codec, run, "result"),
        failure=failure_from_pb(codec, run.failure) if run.HasField("failure") else None,
        created=created,
    )
