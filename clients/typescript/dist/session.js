// SPDX-License-Identifier: Apache-2.0
// Calls and answers over one Session stream, which is opened again when it breaks:
// unanswered calls are then sent again as they were, so that a caller sees only
// that it took longer.
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { InvalidArgument, ResourceExhausted, Unavailable } from "./errors.js";
import { Link } from "./link.js";
import { SessionCall, SessionRequest, } from "./proto/stepwell/v1/agent_service.js";
import { errorOfSession, errorOfStatus, isBrokenStream } from "./status.js";
const CALLS_PER_MESSAGE_MAX = 256;
const BYTES_PER_MESSAGE_MAX = 1 << 20; // one call alone may be larger
const BACK_OFF_FIRST_MS = 20;
const BACK_OFF_MAX_MS = 1000;
const WATCH_MS = 250;
const SETTLED_MS = 1000;
const IDLE_MS = 500;
const RESOURCE_EXHAUSTED = 8;
export class Session {
    #endpoint;
    #patienceMs;
    #events;
    #pending = new Map();
    #writer = new BinaryWriter();
    #queue = [];
    #lastId = 0;
    #link;
    #flushing = false;
    #full = false; // the stream takes no more for now
    #downSince = 0; // 0 = the stream stands
    #tries = 0;
    #lastError;
    #redial;
    #watch;
    #idle;
    #holds = 0;
    #closed = false;
    constructor(endpoint, patienceMs, events) {
        this.#endpoint = endpoint;
        this.#patienceMs = patienceMs;
        this.#events = events;
    }
    /** Sends a call; everything sent in one tick travels in one message. The id is set here. */
    call(call, part) {
        return new Promise((resolve, reject) => {
            if (this.#closed)
                return reject(new Unavailable("the client is closed"));
            call.id = ++this.#lastId;
            const madeAt = this.#downSince === 0 ? 0 : performance.now();
            const pending = { call, resolve, reject, part, madeAt, putOffAt: 0, timer: undefined };
            this.#pending.set(call.id, pending);
            this.#enqueue(pending);
        });
    }
    /** A run is held: the stream is kept, and opened again when it breaks. */
    hold() {
        this.#holds++;
    }
    /** The run is let go. With no run held and nothing asked, the stream ends after a moment. */
    release() {
        this.#holds--;
        this.#maybeIdle();
    }
    close() {
        if (this.#closed)
            return;
        this.#closed = true;
        this.#rejectAll(new Unavailable("the client is closed"));
        this.#hangUp();
    }
    #enqueue(pending) {
        this.#queue.push(pending);
        if (this.#flushing)
            return;
        this.#flushing = true;
        setImmediate(this.#flush);
    }
    #flush = () => {
        this.#flushing = false;
        if (this.#closed || this.#full || this.#queue.length === 0)
            return;
        if (this.#link === undefined) {
            if (this.#redial === undefined)
                this.#dial();
            return; // dialling put the queue together anew and wrote it
        }
        this.#write(this.#link);
    };
    #write(link) {
        let from = 0;
        while (from < this.#queue.length && !this.#full && link === this.#link) {
            const to = batchEnd(this.#queue, from);
            const bytes = this.#encode(this.#queue.slice(from, to));
            from = to;
            if (bytes.length > 0)
                this.#full = !link.write(bytes);
        }
        this.#queue = from >= this.#queue.length ? [] : this.#queue.slice(from);
    }
    #encode(batch) {
        try {
            const calls = batch.map((pending) => pending.call);
            const bytes = SessionRequest.encode({ calls }, this.#writer).finish();
            if (bytes.length > BYTES_PER_MESSAGE_MAX)
                this.#writer = new BinaryWriter(); // it keeps its buffer
            return asBuffer(bytes);
        }
        catch {
            // One of them cannot be written: find it, fail it alone.
            this.#writer = new BinaryWriter();
            const good = batch.filter((pending) => this.#isEncodable(pending));
            const calls = good.map((pending) => pending.call);
            return asBuffer(SessionRequest.encode({ calls }).finish());
        }
    }
    #isEncodable(pending) {
        try {
            SessionCall.encode(pending.call);
            return true;
        }
        catch (cause) {
            this.#fail(pending, new InvalidArgument(`cannot be sent: ${cause.message}`, { cause }));
            return false;
        }
    }
    #results = (results) => {
        if (this.#downSince !== 0)
            this.#settled();
        for (const result of results) {
            if (result.id === 0) {
                if (result.leaseLost !== undefined)
                    this.#events.leaseLost(result.leaseLost);
                continue;
            }
            const pending = this.#pending.get(result.id);
            if (pending === undefined)
                continue; // given up on
            if (result.error !== undefined)
                this.#refused(pending, result.error);
            else if (pending.part !== undefined && result.resume !== undefined && !result.resume.caughtUp)
                pending.part(result);
            else {
                this.#pending.delete(result.id);
                pending.resolve(result);
            }
        }
        if (this.#pending.size === 0)
            this.#maybeIdle();
    };
    /** An error in answer to one call: try again where that makes sense and there is time. */
    #refused(pending, refusal) {
        const error = errorOfSession(refusal);
        if (error.retryAfterMs > 0) {
            const now = performance.now();
            if (pending.putOffAt === 0)
                pending.putOffAt = now;
            const delay = error.retryAfterMs * (0.75 + Math.random() / 2);
            if (now + delay - pending.putOffAt < this.#patienceMs) {
                pending.part?.(undefined);
                pending.timer = setTimeout(() => {
                    pending.timer = undefined;
                    this.#enqueue(pending);
                }, delay);
                return;
            }
        }
        this.#fail(pending, error);
    }
    #fail(pending, error) {
        clearTimeout(pending.timer);
        if (this.#pending.delete(pending.call.id))
            pending.reject(error);
    }
    #rejectAll(error) {
        this.#queue = [];
        for (const pending of [...this.#pending.values()])
            this.#fail(pending, error);
    }
    /** Opens the stream and sends everything that has no answer, in the order it was asked. */
    #dial() {
        this.#redial = undefined;
        const again = this.#tries > 0;
        if (this.#downSince === 0)
            this.#downSince = performance.now();
        this.#watch ??= setInterval(this.#look, WATCH_MS);
        this.#full = false;
        this.#link = new Link(this.#endpoint, {
            results: this.#results,
            drained: () => {
                this.#full = false;
                this.#flush();
            },
            closed: (error) => this.#broken(error),
        });
        for (const pending of this.#pending.values()) {
            clearTimeout(pending.timer);
            pending.timer = undefined;
            pending.part?.(undefined);
        }
        this.#queue = [...this.#pending.values()];
        if (again)
            this.#events.reopened();
        this.#write(this.#link);
    }
    /** The stream ended, though nobody here asked it to. */
    #broken(error) {
        this.#link = undefined;
        if (this.#downSince === 0)
            this.#downSince = performance.now();
        const failure = error === undefined ? new Unavailable("the sidecar ended the session") : errorOfStatus(error);
        this.#lastError = failure;
        if (error?.code === RESOURCE_EXHAUSTED)
            this.#failLargest(failure);
        else if (!isBrokenStream(error))
            this.#rejectAll(failure);
        this.#expire();
        if (this.#pending.size === 0 && this.#holds === 0) {
            this.#hangUp();
            return;
        }
        const ceiling = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.min(this.#tries++, 10));
        this.#redial = setTimeout(() => this.#dial(), ceiling * (0.5 + Math.random() / 2));
    }
    /** A message was too large for the sidecar: the others must not suffer for it. */
    #failLargest(cause) {
        let largest;
        let size = -1;
        for (const pending of this.#pending.values()) {
            const bytes = sizeOf(pending.call);
            if (bytes > size)
                [largest, size] = [pending, bytes];
        }
        if (largest !== undefined)
            this.#fail(largest, new ResourceExhausted(cause.message, { ...cause, cause }));
    }
    /** While the stream does not stand: is it standing now, has anybody waited too long? */
    #look = () => {
        if (this.#link?.ready && performance.now() - this.#link.startedAt > SETTLED_MS)
            this.#settled();
        else
            this.#expire();
    };
    #settled() {
        clearInterval(this.#watch);
        this.#watch = undefined;
        this.#downSince = 0;
        this.#tries = 0;
        this.#lastError = undefined;
    }
    #expire() {
        const now = performance.now();
        for (const pending of [...this.#pending.values()]) {
            if (now - Math.max(pending.madeAt, this.#downSince) < this.#patienceMs)
                continue;
            const why = this.#lastError?.message ?? "no answer";
            const message = `no sidecar at ${this.#endpoint.address} for ${this.#patienceMs} ms: ${why}`;
            this.#fail(pending, new Unavailable(message, { ...this.#lastError, cause: this.#lastError }));
        }
        if (this.#pending.size === 0 && this.#holds === 0)
            this.#hangUp();
    }
    #maybeIdle() {
        if (this.#holds > 0 ||
            this.#pending.size > 0 ||
            this.#idle !== undefined ||
            this.#link === undefined)
            return;
        this.#idle = setTimeout(() => {
            this.#idle = undefined;
            if (this.#holds === 0 && this.#pending.size === 0)
                this.#hangUp();
        }, IDLE_MS);
    }
    /** Ends the stream, so that it keeps neither leases nor this process alive. */
    #hangUp() {
        clearTimeout(this.#redial);
        clearTimeout(this.#idle);
        this.#redial = undefined;
        this.#idle = undefined;
        this.#settled();
        this.#full = false;
        this.#link?.end();
        this.#link = undefined;
    }
}
function asBuffer(bytes) {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
/** Where the message that starts at `from` ends. */
function batchEnd(queue, from) {
    const last = Math.min(queue.length, from + CALLS_PER_MESSAGE_MAX);
    let bytes = 0;
    for (let at = from; at < last; at++) {
        bytes += sizeOf(queue[at].call);
        if (bytes > BYTES_PER_MESSAGE_MAX)
            return Math.max(at, from + 1);
    }
    return last;
}
/** About how large: only payloads count. */
function sizeOf(call) {
    const complete = call.completeStep;
    if (complete !== undefined) {
        return (dataLength(complete.output) +
            dataLength(complete.beginNext?.input) +
            dataLength(complete.failure?.details));
    }
    return (dataLength(call.beginStep?.input) +
        dataLength(call.startRun?.input) +
        dataLength(call.noteStep?.progress) +
        dataLength(call.resolveStep?.resolution?.happened) +
        dataLength(call.endRun?.result));
}
function dataLength(payload) {
    return payload === undefined ? 0 : payload.data.length;
}
