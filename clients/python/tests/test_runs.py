# SPDX-License-Identifier: Apache-2.0
"""Runs: started, taken over, ended, claimed, fenced."""

import threading
import time

import pytest
from conftest import Crash, crashed, get_run, wait_until

import stepwell

pytestmark = pytest.mark.server


def test_a_run_ends_with_its_result(client, run_id):
    with client.run(run_id, task="t", input={"a": 1}, labels={"l": "v"}, code_version="7") as run:
        assert (run.run_id, run.task, run.input) == (run_id, "t", {"a": 1})
        assert (run.labels, run.code_version) == ({"l": "v"}, "7")
        assert run.lease > 0
        run.result = {"done": True}
    assert run.ended
    with pytest.raises(stepwell.RunEnded) as ended, client.run(run_id, task="t", input={"a": 1}):
        pass
    assert (ended.value.state, ended.value.result) == ("completed", {"done": True})


def test_start_run_tells_how_it_stands(client, run_id):
    first = client.start_run(run_id, task="t", input=[1])
    again = client.start_run(run_id, task="t", input=[1])
    assert first.created
    assert (again.run_id, again.state, again.input) == (run_id, "running", [1])


def test_an_id_is_drawn_where_none_is_given(client):
    with client.run(task="t") as run:
        assert len(run.run_id) == 36


def test_another_input_is_a_conflict(client, run_id):
    client.start_run(run_id, task="t", input=1)
    with pytest.raises(stepwell.RunConflict), client.run(run_id, task="t", input=2):
        pass


def test_what_is_out_of_bounds_is_named(client):
    with pytest.raises(stepwell.InvalidArgument) as refused:
        client.start_run("x", task="")
    assert refused.value.field == "task"


def test_an_exception_leaves_the_run_open_and_replays_its_steps(client, run_id):
    calls = []

    def body(run):
        assert run.step("a", calls.append, 1) is None
        assert run.step("b", lambda: {"x": [1, 2]}, effect=stepwell.NONE) == {"x": [1, 2]}

    crashed(client, run_id, body)
    assert calls == [1]
    with client.run(run_id, task="t") as run:
        body(run)
        run.end("over")
    assert calls == [1]


def test_the_lease_is_released_when_the_run_is_left(client, address, run_id):
    crashed(client, run_id, lambda run: wait_until(lambda: get_run(address, run_id).run.held))
    wait_until(lambda: not get_run(address, run_id).run.held)


def test_run_failed_ends_the_run(client, run_id):
    with pytest.raises(stepwell.RunFailed), client.run(run_id, task="t"):
        raise stepwell.RunFailed("no luck", type="Luck", details={"n": 1})
    with pytest.raises(stepwell.RunEnded) as ended, client.run(run_id, task="t"):
        pass
    assert ended.value.state == "failed"
    assert ended.value.failure[:3] == ("Luck", "no luck", {"n": 1})


def test_fail_takes_exceptions_and_words(client, run_id):
    with client.run(run_id, task="t") as run:
        run.fail(ValueError("bad"))
    assert client.start_run(run_id, task="t").failure[:2] == ("ValueError", "bad")
    with client.run(run_id + "-2", task="t") as run:
        run.fail("words", type="Own")
    assert client.start_run(run_id + "-2", task="t").failure[:2] == ("Own", "words")


def test_nothing_is_recorded_after_the_end(client, run_id):
    with client.run(run_id, task="t") as run:
        run.end(1)
        with pytest.raises(stepwell.RunEnded):
            run.step("late", int)


def test_unvisited_keys_are_reported(client, address, run_id):
    def body(run):
        run.step("kept", int, effect=stepwell.NONE)
        run.step("dropped", int, effect=stepwell.NONE)

    crashed(client, run_id, body)
    with client.run(run_id, task="t") as run:
        run.step("kept", int, effect=stepwell.NONE)
        run.step("new", int, effect=stepwell.NONE)
    assert list(get_run(address, run_id).run.unvisited_keys) == ["dropped"]


def test_claim_takes_what_nobody_holds(client, run_id):
    assert client.claim([run_id]) is None
    client.start_run("claimed-" + run_id, task=run_id, input={"q": 1})
    run = client.claim([run_id], wait=5)
    assert client.claim([run_id]) is None
    with run:
        assert run.input == {"q": 1}
        assert run.step("s", lambda: 5, effect=stepwell.NONE) == 5
    assert run.ended


def test_claim_waits(client, run_id):
    timer = threading.Timer(0.3, lambda: client.start_run("w-" + run_id, task=run_id))
    timer.start()
    run = client.claim([run_id], wait=10)
    assert run.run_id == "w-" + run_id
    run.end()


def test_a_claimed_run_brings_its_history(client, run_id):
    crashed(client, "h-" + run_id, lambda run: run.step("s", lambda: 5), task=run_id)
    with client.claim([run_id], wait=5) as run:
        assert run.step("s", lambda: 6) == 5


def test_a_newer_holder_fences_an_older(client, address, run_id):
    with pytest.raises(stepwell.Fenced), client.run(run_id, task="t") as old:
        old.step("a", lambda: 1)
        with stepwell.connect(address) as other, other.run(run_id, task="t") as new:
            assert new.step("a", lambda: 2) == 1
            wait_until(lambda: old.fenced)
            called = []
            with pytest.raises(stepwell.Fenced):
                old.step("b", called.append, 1)
            assert called == []
            new.step("b", called.append, 2)


def test_starting_a_run_twice_never_shares_a_lease(client, run_id):
    """Even before its first step, when a repeated call would get the same lease."""
    first = client.run(run_id, task="t").start()
    second = client.run(run_id, task="t").start()
    assert second.lease > first.lease
    wait_until(lambda: first.fenced)
    second.end()


def test_a_sleeper_notices_that_it_is_fenced(client, address, run_id):
    retry = stepwell.Retry(max_attempts=2, initial=60)
    started = time.monotonic()
    failing = threading.Event()

    def fail():
        failing.set()
        raise ValueError

    def take_over():
        failing.wait()
        with stepwell.connect(address) as other:
            crashed(other, run_id, lambda run: time.sleep(0.1))

    thief = threading.Thread(target=take_over)
    with pytest.raises(stepwell.Fenced), client.run(run_id, task="t") as run:
        thief.start()
        run.step("s", fail, effect=stepwell.NONE, retry=retry)
    thief.join()
    assert time.monotonic() - started < 10


def test_a_run_must_be_entered(client, run_id):
    with pytest.raises(stepwell.ProgramError, match="not started"):
        client.run(run_id, task="t").step("s", int)


def test_start_and_close_do_without_a_with(client, address, run_id):
    run = client.run(run_id, task="t").start()
    assert run.step("s", lambda: 1, effect=stepwell.NONE) == 1
    run.close()
    assert get_run(address, run_id).run.state == 1


def test_a_closed_client_says_so(address, run_id):
    client = stepwell.connect(address)
    client.start_run(run_id, task="t")
    client.close()
    with pytest.raises(stepwell.ProgramError, match="closed"):
        client.start_run(run_id, task="t")


def test_nobody_listening_is_unavailable(tmp_path):
    with stepwell.connect(f"unix://{tmp_path}/no.sock", patience=0.3) as client:
        with pytest.raises(stepwell.Unavailable):
            client.start_run("x", task="t")


def test_many_threads_share_a_run(client, run_id):
    with client.run(run_id, task="t") as run:
        values = {}

        def work(number):
            key = f"s{number}"
            values[number] = run.step(key, lambda: number * 2, effect=stepwell.NONE)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert values == {n: n * 2 for n in range(16)}


def test_crash_is_our_own(client, run_id):
    """The helper that leaves runs open really leaves them open."""
    crashed(client, run_id, lambda run: None)
    assert client.start_run(run_id, task="t").state == "running"
    assert issubclass(Crash, Exception)
