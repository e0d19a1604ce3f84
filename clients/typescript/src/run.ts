// SPDX-License-Identifier: Apache-2.0
// A run, held by this process: what an agent's code works with.
import { failureOfError } from "./attempt.js";
import { newRequestId, RunCalls, unanswered } from "./calls.js";
import type { Codec } from "./codec.js";
import {
  beginToWire,
  dateOf,
  decodeValue,
  encodeValue,
  failureToWire,
  runInfoOf,
  stateOf,
  usageToWire,
  verdictOf,
} from "./convert.js";
import { Driver } from "./driver.js";
import { Fenced, RunEnded, RunFailed } from "./errors.js";
import {
  DivergencePolicy,
  type Step,
  type Run as WireRun,
  RunState as WireRunState,
} from "./proto/stepwell/v1/types.js";
import type { Session } from "./session.js";
import type { Note } from "./step.js";
import type {
  BeginOptions,
  ChainStep,
  Completion,
  Failure,
  Outcome,
  RunInfo,
  StepFunction,
  StepOptions,
  Usage,
  Verdict,
} from "./types.js";

/** @internal What a Run is made of. */
export interface RunParts {
  readonly session: Session;
  readonly codec: Codec;
  readonly run: WireRun;
  readonly lease: number;
  readonly history: readonly Step[];
  /** Called once, when this process no longer works on the run. */
  readonly left: (run: Run) => void;
}

/** A run whose lease this process holds. Steps may be taken in parallel. */
export class Run {
  readonly runId: string;
  readonly task: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The version of the program that started it. */
  readonly codeVersion: string;
  /** The right to write to the run; a newer one fences this. */
  readonly lease: number;
  readonly #codec: Codec;
  readonly #wire: WireRun;
  readonly #lost = new AbortController();
  readonly #calls: RunCalls;
  readonly #driver: Driver;
  readonly #left: (run: Run) => void;
  #ended: boolean;
  #detached = false;

  /** @internal */
  constructor(parts: RunParts) {
    const { session, codec, run, lease } = parts;
    this.runId = run.runId;
    this.task = run.task;
    this.labels = run.labels;
    this.codeVersion = run.codeVersion;
    this.lease = lease;
    this.#codec = codec;
    this.#wire = run;
    this.#left = parts.left;
    this.#ended = run.state !== WireRunState.RUNNING;
    this.#calls = new RunCalls(session, run.runId, lease, this.#lost.signal);
    const accepts = run.onDivergence === DivergencePolicy.ACCEPT;
    this.#driver = new Driver(this.#calls, codec, parts.history, accepts);
  }

  /** What the run works on. */
  get input(): unknown {
    return decodeValue(this.#codec, this.#wire.input);
  }

  /** The run as it stood when it was opened. */
  get info(): RunInfo {
    return runInfoOf(this.#codec, this.#wire);
  }

  /** True when it has ended: then only `info` and `execute` are of use. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Aborted when somebody else takes the run. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * One step: asks, runs `code` if it may, tells. Resolves with what the step
   * returned, now or in an earlier execution.
   */
  step<T>(key: string, code: StepFunction<T>): Promise<T>;
  step<T>(key: string, options: StepOptions<T>, code: StepFunction<T>): Promise<T>;
  async step<T>(
    key: string,
    ...rest: [StepFunction<T>] | [StepOptions<T>, StepFunction<T>]
  ): Promise<T> {
    const [options, code] = rest.length === 1 ? [{}, rest[0]] : rest;
    this.#check();
    return (await this.#driver.step(key, options, code)) as T;
  }

  /** Straight-line steps, each begun together with the outcome of the one before: half the round trips. */
  chain<const T extends readonly unknown[]>(
    steps: readonly [...{ [K in keyof T]: ChainStep<T[K]> }],
  ): Promise<T>;
  chain<T>(steps: Iterable<ChainStep<T>>): Promise<T[]>;
  async chain(steps: Iterable<ChainStep>): Promise<unknown[]> {
    this.#check();
    return this.#driver.chain(steps);
  }

  /** Ends the run with a result. */
  async end(result?: unknown): Promise<void> {
    this.#check();
    const unvisitedKeys = this.#driver.unvisited();
    await this.#calls.end({ result: encodeValue(this.#codec, result), unvisitedKeys });
    this.#ended = true;
    this.detach();
  }

  /** Ends the run with a failure. */
  async fail(failure: Failure | Error): Promise<void> {
    this.#check();
    const unvisitedKeys = this.#driver.unvisited();
    const given = failure instanceof Error ? failureOfError(failure) : failure;
    await this.#calls.end({ failure: failureToWire(this.#codec, given), unvisitedKeys });
    this.#ended = true;
    this.detach();
  }

  /**
   * Runs `program` and ends the run with what it returns, or with the RunFailed it
   * throws. Any other error leaves the run open, to be resumed. A run that has
   * ended answers as it ended, without running anything.
   */
  async execute<T>(program: (run: Run) => T | Promise<T>): Promise<T> {
    if (this.#ended) return this.#outcome() as T;
    try {
      const result = await program(this);
      if (!this.#ended) await this.end(result);
      return result;
    } catch (error) {
      if (error instanceof RunFailed && error.runId === undefined && !this.#ended) {
        const { type, message, details } = error;
        await this.fail({ type, message, details });
        error.runId = this.runId;
      }
      throw error;
    } finally {
      this.detach();
    }
  }

  /** Leaves the run as it is, for a later open() or claim() to go on with. */
  detach(): void {
    if (this.#detached) return;
    this.#detached = true;
    this.#left(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.detach();
  }

  /** By hand: asks whether to act. Always a round trip. */
  async begin(key: string, options: BeginOptions = {}): Promise<Verdict> {
    this.#check();
    this.#driver.visit(key);
    const begin = beginToWire(this.#codec, key, options, newRequestId());
    return verdictOf(this.#codec, this.runId, key, await this.#calls.begin(begin));
  }

  /** By hand: tells how an attempt ended, and asks about the step named `next` along with it. */
  async complete(
    key: string,
    attempt: number,
    outcome: Outcome,
    along: { readonly usage?: Usage; readonly next?: BeginOptions & { readonly key: string } } = {},
  ): Promise<Completion> {
    this.#check();
    const { next, usage } = along;
    const codec = this.#codec;
    if (next !== undefined) this.#driver.visit(next.key);
    const { completeStep } = await this.#calls.complete({
      runId: this.runId,
      lease: this.lease,
      key,
      attempt,
      output: "output" in outcome ? encodeValue(codec, outcome.output) : undefined,
      failure: "failure" in outcome ? failureToWire(codec, outcome.failure) : undefined,
      unknown: "unknown" in outcome ? failureToWire(codec, outcome.unknown) : undefined,
      usage: usage && usageToWire(usage),
      beginNext: next && beginToWire(codec, next.key, next, newRequestId()),
    });
    const answer = completeStep ?? unanswered();
    return {
      lsn: answer.lsn,
      state: stateOf(answer.state),
      notBefore: dateOf(answer.notBeforeMs),
      next: next && verdictOf(codec, this.runId, next.key, answer.next ?? unanswered()),
    };
  }

  /** By hand: tells what was learned inside an open step; an empty note is a heartbeat. */
  async note(key: string, attempt: number, note: Note = {}): Promise<void> {
    this.#check();
    await this.#driver.note(key, attempt, note);
  }

  /** @internal A newer lease exists. */
  lose(): void {
    const facts = { reason: "LEASE_FENCED", code: 10, metadata: { run_id: this.runId } };
    this.#lost.abort(new Fenced(`a newer lease holds run "${this.runId}"`, facts));
  }

  /** @internal The session's stream was opened again. */
  reopened(): void {
    this.#driver.reopened();
  }

  #check(): void {
    if (this.#lost.signal.aborted) throw this.#lost.signal.reason;
    if (this.#ended)
      throw new RunEnded(`run "${this.runId}" has ended`, { reason: "RUN_ENDED", code: 9 });
  }

  #outcome(): unknown {
    const { result, failure } = this.info;
    if (failure === undefined) return result;
    const error = new RunFailed(failure.type, failure.message, failure.details);
    error.runId = this.runId;
    throw error;
  }
}
