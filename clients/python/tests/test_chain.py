# SPDX-License-Identifier: Apache-2.0
"""Chains: each step begun in the call that records its predecessor."""

import pytest
from conftest import crashed

import stepwell
from stepwell import NONE, call, result_of
from stepwell._rpc import BEGIN_STEP, COMPLETE_STEP

pytestmark = pytest.mark.server


def links(calls, effect=NONE):
    def act(name, *args):
        calls.append(name)
        return [name, *args]

    return [
        call("a", lambda: act("a"), effect=effect),
        call("b", lambda a: act("b", a), result_of("a"), effect=effect),
        call("c", lambda a, b: act("c", a, b), result_of("a"), result_of("b"), effect=effect),
    ]


VALUES = [["a"], ["b", ["a"]], ["c", ["a"], ["b", ["a"]]]]


class Counted:
    """Counts the calls of a client by method."""

    def __init__(self, client):
        self.calls = []
        self._once = client._io.call_once
        client._io.call_once = self

    async def __call__(self, rpc, request, timeout_s):
        self.calls.append(rpc)
        return await self._once(rpc, request, timeout_s)


def test_a_chain_gives_the_values_and_saves_round_trips(client, run_id):
    calls = []
    with client.run(run_id, task="t") as run:
        counted = Counted(client)
        assert run.chain(links(calls)) == VALUES
    assert calls == ["a", "b", "c"]
    assert counted.calls.count(BEGIN_STEP) == 1
    assert counted.calls.count(COMPLETE_STEP) == 3


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_chain_goes_on_where_it_stopped(client, run_id, done):
    calls = []
    crashed(client, run_id, lambda run: run.chain(links(calls)[:done]))
    with client.run(run_id, task="t") as run:
        assert run.chain(links(calls)) == VALUES
    assert calls == ["a", "b", "c"]


def test_a_chain_replays_here_too(client, run_id):
    calls = []
    with client.run(run_id, task="t") as run:
        assert run.chain(links(calls)) == VALUES
        assert run.chain(links(calls)) == VALUES
    assert calls == ["a", "b", "c"]


def test_a_link_that_fails_is_retried_and_then_ends_the_chain(client, run_id):
    attempts = []

    def fail(step):
        attempts.append(step.attempt)
        raise ValueError("no")

    retry = stepwell.Retry(max_attempts=2, initial=0.01)
    with client.run(run_id, task="t") as run, pytest.raises(stepwell.StepFailed):
        run.chain([call("a", int, effect=NONE), call("b", fail, effect=NONE, retry=retry)])
    assert attempts == [1, 2]


def test_an_outcome_is_recorded_although_the_next_link_is_wrong(client, run_id):
    calls = []
    bad = call("b", lambda it: it, object(), effect=NONE)
    too_long = call("k" * 300, int, effect=NONE)
    with client.run(run_id, task="t") as run:
        for wrong in (bad, too_long):
            with pytest.raises(stepwell.ProgramError):
                run.chain([call("a", lambda: calls.append(1), effect=NONE), wrong])
    assert calls == [1]


def test_a_link_left_open_is_taken_up_again(client, run_id):
    class Interrupted(BaseException):
        pass

    calls = []

    def act():
        calls.append(1)
        if len(calls) == 1:
            raise Interrupted
        return "b"

    steps = [call("a", int, effect=NONE), call("b", act, effect=NONE)]
    with client.run(run_id, task="t") as run:
        with pytest.raises(Interrupted):
            run.chain(steps)
        assert run.chain(steps) == [0, "b"]


def test_links_must_make_sense(client, run_id):
    with client.run(run_id, task="t") as run:
        with pytest.raises(stepwell.ProgramError, match="same key"):
            run.chain([call("a", int), call("a", int)])
        with pytest.raises(stepwell.ProgramError, match="no earlier link"):
            run.chain([call("a", int, result_of("z"))])
        assert run.chain([]) == []
