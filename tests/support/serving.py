# SPDX-License-Identifier: Apache-2.0
"""Servers that a test starts for itself: they end with the block, or with the process that began it.

    with serving([program, "--port", str(port)], port, folder / "log"):
        ...
"""
import contextlib
import os
import pathlib
import socket
import subprocess
import time

from support.sidecar import accepts

START_S = 60


@contextlib.contextmanager
def serving(command, port, log, environment=None):
    """Runs a server until the end of the block; it answers on the port when the block begins.

    Without a port nothing is waited for. The kernel kills it when this process dies first.
    """
    with open(log, "wb") as stream:
        server = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command],
                                  stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                                  env={**os.environ, **(environment or {})})
    try:
        end = time.monotonic() + START_S
        while port is not None and not accepts(socket.AF_INET, ("127.0.0.1", port)):
            if server.poll() is not None or time.monotonic() > end:
                text = pathlib.Path(log).read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"{command[0]} does not listen:\n{text}")
            time.sleep(0.05)
        yield server
    finally:
        server.kill()
        server.wait()
