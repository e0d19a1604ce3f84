import { type Code } from "./attempt.js";
import { type RunCalls } from "./calls.js";
import type { Codec } from "./codec.js";
import { type Payload, type Step } from "./proto/stepwell/v1/types.js";
import { type Note, type StepOwner } from "./step.js";
import type { ChainStep, StepOptions } from "./types.js";
export declare class Driver implements StepOwner {
    #private;
    readonly calls: RunCalls;
    readonly codec: Codec;
    readonly acceptsDivergence: boolean;
    constructor(calls: RunCalls, codec: Codec, history: readonly Step[], acceptsDivergence: boolean);
    get runId(): string;
    get lost(): AbortSignal;
    /** Recorded keys that the program has not come to. */
    unvisited(): string[];
    visit(key: string): void;
    step(key: string, options: StepOptions, code: Code): Promise<unknown>;
    /** Straight-line steps: one round trip each, as every outcome carries the next intent. */
    chain(steps: Iterable<ChainStep>): Promise<unknown[]>;
    decode(payload: Payload | undefined): unknown;
    note(key: string, attempt: number, note: Note): Promise<void>;
    /** A heartbeat of one open step tells a new stream that the lease is in use. */
    reopened(): void;
}
