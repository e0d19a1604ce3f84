// SPDX-License-Identifier: Apache-2.0
// A run, held by this process: what an agent's code works with.
import { failureOfError } from "./attempt.js";
import { newRequestId, RunCalls, unanswered } from "./calls.js";
import { beginToWire, dateOf, decodeValue, encodeValue, failureToWire, runInfoOf, stateOf, usageToWire, verdictOf, } from "./convert.js";
import { Driver } from "./driver.js";
import { Fenced, RunEnded, RunFailed } from "./errors.js";
import { DivergencePolicy, RunState as WireRunState, } from "./proto/stepwell/v1/types.js";
/** A run whose lease this process holds. Steps may be taken in parallel. */
export class Run {
    runId;
    task;
    labels;
    /** The version of the program that started it. */
    codeVersion;
    /** The right to write to the run; a newer one fences this. */
    lease;
    #codec;
    #wire;
    #lost = new AbortController();
    #calls;
    #driver;
    #left;
    #ended;
    #detached = false;
    /** @internal */
    constructor(parts) {
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
    get input() {
        return decodeValue(this.#codec, this.#wire.input);
    }
    /** The run as it stood when it was opened. */
    get info() {
        return runInfoOf(this.#codec, this.#wire);
    }
    /** True when it has ended: then only `info` and `execute` are of use. */
    get ended() {
        return this.#ended;
    }
    /** Aborted when somebody else takes the run. */
    get lost() {
        return this.#lost.signal;
    }
    async step(key, ...rest) {
        const [options, code] = rest.length === 1 ? [{}, rest[0]] : rest;
        this.#check();
        return (await this.#driver.step(key, options, code));
    }
    async chain(steps) {
        this.#check();
        return this.#driver.chain(steps);
    }
    /** Ends the run with a result. */
    async end(result) {
        this.#check();
        const unvisitedKeys = this.#driver.unvisited();
        await this.#calls.end({ result: encodeValue(this.#codec, result), unvisitedKeys });
        this.#ended = true;
        this.detach();
    }
    /** Ends the run with a failure. */
    async fail(failure) {
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
    async execute(program) {
        if (this.#ended)
            return this.#outcome();
        try {
            const result = await program(this);
            if (!this.#ended)
                await this.end(result);
            return result;
        }
        catch (error) {
            if (error instanceof RunFailed && error.runId === undefined && !this.#ended) {
                const { type, message, details } = error;
                await this.fail({ type, message, details });
                error.runId = this.runId;
            }
            throw error;
        }
        finally {
            this.detach();
        }
    }
    /** Leaves the run as it is, for a later open() or claim() to go on with. */
    detach() {
        if (this.#detached)
            return;
        this.#detached = true;
        this.#left(this);
    }
    async [Symbol.asyncDispose]() {
        this.detach();
    }
    /** By hand: asks whether to act. Always a round trip. */
    async begin(key, options = {}) {
        this.#check();
        this.#driver.visit(key);
        const begin = beginToWire(this.#codec, key, options, newRequestId());
        return verdictOf(this.#codec, this.runId, key, await this.#calls.begin(begin));
    }
    /** By hand: tells how an attempt ended, and asks about the step named `next` along with it. */
    async complete(key, attempt, outcome, along = {}) {
        this.#check();
        const { next, usage } = along;
        const codec = this.#codec;
        if (next !== undefined)
            this.#driver.visit(next.key);
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
    async note(key, attempt, note = {}) {
        this.#check();
        await this.#driver.note(key, attempt, note);
    }
    /** @internal A newer lease exists. */
    lose() {
        const facts = { reason: "LEASE_FENCED", code: 10, metadata: { run_id: this.runId } };
        this.#lost.abort(new Fenced(`a newer lease holds run "${this.runId}"`, facts));
    }
    /** @internal The session's stream was opened again. */
    reopened() {
        this.#driver.reopened();
    }
    #check() {
        if (this.#lost.signal.aborted)
            throw this.#lost.signal.reason;
        if (this.#ended)
            throw new RunEnded(`run "${this.runId}" has ended`, { reason: "RUN_ENDED", code: 9 });
    }
    #outcome() {
        const { result, failure } = this.info;
        if (failure === undefined)
            return result;
        const error = new RunFailed(failure.type, failure.message, failure.details);
        error.runId = this.runId;
        throw error;
    }
}
