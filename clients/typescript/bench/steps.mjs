// SPDX-License-Identifier: Apache-2.0
// Durable steps per second from Node: so many agents, one client, one stream, each
// doing straight-line fused steps. Prints one line of JSON.
//
//   node bench/steps.mjs [--agents 64] [--seconds 10] [--bytes 200] [--steps 500]
//
// The sidecar is at $STEPWELL_ADDR. `--steps` is the length of a run; a new one follows.
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { connect, Effect } from "../dist/index.js";

const { values } = parseArgs({
  options: {
    agents: { type: "string", default: "64" },
    seconds: { type: "string", default: "10" },
    bytes: { type: "string", default: "200" },
    steps: { type: "string", default: "500" },
  },
});
const [agents, seconds, bytes, stepsPerRun] = [
  values.agents,
  values.seconds,
  values.bytes,
  values.steps,
].map(Number);

const WARM_UP_MS = 1000;
const output = "x".repeat(Math.max(0, bytes - 2)); // the two quotes are bytes too
const options = { effect: Effect.NONE, name: "work" };
const client = connect();
const started = performance.now() + WARM_UP_MS;
const until = started + seconds * 1000;
const latencies = []; // µs from one step's act to the next one's

/** The steps of one run; each is begun with the outcome of the one before. */
function* steps() {
  let last = 0;
  const run = () => {
    const now = performance.now();
    if (last >= started && now <= until) latencies.push((now - last) * 1000);
    last = now;
    return output;
  };
  for (let i = 0; i < stepsPerRun && performance.now() < until; i++) {
    yield { ...options, key: `s${i}`, run };
  }
}

async function agent() {
  while (performance.now() < until) {
    await client.run(randomUUID(), { task: "bench" }, async (run) => {
      await run.chain(steps());
    });
  }
}

await Promise.all(Array.from({ length: agents }, agent));
client.close();
latencies.sort((a, b) => a - b);
const at = (share) => Math.round(latencies[Math.floor(latencies.length * share)] ?? 0);
console.log(
  JSON.stringify({
    steps_per_s: Math.round(latencies.length / seconds),
    p50_us: at(0.5),
    p99_us: at(0.99),
  }),
);
