# SPDX-License-Identifier: Apache-2.0
"""What both clients must agree on: clients/testdata. The twin is testdata.test.mjs."""

import hashlib
import json
import pathlib
import re
from types import SimpleNamespace

import grpc
import pytest

import stepwell
from stepwell._attempt import Attempt, Offer
from stepwell._base import BaseRun
from stepwell._channel import resolve_address
from stepwell._errors import StepFailure, read_rpc_error
from stepwell._proto.stepwell.error import status_pb2
from stepwell._proto.stepwell.v1 import types_pb2 as types
from stepwell._wire import failure_to_pb, retry_to_pb

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "testdata"
CODEC = stepwell.JsonCodec()
CODES = {code.value[0]: code for code in grpc.StatusCode}


def vectors(name):
    rows = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["vectors"]
    return pytest.mark.parametrize("row", rows, ids=[str(i) for i in range(len(rows))])


@vectors("values")
def test_values(row):
    value = bytes.fromhex(row["bytes"]) if "bytes" in row else row["value"]
    stored = CODEC.encode(value)
    compared = CODEC.encode(value, canonical=True)
    assert stored.content_type == compared.content_type == row["content_type"]
    assert hashlib.sha256(compared.data).hexdigest() == row["digest"]
    assert compared.data.decode() == row["canonical"] if "canonical" in row else True
    assert stored.data.decode() == row["plain"] if "plain" in row else True
    assert CODEC.decode(stored) == value


@vectors("payloads")
def test_payloads(row):
    value = CODEC.decode(stepwell.Payload(row["text"].encode(), row["content_type"]))
    assert value == (bytes.fromhex(row["bytes"]) if "bytes" in row else row.get("value"))
    assert (value is None) == row.get("nothing", False)


@vectors("addresses")
def test_addresses(row, monkeypatch):
    monkeypatch.delenv("STEPWELL_ADDR", raising=False)
    if row["environment"] is not None:
        monkeypatch.setenv("STEPWELL_ADDR", row["environment"])
    if row["target"] is None:
        with pytest.raises(stepwell.ProgramError):
            resolve_address(row["given"])
    else:
        assert resolve_address(row["given"]) == row["target"]


class Refused(grpc.RpcError):
    """As grpcio raises it."""

    def __init__(self, row):
        status = status_pb2.Status()
        if row["reason"]:
            info = status_pb2.ErrorInfo(reason=row["reason"])
            status.details.add(type_url="t/google.rpc.ErrorInfo", value=info.SerializeToString())
        if row["retry_after_ms"]:
            retry = status_pb2.RetryInfo()
            retry.retry_delay.seconds, ms = divmod(row["retry_after_ms"], 1000)
            retry.retry_delay.nanos = ms * 10**6
            status.details.add(type_url="t/google.rpc.RetryInfo", value=retry.SerializeToString())
        self.row, self.status = row, status

    def code(self):
        return CODES[self.row["code"]]

    def details(self):
        return "why"

    def trailing_metadata(self):
        return (("grpc-status-details-bin", self.status.SerializeToString()),)


@vectors("errors")
def test_errors(row):
    refusal = read_rpc_error(Refused(row))
    kind = getattr(stepwell, row["error"])
    assert isinstance(refusal.error, kind)
    assert kind is not stepwell.StepwellError or type(refusal.error) is kind
    assert refusal.retry == row["retry"] if "retry" in row else True
    assert refusal.after_s * 1000 == pytest.approx(row["retry_after_ms"])


def test_errors_are_those_of_the_contract():
    table = (FOLDER.parents[1] / "storage/base/code.def").read_text("utf-8")
    rows = json.loads((FOLDER / "errors.json").read_text("utf-8"))["vectors"]
    known = [(r["reason"], str(r["code"]), str(r["retry_after_ms"])) for r in rows]
    table = re.findall(r"^SW_CODE\((\w+),\s*(\d+),\s*(\d+)", table, re.MULTILINE)
    assert {row for row in table if row[0] != "OK"} - set(known) == set()


@vectors("failures")
def test_failures(row):
    given = StepFailure(row["type"][0] * row["type"][1], row["message"][0] * row["message"][1])
    recorded = failure_to_pb(CODEC, given)
    assert recorded.type == row["recorded_type"]
    assert len(recorded.message.encode()) == row["recorded_message_bytes"]


@vectors("retries")
def test_retries(row):
    policy = retry_to_pb(
        stepwell.Retry(
            max_attempts=row["max_attempts"],
            initial=row["initial_ms"] / 1000,
            factor=row["factor"],
            cap=row["cap_ms"] / 1000,
            jitter=row["jitter"],
        )
    )
    assert {name: getattr(policy, name) for name in row["wire"]} == row["wire"]


def told(verdict):
    """What begin() answers, without a run: it only needs a codec."""
    run = SimpleNamespace(_client=SimpleNamespace(codec=CODEC))
    run._replay = BaseRun._replay.__get__(run)
    offer = Offer(stepwell.call("k", lambda: None), None)
    return BaseRun._verdict(run, Attempt(offer, 0), verdict)


def plain(failure):
    names = ("type", "message", "details", "non_retryable")
    return None if failure is None else dict(zip(names, failure, strict=True))


@vectors("verdicts")
def test_verdicts(row):
    verdict = types.Verdict.FromString(bytes.fromhex(row["wire"]))
    if row["kind"] == "diverged":
        with pytest.raises(stepwell.Diverged) as caught:
            told(verdict)
        assert caught.value.recorded_name == row["recorded_name"]
        assert caught.value.recorded_digest.hex() == row["recorded_digest"]
        assert caught.value.offered_digest.hex() == row["offered_digest"]
        return
    answer = told(verdict)
    if row["kind"] == "replay":
        assert isinstance(answer, stepwell.Replay)
        assert (answer.attempt, answer.value) == (row["attempt"], row.get("value"))
        assert answer.accepted_divergence == row["accepted_divergence"]
        assert plain(answer.failure) == row.get("failure")
    elif row["kind"] == "wait":
        assert isinstance(answer, stepwell.Wait)
        assert answer.held == row["held"]
        assert answer.not_before == pytest.approx(row["not_before_ms"] / 1000)
        assert plain(answer.failure) == row.get("failure")
    else:
        assert isinstance(answer, stepwell.InDoubt)
        assert_doubt(answer.doubt, row["doubt"])


def assert_doubt(doubt, row):
    assert doubt.attempts == row["attempts"]
    assert doubt.idempotency_key == row["idempotency_key"]
    assert list(doubt.external_refs) == row["external_refs"]
    assert doubt.progress == row.get("progress")
    assert doubt.holder == row["holder"]
    assert doubt.begun == pytest.approx(row["begun_ms"] / 1000)
    assert doubt.reason.name == row["reason"]
