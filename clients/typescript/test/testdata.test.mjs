// SPDX-License-Identifier: Apache-2.0
// What both clients must agree on: clients/testdata. The twin is test_testdata.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { addressOf } from "../dist/client.js";
import { beginToWire, digestOf, failureToWire, verdictOf } from "../dist/convert.js";
import * as stepwell from "../dist/index.js";
import { Failure, Verdict } from "../dist/proto/stepwell/v1/types.js";
import { errorOfSession } from "../dist/status.js";

const codec = stepwell.jsonCodec;
const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (data) => Buffer.from(data).toString("hex");
const text = (data) => Buffer.from(data).toString("utf8");

function vectors(name, check) {
  const file = new URL(`../../testdata/${name}.json`, import.meta.url);
  const rows = JSON.parse(readFileSync(file, "utf8")).vectors;
  rows.forEach((row, i) => {
    test(`${name} ${i}: ${row.name ?? row.reason ?? ""}`, () => check(row));
  });
}

vectors("values", (row) => {
  const value = row.bytes === undefined ? row.value : bytes(row.bytes);
  const stored = codec.encode(value);
  const compared = codec.encode(value, true);
  assert.equal(stored.contentType, row.content_type);
  assert.equal(compared.contentType, row.content_type);
  assert.equal(hex(digestOf(compared.data)), row.digest);
  if (row.canonical !== undefined) assert.equal(text(compared.data), row.canonical);
  if (row.plain !== undefined) assert.equal(text(stored.data), row.plain);
  assert.deepEqual(codec.decode(stored.data, stored.contentType), value);
});

vectors("payloads", (row) => {
  const value = codec.decode(Buffer.from(row.text), row.content_type);
  assert.deepEqual(value, row.bytes === undefined ? row.value : bytes(row.bytes));
  assert.equal(value === undefined, row.nothing ?? false);
});

vectors("addresses", (row) => {
  const { STEPWELL_ADDR } = process.env;
  delete process.env.STEPWELL_ADDR;
  if (row.environment !== null) process.env.STEPWELL_ADDR = row.environment;
  try {
    const given = row.given ?? undefined;
    if (row.target === null) assert.throws(() => addressOf(given), stepwell.InvalidArgument);
    else assert.equal(addressOf(given), row.target);
  } finally {
    if (STEPWELL_ADDR === undefined) delete process.env.STEPWELL_ADDR;
    else process.env.STEPWELL_ADDR = STEPWELL_ADDR;
  }
});

vectors("errors", (row) => {
  const { code, reason, retry_after_ms: retryAfterMs } = row;
  const error = errorOfSession({ code, reason, message: "why", metadata: {}, retryAfterMs });
  assert.equal(error.name, row.error);
  if (row.retry !== undefined) assert.equal(error.retryAfterMs > 0, row.retry);
  assert.equal(error.retryAfterMs, retryAfterMs);
});

vectors("failures", (row) => {
  const [type, message] = [row.type, row.message].map(([piece, times]) => piece.repeat(times));
  const sent = Failure.encode(failureToWire(codec, { type, message })).finish();
  const recorded = Failure.decode(sent);
  assert.equal(recorded.type, row.recorded_type);
  assert.equal(Buffer.byteLength(recorded.message), row.recorded_message_bytes);
});

vectors("retries", (row) => {
  const retry = {
    initialMs: row.initial_ms,
    capMs: row.cap_ms,
    factor: row.factor,
    jitter: row.jitter,
    maxAttempts: row.max_attempts,
  };
  const wire = beginToWire(codec, "k", { retry }, "id").retry;
  assert.equal(wire.initialMs, row.wire.initial_ms);
  assert.equal(wire.capMs, row.wire.cap_ms);
  assert.equal(wire.factor, row.wire.factor);
  assert.equal(wire.jitter, row.wire.jitter);
  assert.equal(wire.maxAttempts, row.wire.max_attempts);
});

function assertFailure(failure, row) {
  if (row === undefined) return assert.equal(failure, undefined);
  const { type, message, details, non_retryable: nonRetryable } = row;
  assert.deepEqual(failure, { type, message, details, nonRetryable });
}

vectors("verdicts", (row) => {
  const told = verdictOf(codec, "r", "k", Verdict.decode(Buffer.from(row.wire, "hex")));
  assert.equal(told.kind, row.kind);
  if (row.kind === "replay") {
    assert.equal(told.attempt, row.attempt);
    assert.deepEqual(told.value, row.value);
    assert.equal(told.acceptedDivergence, row.accepted_divergence);
    assertFailure(told.failure, row.failure);
  } else if (row.kind === "wait") {
    assert.equal(told.reason, row.held ? "held" : "back off");
    assert.equal(told.notBefore?.getTime() ?? 0, row.not_before_ms);
    assertFailure(told.failure, row.failure);
  } else if (row.kind === "diverged") {
    assert.equal(told.recordedName, row.recorded_name);
    assert.equal(hex(told.recordedDigest), row.recorded_digest);
    assert.equal(hex(told.offeredDigest), row.offered_digest);
  } else {
    const { doubt } = told;
    assert.equal(doubt.attempts, row.doubt.attempts);
    assert.equal(doubt.idempotencyKey, row.doubt.idempotency_key);
    assert.deepEqual(doubt.externalRefs, row.doubt.external_refs);
    assert.deepEqual(doubt.progress, row.doubt.progress);
    assert.equal(doubt.holder, row.doubt.holder);
    assert.equal(doubt.begunAt.getTime(), row.doubt.begun_ms);
    assert.equal(doubt.reason, row.doubt.reason.toLowerCase().replace("_", " "));
  }
});
