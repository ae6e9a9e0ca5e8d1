/** `dmlc info`: what a bug report needs to say about the machine. */
import { availableParallelism, totalmem } from "node:os";
import { Command } from "commander";
import { engineChoices } from "../../runtime/engine/index.ts";
import { defaultCacheDirectory } from "../../runtime/data/cache_directory.ts";
import { ownPackage } from "../package.ts";
import type { Terminal } from "../terminal.ts";

export function infoCommand(terminal: Terminal): Command {
  return new Command("info").description("print versions, the platform and the cache folder").action(() => {
    const { json } = ownPackage();
    const lines: [string, string][] = [
      ["dmlc", json.version],
      ["tfjs", json.dependencies["@tensorflow/tfjs-core"] ?? "?"],
      ["node", process.versions.node],
      ["platform", `${process.platform} ${process.arch}`],
      ["cores", String(availableParallelism())],
      ["memory", `${(totalmem() / 2 ** 30).toFixed(1)} GiB`],
      ["engines", engineChoices.filter((name) => name !== "auto").join(", ")],
      ["cache", defaultCacheDirectory()],
    ];
    for (const [name, value] of lines) terminal.out(`${name.padEnd(10)}${value}\n`);
  });
}
