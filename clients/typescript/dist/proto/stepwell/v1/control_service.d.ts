import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { Durability, Resolution, Run, RunState, Step, StepState } from "./types.js";
export declare const protobufPackage = "stepwell.v1";
export declare const protobufFileName = "stepwell/v1/control_service.proto";
/** What people and their tools call. Nothing here takes a lease. */
/** What a record says. */
export declare const RecordType: {
    /** UNSPECIFIED - Never sent by the server. */
    readonly UNSPECIFIED: 0;
    /** JOURNAL_CREATED - The journal was created. */
    readonly JOURNAL_CREATED: 1;
    /** RUN_STARTED - A run was started. */
    readonly RUN_STARTED: 2;
    /** LEASE_TAKEN - A run's lease was taken. */
    readonly LEASE_TAKEN: 3;
    /** STEP_BEGUN - Intent: an attempt was authorised. */
    readonly STEP_BEGUN: 4;
    /** STEP_COMPLETED - Outcome: an attempt returned. */
    readonly STEP_COMPLETED: 5;
    /** STEP_FAILED - Outcome: an attempt failed. */
    readonly STEP_FAILED: 6;
    /** STEP_DOUBTED - An attempt ended and its holder cannot know how. */
    readonly STEP_DOUBTED: 7;
    /** STEP_NOTED - Something was learned inside a step. */
    readonly STEP_NOTED: 8;
    /** STEP_RESOLVED - Doubt was ended. */
    readonly STEP_RESOLVED: 9;
    /** RUN_ENDED - A run ended. */
    readonly RUN_ENDED: 10;
    /** CHUNK - Bytes that payloads refer to. */
    readonly CHUNK: 11;
};
export type RecordType = typeof RecordType[keyof typeof RecordType];
export declare namespace RecordType {
    type UNSPECIFIED = typeof RecordType.UNSPECIFIED;
    type JOURNAL_CREATED = typeof RecordType.JOURNAL_CREATED;
    type RUN_STARTED = typeof RecordType.RUN_STARTED;
    type LEASE_TAKEN = typeof RecordType.LEASE_TAKEN;
    type STEP_BEGUN = typeof RecordType.STEP_BEGUN;
    type STEP_COMPLETED = typeof RecordType.STEP_COMPLETED;
    type STEP_FAILED = typeof RecordType.STEP_FAILED;
    type STEP_DOUBTED = typeof RecordType.STEP_DOUBTED;
    type STEP_NOTED = typeof RecordType.STEP_NOTED;
    type STEP_RESOLVED = typeof RecordType.STEP_RESOLVED;
    type RUN_ENDED = typeof RecordType.RUN_ENDED;
    type CHUNK = typeof RecordType.CHUNK;
}
/** What the sidecar is doing. */
export declare const ServerState: {
    /** UNSPECIFIED - Never sent by the server. */
    readonly UNSPECIFIED: 0;
    /** SERVING - Accepting work. */
    readonly SERVING: 1;
    /** DRAINING - Finishing what it has; new work is refused with UNAVAILABLE/DRAINING. */
    readonly DRAINING: 2;
    /**
     * RESTORING - Waiting for the journal's name, taking it over or reading it back; calls are refused
     * with UNAVAILABLE/RESTORING.
     */
    readonly RESTORING: 3;
    /** FENCED - Another owner took the journal over; calls are refused with ABORTED/OWNER_FENCED. */
    readonly FENCED: 4;
};
export type ServerState = typeof ServerState[keyof typeof ServerState];
export declare namespace ServerState {
    type UNSPECIFIED = typeof ServerState.UNSPECIFIED;
    type SERVING = typeof ServerState.SERVING;
    type DRAINING = typeof ServerState.DRAINING;
    type RESTORING = typeof ServerState.RESTORING;
    type FENCED = typeof ServerState.FENCED;
}
/** How the object store behaves. */
export declare const StoreState: {
    /** UNSPECIFIED - Never sent by the server. */
    readonly UNSPECIFIED: 0;
    /** ANSWERING - The last request was answered as it should be. */
    readonly ANSWERING: 1;
    /** AWAY - It does not answer, or is busy: tried again and again. */
    readonly AWAY: 2;
    /** REFUSING - It refuses, or an object in it is damaged: tried again, and a person should look. */
    readonly REFUSING: 3;
    /** FENCED - It has another owner for the journal. */
    readonly FENCED: 4;
};
export type StoreState = typeof StoreState[keyof typeof StoreState];
export declare namespace StoreState {
    type UNSPECIFIED = typeof StoreState.UNSPECIFIED;
    type ANSWERING = typeof StoreState.ANSWERING;
    type AWAY = typeof StoreState.AWAY;
    type REFUSING = typeof StoreState.REFUSING;
    type FENCED = typeof StoreState.FENCED;
}
/** Selects runs. */
export interface ListRunsRequest {
    /** Only this task; empty = any. */
    task: string;
    /** Only this state; unspecified = any. */
    state: RunState;
    /** Only runs that carry all of these. */
    labels: {
        [key: string]: string;
    };
    /** Only runs with a step in doubt. */
    inDoubt: boolean;
    /** At most so many; 0 = 100, at most 1000. */
    pageSize: number;
    /** From the previous page's next_page_token. */
    pageToken: string;
}
export interface ListRunsRequest_LabelsEntry {
    key: string;
    value: string;
}
/** A page of runs. */
export interface ListRunsResponse {
    /** Newest first. */
    runs: Run[];
    /** Empty on the last page. */
    nextPageToken: string;
}
/** Names a run. */
export interface GetRunRequest {
    /** The run. */
    runId: string;
}
/** The run as it stands. */
export interface GetRunResponse {
    /** The run. */
    run: Run | undefined;
    /** Its steps that are not finished: open, in doubt or retrying. */
    openSteps: Step[];
}
/** Selects records. */
export interface ReadJournalRequest {
    /** The first lsn wanted; 0 = from the start. */
    fromLsn: number;
    /** Only records of this run; empty = all. */
    runId: string;
    /** At most so many; 0 = no limit. */
    limit: number;
}
/** A part of the journal. */
export interface ReadJournalResponse {
    /** In order of lsn. */
    records: Record[];
}
/** One entry of the journal. Payload bytes are read with WatchRun. */
export interface Record {
    /** Its number, from 1, without gaps. */
    lsn: number;
    /** What it says. */
    type: RecordType;
    /** The run it is about; empty for the journal's own records. */
    runId: string;
    /** When it was written, ms since the epoch. */
    atMs: number;
    /** The step it is about. */
    key: string;
    /** The attempt it is about. */
    attempt: number;
    /** The lease it was written under. */
    lease: number;
    /** Bytes of its payload. */
    payloadBytes: number;
    /** SHA-256 over the previous record's chain value and this record. */
    chain: Uint8Array;
    /** A line for people. */
    summary: string;
    /** True when retention removed what it said. */
    purged: boolean;
}
/** Names a run to watch. */
export interface WatchRunRequest {
    /** The run. */
    runId: string;
    /** Stay for changes. */
    follow: boolean;
    /** Also send each step's recorded input. */
    includeInputs: boolean;
}
/** A part of what is known, or a change. */
export interface WatchRunResponse {
    /** With `caught_up`, and again with each change: the run as it then stands. */
    run: Run | undefined;
    /** Steps, or steps that changed. */
    steps: Step[];
    /** True in the message that brings the stream up to date. */
    caughtUp: boolean;
}
/** Ends doubt about a step. */
export interface ControlServiceResolveStepRequest {
    /** The run. */
    runId: string;
    /** The step. */
    key: string;
    /** What was found out. */
    resolution: Resolution | undefined;
    /** Who found out, such as "jane". 1 to 256 bytes. */
    by: string;
}
/** Doubt has ended. */
export interface ControlServiceResolveStepResponse {
    /** The resolution's lsn; the same when the call is repeated. */
    lsn: number;
    /** COMPLETED, FAILED or RETRYING. */
    state: StepState;
}
/** Names how far to wait, and for what. */
export interface FlushRequest {
    /** Up to here; 0 = up to the newest record. */
    lsn: number;
    /** Unspecified = the most durable place configured. */
    durability: Durability;
}
/** Durable. */
export interface FlushResponse {
    /** Everything up to here is. */
    lsn: number;
}
/** Asks for a drain. */
export interface DrainRequest {
}
/** Shipped. */
export interface DrainResponse {
    /** Everything up to here is. */
    lsn: number;
}
/** Asks how the sidecar is. */
export interface GetStatusRequest {
}
/** What a server accepts. Constant while it runs. */
export interface Limits {
    /** Bytes of one payload. */
    payloadBytesMax: number;
    /** Bytes of a step key. */
    keyBytesMax: number;
    /** Open steps of one run. */
    openStepsMax: number;
    /** Runs that have not ended. */
    openRunsMax: number;
    /** Requests waiting for the journal. */
    queueLengthMax: number;
    /** Bytes of the journal's files; intents are refused a little earlier. */
    journalBytesMax: number;
    /** Bytes of one message on the wire. */
    messageBytesMax: number;
    /** Bytes that may wait for the object store before new intents are refused; 0 = no limit. */
    backlogBytesMax: number;
    /** Age of the oldest record that waits for the object store, ms, likewise; 0 = no limit. */
    backlogAgeMsMax: number;
}
/** How far the journal is in the object store. */
export interface StoreStatus {
    /** Where it is, without secrets. */
    url: string;
    /** How it behaves. */
    state: StoreState;
    /** The last failure, for people; empty when there is none. */
    error: string;
    /** Everything up to here is in the store. */
    shippedLsn: number;
    /** Age of the oldest record that is not, ms; 0 = all are. */
    lagMs: number;
    /** Bytes of the records that are not, about. */
    lagBytes: number;
    /** The newest place of the chain that this owner wrote. */
    slot: number;
    /** This owner's name in the chain, 16 random bytes in hexadecimal. */
    ownerId: string;
    /**
     * Time to ship a segment, from reading it to the store's confirmation, median of the newest
     * 256, microseconds; 0 = none was shipped yet.
     */
    putP50Us: number;
    /** Likewise the 99th percentile, microseconds. */
    putP99Us: number;
    /** The place of the newest snapshot; 0 = there is none. */
    snapshotSlot: number;
    /** When this process last wrote a snapshot, ms since the epoch; 0 = not yet. */
    snapshotAtMs: number;
    /** When the store's copy was last read back and found right, ms since the epoch; 0 = not yet. */
    verifiedAtMs: number;
}
/** How the sidecar is. */
export interface GetStatusResponse {
    /** Of the program, such as "0.1.0". */
    version: string;
    /** What it is doing. */
    state: ServerState;
    /** The journal's name. */
    journal: string;
    /** The journal's UUID, drawn when it was created. */
    journalUuid: string;
    /** Who owns the journal: host and process. */
    owner: string;
    /** Rises each time an owner opens the journal. */
    epoch: number;
    /** The newest record. */
    lsn: number;
    /** Everything up to here is fsynced. */
    durableLsn: number;
    /** When this process started, ms since the epoch. */
    startedMs: number;
    /** Runs that have not ended. */
    openRuns: number;
    /** Runs somebody is known to hold. */
    heldRuns: number;
    /** Open Session streams. */
    sessions: number;
    /** Bytes of the journal's files. */
    journalBytes: number;
    /** What it accepts. */
    limits: Limits | undefined;
    /** Of the object store; not set when none is configured or the journal is not open yet. */
    store: StoreStatus | undefined;
}
export declare const ListRunsRequest: MessageFns<ListRunsRequest>;
export declare const ListRunsRequest_LabelsEntry: MessageFns<ListRunsRequest_LabelsEntry>;
export declare const ListRunsResponse: MessageFns<ListRunsResponse>;
export declare const GetRunRequest: MessageFns<GetRunRequest>;
export declare const GetRunResponse: MessageFns<GetRunResponse>;
export declare const ReadJournalRequest: MessageFns<ReadJournalRequest>;
export declare const ReadJournalResponse: MessageFns<ReadJournalResponse>;
export declare const Record: MessageFns<Record>;
export declare const WatchRunRequest: MessageFns<WatchRunRequest>;
export declare const WatchRunResponse: MessageFns<WatchRunResponse>;
export declare const ControlServiceResolveStepRequest: MessageFns<ControlServiceResolveStepRequest>;
export declare const ControlServiceResolveStepResponse: MessageFns<ControlServiceResolveStepResponse>;
export declare const FlushRequest: MessageFns<FlushRequest>;
export declare const FlushResponse: MessageFns<FlushResponse>;
export declare const DrainRequest: MessageFns<DrainRequest>;
export declare const DrainResponse: MessageFns<DrainResponse>;
export declare const GetStatusRequest: MessageFns<GetStatusRequest>;
export declare const Limits: MessageFns<Limits>;
export declare const StoreStatus: MessageFns<StoreStatus>;
export declare const GetStatusResponse: MessageFns<GetStatusResponse>;
export interface MessageFns<T> {
    encode(message: T, writer?: BinaryWriter): BinaryWriter;
    decode(input: BinaryReader | Uint8Array, length?: number): T;
}
