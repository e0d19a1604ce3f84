# SPDX-License-Identifier: Apache-2.0
"""What the verbs mean, through the wire: each verdict, each lease rule, each repetition."""

import time
import uuid

import grpc
from conftest import Client, agent, control, eventually, refused, types

P = types.Payload


def name() -> str:
    return f"run-{uuid.uuid4()}"


def test_a_new_step_executes_and_replays_its_outcome(client):
    run = name()
    lease = client.start(run)
    verdict = client.begin(run, lease, "a", input=P(data=b"in"))
    assert verdict.execute.attempt == 1
    assert uuid.UUID(verdict.execute.idempotency_key).version == 8
    client.complete(run, lease, "a", output=P(data=b"out", content_type="text/plain"))
    again = client.begin(run, lease, "a", input=P(data=b"in"))
    assert again.replay.output.data == b"out"
    assert again.replay.output.content_type == "text/plain"


def test_a_repeated_call_gets_the_same_answer(client):
    run = name()
    start = agent.StartRunRequest(run_id=run, task="t", take_lease=True, holder="me")
    first = client.agent.StartRun(start, timeout=9)
    second = client.agent.StartRun(start, timeout=9)
    assert (first.created, second.created, first.lease) == (True, True, second.lease)
    lease = first.lease
    one = client.begin(run, lease, "a", request_id="x")
    assert client.begin(run, lease, "a", request_id="x") == one
    done = client.complete(run, lease, "a")
    assert client.complete(run, lease, "a") == done
    end = agent.EndRunRequest(run_id=run, lease=lease, result=P(data=b"r"))
    assert client.agent.EndRun(end, timeout=9) == client.agent.EndRun(end, timeout=9)


def test_a_second_worker_waits_for_the_first(client):
    run = name()
    lease = client.start(run)
    client.begin(run, lease, "a", request_id="first")
    verdict = client.begin(run, lease, "a", request_id="second")
    assert verdict.wait.reason == types.WAIT_REASON_HELD


def test_a_newer_lease_fences_the_older(client):
    run = name()
    old = client.start(run)
    new, history = client.resume(run)
    assert new > old and history == []
    refusal = refused(client.agent.BeginStep,
                      agent.BeginStepRequest(run_id=run, lease=old, key="a"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "LEASE_FENCED")


def test_a_once_step_of_a_gone_holder_is_in_doubt_until_resolved(client):
    run = name()
    lease = client.start(run, holder="the first")
    key = client.begin(run, lease, "pay").execute.idempotency_key
    note = agent.NoteStepRequest(run_id=run, lease=lease, key="pay", attempt=1,
                                 external_ref="ch_1", progress=P(data=b"50%"))
    client.agent.NoteStep(note, timeout=9)
    lease, history = client.resume(run)
    assert history[0].state == types.STEP_STATE_IN_DOUBT
    doubt = client.begin(run, lease, "pay").in_doubt
    assert (doubt.attempts, doubt.idempotency_key) == (1, key)
    assert list(doubt.external_refs) == ["ch_1"] and doubt.progress.data == b"50%"
    assert doubt.reason == types.DOUBT_REASON_HOLDER_GONE
    resolve = agent.AgentServiceResolveStepRequest(
        run_id=run, lease=lease, key="pay", by="test",
        resolution=types.Resolution(did_not_happen=types.DidNotHappen()))
    assert client.agent.ResolveStep(resolve, timeout=9).state == types.STEP_STATE_RETRYING
    verdict = client.begin(run, lease, "pay").execute
    assert (verdict.attempt, verdict.idempotency_key) == (2, key)


def test_other_effects_of_a_gone_holder_run_again_with_the_same_key(client):
    run = name()
    lease = client.start(run)
    first = client.begin(run, lease, "a", types.EFFECT_IDEMPOTENT).execute
    lease, _ = client.resume(run)
    second = client.begin(run, lease, "a", types.EFFECT_IDEMPOTENT).execute
    assert (second.attempt, second.idempotency_key) == (2, first.idempotency_key)
    refusal = refused(client.agent.ResolveStep, agent.AgentServiceResolveStepRequest(
        run_id=run, lease=lease, key="a", by="test", resolution=types.Resolution(happened=P())))
    assert refusal.reason == "STEP_NOT_IN_DOUBT"


def test_an_unknown_outcome_puts_a_once_step_in_doubt_at_once(client):
    run = name()
    lease = client.start(run)
    client.begin(run, lease, "a")
    answer = client.complete(run, lease, "a", unknown=types.Failure(type="Timeout"))
    assert answer.state == types.STEP_STATE_IN_DOUBT
    assert client.begin(run, lease, "a").in_doubt.reason == types.DOUBT_REASON_REPORTED


def test_another_input_is_divergence_and_a_run_may_accept_it(client):
    for policy, expected in ((types.DIVERGENCE_POLICY_FAIL, "diverged"),
                             (types.DIVERGENCE_POLICY_ACCEPT, "replay")):
        run = name()
        lease = client.start(run, on_divergence=policy)
        client.begin(run, lease, "a", input=P(data=b"1"))
        client.complete(run, lease, "a")
        verdict = client.begin(run, lease, "a", input=P(data=b"2"))
        assert verdict.WhichOneof("verdict") == expected
        assert expected != "replay" or verdict.replay.accepted_divergence


def test_a_failed_step_waits_and_then_tries_again_until_its_attempts_are_spent(client):
    run = name()
    lease = client.start(run)
    retry = types.RetryPolicy(max_attempts=2, initial_ms=80, factor=1)
    for attempt in (1, 2):
        verdict = client.begin(run, lease, "a", types.EFFECT_NONE, retry=retry)
        assert verdict.execute.attempt == attempt
        answer = client.complete(run, lease, "a", attempt, failure=types.Failure(type="Oops"))
        if attempt == 1:
            assert answer.state == types.STEP_STATE_RETRYING
            wait = client.begin(run, lease, "a", types.EFFECT_NONE, retry=retry).wait
            assert wait.reason == types.WAIT_REASON_BACK_OFF
            assert wait.not_before_ms == answer.not_before_ms and wait.failure.type == "Oops"
            time.sleep(max(0, wait.not_before_ms / 1000 - time.time()) + 0.01)
    assert answer.state == types.STEP_STATE_FAILED
    assert client.begin(run, lease, "a", types.EFFECT_NONE).replay.failure.type == "Oops"


def test_a_failure_that_cannot_be_retried_is_final(client):
    run = name()
    lease = client.start(run)
    retry = types.RetryPolicy(max_attempts=9, non_retryable_types=["Bad"])
    for key, failure in (("a", types.Failure(type="Bad")),
                         ("b", types.Failure(type="Other", non_retryable=True))):
        client.begin(run, lease, key, retry=retry)
        answer = client.complete(run, lease, key, failure=failure)
        assert answer.state == types.STEP_STATE_FAILED


def test_an_attempt_whose_time_is_up_is_lost(client):
    run = name()
    lease = client.start(run)
    timeouts = types.Timeouts(start_to_close_ms=60)
    for key, effect in (("once", types.EFFECT_ONCE), ("none", types.EFFECT_NONE)):
        client.begin(run, lease, key, effect, timeouts=timeouts, request_id="1")
    time.sleep(0.1)
    doubt = client.begin(run, lease, "once", timeouts=timeouts, request_id="2").in_doubt
    assert doubt.reason == types.DOUBT_REASON_TIMED_OUT
    again = client.begin(run, lease, "none", types.EFFECT_NONE, request_id="2").execute
    assert again.attempt == 2
    late = agent.CompleteStepRequest(run_id=run, lease=lease, key="none", attempt=1,
                                     output=P(data=b"late"))
    assert refused(client.agent.CompleteStep, late).reason == "ATTEMPT_SUPERSEDED"
    client.complete(run, lease, "once")  # late, but still the newest attempt: it is the truth
    assert client.begin(run, lease, "once").replay.output.data == b"done"


def test_a_heartbeat_keeps_an_attempt_alive(client):
    run = name()
    lease = client.start(run)
    client.begin(run, lease, "a", timeouts=types.Timeouts(heartbeat_ms=400), request_id="1")
    beat = agent.NoteStepRequest(run_id=run, lease=lease, key="a", attempt=1)
    for _ in range(4):
        time.sleep(0.2)
        assert client.agent.NoteStep(beat, timeout=9).deadline_ms > time.time() * 1000
    assert client.begin(run, lease, "a", request_id="2").HasField("wait")


def test_begin_next_answers_in_the_same_call(client):
    run = name()
    lease = client.start(run)
    client.begin(run, lease, "0")
    for i in range(20):
        answer = client.complete(run, lease, str(i), begin_next=agent.BeginNext(
            key=str(i + 1), effect=types.EFFECT_NONE, input=P(data=b"x" * 3000)))
        assert answer.next.execute.attempt == 1
    _, history = client.resume(run)
    assert [step.key for step in history] == [str(i) for i in range(21)]


def test_a_refused_begin_next_leaves_the_completion_recorded(client):
    run = name()
    lease = client.start(run)
    client.begin(run, lease, "a")
    refusal = refused(client.agent.CompleteStep, agent.CompleteStepRequest(
        run_id=run, lease=lease, key="a", attempt=1, output=P(data=b"done"),
        begin_next=agent.BeginNext(key="b", durability=types.DURABILITY_REMOTE)))
    assert refusal.reason == "NO_OBJECT_STORE"
    assert client.begin(run, lease, "a").replay.output.data == b"done"


def test_conflicts_are_told_apart(client):
    run = name()
    lease = client.start(run, input=P(data=b"1"))
    other = agent.StartRunRequest(run_id=run, task="t", input=P(data=b"2"))
    refusal = refused(client.agent.StartRun, other)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "RUN_CONFLICT")
    assert refusal.text.count("6b86b273") == 1 and refusal.text.count("d4735e3a") == 1
    client.begin(run, lease, "a")
    client.complete(run, lease, "a")
    other = agent.CompleteStepRequest(run_id=run, lease=lease, key="a", attempt=1,
                                      output=P(data=b"another"))
    assert refused(client.agent.CompleteStep, other).reason == "OUTCOME_CONFLICT"
    client.agent.EndRun(agent.EndRunRequest(run_id=run, lease=lease, result=P()), timeout=9)
    begin = agent.BeginStepRequest(run_id=run, lease=lease, key="b")
    assert refused(client.agent.BeginStep, begin).reason == "RUN_ENDED"


def test_unknown_names_are_not_found(client):
    run = name()
    lease = client.start(run)
    missing = [
        (client.agent.Resume, agent.ResumeRequest(run_id="no"), "RUN_NOT_FOUND"),
        (client.agent.BeginStep, agent.BeginStepRequest(run_id="no", lease=1, key="a"),
         "RUN_NOT_FOUND"),
        (client.agent.CompleteStep, agent.CompleteStepRequest(
            run_id=run, lease=lease, key="no", attempt=1, output=P()), "STEP_NOT_FOUND"),
        (client.control.GetRun, control.GetRunRequest(run_id="no"), "RUN_NOT_FOUND"),
        (client.control.WatchRun, control.WatchRunRequest(run_id="no"), "RUN_NOT_FOUND"),
        (client.control.ReadJournal, control.ReadJournalRequest(run_id="no"), "RUN_NOT_FOUND"),
    ]
    for call, request, reason in missing:
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, reason), request


def test_a_claim_finds_a_run_nobody_holds_and_waits_for_one(client, shared):
    task = name()
    claim = agent.ClaimRunRequest(tasks=[task], wait_ms=8000, holder="worker")
    waiting = client.agent.ClaimRun.future(claim, timeout=20)
    time.sleep(0.2)
    assert not waiting.done()
    run = name()
    client.agent.StartRun(agent.StartRunRequest(run_id=run, task=task), timeout=9)
    answer = waiting.result()
    assert (answer.run.run_id, answer.lease) == (run, 1)
    kept, _ = client.resume(run, lease=answer.lease)
    assert kept == answer.lease
    none = client.agent.ClaimRun(agent.ClaimRunRequest(tasks=[task], wait_ms=50), timeout=9)
    assert not none.HasField("run")


def test_a_followed_resume_shows_the_loss_of_its_lease(client):
    run = name()
    client.start(run)
    follow = client.agent.Resume(agent.ResumeRequest(run_id=run, follow=True), timeout=20)
    parts = [next(follow), next(follow)]
    assert parts[1].caught_up
    assert client.control.GetRun(control.GetRunRequest(run_id=run), timeout=9).run.held
    client.resume(run)
    assert next(follow).lease_lost
    assert list(follow) == []


def test_the_end_of_a_stream_releases_its_lease(client):
    task, run = name(), name()
    client.agent.StartRun(agent.StartRunRequest(run_id=run, task=task), timeout=9)
    follow = client.agent.Resume(agent.ResumeRequest(run_id=run, follow=True), timeout=20)
    next(follow)
    claim = agent.ClaimRunRequest(tasks=[task])
    assert not client.agent.ClaimRun(claim, timeout=9).HasField("run")
    follow.cancel()
    claim.wait_ms = 5000
    assert client.agent.ClaimRun(claim, timeout=9).run.run_id == run


def test_a_person_resolves_what_nobody_holds(client):
    run = name()
    lease = client.start(run)
    client.begin(run, lease, "pay")
    resolve = control.ControlServiceResolveStepRequest(
        run_id=run, key="pay", by="jane", resolution=types.Resolution(happened=P(data=b"yes")))
    assert refused(client.control.ResolveStep, resolve).reason == "STEP_NOT_IN_DOUBT"
    follow = client.agent.Resume(agent.ResumeRequest(run_id=run, follow=True), timeout=20)
    next(follow)
    follow.cancel()  # and with it the last holder

    def in_doubt():
        answer = client.control.GetRun(control.GetRunRequest(run_id=run), timeout=9)
        return answer.run.steps_in_doubt == 1 and not answer.run.held

    eventually(in_doubt)
    listed = client.control.ListRuns(control.ListRunsRequest(in_doubt=True, page_size=1000),
                                     timeout=9)
    assert run in [row.run_id for row in listed.runs]
    assert client.control.ResolveStep(resolve, timeout=9).state == types.STEP_STATE_COMPLETED
    _, history = client.resume(run)
    assert (history[0].output.data, history[0].resolved_by) == (b"yes", "jane")


def test_a_list_tells_holder_and_doubt_from_memory_and_from_the_journal(new_sidecar):
    sidecar = new_sidecar("--lease-grace", "300ms").start()

    def listed(client, run):
        answer = client.control.ListRuns(control.ListRunsRequest(in_doubt=True), timeout=9)
        row = next((row for row in answer.runs if row.run_id == run), None)
        return row and (row.holder, row.steps_in_doubt, row.held)

    with sidecar.channel() as channel:
        client, run = Client(channel), name()
        client.begin(run, client.start(run, holder="me"), "pay")
        assert listed(client, run) is None
        assert eventually(lambda: listed(client, run)) == ("me", 1, False)
    assert sidecar.stop() == 0
    sidecar.start()
    with sidecar.channel() as channel:
        client = Client(channel)
        assert eventually(lambda: listed(client, run)) == ("me", 1, False)
        assert listed(client, run) == ("me", 1, False)
        lease, _ = client.resume(run, holder="next")
        assert listed(client, run)[:2] == ("next", 1)  # begun under the lost lease
        resolve = agent.AgentServiceResolveStepRequest(
            run_id=run, lease=lease, key="pay", by="test",
            resolution=types.Resolution(happened=P()))
        client.agent.ResolveStep(resolve, timeout=9)
        assert listed(client, run) is None


def test_watch_follows_a_run_to_its_end(client):
    run = name()
    lease = client.start(run, labels={"team": "a"})
    watch = client.control.WatchRun(control.WatchRunRequest(run_id=run, follow=True), timeout=20)
    assert next(watch).caught_up
    client.begin(run, lease, "a")
    client.complete(run, lease, "a")
    client.agent.EndRun(agent.EndRunRequest(run_id=run, lease=lease, result=P(data=b"r")),
                        timeout=9)
    parts = list(watch)
    assert parts[-1].run.state == types.RUN_STATE_COMPLETED
    assert [s.state for part in parts for s in part.steps][-1] == types.STEP_STATE_COMPLETED


def test_lists_are_paged_and_filtered(client):
    task = name()
    runs = [name() for _ in range(7)]
    for i, run in enumerate(runs):
        client.start(run, task=task, labels={"odd": str(i % 2)})
    request = control.ListRunsRequest(task=task, page_size=3)
    seen = []
    while True:
        page = client.control.ListRuns(request, timeout=9)
        assert len(page.runs) <= 3
        seen += [run.run_id for run in page.runs]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == runs[::-1]
    odd = client.control.ListRuns(control.ListRunsRequest(task=task, labels={"odd": "1"}),
                                  timeout=9)
    assert len(odd.runs) == 3


def test_the_journal_reads_as_records(client):
    run = name()
    lease = client.start(run)
    client.begin(run, lease, "a", input=P(data=b"z" * 9000))
    client.complete(run, lease, "a")
    parts = client.control.ReadJournal(control.ReadJournalRequest(run_id=run), timeout=9)
    records = [record for part in parts for record in part.records]
    assert [control.RecordType.Name(r.type)[12:] for r in records] == [
        "RUN_STARTED", "LEASE_TAKEN", "STEP_BEGUN", "STEP_COMPLETED"]
    assert all(r.run_id == run and len(r.chain) == 32 for r in records)
    everything = [r for part in client.control.ReadJournal(control.ReadJournalRequest(), timeout=9)
                  for r in part.records]
    assert [r.lsn for r in everything] == list(range(1, len(everything) + 1))
    two = [r for part in client.control.ReadJournal(
        control.ReadJournalRequest(from_lsn=2, limit=2), timeout=9) for r in part.records]
    assert [r.lsn for r in two] == [2, 3]


def test_flush_and_status_tell_how_far_the_journal_is(client):
    client.start(name())
    flushed = client.control.Flush(control.FlushRequest(), timeout=9).lsn
    status = client.control.GetStatus(control.GetStatusRequest(), timeout=9)
    assert status.durable_lsn >= flushed and status.lsn >= flushed
    assert status.state == control.SERVER_STATE_SERVING and status.limits.key_bytes_max == 256
    refusal = refused(client.control.Flush,
                      control.FlushRequest(durability=types.DURABILITY_REMOTE))
    assert refusal.reason == "NO_OBJECT_STORE"
