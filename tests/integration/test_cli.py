# SPDX-License-Identifier: Apache-2.0
"""The command line: each command against a living server, and against its journal when it is dead."""

import json
import os
import re
import shutil
import subprocess

import pytest
from cli import NONE, P, Place, make_place, parsed, running_place, stepwell
from conftest import Client, Sidecar, agent, binary

LIVE_ONLY = [("status",), ("flush",), ("tail", "order-17"),
             ("resolve", "order-17", "charge", "--did-not-happen", "--by", "jane")]


@pytest.fixture(scope="module")
def place():
    """Shared by tests that only look."""
    with running_place() as shared:
        yield shared


@pytest.fixture
def own_place(new_sidecar):
    return make_place(new_sidecar)


def both(test):
    """Runs the test on the living server and on the file."""
    return pytest.mark.parametrize("where", ["addr", "file"])(test)


# ---- looking ----------------------------------------------------------------------


@both
def test_runs_for_people(place, where):
    lines = stepwell("runs", *getattr(place, where)).stdout.splitlines()
    assert lines[0].split() == ["RUN", "TASK", "STATE", "HELD", "STEPS", "DOUBT", "STARTED", "LASTED"]
    assert lines[1].split()[:5] == ["bad-1", "report", "failed", "-", "0"]
    assert lines[2].split()[:5] == ["done-1", "report", "completed", "-", "1"]
    assert lines[3].split()[:7] == ["order-17", "checkout", "running", "no", "-", "1", "!"]
    assert "1 with steps in doubt: stepwell show RUN" in lines


@both
def test_runs_are_filtered(place, where):
    def found(*filters):
        return [run["run_id"] for run in parsed("runs", *filters, *getattr(place, where))["runs"]]

    assert found() == ["bad-1", "done-1", "order-17"]
    assert found("--task", "report") == ["bad-1", "done-1"]
    assert found("--state", "completed") == ["done-1"]
    assert found("--label", "team=billing") == ["order-17"]
    assert found("--label", "team=billing", "--label", "env=prod") == []
    assert found("--in-doubt") == ["order-17"]
    assert found("--limit", "1") == ["bad-1"]
    assert found("--limit", "0") == ["bad-1", "done-1", "order-17"]


@both
def test_show_for_people(place, where):
    text = stepwell("show", "order-17", *getattr(place, where)).stdout
    assert "state      running, last held by pod-7 (lease 1)\n" in text
    assert 'input      13 B  {"order": 17}\n' in text
    assert "usage      1200 tokens in, 50 out, $0.0123\n" in text
    assert re.search(r'^fetch +fetch_order +TOOL +NONE +completed +1 .*{"total": "12 €"}$', text, re.M)
    assert re.search(r"^flaky .* retrying +1 +- +RateLimitError: slow .\[31m down; again at ", text, re.M)
    assert re.search(r"^charge +charge_card +TOOL +ONCE +IN DOUBT !", text, re.M)
    assert "    noted            pi_123\n" in text
    assert "stepwell resolve order-17 charge --did-not-happen --by NAME" in text
    assert "\x1b" not in text
    assert '{"id": 17}' not in text
    assert '{"id": 17}' in stepwell("show", "order-17", "--inputs", *getattr(place, where)).stdout


@both
def test_show_for_programs(place, where):
    shown = parsed("show", "order-17", *getattr(place, where))
    run, steps = shown["run"], {step["key"]: step for step in shown["steps"]}
    assert [step["key"] for step in shown["steps"]] == ["fetch", "bytes", "flaky", "charge"]
    assert (run["state"], run["held"], run["steps"], run["steps_in_doubt"]) == ("RUNNING", False, 4, 1)
    assert run["labels"] == {"team": "billing", "env": "test"}
    assert run["input"] == {"content_type": "application/json", "size": 13, "text": '{"order": 17}'}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", run["started"])
    assert run["ended"] is run["result"] is run["failure"] is None
    assert steps["fetch"]["output"]["text"] == '{"total": "12 €"}'
    assert steps["fetch"]["usage"]["cost_micros"] == 12345
    assert steps["fetch"]["input"] is None
    assert steps["bytes"]["output"] == {"content_type": "", "size": 2, "base64": "AP8="}
    assert steps["flaky"]["failure"]["message"] == "slow \x1b[31m down"
    assert steps["flaky"]["state"] == "RETRYING" and steps["flaky"]["not_before"]
    assert steps["charge"]["state"] == "IN_DOUBT"
    assert steps["charge"]["external_refs"] == ["pi_123"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", steps["charge"]["idempotency_key"])


@pytest.mark.parametrize("words", [("runs",), ("show", "order-17", "--inputs"), ("show", "done-1"),
                                   ("show", "bad-1"), ("journal",), ("journal", "--run", "order-17"),
                                   ("journal", "--from", "3", "--limit", "4")])
def test_the_dead_look_like_the_living(place, words):
    live, dead = (stepwell(*words, "--json", *where).stdout for where in (place.addr, place.file))
    assert live == dead


def test_long_histories_come_in_many_messages(new_sidecar):
    place = Place(new_sidecar().start())
    with place.sidecar.channel() as channel:
        client = Client(channel)
        lease = client.start("long")
        client.begin("long", lease, "step-0", NONE)
        for number in range(100):
            client.complete("long", lease, f"step-{number}", output=P(data=b"x" * 2000),
                            begin_next=agent.BeginNext(key=f"step-{number + 1}", effect=NONE))
    live, dead = (stepwell("show", "long", "--json", *where).stdout
                  for where in (place.addr, place.file))
    shown = json.loads(live)
    assert list(shown) == ["run", "steps"]
    assert [step["key"] for step in shown["steps"]] == [f"step-{number}" for number in range(101)]
    assert shown["run"]["steps"] == 101
    dead = json.loads(dead) # where it is not known that somebody holds the run
    assert dead["run"].pop("held") is False
    shown["run"].pop("held")
    assert shown == dead


@both
def test_the_journal_is_read_in_order(place, where):
    text = stepwell("journal", "--json", *getattr(place, where)).stdout
    records = [json.loads(line) for line in text.splitlines()]
    assert [record["lsn"] for record in records] == list(range(1, len(records) + 1))
    assert records[0]["type"] == "JOURNAL_CREATED"
    assert records[1]["type"] == "RUN_STARTED" and records[1]["run_id"] == "order-17"
    assert all(len(record["chain"]) == 64 for record in records)
    assert len({record["chain"] for record in records}) == len(records)


def test_status(place):
    text = stepwell("status", *place.addr).stdout
    assert re.search(r"^server     stepwell \S+, serving, up ", text)
    status = parsed("status", *place.addr)
    assert status["state"] == "SERVING"
    assert status["lsn"] == status["durable_lsn"] > 10
    assert status["open_runs"] == 1
    assert status["limits"]["payload_bytes_max"] == 16 << 20


def test_flush(place):
    assert parsed("flush", *place.addr)["lsn"] == parsed("status", *place.addr)["lsn"]


def test_the_address_may_stand_in_the_environment(place):
    stepwell("status", environment={"STEPWELL_ADDR": place.sidecar.address})
    stepwell("status", *place.addr, environment={"STEPWELL_ADDR": "unix:///nowhere"})


def test_verify(place):
    report = parsed("verify", place.file[1])
    assert report["ok"] is True and report["error"] is None
    assert report["runs"] == 3
    assert report["records"] == parsed("status", *place.addr)["lsn"]
    assert "is right: " in stepwell("verify", place.file[1]).stdout


# ---- trouble -----------------------------------------------------------------------


@pytest.mark.parametrize("words", [*LIVE_ONLY, ("runs",), ("show", "order-17"), ("journal",)])
def test_nobody_there_is_6(words, tmp_path):
    done = stepwell(*words, "--addr", f"unix://{tmp_path}/none.sock", code=6)
    assert f"stepwell {words[0]}: connect: no server answers at unix://{tmp_path}" in done.stderr
    assert done.stdout == ""


@both
def test_no_such_run_is_5(place, where):
    done = stepwell("show", "nobody", *getattr(place, where), code=5)
    assert done.stderr.startswith("stepwell show: ") and "nobody" in done.stderr
    stepwell("journal", "--run", "nobody", *getattr(place, where), code=5)
    assert done.stdout == ""


def test_no_such_file_is_5(tmp_path):
    for words in (("runs", "--file"), ("show", "r", "--file"), ("journal", "--file"), ("verify",)):
        assert "No such file" in stepwell(*words, tmp_path / "none", code=5).stderr


def test_no_such_run_to_watch_is_5(place):
    stepwell("tail", "nobody", *place.addr, code=5)


@pytest.mark.parametrize("words, told", [
    ((), "COMMANDS"), (("rusn",), "did you mean runs?"), (("runs", "--jsno"), "did you mean --json?"),
    (("runs", "order-17"), "stepwell show"), (("show",), "which run?"), (("dev",), "which agent?"),
    (("dev", "python"), "stepwell dev -- python"), (("runs", "--addr", "nowhere"), "--addr: "),
    (("resolve", "r", "s", "--by", "me"), "give one of"), (("serve", "--readers", "0"), "--readers: 0"),
    (("serve", "--listen", "0.0.0.0:1"), "--tls-cert"), (("help", "rusn"), "did you mean runs?")])
def test_usage_is_1(words, told):
    done = stepwell(*words, code=1)
    assert told in done.stdout + done.stderr


def test_a_flipped_bit_is_2_and_named(own_place, tmp_path):
    assert own_place.sidecar.stop() == 0
    copy = tmp_path / "journal.db"
    shutil.copy(own_place.sidecar.folder / "data" / "journal.db", copy)
    stepwell("verify", copy)
    content = bytearray(copy.read_bytes())
    content[content.index(b"RateLimitError")] ^= 1
    copy.write_bytes(content)
    done = stepwell("verify", copy, "--json", code=2)
    report = json.loads(done.stdout)
    assert report["ok"] is False and report["bad_lsn"] > 1 and report["error"]
    assert done.stderr.startswith("stepwell verify: ")


def test_a_reader_who_leaves_ends_the_writer(place):
    # a pipe, not `| head`: the writer must notice by itself
    process = subprocess.Popen([binary(), "journal", "--json", *place.addr],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    process.wait(timeout=30)
    process.stderr.close()


# ---- helping -----------------------------------------------------------------------


@pytest.mark.parametrize("outcome, state", [
    (("--happened", '{"id": "ch_9"}'), "COMPLETED"), (("--did-not-happen",), "RETRYING"),
    (("--give-up", "nobody knows"), "FAILED")])
def test_doubt_is_ended(own_place, outcome, state):
    words = ("resolve", "order-17", "charge", *outcome, "--by", "jane", *own_place.addr)
    first = parsed(*words)
    assert first["state"] == state
    assert parsed(*words) == first # said twice, recorded once
    step = parsed("show", "order-17", *own_place.addr)["steps"]
    step = next(step for step in step if step["key"] == "charge")
    assert (step["state"], step["resolved_by"], step["lsn"]) == (state, "jane", first["lsn"])
    if state == "COMPLETED":
        assert step["output"]["text"] == '{"id": "ch_9"}'
    if state == "FAILED":
        assert (step["failure"]["type"], step["failure"]["message"]) == ("GivenUp", "nobody knows")
    assert parsed("runs", "--in-doubt", *own_place.addr) == {"runs": []}


def test_the_output_may_come_from_standard_input(own_place):
    parsed("resolve", "order-17", "charge", "--happened", "@-", "--by", "jane", *own_place.addr,
           input='{"from": "stdin"}')
    steps = parsed("show", "order-17", *own_place.addr)["steps"]
    assert '{"from": "stdin"}' in [step["output"]["text"] for step in steps
                                   if step["key"] == "charge"]


def test_what_is_not_in_doubt_is_refused_with_a_hint(place):
    done = stepwell("resolve", "order-17", "fetch", "--did-not-happen", "--by", "jane",
                    *place.addr, code=1)
    assert done.stderr.startswith("stepwell resolve: order-17, fetch: ")
    assert "in doubt in this run: charge\n" in done.stderr
    stepwell("resolve", "order-17", "nothing", "--did-not-happen", "--by", "jane", *place.addr,
             code=5)
    stepwell("resolve", "nobody", "charge", "--did-not-happen", "--by", "jane", *place.addr, code=5)


def test_tail_follows_until_the_end(own_place):
    tail = subprocess.Popen([binary(), "tail", "order-17", "--json", *own_place.addr],
                            stdout=subprocess.PIPE, text=True)
    lines = iter(tail.stdout.readline, "")
    before = [json.loads(line) for line in iter(lambda: next(lines), '{"caught_up": true}\n')]
    assert before[0]["run"]["run_id"] == "order-17"
    assert [line["step"]["state"] for line in before[1:]] == ["COMPLETED", "COMPLETED", "RETRYING",
                                                              "IN_DOUBT"]
    with own_place.sidecar.channel() as channel:
        client = Client(channel)
        lease, _ = client.resume("order-17")
        client.begin("order-17", lease, "more", NONE)
        client.complete("order-17", lease, "more")
        client.agent.EndRun(agent.EndRunRequest(run_id="order-17", lease=lease,
                                                result=P(data=b"fin")), timeout=20)
        after = [json.loads(line) for line in lines]
    assert tail.wait(timeout=20) == 0
    tail.stdout.close()
    states = [line["step"]["state"] for line in after if line.get("step", {}).get("key") == "more"]
    assert states[-1] == "COMPLETED"
    assert {"caught_up": True} not in after
    assert after[-1]["run"]["state"] == "COMPLETED"
    assert after[-1]["run"]["result"]["text"] == "fin"


def test_tail_of_a_dying_server_is_6(own_place):
    tail = subprocess.Popen([binary(), "tail", "order-17", *own_place.addr], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert "run started" in tail.stdout.readline()
    own_place.sidecar.process.kill()
    _, err = tail.communicate(timeout=30)
    assert tail.returncode == 6
    assert "stepwell tail: connect: " in err


# ---- TLS ---------------------------------------------------------------------------


def certificates(folder) -> None:
    """ca.pem, and client.pem and server.pem signed by it, with their keys."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "2", "-subj", "/CN=test ca")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-out", f"{name}.pem", "-days", "2", "-extfile", "names")


@pytest.mark.skipif("STEPWELL_TSAN" in os.environ, reason="libcrypto is not built with it")
def test_tcp_speaks_mutual_tls(tmp_path):
    certificates(tmp_path)
    port = 20000 + os.getpid() % 20000
    sidecar = Sidecar(str(tmp_path), "--listen", f"127.0.0.1:{port}", "--tls-cert",
                      str(tmp_path / "server.pem"), "--tls-key", str(tmp_path / "server.key"),
                      "--tls-client-ca", str(tmp_path / "ca.pem")).start()
    try:
        where = ("--addr", f"127.0.0.1:{port}")
        trust = ("--tls-ca", tmp_path / "ca.pem")
        proof = ("--tls-client-cert", tmp_path / "client.pem", "--tls-client-key",
                 tmp_path / "client.key")
        assert parsed("status", *where, *trust, *proof)["state"] == "SERVING"
        stepwell("status", *where, *trust, "--timeout", "3s", code=6) # shows no certificate
        stepwell("status", *where, "--timeout", "3s", code=6)         # speaks plain
        done = stepwell("status", *where, *trust, *proof[:2], code=1)
        assert "go together" in done.stderr
    finally:
        assert sidecar.stop() == 0, sidecar.log()
