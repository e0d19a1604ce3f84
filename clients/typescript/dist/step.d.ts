import type { Usage } from "./types.js";
/** What was learned inside a step. */
export interface Note {
    /** What the provider knows the effect by, such as a payment id. */
    readonly externalRef?: string;
    /** Replaces the progress noted before. */
    readonly progress?: unknown;
}
/** One attempt of a step, seen from inside. */
export declare class StepContext {
    #private;
    readonly key: string;
    get runId(): string;
    /** From 1. */
    get attempt(): number;
    /** Hand this to the effect: the same on every attempt and every node. */
    get idempotencyKey(): string;
    /** Rises with every authorisation; for systems that can fence. */
    get fencingToken(): number;
    /** After this the attempt counts as lost. */
    get deadline(): Date | undefined;
    /** What earlier attempts noted. */
    get externalRefs(): readonly string[];
    /** The latest progress earlier attempts noted. */
    get progress(): unknown;
    /** Aborted at the deadline and when the lease is lost: hand it to fetch. */
    get signal(): AbortSignal;
    /** Durable when it resolves: what recovery can ask the provider by. */
    note(note: Note): Promise<void>;
    /** Tells that the attempt is alive. */
    heartbeat(): Promise<void>;
    /** Adds to what this attempt consumed. */
    usage(used: Usage): void;
}
/** The step whose code is running, however deep the call; undefined outside one. */
export declare function currentStep(): StepContext | undefined;
