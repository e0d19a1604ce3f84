# SPDX-License-Identifier: Apache-2.0
"""Goal: a group beside the others runs at their time, is told whole, counts, and dies with the run.

Method: the real tests/run, in a tree of its own with groups of a line or two.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
TABLE = "slow 60& - beside\nquick 60 - after it\n"
WAIT = "for i in {1..200}; do [ -e %s ] && break; sleep 0.05; done; check '%s is there' test -e %s\n"


@pytest.fixture
def tree(tmp_path):
    """A tree whose groups can see each other's files."""
    (tmp_path / "tests/groups").mkdir(parents=True)
    shutil.copy(TESTS / "run", tmp_path / "tests/run")
    (tmp_path / "tests/support").symlink_to(TESTS / "support")
    (tmp_path / "tests/groups/table").write_text(TABLE)
    return tmp_path


def write(tree, **groups):
    for name, script in groups.items():
        (tree / f"tests/groups/{name}.sh").write_text(script)


def start(tree, *groups):
    return subprocess.Popen([tree / "tests/run", "--no-install", *groups], start_new_session=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run(tree, *groups):
    process = start(tree, *groups)
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


def test_both_run_at_once_and_each_is_told_whole(tree):
    write(tree, slow="touch s\n" + WAIT % ("q", "quick", "q") + "sleep 0.5; echo slow ends\n",
          quick=WAIT % ("s", "slow", "s") + "touch q; echo quick ends\n")
    code, output = run(tree)
    assert code == 0, output
    places = [output.index(text) for text in (
        "==== quick", "quick ends", "---- quick: ok", "==== slow", "slow ends", "---- slow: ok")]
    assert places == sorted(places)
    table = [line.split() for line in output.splitlines()[-3:]]
    assert [(row[0], row[1], row[3]) for row in table] == [
        ("quick", "ok", "1"), ("slow", "ok", "1"), ("all", "ok", "2")]


def test_a_failure_beside_is_one_of_the_run(tree):
    write(tree, slow="check 'no' false\n", quick="check 'yes' true\n")
    code, output = run(tree)
    assert code == 1
    assert "---- slow: FAILED" in output and "FAILED: no" in output


def test_alone_it_runs_in_the_foreground(tree):
    write(tree, slow="echo here; read -t 30 -r <gate; check 'yes' true\n")
    os.mkfifo(tree / "gate")
    process = start(tree, "slow")
    for line in process.stdout:
        if line == "here\n":
            break
    (tree / "gate").write_text("go\n")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "---- slow: ok" in output


@pytest.mark.parametrize("quick", ["sleep 1000", "check 'yes' true"])
def test_an_interrupted_run_leaves_nothing_beside(tree, quick):
    write(tree, slow="echo $$ >pid.new; mv pid.new pid; sleep 1000\n", quick=quick + "\n")
    process = start(tree)
    deadline = time.monotonic() + 30
    while not (tree / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    pid = int((tree / "pid").read_text())
    if "sleep" in quick:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    else:
        while not process.stdout.readline().startswith("---- quick: ok"):
            pass
        process.terminate()
    output, _ = process.communicate(timeout=30)
    assert "interrupted" in output and process.returncode == 130
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{pid}")
