# SPDX-License-Identifier: Apache-2.0
"""begin() and complete(), for programs that act elsewhere."""

import pytest

import stepwell
from stepwell import NONE, Execute, InDoubt, Replay, StepState, Wait, call

pytestmark = pytest.mark.server


@pytest.fixture
def run(client, run_id):
    with client.run(run_id, task="t") as run:
        yield run


def test_begin_complete_replay(run):
    verdict = run.begin("s", input=[1], effect=NONE, name="n")
    assert isinstance(verdict, Execute)
    verdict.step.usage(input_tokens=3)
    done = run.complete(verdict.step, {"v": 1})
    assert (done.state, done.next) == (StepState.COMPLETED, None)
    assert done.lsn > 0
    again = run.begin("s", input=[1], effect=NONE, name="n")
    assert again == Replay({"v": 1}, None, 1)
    with pytest.raises(stepwell.Diverged):
        run.begin("s", input=[2], effect=NONE, name="n")


def test_failure_back_off_and_the_end_of_attempts(run):
    retry = stepwell.Retry(max_attempts=2, initial=0.4)
    first = run.begin("s", effect=NONE, retry=retry)
    failed = run.complete(first.step, failure=ValueError("no"))
    assert failed.state is StepState.RETRYING
    waiting = run.begin("s", effect=NONE, retry=retry)
    assert isinstance(waiting, Wait)
    assert not waiting.held
    assert waiting.failure.type == "ValueError"
    assert waiting.not_before == pytest.approx(failed.not_before)


def test_a_second_worker_waits(run):
    run.begin("s", effect=NONE)
    assert run.begin("s", effect=NONE) == Wait(0.0, True)


def test_unknown_is_in_doubt_until_resolved(run):
    verdict = run.begin("s")
    assert run.complete(verdict.step, unknown=TimeoutError()).state is StepState.IN_DOUBT
    doubt = run.begin("s")
    assert isinstance(doubt, InDoubt)
    assert doubt.doubt.idempotency_key == verdict.step.idempotency_key
    run.resolve("s", stepwell.happened("yes"), by="test")
    assert run.begin("s").value == "yes"


def test_a_completion_begins_the_next(run):
    first = run.begin("a", effect=NONE)
    done = run.complete(first.step, 1, begin_next=call("b", len, "xyz", effect=NONE))
    assert isinstance(done.next, Execute)
    assert run.complete(done.next.step, 3).state is StepState.COMPLETED
    assert run.step("b", len, "xyz", effect=NONE) == 3


def test_exactly_one_outcome(run):
    verdict = run.begin("s", effect=NONE)
    with pytest.raises(stepwell.ProgramError, match="exactly one"):
        run.complete(verdict.step)
    with pytest.raises(stepwell.ProgramError, match="exactly one"):
        run.complete(verdict.step, 1, failure=ValueError())
    run.complete(verdict.step, None)


def test_another_outcome_conflicts(run):
    verdict = run.begin("s", effect=NONE)
    run.complete(verdict.step, 1)
    with pytest.raises(stepwell.OutcomeConflict):
        run.complete(verdict.step, failure=ValueError())
