// SPDX-License-Identifier: Apache-2.0
// Errors, split by what the caller should do about them. One table at the end
// maps every reason the sidecar knows to one of these classes.

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
export class StepwellError extends Error {
  readonly reason: string;
  readonly code: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfterMs: number;

  constructor(message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.reason = facts.reason ?? "";
    this.code = facts.code ?? 2;
    this.metadata = facts.metadata ?? {};
    this.retryAfterMs = facts.retryAfterMs ?? 0;
  }
}

/** Retry later: the sidecar could not be reached for `patienceMs`, or cannot work now. */
export class Unavailable extends StepwellError {}
/** Retry later or ask for less: a queue, a bound or the disk is full. */
export class ResourceExhausted extends StepwellError {}
/** Fix the program: a value is out of bounds or of the wrong type; `metadata` names the field. */
export class InvalidArgument extends StepwellError {}
/** Fix the program: no such run or step. */
export class NotFound extends StepwellError {}
/** Fix the program: the run exists with another input or task. */
export class RunConflict extends StepwellError {}
/** Fix the set-up: the sidecar's configuration does not allow this, or it is not a Stepwell sidecar. */
export class Misconfigured extends StepwellError {}
/** Stop: somebody else holds the run, or a newer attempt of the step exists. */
export class Fenced extends StepwellError {}
/** Stop: the run has ended. */
export class RunEnded extends StepwellError {}
/** Stop: the step has another outcome than the one offered; go by the record. */
export class OutcomeConflict extends StepwellError {}
/** Ask again: the step's doubt has ended meanwhile. */
export class NotInDoubt extends StepwellError {}
/** Call a person: stored bytes fail their checksum. */
export class Corrupt extends StepwellError {}

/** Decide: the step failed for good. The run goes on; catch this to go on with it. */
export class StepFailed extends StepwellError {
  constructor(
    readonly key: string,
    /** The stable name of the failure, such as "RateLimitError". */
    readonly type: string,
    message: string,
    /** The attempt that ended it. */
    readonly attempt: number,
    /** What the failing code attached. */
    readonly details?: unknown,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** Find out: the step may or may not have happened, and nobody could say. */
export class StepInDoubt extends StepwellError {
  constructor(
    readonly key: string,
    readonly doubt: Doubt,
    cause?: unknown,
  ) {
    super(
      `step "${key}" is in doubt (${doubt.reason}): give it a reconcile function, or resolve it by hand`,
      { cause },
    );
  }
}

/** Fix the program: this is not the step that was recorded under the key. */
export class Diverged extends StepwellError {
  constructor(
    readonly key: string,
    readonly recorded: { readonly name: string; readonly digest: Uint8Array },
    readonly offered: { readonly name: string; readonly digest: Uint8Array },
  ) {
    super(
      recorded.name === offered.name
        ? `step "${key}" was recorded with another input`
        : `step "${key}" was recorded as "${recorded.name}", not "${offered.name}"`,
    );
  }
}

/**
 * The run failed for good. Throw it inside `client.run` to end the run so;
 * `client.run` throws it for a run that has ended so.
 */
export class RunFailed extends StepwellError {
  /** The run that has ended so; undefined until one has. */
  runId: string | undefined;

  constructor(
    readonly type: string,
    message: string,
    readonly details?: unknown,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
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
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";
}

/** Throw inside a step: it failed, and no retry will help. */
export class NonRetryable extends Error {
  override readonly name: string = "NonRetryable";
  /** `type` is what `StepFailed.type` will say. */
  constructor(
    message: string,
    options: { readonly type?: string; readonly details?: unknown; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    if (options.type !== undefined) this.name = options.type;
    this.details = options.details;
  }
  readonly details: unknown;
}

type ErrorClass = new (message: string, facts: ErrorFacts) => StepwellError;

/** Every reason of the contract, and what the caller should do about it. */
export const errorOfReason: Readonly<Record<string, ErrorClass>> = {
  INVALID_FIELD: InvalidArgument,
  RUN_NOT_FOUND: NotFound,
  STEP_NOT_FOUND: NotFound,
  RUN_CONFLICT: RunConflict,
  OUTCOME_CONFLICT: OutcomeConflict,
  RUN_ENDED: RunEnded,
  STEP_NOT_IN_DOUBT: NotInDoubt,
  NO_OBJECT_STORE: Misconfigured,
  LEASE_FENCED: Fenced,
  ATTEMPT_SUPERSEDED: Fenced,
  TOO_MANY_OPEN_STEPS: ResourceExhausted,
  TOO_MANY_OPEN_RUNS: ResourceExhausted,
  QUEUE_FULL: ResourceExhausted,
  JOURNAL_FULL: ResourceExhausted,
  BACKLOG_FULL: ResourceExhausted,
  MESSAGE_TOO_LARGE: ResourceExhausted,
  RESTORING: Unavailable,
  DRAINING: Unavailable,
  CORRUPT: Corrupt,
  STORAGE_FAILED: Unavailable,
  JOURNAL_LOCKED: Misconfigured,
  JOURNAL_TOO_NEW: Misconfigured,
  CONFIGURATION: Misconfigured,
  OWNER_FENCED: Fenced,
  JOURNAL_RETIRED: Misconfigured,
  STORE_UNAVAILABLE: Unavailable,
  STORE_REFUSED: Misconfigured,
  STORE_UNSAFE: Misconfigured,
  NO_MEMORY: ResourceExhausted,
  CANCELLED: StepwellError,
  NOT_LOADED: StepwellError,
};

/** For errors without a reason, or with one newer than this library. */
const errorOfCode: Readonly<Record<number, ErrorClass>> = {
  1: Unavailable,
  3: InvalidArgument,
  4: Unavailable,
  5: NotFound,
  6: RunConflict,
  7: Misconfigured,
  8: ResourceExhausted,
  9: Misconfigured,
  10: Fenced,
  11: InvalidArgument,
  12: Misconfigured,
  14: Unavailable,
  15: Corrupt,
  16: Misconfigured,
};

/** The one place where what the sidecar said becomes an error. */
export function errorOf(message: string, facts: ErrorFacts): StepwellError {
  const known = errorOfReason[facts.reason ?? ""] ?? errorOfCode[facts.code ?? 2];
  return new (known ?? StepwellError)(message, facts);
}
