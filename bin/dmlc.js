#!/usr/bin/env node
// The command `dmlc`: starts the built command line, or says how to build it.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const entry = new URL("../dist/src/cli/main.js", import.meta.url);
if (existsSync(entry)) {
  const { main } = await import(entry.href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  const folder = fileURLToPath(new URL("..", import.meta.url));
  process.stderr.write(`dmlc is not built: run \`npm run build\` in ${folder}\n`);
  process.exitCode = 2;
}
