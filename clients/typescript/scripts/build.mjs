// SPDX-License-Identifier: Apache-2.0
// Writes dist from src. `--check` writes elsewhere and says whether dist is up to date.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("..", import.meta.url));
const check = process.argv.includes("--check");
const out = check ? mkdtempSync(join(tmpdir(), "stepwell-dist-")) : join(here, "dist");

function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length))
    .sort();
}

if (!check) rmSync(out, { recursive: true, force: true });
execFileSync(join(here, "node_modules/.bin/tsc"), ["-p", here, "--outDir", out], {
  stdio: "inherit",
});
if (check) {
  const dist = join(here, "dist");
  const names = new Set([...filesOf(dist), ...filesOf(out)]);
  const read = (folder, name) => {
    try {
      return readFileSync(join(folder, name), "utf8");
    } catch {
      return undefined;
    }
  };
  const stale = [...names].filter((name) => read(dist, name) !== read(out, name));
  rmSync(out, { recursive: true });
  if (stale.length > 0) {
    console.error(`dist is not what src gives; run "npm run build": ${stale.join(", ")}`);
    process.exit(1);
  }
}
