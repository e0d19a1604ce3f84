# SPDX-License-Identifier: Apache-2.0
"""The command line as tests use it: a command, its JSON, and a sidecar with runs to look at."""

import contextlib
import json
import os
import subprocess
import tempfile

from conftest import Client, Sidecar, agent, binary, eventually, types

P = types.Payload
ONCE, NONE, IDEMPOTENT = types.EFFECT_ONCE, types.EFFECT_NONE, types.EFFECT_IDEMPOTENT


def stepwell(*words, code: int | None = 0, **keywords) -> subprocess.CompletedProcess:
    """Runs a command to its end, which must be this code; None: any."""
    environment = {**os.environ, "TZ": "UTC", **keywords.pop("environment", {})}
    done = subprocess.run([binary(), *map(str, words)], capture_output=True, text=True,
                          timeout=60, check=False, env=environment, **keywords)
    assert code in (done.returncode, None), f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Sanitizer" not in done.stderr, done.stderr
    return done


def parsed(*words, **keywords):
    return json.loads(stepwell(*words, "--json", **keywords).stdout)


def populate(client: Client) -> None:
    """order-17: running, nobody holds it, a step in doubt. done-1 and bad-1: ended."""
    lease = client.start("order-17", task="checkout", labels={"team": "billing", "env": "test"},
                         input=P(data=b'{"order": 17}', content_type="application/json"),
                         code_version="v2", holder="pod-7")
    client.begin("order-17", lease, "fetch", NONE, name="fetch_order", kind=types.KIND_TOOL,
                 input=P(data=b'{"id": 17}', content_type="application/json"))
    client.complete("order-17", lease, "fetch",
                    output=P(data='{"total": "12 €"}'.encode(), content_type="application/json"),
                    usage=types.Usage(input_tokens=1200, output_tokens=50, cost_micros=12345))
    client.begin("order-17", lease, "bytes", NONE)
    client.complete("order-17", lease, "bytes", output=P(data=b"\x00\xff"))
    client.begin("order-17", lease, "flaky", IDEMPOTENT,
                 retry=types.RetryPolicy(initial_ms=3600000, cap_ms=3600000))
    client.complete("order-17", lease, "flaky",
                    failure=types.Failure(type="RateLimitError", message="slow \x1b[31m down"))
    client.begin("order-17", lease, "charge", ONCE, name="charge_card", kind=types.KIND_TOOL)
    client.agent.NoteStep(agent.NoteStepRequest(run_id="order-17", lease=lease, key="charge",
                                                attempt=1, external_ref="pi_123"), timeout=20)
    lease = client.start("done-1", task="report")
    client.begin("done-1", lease, "only", NONE)
    client.complete("done-1", lease, "only")
    client.agent.EndRun(agent.EndRunRequest(run_id="done-1", lease=lease,
                                            result=P(data=b'"ok"')), timeout=20)
    lease = client.start("bad-1", task="report")
    client.agent.EndRun(agent.EndRunRequest(
        run_id="bad-1", lease=lease, failure=types.Failure(type="ValueError", message="no")),
        timeout=20)


class Place:
    """A sidecar with those runs, and where to look at it: words for the command line."""

    def __init__(self, sidecar: Sidecar) -> None:
        self.sidecar = sidecar
        self.addr = ("--addr", sidecar.address)
        self.file = ("--file", str(sidecar.folder / "data"))


def make_place(new) -> Place:
    sidecar = new("--lease-grace", "300ms").start()
    with sidecar.channel() as channel:
        populate(Client(channel))
    place = Place(sidecar)
    eventually(lambda: parsed("runs", "--in-doubt", *place.addr)["runs"])
    return place


@contextlib.contextmanager
def running_place():
    with tempfile.TemporaryDirectory(prefix="stepwell-") as folder:
        place = make_place(lambda *arguments: Sidecar(folder, *arguments))
        yield place
        assert place.sidecar.stop() == 0, place.sidecar.log()
