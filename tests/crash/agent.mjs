// SPDX-License-Identifier: Apache-2.0
// A crash test's agent in TypeScript's run time: the twin of agent.py, with parallel steps.
import { connect, didNotHappen, Effect, happened } from "../../clients/typescript/dist/index.js";

const { WITNESS, AGENT } = process.env;
const STEPS = 14;

async function ask(path, body) {
  const options = body && { method: "POST", body: JSON.stringify(body) };
  return (await fetch(WITNESS + path, options)).json();
}

async function act(run, name, effect, step) {
  const number = Number(name.split("-").at(-1));
  if (number % 5 === 3) {
    await step.note({ externalRef: `ref-${name}`, progress: { half: number } });
  }
  if (effect === "NONE" && number % 4 === 1 && step.attempt === 1) {
    throw new Error("the first attempt always fails");
  }
  const seen = await ask("/effect", {
    run, step: name, effect, attempt: step.attempt, key: step.idempotencyKey,
  });
  return { token: seen.token, text: name.repeat(number % 6 === 5 ? 200 : 1) };
}

async function settle(run, step, doubt) {
  const { tokens } = await ask(`/seen?key=${doubt.idempotencyKey}`);
  const resolution = tokens.length > 0 ? "happened" : "did_not_happen";
  await ask("/resolve", { run, step, resolution });
  return tokens.length > 0 ? happened({ token: tokens.at(-1), text: "found" }) : didNotHappen();
}

async function takeStep(run, number, input) {
  const effect = ["NONE", "ONCE", "IDEMPOTENT"][number % 3];
  const name = `step-${number}`;
  const options = {
    effect: Effect[effect], input, retry: { maxAttempts: 4, initialMs: 10 },
    reconcile: (doubt) => settle(run.runId, name, doubt),
  };
  const result = await run.step(name, options, (step) => act(run.runId, name, effect, step));
  await ask("/ack", { run: run.runId, step: name, result: result.token });
  return result.text;
}

/** Steps by threes, each three in parallel. */
async function program(run) {
  const history = [];
  for (let first = 0; first < STEPS; first += 3) {
    const numbers = [first, first + 1, first + 2].filter((number) => number < STEPS);
    const input = [...history];
    history.push(...(await Promise.all(numbers.map((number) => takeStep(run, number, input)))));
  }
}

const client = connect({ patienceMs: 60_000 });
for (;;) {
  const { turn } = await ask(`/turn?agent=${AGENT}`);
  const runId = `${AGENT}-${turn}`;
  await client.run(runId, { task: "crash", input: { turn } }, program);
  await ask("/done", { agent: AGENT, run: runId, turn });
}
