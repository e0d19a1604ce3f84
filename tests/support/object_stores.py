# SPDX-License-Identifier: Apache-2.0
"""Object stores that tests start for themselves, each a context manager of one shape.

    with versitygw(folder) as store:
        store.url, store.endpoint, store.environment   # of the client's process

STORES names them all: tests/store/test_contract.py holds each to the same promises.
"""
import contextlib
import dataclasses
import os
import pathlib
import socket
import subprocess
import time

from support.fault_store import BUCKET, FaultStore
from support.sidecar import ROOT, accepts, free_port

START_S = 60


@dataclasses.dataclass
class Store:
    """Where a store is and how one gets in."""

    url: str
    endpoint: str = ""
    environment: dict = dataclasses.field(default_factory=dict)


@contextlib.contextmanager
def serving(command, port, log, environment=None):
    """Runs a server until the end of the block; it answers on the port when the block begins."""
    with open(log, "wb") as stream:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                                  env={**os.environ, **(environment or {})})
    try:
        end = time.monotonic() + START_S
        while not accepts(socket.AF_INET, ("127.0.0.1", port)):
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{command[0]} does not listen:\n{pathlib.Path(log).read_text()}")
            time.sleep(0.05)
        yield server
    finally:
        server.kill()
        server.wait()


def go_tool(name):
    path = ROOT / "build/go/bin" / name
    if not path.exists():
        raise FileNotFoundError(f"no {path}: tests/support/install")
    return str(path)


@contextlib.contextmanager
def directory(folder):
    """A directory, as it is."""
    yield Store(f"file://{folder}")


@contextlib.contextmanager
def versitygw(folder):
    """The Versity S3 gateway to a file system. Not for races: it looks first and writes later."""
    port = free_port()
    (folder / "data" / "bucket").mkdir(parents=True)
    secret = {"ROOT_ACCESS_KEY": "versity", "ROOT_SECRET_KEY": "versity-secret"}
    command = [go_tool("versitygw"), "--port", f"127.0.0.1:{port}", "--quiet", "--keep-alive",
               "posix", str(folder / "data")]
    with serving(command, port, folder / "log", secret):
        yield Store("s3://bucket/some/prefix", f"http://127.0.0.1:{port}",
                    {"AWS_ACCESS_KEY_ID": "versity", "AWS_SECRET_ACCESS_KEY": "versity-secret"})


@contextlib.contextmanager
def fault_store(folder):
    """Ours, without faults: the one that checks signatures and is atomic for sure."""
    del folder
    with FaultStore() as store:
        yield Store(f"s3://{BUCKET}/some/prefix", store.endpoint, store.environment())


STORES = {"directory": directory, "fault_store": fault_store, "versitygw": versitygw}
