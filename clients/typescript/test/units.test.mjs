// SPDX-License-Identifier: Apache-2.0
// What needs no sidecar: the list of exports, the codec, the table of reasons.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as stepwell from "../dist/index.js";

test("the exports are these", () => {
  assert.deepEqual(Object.keys(stepwell).sort(), [
    ..."Client Control Corrupt Diverged Durability Effect Fenced InvalidArgument Kind".split(" "),
    ..."Misconfigured NonRetryable NotFound NotInDoubt OnDivergence OutcomeConflict".split(" "),
    ..."OutcomeUnknown ResourceExhausted Run RunConflict RunEnded RunFailed StepContext".split(" "),
    ..."StepFailed StepInDoubt StepwellError Unavailable connect currentStep".split(" "),
    ..."didNotHappen giveUp happened isConnectionLoss jsonCodec".split(" "),
  ]);
});

test("JSON and bytes survive the codec", () => {
  for (const value of [null, 1, "ü", { a: [1, { b: null }] }, new Uint8Array([0, 255])]) {
    const encoded = stepwell.jsonCodec.encode(value);
    assert.deepEqual(stepwell.jsonCodec.decode(encoded.data, encoded.contentType), value);
  }
});

test("every reason of the contract has an error of its kind", () => {
  const table = new URL("../../../storage/base/code.def", import.meta.url);
  const names = [...readFileSync(table, "utf8").matchAll(/^SW_CODE\((\w+)/gm)].map((m) => m[1]);
  const errors = readFileSync(new URL("../src/errors.ts", import.meta.url), "utf8");
  for (const name of names.filter((reason) => !["OK", "NOT_LOADED"].includes(reason))) {
    assert.match(errors, new RegExp(`\\b${name}\\b`), name);
  }
});

test("a lost connection is told from a refusal", () => {
  const reset = Object.assign(new Error("x"), { code: "ECONNRESET" });
  assert.ok(stepwell.isConnectionLoss(reset));
  assert.ok(!stepwell.isConnectionLoss(new RangeError("x")));
});
