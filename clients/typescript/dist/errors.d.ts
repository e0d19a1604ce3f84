/** What the sidecar said about an error, as far as it said it. */
export interface ErrorFacts {
    /** One of the contract's reasons, such as "LEASE_FENCED"; "" when none was given. */
    readonly reason?: string;
    /** The canonical gRPC status code. */
    readonly code?: number;
    /** Facts, such as the field and its limit. */
    readonly metadata?: Readonly<Record<string, string>>;
    /** After this a retry makes sense, ms; 0 = do not. */
    readonly retryAfterMs?: number;
    readonly cause?: unknown;
}
/** The base of every error this library makes. */
export declare class StepwellError extends Error {
    readonly reason: string;
    readonly code: number;
    readonly metadata: Readonly<Record<string, string>>;
    readonly retryAfterMs: number;
    constructor(message: string, facts?: ErrorFacts);
}
/** Retry later: the sidecar could not be reached for `patienceMs`, or cannot work now. */
export declare class Unavailable extends StepwellError {
}
/** Retry later or ask for less: a queue, a bound or the disk is full. */
export declare class ResourceExhausted extends StepwellError {
}
/** Fix the program: a value is out of bounds or of the wrong type; `metadata` names the field. */
export declare class InvalidArgument extends StepwellError {
}
/** Fix the program: no such run or step. */
export declare class NotFound extends StepwellError {
}
/** Fix the program: the run exists with another input or task. */
export declare class RunConflict extends StepwellError {
}
/** Fix the set-up: the sidecar's configuration does not allow this, or it is not a Stepwell sidecar. */
export declare class Misconfigured extends StepwellError {
}
/** Stop: somebody else holds the run, or a newer attempt of the step exists. */
export declare class Fenced extends StepwellError {
}
/** Stop: the run has ended. */
export declare class RunEnded extends StepwellError {
}
/** Stop: the step has another outcome than the one offered; go by the record. */
export declare class OutcomeConflict extends StepwellError {
}
/** Ask again: the step's doubt has ended meanwhile. */
export declare class NotInDoubt extends StepwellError {
}
/** Call a person: stored bytes fail their checksum. */
export declare class Corrupt extends StepwellError {
}
/** Decide: the step failed for good. The run goes on; catch this to go on with it. */
export declare class StepFailed extends StepwellError {
    readonly key: string;
    /** The stable name of the failure, such as "RateLimitError". */
    readonly type: string;
    /** The attempt that ended it. */
    readonly attempt: number;
    /** What the failing code attached. */
    readonly details?: unknown;
    constructor(key: string, 
    /** The stable name of the failure, such as "RateLimitError". */
    type: string, message: string, 
    /** The attempt that ended it. */
    attempt: number, 
    /** What the failing code attached. */
    details?: unknown, cause?: unknown);
}
/** Find out: the step may or may not have happened, and nobody could say. */
export declare class StepInDoubt extends StepwellError {
    readonly key: string;
    readonly doubt: Doubt;
    constructor(key: string, doubt: Doubt, cause?: unknown);
}
/** Fix the program: this is not the step that was recorded under the key. */
export declare class Diverged extends StepwellError {
    readonly key: string;
    readonly recorded: {
        readonly name: string;
        readonly digest: Uint8Array;
    };
    readonly offered: {
        readonly name: string;
        readonly digest: Uint8Array;
    };
    constructor(key: string, recorded: {
        readonly name: string;
        readonly digest: Uint8Array;
    }, offered: {
        readonly name: string;
        readonly digest: Uint8Array;
    });
}
/**
 * The run failed for good. Throw it inside `client.run` to end the run so;
 * `client.run` throws it for a run that has ended so.
 */
export declare class RunFailed extends StepwellError {
    readonly type: string;
    readonly details?: unknown;
    /** The run that has ended so; undefined until one has. */
    runId: string | undefined;
    constructor(type: string, message: string, details?: unknown, cause?: unknown);
}
/** What is known about a step in doubt: look the effect up by it. */
export interface Doubt {
    readonly runId: string;
    readonly key: string;
    /** Attempts begun so far. */
    readonly attempts: number;
    /** What was handed to the effect. */
    readonly idempotencyKey: string;
    /** What the attempts noted. */
    readonly externalRefs: readonly string[];
    /** The latest progress noted. */
    readonly progress: unknown;
    /** What the lost attempt's holder called itself. */
    readonly holder: string;
    /** When the lost attempt began. */
    readonly begunAt: Date;
    readonly reason: "holder gone" | "timed out" | "reported";
}
/** Throw inside a step: it ended, and nobody here knows whether the effect took place. */
export declare class OutcomeUnknown extends Error {
    readonly name = "OutcomeUnknown";
}
/** Throw inside a step: it failed, and no retry will help. */
export declare class NonRetryable extends Error {
    readonly name: string;
    /** `type` is what `StepFailed.type` will say. */
    constructor(message: string, options?: {
        readonly type?: string;
        readonly details?: unknown;
        readonly cause?: unknown;
    });
    readonly details: unknown;
}
type ErrorClass = new (message: string, facts: ErrorFacts) => StepwellError;
/** Every reason of the contract, and what the caller should do about it. */
export declare const errorOfReason: Readonly<Record<string, ErrorClass>>;
/** The one place where what the sidecar said becomes an error. */
export declare function errorOf(message: string, facts: ErrorFacts): StepwellError;
export {};
