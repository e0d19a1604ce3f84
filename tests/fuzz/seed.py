#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds in tests/fuzz/corpus: real requests, the records the real sidecar makes of
them, texts that people type, what object stores answer, bytes to cut.

Usage: build/venv/bin/python tests/fuzz/seed.py [STORE]   (after building the dev preset)

STORE is the directory of an object store: its objects become seeds too, without the digest at
their end, which fuzz_segment makes itself.

A seed is named by its content's digest and never overwritten, so running this again
after the contract or the format grew adds what is new.
"""
import hashlib
import pathlib
import sqlite3
import sys
import tempfile

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "clients/python/src")]

from stepwell._proto.stepwell.v1 import agent_service_pb2 as agent  # noqa: E402
from stepwell._proto.stepwell.v1 import control_service_pb2 as control  # noqa: E402
from stepwell._proto.stepwell.v1 import types_pb2 as types  # noqa: E402
from support.sidecar import Sidecar  # noqa: E402

CORPUS = pathlib.Path(__file__).with_name("corpus")
CHECKSUM_BYTES = 8
DIGEST_BYTES = 32
# as in fuzz_requests.c
REQUESTS = [agent.StartRunRequest, agent.ResumeRequest, agent.BeginStepRequest,
            agent.CompleteStepRequest, agent.NoteStepRequest, agent.AgentServiceResolveStepRequest,
            agent.EndRunRequest, agent.ClaimRunRequest, agent.SessionRequest,
            control.ListRunsRequest, control.GetRunRequest, control.ReadJournalRequest,
            control.WatchRunRequest, control.ControlServiceResolveStepRequest,
            control.FlushRequest, control.GetStatusRequest]
METHODS = {
    "StartRun": agent.StartRunResponse, "BeginStep": agent.BeginStepResponse,
    "CompleteStep": agent.CompleteStepResponse, "NoteStep": agent.NoteStepResponse,
    "ResolveStep": agent.AgentServiceResolveStepResponse, "EndRun": agent.EndRunResponse,
    "ClaimRun": agent.ClaimRunResponse,
}


def save(target, data):
    path = CORPUS / target / hashlib.sha256(data).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def save_request(message):
    save("requests", bytes([REQUESTS.index(type(message))]) + message.SerializeToString())


def payload(text, kind="application/json"):
    return types.Payload(data=text.encode(), content_type=kind)


def failure(**more):
    return types.Failure(type="RateLimitError", message="slow down", details=payload("{}"), **more)


class Agent:
    """Calls the sidecar and keeps every request as a seed."""

    def __init__(self, channel):
        self.channel = channel

    def __call__(self, method, message):
        save_request(message)
        return self.channel.unary_unary(
            f"/stepwell.v1.AgentService/{method}",
            request_serializer=type(message).SerializeToString,
            response_deserializer=METHODS[method].FromString)(message, timeout=10)


RETRY = types.RetryPolicy(max_attempts=5, initial_ms=1, factor=1.5, cap_ms=2, jitter=0.5,
                          non_retryable_types=["AuthError", "Refused"])


def begin(call, run_id, lease, key, **more):
    return call("BeginStep", agent.BeginStepRequest(run_id=run_id, lease=lease, key=key, **more))


def complete(call, run_id, lease, key, **more):
    return call("CompleteStep", agent.CompleteStepRequest(run_id=run_id, lease=lease, key=key, **more))


def play(call):
    """Every record type, every outcome, small payloads and ones that are cut into chunks."""
    long_text = "".join(f"message {i} of a conversation; " for i in range(4000))
    lease = call("StartRun", agent.StartRunRequest(
        run_id="seed", task="t", input=payload('{"a":1}'), labels={"team": "x", "tier": "1"},
        code_version="v1", on_divergence=types.DIVERGENCE_POLICY_ACCEPT, take_lease=True,
        holder="seed.py")).lease
    run = ("seed", lease)
    begin(call, *run, "llm", name="ask", kind=types.KIND_LLM, effect=types.EFFECT_IDEMPOTENT,
          input=payload(long_text, "text/plain"), retry=RETRY, request_id="r-1",
          timeouts=types.Timeouts(start_to_close_ms=60000, heartbeat_ms=5000),
          durability=types.DURABILITY_LOCAL)
    call("NoteStep", agent.NoteStepRequest(run_id="seed", lease=lease, key="llm", attempt=1,
                                           external_ref="pi_123",
                                           progress=payload(long_text[:1500])))
    complete(call, *run, "llm", attempt=1, output=payload(long_text[:70000]),
             usage=types.Usage(input_tokens=9, cached_input_tokens=3, output_tokens=4, cost_micros=5),
             begin_next=agent.BeginNext(key="pay", name="pay", kind=types.KIND_TOOL, retry=RETRY,
                                        effect=types.EFFECT_ONCE, input_digest=b"\x07" * 32))
    complete(call, *run, "pay", attempt=1, unknown=failure())
    call("ResolveStep", agent.AgentServiceResolveStepRequest(
        run_id="seed", lease=lease, key="pay", by="reconcile",
        resolution=types.Resolution(did_not_happen=types.DidNotHappen())))
    begin(call, *run, "pay", name="pay", kind=types.KIND_TOOL, effect=types.EFFECT_ONCE,
          input_digest=b"\x07" * 32, retry=RETRY)
    complete(call, *run, "pay", attempt=2, unknown=failure(non_retryable=True))
    call("ResolveStep", agent.AgentServiceResolveStepRequest(
        run_id="seed", lease=lease, key="pay", by="jane",
        resolution=types.Resolution(happened=payload("done"))))
    for key, resolution in (("gone", types.Resolution(give_up=failure())),):
        begin(call, *run, key, effect=types.EFFECT_ONCE)
        complete(call, *run, key, attempt=1, unknown=failure())
        call("ResolveStep", agent.AgentServiceResolveStepRequest(
            run_id="seed", lease=lease, key=key, by="jane", resolution=resolution))
    begin(call, *run, "flaky", effect=types.EFFECT_NONE, retry=RETRY)
    complete(call, *run, "flaky", attempt=1, failure=failure())
    call("EndRun", agent.EndRunRequest(run_id="seed", lease=lease, result=payload("{}"),
                                       unvisited_keys=["old", "older"]))
    call("StartRun", agent.StartRunRequest(run_id="other", task="t"))
    lease = call("ClaimRun", agent.ClaimRunRequest(tasks=["t", "u"], holder="seed.py")).lease
    call("EndRun", agent.EndRunRequest(run_id="other", lease=lease, failure=failure()))


def save_other_requests():
    resume = agent.ResumeRequest(run_id="seed", lease=1, holder="h", follow=True, include_inputs=True)
    save_request(resume)
    save_request(agent.SessionRequest(calls=[
        agent.SessionCall(id=1, start_run=agent.StartRunRequest(run_id="s", task="t")),
        agent.SessionCall(id=2, resume=resume),
        agent.SessionCall(id=3, begin_step=agent.BeginStepRequest(run_id="s", key="k", input=payload("1"))),
        agent.SessionCall(id=4, complete_step=agent.CompleteStepRequest(run_id="s", output=payload("2"))),
        agent.SessionCall(id=5, note_step=agent.NoteStepRequest(run_id="s", key="k")),
        agent.SessionCall(id=6, resolve_step=agent.AgentServiceResolveStepRequest(run_id="s")),
        agent.SessionCall(id=7, end_run=agent.EndRunRequest(run_id="s", failure=failure())),
        agent.SessionCall(id=8, claim_run=agent.ClaimRunRequest(wait_ms=1))]))
    save_request(control.ListRunsRequest(task="t", state=types.RUN_STATE_RUNNING, labels={"a": "b"},
                                         in_doubt=True, page_size=10, page_token="10"))
    save_request(control.GetRunRequest(run_id="seed"))
    save_request(control.ReadJournalRequest(from_lsn=3, run_id="seed", limit=9))
    save_request(control.WatchRunRequest(run_id="seed", follow=True, include_inputs=True))
    save_request(control.ControlServiceResolveStepRequest(
        run_id="seed", key="k", by="jane", resolution=types.Resolution(happened=payload("x"))))
    save_request(control.FlushRequest(lsn=9, durability=types.DURABILITY_REMOTE))
    save_request(control.GetStatusRequest())


def save_records(journal):
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT type, body FROM log WHERE body IS NOT NULL ORDER BY lsn")
        for kind, body in rows:
            if len(body) < 8000:  # a fuzzer learns little from more of the same
                save("codec", bytes([kind]) + body[:-CHECKSUM_BYTES])


TEXTS = ["500ms", "10s", "30d", "0", "16MiB", "1GiB", "64Ki", "0660", "1024", "127.0.0.1:7233",
         "[::1]:7233", "localhost:80", "7233", "unix:///run/stepwell/stepwell.sock", "unix:/x",
         "example.com:443", "18446744073709551616", "résumé \u202e \U0001f600", "serv"]


# as in fuzz_replies.c: what follows the number is read by that reader
REPLIES = [
    (0, "<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>PermanentRedirect</Code>"
        "<Message>Use\nanother \u00e4 endpoint</Message><Region>eu-west-1</Region></Error>"),
    (0, "\ufeff<?xml version='1.0'?><Error><Code>BlobAlreadyExists</Code><Message>m</Message></Error>"),
    (0, "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code></Error></ErrorResponse>"),
    (0, "<!DOCTYPE e [<!ENTITY a 'b'>]><Error><Code>&a;</Code></Error>"),
    (1, "<ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Prefix>p/</Prefix>"
        "<Contents><Key>p/a</Key><Size>1</Size></Contents><Contents><Key>p/log/1</Key></Contents>"
        "<Contents><Key>p/log/2</Key></Contents><Contents><Key>p/z&#233;</Key></Contents>"
        "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        "</ListBucketResult>"),
    (1, "<EnumerationResults><Blobs><Blob><Name>p/log/1</Name><Properties><Etag>x</Etag></Properties>"
        "</Blob><Blob><Name>p/log/2</Name></Blob></Blobs><NextMarker>m</NextMarker></EnumerationResults>"),
    (2, "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
        "<AccessKeyId>AKIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t"
        "</SessionToken><Expiration>2026-11-24T22:50:00Z</Expiration></Credentials>"
        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"),
    (3, '{"access_token":"t","expires_in":3599,"token_type":"Bearer"}'),
    (3, '{"access_token":"t\\u00e4\\n","expires_in":"86399","a":{"b":{"c":1e3}},"error":{"status":"X"}}'),
    (4, '{"type":"service_account","client_email":"a@p.iam","private_key_id":"k","private_key":"PEM",'
        '"token_uri":"https://oauth2.googleapis.com/token"}'),
    (4, '{"type":"external_account","audience":"//iam/p","subject_token_type":"urn:jwt","token_url":'
        '"https://sts.googleapis.com/v1/token","credential_source":{"file":"/t","format":'
        '{"type":"json","subject_token_field_name":"t"}}}'),
    (5, "# c\n[default]\naws_access_key_id = AKIA\naws_secret_access_key=s\n x = nested\n[other]\n"),
    (6, "2026-11-24T22:50:00.123+01:00"), (6, "sv=1&se=2026-11-24T22%3A50%3A00Z&sig=x"),
    (6, "http://169.254.170.23/v1"), (6, "http://[fd00:ec2::23]:80/v1"), (6, "http://localhost:1/"),
    (6, "http://[fd00:ec2::23]:80@example.com/v1"),
    (6, "3599"), (7, "Zm9vYg=="), (7, "+//+"),
    (9, "<LifecycleConfiguration><Rule><ID>r</ID><Filter><And><Prefix>p/</Prefix><Tag><Key>k</Key>"
        "<Value>v</Value></Tag></And></Filter><Status>Enabled</Status><Expiration><Days>1</Days>"
        "</Expiration></Rule><Rule><ID>s</ID><Prefix>p/v1</Prefix><Status>Enabled</Status><Transition>"
        "<Days>1</Days></Transition></Rule></LifecycleConfiguration>"),
    (9, "<LifecycleConfiguration><Rule><Action><Delete/></Action><Condition><Age>1</Age><IsLive>true"
        "</IsLive><MatchesPrefix>p</MatchesPrefix></Condition></Rule></LifecycleConfiguration>"),
    (9, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
    (8, "HTTP/1.1 206 Partial\r\n"), (8, "Date: Tue, 24 Nov 2026 22:50:00 GMT\r\n"),
    (8, "Retry-After: 120\r\n"), (8, "Transfer-Encoding: chunked\r\n"), (8, "x-amz-bucket-region: r"),
]


def save_rest():
    for reader, text in REPLIES:
        save("replies", bytes([reader]) + text.encode())
    for text in TEXTS:
        save("text", text.encode())
    save("cut", b"a" * 9000)
    save("cut", b"".join(hashlib.sha256(bytes([i])).digest() for i in range(256)) * 2)


KEYS = ["# a comment\n\n" + "0123456789abcdef" * 4 + " \r\n" + "FE" * 32 + "\n", "12\n", "zz" * 32]


def save_archive(store):
    for path in store.glob("v1/**/*"):
        if path.is_file():
            save("segment", path.read_bytes()[:-DIGEST_BYTES])
            name = pathlib.PurePosixPath(path.relative_to(store))
            save("snapshot", b"\2" + str(name).encode())


def main():
    save_rest()
    for text in KEYS:
        save("snapshot", b"\1" + text.encode())
    for store in sys.argv[1:]:
        save_archive(pathlib.Path(store))
    with tempfile.TemporaryDirectory() as folder, Sidecar(folder) as sidecar:
        with grpc.insecure_channel(sidecar.address) as channel:
            play(Agent(channel))
        save_other_requests()
        sidecar.stop()
        save_records(pathlib.Path(folder) / "data/journal.db")


if __name__ == "__main__":
    main()
