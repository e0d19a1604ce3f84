// SPDX-License-Identifier: Apache-2.0
// Between the public nouns and the messages of the wire.
import { createHash } from "node:crypto";
import { InvalidArgument } from "./errors.js";
import { Durability as WireDurability, Effect as WireEffect, Kind as WireKind, DivergencePolicy as WirePolicy, RunState as WireRunState, StepState as WireStepState, WaitReason as WireWaitReason, } from "./proto/stepwell/v1/types.js";
const TYPE_BYTES_MAX = 128;
const MESSAGE_BYTES_MAX = 8192;
export const NO_BYTES = new Uint8Array(0);
const effects = { none: WireEffect.NONE, idempotent: WireEffect.IDEMPOTENT, once: WireEffect.ONCE };
const kinds = { llm: WireKind.LLM, tool: WireKind.TOOL, code: WireKind.CODE, wait: WireKind.WAIT };
const durabilities = { local: WireDurability.LOCAL, remote: WireDurability.REMOTE };
const policies = { fail: WirePolicy.FAIL, accept: WirePolicy.ACCEPT };
const doubtReasons = ["reported", "holder gone", "timed out", "reported"];
const stepStates = {
    [WireStepState.OPEN]: "open",
    [WireStepState.IN_DOUBT]: "in doubt",
    [WireStepState.RETRYING]: "retrying",
    [WireStepState.COMPLETED]: "completed",
    [WireStepState.FAILED]: "failed",
};
/** A word of the program as the wire's number; a word that is none is an error, not a default. */
function word(table, key, field) {
    const number = Object.hasOwn(table, key) ? table[key] : undefined;
    if (number === undefined) {
        throw new InvalidArgument(`${field}: "${String(key)}" is none of ${Object.keys(table).join(", ")}`, {
            metadata: { field },
        });
    }
    return number;
}
/** Absent: the sidecar's default. */
export function durabilityToWire(durability) {
    if (durability === undefined)
        return WireDurability.UNSPECIFIED;
    return word(durabilities, durability, "durability");
}
/** A number that must be a whole one, at most 2^53. */
function whole(value, field) {
    if (value === undefined)
        return 0;
    if (!Number.isSafeInteger(value) || value < 0) {
        throw new InvalidArgument(`${field}: ${value} is no whole number from 0 to 2^53`, {
            metadata: { field },
        });
    }
    return value;
}
export function stateOf(state) {
    return stepStates[state] ?? "open";
}
export function dateOf(ms) {
    return ms === 0 ? undefined : new Date(ms);
}
export function policyOf(policy) {
    return policy === undefined
        ? WirePolicy.UNSPECIFIED
        : word(policies, policy, "onDivergence");
}
export function encodeValue(codec, value) {
    return codec.encode(value);
}
/** An input, which is compared with what is recorded. */
export function encodeInput(codec, value) {
    return codec.encode(value, true);
}
export function decodeValue(codec, payload) {
    return payload === undefined ? undefined : codec.decode(payload.data, payload.contentType);
}
export function digestOf(data) {
    return createHash("sha256").update(data).digest();
}
export function sameBytes(a, b) {
    return a.length === b.length && Buffer.compare(a, b) === 0;
}
/** Cut to so many bytes of UTF-8, at a character's end. */
export function cut(text, bytesMax) {
    if (text.length * 3 <= bytesMax)
        return text;
    const bytes = Buffer.from(text, "utf8");
    if (bytes.length <= bytesMax)
        return text;
    let end = bytesMax;
    while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80)
        end--;
    return bytes.toString("utf8", 0, end);
}
export function failureToWire(codec, failure) {
    return {
        type: cut(failure.type, TYPE_BYTES_MAX) || "Error",
        message: cut(failure.message, MESSAGE_BYTES_MAX),
        details: failure.details === undefined ? undefined : encodeValue(codec, failure.details),
        nonRetryable: failure.nonRetryable ?? false,
    };
}
export function failureOf(codec, failure) {
    return {
        type: failure.type,
        message: failure.message,
        details: decodeValue(codec, failure.details),
        nonRetryable: failure.nonRetryable,
    };
}
export function usageToWire(usage) {
    return {
        inputTokens: whole(usage.inputTokens, "usage.inputTokens"),
        cachedInputTokens: whole(usage.cachedInputTokens, "usage.cachedInputTokens"),
        outputTokens: whole(usage.outputTokens, "usage.outputTokens"),
        costMicros: whole(usage.costMicros, "usage.costMicros"),
    };
}
/** A delay: none at all is the shortest one, for on the wire 0 means the default. */
function delay(ms, field) {
    return ms === 0 ? 1 : whole(ms, field);
}
function retryToWire(retry) {
    return {
        maxAttempts: whole(retry.maxAttempts, "retry.maxAttempts"),
        initialMs: delay(retry.initialMs, "retry.initialMs"),
        factor: retry.factor ?? 0,
        capMs: delay(retry.capMs, "retry.capMs"),
        jitter: retry.jitter ?? 0,
        nonRetryableTypes: (retry.nonRetryableTypes ?? []),
    };
}
/** BeginNext has every field that BeginStepRequest adds to a run and its lease. */
export function beginToWire(codec, key, options, requestId) {
    if (typeof key !== "string" || key === "") {
        throw new InvalidArgument("key: must be a string that is not empty", {
            metadata: { field: "key" },
        });
    }
    const { effect, kind, durability, input, retry, timeoutMs, heartbeatMs } = options;
    const begin = {
        key,
        name: options.name ?? "",
        kind: (kind === undefined ? WireKind.UNSPECIFIED : word(kinds, kind, "kind")),
        effect: (effect === undefined
            ? WireEffect.ONCE
            : word(effects, effect, "effect")),
        input: undefined,
        inputDigest: undefined,
        retry: retry === undefined ? undefined : retryToWire(retry),
        timeouts: undefined,
        durability: durabilityToWire(durability),
        requestId,
    };
    if (input !== undefined) {
        const payload = encodeInput(codec, input);
        if (options.recordInput === false)
            begin.inputDigest = digestOf(payload.data);
        else
            begin.input = payload;
    }
    if (timeoutMs !== undefined || heartbeatMs !== undefined) {
        begin.timeouts = {
            startToCloseMs: whole(timeoutMs, "timeoutMs"),
            heartbeatMs: whole(heartbeatMs, "heartbeatMs"),
        };
    }
    return begin;
}
/** The digest by which divergence is found; none without an input. */
export function offeredDigest(begin) {
    if (begin.input !== undefined)
        return digestOf(begin.input.data);
    return begin.inputDigest ?? NO_BYTES;
}
export function doubtOf(codec, runId, key, doubt) {
    return {
        runId,
        key,
        attempts: doubt.attempts,
        idempotencyKey: doubt.idempotencyKey,
        externalRefs: doubt.externalRefs,
        progress: decodeValue(codec, doubt.progress),
        holder: doubt.holder,
        begunAt: new Date(doubt.begunMs),
        reason: doubtReasons[doubt.reason] ?? "reported",
    };
}
export function verdictOf(codec, runId, key, verdict) {
    const { execute, replay, inDoubt, diverged, wait } = verdict;
    if (execute !== undefined) {
        const { attempt, idempotencyKey, fencingToken, deadlineMs, externalRefs } = execute;
        const progress = decodeValue(codec, execute.progress);
        const deadline = dateOf(deadlineMs);
        return {
            kind: "execute",
            attempt,
            idempotencyKey,
            fencingToken,
            deadline,
            externalRefs,
            progress,
        };
    }
    if (replay !== undefined) {
        return {
            kind: "replay",
            attempt: replay.attempt,
            value: decodeValue(codec, replay.output),
            failure: replay.failure && failureOf(codec, replay.failure),
            acceptedDivergence: replay.acceptedDivergence,
        };
    }
    if (inDoubt !== undefined)
        return { kind: "in doubt", doubt: doubtOf(codec, runId, key, inDoubt) };
    if (diverged !== undefined) {
        return {
            kind: "diverged",
            recordedName: diverged.recordedName,
            recordedDigest: diverged.recordedDigest,
            offeredDigest: diverged.offeredDigest,
        };
    }
    return {
        kind: "wait",
        reason: wait?.reason === WireWaitReason.BACK_OFF ? "back off" : "held",
        notBefore: dateOf(wait?.notBeforeMs ?? 0),
        failure: wait?.failure && failureOf(codec, wait.failure),
    };
}
export function runInfoOf(codec, run) {
    const { inputTokens = 0, cachedInputTokens = 0, outputTokens = 0, costMicros = 0, } = run.usage ?? {};
    return {
        runId: run.runId,
        task: run.task,
        state: run.state === WireRunState.COMPLETED
            ? "completed"
            : run.state === WireRunState.FAILED
                ? "failed"
                : "running",
        input: decodeValue(codec, run.input),
        labels: run.labels,
        codeVersion: run.codeVersion,
        onDivergence: run.onDivergence === WirePolicy.ACCEPT ? "accept" : "fail",
        lease: run.lease,
        holder: run.holder,
        held: run.held,
        startedAt: new Date(run.startedMs),
        endedAt: dateOf(run.endedMs),
        steps: run.steps,
        stepsInDoubt: run.stepsInDoubt,
        usage: { inputTokens, cachedInputTokens, outputTokens, costMicros },
        result: decodeValue(codec, run.result),
        failure: run.failure && failureOf(codec, run.failure),
        unvisitedKeys: run.unvisitedKeys,
    };
}
export function resolutionToWire(codec, found) {
    switch (found.kind) {
        case "happened":
            return { happened: encodeValue(codec, found.value) };
        case "did not happen":
            return { didNotHappen: {} };
        case "give up":
            return { giveUp: failureToWire(codec, found.failure) };
        default:
            throw new InvalidArgument("reconcile must return happened(value), didNotHappen() or giveUp(message)");
    }
}
