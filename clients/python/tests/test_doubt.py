# SPDX-License-Identifier: Apache-2.0
"""Steps of effect ONCE whose outcome nobody knows."""

import pytest
from conftest import crashed

import stepwell
from stepwell import NONE, ONCE, did_not_happen, give_up, happened

pytestmark = pytest.mark.server


class Interrupted(BaseException):
    """Ends a program in the middle of a step."""


def die(step):
    step.note("ref-1", progress={"sent": 1})
    raise Interrupted


def leave_in_doubt(client, run_id, key="pay"):
    with pytest.raises(Interrupted), client.run(run_id, task="t") as run:
        run.step(key, die)


def test_without_reconcile_it_says_so(client, run_id):
    leave_in_doubt(client, run_id)

    def again(run):
        with pytest.raises(stepwell.StepInDoubt) as caught:
            run.step("pay", die)
        doubt = caught.value.doubt
        assert (doubt.key, doubt.attempts, doubt.external_refs) == ("pay", 1, ("ref-1",))
        assert doubt.progress == {"sent": 1}
        assert doubt.reason is stepwell.DoubtReason.HOLDER_GONE
        assert doubt.holder
        assert doubt.begun > 0

    crashed(client, run_id, again)
    crashed(client, run_id, again)


def test_it_happened(client, run_id):
    leave_in_doubt(client, run_id)
    with client.run(run_id, task="t") as run:
        look_up = lambda doubt: happened({"id": doubt.external_refs[0]})  # noqa: E731
        assert run.step("pay", die, reconcile=look_up) == {"id": "ref-1"}
        assert run.step("pay", die) == {"id": "ref-1"}


def test_it_did_not_happen(client, run_id):
    leave_in_doubt(client, run_id)
    keys = []

    def reconcile(doubt):
        keys.append(doubt.idempotency_key)
        return did_not_happen()

    def pay(step):
        keys.append(step.idempotency_key)
        return step.attempt

    with client.run(run_id, task="t") as run:
        assert run.step("pay", pay, name="die", reconcile=reconcile) == 2
    assert keys[0] == keys[1]


def test_nobody_will_find_out(client, run_id):
    leave_in_doubt(client, run_id)

    def reconcile(doubt):
        return give_up("the provider forgot", type="Lost")

    with client.run(run_id, task="t") as run, pytest.raises(stepwell.StepFailed) as failed:
        run.step("pay", die, reconcile=reconcile)
    assert failed.value.type == "Lost"


def test_a_reconcile_that_raises_leaves_the_doubt(client, run_id):
    leave_in_doubt(client, run_id)

    def reconcile(doubt):
        raise OSError("provider down")

    def again(run):
        with pytest.raises(stepwell.StepInDoubt) as caught:
            run.step("pay", die, reconcile=reconcile)
        assert isinstance(caught.value.__cause__, OSError)

    crashed(client, run_id, again)


def test_a_reconcile_must_decide(client, run_id):
    leave_in_doubt(client, run_id)
    with client.run(run_id, task="t") as run:
        with pytest.raises(stepwell.ProgramError, match="must return"):
            run.step("pay", die, reconcile=lambda doubt: True)


@pytest.mark.parametrize(
    "error", [TimeoutError(), ConnectionResetError(), stepwell.OutcomeUnknown()]
)
def test_an_unknown_outcome_is_reconciled_at_once(client, run_id, error):
    def act(step):
        if step.attempt == 1:
            raise error
        return "sent"

    seen = []

    def reconcile(doubt):
        seen.append(doubt.reason)
        return did_not_happen()

    with client.run(run_id, task="t") as run:
        assert run.step("s", act, effect=ONCE, reconcile=reconcile) == "sent"
    assert seen == [stepwell.DoubtReason.REPORTED]


def test_an_unknown_outcome_without_reconcile(client, run_id):
    def act():
        raise TimeoutError("who knows")

    with client.run(run_id, task="t") as run, pytest.raises(stepwell.StepInDoubt) as caught:
        run.step("s", act)
    assert isinstance(caught.value.__cause__, TimeoutError)


def test_unknown_on_is_the_programs_choice(client, run_id):
    def act():
        raise TimeoutError

    def lost():
        raise LookupError

    with client.run(run_id, task="t") as run:
        with pytest.raises(stepwell.StepFailed):
            run.step("none", act, unknown_on=())
        with pytest.raises(stepwell.StepInDoubt):
            run.step("types", lost, unknown_on=(LookupError,))
        with pytest.raises(stepwell.StepInDoubt):
            run.step("test", lost, unknown_on=lambda error: True)


def test_a_timeout_of_what_may_be_repeated_is_a_failure(client, run_id):
    def act(step):
        if step.attempt == 1:
            raise TimeoutError
        return step.attempt

    with client.run(run_id, task="t") as run:
        retry = stepwell.Retry(max_attempts=2, initial=0.01)
        assert run.step("s", act, effect=NONE, retry=retry) == 2


def test_once_interrupted_here_is_in_doubt_here_too(client, run_id):
    """The same process may catch the interruption and come again: not a second effect."""
    calls = []

    def act():
        calls.append(1)
        raise Interrupted

    with client.run(run_id, task="t") as run:
        with pytest.raises(Interrupted):
            run.step("s", act)
        with pytest.raises(stepwell.StepInDoubt):
            run.step("s", act)
        assert run.step("s", act, reconcile=lambda doubt: happened("it did")) == "it did"
    assert calls == [1]


def test_a_result_of_once_that_cannot_be_recorded_is_in_doubt(client, run_id):
    with client.run(run_id, task="t") as run:
        with pytest.raises(stepwell.ProgramError):
            run.step("s", object)
        assert run.step("s", object, reconcile=lambda doubt: happened(1)) == 1


def test_doubt_that_never_ends_needs_a_person(client, run_id):
    calls = []

    def act():
        calls.append(1)
        raise TimeoutError

    with client.run(run_id, task="t") as run, pytest.raises(stepwell.StepInDoubt):
        run.step("s", act, reconcile=lambda doubt: did_not_happen())
    assert 1 < len(calls) < 20


def test_a_step_can_be_resolved_by_hand(client, run_id):
    leave_in_doubt(client, run_id)
    with client.run(run_id, task="t") as run:
        assert run.resolve("pay", happened(3), by="jane") is stepwell.StepState.COMPLETED
        assert run.step("pay", die) == 3
        with pytest.raises(stepwell.NotInDoubt):
            run.resolve("pay", did_not_happen(), by="jane")
        with pytest.raises(stepwell.NotFound):
            run.resolve("no such", happened(), by="jane")
