// SPDX-License-Identifier: Apache-2.0
// A process's connection to its sidecar.
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { type ChannelCredentials, type ClientOptions, credentials } from "@grpc/grpc-js";
import { unanswered } from "./calls.js";
import { type Codec, jsonCodec } from "./codec.js";
import { Control } from "./control.js";
import { encodeInput, policyOf, runInfoOf } from "./convert.js";
import { InvalidArgument } from "./errors.js";
import { channelOptions, type Endpoint } from "./link.js";
import type { StartRunRequest, StartRunResponse } from "./proto/stepwell/v1/agent_service.js";
import { RunState, type Step, type Run as WireRun } from "./proto/stepwell/v1/types.js";
import { Run } from "./run.js";
import { Session } from "./session.js";
import type { RunInfo, RunOptions } from "./types.js";

const DEFAULT_ADDRESS = "unix:///run/stepwell/stepwell.sock";
const UNIX_PATH_BYTES_MAX = 107; // sun_path of Linux, less its terminating zero
const DEFAULT_PATIENCE_MS = 60_000;
const CLAIM_WAIT_MAX_MS = 600_000;

export interface ConnectOptions {
  /** unix:///absolute/path, the path alone, or host:port. Default: $STEPWELL_ADDR, else unix:///run/stepwell/stepwell.sock. */
  readonly address?: string;
  /** Where people's calls go, when the sidecar listens apart for them. Default: `address`. */
  readonly controlAddress?: string;
  /** How long a call outlasts a sidecar that cannot be reached or asks for a retry. Default 60000. */
  readonly patienceMs?: number;
  /** What this process calls itself when it takes a lease. Default: host and pid. */
  readonly holder?: string;
  /** Default: JSON. */
  readonly codec?: Codec;
  /** Of grpc-js. Default: none (a Unix socket, a local port). */
  readonly credentials?: ChannelCredentials;
  /** Of grpc-js, laid over this library's. */
  readonly channelOptions?: ClientOptions;
}

/** Connects to a sidecar, when the first call is made. */
export function connect(options: ConnectOptions | string = {}): Client {
  return new Client(typeof options === "string" ? { address: options } : options);
}

/** One per process is enough: everything shares one stream. */
export class Client {
  /** What people and their tools ask: lists, doubt, status. */
  readonly control: Control;
  readonly #session: Session;
  readonly #codec: Codec;
  readonly #holder: string;
  readonly #runs = new Set<Run>();

  /** @internal Use connect(). */
  constructor(options: ConnectOptions) {
    const address = addressOf(options.address);
    const patienceMs = options.patienceMs ?? DEFAULT_PATIENCE_MS;
    const endpoint = endpointOf(address, options);
    this.#codec = options.codec ?? jsonCodec;
    this.#holder = options.holder ?? `${hostname()}/pid ${process.pid}`;
    this.#session = new Session(endpoint, patienceMs, {
      leaseLost: ({ runId, lease }) => {
        for (const run of this.#runs) if (run.runId === runId && run.lease === lease) run.lose();
      },
      reopened: () => {
        for (const run of this.#runs) run.reopened();
      },
    });
    this.control = new Control(
      endpointOf(addressOf(options.controlAddress ?? address), options),
      this.#codec,
      patienceMs,
    );
  }

  /**
   * Starts the run or goes on with it, and ends it with what `program` returns.
   * A run that has ended answers as it ended. A RunFailed thrown by `program` ends
   * the run; any other error leaves it open, to be gone on with by the next call.
   */
  async run<T>(
    runId: string | undefined,
    options: RunOptions,
    program: (run: Run) => T | Promise<T>,
  ): Promise<T> {
    const run = await this.open(runId, options);
    return run.execute(program);
  }

  /** Starts the run or goes on with it: takes its lease, fencing whoever held it. */
  async open(runId: string | undefined, options: RunOptions): Promise<Run> {
    const { run, lease } = await this.#start(runId, options, true);
    const started = run ?? unanswered();
    if (lease !== 0 || started.state !== RunState.RUNNING) return this.#hold(started, lease, []);
    return this.resume(started.runId);
  }

  /** Takes the lease of a run that exists. With a lease of claim's kind: keeps that one. */
  async resume(runId: string, lease = 0): Promise<Run> {
    let run: WireRun | undefined;
    let taken = 0;
    let steps: Step[] = [];
    const call = {
      id: 0,
      resume: { runId, lease, holder: this.#holder, follow: false, includeInputs: false },
    };
    const part = (
      result:
        | { resume?: { run?: WireRun | undefined; lease: number; steps: Step[] } | undefined }
        | undefined,
    ) => {
      if (result?.resume === undefined) {
        [run, taken, steps] = [undefined, 0, []];
        return;
      }
      run ??= result.resume.run;
      taken ||= result.resume.lease;
      for (const step of result.resume.steps) steps.push(step);
    };
    part(await this.#session.call(call, part));
    return this.#hold(run ?? unanswered(), taken, steps);
  }

  /** Makes sure that the run exists, for somebody else to work on. */
  async startRun(
    runId: string | undefined,
    options: RunOptions,
  ): Promise<{ created: boolean; run: RunInfo }> {
    const { created, run } = await this.#start(runId, options, false);
    return { created, run: runInfoOf(this.#codec, run ?? unanswered()) };
  }

  /** Waits for a run that nobody holds and takes it; undefined when there was none in time. */
  async claim(
    options: { readonly tasks?: readonly string[]; readonly waitMs?: number } = {},
  ): Promise<Run | undefined> {
    const tasks = [...(options.tasks ?? [])];
    const until = Date.now() + (options.waitMs ?? 0);
    for (;;) {
      const waitMs = Math.min(CLAIM_WAIT_MAX_MS, Math.max(0, until - Date.now()));
      const result = await this.#session.call({
        id: 0,
        claimRun: { tasks, holder: this.#holder, waitMs },
      });
      const { run, lease } = result.claimRun ?? unanswered();
      if (run !== undefined) return this.resume(run.runId, lease);
      if (Date.now() >= until) return undefined;
    }
  }

  /** Ends the stream: leases are released, unanswered calls fail with Unavailable. */
  close(): void {
    this.#session.close();
    this.control.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #start(
    runId: string | undefined,
    options: RunOptions,
    takeLease: boolean,
  ): Promise<StartRunResponse> {
    const startRun: StartRunRequest = {
      runId: runId ?? randomUUID(), // drawn here, so that asking again asks for the same run
      task: options.task,
      input: options.input === undefined ? undefined : encodeInput(this.#codec, options.input),
      labels: { ...options.labels },
      codeVersion: options.codeVersion ?? "",
      onDivergence: policyOf(options.onDivergence),
      takeLease,
      holder: takeLease ? this.#holder : "",
    };
    const result = await this.#session.call({ id: 0, startRun });
    return result.startRun ?? unanswered();
  }

  #hold(run: WireRun, lease: number, history: readonly Step[]): Run {
    const session = this.#session;
    const left = (run: Run): void => {
      if (this.#runs.delete(run)) session.release();
    };
    const held = new Run({ session, codec: this.#codec, run, lease, history, left });
    if (!held.ended) {
      this.#runs.add(held);
      session.hold();
    }
    return held;
  }
}

/** @internal The address in gRPC's words: given, or from the environment, or the usual socket. */
export function addressOf(given: string | undefined): string {
  const address = given || process.env["STEPWELL_ADDR"] || DEFAULT_ADDRESS;
  const wrong = (why: string) => new InvalidArgument(`address: "${address}" ${why}`);
  if (typeof address !== "string") throw wrong("is neither unix:///absolute/path nor host:port");
  const unix = /^(?:unix:\/\/|unix:(?!\/\/))?(\/.*)$/s.exec(address);
  if (unix === null) {
    if (address.startsWith("unix:")) throw wrong("needs an absolute path");
    return address;
  }
  const path = unix[1] ?? "";
  if (Buffer.byteLength(path) > UNIX_PATH_BYTES_MAX)
    throw wrong(`is longer than the ${UNIX_PATH_BYTES_MAX} bytes of a socket's path`);
  return `unix://${path}`;
}

function endpointOf(address: string, options: ConnectOptions): Endpoint {
  return {
    address,
    credentials: options.credentials ?? credentials.createInsecure(),
    options: channelOptions(address, options.channelOptions),
  };
}
