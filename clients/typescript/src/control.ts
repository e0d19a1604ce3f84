// SPDX-License-Identifier: Apache-2.0
// What people and their tools ask. Nothing here takes a lease.

import { unanswered } from "./calls.js";
import type { Codec } from "./codec.js";
import { resolutionToWire, runInfoOf } from "./convert.js";
import type { Endpoint } from "./link.js";
import {
  ControlServiceResolveStepRequest,
  ControlServiceResolveStepResponse,
  FlushRequest,
  FlushResponse,
  GetRunRequest,
  GetRunResponse,
  GetStatusRequest,
  GetStatusResponse,
  ListRunsRequest,
  ListRunsResponse,
  ServerState,
} from "./proto/stepwell/v1/control_service.js";
import { Durability, RunState } from "./proto/stepwell/v1/types.js";
import type { Resolution, RunInfo } from "./types.js";
import { Unary } from "./unary.js";

const SERVICE = "/stepwell.v1.ControlService";

/** Selects runs. */
export interface RunFilter {
  readonly task?: string;
  readonly state?: RunInfo["state"];
  readonly labels?: Readonly<Record<string, string>>;
  /** Only runs with a step in doubt. */
  readonly inDoubt?: boolean;
}

/** How the sidecar is. */
export interface SidecarStatus {
  readonly version: string;
  readonly draining: boolean;
  readonly journal: string;
  readonly journalUuid: string;
  readonly owner: string;
  readonly epoch: number;
  /** The newest record. */
  readonly lsn: number;
  /** Everything up to here is fsynced. */
  readonly durableLsn: number;
  readonly startedAt: Date;
  readonly openRuns: number;
  readonly heldRuns: number;
  readonly sessions: number;
  readonly journalBytes: number;
  /** The largest payload it takes. */
  readonly payloadBytesMax: number;
}

const states = {
  running: RunState.RUNNING,
  completed: RunState.COMPLETED,
  failed: RunState.FAILED,
};

export class Control {
  readonly #codec: Codec;
  readonly #unary: Unary;

  /** @internal Use `client.control`. */
  constructor(endpoint: Endpoint, codec: Codec, patienceMs: number) {
    this.#codec = codec;
    this.#unary = new Unary(endpoint, patienceMs);
  }

  /** Runs, newest first, page by page as they are asked for. */
  async *listRuns(filter: RunFilter = {}): AsyncGenerator<RunInfo, void, undefined> {
    let pageToken = "";
    do {
      const page = await this.#unary.call(
        `${SERVICE}/ListRuns`,
        ListRunsRequest,
        ListRunsResponse,
        {
          task: filter.task ?? "",
          state: filter.state === undefined ? RunState.UNSPECIFIED : states[filter.state],
          labels: { ...filter.labels },
          inDoubt: filter.inDoubt ?? false,
          pageSize: 0,
          pageToken,
        },
      );
      for (const run of page.runs) yield runInfoOf(this.#codec, run);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** One run as it stands. */
  async getRun(runId: string): Promise<RunInfo> {
    const answer = await this.#unary.call(`${SERVICE}/GetRun`, GetRunRequest, GetRunResponse, {
      runId,
    });
    return runInfoOf(this.#codec, answer.run ?? unanswered());
  }

  /** Ends doubt about a step in a person's name. Refused while a live holder has the step. */
  async resolveStep(runId: string, key: string, found: Resolution, by: string): Promise<void> {
    const resolution = resolutionToWire(this.#codec, found);
    const [request, answer] = [ControlServiceResolveStepRequest, ControlServiceResolveStepResponse];
    await this.#unary.call(`${SERVICE}/ResolveStep`, request, answer, {
      runId,
      key,
      resolution,
      by,
    });
  }

  /** Waits until everything recorded so far is durable; resolves with the lsn up to which it is. */
  async flush(): Promise<number> {
    const message = { lsn: 0, durability: Durability.UNSPECIFIED };
    return (await this.#unary.call(`${SERVICE}/Flush`, FlushRequest, FlushResponse, message)).lsn;
  }

  /** How the sidecar is. */
  async status(): Promise<SidecarStatus> {
    const answer = await this.#unary.call(
      `${SERVICE}/GetStatus`,
      GetStatusRequest,
      GetStatusResponse,
      {},
    );
    const { version, journal, journalUuid, owner, epoch, lsn, durableLsn } = answer;
    const { openRuns, heldRuns, sessions, journalBytes } = answer;
    return {
      version,
      draining: answer.state === ServerState.DRAINING,
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
    };
  }

  /** @internal */
  close(): void {
    this.#unary.close();
  }
}
