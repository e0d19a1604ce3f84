// SPDX-License-Identifier: Apache-2.0
// What the library does with every verdict, against the real sidecar.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import * as stepwell from "../dist/index.js";
import { Sidecar } from "./sidecar.mjs";

const { connect, didNotHappen, Effect, happened } = stepwell;
let sidecar;
let client;

before(async () => {
  sidecar = await new Sidecar().start();
  client = connect({ address: sidecar.address });
});
after(async () => {
  await client.close();
  await sidecar.close();
});

/** A life of an agent that ends without a word, as if it had been killed. */
async function lostLife(id, program) {
  const other = connect({ address: sidecar.address });
  const run = await other.open(id, { task: "t" });
  await program(run);
  await other.close();
}

test("a run takes its steps and ends with what its program returns", async () => {
  const result = await client.run(randomUUID(), { task: "t", input: { a: 1 } }, async (run) => {
    const a = await run.step("a", { effect: Effect.NONE }, () => 20);
    return (await run.step("b", (step) => a + step.attempt)) * 2;
  });
  assert.equal(result, 42);
});

test("a run that is taken again replays what it did", async () => {
  const id = randomUUID();
  let acted = 0;
  await lostLife(id, (run) => run.step("a", () => ({ acted: ++acted, text: "x".repeat(5000) })));
  await client.run(id, { task: "t" }, async (run) => {
    const again = await run.step("a", () => assert.fail("acted twice"));
    assert.equal(again.acted, 1);
  });
  assert.equal(acted, 1);
});

test("a run that has ended answers as it ended", async () => {
  const id = randomUUID();
  await client.run(id, { task: "t" }, () => "first");
  assert.equal(await client.run(id, { task: "t" }, () => assert.fail("ran twice")), "first");
});

for (const [settled, acted, answer] of [
  ["happened", 1, () => happened("found")],
  ["did not happen", 2, () => didNotHappen()],
]) {
  test(`a ONCE step in doubt asks reconcile: ${settled}`, async () => {
    const id = randomUUID();
    const keys = [];
    await lostLife(id, async (run) => {
      const verdict = await run.begin("pay", { effect: Effect.ONCE });
      keys.push(verdict.idempotencyKey);
      await run.note("pay", 1, { externalRef: "ch_1" });
    });
    await client.run(id, { task: "t" }, async (run) => {
      const reconcile = (doubt) => {
        assert.deepEqual(doubt.externalRefs, ["ch_1"]);
        assert.equal(doubt.idempotencyKey, keys[0]);
        return answer();
      };
      await run.step("pay", { effect: Effect.ONCE, reconcile }, (step) => {
        keys.push(step.idempotencyKey);
      });
    });
    assert.deepEqual(keys, Array(acted).fill(keys[0]));
  });
}

test("doubt without reconcile is an error that leaves the run open", async () => {
  const id = randomUUID();
  await lostLife(id, (run) => run.begin("pay", { effect: Effect.ONCE }));
  const run = client.run(id, { task: "t" }, (r) => r.step("pay", () => assert.fail("acted")));
  await assert.rejects(run, stepwell.StepInDoubt);
});

test("a step that fails is tried again, and in the end fails for good", async () => {
  await client.run(randomUUID(), { task: "t" }, async (run) => {
    const retry = { maxAttempts: 3, initialMs: 5 };
    let tries = 0;
    const flaky = () => {
      if (++tries < 3) throw new Error("not yet");
      return tries;
    };
    assert.equal(await run.step("flaky", { effect: Effect.NONE, retry }, flaky), 3);
    const bad = run.step("bad", { effect: Effect.NONE, retry }, () => {
      throw new RangeError("never");
    });
    await assert.rejects(bad, (error) => error instanceof stepwell.StepFailed);
    const once = run.step("once", { effect: Effect.NONE, retry }, () => {
      throw new stepwell.NonRetryable("no");
    });
    await assert.rejects(once, stepwell.StepFailed);
  });
});

test("another input is divergence", async () => {
  const id = randomUUID();
  await lostLife(id, (run) => run.step("a", { input: 1 }, () => 1));
  const again = client.run(id, { task: "t" }, (run) => run.step("a", { input: 2 }, () => 2));
  await assert.rejects(again, stepwell.Diverged);
});

test("steps of one run go in parallel", async () => {
  const keys = Array.from({ length: 100 }, (_, i) => `s${i}`);
  await client.run(randomUUID(), { task: "t" }, async (run) => {
    const results = await Promise.all(keys.map((key) => run.step(key, () => key)));
    assert.deepEqual(results, keys);
  });
});

test("a chain fuses outcome and intent", async () => {
  await client.run(randomUUID(), { task: "t" }, async (run) => {
    const steps = ["a", "b", "c"].map((key) => ({ key, effect: Effect.NONE, run: () => key }));
    assert.deepEqual(await run.chain(steps), ["a", "b", "c"]);
  });
});

test("a newer holder fences the older", async () => {
  const id = randomUUID();
  const run = await client.open(id, { task: "t" });
  const other = connect({ address: sidecar.address });
  await other.open(id, { task: "t" });
  await assert.rejects(
    run.step("a", () => 1),
    stepwell.Fenced,
  );
  await other.close();
});

test("a claim finds a run that nobody holds", async () => {
  const task = randomUUID();
  const id = randomUUID();
  assert.equal(await client.claim({ tasks: [task] }), undefined);
  await client.startRun(id, { task });
  const run = await client.claim({ tasks: [task], waitMs: 5000 });
  assert.equal(run.runId, id);
  await run.end("done");
});

test("work goes on through kills of the sidecar", async () => {
  const own = await new Sidecar().start();
  const agent = connect({ address: own.address, patienceMs: 30_000 });
  const acted = new Map();
  const work = agent.run(randomUUID(), { task: "t" }, async (run) => {
    for (let i = 0; i < 150; i++) {
      await run.step(`s${i}`, { effect: Effect.ONCE }, () => {
        acted.set(i, (acted.get(i) ?? 0) + 1);
      });
    }
  });
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    await own.stop("SIGKILL");
    await own.start();
  }
  await work;
  assert.equal(acted.size, 150);
  assert.ok([...acted.values()].every((times) => times === 1));
  await agent.close();
  await own.close();
});
