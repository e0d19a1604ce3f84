// SPDX-License-Identifier: Apache-2.0
// Unary calls, for what no session carries.
import { Client, Metadata } from "@grpc/grpc-js";
import { errorOfStatus } from "./status.js";
export class Unary {
    #endpoint;
    #patienceMs;
    #client;
    constructor(endpoint, patienceMs) {
        this.#endpoint = endpoint;
        this.#patienceMs = patienceMs;
    }
    /** Waits for the sidecar, for as long as the caller's patience lasts. */
    call(method, request, answer, message) {
        this.#client ??= new Client(this.#endpoint.address, this.#endpoint.credentials, this.#endpoint.options);
        const client = this.#client;
        const metadata = new Metadata({ waitForReady: true });
        const deadline = Date.now() + this.#patienceMs;
        const write = (from) => Buffer.from(request.encode(from).finish());
        const read = (bytes) => answer.decode(bytes);
        return new Promise((resolve, reject) => {
            client.makeUnaryRequest(method, write, read, message, metadata, { deadline }, (error, reply) => {
                if (error !== null)
                    reject(errorOfStatus(error));
                else
                    resolve(reply);
            });
        });
    }
    close() {
        this.#client?.close();
        this.#client = undefined;
    }
}
