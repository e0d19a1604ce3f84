import type { Codec } from "./codec.js";
import type { Payload } from "./proto/stepwell/v1/types.js";
import { type StepContext } from "./step.js";
import type { Failure, StepOptions } from "./types.js";
/** How an attempt ended. */
export type Ending = {
    readonly kind: "output";
    readonly value: unknown;
    readonly payload: Payload;
} | {
    readonly kind: "failure" | "unknown";
    readonly failure: Failure;
    readonly error: unknown;
};
/** The code of a step, with whatever it is called with. */
export type Code = (step: StepContext) => unknown;
/**
 * Throws only what is no ending of the attempt: an error of ours never reads as
 * a failure of the step. Code that returns no promise costs none.
 */
export declare function runAttempt(step: StepContext, options: StepOptions, code: Code, codec: Codec): Ending | Promise<Ending>;
/** The effect took place, but what it returned cannot be recorded. */
export declare function lostOutput(options: StepOptions, error: unknown): Ending;
/** Any thrown thing as a failure: type from its name, or its class when it has no name of its own. */
export declare function failureOfError(error: unknown): Failure;
