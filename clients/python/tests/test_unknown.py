# SPDX-License-Identifier: Apache-2.0
"""After which exceptions a step of effect ONCE is in doubt."""

import asyncio
import urllib.error

import grpc
import pytest

from stepwell import looks_unknown


class ReadTimeout(Exception):
    """As httpx and requests have it."""


class APIConnectionError(Exception):
    """As openai and anthropic have it."""


class ServerDisconnectedError(Exception):
    """As aiohttp has it."""


class RpcError(grpc.RpcError):
    def __init__(self, code):
        self._code = code

    def code(self):
        return self._code


RpcError.__module__ = "grpc._channel"


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        asyncio.TimeoutError(),
        ConnectionResetError(),
        BrokenPipeError(),
        ReadTimeout(),
        APIConnectionError(),
        ServerDisconnectedError(),
        RpcError(grpc.StatusCode.UNAVAILABLE),
    ],
    ids=lambda error: type(error).__name__,
)
def test_lost_connections_and_time_running_out(error):
    assert looks_unknown(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        KeyError("timeout"),
        PermissionError(),
        ConnectionRefusedError(),
        RpcError(grpc.StatusCode.INVALID_ARGUMENT),
        urllib.error.HTTPError("", 400, "", {}, None),
    ],
    ids=lambda error: type(error).__name__,
)
def test_answers_are_answers(error):
    assert not looks_unknown(error)


def caught(function):
    try:
        function()
    except Exception as error:
        return error
    return None


def test_a_wrapped_timeout_counts():
    def wrap():
        raise RuntimeError("failed") from TimeoutError()

    assert looks_unknown(caught(wrap))


def test_an_error_met_while_handling_a_timeout_counts():
    def retry_inside():
        try:
            raise TimeoutError
        except TimeoutError:
            raise ValueError("the second try was refused")  # noqa: B904

    assert looks_unknown(caught(retry_inside))


def test_what_was_handled_before_the_step_does_not_count():
    outer = TimeoutError()

    def act():
        try:
            raise outer
        except TimeoutError:
            raise ValueError  # noqa: B904

    assert not looks_unknown(caught(act), outer)
