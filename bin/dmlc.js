#!/usr/bin/env node
// The command `dmlc`: starts the built command line, or says how to build it.
import { existsSync } from "node:fs";
import * as module from "node:module";
import { fileURLToPath } from "node:url";

// Where Node keeps compiled code between runs (22.1 and later), a second start is faster; it never fails.
module.enableCompileCache?.();

const entry = new URL("../dist/src/cli/main.js", import.meta.url);
if (existsSync(entry)) {
  const { main } = await import(entry.href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  const folder = fileURLToPath(new URL("..", import.meta.url));
  process.stderr.write(`dmlc is not built: run \`npm run build\` in ${folder}\n`);
  process.exitCode = 2;
}
