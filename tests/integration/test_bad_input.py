# SPDX-License-Identifier: Apache-2.0
"""Every field out of bounds gets a refusal that names it and its limit, and changes nothing."""

import tempfile
import uuid

import grpc
import pytest
from conftest import Client, Sidecar, agent, control, refused, types

P = types.Payload
F = types.Failure
PAYLOAD_MAX = 1024
BIG = P(data=bytes(PAYLOAD_MAX + 1))
LONG = P(content_type="x" * 129)


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


def steps(call, prefix, make):
    """The fields that BeginStep and begin_next share."""
    retry, times = types.RetryPolicy, types.Timeouts
    day = 86400000
    return [(call, make(**given), prefix + field, limit) for given, field, limit in [
        ({"key": ""}, "key", 1),
        ({"key": "x" * 257}, "key", 256),
        ({"name": "x" * 257}, "name", 256),
        ({"kind": 9}, "kind", 4),
        ({"effect": 9}, "effect", 3),
        ({"input": BIG}, "input.data", PAYLOAD_MAX),
        ({"input": LONG}, "input.content_type", 128),
        ({"input_digest": b"short"}, "input_digest", 32),
        ({"durability": 9}, "durability", 2),
        ({"request_id": "x" * 65}, "request_id", 64),
        ({"retry": retry(max_attempts=10001)}, "retry.max_attempts", 10000),
        ({"retry": retry(initial_ms=day + 1)}, "retry.initial_ms", day),
        ({"retry": retry(factor=0.5)}, "retry.factor", None),
        ({"retry": retry(factor=101)}, "retry.factor", 100),
        ({"retry": retry(factor=float("nan"))}, "retry.factor", None),
        ({"retry": retry(cap_ms=30 * day + 1)}, "retry.cap_ms", 30 * day),
        ({"retry": retry(jitter=1.5)}, "retry.jitter", None),
        ({"retry": retry(jitter=float("nan"))}, "retry.jitter", None),
        ({"retry": retry(non_retryable_types=["x"] * 33)}, "retry.non_retryable_types", 32),
        ({"retry": retry(non_retryable_types=["x" * 129])}, "retry.non_retryable_types[0]", 128),
        ({"timeouts": times(start_to_close_ms=365 * day + 1)}, "timeouts.start_to_close_ms",
         365 * day),
        ({"timeouts": times(heartbeat_ms=365 * day + 1)}, "timeouts.heartbeat_ms", 365 * day),
    ]]


def failures(call, path, make):
    return [(call, make(failure), f"{path}.{field}", limit) for failure, field, limit in [
        (F(type=""), "type", 1),
        (F(type="x" * 129), "type", 128),
        (F(type="x", message="x" * 8193), "message", 8192),
        (F(type="x", details=BIG), "details.data", PAYLOAD_MAX),
        (F(type="x", details=LONG), "details.content_type", 128),
    ]]


def payloads(call, path, make):
    return [(call, make(BIG), f"{path}.data", PAYLOAD_MAX),
            (call, make(LONG), f"{path}.content_type", 128)]


def resolutions(call, make):
    def resolution(**fields):
        return make(resolution=types.Resolution(**fields))

    return [
        (call, make(run_id=""), "run_id", 1),
        (call, make(run_id="x" * 257), "run_id", 256),
        (call, make(key=""), "key", 1),
        (call, make(key="x" * 257), "key", 256),
        (call, make(by=""), "by", 1),
        (call, make(by="x" * 257), "by", 256),
        (call, make(resolution=None), "resolution", None),
        *payloads(call, "resolution.happened", lambda it: resolution(happened=it)),
        *failures(call, "resolution.give_up", lambda it: resolution(give_up=it)),
    ]


def control_resolve(**fields):
    given = {"run_id": "r", "key": "k", "by": "me",
             "resolution": types.Resolution(happened=P()), **fields}
    return control.ControlServiceResolveStepRequest(**given)


def bad_run(call, make, *, lease=True):
    rows = [(call, make(run_id=""), "run_id", 1), (call, make(run_id="x" * 257), "run_id", 256)]
    return rows + [(call, make(lease=0), "lease", 1)] if lease else rows


BAD = [
    ("StartRun", start(run_id="x" * 257), "run_id", 256),
    ("StartRun", start(task=""), "task", 1),
    ("StartRun", start(task="x" * 129), "task", 128),
    *payloads("StartRun", "input", lambda it: start(input=it)),
    ("StartRun", start(labels={str(i): "" for i in range(33)}), "labels", 32),
    ("StartRun", start(labels={"": "v"}), "labels.key", 1),
    ("StartRun", start(labels={"x" * 65: "v"}), "labels.key", 64),
    ("StartRun", start(labels={"k": "x" * 257}), "labels.value", 256),
    ("StartRun", start(code_version="x" * 129), "code_version", 128),
    ("StartRun", start(on_divergence=9), "on_divergence", 2),
    ("StartRun", start(holder="x" * 257), "holder", 256),
    *bad_run("Resume", lambda **it: agent.ResumeRequest(**it), lease=False),
    ("Resume", agent.ResumeRequest(run_id="r", holder="x" * 257), "holder", 256),
    *bad_run("BeginStep", begin),
    *steps("BeginStep", "", begin),
    *bad_run("CompleteStep", complete),
    ("CompleteStep", complete(key=""), "key", 1),
    ("CompleteStep", complete(key="x" * 257), "key", 256),
    ("CompleteStep", complete(attempt=0), "attempt", 1),
    ("CompleteStep", complete(attempt=7), "attempt", 1),
    *payloads("CompleteStep", "output", lambda it: complete(output=it)),
    *failures("CompleteStep", "failure", lambda it: complete(failure=it)),
    *failures("CompleteStep", "unknown", lambda it: complete(unknown=it)),
    ("CompleteStep", agent.CompleteStepRequest(run_id="r", lease=1, key="k", attempt=1),
     "outcome", None),
    *steps("CompleteStep", "begin_next.",
           lambda **it: complete(begin_next=agent.BeginNext(**{"key": "k2", **it}))),
    *bad_run("NoteStep", note),
    ("NoteStep", note(key=""), "key", 1),
    ("NoteStep", note(key="x" * 257), "key", 256),
    ("NoteStep", note(external_ref="x" * 513), "external_ref", 512),
    ("NoteStep", note(attempt=0), "attempt", 1),
    *payloads("NoteStep", "progress", lambda it: note(progress=it)),
    *resolutions("ResolveStep", resolve),
    ("ResolveStep", resolve(lease=0), "lease", 1),
    *bad_run("EndRun", end),
    ("EndRun", end(unvisited_keys=["k"] * 1001), "unvisited_keys", 1000),
    ("EndRun", end(unvisited_keys=["x" * 257]), "unvisited_keys[0]", 256),
    ("EndRun", end(unvisited_keys=[""]), "unvisited_keys[0]", 1),
    *payloads("EndRun", "result", lambda it: end(result=it)),
    *failures("EndRun", "failure", lambda it: end(failure=it)),
    ("EndRun", agent.EndRunRequest(run_id="r", lease=1), "outcome", None),
    ("ClaimRun", agent.ClaimRunRequest(tasks=["t"] * 65), "tasks", 64),
    ("ClaimRun", agent.ClaimRunRequest(tasks=["x" * 129]), "tasks[0]", 128),
    ("ClaimRun", agent.ClaimRunRequest(wait_ms=600001), "wait_ms", 600000),
    ("ClaimRun", agent.ClaimRunRequest(holder="x" * 257), "holder", 256),
]

CONTROL_BAD = [
    ("ListRuns", control.ListRunsRequest(task="x" * 129), "task", 128),
    ("ListRuns", control.ListRunsRequest(state=9), "state", 3),
    ("ListRuns", control.ListRunsRequest(labels={str(i): "" for i in range(33)}), "labels", 32),
    ("ListRuns", control.ListRunsRequest(labels={"": "v"}), "labels.key", 1),
    ("ListRuns", control.ListRunsRequest(labels={"x" * 65: "v"}), "labels.key", 64),
    ("ListRuns", control.ListRunsRequest(labels={"k": "x" * 257}), "labels.value", 256),
    ("ListRuns", control.ListRunsRequest(page_size=1001), "page_size", 1000),
    *[("ListRuns", control.ListRunsRequest(page_token=token), "page_token", None)
      for token in ("x", "0", "-1", " 1", "1x", "9" * 30)],
    *bad_run("GetRun", lambda **it: control.GetRunRequest(**it), lease=False),
    *bad_run("WatchRun", lambda **it: control.WatchRunRequest(**it), lease=False),
    ("ReadJournal", control.ReadJournalRequest(run_id="x" * 257), "run_id", 256),
    *resolutions("ResolveStep", control_resolve),
    ("Flush", control.FlushRequest(durability=9), "durability", 2),
    ("Flush", control.FlushRequest(lsn=10**9), "lsn", None),
]

# Any value is good, or means something.
BOUNDLESS = {
    "ResumeRequest": {"lease"},
    "CompleteStepRequest": {"usage.input_tokens", "usage.cached_input_tokens",
                            "usage.output_tokens", "usage.cost_micros"},
    "ReadJournalRequest": {"from_lsn", "limit"},
}


def leaves(message, path=""):
    """The fields of a message and of those in it, by their paths; a flag has no bounds."""
    for field in message.fields:
        if field.message_type is not None:
            yield from leaves(field.message_type, f"{path}{field.name}.")
        elif field.type != field.TYPE_BOOL:
            yield path + field.name


@pytest.mark.parametrize(("service", "rows"), [
    (agent.DESCRIPTOR.services_by_name["AgentService"], BAD),
    (control.DESCRIPTOR.services_by_name["ControlService"], CONTROL_BAD)],
    ids=["agent", "control"])
def test_each_field_of_each_request_has_a_row(service, rows):
    for method in service.methods:
        if method.name == "Session":  # carries the others
            continue
        tried = {field.split("[")[0] for call, _, field, _ in rows if call == method.name}
        fields = set(leaves(method.input_type)) - BOUNDLESS.get(method.input_type.name, set())
        assert fields <= tried, f"{method.name}: {sorted(fields - tried)}"


@pytest.fixture(scope="module")
def shared():
    with tempfile.TemporaryDirectory(prefix="stepwell-") as folder:
        sidecar = Sidecar(folder, "--payload-max-bytes", str(PAYLOAD_MAX)).start()
        yield sidecar
        assert sidecar.stop() == 0, sidecar.log()
        sidecar.check_log()


@pytest.fixture(scope="module")
def run(shared):
    """Run r with step k open under lease 1."""
    with shared.channel() as channel:
        client = Client(channel)
        assert client.start("r") == 1
        client.begin("r", 1, "k")
    return "r"


def refuses(client, stub, call, request_, field, limit):
    before = client.control.GetStatus(control.GetStatusRequest(), timeout=9).lsn
    refusal = refused(getattr(stub, call), request_)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert refusal.metadata["field"] == field and refusal.fields == [field]
    assert refusal.text.startswith(field + ": ")
    if limit is not None:
        assert refusal.metadata["limit"] == str(limit)
    assert client.control.GetStatus(control.GetStatusRequest(), timeout=9).lsn == before


def names(rows):
    return [f"{call}-{field}-{i}" for i, (call, _, field, _) in enumerate(rows)]


@pytest.mark.parametrize(("call", "request_", "field", "limit"), BAD, ids=names(BAD))
def test_a_field_out_of_bounds_is_named_with_its_limit(client, run, call, request_, field, limit):
    refuses(client, client.agent, call, request_, field, limit)


@pytest.mark.parametrize(("call", "request_", "field", "limit"), CONTROL_BAD,
                         ids=names(CONTROL_BAD))
def test_so_is_one_of_what_people_call(client, run, call, request_, field, limit):
    refuses(client, client.control, call, request_, field, limit)


@pytest.mark.parametrize(("call", "request_", "field"), [
    ("StartRun", start(run_id="r\0"), "run_id"),
    ("StartRun", start(labels={"a\0": "b"}), "labels.key"),
    ("BeginStep", begin(key="k\0b"), "key"),
    ("CompleteStep", complete(begin_next=agent.BeginNext(key="\0")), "begin_next.key"),
    ("EndRun", end(unvisited_keys=["a", "a\0"]), "unvisited_keys[1]"),
])
def test_a_text_with_a_nul_is_not_taken_for_a_shorter_one(client, run, call, request_, field):
    refuses(client, client.agent, call, request_, field, None)


def test_nor_in_a_session_where_the_other_calls_are_answered(client, run):
    calls = [agent.SessionCall(id=i, begin_step=begin(key=key)) for i, key in
             enumerate(["before", "k\0", "after"], 1)]
    answers = client.agent.Session(iter([agent.SessionRequest(calls=calls)]), timeout=20)
    results = {result.id: result for answer in answers for result in answer.results}
    assert results[1].begin_step.verdict.execute.attempt == 1
    assert results[2].error.metadata["field"] == "key"
    assert results[3].begin_step.verdict.execute.attempt == 1


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


def test_open_steps_and_open_runs_are_bounded(new_sidecar):
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
