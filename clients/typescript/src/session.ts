// SPDX-License-Identifier: Apache-2.0
// Calls and answers over one Session stream, which is opened again when it breaks:
// unanswered calls are then sent again as they were, so that a caller sees only
// that it took longer.

import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { ServiceError } from "@grpc/grpc-js";
import { InvalidArgument, ResourceExhausted, type StepwellError, Unavailable } from "./errors.js";
import { type Endpoint, Link } from "./link.js";
import {
  type LeaseLost,
  SessionCall,
  SessionRequest,
  type SessionResult,
} from "./proto/stepwell/v1/agent_service.js";
import { errorOfSession, errorOfStatus, isBrokenStream } from "./status.js";

const CALLS_PER_MESSAGE_MAX = 256;
const BYTES_PER_MESSAGE_MAX = 1 << 20; // one call alone may be larger
const BACK_OFF_FIRST_MS = 20;
const BACK_OFF_MAX_MS = 1000;
const WATCH_MS = 250;
const SETTLED_MS = 1000;
const IDLE_MS = 500;
const RESOURCE_EXHAUSTED = 8;

export interface SessionEvents {
  leaseLost(event: LeaseLost): void;
  /** The stream was opened again: say that the held leases are still in use. */
  reopened(): void;
}

/** The answer to a call: the one result, or the last of several. */
type Resolve = (result: SessionResult) => void;

interface Pending {
  readonly call: SessionCall;
  readonly resolve: Resolve;
  readonly reject: (error: StepwellError) => void;
  /** Takes answers before the last one; undefined starts over. */
  readonly part: ((result: SessionResult | undefined) => void) | undefined;
  /** When the call was made while the sidecar could not be reached; else 0. */
  madeAt: number;
  /** When the sidecar first put the call off; 0 = it did not. */
  putOffAt: number;
  timer: NodeJS.Timeout | undefined;
}

export class Session {
  readonly #endpoint: Endpoint;
  readonly #patienceMs: number;
  readonly #events: SessionEvents;
  readonly #pending = new Map<number, Pending>();
  #writer = new BinaryWriter();
  #queue: Pending[] = [];
  #lastId = 0;
  #link: Link | undefined;
  #flushing = false;
  #full = false; // the stream takes no more for now
  #downSince = 0; // 0 = the stream stands
  #tries = 0;
  #lastError: StepwellError | undefined;
  #redial: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #holds = 0;
  #closed = false;

  constructor(endpoint: Endpoint, patienceMs: number, events: SessionEvents) {
    this.#endpoint = endpoint;
    this.#patienceMs = patienceMs;
    this.#events = events;
  }

  /** Sends a call; everything sent in one tick travels in one message. The id is set here. */
  call(call: SessionCall, part?: Pending["part"]): Promise<SessionResult> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new Unavailable("the client is closed"));
      call.id = ++this.#lastId;
      const madeAt = this.#downSince === 0 ? 0 : performance.now();
      const pending = { call, resolve, reject, part, madeAt, putOffAt: 0, timer: undefined };
      this.#pending.set(call.id, pending);
      this.#enqueue(pending);
    });
  }

  /** A run is held: the stream is kept, and opened again when it breaks. */
  hold(): void {
    this.#holds++;
  }

  /** The run is let go. With no run held and nothing asked, the stream ends after a moment. */
  release(): void {
    this.#holds--;
    this.#maybeIdle();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#rejectAll(new Unavailable("the client is closed"));
    this.#hangUp();
  }

  #enqueue(pending: Pending): void {
    this.#queue.push(pending);
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    if (this.#closed || this.#full || this.#queue.length === 0) return;
    if (this.#link === undefined) {
      if (this.#redial === undefined) this.#dial();
      return; // dialling put the queue together anew and wrote it
    }
    this.#write(this.#link);
  };

  #write(link: Link): void {
    let from = 0;
    while (from < this.#queue.length && !this.#full && link === this.#link) {
      const to = batchEnd(this.#queue, from);
      const bytes = this.#encode(this.#queue.slice(from, to));
      from = to;
      if (bytes.length > 0) this.#full = !link.write(bytes);
    }
    this.#queue = from >= this.#queue.length ? [] : this.#queue.slice(from);
  }

  #encode(batch: Pending[]): Buffer {
    try {
      const calls = batch.map((pending) => pending.call);
      const bytes = SessionRequest.encode({ calls }, this.#writer).finish();
      if (bytes.length > BYTES_PER_MESSAGE_MAX) this.#writer = new BinaryWriter(); // it keeps its buffer
      return asBuffer(bytes);
    } catch {
      // One of them cannot be written: find it, fail it alone.
      this.#writer = new BinaryWriter();
      const good = batch.filter((pending) => this.#isEncodable(pending));
      const calls = good.map((pending) => pending.call);
      return asBuffer(SessionRequest.encode({ calls }).finish());
    }
  }

  #isEncodable(pending: Pending): boolean {
    try {
      SessionCall.encode(pending.call);
      return true;
    } catch (cause) {
      this.#fail(
        pending,
        new InvalidArgument(`cannot be sent: ${(cause as Error).message}`, { cause }),
      );
      return false;
    }
  }

  readonly #results = (results: readonly SessionResult[]): void => {
    if (this.#downSince !== 0) this.#settled();
    for (const result of results) {
      if (result.id === 0) {
        if (result.leaseLost !== undefined) this.#events.leaseLost(result.leaseLost);
        continue;
      }
      const pending = this.#pending.get(result.id);
      if (pending === undefined) continue; // given up on
      if (result.error !== undefined) this.#refused(pending, result.error);
      else if (pending.part !== undefined && result.resume !== undefined && !result.resume.caughtUp)
        pending.part(result);
      else {
        this.#pending.delete(result.id);
        pending.resolve(result);
      }
    }
    if (this.#pending.size === 0) this.#maybeIdle();
  };

  /** An error in answer to one call: try again where that makes sense and there is time. */
  #refused(pending: Pending, refusal: NonNullable<SessionResult["error"]>): void {
    const error = errorOfSession(refusal);
    if (error.retryAfterMs > 0) {
      const now = performance.now();
      if (pending.putOffAt === 0) pending.putOffAt = now;
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

  #fail(pending: Pending, error: StepwellError): void {
    clearTimeout(pending.timer);
    if (this.#pending.delete(pending.call.id)) pending.reject(error);
  }

  #rejectAll(error: StepwellError): void {
    this.#queue = [];
    for (const pending of [...this.#pending.values()]) this.#fail(pending, error);
  }

  /** Opens the stream and sends everything that has no answer, in the order it was asked. */
  #dial(): void {
    this.#redial = undefined;
    const again = this.#tries > 0;
    if (this.#downSince === 0) this.#downSince = performance.now();
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
    if (again) this.#events.reopened();
    this.#write(this.#link);
  }

  /** The stream ended, though nobody here asked it to. */
  #broken(error: ServiceError | undefined): void {
    this.#link = undefined;
    if (this.#downSince === 0) this.#downSince = performance.now();
    const failure =
      error === undefined ? new Unavailable("the sidecar ended the session") : errorOfStatus(error);
    this.#lastError = failure;
    if (error?.code === RESOURCE_EXHAUSTED) this.#failLargest(failure);
    else if (!isBrokenStream(error)) this.#rejectAll(failure);
    this.#expire();
    if (this.#pending.size === 0 && this.#holds === 0) {
      this.#hangUp();
      return;
    }
    const ceiling = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.min(this.#tries++, 10));
    this.#redial = setTimeout(() => this.#dial(), ceiling * (0.5 + Math.random() / 2));
  }

  /** A message was too large for the sidecar: the others must not suffer for it. */
  #failLargest(cause: StepwellError): void {
    let largest: Pending | undefined;
    let size = -1;
    for (const pending of this.#pending.values()) {
      const bytes = sizeOf(pending.call);
      if (bytes > size) [largest, size] = [pending, bytes];
    }
    if (largest !== undefined)
      this.#fail(largest, new ResourceExhausted(cause.message, { ...cause, cause }));
  }

  /** While the stream does not stand: is it standing now, has anybody waited too long? */
  readonly #look = (): void => {
    if (this.#link?.ready && performance.now() - this.#link.startedAt > SETTLED_MS) this.#settled();
    else this.#expire();
  };

  #settled(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
    this.#downSince = 0;
    this.#tries = 0;
    this.#lastError = undefined;
  }

  #expire(): void {
    const now = performance.now();
    for (const pending of [...this.#pending.values()]) {
      if (now - Math.max(pending.madeAt, this.#downSince) < this.#patienceMs) continue;
      const why = this.#lastError?.message ?? "no answer";
      const message = `no sidecar at ${this.#endpoint.address} for ${this.#patienceMs} ms: ${why}`;
      this.#fail(pending, new Unavailable(message, { ...this.#lastError, cause: this.#lastError }));
    }
    if (this.#pending.size === 0 && this.#holds === 0) this.#hangUp();
  }

  #maybeIdle(): void {
    if (
      this.#holds > 0 ||
      this.#pending.size > 0 ||
      this.#idle !== undefined ||
      this.#link === undefined
    )
      return;
    this.#idle = setTimeout(() => {
      this.#idle = undefined;
      if (this.#holds === 0 && this.#pending.size === 0) this.#hangUp();
    }, IDLE_MS);
  }

  /** Ends the stream, so that it keeps neither leases nor this process alive. */
  #hangUp(): void {
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

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Where the message that starts at `from` ends. */
function batchEnd(queue: readonly Pending[], from: number): number {
  const last = Math.min(queue.length, from + CALLS_PER_MESSAGE_MAX);
  let bytes = 0;
  for (let at = from; at < last; at++) {
    bytes += sizeOf((queue[at] as Pending).call);
    if (bytes > BYTES_PER_MESSAGE_MAX) return Math.max(at, from + 1);
  }
  return last;
}

/** About how large: only payloads count. */
function sizeOf(call: SessionCall): number {
  const complete = call.completeStep;
  if (complete !== undefined) {
    return (
      dataLength(complete.output) +
      dataLength(complete.beginNext?.input) +
      dataLength(complete.failure?.details)
    );
  }
  return (
    dataLength(call.beginStep?.input) +
    dataLength(call.startRun?.input) +
    dataLength(call.noteStep?.progress) +
    dataLength(call.resolveStep?.resolution?.happened) +
    dataLength(call.endRun?.result)
  );
}

function dataLength(payload: { readonly data: Uint8Array } | undefined): number {
  return payload === undefined ? 0 : payload.data.length;
}
