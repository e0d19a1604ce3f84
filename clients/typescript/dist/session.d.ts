import { type StepwellError } from "./errors.js";
import { type Endpoint } from "./link.js";
import { type LeaseLost, SessionCall, type SessionResult } from "./proto/stepwell/v1/agent_service.js";
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
export declare class Session {
    #private;
    constructor(endpoint: Endpoint, patienceMs: number, events: SessionEvents);
    /** Sends a call; everything sent in one tick travels in one message. The id is set here. */
    call(call: SessionCall, part?: Pending["part"]): Promise<SessionResult>;
    /** A run is held: the stream is kept, and opened again when it breaks. */
    hold(): void;
    /** The run is let go. With no run held and nothing asked, the stream ends after a moment. */
    release(): void;
    close(): void;
}
export {};
