# SPDX-License-Identifier: Apache-2.0
"""Goal: the supervisor passes a status on, ends what takes too long, and lets nothing live on."""
import os
import pathlib
import subprocess
import sys
import time

SUPERVISE = pathlib.Path(__file__).with_name("supervise.py")


def supervise(seconds, script):
    return subprocess.run([sys.executable, SUPERVISE, str(seconds), "bash", "-c", script],
                          capture_output=True, text=True, timeout=30)


def assert_gone(pid):
    deadline = time.monotonic() + 5
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{pid}")


def test_status_and_output_pass_through():
    done = supervise(10, "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")


def test_a_signal_is_named():
    done = supervise(10, "kill -SEGV $$")
    assert done.returncode == 128 + 11
    assert "died of signal 11" in done.stderr


def test_what_takes_too_long_is_ended():
    started = time.monotonic()
    done = supervise(0.5, "sleep 1000")
    assert done.returncode == 124
    assert "time is up" in done.stderr
    assert time.monotonic() - started < 10


def test_a_process_left_behind_fails_and_is_killed():
    done = supervise(10, "sleep 1000 >/dev/null 2>&1 & echo $!")
    assert done.returncode == 125
    assert "left behind" in done.stderr
    assert_gone(int(done.stdout))


def test_a_session_of_its_own_is_no_hiding_place():
    done = supervise(10, "(setsid sleep 1000 >/dev/null 2>&1 & echo $!)")
    assert done.returncode == 125
    assert "sleep 1000" in done.stderr


def test_its_own_end_ends_all():
    process = subprocess.Popen([sys.executable, SUPERVISE, "60", "bash", "-c",
                                "sleep 1000 & echo $!; wait"], stdout=subprocess.PIPE, text=True)
    child = int(process.stdout.readline())
    process.terminate()
    assert process.wait(timeout=10) == 128 + 15
    process.stdout.close()
    assert_gone(child)


def test_signals_that_it_ignores_are_not_ignored_inside():
    ignoring = f"trap '' INT HUP; exec {sys.executable} {SUPERVISE} 10 bash -c 'kill -INT $$; sleep 5'"
    done = subprocess.run(["bash", "-c", ignoring], timeout=30, check=False)
    assert done.returncode == 128 + 2
