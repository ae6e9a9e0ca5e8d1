/** The built module that threads run: from sources, threads of older versions of Node could not start. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const checkout = fileURLToPath(new URL("../..", import.meta.url));

export function buildWorker(): { entry: URL; remove(): void } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "dmlc-worker-")));
  symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  const tsc = join(checkout, "node_modules", "typescript", "bin", "tsc");
  const config = join(checkout, "tsconfig.build.json");
  const built = spawnSync(process.execPath, [tsc, "-p", config, "--outDir", join(folder, "dist")]);
  if (built.status !== 0) throw new Error(`the build failed:\n${built.stdout}${built.stderr}`);
  return {
    entry: pathToFileURL(join(folder, "dist", "src", "runtime", "data", "images", "worker.js")),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
