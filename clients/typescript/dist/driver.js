// SPDX-License-Identifier: Apache-2.0
// Drives the steps of one run: asks, acts, tells, waits, reconciles. Each verdict
// of the contract has one branch in `#drive`.
import { setTimeout as sleep } from "node:timers/promises";
import { lostOutput, runAttempt } from "./attempt.js";
import { newRequestId, unanswered } from "./calls.js";
import { beginToWire, cut, decodeValue, doubtOf, encodeValue, failureToWire, offeredDigest, resolutionToWire, sameBytes, } from "./convert.js";
import { Diverged, InvalidArgument, NotInDoubt, ResourceExhausted, StepFailed, StepInDoubt, } from "./errors.js";
import { StepState, WaitReason, } from "./proto/stepwell/v1/types.js";
import { StepContext } from "./step.js";
const POLL_FIRST_MS = 50;
const POLL_MAX_MS = 2000;
const SLEEP_MIN_MS = 5; // against a clock that is a little behind the sidecar's
const SLEEP_MAX_MS = 2 ** 31 - 1;
const UNVISITED_MAX = 1000;
const BY_BYTES_MAX = 256;
export class Driver {
    calls;
    codec;
    acceptsDivergence;
    #open = new Set();
    #recorded;
    #unvisited;
    constructor(calls, codec, history, acceptsDivergence) {
        this.calls = calls;
        this.codec = codec;
        this.acceptsDivergence = acceptsDivergence;
        this.#recorded = new Map(history.map((step) => [step.key, step]));
        this.#unvisited = new Set(this.#recorded.keys());
    }
    get runId() {
        return this.calls.runId;
    }
    get lost() {
        return this.calls.lost;
    }
    /** Recorded keys that the program has not come to. */
    unvisited() {
        return [...this.#unvisited].slice(0, UNVISITED_MAX);
    }
    visit(key) {
        if (this.#unvisited.size > 0)
            this.#unvisited.delete(key);
    }
    async step(key, options, code) {
        const task = this.#task(key, options, options.input, code);
        const recorded = this.#replayLocally(task);
        if (recorded !== undefined)
            return recorded.value;
        return (await this.#drive(task, await this.calls.begin(task.begin))).value;
    }
    /** Straight-line steps: one round trip each, as every outcome carries the next intent. */
    async chain(steps) {
        const values = [];
        const chain = new Chain(steps, (step, previous) => this.#chained(step, previous));
        try {
            let task = chain.after(undefined);
            let verdict;
            while (task !== undefined) {
                let done = verdict === undefined ? this.#replayLocally(task) : undefined;
                chain.advance();
                done ??= await this.#drive(task, verdict ?? (await this.calls.begin(task.begin)), chain);
                values.push(done.value);
                verdict = done.verdict;
                task = chain.after(done.value);
            }
        }
        finally {
            chain.close();
        }
        return values;
    }
    decode(payload) {
        return decodeValue(this.codec, payload);
    }
    async note(key, attempt, note) {
        const progress = note.progress === undefined ? undefined : encodeValue(this.codec, note.progress);
        await this.calls.note({ key, attempt, externalRef: note.externalRef ?? "", progress });
    }
    /** A heartbeat of one open step tells a new stream that the lease is in use. */
    reopened() {
        for (const step of this.#open) {
            step.heartbeat().catch(() => { }); // the step's own calls will meet the same
            return;
        }
    }
    #task(key, options, input, code) {
        const given = input === options.input ? options : { ...options, input };
        return { key, options, code, begin: beginToWire(this.codec, key, given, newRequestId()) };
    }
    #chained(step, previous) {
        const input = typeof step.input === "function" ? step.input(previous) : step.input;
        return this.#task(step.key, step, input, (context) => step.run(context, previous));
    }
    /** A finished step of the history needs no round trip. */
    #replayLocally(task) {
        if (this.#recorded.size === 0)
            return undefined;
        this.visit(task.key);
        const step = this.#recorded.get(task.key);
        if (step === undefined || !isFinished(step))
            return undefined;
        const offered = { name: task.begin.name, digest: offeredDigest(task.begin) };
        const recorded = { name: step.name, digest: step.inputDigest };
        const same = offered.name === recorded.name && sameBytes(offered.digest, recorded.digest);
        if (!same && !this.acceptsDivergence)
            throw new Diverged(task.key, recorded, offered);
        return this.#replay(task.key, step.output, step.failure, step.attempt);
    }
    #replay(key, output, failure, attempt) {
        if (failure !== undefined) {
            throw new StepFailed(key, failure.type, failure.message, attempt, this.decode(failure.details));
        }
        return { value: this.decode(output), verdict: undefined };
    }
    async #drive(task, first, follow) {
        let verdict = first;
        let met; // the latest error of the step's own code
        for (let polls = 0;; polls++) {
            if (verdict.execute !== undefined) {
                const result = await this.#execute(task, verdict.execute, follow);
                if ("verdict" in result)
                    return result;
                met = result.error;
            }
            else if (verdict.replay !== undefined) {
                const { output, failure, attempt } = verdict.replay;
                return this.#replay(task.key, output, failure, attempt);
            }
            else if (verdict.inDoubt !== undefined) {
                const done = await this.#reconcile(task, verdict.inDoubt, met);
                if (done !== undefined)
                    return done;
            }
            else if (verdict.diverged !== undefined) {
                const { recordedName, recordedDigest, offeredName, offeredDigest } = verdict.diverged;
                const recorded = { name: recordedName, digest: recordedDigest };
                throw new Diverged(task.key, recorded, { name: offeredName, digest: offeredDigest });
            }
            else if (verdict.wait !== undefined) {
                await this.#wait(verdict.wait, polls);
            }
            else {
                unanswered();
            }
            // Asking again after an ending is another logical call; after a WAIT it is the same.
            if (verdict.wait === undefined)
                task.begin.requestId = newRequestId();
            verdict = await this.calls.begin(task.begin);
        }
    }
    /** Acts as one attempt and tells. Not done: the step is to be asked about again. */
    async #execute(task, execute, follow) {
        const step = new StepContext(this, task.key, execute);
        let ending;
        let answer;
        this.#open.add(step);
        try {
            const ran = runAttempt(step, task.options, task.code, this.codec);
            ending = ran instanceof Promise ? await ran : ran;
            const next = ending.kind === "output" ? this.#beginAfter(follow, ending.value) : undefined;
            const request = this.#completion(step, ending, next);
            try {
                answer = (await this.calls.complete(request)).completeStep ?? unanswered();
            }
            catch (error) {
                answer = await this.#completeAnyhow(task, step, ending, next, error);
            }
        }
        finally {
            this.#open.delete(step);
        }
        if (answer.state === StepState.COMPLETED && ending.kind === "output") {
            return { value: ending.value, verdict: answer.next };
        }
        const error = ending.kind === "output" ? undefined : ending.error;
        if (answer.state === StepState.FAILED && ending.kind !== "output") {
            const { type, message, details } = ending.failure;
            throw new StepFailed(task.key, type, message, step.attempt, details, error);
        }
        if (answer.state === StepState.RETRYING)
            await this.#sleep(answer.notBeforeMs - Date.now());
        return { error };
    }
    /** The step to begin along with an outcome, unless the history has it finished. */
    #beginAfter(follow, value) {
        if (follow === undefined)
            return undefined;
        const next = follow.peek(value);
        if (next === undefined)
            return undefined;
        if (this.#recorded.size === 0)
            return next.begin;
        const step = this.#recorded.get(next.key);
        if (step !== undefined && isFinished(step))
            return undefined;
        this.visit(next.key);
        return next.begin;
    }
    /** What has happened must be recorded, whatever was wrong with the next step, or with its output. */
    async #completeAnyhow(task, step, ending, next, met) {
        let error = met;
        if (!isRefusal(error))
            throw error;
        if (next !== undefined) {
            try {
                const alone = this.#completion(step, ending, undefined);
                return (await this.calls.complete(alone)).completeStep ?? unanswered();
            }
            catch (again) {
                error = again;
            }
        }
        if (!isRefusal(error) || error.retryAfterMs > 0 || ending.kind !== "output")
            throw error;
        const lost = this.#completion(step, lostOutput(task.options, error), undefined);
        return (await this.calls.complete(lost)).completeStep ?? unanswered();
    }
    #completion(step, ending, next) {
        const { kind } = ending;
        return {
            runId: this.calls.runId,
            lease: this.calls.lease,
            key: step.key,
            attempt: step.attempt,
            output: kind === "output" ? ending.payload : undefined,
            failure: kind === "failure" ? failureToWire(this.codec, ending.failure) : undefined,
            unknown: kind === "unknown" ? failureToWire(this.codec, ending.failure) : undefined,
            usage: step.used,
            beginNext: next,
        };
    }
    /** Asks the user's code what became of the step. Undefined: ask the sidecar again. */
    async #reconcile(task, inDoubt, met) {
        const { reconcile } = task.options;
        const doubt = doubtOf(this.codec, this.runId, task.key, inDoubt);
        if (reconcile === undefined)
            throw new StepInDoubt(task.key, doubt, met);
        let found;
        try {
            found = await reconcile(doubt);
        }
        catch (error) {
            throw new StepInDoubt(task.key, doubt, error);
        }
        const by = cut(`reconcile:${reconcile.name || task.key}`, BY_BYTES_MAX);
        try {
            const { state } = await this.calls.resolve({
                key: task.key,
                resolution: resolutionToWire(this.codec, found),
                by,
            });
            if (state === StepState.COMPLETED && found.kind === "happened") {
                return { value: found.value, verdict: undefined };
            }
        }
        catch (error) {
            if (!(error instanceof NotInDoubt))
                throw error; // somebody else ended it
        }
        return undefined;
    }
    async #wait(wait, polls) {
        const left = wait.notBeforeMs === 0 ? Number.POSITIVE_INFINITY : wait.notBeforeMs - Date.now();
        if (wait.reason === WaitReason.BACK_OFF && wait.notBeforeMs !== 0)
            return this.#sleep(left);
        const poll = Math.min(POLL_MAX_MS, POLL_FIRST_MS * 2 ** Math.min(polls, 10));
        await this.#sleep(Math.min(left, poll * (0.75 + Math.random() / 4)));
    }
    async #sleep(ms) {
        try {
            await sleep(Math.min(SLEEP_MAX_MS, Math.max(SLEEP_MIN_MS, ms)), undefined, {
                signal: this.lost,
            });
        }
        catch {
            throw this.lost.reason;
        }
    }
}
/** Draws the steps of a chain one by one. */
class Chain {
    #steps;
    #task;
    #drawn; // at most one is set
    constructor(steps, task) {
        this.#steps = steps[Symbol.iterator]();
        this.#task = task;
    }
    peek(value) {
        if (this.#drawn === undefined) {
            try {
                const drawn = this.#steps.next();
                this.#drawn = drawn.done ? {} : { task: this.#task(drawn.value, value) };
            }
            catch (error) {
                this.#drawn = { error };
            }
        }
        return this.#drawn.task;
    }
    after(value) {
        const task = this.peek(value);
        if (this.#drawn !== undefined && "error" in this.#drawn)
            throw this.#drawn.error;
        return task;
    }
    advance() {
        this.#drawn = undefined;
    }
    close() {
        this.#steps.return?.();
    }
}
function isFinished(step) {
    return step.state === StepState.COMPLETED || step.state === StepState.FAILED;
}
function isRefusal(error) {
    return error instanceof InvalidArgument || error instanceof ResourceExhausted;
}
