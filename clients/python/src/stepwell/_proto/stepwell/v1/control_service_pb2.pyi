# SPDX-License-Identifier: Apache-2.0
from stepwell._proto.stepwell.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
RECORD_TYPE_CHUNK: RecordType
RECORD_TYPE_JOURNAL_CREATED: RecordType
RECORD_TYPE_LEASE_TAKEN: RecordType
RECORD_TYPE_RUN_ENDED: RecordType
RECORD_TYPE_RUN_STARTED: RecordType
RECORD_TYPE_STEP_BEGUN: RecordType
RECORD_TYPE_STEP_COMPLETED: RecordType
RECORD_TYPE_STEP_DOUBTED: RecordType
RECORD_TYPE_STEP_FAILED: RecordType
RECORD_TYPE_STEP_NOTED: RecordType
RECORD_TYPE_STEP_RESOLVED: RecordType
RECORD_TYPE_UNSPECIFIED: RecordType
SERVER_STATE_DRAINING: ServerState
SERVER_STATE_FENCED: ServerState
SERVER_STATE_RESTORING: ServerState
SERVER_STATE_SERVING: ServerState
SERVER_STATE_UNSPECIFIED: ServerState
STORE_STATE_ANSWERING: StoreState
STORE_STATE_AWAY: StoreState
STORE_STATE_FENCED: StoreState
STORE_STATE_REFUSING: StoreState
STORE_STATE_UNSPECIFIED: StoreState

class ControlServiceResolveStepRequest(_message.Message):
    __slots__ = ["by", "key", "resolution", "run_id"]
    BY_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    by: str
    key: str
    resolution: _types_pb2.Resolution
    run_id: str
    def __init__(self, run_id: _Optional[str] = ..., key: _Optional[str] = ..., resolution: _Optional[_Union[_types_pb2.Resolution, _Mapping]] = ..., by: _Optional[str] = ...) -> None: ...

class ControlServiceResolveStepResponse(_message.Message):
    __slots__ = ["lsn", "state"]
    LSN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    lsn: int
    state: _types_pb2.StepState
    def __init__(self, lsn: _Optional[int] = ..., state: _Optional[_Union[_types_pb2.StepState, str]] = ...) -> None: ...

class DrainRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class DrainResponse(_message.Message):
    __slots__ = ["lsn"]
    LSN_FIELD_NUMBER: _ClassVar[int]
    lsn: int
    def __init__(self, lsn: _Optional[int] = ...) -> None: ...

class FlushRequest(_message.Message):
    __slots__ = ["durability", "lsn"]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    LSN_FIELD_NUMBER: _ClassVar[int]
    durability: _types_pb2.Durability
    lsn: int
    def __init__(self, lsn: _Optional[int] = ..., durability: _Optional[_Union[_types_pb2.Durability, str]] = ...) -> None: ...

class FlushResponse(_message.Message):
    __slots__ = ["lsn"]
    LSN_FIELD_NUMBER: _ClassVar[int]
    lsn: int
    def __init__(self, lsn: _Optional[int] = ...) -> None: ...

class GetRunRequest(_message.Message):
    __slots__ = ["run_id"]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class GetRunResponse(_message.Message):
    __slots__ = ["open_steps", "run"]
    OPEN_STEPS_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    open_steps: _containers.RepeatedCompositeFieldContainer[_types_pb2.Step]
    run: _types_pb2.Run
    def __init__(self, run: _Optional[_Union[_types_pb2.Run, _Mapping]] = ..., open_steps: _Optional[_Iterable[_Union[_types_pb2.Step, _Mapping]]] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ["durable_lsn", "epoch", "held_runs", "journal", "journal_bytes", "journal_uuid", "limits", "lsn", "open_runs", "owner", "sessions", "started_ms", "state", "store", "version"]
    DURABLE_LSN_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    HELD_RUNS_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_UUID_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    LSN_FIELD_NUMBER: _ClassVar[int]
    OPEN_RUNS_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    STARTED_MS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    durable_lsn: int
    epoch: int
    held_runs: int
    journal: str
    journal_bytes: int
    journal_uuid: str
    limits: Limits
    lsn: int
    open_runs: int
    owner: str
    sessions: int
    started_ms: int
    state: ServerState
    store: StoreStatus
    version: str
    def __init__(self, version: _Optional[str] = ..., state: _Optional[_Union[ServerState, str]] = ..., journal: _Optional[str] = ..., journal_uuid: _Optional[str] = ..., owner: _Optional[str] = ..., epoch: _Optional[int] = ..., lsn: _Optional[int] = ..., durable_lsn: _Optional[int] = ..., started_ms: _Optional[int] = ..., open_runs: _Optional[int] = ..., held_runs: _Optional[int] = ..., sessions: _Optional[int] = ..., journal_bytes: _Optional[int] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., store: _Optional[_Union[StoreStatus, _Mapping]] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ["backlog_age_ms_max", "backlog_bytes_max", "journal_bytes_max", "key_bytes_max", "message_bytes_max", "open_runs_max", "open_steps_max", "payload_bytes_max", "queue_length_max"]
    BACKLOG_AGE_MS_MAX_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    KEY_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    OPEN_RUNS_MAX_FIELD_NUMBER: _ClassVar[int]
    OPEN_STEPS_MAX_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    QUEUE_LENGTH_MAX_FIELD_NUMBER: _ClassVar[int]
    backlog_age_ms_max: int
    backlog_bytes_max: int
    journal_bytes_max: int
    key_bytes_max: int
    message_bytes_max: int
    open_runs_max: int
    open_steps_max: int
    payload_bytes_max: int
    queue_length_max: int
    def __init__(self, payload_bytes_max: _Optional[int] = ..., key_bytes_max: _Optional[int] = ..., open_steps_max: _Optional[int] = ..., open_runs_max: _Optional[int] = ..., queue_length_max: _Optional[int] = ..., journal_bytes_max: _Optional[int] = ..., message_bytes_max: _Optional[int] = ..., backlog_bytes_max: _Optional[int] = ..., backlog_age_ms_max: _Optional[int] = ...) -> None: ...

class ListRunsRequest(_message.Message):
    __slots__ = ["in_doubt", "labels", "page_size", "page_token", "state", "task"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    IN_DOUBT_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    in_doubt: bool
    labels: _containers.ScalarMap[str, str]
    page_size: int
    page_token: str
    state: _types_pb2.RunState
    task: str
    def __init__(self, task: _Optional[str] = ..., state: _Optional[_Union[_types_pb2.RunState, str]] = ..., labels: _Optional[_Mapping[str, str]] = ..., in_doubt: bool = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRunsResponse(_message.Message):
    __slots__ = ["next_page_token", "runs"]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    next_page_token: str
    runs: _containers.RepeatedCompositeFieldContainer[_types_pb2.Run]
    def __init__(self, runs: _Optional[_Iterable[_Union[_types_pb2.Run, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ReadJournalRequest(_message.Message):
    __slots__ = ["from_lsn", "limit", "run_id"]
    FROM_LSN_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    from_lsn: int
    limit: int
    run_id: str
    def __init__(self, from_lsn: _Optional[int] = ..., run_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ReadJournalResponse(_message.Message):
    __slots__ = ["records"]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[Record]
    def __init__(self, records: _Optional[_Iterable[_Union[Record, _Mapping]]] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ["at_ms", "attempt", "chain", "key", "lease", "lsn", "payload_bytes", "purged", "run_id", "summary", "type"]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    LSN_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    PURGED_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    at_ms: int
    attempt: int
    chain: bytes
    key: str
    lease: int
    lsn: int
    payload_bytes: int
    purged: bool
    run_id: str
    summary: str
    type: RecordType
    def __init__(self, lsn: _Optional[int] = ..., type: _Optional[_Union[RecordType, str]] = ..., run_id: _Optional[str] = ..., at_ms: _Optional[int] = ..., key: _Optional[str] = ..., attempt: _Optional[int] = ..., lease: _Optional[int] = ..., payload_bytes: _Optional[int] = ..., chain: _Optional[bytes] = ..., summary: _Optional[str] = ..., purged: bool = ...) -> None: ...

class StoreStatus(_message.Message):
    __slots__ = ["error", "lag_bytes", "lag_ms", "owner_id", "put_p50_us", "put_p99_us", "shipped_lsn", "slot", "snapshot_at_ms", "snapshot_slot", "state", "url", "verified_at_ms"]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    LAG_BYTES_FIELD_NUMBER: _ClassVar[int]
    LAG_MS_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    PUT_P50_US_FIELD_NUMBER: _ClassVar[int]
    PUT_P99_US_FIELD_NUMBER: _ClassVar[int]
    SHIPPED_LSN_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_AT_MS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_SLOT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    error: str
    lag_bytes: int
    lag_ms: int
    owner_id: str
    put_p50_us: int
    put_p99_us: int
    shipped_lsn: int
    slot: int
    snapshot_at_ms: int
    snapshot_slot: int
    state: StoreState
    url: str
    verified_at_ms: int
    def __init__(self, url: _Optional[str] = ..., state: _Optional[_Union[StoreState, str]] = ..., error: _Optional[str] = ..., shipped_lsn: _Optional[int] = ..., lag_ms: _Optional[int] = ..., lag_bytes: _Optional[int] = ..., slot: _Optional[int] = ..., owner_id: _Optional[str] = ..., put_p50_us: _Optional[int] = ..., put_p99_us: _Optional[int] = ..., snapshot_slot: _Optional[int] = ..., snapshot_at_ms: _Optional[int] = ..., verified_at_ms: _Optional[int] = ...) -> None: ...

class WatchRunRequest(_message.Message):
    __slots__ = ["follow", "include_inputs", "run_id"]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_INPUTS_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    follow: bool
    include_inputs: bool
    run_id: str
    def __init__(self, run_id: _Optional[str] = ..., follow: bool = ..., include_inputs: bool = ...) -> None: ...

class WatchRunResponse(_message.Message):
    __slots__ = ["caught_up", "run", "steps"]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    caught_up: bool
    run: _types_pb2.Run
    steps: _containers.RepeatedCompositeFieldContainer[_types_pb2.Step]
    def __init__(self, run: _Optional[_Union[_types_pb2.Run, _Mapping]] = ..., steps: _Optional[_Iterable[_Union[_types_pb2.Step, _Mapping]]] = ..., caught_up: bool = ...) -> None: ...

class RecordType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class ServerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class StoreState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
