# SPDX-License-Identifier: Apache-2.0
"""Every field out of bounds gets a refusal that names it and its limit, and changes nothing."""

import uuid

import grpc
import pytest
from conftest import agent, control, refused, types

P = types.Payload
F = types.Failure


def begin(**fields):
    return agent.BeginStepRequest(**{"run_id": "r", "lease": 1, "key": "k", **fields})


def complete(**fields):
    given = {"run_id": "r", "lease": 1, "key": "k", "attempt": 1, **fields}
    if not fields.keys() & {"output", "failure", "unknown"}:
        given["output"] = P(data=b"x")
    return agent.CompleteStepRequest(**given)


def start(**fields):
    return agent.StartRunRequest(**{"run_id": "r2", "task": "t", **fields})


def end(**fields):
    return agent.EndRunRequest(**{"run_id": "r", "lease": 1, "result": P(), **fields})


def resolve(**fields):
    given = {"run_id": "r", "lease": 1, "key": "k", "by": "me",
             "resolution": types.Resolution(happened=P()), **fields}
    return agent.AgentServiceResolveStepRequest(**given)


def note(**fields):
    return agent.NoteStepRequest(**{"run_id": "r", "lease": 1, "key": "k", "attempt": 1, **fields})


BAD = [
    ("StartRun", start(run_id="x" * 257), "run_id", 256),
    ("StartRun", start(task=""), "task", None),
    ("StartRun", start(task="x" * 129), "task", 128),
    ("StartRun", start(input=P(content_type="x" * 129)), "input.content_type", 128),
    ("StartRun", start(labels={str(i): "" for i in range(33)}), "labels", 32),
    ("StartRun", start(labels={"": "v"}), "labels.key", None),
    ("StartRun", start(labels={"x" * 65: "v"}), "labels.key", 64),
    ("StartRun", start(labels={"k": "x" * 257}), "labels.value", 256),
    ("StartRun", start(code_version="x" * 129), "code_version", 128),
    ("StartRun", start(on_divergence=9), "on_divergence", None),
    ("StartRun", start(holder="x" * 257), "holder", 256),
    ("BeginStep", begin(run_id=""), "run_id", None),
    ("BeginStep", begin(lease=0), "lease", None),
    ("BeginStep", begin(key=""), "key", None),
    ("BeginStep", begin(key="x" * 257), "key", 256),
    ("BeginStep", begin(name="x" * 257), "name", 256),
    ("BeginStep", begin(kind=9), "kind", None),
    ("BeginStep", begin(effect=9), "effect", None),
    ("BeginStep", begin(input_digest=b"short"), "input_digest", 32),
    ("BeginStep", begin(durability=9), "durability", None),
    ("BeginStep", begin(request_id="x" * 65), "request_id", 64),
    ("BeginStep", begin(retry=types.RetryPolicy(max_attempts=10001)), "retry.max_attempts", 10000),
    ("BeginStep", begin(retry=types.RetryPolicy(initial_ms=86400001)), "retry.initial_ms", 86400000),
    ("BeginStep", begin(retry=types.RetryPolicy(factor=0.5)), "retry.factor", None),
    ("BeginStep", begin(retry=types.RetryPolicy(factor=101)), "retry.factor", 100),
    ("BeginStep", begin(retry=types.RetryPolicy(factor=float("nan"))), "retry.factor", None),
    ("BeginStep", begin(retry=types.RetryPolicy(cap_ms=30 * 86400000 + 1)), "retry.cap_ms", None),
    ("BeginStep", begin(retry=types.RetryPolicy(jitter=1.5)), "retry.jitter", 1),
    ("BeginStep", begin(retry=types.RetryPolicy(jitter=float("nan"))), "retry.jitter", None),
    ("BeginStep", begin(retry=types.RetryPolicy(non_retryable_types=["x"] * 33)),
     "retry.non_retryable_types", 32),
    ("BeginStep", begin(retry=types.RetryPolicy(non_retryable_types=["x" * 129])),
     "retry.non_retryable_types[0]", 128),
    ("BeginStep", begin(timeouts=types.Timeouts(start_to_close_ms=365 * 86400000 + 1)),
     "timeouts.start_to_close_ms", None),
    ("BeginStep", begin(timeouts=types.Timeouts(heartbeat_ms=365 * 86400000 + 1)),
     "timeouts.heartbeat_ms", None),
    ("CompleteStep", complete(attempt=0), "attempt", None),
    ("CompleteStep", complete(attempt=7), "attempt", 1),
    ("CompleteStep", complete(failure=F(type="")), "failure.type", None),
    ("CompleteStep", complete(failure=F(type="x" * 129)), "failure.type", 128),
    ("CompleteStep", complete(failure=F(type="x", message="x" * 8193)), "failure.message", 8192),
    ("CompleteStep", complete(unknown=F(type="x" * 129)), "unknown.type", 128),
    ("CompleteStep", complete(begin_next=agent.BeginNext(key="")), "begin_next.key", None),
    ("CompleteStep", complete(begin_next=agent.BeginNext(key="k2", kind=9)), "begin_next.kind", None),
    ("CompleteStep", agent.CompleteStepRequest(run_id="r", lease=1, key="k", attempt=1),
     "outcome", None),
    ("NoteStep", note(external_ref="x" * 513), "external_ref", 512),
    ("NoteStep", note(attempt=0), "attempt", None),
    ("ResolveStep", resolve(by=""), "by", None),
    ("ResolveStep", resolve(by="x" * 257), "by", 256),
    ("ResolveStep", resolve(resolution=None), "resolution", None),
    ("ResolveStep", resolve(resolution=types.Resolution(give_up=F(type=""))),
     "resolution.give_up.type", None),
    ("EndRun", end(unvisited_keys=["k"] * 1001), "unvisited_keys", 1000),
    ("EndRun", end(unvisited_keys=["x" * 257]), "unvisited_keys[0]", 256),
    ("EndRun", end(failure=F(type="")), "failure.type", None),
    ("EndRun", agent.EndRunRequest(run_id="r", lease=1), "outcome", None),
    ("ClaimRun", agent.ClaimRunRequest(tasks=["t"] * 65), "tasks", 64),
    ("ClaimRun", agent.ClaimRunRequest(tasks=["x" * 129]), "tasks[0]", 128),
    ("ClaimRun", agent.ClaimRunRequest(wait_ms=600001), "wait_ms", 600000),
    ("ClaimRun", agent.ClaimRunRequest(holder="x" * 257), "holder", 256),
]


@pytest.fixture(scope="module")
def run(shared):
    """Run r with step k open under lease 1."""
    from conftest import Client

    with shared.channel() as channel:
        client = Client(channel)
        assert client.start("r") == 1
        client.begin("r", 1, "k")
    return "r"


@pytest.mark.parametrize(("call", "request_", "field", "limit"), BAD,
                         ids=[f"{call}-{field}-{i}" for i, (call, _, field, _) in enumerate(BAD)])
def test_a_field_out_of_bounds_is_named_with_its_limit(client, run, call, request_, field, limit):
    before = client.control.GetStatus(control.GetStatusRequest(), timeout=9).lsn
    refusal = refused(getattr(client.agent, call), request_)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert refusal.metadata["field"] == field and refusal.fields == [field]
    assert refusal.text.startswith(field)
    if limit is not None:
        assert refusal.metadata["limit"] == str(limit) and str(limit) in refusal.text
    assert client.control.GetStatus(control.GetStatusRequest(), timeout=9).lsn == before


def test_text_that_is_not_utf8_is_refused(client, run):
    bad = begin(key="abc").SerializeToString().replace(b"abc", b"a\xffc")
    call = client.channel.unary_unary("/stepwell.v1.AgentService/BeginStep")
    refusal = refused(call, bad)
    assert refusal.reason == "INVALID_FIELD" and refusal.metadata["field"] == "key"


@pytest.mark.parametrize("method", [
    "AgentService/StartRun", "AgentService/BeginStep", "AgentService/CompleteStep",
    "ControlService/ListRuns", "ControlService/GetStatus"])
@pytest.mark.parametrize("garbage", [b"\xff" * 40, b"\x0a\x7fshort", b"\x00", b"\x0b\x0c"])
def test_garbage_is_an_invalid_argument(client, method, garbage):
    call = client.channel.unary_unary(f"/stepwell.v1.{method}")
    assert refused(call, garbage).code == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("method", ["AgentService/Resume", "ControlService/WatchRun"])
def test_garbage_ends_a_stream(client, method):
    call = client.channel.unary_stream(f"/stepwell.v1.{method}")
    assert refused(call, b"\xff" * 40).code == grpc.StatusCode.INVALID_ARGUMENT


def test_garbage_ends_a_session(client):
    call = client.channel.stream_stream("/stepwell.v1.AgentService/Session")
    assert refused(call, iter([b"\xff" * 40])).code == grpc.StatusCode.INVALID_ARGUMENT


def test_an_unknown_method_is_unimplemented(client):
    call = client.channel.unary_unary("/stepwell.v1.AgentService/NoSuch")
    assert refused(call, b"").code == grpc.StatusCode.UNIMPLEMENTED


def test_a_message_too_large_is_refused_before_it_is_buffered(client, run):
    limits = client.control.GetStatus(control.GetStatusRequest(), timeout=9).limits
    refusal = refused(client.agent.BeginStep,
                      begin(key="big", input=P(data=bytes(limits.message_bytes_max))))
    assert refusal.code == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_payload_over_its_limit_is_refused(client, run):
    limits = client.control.GetStatus(control.GetStatusRequest(), timeout=9).limits
    refusal = refused(client.agent.BeginStep,
                      begin(key="big", input=P(data=bytes(limits.payload_bytes_max + 1))))
    assert refusal.metadata["field"] == "input.data"
    assert refusal.metadata["limit"] == str(limits.payload_bytes_max)
    verdict = client.begin("r", 1, "largest", input=P(data=bytes(limits.payload_bytes_max)))
    assert verdict.execute.attempt == 1


@pytest.mark.parametrize(("request_", "field"), [
    (control.ListRunsRequest(page_size=1001), "page_size"),
    (control.ListRunsRequest(state=9), "state"),
    (control.ListRunsRequest(page_token="x"), "page_token"),
])
def test_a_list_with_bad_bounds_is_refused(client, request_, field):
    assert refused(client.control.ListRuns, request_).metadata["field"] == field


def test_open_steps_and_open_runs_are_bounded(new_sidecar):
    from conftest import Client

    sidecar = new_sidecar("--open-steps-max", "3", "--open-runs-max", "2").start()
    with sidecar.channel() as channel:
        client = Client(channel)
        run = str(uuid.uuid4())
        lease = client.start(run)
        for key in "abc":
            client.begin(run, lease, key)
        refusal = refused(client.agent.BeginStep, begin(run_id=run, lease=lease, key="d"))
        assert (refusal.code, refusal.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_OPEN_STEPS")
        client.start("second")
        refusal = refused(client.agent.StartRun, start(run_id="third"))
        assert refusal.reason == "TOO_MANY_OPEN_RUNS" and refusal.retry_ms > 0
        client.complete(run, lease, "a")
        assert client.begin(run, lease, "d").execute.attempt == 1
