import type { Codec } from "./codec.js";
import { type Doubt } from "./errors.js";
import type { BeginNext } from "./proto/stepwell/v1/agent_service.js";
import { type InDoubt, type Payload, Durability as WireDurability, type Failure as WireFailure, DivergencePolicy as WirePolicy, type Resolution as WireResolution, type Run as WireRun, type Usage as WireUsage, type Verdict as WireVerdict } from "./proto/stepwell/v1/types.js";
import type { BeginOptions, Durability, Failure, OnDivergence, Resolution, RunInfo, StepState, Usage, Verdict } from "./types.js";
export declare const NO_BYTES: Uint8Array<ArrayBuffer>;
/** Absent: the sidecar's default. */
export declare function durabilityToWire(durability: Durability | undefined): WireDurability;
export declare function stateOf(state: number): StepState;
export declare function dateOf(ms: number): Date | undefined;
export declare function policyOf(policy: OnDivergence | undefined): WirePolicy;
export declare function encodeValue(codec: Codec, value: unknown): Payload;
/** An input, which is compared with what is recorded. */
export declare function encodeInput(codec: Codec, value: unknown): Payload;
export declare function decodeValue(codec: Codec, payload: Payload | undefined): unknown;
export declare function digestOf(data: Uint8Array): Uint8Array;
export declare function sameBytes(a: Uint8Array, b: Uint8Array): boolean;
/** Cut to so many bytes of UTF-8, at a character's end. */
export declare function cut(text: string, bytesMax: number): string;
export declare function failureToWire(codec: Codec, failure: Failure): WireFailure;
export declare function failureOf(codec: Codec, failure: WireFailure): Failure;
export declare function usageToWire(usage: Usage): WireUsage;
/** BeginNext has every field that BeginStepRequest adds to a run and its lease. */
export declare function beginToWire(codec: Codec, key: string, options: BeginOptions, requestId: string): BeginNext;
/** The digest by which divergence is found; none without an input. */
export declare function offeredDigest(begin: BeginNext): Uint8Array;
export declare function doubtOf(codec: Codec, runId: string, key: string, doubt: InDoubt): Doubt;
export declare function verdictOf(codec: Codec, runId: string, key: string, verdict: WireVerdict): Verdict;
export declare function runInfoOf(codec: Codec, run: WireRun): RunInfo;
export declare function resolutionToWire(codec: Codec, found: Resolution): WireResolution;
