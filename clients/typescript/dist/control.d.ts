import type { Resolution, RunInfo } from "./types.js";
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
export declare class Control {
    #private;
    /** Runs, newest first, page by page as they are asked for. */
    listRuns(filter?: RunFilter): AsyncGenerator<RunInfo, void, undefined>;
    /** One run as it stands. */
    getRun(runId: string): Promise<RunInfo>;
    /** Ends doubt about a step in a person's name. Refused while a live holder has the step. */
    resolveStep(runId: string, key: string, found: Resolution, by: string): Promise<void>;
    /** Waits until everything recorded so far is durable; resolves with the lsn up to which it is. */
    flush(): Promise<number>;
    /** How the sidecar is. */
    status(): Promise<SidecarStatus>;
}
