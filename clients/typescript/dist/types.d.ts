import type { Doubt } from "./errors.js";
import type { StepContext } from "./step.js";
/** What repeating a step would do to the outside world. */
export declare const Effect: {
    /** Pure or read-only: may be repeated freely. */
    readonly NONE: "none";
    /** Safe to repeat when the same idempotency key is handed to the effect. */
    readonly IDEMPOTENT: "idempotent";
    /** Must not be repeated without a decision. The default. */
    readonly ONCE: "once";
};
export type Effect = (typeof Effect)[keyof typeof Effect];
/** What a step is, for people and policies. */
export declare const Kind: {
    readonly LLM: "llm";
    readonly TOOL: "tool";
    readonly CODE: "code";
    readonly WAIT: "wait";
};
export type Kind = (typeof Kind)[keyof typeof Kind];
/** Where the intent must be before the step may act. */
export declare const Durability: {
    readonly LOCAL: "local";
    readonly REMOTE: "remote";
};
export type Durability = (typeof Durability)[keyof typeof Durability];
/** What a step meets that was recorded with another input or name. */
export declare const OnDivergence: {
    readonly FAIL: "fail";
    readonly ACCEPT: "accept";
};
export type OnDivergence = (typeof OnDivergence)[keyof typeof OnDivergence];
/** When a failed step is tried again; what is absent is the sidecar's default. */
export interface RetryPolicy {
    /** Attempts in all, the first included. Default: 1 for Effect.ONCE, else 3. */
    readonly maxAttempts?: number;
    /** Delay after the first failure. Default 1000. */
    readonly initialMs?: number;
    /** Growth per failure. Default 2. */
    readonly factor?: number;
    /** Longest delay. Default 60000. */
    readonly capMs?: number;
    /** Share of the delay that is random, 0 to 1. Default 0. */
    readonly jitter?: number;
    /** Failure types that end the step at once. */
    readonly nonRetryableTypes?: readonly string[];
}
/** What a step consumed; summed per run. */
export interface Usage {
    readonly inputTokens?: number;
    readonly cachedInputTokens?: number;
    readonly outputTokens?: number;
    /** Millionths of a US dollar. */
    readonly costMicros?: number;
}
/** Why an attempt, a step or a run failed. */
export interface Failure {
    /** A stable name to branch on. */
    readonly type: string;
    readonly message: string;
    readonly details?: unknown;
    readonly nonRetryable?: boolean;
}
/** What `reconcile` found out; made by happened(), didNotHappen() and giveUp(). */
export type Resolution<T = unknown> = {
    readonly kind: "happened";
    readonly value: T;
} | {
    readonly kind: "did not happen";
} | {
    readonly kind: "give up";
    readonly failure: Failure;
};
/** The effect took place; the step completes with this value. */
export declare function happened<T>(value: T): Resolution<T>;
/** The effect did not take place; the step may be attempted again. */
export declare function didNotHappen(): Resolution<never>;
/** Nobody will find out; the step fails with this. */
export declare function giveUp(message: string, type?: string): Resolution<never>;
/** Asks the world what became of a step. */
export type Reconcile<T = unknown> = (doubt: Doubt) => Resolution<T> | Promise<Resolution<T>>;
/** What is told about a step before it acts. */
export interface BeginOptions {
    /** What repeating it would do. Default: ONCE, the careful reading. */
    readonly effect?: Effect;
    /** Default: CODE. */
    readonly kind?: Kind;
    /** For people, and compared to find divergence. Default: none. */
    readonly name?: string;
    /** What the step works on; its digest is compared to find divergence. */
    readonly input?: unknown;
    /** False: only the input's digest leaves this process. Default true. */
    readonly recordInput?: boolean;
    readonly retry?: RetryPolicy;
    /** From the intent to the outcome; then the attempt counts as lost. Default none. */
    readonly timeoutMs?: number;
    /** Between two notes or heartbeats. Default none. */
    readonly heartbeatMs?: number;
    /**
     * Where the intent is when the step may run: "local", on the sidecar's disk, or "remote", also in
     * the object store. Default: "remote" for `Effect.ONCE` where the sidecar ships to a store.
     */
    readonly durability?: Durability;
}
/** What is told about a step, and what to do about doubt. */
export interface StepOptions<T = unknown> extends BeginOptions {
    /** Called when nobody knows whether the effect took place. */
    readonly reconcile?: Reconcile<T>;
    /** Errors after which nobody knows, for Effect.ONCE. Default: isConnectionLoss. */
    readonly unknownOn?: (error: unknown) => boolean;
}
/** The code of a step. */
export type StepFunction<T> = (step: StepContext) => T | Promise<T>;
/** A step of a chain. */
export interface ChainStep<T = unknown> extends StepOptions<T> {
    readonly key: string;
    /** A function is called with the previous step's value. */
    readonly input?: unknown;
    readonly run: (step: StepContext, previous: any) => T | Promise<T>;
}
/** What a run is started with. */
export interface RunOptions {
    /** What kind of work this is; claim() selects by it. */
    readonly task: string;
    readonly input?: unknown;
    readonly labels?: Readonly<Record<string, string>>;
    /** The version of this program. */
    readonly codeVersion?: string;
    /** Default: FAIL. */
    readonly onDivergence?: OnDivergence;
}
/** A run as it stands. */
export interface RunInfo {
    readonly runId: string;
    readonly task: string;
    readonly state: "running" | "completed" | "failed";
    /** Absent in lists. */
    readonly input: unknown;
    readonly labels: Readonly<Record<string, string>>;
    readonly codeVersion: string;
    readonly onDivergence: OnDivergence;
    /** The newest lease; 0 = never taken. */
    readonly lease: number;
    readonly holder: string;
    readonly held: boolean;
    readonly startedAt: Date;
    readonly endedAt: Date | undefined;
    readonly steps: number;
    readonly stepsInDoubt: number;
    readonly usage: Required<Usage>;
    /** Set when it completed. */
    readonly result: unknown;
    /** Set when it failed. */
    readonly failure: Failure | undefined;
    readonly unvisitedKeys: readonly string[];
}
/** Act now, as this attempt. */
export interface ExecuteVerdict {
    readonly kind: "execute";
    readonly attempt: number;
    readonly idempotencyKey: string;
    readonly fencingToken: number;
    readonly deadline: Date | undefined;
    readonly externalRefs: readonly string[];
    readonly progress: unknown;
}
/** The answer to "may I act?", for programs that do it by hand. */
export type Verdict = ExecuteVerdict | {
    readonly kind: "replay";
    readonly attempt: number;
    readonly value: unknown;
    readonly failure: Failure | undefined;
    readonly acceptedDivergence: boolean;
} | {
    readonly kind: "in doubt";
    readonly doubt: Doubt;
} | {
    readonly kind: "diverged";
    readonly recordedName: string;
    readonly recordedDigest: Uint8Array;
    readonly offeredDigest: Uint8Array;
} | {
    readonly kind: "wait";
    readonly reason: "back off" | "held";
    readonly notBefore: Date | undefined;
    readonly failure: Failure | undefined;
};
/** How an attempt ended. */
export type Outcome = {
    readonly output: unknown;
} | {
    readonly failure: Failure;
} | {
    readonly unknown: Failure;
};
/** What was recorded. */
export interface Completion {
    readonly lsn: number;
    readonly state: StepState;
    /** With "retrying": when the next attempt may begin. */
    readonly notBefore: Date | undefined;
    /** The answer to `next`. */
    readonly next: Verdict | undefined;
}
/** Where a step stands. */
export type StepState = "open" | "in doubt" | "retrying" | "completed" | "failed";
