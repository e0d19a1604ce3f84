# SPDX-License-Identifier: Apache-2.0
"""Goal: no server outlives the test that started it, not even one that was killed."""
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from support.serving import serving
from support.sidecar import free_port

TESTS = pathlib.Path(__file__).resolve().parents[1]
HOLDER = """
import sys, time
from support.serving import serving
from support.sidecar import free_port
port = free_port()
command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
with serving(command, port, sys.argv[1]) as server:
    print(server.pid, flush=True)
    time.sleep(1000)
"""


def test_a_server_dies_with_the_killed_process_that_started_it(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path / "log"], cwd=TESTS,
                              stdout=subprocess.PIPE, text=True)
    with holder:
        server = pathlib.Path("/proc", holder.stdout.readline().strip())
        assert "http.server" in (server / "cmdline").read_text(encoding="utf-8")
        holder.send_signal(signal.SIGKILL)
    end = time.monotonic() + 10
    while server.exists() and "Z" not in (server / "stat").read_text(encoding="utf-8"):
        assert time.monotonic() < end, "the server lives on"
        time.sleep(0.02)


def test_a_server_that_ends_at_once_is_told_with_what_it_said(tmp_path):
    with pytest.raises(RuntimeError, match="does not listen(.|\n)*no such luck"):
        with serving(["sh", "-c", "echo no such luck"], free_port(), tmp_path / "log"):
            pass
