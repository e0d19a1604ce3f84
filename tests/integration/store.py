# SPDX-License-Identifier: Apache-2.0
"""A directory as object store, which can go away and come back, and sidecars that ship to it."""

import pathlib
import time

import grpc
from conftest import Client, Sidecar, control, eventually

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"


def health(sidecar: Sidecar) -> bytes:
    """What the health check says; nothing when nobody answers."""
    with sidecar.channel() as channel:
        try:
            return channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=9)
        except grpc.RpcError:
            return b""


class Store:
    """A store whose one journal is "j"."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.url = f"file://{folder}"
        folder.mkdir(exist_ok=True)
        self.journal = folder / "v1" / "j"
        self.log = self.journal / "log"

    def arguments(self, *more: str) -> tuple[str, ...]:
        return ("--store", self.url, "--journal", "j", *more)

    def segments(self) -> list[str]:
        """The names in the chain."""
        return sorted(path.name for path in self.log.glob("[0-9]*"))

    def orphans(self) -> list[str]:
        return sorted(str(path.relative_to(self.journal))
                      for path in self.journal.glob("orphan/*/*"))

    def go_away(self) -> None:
        """From now on nothing can be created in the chain."""
        self.log.rename(self.journal / "away")
        self.log.symlink_to("nowhere")

    def come_back(self) -> None:
        self.log.unlink()
        (self.journal / "away").rename(self.log)


def serve(sidecar: Sidecar) -> Sidecar:
    """Starts it and waits until it has the journal."""
    sidecar.start()
    eventually(lambda: health(sidecar) == SERVING or sidecar.process.poll() is not None, 60)
    assert sidecar.process.poll() is None, sidecar.log()
    return sidecar


def status(client: Client) -> control.GetStatusResponse:
    return client.control.GetStatus(control.GetStatusRequest(), timeout=20)


def all_shipped(client: Client) -> control.GetStatusResponse:
    """The status, once the store has everything."""
    def look():
        now = status(client)
        return now if now.store.shipped_lsn == now.lsn else None
    return eventually(look)


def still_waits(future: grpc.Future, seconds: float = 0.5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if future.done():
            return False
        time.sleep(0.02)
    return True
