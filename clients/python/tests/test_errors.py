# SPDX-License-Identifier: Apache-2.0
"""What the sidecar says becomes what the caller should do."""

import pickle
import re

import grpc
import pytest
from conftest import REPOSITORY

import stepwell
from stepwell._errors import REASONS, read_rpc_error
from stepwell._proto.stepwell.error import status_pb2

PREFIX = "type.googleapis.com/google.rpc."


class Refused(grpc.RpcError):
    def __init__(self, code, text="", trailers=()):
        self._code, self._text, self._trailers = code, text, trailers

    def code(self):
        return self._code

    def details(self):
        return self._text

    def trailing_metadata(self):
        return self._trailers


def details(reason="", after_ms=0, violated="", **metadata):
    parts = []
    if reason:
        info = status_pb2.ErrorInfo(reason=reason, domain="stepwell", metadata=metadata)
        parts.append(("ErrorInfo", info))
    if after_ms:
        delay = status_pb2.RetryInfo.Delay(seconds=after_ms // 1000, nanos=after_ms % 1000 * 10**6)
        parts.append(("RetryInfo", status_pb2.RetryInfo(retry_delay=delay)))
    if violated:
        violation = status_pb2.BadRequest.FieldViolation(field=violated, description="too long")
        parts.append(("BadRequest", status_pb2.BadRequest(field_violations=[violation])))
    status = status_pb2.Status()
    for name, part in parts:
        status.details.add(type_url=PREFIX + name, value=part.SerializeToString())
    return (("grpc-status-details-bin", status.SerializeToString()),)


def test_every_reason_of_the_sidecar_is_mapped():
    table = (REPOSITORY / "storage/base/code.def").read_text()
    reasons = set(re.findall(r"^SW_CODE\((\w+)", table, re.MULTILINE)) - {"OK"}
    assert reasons == set(REASONS)


@pytest.mark.parametrize(
    ("reason", "code", "kind"),
    [
        ("INVALID_FIELD", grpc.StatusCode.INVALID_ARGUMENT, stepwell.InvalidArgument),
        ("RUN_CONFLICT", grpc.StatusCode.ALREADY_EXISTS, stepwell.RunConflict),
        ("LEASE_FENCED", grpc.StatusCode.ABORTED, stepwell.Fenced),
        ("ATTEMPT_SUPERSEDED", grpc.StatusCode.ABORTED, stepwell.Fenced),
        ("RUN_ENDED", grpc.StatusCode.FAILED_PRECONDITION, stepwell.RunEnded),
        ("CORRUPT", grpc.StatusCode.DATA_LOSS, stepwell.Corrupt),
    ],
)
def test_a_refusal_is_not_retried(reason, code, kind):
    refusal = read_rpc_error(Refused(code, "no", details(reason)))
    assert isinstance(refusal.error, kind)
    assert refusal.error.reason == reason
    assert not refusal.retry


def test_retry_info_says_when():
    refused = Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "", details("JOURNAL_FULL", 5250))
    assert read_rpc_error(refused).retry
    assert read_rpc_error(refused).after_s == pytest.approx(5.25)


def test_exhausted_without_retry_info_is_final():
    refused = Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "", details("MESSAGE_TOO_LARGE"))
    assert not read_rpc_error(refused).retry


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED])
def test_silence_is_retried(code):
    refusal = read_rpc_error(Refused(code))
    assert isinstance(refusal.error, stepwell.Unavailable)
    assert refusal.retry


def test_a_broken_stream_is_silence():
    refusal = read_rpc_error(Refused(grpc.StatusCode.UNKNOWN, "Stream removed"))
    assert isinstance(refusal.error, stepwell.Unavailable)
    assert refusal.retry


def test_a_reason_of_a_newer_sidecar_falls_back_to_its_code():
    refusal = read_rpc_error(Refused(grpc.StatusCode.NOT_FOUND, "", details("TIMER_NOT_FOUND")))
    assert isinstance(refusal.error, stepwell.NotFound)


def test_invalid_argument_names_the_field():
    code = grpc.StatusCode.INVALID_ARGUMENT
    by_info = read_rpc_error(Refused(code, "", details("INVALID_FIELD", field="key")))
    by_request = read_rpc_error(Refused(code, "", details("INVALID_FIELD", violated="key")))
    assert by_info.error.field == by_request.error.field == "key"


def test_a_foreign_trailer_is_ignored():
    refused = Refused(grpc.StatusCode.NOT_FOUND, "", (("grpc-status-details-bin", b"\xff\xff"),))
    assert isinstance(read_rpc_error(refused).error, stepwell.NotFound)


def test_errors_survive_pickling():
    doubt = stepwell.Doubt("k", 1, "i")
    failure = stepwell.StepFailure("T", "m", {"a": 1})
    for error in (
        stepwell.StepInDoubt(doubt),
        stepwell.StepFailed("k", failure),
        stepwell.Diverged("k", recorded_name="a", offered_name="b"),
        stepwell.RunEnded(result=3),
        stepwell.Unavailable("x", reason="DRAINING"),
    ):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert copy.__dict__ == error.__dict__
