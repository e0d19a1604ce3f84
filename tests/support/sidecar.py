# SPDX-License-Identifier: Apache-2.0
"""The real sidecar as a child process, for tests that talk to it from outside.

    with Sidecar(folder) as sidecar:
        sidecar.address    # unix:///...; sidecar.tcp is 127.0.0.1:PORT when asked for

The binary is $STEPWELL_BIN, else that of the dev preset.
"""
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_S, STOP_S = 30, 30  # a sanitizer's binary on a busy machine


def binary():
    path = pathlib.Path(os.environ.get("STEPWELL_BIN", ROOT / "build/dev/sidecar/stepwell"))
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"no sidecar at {path}: build it, or set STEPWELL_BIN")
    return str(path)


def free_port():
    """A TCP port where nobody listens. Below those the kernel gives to connections, of which one
    could take it before it is used, and by chance: others look for one at the same time."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def accepts(family, address):
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


class Sidecar:
    """One data directory; started, stopped, killed and started again at will."""

    def __init__(self, folder, *arguments, tcp=False, environment=None):
        self.folder = pathlib.Path(folder)
        self.socket = self.folder / "s.sock"
        self.address = f"unix://{self.socket}"
        self.port = free_port() if tcp else None
        self.tcp = f"127.0.0.1:{self.port}" if tcp else None
        self.arguments = arguments
        self.environment = environment or {}
        self.process = None

    def start(self):
        command = [binary(), "serve", "--data", self.folder / "data", "--listen", self.address]
        command += ["--listen", self.tcp] if self.tcp else []
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([*command, *self.arguments], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log,
                                            env={**os.environ, **self.environment})
        end = time.monotonic() + START_S
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"the sidecar does not listen:\n{self.log()}")
            time.sleep(0.01)
        return self

    def _listens(self):
        return accepts(socket.AF_UNIX, str(self.socket)) and (
            self.port is None or accepts(socket.AF_INET, ("127.0.0.1", self.port)))

    def stop(self, number=signal.SIGTERM):
        """Signals it and returns its exit code, negative for a signal's."""
        self.process.send_signal(number)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"the sidecar does not stop:\n{self.log()}") from None

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log(self):
        path = self.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            code = self.stop()
            if kind is None and code != 0:
                raise RuntimeError(f"the sidecar ended with {code}:\n{self.log()}")
