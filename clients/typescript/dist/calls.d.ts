import type { AgentServiceResolveStepRequest, AgentServiceResolveStepResponse, BeginNext, CompleteStepRequest, EndRunRequest, NoteStepRequest, SessionResult } from "./proto/stepwell/v1/agent_service.js";
import type { Verdict } from "./proto/stepwell/v1/types.js";
import type { Session } from "./session.js";
type Named<T> = Omit<T, "runId" | "lease">;
/** Names a logical BeginStep: the same when it is sent again, another for every other one. */
export declare function newRequestId(): string;
export declare class RunCalls {
    #private;
    readonly session: Session;
    readonly runId: string;
    readonly lease: number;
    /** Aborted, with a Fenced as its reason, when the lease is lost. */
    readonly lost: AbortSignal;
    constructor(session: Session, runId: string, lease: number, 
    /** Aborted, with a Fenced as its reason, when the lease is lost. */
    lost: AbortSignal);
    begin(begin: BeginNext): Promise<Verdict>;
    /** The answer is its `completeStep`. */
    complete(request: CompleteStepRequest): Promise<SessionResult>;
    note(request: Named<NoteStepRequest>): Promise<void>;
    resolve(request: Named<AgentServiceResolveStepRequest>): Promise<AgentServiceResolveStepResponse>;
    end(request: Named<EndRunRequest>): Promise<void>;
}
/** The contract promises an answer of the call's own kind. */
export declare function unanswered(): never;
export {};
