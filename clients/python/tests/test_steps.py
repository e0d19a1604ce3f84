# SPDX-License-Identifier: Apache-2.0
"""One step at a time: what a function is given, what is recorded, how it fails and retries."""

import dataclasses
import functools
import threading
import time

import pytest
from conftest import crashed, get_run

import stepwell
from stepwell import IDEMPOTENT, NONE

pytestmark = pytest.mark.server
QUICK = stepwell.Retry(max_attempts=3, initial=0.01)


@dataclasses.dataclass
class Page:
    title: str


@pytest.fixture
def run(client, run_id):
    with client.run(run_id, task="t") as run:
        yield run


def test_a_step_sees_its_attempt(run):
    def act(text, step):
        assert stepwell.current_step() is step
        assert (step.key, step.attempt, step.external_refs) == ("k", 1, ())
        assert len(step.idempotency_key) == 36
        assert step.fencing_token > 0
        assert 0 < step.time_left() <= 30
        return text

    assert run.step("k", act, "hello", timeout=30) == "hello"
    with pytest.raises(stepwell.ProgramError):
        stepwell.current_step()


def test_the_context_finds_its_place(run):
    assert run.step("first", lambda step, a: [step.key, a], 1) == ["first", 1]
    assert run.step("last", lambda a, step: [step.key, a], 1) == ["last", 1]
    assert run.step("named", lambda a, *, step: [step.key, a], 1) == ["named", 1]
    assert run.step("middle", lambda a, step, b: [a, step.key, b], 1, 2) == [1, "middle", 2]


def test_a_value_is_the_same_now_and_when_replayed(run):
    assert run.step("tuple", lambda: (1, 2)) == [1, 2]
    assert run.step("tuple", lambda: (1, 2)) == [1, 2]
    assert run.step("bytes", lambda: b"\x00\x01") == b"\x00\x01"
    assert run.step("none", lambda: None) is None
    assert run.step("plain", lambda: Page("x")) == {"title": "x"}
    assert run.step("rich", lambda: Page("x"), returns=Page) == Page("x")
    assert run.step("rich", lambda: Page("y"), returns=Page) == Page("x")


def test_a_failure_is_retried(run):
    attempts = []

    def act(step):
        attempts.append((step.attempt, step.idempotency_key))
        if step.attempt < 3:
            raise ValueError("not yet")
        return "done"

    assert run.step("s", act, effect=IDEMPOTENT, retry=QUICK) == "done"
    assert [number for number, _ in attempts] == [1, 2, 3]
    assert len({key for _, key in attempts}) == 1


def test_no_delay_means_none(run):
    def act(step):
        if step.attempt < 5:
            raise ValueError
        return step.attempt

    started = time.monotonic()
    assert run.step("s", act, effect=NONE, retry=stepwell.Retry(5, initial=0)) == 5
    assert time.monotonic() - started < 1


def test_attempts_are_spent(client, run, run_id):
    def act():
        raise ValueError("never")

    with pytest.raises(stepwell.StepFailed) as failed:
        run.step("s", act, effect=NONE, retry=QUICK)
    assert (failed.value.key, failed.value.type) == ("s", "ValueError")
    assert isinstance(failed.value.__cause__, ValueError)
    with pytest.raises(stepwell.StepFailed, match="never"):
        run.step("s", lambda: "other", effect=NONE, name="act")


def test_once_is_not_retried_by_default(run):
    calls = []

    def act():
        calls.append(1)
        raise ValueError

    with pytest.raises(stepwell.StepFailed):
        run.step("s", act)
    assert calls == [1]


@pytest.mark.parametrize("how", ["raised", "class", "name"])
def test_some_failures_are_final(run, how):
    calls = []

    class Picky(LookupError):
        pass

    def act():
        calls.append(1)
        if how == "raised":
            raise stepwell.NonRetryable("no", type="Picky", details={"why": 1})
        raise Picky("no")

    listed = {"raised": (), "class": (LookupError,), "name": ("Picky",)}[how]
    retry = stepwell.Retry(max_attempts=5, initial=0.01, non_retryable=listed)
    with pytest.raises(stepwell.StepFailed) as failed:
        run.step("s-" + how, act, effect=NONE, retry=retry)
    assert calls == [1]
    assert failed.value.type == "Picky"
    assert failed.value.details == ({"why": 1} if how == "raised" else None)


def test_a_failure_that_is_too_long_is_cut(run):
    def act():
        raise type("E" * 300, (Exception,), {})("ä" * 9000)

    with pytest.raises(stepwell.StepFailed):
        run.step("s", act)
    with pytest.raises(stepwell.StepFailed) as failed:
        run.step("s", act)
    assert len(failed.value.type) == 128


def test_another_input_or_name_diverges(client, run_id):
    def body(run):
        run.step("s", len, "abc", effect=NONE)

    crashed(client, run_id, body)

    def again(run):
        with pytest.raises(stepwell.Diverged, match="another input"):
            run.step("s", len, "abcd", effect=NONE)
        with pytest.raises(stepwell.Diverged, match="'len'.*'sum'"):
            run.step("s", sum, "abc", effect=NONE)
        assert run.step("s", len, "abc", effect=NONE) == 3

    crashed(client, run_id, again)


def test_a_run_may_accept_divergence(client, run_id):
    accept = {"on_divergence": stepwell.OnDivergence.ACCEPT}
    crashed(client, run_id, lambda run: run.step("s", len, "abc"), **accept)
    with client.run(run_id, task="t", **accept) as run:
        assert run.step("s", len, "abcd") == 3


def test_an_input_can_be_kept_out_of_the_journal(client, run_id):
    secret = {"input": {"password": "x"}, "record_input": False, "effect": NONE}
    crashed(client, run_id, lambda run: run.step("s", lambda: 1, **secret))
    with client.run(run_id, task="t") as run:
        assert run.step("s", lambda: 2, **secret) == 1
        with pytest.raises(stepwell.Diverged):
            run.step("s", lambda: 2, **{**secret, "input": 1})


def test_key_order_of_inputs_does_not_matter(run):
    assert run.step("s", lambda: 1, input={"a": 1, "b": 2}) == 1
    assert run.step("s", lambda: 2, input={"b": 2, "a": 1}) == 1


def test_arguments_that_cannot_be_recorded_want_an_input(run):
    with pytest.raises(stepwell.ProgramError, match="input="):
        run.step("s", id, object())
    assert run.step("s", lambda it: 1, object(), input=None) == 1


def test_a_result_that_cannot_be_recorded_leaves_the_step_open(run):
    with pytest.raises(stepwell.ProgramError, match="the result of step 's'"):
        run.step("s", object, effect=NONE)
    assert run.step("s", lambda: 1, effect=NONE, name="object") == 1


def test_notes_and_usage_reach_the_sidecar(client, address, run_id):
    def act(step):
        if step.attempt == 1:
            step.note("order-7", progress={"page": 3})
            step.note("order-7")
            step.heartbeat()
            step.usage(input_tokens=10, output_tokens=2)
            step.usage(input_tokens=5, cost_micros=7)
            raise ValueError
        return [list(step.external_refs), step.progress]

    with client.run(run_id, task="t") as run:
        value = run.step("s", act, effect=IDEMPOTENT, retry=QUICK, heartbeat=60)
    assert value == [["order-7"], {"page": 3}]
    usage = get_run(address, run_id).run.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cost_micros) == (15, 2, 7)


def test_an_attempt_past_its_time_is_lost_but_may_still_complete(run):
    def act(step):
        time.sleep(0.1)
        return step.attempt

    assert run.step("s", act, effect=NONE, timeout=0.02) == 1


def test_two_workers_of_one_step_share_its_outcome(run):
    calls, values = [], []

    def act():
        calls.append(1)
        time.sleep(0.3)
        return "one"

    def work():
        values.append(run.step("s", act, effect=NONE))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (calls, values) == ([1], ["one"] * 3)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupted_step_stays_open(client, run_id, kind):
    calls = []

    def act():
        calls.append(1)
        if len(calls) == 1:
            raise kind
        return "done"

    with client.run(run_id, task="t") as run:
        with pytest.raises(kind):
            run.step("s", act, effect=IDEMPOTENT)
        assert run.step("s", act, effect=IDEMPOTENT) == "done"


def test_our_own_errors_are_not_failures_of_the_step(run):
    def act():
        run.step("inner", len, "b")

    run.step("inner", len, "a")
    with pytest.raises(stepwell.Diverged):
        run.step("outer", act, effect=NONE)
    assert run.step("outer", lambda: 1, effect=NONE, name="act") == 1


def test_payloads_of_some_size(run):
    text = "x" * (6 << 20)
    assert run.step("big", lambda: text, effect=NONE) == text


def test_a_payload_beyond_the_limit_is_refused_and_named(run):
    with pytest.raises((stepwell.InvalidArgument, stepwell.ResourceExhausted)):
        run.step("huge", lambda: b"x" * (17 << 20), effect=NONE)


# --- the decorator


@stepwell.step(effect=NONE)
def double(number):
    return number * 2


@stepwell.step(key="post-{channel}", effect=IDEMPOTENT)
def post(channel, text="hi", *, step=None):
    return [channel, text, step.key]


@stepwell.step
def bare():
    return "bare"


class Shop:
    def __init__(self):
        self.calls = 0

    @stepwell.step(key="buy-{item}", effect=NONE)
    def buy(self, item):
        self.calls += 1
        return item


def test_decorated_functions_are_steps_of_the_active_run(client, run_id):
    shop = Shop()

    def body(run):
        assert double(4) == 8
        assert post("a") == ["a", "hi", "post-a"]
        assert post(text="yo", channel="b") == ["b", "yo", "post-b"]
        assert bare() == "bare"
        assert shop.buy("tea") == "tea"
        assert run.step("own key", double, 5) == 10

    crashed(client, run_id, body)
    crashed(client, run_id, body)
    assert shop.calls == 1


def test_a_decorated_function_needs_a_run():
    with pytest.raises(stepwell.ProgramError, match="no run is active"):
        double(4)
    assert double.fn(4) == 8
    assert double.__name__ == "double"


def test_names_come_from_functions():
    def name(function, **options):
        return stepwell.call("k", function, **options).offered_name()

    assert name(len) == "len"
    assert name(lambda: 1) == ""
    assert name(functools.partial(len, "x")) == "len"
    assert name(Shop().buy) == "buy"
    assert name(len, name="own") == "own"


def test_misspelt_options_are_refused():
    with pytest.raises(TypeError, match="efect"):
        stepwell.call("k", len, efect=NONE)
