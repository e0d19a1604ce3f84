# SPDX-License-Identifier: Apache-2.0
"""Measurements of one node, without an object store."""

import json
import os
import statistics
import time

from rig import (AGENTS, DISK, HISTORY_STEPS, LOAD, ROOT, STEP_BEGUN, STEP_COMPLETED, Bench, Failed,
                 by_turns, count_records, rss_mb, run_json, run_text, switches)

WAL_FRAME = 24 + 4096  # bytes: what one commit of one step writes


def throughput(bench: Bench, name: str, unit: str, durable_mode: str, raw_mode: str,
               types: tuple, goal: str) -> None:
    """64 agents at each server by turns. Each sample must be a record in the journal."""
    server, echo = bench.sidecar(), bench.echo()
    samples = []

    def durable() -> float:
        result = bench.load(durable_mode, server, AGENTS)
        samples.append(result["count"])
        return result["per_s"]

    value, limit, ratio = by_turns(
        bench, lambda: bench.load(raw_mode, echo, AGENTS)["per_s"], durable)
    bench.end()
    if count_records(server.data, *types) < sum(samples):
        raise Failed(f"{sum(samples)} answers, but fewer records")
    bench.row(name, value, unit, limit, ratio, goal)


def step_latency(bench: Bench) -> None:
    """Beside the sum of its parts, and beside the least program that does both."""
    server, echo, synced = bench.sidecar(), bench.echo(), bench.echo(bench.folder / "synced")
    rounds = []
    for _ in range(bench.rounds):
        step = bench.load("fused", server, 1)["p50_us"]
        parts = bench.load("echo", echo, 1)["p50_us"] + run_json(
            DISK, bench.folder / "disk", WAL_FRAME, step, bench.seconds)["p50_us"]
        whole = bench.load("echo", synced, 1)["p50_us"]
        rounds.append((step, parts, step / parts, whole, step / whole))
    step, *both = (statistics.median(column) for column in zip(*rounds))
    bench.row("step_p50_us", step, "us", both[0], both[1], "ratio <= 1.3")
    bench.row("step_p50_us_synced_echo", step, "us", both[2], both[3], "(raw: measured as one)")


def session_c(bench: Bench) -> None:
    throughput(bench, "session_steps_per_s_64_c", "steps/s", "session", "stream",
               (STEP_COMPLETED,), "ratio >= 0.35")


def session_c_batched(bench: Bench) -> None:
    throughput(bench, "session_steps_per_s_64_c_batched", "steps/s", "batched", "packed",
               (STEP_COMPLETED,), "(see README)")


def session_node(bench: Bench) -> None:
    server = bench.sidecar()
    rates = [run_json("node", "bench/steps.mjs", "--agents", AGENTS, "--seconds", bench.seconds,
                      "--steps", 1000, cwd=ROOT / "clients/typescript",
                      env={**os.environ, "STEPWELL_ADDR": f"unix://{server.socket}"})
             ["steps_per_s"] for _ in range(bench.rounds)]
    bench.row("session_steps_per_s_64_node", statistics.median(rates), "steps/s",
              goal="value >= 20000")


def unary_c(bench: Bench) -> None:
    throughput(bench, "unary_rpcs_per_s_64_c", "rpcs/s", "unary", "pairs",
               (STEP_BEGUN, STEP_COMPLETED), "ratio >= 0.4")


def flat_cost(bench: Bench) -> None:
    """The 10,000th step beside the 10th, in time and in bytes written; 200 around each."""
    server = bench.sidecar()
    ratios = []
    for _ in range(1 if bench.quick else 3):
        lines = run_text(LOAD, "one", server.address, HISTORY_STEPS + 100, server.pid).split("\n")
        samples = [[int(word) for word in line.split()] for line in lines if line]
        early, late = (list(zip(*part)) for part in (samples[10:210], samples[-200:]))
        ratios.append([statistics.median(late[i]) / statistics.median(early[i]) for i in (0, 1)])
    time_ratio, bytes_ratio = (statistics.median(column) for column in zip(*ratios))
    bench.row("step_cost_10000th_over_10th", max(time_ratio, bytes_ratio), "",
              goal=f"(about 1; time {time_ratio:.2f}, bytes {bytes_ratio:.2f})")


def conversation(bench: Bench) -> None:
    """100 model calls whose input is the whole conversation so far, 800 kB at the end."""
    size = lambda process: (process.data / "journal.db").stat().st_size
    empty, server = bench.sidecar(), bench.sidecar()
    said = run_json(LOAD, "talk", server.address, 100, 8000)
    bench.end()  # a sidecar that ends has all in its database file
    if count_records(server.data, STEP_COMPLETED) != 100:
        raise Failed("turns are missing")
    grown = size(server) - size(empty)
    bench.row("stored_bytes_over_distinct", grown / said["distinct"], "", goal="value <= 2")


def resume(bench: Bench) -> None:
    server = bench.sidecar("history")
    run = bench.history(server)
    tries = [json.loads(line) for line in
             run_text(LOAD, "resume", server.address, run, 2).splitlines()]
    if any(row["steps"] != HISTORY_STEPS for row in tries):
        raise Failed("a history is not whole")
    bench.row("resume_first_ms", statistics.median(r["first_us"] for r in tries) / 1000, "ms",
              goal="value <= 5")
    bench.row("resume_records_per_s", statistics.median(
        2 * r["steps"] / r["us"] * 1e6 for r in tries), "records/s", goal="value >= 200000")


def write_beside(bench: Bench, every_ms: int, name: str, health_goal: str,
                 write_goal: str) -> None:
    """Writers alone, then beside a Resume every so often and 100 health checks a second."""
    server = bench.sidecar("history")
    run = bench.history(server)
    health = []

    def beside() -> float:
        reader = bench.beside(LOAD, "resume", server.address, run, bench.seconds,
                              f"every={every_ms}")
        checker = bench.beside(LOAD, "health", server.address, 100, bench.seconds)
        rate = bench.load("session", server, AGENTS)["per_s"]
        health.append(json.loads(checker.communicate(timeout=60)[0])["p99_us"] / 1000)
        if not reader.communicate(timeout=60)[0]:
            raise Failed("nothing was read")
        return rate

    *_, ratio = by_turns(bench, lambda: bench.load("session", server, AGENTS)["per_s"], beside)
    bench.row(f"{name}_health_ms_p99", statistics.median(health), "ms", goal=health_goal)
    bench.row(f"{name}_write_ratio", ratio, "", goal=write_goal)


def mixed(bench: Bench) -> None:
    write_beside(bench, 1000, "mixed", "value <= 20", "value >= 0.8")


def mixed_loop(bench: Bench) -> None:
    """The Resume begins anew as soon as it ends."""
    write_beside(bench, 0, "mixed_loop", "(see README)", "(see README)")


def idle(bench: Bench) -> None:
    server, echo = bench.sidecar(), bench.echo()
    bench.load("health", server, 10, 1)
    bench.load("echo", echo, 1, 1)
    time.sleep(2)
    seconds = 3 if bench.quick else 10
    before = [switches(process.pid) for process in (server, echo)]
    time.sleep(seconds)
    rate, raw = ((switches(process.pid) - count) / seconds
                 for process, count in zip((server, echo), before))
    memory = [rss_mb(process.pid) for process in (server, echo)]
    bench.row("idle_rss_mb", memory[0], "MiB", memory[1], memory[0] / memory[1], "value <= 16")
    bench.row("idle_wakeups_per_s", rate, "1/s", raw, rate / raw if raw else None,
              "(raw: gRPC alone)")


def answered_ms(bench: Bench, journal: str) -> float:
    """From exec to the first answered call."""
    socket = bench.folder / f"{journal}.sock"
    command = bench.serve_command(bench.folder / journal, socket)
    return run_json(LOAD, "start", f"unix:{socket}", *command)["us"] / 1000


def start(bench: Bench) -> None:
    count = 7 if bench.quick else 15
    server = bench.sidecar("start")
    bench.load("fused", server, AGENTS, 1)  # a journal with something in it
    bench.end()
    bench.row("start_ms", statistics.median(
        answered_ms(bench, "start") for _ in range(count)), "ms", goal="value <= 50")
    server = bench.sidecar("small")  # small enough to be verified whole
    bench.load("fused", server, 1, 60, "samples=1500")
    bench.end()
    bench.row("start_small_ms", statistics.median(
        answered_ms(bench, "small") for _ in range(count)), "ms", goal="value <= 50")
    bench.row("start_new_ms", statistics.median(
        answered_ms(bench, f"new-{i}") for i in range(count)), "ms", goal="(a new journal)")


def load_memory(bench: Bench) -> None:
    server = bench.sidecar()
    bench.load("session", server, AGENTS, 2 if bench.quick else 3)
    bench.load("unary", server, AGENTS, 2 if bench.quick else 3)
    early = rss_mb(server.pid)
    bench.load("session", server, AGENTS, 3 if bench.quick else 12)
    bench.load("unary", server, AGENTS, 2 if bench.quick else 6)
    late = rss_mb(server.pid)
    bench.row("load_rss_mb", rss_mb(server.pid, "VmHWM"), "MiB", goal="value <= 64")
    bench.row("load_rss_growth", late / early, "", goal="(about 1)")


# A measurement and the rows it makes.
ROWS = {
    step_latency: ["step_p50_us", "step_p50_us_synced_echo"],
    session_c: ["session_steps_per_s_64_c"],
    session_c_batched: ["session_steps_per_s_64_c_batched"],
    session_node: ["session_steps_per_s_64_node"],
    unary_c: ["unary_rpcs_per_s_64_c"],
    flat_cost: ["step_cost_10000th_over_10th"],
    conversation: ["stored_bytes_over_distinct"],
    resume: ["resume_first_ms", "resume_records_per_s"],
    mixed: ["mixed_health_ms_p99", "mixed_write_ratio"],
    mixed_loop: ["mixed_loop_health_ms_p99", "mixed_loop_write_ratio"],
    idle: ["idle_rss_mb", "idle_wakeups_per_s"],
    start: ["start_ms", "start_small_ms", "start_new_ms"],
    load_memory: ["load_rss_mb", "load_rss_growth"],
}
