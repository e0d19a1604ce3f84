// SPDX-License-Identifier: Apache-2.0
// The session's calls about one run, under one lease.
import { randomBytes } from "node:crypto";
import { StepwellError } from "./errors.js";
const drawn = randomBytes(9).toString("base64url");
let counter = 0;
/** Names a logical BeginStep: the same when it is sent again, another for every other one. */
export function newRequestId() {
    return `${drawn}.${(++counter).toString(36)}`;
}
export class RunCalls {
    session;
    runId;
    lease;
    lost;
    constructor(session, runId, lease, 
    /** Aborted, with a Fenced as its reason, when the lease is lost. */
    lost) {
        this.session = session;
        this.runId = runId;
        this.lease = lease;
        this.lost = lost;
    }
    async begin(begin) {
        const { runId, lease } = this;
        const result = await this.#send({ id: 0, beginStep: { runId, lease, ...begin } });
        return result.beginStep?.verdict ?? unanswered();
    }
    /** The answer is its `completeStep`. */
    complete(request) {
        return this.#send({ id: 0, completeStep: request });
    }
    async note(request) {
        const { runId, lease } = this;
        await this.#send({ id: 0, noteStep: { runId, lease, ...request } });
    }
    async resolve(request) {
        const { runId, lease } = this;
        const result = await this.#send({ id: 0, resolveStep: { runId, lease, ...request } });
        return result.resolveStep ?? unanswered();
    }
    async end(request) {
        const { runId, lease } = this;
        await this.#send({ id: 0, endRun: { runId, lease, ...request } });
    }
    #send(call) {
        if (this.lost.aborted)
            return Promise.reject(this.lost.reason);
        return this.session.call(call);
    }
}
/** The contract promises an answer of the call's own kind. */
export function unanswered() {
    throw new StepwellError("the sidecar answered with something else", { code: 13 });
}
