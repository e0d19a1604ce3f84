// SPDX-License-Identifier: Apache-2.0
// One Session stream from its opening to its end. Knows gRPC, knows no calls.
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  connectivityState,
  type ServiceError,
} from "@grpc/grpc-js";
import { SessionResponse, type SessionResult } from "./proto/stepwell/v1/agent_service.js";
import { Reader } from "./wire.js";

const METHOD = "/stepwell.v1.AgentService/Session";
const GOODBYE_MS = 1000;

/** Where the sidecar is, and how to reach it. */
export interface Endpoint {
  readonly address: string;
  readonly credentials: ChannelCredentials;
  readonly options: ClientOptions;
}

/** What a link tells its owner; nothing after `closed`. */
export interface LinkEvents {
  results(results: readonly SessionResult[]): void;
  /** The stream takes bytes again after write() said false. */
  drained(): void;
  closed(error: ServiceError | undefined): void;
}

/** Options of every channel: LLM contexts exceed gRPC's default of 4 MiB, and waiting is ours to decide. */
export function channelOptions(address: string, extra: ClientOptions | undefined): ClientOptions {
  const remote = address.startsWith("unix:") ? {} : { "grpc.keepalive_time_ms": 30_000 };
  return {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    "grpc.enable_retries": 0,
    "grpc.use_local_subchannel_pool": 1, // a new link dials at once, whatever older ones met
    ...remote,
    ...extra,
  };
}

const pass = (bytes: Buffer): Buffer => bytes;
const decode = (bytes: Buffer): SessionResponse => SessionResponse.decode(new Reader(bytes));

export class Link {
  readonly startedAt = performance.now();
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<Buffer, SessionResponse>;
  #events: LinkEvents | undefined;

  constructor(endpoint: Endpoint, events: LinkEvents) {
    this.#events = events;
    this.#client = new Client(endpoint.address, endpoint.credentials, endpoint.options);
    this.#stream = this.#client.makeBidiStreamRequest(METHOD, pass, decode);
    this.#stream.on("data", (message: SessionResponse) => this.#events?.results(message.results));
    this.#stream.on("drain", () => this.#events?.drained());
    this.#stream.on("error", (error: ServiceError) => this.#close(error));
    this.#stream.on("end", () => this.#close(undefined));
  }

  /** False: it is taken, but wait for `drained` before the next. */
  write(bytes: Buffer): boolean {
    return this.#stream.write(bytes);
  }

  /** True once the connection stands. */
  get ready(): boolean {
    return this.#client.getChannel().getConnectivityState(false) === connectivityState.READY;
  }

  /** Says goodbye and is not heard of again; the sidecar then releases the session's leases. */
  end(): void {
    this.#events = undefined;
    this.#stream.end();
    this.#client.close(); // lets the stream finish
    setTimeout(() => this.#stream.cancel(), GOODBYE_MS).unref();
  }

  #close(error: ServiceError | undefined): void {
    const events = this.#events;
    this.#events = undefined;
    this.#stream.cancel();
    this.#client.close();
    events?.closed(error);
  }
}
