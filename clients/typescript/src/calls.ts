// SPDX-License-Identifier: Apache-2.0
// The session's calls about one run, under one lease.
import { randomBytes } from "node:crypto";
import { StepwellError } from "./errors.js";
import type {
  AgentServiceResolveStepRequest,
  AgentServiceResolveStepResponse,
  BeginNext,
  CompleteStepRequest,
  EndRunRequest,
  NoteStepRequest,
  SessionCall,
  SessionResult,
} from "./proto/stepwell/v1/agent_service.js";
import type { Verdict } from "./proto/stepwell/v1/types.js";
import type { Session } from "./session.js";

type Named<T> = Omit<T, "runId" | "lease">;

const drawn = randomBytes(9).toString("base64url");
let counter = 0;

/** Names a logical BeginStep: the same when it is sent again, another for every other one. */
export function newRequestId(): string {
  return `${drawn}.${(++counter).toString(36)}`;
}

export class RunCalls {
  constructor(
    readonly session: Session,
    readonly runId: string,
    readonly lease: number,
    /** Aborted, with a Fenced as its reason, when the lease is lost. */
    readonly lost: AbortSignal,
  ) {}

  async begin(begin: BeginNext): Promise<Verdict> {
    const { runId, lease } = this;
    const result = await this.#send({ id: 0, beginStep: { runId, lease, ...begin } });
    return result.beginStep?.verdict ?? unanswered();
  }

  /** The answer is its `completeStep`. */
  complete(request: CompleteStepRequest): Promise<SessionResult> {
    return this.#send({ id: 0, completeStep: request });
  }

  async note(request: Named<NoteStepRequest>): Promise<void> {
    const { runId, lease } = this;
    await this.#send({ id: 0, noteStep: { runId, lease, ...request } });
  }

  async resolve(
    request: Named<AgentServiceResolveStepRequest>,
  ): Promise<AgentServiceResolveStepResponse> {
    const { runId, lease } = this;
    const result = await this.#send({ id: 0, resolveStep: { runId, lease, ...request } });
    return result.resolveStep ?? unanswered();
  }

  async end(request: Named<EndRunRequest>): Promise<void> {
    const { runId, lease } = this;
    await this.#send({ id: 0, endRun: { runId, lease, ...request } });
  }

  #send(call: SessionCall): Promise<SessionResult> {
    if (this.lost.aborted) return Promise.reject(this.lost.reason as Error);
    return this.session.call(call);
  }
}

/** The contract promises an answer of the call's own kind. */
export function unanswered(): never {
  throw new StepwellError("the sidecar answered with something else", { code: 13 });
}
