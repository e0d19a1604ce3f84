// SPDX-License-Identifier: Apache-2.0
// Runs the code of one attempt and says how it ended. Knows no wire calls.
import type { Codec } from "./codec.js";
import { encodeValue } from "./convert.js";
import {
  Corrupt,
  Fenced,
  Misconfigured,
  NonRetryable,
  OutcomeUnknown,
  RunEnded,
  StepwellError,
  Unavailable,
} from "./errors.js";
import type { Payload } from "./proto/stepwell/v1/types.js";
import { runInStep, type StepContext } from "./step.js";
import type { Failure, StepOptions } from "./types.js";
import { isConnectionLoss } from "./unknown.js";

/** How an attempt ended. */
export type Ending =
  | { readonly kind: "output"; readonly value: unknown; readonly payload: Payload }
  | { readonly kind: "failure" | "unknown"; readonly failure: Failure; readonly error: unknown };

/** The code of a step, with whatever it is called with. */
export type Code = (step: StepContext) => unknown;

/**
 * Throws only what is no ending of the attempt: an error of ours never reads as
 * a failure of the step. Code that returns no promise costs none.
 */
export function runAttempt(
  step: StepContext,
  options: StepOptions,
  code: Code,
  codec: Codec,
): Ending | Promise<Ending> {
  let value: unknown;
  try {
    value = runInStep(step, code);
  } catch (error) {
    return endingOf(error, options, step);
  }
  return isThenable(value) ? settle(step, options, value, codec) : outputOf(value, options, codec);
}

async function settle(
  step: StepContext,
  options: StepOptions,
  promise: PromiseLike<unknown>,
  codec: Codec,
): Promise<Ending> {
  let value: unknown;
  try {
    value = await (options.timeoutMs ? withinTime(step, promise, options.timeoutMs) : promise);
  } catch (error) {
    return endingOf(error, options, step);
  }
  return outputOf(value, options, codec);
}

function outputOf(value: unknown, options: StepOptions, codec: Codec): Ending {
  try {
    return { kind: "output", value, payload: encodeValue(codec, value) };
  } catch (error) {
    return lostOutput(options, error);
  }
}

/** The effect took place, but what it returned cannot be recorded. */
export function lostOutput(options: StepOptions, error: unknown): Ending {
  const message = `the step's output cannot be recorded: ${(error as Error).message}`;
  const failure = { type: "OutputError", message, nonRetryable: true };
  return { kind: isOnce(options) ? "unknown" : "failure", failure, error };
}

function endingOf(error: unknown, options: StepOptions, step: StepContext): Ending {
  if (isOurs(error)) throw error;
  const failure = failureOfError(error);
  if (error instanceof OutcomeUnknown || step.ranOutOfTime)
    return { kind: "unknown", failure, error };
  const open = isOnce(options) && (options.unknownOn ?? isConnectionLoss)(error);
  return { kind: open ? "unknown" : "failure", failure, error };
}

function isOnce(options: StepOptions): boolean {
  return options.effect === undefined || options.effect === "once";
}

/** Errors about the run itself, met inside a step (by a note, say): they end the program, not the step. */
function isOurs(error: unknown): boolean {
  return (
    error instanceof StepwellError &&
    (error instanceof Fenced ||
      error instanceof Unavailable ||
      error instanceof RunEnded ||
      error instanceof Misconfigured ||
      error instanceof Corrupt)
  );
}

/** Any thrown thing as a failure: type from its name, or its class when it has no name of its own. */
export function failureOfError(error: unknown): Failure {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const own = error.name !== "Error" ? error.name : error.constructor.name;
  const failure = { type: own || "Error", message: error.message };
  if (error instanceof NonRetryable)
    return { ...failure, nonRetryable: true, details: error.details };
  return failure;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

/** The sidecar counts the attempt as lost then; waiting longer would only hide it. */
async function withinTime(
  step: StepContext,
  value: PromiseLike<unknown>,
  timeoutMs: number,
): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(
      () => {
        const reason = new DOMException(`no outcome within ${timeoutMs} ms`, "TimeoutError");
        step.timeOut(reason);
        reject(reason);
      },
      Math.min(timeoutMs, 2 ** 31 - 1),
    );
  });
  try {
    return await Promise.race([value, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
