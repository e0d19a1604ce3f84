// SPDX-License-Identifier: Apache-2.0
// What people and their tools ask. Nothing here takes a lease.
import { unanswered } from "./calls.js";
import { durabilityToWire, resolutionToWire, runInfoOf } from "./convert.js";
import { ControlServiceResolveStepRequest, ControlServiceResolveStepResponse, FlushRequest, FlushResponse, GetRunRequest, GetRunResponse, GetStatusRequest, GetStatusResponse, ListRunsRequest, ListRunsResponse, ServerState, StoreState, } from "./proto/stepwell/v1/control_service.js";
import { RunState } from "./proto/stepwell/v1/types.js";
import { Unary } from "./unary.js";
const SERVICE = "/stepwell.v1.ControlService";
const states = {
    running: RunState.RUNNING,
    completed: RunState.COMPLETED,
    failed: RunState.FAILED,
};
const serverStates = {
    [ServerState.SERVING]: "serving",
    [ServerState.DRAINING]: "draining",
    [ServerState.RESTORING]: "restoring",
    [ServerState.FENCED]: "fenced",
};
const storeStates = {
    [StoreState.ANSWERING]: "answering",
    [StoreState.AWAY]: "away",
    [StoreState.REFUSING]: "refusing",
    [StoreState.FENCED]: "fenced",
};
function storeStatusOf(wire) {
    const { state, error, snapshotAtMs, verifiedAtMs, ...rest } = wire;
    return {
        ...rest,
        state: storeStates[state] ?? unanswered(),
        ...(error === "" ? {} : { error }),
        ...(snapshotAtMs === 0 ? {} : { snapshotAt: new Date(snapshotAtMs) }),
        ...(verifiedAtMs === 0 ? {} : { verifiedAt: new Date(verifiedAtMs) }),
    };
}
export class Control {
    #codec;
    #unary;
    /** @internal Use `client.control`. */
    constructor(endpoint, codec, patienceMs) {
        this.#codec = codec;
        this.#unary = new Unary(endpoint, patienceMs);
    }
    /** Runs, newest first, page by page as they are asked for. */
    async *listRuns(filter = {}) {
        let pageToken = "";
        do {
            const page = await this.#unary.call(`${SERVICE}/ListRuns`, ListRunsRequest, ListRunsResponse, {
                task: filter.task ?? "",
                state: filter.state === undefined ? RunState.UNSPECIFIED : states[filter.state],
                labels: { ...filter.labels },
                inDoubt: filter.inDoubt ?? false,
                pageSize: 0,
                pageToken,
            });
            for (const run of page.runs)
                yield runInfoOf(this.#codec, run);
            pageToken = page.nextPageToken;
        } while (pageToken !== "");
    }
    /** One run as it stands. */
    async getRun(runId) {
        const answer = await this.#unary.call(`${SERVICE}/GetRun`, GetRunRequest, GetRunResponse, {
            runId,
        });
        return runInfoOf(this.#codec, answer.run ?? unanswered());
    }
    /** Ends doubt about a step in a person's name. Refused while a live holder has the step. */
    async resolveStep(runId, key, found, by) {
        const resolution = resolutionToWire(this.#codec, found);
        const [request, answer] = [ControlServiceResolveStepRequest, ControlServiceResolveStepResponse];
        await this.#unary.call(`${SERVICE}/ResolveStep`, request, answer, {
            runId,
            key,
            resolution,
            by,
        });
    }
    /** Waits until everything recorded so far is durable, by default in the object store where there
     * is one; resolves with the lsn up to which it is. */
    async flush(durability) {
        const message = { lsn: 0, durability: durabilityToWire(durability) };
        return (await this.#unary.call(`${SERVICE}/Flush`, FlushRequest, FlushResponse, message)).lsn;
    }
    /** How the sidecar is. */
    async status() {
        const answer = await this.#unary.call(`${SERVICE}/GetStatus`, GetStatusRequest, GetStatusResponse, {});
        const { version, journal, journalUuid, owner, epoch, lsn, durableLsn } = answer;
        const { openRuns, heldRuns, sessions, journalBytes } = answer;
        return {
            version,
            state: serverStates[answer.state] ?? unanswered(),
            journal,
            journalUuid,
            owner,
            epoch,
            lsn,
            durableLsn,
            startedAt: new Date(answer.startedMs),
            openRuns,
            heldRuns,
            sessions,
            journalBytes,
            payloadBytesMax: answer.limits?.payloadBytesMax ?? 0,
            ...(answer.store === undefined ? {} : { store: storeStatusOf(answer.store) }),
        };
    }
    /** @internal */
    close() {
        this.#unary.close();
    }
}
