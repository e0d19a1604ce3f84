# SPDX-License-Identifier: Apache-2.0
from stepwell._proto.stepwell.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AgentServiceResolveStepRequest(_message.Message):
    __slots__ = ["by", "key", "lease", "resolution", "run_id"]
    BY_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    by: str
    key: str
    lease: int
    resolution: _types_pb2.Resolution
    run_id: str
    def __init__(self, run_id: _Optional[str] = ..., lease: _Optional[int] = ..., key: _Optional[str] = ..., resolution: _Optional[_Union[_types_pb2.Resolution, _Mapping]] = ..., by: _Optional[str] = ...) -> None: ...

class AgentServiceResolveStepResponse(_message.Message):
    __slots__ = ["lsn", "state"]
    LSN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    lsn: int
    state: _types_pb2.StepState
    def __init__(self, lsn: _Optional[int] = ..., state: _Optional[_Union[_types_pb2.StepState, str]] = ...) -> None: ...

class BeginNext(_message.Message):
    __slots__ = ["durability", "effect", "input", "input_digest", "key", "kind", "name", "request_id", "retry", "timeouts"]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    INPUT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUTS_FIELD_NUMBER: _ClassVar[int]
    durability: _types_pb2.Durability
    effect: _types_pb2.Effect
    input: _types_pb2.Payload
    input_digest: bytes
    key: str
    kind: _types_pb2.Kind
    name: str
    request_id: str
    retry: _types_pb2.RetryPolicy
    timeouts: _types_pb2.Timeouts
    def __init__(self, key: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[_Union[_types_pb2.Kind, str]] = ..., effect: _Optional[_Union[_types_pb2.Effect, str]] = ..., input: _Optional[_Union[_types_pb2.Payload, _Mapping]] = ..., input_digest: _Optional[bytes] = ..., retry: _Optional[_Union[_types_pb2.RetryPolicy, _Mapping]] = ..., timeouts: _Optional[_Union[_types_pb2.Timeouts, _Mapping]] = ..., durability: _Optional[_Union[_types_pb2.Durability, str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class BeginStepRequest(_message.Message):
    __slots__ = ["durability", "effect", "input", "input_digest", "key", "kind", "lease", "name", "request_id", "retry", "run_id", "timeouts"]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    INPUT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUTS_FIELD_NUMBER: _ClassVar[int]
    durability: _types_pb2.Durability
    effect: _types_pb2.Effect
    input: _types_pb2.Payload
    input_digest: bytes
    key: str
    kind: _types_pb2.Kind
    lease: int
    name: str
    request_id: str
    retry: _types_pb2.RetryPolicy
    run_id: str
    timeouts: _types_pb2.Timeouts
    def __init__(self, run_id: _Optional[str] = ..., lease: _Optional[int] = ..., key: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[_Union[_types_pb2.Kind, str]] = ..., effect: _Optional[_Union[_types_pb2.Effect, str]] = ..., input: _Optional[_Union[_types_pb2.Payload, _Mapping]] = ..., input_digest: _Optional[bytes] = ..., retry: _Optional[_Union[_types_pb2.RetryPolicy, _Mapping]] = ..., timeouts: _Optional[_Union[_types_pb2.Timeouts, _Mapping]] = ..., durability: _Optional[_Union[_types_pb2.Durability, str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class BeginStepResponse(_message.Message):
    __slots__ = ["verdict"]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    verdict: _types_pb2.Verdict
    def __init__(self, verdict: _Optional[_Union[_types_pb2.Verdict, _Mapping]] = ...) -> None: ...

class ClaimRunRequest(_message.Message):
    __slots__ = ["holder", "tasks", "wait_ms"]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    holder: str
    tasks: _containers.RepeatedScalarFieldContainer[str]
    wait_ms: int
    def __init__(self, tasks: _Optional[_Iterable[str]] = ..., holder: _Optional[str] = ..., wait_ms: _Optional[int] = ...) -> None: ...

class ClaimRunResponse(_message.Message):
    __slots__ = ["lease", "run"]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    lease: int
    run: _types_pb2.Run
    def __init__(self, run: _Optional[_Union[_types_pb2.Run, _Mapping]] = ..., lease: _Optional[int] = ...) -> None: ...

class CompleteStepRequest(_message.Message):
    __slots__ = ["attempt", "begin_next", "failure", "key", "lease", "output", "run_id", "unknown", "usage"]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    BEGIN_NEXT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    begin_next: BeginNext
    failure: _types_pb2.Failure
    key: str
    lease: int
    output: _types_pb2.Payload
    run_id: str
    unknown: _types_pb2.Failure
    usage: _types_pb2.Usage
    def __init__(self, run_id: _Optional[str] = ..., lease: _Optional[int] = ..., key: _Optional[str] = ..., attempt: _Optional[int] = ..., output: _Optional[_Union[_types_pb2.Payload, _Mapping]] = ..., failure: _Optional[_Union[_types_pb2.Failure, _Mapping]] = ..., unknown: _Optional[_Union[_types_pb2.Failure, _Mapping]] = ..., usage: _Optional[_Union[_types_pb2.Usage, _Mapping]] = ..., begin_next: _Optional[_Union[BeginNext, _Mapping]] = ...) -> None: ...

class CompleteStepResponse(_message.Message):
    __slots__ = ["lsn", "next", "not_before_ms", "state"]
    LSN_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_MS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    lsn: int
    next: _types_pb2.Verdict
    not_before_ms: int
    state: _types_pb2.StepState
    def __init__(self, lsn: _Optional[int] = ..., state: _Optional[_Union[_types_pb2.StepState, str]] = ..., not_before_ms: _Optional[int] = ..., next: _Optional[_Union[_types_pb2.Verdict, _Mapping]] = ...) -> None: ...

class EndRunRequest(_message.Message):
    __slots__ = ["failure", "lease", "result", "run_id", "unvisited_keys"]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    UNVISITED_KEYS_FIELD_NUMBER: _ClassVar[int]
    failure: _types_pb2.Failure
    lease: int
    result: _types_pb2.Payload
    run_id: str
    unvisited_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, run_id: _Optional[str] = ..., lease: _Optional[int] = ..., result: _Optional[_Union[_types_pb2.Payload, _Mapping]] = ..., failure: _Optional[_Union[_types_pb2.Failure, _Mapping]] = ..., unvisited_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class EndRunResponse(_message.Message):
    __slots__ = ["lsn"]
    LSN_FIELD_NUMBER: _ClassVar[int]
    lsn: int
    def __init__(self, lsn: _Optional[int] = ...) -> None: ...

class LeaseLost(_message.Message):
    __slots__ = ["lease", "run_id"]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    lease: int
    run_id: str
    def __init__(self, run_id: _Optional[str] = ..., lease: _Optional[int] = ...) -> None: ...

class NoteStepRequest(_message.Message):
    __slots__ = ["attempt", "external_ref", "key", "lease", "progress", "run_id"]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_REF_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    external_ref: str
    key: str
    lease: int
    progress: _types_pb2.Payload
    run_id: str
    def __init__(self, run_id: _Optional[str] = ..., lease: _Optional[int] = ..., key: _Optional[str] = ..., attempt: _Optional[int] = ..., external_ref: _Optional[str] = ..., progress: _Optional[_Union[_types_pb2.Payload, _Mapping]] = ...) -> None: ...

class NoteStepResponse(_message.Message):
    __slots__ = ["deadline_ms", "lsn"]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    LSN_FIELD_NUMBER: _ClassVar[int]
    deadline_ms: int
    lsn: int
    def __init__(self, lsn: _Optional[int] = ..., deadline_ms: _Optional[int] = ...) -> None: ...

class ResumeRequest(_message.Message):
    __slots__ = ["follow", "holder", "include_inputs", "lease", "run_id"]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_INPUTS_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    follow: bool
    holder: str
    include_inputs: bool
    lease: int
    run_id: str
    def __init__(self, run_id: _Optional[str] = ..., lease: _Optional[int] = ..., holder: _Optional[str] = ..., follow: bool = ..., include_inputs: bool = ...) -> None: ...

class ResumeResponse(_message.Message):
    __slots__ = ["caught_up", "lease", "lease_lost", "run", "steps"]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    LEASE_LOST_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    caught_up: bool
    lease: int
    lease_lost: bool
    run: _types_pb2.Run
    steps: _containers.RepeatedCompositeFieldContainer[_types_pb2.Step]
    def __init__(self, run: _Optional[_Union[_types_pb2.Run, _Mapping]] = ..., lease: _Optional[int] = ..., steps: _Optional[_Iterable[_Union[_types_pb2.Step, _Mapping]]] = ..., caught_up: bool = ..., lease_lost: bool = ...) -> None: ...

class SessionCall(_message.Message):
    __slots__ = ["begin_step", "claim_run", "complete_step", "end_run", "id", "note_step", "resolve_step", "resume", "start_run"]
    BEGIN_STEP_FIELD_NUMBER: _ClassVar[int]
    CLAIM_RUN_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_STEP_FIELD_NUMBER: _ClassVar[int]
    END_RUN_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_STEP_FIELD_NUMBER: _ClassVar[int]
    RESOLVE_STEP_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    START_RUN_FIELD_NUMBER: _ClassVar[int]
    begin_step: BeginStepRequest
    claim_run: ClaimRunRequest
    complete_step: CompleteStepRequest
    end_run: EndRunRequest
    id: int
    note_step: NoteStepRequest
    resolve_step: AgentServiceResolveStepRequest
    resume: ResumeRequest
    start_run: StartRunRequest
    def __init__(self, id: _Optional[int] = ..., start_run: _Optional[_Union[StartRunRequest, _Mapping]] = ..., resume: _Optional[_Union[ResumeRequest, _Mapping]] = ..., begin_step: _Optional[_Union[BeginStepRequest, _Mapping]] = ..., complete_step: _Optional[_Union[CompleteStepRequest, _Mapping]] = ..., note_step: _Optional[_Union[NoteStepRequest, _Mapping]] = ..., resolve_step: _Optional[_Union[AgentServiceResolveStepRequest, _Mapping]] = ..., end_run: _Optional[_Union[EndRunRequest, _Mapping]] = ..., claim_run: _Optional[_Union[ClaimRunRequest, _Mapping]] = ...) -> None: ...

class SessionError(_message.Message):
    __slots__ = ["code", "message", "metadata", "reason", "retry_after_ms"]
    class MetadataEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    metadata: _containers.ScalarMap[str, str]
    reason: str
    retry_after_ms: int
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., reason: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...

class SessionRequest(_message.Message):
    __slots__ = ["calls"]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    calls: _containers.RepeatedCompositeFieldContainer[SessionCall]
    def __init__(self, calls: _Optional[_Iterable[_Union[SessionCall, _Mapping]]] = ...) -> None: ...

class SessionResponse(_message.Message):
    __slots__ = ["results"]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[SessionResult]
    def __init__(self, results: _Optional[_Iterable[_Union[SessionResult, _Mapping]]] = ...) -> None: ...

class SessionResult(_message.Message):
    __slots__ = ["begin_step", "claim_run", "complete_step", "end_run", "error", "id", "lease_lost", "note_step", "resolve_step", "resume", "start_run"]
    BEGIN_STEP_FIELD_NUMBER: _ClassVar[int]
    CLAIM_RUN_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_STEP_FIELD_NUMBER: _ClassVar[int]
    END_RUN_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_LOST_FIELD_NUMBER: _ClassVar[int]
    NOTE_STEP_FIELD_NUMBER: _ClassVar[int]
    RESOLVE_STEP_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    START_RUN_FIELD_NUMBER: _ClassVar[int]
    begin_step: BeginStepResponse
    claim_run: ClaimRunResponse
    complete_step: CompleteStepResponse
    end_run: EndRunResponse
    error: SessionError
    id: int
    lease_lost: LeaseLost
    note_step: NoteStepResponse
    resolve_step: AgentServiceResolveStepResponse
    resume: ResumeResponse
    start_run: StartRunResponse
    def __init__(self, id: _Optional[int] = ..., start_run: _Optional[_Union[StartRunResponse, _Mapping]] = ..., resume: _Optional[_Union[ResumeResponse, _Mapping]] = ..., begin_step: _Optional[_Union[BeginStepResponse, _Mapping]] = ..., complete_step: _Optional[_Union[CompleteStepResponse, _Mapping]] = ..., note_step: _Optional[_Union[NoteStepResponse, _Mapping]] = ..., resolve_step: _Optional[_Union[AgentServiceResolveStepResponse, _Mapping]] = ..., end_run: _Optional[_Union[EndRunResponse, _Mapping]] = ..., claim_run: _Optional[_Union[ClaimRunResponse, _Mapping]] = ..., error: _Optional[_Union[SessionError, _Mapping]] = ..., lease_lost: _Optional[_Union[LeaseLost, _Mapping]] = ...) -> None: ...

class StartRunRequest(_message.Message):
    __slots__ = ["code_version", "holder", "input", "labels", "on_divergence", "run_id", "take_lease", "task"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CODE_VERSION_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    ON_DIVERGENCE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TAKE_LEASE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    code_version: str
    holder: str
    input: _types_pb2.Payload
    labels: _containers.ScalarMap[str, str]
    on_divergence: _types_pb2.DivergencePolicy
    run_id: str
    take_lease: bool
    task: str
    def __init__(self, run_id: _Optional[str] = ..., task: _Optional[str] = ..., input: _Optional[_Union[_types_pb2.Payload, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., code_version: _Optional[str] = ..., on_divergence: _Optional[_Union[_types_pb2.DivergencePolicy, str]] = ..., take_lease: bool = ..., holder: _Optional[str] = ...) -> None: ...

class StartRunResponse(_message.Message):
    __slots__ = ["created", "lease", "run"]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    created: bool
    lease: int
    run: _types_pb2.Run
    def __init__(self, created: bool = ..., run: _Optional[_Union[_types_pb2.Run, _Mapping]] = ..., lease: _Optional[int] = ...) -> None: ...
