// SPDX-License-Identifier: Apache-2.0
// What people and their tools ask. Nothing here takes a lease.

import { unanswered } from "./calls.js";
import type { Codec } from "./codec.js";
import { durabilityToWire, resolutionToWire, runInfoOf } from "./convert.js";
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
  StoreState,
  type StoreStatus as WireStoreStatus,
} from "./proto/stepwell/v1/control_service.js";
import { RunState } from "./proto/stepwell/v1/types.js";
import type { Durability, Resolution, RunInfo } from "./types.js";
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

/** How far the journal is in the object store. */
export interface StoreStatus {
  /** Where it is, without secrets. */
  readonly url: string;
  /** "away" and "refusing": it is asked again and again; at "refusing" a person should look. */
  readonly state: "answering" | "away" | "refusing" | "fenced";
  /** The last failure; absent when there is none. */
  readonly error?: string;
  /** Everything up to here is in the store. */
  readonly shippedLsn: number;
  /** Age of the oldest record that is not; 0: all are. */
  readonly lagMs: number;
  /** Bytes of the records that are not, about. */
  readonly lagBytes: number;
  /** The newest place of the chain that this owner wrote. */
  readonly slot: number;
  /** This owner's name in the chain. */
  readonly ownerId: string;
  /** Time to ship a segment, of the newest 256; 0: none was shipped yet. */
  readonly putP50Us: number;
  readonly putP99Us: number;
  /** The place of the newest snapshot; 0: there is none. */
  readonly snapshotSlot: number;
  /** When this process last wrote a snapshot; absent: not yet. */
  readonly snapshotAt?: Date;
  /** When the store's copy was last read back and found right; absent: not yet. */
  readonly verifiedAt?: Date;
}

/** How the sidecar is. */
export interface SidecarStatus {
  readonly version: string;
  readonly state: "serving" | "draining" | "restoring" | "fenced";
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
  /** Absent when no object store is configured, or the journal is not open yet. */
  readonly store?: StoreStatus;
}

const states = {
  running: RunState.RUNNING,
  completed: RunState.COMPLETED,
  failed: RunState.FAILED,
};

const serverStates: Readonly<Record<number, SidecarStatus["state"]>> = {
  [ServerState.SERVING]: "serving",
  [ServerState.DRAINING]: "draining",
  [ServerState.RESTORING]: "restoring",
  [ServerState.FENCED]: "fenced",
};
const storeStates: Readonly<Record<number, StoreStatus["state"]>> = {
  [StoreState.ANSWERING]: "answering",
  [StoreState.AWAY]: "away",
  [StoreState.REFUSING]: "refusing",
  [StoreState.FENCED]: "fenced",
};

function storeStatusOf(wire: WireStoreStatus): StoreStatus {
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

  /** Waits until everything recorded so far is durable, by default in the object store where there
   * is one; resolves with the lsn up to which it is. */
  async flush(durability?: Durability): Promise<number> {
    const message = { lsn: 0, durability: durabilityToWire(durability) };
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
  close(): void {
    this.#unary.close();
  }
}
