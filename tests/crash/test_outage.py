# SPDX-License-Identifier: Apache-2.0
"""Goal: ten minutes without the object store, under load, cost memory nothing and nobody a promise.

Method: two sidecars, one for each backlog policy, in front of an S3 server that is away in four ways
in turn. The work is real and paced; what is looked at meanwhile is told at the end, test by test.
The limits are so low that both are reached while the store is away. When it is back, its answer
to a request that it swallowed never comes. Then three short outages more, so that each of the four
ways is once the last. OUTAGE_SECONDS=60 is a shorter one, for work on the test itself.
"""

import contextlib
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field

import grpc
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/crash")]

from node import Node, agent, binary, control, scratch, types  # noqa: E402
from support.fault_store import BUCKET, Answer, Fault, FaultStore  # noqa: E402

SECONDS = float(os.environ.get("OUTAGE_SECONDS", "600"))
KINDS = ("refused", "slow", "busy", "blackhole")  # the last is the worst to come back from
TURNS = 20
BEFORE_S = max(10.0, SECONDS / 20)  # with the store there, to compare with
SHORT_S = 20

RUNS, TICK_S, STEPS = 20, 0.1, 100  # side by side; a step of each every tick; of one run
OUTPUT_BYTES = 300
STEP_BYTES = 485      # what a step adds to the backlog, about
OPEN_STEPS = 200      # begun before the store goes, finished one by one while it is away
KEPT_STEPS = 500      # of the run that is resumed all the time
LARGE_STEPS = 100     # of 256 KiB: they fill SQLite's cache of 16 MiB, which is no news then
RECORD_BYTES_MAX = 1024
FULL_AT = {"refuse": 0.4, "wait": 0.2}  # the limit is reached when so much of the outage is over

# A backlog kept in memory would be tens of megabytes, a leak in each try or refusal several. What is
# below is the allocator's own coming and going.
RSS_MARGIN_KIB = 3 << 10
RESUME_S_MAX = 5.0

NONE, ONCE = types.EFFECT_NONE, types.EFFECT_ONCE


class AwayStore(FaultStore):
    """Is away in one of KINDS; "" is there."""

    def __init__(self) -> None:
        super().__init__()
        self._listener.close()  # a port that is asked for by its number is kept by shutdown()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.kind = ""
        self.swallowed = 0
        self.answered: list[tuple[float, str]] = []  # creations in a chain, while it is there
        self.over = threading.Event()

    def turn(self, kind: str) -> None:
        before, self.kind = self.kind, kind
        if kind == "refused":
            self._listener.shutdown(socket.SHUT_RD)
            for connection in list(self._open):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        elif before == "refused":
            self._listener.listen()
            threading.Thread(target=self._accept, daemon=True).start()

    def _answer(self, connection: socket.socket, request: object, fault: Fault) -> bool:
        kind, goes_on = self.kind, False
        if kind == "busy":
            goes_on = super()._answer(connection, request, Fault(status=503, code="SlowDown"))
        elif kind == "":
            goes_on = super()._answer(connection, request, fault)
            if request.method == "PUT" and "/log/" in request.path:
                self.answered.append((time.monotonic(), request.path))
        elif kind in ("slow", "blackhole"):
            self.swallowed += 1
            if self.swallowed % 2:  # it happens, and nobody is told
                with contextlib.suppress(Answer):
                    self._honest(request)
            if kind == "slow":
                for byte in b"HTTP/1.1 500 Later\r\nContent-Length: 0\r\n\r\n":
                    connection.sendall(bytes([byte]))
                    self.over.wait(1)
            self.over.wait()
        request.body = b""  # not to be kept for ten minutes
        return goes_on

    def first_answer(self, journal: str, since: float) -> float:
        """Seconds from then."""
        times = [when - since for when, path in self.answered if when >= since and f"/{journal}/" in path]
        return min(times, default=float("inf"))


@dataclass
class Seen:
    """What became of the work, while the store was there and away."""

    latencies: dict = field(default_factory=lambda: {
        "there": [], "away": [], "full": [], "back": []})
    acknowledged: list = field(default_factory=list)  # lsn of outcomes
    refused: int = 0


class Run:
    """One run after the other; its next call, and what the answer to it changes."""

    def __init__(self, number: int) -> None:
        self.number, self.turn = number, 0
        self.begin_run()

    def begin_run(self) -> None:
        self.turn += 1
        self.name = f"load-{self.number}-{self.turn}"
        self.lease, self.step, self.is_open, self.call = 0, 0, False, None
        self.sent = 0.0

    def next_call(self) -> agent.SessionCall:
        """The same again when the last was refused."""
        if self.call is None:
            self.call = agent.SessionCall(id=self.number + 1, **self.ask())
        self.sent = time.monotonic()
        return self.call

    def ask(self) -> dict:
        if self.lease == 0:
            return {"start_run": agent.StartRunRequest(run_id=self.name, task="t", take_lease=True)}
        same = {"run_id": self.name, "lease": self.lease}
        if self.is_open:
            after = None if self.step + 1 == STEPS else agent.BeginNext(
                key=f"k{self.step + 1}", effect=NONE, request_id="1")
            return {"complete_step": agent.CompleteStepRequest(
                **same, key=f"k{self.step}", attempt=1, begin_next=after,
                output=types.Payload(data=os.urandom(OUTPUT_BYTES // 2).hex().encode()))}
        if self.step == STEPS:
            return {"end_run": agent.EndRunRequest(**same, result=types.Payload(data=b"end"))}
        return {"begin_step": agent.BeginStepRequest(**same, key=f"k{self.step}", effect=NONE,
                                                     request_id="1")}

    def take(self, result: agent.SessionResult) -> int:
        """The lsn of the outcome that is acknowledged by it, or 0."""
        what = result.WhichOneof("result")
        answer = getattr(result, what)
        self.call = None
        if what == "start_run":
            self.lease = answer.lease
        elif what == "begin_step":
            assert answer.verdict.execute.attempt == 1, answer
            self.is_open = True
        elif what == "complete_step":
            self.step += 1
            self.is_open = self.step < STEPS
            return answer.lsn
        elif what == "end_run":
            self.begin_run()
        return 0


class Load:
    """Runs side by side over one session, at a steady pace."""

    def __init__(self, node: Node, state: callable) -> None:
        self.runs = [Run(number) for number in range(RUNS)]
        self.ready = set(range(RUNS))
        self.state, self.seen = state, Seen()
        self.asks: queue.SimpleQueue = queue.SimpleQueue()
        self.ends = threading.Event()
        self.problem = ""
        session = node.channel.stream_stream("/stepwell.v1.AgentService/Session",
                                             agent.SessionRequest.SerializeToString,
                                             agent.SessionResponse.FromString)
        self.stream = session(iter(self.asks.get, None))
        self.threads = [threading.Thread(target=work) for work in (self.send, self.receive)]
        for thread in self.threads:
            thread.start()

    def send(self) -> None:
        due = time.monotonic()
        while not self.ends.is_set():
            ready, self.ready = self.ready, set()
            if ready:
                calls = [self.runs[number].next_call() for number in sorted(ready)]
                self.asks.put(agent.SessionRequest(calls=calls))
            due = max(due + TICK_S, time.monotonic() - TICK_S)
            self.ends.wait(max(0.0, due - time.monotonic()))

    def receive(self) -> None:
        try:
            for message in self.stream:
                now = time.monotonic()
                done = {result.id - 1 for result in message.results}
                for result in message.results:
                    self.take(result, now)
                self.ready = self.ready | done
        except (grpc.RpcError, AssertionError) as error:
            self.problem = str(error)

    def take(self, result: agent.SessionResult, now: float) -> None:
        run, seen = self.runs[result.id - 1], self.seen
        if result.WhichOneof("result") == "error":
            assert result.error.reason == "BACKLOG_FULL", result
            seen.refused += 1
            return
        if lsn := run.take(result):
            seen.acknowledged.append(lsn)
            seen.latencies[self.state()].append(now - run.sent)

    def end(self) -> None:
        """Whoever still waits is waited for."""
        self.ends.set()
        self.threads[0].join()
        deadline = time.monotonic() + 60
        while len(self.ready) < RUNS and not self.problem and time.monotonic() < deadline:
            time.sleep(0.05)
        self.asks.put(None)
        self.threads[1].join(30)
        assert not self.problem, self.problem
        assert len(self.ready) == RUNS, "calls were never answered"


class Remote:
    """One ONCE step after the other; a caller that waits, or one that hangs up and asks again."""

    def __init__(self, node: Node, run: str, patience_s: float) -> None:
        self.node, self.run, self.patience_s = node, run, patience_s
        self.asked: float = 0.0  # since when it waits for the step it is at
        self.answers: list[tuple[float, float]] = []  # asked, answered
        self.ends = threading.Event()
        self.problem = ""
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self) -> None:
        try:
            lease, number = self.node.start_run(self.run), 0
            while not self.ends.wait(0.5):
                number += 1
                self.begin(lease, f"k{number}")
                self.node.complete(self.run, lease, f"k{number}", 1, "done")
        except (grpc.RpcError, AssertionError) as error:
            self.problem = str(error)

    def begin(self, lease: int, key: str) -> None:
        ask = agent.BeginStepRequest(run_id=self.run, lease=lease, key=key, effect=ONCE,
                                     request_id=uuid.uuid4().hex)
        self.asked = time.monotonic()
        while True:
            try:
                verdict = self.node.agent.BeginStep(ask, timeout=self.patience_s).verdict
                break
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                    time.sleep(0.2)
                elif error.code() != grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise
        assert verdict.execute.attempt == 1, verdict
        self.answers.append((self.asked, time.monotonic()))

    def answered_after(self, since: float) -> float:
        """Seconds from then until the answer to what was asked before."""
        return max((there - since for asked, there in self.answers if asked < since <= there),
                   default=0.0 if self.asked > since else float("inf"))

    def end(self) -> None:
        self.ends.set()
        self.thread.join(90)
        assert not self.problem, self.problem


@dataclass
class Sample:
    at: float          # since the store went
    rss_kib: int
    lag_bytes: int
    lag_bytes_max: int  # what is promised of it
    resume_s: float
    outcome_s: float
    is_full: bool


class Side:
    """A sidecar, all that works with it, and what was seen of it."""

    def __init__(self, policy: str, store: AwayStore, folder: pathlib.Path) -> None:
        self.policy, self.store, self.journal = policy, store, f"j-{policy}"
        self.limit = int(FULL_AT[policy] * SECONDS * RUNS / TICK_S * STEP_BYTES)
        self.address = ["--store-endpoint", store.endpoint, "--journal", self.journal]
        self.url = f"s3://{BUCKET}/outage"
        self.node = Node(folder / policy, ["--store", self.url, *self.address, "--backlog-policy",
                                           policy, "--backlog-max-bytes", str(self.limit)])
        self.node.wait_serving()
        self.prepare()
        self.went = self.full_at = self.came_back = 0.0
        self.waiting = 0  # runs without an answer, when the store comes back
        self.samples: list[Sample] = []
        self.load = Load(self.node, self.state)
        self.remote = [Remote(self.node, "patient", SECONDS + 120), Remote(self.node, "hasty", 2)]
        self.back: list[tuple[str, float, float]] = []  # kind, shipping, everybody answered

    def prepare(self) -> None:
        """A run to be resumed, and steps to be finished while the store is away."""
        lease = self.node.start_run("large")
        for number in range(LARGE_STEPS):
            self.node.begin("large", lease, f"k{number}", NONE)
            self.node.complete("large", lease, f"k{number}", 1, os.urandom(128 << 10).hex())
            self.node.control.Flush(control.FlushRequest())
        lease = self.node.start_run("kept")
        for number in range(KEPT_STEPS):
            self.node.begin("kept", lease, f"k{number}", NONE)
            self.node.complete("kept", lease, f"k{number}", 1, "x" * 200)
        self.lease = self.node.start_run("open")
        for number in range(OPEN_STEPS):
            self.node.begin("open", self.lease, f"k{number}", NONE)
        self.open_next = 0

    def state(self) -> str:
        if self.came_back or not self.went:
            return "back" if self.came_back else "there"
        return "full" if self.full_at else "away"

    def rss_kib(self) -> int:
        status = pathlib.Path(f"/proc/{self.node.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def cpu_s(self) -> float:
        words = pathlib.Path(f"/proc/{self.node.process.pid}/stat").read_text().rpartition(")")[2]
        return sum(map(int, words.split()[11:13])) / os.sysconf("SC_CLK_TCK")

    def look(self) -> None:
        started = time.monotonic()
        _, history = self.node.resume("kept")
        resume_s = time.monotonic() - started
        assert len(history) == KEPT_STEPS
        started = time.monotonic()
        self.load.seen.acknowledged.append(
            self.node.complete("open", self.lease, f"k{self.open_next}", 1, "y" * 100))
        self.open_next += 1
        outcome_s = time.monotonic() - started
        lag = self.node.status().store.lag_bytes
        if lag >= self.limit and not self.full_at:
            self.full_at = started
        # Beyond the limit: one record, and the outcomes of what was under way: each run's, one for
        # each look, and the lease that Resume takes.
        most = self.limit + (1 + RUNS + 2 * len(self.samples)) * RECORD_BYTES_MAX
        self.samples.append(Sample(started - self.went, self.rss_kib(), lag, most, resume_s,
                                   outcome_s, bool(self.full_at)))

    def note_return(self, kind: str, since: float) -> None:
        shipping = self.store.first_answer(self.journal, since)
        answered = max(remote.answered_after(since) for remote in self.remote)
        self.back.append((kind, shipping, answered))
        print(f"{self.policy}: back from {kind}: ships after {shipping:.2f} s, all who waited are "
              f"answered after {answered:.2f} s", flush=True)

    def end(self) -> None:
        for worker in (*self.remote, self.load):
            worker.end()
        status = self.node.status()
        self.node.control.Flush(control.FlushRequest(lsn=status.lsn))
        self.lsn = status.lsn
        self.node.signal(signal.SIGTERM)
        assert self.node.wait() == 0, self.node.log()

    def command(self, *words: str) -> str:
        return subprocess.run([binary(), *words, *self.address], capture_output=True, text=True,
                              check=True, timeout=120).stdout


class Outage:
    """The whole story, once."""

    def __init__(self, store: AwayStore, folder: pathlib.Path) -> None:
        self.store, self.folder = store, folder
        self.sides = [Side(policy, store, folder) for policy in FULL_AT]

    def happen(self) -> None:
        time.sleep(BEFORE_S)
        self.cpu_s, started = sum(side.cpu_s() for side in self.sides), time.monotonic()
        self.go_away(SECONDS, KINDS * (TURNS // len(KINDS)), look=True)
        self.cpu_s = (sum(side.cpu_s() for side in self.sides) - self.cpu_s)
        self.cpu_s /= time.monotonic() - started
        self.come_back(KINDS[-1])
        for kind in KINDS[:-1]:
            self.go_away(SHORT_S, (kind,), look=False)
            self.come_back(kind)
        for side in self.sides:
            side.end()

    def go_away(self, seconds: float, kinds: tuple[str, ...], look: bool) -> None:
        started = time.monotonic()
        for number, kind in enumerate(kinds):
            self.store.turn(kind)
            for side in self.sides if look else ():
                side.went = side.went or started
            until = started + seconds * (number + 1) / len(kinds)
            while (left := until - time.monotonic()) > 0:
                for side in self.sides if look else ():
                    side.look()
                time.sleep(min(left, SECONDS / 150))

    def come_back(self, kind: str) -> None:
        since = time.monotonic()
        for side in self.sides:
            side.came_back = side.came_back or since
            side.waiting = max(side.waiting, RUNS - len(side.load.ready))
        self.store.turn("")
        while time.monotonic() < since + 4 * RESUME_S_MAX and not all(
                self.store.first_answer(side.journal, since) < 99 and
                all(remote.answered_after(since) < 99 for remote in side.remote)
                for side in self.sides):
            time.sleep(0.05)
        for side in self.sides:
            side.note_return(kind, since)
        deadline = since + 60
        while time.monotonic() < deadline and any(
                side.node.status().store.lag_bytes > side.limit // 4 for side in self.sides):
            time.sleep(0.1)
        time.sleep(2)

    def restore(self, side: Side) -> pathlib.Path:
        copy = self.folder / f"copy-{side.policy}"
        if not copy.exists():
            side.command("restore", "--from", side.url, "--to", str(copy))
        return copy / "journal.db"

    def tell(self) -> None:
        for side in self.sides:
            seen, samples = side.load.seen, side.samples
            print(f"\n{side.policy}: {len(seen.acknowledged)} outcomes, {seen.refused} refusals, "
                  f"limit {side.limit >> 10} KiB, full after "
                  f"{side.full_at - side.went if side.full_at else -1:.0f} s, most unshipped "
                  f"{max(s.lag_bytes for s in samples) - side.limit:+} B, RSS KiB "
                  f"{[s.rss_kib for s in samples[::max(1, len(samples) // 20)]]}, Resume "
                  f"{max(s.resume_s for s in samples) * 1000:.0f} ms at most")
            for state, values in seen.latencies.items():
                if values:
                    print(f"  {state:6}{len(values):8} steps, p50 "
                          f"{statistics.median(values) * 1000:.1f} ms, most {max(values):.2f} s")
        print(f"  {self.cpu_s * 100:.0f} % of a core for both", flush=True)


@pytest.fixture(scope="module")
def outage():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stepwell-outage-", dir=scratch()))
    with AwayStore() as store, pytest.MonkeyPatch.context() as patch:
        for name, value in store.environment().items():
            patch.setenv(name, value)
        story = Outage(store, folder)
        try:
            story.happen()
            story.tell()
            yield story
        finally:
            store.over.set()
            for side in story.sides:
                side.load.ends.set()
                side.node.close()
    shutil.rmtree(folder)


@pytest.fixture(params=list(FULL_AT))
def side(outage, request):
    return outage.sides[list(FULL_AT).index(request.param)]


def test_memory_stays_flat(side):
    early = max(s.rss_kib for s in side.samples if s.at <= SECONDS / 10)
    late = max(s.rss_kib for s in side.samples if s.at >= SECONDS * 0.9)
    assert late <= early + RSS_MARGIN_KIB


def test_the_backlog_reaches_its_limit_and_stays_there(side):
    assert side.samples[-1].lag_bytes >= side.limit, "the limit was not reached: this shows nothing"
    for sample in side.samples:
        assert sample.lag_bytes <= sample.lag_bytes_max, sample


def test_steps_within_the_limit_do_not_notice(side):
    there, away = (side.load.seen.latencies[state] for state in ("there", "away"))
    assert max(away) < RESUME_S_MAX
    rate = {"there": len(there) / BEFORE_S, "away": len(away) / (side.full_at - side.went)}
    assert rate["away"] >= 0.75 * rate["there"] > 0, rate


def test_beyond_the_limit_intents_are_refused_or_wait(side):
    seen = side.load.seen
    if side.policy == "refuse":
        assert seen.refused > 100
    else:
        assert seen.refused == 0 and side.waiting == RUNS
    assert len(seen.latencies["full"]) <= 3 * RUNS, "steps go on"


def test_outcomes_are_taken_all_the_time(side):
    taken = [sample.outcome_s for sample in side.samples if sample.is_full]
    assert len(taken) >= 20 and max(taken) < RESUME_S_MAX


def test_a_resume_is_answered_all_the_time(side):
    assert max(sample.resume_s for sample in side.samples) < RESUME_S_MAX


@pytest.mark.parametrize("kind", KINDS)
def test_shipping_goes_on_soon_after_the_store_is_back(side, kind):
    _, shipping, answered = next(row for row in side.back if row[0] == kind)
    assert shipping < RESUME_S_MAX and answered < RESUME_S_MAX


def rows(path: pathlib.Path) -> dict[str, list[tuple]]:
    """The canonical dump: every record and the index of runs."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return {table: db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
                for table in ("log", "run")}


def test_all_that_was_acknowledged_is_in_the_store(outage, side):
    report = json.loads(side.command("verify", side.url, "--json"))
    assert report["ok"] and report["lsn"] >= side.lsn
    live, copy = rows(side.node.folder / "data/journal.db"), rows(outage.restore(side))
    assert live["log"] == copy["log"] and live["run"] == copy["run"]
    outcomes = {row[0] for row in copy["log"] if row[1] == control.RECORD_TYPE_STEP_COMPLETED}
    assert len(side.load.seen.acknowledged) > 100
    assert outcomes >= set(side.load.seen.acknowledged)
