import { type ChannelCredentials, type ClientOptions, type ServiceError } from "@grpc/grpc-js";
import { type SessionResult } from "./proto/stepwell/v1/agent_service.js";
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
export declare function channelOptions(address: string, extra: ClientOptions | undefined): ClientOptions;
export declare class Link {
    #private;
    readonly startedAt: number;
    constructor(endpoint: Endpoint, events: LinkEvents);
    /** False: it is taken, but wait for `drained` before the next. */
    write(bytes: Buffer): boolean;
    /** True once the connection stands. */
    get ready(): boolean;
    /** Says goodbye and is not heard of again; the sidecar then releases the session's leases. */
    end(): void;
}
