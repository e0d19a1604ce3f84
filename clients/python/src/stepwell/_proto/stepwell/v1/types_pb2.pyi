# SPDX-License-Identifier: Apache-2.0
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
DIVERGENCE_POLICY_ACCEPT: DivergencePolicy
DIVERGENCE_POLICY_FAIL: DivergencePolicy
DIVERGENCE_POLICY_UNSPECIFIED: DivergencePolicy
DOUBT_REASON_HOLDER_GONE: DoubtReason
DOUBT_REASON_REPORTED: DoubtReason
DOUBT_REASON_TIMED_OUT: DoubtReason
DOUBT_REASON_UNSPECIFIED: DoubtReason
DURABILITY_LOCAL: Durability
DURABILITY_REMOTE: Durability
DURABILITY_UNSPECIFIED: Durability
EFFECT_IDEMPOTENT: Effect
EFFECT_NONE: Effect
EFFECT_ONCE: Effect
EFFECT_UNSPECIFIED: Effect
KIND_CODE: Kind
KIND_LLM: Kind
KIND_TOOL: Kind
KIND_UNSPECIFIED: Kind
KIND_WAIT: Kind
RUN_STATE_COMPLETED: RunState
RUN_STATE_FAILED: RunState
RUN_STATE_RUNNING: RunState
RUN_STATE_UNSPECIFIED: RunState
STEP_STATE_COMPLETED: StepState
STEP_STATE_FAILED: StepState
STEP_STATE_IN_DOUBT: StepState
STEP_STATE_OPEN: StepState
STEP_STATE_RETRYING: StepState
STEP_STATE_UNSPECIFIED: StepState
WAIT_REASON_BACK_OFF: WaitReason
WAIT_REASON_HELD: WaitReason
WAIT_REASON_UNSPECIFIED: WaitReason

class DidNotHappen(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Diverged(_message.Message):
    __slots__ = ["offered_digest", "offered_name", "recorded_digest", "recorded_name"]
    OFFERED_DIGEST_FIELD_NUMBER: _ClassVar[int]
    OFFERED_NAME_FIELD_NUMBER: _ClassVar[int]
    RECORDED_DIGEST_FIELD_NUMBER: _ClassVar[int]
    RECORDED_NAME_FIELD_NUMBER: _ClassVar[int]
    offered_digest: bytes
    offered_name: str
    recorded_digest: bytes
    recorded_name: str
    def __init__(self, recorded_digest: _Optional[bytes] = ..., offered_digest: _Optional[bytes] = ..., recorded_name: _Optional[str] = ..., offered_name: _Optional[str] = ...) -> None: ...

class Execute(_message.Message):
    __slots__ = ["attempt", "deadline_ms", "external_refs", "fencing_token", "idempotency_key", "progress"]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_REFS_FIELD_NUMBER: _ClassVar[int]
    FENCING_TOKEN_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    deadline_ms: int
    external_refs: _containers.RepeatedScalarFieldContainer[str]
    fencing_token: int
    idempotency_key: str
    progress: Payload
    def __init__(self, attempt: _Optional[int] = ..., idempotency_key: _Optional[str] = ..., fencing_token: _Optional[int] = ..., deadline_ms: _Optional[int] = ..., external_refs: _Optional[_Iterable[str]] = ..., progress: _Optional[_Union[Payload, _Mapping]] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ["details", "message", "non_retryable", "type"]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NON_RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    details: Payload
    message: str
    non_retryable: bool
    type: str
    def __init__(self, type: _Optional[str] = ..., message: _Optional[str] = ..., details: _Optional[_Union[Payload, _Mapping]] = ..., non_retryable: bool = ...) -> None: ...

class InDoubt(_message.Message):
    __slots__ = ["attempts", "begun_ms", "external_refs", "holder", "idempotency_key", "progress", "reason"]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    BEGUN_MS_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_REFS_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    attempts: int
    begun_ms: int
    external_refs: _containers.RepeatedScalarFieldContainer[str]
    holder: str
    idempotency_key: str
    progress: Payload
    reason: DoubtReason
    def __init__(self, attempts: _Optional[int] = ..., idempotency_key: _Optional[str] = ..., external_refs: _Optional[_Iterable[str]] = ..., progress: _Optional[_Union[Payload, _Mapping]] = ..., holder: _Optional[str] = ..., begun_ms: _Optional[int] = ..., reason: _Optional[_Union[DoubtReason, str]] = ...) -> None: ...

class Payload(_message.Message):
    __slots__ = ["content_type", "data"]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    content_type: str
    data: bytes
    def __init__(self, data: _Optional[bytes] = ..., content_type: _Optional[str] = ...) -> None: ...

class Replay(_message.Message):
    __slots__ = ["accepted_divergence", "attempt", "failure", "lsn", "output"]
    ACCEPTED_DIVERGENCE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    LSN_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    accepted_divergence: bool
    attempt: int
    failure: Failure
    lsn: int
    output: Payload
    def __init__(self, output: _Optional[_Union[Payload, _Mapping]] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., attempt: _Optional[int] = ..., lsn: _Optional[int] = ..., accepted_divergence: bool = ...) -> None: ...

class Resolution(_message.Message):
    __slots__ = ["did_not_happen", "give_up", "happened"]
    DID_NOT_HAPPEN_FIELD_NUMBER: _ClassVar[int]
    GIVE_UP_FIELD_NUMBER: _ClassVar[int]
    HAPPENED_FIELD_NUMBER: _ClassVar[int]
    did_not_happen: DidNotHappen
    give_up: Failure
    happened: Payload
    def __init__(self, happened: _Optional[_Union[Payload, _Mapping]] = ..., did_not_happen: _Optional[_Union[DidNotHappen, _Mapping]] = ..., give_up: _Optional[_Union[Failure, _Mapping]] = ...) -> None: ...

class RetryPolicy(_message.Message):
    __slots__ = ["cap_ms", "factor", "initial_ms", "jitter", "max_attempts", "non_retryable_types"]
    CAP_MS_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    INITIAL_MS_FIELD_NUMBER: _ClassVar[int]
    JITTER_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    NON_RETRYABLE_TYPES_FIELD_NUMBER: _ClassVar[int]
    cap_ms: int
    factor: float
    initial_ms: int
    jitter: float
    max_attempts: int
    non_retryable_types: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, max_attempts: _Optional[int] = ..., initial_ms: _Optional[int] = ..., factor: _Optional[float] = ..., cap_ms: _Optional[int] = ..., jitter: _Optional[float] = ..., non_retryable_types: _Optional[_Iterable[str]] = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ["code_version", "ended_ms", "failure", "first_lsn", "held", "holder", "input", "labels", "last_lsn", "lease", "on_divergence", "result", "run_id", "started_ms", "state", "steps", "steps_in_doubt", "task", "unvisited_keys", "usage"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CODE_VERSION_FIELD_NUMBER: _ClassVar[int]
    ENDED_MS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    FIRST_LSN_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    LAST_LSN_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    ON_DIVERGENCE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STARTED_MS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    STEPS_IN_DOUBT_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    UNVISITED_KEYS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    code_version: str
    ended_ms: int
    failure: Failure
    first_lsn: int
    held: bool
    holder: str
    input: Payload
    labels: _containers.ScalarMap[str, str]
    last_lsn: int
    lease: int
    on_divergence: DivergencePolicy
    result: Payload
    run_id: str
    started_ms: int
    state: RunState
    steps: int
    steps_in_doubt: int
    task: str
    unvisited_keys: _containers.RepeatedScalarFieldContainer[str]
    usage: Usage
    def __init__(self, run_id: _Optional[str] = ..., task: _Optional[str] = ..., state: _Optional[_Union[RunState, str]] = ..., input: _Optional[_Union[Payload, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., code_version: _Optional[str] = ..., on_divergence: _Optional[_Union[DivergencePolicy, str]] = ..., lease: _Optional[int] = ..., holder: _Optional[str] = ..., held: bool = ..., started_ms: _Optional[int] = ..., ended_ms: _Optional[int] = ..., first_lsn: _Optional[int] = ..., last_lsn: _Optional[int] = ..., steps: _Optional[int] = ..., steps_in_doubt: _Optional[int] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., result: _Optional[_Union[Payload, _Mapping]] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., unvisited_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ["attempt", "begun_ms", "effect", "external_refs", "failure", "finished_ms", "idempotency_key", "input", "input_digest", "key", "kind", "lsn", "name", "not_before_ms", "output", "progress", "resolved_by", "state", "usage"]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    BEGUN_MS_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_REFS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    FINISHED_MS_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    INPUT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LSN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_MS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_BY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    begun_ms: int
    effect: Effect
    external_refs: _containers.RepeatedScalarFieldContainer[str]
    failure: Failure
    finished_ms: int
    idempotency_key: str
    input: Payload
    input_digest: bytes
    key: str
    kind: Kind
    lsn: int
    name: str
    not_before_ms: int
    output: Payload
    progress: Payload
    resolved_by: str
    state: StepState
    usage: Usage
    def __init__(self, key: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[_Union[Kind, str]] = ..., effect: _Optional[_Union[Effect, str]] = ..., state: _Optional[_Union[StepState, str]] = ..., attempt: _Optional[int] = ..., idempotency_key: _Optional[str] = ..., input_digest: _Optional[bytes] = ..., input: _Optional[_Union[Payload, _Mapping]] = ..., output: _Optional[_Union[Payload, _Mapping]] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., external_refs: _Optional[_Iterable[str]] = ..., progress: _Optional[_Union[Payload, _Mapping]] = ..., begun_ms: _Optional[int] = ..., finished_ms: _Optional[int] = ..., not_before_ms: _Optional[int] = ..., lsn: _Optional[int] = ..., resolved_by: _Optional[str] = ...) -> None: ...

class Timeouts(_message.Message):
    __slots__ = ["heartbeat_ms", "start_to_close_ms"]
    HEARTBEAT_MS_FIELD_NUMBER: _ClassVar[int]
    START_TO_CLOSE_MS_FIELD_NUMBER: _ClassVar[int]
    heartbeat_ms: int
    start_to_close_ms: int
    def __init__(self, start_to_close_ms: _Optional[int] = ..., heartbeat_ms: _Optional[int] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ["cached_input_tokens", "cost_micros", "input_tokens", "output_tokens"]
    CACHED_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    cached_input_tokens: int
    cost_micros: int
    input_tokens: int
    output_tokens: int
    def __init__(self, input_tokens: _Optional[int] = ..., cached_input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cost_micros: _Optional[int] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ["diverged", "execute", "in_doubt", "replay", "wait"]
    DIVERGED_FIELD_NUMBER: _ClassVar[int]
    EXECUTE_FIELD_NUMBER: _ClassVar[int]
    IN_DOUBT_FIELD_NUMBER: _ClassVar[int]
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    diverged: Diverged
    execute: Execute
    in_doubt: InDoubt
    replay: Replay
    wait: Wait
    def __init__(self, execute: _Optional[_Union[Execute, _Mapping]] = ..., replay: _Optional[_Union[Replay, _Mapping]] = ..., in_doubt: _Optional[_Union[InDoubt, _Mapping]] = ..., diverged: _Optional[_Union[Diverged, _Mapping]] = ..., wait: _Optional[_Union[Wait, _Mapping]] = ...) -> None: ...

class Wait(_message.Message):
    __slots__ = ["attempt", "failure", "not_before_ms", "reason"]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    failure: Failure
    not_before_ms: int
    reason: WaitReason
    def __init__(self, not_before_ms: _Optional[int] = ..., reason: _Optional[_Union[WaitReason, str]] = ..., attempt: _Optional[int] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ...) -> None: ...

class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Effect(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Durability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class RunState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class StepState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class DivergencePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class DoubtReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class WaitReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
