// SPDX-License-Identifier: Apache-2.0
// Runs every test, after making sure that dist, which they use, is what src gives.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("..", import.meta.url));
const run = (...words) => execFileSync(process.execPath, words, { cwd: here, stdio: "inherit" });
const tests = readdirSync(`${here}/test`).filter((name) => name.endsWith(".test.mjs"));

try {
  run("scripts/build.mjs", "--check");
  run("--test", ...tests.map((name) => `test/${name}`));
} catch {
  process.exit(1);
}
