# SPDX-License-Identifier: Apache-2.0
"""The process around the verbs: addresses, TLS, health, draining, crowds, bad disks."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import grpc
import pytest
from conftest import Client, Sidecar, agent, control, eventually, refused, types
from support.sidecar import free_port

# Under ThreadSanitizer memory and time are many times what they are.
SLOW = "STEPWELL_TSAN" in os.environ

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"


def check(channel: grpc.Channel, service: bytes = b"") -> bytes:
    question = b"" if not service else b"\x0a" + bytes([len(service)]) + service
    return channel.unary_unary("/grpc.health.v1.Health/Check")(question, timeout=9)


# ---- health ---------------------------------------------------------------------


def test_health_knows_every_service(shared):
    with shared.channel() as channel:
        for service in (b"", b"stepwell.v1.AgentService", b"stepwell.v1.ControlService"):
            assert check(channel, service) == SERVING
        refusal = refused(channel.unary_unary("/grpc.health.v1.Health/Check"), b"\x0a\x02no")
        assert refusal.code == grpc.StatusCode.NOT_FOUND
        watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"\x0a\x02no", timeout=9)
        assert next(watch) == b"\x08\x03"


def test_a_drain_is_watched_told_and_bounded(new_sidecar):
    sidecar = new_sidecar("--drain-timeout", "1s").start()
    with sidecar.channel() as channel:
        client = Client(channel)
        watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=20)
        assert next(watch) == SERVING
        lease = client.start("r")
        follow = client.agent.Resume(agent.ResumeRequest(run_id="r", follow=True), timeout=20)
        assert next(follow).lease > lease
        started = time.monotonic()
        assert sidecar.stop() == 0
        assert time.monotonic() - started < 6
        assert next(watch) == NOT_SERVING
        with pytest.raises(grpc.RpcError) as caught:
            list(follow)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_metrics_and_probes_are_answered_over_http(new_sidecar):
    port = free_port()
    sidecar = new_sidecar("--metrics-listen", f"127.0.0.1:{port}").start()
    with sidecar.channel() as channel:
        Client(channel).start("r")
    get = lambda path: urllib.request.urlopen(f"http://127.0.0.1:{port}{path}").read().decode()
    assert get("/healthz") and get("/readyz")
    assert "stepwell_calls_total 1" in get("/metrics")
    with pytest.raises(urllib.error.HTTPError):
        get("/other")


# ---- addresses ----------------------------------------------------------------------


def test_the_socket_has_its_mode_and_a_stale_one_is_replaced(new_sidecar):
    sidecar = new_sidecar("--socket-mode", "0600").start()
    path = sidecar.folder / "s.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    sidecar.stop(signal.SIGKILL)
    assert path.exists()
    sidecar.start()


def test_a_living_socket_is_not_taken_over(new_sidecar):
    first = new_sidecar().start()
    second = new_sidecar()
    second.address = first.address
    assert second.spawn().wait(timeout=20) == 1
    assert "another process listens there" in second.log()
    with first.channel() as channel:
        assert check(channel) == SERVING


def test_a_journal_in_use_is_refused(new_sidecar):
    first = new_sidecar().start()
    second = new_sidecar()
    (second.folder / "data").symlink_to(first.folder / "data")
    assert second.spawn().wait(timeout=20) == 1
    assert "JOURNAL_LOCKED" in second.log() and str(first.process.pid) in second.log()


def test_a_taken_port_and_a_public_plain_port_are_refused(new_sidecar):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for address in (f"127.0.0.1:{taken.getsockname()[1]}", "0.0.0.0:7233"):
            sidecar = new_sidecar("--listen", address)
            assert sidecar.spawn().wait(timeout=20) == 1, address
            assert address in sidecar.log()


def test_control_can_listen_apart(new_sidecar):
    port = free_port()
    sidecar = new_sidecar("--control-listen", f"127.0.0.1:{port}").start()
    with sidecar.channel() as inside, grpc.insecure_channel(f"127.0.0.1:{port}") as outside:
        assert Client(inside).start("r") == 1
        status = control.GetStatusRequest()
        assert refused(Client(inside).control.GetStatus, status).code == \
            grpc.StatusCode.UNIMPLEMENTED
        assert Client(outside).control.GetStatus(status, timeout=9).open_runs == 1
        start = agent.StartRunRequest(run_id="x", task="t")
        assert refused(Client(outside).agent.StartRun, start).code == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("authority", ["localhost", "%2Frun%2Fs.sock", "/run/s.sock", "s.sock"])
def test_every_authority_that_clients_send_is_accepted(shared, authority):
    options = {"grpc.default_authority": authority}
    with shared.channel(**options) as channel:
        assert check(channel) == SERVING


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + \
        payload


def check_by_hand(path: str, authority: tuple[bytes, bytes]) -> bytes:
    """A health check in bare HTTP/2, for what no client library at hand sends; the answer's data."""
    headers = [(b":method", b"POST"), (b":scheme", b"http"), authority,
               (b":path", b"/grpc.health.v1.Health/Check"), (b"te", b"trailers"),
               (b"content-type", b"application/grpc")]
    block = b"".join(b"\0" + bytes([len(n)]) + n + bytes([len(v)]) + v for n, v in headers)
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(10)
        wire.connect(path)
        wire.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) +
                     frame(1, 4, 1, block) + frame(0, 1, 1, bytes(5)))
        answers = wire.makefile("rb")
        while head := answers.read(9):
            payload = answers.read(int.from_bytes(head[:3], "big"))
            kind, stream = head[3], int.from_bytes(head[5:], "big")
            assert kind not in (3, 7), f"refused: frame {kind}, {payload!r}"
            if kind == 0 and stream == 1:
                return payload
    raise AssertionError("the connection ended without an answer")


@pytest.mark.parametrize("authority", [(b":authority", b""), (b":authority", b"/r/s.sock"),
                                       (b"host", b"localhost")])
def test_an_authority_may_be_empty_or_come_as_a_host(shared, authority):
    serving = b"\x08\x01"
    assert check_by_hand(f"{shared.folder}/s.sock", authority) == \
        b"\0" + len(serving).to_bytes(4, "big") + serving


# ---- TLS --------------------------------------------------------------------------------


def make_certificates(folder: pathlib.Path, name: str) -> None:
    run = lambda *command: subprocess.run(command, cwd=folder, check=True, capture_output=True)
    if not (folder / "ca.pem").exists():
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key",
            "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2")
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key",
        "-out", f"{name}.csr", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1")
    run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-CAcreateserial", "-copy_extensions", "copy", "-out", f"{name}.pem", "-days", "2")


def secure(port: int, folder: pathlib.Path, client: str | None) -> grpc.Channel:
    read = lambda name: (folder / name).read_bytes()
    pair = (read(f"{client}.key"), read(f"{client}.pem")) if client else (None, None)
    return grpc.secure_channel(f"127.0.0.1:{port}", grpc.ssl_channel_credentials(
        read("ca.pem"), *pair), [("grpc.use_local_subchannel_pool", 1)])


def serial_of(port: int) -> str:
    text = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}"],
                          input=b"", capture_output=True, timeout=20).stdout
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=text,
                          capture_output=True, check=True).stdout.decode()


def test_tls_is_mutual_and_certificates_are_read_again(new_sidecar, tmp_path):
    for name in ("server", "client"):
        make_certificates(tmp_path, name)
    port = free_port()
    sidecar = new_sidecar(
        "--listen", f"127.0.0.1:{port}", "--tls-cert", f"{tmp_path}/server.pem",
        "--tls-key", f"{tmp_path}/server.key", "--tls-client-ca", f"{tmp_path}/ca.pem").start()
    with secure(port, tmp_path, "client") as channel:
        assert check(channel) == SERVING
    with secure(port, tmp_path, None) as channel:
        refusal = refused(channel.unary_unary("/grpc.health.v1.Health/Check"), b"")
        assert refusal.code == grpc.StatusCode.UNAVAILABLE
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert refused(channel.unary_unary("/grpc.health.v1.Health/Check"), b"", timeout=5).code \
            in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    before = serial_of(port)
    make_certificates(tmp_path, "server")
    eventually(lambda: serial_of(port) != before)
    with secure(port, tmp_path, "client") as channel:
        assert check(channel) == SERVING
    assert "PRIVATE KEY" not in sidecar.log()


def test_a_bad_certificate_is_found_at_the_start(new_sidecar, tmp_path):
    for name in ("cert", "key", "ca"):
        (tmp_path / name).write_text("not a certificate")
    sidecar = new_sidecar("--listen", f"127.0.0.1:{free_port()}", "--tls-cert", f"{tmp_path}/cert",
                          "--tls-key", f"{tmp_path}/key", "--tls-client-ca", f"{tmp_path}/missing")
    assert sidecar.spawn().wait(timeout=20) == 1
    assert "missing" in sidecar.log()


# ---- crowds and rude clients ----------------------------------------------------------------


def test_ten_thousand_idle_connections_hold_nobody_up(new_sidecar):
    import resource

    count = 1_000 if SLOW else 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 1000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    sidecar = new_sidecar().start()
    idle = []
    try:
        for _ in range(count):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(sidecar.address.removeprefix("unix://"))
            idle.append(connection)
        with sidecar.channel() as channel:
            grpc.channel_ready_future(channel).result(timeout=90)  # behind all of those
            client = Client(channel)
            lease = client.start("r")
            client.begin("r", lease, "a")
            client.complete("r", lease, "a")
    finally:
        for connection in idle:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with sidecar.channel() as channel:
        assert check(channel) == SERVING


def test_a_client_that_vanishes_mid_call_leaves_nothing_behind(new_sidecar):
    sidecar = new_sidecar().start()
    with sidecar.channel() as channel:
        Client(channel).start("r")
    for _ in range(30):
        channel = sidecar.channel()
        client = Client(channel)
        client.agent.ClaimRun.future(agent.ClaimRunRequest(tasks=["none"], wait_ms=60000))
        client.agent.Resume(agent.ResumeRequest(run_id="r", follow=True))
        client.control.WatchRun(control.WatchRunRequest(run_id="r", follow=True))
        client.agent.Session(iter([agent.SessionRequest()]))
        channel.close()

    def nothing_left():
        with sidecar.channel() as channel:
            status = Client(channel).control.GetStatus(control.GetStatusRequest(), timeout=9)
            return status.sessions == 0

    eventually(nothing_left)


def test_a_watcher_that_does_not_read_costs_a_bounded_amount(new_sidecar):
    # freed memory counts as free, also under the address sanitizer
    sidecar = new_sidecar(environment={"ASAN_OPTIONS": "quarantine_size_mb=1"}).start()
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = client.start("r")
        client.begin("r", lease, "s0")
        for i in range(400):
            client.complete("r", lease, f"s{i}", output=types.Payload(data=os.urandom(65536)),
                            begin_next=agent.BeginNext(key=f"s{i + 1}", effect=types.EFFECT_NONE))
        stalled = [client.control.WatchRun(control.WatchRunRequest(run_id="r")) for _ in range(8)]
        time.sleep(1)
        status = pathlib.Path(f"/proc/{sidecar.process.pid}/status").read_text()
        rss = int(status.split("VmRSS:")[1].split()[0])
        assert rss < (1600 if SLOW else 160) * 1024
        for call in stalled:
            call.cancel()
        assert check(channel) == SERVING


# ---- restart, disks -------------------------------------------------------------------------


def test_a_restart_gives_everything_back_and_leases_stay_valid(new_sidecar):
    sidecar = new_sidecar().start()
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = client.start("r", input=types.Payload(data=b"in"), labels={"a": "b"})
        client.begin("r", lease, "s0")
        for i in range(200):
            client.complete("r", lease, f"s{i}", output=types.Payload(data=os.urandom(2000)),
                            begin_next=agent.BeginNext(key=f"s{i + 1}"))
    sidecar.stop(signal.SIGKILL)
    sidecar.start()
    with sidecar.channel() as channel:
        client = Client(channel)
        threads = [threading.Thread(target=client.begin, args=("r", lease, f"s{i}"))
                   for i in range(8)]  # all wait for one load
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.complete("r", lease, "s200")
        _, history = client.resume("r")
        assert [step.key for step in history] == [f"s{i}" for i in range(201)]
        status = client.control.GetStatus(control.GetStatusRequest(), timeout=9)
        assert status.epoch == 2


def test_a_flipped_bit_is_found_at_the_start(new_sidecar):
    sidecar = new_sidecar().start()
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = client.start("r")
        client.begin("r", lease, "a", input=types.Payload(data=b"needle" * 50))
    assert sidecar.stop() == 0
    for name in ("journal.db", "journal.db-wal"):  # the WAL may still hold a good copy
        path = sidecar.folder / "data" / name
        data = bytearray(path.read_bytes())
        at = data.find(b"needleneedle")
        assert at > 0
        data[at] ^= 1
        path.write_bytes(data)
    assert sidecar.spawn().wait(timeout=20) == 2
    assert "CORRUPT" in sidecar.log()


def test_a_journal_of_a_newer_version_is_refused(new_sidecar):
    import sqlite3

    sidecar = new_sidecar().start()
    assert sidecar.stop() == 0
    with sqlite3.connect(sidecar.folder / "data/journal.db") as database:
        database.execute("PRAGMA user_version = 999")
    database.close()
    assert sidecar.spawn().wait(timeout=20) == 1
    assert "JOURNAL_TOO_NEW" in sidecar.log()


def test_a_folder_that_cannot_be_written_is_a_clear_error(new_sidecar):
    sidecar = new_sidecar()
    (sidecar.folder / "data").write_text("a file, not a folder")
    assert sidecar.spawn().wait(timeout=20) in (1, 2)
    assert str(sidecar.folder / "data") in sidecar.log()


def fill(client: Client, run: str, lease: int) -> tuple[int, str, grpc.RpcError]:
    """Completes large steps until a call is refused: how many, which call, and the refusal."""
    for i in range(100_000):
        doing = "begin"
        try:
            client.begin(run, lease, f"s{i}", input=types.Payload(data=os.urandom(60_000)))
            doing = "complete"
            client.complete(run, lease, f"s{i}", output=types.Payload(data=os.urandom(60_000)))
        except grpc.RpcError as error:
            return i, doing, error
    raise AssertionError("never full")


def test_a_full_journal_refuses_intents_while_outcomes_still_fit(new_sidecar):
    sidecar = new_sidecar("--journal-max-bytes", "40MiB", "--journal-reserve-bytes", "8MiB").start()
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = client.start("r")
        client.begin("r", lease, "open")
        done, refused_call, error = fill(client, "r", lease)
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and done > 20
        assert refused_call == "begin"
        client.complete("r", lease, "open", output=types.Payload(data=os.urandom(60_000)))
        lease, history = client.resume("r")
        assert len(history) == done + 1


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB, where the machine lets us mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)],
                             capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_refuses_intents_and_loses_nothing(new_sidecar, small_disk):
    sidecar = new_sidecar()
    (sidecar.folder / "data").symlink_to(small_disk)
    sidecar.start()
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = client.start("r")
        client.begin("r", lease, "open")
        done, refused_call, error = fill(client, "r", lease)
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and done > 20
        assert refused_call == "begin"
        client.complete("r", lease, "open", output=types.Payload(data=os.urandom(60_000)))
        assert check(channel) == SERVING
        sidecar.stop()
    (sidecar.folder / "data").unlink()
    shutil.copytree(small_disk, sidecar.folder / "data")
    sidecar.start()
    with sidecar.channel() as channel:
        _, history = Client(channel).resume("r")
        finished = [step for step in history if step.state == types.STEP_STATE_COMPLETED]
        assert len(finished) == done + 1


def test_sigterm_is_clean_while_agents_work(new_sidecar):
    sidecar: Sidecar = new_sidecar().start()
    acknowledged: list[str] = []

    def work(number: int) -> None:
        with sidecar.channel() as channel:
            client = Client(channel)
            run = f"r{number}"
            try:
                lease = client.start(run)
                client.begin(run, lease, "0")
                for i in range(10_000):
                    client.complete(run, lease, str(i), begin_next=agent.BeginNext(key=str(i + 1)))
                    acknowledged.append(f"{run}/{i}")
            except grpc.RpcError as error:
                assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    assert sidecar.stop() == 0
    for thread in threads:
        thread.join()
    sidecar.start()
    recorded = set()
    with sidecar.channel() as channel:
        client = Client(channel)
        for n in range(8):
            _, history = client.resume(f"r{n}")
            recorded |= {f"r{n}/{s.key}" for s in history if s.state == types.STEP_STATE_COMPLETED}
    assert len(acknowledged) > 100 and set(acknowledged) <= recorded
