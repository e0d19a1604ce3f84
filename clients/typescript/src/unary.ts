// SPDX-License-Identifier: Apache-2.0
// Unary calls, for what no session carries.

import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Client, Metadata } from "@grpc/grpc-js";
import type { Endpoint } from "./link.js";
import { errorOfStatus } from "./status.js";

/** @internal How a message is written and read. */
export interface MessageType<T> {
  encode(message: T): BinaryWriter;
  decode(bytes: Uint8Array): T;
}

export class Unary {
  readonly #endpoint: Endpoint;
  readonly #patienceMs: number;
  #client: Client | undefined;

  constructor(endpoint: Endpoint, patienceMs: number) {
    this.#endpoint = endpoint;
    this.#patienceMs = patienceMs;
  }

  /** Waits for the sidecar, for as long as the caller's patience lasts. */
  call<Q, A>(
    method: string,
    request: MessageType<Q>,
    answer: MessageType<A>,
    message: Q,
  ): Promise<A> {
    this.#client ??= new Client(
      this.#endpoint.address,
      this.#endpoint.credentials,
      this.#endpoint.options,
    );
    const client = this.#client;
    const metadata = new Metadata({ waitForReady: true });
    const deadline = Date.now() + this.#patienceMs;
    const write = (from: Q): Buffer => Buffer.from(request.encode(from).finish());
    const read = (bytes: Buffer): A => answer.decode(bytes);
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        method,
        write,
        read,
        message,
        metadata,
        { deadline },
        (error, reply) => {
          if (error !== null) reject(errorOfStatus(error));
          else resolve(reply as A);
        },
      );
    });
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}
