# SPDX-License-Identifier: Apache-2.0
"""Goal: tools that know nothing of Stepwell work on it as they are: grpcurl by server
reflection, Kubernetes' way of asking for health by grpc-health-probe; over TCP and Unix socket.

No .proto file is given to any of them.
"""
import json
import shutil
import signal
import subprocess

import pytest
from support.sidecar import Sidecar

pytestmark = pytest.mark.skipif(shutil.which("grpcurl") is None, reason="no grpcurl; tests/support/install")

SERVICES = {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection", "stepwell.v1.AgentService",
            "stepwell.v1.ControlService"}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture(name="grpcurl", params=["tcp", "unix"])
def grpcurl_fixture(request, sidecar):
    """grpcurl on one of the sidecar's two addresses: grpcurl(VERB) or grpcurl(METHOD, request)."""
    def grpcurl(word, message=None, check=True, flags=()):
        where = [sidecar.tcp] if request.param == "tcp" else ["-unix", str(sidecar.socket)]
        data = [] if message is None else ["-d", json.dumps(message)]
        done = run("grpcurl", "-plaintext", *flags, *data, *where, *word.split())
        if check:
            assert done.returncode == 0, done.stderr
        return done
    grpcurl.kind = request.param
    return grpcurl


def call(grpcurl, method, **message):
    return json.loads(grpcurl(f"stepwell.v1.{method}", message).stdout or "{}")


def test_grpcurl_lists_the_services(grpcurl):
    assert set(grpcurl("list").stdout.split()) == SERVICES


def test_grpcurl_lists_methods(grpcurl):
    methods = grpcurl("list stepwell.v1.AgentService").stdout.split()
    assert "stepwell.v1.AgentService.BeginStep" in methods
    assert "stepwell.v1.AgentService.Session" in methods


@pytest.mark.parametrize("symbol, said", [
    ("stepwell.v1.AgentService", "rpc CompleteStep"),
    ("stepwell.v1.AgentService.Session", "( stream .stepwell.v1.SessionRequest )"),
    ("stepwell.v1.Verdict", "InDoubt in_doubt = 3;"),
    ("stepwell.v1.Effect", "EFFECT_ONCE = 3;"),
    ("grpc.health.v1.Health", "rpc Watch"),
])
def test_grpcurl_describes(grpcurl, symbol, said):
    assert said in grpcurl(f"describe {symbol}").stdout


def test_grpcurl_knows_what_is_not_there(grpcurl):
    done = grpcurl("describe stepwell.v1.Nothing", check=False)
    assert done.returncode != 0
    assert "not found" in done.stderr.lower()


def test_grpcurl_takes_a_run_through_its_life(grpcurl):
    run_id = f"life-{grpcurl.kind}"
    lease = call(grpcurl, "AgentService/StartRun", run_id=run_id, task="t", take_lease=True)["lease"]
    step = {"run_id": run_id, "lease": lease, "key": "a"}
    execute = call(grpcurl, "AgentService/BeginStep", **step, effect="EFFECT_ONCE")["verdict"]["execute"]
    assert execute["attempt"] == 1 and len(execute["idempotencyKey"]) == 36
    call(grpcurl, "AgentService/CompleteStep", **step, attempt=1,
         output={"data": "Ym9keQ==", "content_type": "text/plain"})
    replay = call(grpcurl, "AgentService/BeginStep", **step, effect="EFFECT_ONCE")["verdict"]["replay"]
    assert replay["output"]["data"] == "Ym9keQ=="
    call(grpcurl, "AgentService/EndRun", run_id=run_id, lease=lease, result={})
    assert call(grpcurl, "ControlService/GetRun", run_id=run_id)["run"]["state"] == "RUN_STATE_COMPLETED"


def test_grpcurl_reads_a_stream(grpcurl):
    call(grpcurl, "AgentService/StartRun", run_id=f"stream-{grpcurl.kind}", task="t")
    records = call(grpcurl, "ControlService/ReadJournal", limit=2)["records"]
    assert [record["lsn"] for record in records] == ["1", "2"]


def test_grpcurl_shows_an_error_with_its_reason(grpcurl):
    done = grpcurl("stepwell.v1.ControlService/GetRun", {"run_id": "none"}, check=False)
    assert done.returncode != 0
    assert "NotFound" in done.stderr and "RUN_NOT_FOUND" in done.stderr


def test_grpcurl_shows_the_field_that_is_wrong(grpcurl):
    done = grpcurl("stepwell.v1.AgentService/StartRun", {"run_id": "r"}, check=False)
    assert "InvalidArgument" in done.stderr
    assert "INVALID_FIELD" in done.stderr and '"field":"task"' in done.stderr.replace(" ", "")


def probe(address, *flags):
    return run("grpc-health-probe", f"-addr={address}", "-connect-timeout=5s", *flags)


@pytest.mark.parametrize("service", ["", "stepwell.v1.AgentService", "stepwell.v1.ControlService"])
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_the_probe_finds_it_serving(sidecar, kind, service):
    done = probe(sidecar.tcp if kind == "tcp" else sidecar.address, f"-service={service}")
    assert done.returncode == 0, done.stderr
    assert "SERVING" in done.stderr


def test_the_probe_is_told_of_an_unknown_service(sidecar):
    assert probe(sidecar.tcp, "-service=stepwell.v1.Nothing").returncode == 3


def test_the_probe_finds_nobody_after_the_end(tmp_path):
    with Sidecar(tmp_path, tcp=True) as sidecar:
        assert probe(sidecar.tcp).returncode == 0
        assert sidecar.stop(signal.SIGTERM) == 0
        assert probe(sidecar.tcp).returncode == 2
        assert probe(sidecar.address).returncode == 2
