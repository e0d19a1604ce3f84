import type { Note } from "./step.js";
import type { BeginOptions, ChainStep, Completion, Failure, Outcome, RunInfo, StepFunction, StepOptions, Usage, Verdict } from "./types.js";
/** A run whose lease this process holds. Steps may be taken in parallel. */
export declare class Run {
    #private;
    readonly runId: string;
    readonly task: string;
    readonly labels: Readonly<Record<string, string>>;
    /** The version of the program that started it. */
    readonly codeVersion: string;
    /** The right to write to the run; a newer one fences this. */
    readonly lease: number;
    /** What the run works on. */
    get input(): unknown;
    /** The run as it stood when it was opened. */
    get info(): RunInfo;
    /** True when it has ended: then only `info` and `execute` are of use. */
    get ended(): boolean;
    /** Aborted when somebody else takes the run. */
    get lost(): AbortSignal;
    /**
     * One step: asks, runs `code` if it may, tells. Resolves with what the step
     * returned, now or in an earlier execution.
     */
    step<T>(key: string, code: StepFunction<T>): Promise<T>;
    step<T>(key: string, options: StepOptions<T>, code: StepFunction<T>): Promise<T>;
    /** Straight-line steps, each begun together with the outcome of the one before: half the round trips. */
    chain<const T extends readonly unknown[]>(steps: readonly [...{
        [K in keyof T]: ChainStep<T[K]>;
    }]): Promise<T>;
    chain<T>(steps: Iterable<ChainStep<T>>): Promise<T[]>;
    /** Ends the run with a result. */
    end(result?: unknown): Promise<void>;
    /** Ends the run with a failure. */
    fail(failure: Failure | Error): Promise<void>;
    /**
     * Runs `program` and ends the run with what it returns, or with the RunFailed it
     * throws. Any other error leaves the run open, to be resumed. A run that has
     * ended answers as it ended, without running anything.
     */
    execute<T>(program: (run: Run) => T | Promise<T>): Promise<T>;
    /** Leaves the run as it is, for a later open() or claim() to go on with. */
    detach(): void;
    [Symbol.asyncDispose](): Promise<void>;
    /** By hand: asks whether to act. Always a round trip. */
    begin(key: string, options?: BeginOptions): Promise<Verdict>;
    /** By hand: tells how an attempt ended, and asks about the step named `next` along with it. */
    complete(key: string, attempt: number, outcome: Outcome, along?: {
        readonly usage?: Usage;
        readonly next?: BeginOptions & {
            readonly key: string;
        };
    }): Promise<Completion>;
    /** By hand: tells what was learned inside an open step; an empty note is a heartbeat. */
    note(key: string, attempt: number, note?: Note): Promise<void>;
}
