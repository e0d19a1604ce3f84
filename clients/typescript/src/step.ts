// SPDX-License-Identifier: Apache-2.0
// What the code of a step sees of it.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Execute } from "./proto/stepwell/v1/types.js";
import type { Usage } from "./types.js";

/** What was learned inside a step. */
export interface Note {
  /** What the provider knows the effect by, such as a payment id. */
  readonly externalRef?: string;
  /** Replaces the progress noted before. */
  readonly progress?: unknown;
}

/** @internal What a step needs of its run. */
export interface StepOwner {
  readonly runId: string;
  /** Aborted when the lease is lost. */
  readonly lost: AbortSignal;
  decode(payload: Execute["progress"]): unknown;
  note(key: string, attempt: number, note: Note): Promise<void>;
}

/** One attempt of a step, seen from inside. */
export class StepContext {
  readonly key: string;
  readonly #owner: StepOwner;
  readonly #execute: Execute;
  #usage: Required<Usage> | undefined;
  #abort: AbortController | undefined;
  #timedOut: DOMException | undefined;

  /** @internal */
  constructor(owner: StepOwner, key: string, execute: Execute) {
    this.#owner = owner;
    this.key = key;
    this.#execute = execute;
  }

  get runId(): string {
    return this.#owner.runId;
  }

  /** From 1. */
  get attempt(): number {
    return this.#execute.attempt;
  }

  /** Hand this to the effect: the same on every attempt and every node. */
  get idempotencyKey(): string {
    return this.#execute.idempotencyKey;
  }

  /** Rises with every authorisation; for systems that can fence. */
  get fencingToken(): number {
    return this.#execute.fencingToken;
  }

  /** After this the attempt counts as lost. */
  get deadline(): Date | undefined {
    return this.#execute.deadlineMs === 0 ? undefined : new Date(this.#execute.deadlineMs);
  }

  /** What earlier attempts noted. */
  get externalRefs(): readonly string[] {
    return this.#execute.externalRefs;
  }

  /** The latest progress earlier attempts noted. */
  get progress(): unknown {
    return this.#owner.decode(this.#execute.progress);
  }

  /** Aborted at the deadline and when the lease is lost: hand it to fetch. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#timedOut !== undefined) this.#abort.abort(this.#timedOut);
    }
    return AbortSignal.any([this.#owner.lost, this.#abort.signal]);
  }

  /** Durable when it resolves: what recovery can ask the provider by. */
  async note(note: Note): Promise<void> {
    await this.#owner.note(this.key, this.attempt, note);
  }

  /** Tells that the attempt is alive. */
  async heartbeat(): Promise<void> {
    await this.#owner.note(this.key, this.attempt, {});
  }

  /** Adds to what this attempt consumed. */
  usage(used: Usage): void {
    const sum = this.#usage ?? {
      inputTokens: 0,
      cachedInputTokens: 0,
      outputTokens: 0,
      costMicros: 0,
    };
    this.#usage = {
      inputTokens: sum.inputTokens + (used.inputTokens ?? 0),
      cachedInputTokens: sum.cachedInputTokens + (used.cachedInputTokens ?? 0),
      outputTokens: sum.outputTokens + (used.outputTokens ?? 0),
      costMicros: sum.costMicros + (used.costMicros ?? 0),
    };
  }

  /** @internal */
  get used(): Required<Usage> | undefined {
    return this.#usage;
  }

  /** @internal Its code goes on, unheard. */
  get ranOutOfTime(): boolean {
    return this.#timedOut !== undefined;
  }

  /** @internal */
  timeOut(reason: DOMException): void {
    this.#timedOut = reason;
    this.#abort?.abort(reason);
  }
}

const storage = new AsyncLocalStorage<StepContext>();

/** The step whose code is running, however deep the call; undefined outside one. */
export function currentStep(): StepContext | undefined {
  return storage.getStore();
}

/** @internal */
export function runInStep<T>(step: StepContext, code: (step: StepContext) => T): T {
  return storage.run(step, code, step);
}
