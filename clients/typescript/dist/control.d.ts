import type { Durability, Resolution, RunInfo } from "./types.js";
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
export declare class Control {
    #private;
    /** Runs, newest first, page by page as they are asked for. */
    listRuns(filter?: RunFilter): AsyncGenerator<RunInfo, void, undefined>;
    /** One run as it stands. */
    getRun(runId: string): Promise<RunInfo>;
    /** Ends doubt about a step in a person's name. Refused while a live holder has the step. */
    resolveStep(runId: string, key: string, found: Resolution, by: string): Promise<void>;
    /** Waits until everything recorded so far is durable, by default in the object store where there
     * is one; resolves with the lsn up to which it is. */
    flush(durability?: Durability): Promise<number>;
    /** How the sidecar is. */
    status(): Promise<SidecarStatus>;
}
