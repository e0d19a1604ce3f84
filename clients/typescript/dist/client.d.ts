import { type ChannelCredentials, type ClientOptions } from "@grpc/grpc-js";
import { type Codec } from "./codec.js";
import { Control } from "./control.js";
import { Run } from "./run.js";
import type { RunInfo, RunOptions } from "./types.js";
export interface ConnectOptions {
    /** unix:///absolute/path, the path alone, or host:port. Default: $STEPWELL_ADDR, else unix:///run/stepwell/stepwell.sock. */
    readonly address?: string;
    /** Where people's calls go, when the sidecar listens apart for them. Default: `address`. */
    readonly controlAddress?: string;
    /** How long a call outlasts a sidecar that cannot be reached or asks for a retry. Default 60000. */
    readonly patienceMs?: number;
    /** What this process calls itself when it takes a lease. Default: host and pid. */
    readonly holder?: string;
    /** Default: JSON. */
    readonly codec?: Codec;
    /** Of grpc-js. Default: none (a Unix socket, a local port). */
    readonly credentials?: ChannelCredentials;
    /** Of grpc-js, laid over this library's. */
    readonly channelOptions?: ClientOptions;
}
/** Connects to a sidecar, when the first call is made. */
export declare function connect(options?: ConnectOptions | string): Client;
/** One per process is enough: everything shares one stream. */
export declare class Client {
    #private;
    /** What people and their tools ask: lists, doubt, status. */
    readonly control: Control;
    /**
     * Starts the run or goes on with it, and ends it with what `program` returns.
     * A run that has ended answers as it ended. A RunFailed thrown by `program` ends
     * the run; any other error leaves it open, to be gone on with by the next call.
     */
    run<T>(runId: string | undefined, options: RunOptions, program: (run: Run) => T | Promise<T>): Promise<T>;
    /** Starts the run or goes on with it: takes its lease, fencing whoever held it. */
    open(runId: string | undefined, options: RunOptions): Promise<Run>;
    /** Takes the lease of a run that exists. With a lease of claim's kind: keeps that one. */
    resume(runId: string, lease?: number): Promise<Run>;
    /** Makes sure that the run exists, for somebody else to work on. */
    startRun(runId: string | undefined, options: RunOptions): Promise<{
        created: boolean;
        run: RunInfo;
    }>;
    /** Waits for a run that nobody holds and takes it; undefined when there was none in time. */
    claim(options?: {
        readonly tasks?: readonly string[];
        readonly waitMs?: number;
    }): Promise<Run | undefined>;
    /** Ends the stream: leases are released, unanswered calls fail with Unavailable. */
    close(): void;
    [Symbol.asyncDispose](): Promise<void>;
}
