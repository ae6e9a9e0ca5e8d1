/** `dmlc info`: what a bug report needs to say about the machine, the engines on it included. */
import { availableParallelism, totalmem } from "node:os";
import { Command } from "commander";
import { locateTensorflow } from "../../runtime/engine/tensorflow/locate.ts";
import { defaultCacheDirectory } from "../../runtime/places.ts";
import { engineRows } from "../backend/engines.ts";
import type { EngineRow } from "../backend/engines.ts";
import { ownPackage } from "../package.ts";
import type { Terminal } from "../terminal.ts";

export function infoCommand(terminal: Terminal): Command {
  return new Command("info")
    .description("print versions, the platform, the engines with their devices, and the cache folder")
    .action(async () => {
      const { json } = ownPackage();
      const lines: [string, string][] = [
        ["dmlc", json.version],
        ["tfjs", json.dependencies["@tensorflow/tfjs-core"] ?? "?"],
        ["node", process.versions.node],
        ["platform", `${process.platform} ${process.arch}`],
        ["cores", String(availableParallelism())],
        ["memory", `${(totalmem() / 2 ** 30).toFixed(1)} GiB`],
        ["cache", defaultCacheDirectory()],
      ];
      for (const row of engineRows()) lines.push([row.engine, await engineText(row)]);
      for (const [name, value] of lines) terminal.out(`${name.padEnd(12)}${value}\n`);
    });
}

/** Versions and device of an engine that is there, or why it is not. */
async function engineText({
  engine,
  available,
  versions,
  cuda,
  directory,
  reason,
}: EngineRow): Promise<string> {
  if (!available) return reason ?? "not there";
  const made = Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
  const text = [made, ...(cuda === true ? ["CUDA"] : []), ...(directory === undefined ? [] : [directory])];
  return [...text, await deviceOf(engine)].join("; ");
}

async function deviceOf(engine: EngineRow["engine"]): Promise<string> {
  if (engine === "wasm") return "device: CPU, one thread";
  const { backend } = locateTensorflow();
  if (engine === "webgpu" || backend === undefined) return "device: the fastest GPU that has a driver";
  const { checkBackend } = await import("../backend/check_backend.ts");
  const { directory, manifest } = backend;
  const signal = new AbortController().signal;
  const { device, problems, notes } = await checkBackend(directory, manifest.cuda, {
    environment: process.env,
    signal,
  });
  const found = device === undefined ? [] : [`device: ${device}`];
  return [...found, ...problems.map((problem) => `does not work: ${problem}`), ...notes].join("; ");
}
