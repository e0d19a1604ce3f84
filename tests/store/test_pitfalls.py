# SPDX-License-Identifier: Apache-2.0
"""Goal: what object stores and networks are known to do does not make a driver say what is untrue.

Method: the S3 driver in a process of its own (object_tool.c) against a server that does wrong on
purpose (support/fault_store.py) and checks every signature.
"""
import json
import os
import shutil
import ssl
import subprocess
import time

import pytest
from support.fault_store import BUCKET, SECRET_KEY, Fault, FaultStore
from support.sidecar import ROOT

TOOL = ROOT / "build/dev/tests/store/object_tool"
TOKEN = "FwoGZXIvYXdzEXAMPLE//token+of=a/session=="


@pytest.fixture
def store():
    with FaultStore() as running:
        yield running


@pytest.fixture
def body(tmp_path):
    path = tmp_path / "body"
    path.write_bytes(os.urandom(20000))
    return path


def run(store, *commands, options=(), timeout=60, environment=None, url=f"s3://{BUCKET}/pre"):
    """What object_tool says, a dictionary a line; its secrets are in none of them."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    endpoint = ("--endpoint", store.endpoint) if store else ()
    known = environment if environment is not None else store.environment()
    words = " + ".join(commands).split()
    done = subprocess.run([TOOL, "--url", url, *endpoint, *options, *words], text=True,
                          capture_output=True, timeout=timeout, check=False,
                          env={**clean, "AWS_EC2_METADATA_DISABLED": "true", **known})
    assert done.stderr == "" and done.returncode in (0, 1)
    assert SECRET_KEY not in done.stdout and TOKEN not in done.stdout
    for request in store.requests if store else ():
        assert not request.problem.startswith(("no signature", "signed headers")), request.problem
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- creations whose outcome is not what it looks like

def test_an_applied_creation_whose_answer_is_lost_ends_as_exists(store, body):
    store.faults.append(Fault(apply=True, cut="before", reset=True))
    created, _ = run(store, f"create log/1 {body}")
    assert (created["result"], created["tries"]) == ("EXISTS", 2)
    assert store.objects == {"pre/log/1": body.read_bytes()}


def test_libcurl_may_send_again_by_itself_and_one_try_says_exists(store, body):
    """The connection was kept; the server applied the second request on it and closed."""
    store.faults += [Fault(), Fault(apply=True, cut="before")]
    _, created, counts = run(store, f"create log/1 {body}", f"create log/2 {body}")
    assert (created["result"], created["tries"]) == ("EXISTS", 1)
    assert len(store.of("PUT")) == 3 and counts["creates"] == 2
    assert store.objects["pre/log/2"] == body.read_bytes()


def test_a_repeated_creation_is_the_same_bytes(store, body):
    store.faults += [Fault(status=500), Fault(status=500, cut="before", reset=True), Fault(status=503)]
    created, counts = run(store, f"create log/1 {body}")
    assert (created["result"], created["tries"]) == ("DONE", 4)
    assert {request.body for request in store.of("PUT")} == {body.read_bytes()}
    assert counts == {"creates": 4, "gets": 0, "deletes": 0, "lists": 0, "retries": 3}


@pytest.mark.parametrize("cut", ["before", "status"])
def test_a_success_that_was_cut_off_is_not_taken_for_one(store, body, cut):
    store.faults.append(Fault(status=200, cut=cut))
    created, _ = run(store, f"create log/1 {body}")
    assert (created["result"], created["tries"]) == ("DONE", 2)
    assert store.objects == {"pre/log/1": body.read_bytes()}


def test_an_error_after_the_object_was_stored_is_tried_again(store, body):
    store.faults.append(Fault(status=503, code="SlowDown", apply=True))
    created, _ = run(store, f"create log/1 {body}")
    assert (created["result"], created["tries"]) == ("EXISTS", 2)


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "OperationAborted"])
def test_a_conflict_is_not_an_object(store, body, code):
    store.faults.append(Fault(status=409, code=code))
    created, _ = run(store, f"create log/1 {body}")
    assert (created["result"], created["tries"]) == ("DONE", 2)


def test_a_taken_key_is_not_tried_again(store, body):
    store.objects["pre/log/1"] = b"another's"
    created, _ = run(store, f"create log/1 {body}")
    assert (created["result"], created["tries"]) == ("EXISTS", 1)
    assert store.objects == {"pre/log/1": b"another's"}


def test_what_a_server_left_unread_of_a_body_is_not_the_next_request(store, body):
    """Seen with versitygw: 412 before the body is read, and the connection is kept."""
    body.write_bytes(b"x" * 20000)  # a line that the next request's first would end
    store.objects["pre/log/1"] = b"another's"
    store.faults.append(Fault(status=412, code="PreconditionFailed", unread=True))
    created, read, _ = run(store, f"create log/1 {body}", "get log/1")
    assert (created["result"], created["tries"]) == ("EXISTS", 1)
    assert (read["result"], read["tries"], read["size"]) == ("DONE", 1, 9)
    assert store.requests[0].connection != store.requests[1].connection


# ---- stores that cannot keep the promise

@pytest.mark.parametrize("conditions", ["ignored", "refused", "racy"])
def test_the_probe_refuses_a_store_whose_conditions_are(conditions):
    with FaultStore(conditions=conditions) as broken:
        said, _ = run(broken, "probe")
    assert said["code"] == "STORE_UNSAFE"


def test_the_probe_accepts_an_honest_store_and_cleans_up(store):
    said, _ = run(store, "probe")
    assert said == {"code": "OK", "text": ""}
    assert store.objects == {}


def test_a_probe_that_fails_halfway_cleans_up(store):
    store.faults += [Fault(), Fault(), *(Fault(status=403, code="AccessDenied") for _ in range(2))]
    said, _ = run(store, "probe")
    assert said["code"] == "STORE_REFUSED"
    assert len(store.of("PUT")) == 2
    assert store.objects == {}


def test_the_probe_accepts_a_store_that_loses_answers(store):
    store.faults += [Fault(apply=True, cut="before", reset=True), Fault(),
                     Fault(status=503, apply=True), Fault()] * 4
    said, counts = run(store, "probe")
    assert said == {"code": "OK", "text": ""}
    assert counts["retries"] >= 6  # libcurl hides some


def test_a_condition_that_is_not_implemented_is_named_at_once(body):
    with FaultStore(conditions="refused") as broken:
        created, _ = run(broken, f"create log/1 {body}")
    assert (created["code"], created["tries"]) == ("STORE_UNSAFE", 1)


# ---- time

@pytest.mark.parametrize("hours", [-30, 2])
def test_a_wrong_clock_is_set_by_the_stores(body, hours):
    with FaultStore(clock_offset_s=hours * 3600) as skewed:
        first, second, _ = run(skewed, f"create log/1 {body}", "get log/1")
    assert (first["result"], first["tries"]) == ("DONE", 2)
    assert (second["result"], second["tries"]) == ("DONE", 1)
    assert abs(first["server_ms"] / 1000 - skewed.now()) < 60


def test_a_store_that_says_how_long_to_wait_is_obeyed(store, body):
    store.faults.append(Fault(status=503, code="SlowDown", headers=("Retry-After: 1",)))
    began = time.monotonic()
    created, _ = run(store, f"create log/1 {body}")
    assert time.monotonic() - began >= 1
    assert (created["result"], created["tries"]) == ("DONE", 2)


def test_a_wait_beyond_the_deadline_is_not_begun(store, body):
    store.faults.append(Fault(status=429, headers=("Retry-After: 600",)))
    began = time.monotonic()
    created, _ = run(store, f"create log/1 {body}")
    assert time.monotonic() - began < 5
    assert (created["code"], created["tries"]) == ("STORE_UNAVAILABLE", 1)


def test_the_deadline_is_for_all_tries_together(store, body):
    store.faults += [Fault(status=500)] * 1000
    began = time.monotonic()
    created, _ = run(store, f"create log/1 {body}", options=("--deadline", "1500"))
    assert 0.5 < time.monotonic() - began < 4
    assert created["code"] == "STORE_UNAVAILABLE" and created["tries"] > 2
    assert len(store.requests) < 12  # it backs off
    assert "500" in created["text"] and "log/1" in created["text"]


def test_a_store_that_never_answers_is_given_up(store, body):
    store.faults.append(Fault(hang=True))
    began = time.monotonic()
    created, _ = run(store, f"create log/1 {body}", options=("--deadline", "1000"))
    assert 0.9 < time.monotonic() - began < 4
    assert (created["code"], created["tries"]) == ("STORE_UNAVAILABLE", 1)


def test_a_request_that_was_swallowed_is_sent_again_within_seconds(store, body):
    """Also when it arrived: the store is back, and nobody knows but who asks again."""
    store.faults.append(Fault(hang=True, apply=True))
    began = time.monotonic()
    created, _ = run(store, f"create log/1 {body}")
    assert 2.9 < time.monotonic() - began < 4.9
    assert (created["result"], created["tries"]) == ("EXISTS", 2)


def test_an_answer_byte_by_byte_is_cut_off_and_asked_for_again(store, body):
    store.objects["pre/a"] = body.read_bytes()
    store.faults.append(Fault(drip_s=0.2))
    read, _ = run(store, "get a", options=("--deadline", "30000"))
    assert (read["result"], read["tries"], read["size"]) == ("DONE", 2, 20000)


def test_cancelling_ends_a_request_at_once(store, body):
    store.faults.append(Fault(hang=True))
    began = time.monotonic()
    first, second, _ = run(store, f"create log/1 {body}", "get a", options=("--cancel-after", "300"))
    assert time.monotonic() - began < 4
    assert first["code"] == second["code"] == "CANCELLED"


def test_cancelling_ends_a_back_off_at_once(store, body):
    store.faults.append(Fault(status=503, headers=("Retry-After: 8",)))
    began = time.monotonic()
    first, _ = run(store, f"create log/1 {body}", options=("--cancel-after", "500"))
    assert time.monotonic() - began < 4
    assert first["code"] == "CANCELLED"


# ---- bodies

@pytest.mark.parametrize("fault", [Fault(cut="body"), Fault(cut="body", reset=True),
                                   Fault(no_length=True)])
def test_a_truncated_object_is_not_an_object(store, body, tmp_path, fault):
    store.objects["pre/a"] = body.read_bytes()
    store.faults.append(fault)
    read, _ = run(store, f"get a {tmp_path}/got")
    assert (read["result"], read["tries"]) == ("DONE", 2)
    assert (tmp_path / "got").read_bytes() == body.read_bytes()


def test_a_list_that_was_cut_off_is_not_a_list(store):
    store.objects |= {"pre/a": b"", "pre/b": b""}
    store.faults.append(Fault(cut="body"))
    listed, _ = run(store, "list")
    assert (listed["keys"], listed["tries"], listed["more"]) == (["a", "b"], 2, False)


# ---- where requests go

@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_with_credentials(store, body, status):
    with FaultStore() as other:
        location = f"Location: {other.endpoint}/{BUCKET}/pre/log/1"
        store.faults.append(Fault(status=status, code="TemporaryRedirect", headers=(location,)))
        created, _ = run(store, f"create log/1 {body}")
    assert (created["code"], created["tries"]) == ("STORE_REFUSED", 1)
    assert other.requests == []


@pytest.mark.parametrize("status", [301, 400])
def test_a_bucket_elsewhere_is_signed_for_its_region(body, status):
    with FaultStore(region="eu-west-3") as elsewhere:
        elsewhere.faults.append(Fault(status=status, code="PermanentRedirect",
                                      headers=("x-amz-bucket-region: eu-west-3",)))
        created, read, _ = run(elsewhere, f"create log/1 {body}", "get log/1")
    assert (created["result"], created["tries"]) == ("DONE", 2)
    assert (read["result"], read["tries"]) == ("DONE", 1)


def test_a_region_that_is_no_region_is_not_learnt(store, body):
    store.faults.append(Fault(status=301, headers=("x-amz-bucket-region: evil.example/x",)))
    created, _ = run(store, f"create log/1 {body}")
    assert (created["code"], created["tries"]) == ("STORE_REFUSED", 1)


def test_a_name_that_does_not_resolve_is_unavailable(body):
    environment = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    created, _ = run(None, f"create log/1 {body}", environment=environment,
                     options=("--endpoint", "https://nowhere.invalid", "--deadline", "1000"))
    assert created["code"] == "STORE_UNAVAILABLE"
    assert "nowhere.invalid" in created["text"]


def test_a_port_where_nobody_listens_is_tried_again(body):
    with FaultStore() as gone:
        pass
    created, _ = run(gone, f"create log/1 {body}", options=("--deadline", "1000"))
    assert created["code"] == "STORE_UNAVAILABLE" and created["tries"] > 1


@pytest.fixture
def certificate(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", tmp_path / "key.pem", "-out", tmp_path / "ca.pem"],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    return tmp_path / "ca.pem", context


def test_a_certificate_must_be_known(certificate, body):
    file, context = certificate
    with FaultStore(tls=context) as secure:
        refused, _ = run(secure, f"create log/1 {body}")
        created, _ = run(secure, f"create log/1 {body}", options=("--ca", str(file)))
    assert (refused["code"], refused["tries"]) == ("STORE_REFUSED", 1)
    assert created["result"] == "DONE"


# ---- credentials

def test_a_session_token_is_sent_and_signed(body):
    with FaultStore(token=TOKEN) as store:
        created, _ = run(store, f"create log/1 {body}")
    assert (created["result"], created["tries"]) == ("DONE", 1)


def test_an_expired_token_is_renewed_once(store, body):
    store.tokens += ["old", TOKEN]
    store.faults += [Fault(), Fault(status=400, code="ExpiredToken")]
    *_, created, read, _ = run(store, "get log/1", "pause 1100", f"create log/1 {body}", "get log/1")
    assert (created["result"], created["tries"]) == ("DONE", 2)
    assert (read["result"], read["tries"]) == ("DONE", 1)
    assert [request.headers["x-amz-security-token"] for request in store.requests] == \
        ["old", "old", TOKEN, TOKEN]


def test_a_token_that_stays_expired_is_refused_and_not_tried_for_ever(body):
    with FaultStore(token=TOKEN) as store:
        store.tokens += ["old", "older", "oldest"]
        created, _ = run(store, f"create log/1 {body}")
    assert created["code"] == "STORE_REFUSED" and created["tries"] <= 2
    assert "ExpiredToken" in created["text"]


def test_a_missing_permission_is_quoted(store, body):
    store.faults += [Fault(status=403, code="AccessDenied")] * 4
    created, read, _ = run(store, f"create log/1 {body}", "get log/1")
    assert created["code"] == read["code"] == "STORE_REFUSED"
    assert "AccessDenied" in created["text"] and "s3:ListBucket" in read["text"]


def test_a_bucket_that_is_not_there_is_no_absent_object(store, body):
    for command in (f"create a {body}", "get a", "delete a", "list"):
        said, _ = run(store, command, url="s3://bucket-elsewhere/x")
        assert said["code"] == "STORE_REFUSED" and "NoSuchBucket" in said["text"]


def test_encryption_headers_are_sent_and_signed(store, body):
    run(store, f"create log/1 {body}", options=("--sse", "aws:kms", "--sse-key", "key/1"))
    headers = store.of("PUT")[0].headers
    assert headers["x-amz-server-side-encryption"] == "aws:kms"
    assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == "key/1"
    assert store.objects != {}


# ---- shapes of requests

def test_a_prefix_of_odd_letters_is_signed_as_it_is_sent(store, body):
    odd = f"s3://{BUCKET}/a=b+c:d,e~f!g*h(i)é%41/x"
    created, read, listed, _ = run(store, f"create log/1 {body}", "get log/1", "list", url=odd)
    assert created["result"] == read["result"] == "DONE"
    assert listed["keys"] == ["log/1"]
    assert list(store.objects) == ["a=b+c:d,e~f!g*h(i)é%41/x/log/1"]


def test_pages_of_a_list_go_on_behind_a_key(store):
    store.objects |= {f"pre/log/{number}": b"" for number in range(5)}
    first, second, _ = run(store, "list log/ log/1 2", "list log/ log/3 2")
    assert (first["keys"], first["more"]) == (["log/2", "log/3"], True)
    assert (second["keys"], second["more"]) == (["log/4"], False)


def test_ops_go_side_by_side_up_to_the_limit_and_share_connections(store):
    *created, counts = run(store, "many 100", options=("--parallel", "8"))
    assert [said["result"] for said in created] == ["DONE"] * 100
    assert 1 < store.in_flight_most <= 8
    assert len({request.connection for request in store.requests}) <= 9
    assert counts["creates"] == 100


def test_one_after_the_other_needs_one_connection(store, body):
    run(store, *(f"create log/{number} {body}" for number in range(5)), "get log/1", "list")
    assert len({request.connection for request in store.requests}) == 1
