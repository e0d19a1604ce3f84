# SPDX-License-Identifier: Apache-2.0
"""What is acknowledged only when the object store has it, and what happens while it is away."""

import os
import queue
import signal
import time
import urllib.error
import urllib.request

import grpc
import pytest
from conftest import Client, agent, control, eventually, refused, types
from store import NOT_SERVING, SERVING, Store, all_shipped, health, serve, status, still_waits
from support.sidecar import free_port

NONE, ONCE = types.EFFECT_NONE, types.EFFECT_ONCE
LOCAL, REMOTE = types.DURABILITY_LOCAL, types.DURABILITY_REMOTE


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def shipping(new_sidecar, store):
    """A sidecar that ships at once only what must go at once, and a client of it."""
    sidecar = serve(new_sidecar(*store.arguments("--ship-interval", "1h", "--drain-timeout", "2s")))
    with sidecar.channel() as channel:
        yield sidecar, Client(channel)


def begin(key: str, lease: int, effect=ONCE, **fields) -> agent.BeginStepRequest:
    return agent.BeginStepRequest(run_id="r", lease=lease, key=key, effect=effect,
                                  request_id="once", **fields)


# ---- what waits for the store ---------------------------------------------------------


def test_a_remote_intent_is_answered_only_when_the_store_has_it(shipping, store):
    _, client = shipping
    lease = client.start("r")
    assert client.begin("r", lease, "first").execute.attempt == 1
    before = store.segments()
    store.go_away()
    future = client.agent.BeginStep.future(begin("k", lease), timeout=20)
    assert still_waits(future)
    lag = status(client)
    assert lag.store.shipped_lsn < lag.lsn and lag.store.lag_ms > 0 and lag.store.lag_bytes > 0
    store.come_back()
    assert future.result().verdict.execute.attempt == 1
    assert len(store.segments()) > len(before)
    assert status(client).store.shipped_lsn >= future.result().verdict.execute.fencing_token


def test_local_steps_do_not_wait_for_a_store_that_is_away(shipping, store):
    _, client = shipping
    lease = client.start("r")
    all_shipped_before = len(store.segments())
    store.go_away()
    assert client.begin("r", lease, "none", effect=NONE).execute.attempt == 1
    assert client.begin("r", lease, "local", durability=LOCAL).execute.attempt == 1
    assert client.complete("r", lease, "local").lsn > 0
    future = client.agent.BeginStep.future(begin("k", lease, effect=NONE, durability=REMOTE),
                                           timeout=20)
    assert still_waits(future)
    store.come_back()
    assert future.result().verdict.execute.attempt == 1
    assert len(store.segments()) > all_shipped_before


def test_a_client_that_gave_up_asks_again_and_gets_the_same_answer(shipping, store):
    _, client = shipping
    lease = client.start("r")
    client.begin("r", lease, "first")
    store.go_away()
    assert refused(client.agent.BeginStep, begin("k", lease), timeout=0.5).code == \
        grpc.StatusCode.DEADLINE_EXCEEDED
    again = client.agent.BeginStep.future(begin("k", lease), timeout=20)
    assert still_waits(again), "a repeated intent rests on a record that is not shipped"
    store.come_back()
    assert again.result().verdict.execute.attempt == 1


def test_a_replay_of_a_step_waits_for_its_outcome_to_be_shipped(shipping, store):
    _, client = shipping
    lease = client.start("r")
    client.begin("r", lease, "k")
    store.go_away()
    client.complete("r", lease, "k")
    future = client.agent.BeginStep.future(begin("k", lease), timeout=20)
    assert still_waits(future)
    here = client.agent.BeginStep(begin("k", lease, durability=LOCAL), timeout=20)
    assert here.verdict.replay.output.data == b"done"
    store.come_back()
    assert future.result().verdict.replay.output.data == b"done"


def test_a_completion_waits_with_the_remote_step_it_begins(shipping, store):
    _, client = shipping
    lease = client.start("r")
    client.begin("r", lease, "a")
    store.go_away()
    ask = agent.CompleteStepRequest(run_id="r", lease=lease, key="a", attempt=1,
                                    output=types.Payload(data=b"x"),
                                    begin_next=agent.BeginNext(key="b", effect=ONCE))
    future = client.agent.CompleteStep.future(ask, timeout=20)
    assert still_waits(future)
    store.come_back()
    assert future.result().next.execute.attempt == 1


def test_waiters_are_answered_in_the_order_of_their_records(shipping, store):
    _, client = shipping
    lease = client.start("r")
    client.begin("r", lease, "first")
    store.go_away()
    done = queue.Queue()
    futures = []
    for number in range(20):
        future = client.agent.BeginStep.future(begin(f"k{number}", lease), timeout=30)
        future.add_done_callback(lambda f: done.put(f.result().verdict.execute.fencing_token))
        futures.append(future)
    assert still_waits(futures[0])
    store.come_back()
    tokens = [done.get(timeout=20) for _ in futures]
    assert len(set(tokens)) == 20


def test_a_session_answers_what_is_local_while_remote_calls_wait(shipping, store):
    _, client = shipping
    lease = client.start("r")
    client.begin("r", lease, "first")
    asks, answers = queue.Queue(), queue.Queue()
    stream = client.agent.Session(iter(asks.get, None), timeout=30)
    call = lambda number, **fields: asks.put(
        agent.SessionRequest(calls=[agent.SessionCall(id=number, **fields)]))
    store.go_away()
    call(1, begin_step=begin("remote", lease))
    call(2, begin_step=begin("local", lease, effect=NONE))
    first = next(stream).results
    assert [result.id for result in first] == [2]
    store.come_back()
    second = next(stream).results
    assert [result.id for result in second] == [1]
    assert second[0].begin_step.verdict.execute.attempt == 1
    asks.put(None)
    assert list(stream) == [] and answers.empty()


def test_a_session_that_ends_drops_what_waits_for_it(shipping, store):
    _, client = shipping
    lease = client.start("r")
    client.begin("r", lease, "first")
    store.go_away()
    asks = queue.Queue()
    stream = client.agent.Session(iter(asks.get, None), timeout=30)
    asks.put(agent.SessionRequest(calls=[agent.SessionCall(id=1, begin_step=begin("k", lease)),
                                         agent.SessionCall(id=2, begin_step=begin("l", lease))]))
    eventually(lambda: status(client).sessions == 1)
    stream.cancel()
    asks.put(None)
    eventually(lambda: status(client).sessions == 0)
    store.come_back()
    assert client.begin("r", lease, "after").execute.attempt == 1


def test_waiters_count_against_the_queue_until_their_clients_go(new_sidecar, store):
    sidecar = serve(new_sidecar(*store.arguments("--queue-max", "3", "--drain-timeout", "2s")))
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = client.start("r")
        client.begin("r", lease, "first")
        store.go_away()
        futures = [client.agent.BeginStep.future(begin(f"k{n}", lease), timeout=1.5)
                   for n in range(3)]
        assert still_waits(futures[0], 0.3)
        full = refused(client.agent.BeginStep, begin("more", lease))
        assert full.reason == "QUEUE_FULL"
        assert all(f.exception().code() == grpc.StatusCode.DEADLINE_EXCEEDED for f in futures)
        assert client.begin("r", lease, "local", effect=NONE).execute.attempt == 1
        store.come_back()
        assert client.begin("r", lease, "after").execute.attempt == 1


def test_without_a_store_remote_is_refused(client):
    lease = client.start("no-store")
    ask = agent.BeginStepRequest(run_id="no-store", lease=lease, key="k", durability=REMOTE)
    assert refused(client.agent.BeginStep, ask).reason == "NO_OBJECT_STORE"
    ask = control.FlushRequest(durability=REMOTE)
    assert refused(client.control.Flush, ask).reason == "NO_OBJECT_STORE"
    assert client.control.Drain(control.DrainRequest(), timeout=9).lsn > 0
    assert not status(client).HasField("store")


# ---- when it is shipped --------------------------------------------------------------------


def test_flush_waits_for_the_store_unless_told_not_to(shipping, store):
    _, client = shipping
    client.start("r")
    newest = status(client).lsn
    assert client.control.Flush(control.FlushRequest(), timeout=20).lsn == newest
    assert status(client).store.shipped_lsn == newest
    lease = client.resume("r")[0]
    store.go_away()
    client.begin("r", lease, "k", effect=NONE)
    newest = status(client).lsn
    assert client.control.Flush(control.FlushRequest(durability=LOCAL), timeout=20).lsn == newest
    future = client.control.Flush.future(control.FlushRequest(lsn=newest), timeout=20)
    assert still_waits(future)
    store.come_back()
    assert future.result().lsn == newest


def test_a_run_that_ends_is_shipped_at_once_and_a_local_step_after_the_interval(new_sidecar, store):
    sidecar = serve(new_sidecar(*store.arguments("--ship-interval", "5s")))
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = client.start("r")
        all_shipped(client)
        started = time.monotonic()
        client.begin("r", lease, "k", effect=NONE)
        assert status(client).store.shipped_lsn < status(client).lsn
        all_shipped(client)
        assert time.monotonic() - started > 4
        started = time.monotonic()
        end = agent.EndRunRequest(run_id="r", lease=lease, result=types.Payload(data=b"x"))
        client.agent.EndRun(end, timeout=20)
        all_shipped(client)
        assert time.monotonic() - started < 4


def test_much_is_shipped_at_once(shipping):
    _, client = shipping
    lease = client.start("r")
    client.begin("r", lease, "k", effect=NONE)
    assert status(client).store.shipped_lsn < status(client).lsn
    client.complete("r", lease, "k", output=types.Payload(data=os.urandom(300 << 10)))
    all_shipped(client)


def test_after_a_drain_each_commit_is_shipped_at_once(shipping):
    _, client = shipping
    lease = client.start("r")
    for _ in range(2):
        newest = status(client).lsn
        assert client.control.Drain(control.DrainRequest(), timeout=20).lsn == newest
        assert status(client).store.shipped_lsn == newest
    assert client.begin("r", lease, "k", effect=NONE).execute.attempt == 1
    all_shipped(client)


def switches(pid: int, thread: str) -> int:
    """How often the thread has gone to sleep."""
    from pathlib import Path

    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == thread:
            lines = (task / "status").read_text().splitlines()
            return next(int(line.split()[1]) for line in lines
                        if line.startswith("voluntary_ctxt_switches"))
    raise AssertionError(f"no thread {thread}")


def test_an_idle_journal_asks_the_store_for_nothing(new_sidecar, store):
    sidecar = serve(new_sidecar(*store.arguments("--ship-interval", "100ms")))
    with sidecar.channel() as channel:
        client = Client(channel)
        client.start("r")
        all_shipped(client)
        time.sleep(0.3)
        before = store.segments(), switches(sidecar.process.pid, "shipper")
        time.sleep(2)
        assert (store.segments(), switches(sidecar.process.pid, "shipper")) == before


# ---- outages ----------------------------------------------------------------------------------


def test_an_outage_is_told_and_ends_soon_after_the_store_is_back(shipping, store):
    _, client = shipping
    lease = client.start("r")
    client.begin("r", lease, "first")
    store.go_away()
    future = client.agent.BeginStep.future(begin("k", lease), timeout=60)
    away = control.STORE_STATE_AWAY
    told = eventually(lambda: (s := status(client)).store.state == away and s)
    assert told.store.error and told.state == control.SERVER_STATE_SERVING
    time.sleep(3)
    started = time.monotonic()
    store.come_back()
    assert future.result().verdict.execute.attempt == 1
    assert time.monotonic() - started < 5
    assert status(client).store.state == control.STORE_STATE_ANSWERING
    assert status(client).store.error == ""


def test_beyond_the_backlog_intents_are_refused_and_outcomes_taken(new_sidecar, store):
    sidecar = serve(new_sidecar(*store.arguments("--backlog-max-bytes", "100KiB")))
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = client.start("r")
        client.begin("r", lease, "a", effect=NONE)
        all_shipped(client)
        store.go_away()
        client.begin("r", lease, "b", effect=NONE, input=types.Payload(data=os.urandom(128000)))
        ask = begin("c", lease, effect=NONE)
        full = refused(client.agent.BeginStep, ask)
        assert (full.code, full.reason, full.retry_ms) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED, "BACKLOG_FULL", 1000)
        start = agent.StartRunRequest(run_id="other", task="t")
        assert refused(client.agent.StartRun, start).reason == "BACKLOG_FULL"
        assert client.complete("r", lease, "a").lsn > 0
        complete = agent.CompleteStepRequest(run_id="r", lease=lease, key="b", attempt=1,
                                             output=types.Payload(data=b"x"),
                                             begin_next=agent.BeginNext(key="d", effect=NONE))
        assert refused(client.agent.CompleteStep, complete).reason == "BACKLOG_FULL"
        store.come_back()
        all_shipped(client)
        assert client.agent.CompleteStep(complete, timeout=20).next.execute.attempt == 1
        assert client.agent.BeginStep(ask, timeout=20).verdict.execute.attempt == 1
        limits = status(client).limits
        assert limits.backlog_bytes_max == 100 << 10 and limits.backlog_age_ms_max == 3600_000


def test_beyond_the_backlogs_age_intents_are_refused(new_sidecar, store):
    sidecar = serve(new_sidecar(*store.arguments("--backlog-max-age", "1s", "--drain-timeout", "1s")))
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = client.start("r")
        all_shipped(client)
        store.go_away()
        client.begin("r", lease, "a", effect=NONE)
        eventually(lambda: status(client).store.lag_ms >= 1000)
        assert refused(client.agent.BeginStep, begin("b", lease)).reason == "BACKLOG_FULL"
        store.come_back()
        all_shipped(client)
        assert client.agent.BeginStep(begin("b", lease), timeout=9).verdict.execute.attempt == 1


def test_by_policy_intents_wait_for_room_instead(new_sidecar, store):
    sidecar = serve(new_sidecar(*store.arguments("--backlog-max-bytes", "1KiB",
                                                 "--backlog-policy", "wait")))
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = client.start("r")
        client.begin("r", lease, "a", effect=NONE)
        all_shipped(client)
        store.go_away()
        client.begin("r", lease, "b", effect=NONE, input=types.Payload(data=bytes(5000)))
        complete = agent.CompleteStepRequest(run_id="r", lease=lease, key="a", attempt=1,
                                             output=types.Payload(data=bytes(3000)),
                                             begin_next=agent.BeginNext(key="d", effect=NONE))
        futures = [client.agent.BeginStep.future(begin("c", lease, effect=NONE), timeout=20),
                   client.agent.CompleteStep.future(complete, timeout=20)]
        gone = client.agent.BeginStep.future(begin("e", lease, effect=NONE), timeout=0.3)
        assert still_waits(futures[0]) and not futures[1].done()
        assert status(client).store.lag_bytes >= 8000  # the outcome is recorded, and counts
        assert gone.exception().code() == grpc.StatusCode.DEADLINE_EXCEEDED
        store.come_back()
        assert futures[0].result().verdict.execute.attempt == 1
        assert futures[1].result().next.execute.attempt == 1
        _, history = client.resume("r")
        assert "a" in [step.key for step in history] and "e" not in [step.key for step in history]


# ---- the end -----------------------------------------------------------------------------------


def test_a_clean_end_ships_everything(shipping, store):
    sidecar, client = shipping
    lease = client.start("r")
    client.begin("r", lease, "k", effect=NONE)
    before = store.segments()
    assert sidecar.stop() == 0
    assert len(store.segments()) > len(before)


def test_an_end_without_the_store_is_bounded_and_says_so(shipping, store):
    sidecar, client = shipping
    lease = client.start("r")
    client.begin("r", lease, "first")
    store.go_away()
    future = client.agent.BeginStep.future(begin("k", lease), timeout=60)
    assert still_waits(future, 0.3)
    started = time.monotonic()
    assert sidecar.stop() == 4
    assert time.monotonic() - started < 10
    assert future.exception().code() == grpc.StatusCode.UNAVAILABLE
    assert "does not have everything" in sidecar.log()
    store.come_back()
    serve(sidecar)
    with sidecar.channel() as channel:
        all_shipped(Client(channel))
        assert Client(channel).begin("r", lease, "k", request_id="once").execute.attempt == 1


# ---- before the journal is open -------------------------------------------------------------------


def test_until_its_name_appears_the_journal_is_not_served(new_sidecar, store, tmp_path):
    port, name = free_port(), tmp_path / "name"
    sidecar = new_sidecar("--journal-file", str(name), "--store", store.url,
                          "--metrics-listen", f"127.0.0.1:{port}").start()
    get = lambda path: urllib.request.urlopen(f"http://127.0.0.1:{port}{path}").status
    with sidecar.channel() as channel:
        client = Client(channel)
        watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=60)
        assert next(watch) == NOT_SERVING and health(sidecar) == NOT_SERVING
        start = agent.StartRunRequest(run_id="r", task="t", take_lease=True)
        refusal = refused(client.agent.StartRun, start)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "RESTORING")
        for call, ask in ((client.agent.Resume, agent.ResumeRequest(run_id="r")),
                          (client.control.ListRuns, control.ListRunsRequest()),
                          (client.control.WatchRun, control.WatchRunRequest(run_id="r")),
                          (client.control.ReadJournal, control.ReadJournalRequest()),
                          (client.control.Flush, control.FlushRequest())):
            assert refused(call, ask).reason == "RESTORING"
        assert status(client).state == control.SERVER_STATE_RESTORING
        assert get("/healthz") == 200
        with pytest.raises(urllib.error.HTTPError):
            get("/readyz")
        name.write_text("")
        time.sleep(0.3)
        assert health(sidecar) == NOT_SERVING
        name.write_text("j\n")
        assert next(watch) == SERVING
        assert client.agent.StartRun(start, timeout=20).created
        assert status(client).journal == "j" and get("/readyz") == 200
    assert store.segments()


def test_a_name_can_come_late_without_a_store(new_sidecar, tmp_path):
    name = tmp_path / "name"
    sidecar = new_sidecar("--journal-file", str(name)).start()
    assert health(sidecar) == NOT_SERVING
    name.write_text("late")
    eventually(lambda: health(sidecar) == SERVING)
    with sidecar.channel() as channel:
        assert status(Client(channel)).journal == "late"


def test_a_name_that_is_none_ends_the_start(new_sidecar, tmp_path):
    name = tmp_path / "name"
    name.write_text("../other")
    sidecar = new_sidecar("--journal-file", str(name))
    assert sidecar.spawn().wait(timeout=20) == 1
    assert "not a journal's name" in sidecar.log()


def test_a_pool_member_that_got_no_name_ends_cleanly(new_sidecar, tmp_path):
    sidecar = new_sidecar("--journal-file", str(tmp_path / "never")).start()
    assert sidecar.stop() == 0


def test_a_store_that_is_away_at_the_start_is_waited_for(new_sidecar, store):
    (store.folder / "probe").symlink_to("nowhere")
    sidecar = new_sidecar(*store.arguments()).start()
    with sidecar.channel() as channel:
        eventually(lambda: "does not answer" in sidecar.log())
        assert health(sidecar) == NOT_SERVING
        assert status(Client(channel)).state == control.SERVER_STATE_RESTORING
    (store.folder / "probe").unlink()
    eventually(lambda: health(sidecar) == SERVING)


def test_a_start_that_waits_for_its_store_can_be_ended(new_sidecar, store):
    (store.folder / "probe").symlink_to("nowhere")
    sidecar = new_sidecar(*store.arguments()).start()
    eventually(lambda: "does not answer" in sidecar.log())
    assert sidecar.stop() == 0


def test_an_end_before_the_store_was_reached_does_not_claim_that_all_is_shipped(new_sidecar, store):
    sidecar = serve(new_sidecar(*store.arguments("--ship-interval", "1h")))
    with sidecar.channel() as channel:
        client = Client(channel)
        client.begin("r", client.start("r"), "k", effect=NONE)
        sidecar.stop(signal.SIGKILL)
    store.go_away()
    sidecar.start()
    eventually(lambda: "does not answer" in sidecar.log())
    assert sidecar.stop() == 4
    assert "was not reached" in sidecar.log()
    store.come_back()
    serve(sidecar)
    with sidecar.channel() as channel:
        all_shipped(Client(channel))


@pytest.mark.parametrize("arguments, said", [
    (("--store", "/tmp"), "--store needs --journal"),
    (("--store", "/tmp", "--journal", "a/b"), "--journal: with --store"),
    (("--store", "/tmp", "--journal", ".."), "--journal: with --store"),
    (("--journal", "a", "--journal-file", "/x"), "not both"),
    (("--store-region", "eu"), "without --store"),
    (("--backlog-policy", "drop"), "neither refuse nor wait"),
    (("--store", "ftp://x/y", "--journal", "j"), "begins with none of"),
])
def test_a_wrong_set_up_is_told_at_the_start(new_sidecar, arguments, said):
    sidecar = new_sidecar(*arguments)
    assert sidecar.spawn().wait(timeout=20) == 1
    assert said in sidecar.log()
