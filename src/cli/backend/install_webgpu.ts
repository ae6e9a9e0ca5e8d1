/**
 * Brings the packages of the `webgpu` engine into the per-user cache, where `locateWebgpu` finds them. Called by
 * `dmlc backend install webgpu`; writes below the cache only.
 */
import { rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { dawnFolder, webgpuPackages } from "../../runtime/engine/webgpu/install.ts";
import { cachedPackage, locateWebgpu } from "../../runtime/engine/webgpu/locate.ts";
import { RunError } from "../../runtime/errors.ts";
import type { Reporter } from "../../runtime/report/progress.ts";
import { diskError, partialFolder, publish } from "./folders.ts";
import { fetchPackages, unpackPackage } from "./packages.ts";
import type { ToolOptions } from "./process.ts";

export interface WebgpuInstallOptions extends ToolOptions {
  readonly cacheDirectory: string;
  readonly reporter: Pick<Reporter, "phase">;
}

/** The folder of the engine in the cache. */
export function webgpuDirectory(cacheDirectory: string): string {
  return dirname(dirname(cachedPackage("webgpu", cacheDirectory)));
}

/**
 * Installs the engine's packages, unless they are there; answers where they are.
 *
 * @throws RunError with what is missing and what to do about it; RunInterrupted once the signal is aborted.
 */
export async function installWebgpu(
  options: WebgpuInstallOptions,
): Promise<{ directory: string; already: boolean }> {
  const { cacheDirectory, reporter } = options;
  const directory = webgpuDirectory(cacheDirectory);
  if (dawnFolder() === undefined) {
    throw new RunError(
      `there is no build of the webgpu engine for ${process.platform} ${process.arch}`,
      "Use the wasm engine, which runs everywhere.",
    );
  }
  const there = locateWebgpu(cacheDirectory);
  if (there !== undefined) return { directory: there.where, already: true };
  const partial = partialFolder(directory);
  try {
    reporter.phase("fetching the engine's packages");
    const tarballs = await fetchPackages(webgpuPackages, partial, options);
    for (const { name, keep } of webgpuPackages) {
      const folder = join(partial, relative(directory, cachedPackage(name, cacheDirectory)));
      const keeps = (path: string): boolean =>
        keep.some((kept) => path === kept || path.startsWith(`${kept}/`));
      unpackPackage(tarballs.get(name)!, keeps, folder);
    }
    publish(partial, directory, () => locateWebgpu(cacheDirectory) !== undefined);
    return { directory, already: false };
  } catch (error) {
    throw diskError(directory, error);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}
