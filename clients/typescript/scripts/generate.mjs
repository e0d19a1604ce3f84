// SPDX-License-Identifier: Apache-2.0
// Writes src/proto from the contract at the top of the repository. Messages only:
// the calls are made by hand in src/session.ts and src/unary.ts.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("..", import.meta.url));
const options = [
  "forceLong=number", // lsn, lease and times fit 2^53; decoding more throws
  "oneof=properties", // one object less per message than a union
  "enumsAsLiterals=true",
  "removeEnumPrefix=true",
  "unrecognizedEnum=false",
  "outputServices=none",
  "outputJsonMethods=false",
  "outputPartialMethods=false",
  "useExactTypes=false",
  "esModuleInterop=true",
  "importSuffix=.js",
];
const template = {
  version: "v2",
  plugins: [
    {
      local: `${here}node_modules/.bin/protoc-gen-ts_proto`,
      out: "src/proto",
      opt: options,
    },
  ],
};
rmSync(`${here}src/proto`, { recursive: true, force: true });
execFileSync(
  `${here}node_modules/.bin/buf`,
  [
    "generate",
    "../../proto",
    "--path",
    "../../proto/stepwell",
    "--path",
    "../../proto/google/rpc",
    "--template",
    JSON.stringify(template),
  ],
  { cwd: here, stdio: "inherit" },
);

// Numbers by way of a string are slow; a bigint turns into one by itself, and so does a number.
for (const name of readdirSync(`${here}src/proto`, { recursive: true })) {
  if (!name.endsWith(".ts")) continue;
  const path = `${here}src/proto/${name}`;
  const text = readFileSync(path, "utf8");
  const better = text.replace("globalThis.Number(int64.toString())", "globalThis.Number(int64)");
  if (text.includes("function longToNumber") && better === text) {
    throw new Error(`${name}: longToNumber is not what it was`);
  }
  writeFileSync(path, better);
}
