import type { Endpoint } from "./link.js";
export declare class Unary {
    #private;
    constructor(endpoint: Endpoint, patienceMs: number);
    /** Waits for the sidecar, for as long as the caller's patience lasts. */
    call<Q, A>(method: string, request: MessageType<Q>, answer: MessageType<A>, message: Q): Promise<A>;
    close(): void;
}
