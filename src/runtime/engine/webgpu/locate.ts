/**
 * Where the packages of the `webgpu` engine are: installed beside this one (by a user who asked npm for them), or in
 * the per-user cache, where `dmlc backend install webgpu` puts them. Called by `start.ts` and by whatever lists
 * engines; looks at the disk, loads nothing.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { defaultCacheDirectory } from "../../data/cache_directory.ts";
import { backendPackage, dawnFolder, dawnPackage, webgpuFolder } from "./install.ts";

export interface WebgpuFiles {
  /** Entry of the package `webgpu`, an ES module. */
  readonly dawn: string;
  /** Dawn's version. */
  readonly dawnVersion: string;
  /** The CommonJS bundle of the tfjs backend. */
  readonly backend: string;
  readonly backendVersion: string;
  /** Where they were found, for messages. */
  readonly where: string;
}

/** Folder of a package within the cache. */
export function cachedPackage(name: string, cacheDirectory: string = defaultCacheDirectory()): string {
  return join(cacheDirectory, webgpuFolder, "node_modules", name);
}

/** The packages' files, or undefined if they are not installed, or not for this platform. */
export function locateWebgpu(cacheDirectory: string = defaultCacheDirectory()): WebgpuFiles | undefined {
  const places = [
    { where: "node_modules", folderOf: installedPackage },
    {
      where: join(cacheDirectory, webgpuFolder),
      folderOf: (name: string) => cachedPackage(name, cacheDirectory),
    },
  ];
  for (const { where, folderOf } of places) {
    const [dawn, backend] = [folderOf(dawnPackage.name), folderOf(backendPackage.name)];
    if (dawn === undefined || backend === undefined) continue;
    const files = {
      dawn: join(dawn, "index.js"),
      backend: join(backend, "dist", "tf-backend-webgpu.node.js"),
    };
    const native = join(dawn, "dist", dawnFolder() ?? "none", "dawn.node");
    if (![files.dawn, files.backend, native].every((file) => existsSync(file))) continue;
    return { ...files, dawnVersion: versionOf(dawn), backendVersion: versionOf(backend), where };
  }
  return undefined;
}

function installedPackage(name: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

function versionOf(folder: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  return version;
}
