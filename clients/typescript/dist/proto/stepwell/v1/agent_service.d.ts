import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { DivergencePolicy, Durability, Effect, Failure, Kind, Payload, Resolution, RetryPolicy, Run, Step, StepState, Timeouts, Usage, Verdict } from "./types.js";
export declare const protobufPackage = "stepwell.v1";
export declare const protobufFileName = "stepwell/v1/agent_service.proto";
/**
 * What an agent calls. Every call may be repeated with the same identifiers
 * and then gives the same answer: a client's timeout means "unknown", and the
 * cure is to ask again. Error reasons and their cures: reasons.md beside this.
 */
/** Asks for a run to exist. */
export interface StartRunRequest {
    /**
     * 1 to 256 bytes; empty = the server generates a UUID (then a repeated call
     * starts another run).
     */
    runId: string;
    /** What kind of work this is. 1 to 128 bytes. */
    task: string;
    /** What the run works on. */
    input: Payload | undefined;
    /** At most 32; keys 1 to 64 bytes, values at most 256 bytes. */
    labels: {
        [key: string]: string;
    };
    /** The version of the agent's code. At most 128 bytes. */
    codeVersion: string;
    /** What a changed step meets. */
    onDivergence: DivergencePolicy;
    /**
     * True: if this call creates the run, take its lease too, which saves the
     * Resume of a run that has no history.
     */
    takeLease: boolean;
    /** With take_lease: what the taker calls itself. At most 256 bytes. */
    holder: string;
}
export interface StartRunRequest_LabelsEntry {
    key: string;
    value: string;
}
/** The run. */
export interface StartRunResponse {
    /**
     * True when this call created it. A repeated call that finds the run as it
     * was created, with no record since, says true again.
     */
    created: boolean;
    /** As it stands. */
    run: Run | undefined;
    /** The lease taken; 0 = none was. */
    lease: number;
}
/** Asks for a run's lease and history. */
export interface ResumeRequest {
    /** The run. */
    runId: string;
    /** 0 = take a new lease. Else keep this one, if it is still the newest. */
    lease: number;
    /** What the taker calls itself, such as "pod-7/pid 12". At most 256 bytes. */
    holder: string;
    /** Keep the stream open after `caught_up`; its end releases the lease. */
    follow: boolean;
    /** Also send each step's recorded input. */
    includeInputs: boolean;
}
/** A part of a run's history. */
export interface ResumeResponse {
    /** In the first message only: the run. */
    run: Run | undefined;
    /** In the first message only: the lease, for every later call. */
    lease: number;
    /** Recorded steps. */
    steps: Step[];
    /** True in the last message of the history. */
    caughtUp: boolean;
    /** In a followed stream: true once a newer lease exists; the stream then ends. */
    leaseLost: boolean;
}
/** Asks whether to act. */
export interface BeginStepRequest {
    /** The run. */
    runId: string;
    /** The lease from Resume, StartRun or ClaimRun. */
    lease: number;
    /**
     * Names the step, unique in the run, the same in every execution. 1 to 256
     * bytes. A model's tool_call_id makes a good key.
     */
    key: string;
    /** For people, and compared to detect divergence. At most 256 bytes. */
    name: string;
    /** What it is. */
    kind: Kind;
    /** What repeating it would do. */
    effect: Effect;
    /** Recorded, and digested to detect divergence. */
    input?: Payload | undefined;
    /** SHA-256 of an input that shall not be recorded. 32 bytes. */
    inputDigest?: Uint8Array | undefined;
    /** When to try again. Taken from the attempt that fails. */
    retry: RetryPolicy | undefined;
    /** When an open attempt counts as lost. */
    timeouts: Timeouts | undefined;
    /**
     * Where the intent must be before EXECUTE is answered. Unspecified: EFFECT_ONCE
     * is fsynced; other intents become durable with the next sync.
     */
    durability: Durability;
    /**
     * Drawn by the client for each logical call, the same when that call is
     * repeated. Tells a repeated call (same answer) from a second worker (WAIT).
     * At most 64 bytes.
     */
    requestId: string;
}
/** The verdict. */
export interface BeginStepResponse {
    /** Whether to act. */
    verdict: Verdict | undefined;
}
/**
 * The part of CompleteStepRequest that begins the next step; fields as in
 * BeginStepRequest, run and lease being those of the completed one.
 */
export interface BeginNext {
    /** Names the step. 1 to 256 bytes. */
    key: string;
    /** For people. At most 256 bytes. */
    name: string;
    /** What it is. */
    kind: Kind;
    /** What repeating it would do. */
    effect: Effect;
    /** Recorded, and digested to detect divergence. */
    input?: Payload | undefined;
    /** SHA-256 of an input that shall not be recorded. 32 bytes. */
    inputDigest?: Uint8Array | undefined;
    /** When to try again. */
    retry: RetryPolicy | undefined;
    /** When an open attempt counts as lost. */
    timeouts: Timeouts | undefined;
    /** Where the intent must be before EXECUTE is answered. */
    durability: Durability;
    /** As in BeginStepRequest. At most 64 bytes. */
    requestId: string;
}
/** Tells how an attempt ended. */
export interface CompleteStepRequest {
    /** The run. */
    runId: string;
    /** The lease. */
    lease: number;
    /** The step. */
    key: string;
    /** The attempt that EXECUTE named. */
    attempt: number;
    /** It returned this. */
    output?: Payload | undefined;
    /** It failed, and the effect did not take place. */
    failure?: Failure | undefined;
    /**
     * It ended and the caller cannot know whether the effect took place, as
     * after a timeout. EFFECT_ONCE: the step is in doubt. Others: as a failure.
     */
    unknown?: Failure | undefined;
    /** What it consumed. */
    usage: Usage | undefined;
    /** The next step, begun only if this completion is accepted. */
    beginNext: BeginNext | undefined;
}
/** What was recorded. */
export interface CompleteStepResponse {
    /** The outcome's lsn; the same when the call is repeated. */
    lsn: number;
    /** COMPLETED, FAILED, RETRYING or IN_DOUBT. */
    state: StepState;
    /** With RETRYING: when the next attempt may begin, ms since the epoch. */
    notBeforeMs: number;
    /** The answer to `begin_next`. */
    next: Verdict | undefined;
}
/** Tells what was learned inside an open step. An empty note is a heartbeat. */
export interface NoteStepRequest {
    /** The run. */
    runId: string;
    /** The lease. */
    lease: number;
    /** The step. */
    key: string;
    /** The attempt that EXECUTE named. */
    attempt: number;
    /**
     * What the provider knows the effect by, such as a payment id. At most 512
     * bytes; at most 64 a step; one already noted is not noted twice.
     */
    externalRef: string;
    /** Replaces the progress noted before. */
    progress: Payload | undefined;
}
/** The note is durable. */
export interface NoteStepResponse {
    /** The note's lsn; 0 for a heartbeat or an external_ref already noted. */
    lsn: number;
    /** After this the attempt counts as lost, ms since the epoch; 0 = never. */
    deadlineMs: number;
}
/** Ends doubt about a step. */
export interface AgentServiceResolveStepRequest {
    /** The run. */
    runId: string;
    /** The lease. */
    lease: number;
    /** The step. */
    key: string;
    /** What was found out. */
    resolution: Resolution | undefined;
    /** Who found out, such as "reconcile:stripe". 1 to 256 bytes. */
    by: string;
}
/** Doubt has ended. */
export interface AgentServiceResolveStepResponse {
    /** The resolution's lsn; the same when the call is repeated. */
    lsn: number;
    /** COMPLETED, FAILED or RETRYING. */
    state: StepState;
}
/** Ends a run. */
export interface EndRunRequest {
    /** The run. */
    runId: string;
    /** The lease. */
    lease: number;
    /** The run completed with this. */
    result?: Payload | undefined;
    /** The run failed with this. */
    failure?: Failure | undefined;
    /**
     * Recorded steps that the program never came to, as the client knows from
     * Resume; kept with the run for people to see. At most 1000 keys.
     */
    unvisitedKeys: string[];
}
/** The run has ended. */
export interface EndRunResponse {
    /** The end's lsn; the same when the call is repeated. */
    lsn: number;
}
/** Waits for work. */
export interface ClaimRunRequest {
    /** Tasks this agent can do; empty = any. At most 64. */
    tasks: string[];
    /** What the taker calls itself. At most 256 bytes. */
    holder: string;
    /** How long to wait, ms; 0 = do not wait. At most 10 minutes. */
    waitMs: number;
}
/** Work, or none. */
export interface ClaimRunResponse {
    /** Absent when the wait ended without work. */
    run: Run | undefined;
    /** The lease taken. */
    lease: number;
}
/**
 * Requests of one agent process, in any number per message. Calls about one
 * run take effect in the order sent.
 */
export interface SessionRequest {
    /** In order. At most 1,024; more end the stream with INVALID_ARGUMENT. */
    calls: SessionCall[];
}
/** One request. */
export interface SessionCall {
    /**
     * Chosen by the client, unique among its unanswered calls; comes back with
     * the answer.
     */
    id: number;
    /** As the unary call. */
    startRun?: StartRunRequest | undefined;
    /**
     * As the streaming call; answered by several results with this id, the
     * last one `caught_up`. `follow` is implied by the session and must not be set.
     */
    resume?: ResumeRequest | undefined;
    /** As the unary call. */
    beginStep?: BeginStepRequest | undefined;
    /** As the unary call. */
    completeStep?: CompleteStepRequest | undefined;
    /** As the unary call. */
    noteStep?: NoteStepRequest | undefined;
    /** As the unary call. */
    resolveStep?: AgentServiceResolveStepRequest | undefined;
    /** As the unary call. */
    endRun?: EndRunRequest | undefined;
    /** As the unary call. */
    claimRun?: ClaimRunRequest | undefined;
}
/** Answers, in any number per message and in any order. */
export interface SessionResponse {
    /** Answers that were ready. */
    results: SessionResult[];
}
/** One answer, or one event. */
export interface SessionResult {
    /** The call's id; 0 for an event. */
    id: number;
    /** As of the unary call. */
    startRun?: StartRunResponse | undefined;
    /** A part of the history. */
    resume?: ResumeResponse | undefined;
    /** As of the unary call. */
    beginStep?: BeginStepResponse | undefined;
    /** As of the unary call. */
    completeStep?: CompleteStepResponse | undefined;
    /** As of the unary call. */
    noteStep?: NoteStepResponse | undefined;
    /** As of the unary call. */
    resolveStep?: AgentServiceResolveStepResponse | undefined;
    /** As of the unary call. */
    endRun?: EndRunResponse | undefined;
    /** As of the unary call. */
    claimRun?: ClaimRunResponse | undefined;
    /** The call failed as a unary call would have; the stream goes on. */
    error?: SessionError | undefined;
    /** Event: a newer lease exists for a run this session held. */
    leaseLost?: LeaseLost | undefined;
}
/** What a unary call would have ended with. */
export interface SessionError {
    /** The canonical gRPC status code, such as 10 for ABORTED. */
    code: number;
    /** A sentence for people. */
    message: string;
    /** One of reasons.md. */
    reason: string;
    /** Facts about the error, such as the field and its limit. */
    metadata: {
        [key: string]: string;
    };
    /** Where a retry makes sense: after this, ms; 0 = do not. */
    retryAfterMs: number;
}
export interface SessionError_MetadataEntry {
    key: string;
    value: string;
}
/** A newer lease exists. */
export interface LeaseLost {
    /** The run. */
    runId: string;
    /** The lease that was lost. */
    lease: number;
}
export declare const StartRunRequest: MessageFns<StartRunRequest>;
export declare const StartRunRequest_LabelsEntry: MessageFns<StartRunRequest_LabelsEntry>;
export declare const StartRunResponse: MessageFns<StartRunResponse>;
export declare const ResumeRequest: MessageFns<ResumeRequest>;
export declare const ResumeResponse: MessageFns<ResumeResponse>;
export declare const BeginStepRequest: MessageFns<BeginStepRequest>;
export declare const BeginStepResponse: MessageFns<BeginStepResponse>;
export declare const BeginNext: MessageFns<BeginNext>;
export declare const CompleteStepRequest: MessageFns<CompleteStepRequest>;
export declare const CompleteStepResponse: MessageFns<CompleteStepResponse>;
export declare const NoteStepRequest: MessageFns<NoteStepRequest>;
export declare const NoteStepResponse: MessageFns<NoteStepResponse>;
export declare const AgentServiceResolveStepRequest: MessageFns<AgentServiceResolveStepRequest>;
export declare const AgentServiceResolveStepResponse: MessageFns<AgentServiceResolveStepResponse>;
export declare const EndRunRequest: MessageFns<EndRunRequest>;
export declare const EndRunResponse: MessageFns<EndRunResponse>;
export declare const ClaimRunRequest: MessageFns<ClaimRunRequest>;
export declare const ClaimRunResponse: MessageFns<ClaimRunResponse>;
export declare const SessionRequest: MessageFns<SessionRequest>;
export declare const SessionCall: MessageFns<SessionCall>;
export declare const SessionResponse: MessageFns<SessionResponse>;
export declare const SessionResult: MessageFns<SessionResult>;
export declare const SessionError: MessageFns<SessionError>;
export declare const SessionError_MetadataEntry: MessageFns<SessionError_MetadataEntry>;
export declare const LeaseLost: MessageFns<LeaseLost>;
export interface MessageFns<T> {
    encode(message: T, writer?: BinaryWriter): BinaryWriter;
    decode(input: BinaryReader | Uint8Array, length?: number): T;
}
