# SPDX-License-Identifier: Apache-2.0
"""The Session stream means exactly what the unary calls mean."""

import os
import pathlib
import queue
import time
import uuid

import grpc
import pytest
from conftest import Client, agent, control, eventually, refused, types

Call = agent.SessionCall
SLOW = "STEPWELL_TSAN" in os.environ
P = types.Payload


class Session:
    def __init__(self, client: Client) -> None:
        self.outgoing: queue.Queue = queue.Queue()
        self.answers: dict[int, list] = {}
        self.events: list = []
        self.last = 0
        self.stream = client.agent.Session(iter(self.outgoing.get, None), timeout=60)

    def send(self, *calls: dict) -> list[int]:
        """Sends calls, such as {"begin_step": request}, in one message; their ids."""
        request = agent.SessionRequest()
        for call in calls:
            self.last += 1
            request.calls.append(Call(id=self.last, **call))
        self.outgoing.put(request)
        return [call.id for call in request.calls]

    def result(self, id_: int):
        while id_ not in self.answers:
            for result in next(self.stream).results:
                if result.id == 0:
                    self.events.append(result)
                else:
                    self.answers.setdefault(result.id, []).append(result)
        return self.answers[id_][0]

    def ask(self, **call):
        result = self.result(self.send(call)[0])
        return getattr(result, result.WhichOneof("result"))

    def close(self) -> None:
        self.outgoing.put(None)


@pytest.fixture
def session(client):
    session = Session(client)
    yield session
    session.stream.cancel()


def name() -> str:
    return f"run-{uuid.uuid4()}"


def start(run: str, **fields) -> dict:
    return {"start_run": agent.StartRunRequest(run_id=run, task="t", take_lease=True, **fields)}


def begin(run: str, key: str, **fields) -> dict:
    return {"begin_step": agent.BeginStepRequest(run_id=run, lease=1, key=key, **fields)}


def complete(run: str, key: str) -> dict:
    return {"complete_step": agent.CompleteStepRequest(
        run_id=run, lease=1, key=key, attempt=1, output=P(data=key.encode()))}


def test_calls_of_one_message_take_effect_in_order(session):
    run = name()
    calls = [start(run)]
    for i in range(50):
        calls += [begin(run, f"k{i}"), complete(run, f"k{i}")]
    ids = session.send(*calls, {"end_run": agent.EndRunRequest(run_id=run, lease=1, result=P())})
    assert session.result(ids[0]).start_run.created
    assert session.result(ids[1]).begin_step.verdict.execute.attempt == 1
    assert session.result(ids[-1]).end_run.lsn > session.result(ids[-2]).complete_step.lsn


def test_an_error_is_an_answer_and_the_stream_goes_on(session):
    error = session.ask(**begin("missing", "k"))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND.value[0], "RUN_NOT_FOUND")
    error = session.ask(**begin("missing", ""))
    assert error.reason == "INVALID_FIELD" and error.metadata["field"] == "key"
    assert session.ask(**start(name())).created


def test_a_call_without_an_id_or_a_verb_is_refused(session):
    session.outgoing.put(agent.SessionRequest(calls=[Call(id=7)]))
    assert session.result(7).error.metadata["field"] == "call"
    session.outgoing.put(agent.SessionRequest(calls=[Call(begin_step=agent.BeginStepRequest())]))
    assert session.ask(**start(name())).created
    assert session.events[0].error.metadata["field"] == "id"


def test_a_resume_that_asks_to_follow_is_refused_and_takes_no_lease(session, client):
    run = name()
    lease = client.start(run)
    error = session.ask(resume=agent.ResumeRequest(run_id=run, follow=True))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "follow")
    assert session.ask(resume=agent.ResumeRequest(run_id=run)).lease == lease + 1


def test_a_session_resumes_in_parts_that_carry_its_id(session, client):
    run = name()
    lease = client.start(run)
    client.begin(run, lease, "s0", input=P(data=b"in"))
    for i in range(700):
        client.complete(run, lease, f"s{i}", output=P(data=bytes(300)),
                        begin_next=agent.BeginNext(key=f"s{i + 1}", effect=types.EFFECT_NONE))
    id_ = session.send({"resume": agent.ResumeRequest(run_id=run)})[0]
    while not session.result(id_) or not session.answers[id_][-1].resume.caught_up:
        for result in next(session.stream).results:
            session.answers[result.id].append(result)
    parts = [result.resume for result in session.answers[id_]]
    assert parts[0].lease == lease + 1 and parts[0].run.run_id == run
    assert [s.key for part in parts for s in part.steps] == [f"s{i}" for i in range(701)]
    assert len(parts) > 4


def test_leases_are_released_when_the_session_ends(session, client):
    run = name()
    session.ask(**start(run))
    session.ask(**begin(run, "pay"))

    def held():
        return client.control.GetRun(control.GetRunRequest(run_id=run), timeout=9).run.held

    assert held()
    session.close()
    with pytest.raises(StopIteration):
        next(session.stream)
    eventually(lambda: not held())
    answer = client.control.GetRun(control.GetRunRequest(run_id=run), timeout=9)
    assert answer.run.steps_in_doubt == 1


def test_a_newer_lease_is_told_to_the_session_that_lost_it(session, client):
    run = name()
    session.ask(**start(run))
    client.resume(run)
    error = session.ask(**begin(run, "k"))
    assert error.reason == "LEASE_FENCED"
    assert session.events[0].lease_lost.run_id == run


def test_a_claim_in_a_session_waits_and_takes(session, client):
    task = name()
    id_ = session.send({"claim_run": agent.ClaimRunRequest(tasks=[task], wait_ms=9000)})[0]
    assert session.ask(**start(name())).created  # the claim holds nobody up
    run = name()
    client.agent.StartRun(agent.StartRunRequest(run_id=run, task=task), timeout=9)
    assert session.result(id_).claim_run.run.run_id == run


def test_a_claim_that_waits_is_dropped_with_its_session(client):
    task, run = name(), name()
    session = Session(client)
    session.send({"claim_run": agent.ClaimRunRequest(tasks=[task], wait_ms=60000)})
    session.ask(**start(name()))
    session.stream.cancel()
    eventually(lambda: client.control.GetStatus(control.GetStatusRequest(), timeout=9).sessions == 0)
    client.agent.StartRun(agent.StartRunRequest(run_id=run, task=task), timeout=9)
    answer = client.agent.ClaimRun(agent.ClaimRunRequest(tasks=[task], wait_ms=2000), timeout=9)
    assert answer.run.run_id == run


@pytest.mark.parametrize("unary", [False, True])
def test_claims_of_a_client_that_goes_with_the_server_leave_nothing_behind(new_sidecar, unary):
    """The client's going and SIGTERM at once: the sanitizer would find what nobody dropped."""
    for _ in range(3):
        sidecar = new_sidecar().start()
        channel = sidecar.channel()
        client = Client(channel)
        session = Session(client)
        ask = agent.ClaimRunRequest(tasks=["none"], wait_ms=60000)
        waiting = [client.agent.ClaimRun.future(ask, timeout=60) for _ in range(100 if unary else 0)]
        for _ in range(0 if unary else 400):
            session.send({"claim_run": ask})
        session.ask(**begin(name(), "k"))
        channel.close()
        assert sidecar.stop() == 0, sidecar.log()
        assert all(call.cancelled() or call.exception() for call in waiting)


def test_a_claim_that_waits_takes_a_run_whose_grace_began_later(new_sidecar):
    sidecar = new_sidecar("--lease-grace", "300ms").start()
    with sidecar.channel() as channel:
        client = Client(channel)
        session = Session(client)
        task, run = name(), name()
        id_ = session.send({"claim_run": agent.ClaimRunRequest(tasks=[task], wait_ms=20000)})[0]
        session.ask(**start(name()))  # the claim waits, and no run is in its grace
        client.start(run, task=task)
        asked = time.monotonic()
        assert session.result(id_).claim_run.run.run_id == run
        assert time.monotonic() - asked < 10
        session.stream.cancel()


def test_large_answers_come_through(session):
    run = name()
    session.ask(**start(run))
    session.ask(**begin(run, "k"))
    big = bytes(range(256)) * 8192
    done = agent.CompleteStepRequest(run_id=run, lease=1, key="k", attempt=1, output=P(data=big))
    assert session.ask(complete_step=done).state == types.STEP_STATE_COMPLETED
    ids = session.send(*[begin(run, "k") for _ in range(12)])
    for id_ in ids:
        assert session.result(id_).begin_step.verdict.replay.output.data == big


def test_a_session_that_does_not_read_is_read_no_further(new_sidecar):
    """Its answers would fill the memory: 3000 of 64 KiB."""
    # freed memory counts as free, also under the address sanitizer
    sidecar = new_sidecar(environment={"ASAN_OPTIONS": "quarantine_size_mb=1"}).start()
    with sidecar.channel() as channel:
        client = Client(channel)
        client.start("r")
        client.begin("r", 1, "k")
        client.complete("r", 1, "k", output=P(data=bytes(range(256)) * 256))
        session = Session(client)
        ids = [session.send(begin("r", "k"))[0] for _ in range(3000)]
        time.sleep(2)
        status = pathlib.Path(f"/proc/{sidecar.process.pid}/status").read_text()
        rss = int(status.split("VmRSS:")[1].split()[0])
        assert rss < (1600 if SLOW else 128) * 1024
        for id_ in ids:
            assert len(session.result(id_).begin_step.verdict.replay.output.data) == 65536
        session.stream.cancel()


def test_a_session_has_so_many_unanswered_calls_at_once(client):
    session = Session(client)
    claim = {"claim_run": agent.ClaimRunRequest(tasks=[name()], wait_ms=3000)}
    for _ in range(1100):
        session.send(claim)
    last = session.send(begin(name(), "k"))[0]
    assert session.result(last).error.reason == "RUN_NOT_FOUND"
    assert len(session.answers) > 1  # it had to wait until claims had ended
    session.stream.cancel()


def test_a_message_of_too_many_calls_ends_the_session(client):
    """Goal: a message of tiny calls costs no more than its bytes."""
    session = Session(client)
    ids = session.send(*[begin(name(), "k")] * 1024)
    assert session.result(ids[-1]).error.reason == "RUN_NOT_FOUND"
    session.outgoing.put(agent.SessionRequest(calls=[Call()] * 1025))
    refusal = refused(lambda **_: list(session.stream))
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.metadata == {"field": "calls", "limit": "1024"}


def test_a_session_that_half_closes_gets_every_answer_first(client):
    session = Session(client)
    run = name()
    ids = session.send(start(run), *[begin(run, str(i)) for i in range(100)])
    session.close()
    for id_ in ids:
        assert session.result(id_).WhichOneof("result") != "error"
    with pytest.raises(StopIteration):
        next(session.stream)


def test_the_same_request_id_in_two_sessions_is_one_call(client, session):
    run = name()
    session.ask(**start(run))
    first = session.ask(**begin(run, "k", request_id="x")).verdict
    other = Session(client)
    assert other.ask(**begin(run, "k", request_id="x")).verdict == first
    other.stream.cancel()
    refusal = refused(client.agent.BeginStep, agent.BeginStepRequest(run_id=run, lease=9, key="k"))
    assert refusal.reason == "LEASE_FENCED"
