// SPDX-License-Identifier: Apache-2.0
// One Session stream from its opening to its end. Knows gRPC, knows no calls.
import { Client, connectivityState, } from "@grpc/grpc-js";
import { SessionResponse } from "./proto/stepwell/v1/agent_service.js";
import { Reader } from "./wire.js";
const METHOD = "/stepwell.v1.AgentService/Session";
const GOODBYE_MS = 1000;
/** Options of every channel: LLM contexts exceed gRPC's default of 4 MiB, and waiting is ours to decide. */
export function channelOptions(address, extra) {
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
const pass = (bytes) => bytes;
const decode = (bytes) => SessionResponse.decode(new Reader(bytes));
export class Link {
    startedAt = performance.now();
    #client;
    #stream;
    #events;
    constructor(endpoint, events) {
        this.#events = events;
        this.#client = new Client(endpoint.address, endpoint.credentials, endpoint.options);
        this.#stream = this.#client.makeBidiStreamRequest(METHOD, pass, decode);
        this.#stream.on("data", (message) => this.#events?.results(message.results));
        this.#stream.on("drain", () => this.#events?.drained());
        this.#stream.on("error", (error) => this.#close(error));
        this.#stream.on("end", () => this.#close(undefined));
    }
    /** False: it is taken, but wait for `drained` before the next. */
    write(bytes) {
        return this.#stream.write(bytes);
    }
    /** True once the connection stands. */
    get ready() {
        return this.#client.getChannel().getConnectivityState(false) === connectivityState.READY;
    }
    /** Says goodbye and is not heard of again; the sidecar then releases the session's leases. */
    end() {
        this.#events = undefined;
        this.#stream.end();
        this.#client.close(); // lets the stream finish
        setTimeout(() => this.#stream.cancel(), GOODBYE_MS).unref();
    }
    #close(error) {
        const events = this.#events;
        this.#events = undefined;
        this.#stream.cancel();
        this.#client.close();
        events?.closed(error);
    }
}
