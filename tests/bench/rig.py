# SPDX-License-Identifier: Apache-2.0
"""What the measurements share: servers, loads, rounds, rows."""

import json
import os
import pathlib
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from fault_store import BUCKET, FaultStore  # noqa: E402

RELEASE = ROOT / "build/release"
BUILD = ROOT / "build/bench"
LOAD, ECHO, DISK, PUT = (BUILD / f"tests/bench/bench_{name}"
                         for name in ("load", "echo", "disk", "put"))
AGENTS = 64
HISTORY_STEPS = 10_000
LOCAL, REMOTE = "durability=1", "durability=2"
STEP_BEGUN, STEP_COMPLETED = 4, 5  # types of records


def build() -> None:
    """The sidecar as released; the bench programs apart, with the same flags."""
    programs = ["bench_load", "bench_echo", "bench_disk", "bench_put"]
    for command in (["cmake", "--preset", "release"],
                    ["cmake", "--build", RELEASE, "-j2", "--target", "stepwell"],
                    ["cmake", "--preset", "release", "-DSW_BENCH=ON", "-B", BUILD],
                    ["cmake", "--build", BUILD, "-j2", "--target", *programs]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"bench: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


class Failed(Exception):
    """A measurement that has no figures."""


def run_text(*command: object, **options: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=300, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def run_json(*command: object, **options: object) -> dict:
    return json.loads(run_text(*command, **options).splitlines()[-1])


def proc(pid: int, name: str) -> dict[str, int]:
    """The numbers of /proc/PID/NAME, whose lines are "Key: number ..."."""
    lines = pathlib.Path(f"/proc/{pid}/{name}").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {key: int(value.split()[0]) for key, value in pairs if value.split()[:1] and
            value.split()[0].isdigit()}


def rss_mb(pid: int, key: str = "VmRSS") -> float:
    return proc(pid, "status")[key] / 1024


def switches(pid: int) -> int:
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        status = proc(pid, f"task/{task.name}/status")
        total += status["voluntary_ctxt_switches"] + status["nonvoluntary_ctxt_switches"]
    return total


class Others:
    """The CPU time that was not ours, in cores. Ours: this process and its ended children."""

    def __init__(self) -> None:
        self.started = self.now()

    @staticmethod
    def now() -> tuple[float, float]:
        ticks = [int(word) for word in
                 pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
        busy = (sum(ticks[:8]) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
        usage = [resource.getrusage(who) for who in
                 (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return time.monotonic(), busy - sum(u.ru_utime + u.ru_stime for u in usage)

    def cores(self) -> float:
        (began, before), (ended, after) = self.started, self.now()
        return max(0.0, (after - before) / (ended - began))


class Process:
    """A server, from its socket on."""

    def __init__(self, command: list, socket: pathlib.Path, data: pathlib.Path | None,
                 **options: object) -> None:
        self.child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, **options)
        self.socket = socket
        self.data = data
        while not socket.exists():
            if self.child.poll() is not None:
                raise Failed(f"{command[0]} ended with {self.child.returncode}")
            time.sleep(0.0005)
        self.pid = self.child.pid
        self.address = f"unix:{socket}"

    def kill(self) -> None:
        """As if the node were gone: nothing is tidied up."""
        self.child.kill()
        self.child.wait()
        self.socket.unlink(missing_ok=True)

    def stop(self) -> None:
        if self.child.poll() is not None:
            return
        self.child.terminate()
        try:
            self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.socket.unlink(missing_ok=True)


class Shipped:
    """A store, and the journal in it: a folder, or the same behind an S3 server in this process."""

    def __init__(self, folder: pathlib.Path, server: FaultStore | None = None) -> None:
        self.folder = folder
        self.url = f"s3://{BUCKET}" if server else f"file://{folder}"
        self.place = [self.url, server.endpoint] if server else [self.url]
        self.environment = {**os.environ, **(server.environment() if server else {})}
        if server:
            server.objects.update((str(path.relative_to(folder)), path.read_bytes())
                                  for path in folder.rglob("*") if path.is_file())

    def flags(self) -> list:
        endpoint = ["--store-endpoint", self.place[1]] if self.place[1:] else []
        return ["--store", self.url, *endpoint, "--journal", "bench"]


class Bench:
    def __init__(self, folder: pathlib.Path, quick: bool) -> None:
        self.folder = folder
        self.quick = quick
        self.rounds = 3 if quick else 7
        self.seconds = 1 if quick else 3
        self.rows: list[dict] = []
        self.running: list[Process | subprocess.Popen] = []
        self.journals = 0
        self.history_run = ""
        # Somebody may build while this measures.
        self.binary = shutil.copy2(RELEASE / "sidecar/stepwell", folder / "stepwell")

    def row(self, name: str, value: float, unit: str, raw: float | None = None,
            ratio: float | None = None, goal: str = "") -> None:
        """goal: "value" or "ratio", "<=" or ">=", a number; or a remark in brackets."""
        row = {"name": name, "value": round(value, 3), "unit": unit,
               "raw": None if raw is None else round(raw, 3),
               "ratio": None if ratio is None else round(ratio, 3)}
        self.rows.append(row)
        if goal and not goal.startswith("("):
            what, sign, limit = goal.split()
            number = row[what]
            met = number <= float(limit) if sign == "<=" else number >= float(limit)
            goal = f"{goal.removeprefix('value ')}: {'met' if met else 'NOT MET'}"
        cells = ["" if number is None else f"{number:,.3f}"
                 for number in (row["value"], row["raw"], row["ratio"])]
        print(f"{name:33}{cells[0]:>13} {unit:10}{cells[1]:>13}{cells[2]:>9}  {goal}", flush=True)

    def serve_command(self, data: pathlib.Path, socket: pathlib.Path) -> list:
        return [self.binary, "serve", "--data", data, "--listen", f"unix://{socket}",
                "--log-level", "error"]

    def shipping(self, store: Shipped, *flags: str) -> Process:
        """A sidecar on a journal of its own and on a store, from when its journal is open."""
        self.journals += 1
        data, socket = (self.folder / f"{name}{self.journals}" for name in ("journal-", "s"))
        ready, told = os.pipe()
        command = [*self.serve_command(data, socket), *store.flags(), *flags, "--ready-fd", told]
        try:
            self.running.append(Process(command, socket, data, pass_fds=[told],
                                        env=store.environment))
        finally:
            os.close(told)
        with open(ready, "rb") as opened:
            if opened.read(1) != b"1":
                raise Failed("a sidecar does not open its journal")
        return self.running[-1]

    def flush(self, server: Process) -> None:
        """All that was recorded is in the store."""
        run_text(self.binary, "flush", env={**os.environ, "STEPWELL_ADDR": f"unix://{server.socket}"})

    def sidecar(self, journal: str = "") -> Process:
        """A sidecar on an empty journal, or on one of an earlier name."""
        self.journals += 1
        data = self.folder / (journal or f"journal-{self.journals}")
        socket = self.folder / f"s{self.journals}.sock"
        self.running.append(Process(self.serve_command(data, socket), socket, data))
        return self.running[-1]

    def echo(self, *file: pathlib.Path) -> Process:
        self.journals += 1
        socket = self.folder / f"e{self.journals}.sock"
        self.running.append(Process([ECHO, f"unix:{socket}", *file], socket, None))
        return self.running[-1]

    def beside(self, *command: object) -> subprocess.Popen:
        child = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                                 text=True)
        self.running.append(child)
        return child

    def end(self) -> None:
        """Stops whatever still runs."""
        for process in reversed(self.running):
            if isinstance(process, Process):
                process.stop()
            elif process.poll() is None:
                process.kill()
                process.wait()
        self.running.clear()

    def load(self, mode: str, server: Process, amount: object, seconds: int | None = None,
             *settings: str) -> dict:
        return run_json(LOAD, mode, server.address, amount, seconds or self.seconds, *settings)

    def shipped(self, name: str, agents: int, *settings: str) -> Shipped:
        """What a node that is gone has left in the store, made once."""
        store = Shipped(self.folder / f"store-{name}")  # its name alone may be a journal's
        if not store.folder.exists():
            server = self.shipping(store)
            self.load("session", server, agents, 120, *settings)
            self.flush(server)
            server.kill()
            shutil.rmtree(server.data)
        return store

    def history(self, server: Process) -> str:
        """A run of so many finished steps in the journal named "history"; its id."""
        if not self.history_run:
            writer = self.beside(LOAD, "one", server.address, HISTORY_STEPS, 0)
            if len(writer.communicate(timeout=300)[0].splitlines()) != HISTORY_STEPS:
                raise Failed("the history was not written")
            self.history_run = f"bench-{writer.pid}-0-1"
        return self.history_run


def count_records(data: pathlib.Path, *types: int) -> int:
    """What a stopped sidecar has in its journal."""
    marks = ",".join("?" * len(types))
    with sqlite3.connect(f"file:{data}/journal.db?mode=ro", uri=True) as db:
        return db.execute(f"SELECT count(*) FROM log WHERE type IN ({marks})", types).fetchone()[0]


def by_turns(bench: Bench, raw: Callable[[], float],
             durable: Callable[[], float]) -> tuple[float, float, float]:
    """Medians of durable, of raw and of the rounds' ratios; who is first changes."""
    rounds = []
    for number in range(bench.rounds):
        if number % 2 == 0:
            limit, value = raw(), durable()
        else:
            value, limit = durable(), raw()
        rounds.append((value, limit, value / limit))
    return tuple(statistics.median(column) for column in zip(*rounds))
