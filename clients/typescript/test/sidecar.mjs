// SPDX-License-Identifier: Apache-2.0
// The real sidecar, for tests that stop and kill it.
import { spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const places = [
  process.env.STEPWELL_BIN,
  join(root, "build/dev/sidecar/stepwell"),
  join(root, "build/release/sidecar/stepwell"),
];

function binary() {
  for (const place of places) {
    try {
      accessSync(place ?? "", constants.X_OK);
      return place;
    } catch {
      // the next one
    }
  }
  throw new Error("no sidecar to test against: build it, or set STEPWELL_BIN");
}

export class Sidecar {
  folder = mkdtempSync(join(tmpdir(), "stepwell-"));
  address = `unix://${this.folder}/s.sock`;

  /** flags: of `stepwell serve`, beside where it is. */
  async start(...flags) {
    const log = openSync(join(this.folder, "log"), "a");
    const words = [
      "serve",
      "--data",
      join(this.folder, "data"),
      "--listen",
      this.address,
      ...flags,
    ];
    this.child = spawn(binary(), [...words, "--ready-fd", "3"], {
      stdio: ["ignore", log, log, "pipe"],
    });
    this.exited = new Promise((resolve) => {
      this.child.once("exit", (code, signal) => resolve(signal ?? code));
    });
    const ready = new Promise((resolve) => this.child.stdio[3].once("data", () => resolve(true)));
    if (!(await Promise.race([ready, this.exited.then(() => false)]))) {
      throw new Error(`the sidecar does not start:\n${this.log()}`);
    }
    return this;
  }

  async stop(signal = "SIGTERM") {
    this.child.kill(signal);
    return this.exited;
  }

  log() {
    return readFileSync(join(this.folder, "log"), "utf8");
  }

  async close() {
    const ended = await this.stop();
    if (ended !== 0) throw new Error(`the sidecar ended with ${ended}:\n${this.log()}`);
    rmSync(this.folder, { recursive: true });
  }
}
