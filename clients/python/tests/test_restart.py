# SPDX-License-Identifier: Apache-2.0
"""The sidecar goes away under the agent, and the agent under the sidecar."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from conftest import get_run, wait_until

import stepwell
from stepwell import IDEMPOTENT, NONE, ONCE

pytestmark = pytest.mark.server


@pytest.fixture
def client(sidecar):
    with stepwell.connect(sidecar.address, patience=20) as client:
        yield client


def bounce(sidecar, how, after=0.0):
    """Ends the sidecar and starts it again; `after` delays the start in the background."""
    getattr(sidecar, how)()
    if not after:
        sidecar.start()
        return None
    timer = threading.Timer(after, sidecar.start)
    timer.start()
    return timer


@pytest.mark.parametrize("how", ["stop", "kill"])
@pytest.mark.parametrize("effect", [NONE, IDEMPOTENT, ONCE])
def test_a_step_under_way_survives_the_sidecar(client, sidecar, run_id, how, effect):
    calls = []

    def act():
        calls.append(1)
        bounce(sidecar, how)
        return "done"

    with client.run(run_id, task="t") as run:
        lease = run.lease
        assert run.step("before", lambda: 1, effect=effect) == 1
        assert run.step("s", act, effect=effect) == "done"
        assert run.step("after", lambda: 2, effect=effect) == 2
        assert run.lease == lease
        wait_until(lambda: get_run(sidecar.address, run_id).run.held, 10)
    assert calls == [1]


def test_calls_wait_while_the_sidecar_is_away(client, sidecar, run_id):
    with client.run(run_id, task="t") as run:
        timer = bounce(sidecar, "kill", after=1.0)
        started = time.monotonic()
        assert run.step("s", lambda: 1, effect=NONE) == 1
        assert 0.5 < time.monotonic() - started < 8
        timer.join()


def test_patience_ends(sidecar, run_id):
    with stepwell.connect(sidecar.address, patience=0.5) as client:
        with pytest.raises(stepwell.Unavailable), client.run(run_id, task="t") as run:
            sidecar.kill()
            run.step("s", lambda: 1, effect=NONE)


def test_an_outcome_that_could_not_be_told_is_not_lost_sight_of(sidecar, run_id):
    """ONCE acted, the sidecar was away for too long: the next call must not act again."""
    calls = []

    def act():
        calls.append(1)
        sidecar.kill()

    with stepwell.connect(sidecar.address, patience=0.5) as client:
        with client.run(run_id, task="t") as run:
            with pytest.raises(stepwell.Unavailable):
                run.step("s", act)
            sidecar.start()
            with pytest.raises(stepwell.StepInDoubt):
                run.step("s", act)
            happened = stepwell.happened("it did")
            assert run.step("s", act, reconcile=lambda doubt: happened) == "it did"
    assert calls == [1]


def test_notes_survive_a_lost_intent(client, sidecar, run_id):
    def act(step):
        bounce(sidecar, "kill")
        step.note("ref")
        return step.attempt

    with client.run(run_id, task="t") as run:
        assert run.step("s", act, effect=NONE) == 1


def test_a_restart_between_attempts(client, sidecar, run_id):
    def act(step):
        if step.attempt < 3:
            bounce(sidecar, "kill")
            raise ValueError
        return step.attempt

    retry = stepwell.Retry(max_attempts=3, initial=0.05)
    with client.run(run_id, task="t") as run:
        assert run.step("s", act, effect=NONE, retry=retry) == 3


def test_claim_waits_through_a_restart(client, sidecar, run_id):
    client.start_run(run_id + "-c", task=run_id)
    timer = bounce(sidecar, "kill", after=0.5)
    run = client.claim([run_id], wait=30)  # a restarted sidecar grants holders a grace first
    assert run.run_id == run_id + "-c"
    run.end()
    timer.join()


AGENT = """
import os, sys, time
import stepwell

def act(step, path):
    with open(path, "a") as file:
        file.write(step.idempotency_key + "\\n")
    print("acting", flush=True)
    time.sleep(float(os.environ["SLEEP"]))
    return "acted"

def reconcile(doubt):
    return stepwell.happened("seen") if os.path.exists(sys.argv[2]) else stepwell.did_not_happen()

with stepwell.connect(patience=10) as client:
    with client.run(sys.argv[1], task="t") as run:
        run.step("first", lambda: 1, effect=stepwell.NONE)
        run.result = run.step("act", act, sys.argv[2], reconcile=reconcile)
        print(run.result, flush=True)
"""


def agent(sidecar, run_id, path, sleep):
    code = textwrap.dedent(AGENT)
    environment = {**os.environ, "STEPWELL_ADDR": sidecar.address, "SLEEP": str(sleep)}
    command = [sys.executable, "-c", code, run_id, str(path)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_an_agent_killed_while_acting_does_not_act_twice(sidecar, run_id, tmp_path):
    path = pathlib.Path(tmp_path, "effect")
    first = agent(sidecar, run_id, path, sleep=60)
    assert first.stdout.readline() == "acting\n"
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = agent(sidecar, run_id, path, sleep=0)
    assert second.communicate(timeout=30)[0] == "seen\n"
    assert second.returncode == 0
    assert len(path.read_text().splitlines()) == 1


def test_a_process_that_forgets_to_close_ends_all_the_same(sidecar, run_id):
    code = """
        import stepwell
        run = stepwell.connect().run("{}", task="t").start()
        run.step("s", int, effect=stepwell.NONE)
    """
    environment = {**os.environ, "STEPWELL_ADDR": sidecar.address}
    command = [sys.executable, "-c", textwrap.dedent(code).format(run_id)]
    done = subprocess.run(command, env=environment, check=True, timeout=20, capture_output=True)
    assert done.stderr == b""
    wait_until(lambda: not get_run(sidecar.address, run_id).run.held)
