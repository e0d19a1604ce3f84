import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
export declare const protobufPackage = "stepwell.v1";
export declare const protobufFileName = "stepwell/v1/types.proto";
/**
 * The nouns of the contract. ARCHITECTURE.md holds the glossary; a word means
 * the same here, in C, SQL, Python and TypeScript.
 *
 * Units stand in the names: `_ms` is milliseconds; a point in time is
 * milliseconds since the Unix epoch, 0 meaning "not set". All texts are
 * UTF-8 without NUL. Bounds are those of GetStatusResponse.limits; what exceeds one is
 * refused with INVALID_ARGUMENT naming the field and the limit.
 */
/** What a step is, for people and policies. The sidecar attaches no behaviour. */
export declare const Kind: {
    /** UNSPECIFIED - Taken as KIND_CODE. */
    readonly UNSPECIFIED: 0;
    /** LLM - A call of a language model. */
    readonly LLM: 1;
    /** TOOL - A call of a tool on a model's behalf. */
    readonly TOOL: 2;
    /** CODE - The agent's own code. */
    readonly CODE: 3;
    /** WAIT - A durable wait. */
    readonly WAIT: 4;
};
export type Kind = typeof Kind[keyof typeof Kind];
export declare namespace Kind {
    type UNSPECIFIED = typeof Kind.UNSPECIFIED;
    type LLM = typeof Kind.LLM;
    type TOOL = typeof Kind.TOOL;
    type CODE = typeof Kind.CODE;
    type WAIT = typeof Kind.WAIT;
}
/** What repeating a step would do to the outside world. */
export declare const Effect: {
    /** UNSPECIFIED - Taken as EFFECT_ONCE, the careful reading. */
    readonly UNSPECIFIED: 0;
    /** NONE - Pure or read-only: may be repeated freely. */
    readonly NONE: 1;
    /** IDEMPOTENT - Safe to repeat when the same idempotency key is handed to the effect. */
    readonly IDEMPOTENT: 2;
    /** ONCE - Must not be repeated without a decision. */
    readonly ONCE: 3;
};
export type Effect = typeof Effect[keyof typeof Effect];
export declare namespace Effect {
    type UNSPECIFIED = typeof Effect.UNSPECIFIED;
    type NONE = typeof Effect.NONE;
    type IDEMPOTENT = typeof Effect.IDEMPOTENT;
    type ONCE = typeof Effect.ONCE;
}
/** Where a record is when it is acknowledged. */
export declare const Durability: {
    /** UNSPECIFIED - The server's default for the step's effect. */
    readonly UNSPECIFIED: 0;
    /** LOCAL - On this node's disk, fsynced. */
    readonly LOCAL: 1;
    /** REMOTE - Also in the object store, with everything before it. */
    readonly REMOTE: 2;
};
export type Durability = typeof Durability[keyof typeof Durability];
export declare namespace Durability {
    type UNSPECIFIED = typeof Durability.UNSPECIFIED;
    type LOCAL = typeof Durability.LOCAL;
    type REMOTE = typeof Durability.REMOTE;
}
/** The life of a run. */
export declare const RunState: {
    /** UNSPECIFIED - Never sent by the server. In a filter: any state. */
    readonly UNSPECIFIED: 0;
    /** RUNNING - Started and not ended, whether or not anybody holds it now. */
    readonly RUNNING: 1;
    /** COMPLETED - Ended with a result. */
    readonly COMPLETED: 2;
    /** FAILED - Ended with a failure. */
    readonly FAILED: 3;
};
export type RunState = typeof RunState[keyof typeof RunState];
export declare namespace RunState {
    type UNSPECIFIED = typeof RunState.UNSPECIFIED;
    type RUNNING = typeof RunState.RUNNING;
    type COMPLETED = typeof RunState.COMPLETED;
    type FAILED = typeof RunState.FAILED;
}
/** The life of a step. */
export declare const StepState: {
    /** UNSPECIFIED - Never sent by the server. */
    readonly UNSPECIFIED: 0;
    /** OPEN - An attempt is under way: intent recorded, no outcome, holder alive. */
    readonly OPEN: 1;
    /**
     * IN_DOUBT - Effect ONCE, intent without outcome, and its holder is gone, its time is
     * up, or it reported that it cannot know.
     */
    readonly IN_DOUBT: 2;
    /** RETRYING - The last attempt came to nothing; another may begin at `not_before_ms`. */
    readonly RETRYING: 3;
    /** COMPLETED - Finished with an output. */
    readonly COMPLETED: 4;
    /** FAILED - Finished with a failure: attempts spent, not retryable, or given up. */
    readonly FAILED: 5;
};
export type StepState = typeof StepState[keyof typeof StepState];
export declare namespace StepState {
    type UNSPECIFIED = typeof StepState.UNSPECIFIED;
    type OPEN = typeof StepState.OPEN;
    type IN_DOUBT = typeof StepState.IN_DOUBT;
    type RETRYING = typeof StepState.RETRYING;
    type COMPLETED = typeof StepState.COMPLETED;
    type FAILED = typeof StepState.FAILED;
}
/** What to do when a step is begun with another input or name than recorded. */
export declare const DivergencePolicy: {
    /** UNSPECIFIED - Taken as DIVERGENCE_POLICY_FAIL. */
    readonly UNSPECIFIED: 0;
    /** FAIL - Answer DIVERGED; the caller decides. */
    readonly FAIL: 1;
    /** ACCEPT - Go by the recorded step as if nothing had changed. */
    readonly ACCEPT: 2;
};
export type DivergencePolicy = typeof DivergencePolicy[keyof typeof DivergencePolicy];
export declare namespace DivergencePolicy {
    type UNSPECIFIED = typeof DivergencePolicy.UNSPECIFIED;
    type FAIL = typeof DivergencePolicy.FAIL;
    type ACCEPT = typeof DivergencePolicy.ACCEPT;
}
/** How doubt came about. */
export declare const DoubtReason: {
    /** UNSPECIFIED - Never sent by the server. */
    readonly UNSPECIFIED: 0;
    /** HOLDER_GONE - The holder of the lease it was begun under is gone. */
    readonly HOLDER_GONE: 1;
    /** TIMED_OUT - Its start-to-close or heartbeat time is up. */
    readonly TIMED_OUT: 2;
    /** REPORTED - The holder reported that it cannot know. */
    readonly REPORTED: 3;
};
export type DoubtReason = typeof DoubtReason[keyof typeof DoubtReason];
export declare namespace DoubtReason {
    type UNSPECIFIED = typeof DoubtReason.UNSPECIFIED;
    type HOLDER_GONE = typeof DoubtReason.HOLDER_GONE;
    type TIMED_OUT = typeof DoubtReason.TIMED_OUT;
    type REPORTED = typeof DoubtReason.REPORTED;
}
/** Why a step has to wait. */
export declare const WaitReason: {
    /** UNSPECIFIED - Never sent by the server. */
    readonly UNSPECIFIED: 0;
    /** BACK_OFF - The retry policy's delay after a failure. */
    readonly BACK_OFF: 1;
    /** HELD - Another call of this lease's holder runs the step now. */
    readonly HELD: 2;
};
export type WaitReason = typeof WaitReason[keyof typeof WaitReason];
export declare namespace WaitReason {
    type UNSPECIFIED = typeof WaitReason.UNSPECIFIED;
    type BACK_OFF = typeof WaitReason.BACK_OFF;
    type HELD = typeof WaitReason.HELD;
}
/**
 * Opaque bytes. The sidecar stores them once, cut into content-addressed
 * chunks, and never looks inside.
 */
export interface Payload {
    /** At most limits.payload_bytes_max bytes. */
    data: Uint8Array;
    /** A media type such as "application/json". At most 128 bytes. */
    contentType: string;
}
/** Why an attempt, a step or a run failed. Written by the agent. */
export interface Failure {
    /** A stable name to branch on, such as "RateLimitError". 1 to 128 bytes. */
    type: string;
    /** A sentence for people. At most 8192 bytes. */
    message: string;
    /** Anything more, for the agent's own use. */
    details: Payload | undefined;
    /** True: no retry, whatever the policy says. */
    nonRetryable: boolean;
}
/**
 * How often and when a failed step is tried again. Computed in the sidecar, so
 * that every language agrees:
 *   delay(n) = min(cap_ms, initial_ms * factor^(n-1)) * (1 - jitter * u),
 * n being the attempt that failed and u in [0,1) derived from step and attempt.
 */
export interface RetryPolicy {
    /**
     * Attempts in all, the first included. 0 = the default (EFFECT_ONCE: 1, else 3).
     * At most 10000.
     */
    maxAttempts: number;
    /** Delay after the first failure, ms. 0 = 1000. At most one day. */
    initialMs: number;
    /** Growth per failure, 1.0 to 100. 0 = 2.0. */
    factor: number;
    /** Longest delay, ms. 0 = 60000. At most 30 days. */
    capMs: number;
    /** Share of the delay that is random, 0.0 to 1.0. Default 0. */
    jitter: number;
    /** Failure types that end the step at once. At most 32 of 128 bytes. */
    nonRetryableTypes: string[];
}
/** When an attempt that is still open counts as lost. */
export interface Timeouts {
    /** From BeginStep to CompleteStep, ms. 0 = none. At most 365 days. */
    startToCloseMs: number;
    /** Between two NoteStep calls, ms. 0 = none. At most 365 days. */
    heartbeatMs: number;
}
/** What a step consumed; summed per run. */
export interface Usage {
    /** Tokens read by the model, cached ones included. */
    inputTokens: number;
    /** Tokens of `input_tokens` that the provider had cached. */
    cachedInputTokens: number;
    /** Tokens written by the model. */
    outputTokens: number;
    /** Price in millionths of a US dollar. */
    costMicros: number;
}
/** One durable execution. */
export interface Run {
    /** Chosen by the caller or generated. */
    runId: string;
    /** What kind of work this is; ClaimRun selects by it. */
    task: string;
    /** Where it stands. */
    state: RunState;
    /** What it was started with. Absent in lists. */
    input: Payload | undefined;
    /** For people and filters. */
    labels: {
        [key: string]: string;
    };
    /** The version of the agent's code that started it. */
    codeVersion: string;
    /** What a changed step meets. */
    onDivergence: DivergencePolicy;
    /** The newest lease; 0 = never taken. Absent in lists. */
    lease: number;
    /** What the lease's taker called itself. */
    holder: string;
    /**
     * True while somebody is known to hold the lease. Always false when read
     * from the journal of a dead process.
     */
    held: boolean;
    /** When it was started, ms since the epoch. */
    startedMs: number;
    /** When it ended, ms since the epoch. */
    endedMs: number;
    /** The lsn of its first record. */
    firstLsn: number;
    /** The lsn of its last record. Absent in lists of runs that have not ended. */
    lastLsn: number;
    /** Steps recorded. Absent in lists of runs that have not ended. */
    steps: number;
    /** Steps now in doubt. */
    stepsInDoubt: number;
    /** The sum over its steps. Absent in lists. */
    usage: Usage | undefined;
    /** The result of a completed run. */
    result?: Payload | undefined;
    /** The failure of a failed run. */
    failure?: Failure | undefined;
    /** Recorded steps that the ending program never came to. */
    unvisitedKeys: string[];
}
export interface Run_LabelsEntry {
    key: string;
    value: string;
}
/** One unit of work in a run. */
export interface Step {
    /** Unique in the run. */
    key: string;
    /** For people, such as the function's name. */
    name: string;
    /** What it is. */
    kind: Kind;
    /** What repeating it would do. */
    effect: Effect;
    /** Where it stands. */
    state: StepState;
    /** The newest attempt, from 1. */
    attempt: number;
    /** Hand this to the effect; the same on every attempt and every node. */
    idempotencyKey: string;
    /** SHA-256 of the input's data, 32 bytes; empty when none was given. */
    inputDigest: Uint8Array;
    /** The recorded input; only where a request asks for inputs. */
    input: Payload | undefined;
    /** What it returned. */
    output?: Payload | undefined;
    /** Why it failed. */
    failure?: Failure | undefined;
    /** What it consumed, over all attempts that reported. */
    usage: Usage | undefined;
    /** What was learned inside the step, in order, such as a payment id. */
    externalRefs: string[];
    /** The latest progress noted. */
    progress: Payload | undefined;
    /** When the newest attempt began, ms since the epoch. */
    begunMs: number;
    /** When it finished, ms since the epoch. */
    finishedMs: number;
    /** Before this no new attempt begins, ms since the epoch. */
    notBeforeMs: number;
    /** The lsn of the newest record about it. */
    lsn: number;
    /** Who ended its doubt, if somebody did. */
    resolvedBy: string;
}
/** The answer to "may I act?". */
export interface Verdict {
    /** Act now. */
    execute?: Execute | undefined;
    /** Do not act: it is done, here is how it ended. */
    replay?: Replay | undefined;
    /** Do not act: nobody knows whether it happened. */
    inDoubt?: InDoubt | undefined;
    /** Do not act: this is not the step that was recorded. */
    diverged?: Diverged | undefined;
    /** Do not act yet. */
    wait?: Wait | undefined;
}
/** The caller may act, as this attempt. */
export interface Execute {
    /** From 1; CompleteStep must name it. */
    attempt: number;
    /** Hand this to the effect. A UUID, the same on every attempt and every node. */
    idempotencyKey: string;
    /** Rises with every authorisation in this journal; for systems that can fence. */
    fencingToken: number;
    /** After this the attempt counts as lost, ms since the epoch; 0 = never. */
    deadlineMs: number;
    /** What earlier attempts noted. */
    externalRefs: string[];
    /** The latest progress earlier attempts noted. */
    progress: Payload | undefined;
}
/** The step is finished. */
export interface Replay {
    /** What it returned. */
    output?: Payload | undefined;
    /** Why it failed, for good. */
    failure?: Failure | undefined;
    /** The attempt that ended it. */
    attempt: number;
    /** The lsn of its outcome. */
    lsn: number;
    /** True when the input or name offered differs and the run's policy accepts it. */
    acceptedDivergence: boolean;
}
/** The step may or may not have happened. End this with ResolveStep. */
export interface InDoubt {
    /** Attempts begun so far. */
    attempts: number;
    /** What was handed to the effect: ask the provider by it. */
    idempotencyKey: string;
    /** What the attempts noted: ask the provider by them. */
    externalRefs: string[];
    /** The latest progress noted. */
    progress: Payload | undefined;
    /** What the lost attempt's holder called itself. */
    holder: string;
    /** When the lost attempt began, ms since the epoch. */
    begunMs: number;
    /** Why it is in doubt. */
    reason: DoubtReason;
}
/** The recorded step has another input or name. */
export interface Diverged {
    /** SHA-256 of the recorded input. */
    recordedDigest: Uint8Array;
    /** SHA-256 of the offered input. */
    offeredDigest: Uint8Array;
    /** The recorded name. */
    recordedName: string;
    /** The offered name. */
    offeredName: string;
}
/** Ask again later. */
export interface Wait {
    /** Not before this, ms since the epoch; 0 = when the live attempt ends. */
    notBeforeMs: number;
    /** Why. */
    reason: WaitReason;
    /** The attempt that is waited for, or that failed last. */
    attempt: number;
    /** With WAIT_REASON_BACK_OFF: how the last attempt failed. */
    failure: Failure | undefined;
}
/** The end of doubt. */
export interface Resolution {
    /** The effect took place; the step completes with this output. */
    happened?: Payload | undefined;
    /** The effect did not take place; the step may be attempted again. */
    didNotHappen?: DidNotHappen | undefined;
    /** Nobody will find out; the step fails with this. */
    giveUp?: Failure | undefined;
}
/** The effect did not take place. */
export interface DidNotHappen {
}
export declare const Payload: MessageFns<Payload>;
export declare const Failure: MessageFns<Failure>;
export declare const RetryPolicy: MessageFns<RetryPolicy>;
export declare const Timeouts: MessageFns<Timeouts>;
export declare const Usage: MessageFns<Usage>;
export declare const Run: MessageFns<Run>;
export declare const Run_LabelsEntry: MessageFns<Run_LabelsEntry>;
export declare const Step: MessageFns<Step>;
export declare const Verdict: MessageFns<Verdict>;
export declare const Execute: MessageFns<Execute>;
export declare const Replay: MessageFns<Replay>;
export declare const InDoubt: MessageFns<InDoubt>;
export declare const Diverged: MessageFns<Diverged>;
export declare const Wait: MessageFns<Wait>;
export declare const Resolution: MessageFns<Resolution>;
export declare const DidNotHappen: MessageFns<DidNotHappen>;
export interface MessageFns<T> {
    encode(message: T, writer?: BinaryWriter): BinaryWriter;
    decode(input: BinaryReader | Uint8Array, length?: number): T;
}
