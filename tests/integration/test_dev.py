# SPDX-License-Identifier: Apache-2.0
"""`stepwell dev`: a sidecar and an agent that live and die together. And a process that sleeps."""

import os
import pty
import re
import signal
import subprocess
import sys
import time

import pytest
from cli import parsed, stepwell
from conftest import REPOSITORY, binary, eventually

# An agent that does a step, waits until told to go on, and does another.
AGENT = """
import os, pathlib, sys, time
sys.path.insert(0, {tests!r})
import grpc
from conftest import Client, types
folder = pathlib.Path({folder!r})
channel = grpc.insecure_channel(os.environ["STEPWELL_ADDR"],
                                [("grpc.default_authority", "localhost")])
client = Client(channel)

def persist(call, *words, **keywords):
    for _ in range(300):
        try:
            return call(*words, **keywords)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            time.sleep(0.1)
    raise SystemExit(9)

lease = client.start("r")
client.begin("r", lease, "first", types.EFFECT_NONE)
client.complete("r", lease, "first")
(folder / "first").touch()
while not (folder / "go").exists():
    time.sleep(0.05)
persist(client.begin, "r", lease, "second", types.EFFECT_NONE)
persist(client.complete, "r", lease, "second")
raise SystemExit(3)
"""


@pytest.fixture
def dev(tmp_path):
    """Starts `stepwell dev --data tmp_path/data -- words`."""
    started = []

    def start(*words):
        process = subprocess.Popen([binary(), "dev", "--data", str(tmp_path / "data"), "--", *words],
                                   stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def children(pid: int) -> dict:
    """pid by what it is: "sidecar" or "agent"."""
    found = {}
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8") as stat:
                parent = int(stat.read().rpartition(")")[2].split()[1])
            with open(f"/proc/{entry}/cmdline", "rb") as words:
                command = words.read().split(b"\0")
        except (OSError, ValueError, IndexError):
            continue
        if parent == pid and entry.isdigit() and command[0]:
            found["sidecar" if command[1:2] == [b"serve"] else "agent"] = int(entry)
    return found


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def test_dev_survives_a_dead_sidecar(dev, tmp_path):
    script = tmp_path / "agent.py"
    script.write_text(AGENT.format(tests=str(REPOSITORY / "tests/integration"), folder=str(tmp_path)))
    process = dev(sys.executable, str(script))
    eventually((tmp_path / "first").exists, 40)
    first = children(process.pid)["sidecar"]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: children(process.pid).get("sidecar", first) != first, 20)
    (tmp_path / "go").touch()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "the sidecar ended with code 137; starting it again in 100 ms" in err
    steps = parsed("show", "r", "--file", tmp_path / "data")["steps"]
    assert [(step["key"], step["state"]) for step in steps] == [("first", "COMPLETED"),
                                                                ("second", "COMPLETED")]
    # what was done is there for the next agent
    process = dev("sh", "-c", f"exec {binary()} show r --json")
    process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_dev_passes_signals_on(dev, tmp_path, number):
    process = dev("sh", "-c", f"trap 'exit 7' {int(number)}; touch {tmp_path}/up; "
                              "while :; do sleep 0.05; done")
    eventually((tmp_path / "up").exists, 20)
    sidecar = children(process.pid)["sidecar"]
    process.send_signal(number)
    process.communicate(timeout=40)
    assert process.returncode == 7
    assert not alive(sidecar)


def test_the_terminal_interrupts_the_agent_alone(tmp_path):
    """Ctrl-C reaches the agent once, and the sidecar not at all: the agent may still finish."""
    heard = tmp_path / "heard"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(binary(), ["stepwell", "dev", "--data", str(tmp_path / "data"), "--", "sh", "-c",
                            f"trap 'echo int >>{heard}' INT; touch {tmp_path}/up; "
                            f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; "
                            f"{binary()} status >/dev/null && exit 5"])
    eventually((tmp_path / "up").exists, 20)
    os.write(terminal, b"\x03")
    eventually(heard.exists, 20)
    time.sleep(0.5)
    (tmp_path / "go").touch()
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 5
    assert heard.read_text() == "int\n"


def test_dev_leaves_nothing_behind(dev, tmp_path):
    process = dev("sh", "-c", f"touch {tmp_path}/up; while :; do sleep 0.05; done")
    eventually((tmp_path / "up").exists, 20)
    pids = children(process.pid)
    process.kill()
    process.wait()
    eventually(lambda: not alive(pids["agent"]), 10)
    eventually(lambda: not alive(pids["sidecar"]), 20)


def test_dev_ends_when_the_sidecar_cannot_start(dev, tmp_path):
    first = dev("sh", "-c", f"touch {tmp_path}/up; exec sleep 60")
    eventually((tmp_path / "up").exists, 20)
    second = dev("true")
    _, err = second.communicate(timeout=30)
    assert second.returncode == 1, err
    assert "the sidecar ended with code 1 before it answered" in err
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=30)
    assert first.returncode == 128 + signal.SIGTERM


def test_dev_finds_a_place_for_the_socket(tmp_path):
    deep = tmp_path / ("x" * 120)
    done = stepwell("dev", "--data", deep, "--", "sh", "-c", f'{binary()} status && echo "$STEPWELL_ADDR"')
    address = done.stdout.splitlines()[-1]
    assert address.endswith("/stepwell.sock") and str(deep) not in address
    assert not os.path.exists(os.path.dirname(address.removeprefix("unix://")))


def test_an_idle_metrics_server_sleeps(new_sidecar):
    """No thread of it wakes while nobody asks."""
    port = 20000 + (os.getpid() + 7) % 20000
    sidecar = new_sidecar("--metrics-listen", str(port)).start()

    def switches():
        found = {}
        for thread in os.listdir(f"/proc/{sidecar.process.pid}/task"):
            base = f"/proc/{sidecar.process.pid}/task/{thread}"
            with open(f"{base}/comm", encoding="utf-8") as name:
                if "MHD" not in name.read():
                    continue
            with open(f"{base}/status", encoding="utf-8") as status:
                found[thread] = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status.read(), re.M)[1]
        return found

    before = switches()
    assert before
    time.sleep(2)
    assert switches() == before
