# SPDX-License-Identifier: Apache-2.0
import dataclasses
import datetime
import enum
import uuid

import pytest

import stepwell
from stepwell._codec import encode

codec = stepwell.JsonCodec()


@dataclasses.dataclass
class Point:
    x: int
    inner: "Point | None" = None


class Colour(enum.Enum):
    RED = "red"


class Model:
    """As pydantic's."""

    def model_dump(self, mode):
        assert mode == "json"
        return {"a": 1}


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "ä", [1, [2]], {"b": 1, "a": {"c": None}}])
def test_json_goes_round(value):
    payload = codec.encode(value)
    assert payload.content_type == "application/json"
    assert codec.decode(payload) == value


@pytest.mark.parametrize("value", [b"", b"\x00\xff", bytearray(b"x"), memoryview(b"y")])
def test_bytes_go_through(value):
    payload = codec.encode(value)
    assert payload.content_type == "application/octet-stream"
    assert codec.decode(payload) == bytes(value)


def test_other_content_types_stay_payloads():
    payload = stepwell.Payload(b"<x/>", "text/xml")
    assert codec.encode(payload) is payload
    assert codec.decode(payload) is payload


def test_rich_values_become_plain():
    day = datetime.date(2026, 1, 2)
    name = uuid.UUID(int=1)
    rich = {"p": Point(1, Point(2)), "c": Colour.RED, "d": day, "u": name, "m": Model(), "t": (1,)}
    assert codec.decode(codec.encode(rich)) == {
        "p": {"x": 1, "inner": {"x": 2, "inner": None}},
        "c": "red",
        "d": "2026-01-02",
        "u": str(name),
        "m": {"a": 1},
        "t": [1],
    }


def test_canonical_sorts_and_plain_keeps_order():
    value = {"b": 1, "a": "é"}
    assert codec.encode(value, canonical=True).data == '{"a":"é","b":1}'.encode()
    assert list(codec.decode(codec.encode(value))) == ["b", "a"]


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, float("nan"), {b"k": 1}, "\ud800", {"k": b"x"}]
)
def test_what_cannot_be_carried_is_the_programs_fault(value):
    with pytest.raises(stepwell.ProgramError, match="the input of x"):
        encode(codec, value, "the input of x")


def test_recursion_is_the_programs_fault():
    value = []
    value.append(value)
    with pytest.raises(stepwell.ProgramError):
        encode(codec, value, "it")
