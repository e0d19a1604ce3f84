// SPDX-License-Identifier: Apache-2.0
// What the code of a step sees of it.
import { AsyncLocalStorage } from "node:async_hooks";
/** One attempt of a step, seen from inside. */
export class StepContext {
    key;
    #owner;
    #execute;
    #usage;
    #abort;
    #timedOut;
    /** @internal */
    constructor(owner, key, execute) {
        this.#owner = owner;
        this.key = key;
        this.#execute = execute;
    }
    get runId() {
        return this.#owner.runId;
    }
    /** From 1. */
    get attempt() {
        return this.#execute.attempt;
    }
    /** Hand this to the effect: the same on every attempt and every node. */
    get idempotencyKey() {
        return this.#execute.idempotencyKey;
    }
    /** Rises with every authorisation; for systems that can fence. */
    get fencingToken() {
        return this.#execute.fencingToken;
    }
    /** After this the attempt counts as lost. */
    get deadline() {
        return this.#execute.deadlineMs === 0 ? undefined : new Date(this.#execute.deadlineMs);
    }
    /** What earlier attempts noted. */
    get externalRefs() {
        return this.#execute.externalRefs;
    }
    /** The latest progress earlier attempts noted. */
    get progress() {
        return this.#owner.decode(this.#execute.progress);
    }
    /** Aborted at the deadline and when the lease is lost: hand it to fetch. */
    get signal() {
        if (this.#abort === undefined) {
            this.#abort = new AbortController();
            if (this.#timedOut !== undefined)
                this.#abort.abort(this.#timedOut);
        }
        return AbortSignal.any([this.#owner.lost, this.#abort.signal]);
    }
    /** Durable when it resolves: what recovery can ask the provider by. */
    async note(note) {
        await this.#owner.note(this.key, this.attempt, note);
    }
    /** Tells that the attempt is alive. */
    async heartbeat() {
        await this.#owner.note(this.key, this.attempt, {});
    }
    /** Adds to what this attempt consumed. */
    usage(used) {
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
    get used() {
        return this.#usage;
    }
    /** @internal Its code goes on, unheard. */
    get ranOutOfTime() {
        return this.#timedOut !== undefined;
    }
    /** @internal */
    timeOut(reason) {
        this.#timedOut = reason;
        this.#abort?.abort(reason);
    }
}
const storage = new AsyncLocalStorage();
/** The step whose code is running, however deep the call; undefined outside one. */
export function currentStep() {
    return storage.getStore();
}
/** @internal */
export function runInStep(step, code) {
    return storage.run(step, code, step);
}
