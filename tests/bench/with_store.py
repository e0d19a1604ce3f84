# SPDX-License-Identifier: Apache-2.0
"""Measurements with an object store."""

import pathlib
import shutil
import statistics
import tempfile
import time

from rig import (AGENTS, LOAD, LOCAL, PUT, REMOTE, STEP_COMPLETED, Bench, Failed, FaultStore,
                 Shipped, by_turns, count_records, run_json)

SEGMENT_KIND_AT, SEGMENT_DATA = 5, 3  # of an object in log/


def remote_ack(bench: Bench) -> None:
    """A step whose intent is in the store, beside the creation of an object of its size."""
    with FaultStore() as far:
        store = Shipped(bench.folder / "remote", far)
        server = bench.shipping(store)

        def sizes() -> list[int]:
            return [len(put.body) for put in far.of("PUT") if "/log/" in put.path]

        bench.load("fused", server, 1, 1, REMOTE)
        size = int(statistics.median(sizes()))
        rounds = []
        for number in range(bench.rounds):
            order = [lambda: bench.load("fused", server, 1, None, REMOTE),
                     lambda: run_json(PUT, bench.seconds, size, *store.place,
                                      env=store.environment)]
            done = [order[i]() for i in ((0, 1) if number % 2 else (1, 0))]
            rounds.append(done if number % 2 else done[::-1])
        bench.end()  # before its store goes
        if len(sizes()) < sum(durable["count"] for durable, _ in rounds):
            raise Failed("steps were answered before they were in the store")
        for name, more_ms in (("p50", 2), ("p99", 5)):
            value, raw, more = (statistics.median(column) / 1000 for column in zip(*(
                (durable[key], put[key], durable[key] - put[key])
                for key in [f"{name}_us"] for durable, put in rounds)))
            bench.row(f"remote_ack_ms_{name}", value, "ms", raw, value / raw,
                      f"({more:+.2f} ms <= +{more_ms}: {'met' if more <= more_ms else 'NOT MET'})")


def shipping_cost(bench: Bench) -> None:
    """LOCAL steps with shipping and without. It is let end its work before the other's turn. The
    store is in memory: no object store writes to the disk that the journal is synced to."""
    memory = pathlib.Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as store:
        try:
            measure_shipping_cost(bench, Shipped(pathlib.Path(store)))
        finally:
            bench.end()  # before its store goes


def measure_shipping_cost(bench: Bench, store: Shipped) -> None:
    with_it, without = bench.shipping(store), bench.sidecar()

    def shipped() -> float:
        rate = bench.load("session", with_it, AGENTS, None, LOCAL)["per_s"]
        bench.flush(with_it)
        return rate

    rate, alone, ratio = by_turns(
        bench, lambda: bench.load("session", without, AGENTS, None, LOCAL)["per_s"], shipped)
    bench.row("local_steps_with_shipping_over_without", ratio, "", goal="value >= 0.95")


def restored(bench: Bench, store: Shipped) -> tuple[float, float]:
    """Exec on an empty directory to SERVING, in s; and the most memory, in MiB. It is killed
    before its first snapshot, so the next one restores the same."""
    bench.journals += 1
    data, socket = (bench.folder / f"{name}{bench.journals}" for name in ("restored-", "s"))
    command = [*bench.serve_command(data, socket), *store.flags()]
    result = run_json(LOAD, "restore", f"unix:{socket}", *command, env=store.environment)
    shutil.rmtree(data)
    return result["us"] / 1e6, result["rss_kb"] / 1024


def restore(bench: Bench) -> None:
    """100,000 steps of 500 bytes that a killed node has left."""
    store = bench.shipped("history", AGENTS, LOCAL, "bytes=500", "samples=100000")
    with FaultStore() as server:
        memory = []
        for name, place, goal in (("dir", store, 2), ("s3", Shipped(store.folder, server), 3)):
            times, peaks = zip(*(restored(bench, place) for _ in range(bench.rounds)))
            memory += peaks
            bench.row(f"restore_100k_{name}_s", statistics.median(times), "s",
                      goal=f"value <= {goal}")
    bench.row("restore_rss_mb", max(memory), "MiB", goal="value <= 64")


# Bytes of an output, steps in a segment, and what a step then took of a plain segment of records,
# measured once, apart from this code.
SHIPPED_SIZES = {"": (200, 100, 146), "_200_1": (200, 1, 383), "_2k_1": (2048, 1, 1146),
                 "_2k_10": (2048, 10, 852), "_16k_1": (16384, 1, 5831)}


def shipped_bytes(bench: Bench) -> None:
    """So many steps, then shipped, again and again."""
    for suffix, (size, together, raw) in SHIPPED_SIZES.items():
        times = 20 if bench.quick else 100
        steps = times * together
        store = Shipped(bench.folder / f"sizes{suffix}")
        server = bench.shipping(store, "--ship-interval", "1h")
        text = [f"bytes={size}", "text=1"]
        if together == 1:
            bench.load("fused", server, 1, 60, *text, f"samples={times}", REMOTE)
        else:
            for _ in range(times):
                bench.load("fused", server, 1, 60, *text, f"samples={together}", LOCAL)
                bench.flush(server)
        server.kill()
        bodies = [path.read_bytes() for path in store.folder.rglob("log/*") if path.is_file()]
        data = [len(body) for body in bodies if body[SEGMENT_KIND_AT] == SEGMENT_DATA]
        if not 0.9 * steps <= len(data) * together <= 1.2 * steps + together:
            raise Failed(f"{len(data)} segments of {steps} steps, {together} together")
        value = sum(data) / count_records(server.data, STEP_COMPLETED)
        bench.row(f"shipped_bytes_per_step{suffix}", value, "bytes", raw, value / raw,
                  "ratio <= 1.1")


def idle_requests(bench: Bench) -> None:
    """By the server's own log, once all is shipped."""
    seconds = 10 if bench.quick else 60
    with FaultStore() as far:
        server = bench.shipping(Shipped(bench.folder / "idle", far))
        bench.load("session", server, AGENTS, 1, LOCAL)
        bench.flush(server)
        time.sleep(2)
        before = len(far.requests)
        time.sleep(seconds)
        requests = len(far.requests) - before
        if before == 0:
            raise Failed("nothing was shipped")
    bench.row("idle_requests_per_min", requests * 60 / seconds, "1/min", goal="value <= 0")


ROUND_TRIP_S = 0.03
TAKE_OVER_STEPS, TAKE_OVER_BYTES = 253, 40 * 1024  # a segment each, but for the first two


def take_over(bench: Bench) -> None:
    """10 MB of text in 256 segments and no snapshot, from a store that is 30 ms away."""
    store = bench.shipped("segments", 1, REMOTE, f"bytes={TAKE_OVER_BYTES}", "text=1",
                          f"samples={TAKE_OVER_STEPS}")
    segments = len(list(store.folder.rglob("log/*")))
    if not 250 <= segments <= 256 or list(store.folder.rglob("snap/*")):
        raise Failed(f"{segments} segments, or a snapshot")
    with FaultStore(delay_s=ROUND_TRIP_S) as server:
        far = Shipped(store.folder, server)
        times = [restored(bench, far)[0] for _ in range(bench.rounds)]
    bench.row("takeover_s_p50", statistics.median(times), "s", goal="value <= 1")


# A measurement and the rows it makes.
ROWS = {
    remote_ack: ["remote_ack_ms_p50", "remote_ack_ms_p99"],
    shipping_cost: ["local_steps_with_shipping_over_without"],
    restore: ["restore_100k_dir_s", "restore_100k_s3_s", "restore_rss_mb"],
    shipped_bytes: [f"shipped_bytes_per_step{suffix}" for suffix in SHIPPED_SIZES],
    idle_requests: ["idle_requests_per_min"],
    take_over: ["takeover_s_p50"],
}
