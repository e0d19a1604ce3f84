// SPDX-License-Identifier: Apache-2.0
// What people and their tools ask, against the real sidecar with an object store.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  connect,
  Effect,
  happened,
  InvalidArgument,
  NotFound,
  OutcomeConflict,
} from "../dist/index.js";
import { Sidecar } from "./sidecar.mjs";

let folder;
let sidecar;
let client;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "stepwell-store-"));
  sidecar = await new Sidecar().start("--store", `file://${folder}`, "--journal", "j");
  client = connect({ address: sidecar.address });
});
after(async () => {
  await client.close();
  await sidecar.close();
  rmSync(folder, { recursive: true });
});

const listed = async (filter) => {
  const ids = [];
  for await (const run of client.control.listRuns(filter)) ids.push(run.runId);
  return ids;
};

/** An agent that ends in the middle of a step. */
async function leaveInDoubt(id) {
  const other = connect({ address: sidecar.address });
  const run = await other.open(id, { task: "doubt" });
  await run.begin("pay", { effect: Effect.ONCE });
  await other.close();
}

test("runs are listed, newest first, as the filter says", async () => {
  await client.run("a", { task: "t", labels: { team: "x" } }, () => 1);
  await client.run("b", { task: "t" }, () => 2);
  assert.deepEqual(await listed({ task: "t" }), ["b", "a"]);
  assert.deepEqual(await listed({ task: "t", labels: { team: "x" } }), ["a"]);
  assert.deepEqual(await listed({ task: "t", state: "running" }), []);
});

test("a run is shown, and one that is unknown is not found", async () => {
  assert.equal((await client.control.getRun("a")).state, "completed");
  await assert.rejects(client.control.getRun("nobody's"), NotFound);
});

test("a person ends a doubt, once", async () => {
  await leaveInDoubt("c");
  assert.deepEqual(await listed({ inDoubt: true }), ["c"]);
  await client.control.resolveStep("c", "pay", happened("receipt 7"), "ann");
  assert.deepEqual(await listed({ inDoubt: true }), []);
  await assert.rejects(
    client.control.resolveStep("c", "pay", happened(""), "ann"),
    OutcomeConflict,
  );
  await client.run("c", { task: "doubt" }, async (run) => {
    assert.equal(await run.step("pay", () => assert.fail("paid twice")), "receipt 7");
  });
});

test("a flush waits for the store, and the status tells how far it is", async () => {
  const lsn = await client.control.flush();
  assert.equal(await client.control.flush("local"), lsn);
  await assert.rejects(client.control.flush("nowhere"), InvalidArgument);

  const status = await client.control.status();
  assert.equal(status.state, "serving");
  assert.equal(status.journal, "j");
  assert.equal(status.lsn, lsn);
  assert.equal(status.store.url, `file://${folder}`);
  assert.equal(status.store.state, "answering");
  assert.equal(status.store.error, undefined);
  assert.equal(status.store.shippedLsn, lsn);
  assert.equal(status.store.lagMs, 0);
  assert.ok(status.store.slot >= 2);
  assert.ok(status.store.putP50Us > 0);
  assert.equal(status.store.snapshotAt, undefined);
});

test("without a store the status has none", async () => {
  const alone = await new Sidecar().start();
  const other = connect({ address: alone.address });
  assert.equal((await other.control.status()).store, undefined);
  await assert.rejects(other.control.flush("remote"));
  await other.close();
  await alone.close();
});
